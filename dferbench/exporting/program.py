"""The test-time function as a graph of torch operations, and in words what stands in its way."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from dferbench.errors import ConfigError, said_by
from dferbench.exporting.function import TestFunction

FREE = {"batch": "the number of videos", "frames": "the number of frames"}
"""What may differ from call to call, by its name in the graph."""

MOST_VIDEOS = 2**31 - 1
"""In a batch. Some bound must be stated: torch 2.6 refuses recurrent layers without one."""


def program_of(function: TestFunction, frames: Tensor, method: str, free_frames: bool) -> ExportedProgram:
    """The graph, for any number of videos and, with `free_frames`, of frames; `frames` (B, T, 3, H, W) with
    at least 2 videos is an example of its input.

    Raises ConfigError that names the method and what stands in the way.
    """
    dims = {0: Dim("batch", min=1, max=MOST_VIDEOS)}
    if free_frames:
        dims[1] = Dim("frames", min=1, max=_most_frames(function, frames))
    try:
        with torch.no_grad(), warnings.catch_warnings():
            # Tracing sets and resets attributes of recurrent layers, and warns of it.
            warnings.simplefilter("ignore")
            return torch.export.export(function, (frames,), dynamic_shapes=(dims,), strict=False)
    except Exception as error:  # torch raises whatever tracing leads it to
        raise refusal(method, error, free_frames) from error


def _most_frames(function: TestFunction, frames: Tensor) -> int:
    """How many frames the model may be shown: twice as many as its recipe shows, or no more than these."""
    twice = torch.cat([frames[:1], frames[:1]], dim=1)
    try:
        with torch.no_grad():
            function(twice)
    except Exception:  # there is no position for a further frame, or a layer of another width
        return frames.shape[1]
    return 4096


def refusal(method: str, error: Exception, free_frames: bool) -> ConfigError:
    """What torch says, as a sentence about the method and a next step."""
    text = str(error)
    fixed = [words for name, words in FREE.items() if f"Constraints violated ({name}" in text]
    if not fixed and "Constraints violated" in text:
        fixed = [FREE["frames" if free_frames else "batch"]]
    if FREE["frames"] in fixed and free_frames:
        return ConfigError(
            f"{method} cannot be exported with --frames-free: its forward() is made for one number of frames",
            "Leave --frames-free out.",
        )
    if fixed:
        return ConfigError(
            f"{method} cannot be exported: its forward() depends on {fixed[0]} in a way that no graph can "
            "hold, such as a loop over the videos",
            "Use dferbench predict, or change the method: x.shape[0] for len(x), and no loop over videos.",
        )
    return ConfigError(
        f"{method} cannot be exported: {type(error).__name__}: {said_by(error)}",
        "Use dferbench predict; torch.export.draft_export tells a developer which line stands in the way.",
    )
