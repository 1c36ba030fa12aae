"""Frames to learn from: people whom no `synthetic` dataset shows, with faces that need not mean anything."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import cv2
import numpy as np
from numpy.typing import NDArray

from dferbench_datasets.synthetic.actions import ACTIONS, EXPRESSIONS, INDEX
from dferbench_datasets.synthetic.draw import generator
from dferbench_datasets.synthetic.person import draw_person, draw_scene
from dferbench_datasets.synthetic.render import render

FRAMES_PER_PERSON = 8
DRAWN = 96
"""Frames are drawn at the side of the dataset's videos and then made smaller, as a run's loader does."""


def make_face(rng: np.random.Generator) -> NDArray[np.float64]:
    """Strengths, (actions,): of nothing, of a few actions at random, or of one expression, more or less."""
    strengths, kind = np.zeros(len(ACTIONS)), rng.random()
    if kind < 0.45:
        chosen = rng.choice(len(ACTIONS), rng.integers(1, 6), replace=False)
        strengths[chosen] = rng.uniform(0.2, 1.1, len(chosen))
    elif kind < 0.9:
        expression = EXPRESSIONS[str(rng.choice(list(EXPRESSIONS)))]
        for name, apex in expression.apex.items():
            strengths[INDEX[name]] = apex * rng.uniform(0.8, 1.15) * (rng.random() < 0.85)
        strengths *= rng.uniform(0.2, 1.1)
    if rng.random() < 0.05:
        strengths[INDEX["eyes-close"]] = rng.uniform(0.5, 1)
    return np.clip(strengths + rng.normal(0, 0.06, len(ACTIONS)), 0, 1.2)


def make_person(size: int, split: str, number: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Frames (n, size, size, 3) of one person with their strengths (n, actions).

    The seed's first word is not the one that the datasets use, so no seed of theirs gives these people.
    """
    cv2.setNumThreads(1)
    rng = generator("clip-tiny", split, number)
    strengths = np.stack([make_face(rng) for _ in range(FRAMES_PER_PERSON)])
    frames = render(draw_person(rng), draw_scene(rng, occlusion=0.2, noise=5.0), strengths, DRAWN)
    return np.stack([_as_from_video(frame, size, rng) for frame in frames]), strengths


def _as_from_video(frame: NDArray[np.uint8], size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A frame with the damage of lossy compression, at the side that the model takes."""
    _, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(50, 96))])
    return np.asarray(
        cv2.resize(cv2.imdecode(data, cv2.IMREAD_COLOR), (size, size), interpolation=cv2.INTER_AREA)
    )


def make_faces(size: int, split: str, people: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Frames (people * 8, size, size, 3) uint8 RGB and strengths (people * 8, actions) of one split."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        made = list(pool.map(partial(make_person, size, split), range(people), chunksize=50))
    return np.concatenate([frames for frames, _ in made]), np.concatenate(
        [strengths for _, strengths in made]
    )
