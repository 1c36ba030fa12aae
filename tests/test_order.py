"""What the order of frames is worth: shuffled tests, from the sampler to the record and the comparison."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from conftest import ROOT, TOY
from inputs import build, make_sampler
from torch import nn

from dferbench import Input
from dferbench.data.dataset import VideoFrames
from dferbench.data.decoders import choose_decoder
from dferbench.data.sampling import shuffled
from dferbench.errors import ConfigError
from dferbench.experiment import record
from dferbench.models import Classifier
from dferbench.types import Video


@pytest.mark.parametrize("text", ["segments", "segments(2)", "uniform"])
def test_the_same_frames_in_an_order_of_the_video(text):
    more = f"{text[:-1]}, shuffle=true)" if "(" in text else f"{text}(shuffle=true)"
    plain, mixed = make_sampler(text), make_sampler(more)
    assert not plain.shuffle and mixed.shuffle
    chosen = plain(66, 16, None)
    assert (mixed(66, 16, None) == chosen).all()
    orders = [shuffled(chosen, f"video {i}").tolist() for i in range(50)]
    assert all(sorted(order) == sorted(chosen.tolist()) for order in orders)
    assert len(set(map(tuple, orders))) == 50
    assert shuffled(chosen, "video 7").tolist() == orders[7]


def test_every_order_is_as_likely_as_any():
    places = np.array([shuffled(np.arange(4), str(i)) for i in range(4000)])
    shares = np.stack([(places == frame).mean(0) for frame in range(4)])
    assert np.abs(shares - 0.25).max() < 0.03


def test_shuffle_is_said_by_name_alone():
    with pytest.raises(ConfigError):
        make_sampler("segments(1, repeat-last, true, true)")


@pytest.mark.parametrize(("training", "moved"), [(False, True), (True, False)])
def test_tests_are_shuffled_and_training_is_not(toy_root, training, moved):
    video = Video("a", str(toy_root / "fold1" / "test" / "brightens" / "test0"), 0)

    def levels(sample):
        input = Input(frames=8, size=14, sample=sample)
        frames = VideoFrames([video], build(input), training=training, seed=0, decoder=choose_decoder())
        return frames[0, 0].pixels.float().mean((1, 2, 3)).tolist()

    plain, mixed = levels("segments(random=false)"), levels("segments(random=false, shuffle=true)")
    assert sorted(plain) == sorted(mixed) == plain
    assert (plain != mixed) == moved


class Mean(Classifier):
    """Frame averages alone: it cannot know the order."""

    def __init__(self, task, parts):
        super().__init__()
        self.head = nn.Linear(2, len(task.classes))

    def forward(self, x):
        levels = x.double().mean((2, 3, 4))
        seen = torch.stack([levels.mean(1), levels.std(1)], 1)
        # Rounded, since adding up in another order may move the last bit.
        return self.head(seen.mul(1e6).round().div(1e6).float())


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    """A file that registers a temporal method, which learns the toy classes, and one of frame averages."""
    path = tmp_path_factory.mktemp("order") / "orders.py"
    path.write_text(
        "from dferbench import Method, Recipe, Stage, Input, hookimpl\n"
        "from dferbench_plugin_toy import ToyNet\n"
        "from test_order import Mean\n\n\n"
        "@hookimpl\n"
        "def register_methods(register):\n"
        "    input = Input(frames=8, size=12, sample='segments(random=false)')\n"
        "    for name, build, rate in (('temporal', ToyNet, 0.05), ('average', Mean, 0.5)):\n"
        "        stage = Stage({'.*': rate}, epochs=30, batch=6)\n"
        "        register(Method(name, build, Recipe(input, (stage,))))\n"
    )
    return path


def recalls(record):
    return [row[i] / sum(row) for i, row in enumerate(record["confusion"])]


@pytest.mark.slow
def test_a_temporal_method_falls_and_frame_averages_stay(plugin, toy_root, in_process):
    """On classes that differ in motion alone: brightening and darkening have the same frames."""
    base = ["--plugin", TOY, "--plugin", plugin]
    data = ["-d", "toy", "--root", toy_root, "-j", "0", "--device", "cpu", "-q", "--json"]
    found = {}
    for name in ("temporal", "average"):
        done = in_process(*base, "run", "-m", name, *data, check=0)
        (ordered,) = json.loads(done.stdout)["records"]
        weights = f"runs/toy/{name}-{ordered['config_id']}/fold1-seed0/checkpoint.safetensors"
        change = ["--set", "input.sample=segments(random=false, shuffle=true)"]
        done = in_process(*base, "evaluate", "-c", weights, *data, *change, check=0)
        (mixed,) = json.loads(done.stdout)["records"]
        found[name] = ordered, mixed
    ordered, mixed = found["temporal"]
    assert recalls(ordered) == [1, 1, 1]
    assert sum(recalls(mixed)[:2]) / 2 <= 0.7
    first, second = found["average"]
    assert first["confusion"] == second["confusion"]

    # The record says what it is, the table marks it, and compare shows recalls class by class.
    assert (
        mixed["given"]["input.sample"].endswith("shuffle=true)")
        and mixed["config_id"] != ordered["config_id"]
    )
    assert mixed["recipe"]["input"]["sample"].endswith("shuffle=true)")
    board = in_process(*base, "leaderboard", "--json", check=0)
    caveats = {row["config_id"]: row["caveats"] for row in json.loads(board.stdout)["rows"]}
    assert {"shuffled frames", "another input"} <= set(caveats[mixed["config_id"]])
    assert not {"shuffled frames", "another input"} & set(caveats[ordered["config_id"]])
    assert "frames of test videos were shuffled" in in_process(*base, "leaderboard", check=0).stdout
    folders = [f"runs/toy/temporal-{one['config_id']}/fold1-seed0" for one in (ordered, mixed)]
    compared = json.loads(in_process("compare", *folders, "--json", check=0).stdout)
    assert "recipe.input.sample" in {one["field"] for one in compared["differences"]}
    assert compared["not_comparable"] == []
    assert [one["a"]["recall"] for one in compared["classes"]] == [100, 100, 100]


def test_a_view_as_it_was_is_no_other_view(plugin, toy_root, in_process):
    base = ["--plugin", TOY, "--plugin", plugin]
    data = ["-d", "toy", "--root", toy_root, "-j", "0", "--device", "cpu", "-q", "--json"]
    (ordered,) = json.loads(in_process(*base, "run", "-m", "average", *data, check=0).stdout)["records"]
    weights = f"runs/toy/average-{ordered['config_id']}/fold1-seed0/checkpoint.safetensors"
    (again,) = json.loads(in_process(*base, "evaluate", "-c", weights, *data, check=0).stdout)["records"]
    assert "another input" not in again["checkpoint"]["caveats"]
    done = in_process(*base, "evaluate", "-c", weights, *data, "--set", "input.frames=4", check=3)
    assert "made for input.frames=8" in done.stderr


@pytest.mark.heavy
def test_one_table_of_what_runs_owe_to_the_order(in_process, tmp_path):
    small = ["-d", "synthetic(videos=35,size=64)", "--set", "input.frames=4", "--set", "stage.batch=7"]
    in_process("run", "-m", "linear-probe", *small, "--epochs", 1, "-j", 0, "-o", tmp_path / "runs", check=0)
    command = [sys.executable, ROOT / "benchmarks" / "order.py", "runs", "--output", "mixed"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    heads, _, row = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines()
    )
    assert [head.split(" (of")[0] for head in heads[1:4]] == [
        "surprise and fear",
        "anger and disgust",
        "the rest",
    ]
    assert "linear-probe" in row[0]
    for cell in row[1:]:
        ordered, mixed = cell.split(", ")
        assert ordered == mixed, "an average of frames does not know their order"
    (again,) = (tmp_path / "mixed").rglob("record.json")
    assert "shuffled frames" in record.read(again).caveats
