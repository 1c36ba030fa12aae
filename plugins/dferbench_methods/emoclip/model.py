"""The network: CLIP's frozen frame features, a transformer over time, and texts that are the classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dferbench import ConfigError, Task
from dferbench.models import (
    Batch,
    ClsTransformer,
    FrameClassifier,
    Frozen,
    TwoTower,
    class_texts,
    require_text_tower,
)
from dferbench_methods.emoclip.captions import Reader, captions, require_some
from dferbench_methods.emoclip.method import EmoClipOptions

HEADS = 8
PLACES = 1024
"""Positions of the released temporal model, one of them the class token's, however many frames it takes."""


def info_nce(logits: Tensor, partner: Tensor) -> Tensor:
    """Symmetric InfoNCE (Radford et al., ICML 2021): logits (N, N) of videos and texts -> a scalar.

    The mean of two terms, for each video over the texts and for each text over the videos: the negative
    logarithm of the share that falls to its partners. `partner` (N, N) bool, symmetric, says who they are: of
    several, it is the share of all together (MIL-NCE; Miech et al., CVPR 2020).
    """
    logits = logits.float()
    own = logits.masked_fill(~partner, -torch.inf)
    over_texts, over_videos = ((logits.logsumexp(d) - own.logsumexp(d)).mean() for d in (1, 0))
    return (over_texts + over_videos) / 2


class EmoClip(Frozen, FrameClassifier):
    """Cosines of a video and each class's text, times a learned scale that starts as CLIP's.

    Both towers are frozen. The loss is `info_nce` within the batch; see `EmoClipOptions` for `learn_from`
    and `multi_positive`. Videos without a caption do not count where captions teach.

    Raises ConfigError for `multi_positive` with captions.
    """

    tower: TwoTower

    def __init__(
        self,
        tower: TwoTower,
        temporal: nn.Module,
        prompt: nn.Module,
        learn_from: str,
        multi_positive: bool,
        notes: Mapping[str, Any],
    ) -> None:
        super().__init__(tower, temporal)
        if multi_positive and learn_from == "captions":
            raise ConfigError(
                "with learn_from=captions each video has a text of its own, so multi_positive has no meaning",
                "Leave one of the two out.",
            )
        self.prompt, self.reader = prompt, Reader()
        self.logit_scale = nn.Parameter(tower.scale())
        self.learn_from, self.multi_positive, self.notes = learn_from, multi_positive, notes

    def decide(self, frames: Tensor) -> Tensor:
        """Frame features (B, T, dim) -> logits (B, C)."""
        return self.compare(frames, self.prompt())

    def compare(self, frames: Tensor, text: Tensor) -> Tensor:
        """Frame features (B, T, dim) and text features (N, dim), un-normalised -> scaled cosines (B, N)."""
        return self.cosines(self.seen(frames), text)

    def seen(self, frames: Tensor) -> Tensor:
        """Frame features (B, T, dim) -> features of the videos (B, dim), of length one."""
        return F.normalize(self.temporal(frames), dim=-1)

    def cosines(self, video: Tensor, text: Tensor) -> Tensor:
        """Features of length one (B, dim) and text features (N, dim), un-normalised -> scaled cosines."""
        return self.logit_scale.exp() * video @ F.normalize(text, dim=-1).T

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Symmetric InfoNCE of the videos and their texts."""
        if self.learn_from == "captions":
            logits = self.cosines(*self._told(batch))
            who = torch.arange(len(logits), device=logits.device)
        else:
            label = batch.across(batch.label)
            logits = self.cosines(batch.across(self.seen(batch.x)), self.prompt()[label])
            who = label if self.multi_positive else torch.arange(len(logits), device=logits.device)
        return {"info_nce": info_nce(logits, who[:, None] == who)}

    def _told(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The videos of the whole batch that have a caption, and their captions: twice (N, dim)."""
        own = captions(batch.info)
        places = torch.tensor(list(own), dtype=torch.int64, device=batch.x.device)
        has = torch.zeros_like(batch.label).index_fill(0, places, 1)
        whose = batch.across(has).nonzero().flatten()
        require_some(len(whose))
        # Rows of zeros stand for videos without one, as every process gives a row for each of its videos.
        seen = self.seen(batch.x[places])
        texts = self.reader(self.tower, list(own.values())) if own else seen.detach()
        video, text = (x.new_zeros(len(has), x.shape[1]).index_copy(0, places, x) for x in (seen, texts))
        return batch.across(video)[whose], batch.across(text)[whose]


def build(task: Task, parts: Any, **options: Any) -> EmoClip:
    """EmoCLIP over a CLIP; options: `EmoClipOptions`. Raises UnknownName, ConfigError or DataError."""
    given = EmoClipOptions(**options)
    if task.frames >= PLACES:
        raise ConfigError(
            f"input.frames={task.frames} exceeds EmoCLIP's {PLACES - 1} positional embeddings",
            f"Lower it: --set input.frames={PLACES - 1} at most.",
        )
    tower = require_text_tower(parts.backbone(given.backbone), given.backbone)
    described = class_texts(given.text, task.classes)
    temporal = ClsTransformer(tower.dim, PLACES - 1, given.layers, HEADS, given.head_dim, mlp_ratio=1)
    prompt = parts.prompt("fixed", tower, described)
    notes = {"texts": dict(zip(task.classes, described, strict=True))}
    return EmoClip(tower, temporal, prompt, given.learn_from, given.multi_positive, notes)
