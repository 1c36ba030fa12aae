"""From a suite and records to a table: printed numbers next to measured ones. A pure function.

A record belongs to a row if it has the row's cell: the hash of method, options, recipe, dataset, weights and
limit that a run of the row would have. Labels do not count, so a renamed row keeps its results, and a trial
with fewer epochs or videos is another experiment, shown only to who asks for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from dferbench.experiment.counts import Counts
from dferbench.experiment.metrics import Columns, Metric
from dferbench.experiment.printed import PrintedProtocol
from dferbench.experiment.protocol import OwnProtocol, unlike_input, unlike_others, unlike_rule
from dferbench.experiment.record import Record
from dferbench.experiment.suite import Row, Suite
from dferbench.report import bounds
from dferbench.report.by_rule import MEANING, OPTIMISM, rule_of, values
from dferbench.report.by_rule import left_out as left_out_of
from dferbench.report.caveats import meaning
from dferbench.report.elsewhere import Runs, by_configuration
from dferbench.report.labels import told_apart
from dferbench.report.leaderboard import DEFAULT
from dferbench.report.score import Score, score

if TYPE_CHECKING:
    from dferbench.statistics.intervals import Interval

PUBLISHED = "published"


@dataclass(frozen=True)
class Key:
    """Which records are a row's on one dataset, and what to say of them.

    `deviations` are what such runs have that the row does not ask for; `folds` are all of the dataset.
    """

    method: str
    options: Mapping[str, Any]
    dataset: str
    config_id: str
    deviations: tuple[str, ...]
    folds: tuple[int, ...]
    own: OwnProtocol | None = None
    """How such runs are measured; None says nothing of it."""


@dataclass(frozen=True)
class Number:
    """One cell: a score, its rank in the column (1 best, 2 second, else 0), and its interval if asked for."""

    score: Score
    rank: int = 0
    interval: Interval | None = None

    def __str__(self) -> str:
        return f"{self.score}{bounds.said(self.interval)}"


@dataclass(frozen=True)
class Cells:
    """A row's numbers in one block by metric, None where it lacks one, with the letters of its footnotes.

    While a table is being made, `caveats` and `deviations` are whole sentences; a number with caveats that
    its column does not share is not ranked, while what the user chose for all rows hinders none.
    """

    numbers: Mapping[str, Number | None]
    runs: int = 0
    """How many runs stand behind the numbers; 0 for printed ones."""
    caveats: tuple[str, ...] = ()
    deviations: tuple[str, ...] = ()
    comparable: bool = True
    """Whether it may be ranked at all: no number of an unknown split is, even next to others like it."""
    protocol: PrintedProtocol | None = None
    """Of printed numbers, how they were measured."""

    @property
    def notes(self) -> tuple[str, ...]:
        """All that must be said about the numbers."""
        return (*self.caveats, *self.deviations)


@dataclass(frozen=True)
class Block:
    """The columns of one dataset and one kind: "published", or the selection rule of measured runs."""

    dataset: str
    kind: str
    metrics: tuple[Metric, ...]
    caveats: tuple[str, ...] = ()
    level: float | None = None
    """Of the intervals in percent, if they were asked for."""

    @property
    def name(self) -> str:
        """The dataset without its options; those are a footnote."""
        return self.dataset.split("(")[0].split(":")[0]

    @property
    def columns(self) -> tuple[str, ...]:
        """What the block shows of a row; n is the number of runs (folds times seeds)."""
        heads = tuple(one.head for one in self.metrics)
        return heads if self.kind == PUBLISHED else (*heads, "n")

    def cells(self, cells: Cells | None) -> list[Number | int | None]:
        """A row's cells under these columns; None is an empty one."""
        if cells is None:
            return [None] * len(self.columns)
        runs = [] if self.kind == PUBLISHED else [cells.runs]
        return [*(cells.numbers.get(one.name) for one in self.metrics), *runs]


@dataclass(frozen=True)
class Line:
    """A row of the suite with its numbers, one `Cells` for each block, None where there is none."""

    row: Row
    caveats: tuple[str, ...]
    cells: tuple[Cells | None, ...]


@dataclass(frozen=True)
class ExtraColumn:
    """A column between labels and numbers: per line its text, and its value for machines."""

    name: str
    caveats: tuple[str, ...]
    texts: tuple[str, ...]
    values: tuple[int | float | str | None, ...]


@dataclass(frozen=True)
class Sheet:
    """The whole table; `notes` are the footnotes, each a letter and its text."""

    suite: Suite
    blocks: tuple[Block, ...]
    lines: tuple[Line, ...]
    notes: tuple[tuple[str, str], ...]
    extra_columns: tuple[ExtraColumn, ...] = ()

    def texts(self, line: Line) -> list[str]:
        """What the columns next to the label show of a line."""
        place = self.lines.index(line)
        return [column.texts[place] for column in self.extra_columns]


Keys = Mapping[str, Mapping[int, Key]]
"""Per dataset, as the user wrote it, and number of a row; a row without key has no plugin."""


