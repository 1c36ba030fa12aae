"""The parent: it starts the jobs, deals runs to them, hears what they say, and ends them.

It computes nothing and holds no device. A job whose process dies is replaced, and its run is dealt again.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from dferbench import exit_codes, stopping
from dferbench.errors import DferbenchError
from dferbench.experiment import record as records
from dferbench.runner.claims import claim
from dferbench.runner.jobs.board import TRIES, Board, RunState, Screen
from dferbench.runner.jobs.child import work
from dferbench.runner.jobs.messages import At, Ended, Raised, Ready, Refused, SaidLine, Start
from dferbench.runner.jobs.share import Shares

SECONDS_TO_STOP = 30.0
"""What a job may take to end once it was asked to."""
SECONDS_BETWEEN_LOOKS = 0.25


@dataclass
class JobProcess:
    """One job: its process, the pipe to it, what it prints, and the run that it has."""

    number: int
    check: bool
    process: SpawnProcess
    connection: Connection
    errors: Connection
    ready: bool = False
    refused: bool = False
    run: RunState | None = None
    torn: bytes = b""
    """The beginning of a printed line."""

    @property
    def open(self) -> list[Connection]:
        """What may still bring something."""
        return [one for one in (self.connection, self.errors) if not one.closed]


class Crew:
    """The jobs of one command. Raises what a job finds before any run starts, and what a signal raises."""

    def __init__(self, start: Start, board: Board, shares: Shares, screen: Screen) -> None:
        self.start, self.board, self.shares, self.screen = start, board, shares, screen
        self.members: list[JobProcess] = []
        self.refused: Raised | None = None
        self.false_starts = 0

    def work(self) -> None:
        """Do all runs. The first job checks what can be known and prepares the data; then come the others."""
        with self._ending():
            self._hire(1, check=True)
            while not any(one.ready for one in self.members):
                self._listen()
            for number in range(2, self.shares.jobs + 1):
                self._hire(number)
            while self.board.open:
                self._deal()
                self._listen()

    def _hire(self, number: int, *, check: bool = False) -> None:
        context = get_context("spawn")
        connection, theirs = context.Pipe()
        errors, printed = context.Pipe(duplex=False)
        start = self.start.for_job(self.shares.environment(number), check=check)
        process = context.Process(target=work, args=(theirs, printed, start), name=f"job {number}")
        with stopping.held():
            process.start()
        theirs.close()
        printed.close()
        self.members.append(JobProcess(number, check, process, connection, errors))

    def _deal(self) -> None:
        for member in self.members:
            if member.ready and member.run is None and (run := self.board.next()):
                member.run, run.job, run.state = run, member.number, "running"
                with suppress(OSError):  # it died, which is told when it is buried
                    member.connection.send(run.deal)

    def _listen(self) -> None:
        stopping.check()
        sources: list[Any] = [source for member in self.members for source in member.open]
        found = wait([*sources, *(member.process.sentinel for member in self.members)], SECONDS_BETWEEN_LOOKS)
        for member in list(self.members):
            if member.connection in found:
                self._hear(member)
            if member.errors in found:
                self._overhear(member)
            if not member.process.is_alive():
                self._bury(member)
        self.screen.show(self.board)

    def _hear(self, member: JobProcess) -> None:
        try:
            message = member.connection.recv()
        except (EOFError, OSError):
            member.connection.close()
            return
        if isinstance(message, Ready):
            member.ready = True
        elif isinstance(message, SaidLine):
            self.screen.say(f"[{member.number}] {message.text}")
        elif isinstance(message, At) and member.run:
            member.run.at = message
        elif isinstance(message, Refused):
            self.refused, member.refused = message.failure, True
        elif isinstance(message, Ended) and member.run:
            run, member.run = member.run, None
            self.board.ended(run, message.record, message.failure)
            why = f": {message.failure.line}" if message.failure else ""
            self.screen.say(f"[{member.number}] {run.label}: {run.state}{why} ({self.board.counts()})")

    def _overhear(self, member: JobProcess) -> None:
        """Whole lines of what a job printed."""
        some = os.read(member.errors.fileno(), 1 << 16)
        *lines, member.torn = (member.torn + (some or b"\n")).split(b"\n")
        for line in lines:
            if some or line:
                self.screen.overheard(f"[{member.number}] {line.decode(errors='replace')}")
        if not some:
            member.errors.close()

    def _bury(self, member: JobProcess) -> None:
        """A job ended by itself: take its last words, free its run, and replace it if there is work."""
        while member.open and (last := wait(member.open, 0)):
            self._hear(member) if member.connection in last else self._overhear(member)
        self.members.remove(member)
        code = member.process.exitcode or 0
        if code in (exit_codes.STOPPED, -signal.SIGTERM, -signal.SIGINT):
            stopping.wait_for_signal()  # which may have reached the whole group
        if member.run is not None:
            self._free(member.number, member.run, stopping.ended_by(code))
        else:
            self.false_starts += 1
            self._say_lost(member, stopping.ended_by(code))
        if self.board.open and not member.refused and self.false_starts < TRIES:
            self._hire(member.number, check=member.check and not member.ready)
        elif self.board.open and not self.members:
            raise self._nobody_left(stopping.ended_by(code))

    def _say_lost(self, member: JobProcess, how: str) -> None:
        """What ends the last job ends the command, which tells it."""
        if member.refused and self.refused and self.members:
            self.screen.say(f"job {member.number} cannot begin: {self.refused.line}")
        elif not member.refused:
            self.screen.say(f"job {member.number} ended with {how}")

    def _free(self, number: int, run: RunState, how: str) -> None:
        again = self.board.died(run)
        then = "it is tried again, from its last state" if again else "it counts as failed"
        self.screen.say(f"job {number} ended with {how} at {run.label}: {then}")
        if not again:
            self.board.ended(run, *_deadly(run, how))

    def _nobody_left(self, how: str) -> DferbenchError:
        if self.refused is not None:
            return self.refused.error()
        return DferbenchError(
            f"the processes of the jobs cannot begin: {TRIES} of them ended with {how}",
            "Use --jobs 1, and see dferbench doctor.",
        )

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """End all jobs with the block: those that wait, by a word; after an error or a signal, by SIGTERM."""
        try:
            yield
        except BaseException:
            for member in self.members:
                for one in member.open:
                    one.close()  # what they say now is heard by nobody, and must not keep them
                member.process.terminate()
            raise
        finally:
            for member in self.members:
                with suppress(OSError):
                    member.connection.send(None)
            self._wait_for_end()

    def _wait_for_end(self) -> None:
        end = time.monotonic() + SECONDS_TO_STOP
        for member in self.members:
            member.process.join(max(0.0, end - time.monotonic()))
            if member.process.is_alive():
                member.process.kill()
                member.process.join()


def _deadly(run: RunState, how: str) -> tuple[records.Record | None, Raised | None]:
    """The record of a run that ends its process each time, or an error where it left none."""
    failure = Raised(f"its process ended with {how}, {TRIES} times", _way_out(how), 1)
    words = {
        "status": "failed",
        "error": f"{failure.message}\n{failure.hint}",
        "exit_code": exit_codes.FAILED,
    }
    with suppress(DferbenchError), claim(run.folder) as claimed:
        stored = run.plan.stored(run.deal.fold, run.deal.seed) if claimed.holder is None else None
        if stored is not None and stored.status != "done":
            failed = stored.model_copy(update=words)
            records.write(failed, run.folder, run.plan.metrics)
            return failed, None
    return None, failure


def _way_out(how: str) -> str:
    if how == "SIGKILL":
        return "The system kills processes when memory runs out: use fewer --jobs or --workers."
    return "Use --jobs 1 and --workers 0 to see what it does."
