"""compare: what differs comes first, numbers only of what is comparable, and tests that agree with others."""

import json
from math import comb

import numpy as np
import pytest
from sklearn.metrics import recall_score
from test_tables import make

from dferbench.cli import _run
from dferbench.experiment import record
from dferbench.report.differences import differences, unlike
from dferbench.report.paired import Paired, _uar_gain, intervals, mcnemar

CLASSES = ["joy", "fear", "anger"]
IDS = [f"v{i}" for i in range(30)]
RNG = np.random.default_rng(0)
TRUTH = np.repeat([0, 1, 2], [15, 10, 5])
GUESS_A = np.where(RNG.random(30) < 0.8, TRUTH, (TRUTH + 1) % 3)
GUESS_B = np.where(RNG.random(30) < 0.5, TRUTH, (TRUTH + 1) % 3)


def write(folder, guess, classes=CLASSES, ids=IDS, **changes):
    """A finished run in a folder: its record and predictions; guesses are in the order of CLASSES."""
    to = np.array([classes.index(name) for name in CLASSES])
    label, said = to[TRUTH[: len(ids)]], to[guess[: len(ids)]]
    confusion = np.zeros((3, 3), int)
    np.add.at(confusion, (label, said), 1)
    facts = {
        "confusion": confusion.tolist(),
        "classes": list(classes),
        "videos": {"train": 9, "test": len(ids)},
    }
    record.write(make("config_id", 0, **{**facts, **changes}), folder)
    np.savez(
        folder / "predictions.npz", id=np.array(ids), label=label, logits=np.eye(3, dtype=np.float32)[said]
    )
    return folder


@pytest.fixture
def compare(capfd):
    """Run `dferbench compare` in this process: (exit code, stdout, stderr)."""

    def go(*arguments):
        code = _run(["compare", *map(str, arguments)])
        out, err = capfd.readouterr()
        return code, out, err

    return go


@pytest.fixture
def two(tmp_path):
    """Two runs on the same videos that differ in an option, an image size and a library."""
    recipe, other = (
        {
            "input": {"size": size, "frames": 16},
            "stages": [{"name": "train", "batch": batch, "train": {"a": 0.1}}],
        }
        for size, batch in ((224, 48), (112, 16))
    )
    old, new = ({"packages": {"torch": version}} for version in ("2.4", "2.9"))
    a = write(tmp_path / "a", GUESS_A, options={"words": 8}, recipe=recipe, environment=old,
              decoders={"decord": 3})  # fmt: skip
    b = write(tmp_path / "b", GUESS_B, options={"words": 4}, recipe=other, environment=new,
              decoders={"pyav": 3})  # fmt: skip
    return a, b


def test_the_protocol_comes_first_with_both_values(compare, two):
    code, out, _ = compare(*two)
    assert code == 0
    order = ("options.words", "recipe.input.size", "recipe.stage.train.batch", "decoders",
             "environment.packages.torch", "UAR", "recall", "McNemar")  # fmt: skip
    places = [out.index(word) for word in order]
    assert places == sorted(places)
    line = next(line for line in out.splitlines() if line.startswith("recipe.input.size"))
    assert line.split()[1:] == ["224", "112"] and "frames" not in out and "stage.train.train" not in out


def test_numbers_and_classes_are_those_of_the_predictions(compare, two):
    facts = json.loads(compare(*two, "--json")[1])
    for side, guess in (("a", GUESS_A), ("b", GUESS_B)):
        recalls = recall_score(TRUTH, guess, average=None)
        assert facts["numbers"][side]["uar"] == pytest.approx(100 * recalls.mean())
        assert facts["numbers"][side]["war"] == pytest.approx(100 * (guess == TRUTH).mean())
        assert [one[side]["recall"] for one in facts["classes"]] == pytest.approx(list(100 * recalls))
    assert [one["a"]["videos"] for one in facts["classes"]] == [15, 10, 5]
    assert facts["paired"]["videos"] == 30 and facts["not_comparable"] == []