def make_sheet(
    suite: Suite,
    records: Sequence[Record],
    keys: Keys,
    rules: Sequence[str],
    about: Mapping[str, str] | None = None,
    shown: Columns = DEFAULT,
    level: float | None = None,
) -> Sheet:
    """The table of the suite over the datasets in `keys`, measured under each selection rule of `rules`,
    among which OPTIMISM stands for the difference of two.

    A dataset whose mapping is empty shows its printed numbers alone. `about` has a remark for a method. If
    the user asked for a metric to rank by, rows stand in its order, within their groups. `level` asks for
    intervals, in percent.
    """
    suite = _told_apart(suite)
    blocks = [replace(block, level=level) for block in _blocks(suite, keys, rules, shown)]
    runs = by_configuration(records)
    columns = [_column(suite, block, runs, keys[block.dataset]) for block in blocks]
    common = [[*_options(block), *_shared(column)] for block, column in zip(blocks, columns, strict=True)]
    printed = any(block.kind == PUBLISHED for block in blocks)
    labels = [_row_notes(row, keys, about or {}, printed) for row in suite.rows]
    own = (cells.notes for column in columns for cells in column if cells)
    letters = _letters(chain(*common, *labels, *own))
    done = [_finish(column, notes, letters, shown) for column, notes in zip(columns, common, strict=True)]
    heads = [replace(b, caveats=_coded(notes, letters)) for b, notes in zip(blocks, common, strict=True)]
    lines = [
        Line(row, _coded(notes, letters), tuple(column[i] for column in done))
        for i, (row, notes) in enumerate(zip(suite.rows, labels, strict=True))
    ]
    lines = _ordered(lines, blocks, shown.by) if shown.asked else lines
    return Sheet(suite, tuple(heads), tuple(lines), tuple((letter, note) for note, letter in letters.items()))


def _told_apart(suite: Suite) -> Suite:
    """The suite with labels of which no two in one group are alike."""
    facts = [{**row.sets, "method": row.method, "row": str(row.number)} for row in suite.rows]
    told = told_apart([f"{row.group}\n{row.label}" for row in suite.rows], facts)
    rows = [replace(r, label=text.partition("\n")[2]) for r, text in zip(suite.rows, told, strict=True)]
    return replace(suite, rows=tuple(rows))


def _ordered(lines: Sequence[Line], blocks: Sequence[Block], by: Metric) -> list[Line]:
    """Best first within each group, by the first measured block that has numbers, else by the first printed.

    Rows without a number there keep their order at the end.
    """
    order = sorted(range(len(blocks)), key=lambda i: blocks[i].kind == PUBLISHED)
    place = next((i for i in order if any(_mean(line, i, by) is not None for line in lines)), None)
    if place is None:
        return list(lines)
    groups = list(dict.fromkeys(line.row.group for line in lines))
    return sorted(lines, key=lambda line: (groups.index(line.row.group), by.order(_mean(line, place, by))))


def _mean(line: Line, block: int, by: Metric) -> float | None:
    cells = line.cells[block]
    number = cells.numbers.get(by.name) if cells else None
    return number.score.mean if number else None


def _blocks(suite: Suite, keys: Keys, rules: Sequence[str], shown: Columns) -> Iterator[Block]:
    for dataset, rows in keys.items():
        if (block := Block(dataset, PUBLISHED, shown.metrics)).name in suite.printed_datasets:
            yield block
        if rows:
            yield from (Block(dataset, rule, shown.metrics) for rule in rules)


def _options(block: Block) -> list[str]:
    given = block.dataset != block.name and block.kind != PUBLISHED
    said = [f"the dataset is {block.dataset}"] if given else []
    return [*said, MEANING] if block.kind == OPTIMISM else said


def _column(suite: Suite, block: Block, runs: Runs, keys: Mapping[int, Key]) -> list[Cells | None]:
    if block.kind == PUBLISHED:
        return [_printed(row, block, suite.select) for row in suite.rows]
    found = [(row, _measured(keys.get(row.number), runs, block)) for row in suite.rows]
    return [
        cells and replace(cells, deviations=(*_unlike(row, block, keys), *cells.deviations))
        for row, cells in found
    ]


def _unlike(row: Row, block: Block, keys: Mapping[int, Key]) -> Iterator[str]:
    """In what runs of a row differ from what its printed number was measured by."""
    if row.printed is None or block.name not in row.printed.results:
        return
    printed, own = row.printed.protocol(block.name), keys[row.number].own
    if block.kind != OPTIMISM and printed.select not in (block.kind, "none", "unknown"):
        yield f"selected by {block.kind}; the published numbers by {printed.select}"
    yield from unlike_input(printed, own) if own else ()


def _printed(row: Row, block: Block, rule: str) -> Cells | None:
    """The printed numbers, and in what their protocol differs from the suite's, whose selection is `rule`."""
    if row.printed is None or block.name not in row.printed.results:
        return None
    results, protocol = row.printed.results[block.name], row.printed.protocol(block.name)
    unlike = [f"not comparable: {why}" for why in unlike_others(protocol)]
    said = [*unlike, *(f"as published, {words}" for words in unlike_rule(protocol, rule))]
    numbers = {one.name: _as_printed(results.get(one.name)) for one in block.metrics}
    return Cells(numbers, deviations=tuple(said), comparable=not unlike, protocol=protocol)


