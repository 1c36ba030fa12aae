"""The host's own parts, registered through the same hooks as any plugin. Nothing here imports torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pydantic import Field

from dferbench.launchers.ray_options import RayOptions
from dferbench.launchers.slurm_options import SlurmOptions
from dferbench.registry.hookspecs import hookimpl
from dferbench.types import Options


class ClsTransformerOptions(Options):
    """Options of the temporal transformer."""

    depth: int = Field(1, ge=1, description="Transformer blocks.")
    heads: int = Field(8, ge=1, description="Number of attention heads in each block.")
    head_dim: int = Field(64, ge=1, description="Width of each head.")
    mlp_ratio: float = Field(2, gt=0, description="Width of the MLP in multiples of the features' width.")


class MeanOptions(Options):
    """Options of the mean."""

    normalize: bool = Field(
        False, description="Whether each frame's feature is normalized to length one first."
    )


class LstmOptions(Options):
    """Options of the LSTM."""

    layers: int = Field(1, ge=1, description="Layers, each as wide as the features.")


class ContextOptions(Options):
    """Options of learnable context."""

    words: int = Field(8, ge=0, description="Number of learnable context words.")
    shared: bool = Field(False, description="Whether all classes share one set of words.")
    position: Literal["end", "middle", "front"] = Field(
        "end", description="Where the class text stands among the words."
    )
    init: str = Field(
        "", description="Words that the context starts from, whose number replaces words; '' for random ones."
    )


class EnsembleOptions(Options):
    """Options of a prompt ensemble."""

    templates: str = Field(
        "five", description="pair, five, or templates of your own, as in 'a photo of {} | they look {}'."
    )


class BoxesOptions(Options):
    """Options of face boxes from a file."""

    path: str = Field(
        "", description="CSV or JSON file with a box for each video, or for some of its frames."
    )


class HaarOptions(Options):
    """Options of OpenCV's cascade."""

    model: str = Field("default", description="default, alt, alt2, or an XML file of a cascade.")


class YunetOptions(Options):
    """Options of YuNet."""

    model: str = Field("", description="ONNX file of the network. Default: that of the extra faces.")
    score: float = Field(0.6, ge=0, le=1, description="Least score of a face that counts.")


@hookimpl
def register_temporal_heads(register: Callable[..., None]) -> None:
    """Register the temporal heads of the host."""
    heads = "dferbench.models.temporal:"
    register(
        "attention",
        f"{heads}Attention",
        Options,
        about="Attention pooling: one learned query weighs the frames; starts as the mean.",
    )
    register(
        "cls-transformer",
        f"{heads}ClsTransformer",
        ClsTransformerOptions,
        about="A pre-norm transformer with a class token over the frames (DFER-CLIP, section 3.2).",
    )
    register(
        "lstm", f"{heads}Lstm", LstmOptions, about="An LSTM over the frames; its output at the last frame."
    )
    register("mean", f"{heads}Mean", MeanOptions, about="The mean over the frames; learns nothing.")


@hookimpl
def register_prompts(register: Callable[..., None]) -> None:
    """Register the prompt strategies of the host."""
    register(
        "context",
        "dferbench.models.prompts:Context",
        ContextOptions,
        about="Learnable context words around each class's text.",
    )
    register(
        "ensemble",
        "dferbench.models.ensemble:Ensemble",
        EnsembleOptions,
        about="Each class text in several templates, averaged; learns nothing.",
    )
    register(
        "fixed",
        "dferbench.models.prompts:Fixed",
        Options,
        about="The class texts as they are; learns nothing.",
    )


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
    from dferbench.face_crops.finders import BLIND, FINDERS, SHORT_SIDE

    options = {"boxes": BoxesOptions, "haar": HaarOptions, "yunet": YunetOptions}
    for name, build in FINDERS.items():
        short_side = None if name in BLIND else SHORT_SIDE
        register(name, build, options.get(name, Options), short_side=short_side)


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
    register("steps", f"{place}:milestones", about="Learning rates times gamma after the given epochs.")
    register("every", f"{place}:every", about="Learning rates times gamma after every period.")
    register("cosine", f"{place}:cosine", about="Linear warm-up, then half a cosine.")
    register(
        "cosine-under-rise",
        f"{place}:cosine_under_rise",
        about="Half a cosine whose first epochs a linear warm-up replaces.",
    )
    register(
        "cosine-times-rise",
        f"{place}:cosine_times_rise",
        about="Half a cosine whose first epochs a linear warm-up multiplies.",
    )
    register("restarts", f"{place}:restarts", about="Half a cosine, restarted every so many epochs.")


@hookimpl
def register_launchers(register: Callable[..., None]) -> None:
    """Register the launchers of the host."""
    about = "One process a row, one after another, on this machine."
    register("processes", "dferbench.runner.launch:processes", about=about)
    about = "An array of identical jobs in SLURM's queue, each doing runs until none is left."
    register("slurm", "dferbench.launchers.slurm:Slurm", options=SlurmOptions, about=about)
    about = "A process a device on the machines of a Ray cluster, or of this machine."
    register("ray", "dferbench.launchers.ray:Ray", options=RayOptions, about=about)
