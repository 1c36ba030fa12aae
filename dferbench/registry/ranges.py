"""What an option may be, in words: "a number in [0, 1)", "one of end, middle, front"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

NOUNS = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "a mapping",
    "null": "none",
}
"""Types of JSON schema as a user knows them."""
BOUNDS = {
    "minimum": ">= {:g}",
    "exclusiveMinimum": "> {:g}",
    "maximum": "<= {:g}",
    "exclusiveMaximum": "< {:g}",
}
BRACKETS = {"minimum": "[", "exclusiveMinimum": "(", "maximum": "]", "exclusiveMaximum": ")"}


def value_range(model: type[BaseModel], name: str) -> str:
    """What the field `name` of a model of options may be: its type, its bounds or its choices."""
    schema = model.model_json_schema()
    return _words(schema["properties"][name], schema.get("$defs", {}))


def _words(part: Mapping[str, Any], shared: Mapping[str, Any]) -> str:
    if "$ref" in part:
        part = shared[part["$ref"].rpartition("/")[2]]
    if "anyOf" in part:
        return " or ".join(_words(one, shared) for one in part["anyOf"])
    if "enum" in part:
        return "one of " + ", ".join(map(written, part["enum"]))
    if "const" in part:
        return written(part["const"])
    noun = NOUNS.get(part.get("type", ""), "any value")
    if "examples" in part:
        return f"{noun} such as {', '.join(map(written, part['examples']))}"
    bounds = [(name, part[name]) for name in BOUNDS if name in part]
    multiple = [f"and a multiple of {part['multipleOf']:g}"] if "multipleOf" in part else []
    if len(bounds) == 2:
        (low, least), (high, most) = bounds
        return " ".join([f"{noun} in {BRACKETS[low]}{least:g}, {most:g}{BRACKETS[high]}", *multiple])
    return " ".join([noun, *(BOUNDS[name].format(bound) for name, bound in bounds), *multiple])


def written(value: Any) -> str:
    """A value as `--set` takes it: true, false and none in small letters, an empty text as quotes."""
    if value == "":
        return "''"
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
