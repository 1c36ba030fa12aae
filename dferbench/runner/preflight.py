"""Checks before the first batch: a mistake costs seconds, not a night.

`rehearse` is what a run checks before it looks for videos and `check_batches` what it checks when it has
found them; `dferbench doctor -m -d` and `run --dry-run` go through the same functions and tell every failure.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from dferbench.data.pipeline import Pipeline, build_pipeline, try_out
from dferbench.errors import ConfigError, DferbenchError
from dferbench.experiment.plan import Plan, Split
from dferbench.experiment.soft_targets import VOTES, votes_for
from dferbench.feature_cache.store import bound
from dferbench.files import require_writable
from dferbench.machine.device import make_fabric
from dferbench.machine.environment import memory_bytes
from dferbench.machine.several import first_device, numbers_of
from dferbench.models import Batch, Classifier
from dferbench.models.build import make_model, require_frozen
from dferbench.models.contract import require_logits
from dferbench.models.freezing import ever_trained
from dferbench.models.parts import Parts
from dferbench.registry.catalog import Catalog
from dferbench.runner.build import decoder_of
from dferbench.training.accumulate import require_parts
from dferbench.training.across import least_batch
from dferbench.training.batches import encode
from dferbench.training.optimizers import make_optimizer
from dferbench.training.room import ELSEWHERE, room_for
from dferbench.training.schedules import make_schedule, steps_per_epoch
from dferbench.types import Stage

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def leading(plan: Plan) -> Fabric:
    """The Fabric of the process that leads the runs of a plan, on the first of its devices.

    Raises UnknownName for an unknown precision or device and ConfigError for devices that are not there.
    """
    request = plan.request
    device = first_device(request.device, request.devices)
    return make_fabric(device, plan.recipe.precision, plan.recipe.compute)


def rehearse(plan: Plan, catalog: Catalog, fabric: Fabric) -> Parts:
    """Check the output folder and the recipe, build the model once and let it see a video of noise, before
    any video is read; its parts.

    Raises ConfigError or DataError, DferbenchError for a folder that cannot be written, or what the plugin
    raises.
    """
    require_writable(plan.request.output / plan.task.dataset)
    pipeline = check_numbers(plan, catalog)
    return check_model(plan, catalog, fabric, pipeline)


def check_numbers(plan: Plan, catalog: Catalog) -> Pipeline:
    """Check a recipe without a model: memory, input, decoder and schedules; its pipeline."""
    require_memory(plan)
    pipeline = build_pipeline(plan.recipe.input, catalog)
    try_out(pipeline)
    bound()
    decoder_of(plan, catalog)
    for stage in plan.recipe.stages:
        _check_schedule(stage, catalog)
        _check_shared(stage, plan)
    return pipeline


def check_model(plan: Plan, catalog: Catalog, fabric: Fabric, pipeline: Pipeline) -> Parts:
    """The model is built, takes the input, gives logits, and the recipe fits it; its parts."""
    parts = Parts(catalog, plan.request.weights)
    with _settings_named(plan), room_for(1, fabric.device, lambda _: None, ELSEWHERE):
        model = make_model(plan.method, plan.task, plan.options, parts, seed=0)
        fabric.to_device(model)
    require_mixes(model, pipeline)
    _require_soft(model, plan)
    ever_trained(model, plan.recipe)
    with _settings_named(plan):
        for stage in plan.recipe.stages:
            make_optimizer(model, stage, catalog, plan.recipe.compute.fused)
            require_frozen(model, plan.task, stage.name)
        with room_for(1, fabric.device, lambda _: None, ELSEWHERE):
            _look_once(model, plan, fabric)
    for stage in plan.recipe.stages:
        if stage.accumulate > 1:
            require_parts(model, _noise(model, plan, fabric, stage))
    return parts


def require_memory(plan: Plan) -> None:
    """A batch of frames must fit into the machine's memory. Raises ConfigError."""
    input, have = plan.recipe.input, memory_bytes()
    batch = max((stage.batch for stage in plan.recipe.stages), default=1)
    need = 4 * 3 * plan.task.size**2 * input.frames * batch
    if have is not None and need > have:
        raise ConfigError(
            f"a batch of {batch} videos of {input.frames} frames of {plan.task.size} x {plan.task.size} "
            f"pixels takes {need / 1e9:.0f} GB, and this machine has {have / 1e9:.0f} GB",
            "Use fewer frames, smaller ones or fewer videos: --set input.frames, input.size or stage.batch.",
        )


def _check_schedule(stage: Stage, catalog: Catalog) -> None:
    """The schedule gives learning rates that training can use in its first and its last epoch."""
    schedule = make_schedule(stage, 1, catalog)
    for epoch in {0, stage.epochs - 1} if stage.epochs else ():
        for full in stage.train.values():
            lr = schedule(full, epoch, epoch)
            if not isinstance(lr, int | float) or not math.isfinite(lr) or lr < 0:
                raise ConfigError(
                    f"stage '{stage.name}': the schedule '{stage.schedule}' gives a learning rate of {lr} in "
                    f"epoch {epoch + 1} of {stage.epochs}",
                    "Learning rates are finite and not below 0: change the schedule's options.",
                )


