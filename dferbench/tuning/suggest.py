"""What to try next: Optuna's TPE over all that was tried, as a function without state.

Each suggestion is drawn from the number of the trial and the results before it, so that a search that was
interrupted in the middle of a trial comes back to that trial, and ends as it would have.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from dferbench.errors import ConfigError
from dferbench.machine.seeds import derive
from dferbench.tuning.journal import Tried
from dferbench.tuning.space import Choice, Range, Space, text_of

TRIES = 50
"""Suggestions in a row that were all tried before: then there is nothing new."""


def optuna() -> Any:
    """The library. Raises ConfigError, which says how to install it."""
    try:
        library = importlib.import_module("optuna")
    except ImportError as error:
        raise ConfigError(
            f"dferbench tune needs the library optuna: {error}", 'Install it: pip install "dferbench[tune]"'
        ) from error
    library.logging.set_verbosity(library.logging.WARNING)
    return library


def suggest(space: Space, tried: Sequence[Tried], seed: int, *, higher: bool) -> dict[str, Any] | None:
    """Values that were not tried yet, by the tree-structured Parzen estimator (Bergstra et al., NeurIPS
    2011), at random as long as there are few results; None if there are no others. More is better if
    `higher`. Trials that failed are taken for the worst seen.
    """
    library = optuna()
    distributions = {name: _distribution(one, library) for name, one in space.items()}
    seen = {_key(trial.values) for trial in tried}
    for attempt in range(TRIES):
        sampler = library.samplers.TPESampler(seed=derive(seed, "trial", len(tried), attempt))
        study = library.create_study(direction="maximize" if higher else "minimize", sampler=sampler)
        for one, value in _scored(tried, higher):
            known = {"params": _indices(space, one.values), "value": value}
            study.add_trial(library.trial.create_trial(**known, distributions=distributions))
        found = study.ask(distributions).params
        values = {name: one.read(_value(one, found[name])) for name, one in space.items()}
        if _key(values) not in seen:
            return values
    return None


def _distribution(one: Range | Choice, library: Any) -> Any:
    kinds = library.distributions
    if isinstance(one, Choice):
        return kinds.CategoricalDistribution(range(len(one.values)))
    if one.whole:
        return kinds.IntDistribution(int(one.low), int(one.high), step=int(one.step or 1))
    return kinds.FloatDistribution(one.low, one.high, log=one.log)


def _value(one: Range | Choice, found: Any) -> Any:
    return one.values[found] if isinstance(one, Choice) else found


def _indices(space: Space, values: dict[str, Any]) -> dict[str, Any]:
    """Choices by their place: Optuna's categories are plain."""
    places = {name: one.values for name, one in space.items() if isinstance(one, Choice)}
    texts = {name: list(map(text_of, known)) for name, known in places.items()}
    return {name: texts[name].index(text_of(v)) if name in texts else v for name, v in values.items()}


def _scored(tried: Sequence[Tried], higher: bool) -> list[tuple[Tried, float]]:
    known = [one.value for one in tried if one.value is not None]
    if not known:
        return []
    worst = min(known) if higher else max(known)
    return [(one, worst if one.value is None else one.value) for one in tried]


def _key(values: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, text_of(value)) for name, value in values.items()))
