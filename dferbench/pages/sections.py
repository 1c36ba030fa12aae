"""Of a configuration everything that a page shows of it, in the order in which it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dferbench.errors import DferbenchError
from dferbench.pages.classes import by_class, confusions
from dferbench.pages.mistakes import Mistake, mistakes
from dferbench.pages.pictures import Pictures, pictures_of
from dferbench.pages.protocol import Fact, protocol
from dferbench.pages.runs import Place, Provenance, provenances, scores
from dferbench.pages.study import Configuration, Wishes
from dferbench.pages.tables import DataTable
from dferbench.report.class_recalls import ClassRecall, class_recalls


@dataclass(frozen=True)
class Section:
    """A configuration as a page shows it. `elsewhere` is the page of its runs, "" if they are shown here."""

    key: str
    label: str
    dataset: str
    protocol: Sequence[Fact]
    scores: DataTable
    classes: DataTable
    confusions: Sequence[DataTable]
    pictures: Pictures
    told: Sequence[str]
    provenances: Sequence[Provenance]
    mistakes: Sequence[Mistake]
    elsewhere: str = ""


def section(one: Configuration, wishes: Wishes, predictions: Place, elsewhere: str = "") -> Section:
    """What the page of a configuration holds."""
    told: list[str] = []
    recalls = _recalls(one, wishes, told)
    pictures = pictures_of(one, recalls, wishes, told)
    return Section(
        key=one.key,
        label=one.label,
        dataset=one.row.dataset,
        protocol=protocol(one, wishes),
        scores=scores(one, wishes.select, wishes.shown),
        classes=by_class(one, recalls, wishes.select, wishes.level),
        confusions=confusions(one, wishes.select),
        pictures=pictures,
        told=told,
        provenances=provenances(one, predictions),
        mistakes=mistakes(one, wishes.faces, told) if wishes.faces else (),
        elsewhere=elsewhere,
    )


def _recalls(one: Configuration, wishes: Wishes, told: list[str]) -> list[ClassRecall]:
    """The recall of each class; none, and a line why, where the runs do not agree on classes or labels."""
    try:
        return class_recalls(one.runs, wishes.select, wishes.level)
    except DferbenchError as error:
        told.append(f"No recalls of classes: {error}.")
        return []
