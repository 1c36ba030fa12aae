"""The tiny language in which recipes vary: `name(4, option=value) | other-name`.

Values are Python literals, or bare words such as `repeat-last`. A recipe holds these texts as written, so
two records that differ in one option differ in one line.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dferbench.errors import ConfigError, UnknownName

_CALL = re.compile(r"([A-Za-z][\w.-]*)\s*+(?:\((.*)\))?", re.DOTALL)
LONGEST = 20_000
"""Characters of a spec; the longest that are written name a few dozen classes."""
_KEYWORD = re.compile(r"\s*([A-Za-z_]\w*)\s*=(.*)", re.DOTALL)
_CLOSES = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class Call:
    """One `name(args, options)` of a spec."""

    name: str
    args: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


def split(text: str, separator: str) -> list[str]:
    """Cut `text` at each `separator` that stands outside brackets and quotes. Raises ConfigError."""
    _require_short(text)
    pieces, start, closers, quote = [], 0, [], ""
    for i, c in enumerate(text):
        if quote:
            quote = "" if c == quote else quote
        elif c in "'\"":
            quote = c
        elif c in _CLOSES:
            closers.append(_CLOSES[c])
        elif c in _CLOSES.values():
            if not closers or closers.pop() != c:
                raise ConfigError(f"'{_beginning(text)}' has a stray '{c}'", "Brackets come in pairs.")
        elif c == separator and not closers:
            pieces.append(text[start:i])
            start = i + 1
    if closers or quote:
        raise ConfigError(
            f"'{_beginning(text)}' lacks a closing {closers[-1] if closers else quote}", "Close it."
        )
    return [*pieces, text[start:]]


def value(text: str) -> Any:
    """A Python literal, true/false/none in any case, or the bare word itself."""
    _require_short(text)
    word = text.strip()
    try:
        return {"true": True, "false": False, "none": None}[word.lower()]
    except KeyError:
        pass
    try:
        return ast.literal_eval(word)
    except (ValueError, SyntaxError):
        return word
    except (RecursionError, MemoryError):
        raise ConfigError(f"'{_beginning(word)}' is nested too deeply", "Write plain values.") from None


def _require_short(text: str) -> None:
    if len(text) > LONGEST:
        raise ConfigError(
            f"'{_beginning(text)}' has {len(text):,} characters, more than {LONGEST:,}",
            "Shorten it; long lists belong in files.",
        )


def _beginning(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}..."


def parse(text: str) -> list[Call]:
    """The calls of a spec, in order; an empty text has none. Raises ConfigError."""
    return [_call(piece, text) for piece in split(text, "|")] if text.strip() else []


def parse_one(text: str) -> Call:
    """The only call of a spec. Raises ConfigError if there are none or several."""
    calls = parse(text)
    if len(calls) != 1:
        raise ConfigError(
            f"'{_beginning(text)}' names {len(calls)} things where one is wanted", "Write name(option=value)."
        )
    return calls[0]


def _call(piece: str, text: str) -> Call:
    match = _CALL.fullmatch(piece.strip())
    if not match:
        raise ConfigError(
            f"cannot read '{_beginning(piece.strip())}' in '{_beginning(text)}'",
            "Write name(option=value) | name.",
        )
    args: list[Any] = []
    options: dict[str, Any] = {}
    for part in split(match[2], ",") if (match[2] or "").strip() else []:
        keyword = _KEYWORD.fullmatch(part)
        if keyword:
            options[keyword[1]] = value(keyword[2])
        elif options:
            raise ConfigError(
                f"'{_beginning(part.strip())}' follows a named option in '{_beginning(text)}'",
                "Put it first.",
            )
        else:
            args.append(value(part))
    return Call(match[1], tuple(args), options)


def bind(call: Call, target: Callable[..., Any], what: str, *given: Any) -> inspect.BoundArguments:
    """Match a call's arguments to `target`'s signature behind the `given` ones.

    Raises UnknownName for an option that `target` lacks and ConfigError for one too many or too few.
    """
    signature = inspect.signature(target)
    for name in call.options:
        if name not in signature.parameters:
            known = [p for p in list(signature.parameters)[len(given) :]]
            raise UnknownName(f"option of {what} {call.name}", name, known)
    try:
        return signature.bind(*given, *call.args, **call.options)
    except TypeError as error:
        raise ConfigError(
            f"{what} {call.name}: {error}", f"Its signature is {call.name}{signature}."
        ) from None


def make(text: str, registry: Mapping[str, Callable[..., Any]], what: str) -> list[Any]:
    """Call the registered factory of every name in a spec with its options. Raises ConfigError."""
    made = []
    for call in parse(text):
        if call.name not in registry:
            raise UnknownName(what, call.name, registry)
        bound = bind(call, registry[call.name], what)
        made.append(registry[call.name](*bound.args, **bound.kwargs))
    return made
