"""Several learned texts for each class, in which the name of the class does not occur."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from dferbench.models import Prompt, require_text_tower

BEFORE = "an ID photo of"
START = 0.001
"""The deviation of the learned words at the start: all descriptors of a class begin nearly equal."""


class Descriptors(Prompt):
    """`each` descriptors of `words` learned words for each of `classes`: text features (classes * each, dim).

    The text is "an ID photo of X X X X." with the learned words in place of the X. Row c * each + k belongs
    to class c. Raises ConfigError for more words than the context has room for, and for a backbone, by its
    `name`, without a text tower.
    """

    def __init__(self, backbone: Any, name: str, classes: int, each: int, words: int) -> None:
        tower = require_text_tower(backbone, name)
        text = f"{BEFORE}{' X' * words}."
        tokens = tower.tokenize([text])
        end, rows = int(tokens.argmax()), classes * each
        super().__init__(tower, tokens[:, : end + 1], torch.full((rows,), end))
        self.classes, self.each, self.words = classes, each, words
        self.before = int(tower.tokenize([BEFORE]).argmax())
        width = tower.text.token_embedding.weight.shape[1]
        self.context = nn.Parameter(START * torch.randn(rows, words, width))
        self.notes = {"prompt": text, "descriptors of each class": each}

    def embeddings(self) -> Tensor:
        """Start of text, "an ID photo of", the learned words, full stop, end of text: (C * K, L, width)."""
        text = self.tower.embed(self.get_buffer("tokens")).expand(len(self.context), -1, -1)
        after = self.before + self.words
        return torch.cat([text[:, : self.before], self.context, text[:, after:]], dim=1)
