"""What the lists of a dataset say: which video is in which part, under which label. No file is touched."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from dferbench.data.parts import SPLITS as SPLITS
from dferbench.data.parts import SplitVideos as SplitVideos
from dferbench.data.parts import folds as folds
from dferbench.errors import DataError
from dferbench.types import Dataset, Finding, Video


def read_parts(dataset: Dataset, root: Path, folds: Iterable[int]) -> tuple[list[SplitVideos], list[Finding]]:
    """The parts that can be read, and an error for each reason why others cannot."""
    parts: list[SplitVideos] = []
    failed: dict[tuple[str, str], list[str]] = defaultdict(list)
    for fold in folds:
        for split in SPLITS:
            try:
                parts.append(SplitVideos(fold, split, tuple(dataset.videos(root, fold, split))))
            except DataError as error:
                failed[error.message, error.hint].append(f"fold {fold}, {split}")
    return parts, [
        Finding("error", f"parts that cannot be read: {message}", hint, tuple(places))
        for (message, hint), places in failed.items()
    ]


def duplicates(parts: Sequence[SplitVideos]) -> Iterator[Finding]:
    """Ids that one part names more than once."""
    found = [
        f"{name} ({part})"
        for part in parts
        for name, count in Counter(video.id for video in part.videos).items()
        if count > 1
    ]
    if found:
        yield Finding("error", "ids that one part names twice", "Remove the extra lines.", tuple(found))


def labels(parts: Sequence[SplitVideos], classes: Sequence[str]) -> Iterator[Finding]:
    """Labels that are not classes, and videos whose label differs from part to part."""
    bad = [
        f"{video.id}: {video.label} ({part})"
        for part in parts
        for video in part.videos
        if not 0 <= video.label < len(classes)
    ]
    if bad:
        hint = f"A label is an index into the {len(classes)} classes, 0 to {len(classes) - 1}."
        yield Finding("error", "labels out of range", hint, tuple(bad))
    several = _varying(parts, lambda video: str(video.label))
    if several:
        hint = "Find out which list is right; the same video cannot show two classes."
        yield Finding("error", "ids whose label differs between folds", hint, several)


def paths(parts: Sequence[SplitVideos]) -> Iterator[Finding]:
    """Ids that mean another file in another fold: predictions of folds could not be put together."""
    several = _varying(parts, lambda video: video.path)
    if several:
        hint = "Give every video an id of its own."
        yield Finding("warning", "ids that mean different files in different folds", hint, several)


def _varying(parts: Sequence[SplitVideos], what: Callable[[Video], str]) -> tuple[str, ...]:
    seen: dict[str, set[str]] = defaultdict(set)
    for part in parts:
        for video in part.videos:
            seen[video.id].add(what(video))
    return tuple(f"{name}: {', '.join(sorted(them))}" for name, them in seen.items() if len(them) > 1)


def overlap(parts: Sequence[SplitVideos]) -> Iterator[Finding]:
    """Ids in train and test of one fold."""
    found = [f"{name} (fold {a.fold})" for a, b in folds(parts) for name in sorted(a.ids & b.ids)]
    if found:
        hint = "Take them out of one of the two: a model must not be tested on what it learned from."
        yield Finding("error", "videos in train and test of the same fold", hint, tuple(found))


def crossing(parts: Sequence[SplitVideos]) -> Iterator[Finding]:
    """Test parts of several folds that share videos, or together leave some out. Wants every part."""
    tested = Counter(name for part in parts if part.split == "test" for name in part.ids)
    twice = tuple(name for name, count in tested.items() if count > 1)
    never = tuple(sorted({name for part in parts for name in part.ids} - set(tested)))
    hint = "Compare the lists with the official ones: over all folds every video is tested once."
    if twice:
        yield Finding("error", "videos in the test parts of several folds", hint, twice)
    if never:
        yield Finding("error", "videos in the test part of no fold", hint, never)


def empty_classes(parts: Sequence[SplitVideos], classes: Sequence[str]) -> Iterator[Finding]:
    """Classes of which a part has no video."""
    found = []
    for part in parts:
        there = {video.label for video in part.videos}
        found += [f"{name} ({part})" for label, name in enumerate(classes) if label not in there]
    if found:
        hint = "A class without videos is neither learned nor tested; check labels and lists."
        yield Finding("error", "classes without any video", hint, tuple(found))


def twins(parts: Sequence[SplitVideos], content: Mapping[str, str]) -> Iterator[Finding]:
    """One video under several ids: the same digest in `content`, which is by path, or the same path."""
    names: dict[str, set[str]] = defaultdict(set)
    for part in parts:
        for video in part.videos:
            names[content.get(video.path, video.path)].add(video.id)
    several = {key: " = ".join(sorted(ids)) for key, ids in names.items() if len(ids) > 1}
    leaks = set()
    for pair in folds(parts):
        train, test = ({content.get(v.path, v.path) for v in part.videos} for part in pair)
        leaks |= train & test & several.keys()
    if leaks:
        hint = "Keep one of each: a model must not be tested on what it learned from."
        items = tuple(several[key] for key in several if key in leaks)
        yield Finding("error", "one content under two ids, in train and test", hint, items)
    if rest := tuple(them for key, them in several.items() if key not in leaks):
        yield Finding("warning", "one content under two ids", "Such videos count twice.", rest)


def facts(parts: Sequence[SplitVideos], classes: Sequence[str]) -> Iterator[Finding]:
    """How many videos each part has, of each class, and what a constant answer would score."""
    for part in parts:
        held = Counter(video.label for video in part.videos)
        counts = [held[label] for label in range(len(classes))]
        text = ", ".join(f"{name} {count}" for name, count in zip(classes, counts, strict=True))
        if part.split == "test" and any(counts):
            war, uar = max(counts) / sum(counts), 1 / (len(counts) - counts.count(0))
            always = classes[counts.index(max(counts))]
            text += f"; answering {always} always scores WAR {war:.2%}, UAR {uar:.2%}"
        yield Finding("info", f"{part}: {len(part.videos)} videos: {text}")
