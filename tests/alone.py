"""Cells of any method, as small as they can be: in this process, or each in a process of its own."""

import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from conftest import TOY

DATA = "synthetic(videos=35, size=64, light=1.0)"
VIDEOS = 2
"""As many are trained on, in one batch, and as many tested."""


def train(name, root, output, folds, workers=0):
    """Train the method for one step a stage on each fold; gives the folders of the cells."""
    from dferbench.experiment.plan import Request, make_plan
    from dferbench.progress import Progress
    from dferbench.registry.catalog import discover
    from dferbench.runner.run import run

    catalog = discover([TOY])
    method = catalog.get("methods", name).value
    stages = method.recipe_for.get("synthetic", method.recipe).stages
    one_step = {"stage.epochs": "1", "stage.batch": str(VIDEOS)} if stages else {}
    given = {"folds": folds, "root": root, "limit": VIDEOS, "output": output, "workers": workers}
    plan = make_plan(Request(name, DATA, sets=one_step, device="cpu", **given), catalog)
    for record in run(plan, catalog, Progress()):
        assert record.status == "done", record.error
    return [plan.folder(fold, 0) for fold in folds]


def predictions(folder):
    """Ids, labels and logits of a cell, as the bytes of the file."""
    return (folder / "predictions.npz").read_bytes()


class Nursery:
    """A process that imported what a run needs and does nothing else; each cell runs in a fork of it.

    That is a process of its own for every cell, without the seconds that importing torch takes.
    """

    def __enter__(self):
        self._pool = ProcessPoolExecutor(1, get_context("spawn"), _import)
        return self

    def __exit__(self, *_):
        self._pool.shutdown()

    def predictions(self, *cell):
        """What `train` of one fold predicts where it is all that its process does."""
        return self._pool.submit(_fork, cell).result()


def _import():
    import open_clip  # noqa: F401
    import torchmetrics.functional.classification  # noqa: F401

    import dferbench.runner.run  # noqa: F401


def _fork(cell):
    with ProcessPoolExecutor(1, get_context("fork")) as pool:
        return pool.submit(_alone, *cell).result()


def _alone(name, root, output, fold, workers):
    os.environ["DFERBENCH_FEATURES_GB"] = "0"  # nothing remembered by others either
    (folder,) = train(name, root, output, (fold,), workers)
    found = predictions(folder)
    shutil.rmtree(output)
    return found
