"""A small part of the simulation: intervals hold the truth, and tests raise few false alarms."""

import importlib.util

import pytest
from conftest import ROOT
from scipy.stats import binom

spec = importlib.util.spec_from_file_location("coverage_sim", ROOT / "benchmarks/statistics/coverage.py")
sim = importlib.util.module_from_spec(spec)


@pytest.fixture(scope="module", autouse=True)
def loaded():
    import sys

    sys.modules[spec.name] = sim
    spec.loader.exec_module(sim)


@pytest.mark.parametrize(
    "name", ["one fold, one seed", "one fold, three seeds, unlike", "five folds, one seed"]
)
def test_intervals_hold_the_truth(name):
    """As often as one that holds it in 95 of 100 would, but for a chance of one in 10,000."""
    found = sim.coverage(sim.DESIGNS[name], range(60), ("war", "uar"))
    for one in found.values():
        assert one.of == 60 and one.held >= binom.ppf(1e-4, 60, 0.95)


def test_intervals_that_leave_out_seeds_would_miss_it():
    """The check can fail: of one seed alone, most intervals miss the mean over all seeds."""
    design = sim.DESIGNS["one fold, three seeds, unlike"]
    alone = sim.Design(1, 1, design.videos, of_seeds=0.6)
    held = 0
    for number in range(40):
        rng = sim.np.random.default_rng(number)
        mine = sim.luck(alone, rng)
        (runs,) = sim.study(alone, rng, [mine])
        known = sim.truth(sim.Design(1, 3, design.videos, of_seeds=0.6), mine)["war"]
        one = sim.intervals(runs, [sim.METRICS["war"]], resamples=200)["war"]
        held += one.low <= known <= one.high
    assert held < binom.ppf(1e-4, 40, 0.95)


def test_alike_configurations_seldom_differ():
    found = sim.false_alarms(sim.DESIGNS["one fold, three seeds"], range(60))
    assert max(found[name].held for name in ("war", "uar")) <= binom.ppf(1 - 1e-4, 60, 0.05)
    ranks = sim.rank_alarms(10, 4, range(100))
    assert max(one.held for one in ranks.values()) <= binom.ppf(1 - 1e-4, 100, 0.05)
