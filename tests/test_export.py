"""Exported models: they say what the model says, tell what they need, and refuse in words."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from conftest import TOY
from shipped import SEVEN, ship

from dferbench.checkpoints.restore import open_checkpoint
from dferbench.data.normalize import NORMALIZE
from dferbench.errors import ConfigError, DferbenchError
from dferbench.exporting.export import export
from dferbench.exporting.formats import FORMATS, read_about
from dferbench.exporting.function import function_of
from dferbench.exporting.parity import check_parity, examples
from dferbench.files import sha256_of
from dferbench.machine.device import make_fabric
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


@pytest.mark.parametrize("method", SMALL)
@pytest.mark.parametrize("to", FORMATS)
def test_the_file_says_what_the_model_says(catalog, tmp_path, method, to):
    if to == "onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")
    options, input = SMALL[method]
    model = ship(catalog, tmp_path / "c.safetensors", method, options, **input)
    found = export(opened(catalog, tmp_path / "c.safetensors"), catalog, tmp_path / "m", to)
    assert found.difference <= 1e-4
    require_equal(model, tmp_path / "m", to, (input.get("frames", 4), 3, 32, 32))
