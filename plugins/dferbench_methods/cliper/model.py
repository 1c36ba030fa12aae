"""The network: CLIP's image tower over frames, against several learned texts for each class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from dferbench import ConfigError, Task
from dferbench.models import Batch, Classifier, TwoTower, frame_features
from dferbench_methods.cliper.losses import balance, count, fine, margin, own
from dferbench_methods.cliper.method import CliperOptions
from dferbench_methods.cliper.prompt import Descriptors


def mean_norm(frames: Tensor) -> Tensor:
    """(B, T, dim) -> (B, dim): the mean of features of length one, brought to length one."""
    return F.normalize(mean_logits(frames), dim=-1)


def mean_raw(frames: Tensor) -> Tensor:
    """(B, T, dim) -> (B, dim): the mean of the features as they are, brought to length one."""
    return F.normalize(frames.mean(1), dim=-1)


def mean_logits(frames: Tensor) -> Tensor:
    """(B, T, dim) -> (B, dim): the mean of features of length one, whose products with texts of length one
    are the means of the frames' cosines."""
    return F.normalize(frames, dim=-1).mean(1)


POOLS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "mean-norm": mean_norm,
    "mean-raw": mean_raw,
    "mean-logits": mean_logits,
}


class Cliper(Classifier):
    """Cosines of a video and each class's K descriptors, over a constant temperature; their mean decides.

    The loss has two terms (losses.py); in `fine`, with `alpha`, videos whose best descriptor is rarely the
    best weigh more. How often is counted over the batch, or over the epoch so far.

    Raises ConfigError for a range to count over without `alpha`.
    """

    def __init__(self, tower: TwoTower, prompt: Descriptors, given: CliperOptions) -> None:
        super().__init__()
        if not given.alpha and given.count_over == "epoch":
            raise ConfigError(
                "count_over=epoch says what alpha counts over, and alpha=false counts nothing",
                "Leave one of the two out.",
            )
        self.tower, self.prompt = tower, prompt
        self.pool, self.alpha, self.count_over = given.pool, given.alpha, given.count_over
        self.temperature = given.temperature
        self.notes = prompt.notes
        self._counted: tuple[tuple[str, int], Tensor] | None = None

    def train(self, mode: bool = True) -> Cliper:
        """Switch the mode; while the image tower is frozen, its batch norm is too, where it has any."""
        super().train(mode)
        if not any(parameter.requires_grad for parameter in self.tower.image.parameters()):
            self.tower.image.eval()
        return self

    def scores(self, x: Tensor) -> Tensor:
        """(B, T, 3, size, size) -> one score per class and descriptor, (B, C, K) float32."""
        video = POOLS[self.pool](frame_features(self.tower, x))
        text = F.normalize(self.prompt(), dim=-1)
        cosines = (video @ text.T).float() / self.temperature
        return cosines.reshape(x.shape[0], self.prompt.classes, self.prompt.each)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, 3, size, size) -> logits (B, C)."""
        return self.scores(x).mean(2)

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """`margin` and `fine`, in both stages."""
        scores = self.scores(batch.x)
        each = fine(scores, batch.label)
        if self.alpha:
            chosen = own(scores, batch.label).argmax(1)
            each = each * balance(self._count(batch, chosen))[batch.label, chosen]
        return {"margin": margin(scores, batch.label), "fine": each.mean()}

    def _count(self, batch: Batch, chosen: Tensor) -> Tensor:
        """How often each descriptor was chosen, in this batch or in this epoch up to and with it: (C, K)."""
        chosen, label = batch.across(chosen), batch.across(batch.label)
        counts = count(chosen, label, self.prompt.classes, self.prompt.each)
        if self.count_over == "batch":
            return counts
        epoch = (batch.stage, int(batch.epoch))
        if self._counted and self._counted[0] == epoch:
            counts = counts + self._counted[1]
        self._counted = (epoch, counts)
        return counts


def build(task: Task, parts: Any, **options: Any) -> Cliper:
    """CLIPER over a CLIP, of the options in `CliperOptions`. Raises UnknownName, ConfigError or DataError."""
    given = CliperOptions(**options)
    tower = parts.backbone(given.backbone)
    prompt = Descriptors(tower, given.backbone, len(task.classes), given.descriptors, given.words)
    return Cliper(tower, prompt, given)
