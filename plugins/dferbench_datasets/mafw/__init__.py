"""MAFW (Liu et al., ACM MM 2022): eleven single expressions, or 43 single and compound ones; five folds."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from dferbench import Options, hookimpl
from dferbench_datasets.mafw.compound import MafwCompound
from dferbench_datasets.mafw.mafw import Mafw


class MafwOptions(Options):
    """Which copy and lists of MAFW, and whether captions come along."""

    variant: str = Field(
        "auto",
        description="Folder of videos to use; auto takes face crops first, then frames, then videos.",
    )
    lists: str = Field(
        "", description="Folder of your own train and test lists; empty for the official folds."
    )
    codes: str = Field("", description="What numeric labels in lists mean, such as '1=happiness, 2=sadness'.")
    captions: bool = Field(False, description="Whether each clip's caption is given to methods that use it.")


@hookimpl
def register_datasets(register: Any) -> None:
    """Offer `mafw` and `mafw-compound`."""
    register("mafw", Mafw, MafwOptions)
    register("mafw-compound", MafwCompound, MafwOptions)
