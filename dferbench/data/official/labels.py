"""The names of expressions: labels are matched by name, never by number."""

from __future__ import annotations

from collections.abc import Callable

Name = Callable[[str], str | None]
"""From a word of a label file to the class that it names; None if it names none."""

CLASSES = (
    "happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear",
    "contempt", "anxiety", "helplessness", "disappointment",
)  # fmt: skip
"""The eleven classes in the order of DFER-CLIP's lists; sets of seven classes have the first seven."""
MAFW_ORDER = (
    "anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise",
    "contempt", "anxiety", "helplessness", "disappointment",
)  # fmt: skip
"""The same in the order of MAFW's own tables: single_label 1 to 11, and the parts of a compound label."""

_ALSO = {
    "happiness": ("happy", "joy", "hap"),
    "sadness": ("sad",),
    "neutral": ("neu", "neutrality"),
    "anger": ("angry", "ang"),
    "surprise": ("surprised", "sur"),
    "disgust": ("disgusted", "dis"),
    "fear": ("fearful", "fea", "scared"),
    "contempt": ("contemptuous",),
    "anxiety": ("anxious",),
    "helplessness": ("helpless",),
    "disappointment": ("disappointed", "disapp"),
}
_NAMES = {name: name for name in CLASSES} | {also: name for name, more in _ALSO.items() for also in more}


def canonical(word: str) -> str | None:
    """The class that a word of a label file or a folder name stands for, in any case; None if it is none."""
    return _NAMES.get(word.strip().lower())
