"""The leaderboard's filters: each keeps what it says, all together, and refuses what no row has."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import TOY
from test_tables import make

from dferbench.cli import _run
from dferbench.experiment import record


@pytest.fixture
def board(tmp_path, monkeypatch, capfd):
    """Six rows in ./runs; run `dferbench leaderboard` over them: (exit code, rows or stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    clip, plain = {"backbone": "tower(width=8)"}, {}
    for cell, changes in {
        "a": {"method": "m", "options": clip, "dataset": "toy", "weights": {"tower": {"source": "hub"}}},
        "b": {
            "method": "m",
            "options": plain,
            "dataset": "toy",
            "limit": 3,
            "notes": {"weights": "from scratch"},
        },
        "c": {"method": "n", "options": clip, "dataset": "toy", "synthetic": True},
        "d": {
            "method": "n",
            "options": plain,
            "dataset": "elsewhere",
            "notes": {"weights": {"file": "k400.pth"}},
        },
    }.items():
        for fold in (1, 2) if cell in "ac" else (1,):
            one = make(cell, 5 + fold, fold, curve=(9, 5 + fold), **changes)
            record.write(one, tmp_path / "runs" / f"{cell}{fold}")

    def go(*arguments):
        code = _run(["--plugin", str(TOY), "leaderboard", "--json", *arguments])
        out, err = capfd.readouterr()
        return code, [row["config_id"] for row in json.loads(out)["rows"]] if out else [], err

    return go


@pytest.mark.parametrize(
    ("arguments", "cells"),
    [
        ([], "dacb"),
        (["--dataset", "elsewhere"], "d"),
        (["-d", "elsewhere", "-d", "toy"], "dacb"),
        (["--method", "n"], "dc"),
        (["--backbone", "tower"], "ac"),
        (["--backbone", "tower(width=8)", "-m", "m"], "a"),
        (["--backbone", "none"], "db"),
        (["--caveats", "none"], "da"),
        (["--caveats", "synthetic", "--caveats", "limited"], "cb"),
        (["--pretraining", "tower"], "a"),
        (["--pretraining", "none"], "bc"),
        (["--pretraining", "k400.pth", "--pretraining", "tower"], "ad"),
        (["--protocol", "complete"], "ac"),
        (["--protocol", "complete", "--caveats", "none"], "a"),
    ],
)
def test_filters_keep_what_they_say(board, arguments, cells):
    code, found, _ = board(*arguments)
    assert code == 0 and sorted(found) == sorted(cells) and len(found) == len(cells)


def test_a_dataset_that_is_not_there_is_not_known_to_be_complete(board):
    assert "folds of elsewhere are not known" in board("--protocol", "complete")[2]


def test_filters_that_leave_nothing(board, capfd):
    wanted = ["-d", "elsewhere", "--protocol", "complete"]
    assert board(*wanted)[:2] == (0, [])
    assert _run(["leaderboard", *wanted]) == 3 and "passes all filters" in capfd.readouterr().err


def test_selection_has_two_names(board, capfd):
    _run(["leaderboard", "--json", "--selection", "best-on-test", "-m", "m", "--caveats", "none"])
    (row,) = json.loads(capfd.readouterr().out)["rows"]
    assert row["uar"]["mean"] == pytest.approx(90)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "tyo"], "toy"),
        (["--method", "x"], "method among these runs"),
        (["--backbone", "towr"], "tower"),
        (["--caveats", "sinthetic"], "synthetic"),
        (["--protocol", "all"], "complete"),
    ],
)
def test_what_no_row_has_is_refused(board, arguments, message):
    code, found, err = board(*arguments)
    error, hint = err.splitlines()[-2:]
    assert code == 3 and not found and message in error + hint


PUBLISHED = """
title = "P"
source = "S"
[defaults]
folds = "all"
[[rows]]
id = "x"
label = "Ecks"
venue = "MM"
year = 2024
input = "A+V"
source = "a list"
results = { toy = ["-", 61.5] }
note = "heard of"
[[rows]]
id = "y"
label = "Why"
results = { toy = [50, 60.25], faces = [1, 2] }
"""


@pytest.fixture
def text_of(board, capfd):
    """What `dferbench leaderboard` prints of the same rows."""

    def go(*arguments):
        assert _run(["--plugin", str(TOY), "leaderboard", *arguments]) == 0
        return capfd.readouterr().out

    return go


def test_what_papers_print_stands_apart_and_has_no_rank(text_of, tmp_path):
    (tmp_path / "p.toml").write_text(PUBLISHED)
    both = text_of("--published", "p.toml", "--by", "war")
    runs, toy, _ = both.split("as published, in percent")
    assert "elsewhere, test results" in runs and toy.index("Ecks") < toy.index("Why")
    assert "[1] heard of" in both and "not ranked" in both and "MM 2024" in toy and "61.50" in toy
    by_uar = text_of("--published", "p.toml", "-d", "toy")
    assert by_uar.index("Why") < by_uar.index("Ecks") and "faces, as published" not in by_uar
    found = json.loads(text_of("--published", "p.toml", "--json"))["published"]
    assert [(one["dataset"], one["label"], one["uar"]) for one in found][:2] == [
        ("toy", "Why", 50.0),
        ("toy", "Ecks", None),
    ]


def test_published_numbers_need_no_runs(tmp_path, in_process):
    (tmp_path / "p.toml").write_text(PUBLISHED)
    assert "Ecks" in in_process("leaderboard", "--published", "p.toml", check=0).stdout
    assert "nowhere.toml" in in_process("leaderboard", "--published", "nowhere.toml", check=3).stderr


