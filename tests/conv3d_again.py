"""The convolutional baselines as their authors' code computes and saves them: a reimplementation for tests.

Nothing of dferbench. A net is run by asking `Drawn` for each layer under its official name; what is asked for
the first time is drawn, and so one forward pass leaves the state dict of a checkpoint. Widths are free.
"""

import math

import torch
from torch.nn import functional as F


class Drawn:
    """Layers by official names; `state` is what they are made of."""

    def __init__(self, seed=0):
        self.state = {}
        self.generator = torch.Generator().manual_seed(seed)

    def new(self, name, *shape, scale=1.0):
        if name not in self.state:
            self.state[name] = torch.randn(shape, generator=self.generator) * scale
        return self.state[name]

    def conv(self, x, name, outer, kernel, stride=1, padding=0, bias=False):
        inner = x.shape[1]
        weight = self.new(
            f"{name}.weight", outer, inner, *kernel, scale=math.sqrt(2 / (inner * math.prod(kernel)))
        )
        extra = self.new(f"{name}.bias", outer, scale=0.1) if bias else None
        return (F.conv3d if len(kernel) == 3 else F.conv2d)(x, weight, extra, stride, padding)

    def norm(self, x, name, eps=1e-5):
        count = x.shape[1]
        shape = (1, count, *[1] * (x.ndim - 2))
        mean, bias = (self.new(f"{name}.{n}", count, scale=0.1) for n in ("running_mean", "bias"))
        variance, weight = (self.new(f"{name}.{n}", count) for n in ("running_var", "weight"))
        variance.abs_().add_(0.5) if f"{name}.num_batches_tracked" not in self.state else None
        self.state.setdefault(f"{name}.num_batches_tracked", torch.tensor(7))
        mean, bias, variance, weight = (t.view(shape) for t in (mean, bias, variance, weight))
        return (x - mean) / (variance + eps).sqrt() * weight + bias

    def linear(self, x, name, outer):
        weight = self.new(f"{name}.weight", outer, x.shape[1], scale=math.sqrt(2 / x.shape[1]))
        return x @ weight.T + self.new(f"{name}.bias", outer, scale=0.1)


def c3d(net, video, classes=7, width=8, bn=False, mmaction=""):
    """The torch port, DFEW's with batch norm, or mmaction's ("backbone." or "bare")."""
    x = video.transpose(1, 2)
    prefix = "backbone." if mmaction == "backbone." else ""
    layers = [("1", 1), ("2", 2), ("3a", 4), ("3b", 4), ("4a", 8), ("4b", 8), ("5a", 8), ("5b", 8)]
    for name, times in layers:
        theirs = f"{prefix}conv{name if len(name) == 2 else name + 'a'}"
        x = net.conv(
            x, f"{theirs}.conv" if mmaction else f"conv{name}", times * width, (3, 3, 3), 1, 1, bias=True
        )
        if bn:
            x = net.norm(x, f"{theirs}.bn" if mmaction else f"bn{name}")
        x = x.relu()
        if name in ("1", "2", "3b", "4b"):
            x = F.max_pool3d(x, (1 if name == "1" else 2, 2, 2))
    x = F.max_pool3d(x, 2, 2, (0, 1, 1)).flatten(1)
    x = net.linear(x, f"{prefix}fc6", 64 * width).relu()
    x = net.linear(x, f"{prefix}fc7", 64 * width).relu()
    return net.linear(x, "cls_head.fc_cls" if mmaction else "fc8", classes)


