"""What the tests of the MAFW test files share: labels, lists, roots, and what is read of them."""

import json

import numpy as np

from dferbench.data.official import CLASSES
from dferbench.registry.catalog import discover

# The datasets card, section 3.
OFFICIAL_ORDER = (
    "anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise", "contempt", "anxiety",
    "helplessness", "disappointment",
)  # fmt: skip
TOTALS = dict(zip(CLASSES, (1242, 1470, 1138, 1390, 1072, 639, 625, 236, 916, 262, 182), strict=True))
SCALE = 0.001
RUN = ("--set", "backbone=clip-tiny", "--workers", "0")


def paint(name, seed, frames):
    """A flat grey that tells the (first) class and moves with time."""
    level = 20 + 18 * CLASSES.index(name.split("_")[0])
    return np.stack([np.full((32, 32, 3), level + t % 6, np.uint8) for t in range(frames)])


def get(name):
    return discover().get("datasets", name).value


def full_set(totals=TOTALS):
    """All labelled clips: any ids will do, for the rule looks only at their order."""
    rng = np.random.default_rng(1)
    ids = np.sort(rng.choice(np.arange(19, 20099), sum(totals.values()), replace=False))
    labels = rng.permutation([name for name, count in totals.items() for _ in range(count)])
    return {f"{i:05d}": str(label) for i, label in zip(ids, labels, strict=True)}


def write_lists(folder, folds, line, pattern="set_{f}/{s}.txt"):
    for fold, parts in folds.items():
        for split, rows in parts.items():
            path = folder / pattern.format(f=fold, s=split)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(line(name, label) for name, label in rows.items()))


def with_one_clip(root, folder="data/faces"):
    (root / folder / "00019").mkdir(parents=True)
    return root


def rows(dataset, root, fold=1, split="test"):
    return {video.id: dataset.classes[video.label] for video in dataset.videos(root, fold, split)}


def all_rows(dataset, root):
    return {**rows(dataset, root, 1, "train"), **rows(dataset, root, 1, "test")}


def problems(dataset, root):
    return [(f.level, f.what) for f in dataset.findings(root) if f.level != "info"]


def errors(run, name):
    """How many errors verify finds below R; it exits with 0 if there are none."""
    return json.loads(run("data", "verify", name, "--root", "R", "--json", check=0).stdout)["errors"]
