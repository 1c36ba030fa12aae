"""The official figures of MAFW: videos of each class in each list, and list hashes."""

from __future__ import annotations

from dferbench.data.official import CLASSES, MAFW_ORDER, Part, Protocol

CODES = {str(number): name for number, name in enumerate(MAFW_ORDER, 1)}
TOTALS = (1242, 1470, 1138, 1390, 1072, 639, 625, 236, 916, 262, 182)
TEST = {
    1: (249, 294, 228, 278, 215, 128, 125, 48, 184, 53, 37),
    2: (249, 294, 228, 278, 215, 128, 125, 47, 183, 53, 37),
    3: (248, 294, 228, 278, 214, 128, 125, 47, 183, 52, 36),
    4: (248, 294, 227, 278, 214, 128, 125, 47, 183, 52, 36),
    5: (248, 294, 227, 278, 214, 127, 125, 47, 183, 52, 36),
}
"""In the order of CLASSES. Everything that is not in a fold's test part is in its training part."""
HASHES = {
    "train": {
        1: "b3ef6105ff516ff5",
        2: "b1ee9f7cf9516cd4",
        3: "62c71e4a81566f17",
        4: "e29f6c0b95fd3aee",
        5: "066c539fbb12dc8d",
    },
    "test": {
        1: "1deb46d67eb4051d",
        2: "05846564910777a2",
        3: "5e3c59246f985fcf",
        4: "1ea0c8f5b31c6b34",
        5: "6043c38d221160ba",
    },
}
_TRAIN = {fold: tuple(a - b for a, b in zip(TOTALS, counts, strict=True)) for fold, counts in TEST.items()}
PROTOCOL = Protocol(
    CLASSES,
    {
        (fold, split): Part(counts, HASHES[split][fold])
        for split, lists in (("train", _TRAIN), ("test", TEST))
        for fold, counts in lists.items()
    },
)
CLIPS = 10045
"""Clips of the release; 9,172 of them have a single label."""

COMPOUNDS = {
    "anger_anxiety": None,
    "anger_disgust": 883,
    "anger_disgust_anxiety": None,
    "anger_disgust_contempt": None,
    "anger_helplessness": None,
    "anger_sadness": None,
    "anger_surprise": None,
    "anxiety_helplessness": 156,
    "anxiety_helplessness_disappointment": None,
    "disgust_anxiety": 131,
    "disgust_anxiety_helplessness": None,
    "disgust_contempt": 208,
    "disgust_disappointment": None,
    "disgust_helplessness": None,
    "disgust_helplessness_disappointment": None,
    "disgust_sadness": None,
    "disgust_surprise": None,
    "fear_anxiety": 218,
    "fear_sadness": None,
    "fear_sadness_anxiety": None,
    "fear_surprise": 392,
    "fear_surprise_anxiety": None,
    "happiness_contempt": None,
    "happiness_surprise": 206,
    "helplessness_disappointment": None,
    "sadness_anxiety": 185,
    "sadness_anxiety_helplessness": None,
    "sadness_disappointment": None,
    "sadness_helplessness": 542,
    "sadness_helplessness_disappointment": None,
    "sadness_surprise": None,
    "surprise_anxiety": 232,
}
"""The 32 compound labels by name, and their numbers of clips where a public description gives them.

The names are those in the published code of T-ESFL (the dataset's own method); 4,058 clips have one of them.
"""
SINGLES = {
    "happiness": 1075, "sadness": 610, "neutral": 1138, "anger": 425, "surprise": 497, "disgust": 310,
    "fear": None, "contempt": None, "anxiety": 408, "helplessness": None, "disappointment": None,
}  # fmt: skip
"""The same for the labels of the 4,938 clips of the compound set that show one expression alone."""
COMPOUND_SIZES = {1: (7178, 1818), 2: (7187, 1809), 3: (7198, 1798), 4: (7208, 1788), 5: (7213, 1783)}
COMPOUND_PROTOCOL = Protocol(
    (*SINGLES, *COMPOUNDS),
    {
        (fold, split): Part(size=size)
        for fold, sizes in COMPOUND_SIZES.items()
        for split, size in zip(("train", "test"), sizes, strict=True)
    },
)
LABELS, SINGLE, TEXTS = "Labels", "single-set.xlsx", "descriptive_text.xlsx"
"""The folder of labels, and its workbooks of single labels and of captions."""
