"""Samplers and augmentations from a file of one's own: in a list, a run, a record, and no stale features."""

import json

import pytest
import torch
from conftest import TOY

from dferbench.data.pipeline import build_pipeline, try_out
from dferbench.errors import ConfigError, UnknownName
from dferbench.registry.catalog import discover
from dferbench.types import Input

PLUGIN = '''
from dataclasses import dataclass

import numpy as np

from dferbench import hookimpl


@dataclass(frozen=True)
class Last:
    """The last frames of a video."""

    step: int = 1
    random: bool = False
    shuffle: bool = False

    def __call__(self, count, frames, rng):
        return np.maximum(count - 1 - self.step * np.arange(frames)[::-1], 0)


@dataclass(frozen=True)
class Negative:
    """Light and dark exchanged in part of the videos."""

    p: float = 0.5

    def draw(self, width, height, size, rng):
        return Inverted() if rng.random() < self.p else None


@dataclass(frozen=True)
class Inverted:
    def __call__(self, frames):
        return 255 - frames


@hookimpl
def register_samplers(register):
    register("last", Last)


@hookimpl
def register_augmentations(register):
    register("negative", Negative, about="Light and dark exchanged.")
'''
SETS = [
    "--set", "input.sample=last(step=2)", "--set", "input.augment=flip | negative(p=0.5)",
    "--set", "stage.epochs=1", "--set", "stage.batch=6", "--set", "input.draws=1",
]  # fmt: skip


@pytest.fixture
def plugin(tmp_path):
    def write(text=PLUGIN, name="mine.py"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_they_are_listed_with_where_they_come_from(plugin, in_process):
    path = plugin()
    said = in_process("--plugin", path, "list", "samplers", check=0).stdout
    line = next(line for line in said.splitlines() if " last " in line)
    assert "The last frames of a video." in line and str(path) in line
    assert "segments" in said
    said = in_process("--plugin", path, "list", "augmentations", check=0).stdout
    assert "Light and dark exchanged." in said and "rand-augment" in said


def run(cli, plugin, toy_root, output, *more):
    return cli(
        "--plugin", TOY, "--plugin", plugin, "run", "-m", "linear-probe", "-d", "toy", "--root", toy_root,
        "--set", "backbone=clip-tiny", "--device", "cpu", "-o", output, *SETS, *more, check=0,
    )  # fmt: skip


@pytest.mark.heavy
def test_a_run_uses_them_says_so_and_never_shows_stale_features(plugin, toy_root, in_process, cli, tmp_path):
    """The features of the frozen encoder are kept; another run shares them until the file changes."""
    path, env = plugin(), {"DFERBENCH_HOME": str(tmp_path / "home"), "DFERBENCH_CACHE": str(tmp_path / "c")}
    first = run(lambda *a, **k: in_process(*a, **k, env=env), path, toy_root, "one", "-j", "2", "--json")
    (record,) = json.loads(first.stdout)["records"]
    assert record["recipe"]["input"]["sample"] == "last(step=2)"
    assert record["recipe"]["input"]["augment"] == "flip | negative(p=0.5)"
    again = run(lambda *a, **k: in_process(*a, **k, env=env), path, toy_root, "two", "-j", "0")
    assert "features of 18 of 18 videos are remembered" in again.stderr + again.stdout
    plugin(PLUGIN.replace("255 - frames", "frames // 2"))
    # A process imports a file once, and would go on with what the plugin said before.
    changed = run(lambda *a, **k: cli(*a, **k, env=env), path, toy_root, "three", "-j", "0")
    assert "are remembered" not in changed.stderr + changed.stdout


def frames_of(text, count, plugin):
    sampler = build_pipeline(Input(frames=4, sample=text), discover([plugin])).sampler
    return sampler(count, 4, None).tolist()


def test_options_are_read_from_the_recipe(plugin):
    path = plugin()
    assert frames_of("last", 10, path) == [6, 7, 8, 9]
    assert frames_of("last(step=2)", 10, path) == [3, 5, 7, 9]
    with pytest.raises(UnknownName, match="stride"):
        frames_of("last(stride=2)", 10, path)
    with pytest.raises(UnknownName, match="negatife"):
        build_pipeline(Input(augment="negatife"), discover([path]))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("1 - self.step", "1 + self.step", "sampler 'last' chose .* for 16 frames of a video of 1"),
        ("frames)[::-1]", "frames - 1)[::-1]", "sampler 'last' chose"),
        (
            "    shuffle: bool = False\n",
            "",
            "sampler 'last' is a Last without random or shuffle, or that cannot be called",
        ),
        ("    def draw(", "    def pick(", "'negative' is a Negative that can neither draw nor mix"),
        ("255 - frames", "frames / 255", "made torch.float32 .* of uint8"),
        ("255 - frames", "frames[..., :4]", r"made torch.uint8 \(2, 3, 40, 4\) of uint8 \(2, 3, 40, 48\)"),
        ("255 - frames", "frames.numpy()", "made ndarray of uint8"),
    ],
)
def test_what_no_model_could_take_is_told_before_any_video_is_read(plugin, old, new, words):
    assert old in PLUGIN
    path = plugin(PLUGIN.replace(old, new))
    with pytest.raises(ConfigError, match=words):
        try_out(build_pipeline(Input(sample="last", augment="negative(1)"), discover([path])))


MIXING = '''
from dferbench import hookimpl


class Swap:
    """Every video takes the place of its neighbour."""

    relabels = True

    def mix(self, videos, target, rng):
        return videos.roll(1, 0), target.roll(1, 0)


@hookimpl
def register_augmentations(register):
    register("swap", Swap)
'''


def test_an_augmentation_of_batches_comes_through_the_same_door(plugin):
    pipeline = build_pipeline(Input(augment="flip | swap"), discover([plugin(MIXING)]))
    (op,) = pipeline.mixing
    videos, target = op.mix(torch.arange(3.0), torch.eye(3), None)
    assert videos.tolist() == [2, 0, 1] and target.argmax(1).tolist() == [2, 0, 1]
    assert len(pipeline.ops) == 1 and pipeline.random
    try_out(pipeline)
    wrong = MIXING.replace("target.roll(1, 0)", "target.argmax(1)")
    with pytest.raises(ConfigError, match=r"of videos .* and targets"):
        try_out(build_pipeline(Input(augment="swap"), discover([plugin(wrong, "wrong.py")])))
