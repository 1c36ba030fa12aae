"""The network: a 3D ResNet over short clips, and what a bag of them shows together."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from dferbench import ConfigError, Task, expand
from dferbench.models import Batch, Classifier, read_foreign
from dferbench_methods.layers.resnet3d import in_torchvision, resnet3d18
from dferbench_methods.layers.start import start_from, started
from dferbench_methods.m3dfel import M3dfelOptions
from dferbench_methods.m3dfel.bag import Bag
from dferbench_methods.m3dfel.names import TORCHVISION_STEM, in_file


class M3dfel(Classifier):
    """The frames, cut into clips of `instance` neighbours, through torchvision's 3D ResNet18; then `Bag`.

    Options: `M3dfelOptions`. Raises ConfigError for frames that are no whole number of clips, DataError for
    weights that do not fit.
    """

    def __init__(self, task: Task, parts: Any, **options: Any) -> None:
        super().__init__()
        given = M3dfelOptions(**options)
        if task.frames % given.instance:
            raise ConfigError(
                f"input.frames must be a multiple of instance={given.instance}, got {task.frames}",
                "Choose another number of frames, or another instance.",
            )
        self.trunk = resnet3d18("torchvision", "b", given.width)
        self.bag = Bag(self.trunk.dim, task.frames // given.instance)
        self.head = nn.Linear(2 * self.trunk.dim, len(task.classes))
        self.instance, self.smoothing = given.instance, given.smoothing
        self.notes = self._start(given.weights)

    def _start(self, weights: str) -> dict[str, Any]:
        """Torchvision's file holds the trunk alone, one of the released code everything."""
        if not weights:
            return start_from(self, "")
        path = expand(weights)
        state = read_foreign(path)
        if TORCHVISION_STEM in state:
            return {**started(self.trunk, state, path, in_torchvision), "bag": "from scratch"}
        return started(self, state, path, in_file)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> logits (B, C)."""
        clips = x.reshape(-1, self.instance, *x.shape[2:])  # (B * G, L, 3, H, W)
        instances = self.trunk(clips).reshape(x.shape[0], -1, self.trunk.dim)
        logits: Tensor = self.head(self.bag(instances))
        return logits

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy with smoothed labels."""
        return {"ce": F.cross_entropy(self(batch.x), batch.label, label_smoothing=self.smoothing)}
