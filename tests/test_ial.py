"""ial against a reimplementation of the released code: sizes, losses, outputs, files, training."""

import math
import pickle

import pytest
import shrunk
import torch
from inputs import make_sampler
from test_former_dfer import Layers
from torch import nn
from torch.nn import functional as F

from dferbench.checkpoints.restore import open_checkpoint
from dferbench.errors import ConfigError, DataError
from dferbench.files import sha256_of
from dferbench.machine.device import make_fabric
from dferbench.models import Batch
from dferbench.registry.catalog import discover
from dferbench.testing import assert_contract
from dferbench.types import Stage
from dferbench_methods.ial.gca import Gca, blended
from dferbench_methods.ial.loss import intensity

pytestmark = pytest.mark.slow

ELEVEN = (*shrunk.SEVEN, "contempt", "anxiety", "helplessness", "disappointment")
X = torch.tensor([[2, 1, 0.5, -1, 0, 0.3, -0.5], [0.1, 0.2, 1.5, 0.4, 1.2, -0.3, 0]])
Y = torch.tensor([0, 4])


def videos(count=2, size=64, frames=4):
    return torch.rand(count, frames, 3, size, size, generator=torch.Generator().manual_seed(1))


def logits(model, x):
    with torch.no_grad():
        return model.eval()(x)


# ---- an independent implementation, under the released names -----------------------------------------------


