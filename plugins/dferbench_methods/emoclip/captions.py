"""Texts of single videos: which videos of a batch have one, and what CLIP's text tower makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from dferbench import ConfigError
from dferbench.models import TwoTower

KEY = "caption"
"""Under which name a video's `info` has its text."""


def captions(info: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """The places in the batch of the videos that have a caption, and their captions, in order."""
    return {i: text for i, one in enumerate(info) if (text := str(one.get(KEY, "")).strip())}


def require_some(count: int) -> None:
    """Raise ConfigError if no video of a batch has a caption."""
    if not count:
        raise ConfigError(
            "learn_from=captions, and no video of a batch has a caption",
            "Choose a dataset that has them, such as mafw(captions=true), or learn_from=classes.",
        )


class Reader:
    """Reads every text once, as the tower is frozen; each by itself, so that its bits depend on no batch."""

    def __init__(self) -> None:
        self._known: dict[str, Tensor] = {}

    def __call__(self, tower: TwoTower, texts: Sequence[str]) -> Tensor:
        """As `read`."""
        for text in texts:
            if text not in self._known:
                with torch.no_grad():
                    self._known[text] = read(tower, [text])[0]
        return torch.stack([self._known[text] for text in texts])


def read(tower: TwoTower, texts: Sequence[str]) -> Tensor:
    """What the text tower makes of texts: (N, dim), un-normalised.

    As in the released code, a text that is longer than the tower reads is cut, and its end set behind.
    """
    tokens = _tokenizer()(list(texts), context_length=tower.context).to(tower.text.text_projection.device)
    ends = tokens.argmax(-1)
    return tower.encode_embedded(tower.embed(tokens[:, : int(ends.max()) + 1]), ends)


@cache
def _tokenizer() -> Any:
    from open_clip.tokenizer import SimpleTokenizer

    return SimpleTokenizer()
