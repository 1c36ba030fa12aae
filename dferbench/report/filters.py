"""Which rows of a leaderboard to keep: every filter that is given must hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from dferbench.errors import UnknownName
from dferbench.report.leaderboard import Row

PROTOCOLS = ("any", "complete")


@dataclass(frozen=True)
class Filters:
    """What rows must have. Empty means anything.

    `backbones`, `pretraining` and `caveats` "none" mean rows without; a backbone may be given without
    options. `protocol` "complete" requires results of every fold of the dataset.
    """

    datasets: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    backbones: tuple[str, ...] = ()
    pretraining: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    protocol: str = "any"


def keep(rows: Iterable[Row], filters: Filters, folds: Mapping[str, Iterable[int]]) -> list[Row]:
    """The rows that pass, in their order; `folds` has per cell all folds of its dataset, where known.

    Raises UnknownName for a value that no row has.
    """
    rows = list(rows)
    for what, wanted in (
        ("dataset", filters.datasets),
        ("method", filters.methods),
        ("backbone", filters.backbones),
        ("pretraining", filters.pretraining),
        ("caveat", filters.caveats),
    ):
        rows = _having(rows, what, set(wanted))
    if filters.protocol not in PROTOCOLS:
        raise UnknownName("protocol", filters.protocol, PROTOCOLS)
    return [row for row in rows if filters.protocol == "any" or _complete(row, folds)]


NAMES: dict[str, Callable[[Row], set[str]]] = {
    "dataset": lambda row: {row.dataset},
    "method": lambda row: {row.method},
    "backbone": lambda row: {row.backbone, row.backbone.split("(")[0]} if row.backbone else {"none"},
    "pretraining": lambda row: set(row.pretraining) or {"none"},
    "caveat": lambda row: set(row.caveats) or {"none"},
}
"""What a filter may call a row by."""


def _having(rows: list[Row], what: str, wanted: set[str]) -> list[Row]:
    names = NAMES[what]
    found = {name for row in rows for name in names(row)} | {"none"}
    for name in wanted - found:
        raise UnknownName(f"{what} among these runs", name, found)
    return [row for row in rows if not wanted or names(row) & wanted]


def _complete(row: Row, folds: Mapping[str, Iterable[int]]) -> bool:
    return row.config_id in folds and set(folds[row.config_id]) <= set(row.folds)
