"""Kill studies at random moments, continue them, and compare what comes out with a study that nobody killed.

    python benchmarks/kills.py --kills 200 --seed 0

A study is two short runs on drawn videos, by `run` or by `bench`. It is started, sent a signal, and started
again until it is done. The kinds of kill take turns: SIGKILL, SIGTERM and SIGINT, to the process or to its
group, with 0 and 2 readers, and to one reader alone. The moments are drawn from the seed. Exits with 1 if a
run was lost, any bit differs, an exit code is wrong, or anything is left behind: a process, a temporary file,
shared memory.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle, product
from pathlib import Path
from typing import Any

SUITE = """
title = "Two rows to be killed"
[[rows]]
label = "a"
method = "finetune"
[[rows]]
label = "b"
method = "linear-probe"
"""
DATA = ["-d", "synthetic(videos=35,size=64)", "--device", "cpu", "--epochs", "2", "--set", "stage.batch=4"]
STUDIES = {
    "run": ["run", "-m", "finetune", *DATA, "--set", "input.frames=4", "--fold", "1,2"],
    "bench": ["bench", "kills.toml", *DATA, "--set", "input.frames=4", "--fold", "1"],
}
PRELOADED = (
    "dferbench.cli.app", "dferbench.cli.bench", "dferbench.cli.table", "dferbench.builtins",
    "dferbench.runner.bench", "dferbench.report.leaderboard", "dferbench.report.table",
    "dferbench.data.official", "dferbench.models.two_tower", "dferbench.face_crops.look",
    "dferbench_datasets.dfew", "dferbench_methods.clip_baselines", "torchmetrics.functional.classification",
    "decord", "av", "open_clip", "lightning_fabric", "tabulate", "lmdb",
)  # fmt: skip
"""What forks would take seconds to import."""
SECONDS_TO_END = 60.0
"""A process that was asked to end and has not is a failure."""
SECONDS_TO_VANISH = 10.0
"""Those that it started must be gone by then."""


@dataclass(frozen=True)
class Kind:
    """One kind of kill: which signal goes to whom, in a study with so many readers."""

    number: signal.Signals
    target: str
    readers: int

    def codes(self, study: str) -> set[int]:
        """What the study may end with."""
        if self.target == "one reader":
            return {4, 5} if self.number == signal.SIGKILL else {0}
        return {{signal.SIGKILL: -9, signal.SIGTERM: 75, signal.SIGINT: 130}[self.number]}

    def __str__(self) -> str:
        return f"{self.number.name} to {self.target}, {self.readers} readers"


SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
KINDS = [Kind(*one) for one in product(SIGNALS, ("the process", "its group"), (0, 2))]
KINDS += [Kind(number, "one reader", 2) for number in SIGNALS]


class Process:
    """A study at work, in a session of its own: a fork of this process, which has imported what is slow."""

    def __init__(self, words: Sequence[str], folder: Path, errors: Path) -> None:
        self.errors = errors
        self.code: int | None = None
        self.pid = os.fork()
        if not self.pid:
            _become(words, folder, errors)

    def ended(self, seconds: float) -> int | None:
        """The exit code, negative for a signal; None if it has not ended within that time."""
        end = time.monotonic() + seconds
        while self.code is None:
            found, status = os.waitpid(self.pid, os.WNOHANG)
            if found:
                self.code = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > end:
                return None
            else:
                time.sleep(0.005)
        return self.code

    def send(self, kind: Kind) -> bool:
        """Send the signal; whether there was anybody to send it to."""
        readers = sorted(session(self.pid) - {self.pid})
        try:
            if kind.target == "its group":
                os.killpg(self.pid, kind.number)
            elif kind.target == "the process" or readers:
                os.kill(self.pid if kind.target == "the process" else readers[-1], kind.number)
        except ProcessLookupError:
            return False
        return kind.target != "one reader" or bool(readers)

    def end(self) -> None:
        """End it and what it started."""
        for one in session(self.pid):
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)

    def vanished(self) -> set[int]:
        """The processes of its session that are still there a while after its end."""
        end = time.monotonic() + SECONDS_TO_VANISH
        while (left := session(self.pid)) and time.monotonic() < end:
            time.sleep(0.05)
        return left


def _become(words: Sequence[str], folder: Path, errors: Path) -> None:
    """In the fork: what the command `dferbench` does."""
    code = 99
    try:
        os.setsid()
        os.chdir(folder)
        handle = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        from dferbench.cli import main

        main(words)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def session(leader: int) -> set[int]:
    """The living processes of a session."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, *fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == leader and state != "Z":
            found.add(int(path.parent.name))
    return found


