"""Where a model's features are: what its temporal head takes and gives, found by showing it a black video."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dferbench.errors import ConfigError, UnknownName
from dferbench.exporting.function import ReadTensors
from dferbench.models import Classifier, FrameClassifier, WindowClassifier

LEVELS = ("frame", "video")


@dataclass(frozen=True)
class Tap:
    """A module of a model: its first input, or else its output, is the feature."""

    level: str
    name: str
    module: nn.Module
    takes: bool

    @property
    def words(self) -> str:
        """Where that is, for the reader of a file."""
        side = "input" if self.takes else "output"
        return f"the {side} of '{self.name}', a {type(self.module).__name__}"

    @contextmanager
    def open(self) -> Iterator[list[Tensor]]:
        """What passed there within the block, call by call."""
        passed: list[Tensor] = []
        with _listening(self, passed.append):
            yield passed


class _Reached(Exception):
    """The feature is there; what follows does not matter."""


def find_tap(model: Classifier, video: Tensor, level: str, classes: int) -> Tap:
    """Where the features of each frame are, (B, T, dim), or of the whole video, (B, dim).

    `video` (B, T, 3, H, W) may be any.

    Of a model with a tower for frames they are what its temporal head takes and gives. Of another one, the
    features of frames are the first (B, T, dim) that one of its modules takes, and those of the video what
    the linear layer takes that gives the logits. Raises UnknownName for a level, and ConfigError for a model
    without such a place.
    """
    if level not in LEVELS:
        raise UnknownName("level of features", level, LEVELS)
    if isinstance(model, FrameClassifier):
        return Tap(level, "temporal", model.temporal, level == "frame")
    took: list[tuple[str, nn.Module, tuple[int, ...]]] = []
    handles = []
    for name, module in model.named_modules():
        if module is not model:
            handles.append(module.register_forward_pre_hook(_noting(name, took)))
    try:
        with torch.no_grad():
            model(model.encode(video))
    finally:
        for handle in handles:
            handle.remove()
    fitting = [(name, module) for name, module, shape in took if _fits(module, shape, video, level, classes)]
    if not fitting:
        raise ConfigError(*_nothing(type(model).__name__, level))
    name, module = fitting[0] if level == "frame" else fitting[-1]
    return Tap(level, name, module, True)


def _noting(name: str, took: list[tuple[str, nn.Module, tuple[int, ...]]]) -> Callable[..., None]:
    def note(module: nn.Module, args: Any) -> None:
        if args and isinstance(args[0], Tensor):
            took.append((name, module, tuple(args[0].shape)))

    return note


def _fits(module: nn.Module, shape: tuple[int, ...], video: Tensor, level: str, classes: int) -> bool:
    if level == "frame":
        return len(shape) == 3 and shape[:2] == video.shape[:2]
    return isinstance(module, nn.Linear) and module.out_features == classes and len(shape) == 2


def _nothing(model: str, level: str) -> tuple[str, str]:
    if level == "frame":
        return f"{model} computes no features of single frames", "Use --level video."
    return f"{model} has no linear layer that gives its logits", "Use --level frame, or another method."


@contextmanager
def _listening(tap: Tap, hear: Callable[[Tensor], Any]) -> Iterator[None]:
    def before(module: nn.Module, args: Any) -> None:
        hear(args[0].detach())

    def after(module: nn.Module, args: Any, output: Any) -> None:
        hear(output.detach())

    module = tap.module
    handle = module.register_forward_pre_hook(before) if tap.takes else module.register_forward_hook(after)
    try:
        yield
    finally:
        handle.remove()


def per_video(model: Classifier, passed: list[Tensor], tap: Tap, videos: int) -> Tensor:
    """(B, ...) of what passed at a tap in one forward of `videos` videos; of several clips of one the mean.

    Raises ConfigError for a model that does something else with its batch.
    """
    found = passed[-1] if tap.level == "video" else passed[0]
    clips = len(found) // videos
    if len(found) == videos:
        return found
    if isinstance(model, WindowClassifier) and clips * videos == len(found):
        return found.reshape(videos, clips, *found.shape[1:]).mean(1)
    raise ConfigError(
        f"{tap.words} has {len(found)} rows for {videos} videos", f"Use another --level than {tap.level}."
    )


def drawn_share(model: Classifier, tap: Tap, video: Tensor, loaded: set[int]) -> float:
    """Which fraction of the parameters that a feature depends on, in 0..1, is not among those that were
    `loaded` from files (their ids), and so drawn at random."""

    def stop(_: Tensor) -> None:
        raise _Reached

    read = ReadTensors()
    with torch.no_grad(), _listening(tap, stop):
        try:
            with read:
                model(model.encode(video))
        except _Reached:
            pass
    used = [p for p in model.parameters() if id(p) in read.seen]
    total = sum(p.numel() for p in used)
    return sum(p.numel() for p in used if id(p) not in loaded) / total if total else 0.0
