"""What the recipe in a record says of the run, also that of an earlier release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from dferbench import spec
from dferbench.types import Compute


def shuffled(recipe: Mapping[str, Any]) -> bool:
    """Whether test videos showed their frames out of order."""
    sample = recipe.get("input", {}).get("sample", "")
    return "shuffle" in sample and bool(spec.parse_one(sample).options.get("shuffle"))


def compute_of(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """How a recipe's numbers were computed; recipes of before there was a choice say nothing of it."""
    return {**asdict(Compute()), **recipe.get("compute", {})}
