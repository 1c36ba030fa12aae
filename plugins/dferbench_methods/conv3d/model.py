"""The five nets as classifiers, each of its options in method.py."""

from __future__ import annotations

from typing import Any

from dferbench import Task
from dferbench_methods.conv3d.c3d import C3D
from dferbench_methods.conv3d.i3d import I3D
from dferbench_methods.conv3d.method import C3dOptions, I3dOptions, P3dOptions, R2plus1dOptions, R3dOptions
from dferbench_methods.conv3d.names import c3d_names, i3d_names, p3d_names, residual_names
from dferbench_methods.conv3d.p3d import P3D
from dferbench_methods.conv3d.residual import Headed, r2plus1d
from dferbench_methods.conv3d.start import as_in_dfew, by_default, by_port, unchanged
from dferbench_methods.conv3d.video import VideoNet
from dferbench_methods.layers.resnet3d import resnet3d18


def c3d(task: Task, parts: Any, **options: Any) -> VideoNet:
    """C3D (Tran et al., ICCV 2015). Raises ConfigError for frames that are too small or too few, and
    DataError for a file of weights that does not fit."""
    given = C3dOptions(**options)
    net = C3D(len(task.classes), task.frames, task.size, given.bn, given.dropout, given.width)
    if given.start == "dfew":
        as_in_dfew(net, by_default)
    return VideoNet(net, given.pixels, given.weights, c3d_names)


def p3d(task: Task, parts: Any, **options: Any) -> VideoNet:
    """P3D (Qiu et al., ICCV 2017). Raises ConfigError unless there are 16 to 31 frames, or DataError."""
    given = P3dOptions(**options)
    net = P3D(len(task.classes), task.frames, given.depth, given.relu, given.dropout, given.width)
    if given.start == "dfew":
        as_in_dfew(net, by_port)
    return VideoNet(net, given.pixels, given.weights, p3d_names)


def i3d(task: Task, parts: Any, **options: Any) -> VideoNet:
    """I3D on RGB (Carreira and Zisserman, CVPR 2017), the inflated Inception-v1. Raises ConfigError where the
    official pooling does not fit, or DataError."""
    given = I3dOptions(**options)
    net = I3D(len(task.classes), task.frames, task.size, given.pool, given.dropout, given.width)
    if given.start == "dfew":
        as_in_dfew(net, by_default)
    return VideoNet(net, given.pixels, given.weights, i3d_names)


def r3d18(task: Task, parts: Any, **options: Any) -> VideoNet:
    """3D ResNet18: Hara's (CVPR 2018) or that of Tran et al. (CVPR 2018). Raises DataError."""
    given = R3dOptions(**options)
    net = Headed(resnet3d18(given.variant, given.shortcut, given.width), len(task.classes))
    return VideoNet(net, given.pixels, given.weights, residual_names)


def r2plus1d18(task: Task, parts: Any, **options: Any) -> VideoNet:
    """R(2+1)D-18 (Tran et al., CVPR 2018), its convolutions split in space and time. Raises DataError."""
    given = R2plus1dOptions(**options)
    net = Headed(r2plus1d(given.midplanes, given.width), len(task.classes))
    if given.start == "dfew":
        as_in_dfew(net, unchanged)
    return VideoNet(net, given.pixels, given.weights, residual_names)
