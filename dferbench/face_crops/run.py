"""A whole tree of videos to face crops: what is missing, in workers, with a report."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any

from dferbench import spec
from dferbench.data.left_out import left_out
from dferbench.data.marks import crop_comment, drawn_among, mark_drawn
from dferbench.data.pool import run_each
from dferbench.errors import ConfigError, VideoError
from dferbench.face_crops.look import make_finder
from dferbench.face_crops.report import CroppedVideo, Report, claim
from dferbench.face_crops.track import Following
from dferbench.face_crops.tree import Found, find_videos, printable
from dferbench.face_crops.write import CropJob, discard, write_faces
from dferbench.files import sha256_of
from dferbench.places import alone
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog

SECONDS_BETWEEN_REPORTS = 10.0
"""A kill loses the news of so many seconds, and those videos are done again."""


@dataclass(frozen=True)
class CropRequest:
    """What is wanted of every video; `seconds` is the time that one may take."""

    source: Path
    output: Path
    finder: str = "haar"
    how: Following = field(default_factory=Following)
    size: int = 224
    quality: int = 95
    seconds: float = 60.0
    workers: int = 2


def crop_all(request: CropRequest, catalog: Catalog, progress: Progress) -> tuple[Report, int]:
    """Crop every video that is not done yet; the report, and how many were done before.

    Raises ConfigError for a finder that cannot be built or an output that belongs to other settings,
    DataError if there are no videos or they share names, and DferbenchError if nothing can be written.
    """
    source, output = request.source.resolve(), request.output.resolve()
    if source.is_relative_to(output):
        raise ConfigError(f"--output {request.output} holds the videos", "Choose a folder of its own.")
    with alone(output, lambda: progress.say(f"waiting for another process that writes into {output}")):
        return _crop_all(request, source, output, catalog, progress)


def _crop_all(
    request: CropRequest, source: Path, output: Path, catalog: Catalog, progress: Progress
) -> tuple[Report, int]:
    """The same where no other process writes into the output."""
    finder = make_finder(request.finder, catalog)
    found = {one.id: one for one in find_videos(request.source, leave_out=output)}
    report = claim(output, _settings(request, source, finder.files if finder else ()))
    done = {name: e for name, e in report.videos.items() if _still_done(e, output / name, found.get(name))}
    report.videos = dict(done)
    report.left_out = _left_out(source, list(found.values()), output)
    marked = drawn_among(request.source, [str(one.path) for one in found.values()])
    drawn = {one.id for one in found.values() if str(one.path) in marked}
    if len(drawn) == len(found):
        mark_drawn(output, "dferbench data faces, of drawn videos")
    left = [one for one in found.values() if one.id not in done]
    try:
        for one, entry in _entries(left, drawn, request, catalog, progress):
            if entry.status == "failed":
                discard(output / one.id)
            report.videos[one.id] = entry
            report.save(output, every=SECONDS_BETWEEN_REPORTS)
    finally:
        report.save(output)
    return report, len(done)


def _left_out(source: Path, found: Sequence[Found], output: Path) -> list[str]:
    """What lies among the videos of a folder and is none, as paths below it."""
    if source.is_file():
        return []
    return sorted(map(printable, left_out(source, {str(one.path) for one in found}, skip=output)))


def _settings(request: CropRequest, source: Path, unnamed: Sequence[Path]) -> dict[str, Any]:
    """What decides which pixels are written, the contents of the finder's files included: those that its
    options name, and the `unnamed` ones of a package, whose place says nothing."""
    call = spec.parse_one(request.finder)
    values = [str(value) for value in (*call.args, *call.options.values())]
    files = {value: sha256_of(Path(value)) for value in values if Path(value).is_file()}
    files |= {path.name: sha256_of(path) for path in unnamed}
    how = asdict(request.how)
    return {
        "source": printable(source),
        "finder": request.finder,
        "files": files,
        "size": request.size,
        "quality": request.quality,
        **how,
    }


def _still_done(entry: CroppedVideo, folder: Path, one: Found | None) -> bool:
    """Whether the crops in `folder` are those of the video as it is now; without the video they just stay."""
    if entry.status != "done" or not folder.is_dir():
        return False
    return one is None or (not one.fault and entry.stamp == _stamp(one.path) != ())


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes when a video does: the number of its files, their size, the time of the last change."""
    try:
        if not path.is_dir():
            return _of_all([path.stat()])
        with os.scandir(path) as entries:
            return _of_all([entry.stat() for entry in entries if entry.is_file()])
    except OSError:  # it went away: no later stamp is this one, so it will be tried again
        return ()


def _of_all(facts: list[os.stat_result]) -> tuple[int, ...]:
    return (len(facts), sum(f.st_size for f in facts), max((f.st_mtime_ns for f in facts), default=0))


def _entries(
    videos: list[Found], drawn: set[str], request: CropRequest, catalog: Catalog, progress: Progress
) -> Iterator[tuple[Found, CroppedVideo]]:
    """Each video's outcome: first of those that must not be read, then as the workers bring them."""
    yield from ((one, CroppedVideo(status="failed", reason=one.fault)) for one in videos if one.fault)
    readable = [one for one in videos if not one.fault]
    jobs = [_job(one, one.id in drawn, request, catalog) for one in readable]
    with progress.bar("faces", len(jobs)) as bar:
        results = run_each(
            write_faces, jobs, request.seconds, request.workers, bar, attrgetter("path"), "--timeout"
        )
        for one, (_, result) in zip(readable, results, strict=True):
            if isinstance(result, VideoError):
                yield one, CroppedVideo(status="failed", reason=result.reason)
            else:
                yield one, CroppedVideo(status="done", stamp=_stamp(one.path), **asdict(result))


def _job(one: Found, drawn: bool, request: CropRequest, catalog: Catalog) -> CropJob:
    entry = catalog.get("face_finders", spec.parse_one(request.finder).name)
    # A plugin that is a file is known to this process only.
    plugins = (entry.origin,) if Path(entry.origin).is_file() else ()
    folder = str(request.output.resolve() / one.id)
    how = {"finder": request.finder, "size": request.size, "margin": request.how.margin}
    comment = crop_comment({**how, "quality": request.quality}, drawn=drawn)
    return CropJob(
        one.id,
        str(one.path),
        folder,
        request.finder,
        plugins,
        request.how,
        request.size,
        request.quality,
        comment,
    )
