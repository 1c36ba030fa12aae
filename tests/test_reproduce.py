"""Whether a published number was reproduced: an honest verdict from records, and the runs that it lacks."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from conftest import TOY

from dferbench.cli import _run
from dferbench.experiment import record
from dferbench.experiment.metrics import METRICS
from dferbench.experiment.plan import Request
from dferbench.experiment.printed import Printed
from dferbench.experiment.protocol import OwnProtocol
from dferbench.experiment.record import EPOCH_PREDICTIONS, PREDICTIONS, Epoch, Record
from dferbench.experiment.rows import experiments
from dferbench.experiment.suite import Row, read_suite
from dferbench.registry.catalog import discover
from dferbench.report.certainty import intervals_of, run_of
from dferbench.report.reproduction import Setting, hopeless, reproduced, rule_for, without_runs
from dferbench.report.reproduction_text import as_text

FOLDS = (1, 2, 3, 4, 5)
OWN = OwnProtocol(frames=16, size=224, clips=1)
VIDEOS = 100
"""Of each class."""


def confusion(right, classes=2):
    """So many of the videos of each class recognised, the others taken for the next class."""
    matrix = np.eye(classes, dtype=int) * right
    for k in range(classes):
        matrix[k, (k + 1) % classes] += VIDEOS - right
    return matrix.tolist()


def run(right, fold=1, seed=0, curve=(), **changes):
    """A finished run; `curve` has what was right after each epoch."""
    epochs = [
        Epoch(stage="train", epoch=i, terms={}, learning_rates={}, seconds=1.0, confusion=confusion(n))
        for i, n in enumerate(curve)
    ]
    facts = dict(
        status="done", method="m", origin="o", options={}, given={}, recipe={}, dataset="faces",
        dataset_origin="o", dataset_options={}, classes=["a", "b"], fold=fold, seed=seed, config_id="c",
        data="d", videos={"train": 1, "test": 2 * VIDEOS}, curve=epochs, confusion=confusion(right),
        weights={"tower": {"source": "a file"}},
    )  # fmt: skip
    return Record(**(facts | changes))


def row(uar=70.0, war=70.0, **protocol):
    facts = {"folds": "all", "select": "last", "input": "V", **protocol}
    return Row(1, "ours", "m", printed=Printed(id="x", label="X", results={"faces": [uar, war]}, **facts))


def runs(*rights, **changes):
    """A run of each fold, None for one that is to do."""
    return {
        (fold, 0): None if right is None else run(right, fold, **changes)
        for fold, right in enumerate(rights, 1)
    }


def verdict(one, found, select="last", **setting):
    return reproduced(one, Setting("faces", **{"folds": FOLDS, "own": OWN, **setting}), found, select)


SEVENTY = runs(69, 71, 70, 72, 68)


@pytest.mark.parametrize(
    ("uar", "war", "said"),
    [
        (70.0, 70.0, "reproduced"),
        (71.5, 69.0, "reproduced"),
        (80.0, 80.0, "below"),
        (60.0, 60.0, "above"),
        (70.0, 80.0, "below"),
        (60.0, 70.0, "above"),
        (60.0, 80.0, "below"),
        (70.0, "-", "reproduced"),
        ("-", 60.0, "above"),
    ],
)
def test_the_verdict_is_where_the_interval_lies(uar, war, said):
    found = verdict(row(uar, war), SEVENTY)
    assert found.verdict == said and found.runs == 5 and not found.why
    for one in found.numbers:
        inside = one.interval.low <= one.published <= one.interval.high
        assert (one.verdict == "reproduced") == inside and one.interval.low < one.mean < one.interval.high
    assert [one.metric.name for one in found.numbers] == [
        name for name, value in (("uar", uar), ("war", war)) if value != "-"
    ]


def test_a_published_value_stands_for_all_that_round_to_it():
    (one, _) = verdict(row(), SEVENTY).numbers
    high = one.interval.high
    assert verdict(row(round(high + 0.0049, 6), "-"), SEVENTY).verdict == "reproduced"
    assert verdict(row(high + 0.0051, "-"), SEVENTY).verdict == "below"


@pytest.mark.parametrize("published", [100.0, 50.0])
def test_an_interval_without_width_tells_nothing(published):
    found = verdict(row(published, "-", folds=[1]), runs(100))
    assert found.verdict == "not comparable" and "too few test videos" in found.why[0]


def test_other_metrics_than_the_first_two_are_compared():
    printed = Printed(id="x", label="X", folds="all", results={"faces": {"macro_f1": 70.0}})
    found = verdict(Row(1, "l", "m", printed=printed), SEVENTY)
    assert found.verdict == "reproduced" and [one.metric.name for one in found.numbers] == ["macro-f1"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"synthetic": True}, "synthetic: faces drawn by a program"),
        ({"limit": 8}, "limited: only part of the videos"),
        ({"weights": {"tower": {"random": True}}}, "random weights"),
        ({"skipped": ["v1"]}, "incomplete: videos that could not be read"),
        ({"dataset_notes": {"caveats": ["not official"]}}, "not official"),
        ({"dataset_notes": {"caveats": ["upside down"]}}, "upside down: stated by the dataset"),
        ({"mixed_code": True}, "mixed code"),
    ],
)
def test_what_is_no_result_never_reproduces(change, why):
    """Whatever its numbers: those here are the published ones to the digit."""
    found = verdict(row(), runs(70, 70, 70, 70, 70, **change))
    assert found.verdict == "not comparable" and any(why in one for one in found.why)
    assert found.numbers[0].mean == pytest.approx(70), "they are shown all the same"
    one_of_five = {**SEVENTY, (3, 0): run(70, 3, **change)}
    assert verdict(row(), one_of_five).verdict == "not comparable"


@pytest.mark.parametrize(
    ("protocol", "why"),
    [
        ({"folds": "unknown"}, "on what split it was measured is not known"),
        ({"folds": "own"}, "a split of its authors'"),
        ({"trained_on_test": True}, "its training saw the test videos"),
        ({"input": "A+V"}, "it hears the sound"),
        ({"on": {"faces": {"folds": "own"}}}, "a split of its authors'"),
    ],
)
def test_what_no_run_could_be_compared_with(protocol, why):
    one = row(**protocol)
    assert why in " ".join(hopeless(one, "faces"))
    assert verdict(one, SEVENTY).verdict == without_runs(one, "faces", "last").verdict == "not comparable"


def test_numbers_that_nobody_printed():
    assert "no number is printed on drawings" in hopeless(row(), "drawings")
    assert hopeless(row("-", "-"), "faces") and hopeless(Row(1, "l", "m"), "faces")
    assert not hopeless(row("-", 50.0), "faces")


def test_a_changed_experiment_is_another_one():
    found = verdict(row(), SEVENTY, changes=("stage.epochs=1",))
    assert found.verdict == "not comparable" and "stage.epochs=1" in found.why[0]


def test_pretraining_that_is_missing_here_is_no_detail():
    nothing = runs(70, 70, 70, 70, 70, weights={})
    found = verdict(row(pretraining="faces of VoxCeleb2"), nothing)
    assert found.verdict == "not comparable" and "from nothing here" in found.why[0]
    for stated in ("none", "unknown"):
        assert verdict(row(pretraining=stated), nothing).verdict == "reproduced"
    found = verdict(row(pretraining="none"), SEVENTY)
    assert found.verdict == "not comparable" and "from nothing as published, from tower here" in found.why[0]
    kept = verdict(row(pretraining="CLIP"), SEVENTY)
    assert kept.verdict == "reproduced" and kept.pretraining == "pretraining: CLIP as published, tower here"


def test_results_that_are_missing():
    assert verdict(row(), runs(None, None, None, None, None)).verdict == "no result yet"
    found = verdict(row(), runs(70, 70, None, 70, None))
    assert found.verdict == "incomplete" and "2 of 5 runs are to do, of folds 3, 5" in found.why
    found = verdict(row(), runs(70, 70))
    assert found.verdict == "incomplete" and "also of folds 3, 4, 5" in found.why[0]
    assert verdict(row(), runs(*5 * [None]), changes=("limit=3",)).verdict == "not comparable"


def test_a_number_of_one_fold_is_compared_with_that_fold():
    mixed = runs(70, 20, 20, 20, 20)
    found = verdict(row(folds=[1]), mixed)
    assert found.verdict == "reproduced" and found.runs == 1
    assert verdict(row(), mixed).verdict != "reproduced" or verdict(row(), mixed).numbers[0].mean < 35
    assert verdict(row(folds=[1]), {(2, 0): run(70, 2)}).verdict == "no result yet"


def test_each_number_is_compared_under_its_own_rule():
    found = runs(60, 60, 60, 60, 60, curve=(70, 60))
    best = row(select="best-on-test")
    assert rule_for(best, "faces") == "best-on-test" and rule_for(best, "faces", "last") == "last"
    assert verdict(best, found, "best-on-test").verdict == "reproduced"
    last = verdict(best, found, "last")
    assert last.verdict == "below" and "selection: best-on-test as published, last here" in last.differences
    for other in ("val", "none", "unknown"):
        assert rule_for(row(select=other), "faces") in (other, "last")


def test_a_rule_that_the_runs_cannot_answer_is_said():
    found = verdict(row(select="val"), runs(70, 70, 70, 70, 70, curve=(60, 70)), "val")
    assert found.verdict == "not comparable" and "validation part" in found.why[0] and not found.numbers


def test_differences_and_what_is_not_known_are_listed():
    found = verdict(row(frames=8, seeds=3), SEVENTY, method=("method: reconstruction",), options="faces(a=1)")
    assert found.verdict == "reproduced"
    assert found.differences == (
        "seeds: 3 as published, 1 here",
        "frames: 8 as published, 16 here",
        "method: reconstruction",
        "data set: faces(a=1) here",
    )
    assert "how many test-time clips" in found.unknown and "how many frames" not in found.unknown
    text = as_text([found], "faces", 95.0)
    for words in (
        "differs: frames: 8",
        "the source does not say",
        "has no interval of its own",
        "not other seeds",
    ):
        assert words in text or words == "not other seeds"
    assert "Intervals cover other test videos and folds" in text


def test_seeds_on_the_same_videos_are_matched_where_the_predictions_are_kept(tmp_path):
    """Without them seeds are taken to err on the same videos, where these err on others."""
    rng, found = np.random.default_rng(0), {}
    for seed in range(3):
        labels = np.repeat([0, 1], VIDEOS)
        right = np.concatenate([rng.permutation(VIDEOS) < 70 for _ in range(2)])
        said = np.where(right, labels, 1 - labels)
        counted = np.zeros((2, 2), int)
        np.add.at(counted, (labels, said), 1)
        folder = tmp_path / f"{seed}"
        record.write(run(0, seed=seed, confusion=counted.tolist()), folder)
        one = record.read(folder / record.NAME)
        ids = np.array([f"v{i}" for i in range(2 * VIDEOS)])
        np.savez(folder / PREDICTIONS, id=ids, label=labels, logits=np.eye(2)[said])
        found[1, seed] = one
    setting = Setting("faces", (1,), OWN)
    matched = reproduced(row(), setting, found, "last").numbers[1].interval
    for one in found.values():
        Path(one.folder, PREDICTIONS).write_bytes(b"damaged")
    apart = reproduced(row(), setting, found, "last").numbers[1].interval
    assert apart.high - apart.low > 1.2 * (matched.high - matched.low)


@pytest.mark.parametrize("damaged", [False, True])
def test_an_interval_at_another_epoch_reads_its_predictions_where_all_were_kept(tmp_path, damaged):
    """Seeds that err on other videos are then not taken to err on the same ones."""
    labels, found = np.repeat([0, 1], VIDEOS), []
    for seed in range(3):
        said = np.stack([labels, labels])
        for epoch, right in enumerate((70, 60)):
            for label in (0, 1):
                wrong = np.arange(VIDEOS * label, VIDEOS * (label + 1))
                said[epoch, np.roll(wrong, 30 * seed)[right:]] = 1 - label
        folder = tmp_path / f"{seed}"
        folder.mkdir()
        logits = np.eye(2, dtype=np.float16)[said] if not damaged else np.eye(2)[1 - said]
        ids = np.array([f"v{i}" for i in range(2 * VIDEOS)])
        np.savez(folder / EPOCH_PREDICTIONS, id=ids, label=labels, logits=logits)
        made = run(60, seed=seed, curve=(70, 60), files={EPOCH_PREDICTIONS: "0" * 64})
        record.write(made, folder)
        found.append(record.read(folder / record.NAME))
    predictions = [run_of(one, "best-on-test") for one in found]
    assert all((one.ids is None) == damaged for one in predictions)
    assert all((one.labels == one.predicted).mean() == 0.7 for one in predictions)
    interval = intervals_of(found, "best-on-test", [METRICS["war"]], 95.0)["war"]
    assert ("Predictions are not kept" in interval.says) == damaged


# The command

PRINTED = """title = "P"
source = "S"
[defaults]
select = "last"
folds = "all"
input = "V"
[[rows]]
id = "wide"
label = "Wide"
frames = 8
results = { toy = [70, 70] }
[[rows]]
id = "held"
label = "Held"
select = "val"
results = { toy = [70, 70] }
[[rows]]
id = "plain"
label = "Plain"
select = "unknown"
results = { toy = [90, 90] }
[[rows]]
id = "llm"
label = "A language model"
folds = "unknown"
results = { toy = [99, 99] }
[[rows]]
id = "nobody"
label = "Nobody's"
results = { toy = [50, 50] }
[[rows]]
id = "one-fold"
label = "Of one fold"
folds = [1]
results = { toy = [50, 50] }
"""
SUITE = """title = "T"
published = "p.toml"
[[rows]]
label = "wide"
method = "toy-net"
options = { width = 6 }
published = "wide"
[[rows]]
label = "plain"
method = "toy-net"
published = "plain"
[[rows]]
label = "llm"
method = "toy-net"
options = { width = 2 }
published = "llm"
[[rows]]
label = "nobody"
method = "toy-nobody"
published = "nobody"
[[rows]]
label = "one"
method = "toy-frozen"
published = "one-fold"
"""


@pytest.fixture
def command(tmp_path, monkeypatch, toy_root, capfd):
    """Run `dferbench reproduce ...` in a folder with a suite: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    Path("suites").mkdir()
    Path("suites/s.toml").write_text(SUITE)
    Path("suites/p.toml").write_text(PRINTED)

    def go(words):
        more = f"-d toy --root {toy_root} -j 0 -q --device cpu"
        code = _run(["--plugin", str(TOY), "reproduce", *shlex.split(f"{words} {more}")])
        return code, *capfd.readouterr()

    return go


