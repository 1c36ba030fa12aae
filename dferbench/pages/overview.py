"""The first thing on a page: a leaderboard for each dataset, and published rows next to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dferbench.pages.pictures import DrawnFigure, cost_picture
from dferbench.pages.study import Configuration, Shelf, Wishes
from dferbench.pages.tables import DataTable, Footnotes, TableCell, counted, said, scored, shortened
from dferbench.profiling.costs import CLASSES
from dferbench.report import bounds, printed, spent
from dferbench.report.caveats import meaning
from dferbench.report.leaderboard import Row
from dferbench.report.verified import SAYS

Link = Callable[[Configuration], str]
"""Where the page or the section of a configuration is."""


@dataclass(frozen=True)
class Overview:
    """A dataset: its leaderboard, score against cost, published rows (None for none), and footnotes."""

    dataset: str
    board: DataTable
    costs: Sequence[DrawnFigure]
    published: DataTable | None
    notes: Footnotes


def overviews(shelf: Shelf, wishes: Wishes, link: Link) -> list[Overview]:
    """One a dataset that there are runs on."""
    found = enumerate(shelf.datasets.items(), 1)
    return [_overview(name, mine, wishes, link, place) for place, (name, mine) in found]


def unpublished(shelf: Shelf, wishes: Wishes) -> list[str]:
    """A line on the datasets of which published rows are asked for, and there are none."""
    known = printed.datasets(wishes.published, ())
    names = [name for name in shelf.datasets if name not in known]
    return [f"No published row is on {', '.join(names)}."] if wishes.published and names else []


def _overview(
    dataset: str, configurations: Sequence[Configuration], wishes: Wishes, link: Link, place: int
) -> Overview:
    notes = Footnotes(f"n{place}")
    return Overview(
        dataset,
        _board(dataset, configurations, wishes, link, notes),
        cost_picture(f"cost{place}", configurations, wishes),
        _published(dataset, wishes, notes),
        notes,
    )


def _board(
    dataset: str, configurations: Sequence[Configuration], wishes: Wishes, link: Link, notes: Footnotes
) -> DataTable:
    heads = ("method", "#", "setting", *wishes.shown.heads, "best on test", "folds", "seeds")
    heads += ("parameters", "trained", "GMACs", "minutes a run")
    places = iter(range(1, len(configurations) + 1))
    numbers = [next(places) if one.row.ranks else None for one in configurations]
    pairs = zip(configurations, numbers, strict=True)
    lines = tuple(_line(one, place, wishes, link, notes) for one, place in pairs)
    caption = (
        f"Results on {dataset}: test results in percent, mean ± standard deviation over runs, "
        f"[{wishes.level:g} % interval of the mean]; selection: {wishes.select}"
    )
    heads, lines = _without_empty(heads, lines)
    apart = frozenset(place for place, one in enumerate(configurations) if not one.row.ranks)
    return DataTable(caption, heads, lines, sorts=True, filters=True, apart=apart)


def _without_empty(
    heads: tuple[str, ...], lines: tuple[tuple[TableCell, ...], ...]
) -> tuple[tuple[str, ...], tuple[tuple[TableCell, ...], ...]]:
    """Only the columns in which some row says something."""
    kept = [place for place in range(len(heads)) if any(line[place].text for line in lines)]
    return tuple(heads[place] for place in kept), tuple(tuple(line[p] for p in kept) for line in lines)


def _line(
    one: Configuration, place: int | None, wishes: Wishes, link: Link, notes: Footnotes
) -> tuple[TableCell, ...]:
    row = one.row
    caveats = notes.pointers([meaning(caveat) for caveat in row.caveats] + _verified(row))
    name = TableCell(row.method, row.method, pointers=caveats, href=link(one))
    rank = TableCell("-") if place is None else counted(place)
    best = " / ".join(metric.text(row.best_on_test[metric.name]) for metric in wishes.shown.metrics)
    at_best = TableCell(best, row.best_on_test[wishes.shown.by.name])
    return (
        name,
        rank,
        said(row.setting),
        *_scores(row, wishes, notes),
        at_best,
        said(shortened(row.folds, row.folds_of)),
        said(shortened(row.seeds)),
        *_costs(one, notes),
    )


def _verified(row: Row) -> list[str]:
    return [] if row.verified is None else [SAYS[row.verified]]


def _scores(row: Row, wishes: Wishes, notes: Footnotes) -> Iterator[TableCell]:
    for metric in wishes.shown.metrics:
        found, sure = row.scores[metric.name], row.intervals.get(metric.name)
        cell = scored(metric, found.mean, found.spread, sure) if found else TableCell("-")
        mine = [bounds.about(sure)] if sure else []
        if metric.over_classes and row.untested:
            mine.append(f"no test video of {', '.join(row.untested)}, left out of means over classes")
        if found is None:
            mine.append(f"{metric.title} is not defined for what at least one of the runs counted")
        yield TableCell(cell.text, cell.value, cell.more, notes.pointers(mine))


def _costs(one: Configuration, notes: Footnotes) -> Iterator[TableCell]:
    """What a configuration costs: what its records counted, and MACs as its method's package keeps them."""
    device = f"minutes a run: mean, on {spent.device_of(one.runs)}"
    for name, (unit, say) in COSTS.items():
        found = spent.find(name).of(one.runs)
        if found is None:
            yield TableCell("")
            continue
        value = found / unit
        note = {"macs": MACS, "seconds": device}.get(name)
        yield TableCell(say(value), value, pointers=notes.pointers([note] if note else []))


COSTS: Mapping[str, tuple[float, Callable[[float], str]]] = {
    "parameters": (1, "{:,.0f}".format),
    "trained": (1, "{:,.0f}".format),
    "macs": (1e9, "{:.3g}".format),
    "seconds": (60, "{:.1f}".format),
}
"""The columns of costs, the unit of each, and how a number of these is said."""
MACS = f"MACs of testing one video with default options, for {CLASSES} classes, as its package keeps them"


def _published(dataset: str, wishes: Wishes, notes: Footnotes) -> DataTable | None:
    """What papers print, each under its own protocol: next to the runs, and under no rank."""
    found = printed.as_data(wishes.published, [dataset], wishes.shown)
    if not any(dataset in one.results for one in wishes.published):
        return None
    heads = ("method", "venue", *wishes.shown.heads, "pretraining", "selection", "folds", "frames", "read in")
    lines = []
    for one in found:
        folds = one["folds"] if isinstance(one["folds"], str) else shortened(one["folds"])
        scores = [scored(m, one["scores"].get(m.name)) for m in wishes.shown.metrics]
        facts = [one["pretraining"], one["select"], folds, one["frames"], _read_in(one)]
        name = TableCell(one["label"], one["label"], pointers=notes.pointers(one["notes"]))
        venue = f"{one['venue']} {one['year'] or ''}".strip()
        lines.append((name, said(venue), *scores, *map(said, facts)))
    return DataTable(f"Published on {dataset}. {printed.SAID}", heads, tuple(lines), sorts=True, filters=True)


def _read_in(one: dict[str, object]) -> str:
    table = f"Table {one['table']}" if one.get("table") else ""
    return ", ".join(filter(None, [str(one["source"] or ""), table]))
