"""What a verb was asked for, as a request: options of one name mean one thing in every verb that has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from dferbench.cli.arguments import number_of
from dferbench.cli.configured import weights
from dferbench.errors import ConfigError

if TYPE_CHECKING:
    from dferbench.experiment.plan import Request


def request_of(asked: Mapping[str, Any], **given: Any) -> Request:
    """The request that a verb's parameters make, of which it takes those that a request knows by their names.

    `asked` is what the verb got, its `locals()` before anything else is done; `given` is what the verb itself
    decides, and wins. Raises ConfigError for texts that cannot be read.
    """
    from dferbench.experiment.plan import Request

    known = {one.name for one in fields(Request)}
    read = {name: value for name, value in asked.items() if name in known}
    for option, (name, reader) in _READERS.items():
        if option in asked and name not in given:
            read[name] = reader(asked[option])
    remembered = {"remembered": weights()} if "weights" in asked else {}
    return Request(**{"model": "", "dataset": "", **remembered, **read, **given})


def folds_of(text: str | None) -> tuple[int, ...] | None:
    """What `--fold` says, in the form of `Request.folds`. Raises ConfigError."""
    return None if text is None else () if text == "all" else numbers(text, "--fold")


def numbers(text: str, option: str) -> tuple[int, ...]:
    """`0,1,2` as whole numbers, each once. Raises ConfigError."""
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() for word in words):
        raise ConfigError(
            f"{option} must be whole numbers from 0 on, got '{text}'", f"Write for example {option} 1,2,3."
        )
    return tuple(dict.fromkeys(map(int, words)))


def settings_of(
    texts: list[str] | None, epochs: int | None = None, precision: str | None = None
) -> dict[str, str]:
    """`--set NAME=VALUE`, with what `--epochs` and `--precision` stand for. Raises ConfigError."""
    from dferbench.interface import words
    from dferbench.registry.options import assignments

    return words.settings_of(assignments(texts or []), epochs, precision=precision)


def _weights_of(texts: list[str] | None) -> dict[str, str]:
    from dferbench.registry.options import WEIGHTS, assignments

    return assignments(texts or [], WEIGHTS)


_READERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "fold": ("folds", folds_of),
    "seed": ("seeds", lambda text: numbers(text, "--seed")),
    "set_": ("sets", settings_of),
    "weights": ("weights", _weights_of),
    "workers": ("workers", number_of),
    "tracker": ("trackers", lambda names: tuple(names or ())),
}
"""Per parameter the field of a request, and how its text is read."""
