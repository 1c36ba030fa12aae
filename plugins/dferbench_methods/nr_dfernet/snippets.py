"""The snippet filter: where a part of the video is surely not neutral, the video is not."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dferbench import ConfigError
from dferbench.data.official import canonical

LENGTH, STRIDE = 3, 2
"""A snippet is three neighbouring tokens, and the next begins two further on."""
NEVER = -1000.0
"""The logit of a class that was ruled out, as in the released code."""


def windows(tokens: Tensor) -> Tensor:
    """All snippets of the tokens (B, N, dim): (B, S, 3, dim), S = (N - 3) // 2 + 1."""
    return tokens.unfold(1, LENGTH, STRIDE).transpose(2, 3)


def _same(one: str, other: str) -> bool:
    """Whether both are known words for one expression."""
    return canonical(one) is not None and canonical(one) == canonical(other)


@dataclass(frozen=True)
class SnippetFilter:
    """Rules the class `neutral` (its index) out of a video with a snippet that gives it a probability of at
    most `low`, and some class one above `high`. The published thresholds are 0.03 and 0.75."""

    neutral: int
    low: float
    high: float

    @classmethod
    def named(cls, name: str, classes: tuple[str, ...], low: float, high: float) -> SnippetFilter | None:
        """The filter of the class of that name, or of one that is another word for it; None without a name.

        Raises ConfigError if no class is called so.
        """
        if not name:
            return None
        known = [one for one in classes if one == name] or [one for one in classes if _same(one, name)]
        if not known:
            raise ConfigError(
                f"the snippet filter rules out '{name}', which is none of the classes: {', '.join(classes)}",
                "Name the class with --set neutral=NAME, or go without the filter with --set neutral=''.",
            )
        return cls(classes.index(known[0]), low, high)

    def rules_out(self, probability: Tensor) -> Tensor:
        """Probabilities of a video's snippets (B, S, C) -> whether it cannot be neutral (B,)."""
        surely = (probability[..., self.neutral] <= self.low) & (probability.amax(-1) > self.high)
        return surely.any(1)

    def __call__(self, logits: Tensor, snippets: Tensor) -> Tensor:
        """Logits of videos (B, C) and of their snippets (B, S, C) -> logits (B, C)."""
        out = self.rules_out(snippets.softmax(-1))[:, None]
        is_neutral = torch.arange(logits.shape[1], device=logits.device) == self.neutral
        return logits.masked_fill(out & is_neutral, NEVER)
