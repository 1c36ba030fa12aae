"""The official figures of DFEW's single-labelled set: videos of each class in each list, and list hashes."""

from __future__ import annotations

from dferbench.data.official import CLASSES, Part, Protocol

SEVEN = CLASSES[:7]
TRAIN = {
    1: (1956, 1515, 2135, 1738, 1175, 116, 721),
    2: (1956, 1515, 2135, 1738, 1175, 116, 721),
    3: (1956, 1515, 2135, 1738, 1175, 116, 722),
    4: (1956, 1515, 2135, 1739, 1175, 116, 722),
    5: (1956, 1516, 2136, 1739, 1176, 116, 722),
}
TEST = {
    1: (489, 379, 534, 435, 294, 29, 181),
    2: (489, 379, 534, 435, 294, 29, 181),
    3: (489, 379, 534, 435, 294, 29, 180),
    4: (489, 379, 534, 434, 294, 29, 180),
    5: (489, 378, 533, 434, 293, 29, 180),
}
HASHES = {
    "train": {
        1: "234d1b8ec30189a9",
        2: "33682c089ea3b22e",
        3: "503236b40c94a061",
        4: "96310e5325ad553e",
        5: "a2923b2064e831c7",
    },
    "test": {
        1: "20a51803a939d6d6",
        2: "a51df19a32044be9",
        3: "534cbef84a250460",
        4: "d9b338611f987bfc",
        5: "1b19dd5b2270e48a",
    },
}
PROTOCOL = Protocol(
    SEVEN,
    {
        (fold, split): Part(counts, HASHES[split][fold])
        for split, lists in (("train", TRAIN), ("test", TEST))
        for fold, counts in lists.items()
    },
)
CLIPS, FACES, LABELLED_FRAMES = 16372, 15906, 901_703
"""Video files of the release, its face folders, and the images in those of the single-labelled clips."""
SHORT = {
    "04561": 11, "01254": 12, "08038": 12, "12651": 12, "14027": 13, "01515": 14, "03349": 14, "06737": 14,
    "10855": 14, "01705": 15, "08372": 15, "10842": 15, "11408": 15, "14433": 15,
}  # fmt: skip
"""The single-labelled clips with fewer than 16 face images, and how many they have."""
CODES = dict(zip("1234567", SEVEN, strict=True))
"""The release's readme: 1 happy, 2 sad, 3 neutral, 4 angry, 5 surprise, 6 disgust, 7 fear."""
VOTES = ("1happy", "2sad", "3neutral", "4angry", "5surprise", "6disgust", "7fear")
"""The columns of annotation.xlsx with the numbers of votes, in the order of the classes."""
LAYOUTS = ("faces", "flat", "16f", "original", "repository")
