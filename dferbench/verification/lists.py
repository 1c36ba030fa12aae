"""Whether predictions are of the videos and labels that a dataset's lists name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dferbench.data.packs.dataset import dataset_at
from dferbench.errors import DferbenchError
from dferbench.experiment.plan import fingerprint_of
from dferbench.experiment.record import Record
from dferbench.places import root_of
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog
from dferbench.registry.datasets import make_dataset, written
from dferbench.report.predictions import Predicted
from dferbench.verification.finding import Refuted


@dataclass(frozen=True)
class Fold:
    """One fold as the lists have it now: the fingerprint of both parts, and each test video's class."""

    fingerprint: str
    test: Mapping[str, str]


@dataclass
class DatasetLists:
    """The lists of every dataset that records name, each read once.

    `dataset` is what to read instead of what a record names, such as another path of the same lists, and
    `root` where it lies.
    """

    catalog: Catalog
    dataset: str = ""
    root: Path | None = None
    progress: Progress = field(default_factory=Progress)
    known: dict[tuple[str, int], Fold | str] = field(default_factory=dict)

    def text(self, record: Record) -> str:
        """The dataset of a record, as a user would write it."""
        return self.dataset or written(record.dataset, record.dataset_given)

    def fold(self, record: Record) -> Fold | str:
        """The fold of a record, or why its lists cannot be read."""
        key = (self.text(record), record.fold)
        if key not in self.known:
            try:
                self.known[key] = self._read(*key)
            except DferbenchError as error:
                self.known[key] = str(error)
        return self.known[key]

    def _read(self, text: str, fold: int) -> Fold:
        chosen = make_dataset(text, self.catalog)
        root = root_of(chosen.entry.name, chosen.dataset, self.root)
        dataset = dataset_at(chosen, root)
        dataset.prepare(root, self.progress)
        splits = {split: list(dataset.videos(root, fold, split)) for split in ("train", "test")}
        names = dataset.classes
        print_ = fingerprint_of(names, splits)
        return Fold(print_, {video.id: names[video.label] for video in splits["test"]})


def require_listed(record: Record, said: Predicted, lists: Fold) -> None:
    """Each predicted video is a test video of the lists, under its label, and none but those that the record
    names is missing. Raises Refuted."""
    if record.data != lists.fingerprint:
        raise Refuted(f"it was made with other ids or labels than fold {record.fold} of the lists")
    if strange := [name for name in said.ids if name not in lists.test]:
        raise Refuted(f"{len(strange)} of its videos are no test videos, such as '{strange[0]}'")
    named = zip(said.ids, said.labels.tolist(), strict=True)
    if wrong := [name for name, label in named if record.classes[label] != lists.test[name]]:
        raise Refuted(f"{len(wrong)} of its labels are not those of the lists, such as that of '{wrong[0]}'")
    missing = set(lists.test) - set(said.ids) - set(record.skipped)
    if missing and record.limit is None:
        raise Refuted(f"{len(missing)} test videos are missing, such as '{min(missing)}'")
