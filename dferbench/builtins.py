"""The host's own parts, registered through the same doors as everybody's. Nothing here imports torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dferbench.registry.hookspecs import hookimpl


def cls_transformer(
    dim: int, frames: int, depth: int = 1, heads: int = 8, head_dim: int = 64, mlp_ratio: int = 2
) -> Any:
    """A pre-norm transformer with a class token over the frames (DFER-CLIP, section 3.2)."""
    from dferbench.models.temporal import ClsTransformer

    return ClsTransformer(dim, frames, depth, heads, head_dim, mlp_ratio)


def mean(dim: int, frames: int, normalize: bool = False) -> Any:
    """The mean over the frames, each of length one with normalize=true; learns nothing."""
    from dferbench.models.temporal import Mean

    return Mean(dim, frames, normalize=normalize)


def attention(dim: int, frames: int) -> Any:
    """Attention pooling: one learned query weighs the frames; starts as the mean."""
    from dferbench.models.temporal import Attention

    return Attention(dim, frames)


def lstm(dim: int, frames: int, layers: int = 1) -> Any:
    """An LSTM over the frames; its output at the last frame."""
    from dferbench.models.temporal import Lstm

    return Lstm(dim, frames, layers=layers)


def context(
    tower: Any,
    texts: Sequence[str],
    words: int = 8,
    shared: bool = False,
    position: str = "end",
    init: str = "",
) -> Any:
    """Learnable context words around each class's text; `position` is where the text stands."""
    from dferbench.models.prompts import Context

    return Context(tower, texts, words=words, shared=shared, position=position, init=init)


def fixed(tower: Any, texts: Sequence[str]) -> Any:
    """The class texts as they are; learns nothing."""
    from dferbench.models.prompts import Fixed

    return Fixed(tower, texts)


def ensemble(tower: Any, texts: Sequence[str], templates: str = "five") -> Any:
    """Each class text in several templates ("pair", "five", "... {} | ... {}"), averaged; learns nothing."""
    from dferbench.models.ensemble import Ensemble

    return Ensemble(tower, texts, templates=templates)


@hookimpl
def register_temporal_heads(register: Callable[..., None]) -> None:
    """Register the temporal heads of the host."""
    register("attention", attention)
    register("cls-transformer", cls_transformer)
    register("lstm", lstm)
    register("mean", mean)


@hookimpl
def register_prompts(register: Callable[..., None]) -> None:
    """Register the prompt strategies of the host."""
    register("context", context)
    register("ensemble", ensemble)
    register("fixed", fixed)


@hookimpl
def register_decoders(register: Callable[..., None]) -> None:
    """Register the readers of the host."""
    from dferbench.data.decoders import DECODERS

    for name, build in DECODERS.items():
        register(name, build)


@hookimpl
def register_face_finders(register: Callable[..., None]) -> None:
    """Register the face finders of the host."""
    from dferbench.face_crops.finders import FINDERS

    for name, build in FINDERS.items():
        register(name, build)


@hookimpl
def register_samplers(register: Callable[..., None]) -> None:
    """Register the host's rules for which frames a model sees."""
    from dferbench.data.registered import SAMPLERS

    for name, (path, about) in SAMPLERS.items():
        register(name, path, about=about)


@hookimpl
def register_augmentations(register: Callable[..., None]) -> None:
    """Register the host's operations on training videos and batches."""
    from dferbench.data.registered import AUGMENTATIONS

    for name, (path, about) in AUGMENTATIONS.items():
        register(name, path, about=about)
