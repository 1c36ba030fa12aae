"""Exported models: they say what the model says, tell what they need, and refuse in words."""

import json
import logging
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from conftest import TOY
from shipped import SEVEN, ship

from dferbench.checkpoints.restore import open_checkpoint
from dferbench.data.normalize import NORMALIZE, to_float
from dferbench.errors import ConfigError, DferbenchError
from dferbench.exporting import formats
from dferbench.exporting.export import export
from dferbench.exporting.formats import FORMATS, read_about
from dferbench.exporting.function import function_of
from dferbench.exporting.parity import check_parity, examples
from dferbench.exporting.program import program_of
from dferbench.files import sha256_of
from dferbench.machine.device import make_fabric
from dferbench.models import ClsTransformer, Lstm
from dferbench.registry.catalog import discover
from dferbench.types import Input

TINY = "clip(size=32, patch=16, width=64, layers=1, dim=64, text_width=64, text_layers=1)"
SMALL = {
    "dfer-clip": ({"backbone": TINY, "temporal": "cls-transformer(heads=2)"}, {}),
    "former-dfer": ({"width": "2", "spatial_depth": "1", "temporal_depth": "1"}, {"frames": 2}),
    "r3d18": ({"width": "2"}, {"frames": 8}),
    "resnet18-lstm": ({"width": "2", "hidden": "8"}, {"frames": 2}),
}
REAL = {"dfer-clip": 224, "former-dfer": 112, "r3d18": 112, "resnet18-lstm": 112}


@pytest.fixture(autouse=True)
def no_traces():
    """torch writes down every step of a trace where anything listens, and pytest does."""
    logging.disable(logging.INFO)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def catalog():
    return discover([TOY])


def opened(catalog, path):
    return open_checkpoint(path, catalog, make_fabric("cpu", "fp32"))


def require_equal(model, path, to, shape):
    """The file's logits are the model's, for other videos and another number of them than the check has."""
    frames = torch.rand(3, *shape, generator=torch.Generator().manual_seed(8))
    with torch.no_grad():
        expected = model(model.encode(frames))
    said = FORMATS[to].open(path.read_bytes())(frames)
    assert said.shape == (3, 7) and (said - expected).abs().max() <= 1e-4
    assert expected.std() > 1e-3, "all logits are alike, which proves nothing"


QUICK = [(method, "torch-export") for method in ("former-dfer", "r3d18")]
"""The others, dfer-clip as ONNX apart, are long; resnet18-lstm becomes ONNX in the page on exports."""
REST = [(method, to) for method in SMALL for to in FORMATS if (method, to) not in QUICK]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "to"), [*QUICK, *(pytest.param(*pair, marks=pytest.mark.long) for pair in REST)]
)
def test_the_file_says_what_the_model_says(catalog, tmp_path, method, to):
    if to == "onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")
    options, input = SMALL[method]
    model = ship(catalog, tmp_path / "c.safetensors", method, options, **input)
    found = export(opened(catalog, tmp_path / "c.safetensors"), catalog, tmp_path / "m", to)
    assert found.difference <= 1e-4
    require_equal(model, tmp_path / "m", to, (input.get("frames", 4), 3, 32, 32))


@pytest.fixture(scope="module")
def clip(catalog, tmp_path_factory):
    """The checkpoint of a small DFER-CLIP, and its model."""
    path = tmp_path_factory.mktemp("clip") / "c.safetensors"
    return path, ship(catalog, path, "dfer-clip", SMALL["dfer-clip"][0], normalize="imagenet", frames=2)


def test_an_onnx_file_tells_what_it_needs_and_runs_without_torch(clip, tmp_path, in_process):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    path, model = clip
    done = in_process("export", path, "-o", "m.onnx", "--example", "--json", "-q", check=0)
    told = json.loads(done.stdout)
    about = read_about((tmp_path / "m.onnx").read_bytes())
    assert about["classes"] == list(SEVEN) and (about["frames"], about["size"]) == (2, 32)
    assert [tuple(about["mean"]), tuple(about["std"])] == list(NORMALIZE["imagenet"])
    assert about["sampling"] == "segments" and about["checkpoint"]["sha256"] == sha256_of(path)
    assert told["difference"] <= 1e-4 and about["caveats"] == ["unknown training data"]
    assert not list(tmp_path.glob("*.data")), "the weights lie within the file"
    require_equal(model, tmp_path / "m.onnx", "onnx", (2, 3, 32, 32))
    frames = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    np.save(tmp_path / "f.npy", frames)
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", told["example"], "m.onnx", "f.npy"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert not re.search(r"\b(torch|dferbench)\b", ran.stderr)
    with torch.no_grad():
        video = to_float(torch.from_numpy(frames)[None], "imagenet", "cpu")
        expected = model(video).softmax(1)[0].tolist()
    said = {name: float(p) for p, name in map(str.split, ran.stdout.splitlines())}
    assert said == pytest.approx(dict(zip(SEVEN, expected, strict=True)), abs=1e-4)


