"""The parts a method composes: backbones, temporal heads and prompts, by name, from the catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from torch import nn

from dferbench import spec
from dferbench.errors import ConfigError
from dferbench.registry.catalog import Catalog
from dferbench.registry.options import from_signature


class Parts:
    """Builds parts for one model; handed to a method's `build`. `used` says which weights went in, and
    `backbones` holds those built, by their texts.

    `weights` maps a backbone's name to a file, or to the word "random"; `missing` stands for those it does
    not name, None for each backbone's own source.
    """

    def __init__(
        self, catalog: Catalog, weights: Mapping[str, str] | None = None, missing: str | None = None
    ) -> None:
        self._catalog = catalog
        self._weights = dict(weights or {})
        self._missing = missing
        self.used: dict[str, dict[str, Any]] = {}
        self.backbones: dict[str, Any] = {}

    def backbone(self, text: str) -> Any:
        """A backbone, named as `name` or `name(option=value)`: (N, 3, H, W) -> (N, .dim).

        Raises UnknownName, ConfigError, or DataError if its weights are missing or damaged.
        """
        call = spec.parse_one(text)
        module = self._catalog.make("backbones", text, self._weights.get(call.name, self._missing))
        self.backbones[text] = module
        if origin := getattr(module, "origin", None):
            self.used[call.name] = {"source": origin.source, "sha256": origin.sha256, "random": origin.random}
        return module

    @property
    def unused(self) -> list[str]:
        """The names in `weights` of which no backbone was built."""
        built = {spec.parse_one(text).name for text in self.backbones}
        return sorted(set(self._weights) - built)

    def require_used(self) -> None:
        """Raise ConfigError if weights were given for a backbone that the model does not have."""
        if self.unused:
            built = " and ".join(spec.parse_one(text).name for text in self.backbones)
            has = f"the model's backbone is {built}" if built else "the model has no backbone"
            raise unused_weights(self.unused, has)

    def temporal(self, text: str, dim: int, frames: int) -> nn.Module:
        """A temporal head: (B, T, dim) -> (B, dim). Raises UnknownName or ConfigError."""
        return self._module("temporal_heads", text, dim, frames)

    def prompt(
        self,
        text: str,
        tower: Any,
        texts: Sequence[str],
        defaults: Mapping[str, Any] = MappingProxyType({}),
        **options: Any,
    ) -> nn.Module:
        """A prompt strategy over a two-tower backbone: () -> (C, dim). `options` are the method's own; what
        the text itself says wins. One that the prompt lacks may only have the value in `defaults`.

        Raises UnknownName or ConfigError.
        """
        entry = self._catalog.get("prompts", spec.parse_one(text).name)
        known = (entry.options or from_signature(entry.load(), given=2)).model_fields
        meant = {k: v for k, v in options.items() if k in known or k not in defaults or v != defaults[k]}
        return self._module("prompts", text, tower, tuple(texts), **meant)

    def _module(self, kind: str, text: str, *given: Any, **options: Any) -> nn.Module:
        module = self._catalog.make(kind, text, *given, **options)
        if not isinstance(module, nn.Module):
            raise ConfigError(
                f"{text} built something of type {type(module).__name__}, not a torch module",
                "Fix its plugin.",
            )
        return module


def unused_weights(names: Sequence[str], why: str) -> ConfigError:
    """The error for weights that nothing uses: they would only give a run another identity."""
    return ConfigError(
        f"nothing uses --weights {' and '.join(names)}: {why}",
        "Leave it out. Methods that start from a file of their own take it as --set weights=FILE.",
    )
