"""The search: one trial after another, each of training videos alone, until a budget is spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from dferbench import stopping
from dferbench.errors import ConfigError
from dferbench.experiment import selection
from dferbench.experiment.metrics import Metric
from dferbench.experiment.plan import Plan, Request, make_plan
from dferbench.experiment.record import Record
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog
from dferbench.runner.claims import Busy
from dferbench.runner.run import run
from dferbench.tuning import journal as journals
from dferbench.tuning.journal import Journal, Tried
from dferbench.tuning.space import Space, with_values
from dferbench.tuning.suggest import optuna, suggest


@dataclass(frozen=True)
class Search:
    """What is searched, by what, and for how long.

    `request` is what all trials share. `max_runs` and `max_hours` bound all sessions of the search together:
    a trial that would exceed the runs is not begun, and the hours end the search after the trial that passes
    them.
    """

    request: Request
    texts: Mapping[str, str]
    """The space as it was typed."""
    space: Space
    metric: Metric
    max_runs: int = 20
    max_hours: float | None = None
    seed: int = 0

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides what is tried and what it gives; a larger budget continues the same search."""
        one = self.request
        return {
            "model": one.model, "dataset": one.dataset, "sets": dict(one.sets), "search": dict(self.texts),
            "folds": None if one.folds is None else list(one.folds), "seeds": list(one.seeds),
            "weights": dict(one.weights), "limit": one.limit, "validation": one.validation,
            "patience": one.patience, "metric": self.metric.name, "seed": self.seed,
        }  # fmt: skip


@dataclass(frozen=True)
class Searched:
    """A search when it ended: where its journal lies, why it ended, and one of its plans."""

    journal: Journal
    path: Path
    why: str
    plan: Plan


def tune(search: Search, catalog: Catalog, progress: Progress) -> Searched:
    """Try settings until the budget is spent or nothing new is left. The same search continues where it was.

    No test video is read. A trial that fails counts as tried. Raises ConfigError or DataError for what can be
    known before the first, Busy if another process is at the same trial, and whatever an interruption raises.
    """
    optuna()
    if search.max_runs < 1 or (search.max_hours is not None and not search.max_hours > 0):
        raise ConfigError("a search needs a budget above 0", "Give --max-runs and --max-hours.")
    higher = search.metric.higher_is_better
    first = _plan(search, suggest(search.space, (), search.seed, higher=higher) or {}, catalog)
    folder = search.request.output / first.task.dataset
    path = journals.path_of(folder, first.method.name, search.settings)
    journal = journals.read(path, search.settings)
    while not (why := _spent(search, journal, len(first.runs))):
        stopping.check()
        values = suggest(search.space, journal.trials, search.seed, higher=higher)
        if values is None:
            why = "nothing new is left to try"
            break
        trial = _try(search, values, catalog, progress, begun=bool(journal.trials))
        journal = journal.model_copy(update={"trials": (*journal.trials, trial)})
        journals.write(journal, path)
        progress.say(_line(search, journal))
    return Searched(journal, path, why, first)


def _spent(search: Search, journal: Journal, runs: int) -> str:
    if journal.runs + runs > search.max_runs:
        return f"another trial would exceed the {search.max_runs} runs allowed"
    if search.max_hours is not None and journal.seconds >= 3600 * search.max_hours:
        return f"the {search.max_hours:g} hours allowed are spent"
    return ""


def _plan(search: Search, values: Mapping[str, Any], catalog: Catalog) -> Plan:
    request = replace(search.request, sets=with_values(search.request.sets, values), trial=True)
    return make_plan(request, catalog)


def _try(
    search: Search, values: dict[str, Any], catalog: Catalog, progress: Progress, *, begun: bool
) -> Tried:
    """One trial. Values that cannot be together fail, but for the first: then the search itself is wrong."""
    try:
        plan = _plan(search, values, catalog)
        records = run(plan, catalog, progress)
    except Busy:
        raise
    except ConfigError as error:
        if not begun:
            raise
        return Tried(values=values, config_id="", runs=1, seconds=0, value=None, error=str(error))
    errors = [one.error.split("\n")[0] for one in records if one.status != "done"]
    return Tried(
        values=values,
        config_id=plan.config_id,
        runs=len(records),
        seconds=round(sum(one.seconds for one in records), 3),
        value=None if errors else value_of(records, search.metric),
        error="".join(errors[:1]),
    )


def value_of(records: Sequence[Record], metric: Metric) -> float | None:
    """The mean over the runs of the metric on the validation videos, at the epoch of each that is best there;
    None if it is undefined for one."""
    found = []
    for one in records:
        if not one.curve:
            return None
        held = one.curve[selection.pick(f"{selection.VAL}:{metric.name}", one.curve)].held
        found.append(None if held is None else metric.of(held))
    known = [value for value in found if value is not None]
    return fmean(known) if known and len(known) == len(found) else None


def _line(search: Search, journal: Journal) -> str:
    """What the last trial gave, and the best so far."""
    metric, last = search.metric, journal.trials[-1]
    best = journal.best(higher=metric.higher_is_better)
    words = " ".join(f"{name}={value}" for name, value in last.values.items())
    gave = last.error or f"validation {metric.title} {metric.text(last.value)}"
    number = len(journal.trials)
    far = "" if best is None else f" (best {metric.text(best.value)}, trial {journal.trials.index(best) + 1})"
    return f"trial {number}: {words}: {gave}{far}"
