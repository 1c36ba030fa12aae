"""Temporal heads: the features of a video's frames, (B, T, dim), become one feature, (B, dim)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dferbench.errors import ConfigError
from dferbench.models.attention import attend


class Mean(nn.Module):
    """The average over time: no temporal model. It takes `dim` and `frames` because every head does.

    With `normalize` each frame's feature is brought to length one first, so that all frames weigh the same;
    the nearest text to that mean is also the one of the largest mean cosine over the frames.
    """

    def __init__(self, dim: int, frames: int, normalize: bool = False) -> None:
        super().__init__()
        self.normalize = normalize

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, dim) -> (B, dim)."""
        return (F.normalize(x, dim=-1) if self.normalize else x).mean(1)


class Attention(nn.Module):
    """Attention pooling: one learned query weighs the frames, softmax(x q / sqrt(dim)), dim parameters.

    The query starts at zero, where the head is the mean. The order of the frames does not matter, and any
    number of frames is taken.
    """

    def __init__(self, dim: int, frames: int) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.zeros(dim))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, dim) -> (B, dim)."""
        weights = (x @ self.query / x.shape[-1] ** 0.5).softmax(1)  # (B, T)
        pooled: Tensor = (weights[..., None] * x).sum(1)
        return pooled


class Lstm(nn.Module):
    """An LSTM (Hochreiter and Schmidhuber, 1997) of `layers` layers as wide as the features; its output at
    the last frame is the video's feature. Takes any number of frames. Raises ConfigError below one layer."""

    def __init__(self, dim: int, frames: int, layers: int = 1) -> None:
        super().__init__()
        if layers < 1:
            raise ConfigError(f"lstm has {layers} layers", "Use at least 1, or temporal=mean.")
        self.lstm = nn.LSTM(dim, dim, layers, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, dim) -> (B, dim)."""
        outputs: Tensor = self.lstm(x)[0]
        return outputs[:, -1]


class ClsTransformer(nn.Module):
    """The temporal model of DFER-CLIP (arXiv:2308.13382, section 3.2, eq. 2): a learned class token
    looks at all frames through `depth` pre-norm transformer blocks.

    What the paper leaves open follows its released code: tokens drawn from N(0, 1), no bias in the fused
    query, key and value, tanh-GELU, an MLP of twice the width, no dropout, no final norm. The width inside
    the attention is `heads * head_dim`, whatever `dim` is. Takes up to `frames` frames.

    Raises ConfigError for a depth below 1, where the output would be one constant for all videos.
    """

    def __init__(
        self, dim: int, frames: int, depth: int = 1, heads: int = 8, head_dim: int = 64, mlp_ratio: float = 2
    ) -> None:
        super().__init__()
        if depth < 1:
            raise ConfigError(
                f"cls-transformer has depth {depth}, and would see nothing of the video",
                "Use a depth of at least 1, or temporal=mean for no temporal model.",
            )
        self.cls_token = nn.Parameter(torch.randn(1, 1, dim))
        self.pos_embedding = nn.Parameter(torch.randn(1, frames + 1, dim))
        self.blocks = nn.Sequential(*(PreNorm(dim, heads, head_dim, mlp_ratio) for _ in range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, dim) -> (B, dim), with T up to `frames`."""
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1)
        x = x + self.pos_embedding[:, : x.shape[1]]
        seen: Tensor = self.blocks(x)
        return seen[:, 0]


LAYER_IN_FILES = {
    "norm1": "0.fn.norm",
    "attention.qkv": "0.fn.fn.to_qkv",
    "attention.out": "0.fn.fn.to_out.0",
    "norm2": "1.fn.norm",
    "mlp.0": "1.fn.fn.net.0",
    "mlp.2": "1.fn.fn.net.3",
}
"""What the released codes that have a `PreNorm` call its parts: ours and theirs."""


class PreNorm(nn.Module):
    """The encoder layer of Former-DFER and DFER-CLIP: x + attention(norm(x)), then x + mlp(norm(x)).

    `heads` heads of width `head_dim`, and an MLP of `mlp_ratio` times the width with a tanh-GELU.
    """

    def __init__(self, dim: int, heads: int, head_dim: int, mlp_ratio: float) -> None:
        super().__init__()
        inner = round(mlp_ratio * dim)
        self.norm1 = nn.LayerNorm(dim)
        self.attention = _SelfAttention(dim, heads, head_dim)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, inner), nn.GELU(approximate="tanh"), nn.Linear(inner, dim))

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, dim) -> (B, N, dim)."""
        x = x + self.attention(self.norm1(x))
        moved: Tensor = x + self.mlp(self.norm2(x))
        return moved


class _SelfAttention(nn.Module):
    """Multi-head self-attention on (B, N, dim)."""

    def __init__(self, dim: int, heads: int, head_dim: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * heads * head_dim, bias=False)
        self.out = nn.Linear(heads * head_dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        seen = attend(q, k, v)  # (B, heads, N, head_dim)
        out: Tensor = self.out(seen.transpose(1, 2).flatten(2))
        return out
