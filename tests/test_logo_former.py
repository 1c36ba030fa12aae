"""logo-former: sizes, attention against plain statements of it, losses, files, training."""

import pickle

import pytest
import shrunk
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from dferbench.errors import ConfigError, DataError, UnknownName
from dferbench.files import sha256_of
from dferbench.models import Batch
from dferbench.testing import assert_contract
from dferbench.types import Stage
from dferbench_methods.logo_former.blocks import Attention, Block, Global, Local, Plan, volume, windows
from dferbench_methods.logo_former.loss import asymmetric, compact

pytestmark = pytest.mark.slow

ELEVEN = (*shrunk.SEVEN, "contempt", "anxiety", "helplessness", "disappointment")
IDLE = 1_024
"""At 512 wide: a class token and its position, which the card's counts hold and the model does not."""
SMALL = {"dim": 32, "depth": 2, "heads": 4, "width": 8}


def plan(window=(2, 2), summary=(2, 2), dim=16, dropout=0.0):
    return Plan(dim, 4, 4, dropout, window, summary)


def videos(count=2, size=32, frames=4):
    return torch.rand(count, frames, 3, size, size, generator=torch.Generator().manual_seed(1))


def logits(model, x):
    with torch.no_grad():
        return model.eval()(x)


def plain(attention, x, seen):
    """The same attention by torch's own module."""
    theirs = nn.MultiheadAttention(x.shape[-1], attention.heads, batch_first=True)
    state = {
        "in_proj_weight": torch.cat([attention.query.weight, attention.key_value.weight]),
        "in_proj_bias": torch.zeros(3 * x.shape[-1]),
        "out_proj.weight": attention.out.weight,
        "out_proj.bias": attention.out.bias,
    }
    theirs.load_state_dict(state)
    return theirs(x, seen, seen)[0]


class TestSizes:
    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({}, 20_164_679),
            ({"window_frames": 2, "summary_frames": 2}, 19_963_975),
            ({"window_frames": 1, "window_side": 1, "summary_frames": 2, "summary_side": 1}, 19_767_367),
            ({"classes": ELEVEN}, 20_164_679 + 4 * 513),
        ],
    )
    def test_parameters(self, options, expected):
        assert shrunk.parameters(shrunk.on_meta("logo-former", **options)) == expected - IDLE

    @pytest.mark.parametrize(("depth", "expected"), [(6, 9_485_127), (4, 7_279_431)])
    def test_parameters_of_the_narrow_ones(self, depth, expected):
        model = shrunk.on_meta("logo-former", dim=256, depth=depth)
        assert shrunk.parameters(model) == expected - IDLE // 2

    @pytest.mark.parametrize(
        ("options", "giga"),
        [
            ({}, 17.92),
            ({"window_frames": 2, "summary_frames": 2}, 17.63),
            ({"dim": 256, "depth": 6}, 10.50),
            ({"dim": 256}, 8.89),
        ],
    )
    def test_multiply_adds(self, options, giga):
        """The card's count holds, next to convolutions and products, two operations a value of batch norm and
        five of layer norm."""
        model = shrunk.on_meta("logo-former", **options)
        frames, dim, depth = options.get("window_frames", 4), options.get("dim", 512), options.get("depth", 4)
        keys = 16 // frames
        attention = depth * 2 * 784 * (frames * 49 + keys) * dim
        batch_norm = 16 * (64 * 56**2 + 4 * 64 * 28**2 + 5 * (128 * 14**2 + 256 * 7**2))
        layer_norm = (784 * (3 * depth + 1) + keys * depth) * dim
        counted = shrunk.macs(model, 1, 16, 3, 112, 112)
        total = counted + attention + 2 * batch_norm + 5 * layer_norm
        assert total / 1e9 == pytest.approx(giga, abs=0.006)

    def test_shapes(self):
        model = shrunk.on_meta("logo-former")
        tokens = model.tokens(torch.rand(2, 16, 3, 112, 112, device="meta"))
        assert tokens.shape == (2, 16, 7, 7, 512)
        assert windows(tokens, (4, 7)).shape == (2 * 4, 196, 512)
        assert model.blocks[0].globally.summaries(tokens).shape == (2, 4, 512)
        assert [round(block.drop, 4) for block in model.blocks] == [0.01, 0.0433, 0.0767, 0.11]

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"frames": 6}, "window of 4 frames by the whole map does not tile 6 frames"),
            ({"window_side": 3}, "window of 4 frames by 3 x 3 places does not tile 16 frames of 7 x 7"),
            ({"summary_frames": 0}, "summary_frames of .* must be .* got 0"),
            ({"summary_side": -7}, "summary_side of .* must be .* got -7"),
            ({"heads": 7}, "heads=7"),
            ({"depth": 0}, "depth of .* must be .* got 0"),
            ({"compact": -1.0}, "compact of .* must be .* got -1.0"),
            ({"dropout": 1.0}, "dropout of .* must be .* got 1.0"),
        ],
    )
    def test_what_cannot_be(self, options, words):
        with pytest.raises(ConfigError, match=words):
            shrunk.on_meta("logo-former", **options)

    @pytest.mark.parametrize("options", [{"pool": "max"}, {"objective": "mse"}])
    def test_unknown_words(self, options):
        with pytest.raises(UnknownName):
            shrunk.on_meta("logo-former", **options)


