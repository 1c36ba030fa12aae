"""What an option of a sampler or an augmentation may be; errors tell the value and the range."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from dferbench.errors import ConfigError


def require_count(what: str, value: Any, low: int = 1) -> None:
    """`value` must be a whole number from `low` on. Raises ConfigError."""
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        raise ConfigError(
            f"{what} must be a whole number from {low} on, got {value!r}", f"Give {low} or more."
        )


def require_probability(what: str, value: Any) -> None:
    """`value` must lie in [0, 1]. Raises ConfigError."""
    if not _is_number(value) or not 0 <= value <= 1:
        raise ConfigError(
            f"{what} must be a probability in [0, 1], got {value!r}", "Give 0 for never, 1 for always."
        )


def require_number(what: str, value: Any, low: float = 0, high: float = math.inf) -> None:
    """`value` must lie in [low, high]. Raises ConfigError."""
    if not _is_number(value) or not low <= value <= high:
        raise ConfigError(f"{what} must be a number {_within(low, high)}, got {value!r}", "Change it.")


def require_range(what: str, value: Any, low: float = 0, high: float = math.inf) -> None:
    """`value` must be a tuple of two numbers in [low, high], the smaller one first. Raises ConfigError."""
    numbers = isinstance(value, tuple) and len(value) == 2 and all(map(_is_number, value))
    if not numbers or not all(a <= b for a, b in pairwise((low, *value, high))):
        raise ConfigError(
            f"{what} must be two numbers {_within(low, high)}, the smaller one first, got {value!r}",
            "Write both in brackets: (0.5, 1).",
        )


def require_shares(what: str, value: Any) -> None:
    """`value` must be a tuple of two numbers in [0, 1], in any order. Raises ConfigError."""
    numbers = isinstance(value, tuple) and len(value) == 2 and all(map(_is_number, value))
    if not numbers or not all(0 <= share <= 1 for share in value):
        raise ConfigError(
            f"{what} must be two numbers in [0, 1], got {value!r}", "Write both in brackets: (0.1, 0.2)."
        )


def require_among(what: str, value: Any, known: tuple[str, ...]) -> None:
    """`value` must be one of the words `known`. Raises ConfigError."""
    if value not in known:
        raise ConfigError(f"{what} must be one of {', '.join(known)}, got {value!r}", "Choose one of them.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def _within(low: float, high: float) -> str:
    return f"in [{low:g}, {high:g}]" if high < math.inf else f"from {low:g} on"
