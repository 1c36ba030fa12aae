"""From videos to tensors: which frames, how they are read, how they are changed, how they travel.

What plugins need beyond the nouns: for datasets, for augmentations of their own, and for methods that mix
videos themselves; `dferbench.data.official` reads datasets as they are distributed. numpy is imported with
the first name that needs it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from dferbench.data.marks import DRAWN, mark_drawn
from dferbench.data.ranges import require_count, require_number, require_probability, require_range
from dferbench.places import cache_folder, is_made
from dferbench.progress import Progress
from dferbench.types import FindFace, Paint

if TYPE_CHECKING:
    from dferbench.data.augment import Brightness, Crop, Mirror, Turn
    from dferbench.data.mixing import blend, paste

__all__ = [
    "DRAWN",
    "Brightness",
    "Crop",
    "FindFace",
    "Mirror",
    "Paint",
    "Progress",
    "Turn",
    "blend",
    "cache_folder",
    "is_made",
    "mark_drawn",
    "paste",
    "require_count",
    "require_number",
    "require_probability",
    "require_range",
]
_LAZY = {name: "augment" for name in ("Brightness", "Crop", "Mirror", "Turn")}
_LAZY |= {name: "mixing" for name in ("blend", "paste")}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
