"""What a video file holds, found by reading all of its packets and decoding its first frame alone.

A reader that trusts its decoder's own idea of the number of frames silently takes the first half of a
truncated file for the whole video, and shows frames that an edit list hides.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dferbench.data.decoders.bounds import FRAME, require_frame
from dferbench.data.decoders.geometry import PLAIN, Geometry, geometry_of, pixel_of
from dferbench.data.decoders.images import JPEG
from dferbench.errors import VideoError

EXACT = ("mov", "matroska", "avi", "asf")
"""Containers whose header states the true length; others state none, or FFmpeg estimates it."""
REFERRING = {"concat", "dash", "hls", "imf", "lavfi", "rtp", "rtsp", "sdp", "webm_dash_manifest"}
"""Formats that are not videos but name others, anywhere on the disk or the network."""
RAW_MJPEG = (".mjpeg", ".mjpg")
HEAD = 256
PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"<?xml", b"<MPD")
"""How texts begin that name other files, whatever follows them and whatever they are called."""
BLANK = b"\xef\xbb\xbf \t\r\n"
HDR = {16: "PQ", 18: "HLG"}
"""Transfer characteristics (ITU-T H.273) whose values are no brightness that 8 bits could show."""


@dataclass(frozen=True)
class Contents:
    """The number of frames that the packets present, whether decoding must yield that many, FFmpeg's name of
    the container, such as "mov,mp4,m4a,3gp,3g2,mj2", and how the first frame is shown.

    The number is not `certain` where an edit list hides frames, where the header declares another number, and
    where the video was cut out of a longer one before frames that refer to what is gone.
    """

    frames: int
    certain: bool
    container: str
    geometry: Geometry


@contextmanager
def opened(path: str) -> Iterator[tuple[Any, Any]]:
    """The PyAV container and its best video stream, set to one thread.

    Raises VideoError for whatever is not a readable video, and for what FFmpeg reports while it is open.
    """
    import av

    _require_file(path)
    try:
        with av.open(as_file(path), **_format(path), **_any_metadata()) as container:
            stream = container.streams.best("video")
            if stream is None:
                raise VideoError(path, "it has no video stream")
            if container.format.name.endswith("_pipe"):
                raise VideoError(path, "it is a single image, not a video")
            _prepare(path, stream.codec_context)
            yield container, stream
    except av.ArgumentError as error:
        # What FFmpeg says of a format that is not allowed, and of a few kinds of damage.
        raise VideoError(path, f"it is damaged, or a playlist of other files ({error.strerror})") from error
    except av.FFmpegError as error:
        raise VideoError(path, f"it cannot be read as a video ({error.strerror})") from error


def _prepare(path: str, codec: Any) -> None:
    """One thread, and no frame that is too large. Raises VideoError where that, or the codec, is refused."""
    if codec is None:
        raise VideoError(path, "FFmpeg has no decoder for its codec")
    require_frame(path, codec.width, codec.height)
    # The size may change within the video: the decoder itself refuses what the header did not state.
    codec.options = {"max_pixels": str(FRAME)}
    # FFmpeg's threads deadlock in forked workers and gain nothing on short videos.
    codec.thread_count = 1


@cache
def _any_metadata() -> dict[str, Any]:
    """What keeps titles that are no UTF-8 from being errors; PyAV 19 reads them anyway, without the word."""
    import av.container

    return {"metadata_errors": "ignore"} if hasattr(av.container.Container, "metadata_errors") else {}


def _format(path: str) -> dict[str, Any]:
    """What FFmpeg may take a file for: raw MJPEG looks like the single JPEG that it begins with."""
    options = {"format_whitelist": _formats(), "protocol_whitelist": "file"}
    if path.lower().endswith(RAW_MJPEG) and _head(path).startswith(JPEG):
        return {"format": "mjpeg", "options": options}
    return {"options": options}


def as_file(path: str) -> str:
    """A path that FFmpeg takes for a file whatever it is called: to it, "http:/host/x.mp4" is an address."""
    return os.path.abspath(path)  # noqa: PTH100 - links are followed by the system


def _head(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(HEAD)


@cache
def _formats() -> str:
    import av.format

    return ",".join(sorted(av.format.formats_available - REFERRING))


def inspect(path: str) -> Contents:
    """What the file holds.

    Raises VideoError if it is not a video, is cut short, has a damaged packet, is HDR, or is to be shown in a
    way that cannot be done.
    """
    with opened(path) as (container, stream):
        shown, hidden, end, first = [], 0, 0.0, None
        for packet in _packets(path, container):
            if packet.pts is not None:
                end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
            if packet.stream.index != stream.index:
                continue
            if packet.is_discard:
                hidden += 1
            else:
                shown.append(packet.pts)
            first = first or _decoded(stream, packet)
        first = first or _decoded(stream, None)
        if not shown:
            raise VideoError(path, "it has no frames")
        _require_whole(path, container, len(shown) + hidden, end)
        as_declared = not hidden and stream.frames in (0, len(shown))
        certain = as_declared and _starts_cleanly(shown) and first is not None
        return Contents(len(shown), certain, container.format.name, _shown(path, stream, first))


def _decoded(stream: Any, packet: Any) -> Any:
    """The first frame that comes out with a packet, or at the end of all; None where none does yet.

    What is wrong with a packet is said by whoever reads the frames.
    """
    import av

    try:
        return next(iter(stream.codec_context.decode(packet)), None)
    except (av.FFmpegError, EOFError):
        return None


def _shown(path: str, stream: Any, first: Any) -> Geometry:
    """How the first frame is shown. Raises VideoError where that cannot be done."""
    if first is None:
        return PLAIN
    if first.color_trc in HDR:
        raise VideoError(
            path,
            f"it is HDR video ({HDR[first.color_trc]}), which has to be tone-mapped to 8 bits first",
        )
    return geometry_of(path, pixel_of(path, stream), first)


def _packets(path: str, container: Any) -> Iterator[Any]:
    """Of subtitles, too: the duration in the header is that of the longest stream."""
    kinds = ("video", "audio", "subtitle")
    for i, packet in enumerate(container.demux([s for s in container.streams if s.type in kinds])):
        if packet.is_corrupt:
            raise VideoError(path, f"it is damaged or cut short after {i} packets")
        if packet.size:
            yield packet


def _starts_cleanly(times: list[int | None]) -> bool:
    """Whether no packet is shown before the first one, the only one that surely refers to no other."""
    known = [time for time in times if time is not None]
    return not known or min(known) == known[0]


def _require_file(path: str) -> None:
    if not Path(path).exists():
        raise VideoError(path, "there is no such file")
    if not Path(path).is_file():
        raise VideoError(path, "it is not a file")
    if Path(path).stat().st_size == 0:
        raise VideoError(path, "the file is empty")
    if _head(path).lstrip(BLANK).startswith(PLAYLISTS):
        raise VideoError(path, "it is a playlist of other files")


def _require_whole(path: str, container: Any, packets: int, end: float) -> None:
    """The last packet must end where the header says the video ends, give or take three frames."""
    if container.duration is None or not end or not container.format.name.startswith(EXACT):
        return
    # Matroska counts from zero and the others from the first packet: what holds for both is the shorter.
    expected = container.duration / 1e6
    if end < expected - 3 * end / packets:
        raise VideoError(path, f"it is cut short: it ends at {end:.2f} s of {expected:.2f} s")