def test_what_cannot_be_exported_says_so_and_leaves_nothing(catalog, tmp_path, in_process):
    ship(catalog, tmp_path / "c.safetensors", "cocoop", {"backbone": TINY}, frames=2)
    (tmp_path / "m.pt2").write_text("earlier")
    words = ["export", "c.safetensors", "-q", "-o"]
    lines = in_process(*words, "m.pt2", check=3).stderr.splitlines()
    assert len(lines) == 2 and "cocoop cannot be exported" in lines[0] and "number of videos" in lines[0]
    assert (tmp_path / "m.pt2").read_text() == "earlier"
    assert {one.name for one in tmp_path.iterdir()} == {"c.safetensors", "m.pt2"}
    assert "does not tell the format" in in_process(*words, "m.bin", check=3).stderr
    assert "named 'onyx'" in in_process(*words, "m.bin", "--to", "onyx", check=3).stderr
    assert "--example is a program" in in_process(*words, "m.pt2", "--example", check=3).stderr


class Headed(torch.nn.Module):
    """The mean colours of frames, and a temporal head."""

    def __init__(self, head):
        super().__init__()
        self.head = head

    def forward(self, frames):
        return self.head(frames.mean((3, 4)))


def test_the_number_of_frames_may_be_free_where_the_method_lets_it():
    model, x = Headed(ClsTransformer(3, 4, heads=1, head_dim=2)).eval(), torch.rand(2, 4, 3, 5, 5)
    program = program_of(model, x, "m", True)
    for frames in (2, 3):
        y = torch.rand(1, frames, 3, 5, 5)
        with torch.no_grad():
            assert (program.module()(y) - model(y)).abs().max() <= 1e-6
    with pytest.raises(ConfigError, match=r"slow cannot be exported with --frames-free: .* number of frames"):
        program_of(Headed(Lstm(3, 4)).eval(), x, "slow", True)


def test_text_features_are_constants_and_the_text_tower_is_left_out(catalog, tmp_path):
    model = ship(catalog, tmp_path / "c", "dfer-clip", {"backbone": TINY}, classes=SEVEN[:2], frames=4)
    x = torch.rand(2, 4, 3, 32, 32)
    function = function_of(model, x)
    names = [name for name, _ in function.named_parameters()]
    assert any("tower.image" in name for name in names) and not any("tower.text" in name for name in names)
    assert any("tower.text" in name for name, _ in model.named_parameters()), "the model itself is left alone"
    with torch.no_grad():
        assert torch.equal(function(x), model(x))


def test_a_file_that_says_something_else_gets_no_name():
    input = Input(frames=2, size=16)

    def model(frames):
        return frames.mean((1, 2, 3, 4))[:, None] * torch.tensor([1.0, 2.0])

    assert check_parity(model, model, input, [2]) == 0
    with pytest.raises(DferbenchError, match="differs from the model by"):
        check_parity(model, lambda x: model(x) + 2e-4, input, [2])
    with pytest.raises(DferbenchError, match="nan"):
        check_parity(model, lambda x: model(x) * torch.nan, input, [2])
    # A fault that noise does not show, and one that a single video does not.
    with pytest.raises(DferbenchError):
        check_parity(model, lambda x: model(x.clamp(max=0.2) if x.std() < 0.5 else x), input, [2])
    with pytest.raises(DferbenchError):
        check_parity(model, lambda x: model(x[:1]).expand(len(x), -1), input, [2])


def test_what_parity_is_tried_on_is_the_same_every_time_and_like_pictures():
    input = Input(frames=4, size=32, normalize="none")
    first, second = ([*examples(input, [4])] for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert [tuple(x.shape[:2]) for x in first] == [(1, 4), (1, 4), (2, 4), (2, 4)]
    noise, smooth = first[2:]
    assert smooth.min() >= 0 and smooth.max() <= 1 and noise.min() < -2
    step = (smooth[..., 1:] - smooth[..., :-1]).abs().mean()
    assert step < smooth.std() / 3 and smooth[:, 1:].sub(smooth[:, :-1]).abs().mean() > 0.01


def test_onnx_without_its_packages_is_refused_in_two_lines(clip, tmp_path, in_process, monkeypatch):
    monkeypatch.setattr(formats, "find_spec", lambda name: None if name == "onnxscript" else name)
    lines = in_process("export", clip[0], "-o", "m.onnx", "-q", check=3).stderr.splitlines()
    assert "needs onnxscript" in lines[0] and "pip install 'dferbench[onnx]'" in lines[1]


def test_onnx_with_a_torch_that_is_too_old_names_the_version(clip, tmp_path, in_process, monkeypatch):
    monkeypatch.setattr(torch, "__version__", "2.6.0+cu124")
    lines = in_process("export", clip[0], "-o", "m.onnx", "-q", check=3).stderr.splitlines()
    assert "newer torch than 2.6" in lines[0] and "got 2.6.0+cu124" in lines[0] and "torch 2.14" in lines[1]
    assert len(lines) == 2 and not (tmp_path / "m.onnx").exists()


@pytest.mark.long
@pytest.mark.parametrize("method", REAL)
@pytest.mark.parametrize("to", FORMATS)
def test_in_real_sizes_too(catalog, tmp_path, method, to):
    if to == "onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")
    size = REAL[method]
    model = ship(catalog, tmp_path / "c.safetensors", method, {}, size=size, frames=16)
    found = export(opened(catalog, tmp_path / "c.safetensors"), catalog, tmp_path / "m", to)
    assert found.difference <= 1e-4
    require_equal(model, tmp_path / "m", to, (16, 3, size, size))
