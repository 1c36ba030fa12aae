"""The rows of a suite as experiments: resolved as a run would resolve them, none of them run. No torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from dferbench.errors import ConfigError, DferbenchError
from dferbench.experiment.code import code_of
from dferbench.experiment.plan import Plan, Request, Settled, place, settle
from dferbench.experiment.suite import Row, Suite
from dferbench.registry.catalog import Catalog
from dferbench.registry.datasets import make_dataset
from dferbench.registry.options import resolve, split_recipe
from dferbench.types import Method

NOTHING_HELD: Mapping[str, Any] = MappingProxyType({"validation": None, "patience": None})
"""Of the training videos of a row that trains nothing."""


@dataclass(frozen=True)
class Experiment:
    """A row on one dataset. `deviations` say what the run has that the row itself does not ask for."""

    row: Row
    request: Request
    settled: Settled
    deviations: tuple[str, ...]
    catalog: Catalog

    @property
    def epochs(self) -> int:
        """Of all stages together; 0 for what trains nothing."""
        return sum(stage.epochs for stage in self.settled.recipe.stages)

    def plan(self) -> Plan:
        """The row as a plan, its data found. Raises UnknownName or DataError."""
        one = self.settled
        code = code_of(one.method, one.options, one.recipe, self.catalog, self.request.decoder)
        return place(one, self.request, code)


def experiments(
    suite: Suite, base: Request, epochs: int | None, catalog: Catalog
) -> tuple[list[Experiment], list[Row]]:
    """Every row with a registered method, resolved, and the rows without.

    `base` holds what all rows share: its `sets` come on top of a row's own, and what it says of stages, like
    `epochs`, and of validation leaves rows alone that train nothing.
    Raises ConfigError or DataError that names the row.
    """
    dataset = make_dataset(base.dataset, catalog).entry.name
    found, missing = [], []
    for row in suite.rows:
        if row.method not in catalog.entries["methods"]:
            missing.append(row)
            continue
        with naming(suite.name, row):
            trains = _trains(catalog.get("methods", row.method).value, dataset)
            changes = _changes(base.sets, epochs, trains)
            held = _held_out(base, suite) if trains and epochs != 0 else NOTHING_HELD
            request = replace(base, model=row.method, sets={**row.sets, **changes}, **held)
            settled = settle(request, catalog)
            found.append(Experiment(row, request, settled, _deviations(row, settled, changes), catalog))
    return found, missing


def _trains(method: Method, dataset: str) -> bool:
    return bool(method.recipe_for.get(dataset, method.recipe).stages)


def _changes(sets: Mapping[str, str], epochs: int | None, trains: bool) -> dict[str, str]:
    changes = {**sets, **({} if epochs is None else {"stage.epochs": str(epochs)})}
    return {name: text for name, text in changes.items() if trains or not name.startswith("stage.")}


def _held_out(base: Request, suite: Suite) -> dict[str, Any]:
    """Validation as the user asks for it, else as the suite does; without it the suite's patience is void."""
    share = suite.validation if base.validation is None else base.validation
    patience = suite.patience if base.patience is None and share else base.patience
    return {"validation": share, "patience": patience}


def _deviations(row: Row, settled: Settled, changes: Mapping[str, str]) -> tuple[str, ...]:
    """Options that dataset or user put in place of the row's, and changes of the recipe."""
    own, own_recipe = split_recipe(row.sets)
    plain = resolve(settled.method.value, own)
    words = {name: value for name, value in settled.options.items() if value != plain[name]}
    words |= {name: text for name, text in split_recipe(changes)[1].items() if own_recipe.get(name) != text}
    return tuple(f"{name}={value}" for name, value in words.items())


@contextmanager
def naming(suite: str, row: Row, way_out: str = "") -> Iterator[None]:
    """Errors of the block say which row they are about; `way_out` comes behind the hint."""
    try:
        yield
    except DferbenchError as error:
        again = ConfigError(
            f"row {row.number} of {suite} ({row.label}): {error}", f"{error.hint} {way_out}".strip()
        )
        again.exit_code = error.exit_code
        raise again from error
