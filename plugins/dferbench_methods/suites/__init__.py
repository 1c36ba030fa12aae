"""The tables of the DFER-CLIP paper, and what the field has reported since, as suites."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dferbench import hookimpl

HERE = Path(__file__).parent
SUITES = {
    "table1": "Context words and depth of the temporal model (DFER-CLIP, Table 1).",
    "table2": "A classifier on top, or text instead of one (DFER-CLIP, Table 2).",
    "table3": "What the prompts say (DFER-CLIP, Table 3).",
    "table4": "Where the description stands, and whose the context is (DFER-CLIP, Table 4).",
    "table5": "The state of the art of 2023 (DFER-CLIP, Table 5).",
    "field": "What the field has reported since 2023, next to what runs here.",
}


@hookimpl
def register_suites(register: Callable[..., None]) -> None:
    """Register each file of this folder under its own name."""
    for name, about in SUITES.items():
        register(name, HERE / f"{name}.toml", about=about)
