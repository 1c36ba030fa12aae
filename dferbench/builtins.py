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
def register_metrics(register: Callable[..., None]) -> None:
    """Register the metrics of the host."""
    from dferbench.experiment.metrics import METRICS, facts

    for name, one in METRICS.items():
        register(name, one.function, **facts(one))


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


@hookimpl
def register_trackers(register: Callable[..., None]) -> None:
    """Register the trackers of the host."""
    register("csv", "dferbench.trackers.csv_table:Csv", about="a table of the epochs in the run's folder")
    register("mlflow", "dferbench.trackers.mlflow:MLflow", about="a run in an MLflow store")
    register("tensorboard", "dferbench.trackers.tensorboard:TensorBoard", about="TensorBoard event files")
    register("wandb", "dferbench.trackers.wandb:WandB", about="a run at Weights & Biases, or offline")


@hookimpl
def register_optimizers(register: Callable[..., None]) -> None:
    """Register the optimizers of the host, which are imported when used."""
    place = "dferbench.training.optimizers"
    register("sgd", f"{place}:sgd", about="Stochastic gradient descent.")
    register("adam", f"{place}:adam", about="Adam, with the weight decay in the gradient.")
    register("adamw", f"{place}:adamw", about="Adam with decoupled weight decay.")
    register("timm", f"{place}:from_timm", about="An optimizer of timm, by its name.")


@hookimpl
def register_schedules(register: Callable[..., None]) -> None:
    """Register the learning rate schedules of the host, which are imported when used."""
    place = "dferbench.training.schedules"
    register("constant", f"{place}:constant", about="The learning rates stay as they are.")
    register("steps", f"{place}:milestones", about="Times gamma after each of the given numbers of epochs.")
    register("every", f"{place}:every", about="Times gamma after every so many epochs.")
    register("cosine", f"{place}:cosine", about="Linear warm-up, then half a cosine.")
    register(
        "cosine-under-rise",
        f"{place}:cosine_under_rise",
        about="Half a cosine whose first epochs a linear warm-up replaces.",
    )
    register("restarts", f"{place}:restarts", about="Half a cosine, restarted every so many epochs.")
