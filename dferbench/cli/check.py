"""`dferbench check`: does everything that plugins register keep its contract?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dferbench.cli.complete import method_names
from dferbench.errors import ConfigError, DferbenchError
from dferbench.registry.catalog import Catalog
from dferbench.registry.kinds import KINDS, kind_of

if TYPE_CHECKING:
    from dferbench.testing import Outcome

COMMANDS = "commands"


@dataclass(frozen=True)
class _Thing:
    """What is to be checked; `asked` says whether the user named it, or gave the file that registers it."""

    kind: str
    name: str
    origin: str
    asked: bool

    @property
    def label(self) -> str:
        """It in a line of output."""
        noun = COMMANDS if self.kind == COMMANDS else KINDS[self.kind].noun.replace(" ", "-")
        where = "" if self.origin == "dferbench" else f" ({self.origin.split(' (')[0]})"
        return f"{noun}/{self.name}{where}" if self.kind != COMMANDS else f"{noun} ({self.origin})"


def check(
    context: typer.Context,
    model: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME|KIND/NAME",
            help="A method, or anything as KIND/NAME, such as metric/uar. Default: all that --plugin FILE "
            "registers, or everything there is.",
            autocompletion=method_names,
        ),
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Option of what is checked.")] = None,
    root: Annotated[
        Path | None, typer.Option(help="Where a dataset lies: its lists are checked too.")
    ] = None,
    sample: Annotated[Path | None, typer.Option(help="A file that a decoder can read.")] = None,
) -> None:
    """Check that what plugins register follows the rules of its kind; exits with 3 if something does not."""
    catalog: Catalog = context.obj
    things = [_named(text, catalog) for text in model] if model else _all(catalog)

    from dferbench.registry.options import assignments

    given = assignments(set_ or [])
    broken = 0
    for thing in things:
        found = _outcomes(thing, catalog, given, root, sample)
        broken += _tell(thing, found)
        for line in _remarks(thing, catalog, root):
            typer.echo(f"--  {thing.label}: {line}")
    if broken:
        raise ConfigError(
            f"{broken} rules are broken",
            "Lines marked BAD say which rule is broken, and how; docs/plugins.md describes each kind.",
        )


def _named(text: str, catalog: Catalog) -> _Thing:
    """What the user names. Raises UnknownName, and ConfigError for a name of several kinds."""
    kind, slash, name = text.rpartition("/")
    kinds = [one for one, entries in catalog.entries.items() if name in entries]
    if slash:
        kinds = [kind_of(kind)]
    elif "methods" in kinds or not kinds:
        kinds = ["methods"]
    if len(kinds) > 1:
        choices = " or ".join(f"{KINDS[one].noun.replace(' ', '-')}/{name}" for one in kinds)
        raise ConfigError(f"'{name}' is the name of {len(kinds)} things", f"Write {choices}.")
    return _Thing(kinds[0], name, catalog.get(kinds[0], name).origin, asked=True)


def _all(catalog: Catalog) -> list[_Thing]:
    """What the files register that were given, or all there is."""
    origins = catalog.origins_of(catalog.files)
    found = [(kind, one) for kind, entries in catalog.entries.items() for one in sorted(entries.items())]
    things = [_Thing(kind, name, one.origin, one.origin in origins) for kind, (name, one) in found]
    things += [_Thing(COMMANDS, where, where, where in origins) for where, _ in catalog.commands]
    return [one for one in things if one.asked] if catalog.files else things


def _outcomes(
    thing: _Thing, catalog: Catalog, given: dict[str, str], root: Path | None, sample: Path | None
) -> list[Outcome]:
    from dferbench.testing.check import check_commands, check_part, fault

    if thing.kind == COMMANDS:
        return check_commands(catalog, thing.name)
    try:
        return check_part(thing.kind, thing.name, catalog, given, root, sample)
    except DferbenchError as error:
        if given:  # most likely what the user said of it is wrong
            raise
        return [fault(error)]


def _tell(thing: _Thing, found: Sequence[Outcome]) -> int:
    """Print a line for each rule that is kept and for each cause of broken ones; gives how many causes."""
    bad = [one for one in found if not one.ok and not one.follows]
    silent = sum(one.follows for one in found)
    lacking = bad if not thing.asked and all(one.needs for one in bad) else []
    for one in found:
        if one.ok:
            typer.echo(f"ok  {thing.label}: {one.rule}")
        elif one in lacking:
            typer.echo(f"--  {thing.label}: is not checked whether {one.rule}{one.reason}")
        elif not one.follows:
            more = f" ({silent} more rules follow from this)" if silent and one is bad[0] else ""
            typer.echo(f"BAD {thing.label}: {one.rule}{one.reason}{more}")
    return len(bad) - len(lacking)


def _remarks(thing: _Thing, catalog: Catalog, root: Path | None) -> Iterator[str]:
    """What is worth knowing though it breaks nothing."""
    if thing.kind == "methods" and not catalog.get("methods", thing.name).value.card:
        yield "has no card, so dferbench show can say little of it"
    if thing.kind == "datasets":
        from dferbench.testing.candidate import Candidate
        from dferbench.testing.datasets import place

        try:
            missing = place(Candidate("datasets", thing.name, catalog, {}, root)) is None
        except (DferbenchError, AssertionError):
            return
        if missing:
            yield "its lists are not checked, as its root is not known (--root DIR)"
