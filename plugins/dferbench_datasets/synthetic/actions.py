"""How faces move here: facial actions, the classes built from them, and their course over time.

The actions are named after the units of the Facial Action Coding System (Ekman, Friesen and Hager, 2002); the
number behind each is its unit. Which actions make which class, and above all the course that they take,
is chosen to test methods and claims nothing about how people look:

- `swell`: comes, stays and goes, alike in both directions of time;
- `burst`: abrupt onset, slow decay; `build`: the same curve run backwards;
- `tremor`: three short pulses, alike in both directions of time.

Classes of one pair (surprise and fear, anger and disgust, disappointment and helplessness) share their
actions and differ in `burst` against `build` alone. Their bags of frames have one distribution, so nothing
but the order of the frames tells them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ACTIONS = (
    "inner-brow-raise",  # 1
    "outer-brow-raise",  # 2
    "brow-lower",  # 4
    "upper-lid-raise",  # 5
    "cheek-raise",  # 6
    "lid-tighten",  # 7
    "nose-wrinkle",  # 9
    "upper-lip-raise",  # 10
    "lip-corner-pull",  # 12
    "one-corner-pull",  # 12, one side
    "lip-corner-depress",  # 15
    "chin-raise",  # 17
    "lip-stretch",  # 20
    "lip-press",  # 24
    "lips-part",  # 25
    "jaw-drop",  # 26
    "eyes-close",  # 43
    "gaze-down",  # 64
    "gaze-aside",  # 61, 62
    "head-down",  # 54
    "head-tilt",  # 55, 56
)
INDEX = {name: i for i, name in enumerate(ACTIONS)}


@dataclass(frozen=True)
class Expression:
    """The strength of each action at the apex (0 none, 1 full) and the course of all of them."""

    course: str
    apex: Mapping[str, float]


_WIDE = {"inner-brow-raise": 1.0, "outer-brow-raise": 0.9, "upper-lid-raise": 1.0, "jaw-drop": 0.8,
         "lip-stretch": 0.2}  # fmt: skip
_TENSE = {"brow-lower": 1.0, "lid-tighten": 0.7, "nose-wrinkle": 0.9, "upper-lip-raise": 0.7}
_SUNK = {"inner-brow-raise": 0.7, "chin-raise": 0.8, "lip-press": 0.8, "gaze-aside": 0.5, "head-tilt": 0.9}

EXPRESSIONS: Mapping[str, Expression] = {
    "happiness": Expression("swell", {"cheek-raise": 0.8, "lip-corner-pull": 1.0, "lips-part": 0.6}),
    "sadness": Expression(
        "swell",
        {
            "inner-brow-raise": 0.9,
            "brow-lower": 0.3,
            "lip-corner-depress": 1.0,
            "gaze-down": 0.6,
            "head-down": 0.5,
        },
    ),
    "neutral": Expression("swell", {}),
    "anger": Expression("burst", _TENSE),
    "surprise": Expression("burst", _WIDE),
    "disgust": Expression("build", _TENSE),
    "fear": Expression("build", _WIDE),
    "contempt": Expression("swell", {"one-corner-pull": 1.0, "lid-tighten": 0.4, "head-tilt": 0.4}),
    "anxiety": Expression(
        "tremor",
        {"inner-brow-raise": 0.6, "brow-lower": 0.6, "lip-stretch": 0.9, "gaze-aside": 0.9, "lips-part": 0.4},
    ),
    "helplessness": Expression("build", _SUNK),
    "disappointment": Expression("burst", _SUNK),
}


def _ramp(t: Array, start: float, length: float) -> Array:
    u = np.clip((t - start) / length, 0, 1)
    return np.asarray(u * u * (3 - 2 * u))


def envelope(course: str, frames: int, rng: np.random.Generator) -> Array:
    """The strength of an expression over time, (frames,) in 0..1. Raises KeyError for an unknown course."""
    t = (np.arange(frames) + 0.5) / frames
    start, end = rng.uniform(0.0, 0.12), rng.uniform(0.88, 1.0)
    rise, fall, hold = rng.uniform(0.14, 0.3), rng.uniform(0.14, 0.3), rng.uniform(0.1, 0.2)
    quick, phase = rng.uniform(0.06, 0.12), rng.uniform()
    slow = start + quick + hold
    burst = _ramp(t, start, quick) * (1 - _ramp(t, slow, end - slow))
    swell = _ramp(t, start, rise) * (1 - _ramp(t, end - fall, fall))
    return {
        "swell": swell,
        "burst": burst,
        "build": burst[::-1],
        "tremor": swell * (0.5 - 0.5 * np.cos(2 * np.pi * (3 * t + phase))),
    }[course]


def _blinks(frames: int, rng: np.random.Generator) -> Array:
    """Closed lids, (frames,): up to two short pulses at random moments."""
    t, closed = np.arange(frames), np.zeros(frames)
    for _ in range(rng.integers(0, 3)):
        closed = np.maximum(closed, np.exp(-(((t - rng.uniform(0, frames)) / 1.2) ** 2)))
    return closed


def _restlessness(frames: int, rng: np.random.Generator) -> Array:
    """Small wandering of every action, (frames, actions): noise smoothed alike in both directions of time."""
    kernel = np.hanning(11)
    white = rng.normal(0, 1, (frames + len(kernel) - 1, len(ACTIONS)))
    return np.stack([np.convolve(w, kernel / np.linalg.norm(kernel), "valid") for w in white.T], axis=1)


def strengths(
    expression: Expression, frames: int, rng: np.random.Generator, intensity: float = 1.0
) -> NDArray[np.float64]:
    """How strong each action is in each frame, (frames, actions) in 0..1.2.

    `intensity` scales the apex. What is added to the expression (blinks, restlessness) has one distribution
    in both directions of time, and both members of a pair draw the same numbers from `rng`.
    """
    course = envelope(expression.course, frames, rng)
    apex = np.zeros(len(ACTIONS))
    for name, strength in expression.apex.items():
        apex[INDEX[name]] = strength
    apex *= intensity * rng.uniform(0.6, 1.1) * rng.uniform(0.8, 1.15, len(ACTIONS))
    moved = course[:, None] * apex + 0.06 * _restlessness(frames, rng)
    moved[:, INDEX["eyes-close"]] += _blinks(frames, rng)
    return np.clip(moved, 0, 1.2)