class TestAttention:
    def test_windows_come_back_together(self):
        x = torch.rand(2, 4, 6, 6, 5)
        cut = windows(x, (2, 3))
        assert cut.shape == (2 * 2 * 4, 18, 5)
        assert torch.equal(cut[1], x[0, :2, :3, 3:].reshape(18, 5))
        assert torch.equal(volume(cut, (2, 3), x.shape), x)

    def test_local_attention_is_plain_attention_in_each_window(self):
        local, x = Local(plan()).eval(), torch.rand(1, 4, 4, 4, 16)
        found = local(x)
        for t in (0, 2):
            for i in (0, 2):
                for j in (0, 2):
                    box = (slice(None), slice(t, t + 2), slice(i, i + 2), slice(j, j + 2))
                    tokens = x[box].reshape(1, 8, 16)
                    wanted = plain(local.attention, tokens, tokens).reshape(1, 2, 2, 2, 16)
                    torch.testing.assert_close(found[box], wanted, atol=1e-5, rtol=1e-4)

    def test_a_window_of_everything_is_plain_attention(self):
        local, x = Local(plan((4, 4))).eval(), torch.rand(2, 4, 4, 4, 16)
        wanted = plain(local.attention, x.flatten(1, 3), x.flatten(1, 3)).reshape(x.shape)
        torch.testing.assert_close(local(x), wanted, atol=1e-5, rtol=1e-4)

    def test_order_within_a_window_only_orders_the_output(self):
        local, x = Local(plan((4, 4))).eval(), torch.rand(1, 4, 4, 4, 16)
        torch.testing.assert_close(local(x.flip(1, 3)), local(x).flip(1, 3), atol=1e-5, rtol=1e-4)

    def test_global_attention_reads_one_summary_a_cell(self):
        attend, x = Global(plan(summary=(2, 4))).eval(), torch.rand(1, 4, 4, 4, 16)
        weight, bias = attend.summarise.weight[:, 0], attend.summarise.bias
        cells = [(weight * x[0, t : t + 2].permute(3, 0, 1, 2)).sum((1, 2, 3)) + bias for t in (0, 2)]
        seen = F.layer_norm(torch.stack(cells), (16,))[None]
        torch.testing.assert_close(attend.summaries(x), seen, atol=1e-5, rtol=1e-4)
        wanted = plain(attend.attention, x.flatten(1, 3), seen).reshape(x.shape)
        torch.testing.assert_close(attend(x), wanted, atol=1e-5, rtol=1e-4)

    def test_dropout_acts_in_training_only(self):
        attention, x = Attention(plan(dropout=0.5)), torch.rand(1, 8, 16)
        assert not torch.equal(attention(x, x), attention(x, x))
        attention.eval()
        assert torch.equal(attention(x, x), attention(x, x))

    def test_a_block_that_is_left_out_changes_nothing_and_one_that_stays_weighs_more(self):
        torch.manual_seed(0)
        block, x = Block(plan(), 0.5), torch.rand(64, 2, 2, 2, 16)
        for part in (block.local.attention.out, block.globally.attention.out, block.mlp[3]):
            nn.init.zeros_(part.weight)
            nn.init.ones_(part.bias)
        added = (block(x) - x)[:, 0, 0, 0, 0].detach()
        assert sorted(set(added.round().tolist())) == [0, 2, 4, 6]
        torch.testing.assert_close(block.eval()(x), x + 3)


class TestLosses:
    def test_compact_of_the_card(self):
        features, rows = torch.tensor([[1, 0], [0.6, 0.8], [0, 2]]), torch.tensor([[2.0, 0], [0, 1], [-1, 1]])
        assert float(compact(features, rows, torch.tensor([0, 1, 1]))) == pytest.approx(0.308088, abs=1e-6)

    def test_asymmetric_of_the_card(self):
        x, label = torch.tensor([[2, 1, 0.5, -1, 0, 0.3, -0.5]]), torch.tensor([0])
        assert float(asymmetric(x, label)) == pytest.approx(0.334383, abs=1e-6)
        assert float(asymmetric(x, label, smoothing=0)) == pytest.approx(0.363844, abs=1e-6)

    @pytest.mark.parametrize(
        ("options", "names"),
        [({}, {"ce", "compact"}), ({"compact": 0.0}, {"ce"}), ({"objective": "asl"}, {"asl", "compact"})],
    )
    def test_terms(self, options, names):
        model = shrunk.build("logo-former", size=32, frames=4, **SMALL, **options).eval()
        batch = Batch(videos(), torch.tensor([1, 5]), [{}] * 2, "train", 0.0)
        terms = model.loss(batch)
        assert set(terms) == names
        objective = asymmetric if "asl" in names else F.cross_entropy
        torch.testing.assert_close(terms[min(names - {"compact"})], objective(model(batch.x), batch.label))
        if "compact" in names:
            wanted = 0.1 * compact(model.feature(batch.x), model.head.weight, batch.label)
            torch.testing.assert_close(terms["compact"], wanted)


