"""What a record states of a curve that is not read: the epochs that rules pick, and what was held out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from dferbench.experiment import selection
from dferbench.experiment.curve import Epoch
from dferbench.experiment.record_fields import Count, Matrix
from dferbench.experiment.validation import LARGEST


class Selected(BaseModel):
    """What the model did on the test videos after the epoch that a selection rule picks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epoch: Count
    """Counted from 0 over the whole run."""
    confusion: Matrix
    """Of the test videos after that epoch; rows are the truth."""
    top2: Count | None = None
    """How many of them had their class among the two with the highest logits."""


class SelectedByValidation(Selected):
    """The same of the epoch that is best on the validation videos, and what the model did on these."""

    validation: Matrix
    """Of the validation videos after that epoch; rows are the truth."""
    validation_top2: Count | None = None
    """How many of these had their class among the two with the highest logits."""


class HeldOut(BaseModel):
    """What was held out of the training videos to choose epochs by."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    share: Annotated[float, Field(gt=0, le=LARGEST)]
    """The fraction of them that was asked for."""
    patience: Annotated[int, Field(ge=1)] | None = None
    """A stage ended after so many epochs without a better validation result; None if none could."""
    groups: Count
    """How many groups (actors, source films, sessions) were held out; 0 where the dataset knows none."""
    data: str
    """Fingerprint of the ids and labels."""


def picked_of(curve: Sequence[Epoch], held: HeldOut | None) -> dict[str, Any]:
    """The fields `best_on_test` and `val` of the record of a curve; None where there is no such epoch."""
    found: dict[str, Any] = {"best_on_test": None, "val": None}
    if curve:
        place = selection.best_on_test(curve)
        found["best_on_test"] = Selected(epoch=place, **_of_tests(curve[place]))
    if curve and held is not None:
        place = selection.best_on_validation(curve)
        row = curve[place]
        assert row.validation is not None
        found["val"] = SelectedByValidation(
            epoch=place,
            validation=row.validation,
            validation_top2=row.validation_top2,
            **_of_tests(row),
        )
    return found


def _of_tests(row: Epoch) -> dict[str, Any]:
    return {"confusion": row.confusion, "top2": row.top2}
