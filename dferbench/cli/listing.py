"""`dferbench list`: everything that is registered, and where each comes from."""

from __future__ import annotations

import inspect
import json
from typing import Annotated, Any

import typer

from dferbench.catalog import KINDS, Catalog, Entry


def list_(
    context: typer.Context,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List methods, datasets, backbones, temporal heads, prompts, decoders and face finders."""
    catalog: Catalog = context.obj
    if json_:
        typer.echo(json.dumps(_as_data(catalog), indent=1))
        return
    from tabulate import tabulate

    lines = [
        [KINDS[kind], name, about(entry), entry.origin.split(" (")[0]]
        for kind in KINDS
        for name, entry in sorted(catalog.entries[kind].items())
    ]
    typer.echo(tabulate(lines, ["kind", "name", "what it is", "from"], maxcolwidths=[None, None, 64, None]))
    for (kind, name), origins in catalog.contested.items():
        typer.echo(f"contested: {KINDS[kind]} '{name}' is claimed by {' and '.join(origins)}", err=True)
    for broken in catalog.broken:
        typer.echo(f"broken: {broken.origin}: {broken.reason} (dferbench doctor shows more)", err=True)


def about(entry: Entry) -> str:
    """One line on an entry: what it says of itself, or the first line of its documentation."""
    stated = entry.facts.get("about") or getattr(entry.value, "about", "")
    card = getattr(entry.value, "card", {})
    text = stated or card.get("summary", "") or inspect.getdoc(entry.value) or ""
    return " ".join(str(text).split("\n\n")[0].split())


def _as_data(catalog: Catalog) -> dict[str, Any]:
    found: dict[str, Any] = {
        kind: [{"name": e.name, "about": about(e), "origin": e.origin} for e in entries.values()]
        for kind, entries in catalog.entries.items()
    }
    broken = [{"origin": b.origin, "reason": b.reason} for b in catalog.broken]
    return {"schema": 1, **found, "broken": broken}
