"""MAE-DFER (Sun et al., ACM MM 2023) and VideoMAE (Tong et al., NeurIPS 2022), fine-tuned for expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dferbench import Converted, Method, Task, hookimpl
from dferbench_methods.mae_dfer import cards, recipes

if TYPE_CHECKING:
    from dferbench.models import Classifier


def build_mae_dfer(  # noqa: PLR0913 - the signature is the list of options
    task: Task,
    parts: Any,
    width: int = 512,
    depth: int = 16,
    regions: str = "4x2x1",
    drop_path: float = 0.1,
    mixup: float = 0.8,
    cutmix: float = 1.0,
    smoothing: float = 0.1,
    erase: float = 0.25,
    weights: str = "",
) -> Classifier:
    """The LGI-Former for a task whose frames are even and whose size is a multiple of 16.

    `depth` blocks of that `width`, a multiple of 64; `regions` along time, height and width that divide the
    tokens, which are half the frames by a sixteenth of the size; `drop_path` of the last block. `mixup`,
    `cutmix`, `smoothing` of the labels and `erase`, a probability, act in training. `weights` is a file of
    the released code to start from, pre-trained or fine-tuned. Raises ConfigError or DataError.
    """
    from dferbench_methods.mae_dfer.model import Net, Noise, VideoTransformer

    noise = Noise(mixup, cutmix, smoothing, erase)
    return VideoTransformer(task, Net(width, depth, drop_path, regions), noise, weights)


def build_videomae(  # noqa: PLR0913 - the signature is the list of options
    task: Task,
    parts: Any,
    width: int = 768,
    depth: int = 12,
    drop_path: float = 0.1,
    mixup: float = 0.8,
    cutmix: float = 1.0,
    smoothing: float = 0.1,
    erase: float = 0.25,
    weights: str = "",
) -> Classifier:
    """The ViT of VideoMAE, every token looking at every other; the options are those of mae-dfer."""
    from dferbench_methods.mae_dfer.model import Net, Noise, VideoTransformer

    noise = Noise(mixup, cutmix, smoothing, erase)
    return VideoTransformer(task, Net(width, depth, drop_path), noise, weights)


def convert_mae_dfer(state: dict[str, Any], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """A fine-tuned checkpoint of the released code in our terms; see `dferbench_methods.mae_dfer.convert`."""
    from dferbench_methods.mae_dfer.convert import convert_regions

    return convert_regions(state, given, classes)


def convert_videomae(state: dict[str, Any], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """The same for a ViT."""
    from dferbench_methods.mae_dfer.convert import convert_joint

    return convert_joint(state, given, classes)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register mae-dfer and videomae; torch is imported when one is built."""
    for name, build, convert, card, depth in (
        ("mae-dfer", build_mae_dfer, convert_mae_dfer, cards.MAE_DFER, 16),
        ("videomae", build_videomae, convert_videomae, cards.VIDEOMAE, 12),
    ):
        recipe, recipe_for = recipes.of(depth)
        register(
            Method(
                name, build, recipe, recipe_for, card["paper"], card, convert,
                options_for={"synthetic": recipes.SMALL},
            )
        )  # fmt: skip
