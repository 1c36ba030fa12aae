"""A run whose parameters or logits are not numbers is failed, and has no place in any list."""

import json

import pytest
from conftest import TOY

from dferbench.experiment import record

DIVERGES = """
import os
import torch
from torch import nn
from dferbench import Input, Method, Recipe, Stage, hookimpl
from dferbench.models import Classifier


class Net(Classifier):
    '''A bias a class; what goes bad is not in the loss.'''

    def __init__(self, task, parts, what: str = "nothing"):
        super().__init__()
        self.what, self.classes = os.environ.get("ODD", what), len(task.classes)
        self.bias = nn.Parameter(torch.zeros(self.classes))
        self.spare = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        logits = self.bias.expand(len(x), -1) + 0 * x.float().mean()
        if not self.training and self.what in ("nan", "inf"):
            bad = torch.zeros_like(logits)
            bad[-1, -1] = float(self.what)
            logits = logits + bad
        return logits

    def loss(self, batch):
        terms = super().loss(batch)
        if self.what == "parameter":  # its gradient alone is not finite
            terms["spare"] = torch.sqrt(self.spare.abs()).sum() * 0
        return terms


@hookimpl
def register_methods(register):
    stage = Stage({".*": 0.05}, epochs=1, batch=6)
    register(Method("odd", Net, Recipe(Input(frames=2, size=12), (stage,))))
"""


@pytest.fixture
def run(cli, toy_root, tmp_path):
    (tmp_path / "odd.py").write_text(DIVERGES)

    def start(*words, check=None, env=None):
        plugins = ["--plugin", TOY, "--plugin", "odd.py"]
        base = ["-d", "toy", "--root", toy_root, "--device", "cpu", "-j", "0"]
        return cli(*plugins, words[0], *base, *words[1:], check=check, env=env)

    return start


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("nan", "the logits of video '"),
        ("inf", "are inf"),
        ("parameter", "the parameter 'spare' became nan in training"),
    ],
)
def test_a_run_that_is_not_finite_is_failed(run, tmp_path, what, words):
    done = run("run", "-m", "odd", "--set", f"what={what}", "--set", "stage.batch=18", check=1)
    error, hint = done.stderr.splitlines()[-2:]
    assert error.startswith("error: ") and words in error, done.stderr
    assert "lower learning rates" in hint and "Traceback" not in done.stderr
    (path,) = record.find(tmp_path / "runs")
    one = record.read(path)
    assert one.status == "failed" and not one.epochs and words in one.error
    assert not (path.parent / "predictions.npz").exists()


@pytest.mark.slow
def test_it_does_not_rank_first_where_the_first_class_is_large(run, cli, tmp_path):
    run("run", "-m", "odd", check=0)
    run("run", "-m", "odd", "--set", "what=nan", check=1)
    board = json.loads(cli("leaderboard", "runs/toy", "--json", check=0).stdout)
    text = json.dumps(board)
    assert "what" not in text and "NaN" not in text


@pytest.mark.slow
def test_without_training_the_hint_speaks_of_weights(run):
    done = run("run", "-m", "odd", "--set", "what=nan", "--epochs", "0", check=1)
    assert "Nothing was trained" in done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_a_checkpoint_whose_logits_are_not_finite_is_no_result(run, tmp_path):
    """`evaluate` refuses what `predict` refuses."""
    run("run", "-m", "odd", check=0)
    (path,) = tmp_path.rglob("checkpoint.safetensors")
    done = run("evaluate", "-c", path, check=1, env={"ODD": "inf"})
    assert "the logits of video" in done.stderr and "another checkpoint" in done.stderr.splitlines()[-1]
    tested = [record.read(p) for p in record.find(tmp_path / "runs") if p.parent != path.parent]
    assert [one.status for one in tested] == ["failed"]


@pytest.mark.slow
def test_a_run_that_could_test_no_video_is_failed(run, toy_root, tmp_path):
    import shutil

    shutil.copytree(toy_root, tmp_path / "copy")
    for image in (tmp_path / "copy" / "fold1" / "test").rglob("*.png"):
        image.write_bytes(b"no image")
    done = run("run", "-m", "odd", "--root", tmp_path / "copy", "--fold", "1", "--skip-bad", check=4)
    assert "none of the 9 test videos could be read" in done.stderr
