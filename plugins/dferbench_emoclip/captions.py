"""Texts of single videos: which videos of a batch have one, and what CLIP's text tower makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from torch import Tensor

from dferbench.errors import ConfigError
from dferbench.nn.tower import TwoTower

KEY = "caption"
"""Under which name a video's `info` has its text."""


def captions(info: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """The places in the batch of the videos that have a caption, and their captions, in order.

    Raises ConfigError if none has.
    """
    found = {i: text for i, one in enumerate(info) if (text := str(one.get(KEY, "")).strip())}
    if not found:
        raise ConfigError(
            "learn_from=captions, and no video of a batch has a caption",
            "Choose a dataset that has them, such as mafw(captions=true), or learn_from=classes.",
        )
    return found


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
