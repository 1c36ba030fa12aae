"""Basic types: what a method, a recipe, a dataset and a video are. Plain data, no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from dferbench.careful import contained
from dferbench.imports import imported, is_path
from dferbench.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Paint: TypeAlias = "Callable[[str, int, int], NDArray[np.uint8]]"
"""paint(class name, seed, frames) -> (T, H, W, 3) uint8 RGB: a drawn face showing that expression."""


@dataclass(frozen=True, slots=True)
class Face:
    """Where a face is in a frame: `box` is (left, top, right, bottom) in pixels, `eyes` the centres (x, y) of
    the eyes, the one further left in the image first, where they are known."""

    box: tuple[float, float, float, float]
    eyes: tuple[tuple[float, float], tuple[float, float]] | None = None


FindFace: TypeAlias = "Callable[[NDArray[np.uint8], str, int], Face | Sequence[Face] | None]"
"""find(frame, video, number) -> the faces, one of them, or None: frame (H, W, 3) uint8 RGB, the video's name,
and the frame's number from 0 on."""


@dataclass(frozen=True, slots=True)
class Video:
    """One labelled video.

    `path` is a video file or a folder of frame images; `label` is an index into the dataset's classes;
    `info` carries extras such as captions, and reaches a method's loss untouched. `group` names what videos
    share that would make validation easy: their actor, source film or session; "" where that is not known.
    """

    id: str
    path: str
    label: int
    info: Mapping[str, Any] = field(default_factory=dict)
    group: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """What a method is built for: the dataset's name, its classes in order, and the shape of its input."""

    dataset: str
    classes: tuple[str, ...]
    frames: int
    size: int


