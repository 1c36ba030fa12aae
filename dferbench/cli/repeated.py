"""`--like RECORD` and `--config FILE`: the options of an earlier run, or of a file, before those of the user.

Both become words of the command line that stand before the user's own. So whatever the user says wins, and
nothing else has to know of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

from dferbench.configuration import line_of
from dferbench.documents import from_toml, read_text
from dferbench.errors import ConfigError, nearest

if TYPE_CHECKING:
    from dferbench.experiment.record import Record

SOURCES = ("--like", "--config")
SETS = {"epochs": "stage.epochs", "precision": "precision"}
"""Options that stand for a setting, as which they are said: a setting of the user then wins over them."""
NAMES = {"method": "--model", "settings": "--set"}
"""What keys of a file may be called besides the option's own name."""


class Repeated(TyperCommand):
    """A verb that takes `--like` and `--config`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The user's words behind those of the sources that they name. Raises ConfigError."""
        sources, rest = _taken(args)
        words = [word for source, path in sources for word in self._words(source, Path(path))]
        return super().parse_args(ctx, [*words, *rest])

    def _words(self, source: str, path: Path) -> Iterator[str]:
        return like(path) if source == "--like" else of_file(path, self.params)


def _taken(args: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """The sources with their paths, a record before a file, and the other words."""
    found: list[tuple[str, str]] = []
    rest: list[str] = []
    waiting = iter(args)
    for word in waiting:
        flag, equals, value = word.partition("=")
        path = value if equals else next(waiting, "") if flag in SOURCES else ""
        if flag in SOURCES and path:
            found.append((flag, path))
        else:
            rest.append(word)
    return sorted(found, key=lambda one: SOURCES.index(one[0])), rest


def like(path: Path) -> Iterator[str]:
    """The options that made the run of a record, or of the one in a folder, and give it its config id.

    Raises ConfigError for a record that is damaged, or of no run that was trained here.
    """
    from dferbench.experiment.record import NAME, read
    from dferbench.registry.datasets import written

    one = read(path / NAME if path.is_dir() else path, {})
    _require_trained(one, path)
    yield from ("--model", one.method, "--dataset", written(one.dataset, one.dataset_given))
    yield from ("--fold", str(one.fold), "--seed", str(one.seed))
    for name, value in one.given.items():
        yield from ("--set", f"{name}={value}")
    if one.limit is not None:
        yield from ("--limit", str(one.limit))
    if one.validation is not None:
        yield from ("--validation", repr(one.validation.share))
        if one.validation.patience is not None:
            yield from ("--patience", str(one.validation.patience))
    yield from _weights(one)


def _require_trained(one: Record, path: Path) -> None:
    kinds = {"a test of a checkpoint": one.checkpoint, "outside predictions": one.outside}
    for what, there in {**kinds, "a trial of a search": one.trial}.items():
        if there:
            raise ConfigError(
                f"{path} is the record of {what}; --like repeats training runs only",
                "Name the record of a run that was trained.",
            )


def _weights(one: Record) -> Iterator[str]:
    """Weights of files and random ones, which are in the config id; others are the backbones' own."""
    for name, used in one.weights.items():
        source = "random" if used.get("random") else str(used.get("source", ""))
        if source == "random" or Path(source).is_file():
            yield from ("--weights", f"{name}={source}")


def of_file(path: Path, params: Sequence[Any]) -> Iterator[str]:
    """The options that a TOML file states, of those that the verb has.

    Raises ConfigError that names file and line.
    """
    try:
        text = read_text(path)
        stated = from_toml(text)
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read {path}: {error}", "Name a TOML file of run options.") from error
    known = {opt.lstrip("-"): one for one in params for opt in one.opts if opt.startswith("--")}
    known = {name: one for name, one in known.items() if f"--{name}" not in SOURCES}
    known |= {key: known[opt.lstrip("-")] for key, opt in NAMES.items() if opt.lstrip("-") in known}
    for key, value in stated.items():
        name, where = key.replace("_", "-"), f"{path}, line {line_of(text, key)}"
        if name not in known:
            near = nearest(name, known)
            hint = f"Did you mean: {', '.join(near)}?" if near else f"Known are {', '.join(sorted(known))}."
            raise ConfigError(f"{where}: there is no run option named '{key}'", hint)
        if not _fits(value, known[name]):
            raise ConfigError(f"{where}: {key} cannot be {value!r:.60}", "docs/config.md shows a whole file.")
        yield from _option(name, known[name], value)


def _fits(value: Any, parameter: Any) -> bool:
    """Whether a value of TOML can stand for the option."""
    if parameter.is_flag:
        return isinstance(value, bool)
    if isinstance(value, dict):
        return bool(parameter.multiple)
    parts = value if isinstance(value, list) else [value]
    return bool(parts) and all(
        isinstance(one, str | int | float) and not isinstance(one, bool) for one in parts
    )


def _option(name: str, parameter: Any, value: Any) -> Iterator[str]:
    flag = f"--{NAMES.get(name, name).lstrip('-')}"
    if parameter.is_flag:
        yield from [flag] if value else []
    elif name in SETS:
        yield from ("--set", f"{SETS[name]}={value}")
    elif isinstance(value, dict):
        for key, one in _flat(value):
            yield from (flag, f"{key}={one}")
    elif parameter.multiple:
        for one in value if isinstance(value, list) else [value]:
            yield from (flag, str(one))
    else:
        yield from (flag, ",".join(map(str, value)) if isinstance(value, list) else str(value))


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Names and texts as `--set` has them; `stage.epochs = 3` is a table in a table for TOML."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", str(value).lower() if isinstance(value, bool) else str(value)
