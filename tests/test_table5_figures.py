"""Figures and rules of table 5's methods that no other file holds: counts, starts, tables, refusals."""

import math

import pytest
import shrunk
import torch
from official_est import official, save
from torch import nn
from torch.nn import functional as F

from dferbench.errors import ConfigError
from dferbench.models import Batch
from dferbench_methods.cliper.model import Cliper
from dferbench_methods.ial.loss import intensity
from dferbench_methods.layers.snippet_files import CLASSES
from dferbench_methods.layers.snippets import ORDERS

NORMS = (nn.BatchNorm2d, nn.BatchNorm3d)
CONVOLUTIONS = (nn.Conv2d, nn.Conv3d)


def logits(model, x):
    with torch.no_grad():
        return model.eval()(x)


def count(model, *kinds):
    return sum(isinstance(part, kinds) for part in model.modules())


def buffers(model):
    return sum(tensor.numel() for tensor in model.net.buffers())


def std(tensor):
    return tensor.detach().std().item()


class TestConvolutional:
    def test_c3d_with_batch_norm_has_5512_numbers_that_do_not_learn(self):
        assert buffers(shrunk.on_meta("c3d", bn=True)) == 5_512
        assert buffers(shrunk.on_meta("c3d")) == 0

    def test_i3d_has_57_norms_58_convolutions_and_14617_numbers_that_do_not_learn(self):
        model = shrunk.on_meta("i3d", size=224)
        assert (count(model, *NORMS), count(model, *CONVOLUTIONS), buffers(model)) == (57, 58, 14_617)
        norms = {(part.eps, part.momentum) for part in model.modules() if isinstance(part, NORMS)}
        assert norms == {(1e-3, 0.01)}

    def test_i3d_at_112_costs_what_the_literature_prints(self):
        """6.99 G, with 3.5 places rounded up to 4 where the map is smallest."""
        model = shrunk.on_meta("i3d", size=112)
        assert shrunk.macs(model, 1, 16, 3, 112, 112) / 1e9 == pytest.approx(6.99, abs=0.01)

    def test_p3d199_has_202_convolutions_and_47_blocks_of_three_kinds(self):
        net = shrunk.on_meta("p3d", depth=199, size=160).net
        assert count(net, *CONVOLUTIONS) == 202
        kinds = "".join(block.kind for i in (1, 2, 3) for block in net.get_submodule(f"layer{i}"))
        assert kinds == ("ABC" * 16)[:47]

    @pytest.mark.parametrize("name", ["r3d18", "r2plus1d18", "p3d"])
    def test_their_classifier_starts_near_zero(self, name):
        assert std(shrunk.build(name, size=48).net.fc.weight) == pytest.approx(0.01, rel=0.05)


class TestFormerDfer:
    def test_what_a_counter_that_skips_bare_parameters_prints(self):
        model = shrunk.on_meta("former-dfer", spatial_depth=1)
        bare = (model.spatial.pos_embedding, model.temporal.pos_embedding, model.temporal.cls_token)
        assert shrunk.parameters(model) - sum(p.numel() for p in bare) == 18_010_183


class TestSnippets:
    def test_orders_are_the_released_ones(self):
        rows = "0432615 5316402 0435261 5432106 5124063 0526413 3150624 2304165 5041326 0326451"
        assert ["".join(map(str, row)) for row in ORDERS] == rows.split()

    def test_start(self):
        model = shrunk.build("est", frames=7, size=32)
        attention = model.transformer.encoder.layers[0].self_attn.in_proj_weight
        assert std(attention) == pytest.approx((2 / 512) ** 0.5, rel=0.02)
        assert attention.abs().max() <= (6 / 512) ** 0.5
        assert std(model.transformer.decoder.layers[2].linear2.weight) == pytest.approx(
            (2 / 2048) ** 0.5, rel=0.02
        )
        assert std(model.trunk.layer4[1].conv2.weight) == pytest.approx((2 / (512 * 9)) ** 0.5, rel=0.02)
        # The order's layers keep torch's default: U(-1, 1) / sqrt(inputs).
        assert std(model.sort[0].weight) == pytest.approx((1 / 3 / 3584) ** 0.5, rel=0.02)

    def test_classes_of_a_released_file_go_by_other_words_for_them_too(self, tmp_path):
        net = official()
        path = save(tmp_path / "est.pth", net)
        words = ("Happy", "Sad", "Neutral", "Angry", "Surprise", "Disgust", "Fear")
        model = shrunk.build("est", words, frames=14, size=32, width=8, weights=str(path))
        assert model.notes["classifier"] == "from the file"
        for row, name in enumerate(shrunk.SEVEN):
            expected = net.classifier[5][0].weight[CLASSES.index(name)]
            assert torch.equal(model.head[5].weight[row], expected)

    def test_dropout_is_the_released_codes(self):
        model = shrunk.on_meta("est", frames=35, size=224)
        shares = {part.p for part in model.transformer.modules() if isinstance(part, nn.Dropout)}
        assert shares == {0.1} and model.pool.attention.dropout == model.pool.dropout.p == 0.1
        assert model.head[4].p == 0.4


