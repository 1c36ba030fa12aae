"""What was drawn for a video, done to its pixels: on the host, or in torch on whatever device they are.

Both ways give Pillow's pixels: brightness and turns to the bit, a resizing within one grey level, for Pillow
rounds between its two passes. What is only resized, as every test video is, goes through Pillow itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from dferbench.data.augment import (
    Box,
    Brightness,
    Change,
    Changes,
    Crop,
    Mirror,
    Turn,
    VideoChange,
    shorter_side_to,
)
from dferbench.data.decoders import Frames
from dferbench.errors import ConfigError

Pixels: TypeAlias = Tensor | tuple[Tensor, ...]
"""A video: (T, H, W, 3) uint8, or a tuple of (H, W, 3) where its frames differ in size."""
Batch: TypeAlias = Tensor | tuple[Pixels, ...]
"""Videos: (B, T, H, W, 3) uint8, or a tuple where they differ in size."""


FILTERS = ("bilinear", "bicubic")
"""Pillow's filters that `input.resize` may name."""


def fit(frames: Frames, size: int, resize: str = "bilinear") -> NDArray[np.uint8]:
    """Frames of any size -> (T, size, size, 3) by one of `FILTERS`, their aspect not kept."""
    if isinstance(frames, np.ndarray) and frames.shape[1:3] == (size, size):
        return frames
    fitted = np.empty((len(frames), size, size, 3), np.uint8)
    for place, frame in zip(fitted, frames, strict=True):
        place[:] = frame if frame.shape[:2] == (size, size) else _resized_by_pillow(frame, size, resize)
    return fitted


def _resized_by_pillow(frame: NDArray[np.uint8], size: int, resize: str) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(frame).resize((size, size), Image.Resampling[resize.upper()]))


def to_pixels(frames: Frames) -> Pixels:
    """What a reader gave, as tensors that share its memory where torch can."""
    if isinstance(frames, np.ndarray):
        return _tensor(frames)
    return tuple(_tensor(frame) for frame in frames)


def _tensor(frame: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.require(frame, requirements=["C", "W"]))


class Way(Protocol):
    """How the three operations that compute something are done; all take (T, H, W, 3) uint8."""

    def brighten(self, frames: Tensor, factor: float) -> Tensor:
        """Every value times the factor."""
        ...

    def turn(self, frames: Tensor, angle: float, window: Box | None) -> Tensor:
        """The frames turned about their centre, of which only the window is wanted."""
        ...

    def resize(self, frames: Tensor, width: int, height: int) -> Tensor:
        """(T, height, width, 3), antialiased bilinear."""
        ...


def apply(pixels: Pixels, changes: Changes, size: int, way: Way) -> Tensor:
    """A video of any size, changed -> (T, size, size, 3) uint8 on the device where it is.

    Raises ConfigError for a change that does not keep the frames' shape and type.
    """
    if isinstance(pixels, tuple):
        return torch.cat([apply(frame.unsqueeze(0), changes, size, way) for frame in pixels])
    cut = False
    for change, following in zip(changes, (*changes, None)[1:], strict=True):
        window = _window(pixels, following)
        match change:
            case Brightness(factor):
                pixels, cut = way.brighten(_inside(pixels, window), factor), bool(window)
            case Turn(angle):
                pixels, cut = way.turn(pixels, angle, window), bool(window)
            case Crop():
                box = pixels if cut else _cut(pixels, change, size, way)
                pixels, cut = _resized(box, size, size, way), False
            case Mirror():
                pixels = pixels.flip(2)
            case _:
                pixels, cut = _changed(pixels, change), False
    return _resized(pixels, size, size, way)


def _changed(frames: Tensor, change: VideoChange) -> Tensor:
    """(T, H, W, 3) uint8 by a change that knows only (T, 3, H, W)."""
    planes = frames.permute(0, 3, 1, 2)
    done = change(planes)
    if not isinstance(done, Tensor) or done.dtype != torch.uint8 or done.shape != planes.shape:
        given = f"{done.dtype} {tuple(done.shape)}" if isinstance(done, Tensor) else type(done).__name__
        raise ConfigError(
            f"the augmentation {change!r} made {given} of uint8 {tuple(planes.shape)}",
            "A change must keep the frames' shape and type; only a Crop gives another size.",
        )
    return done.permute(0, 2, 3, 1)


def _window(frames: Tensor, following: Change | None) -> Box | None:
    """What of the frames is wanted: the box of a crop that follows and lies inside them, or all (None)."""
    if not isinstance(following, Crop) or following.scaled:
        return None
    _, _, right, bottom = following.box
    return following.box if bottom <= frames.shape[1] and right <= frames.shape[2] else None


def _inside(frames: Tensor, window: Box | None) -> Tensor:
    if window is None:
        return frames
    left, top, right, bottom = window
    return frames[:, top:bottom, left:right]


def _resized(frames: Tensor, width: int, height: int, way: Way) -> Tensor:
    return frames if frames.shape[1:3] == (height, width) else way.resize(frames, width, height)


