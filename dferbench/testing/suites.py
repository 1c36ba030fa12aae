"""The contract of suites: a file that can be read, whose rows are experiments that are known here."""

from __future__ import annotations

from collections import Counter

from dferbench.experiment.metrics import registered
from dferbench.experiment.suite import Suite, read_suite, suite_file
from dferbench.registry.options import change_recipe, resolve, split_recipe
from dferbench.testing.candidate import Candidate
from dferbench.testing.outcome import Rule, require


def _suite(candidate: Candidate) -> Suite:
    return read_suite(suite_file(candidate.name, candidate.catalog), registered(candidate.catalog))


def reads(candidate: Candidate) -> None:
    """its file can be read, and the printed numbers that it names"""
    require(_suite(candidate).rows, "it has no rows")


def knows_its_rows(candidate: Candidate) -> None:
    """each row names a method that is there, and options that it has"""
    for row in _suite(candidate).rows:
        method = candidate.catalog.get("methods", row.method).value
        own, changes = split_recipe(dict(row.sets))
        resolve(method, own)
        change_recipe(method.recipe, changes)


def has_each_row_once(candidate: Candidate) -> None:
    """no two rows have the same label in one group, or would show the same runs"""
    rows = _suite(candidate).rows
    for what, found in (
        ("label", Counter((row.group, row.label) for row in rows)),
        ("method and options", Counter((row.method, *sorted(row.sets.items())) for row in rows)),
    ):
        (most, count), *_ = found.most_common(1)
        require(count == 1, f"{count} rows have the same {what}: {most}")


SUITE: tuple[Rule[Candidate], ...] = (reads, knows_its_rows, has_each_row_once)
