"""What the weights of transformers start from."""

from __future__ import annotations

from torch import nn

STD = 0.02
"""Of the truncated normal distribution that linear layers, tokens and positions are drawn from."""


def draw_linear(module: nn.Module) -> None:
    """Every linear layer within starts from the truncated normal distribution, its bias from 0."""
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.trunc_normal_(part.weight, std=STD)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
