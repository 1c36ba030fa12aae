"""Which parameters a stage trains: patterns of names with learning rates; everything else is frozen."""

from __future__ import annotations

import re
from typing import Any

import regex
from torch import nn

from dferbench.errors import ConfigError
from dferbench.types import Recipe, Stage

LONGEST = 1000
"""Characters of a pattern."""
SECONDS = 0.1
"""How long a pattern may take for a name, in seconds of the processor; it usually takes microseconds."""
Group = dict[str, Any]
"""A parameter group as torch's optimizers take it, with "pattern" and the "names" of its parameters."""


def parameter_groups(model: nn.Module, stage: Stage) -> list[Group]:
    """One optimizer group per pattern, in the stage's order; the first that matches a parameter takes it.

    Sets `requires_grad`: what no pattern matches is frozen. Raises ConfigError for a pattern that matches
    no parameter, unless it also matches the empty name: `(temporal\\..*)?` is optional.
    """
    where = f"stage '{stage.name}'"
    groups: dict[str, dict[str, nn.Parameter]] = {pattern: {} for pattern in stage.train}
    for name, parameter in model.named_parameters():
        winner = next((p for p in stage.train if matches(p, name, where)), None)
        parameter.requires_grad_(winner is not None)
        if winner is not None:
            groups[winner][name] = parameter
    for pattern, found in groups.items():
        if not found and not matches(pattern, "", where):
            first = ", ".join(sorted({name.split(".")[0] for name, _ in model.named_parameters()}))
            raise ConfigError(
                f"{where} trains '{pattern}', which matches no parameter",
                f"Parameters here start with: {first}.",
            )
    return [
        {"params": [*found.values()], "names": [*found], "lr": stage.train[pattern], "pattern": pattern}
        for pattern, found in groups.items()
        if found
    ]


def ever_trained(model: nn.Module, recipe: Recipe) -> set[str]:
    """The names of the parameters that any stage trains. Raises ConfigError for a pattern without a match."""
    names: set[str] = set()
    for stage in recipe.stages:
        parameter_groups(model, stage)
        names |= {name for name, p in model.named_parameters() if p.requires_grad}
    return names


def matches(pattern: str, name: str, where: str) -> bool:
    """Whether the regular expression matches the whole name. Raises ConfigError if it is not valid."""
    if len(pattern) > LONGEST:
        raise ConfigError(
            f"{where}: a pattern has {len(pattern):,} characters, more than {LONGEST:,}",
            "Write several patterns.",
        )
    try:
        re.compile(pattern)
        # `re` cannot be stopped: (a+)+b takes as many steps as there are ways to divide a name into parts.
        return regex.fullmatch(pattern, name, timeout=SECONDS) is not None
    except TimeoutError:
        raise ConfigError(
            f"{where}: '{pattern}' takes more than {SECONDS:g} s to match the name '{name}'",
            "Do not repeat what is repeated inside, as (a+)+ does.",
        ) from None
    except (RecursionError, MemoryError, OverflowError):
        raise ConfigError(f"{where}: a pattern is nested too deeply", "Write a plainer one.") from None
    except (re.error, regex.error) as error:
        raise ConfigError(
            f"{where}: '{pattern}' is not a valid regular expression: {error}",
            "Fix it; a dot in a name is written \\., as in 'head\\..*'.",
        ) from None
