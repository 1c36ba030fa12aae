"""Kill processes that share a study, at random moments, and compare what comes out with one process alone.

    python benchmarks/shared_study.py --kills 60 --seed 0
    python benchmarks/shared_study.py --kills 60 --jobs

Four processes are given the same command and one folder; with --jobs it is one command with four children.
Each kill is SIGKILL, SIGTERM or SIGINT to one process, or to one that it started; who was killed is started
again, as a scheduler does, until every run is done. Exits with 1 if a run is missing, was trained twice (a
run that is taken over goes on from its last saved epoch), or differs in a bit.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import kills

DATA = ["-d", "synthetic(videos=35,size=64)", "--device", "cpu", "--epochs", "2", "--set", "stage.batch=4"]
STUDY = ["run", "-m", "finetune", *DATA, "--set", "input.frames=2", "--fold", "1,2", "-q"]
TRACKER = """
import json, os, time
from pathlib import Path
from dferbench import Observer, hookimpl


class Diary(Observer):
    def __init__(self, path):
        self.path = path

    def note(self, what, epochs):
        line = {"pid": os.getpid(), "run": self.run, "what": what, "epochs": epochs, "time": time.time()}
        with open(self.path, "a") as file:
            file.write(json.dumps(line) + "\\n")

    def run_started(self, record, folder, epochs, steps):
        self.run = str(folder)
        self.note("start", epochs)

    def epoch_done(self, result):
        self.note("epoch", result.epochs)

    def run_ended(self, record):
        self.note("end", 0)


@hookimpl
def register_trackers(register):
    register("diary", Diary)
