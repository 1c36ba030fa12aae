"""Whether a record agrees with itself: its matrices with its classes, its videos and its curve.

What single fields may hold is said where they are declared; here are the rules between fields, and those of
what lies deep in fields that are plain data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from dferbench import spec
from dferbench.errors import DferbenchError
from dferbench.experiment import selection
from dferbench.experiment.record_fields import Number
from dferbench.experiment.selected import picked_of

if TYPE_CHECKING:
    from dferbench.experiment.record import Epoch, Record
    from dferbench.experiment.selected import Selected, SelectedByValidation

LONGEST_SPEC = 500
"""Characters of a sampler with its options."""
_SHA256 = re.compile("[0-9a-f]{64}")


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


class _Outside(_Deep):
    file: str = ""
    sha256: str = ""
    taken: str = ""


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
    _require_files(record)
    if record.folds and record.fold not in record.folds:
        raise ValueError(f"fold {record.fold} is none of its folds, {record.folds}")
    if record.status != "done":
        return
    if not record.confusion:
        raise ValueError("it is done, and has no confusion matrix")
    _require_counts(record, record, record.confusion, "confusion")
    if record.curve is not None:
        _require_rows(record, record.curve, recipe)
    else:
        _require_best(record, recipe)


def require_curve(record: Record, curve: Sequence[Epoch]) -> None:
    """Raise ValueError that says where a curve, read from its file, is not that of the record next to it."""
    if len(curve) != record.epochs:
        raise ValueError(f"it has {len(curve)} epochs, and the record states {record.epochs}")
    if record.status != "done":
        return
    _require_rows(record, curve, _Recipe.model_validate(record.recipe))
    found = picked_of(curve, record.validation)
    for what, name in (("best", "best_on_test"), ("best by validation", "val")):
        stated, best = getattr(record, name), found[name]
        if stated is not None and best is not None and best != stated:
            raise ValueError(f"epoch {best.epoch + 1} of it is the {what}, and the record states another")


def _require_files(record: Record) -> None:
    """Files lie next to the record, and their hashes are hashes: nobody is led to open another file."""
    for name, sha256 in record.files.items():
        if not name.isprintable() or name in ("", ".", "..") or set(name) & set("/\\:"):
            raise ValueError(f"files: {name!r:.80} is no name of a file next to the record")
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"files: {sha256!r:.80}, of {name}, is no sha256")


def _require_known_depths(record: Record) -> _Recipe:
    recipe = _Recipe.model_validate(record.recipe)
    if record.dataset_notes:
        _Notes.model_validate(record.dataset_notes)
    if record.checkpoint:
        _Checkpoint.model_validate(record.checkpoint)
    if record.outside:
        _Outside.model_validate(record.outside)
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
    wanted = ("train", "test", *(() if record.validation is None else ("validation",)))
    if missing := [split for split in wanted if split not in record.videos]:
        raise ValueError(f"videos: it has no number of the {missing[0]} videos")
    if record.validation is None and (record.val is not None or "validation" in record.videos):
        raise ValueError("it states validation videos, and not how they were held out")
    if not record.classes or len(set(record.classes)) != len(record.classes):
        raise ValueError("classes: there are none, or one is named twice")


def _require_rows(record: Record, curve: Sequence[Epoch], recipe: _Recipe) -> None:
    """The rows are the epochs of the recipe, each counts the test videos, and the last is the result."""
    if curve:
        _require_end(record, curve[-1], "the last epoch of the curve")
    _require_numbered(record, curve, recipe)
    for place, row in enumerate(curve):
        _require_counts(record, row, record.confusion, f"curve.{place}")
        if (row.validation is None) != (record.validation is None):
            raise ValueError(f"curve.{place}: it has a validation result, or lacks one, unlike its record")
        _require_held(record, row, f"curve.{place}.validation")


def _require_best(record: Record, recipe: _Recipe) -> None:
    """What the record states of a curve that is not read: as many epochs as the recipe has, and the best."""
    best, epochs = record.best_on_test, record.epochs
    planned = sum(stage.epochs or 0 for stage in recipe.stages)
    if _known(recipe) and not (0 < epochs <= planned if _may_end(record) else epochs == planned):
        raise ValueError(f"epochs: there are {epochs}, and they are not those of the recipe")
    if bool(epochs) != bool(_SHA256.fullmatch(record.curve_sha256)) or (best is None) == bool(epochs):
        raise ValueError(f"it has {epochs} epochs, and does not state their curve and the best of them")
    if best is None:
        return
    _require_counts(record, best, record.confusion, "best_on_test")
    if best.epoch == epochs - 1:
        _require_end(record, best, "the best epoch, which is the last")
    elif best.epoch >= epochs or _correct(best) < _correct(record):
        raise ValueError(f"best_on_test: epoch {best.epoch + 1} of {epochs} cannot be the best")
    _require_val(record, best)


def _require_val(record: Record, best: Selected) -> None:
    """The epoch that is best on the validation videos is no better on the test videos than the best there."""
    val = record.val
    if (val is None) != (record.validation is None):
        raise ValueError("val: it holds validation videos out and does not state the best epoch on them")
    if val is None:
        return
    _require_counts(record, val, record.confusion, "val")
    _require_held(record, val, "val.validation")
    if val.epoch >= record.epochs or _correct(val) > _correct(best):
        raise ValueError(f"val: epoch {val.epoch + 1} of {record.epochs} cannot have this result")
    for epoch, other in ((best.epoch, best), (record.epochs - 1, record)):
        if val.epoch == epoch and val.confusion != other.confusion:
            raise ValueError(f"val: the record states two results of epoch {epoch + 1}")


def _require_held(record: Record, row: Epoch | SelectedByValidation, where: str) -> None:
    """Its matrix of validation videos, if it has one, counts them."""
    if row.validation is None:
        return
    try:
        _require_matrix(record, row.validation, "validation")
        _require_hits(row.validation_top2, _diagonal(row.validation), sum(_row_sums(row.validation)))
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _may_end(record: Record) -> bool:
    """Whether a stage may have ended before its last epoch."""
    return record.validation is not None and record.validation.patience is not None


def _require_end(record: Record, last: Epoch | Selected, what: str) -> None:
    if last.confusion != record.confusion:
        raise ValueError(f"confusion: it is not that of {what}")
    if None not in (last.top2, record.top2) and last.top2 != record.top2:
        raise ValueError(f"top2: it states {record.top2}, and {what} {last.top2}")


def _require_numbered(record: Record, curve: Sequence[Epoch], recipe: _Recipe) -> None:
    """The curve has each epoch of each stage once, in order, as far as the recipe says how many there are; a
    stage ends before its last epoch exactly where the record's patience ends it."""
    if not _known(recipe):
        return
    patience = record.validation.patience if record.validation else None
    planned: list[tuple[str, int]] = []
    for stage in recipe.stages:
        for epoch in range(stage.epochs or 0):
            so_far = curve[: len(planned)]
            if len(planned) > len(curve) or selection.ended_early(so_far, min(epoch, len(so_far)), patience):
                break
            planned.append((stage.name, epoch))
    if [(row.stage, row.epoch) for row in curve] != planned:
        raise ValueError(f"curve: it has {len(curve)} epochs, and they are not those of the recipe")


