"""dpcnet: the reported sizes, its modules and terms in plain loops, torchvision's trunk, its two views."""

import math
import pickle

import numpy as np
import pytest
import shrunk
import torch
from inputs import make_sampler
from torch import nn
from torch.nn import functional as F
from torchvision.models.resnet import Bottleneck

from dferbench.errors import ConfigError, DataError, UnknownName
from dferbench.models import Batch
from dferbench.testing import assert_contract
from dferbench.types import Stage
from dferbench_methods.dpcnet.agreement import cosine, jensen_shannon, mean_probabilities
from dferbench_methods.dpcnet.excitation import ChannelTemporal, SpatialFrame
from dferbench_methods.dpcnet.method import INPUT

pytestmark = pytest.mark.slow

ELEVEN = (*shrunk.SEVEN, "contempt", "anxiety", "helplessness", "disappointment")
SMALL = {"frames": 8, "size": 32, "width": 4, "hidden": 32}


def videos(count=2, size=32, frames=8):
    return torch.rand(count, frames, 3, size, size, generator=torch.Generator().manual_seed(1))


def swapped(x):
    """The same videos with their two views exchanged."""
    return x.unflatten(1, (-1, 2)).flip(2).flatten(1, 2)


def build(classes=shrunk.SEVEN, **options):
    return shrunk.build("dpcnet", classes, **{**SMALL, **options})


def logits(model, x):
    with torch.no_grad():
        return model.eval()(x)


def batch(x, *label):
    return Batch(x, torch.tensor(label), [{} for _ in label], "train", 0.0)


# ---- sizes -------------------------------------------------------------------------------------------------


class TestSizes:
    def test_parameters(self):
        model = shrunk.on_meta("dpcnet", frames=8)
        parts = [model.trunk, model.excite, model.lstm, model.aggregate, model.head]
        counts = [shrunk.parameters(part) for part in parts]
        assert counts == [23_508_032, 6_296_577, 12_591_104, 4_197_377, 4_202_503]
        assert shrunk.parameters(model) == 50_795_593
        plain = shrunk.on_meta("dpcnet", frames=8, hidden=0)
        assert shrunk.parameters(plain) / 1e6 == pytest.approx(46.6, abs=0.05)
        eleven = shrunk.on_meta("dpcnet", classes=ELEVEN, frames=8)
        assert shrunk.parameters(eleven) == 50_795_593 + 4 * 1_025

    def test_multiply_adds(self):
        counted = shrunk.macs(shrunk.on_meta("dpcnet", frames=8), 1, 8, 3, 112, 112)
        assert counted / 1e9 == pytest.approx(9.55, abs=0.01)

    def test_shapes(self):
        model, x = shrunk.on_meta("dpcnet", frames=8), torch.rand(2, 8, 3, 112, 112, device="meta")
        maps = model.trunk.stages(model.trunk.stem(x.flatten(0, 1)), 1, 4)
        assert tuple(maps.shape) == (16, 2048, 4, 4)
        views = model.views(x)
        assert tuple(views.shape) == (2, 2, 4, 1024)
        assert tuple(model.aggregate(views.flatten(0, 1)).shape) == (4, 4096)
        assert tuple(model.decide(views).shape) == (2, 2, 7)

    @pytest.mark.parametrize(("frames", "size"), [(2, 32), (6, 33), (16, 224)])
    def test_any_frames_and_size(self, frames, size):
        model = shrunk.on_meta("dpcnet", frames=frames, size=size)
        assert model(torch.rand(1, frames, 3, size, size, device="meta")).shape == (1, 7)

    @pytest.mark.parametrize(
        ("options", "error", "words"),
        [
            ({"frames": 7}, ConfigError, "2 views of 7 frames"),
            ({"frame_gate": "relu"}, UnknownName, "no frame_gate of .* named"),
            ({"agree": "cosin"}, UnknownName, "no agree of .* named"),
            ({"fusion": "votes"}, UnknownName, "no fusion of .* named"),
            ({"layers": 0}, ConfigError, "layers of .* must be .* got 0"),
            ({"hidden": -1}, ConfigError, "hidden of .* must be .* got -1"),
            ({"mf": -1.0}, ConfigError, "mf of .* must be .* got -1.0"),
            ({"dp": -1.0}, ConfigError, "dp of .* must be .* got -1.0"),
            ({"width": 0}, ConfigError, "width of .* must be .* got 0"),
        ],
    )
    def test_what_cannot_be_is_said(self, options, error, words):
        with pytest.raises(error, match=words):
            shrunk.on_meta("dpcnet", **{"frames": 8, **options})


