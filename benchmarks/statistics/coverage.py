"""How often 95 % intervals hold the truth, and how often tests raise a false alarm, in simulated studies.

    python benchmarks/statistics/coverage.py [--studies 2000] [--only NAME]

A simulated study tests models on videos of seven classes, of which one is rare (3 %). A model recognises a
video if ability of its class + luck of the fold + luck of the seed + what makes the video hard for all models
(variance 0.5) + what makes it hard for this one (variance 0.5) is above 0; the last two are normal, so the
true recalls are known exactly. The truth of an interval is the score over all videos, over all seeds if the
study has several, and over all folds if it has three or more; else of its own seeds and folds: what the
interval says that it covers. Abilities are spread so that recalls are 5 % to 90 %, as in published tables.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from dferbench.experiment.metrics import METRICS
from dferbench.statistics.intervals import intervals
from dferbench.statistics.levels import FEWEST_FOLDS
from dferbench.statistics.paired import differences, mcnemar, pairs_of
from dferbench.statistics.predictions import RunPredictions
from dferbench.statistics.ranks import friedman, holm, ranking, wilcoxon
from dferbench.statistics.scores import score_of

SHARES = np.array([0.21, 0.21, 0.19, 0.17, 0.12, 0.07, 0.03])
ABILITY = np.array([1.3, 0.9, 0.7, 0.5, 0.2, -0.4, -1.6])
SCORES = ("war", "uar", "macro-f1")
RESAMPLES = 500


@dataclass(frozen=True)
class Design:
    """Folds, seeds, videos of a fold, and the standard deviations of the luck of folds and seeds.

    `common` is the share of the variance of a fold's luck that all folds have in common, as their training
    videos overlap: no study can see it.
    """

    folds: int
    seeds: int
    videos: int
    of_folds: float = 0.0
    of_seeds: float = 0.0
    common: float = 0.0


DESIGNS = {
    "one fold, one seed": Design(1, 1, 250),
    "one fold, one seed, few videos": Design(1, 1, 100),
    "one fold, three seeds, alike": Design(1, 3, 250),
    "one fold, three seeds": Design(1, 3, 250, of_seeds=0.05),
    "one fold, three seeds, unlike": Design(1, 3, 250, of_seeds=0.2),
    "five folds, one seed, alike": Design(5, 1, 250),
    "five folds, one seed": Design(5, 1, 250, of_folds=0.05, of_seeds=0.03),
    "five folds, one seed, unlike": Design(5, 1, 250, of_folds=0.2, of_seeds=0.05),
    "five folds, three seeds, alike": Design(5, 3, 250),
    "five folds, three seeds": Design(5, 3, 250, of_folds=0.05, of_seeds=0.05),
    "five folds, three seeds, unlike": Design(5, 3, 250, of_folds=0.1, of_seeds=0.2),
    "two folds, three seeds": Design(2, 3, 250, of_folds=0.1, of_seeds=0.05),
}
BEYOND = {"five folds, three seeds, folds that overlap": Design(5, 3, 250, 0.1, 0.05, common=0.5)}
"""What intervals cannot cover: shown, not required."""


@dataclass(frozen=True)
class Luck:
    """Of one configuration: of each fold (folds,), and of each run (folds, seeds)."""

    folds: np.ndarray
    runs: np.ndarray


def luck(design: Design, rng: np.random.Generator) -> Luck:
    """Drawn anew for a study."""
    common = design.common**0.5 * rng.normal()
    own = (1 - design.common) ** 0.5 * rng.normal(size=design.folds)
    return Luck(
        design.of_folds * (common + own), design.of_seeds * rng.normal(size=(design.folds, design.seeds))
    )


def study(
    design: Design, rng: np.random.Generator, lucks: list[Luck], own: float = 0.5
) -> list[list[RunPredictions]]:
    """What configurations with these lucks predict on the same videos.

    `own` is the variance of what makes a video hard for one model alone.
    """
    found: list[list[RunPredictions]] = [[] for _ in lucks]
    for fold in range(design.folds):
        labels = rng.choice(len(SHARES), design.videos, p=SHARES)
        ids = [f"{fold}/{i}" for i in range(design.videos)]
        hard = (1 - own) ** 0.5 * rng.normal(size=design.videos)
        wrong = (labels + rng.integers(1, len(SHARES), design.videos)) % len(SHARES)
        for runs, one in zip(found, lucks, strict=True):
            for seed in range(design.seeds):
                level = ABILITY[labels] + one.folds[fold] + one.runs[fold, seed]
                right = level + hard + own**0.5 * rng.normal(size=design.videos) > 0
                said = np.where(right, labels, wrong)
                runs.append(RunPredictions(fold, seed, len(SHARES), labels, said, ids))
    return found


def truth(design: Design, one: Luck) -> dict[str, float]:
    """The scores that the interval of such a study is about."""
    over_folds, over_seeds = design.folds >= FEWEST_FOLDS, design.seeds > 1
    fixed = np.zeros((design.folds, design.seeds))
    fixed = fixed + (0 if over_folds else one.folds[:, None])
    # From three folds on, a single seed of each fold is part of how folds differ.
    fixed = fixed + (0 if over_seeds or over_folds else one.runs)
    luck = (design.of_folds**2 if over_folds else 0) + (design.of_seeds**2 if over_seeds or over_folds else 0)
    recalls = ndtr((ABILITY + fixed[..., None]) / (1 + luck) ** 0.5)
    missed = SHARES * (1 - recalls)
    claimed = (missed.sum(-1, keepdims=True) - missed) / (len(SHARES) - 1)
    f1 = 2 * SHARES * recalls / (SHARES + SHARES * recalls + claimed)
    found = {"war": (SHARES * recalls).sum(-1), "uar": recalls.mean(-1), "macro-f1": f1.mean(-1)}
    return {name: float(100 * value.mean()) for name, value in found.items()}


@dataclass
class Counted:
    """How often something held, of how many studies."""

    held: int = 0
    of: int = 0
    width: float = 0.0

    def add(self, held: bool, width: float = 0.0) -> None:
        """One study more."""
        self.held += held
        self.of += 1
        self.width += width

    @property
    def percent(self) -> float:
        """Of the studies."""
        return 100 * self.held / self.of


def coverage(design: Design, studies: int, seed: int = 0) -> dict[str, Counted]:
    """Per score, how many of the 95 % intervals hold the truth."""
    found = {name: Counted() for name in SCORES}
    shown = [METRICS[name] for name in SCORES]
    for number in range(studies):
        rng = np.random.default_rng([seed, number])
        mine = luck(design, rng)
        (runs,) = study(design, rng, [mine])
        known = truth(design, mine)
        for name, one in intervals(runs, shown, resamples=RESAMPLES).items():
            if one is None:
                raise RuntimeError(f"{name} is undefined in study {number}")
            found[name].add(one.low <= known[name] <= one.high, one.high - one.low)
    return found


def false_alarms(design: Design, studies: int, seed: int = 0) -> dict[str, Counted]:
    """How often two configurations that are alike are said to differ, at 5 %."""
    names = ("war", "uar")
    found = {name: Counted() for name in (*names, "McNemar")}
    for number in range(studies):
        rng = np.random.default_rng([seed, number])
        one, other = luck(design, rng), luck(design, rng)
        if design.seeds < 2:  # what is compared is these models
            other = one
        # The folds are the same for both, and what they share of their luck is no difference.
        both = study(design, rng, [one, Luck(one.folds, other.runs)])
        pairs = pairs_of(*both)
        for name in names:
            metric = METRICS[name]
            (gain,) = differences(
                pairs, {name: score_of(metric)}, by_class=metric.over_classes, resamples=RESAMPLES
            ).values()
            if gain is None:
                raise RuntimeError(f"{name} is undefined in study {number}")
            found[name].add(gain.p < 0.05, gain.high - gain.low)
        found["McNemar"].add(mcnemar(pairs).p < 0.05)
    return found


def rank_alarms(blocks: int, columns: int, studies: int, seed: int = 0) -> dict[str, Counted]:
    """How often tests find any difference among configurations that are alike, at 5 %."""
    found = {name: Counted() for name in ("Friedman", "Nemenyi", "Wilcoxon-Holm")}
    for number in range(studies):
        rng = np.random.default_rng([seed, number])
        scores = rng.normal(size=(blocks, 1)) * 3 + rng.normal(size=(blocks, columns))
        found["Friedman"].add(friedman(scores)[1] < 0.05)
        made = ranking(scores, test="nemenyi") if number < studies // 10 else None
        if made is not None:
            found["Nemenyi"].add(min(pair.p for pair in made.pairs) < 0.05)
        tests = [wilcoxon(scores[:, i], scores[:, j]) for i in range(columns) for j in range(i)]
        found["Wilcoxon-Holm"].add(min(holm(tests)) < 0.05)
    return found


def show(title: str, work: Callable[[], dict[str, Counted]]) -> None:
    """Print the shares of one design."""
    start = time.process_time()
    found = work()
    words = ", ".join(
        f"{name} {one.percent:.1f} %" + (f" (width {one.width / one.of:.1f})" if one.width else "")
        for name, one in found.items()
    )
    print(f"{title}: {words} [{time.process_time() - start:.0f} s]", flush=True)


def main() -> None:
    """Simulate every design and print a line for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--only", default="", help="Designs with these words in their names.")
    options = parser.parse_args()
    wanted = {name: one for name, one in {**DESIGNS, **BEYOND}.items() if options.only in name}
    print(f"95 % intervals that hold the truth, of {options.studies}:")
    for name, design in wanted.items():
        show(name, lambda design=design: coverage(design, options.studies))
    print("Two that are alike, said to differ at 5 %:")
    for name, design in wanted.items():
        show(name, lambda design=design: false_alarms(design, options.studies))
    if not options.only:
        print("Ranks of configurations that are alike, any pair said to differ at 5 %:")
        for blocks, columns in ((5, 2), (6, 2), (5, 4), (10, 4), (15, 3), (15, 6)):
            show(
                f"{blocks} blocks, {columns} configurations",
                lambda n=blocks, k=columns: rank_alarms(n, k, options.studies),
            )


if __name__ == "__main__":
    main()
