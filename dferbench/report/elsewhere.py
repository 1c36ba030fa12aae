"""Runs that belong to no row of a suite as it was asked for: other experiments with its methods."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from dferbench.experiment.record import Record
from dferbench.registry.datasets import written

if TYPE_CHECKING:
    from dferbench.report.table import Key, Keys

Runs = Mapping[tuple[str, str], Sequence[Record]]
"""Records by dataset and configuration: a row asks for its own, and does not go through all."""


def by_configuration(records: Iterable[Record]) -> Runs:
    """Each configuration's records."""
    runs: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for one in records:
        runs[one.dataset, one.config_id].append(one)
    return runs


def left_out(records: Sequence[Record], keys: Keys) -> Iterator[str]:
    """Per dataset and setting a line on rows without numbers whose method and options had runs with it."""
    runs = by_configuration(records)
    for dataset, rows in keys.items():
        told: dict[str, list[str]] = {}
        lacking = {n: key for n, key in rows.items() if (key.dataset, key.config_id) not in runs}
        for number, key in lacking.items():
            for words in dict.fromkeys(asked_with(one, dataset) for one in _elsewhere(key, runs)):
                told.setdefault(words, []).append(str(number))
        for words, numbers in list(told.items())[:SETTINGS]:
            several = "s" if len(numbers) > 1 else ""
            yield f"{dataset}: row{several} {', '.join(numbers)}: other experiments, shown with {words}"
        if len(told) > SETTINGS:
            yield f"{dataset}: {len(told) - SETTINGS} more such settings: dferbench leaderboard shows them"


SETTINGS = 5
"""How many settings of other experiments are told."""


def asked_with(one: Record, dataset: str) -> str:
    """The options with which the record's runs were made, as far as a row of a suite does not state them."""
    name = written(one.dataset, one.dataset_given)
    words = [f"-d '{name}'"] if name != dataset else []
    for option, value in sorted(one.given.items()):
        if option == "stage.epochs":
            words.append(f"--epochs {value}")
        elif "." in option or option == "precision":
            words.append(f"--set {shlex.quote(f'{option}={value}')}")
    words += [f"--limit {one.limit}"] if one.limit is not None else []
    if held := one.validation:
        words.append(f"--validation {held.share:g}")
        words += [f"--patience {held.patience}"] if held.patience is not None else []
    words += [f"--weights {name}=random" for name, used in one.weights.items() if used.get("random")]
    return " ".join(words) or f"the weights of configuration {one.config_id}"


def _elsewhere(key: Key, runs: Runs) -> Iterator[Record]:
    """The runs of the row's method and options, for a row that has none of its own."""
    facts = (key.method, key.options, key.dataset)
    for group in runs.values():
        first = group[0]  # all of a configuration have its method and options
        yield from group if (first.method, first.options, first.dataset) == facts else ()
