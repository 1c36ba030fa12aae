"""`dferbench leaderboard`: the records below a folder, ranked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dferbench import collector
from dferbench.cli.arguments import Level, MetricNames, Optimism, RankedBy, Selection, Without
from dferbench.cli.complete import suite_names
from dferbench.errors import ConfigError, UnknownName
from dferbench.files import json_text

if TYPE_CHECKING:
    from dferbench.experiment.metrics import Columns
    from dferbench.experiment.printed import Printed
    from dferbench.registry.catalog import Catalog
    from dferbench.report.leaderboard import Row


@collector.paused(keep=True)
def leaderboard(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    folder: Annotated[Path | None, typer.Argument(help="Folder of the runs.", show_default="runs")] = None,
    select: Selection = "last",
    by: RankedBy = "",
    metrics: MetricNames = "uar,war",
    interval: Level = None,
    dataset: Annotated[
        list[str] | None, typer.Option("--dataset", "-d", help="Only this; repeatable.")
    ] = None,
    method: Annotated[list[str] | None, typer.Option("--method", "-m", help="Only this; repeatable.")] = None,
    backbone: Annotated[list[str] | None, typer.Option(help="Only this, or none; repeatable.")] = None,
    pretraining: Annotated[
        list[str] | None,
        typer.Option(help="Only runs that start from this backbone or file, or from none; repeatable."),
    ] = None,
    caveats: Annotated[
        list[str] | None, typer.Option(help="Only rows with this caveat ('synthetic'), or none; repeatable.")
    ] = None,
    protocol: Annotated[str, typer.Option(help="any, or complete: results of every fold.")] = "any",
    published: Annotated[
        list[str] | None,
        typer.Option(
            help="Also show published numbers: those of a suite, such as field, or of a file.",
            autocompletion=suite_names,
        ),
    ] = None,
    fidelity: Annotated[
        bool, typer.Option("--fidelity", help="Show how close each method is to its source.")
    ] = False,
    rank_outside: Annotated[
        bool, typer.Option("--rank-outside", help="Rank outside predictions (dferbench score) as well.")
    ] = False,
    optimism: Optimism = False,
    folders: Annotated[bool, typer.Option("--folders", help="Show where the runs of each row lie.")] = False,
    without: Without = None,
    runs: Annotated[Path, typer.Option(help="The same as FOLDER, as other commands call it.")] = Path("runs"),
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            "--style",
            help="text, markdown, latex, csv, json or html; or a table format of tabulate, such as github.",
        ),
    ] = "text",
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Rank every finished run below a folder, per dataset."""
    from tabulate import tabulate_formats

    from dferbench.experiment.metrics import columns, registered
    from dferbench.experiment.printed import read_printed
    from dferbench.experiment.suite import printed_file
    from dferbench.interface.board import HowRanked, ranked
    from dferbench.report.filters import Filters
    from dferbench.report.leaderboard import load
    from dferbench.report.markup import OWN
    from dferbench.verification.verdict import read_verdicts

    known = registered(context.obj)
    shown = columns(metrics, by, known)
    if format_ not in (*OWN, *tabulate_formats):
        raise UnknownName("format", format_, (*OWN, *tabulate_formats))
    folder = folder or runs
    files = [printed_file(text, context.obj) for text in published or []]
    printed = [row for file in files for row in read_printed(file, known).values()]
    verdicts = read_verdicts()
    loaded = load(folder, known, shown, verdicts) if folder.exists() or not printed else ([], [])
    found, problems = loaded
    filters = Filters(
        datasets=tuple(dataset or ()),
        methods=tuple(method or ()),
        backbones=tuple(backbone or ()),
        pretraining=tuple(pretraining or ()),
        caveats=tuple(caveats or ()),
        protocol=protocol,
    )
    how = HowRanked(select, shown, interval, rank_outside, filters, without)
    made, told = ranked(found, how, verdicts, context.obj)
    for problem in [*problems, *told]:
        typer.echo(problem, err=True)
    if not found and not printed:
        raise ConfigError(f"there is no finished run below {folder}", "Run something: dferbench run --help.")
    words = _words(context.obj) if fidelity else None
    board = _Board(made, select, printed, tuple(dataset or ()), shown, words, folders, optimism)
    if json_ or format_ == "json":
        typer.echo(board.json())
    elif format_ == "csv":
        typer.echo(board.csv().rstrip("\n"))
    elif made or board.names:
        typer.echo(board.text(format_))
    else:
        raise ConfigError(
            f"no run below {folder} answers {select} and passes all filters", "Leave one of them out."
        )


@dataclass(frozen=True)
class _Board:
    """What is printed: the rows of runs, then printed numbers; `words` is the fidelity of each method."""

    rows: list[Row]
    select: str
    printed: list[Printed]
    wanted: tuple[str, ...]
    shown: Columns
    words: dict[str, str] | None
    folders: bool = False
    optimism: bool = False

    @property
    def names(self) -> list[str]:
        """The datasets of the printed numbers."""
        from dferbench.report.printed import datasets

        return datasets(self.printed, self.wanted)

    def json(self) -> str:
        from dferbench.interface.board import Leaderboard
        from dferbench.report import printed

        facts = dict(Leaderboard(tuple(self.rows), self.select, self.shown).as_data())
        if self.words is not None:
            fidelity = [self.words.get(row.method, "") for row in self.rows]
            facts["rows"] = [
                {**row, "fidelity": word} for row, word in zip(facts["rows"], fidelity, strict=True)
            ]
        if self.printed:
            facts["published"] = printed.as_data(self.printed, self.names, self.shown)
        return json_text(facts)

    def csv(self) -> str:
        from dferbench.report.leaderboard_csv import as_csv
        from dferbench.report.printed import as_lines

        published = as_lines(self.printed, self.names, self.shown)
        return as_csv(self.rows, self.shown, published, optimism=self.optimism)

    def _runs(self, style: str) -> str:
        from dferbench.report.text import leaderboard

        more = {"folders": self.folders, "optimism": self.optimism}
        return leaderboard(self.rows, self.select, style, self.words, self.shown, **more)

    def text(self, style: str) -> str:
        from dferbench.report.printed import as_text

        blocks = [self._runs(style)] if self.rows else []
        blocks += [as_text(self.printed, self.names, self.shown, style)] if self.names else []
        return "\n\n".join(blocks)


def _words(catalog: Catalog) -> dict[str, str]:
    from dferbench.cards import word

    methods = catalog.entries["methods"]
    return {name: word(str(entry.value.card.get("fidelity", ""))) for name, entry in methods.items()}
