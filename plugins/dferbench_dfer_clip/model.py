"""The model of DFER-CLIP (arXiv:2308.13382, section 3.2): a tower, a temporal head and a prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from dferbench.errors import ConfigError
from dferbench.nn import Classifier
from dferbench.nn.tower import TwoTower


class DferClip(Classifier):
    """Cosine similarity of a video's feature and each class's text feature, over a constant temperature.

    The constant is the paper's section 4.2 and its code's; eq. 5 speaks of a temperature learned by CLIP.
    Raises ConfigError for a temperature that is not above zero.
    """

    def __init__(
        self,
        tower: TwoTower,
        temporal: nn.Module,
        prompt: nn.Module,
        temperature: float,
        notes: Mapping[str, Any],
    ) -> None:
        super().__init__()
        if not temperature > 0:
            raise ConfigError(f"the temperature is {temperature}", "It must be above 0; the paper's is 0.01.")
        self.tower = tower
        self.temporal = temporal
        self.prompt = prompt
        self.temperature = temperature
        self.notes = notes

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, 3, size, size), pixels in 0..1 -> logits (B, C)."""
        frames = self.tower(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        video = F.normalize(self.temporal(frames), dim=-1)
        text = F.normalize(self.prompt(), dim=-1)
        return video @ text.T / self.temperature


def require_text_tower(backbone: nn.Module, name: str) -> TwoTower:
    """The backbone itself. Raises ConfigError if it has no text tower to read class texts with."""
    if not isinstance(backbone, TwoTower):
        raise ConfigError(
            f"dfer-clip compares videos with texts, and the backbone '{name}' has no text tower",
            "Choose a CLIP, for example --set backbone=clip-tiny.",
        )
    return backbone
