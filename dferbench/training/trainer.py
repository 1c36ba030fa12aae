"""Training: one run of a method on one fold with one seed. Reads from top to bottom.

`train_run` opens the videos and makes a `Trainer`, which trains stage by stage and epoch by epoch, tests
after every epoch, and has its state saved, so that a run that was killed resumes to the same bits.
`train_step` is one optimizer step. Nothing in an epoch waits for the disk or, step by step, for the device.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from dferbench import stopping
from dferbench.data.decoders import Decoder
from dferbench.data.pipeline import Pipeline
from dferbench.errors import DferbenchError
from dferbench.experiment.metrics import said
from dferbench.experiment.plan import Plan, Split
from dferbench.experiment.record import Epoch, Record
from dferbench.experiment.selection import ended_early
from dferbench.machine.seeds import permutation
from dferbench.models import Batch, Classifier
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog
from dferbench.training import resume
from dferbench.training.accumulate import backward
from dferbench.training.across import ALONE, Share, Team
from dferbench.training.after_epoch import PartPredictions, TestedParts, opened
from dferbench.training.batches import Feed, Source, UnreadableVideos
from dferbench.training.epoch_logits import EpochLogits
from dferbench.training.finite import require_finite_parameters
from dferbench.training.losses import Losses
from dferbench.training.observer import Observers, result_of
from dferbench.training.optimizers import learning_rates, make_optimizer, set_learning_rates
from dferbench.training.saving import StateWriter
from dferbench.training.schedules import Schedule, make_schedule, steps_per_epoch
from dferbench.training.trial import room_for_steps
from dferbench.types import Stage

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(frozen=True)
class Built:
    """A model on its device with what reads its videos, and what the record says about it."""

    model: Classifier
    decoder: Decoder
    pipeline: Pipeline
    ever_trained: set[str]
    """Names of the parameters that any stage trains."""
    parameters: dict[str, int]
    weights: dict[str, dict[str, Any]]
    seen: dict[str, Any]
    """What `encode`'s output depends on, so that it is cached on disk; empty if it is not."""


@dataclass(frozen=True)
class RunContext:
    """What a run needs besides its plan and its model."""

    catalog: Catalog
    fabric: Fabric
    progress: Progress
    observers: Observers
    team: Team = ALONE


def train_run(
    plan: Plan, built: Built, split: Split, draft: Record, folder: Path, context: RunContext
) -> dict[str, Any]:
    """Train and test one run, write its predictions to `folder`, and return what its record adds to `draft`.

    Raises DferbenchError for a video that cannot be read (unless --skip-bad), a full disk, losses, parameters
    or logits that are not finite, and a device without enough memory.
    """
    started = time.monotonic()
    unreadable = UnreadableVideos(plan.request.skip_bad)
    team = context.team
    feed = Feed(
        plan, built.decoder, built.pipeline, context.fabric, unreadable, context.progress, built.seen, team
    )
    with feed.open(split.train, training=True, seed=draft.seed) as train, opened(feed, split) as tests:
        train.targets = split.targets
        trainer = Trainer(plan, built, folder, draft, train, tests, context)
        predicted = trainer.run()
    decoders = sum(team.gather(unreadable.decoders), Counter[str]())
    if team.leads:
        predicted.save(folder)
        trainer.kept.save(folder)
    return {
        "curve": trainer.curve,
        "confusion": predicted.test.confusion(),
        "top2": predicted.test.top2(),
        "decoders": dict(decoders),
        "skipped": sorted(unreadable.skipped),
        "seconds": round(sum(row.seconds for row in trainer.curve) or time.monotonic() - started, 3),
    }


