"""What the rows of a file say: a label a video, and scores where it has them. What is odd is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dferbench.data.official import shown
from dferbench.errors import ConfigError, DataError, UnknownName
from dferbench.outside.answers import Answers
from dferbench.outside.classes import ClassNames
from dferbench.outside.columns import Roles, Wanted
from dferbench.outside.ids import FEW, named
from dferbench.outside.tables import PredictionFile

KINDS = ("probabilities", "logits")
NONE = -1
"""The label of a row that gives none."""
ROOM, MOST_ROOM = 0.005, 0.05
"""How far probabilities may be from the sum of one: by as much a class, and in all, as two decimals leave."""
TINY = 1e-30
"""The probability whose logarithm stands for that of zero."""


@dataclass(frozen=True)
class Stated:
    """`labels` (N,) in [0, C), NONE for a row that gives none, and the `logits` (N, C) of rows with scores;
    `kind` is "labels", "answers", "probabilities" or "logits". Of free answers `unmapped` has those that
    stand for no class with their numbers; `ties` are rows whose highest score several classes have."""

    kind: str
    labels: NDArray[np.int64]
    logits: NDArray[np.float64] | None = None
    unmapped: Counter[str] = field(default_factory=Counter)
    ties: int = 0


def said_by(
    table: PredictionFile, roles: Roles, names: ClassNames, wanted: Wanted, answers: Answers | None
) -> Stated:
    """What every row says. Raises DataError or ConfigError with the number and the first of rows at fault."""
    if roles.kind == "label":
        return _labels(table, roles.columns[0], names)
    if roles.kind == "answer":
        if answers is None:
            raise ConfigError("no table says what the answers mean", "Give one: --answers FILE.")
        _require_flat(table, roles.columns[0])
        return _mapped(table.columns[roles.columns[0]], answers)
    stated = wanted.scores or _stated_by(roles, table)
    matrix = _whole(table, roles, names) if roles.kind == "matrix" else _joined(table, roles)
    _require_rows(table, roles, np.asarray(~np.isfinite(matrix).all(1)), "scores that are not finite numbers")
    if stated == "probabilities":
        _require_probabilities(table, roles, matrix)
        matrix = np.log(np.maximum(matrix, TINY))
    best = matrix.max(1, keepdims=True)
    ties = int(((matrix == best).sum(1) > 1).sum())
    return Stated(stated, matrix.argmax(1).astype(np.int64), matrix, ties=ties)


def _stated_by(roles: Roles, table: PredictionFile) -> str:
    """What the name of a matrix says that it holds. Raises ConfigError if it may be either."""
    name = roles.columns[0].strip().lower() if roles.kind == "matrix" else ""
    if name.startswith("logit"):
        return "logits"
    if name.startswith("prob"):
        return "probabilities"
    raise ConfigError(
        f"{table.path}: its scores may be probabilities or logits, and which is not stated",
        "State it: --scores probabilities, or --scores logits for others that are highest for the answer.",
    )


def _labels(table: PredictionFile, column: str, names: ClassNames) -> Stated:
    _require_flat(table, column)
    cells = table.columns[column]
    known = {cell: names.label(cell) for cell in dict.fromkeys(cells)}
    odd = Counter(cell for cell in cells if known[cell] is None and _text(cell))
    if odd:
        _refuse_labels(table, odd, names)
    labels = [NONE if (label := known[cell]) is None else label for cell in cells]
    return Stated("labels", np.array(labels, dtype=np.int64))


def _refuse_labels(table: PredictionFile, odd: Counter[Any], names: ClassNames) -> None:
    total = sum(odd.values())
    if all(names.is_code(word) for word in odd) and not names.codes:
        raise ConfigError(
            f"{table.path}: its labels are numbers ({named(odd)}), and what they stand for is not stated",
            f"State it: --codes '1=CLASS, 2=CLASS, ...', or --codes index for {names.in_words()}.",
        )
    listed = ", ".join(f"{shown(str(word))} ({count})" for word, count in odd.most_common(FEW))
    raise DataError(
        f"{table.path}: {total} of its labels are not classes of the dataset: {listed}",
        f"The classes are {', '.join(names.classes)}; free answers are mapped with --answers FILE.",
    )


def _require_flat(table: PredictionFile, column: str) -> None:
    cells = table.columns[column]
    if isinstance(cells, np.ndarray) or any(isinstance(one, list | dict) for one in cells):
        raise ConfigError(
            f"{table.path}: {shown(column)} holds several values a row, and a label or an answer is one",
            "Name another column, or --scores probabilities or logits if these are scores.",
        )


def _mapped(cells: Sequence[Any], answers: Answers) -> Stated:
    texts = [_text(cell) for cell in cells]
    known = {text: answers.label(text) for text in dict.fromkeys(texts)}
    unmapped = Counter(text for text in texts if known[text] is None)
    labels = [NONE if (label := known[text]) is None else label for text in texts]
    return Stated("answers", np.array(labels, dtype=np.int64), unmapped=unmapped)


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def _joined(table: PredictionFile, roles: Roles) -> NDArray[np.float64]:
    """(N, C) from a column for each class."""
    columns = [table.columns[name] for name in roles.columns]
    return _numbers(table, roles, list(zip(*columns, strict=True)))


def _whole(table: PredictionFile, roles: Roles, names: ClassNames) -> NDArray[np.float64]:
    """(N, C) from a column that holds all scores of a row: objects by class, or lists in a stated order."""
    values = table.columns[roles.columns[0]]
    if isinstance(values, np.ndarray):
        if values.dtype.kind not in "iuf":
            raise DataError(f"{table.path}: its scores are {values.dtype}, not numbers", "Write numbers.")
        return np.asarray(values, dtype=np.float64)[:, _order(values.shape[1], names, table)]
    if any(isinstance(one, dict) for one in values):
        return _numbers(table, roles, [_by_class(one, names) for one in values])
    size = max(len(one) if isinstance(one, list) else 0 for one in values)
    order = _order(size, names, table)
    rows = [one if isinstance(one, list) and len(one) == size else [None] * size for one in values]
    return _numbers(table, roles, rows)[:, order]


def _by_class(one: Any, names: ClassNames) -> list[Any]:
    found = {names.label(word): value for word, value in one.items()} if isinstance(one, dict) else {}
    return [found.get(label) for label in range(len(names.classes))]


def _order(size: int, names: ClassNames, table: PredictionFile) -> list[int]:
    """Which column is of each class. Raises ConfigError where that is not stated."""
    stated = names.columns()
    if stated is None:
        raise ConfigError(
            f"{table.path}: which class each of its {size} scores is of is not stated",
            f"State it: --codes '0=CLASS, 1=CLASS, ...', or --codes index for {names.in_words()}.",
        )
    if len(stated) != size or set(stated) != set(names.classes):
        raise ConfigError(
            f"{table.path} has {size} scores a row; --codes names {len(stated)} for {len(names.classes)} "
            "classes",
            f"Name each class once: --codes index means {names.in_words()}.",
        )
    return [stated.index(name) for name in names.classes]


def _numbers(table: PredictionFile, roles: Roles, rows: Sequence[Sequence[Any]]) -> NDArray[np.float64]:
    """Cells as numbers. Raises DataError that counts the rows with others and names the first cell."""
    try:
        return np.array([[_number(cell) for cell in row] for row in rows], dtype=np.float64)
    except (TypeError, ValueError):
        bad = np.array([any(not _is_number(cell) for cell in row) for row in rows])
    first = _first_bad(rows[int(bad.argmax())])
    raise _fault(table, roles, bad, "scores that are not numbers", first)


def _number(cell: Any) -> float:
    if isinstance(cell, bool):
        raise ValueError("true and false are no scores")
    return float(cell)


def _is_number(cell: Any) -> bool:
    try:
        _number(cell)
    except (TypeError, ValueError):
        return False
    return True


def _first_bad(cells: Sequence[Any]) -> str:
    return f" ({shown(_text(next(cell for cell in cells if not _is_number(cell))))})"


def _require_probabilities(table: PredictionFile, roles: Roles, matrix: NDArray[np.float64]) -> None:
    sums, room = matrix.sum(1), min(MOST_ROOM, ROOM * matrix.shape[1])
    outside = np.asarray(((matrix < 0) | (matrix > 1)).any(1))
    _require_rows(table, roles, outside, "probabilities outside of [0, 1]", hint=_NOT_PROBABILITIES)
    off = np.abs(sums - 1) > room
    first = f" (they sum to {sums[int(off.argmax())]:.3f})"
    _require_rows(table, roles, off, "probabilities that do not sum to one", first, _NOT_PROBABILITIES)


_NOT_PROBABILITIES = "Scores that are highest for the answer and no probabilities are --scores logits."


WRITE = "Write a number for each class."


def _require_rows(
    table: PredictionFile, roles: Roles, bad: NDArray[np.bool_], what: str, more: str = "", hint: str = WRITE
) -> None:
    if bad.any():
        raise _fault(table, roles, bad, what, more, hint)


def _fault(
    table: PredictionFile, roles: Roles, bad: NDArray[np.bool_], what: str, more: str = "", hint: str = WRITE
) -> DataError:
    """The error that counts rows at fault and names the first; `more` is what to say of the very first."""
    ids = table.columns[roles.id]
    places = np.flatnonzero(bad).tolist()
    first = f"{named(ids[place] for place in places)}{more}"
    return DataError(f"{table.path}: {len(places)} of {len(bad)} rows have {what}: {first}", hint)


def require_kind(kind: str) -> None:
    """Raise UnknownName for what scores cannot be."""
    if kind and kind not in KINDS:
        raise UnknownName("kind of scores", kind, KINDS)