def leave(toy_root, number, right, folds=(1, 2), **changes):
    """Finished runs of a row of the suite, where reproduce looks for them."""
    base = Request("", "toy", root=toy_root, folds=())
    found, _ = experiments(read_suite(Path("suites/s.toml")), base, None, discover([TOY]))
    plan = next(one for one in found if one.row.number == number).plan()
    for fold in folds:
        facts = dict(
            method=plan.method.name, options=plan.options, dataset="toy", config_id=plan.config_id,
            classes=list(plan.task.classes), confusion=confusion(right, 3),
            videos={"train": 18, "test": 3 * VIDEOS}, folds=[1, 2],
        )  # fmt: skip
        record.write(run(0, fold, **(facts | changes)), plan.folder(fold, 0))


def strict(text):
    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_a_plan_tells_verdicts_on_what_is_there_and_runs_nothing(command, toy_root):
    leave(toy_root, 1, 70)
    leave(toy_root, 2, 70, folds=(1,))
    code, out, _ = command("suites/s.toml --dry-run --json")
    rows = {one["label"]: one for one in strict(out)["rows"]}
    assert code == 0 and {name: one["verdict"] for name, one in rows.items()} == {
        "wide": "reproduced", "plain": "incomplete", "llm": "not comparable", "nobody": "no result yet",
        "one": "no result yet",
    }  # fmt: skip
    uar = rows["wide"]["metrics"]["uar"]
    assert uar["published"] == 70 and uar["mean"] == pytest.approx(70) and uar["low"] < 70 < uar["high"]
    assert (
        rows["wide"]["protocol"]["frames"] == 8
        and rows["wide"]["runs"] == 2
        and not rows["wide"]["differences"]
    )
    assert "two are too few" in uar["says"] and rows["plain"]["select"] == "last"
    assert "no plugin registers the method toy-nobody" in rows["nobody"]["why"]
    before = len(list(record.find(Path("runs"))))
    code, out, _ = command("suites/s.toml --dry-run")
    assert code == 0 and len(list(record.find(Path("runs")))) == before == 3
    assert "time to do" in out and "reproduced" in out and "70.00 [" in out and "1 of 2 runs are to do" in out