def _cut(frames: Tensor, crop: Crop, size: int, way: Way) -> Tensor:
    """The box cut from each frame: a view of it where the box lies inside, black elsewhere."""
    if crop.scaled:
        frames = _resized(frames, *shorter_side_to(size, frames.shape[2], frames.shape[1]), way)
    left, top, right, bottom = crop.box
    inside = _inside(frames, crop.box)
    missing = (bottom - top - inside.shape[1], right - left - inside.shape[2])
    if not any(missing):
        return inside
    return functional.pad(inside, (0, 0, 0, missing[1], 0, missing[0]))


class Host:
    """The fast way on a CPU: a look-up table, OpenCV's gathering, torch's resizing of bytes."""

    def brighten(self, frames: Tensor, factor: float) -> Tensor:
        """Every value times the factor, from a table of 256."""
        table = np.clip(np.float32(factor) * np.arange(256, dtype=np.float32), 0, 255).astype(np.uint8)
        flat = frames.contiguous().numpy().reshape(-1, frames.shape[2] * 3)
        return torch.from_numpy(opencv().LUT(flat, table)).view(frames.shape)

    def turn(self, frames: Tensor, angle: float, window: Box | None = None) -> Tensor:
        """The frames turned about their centre, each pixel copied from where it came."""
        x, y = _origins(frames, angle, window)
        # OpenCV's map of pixels holds int16: what lies outside the frame stays outside.
        places = torch.stack([x, y], -1).clamp(-1, 32767).short().numpy()
        turned = torch.empty((len(frames), *x.shape, 3), dtype=torch.uint8)
        remap, nearest = opencv().remap, opencv().INTER_NEAREST
        for before, after in zip(frames.contiguous().numpy(), turned.numpy(), strict=True):
            remap(before, places, None, nearest, after)
        return turned

    def resize(self, frames: Tensor, width: int, height: int) -> Tensor:
        """(T, height, width, 3), antialiased bilinear."""
        return _interpolate(frames.permute(0, 3, 1, 2), width, height).permute(0, 2, 3, 1)


class Device:
    """The same in what every device of torch can do."""

    def brighten(self, frames: Tensor, factor: float) -> Tensor:
        """Every value times the factor, in float32 as Pillow has it."""
        return (frames * np.float32(factor).item()).clamp_(0, 255).to(torch.uint8)

    def turn(self, frames: Tensor, angle: float, window: Box | None = None) -> Tensor:
        """The frames turned about their centre, each pixel copied from where it came."""
        height, width = frames.shape[1:3]
        x, y = _origins(frames, angle, window)
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        gathered = frames[:, y.clamp(0, height - 1), x.clamp(0, width - 1)]
        return gathered * inside.unsqueeze(-1)

    def resize(self, frames: Tensor, width: int, height: int) -> Tensor:
        """(T, height, width, 3), antialiased bilinear, rounded half up."""
        planes = frames.permute(0, 3, 1, 2).float()
        return (
            _interpolate(planes, width, height).add_(0.5).clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
        )


def _interpolate(planes: Tensor, width: int, height: int) -> Tensor:
    return functional.interpolate(planes, (height, width), mode="bilinear", antialias=True)


def _origins(frames: Tensor, angle: float, window: Box | None) -> tuple[Tensor, Tensor]:
    """x and y (H, W) int64: the pixel that each pixel of the window comes from, which may lie outside.

    Pillow's arithmetic: its affine map, rounded to 1/65536 of a pixel, followed in whole numbers.
    """
    height, width = frames.shape[1:3]
    turn = -math.radians(angle)
    cos, sin = round(math.cos(turn), 15), round(math.sin(turn), 15)
    a, b, d, e = cos, sin, -sin, cos
    c = width / 2 - a * (width / 2) - b * (height / 2)
    f = height / 2 - d * (width / 2) - e * (height / 2)
    left, top, right, bottom = window or (0, 0, width, height)
    column = torch.arange(left, right, device=frames.device)
    row = torch.arange(top, bottom, device=frames.device).unsqueeze(1)
    x = _fixed(c + a / 2 + b / 2) + row * _fixed(b) + column * _fixed(a)
    y = _fixed(f + d / 2 + e / 2) + row * _fixed(e) + column * _fixed(d)
    return x >> 16, y >> 16


def _fixed(value: float) -> int:
    return math.floor(value * 65536 + 0.5)


@cache
def opencv() -> Any:
    """OpenCV, in one thread."""
    import cv2

    # A pool of threads does not survive the fork that makes workers; each of them is one thread anyway.
    cv2.setNumThreads(0)
    return cv2


HOST, DEVICE = Host(), Device()


def apply_all(videos: Batch, changes: Sequence[Changes], size: int, device: torch.device | str) -> Tensor:
    """Videos as they were read, each with its own changes -> (B, T, size, size, 3) uint8 on the device."""
    there = each(videos, lambda tensor: tensor.to(device, non_blocking=True))
    return torch.stack([apply(v, drawn, size, DEVICE) for v, drawn in zip(there, changes, strict=True)])


def each(videos: Any, do: Callable[[Tensor], Tensor]) -> Any:
    """The same arrangement of tensors, each of them replaced."""
    return do(videos) if isinstance(videos, Tensor) else tuple(each(video, do) for video in videos)
