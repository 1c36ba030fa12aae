"""`dferbench slices RUNS --by length`: metrics on parts of the test videos, and whether the parts differ."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dferbench.cli.arguments import DecoderName, MetricNames, Quiet, Root
from dferbench.errors import ConfigError, DataError, UnknownName
from dferbench.files import json_text

if TYPE_CHECKING:
    from dferbench.experiment.metrics import Columns
    from dferbench.experiment.record import Record
    from dferbench.progress import Progress
    from dferbench.registry.catalog import Catalog
    from dferbench.report.slices import Sliced
    from dferbench.types import Video

FORMATS = ("text", "csv", "json")


def slices(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder of the runs, or of one of them.")],
    by: Annotated[
        list[str],
        typer.Option(
            "--by",
            help="What to divide the test videos by: length, what the dataset knows of them (group, actor, "
            "scene), or a column of --columns; a,b or repeatable.",
        ),
    ],
    columns_file: Annotated[
        Path | None, typer.Option("--columns", help="A CSV file with more columns, one row a video.")
    ] = None,
    id_column: Annotated[
        str, typer.Option("--id", help="The column of that file with the video ids.")
    ] = "id",
    parts: Annotated[
        int, typer.Option(min=2, max=20, help="Number of groups, cut at quantiles, for columns of numbers.")
    ] = 4,
    method: Annotated[list[str] | None, typer.Option("--method", "-m", help="Only this; repeatable.")] = None,
    dataset: Annotated[
        list[str] | None, typer.Option("--dataset", "-d", help="Only this; repeatable.")
    ] = None,
    root: Root = None,
    decoder: DecoderName = "auto",
    format_: Annotated[str, typer.Option("--format", help="text, csv or json.")] = "text",
    json_: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    metrics: MetricNames = "uar,war",
    quiet: Quiet = False,
) -> None:
    """Show the metrics of runs on parts of their test videos, with intervals, and test the largest gap.

    The first metric is tested, by permuting parts within folds and classes; several tests are corrected.
    """
    from dferbench.experiment.metrics import columns, registered
    from dferbench.interface.progress import make_progress
    from dferbench.report.leaderboard import load
    from dferbench.report.slice_columns import read_columns
    from dferbench.report.slices import corrected

    style = "json" if json_ else format_
    if style not in FORMATS:
        raise UnknownName("format", style, FORMATS)
    shown = columns(metrics, metrics=registered(context.obj))
    names = list(dict.fromkeys(name.strip() for text in by for name in text.split(",") if name.strip()))
    given: dict[str, dict[str, Any]] = {}
    if columns_file is not None:
        given |= read_columns(columns_file, id_column)
    records, problems = load(folder, registered(context.obj))
    for problem in problems:
        typer.echo(problem, err=True)
    groups: dict[tuple[str, str, str], list[Record]] = {}
    for one in records:
        if one.method in (method or [one.method]) and one.dataset in (dataset or [one.dataset]):
            groups.setdefault((one.dataset, one.method, one.config_id), []).append(one)
    if not groups:
        raise ConfigError(
            f"there is no finished run below {folder} to divide", "Leave out -m or -d, or run something."
        )
    looking = Looking(names, given, parts, root, decoder, context.obj, make_progress(quiet))
    found = corrected([one for group in groups.values() for one in looking.sliced(group, shown)])
    if not found:
        raise ConfigError(
            f"no run below {folder} has the predictions that slices need", "See the lines above."
        )
    typer.echo(_written(found, shown, style).rstrip("\n"))


class Looking:
    """The wanted columns, from the file or else from the dataset, which is read when it is needed."""

    def __init__(
        self,
        names: Sequence[str],
        given: dict[str, dict[str, Any]],
        parts: int,
        root: Path | None,
        decoder: str,
        catalog: Catalog,
        progress: Progress,
    ) -> None:
        self.names, self.given, self.parts = names, given, parts
        self.root, self.decoder, self.catalog, self.progress = root, decoder, catalog, progress
        self._videos: dict[str, list[Video]] = {}
        self._lengths: dict[str, dict[str, int]] = {}

    def sliced(self, group: Sequence[Record], shown: Columns) -> list[Sliced]:
        """The runs of one configuration, by every column; none, with a word why, without predictions."""
        from dferbench.report.slice_columns import slicing
        from dferbench.report.slices import predictions_of, sliced

        try:
            runs = [predictions_of(one) for one in group]
        except DataError as error:
            typer.echo(f"left out: {error}. {error.hint}", err=True)
            return []
        ids = list(dict.fromkeys(name for run in runs for name in run.ids or ()))
        values = [self._values(name, group) for name in self.names]
        made = [slicing(n, v, ids, self.parts) for n, v in zip(self.names, values, strict=True)]
        return [sliced(group, runs, how, shown) for how in made]

    def _values(self, name: str, group: Sequence[Record]) -> dict[str, Any]:
        from dferbench.report.slice_columns import LENGTH, known_columns, require_column

        if name in self.given:
            return self.given[name]
        known = known_columns(self._read(group))
        if name == LENGTH and name not in known:
            return dict(self._length(group))
        require_column(name, [*self.given, *known, LENGTH])
        return known[name]

    def _read(self, group: Sequence[Record]) -> list[Video]:
        """The test videos of the dataset, as it lies here."""
        from dferbench.data.packs.dataset import dataset_at
        from dferbench.places import root_of
        from dferbench.registry.datasets import make_dataset, written

        text = written(group[0].dataset, group[0].dataset_given)
        if text not in self._videos:
            chosen = make_dataset(text, self.catalog)
            root = root_of(chosen.entry.name, chosen.dataset, self.root)
            source = dataset_at(chosen, root)
            source.prepare(root, self.progress)
            found = {v.id: v for fold in source.folds for v in source.videos(root, fold, "test")}
            self._videos[text] = list(found.values())
        return self._videos[text]

    def _length(self, group: Sequence[Record]) -> dict[str, int]:
        from dferbench.data.decoders import choose_decoder
        from dferbench.registry.datasets import written
        from dferbench.report.slice_columns import lengths

        text = written(group[0].dataset, group[0].dataset_given)
        if text not in self._lengths:
            videos = self._read(group)
            decoder = choose_decoder(self.decoder, self.catalog.builds("decoders"))
            with self.progress.bar("count frames", len(videos)) as bar:
                self._lengths[text], bad = lengths(videos, decoder, bar.advance)
            if bad:
                self.progress.say(f"{len(bad)} videos of {text} cannot be read, such as {bad[0]}")
        return self._lengths[text]


def _written(found: list[Sliced], shown: Columns, style: str) -> str:
    from dferbench.report import slices as report

    if style == "json":
        return json_text(report.as_data(found, shown))
    return report.as_csv(found, shown) if style == "csv" else report.as_text(found, shown)
