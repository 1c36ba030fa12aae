"""What learns before each block of the image model: a prompt, and a look along the frames."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dferbench_methods.layers.initial import draw_linear
from dferbench_methods.s2d.vit import Attention

HEADS = 8
"""Of the attention over the frames."""
NARROWER = 4
"""How much narrower an adapter is inside."""


class Fovea(nn.Module):
    """Each channel's map, weighted by a softmax of `scale` times itself over its places."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((1,), 10.0))

    def forward(self, maps: Tensor) -> Tensor:
        """(N, C, P, 1) -> the same; the softmax is over P."""
        return maps * (self.scale * maps).softmax(2)


class Bottleneck(nn.Module):
    """Down to a quarter of the width, GELU, attention if asked for, and up again; nothing skips it."""

    def __init__(self, dim: int, attend: bool) -> None:
        super().__init__()
        inner = dim // NARROWER
        self.down, self.up = nn.Linear(dim, inner), nn.Linear(inner, dim)
        self.attn = Attention(inner, HEADS, qkv_bias=False) if attend else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(N, L, dim) -> (N, L, dim)."""
        out: Tensor = self.up(self.attn(F.gelu(self.down(x))))
        return out


class TemporalAdapter(nn.Module):
    """TMA: each place of the face looks along the `frames` of its video, then each token by itself.

    With `zero_init` the last layer starts from zero, so that a new adapter adds nothing.
    """

    def __init__(self, dim: int, frames: int, zero_init: bool) -> None:
        super().__init__()
        self.frames = frames
        self.temporal, self.spatial = Bottleneck(dim, attend=True), Bottleneck(dim, attend=False)
        self.norm = nn.LayerNorm(dim)
        draw_linear(self)
        if zero_init:
            nn.init.zeros_(self.spatial.up.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(B * T, P, dim) -> (B * T, P, dim)."""
        videos = x.reshape(-1, self.frames, *x.shape[1:]).transpose(1, 2)  # (B, P, T, dim)
        seen: Tensor = self.temporal(videos.flatten(0, 1))
        seen = seen.reshape(videos.shape)
        out: Tensor = self.spatial(self.norm(seen.transpose(1, 2).flatten(0, 1)))
        return out


class Prompt(nn.Module):
    """From the normalised tokens of the image and of the side input: the prompt, and what the adapter adds.

    `hidden` channels carry the prompt: the image's through `Fovea`, plus the side input's.
    """

    def __init__(self, dim: int, hidden: int, frames: int, zero_init: bool) -> None:
        super().__init__()
        self.image, self.side = nn.Conv2d(dim, hidden, 1), nn.Conv2d(dim, hidden, 1)
        self.out = nn.Conv2d(hidden, dim, 1)
        self.fovea = Fovea()
        for layer in (self.image, self.side, self.out):
            nn.init.xavier_uniform_(layer.weight)
        self.adapter = TemporalAdapter(dim, frames, zero_init)

    def forward(self, x: Tensor, side: Tensor) -> tuple[Tensor, Tensor]:
        """Twice (B * T, P, dim) -> twice the same: prompt, and what attention gives along the frames."""
        u, v = self.image(_maps(x)), self.side(_maps(side))
        prompt = self.out(self.fovea(u) + v).squeeze(3).transpose(1, 2)
        return prompt, self.adapter(x)


def _maps(tokens: Tensor) -> Tensor:
    """(N, P, dim) -> (N, dim, P, 1): where a place lies does not matter to convolutions of one pixel."""
    return tokens.transpose(1, 2)[..., None]
