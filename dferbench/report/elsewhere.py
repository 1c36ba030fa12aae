"""Runs that belong to no row of a suite as it was asked for: other experiments with its methods."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dferbench.experiment.record import Record
from dferbench.registry.datasets import written

if TYPE_CHECKING:
    from dferbench.report.table import Key, Keys


def left_out(records: Sequence[Record], keys: Keys) -> Iterator[str]:
    """Per dataset and setting a line on rows without numbers whose method and options had runs with it."""
    for dataset, rows in keys.items():
        told: dict[str, list[str]] = {}
        for number, key in rows.items():
            for words in dict.fromkeys(asked_with(one, dataset) for one in _elsewhere(key, records)):
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


def _elsewhere(key: Key, records: Sequence[Record]) -> list[Record]:
    """The runs of the row's method and options, where none is the row's own."""
    facts = (key.method, key.options, key.dataset)
    found = [one for one in records if (one.method, one.options, one.dataset) == facts]
    return [] if any(one.config_id == key.config_id for one in found) else found
