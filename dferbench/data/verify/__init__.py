"""Is a copy of a dataset what it should be? From its lists, its files and its frames to findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dferbench.data.leaks.find import copies_among
from dferbench.data.leaks.looks import looks_of
from dferbench.data.make import is_unfinished
from dferbench.data.marks import marks_of, notes_of
from dferbench.data.packs.index import is_pack
from dferbench.data.verify import decode, leaks, lists, tree
from dferbench.data.verify.decode import Decoded, Results
from dferbench.data.verify.lists import SplitVideos
from dferbench.data.verify.survey import Surveyed, survey
from dferbench.errors import DataError
from dferbench.progress import Progress
from dferbench.types import Dataset, Finding

LEVELS = ("error", "warning", "info")


@dataclass(frozen=True)
class Depth:
    """How far to look: decode every video or a sample, for how many seconds each, in how many processes."""

    whole: bool = False
    seconds: float = 60.0
    workers: int = 1


def verify(
    dataset: Dataset, root: Path, folds: Sequence[int], depth: Depth, progress: Progress
) -> list[Finding]:
    """Everything that is wrong, doubtful or worth knowing about this copy, errors first.

    What the lists say is compared with itself; each video's files are listed once, however many folds name
    it; a sample of the videos, or all of them, is decoded. Then comes what the dataset itself has to say.
    """
    parts, found = _parts(dataset, root, folds, progress)
    if is_unfinished(root):
        found.append(Finding("error", "this drawn release was not completed", "Remove it and make it again."))
    name = _shortened(root)
    paths = list(dict.fromkeys(video.path for part in parts for video in part.videos))
    if not paths:
        return _sorted(found + _own(dataset, root, paths, found))
    seen = _survey(paths, root, progress)
    broken = {video.path for video in seen if video.trouble}
    wanted = [path for path in paths if path not in broken]
    wanted = wanted if depth.whole else decode.sample(wanted, name)
    results = decode.decode_all(wanted, depth.whole, depth.seconds, depth.workers, progress)
    found += _of_lists(dataset, parts, folds, results)
    found += _leaks(parts, wanted, depth, progress)
    found += [finding for check in tree.CHECKS for finding in check(seen, name)]
    found += [finding for check in decode.CHECKS for finding in check(results, name)]
    found += _figures(seen, results, len(paths))
    if len(parts) == len(lists.SPLITS) * len(dataset.folds) and not is_pack(root):
        found += tree.left_beside(root, set(paths))
    found += _own(dataset, root, paths, found)
    return _sorted(found)


def _sorted(found: list[Finding]) -> list[Finding]:
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))


def _parts(
    dataset: Dataset, root: Path, folds: Sequence[int], progress: Progress
) -> tuple[list[SplitVideos], list[Finding]]:
    try:
        dataset.prepare(root, progress)
    except DataError as error:
        return [], [_unread(error)]
    return lists.read_parts(dataset, root, folds)


def _unread(error: DataError) -> Finding:
    return Finding("error", error.message, error.hint)


def _shortened(root: Path) -> tree.Name:
    return lambda path: path.removeprefix(f"{root}/")


def _survey(paths: Sequence[str], root: Path, progress: Progress) -> list[Surveyed]:
    if is_pack(root):
        return []  # its videos are not files of their own
    with progress.bar("looking at files", len(paths)) as bar:
        return survey(paths, root, bar)


def _of_lists(
    dataset: Dataset, parts: Sequence[SplitVideos], folds: Sequence[int], results: Results
) -> Iterator[Finding]:
    classes = dataset.classes
    yield from lists.duplicates(parts)
    yield from lists.labels(parts, classes)
    yield from lists.paths(parts)
    yield from lists.overlap(parts)
    whole = len(parts) == len(lists.SPLITS) * len(dataset.folds)
    if whole and len(dataset.folds) > 1:
        yield from lists.crossing(parts)
    yield from lists.empty_classes(parts, classes)
    yield from lists.twins(parts, {p: one.digest for p, one in _decoded(results) if one.digest})
    yield from lists.facts(parts, classes)


def _leaks(
    parts: Sequence[SplitVideos], paths: Sequence[str], depth: Depth, progress: Progress
) -> Iterator[Finding]:
    """What training knows of the test videos: shared sources, and copies where every video is decoded."""
    yield from leaks.sources(parts)
    if depth.whole:
        looks, _ = looks_of(paths, depth.seconds, depth.workers, progress)
        yield from leaks.copied(parts, copies_among(looks))


def _decoded(results: Results) -> list[tuple[str, Decoded]]:
    return [(path, one) for path, one in results.items() if isinstance(one, Decoded)]


def _figures(seen: Sequence[Surveyed], results: Results, videos: int) -> Iterator[Finding]:
    """Lengths and sizes: as decoded where a video was, else as the survey saw them."""
    frames = {video.path: video.frames for video in seen if video.frames}
    sizes = {video.path: video.size for video in seen if video.size}
    for path, one in _decoded(results):
        frames[path], sizes[path] = one.frames, one.sizes[0]
    yield from tree.lengths(list(frames.values()), videos)
    yield from tree.sizes(sizes.values())


def _own(dataset: Dataset, root: Path, paths: Sequence[str], before: Sequence[Finding]) -> list[Finding]:
    """What the dataset says of itself, and of this copy for the record."""
    found: list[Finding] = []
    marks = marks_of(root, paths)
    try:
        found += dataset.findings(root)
        notes = "; ".join(
            f"{key}: {_said(value)}" for key, value in notes_of(dataset, root, marks).items() if value
        )
        found += [Finding("info", f"a record will say: {notes}")] if notes else []
    except DataError as error:
        told = any(error.message in finding.what for finding in before)
        found += [] if told else [_unread(error)]
    if dataset.synthetic or marks.drawn:
        found.append(Finding("info", "drawn by a program: results on it never rank next to real ones"))
    return found


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
