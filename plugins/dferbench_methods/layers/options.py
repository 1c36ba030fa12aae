"""Options that several methods share. No torch in here."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

Width = Annotated[
    int, Field(ge=1, description="Channels of the stem; the widths of all other layers are multiples of it.")
]
StartFile = Annotated[str, Field(description="File of pretrained weights to start from; '' for none.")]
Backbone = Annotated[
    str, Field(description="Pretrained encoder of the frames: a name of dferbench list backbones.")
]
Temporal = Annotated[
    str, Field(description="Temporal head over frame features: a name of dferbench list temporal_heads.")
]
PromptName = Annotated[
    str, Field(description="Prompt strategy for the class texts: a name of dferbench list prompts.")
]
TextSource = Annotated[
    str,
    Field(
        description="Source of class texts: class-names, expression, descriptors, a template such as "
        "'a photo of {}', or a TOML file."
    ),
]
Words = Annotated[int, Field(ge=0, description="Number of learnable context words in the prompt.")]
Shared = Annotated[
    bool, Field(description="Whether all classes share one set of context words, instead of one set each.")
]
Position = Annotated[
    Literal["end", "middle", "front"],
    Field(description="Where the class text stands among the context words."),
]
Temperature = Annotated[
    float, Field(gt=0, description="Constant that cosine similarities are divided by before the softmax.")
]
Pixels = Annotated[
    Literal["unit", "signed", "kinetics", "hara", "sports1m", "mmaction", "caffe"],
    Field(description="Pixel scale that the pretrained weights expect; unit is 0..1 as read."),
]
Dropout = Annotated[float, Field(ge=0, lt=1, description="Dropout rate before the classifier.")]
DropPath = Annotated[
    float, Field(ge=0, lt=1, description="Stochastic depth: how often training leaves the last block out.")
]
Mixup = Annotated[
    float, Field(ge=0, description="Parameter of the beta distribution that mixup draws from; 0 for none.")
]
Cutmix = Annotated[
    float, Field(ge=0, description="Parameter of the beta distribution that CutMix draws from; 0 for none.")
]
Smoothing = Annotated[float, Field(ge=0, lt=1, description="Label smoothing.")]
