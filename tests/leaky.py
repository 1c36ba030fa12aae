"""A plugin for tests: a dataset of drawn faces in two folders of video files, some of one person."""

import csv
from pathlib import Path

from dferbench import Dataset, Video, hookimpl


class Leaky(Dataset):
    """`list.csv` has a line a video: split, id, label, whom it shows."""

    classes = ("a", "b")
    folds = (1,)

    def videos(self, root, fold, split):
        with (Path(root) / "list.csv").open() as file:
            rows = [row for row in csv.reader(file) if row[0] == split]
        return [
            Video(name, str(Path(root) / f"{name}.mp4"), int(label), group=group)
            for _, name, label, group in rows
        ]


@hookimpl
def register_datasets(register):
    register("leaky", Leaky)
