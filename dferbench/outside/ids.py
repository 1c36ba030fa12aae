"""Whose row it is: ids of a file matched with those of a dataset, exactly or in one way alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dferbench.data.official import IMAGES, VIDEOS, shown
from dferbench.errors import DataError
from dferbench.outside.tables import PredictionFile

FEW = 3
"""So many ids an error or a report names."""
_WHOLE = re.compile(r"\d+(\.0+)?")
_ENDING = re.compile(rf"\.({'|'.join(one.lstrip('.') for one in (*VIDEOS, *IMAGES))})$", re.IGNORECASE)


@dataclass(frozen=True)
class Matched:
    """For each row the id of the dataset that it is of, None for an unknown one; how many were matched as
    they are written, and how many without zeros, endings or folders in front."""

    ids: Sequence[str | None]
    exact: int
    other: int

    @property
    def unknown(self) -> int:
        """How many rows are of no video of the dataset."""
        return len(self.ids) - self.exact - self.other


def match(written: Sequence[Any], known: Iterable[str]) -> Matched:
    """The ids of a file, in any of the forms that videos go by, matched with those of a dataset.

    An id that is written otherwise is taken if it differs in nothing but leading zeros (which spreadsheets
    drop), ".0" behind a number (which pandas adds), the ending of a file, or folders in front of it, and only
    one id of the dataset is so.
    """
    exact = set(known)
    loose: dict[tuple[str, ...], str | None] = {}
    texts = ["" if one is None else str(one).strip() for one in written]
    if any(text not in exact for text in texts):
        for name in exact:
            form = _form(name)
            loose[form] = None if form in loose else name
    ids = [text if text in exact else _find(text, loose) for text in texts]
    hits = sum(text in exact for text in texts)
    return Matched(ids, hits, sum(one is not None for one in ids) - hits)


def _form(name: str) -> tuple[str, ...]:
    """The parts of an id without what may differ."""
    bare = _ENDING.sub("", name) if "." in name else name
    parts = [part for part in bare.replace("\\", "/").split("/") if part not in ("", ".")]
    return tuple(str(int(part.split(".")[0])) if _WHOLE.fullmatch(part) else part for part in parts)


def _find(text: str, loose: dict[tuple[str, ...], str | None]) -> str | None:
    parts = _form(text)
    forms = (parts[place:] for place in range(len(parts)))
    return next((loose[form] for form in forms if form in loose), None)


def named(ids: Iterable[object]) -> str:
    """The first few ids, as an error names them."""
    listed = [shown(str(one)) for one in ids]
    return ", ".join(listed[:FEW]) + (", ..." if len(listed) > FEW else "")


def require_some(
    table: PredictionFile, written: Sequence[Any], matched: Matched, known: Sequence[str]
) -> None:
    """Raise DataError if no row is of a video of the dataset."""
    if matched.unknown == len(written):
        raise DataError(
            f"{table.path}: none of its {len(written)} ids is one of the dataset's: {named(written)}",
            f"The dataset's are like {named(sorted(known))}; name the column with --id COLUMN.",
        )