def conv(inner, outer, kernel, stride=1):
    return nn.Conv2d(inner, outer, kernel, stride, kernel // 2, bias=False)


class Block(nn.Module):
    def __init__(self, inner, width, stride, side=0, classes=7, used=True):
        super().__init__()
        self.conv1, self.bn1 = conv(inner, width, 3, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3), nn.BatchNorm2d(width)
        self.downsample = None
        if stride > 1:
            shortcut = nn.Conv2d(inner, width, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(width))
        self.used = used and side > 0
        if side:
            first = nn.Linear(width, 2 * width, bias=False)
            self.AUX_fc = nn.Sequential(first, nn.Linear(2 * width, classes, bias=False))
            self.glb = conv(width, width, 1)
            self.gc = nn.Sequential(nn.Conv2d(width, width, side, groups=width, bias=False))
            self.fc1 = nn.Sequential(conv(width, width // 16, 1))
            self.fc2 = nn.Sequential(conv(width // 16, width, 1))
            self.bias1, self.bias2 = (nn.Parameter(torch.rand(width)) for _ in range(2))

    def forward(self, x, frames=0):
        u = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        if self.used:
            g = self.gc(u)
            a = 2 * self.fc2(self.fc1(g).relu()).sigmoid()
            mean = torch.stack([part.mean(0) for part in a.split(frames)])
            u = u * (a * mean.repeat_interleave(frames, 0) + 1e-5) ** 0.5
            pooled = torch.stack([part.mean(0) for part in g.split(frames)])
            self.seen = self.AUX_fc(pooled[..., 0, 0])
        return (u + (self.downsample(x) if self.downsample else x)).relu()


class Narrow(Layers):
    """Layers of four heads of 32 channels."""

    def __init__(self, dim, mlp):
        super().__init__(dim, 16, 2)
        for attend, think in self.layers:
            attend.fn.fn = Four(dim)
            first, last = nn.Linear(dim, mlp), nn.Linear(mlp, dim)
            think.fn.fn.net[0], think.fn.fn.net[3] = first, last


class Four(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.to_qkv = nn.Linear(dim, 3 * 128, bias=False)
        self.to_out = nn.Sequential(nn.Linear(128, dim), nn.Dropout(0.0))

    def forward(self, x):
        q, k, v = (t.unflatten(-1, (4, 32)) for t in self.to_qkv(x).chunk(3, -1))
        weights = torch.einsum("bnhd,bmhd->bhnm", q, k) * 32**-0.5
        return self.to_out(torch.einsum("bhnm,bmhd->bnhd", weights.softmax(-1), v).flatten(2))


class Former(nn.Module):
    def __init__(self, classes, frames, size):
        super().__init__()
        side = size // 8
        self.conv1 = nn.Sequential(conv(3, 64, 3, 2), nn.BatchNorm2d(64), nn.ReLU(), conv(64, 64, 3))
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(Block(64, 64, 1, 2 * side, classes, used=False))
        self.layer2 = nn.Sequential(Block(64, 128, 2, side, classes))
        self.layer3 = nn.Sequential(Block(128, 256, 2, side // 2, classes))
        self.layer4 = nn.Sequential(Block(256, 256, 2), Block(256, 256, 1), Block(256, 256, 1))
        places = math.ceil(size / 32) ** 2
        self.patch_embedding = nn.Sequential(conv(256, 256, 3, 2), nn.BatchNorm2d(256))
        self.pos_transformer, self.temporal_transformer = Narrow(256, 256), Narrow(256 * places, 512)
        self.pos_embedding_pos = nn.Parameter(torch.randn(1, places, 256))
        self.pos_embedding = nn.Parameter(torch.randn(1, frames, 256 * places))
        self.bias = nn.Parameter(torch.rand(64))

    def forward(self, x):
        b, t = x.shape[:2]
        y = F.max_pool2d(self.bn1(self.conv1(x.flatten(0, 1))).relu(), 3, 2, 1)
        y = self.layer3[0](self.layer2[0](self.layer1(y), t), t).unflatten(0, (b, t))
        moved = self.layer4((y[:, 1:] - y[:, :-1]).flatten(0, 1))
        still = self.patch_embedding(y[:, :-1].flatten(0, 1)).relu()
        tokens = self.pos_transformer(still.flatten(2).permute(0, 2, 1) + self.pos_embedding_pos)
        still = tokens.permute(0, 2, 1).reshape(moved.shape)
        z = (still + moved).reshape(b, t - 1, -1) + self.pos_embedding[:, : t - 1]
        return self.temporal_transformer(z).mean(1)


class Official(nn.Module):
    def __init__(self, classes=7, frames=16, size=112):
        super().__init__()
        self.s_former = Former(classes, frames, size)
        self.fc_f = nn.Linear(self.s_former.pos_embedding.shape[2], classes)

    def forward(self, x):
        return self.fc_f(self.s_former(x))


def official(seed=3, classes=7, frames=4, size=64):
    torch.manual_seed(seed)
    net = Official(classes, frames, size)
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            for tensor in (part.weight, part.bias, part.running_mean, part.running_var):
                nn.init.uniform_(tensor, 0.5, 1.5)
    return net.eval()


def save(path, net, change=lambda state: None):
    state = {f"module.{name}": tensor.clone() for name, tensor in net.state_dict().items()}
    change(state)
    torch.save(state, path)
    return path


# ---- sizes -------------------------------------------------------------------------------------------------


class TestSizes:
    def test_parameters(self):
        model = shrunk.on_meta("ial")
        assert shrunk.parameters(model) == 18_936_775 == 19_083_527 - 146_752
        assert shrunk.parameters(model.conv1) + shrunk.parameters(model.bn1) == 38_720 + 128
        assert shrunk.parameters(model.layer1) == 137_984 - 64_000
        assert shrunk.parameters(model.layer2) == 308_480 - 16_640
        assert shrunk.parameters(model.layer3) == 1_140_480 - 66_048
        assert shrunk.parameters(model.fusion.dynamic) == 3_608_064
        assert shrunk.parameters(model.fusion.patches) == 590_336
        assert shrunk.parameters(model.fusion.blocks) == 527_872
        assert shrunk.parameters(model.blocks) == 12_633_088
        assert shrunk.parameters(model.head) == 28_679
        more = shrunk.on_meta("ial", classes=ELEVEN)
        assert shrunk.parameters(more) == 18_936_775 + 4 * (4_097 + 768)

    def test_the_released_net_has_181_tensors(self):
        with torch.device("meta"):
            theirs = Official()
        assert shrunk.parameters(theirs) == 19_083_527
        assert len(theirs.state_dict()) == 181

    def test_multiply_adds(self):
        """The card's count holds two operations a value of batch norm and five of layer norm as well."""
        counted = shrunk.macs(shrunk.on_meta("ial"), 1, 16, 3, 112, 112)
        attention = 2 * 2 * (15 * 16**2 + 15**2) * 128
        batch_norm = 16 * (2 * 64 * 56**2 + 2 * 64 * 28**2 + 3 * 128 * 14**2 + 3 * 256 * 7**2)
        batch_norm += 15 * 8 * 256 * 16
        layer_norm = 5 * 4 * 15 * (4096 + 4096)
        assert (counted + attention + 2 * batch_norm + layer_norm) / 1e9 == pytest.approx(5.647, abs=0.001)

    def test_maps(self):
        model, x = shrunk.on_meta("ial"), torch.rand(2, 16, 3, 112, 112, device="meta")
        first = F.max_pool2d(model.conv1(x.flatten(0, 1)), 3, 2, 1)
        assert first.shape[1:] == (64, 28, 28) == model.layer1(first).shape[1:]
        second, early = model.layer2.attend(first, 16)
        maps, (_, late) = model.maps(x)
        assert (second.shape[1:], early.shape, late.shape) == ((128, 14, 14), (2, 7), (2, 7))
        assert maps.shape == (2, 16, 256, 7, 7)
        assert model.tokens(maps).shape == (2, 15, 4096)

    @pytest.mark.parametrize(("size", "frames"), [(32, 2), (56, 16), (100, 5), (224, 16)])
    def test_any_size(self, size, frames):
        model = shrunk.on_meta("ial", size=size, frames=frames)
        with torch.no_grad():
            assert model.eval()(torch.rand(1, frames, 3, size, size, device="meta")).shape == (1, 7)

    def test_what_cannot_be(self):
        for options, words in (
            ({"frames": 1}, "ial compares frames and needs at least 2, got 1"),
            ({"scale": -1.0}, "scale of .* must be .* got -1.0"),
            ({"aux3": -1.0}, "aux3 of .* must be .* got -1.0"),
            ({"width": 0}, "width of .* must be .* got 0"),
        ):
            with pytest.raises(ConfigError, match=words):
                shrunk.on_meta("ial", **options)

    def test_its_frames_are_those_of_the_released_loader(self):
        input = discover().get("methods", "ial").value.recipe.input
        expected = [2, 6, 10, 14, 18, 22, 26, 30, 35, 39, 43, 47, 51, 55, 59, 63]
        assert make_sampler(input.sample)(66, input.frames, None).tolist() == expected


# ---- what it computes --------------------------------------------------------------------------------------


class TestLosses:
    def test_intensity_of_the_card(self):
        each = [float(intensity(X[i : i + 1], Y[i : i + 1])) for i in range(2)]
        assert each == pytest.approx([0.313262, 0.854355], abs=1e-6)
        tie = torch.tensor([[1.0, 1.0, 0.0]])
        assert float(intensity(tie, torch.tensor([0]))) == pytest.approx(math.log(2))

    def test_its_gradient(self):
        x = X.clone().requires_grad_()
        total = F.cross_entropy(x, Y) + 0.1 * intensity(x, Y)
        total.backward()
        assert total.item() == pytest.approx(1.111247, abs=1e-6)
        expected = [
            [-0.268457, 0.103574, 0.054665, 0.012197, 0.033156, 0.044756, 0.020110],
            [0.041358, 0.045708, 0.196437, 0.055827, -0.404476, 0.027723, 0.037422],
        ]
        torch.testing.assert_close(x.grad, torch.tensor(expected), atol=1e-6, rtol=0)

    def test_logits_far_apart_stay_finite(self):
        x = torch.tensor([[-500.0, 500.0]], requires_grad=True)
        intensity(x, torch.tensor([0])).backward()
        assert x.grad.tolist() == [[-1, 1]]

    def test_terms(self):
        model = shrunk.build("ial", size=32, frames=3, width=16, aux3=0.5)
        batch = Batch(videos(3, 32, 3), torch.tensor([1, 5, 0]), [{}] * 3, "train", 0.0)
        with torch.no_grad():
            maps, (early, late) = model.maps(batch.x)
            found, z = model.loss(batch), model.decide(maps)
        wanted = {
            "ce": F.cross_entropy(z, batch.label),
            "intensity": 0.1 * intensity(z, batch.label),
            "aux2": 0.05 * F.cross_entropy(early, batch.label),
            "aux3": 0.5 * F.cross_entropy(late, batch.label),
        }
        assert {n: float(t) for n, t in found.items()} == pytest.approx(
            {n: float(t) for n, t in wanted.items()}, rel=1e-4
        )


class TestGate:
    def test_of_the_card(self):
        gates = 2 * torch.tensor([0.2, 0.5, 0.8]).reshape(1, 3, 1)
        expected = torch.tensor([0.632463, 1.000005, 1.264915])
        torch.testing.assert_close(blended(gates).flatten(), expected, atol=1e-6, rtol=0)

    def test_a_neutral_gate_changes_nothing(self):
        gca, x = Gca(16, 4, 7), torch.rand(6, 16, 4, 4)
        nn.init.zeros_(gca.excite.weight)
        torch.testing.assert_close(gca(x, 3)[0], x * 1.00001**0.5)


class TestParity:
    def test_outputs_are_the_released_codes(self, tmp_path):
        net = official()
        path = save(tmp_path / "ial.pth", net)
        model = shrunk.build("ial", frames=4, size=64, weights=str(path))
        x = videos()
        with torch.no_grad():
            torch.testing.assert_close(logits(model, x), net(x), atol=1e-5, rtol=1e-4)
            early, late = model.maps(x)[1]
        torch.testing.assert_close(early, net.s_former.layer2[0].seen, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(late, net.s_former.layer3[0].seen, atol=1e-5, rtol=1e-4)
        assert model.notes["weights"] == {"file": "ial.pth", "sha256": sha256_of(path)}
        assert model.notes["classifier"] == "from the file"

    def test_a_still_video_has_equal_tokens(self):
        model = shrunk.build("ial", size=32, frames=4, width=16).eval()
        x = videos(1, 32, 1).expand(-1, 4, -1, -1, -1)
        with torch.no_grad():
            tokens = model.tokens(model.maps(x)[0])
        torch.testing.assert_close(tokens, tokens[:, :1].expand_as(tokens), atol=1e-5, rtol=1e-4)

    def test_the_order_of_the_frames_matters(self):
        model, x = shrunk.build("ial", size=32, frames=4, width=16), videos(size=32)
        assert (logits(model, x) - logits(model, x.flip(1))).abs().max() > 1e-4


# ---- files -------------------------------------------------------------------------------------------------


class TestFiles:
    def open(self, path, **more):
        return open_checkpoint(path, discover(), make_fabric("cpu", "fp32"), model="ial", **more)

    def test_a_checkpoint_of_the_released_code_is_taken_over(self, tmp_path):
        net = official(size=112, frames=2)
        opened = self.open(save(tmp_path / "ial.pth", net))
        x = videos(1, 112, 2)
        with torch.no_grad():
            torch.testing.assert_close(logits(opened.model, x), net(x), atol=1e-5, rtol=1e-4)
        assert opened.input.frames == 2 and opened.classes == shrunk.SEVEN

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda s: s.pop("module.s_former.layer2.0.gc.0.weight"), "'s_former.layer2.0.gc.0.weight'"),
            (lambda s: s.pop("module.fc_f.weight"), "lacks the weights 'fc_f.weight'"),
            (lambda s: s.update({"module.s_former.bn1.bias": torch.rand(3)}), "'s_former.bn1.bias' is of"),
            (lambda s: s.update({"module.gru.weight": torch.rand(3)}), "'gru.weight' is not a tensor"),
        ],
    )
    def test_damage_is_named(self, tmp_path, change, words):
        path = save(tmp_path / "ial.pth", official(size=112, frames=2), change)
        with pytest.raises(DataError, match=words) as refused:
            self.open(path)
        assert str(path) in refused.value.message

    def test_nothing_is_executed(self, tmp_path):
        class Planted:
            def __reduce__(self):
                return (open, (str(tmp_path / "planted"), "w"))

        path = tmp_path / "ial.pth"
        path.write_bytes(pickle.dumps({"fc_f.weight": Planted()}))
        with pytest.raises(DataError, match="cannot be read as weights"):
            shrunk.build("ial", weights=str(path))
        assert not (tmp_path / "planted").exists()

    def test_starting_for_other_classes_leaves_all_classifiers(self, tmp_path):
        net = official(size=32)
        path = save(tmp_path / "ial.pth", net)
        model = shrunk.build("ial", ELEVEN, frames=4, size=32, weights=str(path))
        assert torch.equal(model.layer2.gca.aux[0].weight, net.s_former.layer2[0].AUX_fc[0].weight)
        assert model.layer2.gca.aux[1].weight.shape == (11, 256) and model.head.weight.shape[0] == 11
        assert model.notes["classifier"] == "from scratch"


# ---- as a method -------------------------------------------------------------------------------------------


def test_contract():
    assert_contract("ial", shrunk.catalog_at(32, "ial"), width=16)


def test_one_video_trains():
    model = shrunk.build("ial", size=32, width=8).train()
    model(videos(1, 32, 16)).sum().backward()


@pytest.mark.long
def test_sixteen_faces_are_learned_by_heart():
    model = shrunk.build("ial", size=32, width=16)
    stage = Stage({".*": 1e-3}, epochs=1, optimizer="adam")
    assert shrunk.learns_by_heart(model, stage, *shrunk.drawn_faces(16, 32), steps=100)
