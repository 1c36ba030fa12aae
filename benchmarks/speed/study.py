"""How the cost of a command grows with a study: CPU time and memory beside 10 to 5,000 records.

    python benchmarks/speed/study.py [--sizes 10,100,1000,5000] [--epochs 50] [--times 3]

Baseline: the same study as releases until schema 2 left it, each record with its curve in it, so that every
record is read whole. For `run` of a finished run, which builds nothing, it is importing torch, as that was
done before it was known that nothing is to do. Every number is the least of several fresh processes, start of
Python included, with modules compiled as those of an installed package are; trust the ratios within one run.
The method and the dataset are those of a plugin that is written here; the records have seven classes and are
of runs that never were.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dferbench.experiment import curve as curves
from dferbench.experiment import record as records
from dferbench.experiment.plan import Plan, Request, make_plan, read_splits
from dferbench.experiment.record import Epoch, Record
from dferbench.files import to_json
from dferbench.progress import Progress
from dferbench.registry.catalog import discover

FOLDS, SEEDS = range(1, 6), range(10)
COMPILED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""The environment in which the first of several processes compiles what the others import."""
TESTED = 20
"""Test videos of each class."""
PLUGIN = """
from dferbench import Dataset, Input, Method, Recipe, Stage, Video, hookimpl


class Made(Dataset):
    classes = tuple("abcdefg")
    folds = (1, 2, 3, 4, 5)

    def videos(self, root, fold, split):
        count = 140 if split == "test" else 700
        return [Video(f"{fold}{split}{i}", str(root), i % 7) for i in range(count)]


def build(task, parts, width: int = 4):
    from torch import nn

    raise RuntimeError("nothing is to be built")


@hookimpl
def register_datasets(register):
    register("made", Made)


@hookimpl
def register_methods(register):
    register(Method("net", build, Recipe(Input(frames=8, size=32), (Stage({".*": 0.1}, EPOCHS, batch=8),))))
"""


