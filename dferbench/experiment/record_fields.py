"""What the fields of a record may hold: numbers in their bounds, names, and plain data of bounded depth.

And how it is told which of them holds something else.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

MOST = 2**53
"""The largest count, above which a double is no longer exact."""
DEEPEST, LONGEST, LONGEST_NAME = 20, 1_000_000, 10_000
"""How deep plain data may be nested, and how many characters its texts and its names may have."""

Count = Annotated[int, Field(ge=0, le=MOST)]
Number = Annotated[int, Field(ge=-MOST, le=MOST)]
"""A whole number that counts nothing: of a fold, a seed."""
Matrix = list[list[Count]]
Seconds = Annotated[float, Field(ge=0)]


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError(f"{text!r:.80} holds characters that cannot be shown")
    return text


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
"""Of a method, a dataset or a configuration."""


def _bounded(data: dict[str, Any]) -> dict[str, Any]:
    if not data:  # most of a record's plain data are empty
        return data
    level: list[Any] = [data]
    for _ in range(DEEPEST):
        level = [one for thing in level for one in _inside(thing)]
        if not level:
            return data
    raise ValueError(f"it is nested deeper than {DEEPEST} levels")


def _inside(thing: dict[str, Any] | list[Any] | tuple[Any, ...]) -> list[Any]:
    """What a list or an object holds that holds more. Raises ValueError for a text that is too long."""
    if type(thing) is dict and thing and max(map(len, thing)) > LONGEST_NAME:
        raise ValueError(f"a name in it has more than {LONGEST_NAME} characters")
    deeper = []
    for one in thing.values() if type(thing) is dict else thing:
        if type(one) is str:
            if len(one) > LONGEST:
                raise ValueError(f"a text in it has more than {LONGEST} characters")
        elif one and type(one) in _HOLDERS:
            deeper.append(one)
    return deeper


_HOLDERS = (dict, list, tuple)

Plain = Annotated[dict[str, Any], AfterValidator(_bounded)]
"""An object of JSON whose fields the host does not know."""


def reason_of(error: Exception) -> str:
    """What an error of reading JSON into a model says, in one line that names the place."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))[:200]
        words = first["msg"].removeprefix("Value error, ")
        return f"{place}: {words}" if place else words
    text = (isinstance(error, OSError) and error.strerror) or str(error)
    return f"Invalid JSON: {text}" if isinstance(error, json.JSONDecodeError) else text
