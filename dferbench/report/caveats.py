"""What the caveats of a result mean."""

from __future__ import annotations

KNOWN = {
    "trial": ("«", "a trial of dferbench tune: tested on the validation videos by which settings are chosen"),
    "synthetic": ("*", "faces drawn by a program: says nothing about real faces"),
    "limited": ("†", "only part of the videos was used (--limit): a trial"),
    "random weights": ("‡", "a backbone started from random weights"),
    "incomplete": ("§", "videos that could not be read were left out"),
    "uncommitted code": ("¶", "the code differed from its last commit"),
    "own split": ("#", "the videos were divided into train and test by the user's own lists"),
    "partial data": ("°", "the copy lacks videos of the official protocol"),
    "shuffled frames": ("~", "the frames of test videos were shuffled, to measure what their order is worth"),
    "another input": ("¤", "the model was tested with another input than its authors' (--set input.*)"),
    "unknown training data": (
        "¿",
        "the checkpoint may have been trained on the test videos (import --trained-on)",
    ),
    "re-encoded": ("^", "frames were compressed again when the videos were packed or cropped"),
    "mixed code": ("※", "folds, seeds or epochs of this row were made by different versions of the code"),
    "outside predictions": (
        "◊",
        "made elsewhere and scored here (dferbench score): nobody can run them again here",
    ),
    "not re-scored": (
        "¬",
        "dferbench verify found no predictions from which the number can be counted again",
    ),
    "not official": (
        "‖",
        "the videos, labels or folds are not those of the official protocol, nor merely fewer",
    ),
    "shared classes": ("⁂", "only the videos of those classes were tested that the model knows, too"),
    "votes as targets": ("⁘", "trained on the annotators' votes, where published numbers train on labels"),
    "stressed": ("⁑", "the test videos were corrupted on purpose, to measure robustness"),
}
"""Per caveat the sign that points to it in texts, and what it means."""


def symbol(caveat: str) -> str:
    """The sign that stands for a caveat in a text; "?" for one that a dataset invents."""
    return KNOWN[caveat][0] if caveat in KNOWN else "?"


def meaning(caveat: str) -> str:
    """A caveat and what it means, in one line; caveats that a dataset invents explain themselves."""
    return f"{caveat}: {KNOWN[caveat][1] if caveat in KNOWN else 'stated by the dataset'}"
