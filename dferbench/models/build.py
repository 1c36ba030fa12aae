"""Building a method's model from a seed, and checking that its frozen part is frozen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from dferbench.errors import ConfigError
from dferbench.machine.seeds import seed_everything
from dferbench.models.classifier import Classifier
from dferbench.models.parts import Parts
from dferbench.registry.catalog import Entry
from dferbench.types import Task


def make_model(method: Entry, task: Task, options: Mapping[str, Any], parts: Parts, seed: int) -> Classifier:
    """The model that the method builds, initialized from the seed. Raises ConfigError or DataError."""
    seed_everything(seed, "build")
    model = method.value.make(task, parts, **options)
    if not isinstance(model, Classifier):
        raise ConfigError(
            f"{method.name} built something of type {type(model).__name__}, "
            "not a dferbench.models.Classifier",
            f"Fix the plugin {method.origin}.",
        )
    return model


def require_frozen(model: Classifier, task: Task, stage: str) -> None:
    """Prove that `encode` uses no parameter that the current stage trains, so that its output may be cached.

    Raises ConfigError.
    """
    if type(model).encode is Classifier.encode:
        return
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    video = torch.rand(1, task.frames, 3, task.size, task.size, device=device)
    if model.eval().encode(video).requires_grad:
        raise ConfigError(
            f"stage '{stage}' trains parameters inside encode(), which must stay frozen",
            "Move them to forward(), or freeze them.",
        )
