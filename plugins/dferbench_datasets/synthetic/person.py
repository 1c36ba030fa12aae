"""What stays the same through a video: the person, and the scene that they are seen in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Color = NDArray[np.float64]
"""Red, green and blue, (3,) in 0..255."""

_SKIN = np.array(
    [[252, 220, 196], [238, 198, 162], [214, 168, 128], [176, 124, 88], [132, 88, 60], [96, 62, 44]], float
)
_HAIR = np.array(
    [[24, 20, 20], [60, 40, 26], [104, 70, 40], [168, 128, 70], [120, 48, 28], [150, 148, 146]], float
)
_IRIS = np.array([[72, 46, 26], [104, 76, 40], [70, 100, 140], [74, 112, 74]], float)


@dataclass(frozen=True)
class Person:
    """A face at rest. Lengths are in face units: the head is about 2 wide and 2.6 high."""

    width: float
    jaw: float
    eye_gap: float
    eye_width: float
    eye_open: float
    brow_height: float
    brow_thick: float
    nose_width: float
    nose_length: float
    mouth_width: float
    lip_thick: float
    skin: Color
    hair: Color
    iris: Color
    haircut: str
    beard: float
    glasses: bool


@dataclass(frozen=True)
class Scene:
    """Light, background, camera and what gets in the way.

    `pose` holds the terms of a slow sway, (5, 4): yaw, pitch, roll in radians, then the shift right and down
    in face units; each is a constant, an amplitude, a frequency per video and a phase.
    """

    side: int
    scale: float
    pose: NDArray[np.float64]
    background: NDArray[np.float64]
    blobs: NDArray[np.float64]
    light_angle: float
    light_slope: float
    tint: Color
    clothes: Color
    occluder: str
    occluder_at: NDArray[np.float64]
    occluder_color: Color
    noise: float
    noise_seed: int


def draw_person(rng: np.random.Generator) -> Person:
    """A person at random."""
    skin = _SKIN[rng.integers(len(_SKIN))] * rng.uniform(0.94, 1.02, 3)
    return Person(
        width=rng.uniform(0.86, 1.0),
        jaw=rng.uniform(0.62, 0.86),
        eye_gap=rng.uniform(0.37, 0.43),
        eye_width=rng.uniform(0.17, 0.21),
        eye_open=rng.uniform(0.085, 0.115),
        brow_height=rng.uniform(0.22, 0.27),
        brow_thick=rng.uniform(0.03, 0.055),
        nose_width=rng.uniform(0.13, 0.19),
        nose_length=rng.uniform(0.38, 0.48),
        mouth_width=rng.uniform(0.29, 0.36),
        lip_thick=rng.uniform(0.05, 0.085),
        skin=np.clip(skin, 0, 255),
        hair=np.clip(_HAIR[rng.integers(len(_HAIR))] * rng.uniform(0.8, 1.2), 0, 255),
        iris=_IRIS[rng.integers(len(_IRIS))],
        haircut=str(rng.choice(["short", "long", "fringe", "bald"], p=[0.35, 0.3, 0.25, 0.1])),
        beard=float(rng.choice([0, 0.35, 0.7], p=[0.75, 0.15, 0.1])),
        glasses=bool(rng.random() < 0.15),
    )


def draw_scene(rng: np.random.Generator, occlusion: float, noise: float) -> Scene:
    """A scene at random: `occlusion` is the chance of something before the face, `noise` in grey levels."""
    pose = rng.normal(0, 1, (5, 4)) * np.array([[0.16], [0.09], [0.07], [0.05], [0.04]])
    pose[:, 2], pose[:, 3] = rng.uniform(0.3, 1.1, 5), rng.uniform(0, 1, 5)
    covered = rng.random() < occlusion
    return Scene(
        side=int(rng.choice([-1, 1])),
        scale=rng.uniform(0.35, 0.4),
        pose=pose,
        background=rng.uniform(30, 220, (2, 1)) + rng.normal(0, 22, (2, 3)),
        blobs=rng.uniform(0, 1, (4, 6)),
        light_angle=rng.uniform(0, 2 * np.pi),
        light_slope=rng.uniform(0.1, 0.5),
        tint=rng.uniform(0.72, 1.08) * rng.uniform(0.95, 1.05, 3),
        clothes=rng.uniform(20, 210, 3),
        occluder=str(rng.choice(["card", "ball", "strand"])) if covered else "",
        occluder_at=rng.uniform([-0.6, -0.5, 0, 0], [0.6, 0.9, 1, 1]),
        occluder_color=rng.uniform(20, 235, 3),
        noise=noise * rng.uniform(0.4, 1.6),
        noise_seed=int(rng.integers(2**31)),
    )
