"""Emotions in three groups of sentiment, by the names of the classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dferbench import ConfigError
from dferbench.data.official import canonical

GROUPS = ("positive", "neutral", "negative")
GROUP_OF = {
    "happiness": "positive",
    "surprise": "positive",
    "neutral": "neutral",
    "sadness": "negative",
    "anger": "negative",
    "disgust": "negative",
    "fear": "negative",
    # The rest is ours: the code has the seven above.
    "calm": "neutral",
    "contempt": "negative",
    "anxiety": "negative",
    "helplessness": "negative",
    "disappointment": "negative",
}


def group_of(name: str) -> str:
    """The group of a class. Raises ConfigError for one whose sentiment is not known."""
    known = canonical(name) or name.strip().lower()
    if known not in GROUP_OF:
        raise ConfigError(
            f"aen groups classes by sentiment, and does not know that of '{name}'",
            f"It knows {', '.join(GROUP_OF)}; choose another method for other classes.",
        )
    return GROUP_OF[known]


class Grouping(nn.Module):
    """Means over the classes of each group that occurs, in the order of GROUPS.

    `names` are those groups, `groups` each class's, `of_class` (C,) its place among the names. Raises
    ConfigError.
    """

    of_class: Tensor
    shares: Tensor

    def __init__(self, classes: Sequence[str]) -> None:
        super().__init__()
        self.groups = [group_of(name) for name in classes]
        self.names = [group for group in GROUPS if group in self.groups]
        of_class = torch.tensor([self.names.index(group) for group in self.groups])
        members = nn.functional.one_hot(of_class, len(self.names)).float()
        self.register_buffer("of_class", of_class, persistent=False)
        self.register_buffer("shares", members / members.sum(0), persistent=False)

    def forward(self, values: Tensor) -> Tensor:
        """(B, C) -> (B, G)."""
        return values @ self.shares
