"""A plugin from outside that brings trackers: one that writes down all it sees, and some that misbehave."""

import os
import signal
from pathlib import Path

from dferbench import Observer, hookimpl


class Diary(Observer):
    """One line an event, in a file of the user's choice."""

    def __init__(self, path: str = "diary.txt"):
        self.path = Path(path)

    def say(self, line):
        with self.path.open("a") as file:
            file.write(line + "\n")

    def run_started(self, record, folder, epochs, step):
        self.say(f"started {record.method} {record.status} in {folder.name} at {epochs}, {step}")

    def epoch_done(self, epoch):
        self.say(f"epoch {epoch.epochs} {sorted(epoch.metrics)} {sorted(epoch.row.terms)}")

    def checkpoint_saved(self, path):
        self.say(f"saved {path.name}")

    def run_ended(self, record):
        self.say(f"ended {record.status} {sorted(record.metrics['last'])}")

    def run_failed(self, error):
        self.say(f"failed {error.splitlines()[0]}")


class Faulty(Observer):
    """Raises at every epoch."""

    def epoch_done(self, epoch):
        raise RuntimeError(f"the server is down\nat epoch {epoch.epochs}")


class Stop(Observer):
    """Ends the process at one epoch, before its state is saved, or when the first state from there on is:
    kill -9, or as by Ctrl-C."""

    def __init__(self, epoch: int = 2, saved: bool = False, kill: bool = True):
        self.at, self.saved, self.kill, self.epochs = epoch, saved, kill, 0

    def epoch_done(self, epoch):
        self.epochs = epoch.epochs
        if not self.saved:
            self.stop()

    def checkpoint_saved(self, path):
        if self.saved:
            self.stop()

    def stop(self):
        if self.epochs >= self.at:
            if not self.kill:
                raise KeyboardInterrupt
            os.kill(os.getpid(), signal.SIGKILL)


@hookimpl
def register_trackers(register):
    register("diary", Diary, about="everything, in a text file")
    register("faulty", Faulty)
    register("stop", Stop)
