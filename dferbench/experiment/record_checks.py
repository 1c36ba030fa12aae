"""Whether a record agrees with itself: its matrices with its classes, its videos and its curve.

What single fields may hold is said where they are declared; here are the rules between fields, and those of
what lies deep in fields that are plain data.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from dferbench import spec
from dferbench.errors import DferbenchError
from dferbench.experiment.record_fields import Number

if TYPE_CHECKING:
    from dferbench.experiment.record import Epoch, Record

LONGEST_SPEC = 500
"""Characters of a sampler with its options."""


class _Deep(BaseModel):
    """Plain data of which reports read some fields; others are what plugins put there."""

    model_config = ConfigDict(extra="ignore", strict=True)


class _Input(_Deep):
    sample: str = ""


class _Stage(_Deep):
    name: str
    epochs: int | None = None


class _Recipe(_Deep):
    input: _Input = _Input()
    compute: dict[str, bool] = {}
    stages: list[_Stage] = []


class _Notes(_Deep):
    caveats: list[str] = []


class _Checkpoint(_Notes):
    file: str = ""
    sha256: str = ""
    seed: Number | None = None


class _Weights(_Deep):
    random: bool | None = None


class _Environment(_Deep):
    dirty: bool | None = None


def require_consistent(record: Record) -> None:
    """Raise ValueError that says where a record contradicts itself, if it does."""
    recipe = _require_known_depths(record)
    _require_videos(record)
    if odd := [name for name in record.dataset_given if not name.isidentifier()]:
        raise ValueError(f"dataset_given: {odd[0]!r:.80} is no name of an option")
    if record.folds and record.fold not in record.folds:
        raise ValueError(f"fold {record.fold} is none of its folds, {record.folds}")
    if record.status != "done":
        return
    if not record.confusion:
        raise ValueError("it is done, and has no confusion matrix")
    if record.curve:
        _require_end(record, record.curve[-1])
    _require_numbered(record, recipe)
    tested = _row_sums(record.confusion)
    rows: list[tuple[str, Record | Epoch]] = [("confusion", record)]
    for where, row in [*rows, *((f"curve.{i}", row) for i, row in enumerate(record.curve))]:
        try:
            _require_counts(record, row, tested)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None


def _require_known_depths(record: Record) -> _Recipe:
    recipe = _Recipe.model_validate(record.recipe)
    _Notes.model_validate(record.dataset_notes)
    _Checkpoint.model_validate(record.checkpoint)
    _Environment.model_validate(record.environment)
    for weights in record.weights.values():
        _Weights.model_validate(weights)
    _require_spec(recipe.input.sample)
    return recipe


@lru_cache
def _require_spec(sample: str) -> None:
    if len(sample) > LONGEST_SPEC:
        raise ValueError(f"recipe.input.sample has more than {LONGEST_SPEC} characters")
    try:
        if sample:
            spec.parse_one(sample)
    except DferbenchError as error:
        raise ValueError(f"recipe.input.sample: {error}") from None


def _require_videos(record: Record) -> None:
    if missing := [split for split in ("train", "test") if split not in record.videos]:
        raise ValueError(f"videos: it has no number of the {missing[0]} videos")
    if not record.classes or len(set(record.classes)) != len(record.classes):
        raise ValueError("classes: there are none, or one is named twice")


def _require_end(record: Record, last: Epoch) -> None:
    if last.confusion != record.confusion:
        raise ValueError("confusion: it is not that of the last epoch of the curve")
    if None not in (last.top2, record.top2) and last.top2 != record.top2:
        raise ValueError(f"top2: it states {record.top2}, and the last epoch of the curve {last.top2}")


def _require_numbered(record: Record, recipe: _Recipe) -> None:
    """The curve has each epoch of each stage once, in order, as far as the recipe says how many there are."""
    found = [(row.stage, row.epoch) for row in record.curve]
    planned = [
        (stage.name, i) for stage in recipe.stages for i in range(min(stage.epochs or 0, len(found) + 1))
    ]
    known = recipe.stages and all(stage.epochs is not None for stage in recipe.stages)
    if known and found != planned:
        raise ValueError(f"curve: it has {len(found)} epochs, and they are not those of the recipe")


def _row_sums(confusion: list[list[int]]) -> list[int]:
    return [sum(row) for row in confusion]


def _require_counts(record: Record, row: Record | Epoch, tested: list[int]) -> None:
    """The matrix is as large as the classes and counts the test videos, each epoch the same."""
    matrix, size = row.confusion, len(record.classes)
    if len(matrix) != size or any(len(line) != size for line in matrix):
        raise ValueError(f"its matrix is not {size} x {size}, as its classes are")
    sums, stated = _row_sums(matrix), record.videos["test"]
    total, skipped = sum(sums), len(record.skipped)
    if not stated - skipped <= total <= stated:
        without = f", {skipped} of which may be left out" if skipped else ""
        raise ValueError(f"its matrix counts {total} videos; there are {stated} for the test{without}")
    if not skipped and sums != tested:
        raise ValueError("its matrix counts other numbers of videos of the classes than the result's")
    _require_hits(row.top2, sum(line[k] for k, line in enumerate(matrix)), total)


def _require_hits(top2: int | None, correct: int, total: int) -> None:
    if top2 is not None and not correct <= top2 <= total:
        raise ValueError(
            f"it states {top2} videos whose class is among the two highest, of {total} of which {correct} "
            "were recognised"
        )
