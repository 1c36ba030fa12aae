"""`dferbench check`: does every registered method keep the contract?"""

from __future__ import annotations

from typing import Annotated

import typer

from dferbench.cli.complete import method_names
from dferbench.errors import ConfigError
from dferbench.registry.catalog import Catalog


def check(
    context: typer.Context,
    model: Annotated[
        list[str] | None, typer.Argument(help="Methods. Default: all.", autocompletion=method_names)
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Option of the method.")] = None,
) -> None:
    """Check that methods follow the rules of the plugin interface; exits with 3 if one does not."""
    catalog: Catalog = context.obj
    names = model or sorted(catalog.entries["methods"])
    for name in names:
        catalog.get("methods", name)

    from dferbench.registry.options import assignments
    from dferbench.testing import check_method

    broken = 0
    for name in names:
        for outcome in check_method(name, catalog, assignments(set_ or [])):
            typer.echo(f"{'ok ' if outcome.ok else 'BAD'} {name}: {outcome.rule}{outcome.reason}")
            broken += not outcome.ok
        if not catalog.get("methods", name).value.card:
            typer.echo(f"--  {name}: has no card, so dferbench show can say little of it")
    if broken:
        raise ConfigError(f"{broken} rules are broken", "Lines marked BAD say which rule is broken, and how.")