def results(folder: Path) -> dict[str, Any]:
    """What must not depend on kills: for each run its record but for times, and its files' bytes."""
    from dferbench.experiment import curve, record

    found = {}
    for path in record.find(folder):
        whole = record.read_whole(path)
        one = whole.model_dump(by_alias=True, exclude={"seconds", "environment", "decoders", "curve_sha256"})
        one["curve"] = [{**row, "seconds": 0} for row in one["curve"]]
        one["files"].pop(curve.NAME, None)  # its bytes hold seconds
        files = ("predictions.npz", "checkpoint.safetensors")
        one |= {name: (path.parent / name).read_bytes() for name in files if (path.parent / name).is_file()}
        found[str(path.parent.relative_to(folder))] = one
    return found


def done(folder: Path) -> set[str]:
    """The runs whose record says that they are done."""
    return {name for name, one in results(folder).items() if one["status"] == "done"}


def hidden(folder: Path) -> set[str]:
    """Files that begin with a dot: none of what a study leaves does."""
    return {str(path) for path in folder.rglob(".*") if path.is_file()}


@dataclass
class Tally:
    """What came of the kills of one kind."""

    kills: int = 0
    lost: int = 0
    code: int = 0
    orphans: int = 0
    told: int = 0
    """How often stderr does not end in an error and a hint, or shows a traceback."""


class Harness:
    """The folder of one call, the study that nobody killed, and the tallies."""

    def __init__(self, folder: Path, seed: int, say: Callable[[str], None]) -> None:
        self.folder, self.random, self.say = folder, random.Random(seed), say
        self.tallies = {kind: Tally() for kind in KINDS}
        self.studies = self.different = self.left = self.too_late = 0
        (folder / "kills.toml").write_text(SUITE)
        self.wanted: dict[str, dict[str, Any]] = {}
        self.seconds: dict[str, float] = {}

    def reference(self) -> None:
        """Do each study once without a kill."""
        for study in STUDIES:
            started = time.monotonic()
            output = self.folder / f"whole-{study}"
            process = self.start(study, output, 0)
            if process.ended(3600) != 0:
                raise SystemExit(process.errors.read_text())
            self.wanted[study] = results(output)
            self.seconds[study] = time.monotonic() - started
            self.say(f"{study}: {len(self.wanted[study])} runs in {self.seconds[study]:.1f} s without a kill")

    def start(self, study: str, output: Path, readers: int) -> Process:
        """Start or continue a study."""
        words = [*STUDIES[study], "-o", str(output), "-j", str(readers)]
        return Process(words, self.folder, self.folder / f"{output.name}.log")

    def kill(self, kills: int, seconds: float) -> None:
        """Study after study, until there were so many kills or so much time has passed."""
        end = time.monotonic() + seconds
        kinds, studies = cycle(self.random.sample(KINDS, len(KINDS))), cycle(STUDIES)
        kind = next(kinds)
        while self.kills < kills and time.monotonic() < end:
            study = next(studies)
            output = self.folder / f"study{self.studies}"
            while done(output) != set(self.wanted[study]):
                if self.once(study, output, kind):
                    kind = next(kinds)
            self.compare(study, output)

    def once(self, study: str, output: Path, kind: Kind) -> bool:
        """Start the study and kill it; false if it was done before."""
        before = done(output)
        log = self.folder / f"{output.name}.log"
        log.unlink(missing_ok=True)
        process = self.start(study, output, kind.readers)
        if process.ended(self.moment(study, process, kind)) is not None or not process.send(kind):
            self.too_late += 1
            self.seconds[study] *= 0.8
            if process.ended(600) != 0:
                self.problem(kind, f"exit {process.code} without a kill", log)
                self.tallies[kind].code += 1
            return False
        # The machine's load changes: as many moments as possible shall be in time.
        self.seconds[study] *= 1.03
        self.judge(study, output, kind, process, before, log)
        return True

    def moment(self, study: str, process: Process, kind: Kind) -> float:
        """After how many seconds to send the signal; for a reader, once there is one."""
        if kind.target != "one reader":
            return self.random.uniform(0.02, self.seconds[study])
        end = time.monotonic() + 60
        while len(session(process.pid)) < 2 and process.ended(0.02) is None and time.monotonic() < end:
            pass
        return self.random.uniform(0, self.seconds[study] / 4)

    def judge(
        self, study: str, output: Path, kind: Kind, process: Process, before: set[str], log: Path
    ) -> None:
        """Count what went wrong after a kill."""
        tally = self.tallies[kind]
        code = process.ended(600 if kind.codes(study) == {0} else SECONDS_TO_END)
        whole = done(output) == set(self.wanted[study])
        tally.kills += 1
        if code not in kind.codes(study) and not (code == 0 and whole):
            tally.code += 1
            self.problem(kind, f"exit {code}", log)
        if code is None:
            process.end()
            process.ended(60)
        if left := process.vanished():
            tally.orphans += 1
            self.problem(kind, f"left {len(left)} processes", log)
            process.end()
        if missing := before - done(output):
            tally.lost += 1
            self.problem(kind, f"lost {missing}", log)
        if code in {4, 75, 130} and not told(log):
            tally.told += 1
            self.problem(kind, "not told in two lines", log)

    def compare(self, study: str, output: Path) -> None:
        """The study is done: is it the one that nobody killed?"""
        self.studies += 1
        self.say(f"{self.kills} kills, {self.studies} studies")
        found, wanted = results(output), self.wanted[study]
        for name in wanted:
            fields = [f for f in wanted[name] if found[name].get(f) != wanted[name][f]]
            if fields:
                self.different += 1
                self.say(f"DIFFERENT: {output / name}: {', '.join(fields)}")
        left = hidden(output) | hidden(Path(os.environ["DFERBENCH_HOME"])) | hidden(self.cache)
        if left:
            self.left += len(left)
            self.say(f"LEFT BEHIND: {', '.join(sorted(left))}")

    @property
    def kills(self) -> int:
        """How many there were."""
        return sum(tally.kills for tally in self.tallies.values())

    @property
    def cache(self) -> Path:
        """Where drawn videos and features are kept."""
        return Path(os.environ["DFERBENCH_CACHE"])

    def problem(self, kind: Kind, what: str, log: Path) -> None:
        """Show a failure with the end of what the study said."""
        said = log.read_text(errors="replace") if log.is_file() else ""
        self.say(f"PROBLEM: {kind}: {what}\n{said[-1500:]}")

    @property
    def good(self) -> bool:
        """Whether nothing went wrong."""
        tallies = self.tallies.values()
        return not (self.different + self.left + sum(t.lost + t.code + t.orphans + t.told for t in tallies))

    def table(self) -> Iterator[str]:
        """The tallies as lines."""
        yield f"{'kill':<40} kills  lost  wrong code  orphans  not told"
        for kind, t in self.tallies.items():
            yield f"{kind!s:<40} {t.kills:>5} {t.lost:>5} {t.code:>11} {t.orphans:>8} {t.told:>9}"
        runs = sum(map(len, self.wanted.values())) * self.studies // len(STUDIES)
        yield (
            f"{self.kills} kills in {self.studies} studies ({runs} runs): {self.different} runs different, "
            f"{self.left} files left behind, {self.too_late} starts were done before the kill"
        )