def p3d(net, video, classes=7, width=8, blocks=(3, 4, 6, 3), port=True):
    """The torch port; without `port` the official net under the port's names."""
    x = net.norm(
        net.conv(video.transpose(1, 2), "conv1_custom", width, (1, 7, 7), (1, 2, 2), (0, 3, 3)), "bn1"
    )
    x = F.max_pool3d(x.relu(), (2, 3, 3), 2, (0, 1, 1))
    number = 0
    for i, count in enumerate(blocks):
        for j in range(count):
            here, planes = f"layer{i + 1}.{j}", width * 2**i
            flat = i == 3
            step = 1 if i == 0 or j else (2 if flat else (1, 2, 2))
            dot = (1, 1) if flat else (1, 1, 1)
            y = net.norm(net.conv(x, f"{here}.conv1", planes, dot, step), f"{here}.bn1").relu()
            if flat:
                y = net.conv(y, f"{here}.conv_normal", planes, (3, 3), 1, 1)
                y = net.norm(y, f"{here}.bn_normal").relu()
            else:
                y = _mixed(net, y, here, planes, "ABC"[number % 3], port)
            y = net.norm(net.conv(y, f"{here}.conv4", 4 * planes, dot), f"{here}.bn4")
            if j == 0:
                x = net.conv(x, f"{here}.downsample.0", 4 * planes, dot, step)
                x = net.norm(x, f"{here}.downsample.1")
            x = (x + y).relu()
            number += 1
        if i < 3:
            x = F.max_pool3d(x, (2, 1, 1), (2, 1, 1))
        if i == 2:
            assert x.shape[2] == 1
            x = x[:, :, 0]
    return net.linear(x.flatten(2).mean(2), "fc", classes)


def _mixed(net, x, here, planes, kind, port):
    def space(x):
        return net.norm(net.conv(x, f"{here}.conv2", planes, (1, 3, 3), 1, (0, 1, 1)), f"{here}.bn2")

    def time(x):
        return net.norm(net.conv(x, f"{here}.conv3", planes, (3, 1, 1), 1, (1, 0, 0)), f"{here}.bn3")

    if kind == "A":
        return time(space(x).relu()).relu()
    first = space(x).relu()
    second = time(x) if kind == "B" else time(first)
    return first + second.relu() if port else (first + second).relu()


MIXED = """3b 64 96 128 16 32 32/3c 128 128 192 32 96 64/4b 192 96 208 16 48 64/4c 160 112 224 24 64 64
/4d 128 128 256 24 64 64/4e 112 144 288 32 64 64/4f 256 160 320 32 128 128/5b 256 160 320 32 128 128
/5c 384 192 384 48 128 128"""


