"""A drawn release in the form of a real one, and the marker that keeps it from being taken for real."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dferbench.errors import ConfigError, DferbenchError
from dferbench.files import write_atomic
from dferbench.places import MADE
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog
from dferbench.types import Dataset, Paint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNFINISHED = "UNFINISHED. This folder was begun, and not completed, by:"
DRAWN = "Drawn faces, written for tests and trials in the form of a real release, by:"


def make_release(
    dataset: Dataset, root: Path, layout: str, scale: float, paint: Paint, call: str, progress: Progress
) -> bool:
    """Write the release into an empty or new folder; False if the same `call` has made it already.

    The marker lies there from the beginning, so what a killed call leaves is never taken for real, and says
    until the end that it is unfinished. A call that fails or is interrupted leaves the folder empty. Raises
    ConfigError for a folder that holds anything else, and DferbenchError if it cannot be written.
    """
    if _stands(root, call):
        return False
    marker = root / MADE
    write_atomic(marker, f"{UNFINISHED}\n\n    {call}\n")
    try:
        dataset.make(root, layout, scale, paint, progress)
    except OSError as error:
        _clear(root)
        raise DferbenchError(
            f"cannot write into {root}: {error.strerror or error}", "Free some space, or name another folder."
        ) from error
    except BaseException:
        _clear(root)
        raise
    write_atomic(marker, f"{DRAWN}\n\n    {call}\n\nResults on it say nothing about the real dataset.\n")
    return True


def _clear(root: Path) -> None:
    """Remove what this call has written: the folder was empty before."""
    for path in root.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != MADE:
            path.unlink(missing_ok=True)
    if [path.name for path in root.iterdir()] == [MADE]:
        (root / MADE).unlink()


def is_unfinished(root: Path) -> bool:
    """Whether the folder holds what a call began and did not complete."""
    return _said(root)[:1] == [UNFINISHED]


def _said(root: Path) -> list[str]:
    marker = root / MADE
    return marker.read_text(encoding="utf-8", errors="replace").splitlines() if marker.is_file() else []


def _stands(root: Path, call: str) -> bool:
    """Whether the folder holds what this call makes. Raises ConfigError if it holds anything else."""
    if not root.exists():
        return False
    if not root.is_dir():
        raise ConfigError(f"{root} is not a folder", "Name a new or empty folder with --root.")
    if not any(root.iterdir()):
        return False
    said = _said(root)
    if not said:
        raise ConfigError(f"{root} is not empty", "Name a new or empty folder with --root.")
    if is_unfinished(root):
        raise ConfigError(f"{root} holds a release that was not completed", "Remove the folder, then repeat.")
    if f"    {call}" not in said:
        made = said[2].strip() if len(said) > 2 else "an unknown call"
        raise ConfigError(f"{root} was made by another call: {made}", "Name a new or empty folder.")
    return True


def find_paint(catalog: Catalog, seed: int) -> Paint:
    """`paint` of the first dataset, by name, that can draw faces; `seed` shifts what it draws.

    Raises ConfigError if none can.
    """
    for _, entry in sorted(catalog.entries["datasets"].items()):
        if hasattr(entry.value, "paint"):
            return partial(_shifted, entry.value().paint, seed * 1_000_003)
    raise ConfigError("no installed dataset can draw faces", "Install a plugin whose dataset has 'paint'.")


def _shifted(paint: Paint, shift: int, name: str, seed: int, frames: int) -> NDArray[np.uint8]:
    return paint(name, seed + shift, frames)
