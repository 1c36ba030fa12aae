"""CAER: counts of the lists that others work with."""

from __future__ import annotations

from dferbench.data.official import CLASSES

SEVEN = CLASSES[:7]
COUNTS = {
    "train": (1905, 1028, 3202, 1136, 1093, 500, 358),
    "validation": (272, 146, 457, 162, 157, 71, 51),
    "test": (544, 294, 915, 325, 312, 145, 102),
}
"""Clips of each class in those lists."""
LAYOUTS = ("release",)
