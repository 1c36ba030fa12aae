"""CoCoOp (Zhou, Yang, Loy and Liu, CVPR 2022): every video shifts the learned words by its own feature."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from dferbench import ConfigError
from dferbench.models import Context, FrozenCosineClassifier


class CoCoOp(FrozenCosineClassifier):
    """The meta-net, dim -> dim // 16 -> width with a ReLU between, turns a video's feature of length one into
    one vector that is added to every learned word of that video's prompts.

    Raises ConfigError for a prompt that has no learned words.
    """

    prompt: Context

    def __init__(self, *parts: Any, **more: Any) -> None:
        super().__init__(*parts, **more)
        if not isinstance(self.prompt, Context):
            raise ConfigError(
                "cocoop shifts learned context words, and this prompt has none", "Use --set prompt=context."
            )
        hidden = max(1, self.tower.dim // 16)
        self.meta = nn.Sequential(
            nn.Linear(self.tower.dim, hidden),
            nn.ReLU(),
            nn.Linear(hidden, self.prompt.context.shape[-1]),
        )

    def decide(self, frames: Tensor) -> Tensor:
        """Frame features (B, T, dim) -> logits (B, C)."""
        video = self.video(frames)
        text = F.normalize(self.prompt.shifted(self.meta(video)), dim=-1)  # (B, C, dim)
        return (video[:, None] * text).sum(-1) / self.temperature
