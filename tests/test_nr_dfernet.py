"""nr-dfernet against a reimplementation of the released code, and the snippet filter's truth table."""

import pickle

import pytest
import shrunk
import torch
from inputs import make_ops
from torch import nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock

from dferbench.checkpoints.restore import open_checkpoint
from dferbench.errors import ConfigError, DataError
from dferbench.files import sha256_of
from dferbench.machine.device import make_fabric
from dferbench.models import Batch
from dferbench.registry.catalog import discover
from dferbench.testing import assert_contract
from dferbench.types import Stage
from dferbench_methods.nr_dfernet.method import DFEW
from dferbench_methods.nr_dfernet.snippets import NEVER, SnippetFilter, windows

pytestmark = pytest.mark.slow

ELEVEN = (*shrunk.SEVEN, "contempt", "anxiety", "helplessness", "disappointment")
NEUTRAL = shrunk.SEVEN.index("neutral")


def videos(count=2, size=32, frames=16):
    return torch.rand(count, frames, 3, size, size, generator=torch.Generator().manual_seed(1))


def logits(model, x):
    with torch.no_grad():
        return model.eval()(x)


# ---- an independent implementation, under the released names -----------------------------------------------


class Gelu(nn.Module):
    def forward(self, x):
        return 0.5 * x * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)))


class Plus(nn.Module):
    """x + fn(norm(x)), with the norm and the function two names deep."""

    def __init__(self, dim, fn):
        super().__init__()
        self.fn = nn.Module()
        self.fn.norm, self.fn.fn = nn.LayerNorm(dim), fn

    def forward(self, x):
        return x + self.fn.fn(self.fn.norm(x))


class Attention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.to_qkv = nn.Linear(dim, 3 * 128, bias=False)
        self.to_out = nn.Sequential(nn.Linear(128, dim), nn.Dropout(0.0))

    def forward(self, x):
        q, k, v = (t.unflatten(-1, (4, 32)) for t in self.to_qkv(x).chunk(3, -1))
        weights = torch.einsum("bnhd,bmhd->bhnm", q, k) / 32**0.5
        return self.to_out(torch.einsum("bhnm,bmhd->bnhd", weights.softmax(-1), v).flatten(2))


class Mlp(nn.Module):
    def __init__(self, dim, inner):
        super().__init__()
        drop = nn.Dropout(0.0)
        self.net = nn.Sequential(nn.Linear(dim, inner), Gelu(), drop, nn.Linear(inner, dim), drop)

    def forward(self, x):
        return self.net(x)


class Layers(nn.Module):
    def __init__(self, dim, inner):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.ModuleList([Plus(dim, Attention(dim)), Plus(dim, Mlp(dim, inner))]) for _ in range(2)
        )

    def forward(self, x):
        for attend, think in self.layers:
            x = think(attend(x))
        return x


def block(inner, outer, stride):
    change = stride != 1 or inner != outer
    shortcut = nn.Sequential(nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer))
    made = BasicBlock(inner, outer, stride, shortcut if change else None)
    made.attn = nn.Sequential(nn.Conv2d(2, 1, 1, bias=False), nn.BatchNorm2d(1), nn.Sigmoid())  # never used
    return made


