"""A dataset that nobody distributes: what its lists, its table or its tree say, on the user's disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dferbench import ConfigError, DataError, Dataset, Finding, Video, expand
from dferbench.data import Progress
from dferbench.data.official import OWN, count_images, shown
from dferbench_datasets.local.classes import Classes
from dferbench_datasets.local.disk import Disk
from dferbench_datasets.local.entry import ListedVideo, Parts, firsts
from dferbench_datasets.local.ids import shortest_unique
from dferbench_datasets.local.paths import below


@dataclass(frozen=True)
class Located:
    """Videos as they are written to their ids, their paths, and whether they are there."""

    ids: Mapping[str, str]
    paths: Mapping[str, Path]
    there: Mapping[str, bool]
    note: str


class Local(Dataset):
    """Entries by fold and part, with the paths that they have below a root. Subclasses find the entries."""

    def __init__(
        self, home: Path, parts: Parts, classes: Classes, prefix: str = "", links: bool = False
    ) -> None:
        self.home, self.parts, self.found = home, parts, classes
        self.classes = classes.names
        self.folds = tuple(sorted({fold for fold, _ in parts}))
        self.prefix, self.links = prefix, links
        self._located: dict[Path, Located] = {}
        for (fold, split), entries in parts.items():
            if not entries:
                raise DataError(f"{home}: fold {fold} has no videos to {split} on", "Check the split.")
        if len(self.classes) < 2:
            raise DataError(
                f"{home}: all videos have the label {self.classes[0]}", "Two classes are the least."
            )

    def default_root(self) -> Path:
        """Where the lists or the videos were found."""
        return self.home

    def entries(self) -> dict[str, ListedVideo]:
        """Every video as it is written to the first entry that names it."""
        return firsts((e for part in self.parts.values() for e in part), lambda entry: entry.video)

    def locate(self, root: Path) -> Located:
        """Where the videos are below this root; nothing is opened. Raises DataError."""
        if root not in self._located:
            self._located[root] = self._locate(root)
        return self._located[root]

    def _locate(self, root: Path) -> Located:
        entries, disk = self.entries(), Disk(root, self.links)
        placed, note = below(entries, root, self.prefix)
        looked = {text: disk.find(parts, entries[text]) for text, parts in placed.items()}
        found = {text: parts for text, (parts, _) in looked.items()}
        note = "; ".join(filter(None, (note, _zeros(placed, found))))
        for part in self.parts.values():
            _require_once(part, found)
        ids = shortest_unique(set(found.values()))
        return Located(
            {text: ids[parts] for text, parts in found.items()},
            {text: root.joinpath(*parts) for text, parts in found.items()},
            {text: there for text, (_, there) in looked.items()},
            note,
        )

    def prepare(self, root: Path, progress: Progress) -> None:
        """Raise DataError if not one of the videos is there: then the root or the prefix is wrong."""
        found = self.locate(root)
        if not any(found.there.values()):
            text, entry = next(iter(self.entries().items()))
            raise DataError(
                f"none of the {len(found.there)} videos is below {root}: "
                f"{entry.where}, would be {found.paths[text]}",
                "Name the folder that their paths start from with --root DIR, or the part to cut off with "
                "prefix=.",
            )

    def videos(self, root: Path, fold: int, split: str) -> Sequence[Video]:
        """The videos of one part, in the order of their ids, there or not. Raises DataError."""
        found, place = self.locate(root), self.found.place
        return sorted(
            (
                Video(found.ids[e.video], str(found.paths[e.video]), place[e.label], _info(e), e.group)
                for e in self.parts[fold, split]
            ),
            key=lambda video: video.id,
        )

    def notes(self, root: Path) -> Mapping[str, Any]:
        """Where labels, classes and folds came from and what was done to paths; always an own split."""
        note = self.locate(root).note
        said = {"labels": str(self.home), "split": OWN, "classes": self.found.known}
        return said | ({"paths": note} if note else {}) | {"caveats": ["own split"]}

    def findings(self, root: Path) -> Iterable[Finding]:
        """What was assumed, what was replaced, and stated numbers of frames that the disk does not have."""
        if self.found.known.startswith("assumed"):
            codes = ", ".join(f"{i} {name}" for i, name in enumerate(self.classes))
            yield Finding("warning", f"classes {self.found.known}: {codes}", "State them: classes='...'.")
        if note := self.locate(root).note:
            yield Finding("info", f"paths: {note}")
        yield from self._counts(root)

    def _counts(self, root: Path) -> Iterable[Finding]:
        found = self.locate(root)
        wrong = []
        for text, entry in self.entries().items():
            path = found.paths[text]
            if entry.frames is not None and found.there[text] and path.is_dir():
                count = count_images(path)
                if count != entry.frames:
                    wrong.append(f"{found.ids[text]}: {entry.frames} stated, {count} there")
        if wrong:
            yield Finding(
                "warning",
                f"{len(wrong)} videos have another number of frames than the lists state",
                "What is on the disk is used; the lists were made from other frames.",
                tuple(wrong),
            )


def given(text: str, what: str, example: str) -> Path:
    """A path that the user must give. Raises ConfigError if it was left out, DataError if it is not there."""
    if not text:
        raise ConfigError(f"{what} is missing", f"Write {example}.")
    try:
        path = expand(text)
        path.stat()
    except (OSError, ValueError, RuntimeError) as error:  # the last: ~somebody who is not known
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{shown(text)} cannot be read ({reason})", f"Write {example}.") from None
    return path


def given_within(folder: str, text: str, what: str, example: str) -> Path:
    """As `given`, for a file that may also be named as seen from a folder that the user gave."""
    inside = given(folder, what, example) / text if folder else None
    return inside if inside is not None and inside.is_file() else given(text, what, example)


def _zeros(placed: Mapping[str, tuple[str, ...]], found: Mapping[str, tuple[str, ...]]) -> str:
    """In words how many names were found under another number of leading zeros."""
    count = sum(
        _is_number(found[text][-1]) and found[text][-1].split(".")[0] != parts[-1].split(".")[0]
        for text, parts in placed.items()
    )
    return f"{count} names found with other leading zeros than listed" if count else ""


def _is_number(name: str) -> bool:
    """Whether the name is a number."""
    return name.split(".")[0].isdecimal()


def _info(entry: ListedVideo) -> dict[str, Any]:
    return {"group": entry.group} if entry.group else {}


def _require_once(part: Sequence[ListedVideo], found: Mapping[str, tuple[str, ...]]) -> None:
    seen: dict[tuple[str, ...], ListedVideo] = {}
    for entry in part:
        other = seen.setdefault(found[entry.video], entry)
        if other is not entry:
            raise DataError(
                f"{entry.where}: {shown(entry.video)} occurs a second time, first at {other.where}",
                "Remove one of the lines.",
            )