def _known(recipe: _Recipe) -> bool:
    return bool(recipe.stages) and all(stage.epochs is not None for stage in recipe.stages)


def _correct(row: Record | Selected) -> int:
    return _diagonal(row.confusion)


def _diagonal(confusion: list[list[int]]) -> int:
    return sum(line[k] for k, line in enumerate(confusion))


def _row_sums(confusion: list[list[int]]) -> list[int]:
    return [sum(row) for row in confusion]


def _require_counts(
    record: Record, row: Record | Epoch | Selected, result: list[list[int]], where: str
) -> None:
    try:
        _require_tested(record, row, result)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _require_tested(record: Record, row: Record | Epoch | Selected, result: list[list[int]]) -> None:
    """The matrix is as large as the classes and counts the test videos, each epoch the same."""
    _require_matrix(record, row.confusion, "test")
    sums = _row_sums(row.confusion)
    if not record.skipped and sums != _row_sums(result):
        raise ValueError("its matrix has other numbers of videos per class than that of the result")
    _require_hits(row.top2, _diagonal(row.confusion), sum(sums))


def _require_matrix(record: Record, matrix: list[list[int]], part: str) -> None:
    size = len(record.classes)
    if len(matrix) != size or any(len(line) != size for line in matrix):
        raise ValueError(f"its matrix is not {size} x {size}, as its classes are")
    total, stated, skipped = sum(_row_sums(matrix)), record.videos[part], len(record.skipped)
    if not stated - skipped <= total <= stated:
        without = f", {skipped} of which may be left out" if skipped else ""
        raise ValueError(f"its matrix counts {total} videos; there are {stated} for the {part}{without}")


def _require_hits(top2: int | None, correct: int, total: int) -> None:
    if top2 is not None and not correct <= top2 <= total:
        raise ValueError(
            f"it states {top2} videos whose class is among the two highest, of {total} of which {correct} "
            "were recognised"
        )
