"""Taking over what the released code saved in fine-tuning: sizes and classes are read off the tensors."""

from __future__ import annotations

import re
from math import prod
from typing import Any

from torch import Tensor

from dferbench import ConfigError, Converted, Task
from dferbench.data.official import MAFW_ORDER
from dferbench_methods.layers.official import SEVEN, agreed, name_classes, need, renamed
from dferbench_methods.mae_dfer.encoders import read_regions
from dferbench_methods.mae_dfer.files import in_file
from dferbench_methods.mae_dfer.model import Net, VideoTransformer

CLASSES = {
    7: (SEVEN, "DFEW"),
    11: (MAFW_ORDER, "MAFW"),
}
"""The classes that the released code trains on, in the order of their labels, by their number."""
REGIONS = "4x2x1"
"""The regions of the released code."""
FRAMES, SIZE = 16, 160


def convert_regions(state: dict[str, Tensor], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """MAE-DFER's checkpoint; see `dferbench.Method.convert`. How its regions lie is in no file: as in the
    released code unless the user says otherwise, and the notes say which."""
    regions = given.get("regions", REGIONS)
    count = len(need(state, "lg_region_tokens", 2, "MAE-DFER"))
    if prod(read_regions(regions)) != count:
        raise ConfigError(
            f"the checkpoint has {count} regions, which {regions} are not", "State them: --set regions=4x2x1."
        )
    said = "was stated by the user" if "regions" in given else "is assumed, as in the released code"
    note = f"regions={regions} {said}: the file does not say it."
    return _convert(state, {**given, "regions": regions}, classes, "MAE-DFER", note)


def convert_joint(state: dict[str, Tensor], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """VideoMAE's checkpoint; see `dferbench.Method.convert`."""
    return _convert(state, given, classes, "VideoMAE")


def _convert(
    state: dict[str, Tensor], given: dict[str, Any], classes: tuple[str, ...], method: str, *notes: str
) -> Converted:
    width = len(need(state, "patch_embed.proj.weight", 5, method))
    count = len(need(state, "head.weight", 2, method))
    blocks = {match[1] for name in state if (match := re.match(r"blocks\.(\d+)\.", name))}
    known, whose = CLASSES.get(count, CLASSES[7])
    names, about_names = name_classes(count, classes, known, whose)
    net = Net(width, max(len(blocks), 1), regions=given.get("regions", ""))
    return renamed(
        state,
        lambda: VideoTransformer(Task("", names, FRAMES, SIZE), net),
        in_file,
        method,
        options=agreed({"width": width, "depth": net.depth}, given),
        classes=names,
        notes=(about_names, *notes),
        also={"order": "string"},
    )
