"""The contracts of what stands around a run: trackers, launchers, commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typer
from typer.main import get_command

from dferbench.experiment.curve import Epoch
from dferbench.experiment.metrics import registered
from dferbench.experiment.record import CHECKPOINT, STATE, Record
from dferbench.runner.launch import Study
from dferbench.testing.candidate import Candidate
from dferbench.testing.outcome import Rule, require
from dferbench.training.observer import EpochResult, result_of

EVENTS = ("run_started", "epoch_done", "checkpoint_saved", "run_ended", "run_failed")


def _row(epoch: int) -> Epoch:
    return Epoch(
        stage="train",
        epoch=epoch,
        terms={"ce": 1.0 / (epoch + 1)},
        learning_rates={".*": 0.1},
        seconds=0.5,
        confusion=[[2 + epoch, 1], [1, 2]],
    )


def record_of(status: str = "running", epochs: int = 0) -> Record:
    """The record of a run of two classes with so many epochs behind it."""
    facts: dict[str, Any] = dict(
        schema=3, status=status, method="check", origin="dferbench", options={"width": 4}, given={},
        recipe={"stages": [{"epochs": 2}]}, dataset="check", dataset_origin="dferbench", dataset_options={},
        classes=["glad", "sad"], fold=1, seed=0, config_id="01234567", data="0" * 64,
        videos={"train": 6, "test": 6}, synthetic=True, curve=[_row(epoch) for epoch in range(epochs)],
        confusion=_row(epochs - 1).confusion if epochs else [],
    )  # fmt: skip
    return Record(**facts)


def _epoch(candidate: Candidate, number: int) -> EpochResult:
    return result_of(_row(number), registered(candidate.catalog), number + 1, 3 * (number + 1))


def _follow(candidate: Candidate, tracker: Any, room: Path, ends: bool) -> None:
    """Tell the tracker of a run of two epochs that ends well, or of one that fails and is resumed."""
    folder = room / ("done" if ends else "failed")
    folder.mkdir()
    tracker.run_started(record_of(), folder, 0, 0)
    for number in range(2):
        if number and not ends:
            tracker.run_failed("there is no memory left\nUse a smaller batch.")
            tracker.run_started(record_of(epochs=1), folder, 1, 3)
        tracker.epoch_done(_epoch(candidate, number))
        (folder / STATE).write_bytes(b"state")
        tracker.checkpoint_saved(folder / STATE)
    (folder / CHECKPOINT).write_bytes(b"weights")
    tracker.checkpoint_saved(folder / CHECKPOINT)
    tracker.run_ended(record_of("done", epochs=2))


@contextmanager
def _secluded() -> Iterator[Path]:
    """A folder for what a tracker leaves. For as long as it is there, the libraries of those that come with
    dferbench use this machine alone: a check sends nothing, and leaves nothing where it was called."""
    with TemporaryDirectory(prefix="dferbench-") as room:
        store = Path(room, "mlflow.db").as_posix()
        here = {"WANDB_MODE": "offline", "MLFLOW_TRACKING_URI": f"sqlite:///{store}"}
        before = {name: os.environ[name] for name in here if name in os.environ}
        os.environ.update(here)
        try:
            yield Path(room)
        finally:
            for name in here:
                del os.environ[name]
            os.environ.update(before)


def tracker_builds(candidate: Candidate) -> None:
    """build() gives an observer with every event of a run"""
    with _secluded():
        made = candidate.make()
    lacking = [name for name in EVENTS if not callable(getattr(made, name, None))]
    require(not lacking, f"it has no {(lacking or [''])[0]}(): inherit from dferbench.Observer")


def tracker_follows(candidate: Candidate) -> None:
    """it follows a run to its end, and after that another one"""
    with _secluded() as room:
        tracker = candidate.make()
        _follow(candidate, tracker, room, ends=True)
        _follow(candidate, tracker, room, ends=False)


def tracker_resumes(candidate: Candidate) -> None:
    """it continues a run that failed and is resumed"""
    with _secluded() as room:
        _follow(candidate, candidate.make(), room, ends=False)


def tracker_changes_nothing(candidate: Candidate) -> None:
    """it changes neither the record nor what an epoch gave, nor the files of the run"""
    with _secluded() as folder:
        tracker = candidate.make()
        record, epoch = record_of(), _epoch(candidate, 0)
        said = (record.model_dump_json(), dict(epoch.metrics), epoch.row.model_dump_json())
        (folder / STATE).write_bytes(b"state")
        tracker.run_started(record, folder, 0, 0)
        tracker.epoch_done(epoch)
        tracker.checkpoint_saved(folder / STATE)
        tracker.run_failed("stopped")
        now = (record.model_dump_json(), dict(epoch.metrics), epoch.row.model_dump_json())
        require(said == now, "it changes the record or the epoch that it is shown")
        kept = (folder / STATE).is_file() and (folder / STATE).read_bytes() == b"state"
        require(kept, f"it changes {STATE} of the run")


TRACKER: tuple[Rule[Candidate], ...] = (
    tracker_builds,
    tracker_follows,
    tracker_resumes,
    tracker_changes_nothing,
)


def _study(room: Path) -> Study:
    return Study("check", (sys.executable, "-c", "pass"), (1, 2), 2, room)


def launcher_builds(candidate: Candidate) -> None:
    """build() gives something that can be called with a study; nothing is started here"""
    made = candidate.make()
    require(callable(made), f"build() gave a {type(made).__name__} that cannot be called")


def launcher_previews(candidate: Candidate) -> None:
    """preview(study), if it is there, gives a text and starts and writes nothing"""
    launcher: Any = candidate.make()
    tell = getattr(launcher, "preview", None)
    if tell is None:
        return
    with TemporaryDirectory(prefix="dferbench-") as room:
        text = tell(_study(Path(room)))
        require(isinstance(text, str), f"preview gave a {type(text).__name__}, not a text")
        left = [path.name for path in Path(room).iterdir()]
        require(not left, f"preview wrote {(left or [''])[0]}")


LAUNCHER: tuple[Rule[Candidate], ...] = (launcher_builds, launcher_previews)


def commands_of(add: Callable[..., None]) -> Any:
    """The click group of what a plugin adds to the command line."""
    app = typer.Typer()
    add(app)
    app.callback()(lambda: None)
    return get_command(app)


def commands_exist(add: Callable[..., None]) -> None:
    """register_commands adds one or more commands"""
    require(commands_of(add).commands, "it adds no command")


def commands_are_described(add: Callable[..., None]) -> None:
    """every command and every option of it has a line of help"""
    for name, command in commands_of(add).commands.items():
        require((command.help or "").strip(), f"'{name}' has no docstring, which is its help")
        for one in getattr(command, "params", ()):
            bare = not getattr(one, "help", None) and one.param_type_name == "option" and one.name != "help"
            require(not bare, f"the option --{one.name} of '{name}' has no help")


def commands_add_up(add: Callable[..., None]) -> None:
    """it adds the same commands each time, as the command line is made anew for each call"""
    first, second = (sorted(commands_of(add).commands) for _ in "ab")
    require(first == second, f"it adds {', '.join(first)}, then {', '.join(second)}")


COMMANDS: tuple[Rule[Callable[..., None]], ...] = (commands_exist, commands_are_described, commands_add_up)
