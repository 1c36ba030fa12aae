"""How far a model's probabilities can be trusted: functions of logits and labels, or of confidences.

Logits are (N, C) and labels (N,) of whole numbers in [0, C); a model's confidence in a video is the
probability of the class that it predicts, in [1/C, 1]. Videos of equal confidence are taken together, so that
no result depends on the order of videos. All are in nats or shares; N must be at least 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

BINS = 15
"""Of Guo et al., On Calibration of Modern Neural Networks (ICML 2017)."""
COLDEST, HOTTEST = 0.01, 100.0
"""Between which a temperature is sought."""


@dataclass(frozen=True)
class Bin:
    """Videos whose confidences are alike: how many, their mean confidence, and the share recognised."""

    videos: int
    confidence: float
    accuracy: float


def log_probabilities(logits: Floats, temperature: float = 1.0) -> NDArray[np.float64]:
    """(N, C): the logarithms of softmax(logits / temperature)."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    shifted = scaled - scaled.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def confidences(logits: Floats, labels: Ints, temperature: float = 1.0) -> tuple[Floats, Floats]:
    """(N,) the confidence in each video, and (N,) 1.0 where its class is the predicted one, else 0.0.

    Of equal logits the earlier class is predicted, as everywhere.
    """
    said = log_probabilities(logits, temperature)
    right = np.asarray(logits).argmax(axis=1) == labels
    return np.exp(said.max(axis=1)), right.astype(np.float64)


def negative_log_likelihood(logits: Floats, labels: Ints, temperature: float = 1.0) -> float:
    """The mean of -log p(true class), in nats, from 0 on."""
    said = log_probabilities(logits, temperature)
    return float(-said[np.arange(len(labels)), labels].mean())


def brier_score(logits: Floats, labels: Ints, temperature: float = 1.0) -> float:
    """The mean over videos of the squared distance between probabilities and truth, summed over all classes,
    in [0, 2] (Brier, Verification of Forecasts Expressed in Terms of Probability, 1950)."""
    p = np.exp(log_probabilities(logits, temperature))
    p[np.arange(len(labels)), labels] -= 1
    return float((p**2).sum(axis=1).mean())


def equal_width(confidence: Floats, right: Floats, bins: int = BINS) -> list[Bin]:
    """The videos in bins ((k - 1) / bins, k / bins] of confidence, without empty ones (Guo et al., eq. 3)."""
    places = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    return [_bin(confidence[places == k], right[places == k]) for k in np.unique(places)]


def equal_mass(confidence: Floats, right: Floats, bins: int = BINS) -> list[Bin]:
    """The videos in ascending confidence, in bins of as equal numbers as can be (Nguyen and O'Connor,
    Posterior calibration and exploratory analysis for NLP, EMNLP 2015)."""
    order = np.argsort(confidence, kind="stable")
    ordered, shared = confidence[order], _shared(confidence[order], right[order])
    parts = zip(np.array_split(ordered, bins), np.array_split(shared, bins), strict=True)
    return [_bin(mine, hits) for mine, hits in parts if len(mine)]


def _bin(confidence: Floats, right: Floats) -> Bin:
    return Bin(len(right), float(confidence.mean()), float(right.mean()))


def calibration_error(bins: list[Bin]) -> float:
    """The mean distance between confidence and accuracy over bins, weighted by their videos, in [0, 1]:
    the expected calibration error of `equal_width` bins, the adaptive one of `equal_mass` bins."""
    total = sum(one.videos for one in bins)
    return sum(one.videos * abs(one.confidence - one.accuracy) for one in bins) / total


def risk_curve(confidence: Floats, right: Floats) -> NDArray[np.float64]:
    """(N,): the share of wrong answers among the k videos with the highest confidence, for k = 1 to N."""
    order = np.argsort(-confidence, kind="stable")
    wrong = 1 - _shared(confidence[order], right[order])
    return np.asarray(np.cumsum(wrong) / np.arange(1, len(wrong) + 1))


def area_under_risk(confidence: Floats, right: Floats) -> float:
    """The mean of `risk_curve`, in [0, 1]: the AURC of Geifman et al., Bias-Reduced Uncertainty Estimation
    for Deep Neural Classifiers (ICLR 2019). The lower, the better confidence tells what to reject."""
    return float(risk_curve(confidence, right).mean())


def _shared(ordered: Floats, right: Floats) -> NDArray[np.float64]:
    """What videos of equal confidence share: each stands for the mean of them, as if in every order."""
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    sizes = np.diff(np.r_[starts, len(ordered)])
    return np.repeat(np.add.reduceat(right, starts) / sizes, sizes)


def fitted_temperature(logits: Floats, labels: Ints) -> float:
    """The temperature in [COLDEST, HOTTEST] with the least negative log-likelihood (Guo et al., section 4.2).

    That is convex in the reciprocal, so there is one. Labels of the test must not go in here.
    """
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda exponent: negative_log_likelihood(logits, labels, float(np.exp(exponent))),
        bounds=(np.log(COLDEST), np.log(HOTTEST)),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(found.x))


def divergences(votes: Floats, logits: Floats, temperature: float = 1.0) -> tuple[float, float]:
    """How far the model's probabilities are from what annotators said: the means over videos of the
    Kullback-Leibler divergence KL(votes || model), from 0 on, and of the Jensen-Shannon divergence, in
    [0, log 2], both in nats. `votes` is (N, C), non-negative, with a positive sum in each row."""
    p = np.asarray(votes, dtype=np.float64)
    p = p / p.sum(axis=1, keepdims=True)
    said = log_probabilities(logits, temperature)
    q = np.exp(said)
    middle = (p + q) / 2
    kl = _relative(p, said)
    js = (_relative(p, _log(middle)) + _relative(q, _log(middle))) / 2
    return float(kl.mean()), float(js.mean())


def _relative(p: Floats, log_q: Floats) -> Floats:
    """(N,): the sum over classes of p (log p - log q), where p = 0 adds nothing."""
    return np.asarray(np.where(p > 0, p * (_log(p) - log_q), 0.0).sum(axis=1))


def _log(p: Floats) -> Floats:
    return np.log(np.where(p > 0, p, 1.0))
