"""`dferbench show NAME`: one registered thing in full: card, options with defaults, recipes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from dferbench import cards
from dferbench.cli.listing import MORE, about
from dferbench.errors import ConfigError, UnknownName
from dferbench.experiment.metrics import Metrics, registered
from dferbench.files import json_text
from dferbench.profiling import costs
from dferbench.registry.catalog import Catalog, Entry
from dferbench.registry.kinds import KINDS
from dferbench.registry.options import from_signature
from dferbench.registry.ranges import written
from dferbench.types import Method


def show(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="A method, dataset, backbone, head, prompt, decoder or face finder.")
    ],
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Describe a method, dataset or other plugin: its card, options with defaults, and recipes."""
    catalog: Catalog = context.obj
    found = [(kind, entries[name]) for kind, entries in catalog.entries.items() if name in entries]
    if not found:
        raise UnknownName("thing", name, {n for entries in catalog.entries.values() for n in entries}, MORE)
    models = [_options(kind, entry) for kind, entry in found]
    described = [_describe(*one, model) for one, model in zip(found, models, strict=True)]
    from dferbench.report.fitted import folded

    if json_:
        typer.echo(json_text({"schema": 1, "found": described}, indent=1))
        return
    for facts, model in zip(described, models, strict=True):
        typer.echo(folded(_text(facts, model, registered(catalog)), "      "))


def _describe(kind: str, entry: Entry, known: type[BaseModel]) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": entry.name,
        "kind": KINDS[kind].noun,
        "about": about(entry),
        "from": entry.origin,
        "options": dict(known()),
        "options_schema": known.model_json_schema(),
        **{k: v for k, v in entry.facts.items() if k != "about"},
    }
    if isinstance(entry.value, Method):
        facts |= _recipes(entry.value)
        cost = costs.kept(entry.origin, entry.name)
        facts["cost"] = {} if cost is None else {**asdict(cost), "classes": costs.CLASSES}
    elif kind == "datasets":
        facts |= {"where": entry.value.where, "folds": list(entry.value.folds)}
    return facts


def _options(kind: str, entry: Entry) -> type[BaseModel]:
    """The model of its options."""
    build = entry.value.builder if isinstance(entry.value, Method) else entry.load
    return entry.options or from_signature(build(), KINDS[kind].given)


def _recipes(method: Method) -> dict[str, Any]:
    recipes = {"any dataset": method.recipe, **method.recipe_for}
    return {
        "paper": method.paper,
        "card": dict(method.card),
        "options_for": {dataset: dict(options) for dataset, options in method.options_for.items()},
        "recipes": {dataset: asdict(recipe) for dataset, recipe in recipes.items()},
    }


def _text(facts: Mapping[str, Any], model: type[BaseModel], metrics: Metrics) -> str:
    lines = [f"{facts['name']}: a {facts['kind']} from {facts['from']}"]
    card = list(_card(facts, metrics))
    hidden = {"name", "kind", "from", "options_schema", *(("about", "paper", "card", "cost") if card else ())}
    if "recipes" in facts:
        facts = {**facts, "recipes": _told_once(facts["recipes"])}
    for key, value in facts.items():
        if key not in hidden and value not in ("", {}, []):
            told = _option_table(model) if key == "options" else _block(key, value, 0)
            lines += [*([""] if card else []), *told]
    return "\n".join([*lines[:1], *card, *lines[1:]])


def _option_table(model: type[BaseModel]) -> list[str]:
    from dferbench.report.options import option_lines

    return ["options:", *option_lines(model, _width())]


def _width() -> int:
    """Characters of a line: the terminal's, within reason."""
    return min(shutil.get_terminal_size((100, 24)).columns, 110)


def _told_once(recipes: Mapping[str, Any]) -> dict[str, Any]:
    """The first recipe in full, and of every other one what differs from it."""
    (first, base), *others = recipes.items()
    told = {first: base}
    for name, recipe in others:
        if changed := _changed(base, recipe):
            told[f"{name}, where it differs"] = changed
        else:
            told[name] = f"as for {first}"
    return told


def _changed(base: Any, other: Any) -> Any:
    """What of `other` is not as in `base`; mappings of other keys and lists of another length as a whole."""
    if isinstance(base, Mapping) and isinstance(other, Mapping) and base.keys() == other.keys():
        return {key: _changed(base[key], value) for key, value in other.items() if value != base[key]}
    if isinstance(base, tuple) and isinstance(other, tuple) and len(base) == len(other):
        return tuple(_changed(a, b) for a, b in zip(base, other, strict=True))
    return other


def _card(facts: Mapping[str, Any], metrics: Metrics) -> Iterator[str]:
    """The card, laid out; nothing where there is none, and one that is not whole is shown as it is."""
    if not facts.get("card"):
        return
    from dferbench.report.card import card_text

    kept = {k: v for k, v in facts["cost"].items() if k != "classes"}
    try:
        text = card_text(cards.read(facts["card"]), costs.Cost(**kept) if kept else None, _width(), metrics)
    except ConfigError as error:
        typer.echo(f"{facts['name']}: {error}. {error.hint}", err=True)
        return
    yield from ("", text)


def _block(key: str, value: Any, depth: int) -> list[str]:
    pad = "  " * depth
    if isinstance(value, Mapping):
        return [f"{pad}{key}:", *(line for k, v in value.items() for line in _block(k, v, depth + 1))]
    if isinstance(value, list | tuple) and any(isinstance(v, Mapping) for v in value):
        name = key.removesuffix("s")
        return [line for i, v in enumerate(value, 1) if v for line in _block(f"{name} {i}", v, depth)]
    if isinstance(value, list | tuple):
        value = "; ".join(map(str, value))
    return [f"{pad}{key}: {written(value)}"]