@dataclass(frozen=True, slots=True)
class Input:
    """How a method sees a video. Every field is text or a number, and goes into the record as written.

    `size` is the side in pixels of the square frames, or "backbone": what the chosen backbone takes.
    `sample` names a sampler, `augment` augmentations joined by `|`, all written as `name(option=value)`;
    `augment` acts in training only. `normalize` is "none" (pixels in 0..1), "clip" or "imagenet".
    `augment_on` says where `augment` acts: on the "host" that reads the videos, or on the "device" that
    trains; their pixels differ by a rounding. With `draws` of K > 0, epoch e draws what epoch e mod K drew:
    K draws of each video, which frozen parts see once each. `order` is how a folder's images are sorted by
    name: "natural", with 2 before 10, or "string", as text. `resize` is how whole frames get their size, by a
    filter of Pillow and ignoring the aspect ratio: "bilinear", after `augment`, or "bicubic", before it.
    """

    frames: int = 16
    size: int | str = 224
    sample: str = "segments"
    normalize: str = "none"
    augment: str = ""
    augment_on: str = "host"
    draws: int = 0
    order: str = "natural"
    resize: str = "bilinear"


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of training.

    `train` maps patterns, matched against whole parameter names, to learning rates: the first match wins,
    what no pattern names is frozen, and a pattern that names nothing is an error. A batch is computed in
    `accumulate` parts one after another, whose gradients add up to its own: that saves memory and changes
    nothing that is trained.
    """

    train: Mapping[str, float]
    epochs: int
    batch: int = 32
    optimizer: str = "sgd(momentum=0.9)"
    schedule: str = "constant"
    weight_decay: float = 0.0
    drop_last: bool = False
    clip_grad: float | None = None
    name: str = "train"
    accumulate: int = 1


@dataclass(frozen=True, slots=True)
class Compute:
    """How a device computes. What is faster than usual also rounds otherwise, and is off unless asked for.

    `deterministic` keeps to algorithms that give the same bits in every run, wherever torch has them.
    `tf32` lets GPUs multiply float32 with 10 bits of mantissa. `channels_last` stores the weights of 2D
    convolutions, and what they give, with the channels innermost. `fused` updates all parameters in one
    kernel; it is refused for an optimizer that has none. `compile` compiles the blocks that a network
    repeats, with `torch.compile`; what cannot be compiled runs as it is, and the run and its record say so.
    """

    deterministic: bool = True
    tf32: bool = False
    channels_last: bool = False
    fused: bool = False
    compile: bool = False


@dataclass(frozen=True, slots=True)
class Recipe:
    """An input and the stages that train on it, one after another; a zero-shot method has no stages.

    `targets` is what training aims at: the "labels", or the "votes" of a dataset's annotators.
    """

    input: Input = Input()
    stages: tuple[Stage, ...] = ()
    precision: str = "fp32"
    compute: Compute = Compute()
    targets: str = "labels"


@dataclass(frozen=True, slots=True)
class Converted:
    """A checkpoint of an author's code in the method's own terms.

    `options` are those of the method that differ from its defaults, `state` maps the names of the method's
    own tensors to their values, `notes` say in sentences what was assumed or given, and `frames` is how many
    frames the model takes (None: as many as its recipe says). `names` are pairs of how names begin here and
    there, so that complaints can use the names of the file.

    Where the file tells that other code saved it than the recipes are made after, `whose` says in words which
    code, and `input_for` in which fields of `Input` that one tests otherwise, by dataset, "" being any.
    `also` are fields in which that code differs from the recipe where usual data show no difference: stating
    them is no deviation.
    `missing` are beginnings of names of the method's tensors that such files lack; a backbone's own weights
    give them.
    """

    options: Mapping[str, Any]
    classes: tuple[str, ...]
    state: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    frames: int | None = None
    names: tuple[tuple[str, str], ...] = ()
    input_for: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    whose: str = ""
    also: Mapping[str, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


Convert: TypeAlias = Callable[[dict[str, Any], dict[str, Any], tuple[str, ...]], Converted]


class Options(BaseModel):
    """The options of a method or part: fields with defaults, constraints and `description=`.

    A float takes whole numbers too; otherwise values must be of the type that is declared, and finite. An
    option that a method gains after its first results belongs in `later`, with the value under which it
    computes what it did before: at that value it leaves the id of a configuration as it was.
    """

    later: ClassVar[Mapping[str, Any]] = {}

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        protected_namespaces=(),
        arbitrary_types_allowed=True,
        defer_build=True,
    )


@dataclass(frozen=True, slots=True)
class Method:
    """A method: how it is built and how it is trained.

    `build(task, parts, **options)` returns a `dferbench.models.Classifier`; `build` may be its path
    "package.module:name", which is imported when the method is used. `options` is a pydantic model of the
    options, such as a subclass of `dferbench.Options`; without one, the keyword defaults of `build` are the
    options. One called `weights`, "" by default, names a file to start from; what was trained is opened
    without it where nothing of the file is left. `recipe_for` holds the recipes of datasets that a paper
    treats differently, `options_for` the option values that belong to them, which stand in for the defaults
    where the user is silent. Those for "synthetic" should make it small, as the size of its frames should:
    `dferbench check` takes both. `card` describes the method to people (paper, fidelity, deviations).

    Raises TypeError for something else to build or convert with.
    """

    name: str
    build: Callable[..., Any] | str
    recipe: Recipe
    recipe_for: Mapping[str, Recipe] = field(default_factory=dict)
    paper: str = ""
    card: Mapping[str, Any] = field(default_factory=dict)
    convert: Convert | str | None = None
    """Takes over a checkpoint that the authors' code saved: convert(state, given, classes), or its path.

    `state` maps that code's names to tensors, `given` holds the options that the user set, `classes` the
    names of the classes, () if the user gave none. Raises DataError for tensors that are missing, unexpected
    or misshapen, naming the first, and ConfigError for what the user must state.
    """
    options_for: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    options: type[BaseModel] | None = None

    def __post_init__(self) -> None:
        for name, value in (("build", self.build), ("convert", self.convert)):
            if not (callable(value) or is_path(value) or (name == "convert" and value is None)):
                raise TypeError(
                    f"{name} of {self.name} must be callable or 'package.module:name', got {value!r}"
                )
        kinds = {"recipe": Recipe, "paper": str}
        kinds |= dict.fromkeys(("recipe_for", "card", "options_for"), Mapping)
        for name, kind in kinds.items():
            if not isinstance(getattr(self, name), kind):
                raise TypeError(f"{name} of {self.name} must be a {kind.__name__}")
        if not all(isinstance(recipe, Recipe) for recipe in self.recipe_for.values()):
            raise TypeError(f"recipe_for of {self.name} must hold recipes")
        if self.options is not None and not _is_model(self.options):
            raise TypeError(f"options of {self.name} must be a pydantic model, that is a class")

    def builder(self) -> Callable[..., Any]:
        """`build` itself, imported if it is a path. Raises ConfigError if that fails."""
        found: Callable[..., Any] = imported(self.build, f"build of method '{self.name}'")
        return found

    def make(self, task: Task, parts: Any, **options: Any) -> Any:
        """The model for a task, of parts from `parts` (`dferbench.models.parts.Parts`).

        Options are not checked here. Raises ConfigError if `build` cannot be imported, and what it raises.
        """
        build = self.builder()
        with contained(f"build of method '{self.name}'"):
            return build(task, parts, **options)

    def converter(self) -> Convert | None:
        """`convert` itself, imported if it is a path. Raises ConfigError if that fails."""
        found: Convert | None = imported(self.convert, f"convert of method '{self.name}'")
        return found


def _is_model(options: Any) -> bool:
    return isinstance(options, type) and issubclass(options, BaseModel)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `dferbench data verify` found: an error spoils results, a warning may, info is a fact.

    `items` names the videos or files concerned, all of them: what is shown of them is up to who shows it.
    """

    level: Literal["error", "warning", "info"]
    what: str
    hint: str = ""
    items: tuple[str, ...] = ()


