"""A plugin for tests, and what its diary tells: which process did which epoch of which run, and when."""

import json
import os
import time
from collections import Counter
from itertools import groupby
from pathlib import Path

from dferbench import Observer, hookimpl


class Diary(Observer):
    """Appends a line for each start, epoch and end of a run."""

    def __init__(self, path):
        self.path = path

    def _note(self, what, epoch):
        line = {"pid": os.getpid(), "run": self.run, "what": what, "epoch": epoch, "time": time.time()}
        with Path(self.path).open("a") as file:
            file.write(json.dumps(line) + "\n")

    def run_started(self, record, folder, epochs, steps):
        self.run = str(folder)
        self._note("start", epochs)

    def epoch_done(self, result):
        self._note("epoch", result.epochs)

    def run_ended(self, record):
        self._note("end", 0)


@hookimpl
def register_trackers(register):
    register("diary", Diary)


def read(path):
    """Its lines in the order of their times."""
    return sorted(map(json.loads, path.read_text().splitlines()), key=lambda line: line["time"])


def faults(lines):
    """What is wrong with a shared study: two processes at a run by turns, epochs trained again, ends.

    Who takes a run over from a process that was killed may train the epoch again that was not yet saved.
    """
    found = []
    in_order = sorted(lines, key=lambda line: (line["run"], line["time"]))
    for run, group in groupby(in_order, lambda line: line["run"]):
        mine = list(group)
        owners = [pid for pid, _ in groupby(line["pid"] for line in mine)]
        found += [f"{run}: {owners} by turns"] if len(owners) > len(set(owners)) else []
        epochs = Counter(line["epoch"] for line in mine if line["what"] == "epoch")
        again = epochs.total() - len(epochs)
        found += [f"{run}: {again} epochs again"] if again >= len(owners) else []
        ends = sum(line["what"] == "end" for line in mine)
        found += [f"{run}: ended {ends} times"] if ends != 1 else []
    return found
