"""MAE-DFER (Sun et al., ACM MM 2023) and VideoMAE (Tong et al., NeurIPS 2022), fine-tuned for expressions."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import Field

from dferbench import Method, Options, hookimpl
from dferbench_methods.layers.options import Cutmix, DropPath, Mixup, Smoothing, StartFile
from dferbench_methods.mae_dfer import cards, recipes


class MaeDferOptions(Options):
    """What may be set of MAE-DFER."""

    width: int = Field(512, ge=64, multiple_of=64, description="Width of the tokens; each head is 64 wide.")
    depth: int = Field(16, ge=1, description="Blocks of the encoder.")
    regions: str = Field(
        "4x2x1",
        examples=["4x2x1"],
        pattern=r"^[1-9]\d*x[1-9]\d*x[1-9]\d*$",
        description="Local regions along time, height and width; they divide the tokens, which are half the "
        "frames by a sixteenth of the size in each direction.",
    )
    drop_path: DropPath = 0.1
    mixup: Mixup = 0.8
    cutmix: Cutmix = 1.0
    smoothing: Smoothing = 0.1
    erase: float = Field(
        0.25, ge=0, le=1, description="Probability that training replaces a box of a video by noise."
    )
    weights: StartFile = Field(
        "", description="File of the released code to start from, pre-trained or fine-tuned; '' for none."
    )


class VideoMaeOptions(Options):
    """What may be set of VideoMAE."""

    width: int = Field(768, ge=64, multiple_of=64, description="Width of the tokens; each head is 64 wide.")
    depth: int = Field(12, ge=1, description="Blocks of the encoder.")
    drop_path: DropPath = 0.1
    mixup: Mixup = 0.8
    cutmix: Cutmix = 1.0
    smoothing: Smoothing = 0.1
    erase: float = Field(
        0.25, ge=0, le=1, description="Probability that training replaces a box of a video by noise."
    )
    weights: StartFile = Field(
        "", description="File of the released code to start from, pre-trained or fine-tuned; '' for none."
    )


METHODS = (
    ("mae-dfer", "mae_dfer", "convert_regions", cards.MAE_DFER, 16, MaeDferOptions),
    ("videomae", "videomae", "convert_joint", cards.VIDEOMAE, 12, VideoMaeOptions),
)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register mae-dfer and videomae."""
    for name, build, convert, card, depth, options in METHODS:
        recipe, recipe_for = recipes.of(depth)
        register(
            Method(
                name=name,
                build=f"dferbench_methods.mae_dfer.model:{build}",
                recipe=recipe,
                recipe_for=recipe_for,
                paper=card["paper"],
                card=card,
                convert=f"dferbench_methods.mae_dfer.convert:{convert}",
                options_for={"synthetic": recipes.SMALL},
                options=options,
            )
        )
