"""A pack in place of a root: the named dataset, whose videos come from the pack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dferbench.data.decoders.pack import packed_path
from dferbench.data.marks import REENCODED
from dferbench.data.packs.index import Index, PackEntry, command, is_pack, read_index
from dferbench.data.packs.source import Lists, fingerprint, name_of, read_lists
from dferbench.errors import ConfigError, DataError
from dferbench.files import digest
from dferbench.progress import Progress
from dferbench.registry.datasets import Chosen, written
from dferbench.types import Dataset, Video


def dataset_at(chosen: Chosen, root: Path) -> Dataset:
    """The dataset as it lies at its root: a pack stands for what it was made from.

    Raises ConfigError if the pack holds another dataset or was made with other options, and DataError if it
    was never finished or is damaged.
    """
    if not is_pack(root):
        return chosen.dataset
    index = read_index(root)
    if index.dataset != chosen.entry.name:
        raise ConfigError(
            f"{root} is a pack of {index.dataset}, not of {chosen.entry.name}",
            f"Name {written(index.dataset, index.given)}, or another --root.",
        )
    if digest(index.options) != digest(chosen.options):
        raise ConfigError(
            f"{root} is a pack of {written(index.dataset, index.given)}, made with other options",
            "Ask for those, or pack the dataset again with yours.",
        )
    return PackedDataset(chosen, index, root)


class PackedDataset(Dataset):
    """What `pack.json` says, with the rest of the dataset that was packed."""

    def __init__(self, chosen: Chosen, index: Index, pack: Path) -> None:
        inner = chosen.dataset
        self._inner, self._index, self._pack = inner, index, pack
        self._command = command(written(index.dataset, index.given), index.source, pack)
        self._source = "not checked"
        self.classes, self.folds = index.classes, tuple(index.folds)
        self.about, self.synthetic = inner.about, inner.synthetic or index.made
        self.where = f"It is a pack: {self._command} makes it again."

    def prepare(self, root: Path, progress: Progress) -> None:
        """Compare the source, if it is still there, with what was packed. Raises DataError if it differs."""
        source, names = Path(self._index.source), self._index.videos
        now = _fingerprints(source, list(names), progress) if source.is_dir() else {}
        if not any(now.values()):
            self._source = "source not available"
            return
        for name, packed in names.items():
            if now[name] != packed.source:
                raise self._stale(f"{source / name} has changed")
        self._inner.prepare(source, progress)
        self._compare(read_lists(self._inner, source), source)
        self._source = "source unchanged"

    def _compare(self, lists: Lists, source: Path) -> None:
        """The ids and labels of the source's lists must be those of the pack."""
        if tuple(self._inner.classes) != self.classes or not set(self.folds) <= set(lists):
            raise self._stale("its classes or folds have changed")
        for fold, splits in self._index.folds.items():
            for split, entries in splits.items():
                found = [(v.id, v.label, name_of(v.path, source)) for v in lists[fold][split]]
                if found != (packed := [(e.id, e.label, e.video) for e in entries]):
                    where = f"fold {fold}, {split}"
                    raise self._stale(f"{where}: '{_first_difference(found, packed)}' is listed otherwise")

    def _stale(self, why: str) -> DataError:
        return DataError(f"the pack {self._pack} is out of date: {why}", f"Pack again: {self._command}")

    def videos(self, root: Path, fold: int, split: str) -> Sequence[Video]:
        """The videos of the list as it was packed, read from the pack."""
        return [self._video(entry) for entry in self._index.folds[fold][split]]

    def _video(self, entry: PackEntry) -> Video:
        return Video(entry.id, packed_path(self._pack, entry.video), entry.label, entry.info, entry.group)

    def notes(self, root: Path) -> Mapping[str, Any]:
        """What was said of the source, and that this is a pack of it."""
        notes = {**self._index.notes, "pack": self._source}
        if self._index.reencoded:
            caveats = dict.fromkeys([*notes.get("caveats", []), REENCODED])
            said = [notes[REENCODED]] if REENCODED in notes else []
            notes |= {REENCODED: "; ".join([*said, self._index.reencoded]), "caveats": list(caveats)}
        return notes

    def votes(self, root: Path) -> Mapping[str, Sequence[float]]:
        """Those of the source, as long as it is there."""
        source = Path(self._index.source)
        return self._inner.votes(source) if source.is_dir() else {}


def _fingerprints(source: Path, names: Sequence[str], progress: Progress) -> dict[str, str]:
    found = {}
    with progress.bar("checking the source", len(names)) as bar:
        for name in names:
            found[name] = fingerprint(str(source / name))
            bar.advance()
    return found


def _first_difference(found: Sequence[tuple[str, int, str]], packed: Sequence[tuple[str, int, str]]) -> str:
    pairs: Iterator[tuple[Any, Any]] = zip(found, packed, strict=False)
    first = next((a[0] for a, b in pairs if a != b), None)
    rest = [*found[len(packed) :], *packed[len(found) :]]
    return first if first is not None else rest[0][0]