class TestLogoFormer:
    def test_windows_of_one_token_cost_as_the_port_would(self):
        """With the attention's products, and norms, as in the card's other counts."""
        options = {"window_frames": 1, "window_side": 1, "summary_frames": 2, "summary_side": 1}
        counted = shrunk.macs(shrunk.on_meta("logo-former", **options), 1, 16, 3, 112, 112)
        keys = 8 * 49
        attention = 4 * 2 * 784 * (1 + keys) * 512
        batch_norm = 16 * (64 * 56**2 + 4 * 64 * 28**2 + 5 * (128 * 14**2 + 256 * 7**2))
        layer_norm = (784 * 13 + keys * 4) * 512
        total = counted + attention + 2 * batch_norm + 5 * layer_norm
        assert total / 1e9 == pytest.approx(19.36, abs=0.006)

    @pytest.mark.parametrize("drop", [-0.1, 1.0, 1.5])
    def test_a_share_of_blocks_left_out_that_cannot_be(self, drop):
        with pytest.raises(ConfigError, match=f"drop_path of .* must be .* got {drop}"):
            shrunk.on_meta("logo-former", drop_path=drop)

    def test_start(self):
        model = shrunk.build("logo-former", size=32, depth=1)
        for tensor in (model.pos_space, model.blocks[0].mlp[0].weight):
            assert std(tensor) == pytest.approx(0.02, rel=0.05)
        assert not model.blocks[0].mlp[0].bias.any() and not model.project.bias.any()


class TestIal:
    def test_of_equal_rivals_the_first_learns(self):
        x = torch.tensor([[0.0, 1.0, 1.0, 1.0]], requires_grad=True)
        intensity(x, torch.tensor([0])).backward()
        share = 1 / (1 + math.exp(-1))
        assert x.grad[0].tolist() == pytest.approx([-share, share, 0, 0])

    def test_the_last_frame_is_seen_in_the_last_difference_alone(self):
        model = shrunk.build("ial", size=32, frames=4, width=8).eval()
        maps = torch.rand(1, 4, 32, 2, 2)
        changed = torch.cat([maps[:, :3], torch.rand(1, 1, 32, 2, 2)], 1)
        with torch.no_grad():
            first, second = model.tokens(maps), model.tokens(changed)
        torch.testing.assert_close(first[:, :2], second[:, :2])
        assert (first[:, 2] - second[:, 2]).abs().max() > 1e-3

    def test_start(self):
        model = shrunk.build("ial", size=112)
        assert std(model.layer3.gca.whole.weight) == pytest.approx((2 / (256 * 49)) ** 0.5, rel=0.05)
        assert std(model.layer3.conv2.weight) == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.02)
        for tensor in (model.fusion.positions, model.pos_embedding):
            assert std(tensor) == pytest.approx(1, rel=0.05)


class TestNrDferNet:
    @pytest.mark.parametrize("classes", [("Angry", "Neutral"), ("anger", "neu"), ("joy", "NEUTRAL")])
    def test_neutral_is_known_by_its_other_names(self, classes):
        model = shrunk.build("nr-dfernet", classes, size=32, width=4)
        assert model.filter.neutral == 1

    def test_a_class_of_that_very_name_comes_first(self):
        model = shrunk.build("nr-dfernet", ("neu", "neutral", "joy"), size=32, width=4)
        assert model.filter.neutral == 1


class TestAen:
    def test_without_guides_it_is_a_net_of_three_heads(self):
        model = shrunk.build("aen", size=32, frames=4, width=8, clips=0.0, outputs=0.0).eval()
        x, label = torch.rand(2, 4, 3, 32, 32), torch.tensor([3, 4])
        with torch.no_grad():
            terms = model.loss(Batch(x, label, [{}] * 2, "video", 0.5))
            seen = model.see(x)
        assert terms["clips"] == terms["outputs"] == 0
        expected = 0.7 * F.cross_entropy(seen.z3, label) + 0.3 * F.cross_entropy(seen.z0, label)
        torch.testing.assert_close(terms["emotion"], 1.4 * expected)

    def test_start(self):
        model = shrunk.build("aen")
        assert std(model.trunk.layer3[1].conv2.weight) == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.02)
        for time in (model.time0, model.time1, model.time3):
            assert std(time.pos_embedding) == pytest.approx(1, rel=0.05)


class TestCliper:
    def test_what_to_count_over_says_nothing_without_counts(self):
        with pytest.raises(ConfigError, match="count_over=epoch"):
            shrunk.build("cliper", size=64, backbone="clip-tiny", alpha=False, count_over="epoch")
        assert isinstance(shrunk.build("cliper", size=64, backbone="clip-tiny", alpha=False), Cliper)
