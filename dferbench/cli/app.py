"""Putting the verbs together: the host's, and those that plugins add through their door."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.main import get_command

from dferbench.cli import (
    bench,
    cache,
    calibration,
    check,
    compare,
    data,
    doctor,
    evaluate,
    import_,
    leaderboard,
    listing,
    merge,
    predict,
    profile,
    run,
    runs,
    score,
    show,
    table,
    tune,
    verify,
    watch,
)
from dferbench.cli.plugin_commands import add_commands
from dferbench.cli.plugin_files import require_usable
from dferbench.registry.catalog import discover

HELP = """One protocol for every method of dynamic facial expression recognition.

Train, score and compare methods the same way: dferbench run --model dfer-clip --dataset synthetic
"""


def make_app(plugins: Iterable[Path] = ()) -> typer.Typer:
    """The whole command line, with the catalog of everything installed and of the plugin files."""
    catalog = discover(plugins)
    app = typer.Typer(
        help=HELP,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "obj": catalog},
    )
    app.callback()(_root)
    app.command("run")(run.run)
    app.command("import")(import_.import_)
    app.command("evaluate")(evaluate.evaluate)
    app.command("score")(score.score)
    app.command("predict")(predict.predict)
    app.command("list")(listing.list_)
    app.command("show")(show.show)
    app.command("check")(check.check)
    app.command("profile")(profile.profile)
    app.command("bench")(bench.bench)
    app.command("tune")(tune.tune)
    app.command("table")(table.table)
    app.command("compare")(compare.compare)
    app.command("calibration")(calibration.calibration)
    app.command("leaderboard")(leaderboard.leaderboard)
    app.command("runs")(runs.runs)
    app.command("verify")(verify.verify)
    app.command("merge")(merge.merge)
    app.command("watch")(watch.watch)
    app.command("cache")(cache.cache)
    app.command("doctor")(doctor.doctor)
    app.add_typer(data.app, name="data")
    add_commands(app, catalog)
    return app


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
    command: Any = get_command(make_app(plugins))
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
