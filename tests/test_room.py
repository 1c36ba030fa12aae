"""When memory ends, two lines say so, and which batch would fit; precisions that a device lacks."""

import ast
import re
import subprocess
import sys

import pytest
import torch
from conftest import TOY

from dferbench.errors import DferbenchError
from dferbench.machine.memory import free_bytes, is_out_of_memory
from dferbench.training.room import room_for

CPU = torch.device("cpu")


ESTIMATE = """
import sys, torch
from dferbench.training.room import batch_that_fits

fixed, each, free = (int(word) * 2**20 for word in sys.argv[1:])

def again(videos):
    torch.ones(fixed + videos * each, dtype=torch.uint8)

print(batch_that_fits(again, 64, torch.device("cpu"), free))
"""


def estimate(fixed, each, free):
    """The batch that fits into so many megabytes, told by a process whose memory nothing else moves."""
    words = [sys.executable, "-c", ESTIMATE, *map(str, (fixed, each, free))]
    return ast.literal_eval(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


@pytest.mark.slow
@pytest.mark.parametrize(("fixed", "each"), [(0, 20), (150, 30)])
def test_the_estimate_follows_what_smaller_batches_take(fixed, each):
    fits = (0.9 * (fixed + 40 * each) - fixed) / each
    assert estimate(fixed, each, fixed + 40 * each) == pytest.approx(fits, abs=3)


@pytest.mark.slow
@pytest.mark.parametrize("free", [0, 10])
def test_where_not_one_video_fits_no_number_is_told(free):
    assert estimate(0, 20, free) is None


def test_what_goes_wrong_in_the_estimate_hides_nothing():
    def again(videos):
        raise ValueError("batch norm wants more than one")

    with (
        pytest.raises(DferbenchError, match="with a batch of 9 videos") as raised,
        room_for(9, CPU, again),
    ):
        torch.empty(2**55)
    assert "would fit" not in raised.value.hint and "--set stage.batch=N" in raised.value.hint


def test_other_errors_are_not_taken_for_it():
    with pytest.raises(RuntimeError, match="shapes"), room_for(9, CPU, print):
        torch.ones(2, 3) @ torch.ones(2, 3)
    assert not is_out_of_memory(RuntimeError("you tried to be clever"))
    assert is_out_of_memory(MemoryError()) and is_out_of_memory(
        torch.cuda.OutOfMemoryError("CUDA out of memory")
    )
    assert is_out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 17 GB)"))


def test_what_is_free_is_below_a_limit_of_the_address_space():
    free = free_bytes(CPU)
    assert free is not None and free > 0


HUNGRY = """
import os
import resource
import torch
from torch import nn
from dferbench import Input, Method, Recipe, Stage, hookimpl
from dferbench.models import Classifier


class Hungry(Classifier):
    '''Takes 40 MB a video, of the 500 MB that there are from its first batch on.'''

    def __init__(self, task, parts):
        super().__init__()
        self.head = nn.Linear(3, len(task.classes))

    def forward(self, x):
        if len(x) > 1:  # not when it is rehearsed
            self.take(x)
        return self.head(x.mean((1, 3, 4)))

    def take(self, x):
        if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
            with open("/proc/self/status") as file:
                size = next(int(line.split()[1]) for line in file if line.startswith("VmSize"))
            resource.setrlimit(resource.RLIMIT_AS, (size * 1024 + 500 * 2**20, resource.RLIM_INFINITY))
        torch.ones(len(x) * int(os.environ.get("EACH", 40)) * 2**20, dtype=torch.uint8)


@hookimpl
def register_methods(register):
    stage = Stage({".*": 0.05}, epochs=1, batch=18)
    register(Method("hungry", Hungry, Recipe(Input(frames=2, size=12), (stage,))))
"""


@pytest.fixture
def hungry(cli, toy_root, tmp_path):
    (tmp_path / "hungry.py").write_text(HUNGRY)

    def go(*words, check, env=None):
        data = ["-d", "toy", "--root", toy_root, "--device", "cpu", "-j", "0"]
        plugins = ["--plugin", TOY, "--plugin", "hungry.py"]
        return cli(*plugins, words[0], *data, *words[1:], check=check, env=env)

    return go


@pytest.mark.slow
def test_training_and_testing_say_which_batch_would_fit_and_it_does(hungry, tmp_path):
    done = hungry("run", "-m", "hungry", check=1)
    error, hint = done.stderr.splitlines()[-2:]
    assert error == "error: the device ran out of memory with a batch of 18 videos", done.stderr
    fits = int(re.search(r"(\d+) would fit", hint)[1])
    assert 6 <= fits <= 12 and "--set stage.batch=N" in hint
    hungry("run", "-m", "hungry", "--set", f"stage.batch={fits}", check=0)
    (path,) = tmp_path.rglob("checkpoint.safetensors")
    tested = hungry("evaluate", "-c", path, "--fold", "1", check=1, env={"EACH": "80"})
    error, hint = tested.stderr.splitlines()[-2:]
    assert "ran out of memory with a batch of 18 videos" in error and "another --device" in hint, (
        tested.stderr
    )
    assert 3 <= int(re.search(r"(\d+) would fit", hint)[1]) <= 6


@pytest.mark.slow
def test_so_does_a_profile(cli, tmp_path):
    (tmp_path / "hungry.py").write_text(HUNGRY)
    done = cli("--plugin", "hungry.py", "profile", "hungry", "--batch", "32", check=None)
    assert "hungry: the device ran out of memory with a batch of 32 videos" in done.stderr, done.stderr
    assert "Use a smaller --batch." in done.stderr.splitlines()[-1]


FP16 = ["--set", "precision=fp16", "--device", "cpu"]


@pytest.mark.parametrize(
    "words",
    [
        ["run", "-m", "toy-net", "--precision", "fp16", "--device", "cpu"],
        ["run", "-m", "toy-net", *FP16],
        ["run", "-m", "toy-net", *FP16, "--dry-run"],
        ["bench", "suite.toml", *FP16],
        ["doctor", "-m", "toy-net", *FP16],
    ],
    ids=["run --precision", "run --set", "dry-run", "bench", "doctor"],
)
def test_fp16_on_a_processor_is_refused(in_process, toy_root, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "suite.toml").write_text('title = "t"\n[[rows]]\nlabel = "a"\nmethod = "toy-net"\n')
    data = ["-d", "toy", "--root", toy_root]
    done = in_process("--plugin", TOY, *words, *data, check=None)
    assert done.returncode and "fp16 needs a GPU" in done.stdout + done.stderr
    assert not list(tmp_path.rglob("record.json"))


def test_a_profile_in_fp16_on_a_processor_is_refused(in_process):
    done = in_process("--plugin", TOY, "profile", "toy-net", *FP16, check=3)
    assert "fp16 needs a GPU" in done.stderr
