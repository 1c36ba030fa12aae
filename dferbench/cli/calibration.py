"""`dferbench calibration RUNS...`: how far the probabilities of runs can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dferbench.cli.arguments import Root
from dferbench.cli.finished import finished
from dferbench.errors import ConfigError, DferbenchError
from dferbench.files import json_text

if TYPE_CHECKING:
    from dferbench.experiment.record import Record
    from dferbench.registry.catalog import Catalog
    from dferbench.report.calibration import Run, Votes


def calibration(
    context: typer.Context,
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs, or of many of them; records.")],
    bins: Annotated[
        int, typer.Option(min=1, max=1000, help="Number of bins of the calibration errors.")
    ] = 15,
    votes: Annotated[
        bool,
        typer.Option("--votes", help="Also the divergence from annotators' votes (datasets with votes)."),
    ] = False,
    root: Root = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write a reliability diagram: a name that ends in .png, .svg or .pdf."
        ),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Calibration errors, Brier score, likelihood and rejection, from the logits that runs kept."""
    from dferbench.experiment.metrics import registered
    from dferbench.report.calibration import as_data, as_text, rows

    if output:
        from dferbench.figures.save import require_form

        require_form(output)
    records = finished(runs, registered(context.obj))
    found = rows(measured(records, bins, _votes(records, root, context.obj) if votes else {}))
    if output:
        from dferbench.figures import reliability
        from dferbench.figures.save import save
        from dferbench.figures.style import DOUBLE

        save(reliability.draw(found, DOUBLE, bins), output)
    typer.echo(json_text(as_data(found, bins)) if json_ else as_text(found, bins))


def measured(records: list[Record], bins: int, votes: dict[str, Votes]) -> list[Run]:
    """The runs with probabilities; the others are left out, with a line. Raises the error of the last if none
    has any."""
    from dferbench.report.calibration import read_run

    found: list[Run] = []
    problem: DferbenchError | None = None
    for one in records:
        try:
            found.append(read_run(one, Path(one.folder), bins, votes.get(one.dataset, {})))
        except DferbenchError as error:
            problem = error
            if len(records) > 1:
                typer.echo(f"left out: {error}. {error.hint}", err=True)
    if not found and problem:
        raise problem
    return found


def _votes(records: list[Record], root: Path | None, catalog: Catalog) -> dict[str, Votes]:
    """Annotators' votes of each dataset, its classes as its records have them. Raises ConfigError for a
    dataset without, DataError for one that cannot be read."""
    from dferbench.places import root_of
    from dferbench.registry.datasets import make_dataset, written

    found: dict[str, Votes] = {}
    for one in {one.dataset: one for one in records}.values():
        chosen = make_dataset(written(one.dataset, one.dataset_given), catalog)
        place = root_of(one.dataset, chosen.dataset, root)
        votes = chosen.dataset.votes(place)
        if not votes:
            raise ConfigError(f"{one.dataset} at {place} has no annotators' votes", "Leave --votes out.")
        if list(chosen.dataset.classes) != one.classes:
            raise ConfigError(
                f"the votes on {one.dataset} are for other classes than its runs have", "Leave --votes out."
            )
        found[one.dataset] = votes
    return found
