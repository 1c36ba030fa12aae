"""The network: three stages of a ResNet-18 give tokens, blocks of local and global attention relate them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dferbench import ConfigError, Task, UnknownName
from dferbench.models import Batch, Classifier
from dferbench_methods.layers.initial import STD, draw_linear
from dferbench_methods.layers.resnet2d import ResNet2d
from dferbench_methods.layers.start import start_from
from dferbench_methods.logo_former.blocks import Block, Cell, Plan
from dferbench_methods.logo_former.loss import asymmetric, compact

DOWN = 16
"""How much smaller than a frame the map of tokens is, in each direction."""
POOLS = ("mean", "token0")
OBJECTIVES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {"ce": F.cross_entropy, "asl": asymmetric}
LEAST_DROP = 0.01
"""How often the first block is left out; it rises evenly to the last one's."""


class LogoFormer(Classifier):
    """The reconstruction of LOGO-Former. `plan` holds the sizes of its `depth` blocks; a `side` of 0 in a
    cell is the whole map. `weight` is the compact loss's.

    Raises ConfigError for sizes that do not fit, UnknownName for a pool or an objective that is not there,
    DataError for weights that do not fit.
    """

    def __init__(
        self,
        task: Task,
        plan: Plan,
        depth: int,
        drop_path: float,
        pool: str,
        objective: tuple[str, float],
        trunk: tuple[int, str],
    ) -> None:
        super().__init__()
        width, weights = trunk
        self.pool, (self.objective, self.weight) = pool, objective
        _require_words(pool, self.objective)
        _require(plan, depth, self.weight, drop_path)
        self.trunk = ResNet2d(depths=(2, 2, 2), width=width)
        side = math.ceil(task.size / DOWN)
        fitted = _fitted(plan, task.frames, side)
        self.project = nn.Conv2d(self.trunk.dim, plan.dim, 1)
        self.pos_space = nn.Parameter(torch.zeros(1, 1, side, side, plan.dim))
        self.pos_time = nn.Parameter(torch.zeros(1, task.frames, 1, 1, plan.dim))
        self.blocks = nn.Sequential(*(Block(fitted, drop) for drop in _drops(drop_path, depth)))
        self.norm = nn.LayerNorm(plan.dim)
        self.head = nn.Linear(plan.dim, len(task.classes))
        _initialise(self)
        self.notes = start_from(self.trunk, weights, used=_without_stage4)

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
        terms = {self.objective: OBJECTIVES[self.objective](self.head(feature), batch.label)}
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


def _require_words(pool: str, objective: str) -> None:
    if pool not in POOLS:
        raise UnknownName("pool of logo-former", pool, POOLS)
    if objective not in OBJECTIVES:
        raise UnknownName("objective of logo-former", objective, OBJECTIVES)


def _require(plan: Plan, depth: int, weight: float, drop_path: float) -> None:
    if min(depth, plan.heads, plan.dim, plan.mlp_ratio) < 1 or plan.dim % plan.heads:
        raise ConfigError(
            f"logo-former of dim={plan.dim}, heads={plan.heads}, depth={depth}, mlp_ratio={plan.mlp_ratio}",
            "Give at least 1 each, and a dim that the heads divide.",
        )
    if weight < 0 or not 0 <= plan.dropout < 1 or not 0 <= drop_path < 1:
        raise ConfigError(
            f"logo-former of compact={weight}, dropout={plan.dropout} and drop_path={drop_path}",
            "Give a weight of 0 or more, and a dropout and a drop_path from 0 to below 1.",
        )


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
