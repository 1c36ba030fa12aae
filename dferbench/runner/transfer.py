"""Testing checkpoints on other datasets: every one on every dataset, on the classes that they share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dferbench.checkpoints.below import own_dataset, run_beside
from dferbench.checkpoints.read import read_checkpoint
from dferbench.errors import DferbenchError
from dferbench.experiment.plan import Request
from dferbench.experiment.record import Record
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog
from dferbench.registry.datasets import Chosen, make_dataset, written
from dferbench.runner.evaluate import measure, plan_test


@dataclass(frozen=True)
class Crossing:
    """What testing one checkpoint on one dataset gave: its records, or why there are none.

    `trained` and `tested` are datasets as a user writes them; `classes` are all of the tested one.
    """

    method: str
    config_id: str
    trained: str
    tested: str
    classes: tuple[str, ...]
    records: tuple[Record, ...] = ()
    why_not: str = ""


def cross(
    files: Sequence[Path],
    datasets: Sequence[str],
    request: Request,
    roots: Mapping[str, Path],
    catalog: Catalog,
    progress: Progress,
) -> list[Crossing]:
    """Every checkpoint on every dataset; `roots` are those of datasets by name, where they are not the usual.

    What is finished is not tested again, and on its own dataset a run's own result stands. A pair that cannot
    be tested says why, and the others go on. Raises UnknownName or ConfigError for a dataset that is not
    there, and DataError for a file that is no checkpoint of dferbench, before the first test.
    """
    chosen = {text: make_dataset(text, catalog) for text in datasets}
    sources = {file: own_dataset(file) for file in files}
    found = []
    for file, source in sources.items():
        for text, one in chosen.items():
            root = roots.get(one.entry.name, request.root)
            asked = replace(request, dataset=text, root=root)
            found.append(_crossed(file, source, one, asked, catalog, progress))
    return found


def _crossed(
    file: Path, source: str, chosen: Chosen, request: Request, catalog: Catalog, progress: Progress
) -> Crossing:
    own = make_dataset(source, catalog).entry.name == chosen.entry.name
    checkpoint = read_checkpoint(file, catalog, dataset=chosen)
    header, tested = checkpoint.header, written(chosen.entry.name, chosen.given)
    classes = tuple(chosen.dataset.classes)
    crossing = Crossing(header.method, header.config_id, source, tested, classes)
    run = run_beside(file)
    if run is not None and own and _same(run, chosen, request):
        return replace(crossing, records=(run,))
    # Of its own dataset it has seen the test videos of all folds but its own.
    request = replace(request, folds=None) if own else request
    progress.say(f"{header.method} {header.config_id} of {source}, fold {header.fold}, on {tested}")
    try:
        records = measure(plan_test(request, checkpoint, catalog, shared=True), checkpoint, catalog, progress)
    except DferbenchError as error:
        return replace(crossing, why_not=f"{error}. {error.hint}")
    return replace(crossing, records=tuple(_done(records)), why_not=next(_failures(records), ""))


def _same(run: Record, chosen: Chosen, request: Request) -> bool:
    """Whether the run's own test is the one that is asked for."""
    return run.dataset_options == chosen.options and run.limit == request.limit and not request.force


def _done(records: Sequence[Record]) -> Iterator[Record]:
    return (one for one in records if one.status == "done")


def _failures(records: Sequence[Record]) -> Iterator[str]:
    return (one.error.split("\n", 1)[0] for one in records if one.status != "done")
