"""Filming with a camera: some seconds become a folder of frames, which is gone when they are predicted."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from dferbench import stopping
from dferbench.errors import ConfigError, DataError
from dferbench.inference.prediction import Failed, PredictedVideos

QUICK = 1
"""PNG's compression, 0 to 9: frames come faster than a thorough one could write them."""


@contextmanager
def filmed(camera: str, seconds: float, say: Callable[[str], Any]) -> Iterator[list[Path]]:
    """A folder with what the camera shows for so many seconds, for as long as the block lasts. `camera` is
    its number, or an address or file that OpenCV opens.

    Raises ConfigError if it cannot be opened, and DataError if it gives no picture.
    """
    with tempfile.TemporaryDirectory(prefix="dferbench-camera-") as folder:
        say(f"filming with camera {camera} for {seconds:g} s")
        count = _film(camera, seconds, Path(folder))
        say(f"{count} frames")
        yield [Path(folder)]


def _film(camera: str, seconds: float, folder: Path) -> int:
    import cv2

    with _opened(camera) as source:
        count, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            stopping.check()
            got, image = source.read()
            if not got:  # unplugged, or a file at its end
                break
            cv2.imwrite(str(folder / f"{count:06d}.png"), image, [cv2.IMWRITE_PNG_COMPRESSION, QUICK])
            count += 1
    if not count:
        raise DataError(
            f"camera {camera} gives no picture",
            "Is it covered, or used by another program? Try another number.",
        )
    return count


@contextmanager
def _opened(camera: str) -> Iterator[Any]:
    import cv2

    # OpenCV 4.10 has these functions elsewhere than later releases.
    logging: Any = getattr(cv2.utils, "logging", cv2)
    before = logging.getLogLevel()
    logging.setLogLevel(0)  # what OpenCV prints of a camera that is not there is said below
    try:
        source = cv2.VideoCapture(int(camera) if camera.isdecimal() else camera)
        if not source.isOpened():
            raise ConfigError(
                f"OpenCV opens no camera {camera} here",
                "Plug one in and allow this program to use it, try another number, or name a video instead.",
            )
        try:
            yield source
        finally:
            source.release()
    finally:
        logging.setLogLevel(before)


def called(found: PredictedVideos, name: str) -> PredictedVideos:
    """The same predictions, of a video that has no file, under a name."""
    predicted = [replace(one, video=name) for one in found.predicted]
    return replace(found, predicted=predicted, failed=[Failed(name, one.reason) for one in found.failed])
