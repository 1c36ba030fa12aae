"""Further datasets of this field: AFEW 7.0, CREMA-D, RAVDESS and CAER."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from dferbench import Options, hookimpl
from dferbench_datasets.more_data import figures_crema_d, figures_ravdess
from dferbench_datasets.more_data.afew import Afew
from dferbench_datasets.more_data.caer import Caer
from dferbench_datasets.more_data.crema_d import CremaD
from dferbench_datasets.more_data.ravdess import Ravdess


class AfewOptions(Options):
    """Which files of AFEW."""

    variant: str = Field("auto", description="faces, clips, or auto: the aligned faces where there are any.")


class CaerOptions(Options):
    """Which parts of CAER."""

    validation: bool = Field(False, description="Whether to train on the validation part, too.")


class CremaDOptions(Options):
    """Which videos of CREMA-D, and how many folds of actors."""

    variant: str = Field("auto", description="Folder of videos; auto takes VideoFlash first.")
    folds: int = Field(figures_crema_d.FOLDS, description="Number of folds by actor.")


class RavdessOptions(Options):
    """Which takes of RAVDESS, and how many folds of actors."""

    modality: str = Field("auto", description="video, audio-video, or auto: the first that is there.")
    folds: int = Field(figures_ravdess.FOLDS, description="Number of folds by actor.")


@hookimpl
def register_datasets(register: Any) -> None:
    """Offer `afew`, `caer`, `crema-d` and `ravdess`."""
    register("afew", Afew, AfewOptions)
    register("caer", Caer, CaerOptions)
    register("crema-d", CremaD, CremaDOptions)
    register("ravdess", Ravdess, RavdessOptions)
