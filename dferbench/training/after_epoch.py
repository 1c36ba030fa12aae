"""What is predicted after an epoch: the validation videos, where some are held out, and the test videos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dferbench.experiment.plan import Plan, Split
from dferbench.experiment.record import VALIDATION
from dferbench.models import Classifier
from dferbench.progress import Progress
from dferbench.training.batches import Feed, Source
from dferbench.training.finite import way_out_of
from dferbench.training.predictions import Predictions
from dferbench.training.scoring import batch_of, predict
from dferbench.training.trial import room_for_tests

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(frozen=True)
class PartPredictions:
    """The predictions of one model for both parts; `validation` is None where nothing is held out."""

    test: Predictions
    validation: Predictions | None = None

    @property
    def counts(self) -> dict[str, Any]:
        """What a row of the curve states of them."""
        found: dict[str, Any] = {"confusion": self.test.confusion(), "top2": self.test.top2()}
        if self.validation is not None:
            found |= {"validation": self.validation.confusion(), "validation_top2": self.validation.top2()}
        return found

    def save(self, folder: Path) -> None:
        """Write `predictions.npz`, and `validation.npz` in the same form."""
        self.test.save(folder)
        if self.validation is not None:
            self.validation.save(folder, VALIDATION)


@dataclass(frozen=True)
class TestedParts:
    """The videos that a model is tested on after each epoch; they are opened and predicted alike."""

    plan: Plan
    fabric: Fabric
    progress: Progress
    parts: Sequence[tuple[str, Source]]
    """"validation", where there is such a part, and "test"; in a trial the first stands for both."""

    def of(self, model: Classifier) -> PartPredictions:
        """The model's predictions. Raises as `predict` does, and DferbenchError if memory ends."""
        found = {name: self._predict(model, name, source) for name, source in self.parts}
        held = found.get("validation")
        return PartPredictions(found.get("test") or found["validation"], held)

    def _predict(self, model: Classifier, name: str, source: Source) -> Predictions:
        stages, classes = self.plan.recipe.stages, len(self.plan.task.classes)
        batch, way_out = batch_of(stages), way_out_of(stages, self.plan.recipe.precision)
        with room_for_tests(model, source, batch, self.fabric):
            found = predict(model, source, batch, classes, self.fabric, self.progress, way_out, name)
        unreadable = source.unreadable.skipped
        unreadable.update(*source.team.gather(unreadable))
        return found


@contextmanager
def opened(feed: Feed, split: Split) -> Iterator[TestedParts]:
    """The parts of a split that are tested, with the processes that read them."""
    wanted = (
        {"test": split.test} if split.held is None else {"validation": split.validation, "test": split.test}
    )
    if feed.plan.request.trial:
        del wanted["test"]
    with ExitStack() as stack:
        parts = [(name, stack.enter_context(feed.open(videos))) for name, videos in wanted.items()]
        yield TestedParts(feed.plan, feed.fabric, feed.progress, parts)
