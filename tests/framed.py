"""A plugin for tests: frame folders with the classes of the published lists, in any order and number."""

from pathlib import Path

from dferbench import Dataset, Video, hookimpl


class Framed(Dataset):
    """<root>/<split>.txt holds lines of a folder's name and its class."""

    where = "Tests make it."

    def __init__(self, classes: str = "happiness sadness neutral anger surprise disgust fear"):
        self.classes = tuple(classes.split())

    def videos(self, root, fold, split):
        lines = (Path(root) / f"{split}.txt").read_text().splitlines()
        pairs = [line.split() for line in lines]
        return [
            Video(name, str(Path(root) / name), self.classes.index(word))
            for name, word in pairs
            if word in self.classes
        ]


@hookimpl
def register_datasets(register):
    register("framed", Framed)
