"""Commands one after another: each has a name, a time, and an end that is told again when all are done.

A step that fails shows its last lines once more at the end, where whoever reads only that finds the reason.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

CLOSING = re.compile(r"=*\s*((?:\d+ \w+(?:, )?)+) in [\d.]+s.*")
LAST = 15
"""How many lines of a failed step are told again."""
LIMIT = 30 * 60
"""Seconds that one step may take: one that hangs must not take the time of the others."""


@dataclass
class Steps:
    """What was run so far; a step that fails stops nothing but itself."""

    done: list[tuple[str, bool, float]] = field(default_factory=list)
    tests: dict[str, str] = field(default_factory=dict)
    """What pytest counted in the step of this name, if it ran there."""
    ends: dict[str, list[str]] = field(default_factory=dict)
    """The last lines of each step that failed."""

    def run(self, name: str, *command: str | Path, cwd: Path | None = None, **env: str) -> bool:
        """Run one command, its output as it comes; says whether it succeeded."""
        print(f"\n##### {name}\n$ {' '.join(map(str, command))}", flush=True)
        began = time.monotonic()
        try:
            code, last = self._follow(name, list(map(str, command)), cwd, {**os.environ, **env})
        except OSError as error:
            print(error, flush=True)
            code, last = -1, [str(error)]
        if code:
            self.ends[name] = [*last, f"exit code {code}"]
        self._end(name, not code, time.monotonic() - began)
        return not code

    def _follow(
        self, name: str, command: list[str], cwd: Path | None, env: dict[str, str]
    ) -> tuple[int, list[str]]:
        """The exit code and the last lines of a command."""
        last: deque[str] = deque(maxlen=LAST)
        with subprocess.Popen(
            command, cwd=cwd, env=env, text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:  # fmt: skip
            clock = threading.Timer(LIMIT, os.killpg, (process.pid, signal.SIGKILL))
            clock.start()
            try:
                for line in process.stdout or ():
                    sys.stdout.write(line)
                    sys.stdout.flush()
                    last.append(line.rstrip())
                    if closing := CLOSING.fullmatch(line.strip()):
                        self.tests[name] = closing[1]
            except BaseException:  # whoever stops this stops what it started
                os.killpg(process.pid, signal.SIGTERM)
                raise
            finally:
                clock.cancel()
        return process.returncode, list(last)

    def _end(self, name: str, good: bool, seconds: float) -> None:
        self.done.append((name, good, seconds))
        print(f"##### {name}: {'done' if good else 'FAILED'} after {seconds:.0f} s", flush=True)

    @property
    def failed(self) -> list[str]:
        """The names of the steps that failed."""
        return [name for name, good, _ in self.done if not good]

    def close(self) -> int:
        """Print every step with its time, then those that failed; gives the exit code."""
        print()
        for name, good, seconds in self.done:
            print(f"{seconds:7.0f} s  {'done  ' if good else 'FAILED'}  {name}")
        print(f"{sum(seconds for *_, seconds in self.done):7.0f} s  in all")
        for name, lines in self.ends.items():
            print("\n".join((f"\n##### {name}: how it ended", *lines)))
        print(f"failed: {', '.join(self.failed)}" if self.failed else "every step is done", flush=True)
        return int(bool(self.failed))
