"""A plugin for tests: a dataset of frame folders whose list says everything, and can say anything."""

from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image

from dferbench import Dataset, Video, hookimpl
from dferbench.errors import DataError
from dferbench.types import Finding

FRAMES = 17


class Listed(Dataset):
    """`list.txt` in the root: fold, split, id, path below the root, label; one video a line."""

    classes = ("sadness", "surprise")
    folds = (1, 2)
    about = "what a list says"
    where = "Tests make it."
    facts: ClassVar = {"protocol": "two folds", "licence": "none needed"}
    layouts = ("plain", "deep")

    def __init__(self, strange: bool = False):
        self.strange = strange

    def videos(self, root, fold, split):
        try:
            text = (root / "list.txt").read_text(errors="surrogateescape")
        except OSError as error:
            raise DataError(f"{root} lacks list.txt", self.where) from error
        rows = [line.split() for line in text.split("\n")]
        if ["unreadable", str(fold), split] in rows:
            raise DataError(f"the list of fold {fold} is torn", "Fix it.")
        return [
            Video(name, str(root / path), int(label))
            for of, part, name, path, label in (row for row in rows if len(row) == 5)
            if (int(of), part) == (fold, split)
        ]

    def notes(self, root):
        return {"variant": "listed"}

    def findings(self, root):
        if self.strange:
            yield Finding("warning", "a strange copy", "Look closely.")

    def make(self, root, layout, scale, paint, progress):
        count = max(1, round(800 * scale))
        folder = "videos" if layout == "plain" else "deep/videos"
        if self.strange:
            (root / "half").mkdir()
            (root / "half" / "0.png").write_bytes(b"x")
            raise OSError(28, "No space left on device")
        write(root, count, folder, lambda name, i: paint(name, i, FRAMES)[:, ::8, ::8])


class Unmakeable(Dataset):
    classes = ("a",)


def write(root, count, folder="videos", draw=None):
    """`count` videos of each class and half, in two folds, and the list."""
    rows = []
    for half in (1, 2):
        for label, name in enumerate(Listed.classes):
            for i in range(count):
                number = (half * 10 + label) * 1000 + i
                video = f"v{number}"
                frames = draw(name, number) if draw else noise(number)
                save(root / folder / video, frames)
                rows += [
                    f"{fold} {'test' if fold == half else 'train'} {video} {folder}/{video} {label}"
                    for fold in (1, 2)
                ]
    (root / "list.txt").write_text("\n".join(rows) + "\n")


def noise(seed, frames=FRAMES, size=24):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 255, (frames, size, size, 3), np.uint8)


def save(folder, frames):
    Path(folder).mkdir(parents=True)
    for number, frame in enumerate(frames, 1):
        Image.fromarray(frame).save(Path(folder) / f"{number:03}.png")


@hookimpl
def register_datasets(register):
    register("listed", Listed)
    register("unmakeable", Unmakeable)
