"""est: the released sizes, frames and orders, a reimplementation of its network, official files."""

import math
import pickle
from itertools import combinations

import numpy as np
import pytest
import shrunk
import torch
from inputs import make_sampler
from official_est import Official, official, save
from torch import nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock

from dferbench.checkpoints.restore import open_checkpoint
from dferbench.errors import ConfigError, DataError
from dferbench.files import sha256_of
from dferbench.machine.device import make_fabric
from dferbench.models import Batch
from dferbench.models.freezing import parameter_groups
from dferbench.registry.catalog import discover
from dferbench.testing import assert_contract
from dferbench.types import Stage
from dferbench_methods.est.method import INPUT, STAGE
from dferbench_methods.layers.snippet_files import CLASSES
from dferbench_methods.layers.snippets import ORDERS, sinusoid

pytestmark = pytest.mark.slow

ELEVEN = (*shrunk.SEVEN, "contempt", "anxiety", "helplessness", "disappointment")
SMALL = {"frames": 14, "size": 32, "width": 8}


def videos(count=2, frames=14, size=32):
    return torch.rand(count, frames, 3, size, size, generator=torch.Generator().manual_seed(1))


def build(classes=shrunk.SEVEN, **options):
    return shrunk.build("est", classes, **{**SMALL, **options})


def logits(model, x):
    with torch.no_grad():
        return model.eval()(x)


def batch(x, *label):
    return Batch(x, torch.tensor(label), [{} for _ in label], "train", 0.0)


# ---- sizes -------------------------------------------------------------------------------------------------


class TestSizes:
    def test_parameters(self):
        model = shrunk.on_meta("est", frames=35, size=224)
        encoder, decoder = model.transformer.encoder, model.transformer.decoder
        parts = [model.trunk, model.pool, encoder, decoder, model.sort, model.head]
        assert [shrunk.parameters(part) for part in parts] == [
            11_176_512, 1_051_648, 9_458_176, 12_613_120, 8_401_418, 74_375
        ]  # fmt: skip
        assert (model.query.numel(), model.positions.numel()) == (512, 3_584)
        assert shrunk.parameters(model) == 42_779_345
        eleven = shrunk.on_meta("est", classes=ELEVEN, frames=35, size=224)
        assert shrunk.parameters(eleven) == 42_779_345 + 260

    def test_multiply_adds(self):
        """As counters print them, with two operations a value for batch norm."""
        counted = shrunk.macs(shrunk.on_meta("est", frames=35, size=224), 1, 35, 3, 224, 224)
        batch_norm = 64 * 112**2 + 4 * 64 * 56**2 + 5 * (128 * 28**2 + 256 * 14**2 + 512 * 7**2)
        assert (counted + 2 * 35 * batch_norm) / 1e9 == pytest.approx(63.8, abs=0.05)

    def test_shapes(self):
        model, x = shrunk.on_meta("est", frames=35, size=224), torch.rand(2, 35, 3, 224, 224, device="meta")
        assert tuple(model.trunk.stages(model.trunk.stem(x[0]), 1, 4).shape) == (35, 512, 7, 7)
        snippets = model.snippets(x)
        assert tuple(snippets.shape) == (2, 7, 512)
        order = torch.zeros(2, 7, dtype=torch.long, device="meta")
        feature = model.relate(snippets, order)
        assert tuple(feature.shape) == (2, 512)
        assert tuple(model.order_logits(snippets, feature).shape) == (2, 10)

    def test_the_sinusoid(self):
        table = sinusoid(7, 512)
        assert table[0].tolist() == [0.0, 1.0] * 256
        assert table[1, :4].tolist() == pytest.approx([0.841471, 0.540302, 0.821856, 0.569695], abs=1e-6)
        assert table[6, 511].item() == pytest.approx(math.cos(6 / 10_000 ** (510 / 512)))

    def test_the_sinusoid_never_learns(self):
        model = build()
        parameter_groups(model, STAGE)
        frozen = [name for name, tensor in model.named_parameters() if not tensor.requires_grad]
        assert frozen == ["positions"]

    def test_orders(self):
        apart = [sum(a != b for a, b in zip(*pair, strict=True)) for pair in combinations(ORDERS, 2)]
        assert (min(apart), np.mean(apart)) == (3, pytest.approx(6, abs=0.05))
        assert all(sorted(row) == list(range(7)) for row in ORDERS)
        assert tuple(range(7)) not in ORDERS and len(ORDERS) == 10

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"frames": 16}, "16 frames do not fall evenly to 7 snippets"),
            ({"width": 0}, "width of .* must be .* got 0"),
            ({"scale": -1.0}, "scale of .* must be .* got -1.0"),
        ],
    )
    def test_what_cannot_be_is_said(self, options, words):
        with pytest.raises(ConfigError, match=words):
            build(**options)


