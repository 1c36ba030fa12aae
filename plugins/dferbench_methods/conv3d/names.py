"""What the tensors of each net are called in the files that people have."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import Tensor

from dferbench_methods.layers.resnet3d import in_hara, in_torchvision

State = Mapping[str, Tensor]


class Names(NamedTuple):
    """`called` gives the file's name of a tensor of ours; the classifier's begin with `classifier` there."""

    called: Callable[[str], str]
    classifier: str


def c3d_names(state: State) -> Names:
    """Ours are those of DavideA's port and DFEW's repository; mmaction has its own, with a head or none."""
    if _has(state, "conv1a."):
        return Names(_in_mmaction, "cls_head.")
    if _has(state, "backbone."):
        return Names(lambda name: _in_mmaction(name, "backbone."), "cls_head.")
    return Names(str, "fc8.")


def p3d_names(state: State) -> Names:
    """Ours are those of the torch port, which DFEW's repository took over, but for the last stage's."""
    return Names(_in_port, "fc.")


def i3d_names(state: State) -> Names:
    """Ours are those of piergiaj's port, which DFEW's repository took over."""
    return Names(str, "logits.")


def residual_names(state: State) -> Names:
    """torchvision's, which DFEW's repository uses, or Hara's, with split convolutions or whole ones."""
    if _has(state, "stem."):
        return Names(lambda name: in_torchvision(_bare(name)), "fc.")
    if any("_s." in name for name in state):
        return Names(lambda name: _in_split_hara(_bare(name)), "fc.")
    return Names(lambda name: in_hara(_bare(name)), "fc.")


def _has(state: State, beginning: str) -> bool:
    return any(name.startswith(beginning) for name in state)


def _bare(name: str) -> str:
    return name.removeprefix("trunk.")


def _in_mmaction(name: str, prefix: str = "") -> str:
    """conv2.bias -> conv2a.conv.bias, bn2.bias -> conv2a.bn.bias, fc8.bias -> cls_head.fc_cls.bias."""
    if name.startswith("fc8."):
        return name.replace("fc8.", "cls_head.fc_cls.")
    found = re.match(r"(conv|bn)(\d)([ab]?)\.", name)
    if not found:
        return prefix + name
    kind, number, letter = found.groups()
    return f"{prefix}conv{number}{letter or 'a'}.{kind}.{name[found.end() :]}"


def _in_port(name: str) -> str:
    """The port numbers the last stage's convolutions as if one in time stood between them."""
    if not name.startswith("layer4."):
        return name
    for ours, theirs in (("3", "4"), ("2", "_normal")):
        name = re.sub(rf"\.(conv|bn){ours}\.", rf".\g<1>{theirs}.", name)
    return name


def _in_split_hara(name: str) -> str:
    """conv2.0 -> conv2_s, conv2.1 -> bn2_s, conv2.3 -> conv2_t, bn2 -> bn2_t; the stem is the first."""
    parts = {"0": "conv{}_s", "1": "bn{}_s", "3": "conv{}_t", "4": "bn{}_t"}
    name = re.sub(r"^stem\.(\d)\.", lambda m: parts[m[1]].format(1) + ".", name)
    name = re.sub(r"\.bn(\d)\.", r".bn\1_t.", name)
    return re.sub(r"\.conv(\d)\.(\d)\.", lambda m: "." + parts[m[2]].format(m[1]) + ".", name)
