"""What can be wrong with the numbers of a recipe, told before anything is loaded. No torch."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from dferbench.errors import ConfigError
from dferbench.types import Input, Recipe, Stage

MOST = 4096
"""Frames of a video, and pixels of a side: what is more is a slip of the keyboard, and fills the memory."""


def stated(recipe: Recipe) -> dict[str, Any]:
    """The recipe as a record states it: in how many parts a batch is computed, and what training aims at, is
    said where it is not the usual, as records of earlier releases say nothing of it."""
    form = asdict(recipe)
    for stage in form["stages"]:
        if stage["accumulate"] == 1:
            del stage["accumulate"]
    if form["targets"] == Recipe().targets:
        del form["targets"]
    return form


def check_recipe(recipe: Recipe, limit: int | None = None) -> None:
    """Raise ConfigError for a number out of its range, or a batch that `limit` videos cannot fill."""
    _check_input(recipe.input)
    for stage in recipe.stages:
        _check_whole(stage, "batch", stage.batch, least=1)
        _check_whole(stage, "epochs", stage.epochs, least=0)
        _check_accumulate(stage)
        _check_learning_rates(stage)
        if not _is_number(stage.weight_decay) or stage.weight_decay < 0:
            _refuse(stage, "weight_decay", "a number from 0 on", stage.weight_decay, "0.01")
        if stage.clip_grad is not None and (not _is_number(stage.clip_grad) or stage.clip_grad <= 0):
            _refuse(stage, "clip_grad", "a positive norm, or none", stage.clip_grad, "1.0")
        if limit is not None and stage.drop_last and stage.epochs and limit < stage.batch:
            raise ConfigError(
                f"stage '{stage.name}': no batch of {stage.batch} can be filled from the {limit} training "
                "videos that --limit leaves",
                f"Use --limit {stage.batch} or more, --set stage.batch={limit}, or "
                "--set stage.drop_last=false.",
            )


def _check_input(input: Input) -> None:
    for name, value in (("frames", input.frames), ("size", input.size)):
        if not isinstance(value, int) or not 1 <= value <= MOST:
            raise ConfigError(
                f"input.{name} must be a whole number in [1, {MOST}], got {value}",
                f"Write for example --set input.{name}={16 if name == 'frames' else 224}.",
            )


def _check_whole(stage: Stage, name: str, value: Any, least: int) -> None:
    if not isinstance(value, int) or value < least:
        _refuse(stage, name, f"a whole number from {least} on", value, str(max(least, 8)))


def _check_accumulate(stage: Stage) -> None:
    if not isinstance(stage.accumulate, int) or not 1 <= stage.accumulate <= stage.batch:
        wanted = f"a whole number in [1, {stage.batch}], which is the batch"
        _refuse(stage, "accumulate", wanted, stage.accumulate, "1")


def _check_learning_rates(stage: Stage) -> None:
    for pattern, lr in stage.train.items():
        if not _is_number(lr) or lr < 0:
            raise ConfigError(
                f"stage '{stage.name}': the learning rate of '{pattern}' must be a number from 0 on, "
                f"got {lr}",
                f"Write for example --set \"stage.train={{'{pattern}': 0.01}}\".",
            )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _refuse(stage: Stage, name: str, wanted: str, value: Any, example: str) -> None:
    raise ConfigError(
        f"stage '{stage.name}': {name} must be {wanted}, got {value}",
        f"Write for example --set stage.{name}={example}.",
    )
