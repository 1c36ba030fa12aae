"""Attention roll-out (Abnar and Zuidema, ACL 2020, section 3, eq. 1): which places and frames the output's
token has looked at, through all layers, the residual connections counted as half of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from dferbench.explaining.explanation import Heat


class SeenAttention(TorchFunctionMode):
    """While it is active, keeps the attention of every self-attention in the order of the calls, averaged
    over the heads: `maps` of (N, L, L). What is causal or masked reads texts, and is left out; `others`
    counts what is no self-attention."""

    def __init__(self) -> None:
        super().__init__()
        self.maps: list[Tensor] = []
        self.others = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Called in place of every function of torch."""
        kwargs = kwargs or {}
        if func is F.scaled_dot_product_attention:
            self._note(*args, **kwargs)
        return func(*args, **kwargs)

    def _note(self, q: Tensor, k: Tensor, v: Tensor, attn_mask: Any = None, *rest: Any, **more: Any) -> None:
        if attn_mask is not None or more.get("is_causal") or (len(rest) > 1 and rest[1]):
            return
        if q.shape != k.shape or q.ndim != 4:
            self.others += 1
            return
        scores = q.float() @ k.float().transpose(-1, -2) / math.sqrt(q.shape[-1])
        self.maps.append(scores.softmax(-1).mean(1))


@dataclass(frozen=True)
class Layers:
    """Attention maps of one video of T frames: `space` (T, L, L) and `time` (1, L, L), layer by layer."""

    space: Sequence[Tensor]
    time: Sequence[Tensor]


def layers_of(seen: SeenAttention, frames: int) -> Layers | str:
    """The maps told apart by their shapes, or in words why they are not what roll-out needs: attention among
    the places of each frame, and among the frames."""
    space: list[Tensor] = []
    time: list[Tensor] = []
    for one in seen.maps:
        if len(one) == 1 and one.shape[1] in (frames, frames + 1):
            time.append(one)
        elif len(one) == frames and _side(one.shape[1]):
            space.append(one)
        else:
            return "its attention is not over the places of single frames and then over the frames"
    if seen.others:
        return "part of its attention looks from some tokens at others"
    if not space or not time:
        missing = " nor ".join(
            name for name, found in (("the places of a frame", space), ("the frames", time)) if not found
        )
        return f"the model has no attention over {missing}"
    if len({one.shape for one in space}) > 1 or len({one.shape for one in time}) > 1:
        return "its layers attend over different numbers of tokens"
    return Layers(space, time)


def rolled_out(layers: Layers, frames: int) -> Heat:
    """The shares of attention of T frames (T,) and of the places of each (T, h, w)."""
    time = _looked_at(_rollout(layers.time), layers.time[0].shape[1] == frames + 1)[0]
    tokens = layers.space[0].shape[1]
    side = _side(tokens)
    space = _looked_at(_rollout(layers.space), side * side + 1 == tokens)
    whole = space.reshape(frames, side, side).double().cpu().numpy()
    return Heat(time.double().cpu().numpy(), whole)


def _rollout(maps: Sequence[Tensor]) -> Tensor:
    """(N, L, L): row i says from which input tokens token i of the last layer comes."""
    same = torch.eye(maps[0].shape[-1], dtype=maps[0].dtype, device=maps[0].device)
    rolled = same.expand_as(maps[0])
    for one in maps:
        rolled = (one + same) / 2 @ rolled
    return rolled


def _looked_at(rolled: Tensor, class_token: bool) -> Tensor:
    """(N, places), each row summing to one: what the class token, which stands first, has looked at; without
    one, what all tokens have looked at on average."""
    seen = rolled[:, 0, 1:] if class_token else rolled.mean(1)
    return seen / seen.sum(-1, keepdim=True)


def _side(tokens: int) -> int:
    """The side of the square that so many tokens make, a class token left out; 0 if they make none."""
    for places in (tokens, tokens - 1):
        side = math.isqrt(max(places, 0))
        if side and side * side == places:
            return side
    return 0
