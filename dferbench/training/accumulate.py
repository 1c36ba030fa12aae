"""A batch in parts: their gradients add up to the batch's, and its activations never lie in memory together.

That is exact to rounding where the loss is a mean over videos. It is refused where the loss looks at several
videos at once, and where batch norm takes its statistics from the batch, which a part has not.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NoReturn

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from dferbench.errors import ConfigError
from dferbench.models import Batch, Classifier
from dferbench.models.contract import require_terms
from dferbench.training.across import Share, Team
from dferbench.types import Stage

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class LooksAcross(ConfigError):
    """A loss that looks at several videos at once was to be computed in parts."""


def _refuse(why: str) -> NoReturn:
    raise LooksAcross(
        f"stage.accumulate computes a batch in parts, and {why}",
        "Leave stage.accumulate at 1; --devices shares such a batch among several devices.",
    )


def _no_rows(_: Tensor) -> Tensor:
    _refuse("this method's loss looks at all videos of a batch together")


def _no_draw() -> AbstractContextManager[None]:
    _refuse("this method's loss mixes the videos of a batch")


def pieces(batch: Batch, count: int) -> list[Batch]:
    """The batch in `count` pieces of consecutive videos, or in fewer if it has fewer videos."""
    if count == 1:
        return [batch]
    videos = len(batch.label)
    count = min(count, videos)
    cuts = [videos * n // count for n in range(count + 1)]
    return [_piece(batch, *ends) for ends in pairwise(cuts)]


def _piece(batch: Batch, start: int, stop: int) -> Batch:
    return replace(
        batch,
        x=batch.x[start:stop],
        label=batch.label[start:stop],
        info=batch.info[start:stop],
        target=None if batch.target is None else batch.target[start:stop],
        across=_no_rows,
        together=_no_draw,
    )


def backward(
    model: Classifier, batch: Batch, stage: Stage, fabric: Fabric, team: Team, share: Share
) -> dict[str, Tensor]:
    """Add to the gradients those of the sum of the loss terms, and return the terms. The batch is the `share`
    of this process of the `team`, and the gradients become the means of all of its processes.

    Raises ConfigError for a loss that is not one, and LooksAcross for one that cannot be computed in parts.
    """
    parts = pieces(batch, stage.accumulate)
    means: dict[str, Tensor] = {}
    for piece in parts:
        with fabric.autocast():
            terms = team.loss(model, piece, share)
            require_terms(model, terms)
            total = torch.stack([_wide(term) for term in terms.values()]).sum()
        part = len(piece.label) / len(batch.label)
        weight = share.weight * part
        fabric.backward(total if weight == 1 else total * weight)
        for name, term in terms.items():
            value = term.detach() if part == 1 else term.detach() * part
            means[name] = means[name] + value if name in means else value
    team.average(model)
    return means


def _wide(term: Tensor) -> Tensor:
    """At least float32: a sum in 16 bits would lose the smaller terms."""
    return term.to(torch.promote_types(term.dtype, torch.float32))


def require_parts(model: Classifier, batch: Batch) -> None:
    """Compute the loss of a part once, to see whether it can be. Raises LooksAcross."""
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    hooks = [norm.register_forward_pre_hook(_no_statistics) for norm in norms]
    try:
        with torch.no_grad():
            model.train().loss(_piece(batch, 0, len(batch.label)))
    except LooksAcross:
        raise
    except Exception:
        # Noise may lack what a loss needs, such as captions. If it would look across, its first step tells.
        pass
    finally:
        for hook in hooks:
            hook.remove()


def _no_statistics(module: torch.nn.Module, _: Any) -> None:
    if module.training:
        _refuse("this method's batch norm takes its statistics from the whole batch")
