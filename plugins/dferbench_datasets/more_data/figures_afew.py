"""AFEW: counts, and the folders of the release."""

from __future__ import annotations

from dferbench.data.official import CLASSES, Part, Protocol

SEVEN = CLASSES[:7]
PROTOCOL = Protocol(
    SEVEN,
    {
        (1, "train"): Part((150, 117, 144, 133, 74, 74, 81)),
        (1, "test"): Part((63, 61, 63, 64, 46, 40, 46)),
    },
)
SIDES = {"train": ("Train_AFEW", "Train"), "test": ("Val_AFEW", "Val", "Validation")}
FACES = ("AlignedFaces_LBPTOP_Points", "AlignedFaces_LBPTOP_Points_Val", "Faces")
LAYOUTS = ("clips", "faces")
