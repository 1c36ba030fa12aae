"""`dferbench.run`: train and test a method on a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dferbench.files import expand
from dferbench.interface.outcome import concluded
from dferbench.interface.progress import progress_of
from dferbench.interface.words import (
    AnyPath,
    Folds,
    Settings,
    Whole,
    Workers,
    catalog_of,
    folds_of,
    settings_of,
    whole,
    workers_of,
)

if TYPE_CHECKING:
    from dferbench.experiment.plan import Plan
    from dferbench.experiment.record import Record
    from dferbench.interface.runs import Runs
    from dferbench.progress import Progress
    from dferbench.registry.catalog import Catalog


def run(  # noqa: PLR0913 - the words of the verb
    method: str,
    dataset: str,
    *,
    folds: Folds = None,
    seeds: Whole = 0,
    settings: Settings | None = None,
    epochs: int | None = None,
    batch: int | None = None,
    precision: str | None = None,
    device: str = "auto",
    devices: str = "",
    validation: float | None = None,
    patience: int | None = None,
    output: AnyPath = "runs",
    root: AnyPath | None = None,
    weights: Mapping[str, str] | None = None,
    limit: int | None = None,
    workers: Workers = "auto",
    decoder: str = "auto",
    skip_bad: bool = False,
    save_every: float = 0.0,
    keep_predictions: str = "last",
    trackers: Sequence[str] = (),
    changed: str = "ask",
    force: bool = False,
    plugins: Sequence[AnyPath] = (),
    progress: bool | Progress = True,
) -> Runs:
    """Train and test a method on a dataset, as `dferbench run` does; what is done is not done again.

    A run that fails does not end the others: it is among `unfinished` of what is returned. Ctrl-C (in a
    notebook: stop the cell) ends it, and the same call continues.

    Args:
        method: Its name, as `dferbench list methods` shows it.
        dataset: Its name, or "name(option=value)".
        folds: One or several; "all"; None for the first of the dataset.
        seeds: One or several, from 0 on.
        settings: What `--set` takes: options of the method, {"words": 4}, and of its recipe,
            {"input.frames": 8, "stage.batch": 16}.
        epochs: Of every stage, from 0 on; 0 tests the untrained model. None: as the recipe says.
        batch: Videos of a training step in every stage, from 1 on. None: as the recipe says.
        precision: "fp32", "bf16" or "fp16". None: as the recipe says.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        devices: Several devices for one run: "2", or "0,1".
        validation: Fraction of the training videos, in [0, 1), that is held out to choose epochs by.
        patience: A stage ends after so many epochs without a better result on the validation videos.
        output: Folder of the runs.
        root: Folder of the dataset. None: as `DFERBENCH_ROOT_<NAME>` says.
        weights: Per backbone the file of its weights, or "random".
        limit: At most so many videos of each split: a trial, which does not rank.
        workers: Processes that read videos, or "auto". With any, a script calls `run` below
            `if __name__ == "__main__":`.
        decoder: Of videos: "auto", or a name from `dferbench list decoders`.
        skip_bad: Leave unreadable videos out; the record names them.
        save_every: Minutes between two writings of the state that a killed run resumes from; 0: every epoch.
        keep_predictions: For the test videos after the "last" epoch, or after "all".
        trackers: Such as "tensorboard" or "csv(path=curve.csv)".
        changed: What becomes of runs whose code has changed since: "ask" (an error that names them), "keep"
            the old result, or run "again".
        force: Start over, even what is finished or interrupted.
        plugins: Python files to load as plugins.
        progress: True shows it on stderr, False nothing; or a `dferbench.data.Progress` of your own.

    Returns:
        The runs in the order of folds, then seeds.

    Raises:
        ConfigError: An argument, a plugin or the recipe is not valid.
        UnknownName: There is no such method, dataset, option or fold.
        DataError: Data or weights are missing or unreadable.
        DferbenchError: Every run failed: the error of the first; or another process is at one of them.
    """
    from dferbench.experiment.plan import Request, make_plan

    request = Request(
        model=method,
        dataset=dataset,
        sets=settings_of(settings, epochs, batch, precision),
        folds=folds_of(folds),
        seeds=whole(seeds, "seeds"),
        root=None if root is None else expand(root),
        weights=dict(weights or {}),
        limit=limit,
        output=expand(output),
        device=device,
        devices=devices,
        workers=workers_of(workers),
        decoder=decoder,
        skip_bad=skip_bad,
        force=force,
        changed=changed,
        trackers=tuple(trackers),
        validation=validation,
        patience=patience,
        save_every=save_every,
        keep_predictions=keep_predictions,
    )
    catalog = catalog_of(plugins)
    plan = make_plan(request, catalog)
    return concluded(carry_out(plan, catalog, progress_of(progress)), plan)


def carry_out(plan: Plan, catalog: Catalog, progress: Progress) -> list[Record]:
    """The records of all runs of a plan, in its order; nothing heavy is imported if all are done. Raises as
    `runner.run.run`."""
    from dferbench.runner.finished import all_finished

    done = all_finished(plan, catalog, progress)
    if done is not None:
        return done
    from dferbench.runner.run import run as run_plan

    return run_plan(plan, catalog, progress)
