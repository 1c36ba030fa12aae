"""What a method predicts depends on no neighbour in the batch, no number of workers or processes.

All methods there are, a step into their training, so that what only training leaves behind counts too.
"""

import json
import shutil

import numpy as np
import pytest
from alone import DATA, VIDEOS, Nursery, predictions, train
from conftest import TOY

from dferbench.progress import Progress
from dferbench.registry.catalog import discover
from dferbench.registry.datasets import make_dataset

CATALOG = discover([TOY])
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=sorted(CATALOG.entries["methods"]))
def method(request):
    return request.param


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Drawn faces, and a memory for what frozen parts make of them that no earlier session filled."""
    folder = tmp_path_factory.mktemp("independence")
    make_dataset(DATA, CATALOG).dataset.prepare(folder / "data", Progress())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DFERBENCH_CACHE", str(folder / "cache"))
        yield folder / "data"


@pytest.fixture(scope="module")
def cells(method, root, tmp_path_factory):
    """Folds 1 and 2, trained one after the other in this process, as other methods were before."""
    output = tmp_path_factory.mktemp("cells")
    yield train(method, root, output, (1, 2))
    shutil.rmtree(output)


@pytest.fixture(scope="module")
def nursery():
    with Nursery() as nursery:
        yield nursery


def centred(logits):
    return logits - logits.mean(1, keepdims=True)


def test_neighbours_do_not_matter(cells, root, in_process):
    """Each video alone gets the logits that it gets next to others, up to sums in another order."""
    tested = np.load(cells[0] / "predictions.npz")
    together = centred(tested["logits"].astype(float))
    files = [root / "videos" / f"{name}.mp4" for name in tested["id"]]
    command = ["--plugin", TOY, "predict", "--device", "cpu", "--json", "-q"]
    done = in_process(*command, "-c", cells[0] / "checkpoint.safetensors", *files, check=0)
    found = json.loads(done.stdout)
    alone = [[video["probabilities"][name] for name in found["classes"]] for video in found["videos"]]
    alone = centred(np.log(alone))
    # What tells videos apart is the measure: nets that have learned little say nearly the same of all.
    between = np.ptp(together, axis=0).max()
    assert between > 1e-4, "the videos are all the same to it, so that this shows nothing"
    np.testing.assert_allclose(alone, together, rtol=0, atol=between / 300)
    assert (alone.argmax(1) == together.argmax(1)).all()


def test_workers_do_not_matter(cells, root, in_process, tmp_path):
    """The trained model, built again and tested through two workers, gives the same bits."""
    command = ["--plugin", TOY, "evaluate", "-d", DATA, "--root", root, "--limit", VIDEOS, "--device", "cpu"]
    changed = ["-c", cells[0] / "checkpoint.safetensors", "--workers", 2, "-o", tmp_path / "again", "-q"]
    in_process(*command, *changed, check=0, env={"DFERBENCH_FEATURES_GB": "0"})
    (again,) = (tmp_path / "again").rglob("predictions.npz")
    assert predictions(again.parent) == predictions(cells[0])


@pytest.mark.heavy
def test_processes_do_not_matter(method, cells, root, nursery, tmp_path):
    """A fold gives the same bits after others and in a process of its own, which trains through workers."""
    alone = nursery.predictions(method, root, tmp_path / "alone", 2, 2)
    assert alone == predictions(cells[1]), "if test_workers passes, it is a matter of training or processes"