def test_fidelity_is_a_column_on_request(text_of, tmp_path):
    record.write(make("e", 5, method="dfer-clip", dataset="toy"), tmp_path / "runs" / "e")
    assert "fidelity" not in text_of()
    text = text_of("--fidelity")
    (line,) = [line for line in text.splitlines() if " dfer-clip" in line]
    assert "official-code" in line and text.count("fidelity") == 2
    rows = json.loads(text_of("--fidelity", "--json"))["rows"]
    assert {row["fidelity"] for row in rows} == {"official-code", ""}


def test_any_metric_ranks_and_is_a_column(board, capfd):
    """Classes that are confused one way have another order by macro F1 than by UAR."""
    uneven = {"x": [[10, 0], [6, 14]], "y": [[4, 6], [1, 19]], "z": [[8, 2], [3, 17]]}
    for cell, confusion in uneven.items():
        one = make(
            f"uneven-{cell}", 5, dataset="uneven", confusion=confusion, videos={"train": 1, "test": 30}
        )
        record.write(one, Path("runs") / f"uneven-{cell}")
    for by, name in (("uar", "uar"), ("f1", "macro-f1"), ("war", "war")):
        _run(["leaderboard", "--json", "-d", "uneven", "--metrics", "uar,war,macro-f1", "--by", by])
        rows = json.loads(capfd.readouterr().out)["rows"]
        values = [row["scores"][name]["mean"] for row in rows]
        assert values == sorted(values, reverse=True) and len(set(values)) == 3
        assert rows[0]["config_id"] == ("uneven-x" if by == "uar" else "uneven-z")
        assert all(len(row["pooled"]) == len(row["best_on_test"]) == 3 for row in rows)
    _run(["leaderboard", "-d", "uneven", "--metrics", "war,macro_f1"])
    out = capfd.readouterr().out
    assert "macro F1" in out and "UAR" not in out


def test_an_unknown_metric_is_refused(board, capfd):
    for option in ("--by", "--metrics"):
        assert _run(["leaderboard", option, "auc"]) == 3
        assert "no metric named 'auc'" in capfd.readouterr().err


def test_what_old_records_cannot_give_is_a_dash_and_said(board, capfd):
    """Top-2 hits are counted from the predictions of the last epoch where these are still there."""
    logits = np.array([[3, 2, 1], [1, 3, 2], [3, 2, 1], [2, 1, 3]], dtype=np.float32)
    labels = np.array([0, 1, 2, 0])
    confusion = [[1, 0, 1], [0, 1, 0], [1, 0, 0]]
    facts = {"dataset": "old", "classes": ["a", "b", "c"], "confusion": confusion}
    facts["videos"] = {"train": 1, "test": 4}
    record.write(make("o", 0, **facts), Path("runs") / "o")
    np.savez(Path("runs") / "o" / "predictions.npz", id=np.array(list("abcd")), label=labels, logits=logits)
    words = ["leaderboard", "-d", "old", "--by", "top2"]
    _run([*words, "--json"])
    (row,) = json.loads(capfd.readouterr().out)["rows"]
    assert row["scores"]["top2"]["mean"] == 75 == row["best_on_test"][2]
    (Path("runs") / "o" / "predictions.npz").unlink()
    _run([*words, "--json"])
    (row,) = json.loads(capfd.readouterr().out)["rows"]
    assert row["scores"]["top2"] is None and row["best_on_test"][2] is None
    _run(words)
    out = capfd.readouterr().out
    assert "-: top-2 accuracy is not defined" in out and "old records lack" in out


def test_classes_without_test_videos_are_said(board, capfd):
    one = make("u", 0, dataset="gap", confusion=[[5, 5], [0, 0]], videos={"train": 1, "test": 10})
    record.write(one, Path("runs") / "u")
    _run(["leaderboard", "-d", "gap"])
    assert "m on gap: no test video of b, left out of means over classes" in capfd.readouterr().out


def test_several_seeds_have_no_pooled_number_and_json_no_nan(board, capfd):
    for seed in (0, 1):
        record.write(make("s", 5, seed=seed, dataset="seeds"), Path("runs") / f"s{seed}")
    _run(["leaderboard", "-d", "seeds", "--json"])
    out = capfd.readouterr().out
    assert json.loads(out)["rows"][0]["pooled"] == [None, None] and "NaN" not in out


def test_published_numbers_of_any_metric(text_of, tmp_path):
    (tmp_path / "p.toml").write_text(
        'title = "P"\nsource = "S"\n'
        '[[rows]]\nid = "x"\nlabel = "Ecks"\nresults = { toy = { f1 = 55.1, war = 50 } }\n'
        '[[rows]]\nid = "y"\nlabel = "Why"\nresults = { toy = { macro_f1 = 56.2, war = 40 } }\n'
        '[[rows]]\nid = "z"\nlabel = "Zet"\nresults = { toy = [70, 80] }\n'
    )
    text = text_of("--published", "p.toml", "--metrics", "macro-f1").split("as published")[1]
    assert text.index("Why") < text.index("Ecks") < text.index("Zet") and "56.20" in text
    (tmp_path / "p.toml").write_text(PUBLISHED.replace("[50, 60.25]", "{ f3 = 50 }"))
    assert _run(["leaderboard", "--published", "p.toml"]) == 3
