"""What finished runs owe to the order of the frames: their checkpoints, tested again with shuffled frames.

    python benchmarks/order.py runs --output shuffled [--pairs surprise+fear,anger+disgust]

Prints one Markdown table: right answers in order and shuffled, for each pair of classes that differ in
motion alone and for all other classes, and UAR. A method that does not look at the order keeps every number;
one that knows a pair by nothing else falls to half of it. Folds and seeds of one method and setting are
added up. Tests that lie in the output folder are not made again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate

from dferbench import spec
from dferbench.experiment import metrics, record
from dferbench.experiment.counts import Counts as TestCounts
from dferbench.experiment.record import Record

Counts = NDArray[np.int64]


def call(name: str, options: Mapping[str, Any], args: Sequence[Any] = ()) -> str:
    """A spec as text."""
    words = [*map(repr, args), *(f"{key}={value!r}" for key, value in options.items())]
    return f"{name}({', '.join(words)})" if words else name


def shuffled(sample: str) -> str:
    """The sampler as text, with the frames of test videos out of order."""
    parsed = spec.parse_one(sample)
    return call(parsed.name, {**parsed.options, "shuffle": True}, parsed.args)


def test_again(path: Path, run: Record, output: Path, root: Path | None) -> Record:
    """The record of a run's checkpoint on shuffled frames. Raises CalledProcessError if there is none."""
    folder = output / path.parent.parent.name / path.parent.name
    command = [sys.executable, "-m", "dferbench", "evaluate", "--quiet", "--fold", str(run.fold)]
    command += ["--checkpoint", str(path.parent / "checkpoint.safetensors"), "--output", str(folder)]
    command += ["--dataset", call(run.dataset, run.dataset_given)]
    command += ["--set", f"input.sample={shuffled(run.recipe['input']['sample'])}"]
    command += ["--root", str(root)] if root else []
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (found,) = record.find(folder)
    return record.read(found)


def setting(run: Record) -> str:
    """The method and what the user set."""
    return " ".join([run.method, *(f"{name}={value}" for name, value in sorted(run.given.items()))])


def right(confusion: Counts, rows: Sequence[int]) -> int:
    """Right answers among the videos of these classes."""
    return int(sum(confusion[row, row] for row in rows))


def line(name: str, ordered: Counts, mixed: Counts, groups: Sequence[Sequence[int]]) -> list[str]:
    """A row of the table: both right answers of each group, then both UARs."""
    cells = [f"{right(ordered, rows)}, {right(mixed, rows)}" for rows in groups]
    return [name, *cells, ", ".join(f"{metrics.uar(TestCounts(c.tolist())):.2f}" for c in (ordered, mixed))]


def table(runs: Sequence[tuple[Record, Record]], pairs: Sequence[Sequence[str]]) -> str:
    """The Markdown table of runs of one dataset and their tests with shuffled frames."""
    classes = runs[0][0].classes
    groups = [[classes.index(name) for name in pair] for pair in pairs]
    groups.append([i for i in range(len(classes)) if not any(i in pair for pair in groups)])
    sums: dict[str, list[Counts]] = defaultdict(lambda: [np.zeros((len(classes),) * 2, np.int64)] * 2)
    for both in runs:
        name = setting(both[0])
        sums[name] = [c + np.array(r.confusion) for c, r in zip(sums[name], both, strict=True)]
    sizes = next(iter(sums.values()))[0].sum(1)
    heads = [" and ".join(pair) for pair in pairs] + ["the rest"]
    heads = [f"{head} (of {sizes[rows].sum()})" for head, rows in zip(heads, groups, strict=True)]
    lines = [line(name, ordered, mixed, groups) for name, (ordered, mixed) in sums.items()]
    return str(tabulate(lines, ["in order, shuffled", *heads, "UAR"], tablefmt="github"))


def main() -> None:
    """Test what is not tested yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("runs", type=Path, help="a folder of runs of one dataset")
    parser.add_argument("--output", type=Path, default=Path("shuffled"))
    parser.add_argument("--pairs", default="surprise+fear,anger+disgust")
    parser.add_argument("--root", type=Path, help="where the dataset lies")
    asked = parser.parse_args()
    found = [(path, record.read(path)) for path in record.find(asked.runs)]
    runs = [
        (path, run) for path, run in found if run.status == "done" and "shuffled frames" not in run.caveats
    ]
    if not runs:
        raise SystemExit(f"there is no finished run below {asked.runs}")
    tested = [(run, test_again(path, run, asked.output, asked.root)) for path, run in runs]
    print(table(tested, [pair.split("+") for pair in asked.pairs.split(",")]))


if __name__ == "__main__":
    main()
