"""A CLIP model as a backbone: an image tower and a text tower that share one space of features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from dferbench.errors import ConfigError, DataError
from dferbench.models.clip_blocks import Fork, is_causal, patches_by_product, twin, without_detours


@dataclass(frozen=True)
class Weights:
    """Where a backbone's weights came from: a path or address, the file's sha256, or a random draw."""

    source: str
    sha256: str = ""
    random: bool = False


class TextTower(nn.Module):
    """CLIP's causal text transformer, entered at its token embeddings, so that prompts can be learned."""

    mask: Tensor

    def __init__(self, clip: Any) -> None:
        super().__init__()
        self.token_embedding = clip.token_embedding
        self.positional_embedding = clip.positional_embedding
        self.transformer = twin(clip.transformer)
        self.ln_final = clip.ln_final
        self.text_projection = clip.text_projection
        self.register_buffer("mask", clip.attn_mask, persistent=False)
        self._needs_mask = not (is_causal(clip.attn_mask) and without_detours(self.transformer, causal=True))

    def forward(self, embeddings: Tensor, eot: Tensor, each: int = 1, common: int = 0) -> Tensor:
        """(C, L, width) and the position of each end of text (C,) -> (C, dim), un-normalised.

        Texts may come in groups of `each` whose first `common` embeddings are the same: these are read once,
        and their gradient goes to the first text of the group.
        """
        length = embeddings.shape[1]
        x = embeddings + self.positional_embedding[:length]
        if self._needs_mask:
            x = self.transformer(x, attn_mask=self.mask[:length, :length])
        elif each > 1 and common > 1:  # for one position alone the detour is not worth it
            x = self._forked(x, Fork(x.shape[0] // each, each, common, length))
        else:
            x = self.transformer(x)
        # The norm acts on each position by itself, so the other positions need none.
        ends = x[torch.arange(x.shape[0], device=x.device), eot]
        projected: Tensor = self.ln_final(ends) @ self.text_projection
        return projected

    def _forked(self, x: Tensor, fork: Fork) -> Tensor:
        x = fork.join(x)
        for block in self.transformer.resblocks:
            x = block(x, fork=fork)
        return fork.spread(x)


class TwoTower(nn.Module):
    """An `open_clip.CLIP` (Radford et al., ICML 2021) taken apart into `image` and `text`.

    As a module it is the backbone: (N, 3, size, size) -> (N, dim), the projected feature of the class
    token, un-normalised. `logit_scale` is the logarithm of CLIP's own inverse temperature, None where the
    file of the weights has none.

    Raises ConfigError for a text tower that is not causal, or does not end in one projection matrix.
    """

    def __init__(self, clip: Any, origin: Weights) -> None:
        super().__init__()
        if clip.attn_mask is None or not isinstance(clip.text_projection, Tensor):
            raise ConfigError("this CLIP's text tower is not built like OpenAI's", "Choose another backbone.")
        self.image = twin(clip.visual)
        if hasattr(self.image, "transformer"):
            without_detours(self.image.transformer, causal=False)
            patches_by_product(self.image)
        self.text = TextTower(clip)
        self.logit_scale: nn.Parameter | None = clip.logit_scale
        self.origin = origin
        self.dim: int = clip.text_projection.shape[1]
        self.context: int = clip.context_length
        size = clip.visual.image_size
        self.size: int = size[0] if isinstance(size, tuple) else size

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, size, size) -> (N, dim)."""
        features: Tensor = self.image(images)
        return features

    def scale(self) -> Tensor:
        """A copy of `logit_scale`. Raises DataError if the weights came without it."""
        if self.logit_scale is None:
            raise DataError(
                f"{self.origin.source} lacks the weights 'logit_scale', which this method starts from",
                "Give a file with them.",
            )
        return self.logit_scale.detach().clone()

    def tokenize(self, texts: Sequence[str], spare: int = 0) -> Tensor:
        """Token ids (C, context), padded with 0; an end of text is the largest id of its row.

        Raises ConfigError for a text that, with `spare` more tokens, exceeds the context: nothing is cut off.
        """
        tokenizer = _tokenizer()
        for i, text in enumerate(texts, 1):
            length = len(tokenizer.encode(text)) + 2 + spare
            if length > self.context:
                raise ConfigError(
                    f"the text of class {i} of {len(texts)} takes {length} tokens, over the {self.context} "
                    f"that CLIP reads: '{text[:40]}...'",
                    "Shorten it, or take fewer context words.",
                )
        tokens: Tensor = tokenizer(list(texts), context_length=self.context)
        return tokens

    def embed(self, tokens: Tensor) -> Tensor:
        """Token ids (C, L) -> token embeddings (C, L, width)."""
        embedded: Tensor = self.text.token_embedding(tokens)
        return embedded

    def encode_embedded(self, embeddings: Tensor, eot: Tensor, each: int = 1, common: int = 0) -> Tensor:
        """(C, L, width) and the position of each end of text (C,) -> text features (C, dim), un-normalised.

        L may be anything from the longest end of text on up to `context`: behind it nothing matters, because
        the mask is causal, and what is not computed saves more than half of the time. For `each` and `common`
        see `TextTower`.
        """
        encoded: Tensor = self.text(embeddings, eot, each, common)
        return encoded


@cache
def _tokenizer() -> Any:
    from open_clip.tokenizer import SimpleTokenizer

    return SimpleTokenizer()
