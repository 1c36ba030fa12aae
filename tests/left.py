"""Finished runs as a training leaves them, written without one."""

import numpy as np
from conftest import TOY

from dferbench.experiment import record
from dferbench.experiment.plan import Request, make_plan, read_splits
from dferbench.experiment.recipe import stated
from dferbench.experiment.record import Epoch, Record
from dferbench.experiment.result_files import named_files
from dferbench.progress import Progress
from dferbench.registry.catalog import discover
from dferbench.training.epoch_logits import EpochLogits
from dferbench.training.predictions import Predictions

EPOCHS = 3


def plan_of(root, output, catalog=None, **request):
    given = {"folds": (1,), **request}
    return make_plan(Request("toy-net", "toy", root=root, output=output, **given), catalog or discover([TOY]))


def said(videos, epoch, seed):
    """Logits as a model's after an epoch; the second epoch is the best, the last is not."""
    rng = np.random.default_rng([seed, epoch])
    logits = rng.normal(size=(len(videos), 3)).astype(np.float32)
    labels = np.array([one.label for one in videos])
    right = rng.random(len(videos)) < (0.9 if epoch == 1 else 0.5)
    logits[right, labels[right]] = logits[right].max(1) + 1
    return Predictions([one.id for one in videos], labels, logits)


def leave(plan, fold=1, seed=0, keep_all=False, model=0, **changes):
    """The files of one run, with a result that `model` decides; gives its folder."""
    split = read_splits(plan, Progress())[fold]
    folder = plan.folder(fold, seed)
    folder.mkdir(parents=True)
    epochs = [said(split.test, epoch, model) for epoch in range(EPOCHS)]
    curve = [
        Epoch(
            stage="train", epoch=n, terms={}, learning_rates={}, seconds=1.0,
            confusion=one.confusion(), top2=one.top2(),
        )
        for n, one in enumerate(epochs)
    ]  # fmt: skip
    epochs[-1].save(folder)
    if keep_all:
        kept = EpochLogits(True, split.test, 3)
        for one in epochs:
            kept.add(one)
        kept.save(folder)
    facts = dict(
        schema=record.SCHEMA, status="done", method="toy-net", origin="toy", options=plan.options, given={},
        recipe=stated(plan.recipe), dataset="toy", dataset_origin="toy", dataset_options={},
        classes=list(plan.task.classes), fold=fold, seed=seed, config_id=plan.config_id,
        data=split.fingerprint, videos={"train": len(split.train), "test": len(split.test)}, curve=curve,
        confusion=curve[-1].confusion, top2=curve[-1].top2, folds=[1, 2], files=named_files(folder),
    )  # fmt: skip
    record.write(Record(**(facts | changes)), folder)
    return folder


def rewrite(folder, **changes):
    """The record with other facts, its metrics made to agree: what a careful forger does."""
    one = record.read_whole(folder / record.NAME)
    record.write(one.model_copy(update=changes), folder)


def perfect(confusion):
    return [[sum(row) if i == k else 0 for k in range(len(row))] for i, row in enumerate(confusion)]


def forge_result(folder):
    """A perfect matrix after the last epoch, in the record and in its curve."""
    one = record.read_whole(folder / record.NAME)
    matrix = perfect(one.confusion)
    end = one.curve[-1].model_copy(update={"confusion": matrix, "top2": one.videos["test"]})
    rewrite(folder, confusion=matrix, top2=one.videos["test"], curve=[*one.curve[:-1], end])


def forge_best(folder):
    """A perfect matrix at an epoch that nobody kept, and an honest last one."""
    one = record.read_whole(folder / record.NAME)
    best = one.curve[1].model_copy(update={"confusion": perfect(one.confusion), "top2": one.videos["test"]})
    rewrite(folder, curve=[one.curve[0], best, one.curve[2]])


def forge_predictions(folder, ids=None, labels=None):
    """Predictions that give the perfect matrix, or are of other ids or labels, and a record of them."""
    with np.load(folder / record.PREDICTIONS) as file:
        old = {name: file[name] for name in file}
    ids = old["id"].tolist() if ids is None else ids
    labels = old["label"] if labels is None else np.array(labels)
    made = Predictions(ids, labels, np.eye(3, dtype=np.float32)[labels])
    made.save(folder)
    one = record.read_whole(folder / record.NAME)
    end = one.curve[-1].model_copy(update={"confusion": made.confusion(), "top2": made.top2()})
    before = [row.model_copy(update={"confusion": made.confusion(), "top2": None}) for row in one.curve[:-1]]
    rewrite(
        folder, confusion=made.confusion(), top2=made.top2(), files=named_files(folder), curve=[*before, end]
    )