class Former(nn.Module):
    def __init__(self, w, places, frames):
        super().__init__()
        dim = 4 * w * places
        self.conv1 = nn.Sequential(
            nn.Conv2d(3, w, 3, 2, 1, bias=False),
            nn.BatchNorm2d(w),
            nn.ReLU(),
            nn.Conv2d(w, w, 3, 1, 1, bias=False),
        )
        self.bn1 = nn.BatchNorm2d(w)
        self.layer1 = nn.Sequential(block(w, w, 1))
        self.layer2 = nn.Sequential(block(w, 2 * w, 2))
        self.layer3 = nn.Sequential(block(2 * w, 4 * w, 2))
        self.d_branch = nn.Sequential(*(block(4 * w, 4 * w, s) for s in (2, 1, 1)))
        self.patch_embedding = nn.Sequential(
            nn.Conv2d(4 * w, 4 * w, 3, 2, 1, bias=False), nn.BatchNorm2d(4 * w), nn.ReLU()
        )
        self.cls_token = nn.Parameter(torch.randn(1, 1, dim))  # never used
        self.temporal_pos_embedding = nn.Parameter(torch.randn(1, frames, dim))
        self.pos_embedding_static = nn.Parameter(torch.randn(1, places, 4 * w))
        self.temporal_transformer = Layers(dim, dim // 8)
        self.s_branch = Layers(4 * w, 4 * w)

    def through_time(self, tokens):
        tokens = torch.cat([tokens.mean(1)[:, None], tokens], 1)
        return self.temporal_transformer(tokens + self.temporal_pos_embedding[:, : tokens.shape[1]])[:, 0]

    def forward(self, x):
        b, t = x.shape[:2]
        maps = F.max_pool2d(self.bn1(self.conv1(x.reshape(-1, *x.shape[2:]))).relu(), 3, 2, 1)
        maps = self.layer3(self.layer2(self.layer1(maps)))
        maps = maps.view(b, t, *maps.shape[1:])
        still, moved = maps[:, : t - 1].flatten(0, 1), (maps[:, 1:] - maps[:, : t - 1]).flatten(0, 1)
        grid = self.patch_embedding(still)
        places = grid.view(*grid.shape[:2], -1).permute(0, 2, 1) + self.pos_embedding_static
        fused = self.d_branch(moved) + self.s_branch(places).permute(0, 2, 1).reshape(grid.shape)
        tokens = fused.reshape(b, t - 1, -1)
        pieces = torch.stack([tokens[:, s : s + 3] for s in range(0, t - 3, 2)], 1)
        local = self.through_time(pieces.flatten(0, 1)).view(b, pieces.shape[1], -1)
        return self.through_time(tokens), local


class Official(nn.Module):
    """What the released code means: logits of the video and, through the same layer, of its snippets."""

    def __init__(self, classes=7, w=8, places=1, frames=16):
        super().__init__()
        self.s_former = Former(w, places, frames)
        self.fc = nn.Linear(4 * w * places, classes)

    def forward(self, x):
        whole, local = self.s_former(x)
        return self.fc(whole), self.fc(local)


def official(**options):
    torch.manual_seed(3)
    net = Official(**options)
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            for tensor in (part.weight, part.bias, part.running_mean, part.running_var):
                nn.init.uniform_(tensor, 0.5, 1.5)
    return net.eval()


def save(path, net, change=lambda state: None):
    """A file as the released training script writes it."""
    state = {f"module.{name}": tensor.clone() for name, tensor in net.state_dict().items()}
    change(state)
    torch.save(state, path)
    return path


# ---- sizes -------------------------------------------------------------------------------------------------


class TestSizes:
    def test_parameters(self):
        assert shrunk.parameters(shrunk.on_meta("nr-dfernet")) == 18_719_687
        assert shrunk.parameters(shrunk.on_meta("nr-dfernet", classes=ELEVEN)) == 18_719_687 + 16_388
        with torch.device("meta"):
            assert shrunk.parameters(Official(w=64, places=16)) == 18_723_807

    def test_parts(self):
        model = shrunk.on_meta("nr-dfernet")
        stem, norm, layers = model.trunk.conv1, model.trunk.bn1, model.trunk
        found = [stem, norm, layers.layer1, layers.layer2, layers.layer3, model.fusion.dynamic]
        found += [model.fusion.patches, model.fusion.blocks, model.temporal.blocks, model.head]
        expected = [38_720, 128, 73_984, 230_144, 919_040, 3_608_064, 590_336, 527_872, 12_633_088, 28_679]
        assert [shrunk.parameters(part) for part in found] == expected
        assert model.fusion.positions.numel() == 4_096
        assert model.temporal.positions.numel() == 65_536

    def test_multiply_adds(self):
        """Layer by layer: 16 frames through the trunk, 15 tokens through fusion, 16 and 7 x 4 over time."""
        trunk = (3 * 64 + 64 * 64) * 9 * 56**2 + 73_728 * 28**2 + 229_376 * 14**2 + 917_504 * 7**2
        fusion = (3_604_480 + 589_824 + 2 * 262_144) * 4**2
        token, fc = 2 * 6_291_456, 4096 * 7
        plain = 16 * trunk + 15 * fusion + 16 * token + fc
        filtered = plain + 7 * (4 * token + fc)
        for neutral, expected in (("", plain), ("neutral", filtered)):
            model = shrunk.on_meta("nr-dfernet", neutral=neutral)
            assert shrunk.macs(model, 1, 16, 3, 112, 112) == expected

    def test_multiply_adds_as_counters_print_them(self):
        """With two operations a value for batch norm, five for layer norm, and the attention's products."""
        batch_norm = 16 * (2 * 64 * 56**2 + 2 * 64 * 28**2 + 3 * 128 * 14**2 + 3 * 256 * 7**2) + 15 * 8 * 4096
        layer_norm = 4 * (15 * 4096 + 16 * 4096)
        attention = 2 * 2 * 128 * (15 * 16**2 + 16**2)
        rest = 2 * batch_norm + 5 * layer_norm + attention
        plain, filtered = (
            shrunk.macs(shrunk.on_meta("nr-dfernet", neutral=n), 1, 16, 3, 112, 112) + rest
            for n in ("", "neutral")
        )
        assert plain / 1e9 == pytest.approx(5.66, abs=0.005)
        snippets = 5 * 4 * 28 * 4096 + 7 * 2 * 2 * 128 * 4**2
        assert (filtered + snippets) / 1e9 == pytest.approx(6.01, abs=0.01)

    def test_maps(self):
        model, x = shrunk.on_meta("nr-dfernet"), torch.rand(2, 16, 3, 112, 112, device="meta")
        maps = model.trunk(x.flatten(0, 1))
        assert tuple(maps.shape[1:]) == (256, 7, 7)
        assert tuple(model.fusion.dynamic(maps).shape[1:]) == (256, 4, 4)
        assert tuple(model.fusion.static(maps).shape[1:]) == (256, 4, 4)
        tokens = model.tokens(x)
        assert tuple(tokens.shape) == (2, 15, 4096)
        assert tuple(model.snippet_logits(tokens).shape) == (2, 7, 7)

    @pytest.mark.parametrize(
        ("frames", "size", "snippets"), [(4, 32, 1), (5, 33, 1), (6, 64, 2), (32, 224, 15)]
    )
    def test_any_frames_and_size(self, frames, size, snippets):
        model = shrunk.on_meta("nr-dfernet", frames=frames, size=size)
        x = torch.rand(1, frames, 3, size, size, device="meta")
        assert model(x).shape == (1, 7)
        assert model.snippet_logits(model.tokens(x)).shape == (1, snippets, 7)

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"frames": 3}, "finds no snippet in 3 frames"),
            ({"width": 0}, "width of .* must be .* got 0"),
            ({"low": -0.1}, "low of .* must be .* got -0.1"),
            ({"high": 1.5}, "high of .* must be .* got 1.5"),
            ({"neutral": "calm"}, "rules out 'calm', which is none of the classes: happiness"),
            ({"classes": ("joy", "anger")}, "rules out 'neutral', which is none of the classes: joy, anger"),
        ],
    )
    def test_what_cannot_be_is_said(self, options, words):
        with pytest.raises(ConfigError, match=words):
            shrunk.on_meta("nr-dfernet", **options)

    def test_start(self):
        model = shrunk.build("nr-dfernet")
        weight = model.fusion.dynamic[1].conv1.weight.detach()
        assert weight.std() == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.05)
        for tensor in (model.fusion.positions, model.temporal.positions):
            assert tensor.detach().std() == pytest.approx(1, rel=0.05)
        assert model.notes == {"weights": "from scratch"}


