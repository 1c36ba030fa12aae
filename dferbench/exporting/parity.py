"""Whether an exported file says what the model says: asked before it gets its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from dferbench.data.normalize import to_float
from dferbench.errors import DferbenchError
from dferbench.types import Input

MOST = 1e-4
"""The largest difference of a logit that is let through."""
COARSE = 7
"""Side of the pictures that are enlarged to smooth ones."""


def check_parity(
    model: Callable[[Tensor], Tensor], file: Callable[[Tensor], Tensor], input: Input, lengths: list[int]
) -> float:
    """The largest absolute difference of a logit between the model and the file, on random videos and on
    smooth ones, one and two at a time, for each number of frames in `lengths`.

    Raises DferbenchError if it exceeds `MOST` or is not a number.
    """
    most = 0.0
    for frames in examples(input, lengths):
        with torch.no_grad():
            difference = (model(frames) - file(frames)).abs().max().item()
        if not difference <= MOST:
            raise DferbenchError(
                f"the exported file differs from the model by {difference:.2g} in a logit, more than "
                f"{MOST:g}, for {len(frames)} videos of {frames.shape[1]} frames; it was not written",
                "Try the other --to, or another version of torch.",
            )
        most = max(most, difference)
    return most


def examples(input: Input, lengths: list[int]) -> Iterator[Tensor]:
    """Normalised frames (B, T, 3, size, size): noise, and pictures like those of a camera in that they are
    smooth, fill the range of bytes and change slowly. The same on every call."""
    assert isinstance(input.size, int)
    draw = torch.Generator().manual_seed(0)
    for frames in lengths:
        for videos in (1, 2):
            yield torch.randn(videos, frames, 3, input.size, input.size, generator=draw)
            yield to_float(_smooth(videos, frames, input.size, draw), input.normalize, "cpu")


def _smooth(videos: int, frames: int, size: int, draw: torch.Generator) -> Tensor:
    """(B, T, size, size, 3) uint8: each video fades from one coarse picture to another."""
    ends = torch.rand(2, videos, 3, COARSE, COARSE, generator=draw) * 255
    first, last = (F.interpolate(one, (size, size), mode="bilinear") for one in ends)
    steps = torch.linspace(0, 1, frames).view(-1, 1, 1, 1)
    video = first[:, None] * (1 - steps) + last[:, None] * steps
    return video.permute(0, 1, 3, 4, 2).round().to(torch.uint8).contiguous()
