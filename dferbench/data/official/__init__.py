"""Distributed datasets as they lie on a disk, and how to read them: for dataset plugins. No torch."""

from dferbench.data.official.codes import Codes
from dferbench.data.official.labels import CLASSES, MAFW_ORDER, canonical
from dferbench.data.official.lookup import find_lists, own_lists, read_folds, require_all
from dferbench.data.official.protocol import Part, Protocol, list_hash
from dferbench.data.official.release import OFFICIAL, OWN, RULE, Copy, Release, nothing_found
from dferbench.data.official.split import blocks, by_rule, in_turn

__all__ = [
    "CLASSES",
    "MAFW_ORDER",
    "OFFICIAL",
    "OWN",
    "RULE",
    "Codes",
    "Copy",
    "Part",
    "Protocol",
    "Release",
    "blocks",
    "by_rule",
    "canonical",
    "find_lists",
    "in_turn",
    "list_hash",
    "nothing_found",
    "own_lists",
    "read_folds",
    "require_all",
]
