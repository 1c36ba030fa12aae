"""resnet18-lstm and resnet18-vit: sizes, torchvision's trunk, recurrence step by step, files."""

import pickle

import pytest
import shrunk
import torch
import torchvision
from torch import nn

from dferbench.errors import ConfigError, DataError, UnknownName
from dferbench.files import sha256_of
from dferbench.testing import assert_contract
from dferbench.types import Stage
from dferbench_methods.layers.resnet2d import Bottleneck, ResNet2d

pytestmark = pytest.mark.slow

NAMES = ("resnet18-lstm", "resnet18-vit")
ELEVEN = (*shrunk.SEVEN, "contempt", "anxiety", "helplessness", "disappointment")
SMALL = {"width": 8, "size": 32}


def videos(count=2, size=32, frames=16):
    return torch.rand(count, frames, 3, size, size, generator=torch.Generator().manual_seed(1))


def logits(model, x):
    with torch.no_grad():
        return model.eval()(x)


class TestSizes:
    @pytest.mark.parametrize(
        ("name", "options", "expected"),
        [
            ("resnet18-lstm", {}, 13_281_351),
            ("resnet18-lstm", {"classes": ELEVEN}, 13_283_403),
            ("resnet18-lstm", {"hidden": 256}, 11_966_791),
            ("resnet18-lstm", {"layers": 2}, 15_382_599),
            ("resnet18-lstm", {"variant": "dfew"}, 17_388_871),
            ("resnet18-lstm", {"variant": "dfew", "classes": ELEVEN}, 17_405_259),
            ("resnet18-vit", {}, 17_493_063),
        ],
    )
    def test_parameters(self, name, options, expected):
        assert shrunk.parameters(shrunk.on_meta(name, **options)) == expected

    def test_parts(self):
        model = shrunk.on_meta("resnet18-vit")
        assert shrunk.parameters(model.tower) == 11_176_512
        assert shrunk.parameters(model.temporal) == 6_312_960
        lstm = shrunk.on_meta("resnet18-lstm").temporal
        assert shrunk.parameters(lstm) == 2_101_248
        both = shrunk.on_meta("resnet18-lstm", bidirectional=True).temporal
        assert shrunk.parameters(both) == 4_202_496
        three = shrunk.on_meta("resnet18-lstm", variant="dfew").temporal
        assert shrunk.parameters(three) == 3_414_016

    @pytest.mark.parametrize(
        ("variant", "maps"),
        [
            ("resnet18", [(64, 28, 28), (128, 14, 14), (256, 7, 7), (512, 4, 4)]),
            ("dfew", [(256, 28, 28), (512, 14, 14), (1024, 7, 7), (2048, 4, 4)]),
        ],
    )
    def test_maps(self, variant, maps):
        trunk = shrunk.on_meta("resnet18-lstm", variant=variant).tower
        x = trunk.stem(torch.rand(2, 3, 112, 112, device="meta"))
        for number, expected in enumerate(maps, 1):
            x = trunk.stages(x, number, number)
            assert tuple(x.shape) == (2, *expected)

    @pytest.mark.parametrize(("size", "giga"), [(112, 7.77), (224, 29.0)])
    def test_multiply_adds_of_the_trunk(self, size, giga):
        trunk = shrunk.on_meta("resnet18-lstm").tower
        counted = shrunk.macs(trunk, 16, 3, size, size) / 1e9
        assert counted == pytest.approx(giga, abs=0.03)

    def test_multiply_adds_of_the_bottlenecks(self):
        trunk = shrunk.on_meta("resnet18-lstm", variant="dfew").tower
        assert shrunk.macs(trunk, 16, 3, 112, 112) / 1e9 == pytest.approx(9.07, abs=0.005)