# ---- frames ------------------------------------------------------------------------------------------------


class TestFrames:
    def test_tests_of_a_video_of_105_frames(self):
        chosen = make_sampler(INPUT.sample)(105, 35, None).reshape(7, 5)
        assert chosen.tolist() == [[15 + 10 * i + k for k in (0, 3, 6, 9, 12)] for i in range(7)]

    @pytest.mark.parametrize("count", [1, 2, 16, 104, 106, 400])
    def test_other_lengths_are_brought_to_105(self, count):
        unified = [i * count // 105 for i in range(105)]
        assert (unified[0], unified[-1]) == (0, (104 * count) // 105)
        chosen = make_sampler(INPUT.sample)(count, 35, None)
        assert chosen.tolist() == [unified[15 + 10 * i + k] for i in range(7) for k in (0, 3, 6, 9, 12)]
        assert chosen.min() >= 0 and chosen.max() < count

    def test_training_draws_distinct_frames_in_order_within_one_window(self):
        sampler, rng = make_sampler(INPUT.sample), np.random.default_rng(0)
        draws = np.array([sampler(105, 35, rng).reshape(7, 5) for _ in range(2000)])
        assert (np.diff(draws, axis=2) > 0).all()
        inside = draws - 10 * np.arange(7)[None, :, None]
        first, last = inside.min((1, 2)), inside.max((1, 2))
        assert (last - first <= 14).all()
        assert (first.min(), last.max()) == (0, 29 + 14)
        assert set(inside.ravel().tolist()) == set(range(44))

    @pytest.mark.parametrize("frames", [7, 14, 21, 105])
    def test_any_number_of_frames_a_snippet(self, frames):
        for rng in (None, np.random.default_rng(0)):
            chosen = make_sampler("snippets")(105, frames, rng).reshape(7, -1)
            assert (np.diff(chosen, axis=1) > 0).all()

    @pytest.mark.parametrize(
        ("text", "frames", "words"),
        [
            ("snippets", 36, "36 frames cannot fill 7 snippets"),
            ("snippets", 112, "112 frames cannot fill 7 snippets of up to 15"),
            ("snippets(unified=70)", 35, "do not fit in 70"),
            ("snippets(stride=0)", 35, "0 apart"),
        ],
    )
    def test_what_cannot_be_is_said(self, text, frames, words):
        with pytest.raises(ConfigError, match=words):
            make_sampler(text)(50, frames, None)

    def test_a_window_that_fills_the_video_is_not_drawn(self):
        sampler = make_sampler("snippets(unified=75)")
        assert sampler(75, 105, np.random.default_rng(0)).min() == 0


# ---- what it computes --------------------------------------------------------------------------------------


def theirs_to_ours(scores):
    """From the released code's order of classes to that of shrunk.SEVEN."""
    return scores[..., [CLASSES.index(name) for name in shrunk.SEVEN]]


class TestParity:
    def test_tensors_are_those_of_the_released_code(self):
        with torch.device("meta"):
            names = Official(width=64).state_dict()
        model = shrunk.on_meta("est", frames=35, size=224)
        assert len(names) == len(model.state_dict())
        assert sum(t.numel() for t in names.values()) == sum(t.numel() for t in model.state_dict().values())

    @pytest.mark.parametrize("row", [0, 6])
    def test_outputs_are_the_released_codes(self, tmp_path, row):
        net = official()
        path = save(tmp_path / "est.pth", net)
        model, x = build(weights=str(path)).eval(), videos(1)
        order = torch.tensor(ORDERS[row])[None]
        with torch.no_grad():
            theirs, their_order = net(x[0], order[0])
            torch.testing.assert_close(model(x)[0], theirs_to_ours(theirs), atol=1e-5, rtol=1e-5)
            shown = model.snippets(x)[:, order[0]]
            feature = model.relate(shown, order)
            torch.testing.assert_close(
                model.order_logits(shown, feature)[0], their_order, atol=1e-5, rtol=1e-5
            )
        assert model.notes["weights"] == {"file": "est.pth", "sha256": sha256_of(path)}
        assert (model.notes["classifier"], model.notes["started"]) == ("from the file", "all of it")

    def test_the_order_shown_does_not_change_the_prediction(self):
        model, x = build().eval(), videos(2)
        with torch.no_grad():
            snippets, natural = model.snippets(x), torch.arange(7).expand(2, 7)
            expected = model.head(model.relate(snippets, natural))
            for row in ORDERS:
                order = torch.tensor(row).expand(2, 7)
                found = model.head(model.relate(snippets[:, list(row)], order))
                torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
            wrong = model.relate(snippets[:, list(ORDERS[0])], natural)
            assert (model.head(wrong) - expected).abs().max() > 1e-5

    def test_the_order_of_the_frames_matters(self):
        model, x = build(), videos()
        assert (logits(model, x) - logits(model, x.flip(1))).abs().max() > 1e-5


class TestLoss:
    def test_terms(self):
        torch.manual_seed(1)
        model, x = build(scale=2.0), videos(6)
        model.train()
        found = [model.loss(batch(x, *range(6)))["order"].item() / 2 for _ in range(10)]
        assert np.mean(found) == pytest.approx(math.log(10), abs=0.5)

    def test_both_are_those_of_the_order_drawn(self):
        model, x, label = build(scale=0.5).eval(), videos(3), torch.tensor([0, 3, 6])
        with torch.no_grad():
            torch.manual_seed(4)
            terms = model.loss(batch(x, 0, 3, 6))
            torch.manual_seed(4)
            row = torch.randint(10, (3,))
            orders = [ORDERS[r] for r in row]
            shown = torch.stack([s[list(o)] for s, o in zip(model.snippets(x), orders, strict=True)])
            feature = model.relate(shown, torch.tensor(orders))
            order = F.cross_entropy(model.order_logits(shown, feature), row)
        torch.testing.assert_close(terms["ce"], F.cross_entropy(logits(model, x), label))
        torch.testing.assert_close(terms["order"], 0.5 * order)

    def test_the_order_teaches_through_the_videos_feature_alone(self):
        model = build().eval()
        shown = torch.randn(2, 7, 64, requires_grad=True)
        feature = torch.randn(2, 64, requires_grad=True)
        model.order_logits(shown, feature).square().sum().backward()
        assert shown.grad is None and feature.grad.abs().sum() > 0

    def test_one_video_trains_without_an_order(self):
        model = build().train()
        terms = model.loss(batch(videos(1), 1))
        assert terms["order"] == 0
        sum(terms.values()).backward()
        assert model.eval().loss(batch(videos(1), 1))["order"] > 0


# ---- files -------------------------------------------------------------------------------------------------


class TestWeights:
    @pytest.mark.parametrize("form", ["torchvision", "fer+"])
    def test_a_trunk_of_its_own(self, tmp_path, form):
        torch.manual_seed(3)
        net, path = (
            shrunk.shaken(shrunk.NarrowResNet(BasicBlock, [2, 2, 2, 2], 8)),
            tmp_path / "resnet18.pth.tar",
        )
        state = net.state_dict()
        if form == "fer+":
            extra = {"feature.weight": torch.rand(4, 64), "feature.bias": torch.rand(4)}
            named = {f"module.{name}": tensor for name, tensor in {**state, **extra}.items()}
            torch.save({"epoch": 60, "state_dict": named, "prec1": torch.tensor(85.0)}, path)
        else:
            torch.save(state, path)
        model, x = build(weights=str(path)).eval(), videos(1)[0]
        net.fc = nn.Identity()
        with torch.no_grad():
            torch.testing.assert_close(model.trunk(x), net(x), atol=1e-5, rtol=1e-5)
        assert model.notes["started"] == "the trunk" and model.notes["classifier"] == "from scratch"
        assert build().notes == {"weights": "from scratch"}

    def test_classes_go_by_name_or_start_anew(self, tmp_path):
        net = official()
        path = str(save(tmp_path / "est.pth", net))
        turned = build(shrunk.SEVEN[::-1], weights=path)
        for i, name in enumerate(shrunk.SEVEN[::-1]):
            expected = net.classifier[5][0].weight[CLASSES.index(name)]
            assert torch.equal(turned.head[5].weight[i], expected)
        for classes in (ELEVEN, (*shrunk.SEVEN[:6], "contempt")):
            model = build(classes, weights=path)
            assert model.notes["classifier"] == "from scratch"
            assert torch.equal(model.head[0].weight, net.classifier[0].weight)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda s: s.pop("module.layer2.0.bn1.weight"), "lacks the weights 'layer2.0.bn1.weight'"),
            (lambda s: s.pop("module.classifier.0.weight"), "lacks the weights 'classifier.0.weight'"),
            (lambda s: s.pop("module.query_embed.weight"), "lacks the weights 'query_embed.weight'"),
            (
                lambda s: s.update({"module.transformer.encoder.norm.bias": torch.rand(3)}),
                "'transformer.encoder.norm.bias' is of shape",
            ),
            (lambda s: s.update({"module.gru.weight": torch.rand(3)}), "holds 'gru.weight'"),
        ],
    )
    def test_damage_is_named(self, tmp_path, change, words):
        path = save(tmp_path / "est.pth", official(), change)
        with pytest.raises(DataError, match=words):
            build(weights=str(path))


