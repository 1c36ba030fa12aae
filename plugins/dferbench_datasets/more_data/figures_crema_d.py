"""CREMA-D: actors, classes and counts."""

from __future__ import annotations

from dferbench.data.official import CLASSES

ACTORS, VIDEOS, FOLDS = 91, 7442, 5
SIX = tuple(name for name in CLASSES[:7] if name != "surprise")
TOTALS = dict(zip(SIX, (1271, 1271, 1087, 1271, 1271, 1271), strict=True))
LAYOUTS = ("release", "faces")
