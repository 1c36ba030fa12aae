"""Choosing among runs: by names, and what stands on one side of a comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dferbench.errors import ConfigError, UnknownName
from dferbench.experiment.metrics import Metrics
from dferbench.experiment.record import Record
from dferbench.report.recount import recounted
from dferbench.report.sides import Side, read_side


def keeping(
    records: Sequence[Record], wanted: Mapping[str, str | Sequence[str] | None]
) -> Callable[[Record], bool]:
    """Whether a record has one of the `wanted` names in each field; ids may be cut short.

    Raises UnknownName for a name that no record has.
    """
    given = {what: one for what, one in wanted.items() if one is not None}
    asked = {what: [one] if isinstance(one, str) else list(one) for what, one in given.items()}
    for what, names in asked.items():
        there = {str(getattr(one, what)) for one in records}
        for name in names:
            if not any(_fits(what, name, one) for one in there):
                raise UnknownName(f"{what} among these runs", name, there)

    def keep(one: Record) -> bool:
        return all(
            any(_fits(what, name, str(getattr(one, what))) for name in names) for what, names in asked.items()
        )

    return keep


def _fits(what: str, name: str, value: str) -> bool:
    return value == name or (what == "config_id" and bool(name) and value.startswith(name))


def side_of(given: str | Path | Record | Sequence[Record], records: Sequence[Record], known: Metrics) -> Side:
    """The finished runs that `given` names among the records or as a folder. Raises ConfigError for none and
    for several configurations."""
    if isinstance(given, Record):
        return _of_one("this record", [given])
    if isinstance(given, str | Path):
        name = str(given)
        named = [one for one in records if one.method == name or _fits("config_id", name, one.config_id)]
        return _of_one(name, named) if named else read_side(Path(given), Path(given), known)
    return _of_one("these runs", list(given))


def _of_one(name: str, records: Sequence[Record]) -> Side:
    ids = dict.fromkeys(one.config_id for one in records)
    if len(ids) != 1:
        raise ConfigError(
            f"{name} are {len(ids)} configurations{': ' if ids else ''}{', '.join(ids)}",
            "Name one configuration: its id, its folder, or runs.filter(config_id=...).",
        )
    for one in records:
        if one.status != "done":
            raise ConfigError(f"{name}: the run of fold {one.fold} is {one.status}", "Finish it first.")
    runs = tuple(recounted(one, Path(one.folder)) if one.folder else one for one in records)
    first = Path(records[0].folder or records[0].config_id)
    return Side(first if len(runs) == 1 or not records[0].folder else first.parent, runs)