"""
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
STARTS = 1000
"""Where a process that is started again and again without an end is a failure."""


@dataclass(frozen=True)
class Shape:
    """How a study is shared: so many runs, by so many processes, or by one with so many jobs."""

    seeds: int
    processes: int
    jobs: bool

    def words(self, output: Path, diary: Path) -> list[str]:
        """The command that each process is given."""
        tracker = ["--plugin", str(diary.with_suffix(".py")), "--tracker", f"diary(path={diary})"]
        seeds = ",".join(map(str, range(self.seeds)))
        shared = ["--jobs", str(self.processes)] if self.jobs else []
        return [*STUDY, "--seed", seeds, "-o", str(output), "-j", "1", *tracker, *shared]


class Crowd:
    """The processes of one study, some of which are killed and started again."""

    def __init__(self, folder: Path, shape: Shape, seed: int) -> None:
        self.folder, self.shape, self.random = folder, shape, random.Random(seed)
        self.kills: Counter[str] = Counter()
        self.problems: list[str] = []
        self.starts = 0

    def study(self, name: str, wanted: int) -> Path:
        """Do the study with so many kills; gives its folder, the diary beside it."""
        output, diary = self.folder / name, self.folder / f"{name}.jsonl"
        diary.with_suffix(".py").write_text(TRACKER)
        words = self.shape.words(output, diary)
        count = 1 if self.shape.jobs else self.shape.processes
        crowd = [self.start(words, name, place) for place in range(count)]
        while crowd:
            time.sleep(self.random.uniform(0.1, 1.0))
            if self.kills.total() < wanted:
                self.kill(self.random.choice(crowd))
            crowd = [one for old in crowd if (one := self.looked_after(old, words, name))]
        return output

    def start(self, words: Sequence[str], name: str, place: int) -> kills.Process:
        """Start one of them, in a session of its own."""
        return kills.Process(words, self.folder, self.folder / f"{name}-{place}.log")

    def kill(self, process: kills.Process) -> None:
        """Send a signal to the process, to its group, or to one that it started."""
        number = self.random.choice(SIGNALS)
        children = sorted(kills.session(process.pid) - {process.pid})
        target = self.random.choice(["the process", "its group", "a child"] if children else ["the process"])
        try:
            if target == "its group":
                os.killpg(process.pid, number)
            else:
                os.kill(self.random.choice(children) if target == "a child" else process.pid, number)
        except ProcessLookupError:
            return
        self.kills[f"{number.name} to {target}"] += 1

    def looked_after(self, process: kills.Process, words: Sequence[str], name: str) -> kills.Process | None:
        """The process, another in its place if it was killed, or None if it found every run done."""
        code = process.ended(0)
        if code is None:
            return process
        if left := process.vanished():
            self.problems.append(f"{len(left)} processes outlived the one that started them")
            process.end()
        if code == 0:
            return None
        said, found, traceback = process.errors.read_text(errors="replace").rpartition("Traceback")
        # Python itself tells of what torch raises, when a reader is killed, where nothing can be raised.
        if found and not said.rstrip().rpartition("\n")[2].startswith("Exception ignored"):
            self.problems.append(f"{name} ended with {code}:\n{found}{traceback}")
        self.starts += 1
        if self.starts > STARTS:
            raise SystemExit(
                f"a process ends with {code} again and again: {process.errors.read_text()[-1500:]}"
            )
        return kills.Process(words, self.folder, process.errors)


def trained_twice(diary: Path) -> list[str]:
    """Runs of which a process went on after another had begun with it, or that ended more than once."""
    found, owner, ended = [], {}, Counter[str]()
    for line in sorted(map(json.loads, diary.read_text().splitlines()), key=lambda one: one["time"]):
        run, pid = line["run"], line["pid"]
        if line["what"] == "start":
            owner[run] = pid
        elif owner.get(run) != pid:
            found.append(f"{run}: {pid} and {owner.get(run)}")
        ended[run] += line["what"] == "end"
    return found + [f"{run} ended {times} times" for run, times in ended.items() if times > 1]


def epochs_of(diary: Path) -> Counter[tuple[str, int]]:
    """How often each epoch of each run was trained."""
    lines = map(json.loads, diary.read_text().splitlines())
    return Counter((one["run"], one["epochs"]) for one in lines if one["what"] == "epoch")


def report(crowd: Crowd, alone: Path, shared: Path) -> Iterator[str]:
    """What went wrong."""
    wanted, found = kills.results(alone), kills.results(shared)
    yield from dict.fromkeys(crowd.problems)  # a log keeps its traceback when its process starts again
    yield from (f"LOST: {name}" for name in wanted if found.get(name, {}).get("status") != "done")
    yield from (f"DIFFERENT: {name}" for name in wanted if name in found and found[name] != wanted[name])
    diary = shared.with_suffix(".jsonl")
    yield from (f"TWICE: {one}" for one in trained_twice(diary))
    if not crowd.kills:
        yield from (f"TWICE: {run}, epoch {n}" for (run, n), times in epochs_of(diary).items() if times > 1)
    yield from (f"LEFT BEHIND: {path}" for path in kills.hidden(shared) if ".claims/" not in path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do the study alone, then shared, and compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=60, help="Number of kills.")
    parser.add_argument("--seed", type=int, default=0, help="Seed of who is killed, how and when.")
    parser.add_argument("--runs", type=int, default=40, help="Number of runs, an even one.")
    parser.add_argument("--processes", type=int, default=4, help="Number of processes.")
    parser.add_argument("--jobs", action="store_true", help="One command with --jobs in place of several.")
    parser.add_argument("--folder", type=Path, help="Existing folder for the studies; else a temporary one.")
    given = parser.parse_args(arguments)
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory(prefix="dferbench-shared-", dir=given.folder) as name:
        folder = Path(name)
        os.environ |= {"DFERBENCH_HOME": f"{folder}/home", "DFERBENCH_CACHE": f"{folder}/cache"}
        for module in kills.PRELOADED:
            importlib.import_module(module)
        began = time.monotonic()
        alone = Crowd(folder, Shape(given.runs // 2, 1, False), given.seed).study("alone", 0)
        print(f"{given.runs} runs by one process: {time.monotonic() - began:.0f} s", flush=True)
        began = time.monotonic()
        crowd = Crowd(folder, Shape(given.runs // 2, given.processes, given.jobs), given.seed)
        shared = crowd.study("shared", given.kills)
        print(f"shared, with {crowd.kills.total()} kills: {time.monotonic() - began:.0f} s")
        print("\n".join(f"  {times} {kind}" for kind, times in sorted(crowd.kills.items())))
        again = sum(times - 1 for times in epochs_of(shared.with_suffix(".jsonl")).values())
        print(f"{len(kills.done(shared))} runs done; {again} epochs were trained again after a kill")
        wrong = list(report(crowd, alone, shared))
        print("\n".join(wrong) or "nothing lost, nothing twice, nothing different")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
