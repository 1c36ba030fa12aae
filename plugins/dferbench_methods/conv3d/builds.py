"""The options of each method, and what builds it. Torch is imported inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dferbench import Converted, Task

if TYPE_CHECKING:
    from dferbench.models import Classifier

Tensors = dict[str, Any]


def c3d(
    task: Task,
    parts: Any,
    bn: bool = False,
    dropout: float = 0.5,
    pixels: str = "unit",
    width: int = 64,
    weights: str = "",
) -> Classifier:
    """C3D (Tran et al., ICCV 2015); with `bn` batch norm follows each convolution, as in DFEW's repository.

    `width` is the number of channels behind the first convolution, of which all others are multiples.
    `pixels` names what the weights were trained on, see pixels.py. Raises ConfigError for
    frames that are too small or too few, and DataError for a file of weights that does not fit.
    """
    from dferbench_methods.conv3d.c3d import C3D
    from dferbench_methods.conv3d.names import c3d_names
    from dferbench_methods.conv3d.video import VideoNet

    net = C3D(len(task.classes), task.frames, task.size, bn, dropout, width)
    return VideoNet(net, pixels, weights, c3d_names)


def p3d(
    task: Task,
    parts: Any,
    depth: int = 63,
    relu: str = "official",
    dropout: float = 0.5,
    pixels: str = "unit",
    width: int = 64,
    weights: str = "",
) -> Classifier:
    """P3D ResNet (Qiu et al., ICCV 2017) of `depth` 63, 131 or 199.

    `relu` says where the two branches of a block are cut off at zero: "official", or "port" for the weights
    of the torch port and for DFEW's repository. The rest is as for `c3d`.
    """
    from dferbench_methods.conv3d.names import p3d_names
    from dferbench_methods.conv3d.p3d import P3D
    from dferbench_methods.conv3d.video import VideoNet

    net = P3D(len(task.classes), task.frames, depth, relu, dropout, width)
    return VideoNet(net, pixels, weights, p3d_names)


def i3d(
    task: Task,
    parts: Any,
    pool: str = "adaptive",
    dropout: float = 0.5,
    pixels: str = "unit",
    width: int = 64,
    weights: str = "",
) -> Classifier:
    """I3D on RGB (Carreira and Zisserman, CVPR 2017), the inflated Inception-v1.

    `pool` is the last pooling: "adaptive" over the whole map, or "official", windows of 2x7x7; the two agree
    on 16 frames of 224 x 224. The rest is as for `c3d`.
    """
    from dferbench_methods.conv3d.i3d import I3D
    from dferbench_methods.conv3d.names import i3d_names
    from dferbench_methods.conv3d.video import VideoNet

    net = I3D(len(task.classes), task.frames, task.size, pool, dropout, width)
    return VideoNet(net, pixels, weights, i3d_names)


def r3d18(
    task: Task,
    parts: Any,
    variant: str = "hara",
    shortcut: str = "b",
    pixels: str = "unit",
    width: int = 64,
    weights: str = "",
) -> Classifier:
    """3D ResNet18: Hara's (CVPR 2018), or with variant=torchvision that of Tran et al. (CVPR 2018).

    `shortcut` is "b", a convolution where the shape changes, or "a", zeros. The rest is as for `c3d`.
    """
    from dferbench_methods.conv3d.names import residual_names
    from dferbench_methods.conv3d.residual import Headed
    from dferbench_methods.conv3d.video import VideoNet
    from dferbench_methods.layers.resnet3d import resnet3d18

    net = Headed(resnet3d18(variant, shortcut, width), len(task.classes))
    return VideoNet(net, pixels, weights, residual_names)


def r2plus1d18(
    task: Task,
    parts: Any,
    midplanes: str = "torchvision",
    pixels: str = "unit",
    width: int = 64,
    weights: str = "",
) -> Classifier:
    """R(2+1)D-18 (Tran et al., CVPR 2018), its convolutions split in space and time.

    `midplanes` says how many channels lie between the two: "torchvision", "vmz" (the paper's own code), or
    "hara", whose stem differs too. The rest is as for `c3d`.
    """
    from dferbench_methods.conv3d.names import residual_names
    from dferbench_methods.conv3d.residual import Headed, r2plus1d
    from dferbench_methods.conv3d.video import VideoNet

    net = Headed(r2plus1d(midplanes, width), len(task.classes))
    return VideoNet(net, pixels, weights, residual_names)


def convert_c3d(state: Tensors, given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """A trained C3D of DFEW's repository or a port; see `dferbench_methods.conv3d.convert`."""
    from dferbench_methods.conv3d import convert

    return convert.c3d(state, given, classes)


def convert_p3d(state: Tensors, given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """The same for P3D."""
    from dferbench_methods.conv3d import convert

    return convert.p3d(state, given, classes)


def convert_i3d(state: Tensors, given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """The same for I3D."""
    from dferbench_methods.conv3d import convert

    return convert.i3d(state, given, classes)


def convert_r3d18(state: Tensors, given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """The same for a 3D ResNet18."""
    from dferbench_methods.conv3d import convert

    return convert.r3d18(state, given, classes)


def convert_r2plus1d18(state: Tensors, given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """The same for an R(2+1)D-18."""
    from dferbench_methods.conv3d import convert

    return convert.r2plus1d18(state, given, classes)