def _as_printed(value: float | None) -> Number | None:
    return None if value is None else Number(Score(value, None, 0))


def _measured(key: Key | None, runs: Runs, block: Block) -> Cells | None:
    """Mean and deviation over the row's runs."""
    if key is None or not (found := runs.get((key.dataset, key.config_id))):
        return None
    mine = list({(one.fold, one.seed): one for one in found}.values())
    twice = ["some runs left several records; one of each is counted"] if len(mine) < len(found) else []
    without = left_out_of(mine, block.kind)
    mine = [one for one in mine if one.answers(rule_of(block.kind))]
    if not mine:
        return None
    picked = [one.counts(rule_of(block.kind)) for one in mine]
    scores = {one.name: score(values(mine, block.kind, one)) for one in block.metrics}
    level = None if block.kind == OPTIMISM else block.level
    known = bounds.intervals_if(level, mine, block.kind, block.metrics)
    numbers = {n: Number(found, interval=known.get(n)) if found else None for n, found in scores.items()}
    told = dict.fromkeys(bounds.about(one) for one in known.values() if one)
    caveats = dict.fromkeys(caveat for one in mine for caveat in one.caveats)
    deviations = tuple(f"run with {words}" for words in key.deviations)
    said = (*map(meaning, caveats), *_coverage(mine, key.folds), *twice, *without)
    return Cells(numbers, len(mine), said, (*deviations, *_gaps(picked, block.metrics, scores), *told))


def _gaps(
    picked: Sequence[Counts], shown: Sequence[Metric], scores: Mapping[str, Score | None]
) -> Iterator[str]:
    """Why a number is missing, and what means over classes leave out."""
    for one in shown:
        if scores[one.name] is None:
            why = " (older records have no top-2 hits)" if one.needs != "confusion" else ""
            yield f"{one.title} is not defined for what at least one of the runs counted{why}"
    if names := dict.fromkeys(name for counts in picked for name in counts.untested):
        yield f"no test video of {', '.join(names)}, left out of means over classes"


def _coverage(records: Sequence[Record], folds: tuple[int, ...]) -> Iterator[str]:
    seeds = Counter(one.fold for one in records)
    if set(seeds) < set(folds):
        names = ", ".join(map(str, sorted(seeds)))
        yield f"only fold {names} of {len(folds)}"
    if len(set(seeds.values())) > 1:
        yield "some folds have more seeds than others"


def _shared(column: Iterable[Cells | None]) -> list[str]:
    """Notes that hold for every number of a column: they stand in its head."""
    held = [cells.notes for cells in column if cells]
    return [note for note in held[0] if all(note in notes for notes in held)] if held else []


def _finish(
    column: Sequence[Cells | None], shared: Sequence[str], letters: Mapping[str, str], shown: Columns
) -> list[Cells | None]:
    """Ranks by what is shown, so that equal texts rank equally, and letters for notes that are not shared."""
    ranks = MEANING not in shared  # differences are no results
    fair = [one for one in column if one and ranks and one.comparable and set(one.caveats) <= set(shared)]
    best = {one.name: _best([cells.numbers[one.name] for cells in fair], one) for one in shown.metrics}

    def finish(cells: Cells) -> Cells:
        caveats = _coded((note for note in cells.notes if note not in shared), letters)
        numbers = cells.numbers
        if cells in fair:
            numbers = {name: _ranked(number, best[name]) for name, number in numbers.items()}
        return Cells(numbers, cells.runs, caveats, protocol=cells.protocol)

    return [cells and finish(cells) for cells in column]


def _best(numbers: Sequence[Number | None], one: Metric) -> list[float]:
    """The best and the second value among them; a number alone is not the best of anything."""
    there = [number for number in numbers if number]
    return sorted({_shown(n) for n in there}, key=one.order)[:2] if len(there) > 1 else []


def _ranked(number: Number | None, best: Sequence[float]) -> Number | None:
    if number is None:
        return None
    shown = _shown(number)
    return replace(number, rank=best.index(shown) + 1 if shown in best else 0)


def _shown(number: Number) -> float:
    return round(number.score.mean, 2)


def _row_notes(row: Row, keys: Keys, about: Mapping[str, str], printed: bool) -> list[str]:
    asked = [rows for rows in keys.values() if rows]
    missing = bool(asked) and not any(row.number in rows for rows in asked)
    notes = [row.note, row.printed.note if row.printed and printed else "", about.get(row.method, "")]
    notes += ["no plugin registers the method of this row"] if missing else []
    return [note for note in notes if note]


def _letters(notes: Iterable[str]) -> dict[str, str]:
    return {note: letter(place) for place, note in enumerate(dict.fromkeys(notes))}


def letter(place: int) -> str:
    """What the footnote at this place, counted from 0, is called: a ... z, aa, bb ..."""
    return "abcdefghijklmnopqrstuvwxyz"[place % 26] * (place // 26 + 1)


def _coded(notes: Iterable[str], letters: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted({letters[note] for note in notes}, key=lambda letter: (len(letter), letter)))
