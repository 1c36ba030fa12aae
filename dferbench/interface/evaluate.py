"""`dferbench.evaluate`: test a trained model on a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dferbench.files import expand
from dferbench.interface.outcome import concluded
from dferbench.interface.progress import progress_of
from dferbench.interface.words import (
    AnyPath,
    Folds,
    Settings,
    Workers,
    catalog_of,
    classes_of,
    folds_of,
    settings_of,
    workers_of,
)

if TYPE_CHECKING:
    from dferbench.experiment.plan import Plan, Request
    from dferbench.experiment.record import Record
    from dferbench.interface.runs import Runs
    from dferbench.progress import Progress
    from dferbench.registry.catalog import Catalog


def evaluate(  # noqa: PLR0913 - the words of the verb
    checkpoint: AnyPath,
    dataset: str,
    *,
    method: str = "",
    settings: Settings | None = None,
    classes: Sequence[str] = (),
    folds: Folds = None,
    device: str = "auto",
    output: AnyPath = "runs",
    root: AnyPath | None = None,
    weights: Mapping[str, str] | None = None,
    limit: int | None = None,
    workers: Workers = "auto",
    decoder: str = "auto",
    skip_bad: bool = False,
    changed: str = "ask",
    force: bool = False,
    plugins: Sequence[AnyPath] = (),
    progress: bool | Progress = True,
) -> Runs:
    """Test a checkpoint on a dataset, as `dferbench evaluate` does. Classes are matched by name; nothing in
    the file is executed.

    Args:
        checkpoint: The folder of a run, its checkpoint.safetensors, or a file that the authors' code saved.
        dataset: Its name, or "name(option=value)".
        method: Needed only for the authors' files, which do not state it.
        settings: A change of the input, {"input.sample": "..."}; for the authors' files what they do not say.
        classes: For the authors' files: the names of the classes in the order of the logits.
        folds: As for `run`; None for those whose test videos the model has not seen, or the first.
        device: As for `run`.
        output: Folder of the runs.
        root: Folder of the dataset.
        weights: Per backbone the file of its weights now.
        limit: At most so many videos: a trial, which does not rank.
        workers: As for `run`.
        decoder: As for `run`.
        skip_bad: Leave unreadable videos out; the record names them.
        changed: As for `run`.
        force: Test again even if a record exists.
        plugins: Python files to load as plugins.
        progress: As for `run`.

    Returns:
        The tests, a record each, which is of the model's own seed.

    Raises:
        ConfigError: An argument is not valid, or the model does not know the dataset's classes.
        UnknownName: There is no such method, dataset, option or fold.
        DataError: The checkpoint or data are missing or unreadable.
        DferbenchError: Every test failed: the error of the first.
    """
    from dferbench.experiment.plan import Request

    request = Request(
        model=method,
        dataset=dataset,
        sets=settings_of(settings),
        folds=folds_of(folds),
        root=None if root is None else expand(root),
        weights=dict(weights or {}),
        limit=limit,
        output=expand(output),
        device=device,
        workers=workers_of(workers),
        decoder=decoder,
        skip_bad=skip_bad,
        changed=changed,
        force=force,
    )
    catalog, names = catalog_of(plugins), classes_of(classes)
    plan, records = tested(expand(checkpoint), request, names, catalog, progress_of(progress))
    return concluded(records, plan)


def tested(
    checkpoint: Path, request: Request, classes: tuple[str, ...], catalog: Catalog, progress: Progress
) -> tuple[Plan, list[Record]]:
    """The plan of testing a checkpoint, and the records of all its runs. Raises as `evaluate`."""
    from dferbench.registry.datasets import make_dataset

    # A typo should cost no reading of a large file.
    chosen = make_dataset(request.dataset, catalog)

    from dferbench.checkpoints.official import Said
    from dferbench.checkpoints.read import read_checkpoint
    from dferbench.runner.evaluate import measure, plan_test

    said = Said(classes=classes)
    read = read_checkpoint(
        checkpoint, catalog, model=request.model, sets=request.sets, said=said, dataset=chosen
    )
    plan = plan_test(request, read, catalog)
    return plan, measure(plan, read, catalog, progress)
