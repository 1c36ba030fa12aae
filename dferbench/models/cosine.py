"""A video belongs to the class whose text is nearest by cosine, as in CLIP (Radford et al., ICML 2021)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from torch import Tensor, nn
from torch.nn import functional as F

from dferbench.errors import ConfigError
from dferbench.models.frames import FrameClassifier, Frozen
from dferbench.models.parts import Parts
from dferbench.models.texts import class_texts
from dferbench.models.two_tower import TwoTower
from dferbench.types import Task

Kind = TypeVar("Kind", bound="CosineClassifier")


class CosineClassifier(FrameClassifier):
    """Cosine similarity of a video's feature and each class's text feature, over a constant temperature.

    `prompt` gives text features, () -> (C, dim). Raises ConfigError for a temperature that is not above zero.
    """

    tower: TwoTower

    def __init__(
        self,
        tower: TwoTower,
        temporal: nn.Module,
        prompt: nn.Module,
        temperature: float,
        notes: Mapping[str, Any],
    ) -> None:
        super().__init__(tower, temporal)
        if not temperature > 0:
            raise ConfigError(f"the temperature is {temperature}", "It must be above 0; CLIP's is 0.01.")
        self.prompt = prompt
        self.temperature = temperature
        self.notes = notes

    def video(self, frames: Tensor) -> Tensor:
        """Frame features (B, T, dim) -> video features of length one (B, dim)."""
        return F.normalize(self.temporal(frames), dim=-1)

    def decide(self, frames: Tensor) -> Tensor:
        """Frame features (B, T, dim) -> logits (B, C)."""
        text = F.normalize(self.prompt(), dim=-1)
        return self.video(frames) @ text.T / self.temperature


class FrozenCosineClassifier(Frozen, CosineClassifier):
    """The same over remembered frame features: only the prompt and the temporal head can learn."""


def compose(  # noqa: PLR0913 - these are the options of every method that compares videos with texts
    kind: type[Kind],
    task: Task,
    parts: Parts,
    defaults: Mapping[str, Any],
    *,
    backbone: str,
    temporal: str,
    prompt: str,
    text: str,
    temperature: float,
    **words: Any,
) -> Kind:
    """A model of `kind` from its parts by name; `text` is a source of class texts (`dferbench.models.texts`).

    `words` describe learned context, and `defaults` are the method's own: a prompt without learned words
    refuses what differs from them. The record keeps the texts. Raises ConfigError or DataError.
    """
    tower = require_text_tower(parts.backbone(backbone), backbone)
    described = class_texts(text, task.classes)
    head = parts.temporal(temporal, dim=tower.dim, frames=task.frames)
    written = parts.prompt(prompt, tower, described, defaults, **words)
    notes = {"texts": dict(zip(task.classes, described, strict=True)), **getattr(written, "notes", {})}
    return kind(tower, head, written, temperature, notes)


def require_text_tower(backbone: nn.Module, name: str) -> TwoTower:
    """The backbone itself. Raises ConfigError if it has no text tower to read class texts with."""
    if not isinstance(backbone, TwoTower):
        raise ConfigError(
            f"videos are compared with texts here, and the backbone '{name}' has no text tower",
            "Choose a CLIP, for example --set backbone=clip-tiny.",
        )
    return backbone
