"""A transformer over a video's snippets, which must also tell in which order it was shown them.

Liu, Wang, Feng, Zhang, Chen and Zhan, "Expression Snippet Transformer for Robust Video-based Facial
Expression Recognition" (arXiv:2109.08409), with the sizes of its released code.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dferbench import ConfigError, Task
from dferbench.models import Batch, Classifier
from dferbench_methods.layers.resnet2d import ResNet2d

SNIPPETS = 7
ORDERS = (
    (0, 4, 3, 2, 6, 1, 5), (5, 3, 1, 6, 4, 0, 2), (0, 4, 3, 5, 2, 6, 1), (5, 4, 3, 2, 1, 0, 6),
    (5, 1, 2, 4, 0, 6, 3), (0, 5, 2, 6, 4, 1, 3), (3, 1, 5, 0, 6, 2, 4), (2, 3, 0, 4, 1, 6, 5),
    (5, 0, 4, 1, 3, 2, 6), (0, 3, 2, 6, 4, 5, 1),
)  # fmt: skip
"""The orders that training shows the snippets in, as the released code has them; the row is the label."""
HEADS, LAYERS = 4, 3
SMALLEST = 1e-8
"""The least weight of a frame in its snippet."""


class SnippetPool(nn.Module):
    """The frames of a snippet (N, K, dim) -> its feature (N, dim).

    Self-attention among the frames, then a mean in which a frame weighs as much as it is like the snippet:
    by its cosine with the greatest value of each channel.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(dim, HEADS, dropout=0.1, batch_first=True)
        self.dropout = nn.Dropout(0.1)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor) -> Tensor:
        """(N, K, dim) -> (N, dim)."""
        seen = self.norm(x + self.dropout(self.attention(x, x, x, need_weights=False)[0]))
        weight = F.cosine_similarity(seen, seen.amax(1, keepdim=True), dim=-1).clamp_min(SMALLEST)[..., None]
        pooled: Tensor = (weight * seen).sum(1) / weight.sum(1)
        return pooled


class SnippetTransformer(Classifier):
    """A ResNet-18 encodes frames, a transformer relates seven snippets, one query asks it for the feature.

    The loss adds `scale` times the cross-entropy of naming the order, one of `ORDERS`, in which a video's
    snippets were shown; their positions are shown with them, so that the prediction does not depend on it.
    That term reaches the snippets through the video's feature alone, and is 0 for a batch of one in training,
    over which batch norm has no spread to divide by. `hidden` and `narrow` are the classifier's inner widths.

    Raises ConfigError for frames that do not fall evenly to the snippets.
    """

    def __init__(
        self, task: Task, scale: float, hidden: int = 128, narrow: int = 64, width: int = 64
    ) -> None:
        super().__init__()
        _require(task.frames)
        self.trunk = ResNet2d(width=width)
        dim = self.trunk.dim
        self.pool = SnippetPool(dim)
        self.positions = nn.Parameter(sinusoid(SNIPPETS, dim), requires_grad=False)
        self.query = nn.Parameter(torch.randn(1, dim))
        self.transformer = nn.Transformer(dim, HEADS, LAYERS, LAYERS, 4 * dim, batch_first=True)
        self.head = nn.Sequential(
            nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, narrow), nn.ReLU(), nn.Dropout(0.4),
            nn.Linear(narrow, len(task.classes)),
        )  # fmt: skip
        self.sort = nn.Sequential(
            nn.Linear(SNIPPETS * dim, 4 * dim), nn.BatchNorm1d(4 * dim), nn.ReLU(),
            nn.Linear(4 * dim, dim), nn.BatchNorm1d(dim), nn.ReLU(),
            nn.Linear(dim, len(ORDERS)),
        )  # fmt: skip
        self.scale = scale
        for tensor in self.transformer.parameters():
            if tensor.ndim > 1:
                nn.init.kaiming_uniform_(tensor)

    def snippets(self, x: Tensor) -> Tensor:
        """(B, 7 K, 3, size, size) -> (B, 7, dim): K frames after K frames."""
        frames = self.trunk(x.flatten(0, 1))
        pooled: Tensor = self.pool(frames.reshape(x.shape[0] * SNIPPETS, -1, frames.shape[-1]))
        return pooled.reshape(x.shape[0], SNIPPETS, -1)

    def relate(self, snippets: Tensor, order: Tensor) -> Tensor:
        """Snippets (B, 7, dim) and the place of each in its video, `order` (B, 7) -> features (B, dim)."""
        query = self.query.repeat(len(snippets), 1, 1)
        feature: Tensor = self.transformer(snippets + self.positions[order], query)
        return feature[:, 0]

    def forward(self, x: Tensor) -> Tensor:
        """(B, 7 K, 3, size, size) -> logits (B, C), the snippets in their own order."""
        natural = torch.arange(SNIPPETS, device=x.device).expand(x.shape[0], -1)
        logits: Tensor = self.head(self.relate(self.snippets(x), natural))
        return logits

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy of the class and of the order, each video's snippets shown in one drawn at random."""
        snippets = self.snippets(batch.x)
        row = torch.randint(len(ORDERS), (len(snippets),), device=snippets.device)
        order = torch.tensor(ORDERS, device=snippets.device)[row]
        shown = snippets.gather(1, order[..., None].expand_as(snippets))
        feature = self.relate(shown, order)
        return {
            "ce": F.cross_entropy(self.head(feature), batch.label),
            "order": self.scale * self._order_loss(shown, feature, row),
        }

    def order_logits(self, shown: Tensor, feature: Tensor) -> Tensor:
        """Snippets as shown (B, 7, dim), without gradient, and features (B, dim) -> (B, 10)."""
        logits: Tensor = self.sort((shown.detach() + feature[:, None]).flatten(1))
        return logits

    def _order_loss(self, shown: Tensor, feature: Tensor, row: Tensor) -> Tensor:
        if self.training and len(row) == 1:
            return feature.sum() * 0
        return F.cross_entropy(self.order_logits(shown, feature), row)


def sinusoid(places: int, dim: int) -> Tensor:
    """Fixed positions (places, dim): the sine of place / 10000^(2 j / dim) at 2 j, its cosine at 2 j + 1."""
    rate = torch.exp(torch.arange(0, dim, 2) * (-math.log(10_000) / dim))
    angle = torch.arange(places)[:, None] * rate
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)


def _require(frames: int) -> None:
    if frames % SNIPPETS or not frames:
        raise ConfigError(
            f"{frames} frames do not fall evenly to {SNIPPETS} snippets", "Give 35: --set input.frames=35."
        )