class Dataset:
    """A manifest: which videos there are, where they lie, and what they show.

    A dataset never decodes, samples or augments. Subclass it, set `classes` and `folds`, write `videos`,
    and register the class: the keyword defaults of its constructor are the dataset's options.
    """

    classes: tuple[str, ...] = ()
    folds: tuple[int, ...] = (1,)
    about: str = ""
    """What it is, in one line."""
    where: str = ""
    """How to get it and where to put it, in one line: the hint when the root is missing."""
    synthetic: bool = False
    """True if the videos were drawn by a program: results never rank next to real ones."""
    defaults: ClassVar[Mapping[str, Any]] = {}
    """Option values that suit this dataset, used where a method has such an option and the user is silent."""
    facts: ClassVar[Mapping[str, str]] = {}
    """What `dferbench data info` prints, one line each: "protocol", "licence", "apply", "download", "put"."""
    layouts: tuple[str, ...] = ()
    """The forms of the official release that `make` can write, the usual one first."""

    def default_root(self) -> Path | None:
        """Where the dataset lies when the user names no root, or None if that cannot be known."""
        return None

    def prepare(self, root: Path, progress: Progress) -> None:
        """Make or check what `videos` needs; called once, before anything that takes long."""

    def videos(self, root: Path, fold: int, split: str) -> Sequence[Video]:
        """The videos of `split` ("train" or "test") of one fold. Raises DataError."""
        raise NotImplementedError

    def notes(self, root: Path) -> Mapping[str, Any]:
        """What a record should say about this copy: its variant, where its labels and folds came from.

        Under "caveats" stand the words (see `dferbench.experiment.record`) that every table shows next to its
        results.
        """
        return {}

    def votes(self, root: Path) -> Mapping[str, Sequence[float]]:
        """What several annotators said of videos, by id: how many votes each class got, in the order of
        `classes`. Read on request; empty where a dataset or a copy has none. Raises DataError.
        """
        return {}

    def findings(self, root: Path) -> Iterable[Finding]:
        """What `dferbench data verify` should say about this dataset beyond what holds for all of them."""
        return ()

    def make(self, root: Path, layout: str, scale: float, paint: Paint, progress: Progress) -> None:
        """Write a synthetic release in the official layout: `scale` times its number of videos a class.

        Raises ConfigError for a layout that is not in `layouts`.
        """
        raise NotImplementedError
