"""Whatever a reader raises for a file is the fault of that file: said in one place, for every command.

The libraries behind the readers fail on damaged files in ways that nobody listed, and so do readers of
plugins. A command that leaves bad videos out leaves these out too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from dferbench.data.decoders.bounds import require_room
from dferbench.data.decoders.frames import Choose, Frames, Image, Passing, Reader, choose_from
from dferbench.errors import DferbenchError, VideoError, said_by


class _Asked:
    """The choice of frames, which remembers that it failed itself: that is no fault of the file."""

    def __init__(self, choose: Choose) -> None:
        self.choose, self.failed = choose, False
        self.chosen: list[int] | None = None

    def __call__(self, count: int) -> Sequence[int]:
        self.failed = True
        chosen = self.chosen = choose_from(count, self.choose)
        self.failed = False
        return chosen


def read_by(read: Reader, path: str, choose: Choose) -> Frames:
    """What `read` gives of the file, checked: uint8 RGB, as many frames as were chosen.

    Raises VideoError for whatever the reader raises, and what `choose` raises as it is.
    """
    asked = _Asked(choose)
    try:
        frames = read(path, asked)
    except DferbenchError:
        raise
    except (Exception, SystemExit) as error:
        if asked.failed:
            raise
        raise _fault(path, error) from error
    _require_frames(path, frames, asked.chosen)
    return frames


def passing_by(path: str, frames: Iterator[Passing]) -> Iterator[Passing]:
    """The same frames, with VideoError for whatever reading one raises or turning it into pixels."""
    with _blamed(path):
        for frame in frames:
            yield Passing(frame.number, frame.seconds, partial(_image, path, frame))


def _image(path: str, frame: Passing) -> Image:
    with _blamed(path):
        return frame.image()


@contextmanager
def _blamed(path: str) -> Iterator[None]:
    try:
        yield
    except DferbenchError:
        raise
    except Exception as error:
        raise _fault(path, error) from error


def _fault(path: str, error: BaseException) -> VideoError:
    if isinstance(error, MemoryError):
        return VideoError(path, "there is not enough memory to decode it")
    return VideoError(path, f"its reader fails on it ({type(error).__name__}: {said_by(error)})")


def _require_frames(path: str, frames: Any, chosen: Sequence[int] | None) -> None:
    """What a reader gave must be what a reader gives. Raises VideoError."""
    import numpy as np

    listed = [frames] if isinstance(frames, np.ndarray) and frames.ndim == 4 else frames
    each = [image[None] if getattr(image, "ndim", 0) == 3 else image for image in listed]
    good = all(isinstance(i, np.ndarray) and i.dtype == np.uint8 and i.shape[3:] == (3,) for i in each)
    if not good or (chosen is not None and len(frames) != len(chosen)):
        wanted = "" if chosen is None else f"{len(chosen)} "
        raise VideoError(path, f"its reader gave something else than {wanted}frames of uint8 RGB")
    for images in each:
        require_room(path, images.shape[2], images.shape[1], len(images))
