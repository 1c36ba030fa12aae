"""The videos of a run as each of its processes reads them: shares of batches, and features in turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import distributed

from dferbench.data.ahead import ahead
from dferbench.data.loader import Loaded, VideoLoader
from dferbench.feature_cache.cache import FeatureTable
from dferbench.training.across import Share, Team


def shares(
    team: Team,
    loader: VideoLoader,
    device: torch.device,
    batches: Sequence[Sequence[int]],
    epoch: int,
    known: set[int],
    skip: bool,
) -> Iterator[tuple[Loaded, Share]]:
    """Every batch as far as this process has it. `known` are videos that cannot be read, which
    grow; with `skip` the rest of a batch is shared anew when one more of them cannot.

    Batches of which no video can be read come with nothing loaded, on every process.
    """
    left = [[i for i in one if i not in known] for one in batches]
    own = [[one[place] for place in team.share(len(one)).mine] for one in left]
    # A batch of which nothing is left is asked for by nobody, and yet has its number.
    asked = ahead(loader.planned([one for one in own if one], epoch), device)
    for rest in left:
        loaded = next(asked) if rest else loader.read([], epoch)
        if skip:
            lost = {f.index for some in team.gather(loaded.failures) for f in some}
            known |= lost
            rest = [i for i in rest if i not in lost]
            if lost:
                again = loader.read([rest[place] for place in team.share(len(rest)).mine], epoch)
                loaded = replace(again, failures=loaded.failures)
        yield loaded, team.share(len(rest))


def exchange(team: Team, table: FeatureTable, mine: Sequence[int]) -> None:
    """Give every process the rows of the table that each has in `mine`."""
    have = [i for i in mine if i in table]
    shape = next((one for one in team.gather(_shape(table, have)) if one), None)
    if shape is None:
        return
    for rank, index in enumerate(team.gather(have)):
        if not index:
            continue
        rows = table.take(index) if rank == team.rank else torch.empty(len(index), *shape[0], dtype=shape[1])
        distributed.broadcast(rows.contiguous(), rank)
        if rank != team.rank:
            for i, row in zip(index, rows, strict=True):
                table.put(i, row)


def _shape(table: FeatureTable, have: Sequence[int]) -> tuple[torch.Size, torch.dtype] | None:
    """Of one video's features, if there are any."""
    if not have:
        return None
    one = table.take(have[:1])[0]
    return one.shape, one.dtype
