"""The shape of a moving face: facial actions in, outlines in face units out.

A face looks along +z; x runs to the right and y down the image; the head is about 2 wide and 2.6 high, and
the point between the eyes lies near (0, -0.2). Every outline is (frames, points) in x and in y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dferbench_datasets.synthetic.actions import INDEX
from dferbench_datasets.synthetic.person import Person

Array = NDArray[np.float64]
Outlines = dict[str, tuple[Array, Array]]

EYE_LINE = -0.2


@dataclass(frozen=True)
class Moves:
    """Strengths by action name: `moves("jaw-drop")` is (frames, 1), ready to meet (points,)."""

    strengths: Array

    def __call__(self, action: str) -> Array:
        """The strength of one action over time."""
        return self.strengths[:, INDEX[action], None]

    @property
    def rest(self) -> Array:
        """Zeros, (frames, 1): adds the time axis to what does not move."""
        return np.zeros((len(self.strengths), 1))


def _ring(points: int) -> Array:
    return np.linspace(0, 2 * np.pi, points, endpoint=False)


def _loop(x: Array, upper: Array, lower: Array) -> tuple[Array, Array]:
    """The closed outline between two curves over the same x."""
    x = np.broadcast_to(x, upper.shape)
    return np.concatenate([x, x[:, ::-1]], 1), np.concatenate([upper, lower[:, ::-1]], 1)


def head(person: Person, moves: Moves) -> Outlines:
    """Skull with jaw, ears, and the hair behind and before the face."""
    a = _ring(56)
    down = np.clip(np.sin(a), 0, 1)
    taper = 1 - (1 - person.jaw) * down**1.5
    drop = 0.2 * moves("jaw-drop") - 0.03 * moves("chin-raise")
    x, y = person.width * np.cos(a) * taper + moves.rest, 1.2 * np.sin(a) + drop * down**2
    out = {"face": (x, y), "shade": (0.93 * x, 0.97 * y - 0.01)}
    long = 0.75 if person.haircut == "long" else 0.05
    out["hair-back"] = (
        1.14 * person.width * np.cos(a) + moves.rest,
        np.where(np.sin(a) > 0, long * np.sin(a), 1.36 * np.sin(a)) + moves.rest,
    )
    for side, name in ((-1, "left"), (1, "right")):
        out[f"ear-{name}"] = (
            side * person.width + 0.09 * np.cos(a) + moves.rest,
            0.02 + 0.2 * np.sin(a) + moves.rest,
        )
    top = np.linspace(-1, 1, 25)
    edge = {"short": -0.86, "long": -0.9, "fringe": -0.66, "bald": -1.3}[person.haircut]
    line = edge + 0.38 * np.abs(top) ** 3 + (0.1 * top if person.haircut == "short" else 0)
    out["hair-front"] = _loop(
        1.05 * person.width * top, -1.34 * np.sqrt(1 - 0.8 * top**2) + moves.rest, line + moves.rest
    )
    return out


def brows(person: Person, moves: Moves) -> Outlines:
    """Both brows, and the furrows that they fold into the forehead."""
    u = np.linspace(0, 1, 9)
    inner = -0.17 * moves("inner-brow-raise") + 0.13 * moves("brow-lower") + 0.05 * moves("nose-wrinkle")
    outer = -0.17 * moves("outer-brow-raise") + 0.05 * moves("brow-lower")
    y = EYE_LINE - person.brow_height + inner * (1 - u) + outer * u - 0.05 * np.sin(np.pi * u)
    out: Outlines = {}
    for side, name in ((-1, "left"), (1, "right")):
        pinch = 0.06 * moves("brow-lower") * (1 - u)
        x = side * (person.eye_gap - 0.23 + 0.47 * u - pinch)
        thick = person.brow_thick * (1 - 0.55 * u)
        out[f"brow-{name}"] = _loop(x, y - thick, y + 0.6 * thick)
        furrow = np.linspace(-0.06, 0.1, 4)
        out[f"furrow-{name}"] = (
            side * (0.06 + 0.1 * furrow) + moves.rest,
            EYE_LINE - 0.18 + furrow + moves.rest,
        )
    for i, height in enumerate((-0.66, -0.76)):
        x = np.linspace(-0.42, 0.42, 9)
        out[f"forehead-{i}"] = (x + moves.rest, height + 0.06 * x**2 - 0.04 * moves("inner-brow-raise"))
    return out


def eyes(person: Person, moves: Moves, side: int) -> Outlines:
    """White, iris and pupil of each eye within its lids; `side` is the side that a glance aside goes to."""
    wide = person.eye_width
    open_ = 1 - np.clip(moves("eyes-close"), 0, 1)
    squint = 0.4 * moves("lid-tighten") + 0.35 * moves("cheek-raise") + 0.2 * moves("nose-wrinkle")
    upper = person.eye_open * np.clip(1 + 0.9 * moves("upper-lid-raise") - 0.6 * squint, 0.12, None)
    upper = upper * open_ * (1 - 0.3 * moves("gaze-down"))
    lower = person.eye_open * np.clip(0.75 - squint, 0.1, None) * (0.3 + 0.7 * open_)
    look_x = 0.08 * side * moves("gaze-aside")
    look_y = 0.06 * moves("gaze-down") - 0.01
    u, a = np.linspace(-1, 1, 13), _ring(18)
    out: Outlines = {}
    for sign, name in ((-1, "left"), (1, "right")):
        at = sign * person.eye_gap
        bow = 1 - u**2
        out[f"eye-{name}"] = _loop(at + wide * u, EYE_LINE - upper * bow, EYE_LINE + lower * bow)
        out[f"lid-{name}"] = (at + wide * u + moves.rest, EYE_LINE - upper * bow)
        for part, radius in (("iris", 0.1), ("pupil", 0.045)):
            x = np.clip(look_x + radius * np.cos(a), -wide, wide)
            fit = 1 - (x / wide) ** 2
            y = np.clip(look_y + radius * np.sin(a), -upper * fit, lower * fit)
            out[f"{part}-{name}"] = (at + x, EYE_LINE + y)
    return out


def nose_and_cheeks(person: Person, moves: Moves) -> Outlines:
    """Nose, the wrinkles on its bridge, cheeks, and the folds from nose to mouth."""
    lift = 0.07 * moves("nose-wrinkle")
    tip = EYE_LINE + person.nose_length - lift
    u = np.linspace(-1, 1, 9)
    flare = person.nose_width * (1 + 0.2 * moves("nose-wrinkle"))
    out: Outlines = {
        "nose-tip": (flare * u, tip + 0.06 * (1 - u**2)),
        "nose-side": (0.06 + 0.06 * (u + 1) / 2 + moves.rest, EYE_LINE + (tip - EYE_LINE) * (u + 1) / 2),
    }
    for i, height in enumerate((0.02, 0.09, 0.16)):
        out[f"wrinkle-{i}"] = (0.11 * u + moves.rest, EYE_LINE + height + 0.03 * u**2 - 0.4 * lift)
    a, v = _ring(20), np.linspace(0, 1, 9)
    for side, name in ((-1, "left"), (1, "right")):
        rise = 0.1 * moves("cheek-raise")
        out[f"cheek-{name}"] = (side * (0.5 + 0.2 * np.cos(a)) + moves.rest, 0.26 - rise + 0.13 * np.sin(a))
        out[f"bag-{name}"] = (
            side * (person.eye_gap + 0.16 * (2 * v - 1)) + moves.rest,
            0.02 - 0.5 * rise + 0.05 * np.sin(np.pi * v),
        )
        reach = 0.1 * moves("lip-corner-pull") + 0.05 * moves("upper-lip-raise")
        x = side * (flare + 0.02 + (0.22 + reach) * v + 0.05 * np.sin(np.pi * v))
        out[f"fold-{name}"] = (x, tip + (0.32 - 0.12 * moves("upper-lip-raise")) * v)
        out[f"nostril-{name}"] = (side * (0.55 * flare) + 0.03 * np.cos(a), tip + 0.035 + 0.015 * np.sin(a))
    return out


def mouth(person: Person, moves: Moves, side: int) -> Outlines:
    """Lips, the opening between them with the upper teeth, chin folds; `side` is that of a one-sided pull."""
    u = np.linspace(-1, 1, 17)
    bow = 1 - u**2
    one = moves("one-corner-pull") * (u * side > 0)
    half = person.mouth_width * (
        1 + 0.24 * moves("lip-corner-pull") + 0.3 * moves("lip-stretch") - 0.12 * moves("lip-press")
        - 0.12 * moves("jaw-drop") + 0.22 * one
    )  # fmt: skip
    pull = (
        0.17 * (moves("lip-corner-pull") + one)
        - 0.16 * moves("lip-corner-depress")
        - 0.05 * moves("chin-raise")
    )
    middle = 0.57 - 0.05 * moves("chin-raise") + 0.05 * moves("jaw-drop")
    line = middle - pull * u**2 + 0.03 * moves("lip-corner-pull")
    top = line - bow * (
        0.05 * moves("lips-part") + 0.11 * moves("upper-lip-raise") + 0.02 * moves("jaw-drop")
    )
    bottom = line + bow * (
        0.07 * moves("lips-part") + 0.32 * moves("jaw-drop") + 0.04 * moves("upper-lip-raise")
    )
    bottom = bottom + (1 - u**4) * 0.03 * moves("lip-stretch")
    thick = person.lip_thick * (1 - 0.75 * np.clip(moves("lip-press"), 0, 1))
    cupid = thick * (1 - np.abs(u)) ** 0.5 * (1 - 0.25 * np.exp(-((u / 0.15) ** 2)))
    out = {
        "lips": _loop(half * u, top - cupid, bottom + 1.25 * thick * np.sqrt(bow)),
        "mouth": _loop(half * u, top, bottom),
        "teeth": _loop(0.8 * half * u, top, np.minimum(top + 0.075 * bow, bottom)),
        "seam": (half * u, (top + bottom) / 2),
    }
    w = np.linspace(-1, 1, 7)
    out["chin"] = (
        0.16 * w + moves.rest,
        0.83 - 0.05 * (1 - w**2) + 0.24 * moves("jaw-drop") - 0.05 * moves("chin-raise"),
    )
    return out


def outlines(person: Person, strengths: Array, side: int) -> Outlines:
    """Every outline of a face that moves with `strengths`, (frames, actions)."""
    moves = Moves(strengths)
    return (
        head(person, moves) | brows(person, moves) | eyes(person, moves, side)
        | nose_and_cheeks(person, moves) | mouth(person, moves, side)
    )  # fmt: skip
