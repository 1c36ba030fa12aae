"""Scaled dot-product attention, in the way that is quickest on each device."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def attend(q: Tensor, k: Tensor, v: Tensor, *, causal: bool = False, dropout: float = 0.0) -> Tensor:
    """softmax(q k^T / sqrt(D)) v (Vaswani et al., NeurIPS 2017, eq. 1): (B, heads, N, D) in the type of q.

    k and v are (B, heads, M, D). With `causal` position i sees positions up to i alone. On a CPU bf16 is
    computed in float32, for torch's own backward pass takes twice to four times as long there.
    """
    if q.device.type != "cpu" or q.dtype != torch.bfloat16:
        return F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=causal)
    with torch.autocast("cpu", enabled=False):
        wide = (q.float(), k.float(), v.float())
        return F.scaled_dot_product_attention(*wide, dropout_p=dropout, is_causal=causal).to(q.dtype)
