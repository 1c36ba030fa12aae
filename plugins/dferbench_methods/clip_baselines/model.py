"""The baselines over a CLIP from their parts: a backbone, a temporal head, and a prompt or a linear layer."""

from __future__ import annotations

from typing import Any

from dferbench import ConfigError, Task, parse_one
from dferbench.models import FrozenCosineClassifier, compose
from dferbench_methods.clip_baselines.conditional import CoCoOp
from dferbench_methods.clip_baselines.linear import LinearClassifier, LinearProbe
from dferbench_methods.clip_baselines.options import (
    CoOpOptions,
    FinetuneOptions,
    LinearProbeOptions,
    ZeroShotFarlOptions,
    ZeroShotOptions,
)


def zero_shot(task: Task, parts: Any, **options: Any) -> FrozenCosineClassifier:
    """Pooled frame features against fixed texts, of the options in `ZeroShotOptions`.

    Raises ConfigError for parts that would have to learn, or UnknownName or DataError.
    """
    given = ZeroShotOptions(**options)
    templates = parse_one(given.prompt).name == "ensemble"
    source = given.text or ("class-names" if templates else "expression")
    model = compose(FrozenCosineClassifier, task, parts, {}, **{**dict(given), "text": source})
    named = {f"temporal={given.temporal}": model.temporal, f"prompt={given.prompt}": model.prompt}
    for what, part in named.items():
        if list(part.parameters()):
            raise ConfigError(
                f"zero-shot trains nothing, and {what} has something to learn",
                "Use temporal=mean, and prompt=fixed or prompt=ensemble.",
            )
    return model


def zero_shot_farl(task: Task, parts: Any, **options: Any) -> FrozenCosineClassifier:
    """The same over FaRL's towers."""
    return zero_shot(task, parts, **dict(ZeroShotFarlOptions(**options)))


def finetune(task: Task, parts: Any, **options: Any) -> LinearClassifier:
    """A backbone, a temporal head and a linear layer, all of which learn; options: `FinetuneOptions`.

    Raises UnknownName, ConfigError or DataError.
    """
    given = FinetuneOptions(**options)
    return LinearClassifier(task, parts, given.backbone, given.temporal)


def linear_probe(task: Task, parts: Any, **options: Any) -> LinearProbe:
    """A linear layer on the pooled features of a frozen backbone, any that has an image tower.

    Options: `LinearProbeOptions`. Raises UnknownName, ConfigError or DataError.
    """
    given = LinearProbeOptions(**options)
    return LinearProbe(task, parts, given.backbone, given.temporal, given.normalize)


def coop(task: Task, parts: Any, **options: Any) -> FrozenCosineClassifier:
    """Pooled frame features against class names with learned words around them; options: `CoOpOptions`.

    A prompt without learned words refuses the options that describe them. Raises UnknownName, ConfigError or
    DataError.
    """
    given = dict(CoOpOptions(**options))
    return compose(FrozenCosineClassifier, task, parts, dict(CoOpOptions()), **given)


def cocoop(task: Task, parts: Any, **options: Any) -> CoCoOp:
    """CoOp with the meta-net, which needs a prompt with learned words; options and errors are CoOp's."""
    given = dict(CoOpOptions(**options))
    return compose(CoCoOp, task, parts, dict(CoOpOptions()), **given)
