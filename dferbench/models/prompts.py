"""Prompt strategies: the classes' texts and a two-tower backbone become text features, () -> (C, dim)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from dferbench.errors import ConfigError, UnknownName
from dferbench.models.two_tower import TwoTower

TOKENS = 8192
"""How many tokens the text tower reads at once when every video has prompts of its own. For a backward pass
over that many, the text tower of ViT-B/32 keeps 2.9 GB."""


class Prompt(nn.Module):
    """What all prompts share: the tower, the texts' tokens, and a memory for the text features.

    Subclasses write `embeddings`. Called, a prompt gives un-normalised text features (C, dim). Where nothing
    can learn, in eval mode or because all is frozen, they are computed once and kept until something that
    they depend on changes.
    """

    notes: Mapping[str, Any] = MappingProxyType({})
    """What the record keeps about the prompt next to the class texts: plain data, fit for JSON."""
    eot: Tensor

    def __init__(self, tower: TwoTower, tokens: Tensor, eot: Tensor) -> None:
        super().__init__()
        # In a tuple the tower is not a submodule: its parameters belong to the model under one name only.
        self._tower = (tower,)
        self._memory: tuple[object, Tensor] | None = None
        # The ids follow from the texts, so no checkpoint may bring others.
        self.register_buffer("tokens", tokens, persistent=False)
        self.register_buffer("eot", eot, persistent=False)

    @property
    def tower(self) -> TwoTower:
        """The backbone whose text tower reads the prompt."""
        return self._tower[0]

    def embeddings(self) -> Tensor:
        """What the text tower reads, (C, L, width); L reaches at least to the longest end of text."""
        raise NotImplementedError

    def forward(self) -> Tensor:
        """The text features, (C, dim)."""
        if (self.training or torch.is_grad_enabled()) and self._learns():
            return self._compute()
        state = self._state()
        if self._memory is None or self._memory[0] != state:
            self._memory = (state, self._compute())
        return self._memory[1]

    def train(self, mode: bool = True) -> Prompt:
        """Switch the mode, and forget if it learns: an optimizer may bypass a tensor's version counter."""
        if self._learns():
            self._memory = None
        return super().train(mode)

    def _compute(self) -> Tensor:
        return self.tower.encode_embedded(self.embeddings(), self.eot)

    def _read(self) -> list[nn.Parameter]:
        """Everything that the text features depend on."""
        return [*self.parameters(), *self.tower.text.parameters()]

    def _learns(self) -> bool:
        return any(parameter.requires_grad for parameter in self._read())

    def _state(self) -> object:
        """Equal as long as nothing moved or changed: every write to a tensor advances its version."""
        versions = [(tensor.data_ptr(), tensor._version) for tensor in self._read()]
        device = self.eot.device.type
        # The meta device, on which costs are counted, has no autocast to ask about.
        autocast = device != "meta" and torch.is_autocast_enabled(device)
        return versions, autocast, torch.is_inference_mode_enabled()


class Fixed(Prompt):
    """The texts as they are, as in zero-shot CLIP."""

    def __init__(self, tower: TwoTower, texts: Sequence[str]) -> None:
        tokens = tower.tokenize(texts)
        eot = tokens.argmax(-1)
        super().__init__(tower, tokens[:, : int(eot.max()) + 1], eot)

    def embeddings(self) -> Tensor:
        """The embedded texts, (C, L, width)."""
        return self.tower.embed(self.get_buffer("tokens"))


