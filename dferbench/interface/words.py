"""The arguments that several functions take, as what the rest of dferbench expects of a command line."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from dferbench.errors import ConfigError
from dferbench.files import expand

if TYPE_CHECKING:
    from dferbench.registry.catalog import Catalog

AnyPath: TypeAlias = str | Path
Whole: TypeAlias = int | Iterable[int]
"""One whole number or several, from 0 on."""
Folds: TypeAlias = Whole | Literal["all"] | None
"""One fold or several, "all" of the dataset, or None for its first one."""
Workers: TypeAlias = int | Literal["auto"]
Settings: TypeAlias = Mapping[str, object]
"""What `--set` says, with values of Python: {"words": 4, "input.frames": 8}."""


def catalog_of(plugins: Iterable[AnyPath]) -> Catalog:
    """Everything installed, and what these files bring. Raises ConfigError for a file that is broken."""
    from dferbench.registry.catalog import discover
    from dferbench.registry.plugin_files import require_usable

    catalog = discover([expand(path) for path in plugins])
    require_usable(catalog, None)
    return catalog


def folds_of(folds: Folds) -> tuple[int, ...] | None:
    """The same as `Request.folds` has it: None for the first one, () for all. Raises ConfigError."""
    if folds is None:
        return None
    return () if isinstance(folds, str) and folds == "all" else whole(folds, "folds")


def whole(numbers: Whole, what: str) -> tuple[int, ...]:
    """The numbers, each once. Raises ConfigError for what is no whole number from 0 on, and for none."""
    try:
        several = numbers if isinstance(numbers, Iterable) else (numbers,)
        found = tuple(dict.fromkeys(operator.index(one) for one in several))
    except TypeError:
        found = ()
    if not found or min(found) < 0 or isinstance(numbers, bool):
        raise ConfigError(
            f"{what} must be whole numbers from 0 on, got {numbers!r}", f"Write for example {what}=[1, 2, 3]."
        )
    return found


def workers_of(workers: Workers) -> Workers:
    """Raises ConfigError for what is neither "auto" nor a whole number from 0 on."""
    return "auto" if workers == "auto" else whole(workers, "workers")[0]


def settings_of(
    settings: Settings | None,
    epochs: int | None = None,
    batch: int | None = None,
    precision: str | None = None,
) -> dict[str, str]:
    """Settings as texts, with what stands for the recipe of every stage."""
    sets = {name: text_of(value) for name, value in (settings or {}).items()}
    sets |= {"stage.epochs": str(epochs)} if epochs is not None else {}
    sets |= {"stage.batch": str(batch)} if batch is not None else {}
    return sets | ({"precision": precision} if precision else {})


def text_of(value: object) -> str:
    """A value of Python as `--set` would say it."""
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def classes_of(classes: Sequence[str]) -> tuple[str, ...]:
    """The names. Raises ConfigError for an empty or repeated one, or for one text instead of several."""
    found = tuple(classes)
    if isinstance(classes, str) or "" in found or len(set(found)) < len(found):
        raise ConfigError(
            f"classes must be different names, got {classes!r}", "Write for example classes=['a', 'b', 'c']."
        )
    return found
