"""Intervals in every format of leaderboard and table: asked for, and the same numbers everywhere."""

import csv
import io
import json

import numpy as np
import pytest
from test_tables import SUITE, keys, make, measured

from dferbench.cli import _run
from dferbench.experiment import record
from dferbench.experiment.metrics import METRICS
from dferbench.report import html as html_format
from dferbench.report import latex, plain, terminal
from dferbench.report.leaderboard import load
from dferbench.report.table import Beside, make_sheet
from dferbench.statistics.intervals import interval
from dferbench.statistics.predictions import RunPredictions


def leave(folder, right, fold=1, seed=0, cell="cell1", predictions=True, **changes):
    """A finished run of 20 videos, and what it predicted."""
    record.write(make(cell, right, fold, seed, **changes), folder)
    label = np.repeat([0, 1], 10)
    said = np.where(np.tile(np.arange(10), 2) < right, label, 1 - label)
    ids = np.array([f"{fold}/{i}" for i in range(20)])
    if predictions:
        np.savez(folder / "predictions.npz", id=ids, label=label, logits=np.eye(2, dtype=np.float32)[said])
    return RunPredictions(fold, seed, 2, label, said, ids.tolist())


@pytest.fixture
def left(tmp_path):
    """Two folds and two seeds of one configuration, in a folder."""
    rights = {(1, 0): 6, (1, 1): 8, (2, 0): 7, (2, 1): 7}
    return [leave(tmp_path / f"fold{f}-seed{s}", right, f, s) for (f, s), right in rights.items()]


@pytest.fixture
def board(tmp_path, capfd):
    def go(*words):
        code = _run(["leaderboard", str(tmp_path), *words])
        out, err = capfd.readouterr()
        assert code == 0, err
        return out

    return go


def test_every_format_of_a_leaderboard_has_the_interval(left, board):
    expected = {name: interval(left, METRICS[name]) for name in ("uar", "war")}
    (row,) = json.loads(board("--json", "--interval", "95"))["rows"]
    assert row["intervals"] == {name: vars(one) for name, one in expected.items()}
    assert "intervals" not in json.loads(board("--json"))["rows"][0]
    (line,) = csv.DictReader(io.StringIO(board("--format", "csv", "--interval", "95")))
    assert (float(line["UAR low"]), float(line["WAR high"])) == (expected["uar"].low, expected["war"].high)
    words = f"[{expected['uar'].low:.2f}, {expected['uar'].high:.2f}]"
    for style, shown in {"html": words, "github": words.replace("[", r"\[").replace("]", r"\]"),
                         "latex": words.replace("[", "{[}").replace("]", "{]}")}.items():  # fmt: skip
        out = board("--format", style, "--interval", "95")
        assert shown in out and "two are too few to tell" in out.replace("\n", " "), style
    assert "two are too few to tell" in " ".join(board("--interval", "95").split())
    assert "too few" not in board()


def test_every_format_of_a_table_has_the_interval(left, tmp_path, capsys):
    records, _ = load(tmp_path)
    sheet = make_sheet(SUITE, records, keys(), ["last"], beside=Beside(level=80.0))
    found = measured(sheet, 1).numbers["war"].interval
    assert found == interval(left, METRICS["war"], 80.0)
    words = f"[{found.low:.2f}, {found.high:.2f}]"
    shown = {plain.text: words, html_format.html: words, latex.latex: f"{{[}}{words[1:-1]}{{]}}",
             plain.markdown: rf"\[{words[1:-1]}\]"}  # fmt: skip
    for write, expected in shown.items():
        assert expected in write(sheet) and "interval of the mean" in " ".join(write(sheet).split())
    row = next(csv.DictReader(io.StringIO(plain.comma_separated(sheet))))
    assert (float(row["faces last WAR low"]), float(row["faces last WAR high"])) == (found.low, found.high)
    results = json.loads(plain.as_json(sheet))["rows"][0]["results"]
    assert results[1]["scores"]["war"]["interval"] == vars(found) and "interval" not in results[0]["war"]
    terminal.show(sheet)
    assert words in capsys.readouterr().out
    assert words not in plain.text(make_sheet(SUITE, records, keys(), ["last"]))


def test_another_epoch_has_the_interval_of_its_counts(tmp_path):
    for seed in (0, 1):
        leave(tmp_path / f"s{seed}", 6, seed=seed, curve=(9, 6))
    records, _ = load(tmp_path)
    sheet = make_sheet(SUITE, records, keys(), ["best-on-test", "last"], beside=Beside(level=95.0))
    best, last = (measured(sheet, 1, rule).numbers["war"].interval for rule in ("best-on-test", "last"))
    assert best.low > last.low and best.high > last.high
    assert "Predictions are not kept" in best.says and "Predictions are not kept" not in last.says


def test_runs_that_disagree_on_a_label_are_two_lines(tmp_path, capfd):
    for seed in (0, 1):
        leave(tmp_path / f"s{seed}", 6, seed=seed)
    with np.load(tmp_path / "s1" / "predictions.npz") as file:
        arrays = dict(file)
    arrays["id"][[0, 15]] = arrays["id"][[15, 0]]
    np.savez(tmp_path / "s1" / "predictions.npz", **arrays)
    assert _run(["leaderboard", str(tmp_path), "--interval", "95"]) == 3
    error, hint = capfd.readouterr().err.splitlines()[-2:]
    assert "different labels in two runs" in error and hint.startswith("hint: ")


@pytest.mark.parametrize("level", ["0", "100", "many"])
def test_a_level_that_is_none_is_refused(tmp_path, capfd, level):
    assert _run(["leaderboard", str(tmp_path), "--interval", level]) == 2
    assert "--interval" in capfd.readouterr().err
