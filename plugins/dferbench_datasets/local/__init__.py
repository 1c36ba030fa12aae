"""Any private dataset without a plugin of its own: `list:` and `folder:`."""

from __future__ import annotations

from typing import Any

from dferbench import hookimpl
from dferbench_datasets.local.folder import Folder
from dferbench_datasets.local.lists import Lists


@hookimpl
def register_datasets(register: Any) -> None:
    """Offer `list` and `folder`."""
    register("list", Lists)
    register("folder", Folder)
