"""Testing a checkpoint on test videos that are made worse: one reading of each, one record a corruption.

The records are of ordinary runs, whose configuration is that of the clean test with the corruption, so that
what is finished is recognised; their caveat keeps them from ranking.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dferbench import stopping
from dferbench.checkpoints.read import Checkpoint
from dferbench.checkpoints.restore import Opened
from dferbench.data.ahead import ahead
from dferbench.data.loader import Loaded, VideoLoader
from dferbench.data.normalize import to_float
from dferbench.data.stress.corruptions import Stress
from dferbench.data.stress.frames import StressedFrames, Version
from dferbench.errors import DataError, DferbenchError
from dferbench.experiment.plan import Plan, Split
from dferbench.experiment.record import Record
from dferbench.experiment.record_caveats import STRESSED
from dferbench.files import digest
from dferbench.machine.cores import readers
from dferbench.models.contract import require_logits
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog
from dferbench.runner.evaluate import DIVERGED, Tester, prepare
from dferbench.runner.runs import do_runs
from dferbench.training.batches import encode
from dferbench.training.predictions import GatheredLogits, Predictions
from dferbench.training.room import ELSEWHERE, room_for
from dferbench.training.scoring import batch_of


@dataclass(frozen=True)
class Pass:
    """What one reading of a fold's test videos gave: the predictions for each version, the readers of the
    videos, the ids of those that could not be read, and how long it took."""

    said: Mapping[Version, Predictions]
    decoders: Mapping[str, int]
    skipped: Sequence[str]
    seconds: float


@dataclass
class Pending:
    """The tests to do: all versions of a fold are tested when the first of them is asked for."""

    ready: Tester
    opened: Opened
    computed: Mapping[str, Any]
    wanted: Mapping[int, Sequence[Version]]
    """Per fold the versions that have no finished record."""
    passes: dict[int, Pass] = field(default_factory=dict)

    def work(self, version: Version, draft: Record, split: Split, folder: Path) -> dict[str, Any]:
        """Write the predictions for one version, and return what its record adds."""
        done = self._pass(draft.fold, split)
        said = done.said[version].only(self.ready.columns)
        said.save(folder)
        return self.ready.said(self.opened, self.computed) | {
            "confusion": said.confusion(),
            "top2": said.top2(),
            "decoders": dict(done.decoders),
            "skipped": list(done.skipped),
            "seconds": round(done.seconds / len(done.said), 3),
        }

    def _pass(self, fold: int, split: Split) -> Pass:
        if fold not in self.passes:
            self.passes[fold] = read_once(self.ready, self.opened, split, self.wanted[fold])
        return self.passes[fold]


def measure_stressed(
    plan: Plan, checkpoint: Checkpoint, wanted: Sequence[Stress], catalog: Catalog, progress: Progress
) -> list[tuple[Version, list[Record]]]:
    """Test the checkpoint on the videos as they are and in each wanted corruption; the records of each.

    Each video is read once, for all versions without a finished record. Raises ConfigError or DataError for
    what can be known before the first video, and the error of the first test that fails.
    """
    ready = prepare(plan, checkpoint, catalog, progress)
    plans: dict[Version, Plan] = {None: plan, **{one: plan_of(plan, one) for one in wanted}}
    missing = [(version, fold) for version, one in plans.items() for fold, _ in one.unfinished]
    progress.say(f"{len(missing)} of {len(plans) * len(plan.runs)} tests are to do")
    folds = {fold: [version for version, its in missing if its == fold] for fold in plan.folds}
    tests = Pending(ready, *ready.open(), folds) if missing else None
    return [(version, _recorded(ready, one, version, tests)) for version, one in plans.items()]


APART = "stress"
"""Below the folder of the runs: thirty-three tests of each checkpoint would bury the runs themselves."""


def plan_of(plan: Plan, stress: Stress) -> Plan:
    """The plan of the same tests on corrupted videos. What the corruption is given is part of its id."""
    request = replace(plan.request, output=plan.request.output / APART)
    return replace(plan, request=request, config_id=digest([plan.config_id, stress.name, stress.value])[:8])


def _recorded(ready: Tester, plan: Plan, version: Version, tests: Pending | None) -> list[Record]:
    """The records of one version. Raises the error of one that failed: the others would fail alike."""

    def work(draft: Record, split: Split, folder: Path) -> dict[str, Any]:
        if tests is None:
            raise DataError("a record is gone since the tests began", "Give the same command again.")
        return tests.work(version, draft, split, folder)

    # Of thirty-four versions each would say a line a fold.
    records = do_runs(plan, ready.splits, ready.fabric, Progress(), work, _facts(ready, version))
    failed = next((one for one in records if one.status != "done"), None)
    if failed is not None:
        error = DferbenchError(*failed.error.split("\n", 1))
        error.exit_code = failed.exit_code
        raise error
    return records


def _facts(ready: Tester, version: Version) -> dict[str, Any]:
    given, facts = ready.given, ready.checkpoint.facts
    if version is None:
        return {"given": given, "checkpoint": facts}
    caveats = [*facts["caveats"], STRESSED]
    stress = {"corruption": version.corruption.name, "severity": version.severity, "value": version.value}
    return {
        "given": {**given, "stress": version.name},
        "checkpoint": {**facts, "caveats": caveats, "stress": stress},
    }


def read_once(ready: Tester, opened: Opened, split: Split, versions: Sequence[Version]) -> Pass:
    """Read each test video once and predict all versions of it; what is held is a few videos' versions.

    Raises VideoError for a video that cannot be read, unless it may be skipped, DataError if none could be,
    and DferbenchError if memory ends or logits are not finite.
    """
    started, videos, count = time.monotonic(), split.test, len(versions)
    logits, good = GatheredLogits(len(opened.classes), DIVERGED), list[int]()
    decoders, skipped = Counter[str](), list[str]()
    for place, loaded in enumerate(_loaded(ready, videos, versions)):
        stopping.check()
        if loaded.failures:
            if not ready.plan.request.skip_bad:
                raise loaded.failures[0].error
            skipped.append(videos[place].id)
            continue
        logits.add(_predicted(ready, opened, loaded), [videos[place].id] * count)
        decoders.update(list(loaded.decoders))
        good.append(place)
    if not good:
        raise DataError(
            f"none of the {len(videos)} test videos could be read",
            "dferbench data verify says what is wrong.",
        )
    ids, labels = [videos[i].id for i in good], np.array([videos[i].label for i in good], np.int64)
    each = logits.all().reshape(len(good), count, -1).numpy()
    said = {one: Predictions(ids, labels, each[:, k]) for k, one in enumerate(versions)}
    return Pass(said, decoders, sorted(skipped), time.monotonic() - started)


def _loaded(ready: Tester, videos: Sequence[Any], versions: Sequence[Version]) -> Iterator[Loaded]:
    """A batch a video, of all its versions, with the processes that read them."""
    count = len(versions)
    loader = VideoLoader(
        videos,
        ready.pipeline,
        training=False,
        seed=0,
        workers=readers(ready.plan.request.workers, len(videos), 1),
        decoder=ready.decoder,
        made=partial(_frames, videos, ready, versions),
    )
    batches = [range(count * place, count * (place + 1)) for place in range(len(videos))]
    try:
        with ready.progress.bar("test", len(videos)) as bar, loader.watched():
            for loaded in ahead(loader.planned(batches), ready.fabric.device):
                yield loaded
                bar.advance()
    finally:
        loader.close()


def _frames(
    videos: Sequence[Any], ready: Tester, versions: Sequence[Version], decoder: Any
) -> StressedFrames:
    return StressedFrames(videos, ready.pipeline, versions, decoder)


def _predicted(ready: Tester, opened: Opened, loaded: Loaded) -> Tensor:
    """The logits of all versions of a video, no more of them at a time than a batch of a test has."""
    frames, fabric, model = loaded.frames, ready.fabric, opened.model
    assert isinstance(frames, Tensor)
    batch = batch_of(opened.method.value.recipe.stages)

    def predict(some: Tensor) -> Tensor:
        with torch.no_grad(), fabric.autocast():
            said: Tensor = model(encode(model, to_float(some, opened.input.normalize, fabric.device), fabric))
        require_logits(model, said, len(some), len(opened.classes))
        return said

    with room_for(batch, fabric.device, lambda videos: predict(frames[:videos]), ELSEWHERE):
        return torch.cat([predict(some) for some in torch.split(frames, batch)])
