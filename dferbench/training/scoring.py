"""Testing: the logits of every video of a part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from dferbench import stopping
from dferbench.errors import DataError
from dferbench.models import Classifier
from dferbench.models.contract import require_logits
from dferbench.progress import Progress
from dferbench.training.across import Team
from dferbench.training.batches import Source
from dferbench.training.predictions import GatheredLogits, Predictions
from dferbench.types import Stage

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def batch_of(stages: Sequence[Stage]) -> int:
    """How many videos are tested at a time: as many as a batch of the last stage has."""
    return stages[-1].batch if stages else Stage(train={}, epochs=0).batch


def predict(
    model: Classifier,
    source: Source,
    batch: int,
    classes: int,
    fabric: Fabric,
    progress: Progress,
    way_out: str,
    part: str = "test",
) -> Predictions:
    """The logits of every video that can be read. A prediction never depends on its batch, and of several
    processes each tests some of the batches.

    Raises ConfigError for a model that gives something else, DataError if no video could be read, and, with
    the hint `way_out`, DferbenchError if logits are not finite.
    """
    index: list[int] = []
    logits = GatheredLogits(classes, way_out)
    model.eval()
    mine = source.team.deal(range(len(source)), batch)
    with torch.no_grad(), progress.bar(part, len(mine)) as bar:
        for one in source.batches(model, mine, batch):
            stopping.check()
            with fabric.autocast():
                said = model(one.x)
            require_logits(model, said, len(one.index), classes)
            logits.add(said, [source.videos[i].id for i in one.index])
            index += one.index
            bar.advance(len(one.index))
    index, found = _together(source.team, index, logits.all())
    if len(source) and not index:
        raise DataError(
            f"none of the {len(source)} {part} videos could be read",
            "dferbench data verify says what is wrong.",
        )
    return Predictions(
        [source.videos[i].id for i in index],
        np.array([source.videos[i].label for i in index], dtype=np.int64),
        found.numpy(),
    )


def _together(team: Team, index: list[int], logits: torch.Tensor) -> tuple[list[int], torch.Tensor]:
    """What all processes tested, in the split's order."""
    if team.size == 1:
        return index, logits
    every = team.gather((index, logits))
    places = [i for some, _ in every for i in some]
    assert len(set(places)) == len(places), "a video was tested twice"
    order = sorted(range(len(places)), key=places.__getitem__)
    return [places[n] for n in order], torch.cat([one for _, one in every])[order]
