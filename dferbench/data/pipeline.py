"""How a method's input is made, with every part built: the sampler, the augmentations, the normalisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from dferbench import spec
from dferbench.data.augment import Op, draw
from dferbench.data.mixing import BatchOp
from dferbench.data.normalize import moments
from dferbench.data.pixels import FILTERS, HOST, apply
from dferbench.data.ranges import require_among, require_count
from dferbench.data.sampling import Sampler
from dferbench.errors import ConfigError, UnknownName
from dferbench.registry.catalog import Catalog, Entry
from dferbench.types import Input

ORDERS = ("natural", "string")
"""Of a folder's images, by their names: 2 before 10, or as text."""
PLACES = ("host", "device")
"""Where training videos are changed: in the workers, or in torch on the device that trains."""


@dataclass(frozen=True)
class Pipeline:
    """An `Input` whose parts are built: from files to the tensors that a model gets.

    `size` is the side of the frames in pixels. `ops` change single videos and `mixing` whole batches, both in
    training only. `makers` are the classes and functions behind the fields "sample" and "augment" of the
    input: features depend on their code.
    """

    input: Input
    size: int
    sampler: Sampler
    ops: tuple[Op, ...] = ()
    mixing: tuple[BatchOp, ...] = ()
    makers: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    @property
    def on_host(self) -> bool:
        """Whether workers change the videos, not the device that trains."""
        return self.input.augment_on == "host"

    @property
    def random(self) -> bool:
        """Whether two epochs of training can see different pixels."""
        return self.sampler.random or bool(self.ops or self.mixing)


def build_pipeline(input: Input, catalog: Catalog) -> Pipeline:
    """Build every part that `input` names, from the catalog.

    Raises ConfigError for a value out of range and UnknownName for a name that nobody registered: what is
    built can be used.
    """
    require_count("input.frames", input.frames)
    require_count("input.size", input.size)
    require_count("input.draws", input.draws, 0)
    if input.augment_on not in PLACES:
        raise UnknownName("place of augmentation", input.augment_on, PLACES)
    require_among("input.order", input.order, ORDERS)
    require_among("input.resize", input.resize, FILTERS)
    assert isinstance(input.size, int)
    moments(input.normalize)
    sampler = make_sampler(input, catalog)
    texts = spec.split(input.augment, "|") if input.augment.strip() else []
    built = [_augmentation(text, catalog) for text in texts]
    return Pipeline(
        input,
        input.size,
        sampler,
        tuple(one for one in built if isinstance(one, Op)),
        tuple(one for one in built if isinstance(one, BatchOp)),
        {
            "sample": _makers("samplers", [input.sample], [sampler], catalog),
            "augment": _makers("augmentations", texts, built, catalog),
        },
    )


def try_out(pipeline: Pipeline) -> None:
    """Draw and apply every augmentation once, on a video and a batch of noise.

    Raises ConfigError for one that gives what no model can take, before the first video is read.
    """
    rng = np.random.default_rng(0)
    video = torch.from_numpy(rng.integers(0, 256, (2, 40, 48, 3), np.uint8))
    apply(video, draw(pipeline.ops, 48, 40, 32, rng), 32, HOST)
    batch, target = torch.rand(3, 2, 3, 8, 8), torch.eye(3)
    for op in pipeline.mixing:
        batch_, target_ = op.mix(batch, target, rng)
        if batch_.shape != batch.shape or target_.shape != target.shape:
            raise ConfigError(
                f"the augmentation {op!r} made {tuple(batch_.shape)} and {tuple(target_.shape)} of videos "
                f"{tuple(batch.shape)} and targets {tuple(target.shape)}",
                "It must keep both shapes.",
            )


def make_sampler(input: Input, catalog: Catalog) -> Sampler:
    """The sampler that the input names, tried on videos of several lengths.

    Raises ConfigError or UnknownName.
    """
    sampler = catalog.make("samplers", input.sample)
    entry = catalog.get("samplers", spec.parse_one(input.sample).name)
    if not isinstance(sampler, Sampler):
        raise ConfigError(
            f"the sampler '{entry.name}' is a {type(sampler).__name__} without random or shuffle, or that "
            "cannot be called",
            f"Fix {entry.origin}: see dferbench.data.sampling.Sampler.",
        )
    for count in (1, input.frames, 10 * input.frames + 7):
        for rng in (None, np.random.default_rng(0)):
            _require_indices(sampler(count, input.frames, rng), count, input.frames, rng is None, entry)
    return sampler


def _require_indices(chosen: Any, count: int, frames: int, testing: bool, entry: Entry) -> None:
    """The sampler's answer must be indices into the video, `frames` of them, in a test a multiple of it."""
    indices = np.asarray(chosen)
    fits = len(indices) and len(indices) % frames == 0 if testing else len(indices) == frames
    inside = indices.dtype.kind in "iu" and indices.ndim == 1 and 0 <= indices.min() <= indices.max() < count
    if not (fits and inside):
        raise ConfigError(
            f"the sampler '{entry.name}' chose {indices.tolist()} for {frames} frames of a video of {count}",
            f"Fix {entry.origin}: it must give as many whole numbers from 0 to {count - 1}.",
        )


def _augmentation(text: str, catalog: Catalog) -> Op | BatchOp:
    built = catalog.make("augmentations", text)
    if not isinstance(built, Op | BatchOp):
        entry = catalog.get("augmentations", spec.parse_one(text).name)
        raise ConfigError(
            f"the augmentation '{entry.name}' is a {type(built).__name__} that can neither draw nor mix",
            f"Fix {entry.origin}: see dferbench.data.augment.Op and dferbench.data.mixing.BatchOp.",
        )
    return built


def _makers(kind: str, texts: Sequence[str], built: Sequence[Any], catalog: Catalog) -> tuple[Any, ...]:
    """What was registered under these names, and the classes of what it built."""
    registered = [catalog.get(kind, spec.parse_one(text).name).load() for text in texts]
    return (*registered, *map(type, built))
