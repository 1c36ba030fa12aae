"""What a frame shows, in words: visible facial movements, worded in many ways, and never an emotion."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dferbench_datasets.synthetic.actions import ACTIONS

VISIBLE = 0.35
"""An action weaker than this is not mentioned."""
_STRONG, _WEAK = 0.85, 0.55

PHRASES: Mapping[str, tuple[str, ...]] = {
    "inner-brow-raise": (
        "inner ends of the eyebrows drawn up",
        "raised inner eyebrows",
        "inner brows pulled upwards",
        "slanted eyebrows, high in the middle",
    ),
    "outer-brow-raise": ("raised outer eyebrows", "outer ends of the eyebrows lifted", "arched outer brows"),
    "brow-lower": (
        "lowered eyebrows",
        "eyebrows pulled down and together",
        "furrowed brows",
        "a frown between the eyebrows",
    ),
    "upper-lid-raise": (
        "wide open eyes",
        "upper eyelids lifted off the iris",
        "wide staring eyes",
        "widened eyes that show their white",
    ),
    "cheek-raise": (
        "lifted cheeks",
        "raised cheeks",
        "cheeks pushed up under the eyes",
        "lower eyelids pushed up by the cheeks",
        "crinkled skin next to the eyes",
    ),
    "lid-tighten": ("tightened eyelids", "narrowed eyes", "tense lower eyelids", "a squint, a hard stare"),
    "nose-wrinkle": ("a wrinkled nose", "wrinkled bridge of the nose", "a scrunched nose"),
    "upper-lip-raise": ("a lifted upper lip", "raised upper lip", "a curled upper lip that bares the teeth"),
    "lip-corner-pull": (
        "lip corners pulled up into a smile",
        "a smiling mouth",
        "upturned lip corners",
        "mouth corners drawn up and out",
    ),
    "one-corner-pull": (
        "one lip corner pulled up and tucked in",
        "a lopsided mouth, one side still",
        "one mouth corner raised",
        "a smirk on one side",
    ),
    "lip-corner-depress": (
        "lip corners turned down",
        "sagging mouth corners",
        "drooping lip corners",
        "a downturned mouth",
    ),
    "chin-raise": ("lips pushed up by the chin", "a raised chin boss", "a wrinkled chin"),
    "lip-stretch": ("lips stretched sideways", "a mouth stretched wide", "lip corners pulled straight back"),
    "lip-press": ("pressed lips", "firmly pressed lips", "thin lips squeezed together"),
    "lips-part": ("parted lips", "slightly open lips", "teeth between parted lips"),
    "jaw-drop": ("a dropped jaw", "an open mouth", "a lowered jaw, a wide open mouth", "mouth hanging open"),
    "eyes-close": ("closed eyes", "drooping eyelids", "heavy upper eyelids", "blinking"),
    "gaze-down": ("lowered gaze", "eyes looking down", "a look that turns down"),
    "gaze-aside": ("a look aside", "eyes turned to the side", "darting eyes that look away"),
    "head-down": ("a lowered head", "head bent down", "a sinking head"),
    "head-tilt": ("a tilted head", "head leaning to one shoulder", "a head sinking to the shoulder"),
}
_BOTH_BROWS = ("raised eyebrows", "highly raised eyebrows", "both eyebrows lifted")
_KNIT_BROWS = ("eyebrows raised and drawn together", "tense inner eyebrows, knit and raised")
_REST = (
    "eyebrows at rest",
    "calm open eyes",
    "lips lightly closed",
    "relaxed mouth",
    "level eyebrows",
    "a straight look",
)
_STILL = ("no visible movement of the face", "a face at rest", "all muscles relaxed", "a still face")


def visible(strengths: NDArray[np.float64]) -> tuple[str, ...]:
    """The names of the actions that a frame shows, given the strength of each, (actions,)."""
    return tuple(name for name, strength in zip(ACTIONS, strengths, strict=True) if strength >= VISIBLE)


def _phrases(strengths: NDArray[np.float64], rng: np.random.Generator) -> list[str]:
    shown = dict.fromkeys(visible(strengths))
    said = []
    if {"inner-brow-raise", "outer-brow-raise"} <= shown.keys() and rng.random() < 0.7:
        said.append(str(rng.choice(_BOTH_BROWS)))
        shown.pop("inner-brow-raise"), shown.pop("outer-brow-raise")
    elif {"inner-brow-raise", "brow-lower"} <= shown.keys() and rng.random() < 0.6:
        said.append(str(rng.choice(_KNIT_BROWS)))
        shown.pop("inner-brow-raise"), shown.pop("brow-lower")
    for name in shown:
        strength, phrase = strengths[ACTIONS.index(name)], str(rng.choice(PHRASES[name]))
        degree = "slightly " if strength < _WEAK else "strongly " if strength > _STRONG else ""
        said.append(degree + phrase.removeprefix("a ") if rng.random() < 0.25 else phrase)
    return said


def caption(strengths: NDArray[np.float64], rng: np.random.Generator) -> str:
    """One way to say what a frame shows; strengths is (actions,). Ends with a full stop."""
    said = _phrases(strengths, rng)
    if not said:
        said = [*rng.choice(_REST, rng.integers(0, 4), replace=False), str(rng.choice(_STILL))]
    rng.shuffle(said)
    # A description need not be complete: class descriptions name a few of the things that can be seen.
    said = said[: max(2, len(said) - int(rng.random() < 0.25))]
    opening = str(rng.choice(["", "", "", "a face with ", "it shows "]))
    last = " and " if len(said) > 1 and rng.random() < 0.25 else ", "
    return opening + last.join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said) + "."
