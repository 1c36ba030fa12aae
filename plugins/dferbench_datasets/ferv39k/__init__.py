"""FERV39k (Wang et al., CVPR 2022): clips of 22 scenes, seven expressions, one fixed split."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from dferbench import Options, hookimpl
from dferbench_datasets.ferv39k.ferv39k import Ferv39k


class Ferv39kOptions(Options):
    """Which copy, scenes and lists of FERV39k."""

    variant: str = Field(
        "auto",
        description="Folder of videos to use; auto takes face crops first, then videos, then whole frames.",
    )
    scene: str = Field("", description="Scenes to keep, such as 'Action, War'; empty for all 22.")
    lists: str = Field(
        "", description="Folder of your own train and test lists; empty for the official folds."
    )
    codes: str = Field("", description="What numeric labels in lists mean, such as '1=happiness, 2=sadness'.")


@hookimpl
def register_datasets(register: Any) -> None:
    """Offer `ferv39k`."""
    register("ferv39k", Ferv39k, Ferv39kOptions)
