"""FERV39k (Wang et al., CVPR 2022): clips of 22 scenes, seven expressions, one fixed split."""

from __future__ import annotations

from typing import Any

from dferbench import hookimpl
from dferbench_datasets.ferv39k.ferv39k import Ferv39k


@hookimpl
def register_datasets(register: Any) -> None:
    """Offer `ferv39k`."""
    register("ferv39k", Ferv39k)
