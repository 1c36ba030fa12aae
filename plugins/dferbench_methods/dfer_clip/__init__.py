"""DFER-CLIP (Zhao and Patras, BMVC 2023): CLIP's frame features, a temporal transformer, and learned context
before descriptions of what each expression looks like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dferbench import Converted, Input, Method, Recipe, Stage, Task, hookimpl, schema
from dferbench_methods.dfer_clip.card import CARD

if TYPE_CHECKING:
    from dferbench.models import Classifier

# Rates, batch and milestones: section 4.2. Momentum, weight decay and drop_last: the released code.
# A method may be run without a temporal head or learned words, so these two patterns may match nothing.
STAGE = Stage(
    train={r"(temporal\..*)?": 1e-2, r"tower\.image\..*": 1e-5, r"(prompt\..*)?": 1e-3},
    epochs=50,
    batch=48,
    optimizer="sgd(momentum=0.9)",
    schedule="steps(30, 40)",
    weight_decay=1e-4,
    drop_last=True,
)
# The paper is silent on normalisation; its code feeds pixels in 0..1, without CLIP's mean and deviation.
INPUT = Input(
    frames=16, size="backbone", sample="segments", normalize="none", augment="random-sized-crop | flip"
)
MAFW = Recipe(INPUT, (STAGE,))
DFEW = replace(MAFW, input=replace(INPUT, augment="jitter(brightness=0.5) | random-sized-crop | flip"))
FERV39K = replace(MAFW, input=replace(INPUT, augment="rotate(4) | random-sized-crop | flip"))
# Ours: the paper's rates, but few epochs and small batches, so that it ends on a laptop within minutes, and
# crops that keep most of the face.
SYNTHETIC = Recipe(
    replace(INPUT, augment="random-sized-crop(scale=(0.7, 1)) | flip"),
    (replace(STAGE, epochs=3, batch=16, schedule="steps(2)"),),
)


def build(  # noqa: PLR0913 - the signature is the list of options
    task: Task,
    parts: Any,
    backbone: str = "clip-vit-b32",
    temporal: str = "cls-transformer",
    prompt: str = "context",
    words: int = 8,
    shared: bool = False,
    position: str = "end",
    text: str = "descriptors",
    temperature: float = 0.01,
) -> Classifier:
    """DFER-CLIP (section 3.2) for a task. The temperature is the constant of section 4.2 and of the code;
    eq. 5 speaks of one that CLIP learned.

    `words`, `shared` and `position` describe the learned context; a prompt that has none refuses them.
    `text` is a source of class texts, see `dferbench.models.texts`. Raises ConfigError or DataError.
    """
    from dferbench.models import CosineClassifier, compose

    return compose(
        CosineClassifier, task, parts, schema(build, given=2),
        backbone=backbone, temporal=temporal, prompt=prompt, text=text, temperature=temperature,
        words=words, shared=shared, position=position,
    )  # fmt: skip


def from_official(state: dict[str, Any], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """A checkpoint of the released code in our terms; see `dferbench_methods.dfer_clip.convert`."""
    from dferbench_methods.dfer_clip.convert import convert

    return convert(state, given, classes)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register dfer-clip with its recipe for each dataset of the paper."""
    register(
        Method(
            name="dfer-clip",
            build=build,
            recipe=MAFW,
            recipe_for={"dfew": DFEW, "ferv39k": FERV39K, "mafw": MAFW, "synthetic": SYNTHETIC},
            paper="arXiv:2308.13382",
            card=CARD,
            convert=from_official,
        )
    )
