"""From a checkpoint to a file that other programs run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

import dferbench
from dferbench.checkpoints.restore import Opened
from dferbench.data.normalize import moments
from dferbench.data.pipeline import make_sampler
from dferbench.errors import ConfigError, UnknownName, said_by
from dferbench.exporting.formats import FORMATS
from dferbench.exporting.function import TestFunction, function_of
from dferbench.exporting.parity import check_parity, examples
from dferbench.exporting.program import program_of
from dferbench.files import write_atomic
from dferbench.registry.catalog import Catalog

SCHEMA = 1
LENGTHS = (1, 40, 1000)
"""Of videos, to see how many frames a rule shows of them."""


@dataclass(frozen=True)
class Exported:
    """A file that was written: its metadata, and the largest difference of a logit that was found."""

    path: Path
    about: Mapping[str, Any]
    difference: float


def export(opened: Opened, catalog: Catalog, path: Path, to: str, *, free_frames: bool = False) -> Exported:
    """Write the test-time function of a model, which lies on the CPU in float32, as one file.

    Nothing is written, and no earlier file replaced, unless the file says what the model says. Raises
    UnknownName or ConfigError for a format that is not there or cannot hold the model, and DferbenchError if
    the outputs differ.
    """
    if to not in FORMATS:
        raise UnknownName("format of exported files", to, FORMATS)
    form, name = FORMATS[to], opened.method.name
    form.require()
    frames = frames_shown(opened, catalog)
    example = next(video for video in examples(opened.input, [frames]) if len(video) == 2)
    program = program_of(_function(opened, example), example, name, free_frames)
    about = _about(opened, frames, free_frames)
    content = form.write(program, about, name)
    model = opened.model

    def as_in_tests(video: Tensor) -> Tensor:
        logits: Tensor = model(model.encode(video))
        return logits.float()

    lengths = [frames, max(1, frames // 2)] if free_frames else [frames]
    difference = check_parity(as_in_tests, form.open(content), opened.input, lengths)
    write_atomic(path, content)
    return Exported(path, {**about, "format": to}, difference)


def _function(opened: Opened, example: Tensor) -> TestFunction:
    try:
        return function_of(opened.model, example)
    except Exception as error:  # a plugin's module may hold what cannot be copied
        raise ConfigError(
            f"{opened.method.name} cannot be exported: {type(error).__name__}: {said_by(error)}",
            "Use dferbench predict. For a plugin of yours: the model must survive copy.deepcopy.",
        ) from error


def frames_shown(opened: Opened, catalog: Catalog) -> int:
    """How many frames the model gets of a video in testing: those of all its clips, where each video gives as
    many, and else those of one."""
    sampler = make_sampler(opened.input, catalog)
    shown = {len(sampler(count, opened.input.frames, None)) for count in LENGTHS}
    return shown.pop() if len(shown) == 1 else opened.input.frames


def _about(opened: Opened, frames: int, free_frames: bool) -> dict[str, Any]:
    """What another program must know to feed the file and to read its answers."""
    chosen = moments(opened.input.normalize)
    mean, std = chosen if chosen else ((0.0,) * 3, (1.0,) * 3)
    facts = opened.facts
    return {
        "schema": SCHEMA,
        "dferbench": dferbench.__version__,
        "method": opened.method.name,
        "classes": list(opened.classes),
        "frames": frames,
        "frames free": free_frames,
        "size": opened.input.size,
        "mean": list(mean),
        "std": list(std),
        "sampling": opened.input.sample,
        "resize": opened.input.resize,
        "config id": facts.get("config_id", ""),
        "checkpoint": {"file": facts.get("file", ""), "sha256": facts.get("sha256", "")},
        "weights": {name: dict(used) for name, used in opened.weights.items()},
        "caveats": list(facts.get("caveats", [])),
    }
