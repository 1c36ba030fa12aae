"""A net over whole videos as a classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from dferbench import expand
from dferbench.models import Classifier, read_foreign
from dferbench_methods.conv3d.names import Names
from dferbench_methods.conv3d.pixels import Pixels
from dferbench_methods.layers.start import start_from, started


class VideoNet(Classifier):
    """`net` turns videos (B, T, 3, H, W) into logits (B, C); everything in it learns.

    `weights` is a file to start from, "" for none, and `names` finds out what its tensors are called. Raises
    DataError for a file that does not fit.
    """

    def __init__(
        self, net: nn.Module, pixels: str, weights: str, names: Callable[[Mapping[str, Tensor]], Names]
    ) -> None:
        super().__init__()
        self.pixels = Pixels(pixels)
        self.net = net
        self.notes = _start(net, weights, names)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, 3, H, W) in 0..1 -> logits (B, C)."""
        logits: Tensor = self.net(self.pixels(x))
        return logits


def _start(
    net: nn.Module, weights: str, names: Callable[[Mapping[str, Tensor]], Names]
) -> Mapping[str, object]:
    if not weights:
        return start_from(net, "")
    path = expand(weights)
    state = read_foreign(path)
    return started(net, state, path, *names(state))
