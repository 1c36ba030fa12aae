"""Records: atomic, typed, refusing what their matrices do not say; selection over them."""

import json
from pathlib import Path

import pytest

from dferbench.errors import ConfigError, DferbenchError, UnknownName
from dferbench.experiment import record
from dferbench.experiment.metrics import METRICS
from dferbench.experiment.record import Epoch, Record
from dferbench.files import write_atomic
from dferbench.report.leaderboard import load, rows
from dferbench.report.text import leaderboard


def make(seed=0, curve=((8, 2, 1, 9), (5, 5, 0, 10)), **changes):
    epochs = [
        Epoch(stage="train", epoch=i, terms={"ce": 1.0}, learning_rates={".*": 0.1}, seconds=1.0,
              confusion=[[a, b], [c, d]])
        for i, (a, b, c, d) in enumerate(curve)
    ]  # fmt: skip
    facts = dict(
        schema=record.SCHEMA, status="done", method="m", origin="o", options={}, given={}, recipe={},
        dataset="d", dataset_origin="o", dataset_options={}, classes=["a", "b"], fold=1, seed=seed,
        config_id="01234567",
        data="f", videos={"train": 1, "test": 20}, curve=epochs, confusion=epochs[-1].confusion,
    )  # fmt: skip
    return Record(**(facts | changes))


def test_write_and_read(tmp_path):
    path = record.write(make(), tmp_path)
    again = record.read(path)
    uar_war = [[again.metrics[rule][name] for name in ("uar", "war")] for rule in ("last", "best-on-test")]
    assert uar_war == [[75.0, 75.0], pytest.approx([85.0, 85.0])]
    assert again.metrics["last"]["top2"] is None, "nobody counted top-2 hits"
    assert again.curve is None and again.epochs == 2 and again.best_on_test.epoch == 0
    whole = record.read_whole(path)
    stated = {"curve_sha256": again.curve_sha256, "files": {"curve.json": again.curve_sha256}}
    assert whole.curve == make().curve and record.with_curve(again, tmp_path) == whole
    told = record.without_curve(record.measured(make())).model_copy(update=stated)
    assert told.model_dump() == again.model_dump()


def test_a_forged_metric_is_refused(tmp_path):
    path = record.write(make(), tmp_path)
    content = json.loads(path.read_text())
    content["metrics"]["last"]["uar"] = 99.0
    path.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match=r"states UAR 99 .* give 75") as caught:
        record.read(path)
    assert "move the folder" in caught.value.hint and "again" in caught.value.hint


def test_a_metric_that_the_reader_does_not_know_is_kept(tmp_path):
    path = record.write(make(), tmp_path)
    content = json.loads(path.read_text())
    content["metrics"]["last"]["of-a-plugin"] = 0.5
    path.write_text(json.dumps(content))
    again = record.read(path)
    assert again.metrics["last"]["of-a-plugin"] == 0.5
    assert json.loads(record.write(again, tmp_path / "b").read_text())["metrics"] == content["metrics"]


def test_a_record_that_states_fewer_metrics_is_no_forgery(tmp_path):
    """As every record does that was written before a metric was added."""
    path = record.write(make(), tmp_path)
    content = json.loads(path.read_text())
    content["metrics"] = {rule: {"uar": found["uar"]} for rule, found in content["metrics"].items()}
    path.write_text(json.dumps(content))
    assert METRICS["macro-f1"].of(record.read(path).counts("last")) == pytest.approx(100 * (2 / 3 + 0.8) / 2)


def test_a_value_is_what_the_counts_give_whatever_the_file_states(tmp_path):
    path = record.write(make(top2=15), tmp_path)
    few = json.loads(path.read_text())
    few["metrics"] = {"last": {"uar": few["metrics"]["last"]["uar"]}}
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / record.NAME).write_text(json.dumps(few))
    for one in (make(top2=15), record.read(path), record.read(tmp_path / "few" / record.NAME)):
        for rule in ("last", "best-on-test"):
            for metric in METRICS.values():
                assert one.value(metric, rule) == metric.of(one.counts(rule)), (metric.name, rule)


def test_top2_of_another_epoch_is_not_taken_for_the_best():
    one = make(curve=((9, 1, 1, 9), (5, 5, 5, 5)), top2=20)
    assert one.counts("last").top2 == 20 and one.counts("best-on-test").top2 is None


@pytest.mark.parametrize("change", [{"top2": 3}, {"metrics": {"first": {"uar": 1.0}}}, {"confusion": []}])
def test_counts_and_metrics_that_contradict_each_other(tmp_path, change):
    path = record.write(make(curve=((9, 1, 1, 9),), top2=20), tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ConfigError, match=r"states|no confusion matrix"):
        record.read(path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1}', '{"schema": 99}'])
def test_a_damaged_record_is_named(tmp_path, text):
    (tmp_path / "record.json").write_text(text)
    with pytest.raises(ConfigError, match=r"record\.json"):
        record.read(tmp_path / "record.json")


def test_marks():
    assert make().caveats == ()
    weights = {"b": {"random": True}}
    marked = make(synthetic=True, limit=3, weights=weights, skipped=["x"], environment={"dirty": True})
    assert marked.caveats == ("synthetic", "limited", "random weights", "incomplete", "uncommitted code")


