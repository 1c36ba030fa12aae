"""Further datasets of this field: AFEW 7.0, CREMA-D, RAVDESS and CAER."""

from __future__ import annotations

from typing import Any

from dferbench import hookimpl
from dferbench_datasets.more_data.afew import Afew
from dferbench_datasets.more_data.caer import Caer
from dferbench_datasets.more_data.crema_d import CremaD
from dferbench_datasets.more_data.ravdess import Ravdess


@hookimpl
def register_datasets(register: Any) -> None:
    """Offer `afew`, `caer`, `crema-d` and `ravdess`."""
    register("afew", Afew)
    register("caer", Caer)
    register("crema-d", CremaD)
    register("ravdess", Ravdess)
