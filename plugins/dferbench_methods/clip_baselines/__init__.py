"""What DFER-CLIP is compared with in its own paper: zero-shot CLIP and FaRL, a linear probe, fine-tuning,
CoOp and CoCoOp, all carried from images to videos by a temporal head over frame features."""

from __future__ import annotations

from collections.abc import Callable

from dferbench import Method, hookimpl
from dferbench_methods.clip_baselines import cocoop, coop, finetune, linear_probe, zero_shot


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register the six methods; nothing heavy is imported before one is built."""
    for method in (*zero_shot.METHODS, linear_probe.METHOD, finetune.METHOD, coop.METHOD, cocoop.METHOD):
        register(method)
