"""Distributed datasets as they lie on a disk, and how to read them: for dataset plugins. No torch."""

from dferbench.data.decoders.endings import IMAGES, VIDEOS
from dferbench.data.official.codes import Codes
from dferbench.data.official.drawing import (
    lengths,
    scaled,
    shuffled_labels,
    write_frames,
    write_table,
    write_video,
)
from dferbench.data.official.labels import CLASSES, MAFW_ORDER, canonical
from dferbench.data.official.lists import (
    ListRow,
    last_parts,
    listed,
    read_lines,
    read_rows,
    read_table,
    read_text,
    separator_of,
    shown,
)
from dferbench.data.official.lookup import find_lists, own_lists, read_folds, require_all
from dferbench.data.official.protocol import Folds, Part, Protocol, Rows, list_hash, tally
from dferbench.data.official.release import OFFICIAL, OWN, RULE, Copy, Release, exceeds, nothing_found
from dferbench.data.official.split import blocks, by_rule, in_turn
from dferbench.data.official.tree import count_images, descend, entries, find_folder, index, only

__all__ = [
    "CLASSES",
    "IMAGES",
    "MAFW_ORDER",
    "OFFICIAL",
    "OWN",
    "RULE",
    "VIDEOS",
    "Codes",
    "Copy",
    "Folds",
    "ListRow",
    "Part",
    "Protocol",
    "Release",
    "Rows",
    "blocks",
    "by_rule",
    "canonical",
    "count_images",
    "descend",
    "entries",
    "exceeds",
    "find_folder",
    "find_lists",
    "in_turn",
    "index",
    "last_parts",
    "lengths",
    "list_hash",
    "listed",
    "nothing_found",
    "only",
    "own_lists",
    "read_folds",
    "read_lines",
    "read_rows",
    "read_table",
    "read_text",
    "require_all",
    "scaled",
    "separator_of",
    "shown",
    "shuffled_labels",
    "tally",
    "write_frames",
    "write_table",
    "write_video",
]
