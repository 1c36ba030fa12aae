"""MAFW (Liu et al., ACM MM 2022): eleven single expressions, or 43 single and compound ones; five folds."""

from __future__ import annotations

from typing import Any

from dferbench import hookimpl
from dferbench_datasets.mafw.compound import MafwCompound
from dferbench_datasets.mafw.mafw import Mafw


@hookimpl
def register_datasets(register: Any) -> None:
    """Offer `mafw` and `mafw-compound`."""
    register("mafw", Mafw)
    register("mafw-compound", MafwCompound)