class TestTrunk:
    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            (ResNet2d, torchvision.models.resnet18),
            (lambda: ResNet2d(depths=(3, 4, 6, 3)), torchvision.models.resnet34),
            (lambda: ResNet2d(Bottleneck, depths=(3, 4, 6, 3)), torchvision.models.resnet50),
        ],
    )
    def test_it_is_torchvisions(self, ours, theirs):
        torch.manual_seed(0)
        net = theirs(weights=None).eval()
        net.fc, ours = nn.Identity(), ours()
        ours.load_state_dict(net.state_dict())
        x = torch.rand(1, 3, 40, 40)
        with torch.no_grad():
            torch.testing.assert_close(ours.eval()(x), net(x), atol=1e-5, rtol=1e-5)

    def test_the_dfew_pooling_is_not_padded(self):
        x = torch.zeros(1, 1, 4, 4)
        x[0, 0, 3, 3] = 1
        pool = shrunk.build("resnet18-lstm", variant="dfew", **SMALL).tower.maxpool
        assert torch.equal(pool(x)[0, 0], torch.tensor([[0.0, 0], [0, 1]]))
        assert pool(torch.rand(1, 1, 56, 56)).shape[-1] == 28

    def test_convolutions_start_kaiming(self):
        weight = shrunk.build("resnet18-lstm", width=32).tower.layer2[0].conv1.weight.detach()
        assert weight.std() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.05)  # fan out
        weight = shrunk.build("resnet18-lstm", variant="dfew", width=32).tower.layer2[1].conv1.weight.detach()
        assert weight.std() == pytest.approx((2 / 256) ** 0.5, rel=0.05)  # fan in


def lstm_by_hand(cell, x, suffix=""):
    """Hochreiter and Schmidhuber's gates, one step after another: (B, T, D) -> (B, T, H)."""
    p = {
        name: getattr(cell, f"{name}_l0{suffix}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    }
    h = c = torch.zeros(len(x), cell.hidden_size)
    outputs = []
    for t in range(x.shape[1]):
        gates = x[:, t] @ p["weight_ih"].T + p["bias_ih"] + h @ p["weight_hh"].T + p["bias_hh"]
        i, f, g, o = gates.chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        outputs.append(h)
    return torch.stack(outputs, 1)


class TestTime:
    @pytest.mark.parametrize("readout", ["last", "mean", "concat"])
    @pytest.mark.parametrize("both", [False, True])
    def test_readouts_step_by_step(self, readout, both):
        model = shrunk.build("resnet18-lstm", readout=readout, bidirectional=both, hidden=6, **SMALL)
        x, temporal = torch.rand(3, 16, 64), model.temporal
        outputs = lstm_by_hand(temporal.cell, x)
        ends = [outputs[:, -1]]
        if both:
            back = lstm_by_hand(temporal.cell, x.flip(1), "_reverse").flip(1)
            ends.append(back[:, 0])
            outputs = torch.cat([outputs, back], -1)
        expected = {"last": torch.cat(ends, -1), "mean": outputs.mean(1), "concat": outputs.flatten(1)}
        torch.testing.assert_close(temporal(x), expected[readout], atol=1e-5, rtol=1e-5)

    def test_one_frame_is_the_trunk_and_one_step(self):
        model = shrunk.build("resnet18-lstm", frames=1, **SMALL)
        x = videos(frames=1)
        with torch.no_grad():
            feature = model.eval().tower(x[:, 0])
            expected = model.head(lstm_by_hand(model.temporal.cell, feature[:, None])[:, 0])
        torch.testing.assert_close(logits(model, x), expected, atol=1e-5, rtol=1e-5)

    def test_frames_and_videos_are_not_mixed(self):
        model, x = shrunk.build("resnet18-lstm", **SMALL), videos(3)
        with torch.no_grad():
            features = torch.stack([model.eval().tower(video) for video in x])
            torch.testing.assert_close(model(x), model.decide(features), atol=1e-5, rtol=1e-5)

    @pytest.mark.parametrize("name", NAMES)
    def test_the_order_of_the_frames_matters(self, name):
        model, x = shrunk.build(name, **SMALL), videos()
        assert (logits(model, x) - logits(model, x.flip(1))).abs().max() > 1e-4

    def test_gru(self):
        model = shrunk.build("resnet18-lstm", cell="gru", **SMALL)
        assert isinstance(model.temporal.cell, nn.GRU)
        assert logits(model, videos()).shape == (2, 7)


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"variant": "dfwe"}, "variant of resnet18-lstm"),
            ({"cell": "rnn"}, "no cell of .* named"),
            ({"readout": "first"}, "readout"),
        ],
    )
    def test_unknown_names(self, options, words):
        with pytest.raises(UnknownName, match=words):
            shrunk.build("resnet18-lstm", **options)

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"width": -1}, "width of .* must be .* got -1"),
            ({"heads": 0}, "heads of .* must be .* got 0"),
            ({"depth": 0}, "depth of .* must be .* got 0"),
        ],
    )
    def test_impossible_transformers(self, options, words):
        with pytest.raises(ConfigError, match=words):
            shrunk.build("resnet18-vit", **options)

    @pytest.mark.parametrize("options", [{"hidden": -1}, {"layers": -2}])
    def test_impossible_sizes(self, options):
        with pytest.raises(ConfigError, match="of resnet18-lstm must be a whole number >= 0"):
            shrunk.build("resnet18-lstm", **SMALL, **options)