def main() -> None:
    """Measure every command beside every number of records and print a line for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="10,100,1000,5000")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    start = least(["-m", "dferbench", "--help"], options.times)
    torch = least(["-c", "import torch"], options.times)
    print(f"{'dferbench --help':42}{start.text()}\n{'import torch':42}{torch.text()}")
    for size in map(int, options.sizes.split(",")):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            build(folder, size, options.epochs)
            for what, words in commands(folder, "now").items():
                now = least(words, options.times)
                alone = what == "run, finished"
                before = torch if alone else least(commands(folder, "before")[what], options.times)
                name = "import torch" if alone else "whole records"
                print(f"{f'{size} records, {what}':42}{now.text()}   {name} {before.over(now)}", flush=True)


@dataclass(frozen=True)
class Cost:
    """What a process took: seconds of CPU, and its largest memory in MB."""

    cpu: float
    memory: float

    def text(self) -> str:
        """Both, as a line shows them."""
        return f"{self.cpu:8.2f} s CPU {self.memory:6.0f} MB"

    def over(self, other: Cost) -> str:
        """How many times as much as the other."""
        return f"{self.cpu / other.cpu:5.1f}x CPU {self.memory / other.memory:5.1f}x memory"


def least(words: list[str], times: int) -> Cost:
    """The cost of the cheapest of so many processes. Raises RuntimeError if one fails."""
    found = []
    for _ in range(times):
        null = os.open(os.devnull, os.O_WRONLY)
        out = [(os.POSIX_SPAWN_DUP2, null, 1)]
        child = os.posix_spawn(sys.executable, [sys.executable, *words], COMPILED, file_actions=out)
        _, status, used = os.wait4(child, 0)
        os.close(null)
        if status:
            raise RuntimeError(f"{' '.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
        found.append(Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024))
    return min(found, key=lambda one: one.cpu)


def commands(folder: Path, study: str) -> dict[str, list[str]]:
    """What is measured, by its name."""
    start = ["-m", "dferbench", "--plugin", str(folder / "made.py")]
    runs, suite = str(folder / study), str(folder / "suite.toml")
    data = ["-d", "made", "--root", str(folder)]
    all_runs = ["--fold", "all", "--seed", ",".join(map(str, SEEDS))]
    return {
        "leaderboard": [*start, "leaderboard", runs],
        "table": [*start, "table", suite, "-d", "made", "--runs", runs],
        "runs": [*start, "runs", runs],
        "bench --dry-run": [*start, "bench", suite, *data, *all_runs, "-o", runs, "--dry-run"],
        "run, finished": [*start, "run", "-m", "net", *data, "--set", "width=1", "-o", runs, "-q"],
    }


def build(folder: Path, size: int, epochs: int) -> None:
    """Write the plugin, the suite, and the study twice: as it is left now, and as it was before."""
    (folder / "made.py").write_text(PLUGIN.replace("EPOCHS", str(epochs)))
    catalog = discover([folder / "made.py"])
    written = rows = 0
    while written < size:
        rows += 1
        request = Request(
            "net", "made", {"width": str(rows)}, (), tuple(SEEDS), folder, output=folder / "now"
        )
        plan = make_plan(request, catalog)
        prints = {fold: one.fingerprint for fold, one in read_splits(plan, Progress()).items()}
        models = [made(plan, epochs, number) for number in range(8)]
        for number, (fold, seed) in enumerate(plan.runs[: size - written]):
            facts = {"fold": fold, "seed": seed, "data": prints[fold]}
            leave(models[number % len(models)], facts, plan.folder(fold, seed), folder)
            written += 1
    lines = [
        f'[[rows]]\nlabel = "{n}"\nmethod = "net"\noptions = {{width = {n}}}' for n in range(1, rows + 1)
    ]
    (folder / "suite.toml").write_text("\n".join(['title = "made"', *lines]))


def made(plan: Plan, epochs: int, number: int) -> Record:
    """A finished run with its curve."""
    rng = random.Random(number)
    curve = [epoch(place, rng) for place in range(epochs)]
    run = Record(
        schema=records.SCHEMA, status="done", method=plan.method.name, origin=plan.method.origin,
        options=plan.options, given=dict(plan.request.sets), recipe=asdict(plan.recipe),
        dataset=plan.task.dataset, dataset_origin=plan.dataset_entry.origin, dataset_options={},
        classes=list(plan.task.classes), fold=1, seed=0, config_id=plan.config_id, data="", seconds=600.0,
        videos={"train": 700, "test": 140}, curve=curve, confusion=curve[-1].confusion, top2=curve[-1].top2,
        code=dict(plan.code), folds=list(FOLDS), decoders={"pyav": 700},
        environment={"device": "cpu", "packages": {f"package{i}": "1.2.3" for i in range(11)}},
    )  # fmt: skip
    return records.measured(run)


def epoch(number: int, rng: random.Random) -> Epoch:
    """One row of a curve: most videos on the diagonal."""
    matrix = [[0] * 7 for _ in range(7)]
    for k in range(7 * TESTED):
        matrix[k % 7][k % 7 if rng.random() < 0.5 else rng.randrange(7)] += 1
    hits = sum(matrix[k][k] for k in range(7))
    return Epoch(
        stage="train", epoch=number, terms={"ce": rng.random()}, learning_rates={".*": rng.random()},
        seconds=12.0, confusion=matrix, top2=hits + 10,
    )  # fmt: skip


def leave(model: Record, facts: dict[str, Any], run: Path, folder: Path) -> None:
    """The files of a run in both studies. They are not synced as a run's are, which would take minutes."""
    run.mkdir(parents=True)
    before = folder / "before" / run.relative_to(folder / "now")
    before.mkdir(parents=True)
    text = model.model_dump(by_alias=True)
    added = {"epochs", "curve_sha256", "best_on_test"}
    old = {name: value for name, value in text.items() if name not in added}
    (before / records.NAME).write_text(to_json({**old, **facts, "schema": 2}))
    content = curves.content_of(model.curve or [])
    (run / curves.NAME).write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    slim = records.without_curve(model).model_copy(update={**facts, "curve_sha256": sha256})
    (run / records.NAME).write_text(to_json(records.as_stated(slim)))
    for name in (records.PREDICTIONS, records.CHECKPOINT):
        (run / name).touch()
        (before / name).touch()


if __name__ == "__main__":
    main()
