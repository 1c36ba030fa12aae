"""What a search may vary: `--search lr=log(1e-5, 1e-2)`, in the language of recipes. No Optuna here."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dferbench import spec
from dferbench.errors import ConfigError


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included: if `whole`, every `step` of the whole ones, and if `log`,
    spread evenly over magnitudes."""

    low: float
    high: float
    log: bool = False
    whole: bool = False
    step: float | None = None

    def read(self, value: float) -> float:
        """A suggested number with four digits, which is enough to be typed again, within the bounds."""
        return int(value) if self.whole else min(max(float(f"{value:.4g}"), self.low), self.high)


@dataclass(frozen=True)
class Choice:
    """One of some values, in no order."""

    values: tuple[Any, ...]

    def read(self, value: Any) -> Any:
        """The value itself."""
        return value


Space = Mapping[str, Range | Choice]


def log(low: float, high: float) -> Range:
    """Numbers spread evenly over magnitudes, such as learning rates. Raises ConfigError, as all of these."""
    if not (_is_number(low) and low > 0):
        raise ConfigError(f"log({low}, {high}) must begin above 0", "Write for example log(1e-5, 1e-2).")
    return _interval("log", low, high, log=True)


def uniform(low: float, high: float) -> Range:
    """Numbers spread evenly."""
    return _interval("uniform", low, high)


def whole(low: int, high: int, step: int = 1) -> Range:
    """Whole numbers, every `step` of them from `low` on."""
    if not all(isinstance(one, int) for one in (low, high, step)) or step < 1:
        raise ConfigError(
            f"int({low}, {high}, step={step}) must have whole numbers, and a step from 1 on",
            "Write for example int(2, 16, step=2).",
        )
    return _interval("int", low, high, whole=True, step=step)


def choice(*values: Any) -> Choice:
    """One of the values."""
    if len(set(map(text_of, values))) < max(len(values), 2):
        raise ConfigError(
            f"choice({', '.join(map(text_of, values))}) must have two values or more, each once",
            "Write for example choice(sgd, adamw).",
        )
    return Choice(values)


def _interval(name: str, low: float, high: float, **more: Any) -> Range:
    if not (_is_number(low) and _is_number(high) and low < high):
        raise ConfigError(
            f"{name}({low}, {high}) must be two finite numbers, the smaller one first",
            f"Write for example {name}(1, 8).",
        )
    return Range(low, high, **more)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


KINDS: Mapping[str, Callable[..., Range | Choice]] = {
    "log": log,
    "uniform": uniform,
    "int": whole,
    "choice": choice,
}


def space_of(searched: Mapping[str, str]) -> Space:
    """What each name may be. Raises ConfigError or UnknownName, also if nothing is searched."""
    if not searched:
        raise ConfigError("there is nothing to search", "Say what may vary: --search 'words=int(2, 16)'.")
    found = {}
    for name, text in searched.items():
        if len(made := spec.make(text, KINDS, "search space")) != 1:
            raise ConfigError(f"--search {name}={text} must be one space", f"Choose of {', '.join(KINDS)}.")
        found[name] = made[0]
    return found


def text_of(value: Any) -> str:
    """A value as `--set` takes it."""
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)


def with_values(sets: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, str]:
    """What `--set` would say: `@name` in its values stands for a searched value, and a name that stands
    nowhere is an option or a part of the recipe itself. Raises ConfigError for one both set and searched."""
    texts = {name: text_of(value) for name, value in values.items()}
    used: set[str] = set()

    def put(match: re.Match[str]) -> str:
        used.update({match[1]} & set(texts))
        return texts.get(match[1], match[0])

    filled = {name: re.sub(r"@(\w+)", put, text) for name, text in sets.items()}
    own = {name: text for name, text in texts.items() if name not in used}
    if both := sorted(set(own) & set(filled)):
        raise ConfigError(f"{both[0]} is both set and searched", f"Leave out --set {both[0]}.")
    return filled | own
