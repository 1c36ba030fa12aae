"""What a survey of the disk shows: each function is one check, from videos as seen to findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median

from dferbench.data.left_out import counted, is_video, left_out
from dferbench.data.verify.survey import Surveyed
from dferbench.types import Finding

FILMED = 4 / 3
"""Face crops are about square; this is the squarest form in which whole frames are filmed."""
SHORT = 16
"""The number of frames that most methods take."""

Name = Callable[[str], str]
"""How a path is shown."""


def trouble(seen: Sequence[Surveyed], name: Name) -> Iterator[Finding]:
    """Videos that are missing or cannot be read, by the reason."""
    reasons: dict[str, list[str]] = {}
    for video in seen:
        if video.trouble:
            reasons.setdefault(video.trouble, []).append(name(video.path))
    hint = "Complete the copy, and check that the root and the layout are the ones meant."
    for reason, paths in reasons.items():
        yield Finding("error", f"videos that are missing or unreadable: {reason}", hint, tuple(paths))


def empty_frames(seen: Sequence[Surveyed], name: Name) -> Iterator[Finding]:
    """Frames of zero bytes."""
    found = [f"{name(video.path)}/{frame}" for video in seen for frame in video.empty]
    yield from _warn("frames of zero bytes", "Copy them again; the disk may have been full.", found)


def stubs(seen: Sequence[Surveyed], name: Name) -> Iterator[Finding]:
    """Stubs of git LFS in place of frames."""
    found = [f"{name(video.path)}/{frame}" for video in seen for frame in video.stubs]
    yield from _warn("stubs of git LFS instead of frames", "Fetch the files with: git lfs pull", found)


def mixed_formats(seen: Sequence[Surveyed], name: Name) -> Iterator[Finding]:
    """Folders with images of several formats: two versions of the frames may lie in one another."""
    found = [f"{name(v.path)}: {', '.join(v.suffixes)}" for v in seen if len(v.suffixes) > 1]
    hint = "Every image counts as a frame; keep one version of them."
    yield from _warn("folders with several image formats", hint, found)


def unnatural_order(seen: Sequence[Surveyed], name: Name) -> Iterator[Finding]:
    """Folders in which 10 comes before 2 for whoever sorts names as text."""
    found = [name(video.path) for video in seen if not video.natural]
    hint = "dferbench sorts by number; other programs may have shown or trained on frames out of order."
    yield from _warn("folders whose frames are out of order when sorted as text", hint, found)


def uncropped(seen: Sequence[Surveyed], name: Name) -> Iterator[Finding]:
    """Images as wide as whole frames, where most are."""
    sized = [(video, video.size) for video in seen if video.size]
    wide = [name(video.path) for video, size in sized if max(size) >= FILMED * min(size)]
    if 2 * len(wide) > len(sized):
        hint = "Methods are made for face crops; dferbench data faces makes them."
        yield from _warn("images that look like whole frames, not faces (4:3 or longer)", hint, wide)


def outside(seen: Sequence[Surveyed], name: Name) -> Iterator[Finding]:
    """Videos that lie outside the root, by a link or by their path."""
    found = [name(video.path) for video in seen if video.outside]
    hint = "Make sure that these links and paths are meant: a copy of the root would lack the videos."
    yield from _warn("videos that lead out of the root", hint, found)


def gaps(seen: Sequence[Surveyed], name: Name) -> Iterator[Finding]:
    """Missing numbers between the first and the last frame: usual where no face was found."""
    found = [f"{name(v.path)}: {v.frames} of {v.first} to {v.last}" for v in seen if v.gaps]
    if found:
        total = sum(video.gaps for video in seen)
        yield Finding("info", f"gaps in frame numbers, {total} frames in all", items=tuple(found))


CHECKS = (trouble, empty_frames, stubs, mixed_formats, unnatural_order, uncropped, outside, gaps)


def left_beside(root: Path, paths: Collection[str]) -> Iterator[Finding]:
    """What lies below the root and is in no list: clips that a protocol leaves out, too."""
    rest = sorted(left_out(root, paths))
    videos = [name for name in rest if is_video(name)]
    others = [name for name in rest if not is_video(name)]
    for what, names in (("videos that are in no list", videos), ("other files", others)):
        if names:
            said = f"left out: {len(names)} {what} ({counted(names)})"
            yield Finding("info", said, items=tuple(names))


def lengths(frames: Sequence[int], videos: int) -> Iterator[Finding]:
    """How long videos are: `frames` are the known numbers of frames, of so many `videos`."""
    if frames:
        spread = f"min {min(frames)}, median {median(frames):g}, max {max(frames)}, total {sum(frames)}"
        short = sum(count < SHORT for count in frames)
        known = f"{len(frames)} of {videos} looked at"
        yield Finding("info", f"frames a video ({known}): {spread}; shorter than {SHORT}: {short}")


def sizes(found: Iterable[tuple[int, int]]) -> Iterator[Finding]:
    """Which image sizes occur how often, the commonest first: one (width, height) a video."""
    counts = Counter(found).most_common()
    if counts:
        shown = ", ".join(f"{width}x{height} {count}" for (width, height), count in counts[:5])
        more = f", and {len(counts) - 5} other sizes" if len(counts) > 5 else ""
        yield Finding("info", f"image sizes: {shown}{more}")


def _warn(what: str, hint: str, items: Sequence[str]) -> Iterator[Finding]:
    if items:
        yield Finding("warning", what, hint, tuple(items))
