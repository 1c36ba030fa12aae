"""Every metric against scikit-learn and torchmetrics, and where a macro average would lie."""

import numpy as np
import pytest
import torch
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    precision_score,
    recall_score,
    top_k_accuracy_score,
)
from torchmetrics.classification import (
    MulticlassAccuracy,
    MulticlassF1Score,
    MulticlassPrecision,
    MulticlassRecall,
)

from dferbench.errors import ConfigError, UnknownName
from dferbench.experiment.counts import Counts, pool, precisions, top2_hits
from dferbench.experiment.metrics import METRICS, Metric, columns, find, registered
from dferbench.registry.catalog import Catalog, Entry, discover
from dferbench.training.predictions import Predictions

CLASSES = 7
UNSEEN = {"all": (), "no videos of 2": (2,), "no videos of 0 and 6": (0, 6)}


def drawn(seed, unseen=(), never=(), number=150):
    """Labels and logits of random videos: none of a class in `unseen`, none predicted as one in `never`."""
    rng = np.random.default_rng(seed)
    labels = rng.choice([k for k in range(CLASSES) if k not in unseen], number)
    logits = rng.normal(size=(number, CLASSES)).astype(np.float32)
    logits[np.arange(number), labels] += rng.normal(1, 1, number)
    logits[:, list(never)] = -9
    return labels, logits


def counted(labels, logits):
    matrix = confusion_matrix(labels, logits.argmax(1), labels=range(CLASSES)).tolist()
    return Counts(matrix, top2=top2_hits(logits, labels))


def value(name, counts):
    return METRICS[name].of(counts)


@pytest.mark.parametrize("never", [(), (4,), (0, 1)])
@pytest.mark.parametrize("unseen", UNSEEN.values(), ids=UNSEEN)
@pytest.mark.parametrize("seed", range(3))
def test_against_scikit_learn(seed, unseen, never):
    """Also where a class has no test video but is predicted, and where one is never predicted."""
    labels, logits = drawn(seed, unseen, never)
    said, counts = logits.argmax(1), counted(labels, logits)
    present = np.unique(labels)
    f1 = {"labels": present, "zero_division": 0}
    with pytest.warns(UserWarning, match="y_pred contains classes") if unseen else _nothing():
        balanced = balanced_accuracy_score(labels, said)
    assert value("uar", counts) == pytest.approx(100 * balanced)
    assert value("war", counts) == pytest.approx(100 * accuracy_score(labels, said))
    assert value("macro-f1", counts) == pytest.approx(100 * f1_score(labels, said, average="macro", **f1))
    weighted = f1_score(labels, said, average="weighted", zero_division=0)
    assert value("weighted-f1", counts) == pytest.approx(100 * weighted)
    top2 = top_k_accuracy_score(labels, logits, k=2, labels=range(CLASSES))
    assert value("top2", counts) == pytest.approx(100 * top2)

    def by_class(score):
        found = score(labels, said, labels=range(CLASSES), average=None, zero_division=np.nan)
        return [None if np.isnan(one) else pytest.approx(one) for one in found]

    assert counts.recalls == by_class(recall_score)
    assert precisions(counts.confusion) == by_class(precision_score)
    mine = counts.f1_scores
    theirs = f1_score(labels, said, labels=present, average=None, zero_division=0)
    assert [mine[k] for k in present] == pytest.approx(list(theirs))
    assert all(mine[k] is None for k in unseen)


def _nothing():
    import contextlib

    return contextlib.nullcontext()