class Context(Prompt):
    """Learned words around each text (CoOp, IJCV 2022; DFER-CLIP, arXiv:2308.13382, eq. 3).

    `words` vectors, one set a class or one for all (`shared`), drawn from N(0, 0.02) or, if `init` is given,
    taken from its words, whose number then replaces `words`. `position` says where the text stands: at the
    "end", in the "middle" behind the first half of the words (rounded down), or in "front" of them.

    Raises UnknownName for a position, and ConfigError if words and text exceed the tower's context.
    """

    def __init__(
        self,
        tower: TwoTower,
        texts: Sequence[str],
        words: int = 8,
        shared: bool = False,
        position: str = "end",
        init: str = "",
    ) -> None:
        before = {"end": 1.0, "middle": 0.5, "front": 0.0}
        if position not in before:
            raise UnknownName("position of the text in its context", position, before)
        start = _words(tower, init)
        count = len(start) if init else words
        if count < 0:
            raise ConfigError(f"a prompt cannot have {count} words", "Use --set words=8, or 0 for none.")
        tokens = tower.tokenize(texts, spare=count)
        ends = tokens.argmax(-1)
        length = int(ends.max()) + 1
        super().__init__(tower, tokens[:, :length], ends + count)
        ahead = int(before[position] * count)
        order = [_order(int(end), length, count, ahead) for end in ends]
        # The start of text and the words before it are the same for all classes that share their words.
        self._common = 1 + ahead if shared else 0
        self.register_buffer("order", torch.tensor(order), persistent=False)
        shape = (count, start.shape[-1]) if shared else (len(texts), count, start.shape[-1])
        self.context = nn.Parameter(start.expand(shape).clone() if init else torch.randn(shape) * 0.02)

    def embeddings(self, shift: Tensor | None = None) -> Tensor:
        """Start of text, words and text in their order, end of text: (C, words + L, width).

        A `shift` (B, width), one for all words of a video's prompts, makes it (B, C, words + L, width).
        """
        text = self.tower.embed(self.get_buffer("tokens"))
        context = self.context.expand(text.shape[0], -1, -1)
        if shift is not None:
            context = context + shift[:, None, None]
            text = text.expand(shift.shape[0], -1, -1, -1)
        rows = torch.cat([context, text], dim=-2)
        order = self.get_buffer("order").expand(rows.shape[:-1])
        return torch.take_along_dim(rows, order[..., None], dim=-2)

    def _compute(self) -> Tensor:
        return self._encode(self.embeddings(), self.eot)

    def _encode(self, rows: Tensor, eot: Tensor) -> Tensor:
        """The features of one set of prompts after another, (B * C, L, width) -> (B * C, dim)."""
        return self.tower.encode_embedded(rows, eot, each=len(self.eot), common=self._common)

    def shifted(self, shift: Tensor) -> Tensor:
        """One prompt set a video (CoCoOp, CVPR 2022): shifts (B, width) -> text features (B, C, dim).

        Memory is bounded whatever B is: prompts are read in pieces, and of several pieces each is read again
        in the backward pass.
        """
        videos = max(1, TOKENS // self.get_buffer("order").numel())
        pieces = torch.split(shift, videos)
        read = self._read_shifted
        if len(pieces) > 1 and torch.is_grad_enabled():
            read = partial(checkpoint, read, use_reentrant=False, preserve_rng_state=False)
        return torch.cat([read(piece) for piece in pieces])

    def _read_shifted(self, shift: Tensor) -> Tensor:
        rows = self.embeddings(shift)
        features = self._encode(rows.flatten(0, 1), self.eot.repeat(rows.shape[0]))
        return features.reshape(*rows.shape[:2], -1)


def _words(tower: TwoTower, text: str) -> Tensor:
    """The embeddings of a text's words without its start and end, (words, width)."""
    tokens = tower.tokenize([text])
    with torch.no_grad():
        return tower.embed(tokens[0, 1 : int(tokens.argmax())])


def _order(end: int, length: int, words: int, before: int) -> list[int]:
    """Which row stands where, when rows 0.. are the words and the text's `length` rows follow them.

    `end` is the row of the end of text; `before` of the words come before the text, the others behind it.
    """
    start, text, rest = [words], range(words + 1, words + end), range(words + end, words + length)
    return [*start, *range(before), *text, *range(before, words), *rest]
