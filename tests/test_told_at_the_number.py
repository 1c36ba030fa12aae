"""What a reader must know of a number stands where the number stands, and labels are told apart."""

import json

import pytest
from test_tables import make

from dferbench.cli import _run
from dferbench.experiment import record
from dferbench.experiment.printed import Printed
from dferbench.experiment.suite import Row, Suite
from dferbench.report.labels import told_apart
from dferbench.report.leaderboard import rows
from dferbench.report.printed import as_data
from dferbench.report.table import Key, make_sheet
from dferbench.report.text import leaderboard


def lines(records, **more):
    return leaderboard(rows(records), "last", **more).splitlines()


def row_of(text, method):
    return next(line for line in text if f" {method} " in line)


def test_a_class_without_test_videos_is_pointed_out_at_its_mean(tmp_path):
    whole = make("a", 8, method="whole")
    part = make("b", 8, method="part").model_copy(update={"confusion": [[8, 2], [0, 0]], "curve": []})
    text = lines([whole, part])
    note = next(line for line in text if "no test video of" in line)
    assert note.startswith("[1] ") and "means over classes" in note
    assert row_of(text, "part").count("[1]") == 1 and "[1]" not in row_of(text, "whole")


def test_one_of_two_folds_says_of_how_many():
    one = make("a", 8).model_copy(update={"folds": [1, 2]})
    two = [make("b", 8, fold, method="n").model_copy(update={"folds": [1, 2]}) for fold in (1, 2)]
    text = lines([one, *two])
    assert "1 of 2" in row_of(text, "m") and "1,2 " in row_of(text, "n") and " of " not in row_of(text, "n")
    assert [row.folds_of for row in rows([one, *two])] == [2, 2]


def uneven(confusion):
    return make("a", 5, curve=(5, 5)).curve[0].model_copy(update={"confusion": confusion})


def test_a_best_epoch_below_the_last_is_explained_at_its_number():
    """By WAR the first epoch is better, 91 of 100 to 90, by UAR the last."""
    first, last = [[90, 0], [9, 1]], [[81, 9], [1, 9]]
    one = make("a", 5).model_copy(update={"curve": [uneven(first), uneven(last)], "confusion": last})
    (row,) = rows([one])
    assert row.best_on_test["uar"] < row.scores["uar"].mean and row.below_last == ("uar",)
    text = lines([one])
    assert "best on test" in text[2] and "[1]" in row_of(text, "m")
    assert any(line.startswith("[1] ") and "UAR may be worse" in line for line in text)
    better = make("b", 8, curve=(9, 8))
    assert rows([better])[0].below_last == () and not any(line.startswith("[1]") for line in lines([better]))


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ([{"seed": "0", "id": "a"}, {"seed": "1", "id": "b"}], ["x seed=0", "x seed=1"]),
        (
            [{"a": "1", "b": "1"}, {"a": "1", "b": "2"}, {"a": "2", "b": "1"}],
            ["x a=1 b=1", "x a=1 b=2", "x a=2 b=1"],
        ),
        ([{"long": "y" * 90, "id": "1"}, {"long": "z" * 90, "id": "2"}], ["x id=1", "x id=2"]),
        ([{}, {}], ["x (1)", "x (2)"]),
        ([{"only": "1"}, {}], ["x only=1", "x only=-"]),
    ],
)
def test_equal_labels_name_the_shortest_thing_that_tells_them_apart(facts, told):
    assert told_apart(["x"] * len(facts), facts) == told
    assert told_apart(["x", "y"], [{}, {}]) == ["x", "y"]


def test_a_lengthened_label_is_not_one_that_was_there():
    told = told_apart(["a", "a", "a x=1"], [{"x": "1"}, {"x": "2"}, {}])
    assert len(set(told)) == 3 and told[1] == "a x=2"


def test_a_model_that_was_tested_under_two_seeds_counts_once():
    """Releases before this one kept every evaluation under seed 0."""
    from_ = {"checkpoint": {"file": "c", "sha256": "1" * 64, "seed": 3}}
    old, new = (make("a", 8).model_copy(update={**from_, "seed": seed}) for seed in (0, 3))
    (row,) = rows([old, new])
    assert row.seeds == (3,) and row.scores["war"].runs == 1


@pytest.mark.parametrize(
    "changes",
    [
        [{"options": {"width": 1}}, {"options": {"width": 2}}],
        [{"limit": 8}, {"limit": 16}],
        [{"dataset_options": {"size": 1}}, {"dataset_options": {"size": 2}}],
        [{"recipe": {"input": {"frames": 8}}}, {"recipe": {"input": {"frames": 16}}}],
        [{"checkpoint": {"file": "checkpoint.safetensors", "sha256": c * 64}} for c in "abc"],
        [{}, {}, {}],
    ],
)
def test_no_two_rows_of_a_leaderboard_look_alike(changes):
    given = {"checkpoint": "checkpoint.safetensors"}
    records = [make(f"{i}0", 5, given=given, **one) for i, one in enumerate(changes)]
    settings = [row.setting for row in rows(records)]
    assert len(set(settings)) == len(records) and all(s.startswith("checkpoint=") for s in settings)


def test_the_seed_shown_is_that_of_the_model():
    one = make("a", 5, seed=0, checkpoint={"file": "c", "seed": 1})
    assert rows([one])[0].seeds == (1,) and rows([make("a", 5, seed=3)])[0].seeds == (3,)


def test_every_row_leads_to_its_folders(tmp_path, capfd):
    for fold in (1, 2):
        record.write(make("a", 5, fold), tmp_path / "runs" / f"a{fold}")
    assert _run(["leaderboard", str(tmp_path / "runs"), "--json"]) == 0
    (row,) = json.loads(capfd.readouterr().out)["rows"]
    assert row["folders"] == [str(tmp_path / "runs" / f"a{fold}") for fold in (1, 2)]
    assert _run(["leaderboard", str(tmp_path / "runs"), "--folders"]) == 0
    shown = capfd.readouterr().out
    assert all(folder in shown for folder in row["folders"])


def test_rows_of_a_suite_and_printed_rows_are_told_apart():
    suite = Suite("t", "T", "", "last", (Row(1, "x", "m", {"words": "1"}), Row(2, "x", "m", {"words": "2"})))
    keys = {"d": {n: Key("m", {}, "d", str(n), (), (1,)) for n in (1, 2)}}
    labels = [line.row.label for line in make_sheet(suite, [], keys, ("last",)).lines]
    assert labels == ["x words=1", "x words=2"]
    printed = [
        Printed(id=f"{venue}/x", label="x", venue=venue, results={"d": [1, 2]}) for venue in ("AAAI", "ICCV")
    ]
    from dferbench.report.leaderboard import DEFAULT

    assert len({row["label"] for row in as_data(printed, ["d"], DEFAULT)}) == 2
