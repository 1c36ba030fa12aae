"""DFEW (Jiang et al., ACM MM 2020): film clips, seven expressions, five folds."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from dferbench import Options, hookimpl
from dferbench_datasets.dfew.dfew import Dfew


class DfewOptions(Options):
    """Which copy and which lists of DFEW."""

    variant: str = Field(
        "auto",
        description="Folder of videos to use; auto takes full-length face crops first.",
    )
    lists: str = Field(
        "", description="Folder of your own train and test lists; empty for the official folds."
    )
    codes: str = Field("", description="What numeric labels in lists mean, such as '1=happiness, 2=sadness'.")


@hookimpl
def register_datasets(register: Any) -> None:
    """Offer `dfew`."""
    register("dfew", Dfew, DfewOptions)