def test_drawn_faces_reproduce_nothing_through_the_command_either(command, toy_root):
    leave(toy_root, 1, 70, synthetic=True)
    lies = "\nThe runs lie below runs; dferbench runs runs lists them.\n"
    assert command("suites/s.toml --rows 1")[1].endswith(lies)
    code, out, _ = command("suites/s.toml --rows 1 --json")
    (one,) = strict(out)["rows"]
    assert code == 0 and one["verdict"] == "not comparable" and "synthetic" in one["why"][0]


@pytest.mark.parametrize("change", ["--epochs 1", "--set stage.batch=3", "--limit 3", "--validation 0.2"])
def test_a_changed_row_is_not_that_row(command, toy_root, change):
    leave(toy_root, 1, 70)
    code, out, _ = command(f"suites/s.toml --rows 1 --dry-run --json {change}")
    (one,) = strict(out)["rows"]
    assert code == 0 and one["verdict"] == "not comparable" and one["runs"] == 0
    assert "which the row does not ask for" in one["why"][0]


def test_validation_is_no_change_where_the_published_epoch_was_chosen_by_it(command):
    """Nor where the suite itself asks for it."""
    text = Path("suites/s.toml").read_text()
    Path("suites/s.toml").write_text(text.replace('published = "wide"', 'published = "held"'))
    said = command("suites/s.toml --rows 1 --dry-run --json --validation 0.2")[1]
    assert strict(said)["rows"][0]["verdict"] == "no result yet"
    Path("suites/s.toml").write_text("validation = 0.2\n" + text)
    for words, verdict in (("", "no result yet"), ("--validation 0.3", "not comparable")):
        said = command(f"suites/s.toml --rows 1 --dry-run --json {words}")[1]
        assert strict(said)["rows"][0]["verdict"] == verdict


