"""Runs a command for as long as whoever started it lives. A script, which imports nothing of ours:

    python -P bound.py SECONDS COMMAND...

Whoever starts it keeps the other end of its standard input open. The system closes that end with its process,
however that ends; then the command is asked to stop, and killed if it has not stopped after so many seconds.
One that outlived the worker of a lost machine would train on next to whoever takes its run over, on a device
that is given to others.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence


def words(command: Sequence[str], seconds: float) -> list[str]:
    """The command, bound to the process that starts it with a pipe as standard input."""
    return [sys.executable, "-P", __file__, str(seconds), *command]


def _watch(process: int, seconds: float) -> None:
    """End the process, the parent of this one, when our standard input ends."""
    while os.read(0, 1):  # nothing is ever written
        pass
    for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 0.0)):
        if os.getppid() != process:
            return
        os.kill(process, number)
        end = time.monotonic() + patience
        while os.getppid() == process and time.monotonic() < end:
            time.sleep(0.05)


def main(seconds: str, *command: str) -> None:
    """Become the command, watched by a process of its own. Systems that cannot fork leave it unbound."""
    process = os.getpid()
    nothing = os.open(os.devnull, os.O_RDWR)
    if hasattr(os, "fork") and not os.fork():
        try:
            os.setsid()  # Ctrl-C, which the command answers, is not for the watch
            for stream in (1, 2):
                os.dup2(nothing, stream)
            _watch(process, float(seconds))
        finally:
            os._exit(0)
    os.dup2(nothing, 0)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
