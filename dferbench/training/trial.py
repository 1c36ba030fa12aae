"""When memory ends in a step or a test: the same for fewer videos, black ones, shows how many would fit."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import torch

from dferbench.models import Batch, Classifier
from dferbench.training.batches import Source, encode
from dferbench.training.room import SMALLER_TRAINING, room_for
from dferbench.types import Stage

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def room_for_steps(
    model: Classifier, source: Source, stage: Stage, fabric: Fabric
) -> AbstractContextManager[None]:
    """Take the steps of a stage in the block. Raises DferbenchError, as `room_for` does, if memory ends."""

    def step(videos: int) -> None:
        if source.team.size > 1:
            raise RuntimeError("a step is one of all processes, and the others take none")
        chosen = source.videos[:videos]
        label = torch.tensor([video.label for video in chosen], device=fabric.device)
        x = encode(model, source.black(len(chosen)), fabric)
        batch = Batch(x, label, [video.info for video in chosen], stage.name, 0.0)
        with fabric.autocast():
            terms = model.train().loss(batch)
        fabric.backward(torch.stack([term.float() for term in terms.values()]).sum())
        model.zero_grad()

    return room_for(stage.batch, fabric.device, step)


def room_for_tests(
    model: Classifier, source: Source, batch: int, fabric: Fabric, way_out: str = SMALLER_TRAINING
) -> AbstractContextManager[None]:
    """Test batches in the block. Raises DferbenchError with the hint `way_out` if memory ends."""

    def test(videos: int) -> None:
        with torch.no_grad(), fabric.autocast():
            model.eval()(encode(model, source.black(videos), fabric))

    return room_for(batch, fabric.device, test, way_out)
