"""Intervals of runs: what they cover, that they are the same in any order, and what draws compute."""

import numpy as np
import pytest

from dferbench.experiment.counts import Counts
from dferbench.experiment.metrics import METRICS, Metric
from dferbench.statistics.intervals import fold_scores, interval, intervals
from dferbench.statistics.predictions import RunPredictions, of_confusion
from dferbench.statistics.scores import Tally, recall_of, score_of


def study(folds=1, seeds=1, videos=90, classes=3, spread=(0.0, 0.0), rng=None, right=0.7):
    """Runs that recognise a share `right` of their videos, moved by `spread` = (of folds, of seeds)."""
    rng = rng or np.random.default_rng(0)
    runs = []
    for fold in range(1, folds + 1):
        labels, moved = rng.integers(0, classes, videos), spread[0] * rng.normal()
        hard = rng.random(videos)
        for seed in range(seeds):
            share = right + moved + spread[1] * rng.normal()
            hit = 0.5 * hard + 0.5 * rng.random(videos) < share
            said = np.where(hit, labels, (labels + 1) % classes)
            runs.append(
                RunPredictions(fold, seed, classes, labels, said, [f"{fold}/{i}" for i in range(videos)])
            )
    return runs


def shuffled(one, rng):
    order = rng.permutation(len(one.labels))
    ids = [one.ids[i] for i in order]
    return RunPredictions(one.fold, one.seed, one.classes, one.labels[order], one.predicted[order], ids)


@pytest.mark.parametrize("name", list(METRICS))
def test_metrics_over_many_matrices_are_those_over_one(name):
    rng = np.random.default_rng(1)
    matrices = rng.integers(0, 9, (40, 4, 4)) * (rng.random((40, 4, 1)) < 0.8)  # some classes have no video
    matrices[0] = 0
    hits = np.array([m.trace() for m in matrices])
    found = score_of(METRICS[name])(Tally(matrices.astype(float), hits.astype(float)))
    own = Metric("own", METRICS[name].function.__call__, "own", "", needs=METRICS[name].needs)
    for one in (METRICS[name], own):
        expected = [one.of(Counts(m.tolist(), top2=int(h))) for m, h in zip(matrices, hits, strict=True)]
        again = score_of(one)(Tally(matrices.astype(float), hits.astype(float)))
        np.testing.assert_allclose(again, [np.nan if e is None else e for e in expected])
    np.testing.assert_allclose(found, again)
    recall = recall_of(2)(Tally(matrices[1:2].astype(float)))
    assert recall == pytest.approx(100 * matrices[1, 2, 2] / matrices[1, 2].sum())


def test_the_same_runs_in_any_order_have_the_same_interval():
    runs, rng = study(3, 2), np.random.default_rng(5)
    mixed = [shuffled(runs[i], rng) for i in rng.permutation(len(runs))]
    for name in ("uar", "war"):
        assert interval(runs, METRICS[name]) == interval(mixed, METRICS[name])
    assert interval(runs, METRICS["uar"]) != interval(runs[1:], METRICS["uar"])


def test_one_run_has_the_interval_of_a_share():
    """Of 400 videos, 300 recognised: the textbook's interval of 75 %, but for the luck of the draws."""
    run = of_confusion(1, 0, [[150, 50], [50, 150]])
    for name in ("war", "uar"):
        found = interval([run], METRICS[name])
        reach = 196 * (0.75 * 0.25 / 400) ** 0.5
        assert (found.low, found.high) == pytest.approx((75 - reach, 75 + reach), abs=0.4)
    narrow = interval([run], METRICS["war"], 80.0)
    assert found.low < narrow.low < narrow.high < found.high and narrow.level == 80.0


def test_a_small_class_is_never_lost_and_widens_means_over_classes():
    run = of_confusion(1, 0, [[90, 10, 0], [10, 90, 0], [1, 1, 1]])
    found = intervals([run], [METRICS["uar"], METRICS["war"]])
    widths = {name: one.high - one.low for name, one in found.items()}
    assert widths["uar"] > 2.5 * widths["war"]
    (drawn,) = fold_scores([run], [recall_of(2)], by_class=True)
    # A share of one in three, of three videos has the variance 1/3 * 2/3 / (3 - 1).
    assert np.var(drawn.draws / 100) == pytest.approx(1 / 9, rel=0.1)


def test_seeds_and_folds_widen_the_interval_as_far_as_they_differ():
    rng = np.random.default_rng(3)
    width = {}
    for name, spread in {"none": (0, 0), "seeds": (0, 0.1), "folds": (0.1, 0)}.items():
        found = interval(study(5, 4, 400, spread=spread, rng=rng, right=0.5), METRICS["war"])
        width[name] = found.high - found.low
    assert width["seeds"] > 1.5 * width["none"] and width["folds"] > 2.5 * width["none"]


@pytest.mark.parametrize(
    ("folds", "seeds", "words"),
    [(1, 1, "not other seeds (there is one) or folds (there is one)"), (1, 2, "seeds, but not other folds"),
     (2, 1, "two are too few"), (5, 1, "as there is one"), (5, 3, "test videos, seeds and folds.")],
)  # fmt: skip
def test_an_interval_says_what_it_does_not_cover(folds, seeds, words):
    assert words in interval(study(folds, seeds), METRICS["war"]).says


def test_runs_whose_videos_are_not_known_have_the_wider_interval():
    runs = study(1, 3)
    counted = []
    for one in runs:
        confusion = np.zeros((3, 3), int)
        np.add.at(confusion, (one.labels, one.predicted), 1)
        counted.append(of_confusion(1, one.seed, confusion.tolist()))
    known, unknown = (interval(mine, METRICS["war"]) for mine in (runs, counted))
    assert unknown.high - unknown.low > known.high - known.low
    assert interval(runs[:1], METRICS["war"]) == interval(counted[:1], METRICS["war"])


def test_a_video_that_a_run_left_out_counts_for_the_others():
    runs = study(1, 2)
    half = runs[1].where(np.arange(90) < 45)
    (drawn,) = fold_scores([runs[0], half], [score_of(METRICS["war"])], by_class=False)
    assert drawn.observed == pytest.approx([100 * (r.labels == r.predicted).mean() for r in (runs[0], half)])
    assert drawn.draws[:, 1].std() > 1.2 * drawn.draws[:, 0].std()
    other = RunPredictions(1, 1, 3, (runs[1].labels + 1) % 3, runs[1].predicted, runs[1].ids)
    with pytest.raises(ValueError, match="different labels"):
        interval([runs[0], other], METRICS["war"])


def test_top2_hits_are_drawn_and_what_is_undefined_has_no_interval():
    run = of_confusion(1, 0, [[5, 5], [5, 5]], top2=15)
    found = interval([run], METRICS["top2"])
    assert found.low < 75 < found.high
    assert interval([of_confusion(1, 0, [[5, 5], [5, 5]])], METRICS["top2"]) is None
    assert interval([], METRICS["war"]) is None


def test_what_never_varies_says_that_it_is_too_few():
    found = interval([of_confusion(1, 0, [[3, 0], [0, 2]])], METRICS["war"])
    assert (found.low, found.high) == (100.0, 100.0) and "no width" in found.says
