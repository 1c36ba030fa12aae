"""How often face finders find a drawn face, by its size in pixels, and how long a look takes.

    python benchmarks/face_finders.py [--people 12] [--finder haar --finder yunet ...]

Each drawn person is shown at every size in a grey frame of twice the side. A find is right if its middle lies
in the middle half of the drawn square and its side is 0.4 to 1.3 times as long. "At full size" is the finder
without the reduction of frames. Prints one Markdown table: right finds in percent, and the seconds of CPU
for a look at the largest face. Drawn faces say nothing about how well a finder does on real ones.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate

from dferbench.face_crops.look import Finder, make_finder
from dferbench.registry.catalog import discover
from dferbench.types import Face

Pixels = NDArray[np.uint8]

SIZES = (20, 30, 40, 60, 100, 200, 300, 400, 800, 1500)
DRAWN = 224
"""Pixels across in which people are drawn."""


def people(count: int) -> list[Pixels]:
    """One frame of each of so many drawn people."""
    dataset = discover().get("datasets", "synthetic").value(videos=5 * count, size=DRAWN, noise=5.0)
    return [dataset.draw(f"{number:05d}").frames[0] for number in range(1, count + 1)]


def shown(person: Pixels, side: int) -> Pixels:
    """The person in a square of `side` in the middle of a grey frame of twice that."""
    way = cv2.INTER_AREA if side < DRAWN else cv2.INTER_CUBIC
    frame = np.full((2 * side, 2 * side, 3), 90, np.uint8)
    edge = side // 2
    frame[edge : edge + side, edge : edge + side] = cv2.resize(person, (side, side), interpolation=way)
    return frame


def right(faces: Sequence[Face], side: int) -> bool:
    """Whether the first face is the person's."""
    if not faces:
        return False
    left, top, right_, bottom = faces[0].box
    middle = max(abs((left + right_) / 2 - side), abs((top + bottom) / 2 - side))
    return middle < side / 4 and 0.4 < max(right_ - left, bottom - top) / side < 1.3


def finders(names: Sequence[str]) -> Iterator[tuple[str, Finder]]:
    """Each finder as the verbs use it, and at full size."""
    catalog = discover()
    for name in names:
        finder = make_finder(name, catalog)
        assert finder is not None
        yield name, finder
        yield f"{name} at full size", replace(finder, short_side=None)


def row(finder: Finder, persons: Sequence[Pixels]) -> list[str]:
    """Right finds in percent by size, and milliseconds of CPU for a look at the last size."""
    cells = []
    for side in SIZES:
        frames = [shown(person, side) for person in persons]
        start = time.process_time()
        hits = sum(right(finder.faces(frame, "", 0), side) for frame in frames)
        spent = (time.process_time() - start) / len(frames)
        cells.append(f"{100 * hits / len(frames):.0f}")
    return [*cells, f"{1000 * spent:.0f}"]


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--people", type=int, default=12)
    parser.add_argument("--finder", action="append", help="default: haar and yunet")
    given = parser.parse_args()
    persons = people(given.people)
    rows = [[name, *row(finder, persons)] for name, finder in finders(given.finder or ["haar", "yunet"])]
    heads = ["finder", *(f"{side} px" for side in SIZES), "ms a look"]
    print(tabulate(rows, heads, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    main()