def save_trunk(path, change=lambda state: None, **extra):
    """A file as torchvision and face models come: a whole ResNet-18 with a classifier of 1000."""
    torch.manual_seed(7)
    state = torchvision.models.resnet18(weights=None).state_dict()
    change(state)
    torch.save({"state_dict": state, **extra} if extra else state, path)
    return state


class TestWeights:
    @pytest.mark.parametrize("name", NAMES)
    def test_a_trunk_is_taken_and_its_classifier_left(self, tmp_path, name):
        path = tmp_path / "resnet18-f37072fd.pth"
        state = save_trunk(path)
        model = shrunk.build(name, weights=str(path))
        own = model.tower.state_dict()
        assert all(torch.equal(own[key], state[key]) for key in own)
        assert model.notes["weights"] == {"file": path.name, "sha256": sha256_of(path)}

    def test_prefixes_epochs_and_missing_counters(self, tmp_path):
        def dress(state):
            for key in list(state):
                tensor = state.pop(key)
                if "num_batches" not in key:
                    state[f"module.{key}"] = tensor

        path = tmp_path / "faces.pth.tar"
        state = save_trunk(path, dress, epoch=3, arch="resnet18")
        model = shrunk.build("resnet18-vit", weights=str(path))
        assert torch.equal(model.tower.conv1.weight, state["module.conv1.weight"])

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda s: s.pop("layer2.0.bn1.weight"), "lacks the weights 'layer2.0.bn1.weight'"),
            (
                lambda s: s.update({"layer1.1.conv1.weight": torch.rand(64, 64, 1, 1)}),
                "'layer1.1.conv1.weight' is of",
            ),
            (lambda s: s.update({"feature.weight": torch.rand(2)}), "holds 'feature.weight'"),
            (lambda s: s["bn1.bias"].fill_(torch.nan), "'bn1.bias' holds numbers that are not finite"),
        ],
    )
    def test_damage_is_named(self, tmp_path, change, words):
        save_trunk(tmp_path / "trunk.pth", change)
        with pytest.raises(DataError, match=words):
            shrunk.build("resnet18-lstm", weights=str(tmp_path / "trunk.pth"))

    def test_nothing_is_executed(self, tmp_path):
        class Planted:
            def __reduce__(self):
                return (open, (str(tmp_path / "planted"), "w"))

        (tmp_path / "trunk.pth").write_bytes(pickle.dumps({"state_dict": {"conv1.weight": Planted()}}))
        with pytest.raises(DataError, match="cannot be read as weights"):
            shrunk.build("resnet18-lstm", weights=str(tmp_path / "trunk.pth"))
        assert not (tmp_path / "planted").exists()

    def test_no_file_is_from_scratch(self):
        assert shrunk.build("resnet18-vit", **SMALL).notes == {"weights": "from scratch"}
        with pytest.raises(DataError, match="there is no file"):
            shrunk.build("resnet18-vit", weights="nowhere.pth", **SMALL)


@pytest.mark.parametrize("name", NAMES)
def test_contract(name):
    assert_contract(name, shrunk.catalog_at(32, *NAMES), width=8)


def test_contract_of_the_dfew_variant():
    assert_contract("resnet18-lstm", shrunk.catalog_at(32, *NAMES), width=4, variant="dfew")


@pytest.mark.parametrize("name", NAMES)
def test_one_video_trains(name):
    model = shrunk.build(name, **SMALL).train()
    model(videos(1)).sum().backward()


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_sixteen_faces_are_learned_by_heart(name):
    model = shrunk.build(name, **SMALL)
    stage = Stage({".*": 2e-3}, epochs=1, optimizer="adam")
    assert shrunk.learns_by_heart(model, stage, *shrunk.drawn_faces(16, 32), steps=80)
