"""What lies below a root: each folder is listed once, and nothing outside is looked at."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from dferbench import DataError
from dferbench.data.official import VIDEOS, shown
from dferbench_datasets.local.entry import ListedVideo


@dataclass(frozen=True)
class _Listing:
    outside: bool
    links: dict[str, bool]
    """Names, and whether each is a symbolic link."""

    @cached_property
    def padded(self) -> dict[str, str]:
        """Names that begin with digits, without leading zeros, to the whole; those that are not alone left
        out."""
        names: dict[str, list[str]] = {}
        for name in self.links:
            if name[:1].isdigit():
                names.setdefault(_stripped(name), []).append(name)
        return {short: found[0] for short, found in names.items() if len(found) == 1}


@dataclass
class Disk:
    """The files and folders below a root. `links` allows symbolic links that lead out of it."""

    root: Path
    links: bool
    _listings: dict[tuple[str, ...], _Listing] = field(default_factory=dict)

    def find(self, parts: tuple[str, ...], entry: ListedVideo) -> tuple[tuple[str, ...], bool]:
        """The path as it lies there, and whether it does: a list may name `a.mp4` where the folder `a`
        holds its frames, or `a` where there is `a.mp4`; and of a number that a spreadsheet has shortened the
        one entry that differs from it in leading zeros. Raises DataError for one that leads out of the root.
        """
        listing = self._listing(parts[:-1])
        name = next((n for n in _also(parts[-1]) if n in listing.links), None)
        name = name or next((n for w in _also(parts[-1]) if (n := listing.padded.get(_stripped(w)))), None)
        found = parts if name is None else (*parts[:-1], name)
        link = name is not None and listing.links[name]
        if listing.outside or (link and not self.links and not self._holds(found)):
            raise DataError(
                f"{entry.where}: {shown(entry.video)} leads out of the root, {self.root}, by a link",
                "If that is meant, say links=true.",
            )
        return found, name is not None

    def _listing(self, folder: tuple[str, ...]) -> _Listing:
        if folder not in self._listings:
            outside = not self.links and not self._holds(folder)
            self._listings[folder] = _Listing(outside, {} if outside else self._names(folder))
        return self._listings[folder]

    def _names(self, folder: tuple[str, ...]) -> dict[str, bool]:
        try:
            with os.scandir(self.root.joinpath(*folder)) as found:
                return {e.name: e.is_symlink() for e in found}
        except (OSError, ValueError):  # no such folder, or no name that a folder can have
            return {}

    def _holds(self, parts: tuple[str, ...]) -> bool:
        path = os.path.realpath(self.root.joinpath(*parts))
        return path == self._real or path.startswith(self._real.rstrip(os.sep) + os.sep)

    @cached_property
    def _real(self) -> str:
        return os.path.realpath(self.root)


def _stripped(name: str) -> str:
    """A name that is a number, with or without the ending of a file, without leading zeros."""
    return re.sub(r"^0+(?=[0-9]+(\.[a-z0-9]+)?$)", "", name, flags=re.IGNORECASE)


def _also(name: str) -> list[str]:
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - no Path for each of 40,000 names
    return [name, stem] if suffix.lower() in VIDEOS else [name, *(name + suffix for suffix in VIDEOS)]
