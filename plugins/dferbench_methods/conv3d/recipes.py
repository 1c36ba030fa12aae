"""How the five are trained: one recipe for any dataset, and what the sources of Table 5 say of theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dferbench import Input, Recipe, Stage

EVERYTHING = r".*"
SIZE = {"c3d": 112, "p3d": 160, "i3d": 224, "r3d18": 112, "r2plus1d18": 112}
"""What DFEW's repository feeds each net."""

INPUT = Input(
    frames=16, size=112, sample="segments", normalize="none", augment="random-sized-crop | flip"
)  # fmt: skip
# Former-DFER (ACM MM 2021), whose authors trained Table 5's 3D ResNet18 on DFEW. drop_last is ours.
STAGE = Stage(
    {EVERYTHING: 1e-2},
    epochs=100,
    batch=32,
    optimizer="sgd(momentum=0.9)",
    schedule="every(40)",
    weight_decay=1e-4,
    drop_last=True,
)
# C3D's own rate, remembered and not checked: at 1e-2 it diverges.
C3D_STAGE = replace(STAGE, train={EVERYTHING: 3e-3})
# DFEW's repository: its scheduler is made, but never stepped. C3D, P3D and I3D have a file of settings there
# and no script: batches of 32, and the 500 epochs that stand where nothing is said. R(2+1)D-18 has a script.
DFEW_STAGE = Stage({EVERYTHING: 1e-3}, epochs=500, batch=32, optimizer="adam")
DFEW_SCRIPT = replace(DFEW_STAGE, epochs=200, batch=128)
# The MAFW paper gives the first rate, its fall to a fifth when the loss saturates, and the batch.
MAFW_STAGE = replace(
    STAGE, train={EVERYTHING: 1e-4}, batch=8, schedule="steps(40, 80, gamma=0.2)", drop_last=False
)
# Ours: narrow nets on small frames, so that it ends on two cores within minutes.
SYNTHETIC = Recipe(
    replace(INPUT, size=48, augment="flip"),
    (Stage({EVERYTHING: 1e-3}, epochs=14, batch=16, optimizer="adam", schedule="cosine(warmup=1)"),),
)

NARROW: Mapping[str, Any] = {"width": 16}
STARTED: Mapping[str, Any] = {"start": "dfew"}
OPTIONS_FOR: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    # The net of DFEW's repository, whose recipe is used there.
    "c3d": {"dfew": {"bn": True, **STARTED}, "synthetic": {**NARROW, "bn": True}},
    "p3d": {"dfew": {"relu": "port", **STARTED}, "synthetic": NARROW},
    "i3d": {"dfew": STARTED, "synthetic": NARROW},
    "r3d18": {"synthetic": NARROW},
    "r2plus1d18": {"dfew": STARTED, "synthetic": NARROW},
}


def of(name: str) -> tuple[Recipe, Mapping[str, Recipe]]:
    """The recipe for any dataset, and those for datasets that have one of their own."""
    input = replace(INPUT, size=SIZE[name])
    own = {"dfew": _dfew(name, input), "synthetic": SYNTHETIC}
    if name == "c3d":
        return Recipe(input, (C3D_STAGE,)), {**own, "mafw": Recipe(input, (MAFW_STAGE,))}
    return Recipe(input, (STAGE,)), own


def _dfew(name: str, input: Input) -> Recipe:
    """Former-DFER's pairs of frames for the row that its authors trained, DFEW's repository for the rest."""
    if name == "r3d18":
        return Recipe(replace(input, sample="segments(duration=2, short=first-frame)"), (STAGE,))
    stage = DFEW_SCRIPT if name == "r2plus1d18" else DFEW_STAGE
    return Recipe(replace(input, sample="uniform", augment=""), (stage,))
