"""t-esfl: the snippet transformer as the MAFW paper weighs it, its sizes for 11 and 43 classes, files."""

import pickle

import pytest
import shrunk
import torch
from official_est import official, save
from torchvision.models.resnet import BasicBlock

from dferbench.errors import ConfigError, DataError
from dferbench.models import Batch
from dferbench.registry.catalog import discover
from dferbench.registry.options import resolve
from dferbench.testing import assert_contract
from dferbench.types import Stage
from dferbench_methods.t_esfl.method import STAGE

pytestmark = pytest.mark.slow

ELEVEN = (
    "anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise", "contempt", "anxiety",
    "helplessness", "disappointment",
)  # fmt: skip
COMPOUND = tuple(f"compound {i}" for i in range(43))


def videos(count=2):
    return torch.rand(count, 14, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def build(classes=ELEVEN, name="t-esfl", **options):
    return shrunk.build(name, classes, **{"frames": 14, "size": 32, "width": 8, **options})


def batch(x, *label):
    return Batch(x, torch.tensor(label), [{} for _ in label], "train", 0.0)


class TestSizes:
    def test_parameters(self):
        model = shrunk.on_meta("t-esfl", classes=ELEVEN, frames=35, size=224)
        assert shrunk.parameters(model) == 42_779_605

    def test_the_compound_classes_have_a_wider_classifier(self):
        method = discover().get("methods", "t-esfl").value
        given = method.options_for["mafw-compound"]
        options = resolve(method, given)
        model = shrunk.on_meta("t-esfl", classes=COMPOUND, frames=35, size=224, **options)
        expected = (512 * 256 + 256) + (256 * 256 + 256) + (256 * 43 + 43)
        assert shrunk.parameters(model.head) == expected

    def test_its_network_is_that_of_est(self):
        x = videos()
        with torch.no_grad():
            ours, theirs = (build(name=name).eval()(x) for name in ("t-esfl", "est"))
        assert torch.equal(ours, theirs)

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"frames": 16}, "16 frames do not fall evenly"),
            ({"hidden": 0}, "hidden of .* must be .* got 0"),
            ({"narrow": 0}, "narrow of .* must be .* got 0"),
            ({"scale": -0.5}, "scale of .* must be .* got -0.5"),
        ],
    )
    def test_what_cannot_be_is_said(self, options, words):
        with pytest.raises(ConfigError, match=words):
            build(**options)


def test_the_order_weighs_one_over_the_snippets():
    x = videos(3)
    terms = []
    for options in ({}, {"scale": 1.0}):
        model = build(**options).eval()
        torch.manual_seed(2)
        with torch.no_grad():
            terms.append(model.loss(batch(x, 0, 5, 10)))
    torch.testing.assert_close(7 * terms[0]["order"], terms[1]["order"])
    torch.testing.assert_close(terms[0]["ce"], terms[1]["ce"])


def test_the_order_of_the_frames_matters():
    model, x = build().eval(), videos()
    with torch.no_grad():
        assert (model(x) - model(x.flip(1))).abs().max() > 1e-5


class TestWeights:
    def test_a_resnet18_for_the_trunk(self, tmp_path):
        torch.manual_seed(3)
        net = shrunk.shaken(shrunk.NarrowResNet(BasicBlock, [2, 2, 2, 2], 8))
        torch.save(net.state_dict(), tmp_path / "resnet18.pth")
        model = build(weights=str(tmp_path / "resnet18.pth"))
        assert torch.equal(model.trunk.layer4[1].conv2.weight, net.layer4[1].conv2.weight)
        assert model.notes["started"] == "the trunk"
        assert build().notes == {"weights": "from scratch"}

    def test_all_of_it_from_a_file_of_seven_classes(self, tmp_path):
        net = official()
        model = build(weights=str(save(tmp_path / "est.pth", net)))
        assert torch.equal(model.query, net.query_embed.weight)
        assert model.head[5].weight.shape == (11, 64)
        assert model.notes["classifier"] == "from scratch"

    def test_damage_is_named(self, tmp_path):
        path = save(tmp_path / "est.pth", official(), lambda s: s.pop("module.norm1.bias"))
        with pytest.raises(DataError, match=r"lacks the weights 'norm1.bias'"):
            build(weights=str(path))

    def test_another_classifier_inside_is_named(self, tmp_path):
        path = save(tmp_path / "est.pth", official())
        with pytest.raises(DataError, match=r"'classifier.0.weight' is of shape"):
            build(weights=str(path), hidden=256)

    def test_nothing_is_executed(self, tmp_path):
        class Planted:
            def __reduce__(self):
                return (open, (str(tmp_path / "planted"), "w"))

        (tmp_path / "est.pth").write_bytes(pickle.dumps({"state_dict": {"conv1.weight": Planted()}}))
        with pytest.raises(DataError, match="cannot be read as weights"):
            build(weights=str(tmp_path / "est.pth"))
        assert not (tmp_path / "planted").exists()


def test_contract():
    assert_contract("t-esfl", shrunk.catalog_at(32, "t-esfl"), width=8)


def test_one_video_trains():
    sum(build().train().loss(batch(videos(1), 1)).values()).backward()


@pytest.mark.long
def test_sixteen_faces_are_learned_by_heart():
    model = build(shrunk.SEVEN, width=16)
    stage = Stage(STAGE.train | dict.fromkeys(STAGE.train, 1e-3), epochs=1, optimizer="adam")
    faces, label = shrunk.drawn_faces(16, 32)
    assert shrunk.learns_by_heart(model, stage, faces[:, :14], label, steps=150)
