"""CLIP's residual blocks computed without detours: the parameters are open_clip's, and so are their names.

open_clip's block hands `nn.MultiheadAttention` a transposed tensor. Where weights are frozen, torch then
copies them for every sequence and multiplies the copies; where they learn, it copies the sequences back. Here
the linear layers see sequences as they lie in memory, and attention is told that it is causal instead of
being given a mask.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dferbench.models.attention import attend


@dataclass(frozen=True)
class Fork:
    """Sequences in groups of `each` that begin with the same `common` positions, all of them `length` long.

    Where no position sees a later one, what a group has in common is the same in all its sequences at every
    depth: it is computed once.
    """

    groups: int
    each: int
    common: int
    length: int

    def join(self, x: Tensor) -> Tensor:
        """(groups * each, length, width) -> what is to be computed, (positions, width)."""
        x = x.reshape(self.groups, self.each, *x.shape[1:])
        return torch.cat([x[:, 0, : self.common].flatten(0, 1), x[:, :, self.common :].flatten(0, 2)])

    def spread(self, x: Tensor) -> Tensor:
        """The inverse of `join`."""
        start, rest = x[: self.groups * self.common], x[self.groups * self.common :]
        start = start.reshape(self.groups, 1, self.common, -1).expand(-1, self.each, -1, -1)
        own = rest.reshape(self.groups, self.each, self.length - self.common, -1)
        return torch.cat([start, own], dim=2).flatten(0, 1)


class ClipBlock(nn.Module):
    """A pre-norm block, x + attention(norm(x)), then x + mlp(norm(x)), of the parts of open_clip's.

    With `causal` no position sees a later one. Results differ from open_clip's by rounding alone.
    """

    def __init__(self, block: Any, causal: bool) -> None:
        super().__init__()
        self.ln_1, self.attn, self.ls_1 = block.ln_1, block.attn, block.ls_1
        self.ln_2, self.mlp, self.ls_2 = block.ln_2, block.mlp, block.ls_2
        self.causal = causal

    def forward(self, x: Tensor, attn_mask: Tensor | None = None, fork: Fork | None = None) -> Tensor:
        """(N, L, width) -> (N, L, width), or (positions, width) -> the same where they come from a `fork`.

        `attn_mask` is for open_clip's callers, and is None.
        """
        x = x + self.ls_1(self._attended(self.ln_1(x), fork))
        moved: Tensor = x + self.ls_2(self.mlp(self.ln_2(x)))
        return moved

    def _attended(self, x: Tensor, fork: Fork | None) -> Tensor:
        made = F.linear(x, self.attn.in_proj_weight, self.attn.in_proj_bias)
        made = fork.spread(made) if fork else made
        q, k, v = made.reshape(*made.shape[:2], 3, self.attn.num_heads, -1).permute(2, 0, 3, 1, 4)
        seen = attend(q, k, v, causal=self.causal)  # (N, heads, L, width / heads)
        seen = seen.transpose(1, 2).flatten(2)
        out: Tensor = self.attn.out_proj(fork.join(seen) if fork else seen)
        return out


def twin(module: nn.Module) -> Any:
    """The same module over the same tensors, so that parts can be replaced and the original stays."""
    shared = [*module.parameters(), *module.buffers()]
    return copy.deepcopy(module, {id(tensor): tensor for tensor in shared})


def without_detours(transformer: Any, causal: bool) -> bool:
    """Put a `ClipBlock` in the place of every block of open_clip's `Transformer`, if all are the usual ones.

    Says whether it did. Other blocks, and those that are not batch first, are left to open_clip.
    """
    from open_clip.transformer import ResidualAttentionBlock

    blocks = list(getattr(transformer, "resblocks", ()))
    if not blocks or not all(type(block) is ResidualAttentionBlock and _is_plain(block) for block in blocks):
        return False
    transformer.resblocks = nn.ModuleList(ClipBlock(block, causal) for block in blocks)
    return True


def _is_plain(block: Any) -> bool:
    """Whether it attends to itself with one packed projection, batch first and without dropout."""
    attn = block.attn
    return bool(
        isinstance(attn, nn.MultiheadAttention)
        and attn.batch_first
        and attn.dropout == 0
        and attn.in_proj_weight is not None
        and attn.bias_k is None
        and not attn.add_zero_attn
        and not hasattr(block, "ln_1_kv")
    )


def is_causal(mask: Tensor) -> bool:
    """Whether an additive mask (L, L) hides exactly what comes later."""
    causal = torch.full_like(mask, -torch.inf).triu(1)
    return mask.is_meta or torch.equal(mask, causal)


class PatchEmbedding(nn.Module):
    """A convolution whose windows touch and do not overlap, as the matrix product that it is.

    Its weight keeps the shape of the convolution's. Results differ from the convolution's by rounding alone.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.bias = conv.weight, conv.bias

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, width, H / patch, W / patch); what is left at the edges is not seen."""
        height, width = self.weight.shape[2:]
        rows, columns = images.shape[-2] // height, images.shape[-1] // width
        whole = images[..., : rows * height, : columns * width]
        patches = whole.reshape(*whole.shape[:2], rows, height, columns, width)
        # (N, 3, rows, height, columns, width) -> (N, rows, columns, 3 * height * width)
        flat = patches.permute(0, 2, 4, 1, 3, 5).flatten(3)
        made = F.linear(flat, self.weight.flatten(1), self.bias)
        return made.permute(0, 3, 1, 2)


def patches_by_product(vision: Any) -> bool:
    """Put a `PatchEmbedding` in the place of a vision transformer's first convolution, if it is one.

    Says whether it did.
    """
    conv = getattr(vision, "conv1", None)
    if not isinstance(conv, nn.Conv2d) or conv.kernel_size != conv.stride:
        return False
    if conv.groups != 1 or conv.padding not in ((0, 0), "valid") or conv.dilation != (1, 1):
        return False
    vision.conv1 = PatchEmbedding(conv)
    return True
