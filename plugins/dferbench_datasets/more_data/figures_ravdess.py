"""RAVDESS: actors, classes and codes."""

from __future__ import annotations

from dferbench.data.official import CLASSES

ACTORS, FOLDS = 24, 6
EIGHT = (*CLASSES[:7], "calm")
CODES = dict(
    zip(
        ("01", "02", "03", "04", "05", "06", "07", "08"),
        ("neutral", "calm", "happiness", "sadness", "anger", "fear", "disgust", "surprise"),
        strict=True,
    )
)
MODALITIES = {"video": "02", "audio-video": "01"}
"""The same takes twice: without and with sound. The first that is there is used."""
LAYOUTS = ("release", "faces")
