"""Taking over what the authors' code saved: width and classes are read off its shapes."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from dferbench import Converted, Task
from dferbench_methods.layers.official import agreed, name_classes, need, renamed
from dferbench_methods.layers.snippet_files import CLASSES, LAST, in_file
from dferbench_methods.layers.snippets import SnippetTransformer

METHOD = "EST"
FRAMES, SIZE = 35, 224
"""What the released code takes; no tensor depends on it."""


def convert(state: dict[str, Tensor], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """The checkpoint in our terms; see `dferbench.Method.convert`."""
    read = {"width": len(need(state, "conv1.weight", 4, METHOD))}
    count = len(need(state, f"{LAST}weight", 2, METHOD))
    names, about_names = name_classes(count, classes, CLASSES, "DFEW, alphabetically")
    return renamed(
        state,
        lambda: SnippetTransformer(Task("", names, FRAMES, SIZE), scale=0.0, **read),
        in_file,
        METHOD,
        options=agreed(read, given),
        classes=names,
        notes=(about_names,),
    )
