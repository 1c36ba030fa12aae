"""Which columns of a file hold what: ids, and labels, scores or free answers. What is taken is said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from dferbench.data.official import shown
from dferbench.errors import ConfigError, DataError, UnknownName
from dferbench.outside.classes import ClassNames
from dferbench.outside.tables import PredictionFile, id_column

PREDICTED = ("prediction", "predicted", "pred", "predicted_label", "predicted_class", "y_pred")
LABELS = (*PREDICTED, "label", "labels", "emotion", "class")
"""What a column of labels may be called; next to one of PREDICTED, the others are the truth."""
ANSWERS = ("answer", "response", "output", "text", "generated_text", "completion")
MATRICES = ("logits", "logit", "probabilities", "probability", "probs", "prob", "scores", "score")
"""What a column is called that holds all scores of a video."""
_SCORE = re.compile(
    r"^(score|probability|prob|p|logit)s?[ _.:-]+|[ _.:-]+(score|probability|prob|logit)$", re.I
)


@dataclass(frozen=True)
class Wanted:
    """What the user says of a file: the names of its columns, "" where they tell themselves; what its scores
    are, "probabilities", "logits" or ""; and whether a table of answers is given."""

    id: str = ""
    label: str = ""
    answer: str = ""
    scores: str = ""
    answers: bool = False


@dataclass(frozen=True)
class Roles:
    """The column of ids, and of the rest one kind: `kind` is "label", "answer", "matrix" or "scores", whose
    columns are those of the classes in their order."""

    id: str
    kind: str
    columns: Sequence[str]

    def unused(self, table: PredictionFile) -> list[str]:
        """The columns that are not looked at."""
        return [name for name in table.columns if name not in (self.id, *self.columns)]


def roles_of(table: PredictionFile, names: ClassNames, wanted: Wanted) -> Roles:
    """Which columns are taken: those that the user names; else free answers if a table for them is given,
    else scores, else labels. Raises UnknownName for a column that is not there, and ConfigError if there is
    no column of ids or of predictions."""
    for column in (wanted.id, wanted.label, wanted.answer):
        if column and column not in table.columns:
            raise UnknownName(f"column of {table.path.name}", column, table.columns)
    ids = wanted.id or id_column(table.columns)
    if ids is None:
        raise ConfigError(
            f"{table.path} has no column of ids among {_listed(table.columns)}", "Name it: --id COLUMN."
        )
    if wanted.label and (wanted.scores or wanted.answer or wanted.answers):
        raise ConfigError(
            "--label names a column of labels, and --scores, --answer and --answers are for other kinds",
            "Leave one of them out.",
        )
    if wanted.label:
        return Roles(ids, "label", (wanted.label,))
    if wanted.answers or wanted.answer:
        return Roles(ids, "answer", (wanted.answer or _answer(table, ids),))
    return _found(table, names, ids, wanted)


def _answer(table: PredictionFile, ids: str) -> str:
    found = _one_of(table, (*ANSWERS, *LABELS), ids)
    if found is None:
        raise ConfigError(
            f"{table.path} has no column of answers among {_listed(table.columns)}",
            "Name it: --answer COLUMN.",
        )
    return found


def _found(table: PredictionFile, names: ClassNames, ids: str, wanted: Wanted) -> Roles:
    if matrix := _matrix(table, ids):
        return Roles(ids, "matrix", (matrix,))
    if scores := _scores(table, names, ids):
        return Roles(ids, "scores", scores)
    if wanted.scores:
        raise ConfigError(
            f"{table.path} has no scores of the classes among its columns {_listed(table.columns)}",
            f"Call their columns {', '.join(names.classes[:3])}, ..., or leave --scores out.",
        )
    if label := _one_of(table, LABELS, ids):
        return Roles(ids, "label", (label,))
    if answer := _one_of(table, ANSWERS, ids):
        raise ConfigError(
            f"{table.path}: its column {shown(answer)} is free text, and no table says what the answers mean",
            "Give one: --answers FILE, with a word and a class on each line.",
        )
    raise ConfigError(
        f"{table.path} has no predictions among its columns {_listed(table.columns)}",
        "Name a column of labels, --label COLUMN, or call the columns of scores as the classes.",
    )


def _matrix(table: PredictionFile, ids: str) -> str | None:
    found = _one_of(table, MATRICES, ids)
    values = table.columns[found] if found else ()
    whole = isinstance(values, np.ndarray) or any(isinstance(one, list | dict) for one in values)
    return found if whole else None


def _one_of(table: PredictionFile, known: Sequence[str], ids: str) -> str | None:
    found = {name.strip().lower(): name for name in table.columns if name != ids}
    return next((found[name] for name in known if name in found), None)


def _scores(table: PredictionFile, names: ClassNames, ids: str) -> list[str]:
    """The column of each class; none if no column is called as one. Raises DataError if some are missing or
    two are called as one class."""
    found: dict[int, str] = {}
    for column in table.columns:
        label = None if column == ids else names.label(_SCORE.sub("", column.strip()))
        if label is None:
            continue
        if label in found:
            raise DataError(
                f"{table.path}: the columns {shown(found[label])} and {shown(column)} are both of "
                f"'{names.classes[label]}'",
                "Rename or remove one of them.",
            )
        found[label] = column
    missing = [name for label, name in enumerate(names.classes) if label not in found]
    if found and missing:
        raise DataError(
            f"{table.path} has scores of {len(found)} classes and none of {', '.join(missing[:5])}",
            "A model is scored with all classes of the dataset; add their columns.",
        )
    return [found[label] for label in range(len(names.classes))] if found else []


def _listed(names: Iterable[str]) -> str:
    some = list(names)
    return ", ".join(shown(name) for name in some[:8]) + (", ..." if len(some) > 8 else "")
