"""Making a pack: every video once, in processes of their own, kept as soon as it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dferbench.data.marks import marks_of, notes_of
from dferbench.data.packs.encode import Encoded, encode_video, how, made_from
from dferbench.data.packs.index import NAME, Index, Packed, PackEntry, begin, is_pack, read_index, write_index
from dferbench.data.packs.source import all_videos, fingerprint, name_of, read_lists
from dferbench.data.packs.store import PackStore
from dferbench.data.pool import run_each
from dferbench.errors import ConfigError, DataError, VideoError
from dferbench.files import digest, to_json
from dferbench.progress import Bar, Progress
from dferbench.registry.datasets import Chosen, written
from dferbench.types import Video

SECONDS = 600.0
"""How long one video may take."""
Folds = dict[int, dict[str, list[PackEntry]]]


@dataclass(frozen=True)
class PackJob:
    """A dataset, where it lies and where its pack goes; `quality` is JPEG's, for frames of video files.

    With no `workers` this process reads: a file that makes a decoder crash or hang then does so here.
    """

    chosen: Chosen
    root: Path
    output: Path
    quality: int = 95
    workers: int = 2
    skip_bad: bool = False


def pack(job: PackJob, progress: Progress) -> Index:
    """Make the pack, or make an old one current, and return what it says of itself.

    Raises ConfigError or DataError for a place that will not do, and DataError at the end if videos could
    not be read and `skip_bad` is not set; everything else is packed by then, and the next call continues.
    """
    _check_place(job)
    job.chosen.dataset.prepare(job.root, progress)
    lists = read_lists(job.chosen.dataset, job.root)
    paths = {name_of(video.path, job.root): video.path for video in all_videos(lists)}
    folds = {
        fold: {split: [_entry(video, job.root) for video in videos] for split, videos in splits.items()}
        for fold, splits in lists.items()
    }
    begin(job.output)
    videos = _write_videos(job, paths, progress)
    _report(videos, job.skip_bad, progress)
    index = _index(job, folds, videos, paths)
    write_index(index, job.output)
    return index


def _check_place(job: PackJob) -> None:
    if is_pack(job.root):
        raise ConfigError(f"{job.root} is a pack already", "Use --root with what it was made from.")
    if job.output.exists() and not job.output.is_dir():
        raise ConfigError(f"{job.output} is not a folder", "Choose a new or empty one.")
    if job.output.is_dir() and any(job.output.iterdir()) and not is_pack(job.output):
        raise ConfigError(f"{job.output} is not empty and no pack", "Choose a new or empty folder.")
    if (job.output / NAME).is_file():
        before = read_index(job.output)
        if (before.dataset, digest(before.options)) != (job.chosen.entry.name, digest(job.chosen.options)):
            held = written(before.dataset, before.given)
            raise ConfigError(f"{job.output} is a pack of {held}", "Choose another folder.")


def _entry(video: Video, root: Path) -> PackEntry:
    name = name_of(video.path, root)
    try:
        to_json([video.id, name, dict(video.info)]).encode()
    except (TypeError, ValueError) as error:
        raise DataError(
            f"the name of '{video.id!r}' or what is known about it cannot be written as JSON ({error})",
            "Names must be UTF-8, and Video.info must hold text and numbers.",
        ) from error
    return PackEntry(id=video.id, label=video.label, video=name, info=dict(video.info), group=video.group)


def _write_videos(job: PackJob, paths: Mapping[str, str], progress: Progress) -> dict[str, Packed]:
    """Bring the file to hold exactly these videos as they are now."""
    owner = f"{job.chosen.entry.name} {digest(job.chosen.options)}"
    with PackStore(job.output, owner) as store:
        done = {n: packed for n, path in paths.items() if (packed := _current(store, n, path, job.quality))}
        if done:
            progress.say(f"{len(done)} of {len(paths)} videos were packed before")
        names = {path: name for name, path in paths.items() if name not in done}
        work, todo = partial(encode_video, quality=job.quality), list(names)
        with progress.bar("packing", len(todo)) as bar:
            each = run_each(work, todo, SECONDS, job.workers, bar) if job.workers else _here(work, todo, bar)
            for path, result in each:
                done[names[path]] = _take(store, names[path], path, result)
        store.keep_only(paths)
    return {name: done[name] for name in paths}


def _here(
    work: Callable[[str], Encoded], paths: Iterable[str], bar: Bar
) -> Iterator[tuple[str, Encoded | VideoError]]:
    """Without other processes, and without their protection."""
    for path in paths:
        try:
            yield path, work(path)
        except VideoError as error:
            yield path, error
        bar.advance()


def _current(store: PackStore, name: str, path: str, quality: int) -> Packed | None:
    """A video that is packed already, if it would come out the same now."""
    with store.value(name) as value:
        if value is None:
            return None
        source = fingerprint(path)
        same = value.fingerprint == made_from(path, source, quality)
        return Packed(frames=value.frames, source=source) if same else None


def _take(store: PackStore, name: str, path: str, result: Encoded | VideoError) -> Packed:
    if isinstance(result, VideoError):
        return Packed(frames=0, source=fingerprint(path), bad=result.reason)
    store.put(name, result.value)
    return Packed(frames=result.frames, source=result.source)


def _report(videos: Mapping[str, Packed], skip_bad: bool, progress: Progress) -> None:
    """Name every video that could not be packed. Raises DataError unless they may be left out."""
    bad = {name: video.bad for name, video in videos.items() if video.bad}
    for name, reason in bad.items():
        progress.say(f"not packed: {name}: {reason}")
    if bad and not skip_bad:
        name, reason = next(iter(bad.items()))
        raise DataError(
            f"{len(bad)} of {len(videos)} videos cannot be packed; the first is {name}: {reason}",
            "Fix them and run the same command, which continues; or add --skip-bad to leave them out.",
        )


def _index(job: PackJob, folds: Folds, videos: dict[str, Packed], paths: Mapping[str, str]) -> Index:
    dataset = job.chosen.dataset
    marks = marks_of(job.root, paths.values())
    from_files = any(not Path(paths[name]).is_dir() for name, video in videos.items() if not video.bad)
    return Index(
        schema=1,
        dataset=job.chosen.entry.name,
        options=job.chosen.options,
        given=job.chosen.given,
        classes=tuple(dataset.classes),
        notes=notes_of(dataset, job.root, marks),
        made=dataset.synthetic or marks.drawn,
        source=str(job.root.resolve()),
        reencoded=how(job.quality) if from_files else "",
        videos=videos,
        folds=folds,
    )
