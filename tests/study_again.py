"""A study's figures once more, from the files of its runs, by numpy, scipy and scikit-learn alone.

The intervals follow docs/certainty.md with draws of their own: they agree but for the luck of 2,000 draws.
"""

import json

import numpy as np
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score, recall_score

METRICS = {
    "uar": lambda label, said: recall_score(label, said, average="macro"),
    "war": accuracy_score,
    "macro-f1": lambda label, said: f1_score(label, said, average="macro"),
}


class Run:
    """What lies in the folder of a run."""

    def __init__(self, folder):
        self.record = json.loads((folder / "record.json").read_text())
        self.curve = json.loads((folder / "curve.json").read_text())["epochs"]
        every = np.load(folder / "epoch_predictions.npz")
        self.label, self.said = every["label"], every["logits"].argmax(2)
        kept = np.load(folder / "predictions.npz")
        order = [list(kept["id"]).index(name) for name in every["id"]]
        assert (kept["logits"].argmax(1)[order] == self.said[-1]).all()

    def epoch(self, rule):
        if rule == "last":
            return len(self.said) - 1
        if rule == "best-on-test":
            scores = [accuracy_score(self.label, said) for said in self.said]
            return int(np.argmax(scores))
        held = [np.array(row["validation"]) for row in self.curve]
        scores = [(m.trace() / m.sum(), np.mean(m.diagonal() / m.sum(1))) for m in held]
        return max(range(len(held)), key=lambda e: (*np.round(scores[e], 12), -e))

    def answers(self, rule):
        return self.said[self.epoch(rule)]

    def score(self, metric, rule):
        return 100 * METRICS[metric](self.label, self.answers(rule))


def mean(runs, metric, rule):
    return np.mean([run.score(metric, rule) for run in runs])


def optimism(runs, metric):
    return np.mean([run.score(metric, "best-on-test") - run.score(metric, "val") for run in runs])


def recalls(label, said, classes):
    return np.array([(said[label == c] == c).mean() for c in range(classes)])


def war_interval(runs, rule, level=95, draws=2000):
    """Of WAR: videos drawn within folds, n - 1 of n; seeds beyond their videos; three folds beyond both."""
    rng, by_fold = np.random.default_rng(1), {}
    for run in runs:
        by_fold.setdefault(run.record["fold"], []).append(run)
    moved, variance, squares, within, explained, freedom, total = [], 0.0, 0.0, 0.0, 0.0, 0, len(runs)
    for mine in by_fold.values():
        hits = np.array([run.answers(rule) == run.label for run in mine], dtype=float) * 100
        count = hits.shape[1]
        found = np.array([hits[:, rng.integers(0, count, count - 1)].mean(1) for _ in range(draws)])
        away = (found - hits.mean(1)).mean(1)
        moved.append(away)
        variance += (len(mine) / total) ** 2 * away.var()
        within += hits.mean(1).var() * len(mine)
        explained += (found - hits.mean(1)).var(1).mean() * len(mine)
        freedom += len(mine) - 1
    between = within / freedom
    variance += max(0.0, between - explained / freedom) / total
    squares = (between / total) ** 2 / freedom
    freedom = max(1.0, variance**2 / squares) if squares else np.inf
    means = [np.mean([run.score("war", rule) for run in mine]) for mine in by_fold.values()]
    of_folds = np.var(means, ddof=1) / len(means)
    if of_folds > variance:
        variance, freedom = of_folds, len(means) - 1
    deviations = np.mean(moved, 0)
    outside = (1 - level / 100) / 2
    student = stats.t.ppf(1 - outside, freedom) / stats.norm.ppf(1 - outside)
    quantiles = np.quantile(deviations, [outside, 1 - outside])
    return np.mean(means) + quantiles * student * variance**0.5 / deviations.std()


def average_ranks(rows, folds, metric="uar", rule="last"):
    """Of each row (label to runs) its mean rank over folds, 1 the best; and Friedman's p."""
    parts = [[[r for r in runs if r.record["fold"] == fold] for runs in rows.values()] for fold in folds]
    table = np.array([[mean(runs, metric, rule) for runs in part] for part in parts])
    ranks = stats.rankdata(-table, axis=1).mean(0)
    return dict(zip(rows, ranks, strict=True)), stats.friedmanchisquare(*table.T).pvalue
