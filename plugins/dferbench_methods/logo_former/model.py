"""The network: three stages of a ResNet-18 give tokens, blocks of local and global attention relate them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dferbench import ConfigError, Task
from dferbench.models import Batch, Classifier
from dferbench_methods.layers.initial import STD, draw_linear
from dferbench_methods.layers.resnet2d import ResNet2d
from dferbench_methods.layers.start import start_from
from dferbench_methods.logo_former.blocks import Block, Cell, Plan
from dferbench_methods.logo_former.loss import asymmetric, compact
from dferbench_methods.logo_former.method import LogoFormerOptions

DOWN = 16
"""How much smaller than a frame the map of tokens is, in each direction."""
OBJECTIVES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {"ce": F.cross_entropy, "asl": asymmetric}
LEAST_DROP = 0.01
"""How often the first block is left out; it rises evenly to the last one's."""


class LogoFormer(Classifier):
    """The reconstruction of LOGO-Former, of the options in `LogoFormerOptions`.

    Raises ConfigError for sizes that do not fit, DataError for weights that do not fit.
    """

    def __init__(self, task: Task, parts: Any, **options: Any) -> None:
        super().__init__()
        given = LogoFormerOptions(**options)
        plan = _plan(given)
        self.pool, self.objective, self.weight = given.pool, given.objective, given.compact
        self.trunk = ResNet2d(depths=(2, 2, 2), width=given.width)
        side = math.ceil(task.size / DOWN)
        fitted = _fitted(plan, task.frames, side)
        self.project = nn.Conv2d(self.trunk.dim, plan.dim, 1)
        self.pos_space = nn.Parameter(torch.zeros(1, 1, side, side, plan.dim))
        self.pos_time = nn.Parameter(torch.zeros(1, task.frames, 1, 1, plan.dim))
        self.blocks = nn.Sequential(*(Block(fitted, drop) for drop in _drops(given.drop_path, given.depth)))
        self.norm = nn.LayerNorm(plan.dim)
        self.head = nn.Linear(plan.dim, len(task.classes))
        _initialise(self)
        self.notes = start_from(self.trunk, given.weights, used=_without_stage4)

    def tokens(self, video: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> (B, T, h, w, dim), positions added."""
        images = video.flatten(0, 1)
        x = self.project(self.trunk.stages(self.trunk.stem(images), 1, 3)).movedim(1, -1)
        tokens: Tensor = x.reshape(*video.shape[:2], *x.shape[1:]) + self.pos_space + self.pos_time
        return tokens

    def feature(self, video: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> (B, dim)."""
        x: Tensor = self.norm(self.blocks(self.tokens(video))).flatten(1, 3)
        return x.mean(1) if self.pool == "mean" else x[:, 0]

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> logits (B, C)."""
        logits: Tensor = self.head(self.feature(x))
        return logits

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The objective, and the weighted compact loss unless its weight is 0."""
        feature = self.feature(batch.x)
        terms: dict[str, Tensor] = {
            self.objective: OBJECTIVES[self.objective](self.head(feature), batch.label)
        }
        if self.weight:
            terms["compact"] = self.weight * compact(feature, self.head.weight, batch.label)
        return terms


def _drops(last: float, depth: int) -> list[float]:
    """How often each block is left out, evenly from the first to the last."""
    return torch.linspace(min(LEAST_DROP, last), last, depth, device="cpu").tolist()


def _fitted(plan: Plan, frames: int, side: int) -> Plan:
    """The plan with sides of 0 filled in. Raises ConfigError for cells that do not tile the tokens."""
    cells: dict[str, Cell] = {}
    for name, (t, s) in (("window", plan.window), ("summary", plan.summary)):
        cells[name] = (t, s or side)
        if t < 1 or frames % t or s < 0 or side % (s or side):
            places = f"{s} x {s} places" if s else "the whole map"
            raise ConfigError(
                f"logo-former's {name} of {t} frames by {places} does not tile {frames} frames of "
                f"{side} x {side}",
                f"Give {name}_frames and {name}_side that divide them; a side of 0 is the whole map.",
            )
    return Plan(plan.dim, plan.heads, plan.mlp_ratio, plan.dropout, **cells)


def _plan(given: LogoFormerOptions) -> Plan:
    if given.dim % given.heads:
        raise ConfigError(
            f"dim of logo-former must be a multiple of heads, got dim={given.dim} and heads={given.heads}",
            "The defaults are 512 and 8.",
        )
    window, summary = (given.window_frames, given.window_side), (given.summary_frames, given.summary_side)
    return Plan(given.dim, given.heads, given.mlp_ratio, given.dropout, window, summary)


def _initialise(model: LogoFormer) -> None:
    """Truncated normals of 0.02 for positions and linear layers; the convolutions keep theirs."""
    for position in (model.pos_space, model.pos_time):
        nn.init.trunc_normal_(position, std=STD)
    nn.init.kaiming_uniform_(model.project.weight)
    if model.project.bias is not None:
        nn.init.zeros_(model.project.bias)
    draw_linear(model.blocks)


def _without_stage4(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a whole ResNet-18 but for its last stage, which has no place here."""
    return {name: tensor for name, tensor in state.items() if not name.startswith("layer4.")}