class TestModel:
    def test_it_is_its_parts_in_order(self):
        """The network once more, from torchvision's stages and plain attention."""
        model = shrunk.build("logo-former", size=32, frames=4, **(SMALL | {"width": 64})).eval()
        net = torchvision.models.resnet18()
        net.load_state_dict({n: t for n, t in model.trunk.state_dict().items()}, strict=False)
        net.eval()
        with torch.no_grad():
            x = videos().flatten(0, 1)
            x = net.layer3(net.layer2(net.layer1(net.maxpool(net.bn1(net.conv1(x)).relu()))))
            x = (
                model.project(x).permute(0, 2, 3, 1).reshape(2, 4, 2, 2, 32)
                + model.pos_space
                + model.pos_time
            )
            for block in model.blocks:
                tokens = block.norm1(x).reshape(2, 16, 32)
                x = x + plain(block.local.attention, tokens, tokens).reshape(x.shape)
                y = block.norm2(x)
                seen = block.globally.summaries(y)
                x = x + plain(block.globally.attention, y.reshape(2, 16, 32), seen).reshape(x.shape)
                x = x + block.mlp(block.norm3(x))
            wanted = model.head(model.norm(x).mean((1, 2, 3)))
        torch.testing.assert_close(logits(model, videos()), wanted, atol=1e-5, rtol=1e-4)

    def test_token0_is_the_first_place_of_the_first_frame(self):
        model = shrunk.build("logo-former", size=32, frames=4, pool="token0", **SMALL).eval()
        with torch.no_grad():
            x = model.norm(model.blocks(model.tokens(videos())))
            torch.testing.assert_close(model.feature(videos()), x[:, 0, 0, 0])

    def test_the_order_of_the_frames_matters(self):
        model, x = shrunk.build("logo-former", size=32, frames=8, **SMALL), videos(frames=8)
        assert (logits(model, x) - logits(model, x.flip(1))).abs().max() > 1e-5


class TestFiles:
    def test_starting_from_a_resnet18(self, tmp_path):
        net = torchvision.models.resnet18()
        path = tmp_path / "resnet18.pth"
        torch.save(net.state_dict(), path)
        model = shrunk.build("logo-former", size=32, **(SMALL | {"width": 64}), weights=str(path))
        assert torch.equal(model.trunk.layer3[1].conv2.weight, net.layer3[1].conv2.weight)
        assert model.notes["weights"] == {"file": "resnet18.pth", "sha256": sha256_of(path)}
        assert shrunk.build("logo-former", size=32, **SMALL).notes == {"weights": "from scratch"}

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda s: s.pop("layer3.0.conv1.weight"), "lacks the weights 'layer3.0.conv1.weight'"),
            (lambda s: s.update({"bn1.bias": torch.rand(3)}), "'bn1.bias' is of shape"),
            (lambda s: s.update({"gru.weight": torch.rand(3)}), "holds 'gru.weight'"),
        ],
    )
    def test_damage_is_named(self, tmp_path, change, words):
        state = torchvision.models.resnet18().state_dict()
        change(state)
        torch.save(state, tmp_path / "resnet18.pth")
        with pytest.raises(DataError, match=words):
            shrunk.build(
                "logo-former", size=32, **(SMALL | {"width": 64}), weights=str(tmp_path / "resnet18.pth")
            )

    def test_nothing_is_executed(self, tmp_path):
        class Planted:
            def __reduce__(self):
                return (open, (str(tmp_path / "planted"), "w"))

        path = tmp_path / "resnet18.pth"
        path.write_bytes(pickle.dumps({"conv1.weight": Planted()}))
        with pytest.raises(DataError, match="cannot be read as weights"):
            shrunk.build("logo-former", size=32, **SMALL, weights=str(path))
        assert not (tmp_path / "planted").exists()


def test_contract():
    assert_contract("logo-former", shrunk.catalog_at(32, "logo-former"), **SMALL)


def test_one_video_trains():
    model = shrunk.build("logo-former", size=32, frames=4, **SMALL).train()
    model(videos(1)).sum().backward()


@pytest.mark.long
def test_sixteen_faces_are_learned_by_heart():
    model = shrunk.build("logo-former", size=32, **(SMALL | {"dim": 64, "width": 16}), dropout=0.0)
    stage = Stage({".*": 1e-3}, epochs=1, optimizer="adam")
    assert shrunk.learns_by_heart(model, stage, *shrunk.drawn_faces(16, 32), steps=100)
