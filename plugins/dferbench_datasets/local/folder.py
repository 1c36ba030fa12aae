"""`folder:PATH`: a folder of videos, sorted into class folders or named by a CSV."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from dferbench import ConfigError
from dferbench_datasets.local.classes import find_classes
from dferbench_datasets.local.local import Local, given, given_within
from dferbench_datasets.local.table import read_csv
from dferbench_datasets.local.tree import read_tree

EXAMPLE = "folder:DIR or 'folder(path=DIR, csv=FILE)'"
SPLITS = ("auto", "folders", "folds")


class Folder(Local):
    """Videos in one folder per class, `<path>/<class>/<video>`, perhaps below `train` and `test`.

    A video is a file or a folder of frames. Where nothing says how to divide them, there are `folds` folds:
    each class's videos in natural order, cut into blocks. `split` is "folders" (train and test must be
    there), "folds" (they are put together) or "auto". `csv` is a table with columns video, label and, if you
    like, fold or split, and group: a group, such as a person, is never on both sides. `classes` names
    numbers in its label column in order; `links` allows symbolic links that lead out of the folder.
    """

    about = "your own videos, one folder per class or named by a CSV"
    where = "Write folder:DIR, where DIR holds one folder of videos for each class."
    facts: ClassVar[Mapping[str, str]] = {
        "protocol": "train and test folders, or the column fold or split of a CSV; else folds by names",
        "put": "<dir>/<class>/<video file or folder of frames>, or a CSV with columns video, label, group",
    }

    def __init__(
        self,
        path: str = "",
        csv: str = "",
        folds: int = 5,
        split: str = "auto",
        classes: str = "",
        codes: str = "",
        base: int | str | None = None,
        links: bool = False,
    ) -> None:
        if split not in SPLITS or not 2 <= folds <= 100:
            raise ConfigError(
                f"folder: folds {folds} with split {split} cannot be made",
                f"split is one of {', '.join(SPLITS)}, folds from 2 to 100.",
            )
        if csv:
            table = given_within(path, csv, "folder: the CSV", EXAMPLE)
            home = given(path, "", EXAMPLE) if path else table.parent
            parts, self.divided = read_csv(table).parts(folds)
        else:
            home = given(path, "folder: the path", EXAMPLE)
            parts, self.divided = read_tree(home, split, folds)
        entries = [entry for part in parts.values() for entry in part]
        labels = find_classes(entries, classes, codes, "" if base is None else str(base))
        super().__init__(home, parts, labels, "", links)

    def notes(self, root: Path) -> Mapping[str, Any]:
        """As for every local dataset, and where the folds came from."""
        return {**super().notes(root), "split": f"own: {self.divided}"}
