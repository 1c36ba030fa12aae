"""What a video file holds, found by reading its packets without decoding them: under a millisecond a video.

A reader that trusts its decoder's own idea of the number of frames silently takes the first half of a
truncated file for the whole video, and shows frames that an edit list hides.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dferbench.errors import VideoError

EXACT = ("mov", "matroska", "avi", "asf")
"""Containers whose header states the true length; others state none, or FFmpeg estimates it."""


@dataclass(frozen=True)
class Contents:
    """The frames that the packets present, and how many the header declared (0: it did not say)."""

    frames: int
    declared: int


@contextmanager
def opened(path: str) -> Iterator[tuple[Any, Any]]:
    """The PyAV container and its best video stream, set to one thread.

    Raises VideoError for whatever is not a readable video, and for what FFmpeg reports while it is open.
    """
    import av

    _require_file(path)
    try:
        with av.open(path, metadata_errors="ignore") as container:
            stream = container.streams.best("video")
            if stream is None:
                raise VideoError(path, "it has no video stream")
            if container.format.name.endswith("_pipe"):
                raise VideoError(path, "it is a single image, not a video")
            # FFmpeg's threads deadlock in forked workers and gain nothing on short videos.
            stream.codec_context.thread_count = 1
            yield container, stream
    except av.FFmpegError as error:
        raise VideoError(path, f"it cannot be read as a video ({error.strerror})") from error


def inspect(path: str) -> Contents:
    """What the file holds. Raises VideoError if it is no video, is cut short, or has a damaged packet."""
    with opened(path) as (container, stream):
        packets = hidden = 0
        end = 0.0
        for packet in container.demux([s for s in container.streams if s.type in ("video", "audio")]):
            if packet.size == 0:
                continue
            if packet.is_corrupt:
                raise VideoError(path, f"it is damaged or cut short after {packets} frames")
            if packet.pts is not None:
                end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
            if packet.stream.index == stream.index:
                packets += 1
                hidden += packet.is_discard
        if packets - hidden < 1:
            raise VideoError(path, "it has no frames")
        _require_whole(path, container, packets, end)
        return Contents(packets - hidden, stream.frames)


def _require_file(path: str) -> None:
    if not Path(path).exists():
        raise VideoError(path, "there is no such file")
    if not Path(path).is_file():
        raise VideoError(path, "it is not a file")
    if Path(path).stat().st_size == 0:
        raise VideoError(path, "the file is empty")


def _require_whole(path: str, container: Any, packets: int, end: float) -> None:
    """The last packet must end where the header says the video ends, give or take three frames."""
    if container.duration is None or not end or not container.format.name.startswith(EXACT):
        return
    expected = ((container.start_time or 0) + container.duration) / 1e6
    if end < expected - 3 * end / packets:
        raise VideoError(path, f"it is cut short: it ends at {end:.2f} s of {expected:.2f} s")
