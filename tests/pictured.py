"""Records as runs leave them, with curves and predictions, for what draws them; nothing is trained."""

import numpy as np

from dferbench.experiment import record
from dferbench.experiment.record import Epoch, Record
from dferbench.report.predictions import Predicted, counted

CLASSES = ["happy", "sad", "angry"]


def predicted(seed, right, videos=30, classes=3):
    """Logits by which about the share `right` of the videos is recognised."""
    rng = np.random.default_rng(seed)
    labels = np.arange(videos) % classes
    logits = rng.normal(size=(videos, classes)).astype(np.float32)
    logits[np.arange(videos), labels] += np.where(rng.random(videos) < right, 4, -4)
    return Predicted([f"v{i}" for i in range(videos)], labels, logits)


def made(method="m", fold=1, seed=0, right=0.6, epochs=3, classes=CLASSES, **changes):
    """A finished run of some epochs, and what the last of them predicted."""
    size, start = len(classes), 100 * fold + 10 * seed
    said = [predicted(start + e, right * (e + 1) / epochs, 30, size) for e in range(epochs)]
    matrices = [counted(one, size) for one in said]
    curve = [
        Epoch(
            stage="train", epoch=e, terms={"ce": 1.5 / (e + 1) + fold / 10},
            learning_rates={".*": 0.1 / (e + 1)}, seconds=1.0, confusion=matrix, top2=30,
        )
        for e, matrix in enumerate(matrices)
    ]  # fmt: skip
    facts = {
        "schema": record.SCHEMA, "status": "done", "method": method, "origin": "o", "options": {},
        "given": {}, "recipe": {}, "dataset": "faces", "dataset_origin": "o", "dataset_options": {},
        "classes": classes, "fold": fold, "seed": seed, "config_id": f"id-{method}"[:50], "data": "x",
        "videos": {"train": 60, "test": 30},
        "curve": curve, "confusion": matrices[-1], "top2": 30, "folds": [1, 2], "seconds": 90.0,
        "parameters": {"total": 2_000_000, "trained": 1000}, "environment": {"device": "cpu"},
    }  # fmt: skip
    return record.measured(Record(**{**facts, **changes})), said[-1]


def leave(folder, **changes):
    """The same in a folder of its own below, with its curve and predictions; gives the folder."""
    one, said = made(**changes)
    place = folder / f"{one.config_id}-fold{one.fold}-seed{one.seed}"
    record.write(one, place)
    np.savez(place / "predictions.npz", id=np.array(said.ids), label=said.labels, logits=said.logits)
    return place
