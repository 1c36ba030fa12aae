"""From a suite and records to a table: printed numbers beside measured ones. A pure function.

A record belongs to a row if it has the row's cell: the hash of method, options, recipe, dataset, weights and
limit that a run of the row would have. Labels do not count, so a renamed row keeps its results, and a trial
with fewer epochs or videos is another experiment, shown only to who asks for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from dferbench.experiment import metrics
from dferbench.experiment.record import Record
from dferbench.experiment.suite import Row, Suite
from dferbench.report.score import Score, score
from dferbench.report.text import meaning

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


@dataclass(frozen=True)
class Number:
    """One cell: a score and its rank in the column (1 best, 2 second, else 0)."""

    score: Score
    rank: int = 0


@dataclass(frozen=True)
class Pair:
    """A row's UAR and WAR in one block, None where a source lacks one, with the letters of its footnotes.

    While a table is being made, `caveats` and `deviations` are whole sentences; a number with caveats that
    its column does not share is not ranked, while what the user chose for all rows hinders none.
    """

    uar: Number | None
    war: Number | None
    caveats: tuple[str, ...] = ()
    deviations: tuple[str, ...] = ()

    @property
    def runs(self) -> int:
        """How many runs stand behind the numbers; 0 for printed ones."""
        return next((number.score.runs for number in (self.uar, self.war) if number), 0)

    @property
    def notes(self) -> tuple[str, ...]:
        """All that must be said about the pair."""
        return (*self.caveats, *self.deviations)


@dataclass(frozen=True)
class Block:
    """The columns of one dataset and one kind: "published", or the selection rule of measured runs."""

    dataset: str
    kind: str
    caveats: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The dataset without its options; those are a footnote."""
        return self.dataset.split("(")[0].split(":")[0]

    @property
    def columns(self) -> tuple[str, ...]:
        """What the block shows of a row; n is the number of runs (folds times seeds)."""
        return ("UAR", "WAR") if self.kind == PUBLISHED else ("UAR", "WAR", "n")

    def cells(self, pair: Pair | None) -> list[Number | int | None]:
        """A row's cells under these columns; None is an empty one."""
        if pair is None:
            return [None] * len(self.columns)
        runs = [] if self.kind == PUBLISHED else [pair.runs]
        return [pair.uar, pair.war, *runs]


@dataclass(frozen=True)
class Line:
    """A row of the suite with its pairs, one a block, None where there is no number."""

    row: Row
    caveats: tuple[str, ...]
    pairs: tuple[Pair | None, ...]


@dataclass(frozen=True)
class Beside:
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
    beside: tuple[Beside, ...] = ()

    def texts(self, line: Line) -> list[str]:
        """What the columns beside the label show of a line."""
        place = self.lines.index(line)
        return [column.texts[place] for column in self.beside]


Keys = Mapping[str, Mapping[int, Key]]
"""Per dataset, as the user wrote it, and number of a row; a row without key has no plugin."""


def make_sheet(
    suite: Suite,
    records: Sequence[Record],
    keys: Keys,
    rules: Sequence[str],
    about: Mapping[str, str] | None = None,
) -> Sheet:
    """The table of the suite over the datasets in `keys`, measured under each selection rule of `rules`.

    A dataset whose mapping is empty shows its printed numbers alone. `about` has a remark for a method.
    """
    blocks = list(_blocks(suite, keys, rules))
    columns = [_column(suite, block, records, keys[block.dataset]) for block in blocks]
    shared = [[*_options(block), *_shared(column)] for block, column in zip(blocks, columns, strict=True)]
    printed = any(block.kind == PUBLISHED for block in blocks)
    labels = [_row_notes(row, keys, about or {}, printed) for row in suite.rows]
    own = (pair.notes for column in columns for pair in column if pair)
    letters = _letters(chain(*shared, *labels, *own))
    pairs = [_finish(column, notes, letters) for column, notes in zip(columns, shared, strict=True)]
    heads = [replace(b, caveats=_coded(notes, letters)) for b, notes in zip(blocks, shared, strict=True)]
    lines = [
        Line(row, _coded(notes, letters), tuple(column[i] for column in pairs))
        for i, (row, notes) in enumerate(zip(suite.rows, labels, strict=True))
    ]
    return Sheet(suite, tuple(heads), tuple(lines), tuple((letter, note) for note, letter in letters.items()))


def _blocks(suite: Suite, keys: Keys, rules: Sequence[str]) -> Iterator[Block]:
    for dataset, rows in keys.items():
        if (block := Block(dataset, PUBLISHED)).name in suite.printed_datasets:
            yield block
        if rows:
            yield from (Block(dataset, rule) for rule in rules)


def _options(block: Block) -> list[str]:
    given = block.dataset != block.name and block.kind != PUBLISHED
    return [f"the dataset is {block.dataset}"] if given else []