@pytest.mark.parametrize("seed", range(3))
def test_against_torchmetrics_where_every_class_has_videos(seed):
    """Its macro averages take a class without videos into account, so they agree only here."""
    labels, logits = drawn(seed)
    counts, pair = counted(labels, logits), (torch.from_numpy(logits), torch.from_numpy(labels))
    for name, metric in {
        "war": MulticlassAccuracy(CLASSES, average="micro"),
        "uar": MulticlassRecall(CLASSES, average="macro"),
        "macro-f1": MulticlassF1Score(CLASSES, average="macro"),
        "weighted-f1": MulticlassF1Score(CLASSES, average="weighted"),
        "top2": MulticlassAccuracy(CLASSES, average="micro", top_k=2),
    }.items():
        assert value(name, counts) == pytest.approx(100 * float(metric(*pair)), abs=1e-4), name
    precision = MulticlassPrecision(CLASSES, average=None)(*pair).tolist()
    assert precisions(counts.confusion) == pytest.approx(precision, abs=1e-6)


@pytest.mark.parametrize("name", METRICS)
def test_the_order_of_videos_and_of_classes_does_not_count(name):
    labels, logits = drawn(5, unseen=(3,))
    rng = np.random.default_rng(0)
    videos, classes = rng.permutation(len(labels)), rng.permutation(CLASSES)
    renamed = np.argsort(classes)[labels[videos]]
    assert value(name, counted(labels[videos], logits[videos])) == value(name, counted(labels, logits))
    again = counted(renamed, logits[videos][:, classes])
    assert value(name, again) == pytest.approx(value(name, counted(labels, logits)))


@pytest.mark.parametrize("name", METRICS)
def test_values_lie_in_the_stated_range_and_reach_its_ends(name):
    one = METRICS[name]
    perfect, wrong = np.eye(4, dtype=np.float32), np.roll(np.eye(4, dtype=np.float32), 1, axis=1)
    wrong = wrong + np.roll(np.eye(4, dtype=np.float32), 2, axis=1) / 2
    labels = np.arange(4)
    ends = []
    for logits in (wrong, perfect):
        matrix = confusion_matrix(labels, logits.argmax(1)).tolist()
        ends.append(one.of(Counts(matrix, top2=top2_hits(logits, labels))))
    assert ends == [one.low, one.high] == [0, 100] and one.higher_is_better


def test_a_class_without_videos_does_not_count():
    counts = Counts([[3, 1, 0], [0, 1, 1], [0, 0, 0]], ("a", "b", "c"))
    assert value("uar", counts) == pytest.approx(100 * (0.75 + 0.5) / 2)
    assert counts.recalls == [0.75, 0.5, None] and counts.untested == ("c",)
    assert counts.f1_scores == [pytest.approx(6 / 7), 0.5, None]


def test_a_class_that_is_never_predicted_has_no_precision_and_f1_0():
    counts = Counts([[4, 0], [2, 0]])
    assert precisions(counts.confusion) == [pytest.approx(2 / 3), None]
    assert counts.f1_scores == [pytest.approx(0.8), 0.0]


def test_ties_go_to_the_earlier_class_as_for_the_prediction():
    logits = np.array([[1, 1, 1], [0, 1, 1], [1, 0, 0], [0, 0, 0]], dtype=np.float32)
    rank = {0: [1, 0, 1, 1], 1: [1, 1, 1, 1], 2: [0, 1, 0, 0]}
    for label, hits in rank.items():
        for row, hit in zip(logits, hits, strict=True):
            assert top2_hits(row[None], np.array([label])) == hit, (row, label)


def test_the_prediction_is_always_among_the_two_whatever_the_logits():
    rng = np.random.default_rng(0)
    logits = rng.integers(0, 3, (500, 5)).astype(np.float32)
    logits[rng.random(logits.shape) < 0.1] = np.nan
    logits[rng.random(logits.shape) < 0.1] = -np.inf
    said = torch.from_numpy(logits).argmax(1).numpy()
    assert top2_hits(logits, said) == 500
    found = Predictions(["x"] * 500, said, logits)
    assert found.top2() == 500 == np.trace(found.confusion())


def test_two_classes_have_top_2_accuracy_100():
    assert top2_hits(np.zeros((3, 2)), np.array([0, 1, 1])) == 3


