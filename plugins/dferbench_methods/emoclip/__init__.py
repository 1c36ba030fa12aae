"""EmoCLIP (Foteinopoulou and Patras, FG 2024): a transformer over CLIP features, taught to meet texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dferbench import Converted, Input, Method, Recipe, Stage, Task, hookimpl
from dferbench_methods.emoclip.card import CARD

if TYPE_CHECKING:
    from dferbench.models import Classifier

# All of it is the code's, for its supervised form on DFEW and FERV39k.
STAGE = Stage(
    train={r"temporal\..*|logit_scale": 1e-3},
    epochs=50,
    batch=128,
    optimizer="sgd(momentum=0.9)",
    schedule="steps(25, 50)",
    weight_decay=5e-4,
    drop_last=True,
)
INPUT = Input(frames=32, size="backbone", sample="every(4)", normalize="clip", augment="rotate(6) | flip")
RECIPE = Recipe(INPUT, (STAGE,))
# Ours: few frames of which none is drawn, so that the tower sees each video once, and a higher rate for a
# small model.
SYNTHETIC = Recipe(
    replace(INPUT, frames=16, sample="every(2, random=false)", normalize="none", augment=""),
    (replace(STAGE, train={r"temporal\..*|logit_scale": 5e-3}, epochs=20, batch=16, schedule="steps(15)"),),
)


def build(
    task: Task,
    parts: Any,
    backbone: str = "clip-vit-b32",
    layers: int = 2,
    head_dim: int = 2048,
    text: str = "descriptors",
    learn_from: str = "classes",
    multi_positive: bool = False,
) -> Classifier:
    """EmoCLIP for a task: `layers` blocks over time, whose eight heads are `head_dim` wide each.

    `text` is a source of class texts (`dferbench.models.texts`). Videos learn to meet the text of their class
    (`learn_from` "classes"), others of the same class being strangers unless `multi_positive`, or a text of
    their own ("captions", which the dataset must have). Raises UnknownName, ConfigError or DataError.
    """
    from dferbench_methods.emoclip.model import compose

    return compose(task, parts, backbone, layers, head_dim, text, learn_from, multi_positive)


def from_official(state: dict[str, Any], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """A checkpoint of the released code in our terms; see `dferbench_methods.emoclip.convert`."""
    from dferbench_methods.emoclip.convert import convert

    return convert(state, given, classes)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register emoclip with its recipe."""
    register(
        Method(
            "emoclip", build, RECIPE, {"synthetic": SYNTHETIC}, CARD["paper"], CARD, from_official,
            options_for={"synthetic": {"head_dim": 64}},
        )
    )  # fmt: skip