class Trainer:
    """One run in training; `run` takes it from its last saved state to its end."""

    def __init__(
        self,
        plan: Plan,
        built: Built,
        folder: Path,
        draft: Record,
        train: Source,
        tests: TestedParts,
        context: RunContext,
    ) -> None:
        self.plan, self.built, self.model = plan, built, built.model
        self.stages, self.seed = plan.recipe.stages, draft.seed
        self.folder, self.draft, self.train, self.tests = folder, draft, train, tests
        self.catalog, self.fabric = context.catalog, context.fabric
        self.progress, self.observers, self.team = context.progress, context.observers, context.team
        self.team.prepare(self.model)
        self.unreadable = train.unreadable
        self.curve: list[Epoch] = []
        self.states = StateWriter(
            self._write, self.observers.checkpoint_saved, minutes=plan.request.save_every
        )

    def run(self) -> PartPredictions:
        """Train every stage that is not done yet; return the predictions at the end."""
        saved = self._resume()
        wanted, before = self.plan.request.keep_predictions == "all", saved.predictions if saved else None
        classes, done = len(self.plan.task.classes), len(self.curve)
        self.kept = EpochLogits(wanted, self.tests.videos, classes, before, done)
        self.observers.run_started(self.draft, self.folder, len(self.curve), self._steps())
        predicted = None
        with self.states:
            for number in range(saved.stage if saved else 0, len(self.stages)):
                in_stage = saved if saved and saved.stage == number else None
                predicted = self._train_stage(number, in_stage) or predicted
        return predicted or self._test_again()

    def _test_again(self) -> PartPredictions:
        """The predictions of a run that was stopped behind its last epoch, or has none. On another machine
        they may differ in a video, and the curve ends with those that are kept."""
        predicted = self.tests.of(self.model)
        if self.curve:
            self.curve[-1] = self.curve[-1].model_copy(update=predicted.counts)
        self.kept.again(predicted.test)
        return predicted

    def _train_stage(self, number: int, saved: resume.State | None) -> PartPredictions | None:
        """Train the epochs of a stage that are not done yet, testing after each; None if all are done."""
        stage, predicted = self.stages[number], None
        optimizer = make_optimizer(self.model, stage, self.catalog, self.plan.recipe.compute.fused)
        schedule = make_schedule(stage, steps_per_epoch(len(self.train), stage), self.catalog)
        if saved:
            optimizer.load_state_dict(saved.optimizer)
        prepared: Any = self.fabric.setup_optimizers(optimizer)
        for epoch in range(saved.epochs if saved else 0, stage.epochs):
            stopping.check()
            if ended_early(self.curve, epoch, self.plan.request.patience):
                self.progress.say(f"{stage.name} ends early, after {epoch} of {stage.epochs} epochs")
                break
            started = time.monotonic()
            with room_for_steps(self.model, self.train, stage, self.fabric):
                losses = self._train_epoch(stage, epoch, prepared, schedule)
            require_finite_parameters(self.model, self.built.ever_trained)
            predicted = self.tests.of(self.model)
            row = Epoch(
                stage=stage.name,
                epoch=epoch,
                terms=losses,
                learning_rates=learning_rates(optimizer),
                seconds=round(time.monotonic() - started, 3),
                **predicted.counts,
            )
            self.kept.add(predicted.test)
            self._report(row, stage)
            if self.team.leads:
                self.states.offer(self._state(number, epoch + 1, optimizer))
        return predicted

    def _train_epoch(
        self,
        stage: Stage,
        epoch: int,
        optimizer: torch.optim.Optimizer,
        schedule: Schedule,
    ) -> dict[str, float]:
        """Train one epoch and return the mean of each loss term over its videos."""
        self.team.begin_epoch(self.seed, len(self.curve))
        order = permutation(len(self.train), self.seed, "order", len(self.curve))
        steps = steps_per_epoch(len(order), stage)
        losses = Losses(f"epoch {epoch + 1} of stage '{stage.name}'")
        with self.progress.bar(f"{stage.name} {epoch + 1}/{stage.epochs}", len(order)) as bar:
            for step, (batch, share) in enumerate(self._batches(stage, epoch, order)):
                stopping.check()
                set_learning_rates(optimizer, schedule, epoch, epoch * steps + step)
                terms = train_step(self.model.train(), batch, optimizer, stage, self.fabric, self.team, share)
                losses.add(terms, share.videos)
                bar.advance(share.size, **losses.facts)
                self.states.look()
            losses.read()
            bar.advance(0, **losses.facts)
        if not losses.videos:
            raise DferbenchError(
                f"stage '{stage.name}': no batch of {stage.batch} could be filled from {len(order)} videos",
                "Use --set stage.batch=N, no more than the videos that can be read.",
            )
        return self.team.means(losses.totals, losses.videos)

    def _batches(self, stage: Stage, epoch: int, order: list[int]) -> Iterator[tuple[Batch, Share]]:
        """The batches of an epoch as a method's `loss` takes them, and which part of each this is."""
        steps, done = max(steps_per_epoch(len(order), stage), 1), len(self.curve)
        encoded = self.train.batches(self.model, order, stage.batch, done, stage.drop_last, shared=True)
        for step, one in enumerate(encoded):
            info = [self.train.videos[i].info for i in one.index]
            share, now = one.share or Share(len(one.index)), epoch + step / steps
            across, together = share.across, self.team.together
            yield Batch(one.x, one.label, info, stage.name, now, one.target, across, together), share

    def _report(self, row: Epoch, stage: Stage) -> None:
        """Add a finished epoch to the curve and tell the user and the observers."""
        self.curve.append(row)
        terms = " ".join(f"{name} {value:.3f}" for name, value in row.terms.items())
        place = f"{row.stage} {row.epoch + 1}/{stage.epochs}"
        held = "" if row.held is None else f"validation {said(row.held)}, "
        self.progress.say(f"{place}: {terms}, {held}test {said(row.counts)}")
        self.observers.epoch_done(result_of(row, self.plan.metrics, len(self.curve), self._steps()))

    def _steps(self) -> int:
        """Optimizer steps of the epochs that are done; a stage begins where epochs are counted anew."""
        begun = (stage for stage in self.stages if stage.epochs)
        steps, each = 0, 0
        for row in self.curve:
            each = steps_per_epoch(len(self.train), next(begun)) if row.epoch == 0 else each
            steps += each
        return steps

    def _state(self, stage: int, epochs: int, optimizer: torch.optim.Optimizer) -> resume.State:
        """A copy of all that is to be saved, for what it is made of changes with the next step."""
        learned, steps = resume.learned(self.model, self.built.ever_trained), optimizer.state_dict()
        skipped = sorted(self.unreadable.skipped)
        said = self.kept.together()
        return resume.State(
            stage, epochs, resume.copied(learned), resume.copied(steps), list(self.curve), skipped, said
        )

    def _write(self, state: resume.State) -> Path:
        return resume.save(state, self.folder, resume.owner_of(self.draft))

    def _resume(self) -> resume.State | None:
        """Put the saved state back, if there is one; its optimizer is for the stage that it belongs to."""
        saved = resume.load(self.folder, resume.owner_of(self.draft))
        if saved:
            resume.restore(self.model, saved.learned)
            self.curve = saved.curve
            self.unreadable.skipped |= set(saved.skipped)
            self.progress.say(f"resumed after {len(saved.curve)} epochs")
        return saved


def train_step(
    model: Classifier,
    batch: Batch,
    optimizer: torch.optim.Optimizer,
    stage: Stage,
    fabric: Fabric,
    team: Team = ALONE,
    share: Share | None = None,
) -> dict[str, Tensor]:
    """One optimizer step on the sum of the method's loss terms, which it returns; with several processes
    in the `team`, `share` says which part of a batch this is.

    Raises ConfigError for a loss that is not one.
    """
    optimizer.zero_grad()
    terms = backward(model, batch, stage, fabric, team, share or Share(len(batch.label)))
    if stage.clip_grad is not None:
        fabric.clip_gradients(model, optimizer, max_norm=stage.clip_grad, error_if_nonfinite=False)
    optimizer.step()
    return terms