def test_no_video_at_all():
    empty = Counts([[0, 0], [0, 0]], top2=0)
    assert [value(name, empty) for name in METRICS] == [None] * len(METRICS)
    assert top2_hits(np.zeros((0, 2)), np.zeros(0, int)) == 0


def test_pooled_is_not_the_mean():
    first, second = Counts([[9, 1], [0, 10]], top2=20), Counts([[1, 0], [5, 5]], top2=11)
    both = pool([first, second])
    assert both == Counts([[10, 1], [5, 15]], top2=31)
    assert value("war", both) != (value("war", first) + value("war", second)) / 2
    assert pool([first, Counts([[1, 0], [5, 5]])]).top2 is None


# names, columns, the door


@pytest.mark.parametrize(
    ("text", "name"),
    [("uar", "uar"), ("UAR", "uar"), ("macro_f1", "macro-f1"), ("f1", "macro-f1"), ("accuracy", "war"),
     ("balanced_accuracy", "uar"), (" top-2 ", "top2")],
)  # fmt: skip
def test_names_and_aliases(text, name):
    assert find(text, METRICS).name == name


def test_no_name_means_two_metrics():
    names = [name for one in METRICS.values() for name in (one.name, *one.aliases)]
    assert len(set(names)) == len(names)


def test_columns():
    assert [one.name for one in columns().metrics] == ["uar", "war"] and columns().by.name == "uar"
    assert columns("war,f1").by.name == "war"
    shown = columns("war, f1", "top2")
    assert [one.name for one in shown.metrics] == ["war", "macro-f1", "top2"], "what ranks is shown"
    for wrong in (("uar,wra", ""), ("uar", "wra")):
        with pytest.raises(UnknownName, match="no metric named 'wra'") as caught:
            columns(*wrong)
        assert "war" in caught.value.hint


def test_the_hosts_metrics_came_through_the_door():
    found = registered(discover())
    assert {name: found[name] for name in METRICS} == dict(METRICS)


def catalog(function, **facts):
    made = Catalog()
    made.add("metrics", Entry("mine", function, "mine.py", facts))
    return made


@pytest.mark.parametrize("result", [None, float("nan"), float("inf")])
def test_what_is_no_number_is_undefined(result):
    one = registered(catalog(lambda counts: result))["mine"]
    assert one.of(Counts([[1]])) is None and one.title == "mine" and one.range == "[0, 100]"


def test_a_division_by_zero_is_undefined_and_a_bug_names_its_plugin():
    assert registered(catalog(lambda counts: 1 / 0))["mine"].of(Counts([[1]])) is None
    with pytest.raises(ConfigError, match=r"'mine' of mine\.py failed: KeyError: 'x'"):
        registered(catalog(lambda counts: {}["x"]))["mine"].of(Counts([[1]]))


def test_a_registration_that_says_what_no_metric_has():
    with pytest.raises(ConfigError, match="higher_is_beter") as caught:
        registered(catalog(len, higher_is_beter=False))
    assert "higher_is_better" in caught.value.hint


def test_another_unit_has_its_own_bounds():
    one = registered(catalog(lambda counts: 0.5, unit="kappa", low=-1, high=1))["mine"]
    assert one.range == "[-1, 1]" and one.head == "mine (kappa)" and not one.admits(50)
    assert registered(catalog(len, unit="nats", low=0))["mine"].range == "[0, inf)"


def test_a_name_that_two_plugins_claim_belongs_to_neither():
    twice = catalog(lambda counts: 1)
    twice.add("metrics", Entry("mine", lambda counts: 2, "other.py"))
    assert "mine" not in registered(twice)


def test_lower_is_better_sorts_the_other_way():
    error = Metric("error", lambda counts: 0.0, "error", "", higher_is_better=False)
    assert sorted([3.0, None, 1.0], key=error.order) == [1.0, 3.0, None]
    assert sorted([3.0, None, 1.0], key=METRICS["uar"].order) == [3.0, 1.0, None]
