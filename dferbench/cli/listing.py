"""`dferbench list`: everything that is registered, and where each comes from."""

from __future__ import annotations

import inspect
import shutil
import textwrap
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from dferbench import cards
from dferbench.files import json_text
from dferbench.profiling import costs
from dferbench.registry.catalog import Catalog, Entry
from dferbench.registry.kinds import KINDS, kind_of

DESCRIBED = ("methods", "datasets")
"""The kinds that the short list describes; of the others it has the names."""
MORE = "For details: dferbench list KIND, dferbench show NAME."
WIDE = 170
"""The most characters of a line of a table on a terminal, so that sentences read well."""


def list_(
    context: typer.Context,
    kind: Annotated[
        str | None, typer.Argument(help="Only this kind, in full: methods, datasets, temporal-heads ...")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List methods, datasets and the names of all other plugins; with KIND, one kind in detail."""
    catalog: Catalog = context.obj
    wanted = None if kind is None else kind_of(kind)
    if json_:
        typer.echo(json_text(_as_data(catalog, [wanted] if wanted else list(KINDS)), indent=1))
        return
    typer.echo(_short(catalog) if wanted is None else _whole(catalog, wanted))
    for (kind, name), origins in catalog.contested.items():
        typer.echo(f"contested: {KINDS[kind].noun} '{name}' is claimed by {' and '.join(origins)}", err=True)
    for broken in catalog.broken:
        typer.echo(f"broken: {broken.origin}: {broken.reason} (dferbench doctor shows more)", err=True)


def _short(catalog: Catalog) -> str:
    """Every name there is, within the terminal's columns: methods and datasets with what they are."""
    columns = shutil.get_terminal_size().columns
    described = [_described(catalog, kind, columns) for kind in DESCRIBED]
    others = [_names(catalog, kind, columns) for kind in KINDS if kind not in DESCRIBED]
    return "\n\n".join([*described, "\n".join(others), MORE])


def _described(catalog: Catalog, kind: str, columns: int) -> str:
    entries = sorted(catalog.entries[kind].items())
    widest = max((len(name) for name, _ in entries), default=0)
    lines = [f"{name:{widest}}  {_clause(about(entry))}".rstrip() for name, entry in entries]
    return "\n".join([f"{kind}:", *(_cut(f"  {line}", columns) for line in lines)])


def _names(catalog: Catalog, kind: str, columns: int) -> str:
    names = ", ".join(sorted(catalog.entries[kind])) or "(none registered)"
    label = f"{kind.replace('_', ' ')}: "
    return textwrap.fill(
        label + names, columns, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False
    )


def _first(text: str) -> str:
    return text.split(". ")[0].rstrip(".")


def _clause(text: str) -> str:
    return _first(text).split("; ")[0]


def _cut(line: str, columns: int) -> str:
    """The line, or its beginning with dots behind the last whole word that fits."""
    return line if len(line) <= columns else f"{line[: columns - 4].rsplit(' ', 1)[0]} ..."


def _whole(catalog: Catalog, kind: str) -> str:
    """One kind: what such a thing does, and a table of all there are."""
    one = KINDS[kind]
    head = f"{one.noun.capitalize()}: {one.about[0].lower()}{one.about[1:]}"
    if not catalog.entries[kind]:
        return f"{head}\n\nNone is registered."
    return f"{head}\n\n{_methods(catalog) if kind == 'methods' else _parts(catalog, kind)}"


def _methods(catalog: Catalog) -> str:
    lines = [_method(entry) for _, entry in sorted(catalog.entries["methods"].items())]
    return _table(lines, ["method", "what it does", "fidelity", "input", "parameters", "MACs", "from"])


def _parts(catalog: Catalog, kind: str) -> str:
    lines = [[name, about(entry), _origin(entry)] for name, entry in sorted(catalog.entries[kind].items())]
    return _table(lines, [KINDS[kind].noun, "what it is", "from"])


def _table(lines: Sequence[Sequence[str]], heads: Sequence[str]) -> str:
    from dferbench.report.fitted import fitted, terminal_width

    columns = terminal_width()
    return fitted(lines, heads, width=min(columns, WIDE) if columns else None)


def _method(entry: Entry) -> list[str]:
    """A line of the table of methods; parameters and MACs are those kept for 7 classes."""
    facts = _facts(entry)
    counts = [costs.short(facts[k]) if facts[k] else "" for k in ("parameters", "macs")]
    first = _first(about(entry))
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
    by_path = isinstance(entry.value, str)
    text = stated or card.get("summary", "") or ("" if by_path else inspect.getdoc(entry.value)) or ""
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
