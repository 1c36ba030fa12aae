"""Commands one after another: each has a name, a time, and an end that is told again when all are done."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

CLOSING = re.compile(r"=*\s*((?:\d+ \w+(?:, )?)+) in [\d.]+s.*")


@dataclass
class Steps:
    """What was run so far; a step that fails stops nothing but itself."""

    done: list[tuple[str, bool, float]] = field(default_factory=list)
    tests: dict[str, str] = field(default_factory=dict)
    """What pytest counted in the step of this name, if it ran there."""

    def run(self, name: str, *command: str | Path, cwd: Path | None = None, **env: str) -> bool:
        """Run one command, its output as it comes; says whether it succeeded."""
        print(f"\n##### {name}\n$ {' '.join(map(str, command))}", flush=True)
        began = time.monotonic()
        try:
            good = self._follow(name, list(map(str, command)), cwd, {**os.environ, **env}) == 0
        except OSError as error:
            print(error, flush=True)
            good = False
        self._end(name, good, time.monotonic() - began)
        return good

    def _follow(self, name: str, command: list[str], cwd: Path | None, env: dict[str, str]) -> int:
        with subprocess.Popen(
            command, cwd=cwd, env=env, text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as process:  # fmt: skip
            try:
                for line in process.stdout or ():
                    sys.stdout.write(line)
                    sys.stdout.flush()
                    if closing := CLOSING.fullmatch(line.strip()):
                        self.tests[name] = closing[1]
            except BaseException:  # whoever stops this stops what it started
                process.terminate()
                raise
        return process.returncode

    def skip(self, name: str, why: str) -> None:
        """Count a step as failed that could not even begin."""
        print(f"\n##### {name}\n{why}", flush=True)
        self._end(name, False, 0.0)

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
        print(f"failed: {', '.join(self.failed)}" if self.failed else "every step is done", flush=True)
        return int(bool(self.failed))
