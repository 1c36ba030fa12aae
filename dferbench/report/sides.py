"""What `compare` compares: a run, or all runs of a configuration, and which runs of both belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dferbench.errors import ConfigError
from dferbench.experiment import record
from dferbench.experiment.metrics import Metrics
from dferbench.experiment.record import Record
from dferbench.report.recount import recounted

RecordPair = tuple[Record, Record]


@dataclass(frozen=True)
class Side:
    """One side of a comparison: where it lies, and its finished runs."""

    path: Path
    runs: tuple[Record, ...]


def read_side(given: Path, runs: Path, known: Metrics) -> Side:
    """The runs that `given` names: the folder of a run, its record, the folder of a configuration, or the
    first characters of a configuration's id, which is looked for below `runs`.

    Raises ConfigError if there are none, or if they are of several configurations.
    """
    path = given / record.NAME if given.is_dir() else given
    if path.exists() or path.is_symlink():  # of what is no regular file, reading says what it is
        return Side(path, (_finished(path, known),))
    below = list(record.find(given)) if given.is_dir() else _of_id(str(given), runs, known)
    if not below:
        hint = f"Name the folder of a run or of a configuration, or an id of one below {runs} (or --runs)."
        raise ConfigError(f"there is no record at {path}", hint)
    return Side(given, _configuration(given, below, known))


def _of_id(start: str, runs: Path, known: Metrics) -> list[Path]:
    found = list(record.find(runs)) if runs.is_dir() and start.isalnum() else []
    return [path for path in found if record.read(path, known).config_id.startswith(start)]


def _configuration(given: Path, paths: Sequence[Path], known: Metrics) -> tuple[Record, ...]:
    read = [recounted(record.read(path, known), path.parent) for path in paths]
    done = [one for one in read if one.status == "done"]
    if not done:
        raise ConfigError(f"no run of {given} is finished", "Finish one first.")
    folders = {one.config_id: Path(one.folder).parent for one in done}
    if len(folders) > 1:
        raise ConfigError(
            f"{given} holds {len(folders)} configurations: {', '.join(folders)}",
            f"Name one run of it, such as {paths[0].parent}, or one configuration.",
        )
    by_run = {_key(one): one for one in done}
    if len(by_run) < len(done):
        fold, seed = next(_key(one) for one in done if by_run[_key(one)] is not one)
        raise ConfigError(
            f"{given} holds fold {fold} seed {seed} twice", f"Name one run of it, such as {paths[0].parent}."
        )
    return tuple(done)


def _key(one: Record) -> tuple[int, int]:
    return one.fold, one.model_seed


def _finished(path: Path, known: Metrics) -> Record:
    one = recounted(record.read(path, known), path.parent)
    if one.status != "done":
        raise ConfigError(f"{path} is of a run that is {one.status}", "Finish it first.")
    return one


def record_pairs(a: Side, b: Side) -> list[RecordPair]:
    """The runs of the same fold and seed; two single runs belong together in any case.

    Raises ConfigError if there are none.
    """
    if len(a.runs) == len(b.runs) == 1:
        return [(a.runs[0], b.runs[0])]
    left, right = ({_key(one): one for one in side.runs} for side in (a, b))
    found = [(left[key], right[key]) for key in sorted(left.keys() & right.keys())]
    if not found:
        raise ConfigError(f"no fold and seed is in both {a.path} and {b.path}", "Run both on the same folds.")
    return found


def left_out(a: Side, b: Side, pairs: Sequence[RecordPair]) -> list[str]:
    """Per side a line on its runs that have no partner."""
    used = [{_key(pair[side]) for pair in pairs} for side in (0, 1)]
    rest = [sorted({_key(one) for one in side.runs} - mine) for side, mine in zip((a, b), used, strict=True)]
    words = [", ".join(f"fold {fold} seed {seed}" for fold, seed in mine) for mine in rest]
    return [f"{name} alone has {text}: left out" for name, text in zip("AB", words, strict=True) if text]