def test_mcnemar_is_the_binomial_by_hand(compare, two):
    test = json.loads(compare(*two, "--json")[1])["paired"]
    only_a = int(((GUESS_A == TRUTH) & (GUESS_B != TRUTH)).sum())
    only_b = int(((GUESS_B == TRUTH) & (GUESS_A != TRUTH)).sum())
    n, k = only_a + only_b, min(only_a, only_b)
    assert (test["only_a"], test["only_b"]) == (only_a, only_b) and n > 5
    assert test["p"] == pytest.approx(min(1, 2 * sum(comb(n, i) for i in range(k + 1)) / 2**n))


def test_models_that_never_disagree_have_p_one_and_no_width():
    same = np.array([True, False, True])
    paired = Paired(np.array([0, 1, 1]), same, same)
    assert mcnemar(paired) == {"only_a": 0, "only_b": 0, "p": 1.0}
    assert intervals(paired, 50) == {"uar": (0.0, 0.0), "war": (0.0, 0.0)}


def test_the_interval_holds_the_difference_and_repeats(two, compare):
    facts = json.loads(compare(*two, "--json")[1])
    for name in ("uar", "war"):
        low, high = facts["paired"]["intervals"][name]
        assert low < facts["numbers"]["b"][name] - facts["numbers"]["a"][name] < high
    assert facts == json.loads(compare(*two, "--json")[1])


def test_the_bootstrapped_statistic_is_the_macro_recall():
    """Drawn by hand: each draw's UAR gain is what scikit-learn says, also when a class was not drawn."""
    hit_a, hit_b = (GUESS_A == TRUTH).astype(int), (GUESS_B == TRUTH).astype(int)
    draws = np.stack([np.random.default_rng(s).integers(0, 30, 30) for s in range(20)] + [np.arange(30) % 25])
    found = _uar_gain(3)(TRUTH[draws], hit_a[draws], hit_b[draws], axis=-1)
    for draw, gain in zip(draws, found, strict=True):
        present = np.unique(TRUTH[draw])
        a, b = (
            recall_score(TRUTH[draw], g[draw], labels=present, average="macro") for g in (GUESS_A, GUESS_B)
        )
        assert gain == pytest.approx(100 * (b - a))
    assert len(np.unique(TRUTH[draws[-1]])) == 2


def test_classes_in_another_order_are_matched_by_name(tmp_path, compare):
    a = write(tmp_path / "a", GUESS_A)
    b = write(tmp_path / "b", GUESS_A, classes=CLASSES[::-1])
    facts = json.loads(compare(a, b, "--json")[1])
    assert facts["paired"]["only_a"] == facts["paired"]["only_b"] == 0
    assert all(one["a"] == one["b"] for one in facts["classes"])
    assert [one["field"] for one in facts["differences"]] == ["classes"]


def test_only_shared_videos_are_paired(tmp_path, compare):
    a, b = (
        write(tmp_path / "a", GUESS_A),
        write(tmp_path / "b", GUESS_B, ids=IDS[:28], skipped=["v28", "v29"]),
    )
    facts = json.loads(compare(a, b, "--json")[1])
    assert facts["paired"]["videos"] == 28 and "skipped" in [one["field"] for one in facts["differences"]]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"data": "other"}, "ids, labels or splits"),
        ({"fold": 2, "data": "f2"}, "fold 2"),
        ({"dataset": "drawings"}, "drawings"),
        ({"classes": ["joy", "fear", "rage"]}, "classes differ"),
        ({"limit": 5}, "--limit"),
    ],
)
def test_what_is_not_comparable_is_not_compared(tmp_path, compare, changes, reason):
    a, b = write(tmp_path / "a", GUESS_A), write(tmp_path / "b", GUESS_B)
    one = record.read(b / "record.json")
    record.write(one.model_copy(update=changes), b)
    code, out, err = compare(a, b)
    assert code == 3 and "not comparable" in err and reason in err and "UAR" not in out
    assert next(iter(changes)) in out, "the differences are shown all the same"
    assert err.splitlines()[-1].startswith("hint: Add --anyway")
    code, out, _ = compare(a, b, "--anyway")
    assert code == 0 and "NOT COMPARABLE" in out and "UAR" in out
    assert json.loads(compare(a, b, "--anyway", "--json")[1])["not_comparable"]


