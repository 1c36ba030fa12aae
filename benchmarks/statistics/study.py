"""A study with validation on drawn faces, and each of its figures computed once more from the predictions.

    python benchmarks/statistics/study.py [--videos 600] [--epochs 10] [-o DIR]

Three methods over frozen features of clip-tiny, three folds, three seeds, a fifth of the training videos held
out: 27 runs, the table under every selection rule with intervals and the optimism of choosing by the test,
and the diagram of ranks, `ranks.svg`. What `dferbench` prints is held against tests/study_again.py, which
knows numpy, scipy and scikit-learn alone. It says nothing about real faces.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[2] / "tests"))
import study_again

METHODS = ("linear-probe", "coop", "cocoop")
FOLDS, SEEDS = (1, 2, 3), (0, 1, 2)
RULES = ("last", "best-on-test", "val")


def main() -> None:
    """Run what is missing, print table and ranks, then how far every figure is from the other computation.

    Raises SystemExit if one of them is not the same.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--videos", type=int, default=600)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("-o", "--output", type=Path, help="A folder that is kept; the study continues in it.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.output or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "suite.toml").write_text(suite(options.epochs))
        study(folder, f"synthetic(videos={options.videos})")


def suite(epochs: int) -> str:
    """A row a method."""
    row = '[[rows]]\nlabel = "{0}"\nmethod = "{0}"\noptions = {{ "stage.epochs" = {1} }}\n'
    return 'title = "A study"\nvalidation = 0.2\n' + "".join(row.format(name, epochs) for name in METHODS)


def study(folder: Path, dataset: str) -> None:
    """The runs, what is printed of them, and the comparison."""

    def dferbench(*words: str) -> str:
        command = [sys.executable, "-m", "dferbench", *words]
        return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout

    numbers = ["--fold", ",".join(map(str, FOLDS)), "--seed", ",".join(map(str, SEEDS))]
    dferbench("bench", "suite.toml", "-d", dataset, *numbers, "--keep-predictions", "all", "-q")
    asked = ["table", "suite.toml", "-d", dataset, "--select", "all", "--optimism", "--interval", "95"]
    asked += ["--metrics", "uar,war,macro-f1"]
    print(dferbench(*asked))
    print(dferbench("ranks", "suite.toml", "-d", dataset, "--diagram", "ranks.svg"))
    rows = runs_in(folder / "runs")
    found = list(differences(json.loads(dferbench(*asked, "--format", "json")), rows))
    ranks = json.loads(dferbench("ranks", "suite.toml", "-d", dataset, "--json"))
    again, p = study_again.average_ranks(rows, FOLDS)
    found += [("mean rank", abs(one["mean_rank"] - again[one["label"]])) for one in ranks["rows"]]
    found += [("Friedman's p", abs(ranks["friedman"]["p"] - p))]
    report(found)


def runs_in(folder: Path) -> dict[str, list[study_again.Run]]:
    """The runs of each method, read again."""
    rows: dict[str, list[study_again.Run]] = {name: [] for name in METHODS}
    for path in sorted(folder.rglob("record.json")):
        run = study_again.Run(path.parent)
        rows[run.record["method"]].append(run)
    return rows


def differences(sheet: dict[str, Any], rows: dict[str, list[study_again.Run]]) -> Iterator[tuple[str, float]]:
    """Of every figure of the table what it is, and how far it is from the same of the predictions: in points,
    or, for the bounds of an interval, which is drawn at random, as a share of its width."""
    for row in sheet["rows"]:
        runs = rows[row["label"]]
        for column in row["results"]:
            for metric in study_again.METRICS:
                cell = column["scores"][metric]
                again = (
                    study_again.optimism(runs, metric)
                    if column["kind"] == "optimism"
                    else study_again.mean(runs, metric, column["kind"])
                )
                yield f"{metric}, {column['kind']}", abs(cell["mean"] - again)
            if column["kind"] in RULES:
                bounds = column["scores"]["war"]["interval"]
                width = bounds["high"] - bounds["low"]
                low, high = study_again.war_interval(runs, column["kind"])
                far = max(abs(bounds["low"] - low), abs(bounds["high"] - high))
                yield "interval of war", far / width if width else 0.0


def report(found: list[tuple[str, float]]) -> None:
    """The largest difference of each kind. Raises SystemExit if one is more than rounding, or luck."""
    worst: dict[str, float] = {}
    for what, far in found:
        worst[what] = max(worst.get(what, 0.0), far)
    for what, far in worst.items():
        print(f"{what:28}{far:.2g}")
    print(f"{len(found)} figures computed again")
    if wrong := [what for what, far in worst.items() if far > (0.1 if what.startswith("interval") else 1e-6)]:
        sys.exit(f"not the same: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
