"""An official release as a dataset: a plugin says how to read it, this class does what all of them need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from dferbench.data.marks import says_drawn
from dferbench.data.official.protocol import Folds, Protocol, tally
from dferbench.data.official.tree import archives
from dferbench.errors import DataError
from dferbench.types import Dataset, Finding, Video


@dataclass(frozen=True)
class Copy:
    """What was found of a release on a disk.

    `media` are the videos that are there, by id, and `place` is where the others should be; `labels` and
    `split` say where labels and folds came from, `facts` what else a record should say, and `info` what
    more is known of a video, by id; `groups` likewise holds what `Video.group` says.
    """

    folds: Folds
    media: Mapping[str, Path]
    place: Path
    variant: str
    labels: str
    split: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    info: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)


class Release(Dataset):
    """A dataset that is distributed to signatories in one known form. Subclasses write `read`."""

    protocol: Protocol

    def __init__(self) -> None:
        self._copies: dict[Path, Copy] = {}

    def read(self, root: Path) -> Copy:
        """Find labels, folds and videos below the root; called once. Raises DataError."""
        raise NotImplementedError

    def copy(self, root: Path) -> Copy:
        """What `read` found below this root. Raises DataError."""
        if root not in self._copies:
            self._copies[root] = self.read(root)
        return self._copies[root]

    def videos(self, root: Path, fold: int, split: str) -> Sequence[Video]:
        """The videos of one part, in the order of their ids. A video that is not there has the path where it
        should be. Raises DataError."""
        copy = self.copy(root)
        label = {name: i for i, name in enumerate(self.classes)}
        rows = sorted(copy.folds[fold][split].items())
        return [
            Video(
                id=name,
                path=str(copy.media.get(name) or copy.place / name),
                label=label[of],
                info=copy.info.get(name, {}),
                group=copy.groups.get(name, ""),
            )
            for name, of in rows
        ]

    def agrees(self, root: Path) -> bool:
        """Whether every list has the figures of the protocol."""
        copy = self.copy(root)
        return all(self.protocol.agrees(f, s, copy.folds[f][s]) for f, s in self.protocol.parts)

    def official(self, root: Path) -> bool:
        """Whether every list is the official one; where there is no official split, none is."""
        return self.agrees(root)

    def short(self, root: Path) -> bool:
        """Whether the copy lacks videos of the protocol."""
        copy, parts = self.copy(root), self.protocol.parts
        return any(len(copy.folds[fold][split]) < part.videos for (fold, split), part in parts.items())

    def more(self, root: Path) -> bool:
        """Whether a list has more videos of a class than the protocol: then it is not merely short."""
        copy = self.copy(root)
        return any(
            exceeds(tally(copy.folds[f][s], self.classes), part.counts)
            for (f, s), part in self.protocol.parts.items()
        )

    def drawn(self, root: Path) -> bool:
        """Whether it is marked as a drawn release, which has other figures than the official one."""
        return says_drawn(root, map(str, self.copy(root).media.values()))

    def caveats(self, root: Path) -> Iterator[str]:
        """What tells this copy from the official set: own folds, fewer videos, or anything else."""
        own, short = self.copy(root).split == OWN and not self.official(root), self.short(root)
        if own:
            yield "own split"
        if short:
            yield "partial data"
        if not own and not self.agrees(root) and (self.more(root) or not short):
            yield NOT_OFFICIAL

    def notes(self, root: Path) -> Mapping[str, Any]:
        """Variant, origin of labels and folds, and the caveats of a copy that is not the official set."""
        copy = self.copy(root)
        return {
            "variant": copy.variant,
            "labels": copy.labels,
            "split": copy.split,
            "official lists": self.official(root),
            **copy.facts,
            "caveats": list(self.caveats(root)),
        }

    def findings(self, root: Path) -> Iterable[Finding]:
        """How the lists compare with the official figures."""
        copy = self.copy(root)
        if self.drawn(root):
            yield Finding("info", "a drawn release: it has some videos of each class, not the official ones")
        else:
            yield from self._differences(copy)
        yield Finding("info", f"variant {copy.variant}; labels from {copy.labels}; folds: {copy.split}")

    def _differences(self, copy: Copy) -> Iterable[Finding]:
        for (fold, split), part in sorted(self.protocol.parts.items()):
            rows = copy.folds[fold][split]
            counts = tally(rows, self.classes)
            say = partial(Finding, "warning" if copy.split == OWN else "error", hint=DIFFERS)
            if not part.counts and len(rows) != part.videos:
                yield say(f"fold {fold}, {split}: {len(rows)} videos, officially {part.videos}")
            elif part.counts and counts != part.counts:
                found, wanted = (" ".join(map(str, c)) for c in (counts, part.counts))
                yield say(f"fold {fold}, {split}: {found} videos of each class, officially {wanted}")
            elif not self.protocol.agrees(fold, split, rows):
                yield say(f"fold {fold}, {split}: the right numbers, but not the official ids or labels")


def exceeds(counts: Sequence[int], official: Sequence[int]) -> bool:
    """Whether a class has more videos than officially, where that is known."""
    return bool(official) and any(here > there for here, there in zip(counts, official, strict=True))


NOT_OFFICIAL = "not official"
"""The caveat of videos, labels or folds that are neither the official ones nor merely fewer."""
OFFICIAL, RULE, OWN = "lists of the release", "rebuilt by the rule", "own lists"
"""Where folds may come from."""
DIFFERS = "Results on it are not comparable with published ones; check what is missing."


def nothing_found(root: Path, what: str, where: str) -> DataError:
    """The error for a root that lacks `what`; says so if it is there but still packed."""
    packed = archives(root)[:3]
    if packed:
        return DataError(f"{root} lacks {what}, but holds {', '.join(packed)}", "Unpack the archives first.")
    return DataError(f"{root} lacks {what}", where)
