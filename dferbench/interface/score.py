"""`dferbench.score`: predictions of any other program become records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dferbench.files import expand
from dferbench.interface.progress import progress_of
from dferbench.interface.words import AnyPath, Folds, catalog_of, folds_of, whole

if TYPE_CHECKING:
    from dferbench.interface.runs import Runs
    from dferbench.progress import Progress


def score(  # noqa: PLR0913 - the words of the verb
    predictions: AnyPath,
    dataset: str,
    name: str,
    *,
    folds: Folds = None,
    seed: int = 0,
    scores: str = "",
    codes: str = "",
    answers: AnyPath | None = None,
    missing: str = "refuse",
    id: str = "",
    label: str = "",
    answer: str = "",
    output: AnyPath = "runs",
    root: AnyPath | None = None,
    force: bool = False,
    plugins: Sequence[AnyPath] = (),
    progress: bool | Progress = True,
) -> Runs:
    """Score predictions that any other program made, as `dferbench score` does.

    Args:
        predictions: A file with a row a video: .csv, .tsv, .xlsx, .jsonl, .json, .parquet or .npz.
        dataset: Its name, or "name(option=value)".
        name: What the predictions are called in tables: letters, digits and . _ + -.
        folds: As for `run`.
        seed: That the model was trained with, from 0 on.
        scores: What scores are: "probabilities" or "logits"; "" where they tell themselves.
        codes: What numbers stand for: "1=happiness, 2=sadness", or "index" for dferbench's order.
        answers: For free answers: a TOML or CSV file with a word and a class on each line.
        missing: Test videos without a prediction: "refuse" the file, or count them as "wrong".
        id: The column of ids, if its name does not tell.
        label: The column of predicted labels, likewise.
        answer: The column of free answers, likewise.
        output: Folder of the runs.
        root: Folder of the dataset.
        force: Replace predictions of the same name.
        plugins: Python files to load as plugins.
        progress: As for `run`.

    Returns:
        A run for each fold; `told` says in words what was taken and what was odd.

    Raises:
        ConfigError: An argument is not valid, or other predictions of that name are there.
        UnknownName: There is no such dataset or fold.
        DataError: The file cannot be read, or does not fit the dataset.
    """
    from dferbench.experiment import record as records
    from dferbench.experiment.metrics import registered
    from dferbench.experiment.plan import Request
    from dferbench.interface.runs import Runs
    from dferbench.outside.account import Outside
    from dferbench.outside.columns import Wanted
    from dferbench.outside.score import score as score_file

    outside = Outside(
        path=expand(predictions),
        wanted=Wanted(id=id, label=label, answer=answer, scores=scores, answers=answers is not None),
        codes=codes,
        answers=None if answers is None else expand(answers),
        missing=missing,
    )
    request = Request(
        model=name,
        dataset=dataset,
        folds=folds_of(folds),
        seeds=whole(seed, "seed"),
        root=None if root is None else expand(root),
        output=expand(output),
        skip_bad=True,
        force=force,
    )
    catalog = catalog_of(plugins)
    known = registered(catalog)
    found = score_file(outside, request, catalog, progress_of(progress))
    # As they were written, with the folder that they lie in.
    read = tuple(records.read(Path(folder) / records.NAME, known) for folder in found.folders)
    return Runs(read, (), tuple(found.told), known)
