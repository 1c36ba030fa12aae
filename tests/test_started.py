"""Runs that start from a file of weights: what their checkpoints need of it afterwards."""

import pytest
import shrunk
import torch
from torchvision.models.resnet import BasicBlock

from dferbench.checkpoints.restore import open_checkpoint
from dferbench.errors import ConfigError, DataError
from dferbench.machine.device import make_fabric
from dferbench.registry.catalog import discover

SMALL = {
    "width": "8", "input.size": "32", "stage.epochs": "1", "stage.batch": "4", "stage.drop_last": "false",
    "input.augment": "",
}  # fmt: skip
FRAMES = {"resnet18-vit": 16, "est": 7}


@pytest.fixture
def trunk(tmp_path):
    """A ResNet-18 of eight channels, as torchvision would save it."""
    torch.manual_seed(3)
    path = tmp_path / "resnet18.pth"
    torch.save(shrunk.shaken(shrunk.NarrowResNet(BasicBlock, [2, 2, 2, 2], 8)).state_dict(), path)
    return path


@pytest.fixture
def trained(toy_run, trunk):
    """The checkpoint of a run of a method that started from the trunk."""

    def train(name, **more):
        sets = SMALL | {"weights": str(trunk), "input.frames": str(FRAMES[name])} | more
        _, plan = toy_run(name, sets=sets, folds=(1,), seeds=(0,), limit=6)
        return plan.folder(1, 0) / "checkpoint.safetensors"

    return train


def opened(path):
    return open_checkpoint(path, discover(), make_fabric("cpu", "fp32")).model


@pytest.mark.parametrize("name", FRAMES)
def test_what_learned_needs_its_start_no_more(trained, trunk, name):
    path, x = trained(name), torch.rand(2, FRAMES[name], 3, 32, 32)
    with torch.no_grad():
        before = opened(path)(x)
        trunk.unlink()
        assert torch.equal(opened(path)(x), before)


def test_what_stayed_as_the_file_had_it_needs_the_file(trained, trunk):
    path = trained("resnet18-vit", **{"stage.train": r"{r'(?!tower\.).*': 0.01}"})
    opened(path)
    trunk.unlink()
    with pytest.raises(DataError, match=r"there is no file .*resnet18\.pth") as refused:
        opened(path)
    assert refused.value.hint


def test_a_checkpoint_of_released_code_takes_no_other_start(tmp_path, trunk):
    from official_est import official, save

    path = save(tmp_path / "est.pth", official())
    with pytest.raises(ConfigError, match="weights"):
        open_checkpoint(
            path, discover(), make_fabric("cpu", "fp32"), model="est", sets={"weights": str(trunk)}
        )
