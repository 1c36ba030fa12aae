"""One video from its plan: the same options and the same id always give the same pixels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dferbench_datasets.synthetic.actions import EXPRESSIONS, strengths
from dferbench_datasets.synthetic.person import draw_person, draw_scene
from dferbench_datasets.synthetic.plan import COUNTS, DrawingOptions, Item
from dferbench_datasets.synthetic.render import render


@dataclass(frozen=True)
class Drawing:
    """What a video shows and why.

    `frames` is RGB uint8 (T, size, size, 3); `actions` (T, A) is the strength, about 0..1, of each of
    `dferbench_datasets.synthetic.actions.ACTIONS` in each frame.
    """

    frames: NDArray[np.uint8]
    actions: NDArray[np.float64]


def generator(*key: int | str) -> np.random.Generator:
    """A generator of its own for every key: what is drawn from one never shifts another."""
    return np.random.default_rng(np.frombuffer(hashlib.sha256(repr(key).encode()).digest(), np.uint32))


def draw(options: DrawingOptions, item: Item) -> Drawing:
    """Draw one video of the dataset that `options` describes."""
    expression = EXPRESSIONS[list(COUNTS[options.classes])[item.label]]
    person = draw_person(generator("synthetic", options.seed, "person", item.person))
    scene = draw_scene(
        generator("synthetic", options.seed, "scene", item.id), options.occlusion, options.noise
    )
    scene = replace(scene, tint=scene.tint * options.light)
    moves = generator("synthetic", options.seed, "moves", item.id)
    actions = strengths(expression, item.frames, moves, options.intensity)
    return Drawing(render(person, scene, actions, options.size), actions)


def paint(options: DrawingOptions, name: str, seed: int, frames: int, size: int) -> NDArray[np.uint8]:
    """One video that belongs to no dataset; see `Synthetic.paint`."""
    person, scene, moves = (generator("paint", seed, what) for what in ("person", "scene", "moves"))
    expression = EXPRESSIONS.get(name, EXPRESSIONS["neutral"])
    actions = strengths(expression, frames, moves, options.intensity)
    return render(draw_person(person), draw_scene(scene, options.occlusion, options.noise), actions, size)
