"""Video files through decord: read strictly in order, in one thread.

decord seeks in `get_batch`, in indexing and even in `skip_frames`, and then returns wrong frames without a
word for open groups of pictures, for MPEG-4 with B-frames and for WMV. Its `next` is exact.
"""

from __future__ import annotations

import importlib.util
import re
from typing import Any

from dferbench.data.decoders.bounds import require_room
from dferbench.data.decoders.container import as_file, inspect
from dferbench.data.decoders.frames import Choose, Frames, Image, Reader, arrange, choose_from
from dferbench.data.decoders.geometry import PLAIN
from dferbench.errors import ConfigError, VideoError

CHANNELS = 3
EXACT = ("mov", "matroska", "avi", "asf", "flv")
"""Containers whose frames it gives as FFmpeg does. In an MPEG transport or program stream it loses the first
group of pictures and repeats the last frame, without a word and with the right count."""


def installed() -> bool:
    """Whether decord can be imported; it has no wheels for ARM and macOS."""
    try:
        return importlib.util.find_spec("decord") is not None
    except ValueError:  # sys.modules says None: its import is blocked
        return False


def build() -> Reader:
    """Reads video files with decord, where it can be installed and is exact; other files are refused.

    Raises ConfigError where it is not.
    """
    if not installed():
        raise ConfigError(
            "decord is not installed",
            "Use --decoder auto, or install decord where it has wheels.",
        )
    return read


def read(path: str, choose: Choose) -> Frames:
    """The chosen frames, uint8 (T, H, W, 3) RGB.

    The file is read to its end, so that whether it is damaged does not depend on which frames are wanted.
    decord repeats the last frame where fewer come out than there are packets, so it raises VideoError also
    where only decoding can tell the number of frames; PyAV does.
    """
    contents = inspect(path)
    if not contents.certain:
        raise VideoError(path, "decord cannot tell how many frames it has")
    if not contents.container.startswith(EXACT):
        raise VideoError(path, f"decord is not exact in the container {contents.container}")
    if contents.geometry != PLAIN:
        raise VideoError(path, "decord does not turn, mirror or widen every video as it is to be shown")
    decord = _library()
    try:
        video = decord.VideoReader(as_file(path), ctx=decord.cpu(0), num_threads=1)
        if len(video) != contents.frames:
            raise VideoError(path, f"decord counts {len(video)} frames where the file has {contents.frames}")
        wanted = choose_from(len(video), choose)
        found = _frames(path, video, set(wanted))
    except (decord.DECORDError, RuntimeError, StopIteration) as error:
        raise VideoError(path, f"decord cannot read it ({_reason(error)})") from error
    if any(frame.shape[2] != CHANNELS for frame in found.values()):
        # It takes the padding of narrow rows (16, 24, 48 or 72 pixels) for more channels.
        raise VideoError(path, "decord gives frames that are not RGB")
    return arrange(found, wanted)


def _frames(path: str, video: Any, wanted: set[int]) -> dict[int, Image]:
    found: dict[int, Image] = {}
    for i in range(len(video)):
        frame = video.next()
        if i in wanted:
            require_room(path, frame.shape[1], frame.shape[0], len(wanted))
            found[i] = frame.asnumpy()
    return found


def _library() -> Any:
    # decord imported before torch makes CUDA calls crash later on.
    import torch  # noqa: F401

    # isort: split
    import decord

    decord.logging.set_level(decord.logging.QUIET)
    return decord


def _reason(error: Exception) -> str:
    """The first line of decord's message, without the C++ source positions in front of it."""
    first = (str(error) or type(error).__name__).splitlines()[0]
    return re.split(r"\S+\.cc:\d+: ", first)[-1]