def test_its_augmentation_is_one_the_host_knows():
    assert [type(op).__name__ for op in make_ops(DFEW.input.augment)] == [
        "RandomSizedCrop", "Flip", "Jitter", "Rotate"
    ]  # fmt: skip


# ---- the filter --------------------------------------------------------------------------------------------


def chances(*rows):
    """Snippets' probabilities of (happy, sad, neutral) as one video's (1, S, 3)."""
    return torch.tensor([rows])


class TestFilter:
    rule = SnippetFilter(2, 0.03, 0.75)

    @pytest.mark.parametrize(
        ("rows", "expected"),
        [
            ([(0.87, 0.10, 0.03)], True),  # neutral at the threshold passes
            ([(0.87, 0.0999, 0.0301)], False),
            ([(0.75, 0.22, 0.03)], False),  # the surest class must be above the threshold
            ([(0.7501, 0.2299, 0.02)], True),
            ([(0.10, 0.10, 0.80)], False),
            ([(0.50, 0.49, 0.01), (0.90, 0.05, 0.05)], False),  # both must hold in one snippet
            ([(0.50, 0.49, 0.01), (0.02, 0.97, 0.01)], True),
        ],
    )
    def test_truth_table(self, rows, expected):
        assert self.rule.rules_out(chances(*rows)).tolist() == [expected]

    def test_only_neutral_of_only_those_videos(self):
        video = torch.tensor([[0.1, 0.2, 5.0], [0.1, 0.2, 5.0]])
        snippets = torch.tensor([[[9.0, 0.0, 0.0]], [[1.0, 0.0, 0.0]]])
        filtered = self.rule(video, snippets)
        assert filtered.tolist()[0] == [pytest.approx(0.1), pytest.approx(0.2), NEVER]
        assert torch.equal(filtered[1], video[1])
        assert video[0, 2] == 5.0

    def test_windows(self):
        starts = windows(torch.arange(15.0)[None, :, None])[0, :, :, 0]
        assert starts.tolist() == [[s, s + 1, s + 2] for s in (0, 2, 4, 6, 8, 10, 12)]

    @pytest.mark.parametrize("classes", [shrunk.SEVEN[:3], ELEVEN, ("neutral", "anger")])
    def test_neutral_is_found_by_name(self, classes):
        model = shrunk.build("nr-dfernet", classes, size=32, width=4, low=1.0, high=0.0)
        found = logits(model, videos())
        assert (found == NEVER).sum(0).tolist() == [2 * (name == "neutral") for name in classes]

    def test_no_name_no_filter(self):
        model = shrunk.build("nr-dfernet", ("joy", "anger"), size=32, width=4, neutral="", low=1.0, high=0.0)
        assert (logits(model, videos()) > NEVER).all()

    def test_the_loss_is_before_the_filter(self):
        model = shrunk.build("nr-dfernet", size=32, width=4, low=1.0, high=0.0).eval()
        plain = shrunk.build("nr-dfernet", size=32, width=4, neutral="")
        x, label = videos(), torch.tensor([NEUTRAL, 0])
        terms = model.loss(Batch(x, label, [{}, {}], "train", 0.0))
        torch.testing.assert_close(terms["ce"], F.cross_entropy(logits(plain, x), label))


