"""One cell: train stage by stage, test after every epoch, survive a kill between any two instructions."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from dferbench.checkpoints.format import SCHEMA, Header, write_checkpoint
from dferbench.experiment.metrics import uar, war
from dferbench.experiment.plan import Plan, Split
from dferbench.experiment.record import Epoch, Record
from dferbench.progress import Progress
from dferbench.training import resume as states
from dferbench.training.batches import Feed, Source, UnreadableVideos
from dferbench.training.build import Built
from dferbench.training.epoch import train_epoch
from dferbench.training.optimizers import make_optimizer, make_schedule, rates
from dferbench.training.scoring import Predictions, batch_of, predict
from dferbench.types import Stage

CHECKPOINT = "checkpoint.safetensors"


class Cell:
    """The state of one cell in training; `run` takes it from wherever it stands to its end."""

    def __init__(
        self, plan: Plan, built: Built, fabric: Fabric, folder: Path, seed: int, progress: Progress
    ) -> None:
        self.plan, self.built, self.model = plan, built, built.model
        self.fabric, self.folder, self.seed, self.progress = fabric, folder, seed, progress
        self.losses = UnreadableVideos(plan.request.skip_bad)
        self.curve: list[Epoch] = []
        self.predictions: Predictions | None = None

    def run(self, train: Source, test: Source) -> None:
        """Every stage that is not done yet, then the last word on the test videos."""
        saved = states.load(self.folder)
        if saved:
            states.restore(self.model, saved.learned)
            self.curve = saved.curve
            self.losses.skipped |= set(saved.skipped)
            self.progress.say(f"resumed after {len(saved.curve)} epochs")
        for number, stage in enumerate(self.plan.recipe.stages):
            if saved is None or number >= saved.stage:
                self._stage(number, stage, train, test, saved)
        if self.predictions is None:
            self.predictions = self._test(test)

    def _stage(
        self, number: int, stage: Stage, train: Source, test: Source, saved: states.State | None
    ) -> None:
        optimizer = make_optimizer(self.model, stage)
        schedule = make_schedule(optimizer, stage)
        done = 0
        if saved and saved.stage == number:
            optimizer.load_state_dict(saved.optimizer)
            schedule.load_state_dict(saved.schedule)
            done = saved.epochs
        prepared: Any = self.fabric.setup_optimizers(optimizer)
        for epoch in range(done, stage.epochs):
            started, used = time.monotonic(), rates(optimizer)
            draw = (self.seed, len(self.curve), epoch)
            terms = train_epoch(self.model, stage, prepared, train, self.fabric, draw, self.progress)
            schedule.step()
            self.predictions = self._test(test)
            row = Epoch(
                stage=stage.name,
                epoch=epoch,
                terms=terms,
                learning_rates=used,
                seconds=round(time.monotonic() - started, 3),
                confusion=self.predictions.confusion(),
            )
            self.curve.append(row)
            self.progress.say(f"{stage.name} {epoch + 1}/{stage.epochs}: {_said(row)}")
            self._save(number, epoch + 1, optimizer, schedule)

    def _save(self, stage: int, epochs: int, optimizer: torch.optim.Optimizer, schedule: Any) -> None:
        learned = states.learned(self.model, self.built.ever_trained)
        state = states.State(
            stage,
            epochs,
            learned,
            optimizer.state_dict(),
            schedule.state_dict(),
            self.curve,
            sorted(self.losses.skipped),
        )
        states.save(state, self.folder)

    def _test(self, test: Source) -> Predictions:
        batch = batch_of(self.plan.recipe.stages)
        classes = len(self.plan.task.classes)
        return predict(self.model, test, batch, classes, self.fabric, self.progress)


def train_run(
    plan: Plan, built: Built, split: Split, fabric: Fabric, folder: Path, seed: int, progress: Progress
) -> dict[str, Any]:
    """Train and test one cell, write its predictions, and return what the record adds.

    Raises DferbenchError: a bad video (unless skipping was asked for), a full disk, a loss that diverges.
    """
    started = time.monotonic()
    cell = Cell(plan, built, fabric, folder, seed, progress)
    feed = Feed(plan, built.decoder, built.pipeline, fabric, cell.losses, progress, built.seen)
    with feed.open(split.train, training=True, seed=seed) as train, feed.open(split.test) as test:
        cell.run(train, test)
    assert cell.predictions is not None
    cell.predictions.save(folder)
    return {
        "curve": cell.curve,
        "confusion": cell.predictions.confusion(),
        "decoders": dict(cell.losses.decoders),
        "skipped": sorted(cell.losses.skipped),
        "seconds": round(sum(row.seconds for row in cell.curve) or time.monotonic() - started, 3),
    }


def save_learned(built: Built, record: Record, folder: Path) -> None:
    """Write the checkpoint of a cell: what learned, and in its header what it takes to build the rest again.

    Raises DferbenchError if it cannot be written.
    """
    header = Header(
        schema=SCHEMA,
        method=record.method,
        options=record.options,
        classes=record.classes,
        input=record.recipe["input"],
        precision=record.recipe["precision"],
        holds="learned",
        dataset=record.dataset,
        fold=record.fold,
        seed=record.seed,
        config_id=record.config_id,
        weights=record.weights,
        caveats=list(record.caveats),
    )
    write_checkpoint(folder / CHECKPOINT, states.learned(built.model, built.ever_trained), header)


def _said(row: Epoch) -> str:
    """An epoch in words: its loss terms and its test result in percent."""
    terms = " ".join(f"{name} {value:.3f}" for name, value in row.terms.items())
    return f"{terms}, test UAR {uar(row.confusion):.2f} WAR {war(row.confusion):.2f}"