def _check_shared(stage: Stage, plan: Plan) -> None:
    """Every process has something of a batch, or the others would only do its work once more."""
    processes = max(len(numbers_of(plan.request.devices, plan.request.device)), 1)
    if stage.epochs and stage.batch < least_batch(processes):
        raise ConfigError(
            f"stage '{stage.name}': {processes} devices can share batches of {least_batch(processes)} videos "
            f"or more, and stage.batch is {stage.batch}",
            f"Use fewer --devices, or --set stage.batch={least_batch(processes)} or more (recorded as a "
            "changed recipe).",
        )


def _noise(model: Classifier, plan: Plan, fabric: Fabric, stage: Stage) -> Batch:
    """A batch of two videos of noise."""
    task = plan.task
    videos = torch.rand(2, task.frames, 3, task.size, task.size, device=fabric.device)
    label = torch.zeros(2, dtype=torch.int64, device=fabric.device)
    return Batch(encode(model, videos, fabric), label, [{}, {}], stage.name, 0.0)


@contextmanager
def _settings_named(plan: Plan) -> Iterator[None]:
    """What a network raises for options or an input that it cannot have is told with what was set.

    Where nothing was set it is the plugin's own fault, and its author needs the traceback.
    """
    own = ("stage.", "precision", "compute.", "targets")  # nothing that a network is built of
    set_ = [f"{k}={v}" for k, v in plan.request.sets.items() if not k.startswith(own)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the run itself shows them
            yield
    except DferbenchError:
        raise
    except Exception as error:
        if not set_:
            raise
        reason = str(error).strip() or type(error).__name__
        raise ConfigError(
            f"{plan.method.name} does not work with {' and '.join(set_)}: {reason}",
            f"Change that, or leave it out; dferbench show {plan.method.name} lists what it takes.",
        ) from error


def _look_once(model: Classifier, plan: Plan, fabric: Fabric) -> None:
    """Show the model one video of noise; nothing is learned. Raises ConfigError for what is no logits."""
    task = plan.task
    video = torch.rand(1, task.frames, 3, task.size, task.size, device=fabric.device)
    model.eval()
    with torch.no_grad(), fabric.autocast():
        logits = model(encode(model, video, fabric))
    require_logits(model, logits, 1, len(task.classes))


def require_mixes(model: Classifier, pipeline: Pipeline) -> None:
    """A recipe that mixes the videos of a batch needs a loss that takes what their labels become, and
    features that are computed anew each time. Raises ConfigError."""
    if not pipeline.mixing:
        return
    text, relabels = pipeline.input.augment, any(op.relabels for op in pipeline.mixing)
    if relabels and not _takes_shares(model):
        raise ConfigError(
            f"input.augment is '{text}', which mixes videos, and the loss of {type(model).__name__} takes "
            "single labels only",
            "Leave the mixing out; a method that does its own has options for it: see dferbench show METHOD.",
        )
    if pipeline.input.draws and type(model).encode is not Classifier.encode:
        raise ConfigError(
            f"input.augment is '{text}', which changes every batch anew, and input.draws is "
            f"{pipeline.input.draws}, which keeps them",
            "Use --set input.draws=0, or leave the mixing out.",
        )


def _takes_shares(model: Classifier) -> bool:
    """Whether the loss takes distributions over the classes where there are any."""
    return type(model).loss is Classifier.loss or type(model).mixes


def _require_soft(model: Classifier, plan: Plan) -> None:
    """Votes need a loss that takes shares of classes. Raises ConfigError."""
    if plan.recipe.targets == VOTES and not _takes_shares(model):
        raise ConfigError(
            f"targets are votes, and the loss of {type(model).__name__}, which {plan.method.name} is, takes "
            "single labels only",
            "Leave targets=votes out, or train another method on them.",
        )


def check_batches(plan: Plan, splits: Mapping[int, Split]) -> None:
    """Raise ConfigError for a stage whose batch cannot be filled from the training videos of a fold, and for
    votes that are not there to train on."""
    votes_for(plan)
    for fold, split in splits.items():
        for stage in plan.recipe.stages:
            require_batches(stage, fold, split)


def require_batches(stage: Stage, fold: int, split: Split) -> None:
    """The same of one stage and one fold."""
    if stage.epochs and not steps_per_epoch(len(split.train), stage):
        raise ConfigError(
            f"stage '{stage.name}': no batch of {stage.batch} can be filled from the "
            f"{len(split.train)} training videos of fold {fold}",
            f"Use --set stage.batch={len(split.train)} or less, or --set stage.drop_last=false.",
        )