def told(log: Path) -> bool:
    """Whether it ends in an error and a hint, without a traceback."""
    text = log.read_text(errors="replace")
    lines = text.splitlines()[-2:]
    starts = [line.split(":")[0] for line in lines]
    return starts == ["error", "hint"] and "Traceback" not in text


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill, compare, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200, help="Number of kills.")
    parser.add_argument("--seed", type=int, default=0, help="Seed of kinds and moments.")
    parser.add_argument("--minutes", type=float, default=600.0, help="Begin no study after so long.")
    parser.add_argument("--folder", type=Path, help="Existing folder for studies; else a temporary one.")
    given = parser.parse_args(arguments)
    # Before anything imports torch, which reads it once.
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory(prefix="dferbench-kills-", dir=given.folder) as folder:
        os.environ |= {"DFERBENCH_HOME": f"{folder}/home", "DFERBENCH_CACHE": f"{folder}/cache"}
        for name in ("home", "cache"):
            (Path(folder) / name).mkdir()
        _draw(Path(folder))
        for name in PRELOADED:
            importlib.import_module(name)
        shared = _shared()
        harness = Harness(Path(folder), given.seed, lambda text: print(text, flush=True))
        harness.reference()
        harness.kill(given.kills, 60 * given.minutes)
        harness.left += len(_shared() - shared)
        print("\n".join(harness.table()))
    return 0 if harness.good else 1


def _shared() -> set[str]:
    return {path.name for path in Path("/dev/shm").glob("torch_*")}


def _draw(folder: Path) -> None:
    """Draw the videos in a process of its own, so that this one stays without threads."""
    one = ["run", "-m", "linear-probe", *DATA, "--set", "input.frames=4", "--fold", "1"]
    words = [*one, "-o", "drawn", "-j", "0"]
    subprocess.run([sys.executable, "-m", "dferbench", *words], cwd=folder, check=True, capture_output=True)


if __name__ == "__main__":
    sys.exit(main())
