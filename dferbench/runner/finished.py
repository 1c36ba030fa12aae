"""What of a plan is done already, told from its records and the dataset's lists alone. No torch."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dferbench import __version__
from dferbench.data.marks import REENCODED, Marks, marks_of, notes_of
from dferbench.errors import ConfigError
from dferbench.experiment import curve as curves
from dferbench.experiment import record as records
from dferbench.experiment.plan import Looked, Plan, Split, read_splits
from dferbench.experiment.record import Record
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog
from dferbench.trackers.choose import make_observers


def all_finished(plan: Plan, catalog: Catalog, progress: Progress) -> list[Record] | None:
    """The records of all runs of a plan, in its order, if nothing is to do; None if anything is, or if a
    record is damaged. They are held against the data and the trackers of the request, as a run would be.

    Raises ConfigError for runs of other code or other data, and whatever wrong lists or trackers raise.
    """
    looked = plan.look()
    done = {run: one for run, one in looked.items() if isinstance(one, Record) and plan.keeps(one)}
    if len(done) < len(looked):
        return None
    make_observers(plan.request.trackers, catalog, progress)
    require_same_code(plan, looked)
    splits = read_splits(plan, progress)
    notes = {fold: notes_of(plan.dataset, plan.root, marks_in(plan, one)) for fold, one in splits.items()}
    for (fold, _), one in done.items():
        require_same_data(plan, one, splits[fold].fingerprint, notes[fold])
    return [told(plan, one, progress) for one in done.values()]


def require_same_code(plan: Plan, looked: Looked | None = None) -> None:
    """Ask what is to become of runs whose code has changed since, unless the request says it; `looked` is
    what lies in their folders, where that is known.

    Raises ConfigError for the first of them. Records of releases that kept no fingerprints are as they are.
    """
    if plan.request.force or plan.request.changed != "ask":
        return
    for run, found in (plan.look() if looked is None else looked).items():
        before = continued(plan, run, found)
        if before is not None and (files := plan.changes(before)):
            what = "is finished" if before.status == "done" else "was begun"
            raise ConfigError(
                f"the run in {plan.folder(*run)} {what}, but its code has changed since: {_listed(files)}",
                "Give the option '--changed again' to train such runs anew, or '--changed keep' to keep the "
                "results of the old code.",
            )


def continued(plan: Plan, run: tuple[int, int], found: Record | records.BadRecord | None) -> Record | None:
    """The record of a run that would be kept or continued; a failed one without state begins anew, and of a
    damaged one it is told when its turn comes."""
    if not isinstance(found, Record):
        return None
    resumes = (plan.folder(*run) / records.STATE).is_file()
    return found if found.status == "done" or resumes else None


def _listed(files: Sequence[str]) -> str:
    return ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")


def marks_in(plan: Plan, split: Split) -> Marks:
    """What the videos of a fold carry; a dataset that is drawn anyway need not be looked at."""
    return marks_of(plan.root, [] if plan.dataset.synthetic else split.paths)


def require_same_data(plan: Plan, before: Record, data: str, notes: Mapping[str, Any]) -> None:
    """A run belongs to its data: with other ids, labels or frames it is another experiment.

    `data` is the fingerprint of the lists of its fold now, and `notes` what the dataset says of its copy.
    Raises ConfigError.
    """
    path = plan.folder(before.fold, before.seed) / records.NAME
    if before.data != data:
        raise ConfigError(
            f"{path} was made with other ids or labels of {before.dataset}, fold {before.fold}",
            "Add --force to start that run again, or use another --output.",
        )
    for fact in ("variant", REENCODED):
        if fact == REENCODED and fact not in before.dataset_notes and not before.code:
            continue  # earlier releases did not tell face crops from other frames
        if before.dataset_notes.get(fact) != notes.get(fact):
            raise ConfigError(
                f"{path} was made with other frames of the same videos ({fact}: "
                f"{before.dataset_notes.get(fact)}, now {notes.get(fact)})",
                "Add --force to start that run again, or use another --output.",
            )


def told(plan: Plan, done: Record, progress: Progress) -> Record:
    """Say that a run is done, and what of its files is gone or damaged; its record, with the curve if that
    can be read."""
    folder = plan.folder(done.fold, done.seed)
    progress.say(f"fold {done.fold} seed {done.seed}: already done{_by_whom(done, plan)}, {folder}")
    if plan.request.keep_predictions == "all" and done.epochs and records.EPOCH_PREDICTIONS not in done.files:
        progress.say("It kept the predictions of its last epoch alone; --force trains it again.")
    if gone := lost(done, folder):
        progress.say(told_lost(gone, folder))
    else:
        drop_state(folder)
    return done if curves.NAME in gone else with_curve(done, folder, progress)


def with_curve(record: Record, folder: Path, progress: Progress) -> Record:
    """The record with its curve; one that is damaged is said and left out, as the result stands without."""
    try:
        return records.with_curve(record, folder)
    except curves.BadCurve as error:
        progress.say(f"{error}. {error.hint}")
        return record


def drop_state(folder: Path) -> None:
    """Remove the state of a run that is done: two thirds of what a run leaves, and nothing reads it."""
    with contextlib.suppress(OSError):  # the result stands without the space
        (folder / records.STATE).unlink()


def lost(done: Record, folder: Path) -> list[str]:
    """The files of a finished run that are gone; its record alone still holds what tables show."""
    curve = [curves.NAME] if done.curve_sha256 else []
    held = [] if done.validation is None else [records.VALIDATION]
    trained = [] if done.checkpoint or done.trial else [records.CHECKPOINT]
    files = [records.PREDICTIONS, *trained, *held, *curve, *done.files]
    return [name for name in dict.fromkeys(files) if not (folder / name).is_file()]


def told_lost(gone: Sequence[str], folder: Path) -> str:
    """What to know of a result of which files are gone."""
    are = "is" if len(gone) == 1 else "are"
    users = [words for name, words in _USERS.items() if name in gone] or ["verify lacks them"]
    return (
        f"{' and '.join(gone)} {are} gone from {folder}; its result stands, but {'; '.join(users)}. "
        "Move the folder away and give the same command again to have them."
    )


_USERS = {
    records.PREDICTIONS: "compare, predict and evaluate lack them",
    records.CHECKPOINT: "predict and evaluate lack its model",
    records.EPOCH_PREDICTIONS: "best-on-test cannot be re-scored",
    records.VALIDATION: "what was said of each validation video is not known",
    curves.NAME: "what its epochs gave is not known",
}
"""What lacks a file that is gone."""


def _by_whom(done: Record, plan: Plan) -> str:
    """What else made a result than what is installed now."""
    if plan.changes(done):
        return " by other code"
    if plan.code and not done.code:
        return " by a release that kept no fingerprint of its code"
    version = done.environment.get("dferbench", __version__)
    return "" if version == __version__ else f" by dferbench {version}"
