"""What may be set of each baseline over a CLIP. No torch in here."""

from __future__ import annotations

from pydantic import Field

from dferbench import Options
from dferbench_methods.layers.options import (
    Backbone,
    Position,
    PromptName,
    Shared,
    Temperature,
    Temporal,
    TextSource,
    Words,
)


class ZeroShotOptions(Options):
    """What may be set of zero-shot CLIP."""

    backbone: Backbone = "clip-vit-b32"
    temporal: Temporal = "mean"
    prompt: PromptName = "fixed"
    text: TextSource = Field(
        "",
        description="Source of class texts; '' for expression, or class-names if the prompt has templates.",
    )
    temperature: Temperature = 0.01


class ZeroShotFarlOptions(ZeroShotOptions):
    """What may be set of zero-shot FaRL."""

    backbone: Backbone = "farl-vit-b16"


class FinetuneOptions(Options):
    """What may be set of full fine-tuning."""

    backbone: Backbone = "clip-vit-b32"
    temporal: Temporal = Field(
        "mean",
        description="Temporal head over frame features; the paper's row with a temporal model has "
        "cls-transformer.",
    )


class LinearProbeOptions(Options):
    """What may be set of the linear probe."""

    backbone: Backbone = "clip-vit-b32"
    temporal: Temporal = "mean"
    normalize: bool = Field(False, description="Whether the pooled feature is normalized to length one.")


class CoOpOptions(Options):
    """What may be set of CoOp and CoCoOp."""

    backbone: Backbone = "clip-vit-b32"
    temporal: Temporal = "mean"
    prompt: PromptName = "context"
    words: Words = 8
    shared: Shared = True
    position: Position = "end"
    init: str = Field(
        default="",
        description="Words that the context starts from, whose number replaces words; '' for random ones.",
    )
    text: TextSource = "class-names"
    temperature: Temperature = 0.01
