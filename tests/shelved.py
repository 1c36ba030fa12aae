"""A study as runs leave it, three methods, three folds, three seeds, with predictions; nothing is trained."""

import hashlib

import numpy as np

from dferbench.experiment import record
from dferbench.experiment.record import Epoch, Record
from dferbench.report.predictions import Predicted, counted

CLASSES = ["happiness", "sadness", "neutral"]
METHODS = {"net": 1.0, "frozen": 0.6, "normed": 0.2}
"""Names, and by how much the logit of the truth stands out."""
EPOCHS = 3


def predicted(method, fold, seed, epoch, skill):
    """What a run says of its 30 test videos after an epoch."""
    facts = hashlib.sha256(f"{method} {fold} {seed} {epoch}".encode()).digest()
    rng = np.random.default_rng(list(facts))
    labels = np.arange(30) % 3
    logits = rng.normal(size=(30, 3)).astype(np.float32)
    logits[np.arange(30), labels] += skill * (epoch + 1)
    return Predicted([f"fold{fold}/{i}" for i in range(30)], labels, logits)


def leave(folder, method, fold, seed, skill=0.5, **changes):
    """A finished run in a folder."""
    said = [predicted(method, fold, seed, epoch, skill) for epoch in range(EPOCHS)]
    curve = [
        Epoch(
            stage="train", epoch=place, terms={"ce": 1 / (place + 1)}, learning_rates={".*": 0.1},
            seconds=2.0, confusion=counted(one, 3), top2=30,
        )
        for place, one in enumerate(said)
    ]  # fmt: skip
    stage = {"name": "train", "epochs": EPOCHS, "batch": 8, "optimizer": "adam", "schedule": "cosine",
             "train": {".*": 0.1}}  # fmt: skip
    facts = dict(
        schema=record.SCHEMA, status="done", method=method, origin="plugin", options={"width": 4}, given={},
        recipe={"input": {"frames": 8, "size": 112}, "stages": [stage]}, dataset="faces", dataset_origin="o",
        dataset_options={}, classes=CLASSES, fold=fold, seed=seed, folds=[1, 2, 3],
        config_id=hashlib.sha256(method.encode()).hexdigest()[:8], data=f"{fold:064x}",
        videos={"train": 90, "test": 30}, curve=curve, confusion=curve[-1].confusion, top2=30,
        parameters={"total": int(1e6 * (skill + 1)), "trained": 1000}, seconds=90.0 + seed,
        environment={"device": "cpu", "python": "3.11.7", "packages": {"torch": "2.6.0"}},
    )  # fmt: skip
    one = Record(**(facts | changes))
    folder.mkdir(parents=True)
    last = said[-1]
    np.savez(folder / record.PREDICTIONS, id=np.array(last.ids), label=last.labels, logits=last.logits)
    record.write(one, folder)


def study(folder, methods=METHODS, folds=(1, 2, 3), seeds=(0, 1, 2), **changes):
    """The runs of every method, fold and seed below a folder; gives the folder."""
    for number, (method, skill) in enumerate(methods.items()):
        for fold in folds:
            for seed in seeds:
                leave(folder / f"m{number}" / f"fold{fold}-seed{seed}", method, fold, seed, skill, **changes)
    return folder
