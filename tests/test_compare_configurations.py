"""compare of whole configurations: their folds and seeds, effect and interval first, p after."""

import json
from statistics import fmean

import numpy as np
import pytest
from scipy.stats import binomtest
from test_intervals import study
from test_tables import make

from dferbench.cli import _run
from dferbench.experiment import record
from dferbench.experiment.metrics import METRICS
from dferbench.statistics.paired import differences, mcnemar, pairs_of
from dferbench.statistics.predictions import of_confusion
from dferbench.statistics.scores import score_of

TRUTH = np.repeat([0, 1], 50)


def leave(folder, cell, right, runs, seed=0):
    """Runs of a configuration that recognise a share `right` of 100 videos, as (fold, seed)."""
    for fold, number in runs:
        rng = np.random.default_rng([seed, fold, number])
        hit = rng.random(100) < right
        said = np.where(hit, TRUTH, 1 - TRUTH)
        confusion = np.zeros((2, 2), int)
        np.add.at(confusion, (TRUTH, said), 1)
        facts = {"confusion": confusion.tolist(), "videos": {"train": 9, "test": 100}}
        place = folder / f"m-{cell}" / f"fold{fold}-seed{number}"
        record.write(make(f"{cell}cafe", 0, fold, number, **facts), place)
        ids = np.array([f"{fold}/{i}" for i in range(100)])
        np.savez(place / "predictions.npz", id=ids, label=TRUTH, logits=np.eye(2, dtype=np.float32)[said])
    return folder / f"m-{cell}"


@pytest.fixture
def compare(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)

    def go(*words):
        code = _run(["compare", *map(str, words)])
        out, err = capfd.readouterr()
        return code, out, err

    return go


@pytest.fixture
def two(tmp_path):
    every = [(fold, seed) for fold in (1, 2, 3) for seed in (0, 1)]
    a = leave(tmp_path / "runs", "aaaa", 0.6, every)
    return a, leave(tmp_path / "runs", "bbbb", 0.8, [*every, (3, 2)], seed=1)


def test_configurations_are_compared_on_the_runs_of_both(compare, two):
    facts = json.loads(compare(*two, "--json")[1])
    assert facts["runs"] == 6 and facts["left_out"] == ["B alone has fold 3 seed 2: left out"]
    for side, folder in zip("ab", two, strict=True):
        wars = [
            np.trace(one.confusion)
            for one in (record.read(path) for path in record.find(folder))
            if one.seed < 2
        ]
        assert facts["numbers"][side]["war"] == pytest.approx(fmean(wars))
        assert np.trace(facts["confusion"][side]) == sum(wars)
        assert sum(one[side]["right"] for one in facts["classes"]) == sum(wars)
    test, war = facts["paired"], facts["paired"]["metrics"]["war"]
    gain = facts["numbers"]["b"]["war"] - facts["numbers"]["a"]["war"]
    assert war["effect"] == pytest.approx(gain) and war["low"] < gain < war["high"] and war["p"] < 0.05
    assert test["videos"] == 300 and test["more"] == pytest.approx(3 * gain)
    assert test["p"] == pytest.approx(binomtest(test["only_a"], test["only_a"] + test["only_b"]).pvalue)
    assert test["covers"] == "Intervals cover other test videos, seeds and folds."
    assert [one["class"] for one in test["classes"]] == ["a", "b"] and war["smallest"] > 0


def test_effect_and_interval_stand_before_p(compare, two):
    code, out, _ = compare(*two, "--interval", "90")
    assert code == 0 and "B alone has fold 3 seed 2" in out and "means over 6 runs" in out
    words = [
        "B - A",
        "90 % interval",
        "videos are in both",
        "\nIntervals cover other test videos, seeds and folds.\n",
        "80 of 100",
        "p, the chance",
        "McNemar",
    ]
    places = [out.index(word) for word in words]
    assert places == sorted(places)


def test_a_configuration_is_named_by_the_start_of_its_id(compare, two):
    by_id, by_folder = (json.loads(compare(*words, "--json")[1]) for words in (("aaaa", "bbbbcafe"), two))
    assert by_id["paired"] == by_folder["paired"] and by_id["a"] == "aaaa"


def test_a_run_and_a_configuration_share_that_run(compare, two):
    facts = json.loads(compare(two[0] / "fold2-seed1", two[1], "--json")[1])
    assert facts["runs"] == 1 and facts["paired"]["videos"] == 100 and "fold 3 seed 2" in facts["left_out"][0]


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [("runs", "bbbb", "holds 2 configurations"), ("cccc", "bbbb", "no record at cccc"),
     ("aaaa", "runs/m-bbbb/fold3-seed2", "no fold and seed is in both")],
)  # fmt: skip
def test_what_is_no_configuration_is_two_lines(compare, two, a, b, words):
    code, out, err = compare(a, b)
    error, hint = err.splitlines()
    assert code == 3 and not out and words in error and hint.startswith("hint: ")


def test_several_seeds_count_a_video_once():
    """A video is whose that is right with more seeds; else three seeds would be three times the proof."""
    a, b = study(2, 3, 40), study(2, 3, 40, rng=np.random.default_rng(9))
    b = [type(one)(one.fold, one.seed, 3, a[i].labels, one.predicted, one.ids) for i, one in enumerate(b)]
    wins = {}
    for one, sign in [*((one, -1) for one in a), *((one, 1) for one in b)]:
        for name, right in zip(one.ids, one.labels == one.predicted, strict=True):
            wins[name] = wins.get(name, 0) + sign * int(right)
    only_a, only_b = sum(w < 0 for w in wins.values()), sum(w > 0 for w in wins.values())
    found = mcnemar(pairs_of(a, b))
    assert (found.videos, found.only_a, found.only_b) == (80, only_a, only_b)
    assert found.more == pytest.approx(sum(wins.values()) / 3)
    assert found.p == pytest.approx(binomtest(only_a, only_a + only_b).pvalue)
    with pytest.raises(ValueError, match="without ids"):
        pairs_of(a, [of_confusion(1, 0, [[1, 0], [0, 1]])])


def test_a_difference_of_shares_is_that_of_the_textbook():
    """On one run each: the interval and p of paired shares, as normal theory has them."""
    a, b = study(1, 1, 800), study(1, 1, 800, right=0.75)
    b = [type(b[0])(1, 0, 3, a[0].labels, b[0].predicted + a[0].labels - b[0].labels, a[0].ids)]
    gain = (b[0].labels == b[0].predicted).astype(int) - (a[0].labels == a[0].predicted)
    error = 100 * gain.std(ddof=1) / 800**0.5
    found = differences(pairs_of(a, b), {"war": score_of(METRICS["war"])}, by_class=False)["war"]
    assert found.effect == pytest.approx(100 * gain.mean())
    assert (found.low, found.high) == pytest.approx(
        (found.effect - 1.96 * error, found.effect + 1.96 * error), abs=0.15 * error
    )
    assert found.smallest == pytest.approx(2.80 * error, rel=0.05)