# ---- what it computes --------------------------------------------------------------------------------------


class TestParity:
    @pytest.mark.parametrize(("size", "places", "frames"), [(112, 16, 16), (32, 1, 5)])
    def test_outputs_are_the_released_codes(self, tmp_path, size, places, frames):
        net = official(places=places, frames=frames)
        path = save(tmp_path / "fd1.pth", net)
        options = {"size": size, "frames": frames, "width": 8, "weights": str(path)}
        model, x = shrunk.build("nr-dfernet", neutral="", **options), videos(2, size, frames)
        with torch.no_grad():
            whole, local = net(x)
            torch.testing.assert_close(logits(model, x), whole, atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(model.snippet_logits(model.tokens(x)), local, atol=1e-5, rtol=1e-5)
        assert model.notes["weights"] == {"file": "fd1.pth", "sha256": sha256_of(path)}
        assert model.notes["classifier"] == "from the file"

    def test_a_training_step_is_the_released_codes(self, tmp_path):
        net = official(frames=5)
        path = str(save(tmp_path / "fd1.pth", net))
        model = shrunk.build("nr-dfernet", size=32, frames=5, width=8, weights=path).train()
        x, label = videos(2, frames=5), torch.tensor([1, 5])
        model.loss(Batch(x, label, [{}, {}], "train", 0.0))["ce"].backward()
        F.cross_entropy(net.train()(x)[0], label).backward()
        for ours, theirs in (
            (model.trunk.conv1[0].weight, net.s_former.conv1[0].weight),
            (model.fusion.positions, net.s_former.pos_embedding_static),
            (model.temporal.positions, net.s_former.temporal_pos_embedding),
        ):
            torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-5, rtol=1e-3)

    def test_where_nothing_moves_the_dynamic_branch_sees_nothing(self):
        model = shrunk.build("nr-dfernet", size=32, width=4).eval()
        seen = []
        model.fusion.dynamic.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        logits(model, videos(1, frames=1).expand(1, 16, 3, 32, 32))
        assert seen[0].abs().max() < 1e-5

    def test_the_order_of_the_frames_matters(self):
        model, x = shrunk.build("nr-dfernet", size=32, width=8, neutral=""), videos()
        assert (logits(model, x) - logits(model, x.flip(1))).abs().max() > 1e-4


