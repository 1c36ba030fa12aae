"""Several processes for one run: this one leads, and starts the others, which end with the run.

Only what trains and tests runs in all of them. Claims, records, states, checkpoints and what is told to the
user are the leader's alone. A process that fails says why through a pipe, and its end ends the run.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import TYPE_CHECKING

from dferbench import stopping
from dferbench.errors import ConfigError, DferbenchError
from dferbench.experiment.plan import Plan, Request, make_plan, read_splits
from dferbench.experiment.record import Record
from dferbench.experiment.soft_targets import with_votes
from dferbench.machine.numerics import fitted_to
from dferbench.machine.several import Member, abort, joined, kind_of, numbers_of
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog, discover
from dferbench.runner.build import build_model
from dferbench.training.across import ALONE, Team
from dferbench.training.observer import Observers
from dferbench.training.trainer import RunContext, train_run

if TYPE_CHECKING:
    from lightning_fabric import Fabric

READY = "ready"
SECONDS_TO_TELL, SECONDS_TO_END = 5.0, 30.0
"""What a process that failed may take to say why, and one that is done to end."""
Words = tuple[str, str, int]
"""An error for the user: what is wrong, what to do, and the exit code."""


@dataclass(frozen=True)
class Errand:
    """What a process needs to take part in a run."""

    member: Member
    request: Request
    files: tuple[Path, ...]
    """Plugins that were given as files."""
    draft: str
    """The record that was begun, as JSON."""
    folder: Path


@dataclass
class Follower:
    """A process that was started, and the end of its pipe."""

    rank: int
    process: SpawnProcess
    pipe: Connection

    def words(self, seconds: float) -> Words | None:
        """Why it failed, if it did or does within so many seconds."""
        if not wait([self.pipe, self.process.sentinel], seconds):
            return None
        with suppress(EOFError, OSError):
            while self.pipe.poll():
                said = self.pipe.recv()
                if said != READY:
                    found: Words = said
                    return found
        self.process.join(seconds)
        return None if self.process.exitcode in (0, None) else self._silent()

    def _silent(self) -> Words:
        """It is gone and left no word."""
        how = stopping.ended_by(self.process.exitcode or 0)
        return (
            f"process {self.rank + 1} of this run was ended by {how}",
            "Give the same command again: it continues from the last epoch that was saved.",
            1,
        )

    def end(self, seconds: float) -> None:
        """Wait so long for its end, and then end it."""
        self.process.join(seconds)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.pipe.close()


@contextmanager
def crew(
    plan: Plan, draft: Record, folder: Path, catalog: Catalog, fabric: Fabric, progress: Progress
) -> Iterator[tuple[Fabric, Team]]:
    """The Fabric and the team for a run: `fabric` and nobody else, or those of as many processes as
    `--devices` says, which are started here and do the same run up to what is written.

    Raises DferbenchError if another process fails.
    """
    numbers = numbers_of(plan.request.devices, plan.request.device)
    if len(numbers) < 2:
        yield fabric, ALONE
        return
    with tempfile.TemporaryDirectory(prefix="dferbench-") as place:
        lead = Member(0, kind_of(plan.request.device), numbers, str(Path(place) / "meeting"))
        started: list[Follower] = []
        try:
            for rank in range(1, lead.size):
                errand = _errand(replace(lead, rank=rank), plan, draft, folder, catalog)
                started.append(_start(errand))
            for one in started:
                _await(one)
            progress.say(f"{lead.size} processes share this run")
            with joined(lead, plan.recipe) as own, _watched(started, lead):
                yield own, Team(0, lead.size)
        except BaseException as error:
            stopping.check()
            if isinstance(error, DferbenchError) or not isinstance(error, Exception):
                raise
            raise _why(started, error) from error
        else:
            for one in started:
                one.end(SECONDS_TO_END)
        finally:
            for one in started:
                one.end(0)


def _errand(member: Member, plan: Plan, draft: Record, folder: Path, catalog: Catalog) -> Errand:
    request = replace(
        plan.request, folds=(draft.fold,), seeds=(draft.seed,), trackers=(), force=False, changed="keep"
    )
    return Errand(member, request, catalog.files, draft.model_dump_json(by_alias=True), folder)


def _start(errand: Errand) -> Follower:
    context = multiprocessing.get_context("spawn")  # a fork would inherit threads and a device in use
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_follow, args=(errand, theirs))
    with stopping.held():
        process.start()
    theirs.close()
    return Follower(errand.member.rank, process, ours)


def _await(one: Follower) -> None:
    """Wait until it is about to meet the others. Raises DferbenchError if it never will."""
    wait([one.pipe, one.process.sentinel])
    with suppress(EOFError):
        if one.pipe.poll() and (said := one.pipe.recv()) != READY:
            raise _error(said)
        return
    raise _error(one.words(SECONDS_TO_TELL) or one._silent())


@contextmanager
def _watched(started: Sequence[Follower], lead: Member) -> Iterator[None]:
    """A GPU would wait for ever for one whose process has died: this ends the waiting."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(1):
            if any(one.process.exitcode for one in started) and not over.wait(SECONDS_TO_TELL):
                abort(lead)
                return

    threading.Thread(target=look, daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _why(started: Sequence[Follower], error: Exception) -> Exception:
    """What ended the run: the words of the process that failed, or the error that was raised here."""
    until = time.monotonic() + SECONDS_TO_TELL
    while time.monotonic() < until:
        for one in started:
            if words := one.words(0.05):
                return _error(words)
        if not isinstance(error, RuntimeError):  # as torch raises when another process has gone
            break
    return error


def _error(words: Words) -> DferbenchError:
    error = DferbenchError(*words[:2])
    error.exit_code = words[2]
    return error


def _follow(errand: Errand, pipe: Connection) -> None:
    """What a process does that does not lead: the run, and nothing else."""
    stopping.leave_to_parent()
    warnings.simplefilter("ignore")  # the leader shows them
    try:
        _take_part(errand, pipe)
    except BaseException as error:
        with suppress(OSError):
            pipe.send(_told(error))
        pipe.close()
        os._exit(1)  # without waiting for threads that wait for the others


def _told(error: BaseException) -> Words:
    if isinstance(error, DferbenchError):
        return error.message, error.hint, error.exit_code
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"a process of this run failed: {type(error).__name__}: {error} ({place.filename}:{place.lineno})",
        "Without --devices the same command tells more; what was saved is kept.",
        1,
    )


def _take_part(errand: Errand, pipe: Connection) -> None:
    member, catalog = errand.member, discover(errand.files)
    plan = make_plan(errand.request, catalog)
    draft = Record.model_validate_json(errand.draft)
    split = with_votes(plan, read_splits(plan, Progress())[draft.fold])
    if (plan.config_id, split.fingerprint) != (draft.config_id, draft.data):
        raise ConfigError(
            "the processes of this run do not find the same configuration and videos",
            "Give the same command again when nothing changes them.",
        )
    pipe.send(READY)
    with joined(member, plan.recipe) as fabric:
        team = Team(member.rank, member.size)
        built = build_model(plan, catalog, fabric, draft.seed)
        fitted_to(plan.recipe.compute, built.model, lambda _: None)
        context = RunContext(catalog, fabric, Progress(), Observers(), team)
        train_run(plan, built, split, draft, errand.folder, context)
