"""What a video can do to the process that reads it, as functions that a worker can import."""

import itertools
import os
import signal
import sys
import time
from pathlib import Path

from dferbench.data.pool import run_each
from dferbench.errors import DferbenchError, UnknownName, VideoError


def spin():
    while True:
        pass


def hold():
    """Stay inside one call of C, as a decoder that hangs with the interpreter's lock: no Python runs."""
    sum(itertools.repeat(0, 10**15))


def fail(error):
    raise error


ACTS = {
    "fine": lambda word: None,
    "slow": lambda word: time.sleep(0.3),
    "sleep": lambda word: time.sleep(1000),
    "spin": lambda word: spin(),
    "hold": lambda word: hold(),
    "SIGSEGV": lambda word: os.kill(os.getpid(), signal.SIGSEGV),
    "SIGKILL": lambda word: os.kill(os.getpid(), signal.SIGKILL),
    "exit": lambda word: os._exit(7),
    "memory": lambda word: bytearray(1 << 60),
    "raise": lambda word: fail(ValueError("no such thing")),
    "bad": lambda word: fail(VideoError(word, "it is empty")),
    "full": lambda word: fail(DferbenchError("cannot write", "Free some space.")),
    "name": lambda word: fail(UnknownName("thing", word, ["other"])),
}


def behave(word):
    """Do what the word's first part says; give back the word and the process that did it."""
    ACTS[word.split("-")[0]](word)
    return word, os.getpid()


def read(path):
    """How many frames a video has."""
    from dferbench.data.decoders import DECODERS

    return len(DECODERS["pyav"]()(path, lambda count: range(count)))


def announce(path):
    """Write this worker's number into a file, then hang in the way that the file's name says."""
    Path(path).write_text(str(os.getpid()))
    ACTS[Path(path).name](path)


if __name__ == "__main__":
    import hostile

    for _ in run_each(hostile.announce, sys.argv[1:], 600, 2):
        pass