class TestConvert:
    def open(self, path, **more):
        return open_checkpoint(path, discover(), make_fabric("cpu", "fp32"), model="est", **more)

    def test_an_official_checkpoint_is_taken_over(self, tmp_path):
        net = official()
        opened = self.open(save(tmp_path / "est.pth", net))
        assert opened.classes == CLASSES and opened.input.frames == 35
        x = videos(1)
        with torch.no_grad():
            expected = net(x[0], torch.arange(7))[0]
        torch.testing.assert_close(logits(opened.model, x)[0], expected, atol=1e-5, rtol=1e-5)

    def test_other_numbers_of_classes_must_be_named(self, tmp_path):
        path = save(tmp_path / "est.pth", official(classes=3))
        with pytest.raises(ConfigError, match="3 classes, whose names"):
            self.open(path)
        assert self.open(path, classes=["a", "b", "c"]).classes == ("a", "b", "c")

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda s: s.pop("module.classifier.5.0.weight"), "lacks the weights 'classifier.5.0.weight'"),
            (lambda s: s.pop("module.norm1.bias"), "lacks the weights 'norm1.bias'"),
            (lambda s: s.update({"module.conv1.weight": torch.rand(3)}), "'conv1.weight' is of"),
            (
                lambda s: s.update({"module.attn.in_proj_bias": torch.rand(3)}),
                "'attn.in_proj_bias' is of shape",
            ),
            (lambda s: s.update({"module.gru.weight": torch.rand(3)}), "'gru.weight' is not a tensor"),
        ],
    )
    def test_damage_is_named(self, tmp_path, change, words):
        with pytest.raises(DataError, match=words):
            self.open(save(tmp_path / "est.pth", official(), change))

    @pytest.mark.parametrize("opens", [True, False])
    def test_nothing_is_executed(self, tmp_path, opens):
        class Planted:
            def __reduce__(self):
                return (open, (str(tmp_path / "planted"), "w"))

        path = tmp_path / "est.pth"
        path.write_bytes(pickle.dumps({"state_dict": {"conv1.weight": Planted()}}))
        with pytest.raises(DataError, match="cannot be read as weights"):
            self.open(path) if opens else build(weights=str(path))
        assert not (tmp_path / "planted").exists()


# ---- as a method -------------------------------------------------------------------------------------------


def test_contract():
    assert_contract("est", shrunk.catalog_at(32, "est"), width=8)


@pytest.mark.long
def test_sixteen_faces_are_learned_by_heart():
    model = build(width=16)
    stage = Stage(STAGE.train | dict.fromkeys(STAGE.train, 1e-3), epochs=1, optimizer="adam")
    faces, label = shrunk.drawn_faces(16, 32)
    assert shrunk.learns_by_heart(model, stage, faces[:, :14], label, steps=150)