def test_selection_takes_the_earliest_best():
    curve = ((8, 2, 2, 8), (9, 1, 1, 9), (10, 0, 2, 8), (0, 10, 0, 10))
    assert make(curve=curve).under("best-on-test") == [[9, 1], [1, 9]]
    assert make(curve=curve).under("last") == [[0, 10], [0, 10]]
    with pytest.raises(UnknownName, match="best"):
        make().under("best")


def test_leaderboard_means_and_marks(tmp_path):
    record.write(make(0), tmp_path / "a")
    record.write(make(1, curve=((10, 0, 0, 10),)), tmp_path / "b")
    record.write(make(0, synthetic=True, method="drawn", config_id="c"), tmp_path / "c")
    record.write(make(2, status="failed", error="it broke\nmend it"), tmp_path / "d")
    records, problems = load(tmp_path)
    assert len(problems) == 1 and "failed (it broke)" in problems[0]
    first, second = rows(records)
    assert (first.method, first.scores["uar"].mean, first.scores["uar"].runs, first.ranks) == (
        "m",
        87.5,
        2,
        True,
    )
    assert first.scores["uar"].spread == pytest.approx(12.5 * 2**0.5)
    assert not second.ranks
    text = leaderboard([first, second], "last")
    assert "87.50 ± 17.68" in text and "synthetic" in text


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "x" / "file"
    write_atomic(path, "before")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DferbenchError, match="cannot write"):
        write_atomic(tmp_path / "file" / "below", "after")
    assert path.read_text() == "before" and list(path.parent.iterdir()) == [path]


def first_form(one):
    """A record as the first release wrote it: schema 1, its words, UAR and WAR alone and no hits."""
    content = json.loads(one.model_dump_json(by_alias=True))
    for name in ("top2", "checkpoint", "dataset_notes", "epochs", "curve_sha256", "best_on_test"):
        del content[name]
    content |= {"schema": 1, "cell": content.pop("config_id"), "recipe": {"view": {"views": 0}}}
    for epoch in content["curve"]:
        epoch["rates"] = epoch.pop("learning_rates")
        del epoch["top2"]
    return content


def test_a_record_of_the_first_release_has_the_metrics_that_its_counts_give(tmp_path):
    content = first_form(make())
    content["metrics"] = {"last": {"uar": 75.0, "war": 75.0}, "best-on-test": {"uar": 85.0, "war": 85.0}}
    path = tmp_path / "record.json"
    path.write_text(json.dumps(content))
    old = record.read(path)
    assert METRICS["macro-f1"].of(old.counts("last")) == pytest.approx(100 * (2 / 3 + 0.8) / 2)
    assert METRICS["top2"].of(old.counts("last")) is None
    content["metrics"]["last"]["war"] = 80.0
    path.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match="states WAR 80"):
        record.read(path)


def test_a_record_of_the_first_release_that_tested_nothing(tmp_path):
    """It states 0 percent of no video, which is undefined now."""
    content = first_form(make(curve=((0, 0, 0, 0),), videos={"train": 1, "test": 0}))
    content["metrics"] = {rule: {"uar": 0.0, "war": 0.0} for rule in ("last", "best-on-test")}
    path = tmp_path / "record.json"
    path.write_text(json.dumps(content))
    (row,) = rows([record.read(path)])
    assert row.scores["uar"] is None and row.pooled["uar"] is None
    assert "-: UAR is not defined" in leaderboard([row], "last")


def test_the_curve_of_a_record_of_an_earlier_release_is_in_it(tmp_path):
    content = json.loads(make().model_dump_json(by_alias=True)) | {"schema": 2}
    for name in ("epochs", "curve_sha256", "best_on_test"):
        del content[name]
    path = tmp_path / "record.json"
    path.write_text(json.dumps(content))
    old = record.read(path)
    assert (old.curve, old.epochs, old.best_on_test.epoch) == (None, 2, 0)
    assert record.read_whole(path).curve == record.with_curve(old, tmp_path).curve == make().curve
    assert [one.name for one in tmp_path.iterdir()] == ["record.json"], "reading writes nothing"


def test_records_are_found_in_the_order_of_their_paths(tmp_path):
    """As sorting paths has it: part by part, so that a name that continues another's comes later."""
    for name in ("b", "a", "a-1", "a/x", "record.json", "z/record.json/y"):
        (tmp_path / "runs" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "runs" / name / "record.json").touch()
    (tmp_path / "runs" / "link").symlink_to(tmp_path / "runs" / "a")
    found = list(record.find(tmp_path / "runs"))
    assert found == sorted((tmp_path / "runs").rglob("record.json")) and len(found) == 8
    assert list(record.find(tmp_path / "none")) == []


def test_links_and_unreadable_folders_are_passed_by(tmp_path, monkeypatch):
    (tmp_path / "loop").mkdir()
    (tmp_path / "loop" / "up").symlink_to(tmp_path)
    record.write(make(), tmp_path / "a" / "b")
    monkeypatch.chdir(tmp_path)
    assert list(map(str, record.find(Path()))) == ["a/b/record.json"]