def test_labels_that_disagree_are_not_tested(tmp_path, compare):
    a, b = write(tmp_path / "a", GUESS_A), write(tmp_path / "b", GUESS_B)
    with np.load(b / "predictions.npz") as file:
        arrays = dict(file)
    arrays["id"][[3, 20]] = arrays["id"][[20, 3]]
    np.savez(b / "predictions.npz", **arrays)
    assert "'v3' has different labels" in compare(a, b)[1]


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("label", lambda old: np.roll(old, 1), "another confusion matrix"),
        ("logits", lambda old: old[:, ::-1], "another confusion matrix"),
        ("label", lambda old: old - 1, "labels outside of [0, 3)"),
        ("label", lambda old: old.astype(float), "labels are float64"),
        ("logits", lambda old: old[:, :2], "logits, for 3 classes"),
        ("logits", lambda old: old[:-1], "logits, for 3 classes"),
        ("id", lambda old: np.full_like(old, "v0"), "one id twice"),
    ],
)
def test_predictions_that_are_not_the_records_are_not_tested(tmp_path, compare, name, change, reason):
    a, b = write(tmp_path / "a", GUESS_A), write(tmp_path / "b", GUESS_B)
    with np.load(b / "predictions.npz") as file:
        arrays = dict(file)
    np.savez(b / "predictions.npz", **{**arrays, name: change(arrays[name])})
    code, out, _ = compare(a, b)
    assert code == 0 and "UAR" in out and f"No paired test: {b / 'predictions.npz'}" in out and reason in out


def test_a_record_that_is_none_is_said_to_be_what_it_is(tmp_path, compare):
    import os

    a, b = write(tmp_path / "a", GUESS_A), write(tmp_path / "b", GUESS_B)
    (b / "record.json").unlink()
    os.mkfifo(b / "record.json")
    for other in (b, b / "record.json"):
        code, _, err = compare(a, other)
        assert code == 3 and "a pipe or a device, not a regular file" in err and len(err.splitlines()) == 2


@pytest.mark.slow
def test_predictions_are_a_regular_file_that_does_not_swell(tmp_path, compare):
    import os
    import zipfile

    a, b = write(tmp_path / "a", GUESS_A), write(tmp_path / "b", GUESS_B)
    path = b / "predictions.npz"
    path.unlink()
    os.mkfifo(path)
    assert "a pipe or a device" in compare(a, b)[1]
    path.unlink()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("id.npy", "w") as file:
        for _ in range(1100):
            file.write(bytes(2**20))
    assert path.stat().st_size < 2**21 and "unpacks to more than" in compare(a, b)[1]


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 no zip"])
def test_predictions_that_cannot_be_read_leave_the_numbers(tmp_path, compare, content):
    a, b = write(tmp_path / "a", GUESS_A), write(tmp_path / "b", GUESS_B)
    path = b / "predictions.npz"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    code, out, _ = compare(a, b)
    assert code == 0 and "UAR" in out and f"No paired test: {path}" in out


def test_predictions_never_unpickle(tmp_path, compare):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "boom"), "w"))

    a, b = write(tmp_path / "a", GUESS_A), write(tmp_path / "b", GUESS_B)
    np.savez(b / "predictions.npz", id=np.array([Bomb()], dtype=object), label=TRUTH, logits=np.eye(3)[TRUTH])
    assert "No paired test" in compare(a, b)[1] and not (tmp_path / "boom").exists()


def test_another_epoch_than_the_last_has_no_predictions(tmp_path, compare):
    from dferbench.experiment.record import Epoch

    a, b = write(tmp_path / "a", GUESS_A), write(tmp_path / "b", GUESS_B)
    one = record.read(b / "record.json")
    best = [[15, 0, 0], [0, 10, 0], [0, 0, 5]]
    curve = [
        Epoch(stage="train", epoch=i, terms={}, learning_rates={}, seconds=1.0, confusion=confusion)
        for i, confusion in enumerate((best, one.confusion))
    ]
    record.write(one.model_copy(update={"curve": curve}), b)
    facts = json.loads(compare(a, b, "--select", "best-on-test", "--json")[1])
    assert facts["numbers"]["b"]["uar"] == 100 and "last epoch" in facts["paired"]["why_not"]
    assert {"field": "selection", "a": "no epochs", "b": "best-on-test of 2 epochs"} in facts["differences"]
    assert "p" in json.loads(compare(a, b, "--json")[1])["paired"]


