"""Which runs a picture shows: those asked for that answer, by configuration, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dferbench.cli.finished import finished
from dferbench.errors import ConfigError, UnknownName

if TYPE_CHECKING:
    from dferbench.experiment.record import Record
    from dferbench.registry.catalog import Catalog
    from dferbench.verification.verdict import Verdicts


@dataclass(frozen=True)
class Pictured:
    """The configurations of a picture by label, and its notes."""

    groups: Mapping[str, Sequence[Record]]
    notes: Sequence[str]

    @property
    def records(self) -> list[Record]:
        """The runs of all of them."""
        return [one for group in self.groups.values() for one in group]


def chosen(
    runs: list[Path],
    catalog: Catalog,
    methods: Sequence[str] | None,
    datasets: Sequence[str] | None,
    select: str = "last",
    most: int | None = None,
    *,
    one_dataset: bool = False,
) -> Pictured:
    """The finished runs at and below the paths that are of the methods and datasets and answer the rule.

    Of more than `most` configurations those with the highest UAR are taken; the others are named on stderr,
    and a note counts them. Raises ConfigError if none is left, or for several datasets if there may be one.
    """
    from dferbench.experiment.metrics import registered
    from dferbench.report.by_rule import answering
    from dferbench.report.configurations import best, configurations, partial
    from dferbench.verification.verdict import read_verdicts

    verdicts = read_verdicts()
    records = _asked(finished(runs, registered(catalog), verdicts), methods, datasets)
    if one_dataset and len(names := sorted({one.dataset for one in records})) > 1:
        raise ConfigError(
            f"these are runs on {len(names)} datasets, and their scores cannot be compared",
            f"Choose one: -d {' or -d '.join(names)}.",
        )
    answered, told = answering(records, select)
    for line in told:
        typer.echo(line, err=True)
    if not answered:
        raise ConfigError(f"there is nothing to draw: no run answers {select}", "Choose --select last.")
    found = configurations(answered)
    groups, left_out = best(found, most or len(found))
    notes = [f"epoch selected by {select}"] if select != "last" else []
    notes += [*partial(groups), *_unverified(groups, select, verdicts), *_left_out(left_out)]
    return Pictured(groups, notes)


def _asked(
    records: list[Record], methods: Sequence[str] | None, datasets: Sequence[str] | None
) -> list[Record]:
    for what, wanted, known in (
        ("method", methods, {one.method for one in records}),
        ("dataset", datasets, {one.dataset for one in records}),
    ):
        for name in wanted or ():
            if name not in known:
                raise UnknownName(f"{what} among these runs", name, known)
    found = [
        one
        for one in records
        if one.method in (methods or [one.method]) and one.dataset in (datasets or [one.dataset])
    ]
    if not found:
        raise ConfigError(
            "there is nothing to draw: no finished run passes both -m and -d", "Leave one of them out."
        )
    return found


def _left_out(labels: Sequence[str]) -> list[str]:
    """The note on configurations for which there is no room, who are named on stderr."""
    if not labels:
        return []
    for label in labels:
        typer.echo(
            f"left out: {label}, as others have a higher UAR. Choose with -m, -d, or a folder.", err=True
        )
    return [f"best by UAR; {len(labels)} more configuration{'s' * (len(labels) > 1)} left out"]


def _unverified(groups: Mapping[str, Sequence[Record]], select: str, verdicts: Verdicts) -> list[str]:
    """Where results were verified, how many of those shown were not, or could not be counted again."""
    from dferbench.report.caveats import meaning
    from dferbench.report.verified import caveats_of

    runs = [one for group in groups.values() for one in group]
    without = sum(one.sha256 not in verdicts for one in runs)
    said = [f"{without} of {len(runs)} runs are not verified"] if 0 < without < len(runs) else []
    return [*said, *(meaning(caveat) for caveat in caveats_of(runs, select, verdicts))]