def _column(
    suite: Suite, block: Block, records: Sequence[Record], keys: Mapping[int, Key]
) -> list[Pair | None]:
    if block.kind == PUBLISHED:
        return [_printed(row, block.name) for row in suite.rows]
    differs = block.name in suite.printed_datasets and block.kind != suite.select
    unlike = [f"selected by {block.kind}; the published numbers by {suite.select}"] if differs else []
    pairs = (_measured(keys.get(row.number), records, block.kind) for row in suite.rows)
    return [pair and replace(pair, caveats=(*unlike, *pair.caveats)) for pair in pairs]


def _printed(row: Row, dataset: str) -> Pair | None:
    if row.printed is None or dataset not in row.printed.results:
        return None
    uar, war = row.printed.results[dataset]
    return Pair(_as_printed(uar), _as_printed(war))


def _as_printed(value: float | None) -> Number | None:
    return None if value is None else Number(Score(value, None, 0))


def _measured(key: Key | None, records: Sequence[Record], rule: str) -> Pair | None:
    """Mean and deviation over the row's runs."""
    found = [r for r in records if key and r.config_id == key.config_id and r.dataset == key.dataset]
    if key is None or not found:
        return None
    mine = list({(one.fold, one.seed): one for one in found}.values())
    twice = ["some runs left several records; one of each is counted"] if len(mine) < len(found) else []
    picked = [one.under(rule) for one in mine]
    uar, war = (Number(score([metric(c) for c in picked])) for metric in (metrics.uar, metrics.war))
    caveats = dict.fromkeys(caveat for one in mine for caveat in one.caveats)
    deviations = tuple(f"run with {words}" for words in key.deviations)
    return Pair(uar, war, (*map(meaning, caveats), *_coverage(mine, key.folds), *twice), deviations)


def _coverage(records: Sequence[Record], folds: tuple[int, ...]) -> Iterator[str]:
    seeds = Counter(one.fold for one in records)
    if set(seeds) < set(folds):
        names = ", ".join(map(str, sorted(seeds)))
        yield f"only fold {names} of {len(folds)}"
    if len(set(seeds.values())) > 1:
        yield "some folds have more seeds than others"


def _shared(column: Iterable[Pair | None]) -> list[str]:
    """Marks that hold for every number of a column: they stand in its head."""
    held = [pair.notes for pair in column if pair]
    return [note for note in held[0] if all(note in notes for notes in held)] if held else []


def _finish(
    column: Sequence[Pair | None], shared: Sequence[str], letters: Mapping[str, str]
) -> list[Pair | None]:
    """Ranks by what is shown, so that equal texts rank equally, and letters for notes that are not shared."""
    fair = [pair for pair in column if pair and set(pair.caveats) <= set(shared)]
    uar, war = _best([pair.uar for pair in fair]), _best([pair.war for pair in fair])

    def finish(pair: Pair) -> Pair:
        caveats = _coded((note for note in pair.notes if note not in shared), letters)
        if pair not in fair:
            return Pair(pair.uar, pair.war, caveats)
        return Pair(_ranked(pair.uar, uar), _ranked(pair.war, war), caveats)

    return [pair and finish(pair) for pair in column]


def _best(numbers: Sequence[Number | None]) -> list[float]:
    """The best and the second value among them; a number alone is not the best of anything."""
    there = [number for number in numbers if number]
    return sorted({_shown(n) for n in there}, reverse=True)[:2] if len(there) > 1 else []


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
    notes += [f"no plugin registers the method {row.method}"] if missing else []
    return [note for note in notes if note]


def _letters(notes: Iterable[str]) -> dict[str, str]:
    return {note: letter(place) for place, note in enumerate(dict.fromkeys(notes))}


def letter(place: int) -> str:
    """What the footnote at this place, counted from 0, is called: a ... z, aa, bb ..."""
    return "abcdefghijklmnopqrstuvwxyz"[place % 26] * (place // 26 + 1)


def _coded(notes: Iterable[str], letters: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted({letters[note] for note in notes}, key=lambda letter: (len(letter), letter)))


def left_out(records: Sequence[Record], keys: Keys) -> Iterator[str]:
    """Per dataset a line on rows without numbers whose method and options were run with other settings."""
    for dataset, rows in keys.items():
        numbers = [str(number) for number, key in rows.items() if _only_elsewhere(key, records)]
        if numbers:
            yield (
                f"{dataset}: row {', '.join(numbers)} has runs with another recipe, limit or weights: "
                "other experiments; to see them, repeat the --set, --epochs, --limit and --weights they had"
            )


def _only_elsewhere(key: Key, records: Sequence[Record]) -> bool:
    facts = (key.method, key.options, key.dataset)
    cells = {one.config_id for one in records if (one.method, one.options, one.dataset) == facts}
    return bool(cells) and key.config_id not in cells