def test_a_run_against_itself(two, compare):
    code, out, _ = compare(two[0], two[0] / "record.json")
    assert code == 0 and "the same in every recorded field" in out and "p = 1" in out


def test_results_are_no_protocol():
    a, b = make("x", 5, curve=(4, 5)), make("y", 9, curve=(8, 9), seconds=9.0)
    assert differences(a, b, "last") == [] and unlike(a, b) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["a", "nowhere"], "nowhere"), (["a", "."], "such as a"), (["a", "b", "--select", "first"], "first"),
     (["a", "running"], "running")],
)  # fmt: skip
def test_wrong_arguments_are_two_lines(tmp_path, monkeypatch, compare, arguments, message):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a", GUESS_A)
    write(tmp_path / "b", GUESS_B)
    write(tmp_path / "running", GUESS_B, status="running")
    code, out, err = compare(*arguments)
    error, hint = err.splitlines()[-2:]
    assert code == 3 and out == "" and message in error + hint and hint.startswith("hint: ")


def test_chosen_metrics_and_who_is_ahead(compare, two):
    from sklearn.metrics import f1_score

    facts = json.loads(compare(*two, "--json", "--metrics", "macro_f1,top2", "--by", "war")[1])
    assert list(facts["numbers"]["a"]) == ["macro-f1", "top2", "war"] and facts["by"] == "war"
    for side, guess in (("a", GUESS_A), ("b", GUESS_B)):
        expected = 100 * f1_score(TRUTH, guess, average="macro")
        assert facts["numbers"][side]["macro-f1"] == pytest.approx(expected)
        # These records have no hits; one-hot logits put the earliest of the two others second.
        hits = (guess == TRUTH) | (np.where(guess == 0, 1, 0) == TRUTH)
        assert facts["numbers"][side]["top2"] == pytest.approx(100 * hits.mean())
    out = compare(*two, "--metrics", "macro_f1,top2", "--by", "war")[1]
    assert "By WAR, A is ahead." in out and "top-2 accuracy" in out and "UAR  " not in out
    assert compare(two[0], two[0], "--by", "f1")[1].count("By macro F1 they are equal.") == 1


@pytest.mark.parametrize("content", [None, b"no zip", "other"])
def test_hits_that_cannot_be_counted_again_are_a_dash_that_is_said(tmp_path, compare, content):
    a, b = write(tmp_path / "a", GUESS_A), write(tmp_path / "b", GUESS_B)
    (b / "predictions.npz").unlink()
    if content == "other":
        (b / "predictions.npz").write_bytes((a / "predictions.npz").read_bytes())
    elif content:
        (b / "predictions.npz").write_bytes(content)
    code, out, _ = compare(a, b, "--metrics", "top2")
    (line,) = [line for line in out.splitlines() if line.startswith("top-2")][:1]
    assert code == 0 and line.split()[-2:] == ["-", "-"] and "not defined for both, as a record lacks" in out


def test_a_stored_false_is_shown_as_false(tmp_path, compare):
    a = write(tmp_path / "a", GUESS_A, options={"frozen": False, "bias": True, "name": "False", "x": None})
    b = write(tmp_path / "b", GUESS_A, options={"frozen": True, "bias": False, "name": "True", "x": 1.5})
    lines = {
        line.split()[0]: line.split()[1:] for line in compare(a, b)[1].splitlines() if "options." in line
    }
    assert lines["options.frozen"] == ["false", "true"] and lines["options.bias"] == ["true", "false"]
    assert lines["options.name"] == ["False", "True"] and lines["options.x"] == ["-", "1.5"]


def test_tables_show_text_as_it_is():
    from dferbench.report.aligned import aligned

    cells = [True, False, None, float("nan"), "False", "None", "nan", "1e5", 0.10, "word " * 30, "x" * 60]
    (head, _, *lines) = aligned([[cell] for cell in cells], ["a value"], widths=[48]).splitlines()
    assert head.strip() == "a value"
    assert [line.strip() for line in lines[:9]] == [
        "true", "false", "-", "nan", "False", "None", "nan", "1e5", "0.1",
    ]  # fmt: skip
    assert max(map(len, lines)) <= 48 and "".join(lines[9:]).count("word") == 30
    assert "".join(lines).count("x") == 60
    assert "False" in aligned([["False", 1]], ["a", "b"], "github", [48, None])
