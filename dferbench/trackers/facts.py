"""What a tracker says of a run: its configuration, an epoch as named numbers, its final metrics."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from dferbench.experiment.record import Record
from dferbench.training.observer import EpochResult


def title(record: Record) -> str:
    """The run in words, as a list of runs shows it."""
    return f"{record.method} on {record.dataset}, fold {record.fold} seed {record.seed}"


def configuration(record: Record) -> dict[str, Any]:
    """Everything that decides the result, by name; nested as in the record."""
    names = (
        "method",
        "options",
        "recipe",
        "dataset",
        "dataset_options",
        "fold",
        "seed",
        "config_id",
        "limit",
    )
    held = {} if record.validation is None else {"validation": record.validation.model_dump()}
    return {name: getattr(record, name) for name in names} | held


def parameters(record: Record) -> dict[str, str | int | float | bool]:
    """The configuration with a name for each value, like `recipe.input.frames`; others are JSON."""
    return dict(_leaves("", configuration(record)))


def _leaves(name: str, value: Any) -> Iterator[tuple[str, str | int | float | bool]]:
    # Patterns of parameter names are keys in a recipe, and would be no names.
    if isinstance(value, Mapping) and all(str(key).isidentifier() for key in value):
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}" if name else str(key), inner)
    elif isinstance(value, list | tuple) and value and all(isinstance(one, Mapping) for one in value):
        for number, inner in enumerate(value):
            yield from _leaves(f"{name}.{number}", inner)
    else:
        yield name, value if isinstance(value, str | int | float | bool) else json.dumps(value, default=str)


def total_epochs(record: Record) -> int:
    """How many epochs the recipe trains, over all stages."""
    return sum(stage["epochs"] for stage in record.recipe.get("stages", ()))


def scalars(epoch: EpochResult, videos: Mapping[str, int]) -> dict[str, float]:
    """An epoch as named numbers: `loss/TERM`, `lr/PATTERN`, `test/METRIC` and, where videos
    are held out, `validation/METRIC` in percent, `seconds`, and
    `videos_per_second`, trained on and tested, for `videos` in each split."""
    row = epoch.row
    rate = {"videos_per_second": sum(videos.values()) / row.seconds} if row.seconds else {}
    return {
        **{f"loss/{name}": value for name, value in row.terms.items()},
        **{f"lr/{pattern}": value for pattern, value in row.learning_rates.items()},
        **{f"test/{name}": value for name, value in epoch.metrics.items()},
        **{f"validation/{name}": value for name, value in epoch.validation.items()},
        "seconds": row.seconds,
        **rate,
    }


def final_scalars(record: Record) -> dict[str, float]:
    """The metrics of a finished run in percent: `final/RULE/METRIC` for each rule that picks an epoch."""
    return {
        f"final/{rule}/{name}": value
        for rule, values in record.metrics.items()
        for name, value in values.items()
        if value is not None
    }
