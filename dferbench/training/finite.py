"""What training made must be numbers: loss terms, parameters and logits that are not end the run.

The largest of logits that are NaN is the first, so a run that diverged would have a score, and even rank
first where most videos are of that class.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from dferbench.errors import DferbenchError
from dferbench.types import Stage

LOWER = "Use lower learning rates, --set \"stage.train={'.*': 0.001}\"."


def require_finite_loss(name: str, value: float, when: str) -> None:
    """Raises DferbenchError, with the step that it came from, if a loss term is not finite."""
    if not math.isfinite(value):
        raise DferbenchError(f"the loss term '{name}' became {value} in {when}", LOWER)


def require_finite_parameters(model: nn.Module, trained: Iterable[str]) -> None:
    """Raises DferbenchError, naming the first, if parameters that are trained are not finite."""
    parameters = dict(model.named_parameters())
    names = sorted(set(trained) & parameters.keys())
    if not names:
        return
    finite = torch.stack([parameters[name].isfinite().all() for name in names]).tolist()
    if not all(finite):
        name = names[finite.index(False)]
        raise DferbenchError(f"the parameter '{name}' became {_odd(parameters[name])} in training", LOWER)


def require_finite_logits(logits: Tensor, ids: Sequence[str], way_out: str) -> None:
    """Raises DferbenchError if the logits (N, C) of videos are not finite, naming the first of the `ids`."""
    finite = logits.isfinite().all(1).tolist()
    if not all(finite):
        at = finite.index(False)
        raise DferbenchError(f"the logits of video '{ids[at]}' are {_odd(logits[at])}", way_out)


def way_out_of(stages: Sequence[Stage], precision: str) -> str:
    """What to do about logits of a run that are not finite."""
    if precision == "fp16":
        return "Use --precision bf16 or fp32: what fp16 can hold ends at 65504."
    if any(stage.epochs for stage in stages):
        return LOWER
    return "Nothing was trained: look at the weights that it was built with, and at its plugin."


def _odd(values: Tensor) -> float:
    """The first that is not finite."""
    return float(values.detach().flatten()[~values.detach().flatten().isfinite()][0])