# ---- files -------------------------------------------------------------------------------------------------


class TestImport:
    def open(self, path, **more):
        return open_checkpoint(path, discover(), make_fabric("cpu", "fp32"), model="nr-dfernet", **more)

    def test_an_official_checkpoint_is_taken_over(self, tmp_path):
        net = official(places=16, frames=16)
        opened = self.open(save(tmp_path / "fd1.pth", net), sets={"neutral": ""})
        x = videos(1, 112, 16)
        plain = shrunk.build(
            "nr-dfernet", size=112, frames=16, width=8, neutral="", weights=str(tmp_path / "fd1.pth")
        )
        torch.testing.assert_close(logits(opened.model, x), logits(plain, x))
        assert opened.classes == shrunk.SEVEN and opened.input.frames == 16
        assert opened.facts["notes"][-1].startswith("Weights that the released code never uses")

    @pytest.mark.parametrize("name", ["fc.weight", "s_former.conv1.0.weight", "s_former.layer1.0.bn1.bias"])
    def test_a_missing_tensor_is_named(self, tmp_path, name):
        path = save(tmp_path / "fd1.pth", official(places=16), lambda s: s.pop(f"module.{name}"))
        with pytest.raises(DataError, match=f"lacks the weights '{name}'"):
            self.open(path)


class TestFiles:
    def start(self, path, classes=shrunk.SEVEN):
        return shrunk.build("nr-dfernet", classes, size=32, width=8, weights=str(path))

    def test_another_classifier_is_left_out(self, tmp_path):
        net = official()
        model = self.start(save(tmp_path / "fd1.pth", net), ELEVEN)
        assert torch.equal(model.trunk.conv1[0].weight, net.s_former.conv1[0].weight)
        assert model.head.weight.shape == (11, 32)
        assert model.notes["classifier"] == "from scratch"

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda s: s.pop("module.s_former.bn1.weight"), "lacks the weights 's_former.bn1.weight'"),
            (lambda s: s.pop("module.s_former.temporal_pos_embedding"), "s_former.temporal_pos_embedding"),
            (
                lambda s: s.pop("module.s_former.s_branch.layers.1.1.fn.fn.net.3.bias"),
                "lacks the weights 's_former.s_branch.layers.1.1.fn.fn.net.3.bias'",
            ),
            (
                lambda s: s.update({"module.s_former.d_branch.0.bn1.bias": torch.rand(3)}),
                "'s_former.d_branch.0.bn1.bias' is of shape",
            ),
            (lambda s: s.update({"module.gru.weight": torch.rand(3)}), "holds 'gru.weight'"),
        ],
    )
    def test_damage_is_named(self, tmp_path, change, words):
        with pytest.raises(DataError, match=words):
            self.start(save(tmp_path / "fd1.pth", official(), change))

    def test_nothing_is_executed(self, tmp_path):
        class Planted:
            def __reduce__(self):
                return (open, (str(tmp_path / "planted"), "w"))

        (tmp_path / "fd1.pth").write_bytes(pickle.dumps({"fc.weight": Planted()}))
        with pytest.raises(DataError, match="cannot be read as weights"):
            self.start(tmp_path / "fd1.pth")
        assert not (tmp_path / "planted").exists()


# ---- as a method -------------------------------------------------------------------------------------------


def test_contract():
    assert_contract("nr-dfernet", shrunk.catalog_at(32, "nr-dfernet"), width=8)


def test_one_video_trains():
    model = shrunk.build("nr-dfernet", size=32, width=8).train()
    model.loss(Batch(videos(1), torch.tensor([1]), [{}], "train", 0.0))["ce"].backward()


@pytest.mark.long
def test_sixteen_faces_are_learned_by_heart():
    model = shrunk.build("nr-dfernet", size=32, width=8)
    stage = Stage({".*": 1e-3}, epochs=1, optimizer="adam")
    assert shrunk.learns_by_heart(model, stage, *shrunk.drawn_faces(16, 32), steps=100)
