"""The options of a method or part as lines of text: name, default, what it may be, description."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from pydantic import BaseModel

from dferbench.registry.ranges import value_range, written

GAP, DEEPER = 2, 6
"""Characters between columns, and before a description."""


def option_lines(model: type[BaseModel], width: int) -> Iterator[str]:
    """The options of a model in lines of at most `width` characters, each description below its option."""
    rows = [(name, written(field.default)) for name, field in model.model_fields.items()]
    first, second = (max(map(len, column)) + GAP for column in zip(*rows, ("option", "default"), strict=True))
    yield f"  {'option':<{first}}{'default':<{second}}values"
    for name, default in rows:
        left = f"  {name:<{first}}{default:<{second}}"
        yield from wrap(
            left + value_range(model, name), width, subsequent_indent=" " * len(left), drop_whitespace=True
        )
        described = model.model_fields[name].description or ""
        yield from wrap(described, width, initial_indent=" " * DEEPER, subsequent_indent=" " * DEEPER)
