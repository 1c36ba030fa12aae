"""What turns the features of a bag's instances into one feature of the bag, and its normalisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dferbench.models import attend

HEADS = 8


class BagNorm(nn.Module):
    """Dynamic multi-instance normalisation (DMIN): (B, G, dim) -> (B, G, dim).

    Mean and variance are mixed from those over a bag's instances and those over instances and features
    together, by two learned pairs of weights through a softmax. Each bag is normalised by itself, in training
    and testing alike. The variance over instances is unbiased; for a bag of one, where that is undefined, 0.
    """

    def __init__(self, dim: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, dim, 1))
        self.bias = nn.Parameter(torch.zeros(1, dim, 1))
        self.mean_weight = nn.Parameter(torch.ones(2))
        self.var_weight = nn.Parameter(torch.ones(2))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """(B, G, dim) -> (B, G, dim)."""
        x = x.transpose(1, 2)  # (B, dim, G)
        mean = x.mean(2, keepdim=True)
        var = x.var(2, correction=min(1, x.shape[2] - 1), keepdim=True)
        bag_mean = mean.mean(1, keepdim=True)  # (B, 1, 1)
        bag_var = (var + mean**2).mean(1, keepdim=True) - bag_mean**2
        m, v = self.mean_weight.softmax(0), self.var_weight.softmax(0)
        centred = x - (m[0] * mean + m[1] * bag_mean)
        normal = centred / (v[0] * var + v[1] * bag_var + self.eps).sqrt()
        return (normal * self.weight + self.bias).transpose(1, 2)


class Bag(nn.Module):
    """The instances of a bag look at each other and become one feature (DLIAM): (B, G, dim) -> (B, 2 dim).

    A BiLSTM of two layers; attention of eight heads over its outputs, without a projection or a residual;
    normalised, it gates the outputs; a convolution along the features, whose channels are the `bag`
    instances, adds them up.
    """

    def __init__(self, dim: int, bag: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(dim, dim, num_layers=2, batch_first=True, bidirectional=True)
        self.qkv = nn.Linear(2 * dim, 3 * 2 * dim, bias=False)
        self.norm = BagNorm(2 * dim)
        self.conv = nn.Conv1d(bag, 1, 3, padding=1)

    def attend(self, x: Tensor) -> Tensor:
        """(B, G, 2 dim) -> (B, G, 2 dim)."""
        q, k, v = self.qkv(x).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        return attend(q, k, v).transpose(1, 2).flatten(2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, G, dim) -> (B, 2 dim)."""
        x = self.lstm(x)[0]
        x = x * self.norm(self.attend(x)).sigmoid()
        bag: Tensor = self.conv(x).squeeze(1)
        return bag