def i3d(net, video, classes=7, width=8, official=False):
    """piergiaj's port of DeepMind's net, padded in full beforehand."""
    x = _unit(net, video.transpose(1, 2), "Conv3d_1a_7x7", width, 7, 2)
    x = _pooled(x, (1, 3, 3), (1, 2, 2))
    x = _unit(net, x, "Conv3d_2b_1x1", width, 1)
    x = _unit(net, x, "Conv3d_2c_3x3", 3 * width, 3)
    for line in MIXED.split("/"):
        name, *channels = line.split()
        if name in ("3b", "4b", "5b"):
            windows = {
                "3b": ((1, 3, 3), (1, 2, 2)),
                "4b": ((3, 3, 3), (2, 2, 2)),
                "5b": ((2, 2, 2), (2, 2, 2)),
            }
            x = _pooled(x, *windows[name])
        a, b, c, d, e, f = (int(n) * width // 64 for n in channels)
        here = f"Mixed_{name}"
        one = _unit(net, x, f"{here}.b0", a, 1)
        two = _unit(net, _unit(net, x, f"{here}.b1a", b, 1), f"{here}.b1b", c, 3)
        three = _unit(net, _unit(net, x, f"{here}.b2a", d, 1), f"{here}.b2b", e, 3)
        four = _unit(net, _pooled(x, (3, 3, 3), (1, 1, 1)), f"{here}.b3b", f, 1)
        x = torch.cat([one, two, three, four], 1)
    x = F.avg_pool3d(x, (2, 7, 7), 1) if official else x.flatten(2).mean(2)[..., None, None, None]
    return net.conv(x, "logits.conv3d", classes, (1, 1, 1), bias=True).squeeze(4).squeeze(3).mean(2)


def _padded(x, kernel, stride):
    sides = []
    for size, k, s in zip(x.shape[2:], kernel, stride, strict=True):
        missing = max((math.ceil(size / s) - 1) * s + k - size, 0)
        sides = [missing // 2, missing - missing // 2, *sides]
    return F.pad(x, sides)


def _unit(net, x, name, outer, kernel, stride=1):
    x = _padded(x, (kernel,) * 3, (stride,) * 3)
    x = net.conv(x, f"{name}.conv3d", outer, (kernel,) * 3, stride)
    return net.norm(x, f"{name}.bn", eps=1e-3).relu()


def _pooled(x, kernel, stride):
    return F.max_pool3d(_padded(x, kernel, stride), kernel, stride)


def hara(net, video, classes=7, width=8, shortcut="b"):
    """Hara's 3D ResNet18."""
    x = net.conv(video.transpose(1, 2), "conv1", width, (7, 7, 7), (1, 2, 2), 3)
    x = F.max_pool3d(net.norm(x, "bn1").relu(), 3, 2, 1)

    def cube(x, here, i, outer, stride):
        x = net.conv(x, f"{here}.conv{i}", outer, (3, 3, 3), stride, 1)
        return net.norm(x, f"{here}.bn{i}")

    return _stages(net, x, classes, width, cube, shortcut)


def hara_split(net, video, classes=7, width=8):
    """Hara's R(2+1)D-18."""
    middle = 3 * width * 7 * 49 // (3 * 49 + 7 * width)
    x = net.conv(video.transpose(1, 2), "conv1_s", middle, (1, 7, 7), (1, 2, 2), (0, 3, 3))
    x = net.conv(net.norm(x, "bn1_s").relu(), "conv1_t", width, (7, 1, 1), 1, (3, 0, 0))
    x = F.max_pool3d(net.norm(x, "bn1_t").relu(), 3, 2, 1)

    def cube(x, here, i, outer, stride):
        inner = x.shape[1]
        middle = inner * outer * 27 // (inner * 9 + 3 * outer)
        x = net.conv(x, f"{here}.conv{i}_s", middle, (1, 3, 3), (1, stride, stride), (0, 1, 1))
        x = net.norm(x, f"{here}.bn{i}_s").relu()
        x = net.conv(x, f"{here}.conv{i}_t", outer, (3, 1, 1), (stride, 1, 1), (1, 0, 0))
        return net.norm(x, f"{here}.bn{i}_t")

    return _stages(net, x, classes, width, cube)


def vmz(net, video, classes=7, width=8):
    """The paper's R(2+1)D-18, under torchvision's names: midplanes of its own, and an epsilon of 1e-3."""
    x = net.conv(video.transpose(1, 2), "stem.0", 45 * width // 64, (1, 7, 7), (1, 2, 2), (0, 3, 3))
    x = net.conv(net.norm(x, "stem.1", 1e-3).relu(), "stem.3", width, (3, 1, 1), 1, (1, 0, 0))
    x = net.norm(x, "stem.4", 1e-3).relu()

    def cube(x, here, i, outer, stride):
        inner, here = x.shape[1], f"{here}.conv{i}"
        middle = inner * outer * 27 // (inner * 9 + 3 * outer)
        x = net.conv(x, f"{here}.0.0", middle, (1, 3, 3), (1, stride, stride), (0, 1, 1))
        x = net.norm(x, f"{here}.0.1", 1e-3).relu()
        x = net.conv(x, f"{here}.0.3", outer, (3, 1, 1), (stride, 1, 1), (1, 0, 0))
        return net.norm(x, f"{here}.1", 1e-3)

    return _stages(net, x, classes, width, cube, eps=1e-3)


def _stages(net, x, classes, width, cube, shortcut="b", eps=1e-5):
    for i in range(4):
        for j in range(2):
            here, outer, stride = f"layer{i + 1}.{j}", width * 2**i, 2 if i and not j else 1
            y = cube(cube(x, here, 1, outer, stride).relu(), here, 2, outer, 1)
            if y.shape != x.shape and shortcut == "b":
                x = net.norm(
                    net.conv(x, f"{here}.downsample.0", outer, (1, 1, 1), stride), f"{here}.downsample.1", eps
                )
            elif y.shape != x.shape:
                x = F.avg_pool3d(x, 1, stride)
                x = torch.cat([x, torch.zeros_like(x)], 1)
            x = (x + y).relu()
    return net.linear(x.flatten(2).mean(2), "fc", classes)
