"""`dferbench list`: everything that is registered, and where each comes from."""

from __future__ import annotations

import inspect
import json
import shutil
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from dferbench import cards
from dferbench.errors import ConfigError
from dferbench.profiling import costs
from dferbench.registry.catalog import Catalog, Entry
from dferbench.registry.kinds import KINDS

GAP, NARROWEST, WIDEST = 2, 28, 64
"""Characters between columns, and of a column of sentences."""
WIDE = 1_000
"""What a pipe counts as."""


def list_(
    context: typer.Context,
    kind: Annotated[
        str | None, typer.Argument(help="Only these: methods, datasets, backbones, temporal_heads ...")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List methods, datasets, backbones, temporal heads, prompts, decoders and face finders."""
    catalog: Catalog = context.obj
    if kind is not None and kind not in KINDS:
        raise ConfigError(f"there is no kind of things named '{kind}'", f"Choose of {', '.join(KINDS)}.")
    kinds = tuple(KINDS) if kind is None else (kind,)
    if json_:
        typer.echo(json.dumps(_as_data(catalog, kinds), indent=1))
        return
    tables = [_methods(catalog)] if "methods" in kinds else []
    others = [one for one in kinds if one != "methods"]
    typer.echo("\n\n".join([*tables, *([_others(catalog, others)] if others else [])]))
    for (kind, name), origins in catalog.contested.items():
        typer.echo(f"contested: {KINDS[kind].noun} '{name}' is claimed by {' and '.join(origins)}", err=True)
    for broken in catalog.broken:
        typer.echo(f"broken: {broken.origin}: {broken.reason} (dferbench doctor shows more)", err=True)


def _methods(catalog: Catalog) -> str:
    lines = [_method(entry) for _, entry in sorted(catalog.entries["methods"].items())]
    heads = ["method", "what it does", "fidelity", "input", "parameters", "multiply-adds", "from"]
    return _table(lines, heads, 1)


def _others(catalog: Catalog, kinds: Sequence[str]) -> str:
    lines = [
        [KINDS[kind].noun, name, about(entry), _origin(entry)]
        for kind in kinds
        for name, entry in sorted(catalog.entries[kind].items())
    ]
    heads = ["kind", "name", "what it is", "from"]
    return _table(lines, heads, 2)


def _table(lines: Sequence[Sequence[str]], heads: Sequence[str], sentence: int) -> str:
    """A table whose column of sentences takes what the terminal leaves beside the others, within reason."""
    from tabulate import tabulate

    # tabulate leaves room on both sides of a head.
    padded = [head + " " * GAP for head in heads]
    longest = [max(map(len, column)) for column in zip(padded, *lines, strict=True)]
    others = sum(longest) - longest[sentence] + GAP * (len(heads) - 1)
    room = shutil.get_terminal_size(fallback=(WIDE, 0)).columns - others
    widths: list[int | None] = [None] * len(heads)
    widths[sentence] = min(max(room, NARROWEST), WIDEST)
    return str(tabulate(lines, heads, maxcolwidths=widths, disable_numparse=True))


def _method(entry: Entry) -> list[str]:
    """A line of the table of methods; parameters and multiply-adds are those kept for 7 classes."""
    facts = _facts(entry)
    counts = [costs.short(facts[k]) if facts[k] else "" for k in ("parameters", "macs")]
    first = about(entry).split(". ")[0].rstrip(".")
    return [entry.name, first, facts["fidelity"], facts["input"], *counts, _origin(entry)]


def _facts(entry: Entry) -> dict[str, Any]:
    """What a method says of itself and what was counted; None where nothing was."""
    input, cost = entry.value.recipe.input, costs.kept(entry.origin, entry.name)
    return {
        "fidelity": cards.word(str(entry.value.card.get("fidelity", ""))),
        "input": f"{input.frames} x {cost.size if cost else input.size}",
        "parameters": cost and cost.parameters,
        "trained": cost and cost.trained,
        "macs": cost and cost.macs,
    }


def _origin(entry: Entry) -> str:
    return entry.origin.split(" (")[0]


def about(entry: Entry) -> str:
    """One line on an entry: what it says of itself, or the first line of its documentation."""
    stated = entry.facts.get("about") or getattr(entry.value, "about", "")
    card = getattr(entry.value, "card", {})
    text = stated or card.get("summary", "") or inspect.getdoc(entry.value) or ""
    return " ".join(str(text).split("\n\n")[0].split())


def _as_data(catalog: Catalog, kinds: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        kind: [
            {
                "name": e.name,
                "about": about(e),
                "origin": e.origin,
                **(_facts(e) if kind == "methods" else {}),
            }
            for e in entries.values()
        ]
        for kind, entries in catalog.entries.items()
        if kind in kinds
    }
    broken = [{"origin": b.origin, "reason": b.reason} for b in catalog.broken]
    return {"schema": 1, **found, "broken": broken}
