"""A folder of videos, one folder per class, perhaps below `train` and `test`."""

from __future__ import annotations

from pathlib import Path, PurePath

from dferbench import DataError
from dferbench.data.official import IMAGES, VIDEOS, entries
from dferbench_datasets.local.entry import ListedVideo, Parts
from dferbench_datasets.local.folds import own_folds
from dferbench_datasets.local.table import LEFT_OUT

SIDES = ("train", "test")


def read_tree(root: Path, split: str, folds: int) -> tuple[Parts, str]:
    """The entries of each fold and part, and in words where the split came from. Raises DataError."""
    inside = [entry.name for entry in entries(root) if entry.is_dir()]
    sides = {name.lower(): name for name in inside if name.lower() in (*SIDES, *LEFT_OUT)}
    if not sides and split == "folders":
        raise DataError(f"{root} holds no folders train and test", "Say split=folds to make folds.")
    if not sides:
        return own_folds(_classes(root, ""), folds), f"{folds} folds of its own"
    strange = [name for name in inside if name not in sides.values()]
    missing = [side for side in SIDES if side not in sides]
    if missing or strange:
        what = f"no {missing[0]}" if missing else f"{strange[0]}, which is neither"
        raise DataError(
            f"{root} holds {', '.join(sorted(sides.values()))}, but {what}",
            "Keep only the folders train and test there, or only class folders.",
        )
    found = {side: _classes(root / sides[side], f"{sides[side]}/") for side in SIDES}
    if split == "folds":
        return own_folds([*found["train"], *found["test"]], folds), f"{folds} folds of its own"
    return {(1, side): found[side] for side in SIDES}, "folders train and test"


def _classes(folder: Path, above: str) -> list[ListedVideo]:
    found = [e for top in entries(folder) if top.is_dir() for e in _videos(folder / top.name, above)]
    if not found:
        raise DataError(
            f"{folder} holds no folders of videos", "Give each class a folder, and put its videos into it."
        )
    return found


def _videos(folder: Path, above: str) -> list[ListedVideo]:
    """The video files and frame folders of one class."""
    inside = entries(folder)
    videos = [e.name for e in inside if PurePath(e.name).suffix.lower() in VIDEOS or e.is_dir()]
    if not videos:
        loose = any(PurePath(entry.name).suffix.lower() in IMAGES for entry in inside)
        raise DataError(
            f"{folder} holds {'images' if loose else 'nothing'} where videos should be",
            "Give the frames of each video a folder of their own." if loose else "Remove it, or fill it.",
        )
    return [ListedVideo(f"{above}{folder.name}/{name}", folder.name, str(folder / name)) for name in videos]
