"""The official figures of FERV39k: how many clips each scene has of each emotion, and what follows from it.

Below `<scene>/<emotion>/` the clips are numbered 0000 to n - 1, and the first ceil(n / 5) of them are the
test part. So the whole official split follows from the table of group sizes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from dferbench.data.official import CLASSES, Part, Protocol, list_hash

SEVEN = CLASSES[:7]
EMOTIONS = ("Happy", "Sad", "Neutral", "Angry", "Surprise", "Disgust", "Fear")
"""The folders of emotions, in the order of the classes."""
GROUPS = {
    "Action": (346, 68, 204, 54, 61, 38, 33),
    "Argue": (703, 260, 590, 734, 203, 94, 71),
    "Business": (349, 293, 507, 228, 203, 165, 31),
    "Conflict": (261, 459, 435, 741, 219, 233, 143),
    "Contest": (634, 463, 596, 253, 221, 138, 95),
    "Crime": (244, 416, 523, 254, 158, 143, 133),
    "Crisis": (240, 289, 465, 196, 133, 55, 116),
    "DailyLife": (483, 501, 461, 640, 85, 31, 138),
    "ElegantArt": (176, 353, 276, 227, 87, 70, 53),
    "Experiment": (170, 11, 269, 40, 36, 10, 20),
    "History": (305, 906, 530, 495, 164, 85, 205),
    "Interview": (682, 291, 604, 302, 92, 91, 37),
    "Liveshow": (269, 110, 375, 147, 102, 110, 18),
    "Medicine": (68, 161, 206, 98, 51, 36, 72),
    "OfficialEvent": (348, 108, 413, 349, 98, 85, 22),
    "ScholarReport": (524, 235, 507, 326, 157, 145, 120),
    "School": (127, 403, 365, 528, 249, 177, 163),
    "Social": (148, 96, 416, 191, 111, 131, 28),
    "Speech": (339, 232, 521, 320, 160, 152, 110),
    "Talkshow": (479, 189, 484, 237, 206, 90, 51),
    "Terror": (148, 472, 458, 395, 184, 110, 332),
    "War": (284, 600, 543, 638, 160, 111, 120),
}
"""Scenes to the numbers of clips, in the order of EMOTIONS."""
HASHES = {"train": "9e908d77e4d9a83f", "test": "d37163086520f024"}
CLIPS = 38935
FRAMES = {"train": 870_587, "test": 220_046}
FEWEST, MOST, SHORT = 8, 47, 4070
"""The fewest and the most frames of a clip, and how many clips have fewer than 16."""


def tested(clips: int) -> int:
    """How many clips of a group are its test part: the first fifth, rounded up."""
    return -(-clips // 5)


def members(scenes: Iterable[str], split: str) -> Iterator[tuple[str, str]]:
    """The ids and class names of one part of the official split, as the table of groups gives them."""
    for scene in scenes:
        for emotion, label, clips in zip(EMOTIONS, SEVEN, GROUPS[scene], strict=True):
            border = tested(clips)
            numbers = range(border) if split == "test" else range(border, clips)
            yield from ((f"{scene}/{emotion}/{number:04d}", label) for number in numbers)


def protocol_of(scenes: Sequence[str]) -> Protocol:
    """The protocol of some scenes: counts, and the hashes of their lists."""
    parts = {}
    for split in ("train", "test"):
        groups = [GROUPS[scene] for scene in scenes]
        tests = [[tested(clips) for clips in group] for group in groups]
        trains = [[n - t for n, t in zip(*both, strict=True)] for both in zip(groups, tests, strict=True)]
        counts = tuple(map(sum, zip(*(tests if split == "test" else trains), strict=True)))
        parts[1, split] = Part(counts, list_hash(dict(members(scenes, split))))
    return Protocol(SEVEN, parts)


PROTOCOL = Protocol(
    SEVEN,
    {
        (1, "train"): Part((5854, 5523, 7790, 5906, 2502, 1833, 1680), HASHES["train"]),
        (1, "test"): Part((1473, 1393, 1958, 1487, 638, 467, 431), HASHES["test"]),
    },
)
SETUPS, ALL = "4_setups", "All_scenes"
VARIANTS = ("2_ClipsforFaceCrop", "0_7_LabelClips", "3_ClipsforScenImages")
"""Folders of clips: cropped faces, video files, whole frames; "Scen" is the authors' spelling."""
LAYOUTS = ("faces", "nested", "FERV39K", "videos", "no-lists")
