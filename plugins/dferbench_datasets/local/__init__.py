"""Any private dataset without a plugin of its own: `list:` and `folder:`."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from dferbench import Options, hookimpl
from dferbench_datasets.local.folder import Folder
from dferbench_datasets.local.lists import Lists


class ListOptions(Options):
    """Which lists name the videos, and how they are read."""

    path: str = Field("", description="Folder of lists, or one of the two lists of a single split.")
    train: str = Field("", description="Training list, if the two are named one by one.")
    test: str = Field("", description="Test list, if the two are named one by one.")
    classes: str = Field("", description="Names of numeric labels in order, such as 'anger,joy'.")
    codes: str = Field("", description="Names of numeric labels one by one, such as '3=anger, 5=joy'.")
    base: int | str | None = Field(None, description="Whether numeric labels count from 0 or from 1.")
    prefix: str = Field("", description="What is cut off the beginning of every path in the lists.")
    links: bool = Field(False, description="Whether symbolic links may lead out of the folder.")


class FolderOptions(Options):
    """Where the class folders or the CSV are, and how videos are divided."""

    path: str = Field("", description="Folder with one folder of videos per class.")
    csv: str = Field("", description="Table with the columns video, label and perhaps fold, split or group.")
    folds: int = Field(
        5, description="Number of folds where nothing says how to divide the videos, 2 to 100."
    )
    split: str = Field("auto", description="folders: train and test must exist; folds: join them; auto.")
    classes: str = Field("", description="Names of numeric labels of the CSV in order, such as 'anger,joy'.")
    codes: str = Field("", description="Classes of labels or folders one by one, such as '3=anger, Joy=joy'.")
    base: int | str | None = Field(None, description="Whether numeric labels count from 0 or from 1.")
    links: bool = Field(False, description="Whether symbolic links may lead out of the folder.")


@hookimpl
def register_datasets(register: Any) -> None:
    """Offer `list` and `folder`."""
    register("list", Lists, ListOptions)
    register("folder", Folder, FolderOptions)
