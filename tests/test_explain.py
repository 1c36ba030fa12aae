"""Explanations point at what the answer depends on, say how they were made, and are the same every time."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT
from PIL import Image
from pointed import COLUMN, FRAME, ROW
from shipped import ship
from test_export import TINY

from dferbench.checkpoints.restore import open_checkpoint
from dferbench.errors import ConfigError, DataError, UnknownName
from dferbench.explaining.explain import ExplanationRequest, explain
from dferbench.explaining.explanation import OCCLUSION, ROLLOUT
from dferbench.explaining.occlusion import log_odds, occluded
from dferbench.explaining.rollout import Layers, SeenAttention, layers_of, rolled_out
from dferbench.machine.device import make_fabric
from dferbench.registry.catalog import discover

POINTED = ROOT / "tests" / "pointed.py"
CATALOG = discover([POINTED])
FABRIC = make_fabric("cpu", "fp32")
CLASSES = ("there", "not there", "$x_1$ <b>")


def shipped(folder, method, options=None, **input):
    path = folder / f"{method}.safetensors"
    given = {"frames": 6, "sample": "segments(random=false)", "normalize": "none", **input}
    ship(CATALOG, path, method, options, CLASSES if options is None else ("happiness", "anger"), **given)
    return path


def film(folder, frame, row, column):
    """Six dim frames; one patch of one is bright."""
    folder.mkdir()
    for number in range(6):
        pixels = np.full((32, 32, 3), 40, np.uint8)
        if number == frame:
            pixels[8 * row : 8 * row + 8, 8 * column : 8 * column + 8] = 250
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def explained(path, video, **asked):
    opened = open_checkpoint(path, CATALOG, FABRIC)
    return explain(ExplanationRequest(Path(video), grid=4, **asked), opened, CATALOG, FABRIC)


def top(found):
    t = int(found.heat.time.argmax())
    return t, *np.unravel_index(int(found.heat.space[t].argmax()), found.heat.space[t].shape)


def test_occlusion_points_at_the_frame_and_place_that_decide(tmp_path):
    video = film(tmp_path / "v", FRAME, ROW, COLUMN)
    found = explained(shipped(tmp_path, "spot"), video)
    assert (found.method, found.predicted, found.explained) == (OCCLUSION, "there", "there")
    assert "no attention over the places of a frame nor the frames" in found.why
    assert top(found) == (FRAME, ROW, COLUMN)
    rest = np.delete(found.heat.time, FRAME)
    assert found.heat.time[FRAME] > 1 and np.abs(rest).max() < 0.2


def test_for_the_other_class_the_same_patch_speaks_against_it(tmp_path):
    video = film(tmp_path / "v", FRAME, ROW, COLUMN)
    found = explained(shipped(tmp_path, "spot"), video, class_name="not there")
    assert found.predicted == "there" and found.explained == "not there"
    assert int(found.heat.time.argmin()) == FRAME and found.heat.time[FRAME] < -1


@pytest.mark.parametrize("place", [(4, 0, 2), (1, 3, 1)])
def test_roll_out_points_where_the_model_looks(tmp_path, place):
    found = explained(shipped(tmp_path, "looker"), film(tmp_path / "v", *place))
    assert found.method == ROLLOUT and top(found) == place
    assert found.heat.time.sum() == pytest.approx(1)
    assert found.heat.space.sum((1, 2)) == pytest.approx(np.ones(6))
    assert found.heat.time[place[0]] > 0.5


def test_which_of_the_two_is_used_and_why(tmp_path):
    video = film(tmp_path / "v", 4, 0, 2)
    looker, mixed = shipped(tmp_path, "looker"), shipped(tmp_path, "mixed")
    asked = explained(looker, video, class_name="there")
    assert asked.method == OCCLUSION and "the same for all classes" in asked.why and top(asked) == (4, 0, 2)
    assert explained(looker, video, by="occlusion").why == "asked for"
    together = explained(mixed, video)
    assert together.method == OCCLUSION and "not over the places of single frames" in together.why
    with pytest.raises(ConfigError, match="cannot be rolled out here"):
        explained(mixed, video, by="attention")
    with pytest.raises(ConfigError, match="same whichever class"):
        explained(looker, video, by="attention", class_name="there")


def test_what_cannot_be_asked(tmp_path):
    video, path = film(tmp_path / "v", 4, 0, 2), shipped(tmp_path, "looker")
    with pytest.raises(UnknownName):
        explained(path, video, class_name="joy")
    with pytest.raises(UnknownName):
        explained(path, video, by="gradients")
    with pytest.raises(DataError, match="no video"):
        explained(path, tmp_path / "nowhere")


def test_a_clip_with_a_temporal_transformer_is_rolled_out(tmp_path):
    path = shipped(tmp_path, "dfer-clip", {"backbone": TINY, "temporal": "cls-transformer(heads=2)"})
    found = explained(path, film(tmp_path / "v", 4, 0, 1))
    assert (found.method, found.heat.space.shape) == (ROLLOUT, (6, 2, 2))
    assert found.heat.space.sum((1, 2)) == pytest.approx(np.ones(6))
    mean = shipped(tmp_path, "zero-shot-clip", {"backbone": TINY})
    assert "no attention over the frames" in explained(mean, tmp_path / "v").why


def test_two_layers_are_multiplied_with_half_of_each_from_the_residual():
    rng = np.random.default_rng(0)
    space, time = (rng.random((2, n, k, k)) for n, k in ((3, 5), (1, 4)))
    space, time = (x / x.sum(-1, keepdims=True) for x in (space, time))
    heat = rolled_out(Layers([*torch.tensor(space)], [*torch.tensor(time)]), 3)
    both = (space[1] + np.eye(5)) / 2 @ ((space[0] + np.eye(5)) / 2)
    row = both[:, 0, 1:] / both[:, 0, 1:].sum(1, keepdims=True)
    assert heat.space.reshape(3, 4) == pytest.approx(row)
    both = (time[1] + np.eye(4)) / 2 @ ((time[0] + np.eye(4)) / 2)
    assert heat.time == pytest.approx(both[0, 0, 1:] / both[0, 0, 1:].sum())


def test_without_class_tokens_all_tokens_count():
    maps = SeenAttention()
    maps.maps = [torch.eye(4).repeat(3, 1, 1), torch.full((1, 3, 3), 1 / 3)]
    layers = layers_of(maps, 3)
    heat = rolled_out(layers, 3)
    assert heat.space == pytest.approx(np.full((3, 2, 2), 0.25)) and heat.time == pytest.approx([1 / 3] * 3)


def test_log_odds_tell_what_probabilities_round_away():
    logits = torch.tensor([[60.0, 0.0, 0.0], [50.0, 0.0, 0.0]])
    first, second = log_odds(logits, 0).tolist()
    assert first - second == pytest.approx(10)
    p = torch.tensor([[0.7, 0.2, 0.1]], dtype=torch.float64)
    assert log_odds(p.log(), 1).item() == pytest.approx(np.log(0.2 / 0.8))


def test_patches_cover_a_size_that_does_not_divide():
    seen = []
    occluded(
        lambda v: seen.append(v) or torch.stack([v.mean((1, 2, 3, 4))] * 2, 1),
        torch.rand(1, 2, 3, 10, 10),
        0,
        3,
    )
    changed = torch.cat(seen[1:])[2:] != seen[0]
    assert changed.any(1).any(1).sum(0).eq(1).all(), "each pixel is covered once"


def test_the_command_writes_the_same_strip_and_numbers_every_time(tmp_path, in_process):
    path, video = shipped(tmp_path, "looker"), film(tmp_path / "v", 4, 0, 2)
    words = ["--plugin", POINTED, "explain", video, "-c", path, "--device", "cpu", "-q"]
    first = in_process(*words, "-o", "a.svg", "--json", check=0)
    told = json.loads(first.stdout)
    assert (told["method"], told["class"], told["frames"]) == (ROLLOUT, "there", [0, 1, 2, 3, 4, 5])
    assert np.argmax(told["time"]) == 4 and np.argmax(told["space"][4]) == 2
    second = in_process(*words, "-o", "b.svg", "--class", CLASSES[2], check=0)
    assert "the model predicts there" in second.stdout and OCCLUSION in second.stdout
    in_process(*words, "-o", "c.svg", check=0)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "c.svg").read_bytes()
    in_process(*words, "-o", "d.png", check=0)
    assert Image.open(tmp_path / "d.png").size[0] > 400
    assert "none of .png" in in_process(*words, "-o", "e.gif", check=3).stderr
