"""DFEW (Jiang et al., ACM MM 2020): film clips, seven expressions, five folds."""

from __future__ import annotations

from typing import Any

from dferbench import hookimpl
from dferbench_datasets.dfew.dfew import Dfew


@hookimpl
def register_datasets(register: Any) -> None:
    """Offer `dfew`."""
    register("dfew", Dfew)
