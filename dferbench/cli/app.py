"""Putting the verbs together: the host's, and those that plugins add through their door."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.main import get_command

from dferbench.cli.configured import with_configured
from dferbench.cli.plugin_commands import add_commands
from dferbench.cli.repeated import Repeated
from dferbench.registry.catalog import discover
from dferbench.registry.plugin_files import require_usable

HELP = """One protocol for every method of dynamic facial expression recognition.

Train, score and compare methods the same way: dferbench run --model dfer-clip --dataset synthetic
"""


VERBS = {
    "run": "run:run",
    "import": "import_:import_",
    "evaluate": "evaluate:evaluate",
    "score": "score:score",
    "predict": "predict:predict",
    "explain": "explain:explain",
    "features": "features:features",
    "export": "export:export",
    "stress": "stress:stress",
    "transfer": "transfer:transfer",
    "list": "listing:list_",
    "show": "show:show",
    "check": "check:check",
    "new": "new:new",
    "profile": "profile:profile",
    "bench": "bench:bench",
    "tune": "tune:tune",
    "table": "table:table",
    "reproduce": "reproduce:reproduce",
    "compare": "compare:compare",
    "ranks": "ranks:ranks",
    "calibration": "calibration:calibration",
    "leaderboard": "leaderboard:leaderboard",
    "slices": "slices:slices",
    "plot": "plot:app",
    "report": "report:report",
    "site": "site:site",
    "runs": "runs:runs",
    "verify": "verify:verify",
    "merge": "merge:merge",
    "submit": "submit:submit",
    "watch": "watch:watch",
    "cache": "cache:cache",
    "config": "config:config",
    "doctor": "doctor:doctor",
    "data": "data:app",
}
"""Where each verb of the host is, its module and its name there, in the order of the help."""


def make_app(plugins: Iterable[Path] = (), verb: str = "") -> typer.Typer:
    """The command line, with the catalog of everything installed and of the plugin files.

    It is whole unless `verb` is one of the host's: then the others, which nobody asks for, are not imported.
    """
    catalog = discover(plugins)
    app = typer.Typer(
        help=HELP,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "obj": catalog},
    )
    app.callback()(_root)
    # The commands of plugins are held against all of the host's.
    for name in [verb] if verb in VERBS and not catalog.commands else VERBS:
        _add(app, name)
    add_commands(app, catalog)
    return app


def _add(app: typer.Typer, verb: str) -> None:
    """Import a verb of the host, and give it to the app."""
    module, _, name = VERBS[verb].partition(":")
    found = getattr(import_module(f"dferbench.cli.{module}"), name)
    if isinstance(found, typer.Typer):
        app.add_typer(found, name=verb)
    else:
        repeated = "like" in signature(found).parameters
        app.command(verb, cls=Repeated if repeated else None)(found)


def take_plugins(arguments: list[str]) -> tuple[list[Path], list[str]]:
    """The files of every `--plugin FILE` and `--plugin=FILE`, wherever they stand, and the other arguments.

    They are wanted before the command line can be parsed: what they register decides what it may say.
    """
    files: list[Path] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for word in waiting:
        flag, equals, value = word.partition("=")
        path = value if equals else next(waiting, "") if flag == "--plugin" else ""
        if flag == "--plugin" and path:
            files.append(Path(path))
        else:
            rest.append(word)
    return files, rest


def takes(option: str, arguments: list[str]) -> bool:
    """Whether the command that a command line names has this option."""
    plugins, words = take_plugins(arguments)
    command: Any = get_command(make_app(with_configured(plugins, tell=False)))
    for word in words:
        command = getattr(command, "commands", {}).get(word, command)
    return any(option in parameter.opts for parameter in command.params)


def _version(wanted: bool) -> None:
    if wanted:
        import dferbench

        typer.echo(dferbench.__version__)
        raise typer.Exit


def _root(
    context: typer.Context,
    plugin: Annotated[
        list[Path] | None, typer.Option(help="Python file to load as a plugin; repeatable.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    require_usable(context.obj, context.invoked_subcommand)


def usage_errors() -> Any:
    """The class of "no such option": typer carries its own copy of click from 0.26 on."""
    return typer.BadParameter.__mro__[2]
