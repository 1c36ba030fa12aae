"""What the cards of methods share."""

from __future__ import annotations

from typing import Any


def published(table: int, variant: str, **scores: str) -> dict[str, Any]:
    """One published row: its table, the options that give it here, and for each dataset "UAR/WAR" in percent,
    as printed, which become {"uar": ..., "war": ...}."""
    return {"table": table, "variant": variant, **{name: _pair(text) for name, text in scores.items()}}


def _pair(text: str) -> dict[str, float]:
    uar, war = map(float, text.split("/"))
    return {"uar": uar, "war": war}
