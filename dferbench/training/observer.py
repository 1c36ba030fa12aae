"""Observers of a run: what trackers such as TensorBoard implement to follow training as it happens.

One observer sees the runs of a command one after another: for each, `run_started`, then `epoch_done` after
every epoch and `checkpoint_saved` for every file, and at the end either `run_ended` or `run_failed`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dferbench.progress import Progress

if TYPE_CHECKING:  # plugins import this file at start, when records are not needed yet
    from dferbench.experiment.metrics import Metrics
    from dferbench.experiment.record import Epoch, Record


@dataclass(frozen=True)
class EpochResult:
    """One finished epoch: its row of the record, and where the run stands after it."""

    row: Epoch
    """Stage, epoch in the stage (from 0), mean losses, learning rates, seconds and test confusion matrix."""
    metrics: Mapping[str, float]
    """Every metric that is defined, of the test videos after the epoch: "uar", "war" and so on."""
    epochs: int
    """Epochs done in the run, over all stages; the first epoch reports 1."""
    step: int
    """Optimizer steps done in the run, over all stages."""
    validation: Mapping[str, float] = field(default_factory=dict)
    """As `metrics`, of the validation videos; empty where none are held out."""


def result_of(row: Epoch, metrics: Metrics, epochs: int, step: int) -> EpochResult:
    """A row of the curve with the metrics that are defined, after so many epochs and steps of the run."""
    test, held = (
        {name: value for name, one in metrics.items() if counts and (value := one.of(counts)) is not None}
        for counts in (row.counts, row.held)
    )
    return EpochResult(row, test, epochs, step, held)


class Observer(Protocol):
    """What follows a run. It must not change anything; what it raises removes it and never ends the run.

    A tracker of a plugin inherits from this class and overrides the events that it logs.
    """

    def run_started(self, record: Record, folder: Path, epochs: int, step: int) -> None:
        """A run starts or resumes: its record so far (status "running"), and the folder of its files.

        `epochs` and `step` count what was done before and is not reported again; both are 0 unless the run
        resumes.
        """

    def epoch_done(self, epoch: EpochResult) -> None:
        """An epoch was trained and tested; its state is not on disk yet."""

    def checkpoint_saved(self, path: Path) -> None:
        """A file is there: the state to resume from, at the end the checkpoint.

        The state of an epoch is written while the next one trains, and not at all if a later one overtakes
        it.
        """

    def run_ended(self, record: Record) -> None:
        """The run is done; the record is complete and on disk."""

    def run_failed(self, error: str) -> None:
        """The run failed or was interrupted; its record on disk says so. It can be resumed from its last
        saved state. `error` is what is wrong and, on a second line, what to do."""


class Observers:
    """Several observers as one. One that raises is reported once, in a sentence, and dropped.

    A run that fails before it started, while its model is built, is not theirs to report.
    """

    def __init__(self, observers: Sequence[Observer] = (), progress: Progress | None = None) -> None:
        self._observers = list(observers)
        self._progress = progress or Progress()
        self._running = False

    def run_started(self, record: Record, folder: Path, epochs: int, step: int) -> None:
        """See `Observer`."""
        self._running = True
        self._tell(lambda observer: observer.run_started(record, folder, epochs, step))

    def epoch_done(self, epoch: EpochResult) -> None:
        """See `Observer`."""
        self._tell(lambda observer: observer.epoch_done(epoch))

    def checkpoint_saved(self, path: Path) -> None:
        """See `Observer`."""
        self._tell(lambda observer: observer.checkpoint_saved(path))

    def run_ended(self, record: Record) -> None:
        """See `Observer`."""
        self._running = False
        self._tell(lambda observer: observer.run_ended(record))

    def run_failed(self, error: str) -> None:
        """See `Observer`."""
        if self._running:
            self._running = False
            self._tell(lambda observer: observer.run_failed(error))

    def _tell(self, event: Callable[[Observer], None]) -> None:
        for observer in list(self._observers):
            try:
                event(observer)
            except Exception as error:
                self._observers.remove(observer)
                name = type(observer).__name__
                reason = (str(error) or type(error).__name__).splitlines()[0]
                self._progress.say(f"{name} failed and is left out from here on: {reason}")
