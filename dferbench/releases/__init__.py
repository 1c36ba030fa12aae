"""Distributed datasets as they lie on a disk, and how to read them: for dataset plugins. No torch."""

from dferbench.releases.codes import Codes
from dferbench.releases.labels import CLASSES, MAFW_ORDER, canonical
from dferbench.releases.lookup import find_lists, own_lists, read_folds, require_all
from dferbench.releases.protocol import Part, Protocol, list_hash
from dferbench.releases.release import OFFICIAL, OWN, RULE, Copy, Release, nothing_found
from dferbench.releases.split import blocks, by_rule, in_turn

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