# ---- frames ------------------------------------------------------------------------------------------------


class TestFrames:
    @pytest.mark.parametrize(
        ("count", "expected"),
        [
            (24, [2, 4, 8, 10, 14, 16, 20, 22]),
            (12, [1, 2, 4, 5, 7, 8, 10, 11]),
            (8, [0, 1, 2, 3, 4, 5, 6, 7]),
            (2, [0, 0, 0, 0, 1, 1, 1, 1]),
            (1, [0] * 8),
        ],
    )
    def test_tests_take_the_thirds_of_each_group(self, count, expected):
        assert make_sampler(INPUT.sample)(count, 8, None).tolist() == expected

    @pytest.mark.parametrize("count", [*range(1, 30), 100])
    def test_training_draws_two_frames_of_each_group(self, count):
        sampler, rng = make_sampler(INPUT.sample), np.random.default_rng(0)
        seen = [set() for _ in range(4)]
        for _ in range(300):
            drawn = sampler(count, 8, rng).reshape(4, 2)
            for k, (one, other) in enumerate(drawn.tolist()):
                first, end = count * k // 4, max(count * (k + 1) // 4, count * k // 4 + 1)
                assert first <= min(one, other) and max(one, other) < end
                assert one != other or end - first == 1
                seen[k] |= {one, other}
        assert all(seen[k] >= set(range(count * k // 4, count * (k + 1) // 4)) for k in range(4))

    def test_either_view_may_have_the_earlier_frame(self):
        sampler, rng = make_sampler(INPUT.sample), np.random.default_rng(0)
        draws = np.array([sampler(80, 8, rng).reshape(4, 2) for _ in range(500)])
        assert np.abs((draws[..., 0] < draws[..., 1]).mean(0) - 0.5).max() < 0.1

    def test_without_chance_training_is_testing(self):
        sampler = make_sampler("groups(random=false)")
        assert sampler(24, 8, np.random.default_rng(0)).tolist() == sampler(24, 8, None).tolist()

    @pytest.mark.parametrize(
        ("text", "frames"), [("groups(each=0)", 8), ("groups(each=1.5)", 8), ("groups", 7)]
    )
    def test_what_cannot_be_is_said(self, text, frames):
        with pytest.raises(ConfigError, match=r"groups"):
            make_sampler(text)(10, frames, None)


# ---- what it computes --------------------------------------------------------------------------------------


class TestModules:
    def test_the_mask_frame_by_frame(self):
        torch.manual_seed(0)
        module, maps = SpatialFrame(6, 4, "sigmoid"), torch.randn(2, 3, 6, 2, 2)
        with torch.no_grad():
            found = module(maps)
            for n in range(2):
                for t in range(3):
                    a, b, c = (
                        conv(maps[n, t][None])[0] for conv in (module.first, module.middle, module.last)
                    )
                    q = b.flatten(1).mean(1).softmax(0)
                    mask = (q @ a.flatten(1) + q @ c.flatten(1)).sigmoid().view(1, 2, 2)
                    h = (maps[n, t] * mask + maps[n, t]).flatten(1).mean(1)
                    torch.testing.assert_close(found[n, t], module.frame(h).sigmoid() * h)

    def test_softmax_weighs_the_frames_against_each_other(self):
        torch.manual_seed(0)
        module, maps = SpatialFrame(6, 4, "softmax"), torch.ones(1, 4, 6, 2, 2)
        even = SpatialFrame(6, 4, "sigmoid")
        even.load_state_dict(module.state_dict())
        with torch.no_grad():
            h = maps[:, 0].mean((2, 3)) * (1 + module.mask(maps[:, 0])[:, 0, 0, :1])
            torch.testing.assert_close(module(maps), (h / 4)[:, None].expand(1, 4, 6))
            torch.testing.assert_close(even(maps)[:, 0], even.frame(h).sigmoid() * h)

    def test_aggregation_step_by_step(self):
        torch.manual_seed(0)
        module, x = ChannelTemporal(5), torch.randn(2, 4, 5)
        with torch.no_grad():
            padded = F.pad(x, (0, 0, 1, 1))
            expected = torch.empty(2, 4, 5)
            for t in range(4):
                gate_c = (x[:, t] @ module.channel.weight[..., 0].T + module.channel.bias).sigmoid()
                near = sum(padded[:, t + k] @ module.temporal.weight[..., k].T for k in range(3))
                gate_t = module.frame(near + module.temporal.bias).sigmoid()
                expected[:, t] = x[:, t] * (2 + gate_c + gate_t)
            torch.testing.assert_close(module(x), expected.flatten(1))

    def test_the_views_are_the_even_and_the_odd_frames(self):
        model, x = build().eval(), videos()
        with torch.no_grad():
            views = model.views(x)
            for k in (0, 1):
                torch.testing.assert_close(model.views(x[:, k::2].repeat_interleave(2, 1))[:, k], views[:, k])

    def test_the_prediction_averages_probabilities_or_logits(self):
        model, x = build().eval(), videos()
        with torch.no_grad():
            both = model.decide(model.views(x))
            torch.testing.assert_close(logits(model, x).softmax(-1), both.softmax(-1).mean(1))
            other = build(fusion="logits")
            torch.testing.assert_close(logits(other, x), both.mean(1))

    def test_the_order_of_the_frames_matters(self):
        model, x = build(width=8), videos()
        assert (logits(model, x) - logits(model, swapped(x.flip(1)))).abs().max() > 1e-5


class TestLoss:
    def test_divergence_by_hand(self):
        p, q = torch.tensor([[0.5, 0.3, 0.2]]), torch.tensor([[0.1, 0.1, 0.8]])
        pairs = list(zip(p[0].tolist(), q[0].tolist(), strict=True))
        expected = sum(
            0.5 * a * math.log(2 * a / (a + b)) + 0.5 * b * math.log(2 * b / (a + b)) for a, b in pairs
        )
        assert jensen_shannon(p.log() + 3, q.log()).item() == pytest.approx(expected, abs=1e-6)
        far = torch.tensor([[100.0, 0.0], [100.0, 0.0]])
        assert jensen_shannon(far, far.flip(1)).item() == pytest.approx(math.log(2))

    def test_agreement_by_hand(self):
        one = torch.tensor([[[1.0, 0], [0, 2]]])
        assert cosine(one, one * 3).item() == pytest.approx(0, abs=1e-6)
        assert cosine(one, torch.tensor([[[0.0, 1], [0, -5]]])).item() == pytest.approx((2 + 4) / 2)

    def test_fused_probabilities_are_logits_of_any_shift(self):
        scores = torch.randn(3, 2, 7)
        torch.testing.assert_close(mean_probabilities(scores + 5), mean_probabilities(scores))

    @pytest.mark.parametrize("agree", ["cosine", "mse"])
    def test_exchanging_the_views_changes_nothing(self, agree):
        model, x = build(agree=agree).eval(), videos(4)
        with torch.no_grad():
            terms, others = (model.loss(batch(v, 0, 1, 2, 3)) for v in (x, swapped(x)))
        assert set(terms) == {"ce", "mf", "dp"}
        torch.testing.assert_close(terms, others)
        assert terms["mf"] > 0 and terms["dp"] > 0
        torch.testing.assert_close(logits(model, x), logits(model, swapped(x)))

    @pytest.mark.parametrize("agree", ["cosine", "mse"])
    def test_equal_views_agree(self, agree):
        model, x = build(agree=agree).eval(), videos(2)[:, ::2].repeat_interleave(2, 1)
        with torch.no_grad():
            terms = model.loss(batch(x, 0, 1))
        assert terms["mf"].abs() < 1e-6 and terms["dp"].abs() < 1e-6
        torch.testing.assert_close(terms["ce"], 2 * F.cross_entropy(logits(model, x), torch.tensor([0, 1])))

    def test_the_terms_scale(self):
        x = videos(2)
        with torch.no_grad():
            one, three = (build(mf=s, dp=2 * s).eval().loss(batch(x, 0, 1)) for s in (1.0, 3.0))
        torch.testing.assert_close(three["mf"], 3 * one["mf"])
        torch.testing.assert_close(three["dp"], 3 * one["dp"])


# ---- files -------------------------------------------------------------------------------------------------


def resnet50(width=4):
    """torchvision's, with fewer channels."""
    torch.manual_seed(3)
    return shrunk.shaken(shrunk.NarrowResNet(Bottleneck, [3, 4, 6, 3], width))


class TestWeights:
    @pytest.mark.parametrize("form", ["bare", "training script"])
    def test_the_trunk_computes_what_the_files_net_does(self, tmp_path, form):
        net, path = resnet50(), tmp_path / "resnet50.pth"
        state = net.state_dict()
        script = {"state_dict": {f"module.{n}": t for n, t in state.items()}, "epoch": 3}
        torch.save(state if form == "bare" else script, path)
        model, x = build(weights=str(path)), videos(2)[:, 0]
        net.fc = nn.Identity()
        with torch.no_grad():
            torch.testing.assert_close(model.eval().trunk(x), net(x), atol=1e-5, rtol=1e-5)
        assert model.notes["weights"]["file"] == "resnet50.pth"
        assert build().notes == {"weights": "from scratch"}

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda s: s.pop("layer2.0.bn1.weight"), "lacks the weights 'layer2.0.bn1.weight'"),
            (
                lambda s: s.update({"layer3.5.conv3.weight": torch.rand(2, 2)}),
                "'layer3.5.conv3.weight' is of",
            ),
            (lambda s: s.update({"layer5.0.bn1.bias": torch.rand(8)}), "holds 'layer5.0.bn1.bias'"),
        ],
    )
    def test_damage_is_named(self, tmp_path, change, words):
        state = resnet50().state_dict()
        change(state)
        torch.save(state, tmp_path / "resnet50.pth")
        with pytest.raises(DataError, match=words):
            build(weights=str(tmp_path / "resnet50.pth"))

    def test_nothing_is_executed(self, tmp_path):
        class Planted:
            def __reduce__(self):
                return (open, (str(tmp_path / "planted"), "w"))

        (tmp_path / "resnet50.pth").write_bytes(pickle.dumps({"conv1.weight": Planted()}))
        with pytest.raises(DataError, match="cannot be read as weights"):
            build(weights=str(tmp_path / "resnet50.pth"))
        assert not (tmp_path / "planted").exists()


# ---- as a method -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [0, 64])
def test_contract(hidden):
    assert_contract("dpcnet", shrunk.catalog_at(32, "dpcnet"), width=8, hidden=hidden)


def test_one_video_trains():
    model = build().train()
    sum(model.loss(batch(videos(1), 1)).values()).backward()


@pytest.mark.long
def test_sixteen_faces_are_learned_by_heart():
    model = build(width=8, hidden=64)
    stage = Stage({".*": 1e-3}, epochs=1, optimizer="adam")
    faces, label = shrunk.drawn_faces(16, 32)
    assert shrunk.learns_by_heart(model, stage, faces[:, ::2], label, steps=150)