@pytest.mark.slow
def test_what_is_missing_is_run_once_and_a_row_is_found_by_its_id(command):
    code, out, _ = command("one-fold --suites suites --json")
    (one,) = strict(out)["rows"]
    assert code == 0 and one["runs"] == 1 and one["metrics"]["uar"]["published"] == 50
    # Nine test videos may all be recognised, and of a checkout with changes the code is not known.
    allowed = ("uncommitted code", "too few test videos")
    assert all(why.startswith(allowed) for why in one["why"])
    assert one["verdict"] in (("not comparable",) if one["why"] else ("reproduced", "below", "above"))
    times = {path: path.stat().st_mtime_ns for path in record.find(Path("runs"))}
    assert len(times) == 2, "all folds are run unless told otherwise"
    again = strict(command("one-fold --suites suites --json")[1])["rows"]
    assert again == [one] and times == {path: path.stat().st_mtime_ns for path in record.find(Path("runs"))}


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        ("plane --suites .", "no published row in the suites of . named 'plane'", "plain"),
        ("plane --suites suites", "no published row in the suites of suites named 'plane'", "plain"),
        ("wide --suites nowhere", "no folder nowhere", "--suites"),
        ("wide --suites . --rows 1", "--rows is of a suite", "leave it out"),
        ("twice --suites .", "2 rows have the published numbers 'twice'", "t.toml --rows 2"),
        ("suites/s.toml --select bset", "no selection rule named 'bset'", "last"),
        ("suites/s.toml --rows 9", "has no row 9", "1 to 5"),
        ("nowhere.toml", "nowhere.toml", "a suite"),
    ],
)
def test_what_cannot_be_found_is_told_in_two_lines(command, words, message, hint):
    rows = '[[rows]]\nlabel = "{}"\nmethod = "toy-net"\npublished = "twice"\n'
    text = SUITE.replace('"p.toml"', '"suites/p.toml"') + rows.format("a") + rows.format("b")
    if "twice" in words:
        Path("suites/p.toml").write_text(PRINTED.replace('"one-fold"', '"twice"'))
        text = "{}{}".format(
            SUITE.split("[[rows]]")[0].replace('"p.toml"', '"suites/p.toml"'), 2 * rows.format("a")
        )
        Path("t.toml").write_text(text)
    else:
        Path("t.toml").write_text(SUITE.replace('"p.toml"', '"suites/p.toml"'))
    code, _, err = command(words)
    error, step = err.splitlines()[-2:]
    assert code == 3 and message in error and hint in step
    assert ("not searched: cannot read suites/p.toml" in err) == (words == "plane --suites suites")


def test_metrics_are_those_that_the_catalog_knows():
    assert {one.metric.name for one in verdict(row(), SEVENTY).numbers} <= set(METRICS)
