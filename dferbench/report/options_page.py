"""The page docs/options.md, made of the models of options.

python -m dferbench.report.options_page > docs/options.md
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from dferbench.registry.catalog import Catalog, discover
from dferbench.registry.kinds import KINDS
from dferbench.registry.ranges import value_range, written
from dferbench.report.aligned import aligned
from dferbench.report.escapes import escape_markdown

HEAD = """# Options

Made by `python -m dferbench.report.options_page > docs/options.md`; edit the models of the options instead.
Methods take these with `--set NAME=VALUE`; parts take theirs in brackets, as in
`--set temporal='cls-transformer(depth=2)'`. `dferbench show NAME` prints the same."""


def page(catalog: Catalog) -> str:
    """Every option of what comes with dferbench, as Markdown; what other distributions bring is left out."""
    return "\n\n".join([HEAD, *_sections(catalog)]) + "\n"


def _sections(catalog: Catalog) -> Iterator[str]:
    for kind, entries in catalog.entries.items():
        own = [entry for _, entry in sorted(entries.items()) if _is_own(entry.origin)]
        described = [_section(entry.name, m) for entry in own if (m := entry.options) and m.model_fields]
        if described:
            yield f"## {KINDS[kind].noun.capitalize()}s"
            yield from described


def _is_own(origin: str) -> bool:
    """Whether this distribution registered it."""
    return origin == "dferbench" or "(dferbench " in origin


def _section(name: str, model: type[BaseModel]) -> str:
    rows = [
        (f"`{option}`", f"`{written(field.default)}`", value_range(model, option), field.description or "")
        for option, field in model.model_fields.items()
    ]
    escaped = [[*row[:2], *map(escape_markdown, row[2:])] for row in rows]
    heads = ["option", "default", "values", "description"]
    return f"### {name}\n\n{aligned(escaped, heads, 'pipe')}"


if __name__ == "__main__":
    print(page(discover()), end="")
