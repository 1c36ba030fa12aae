"""former-dfer against a reimplementation of the released code: sizes, outputs, files, training."""

import pickle

import pytest
import shrunk
import torch
import torchvision
from inputs import make_sampler
from torch import nn
from torch.nn import functional as F

from dferbench.checkpoints.restore import open_checkpoint
from dferbench.errors import ConfigError, DataError
from dferbench.files import sha256_of
from dferbench.machine.device import make_fabric
from dferbench.registry.catalog import discover
from dferbench.testing import assert_contract
from dferbench.types import Stage

pytestmark = pytest.mark.slow

ELEVEN = (*shrunk.SEVEN, "contempt", "anxiety", "helplessness", "disappointment")


def videos(count=2, size=112, frames=16):
    return torch.rand(count, frames, 3, size, size, generator=torch.Generator().manual_seed(1))


def logits(model, x):
    with torch.no_grad():
        return model.eval()(x)


# ---- an independent implementation, under the released names -----------------------------------------------


class Normed(nn.Module):
    def __init__(self, dim, fn):
        super().__init__()
        self.norm, self.fn = nn.LayerNorm(dim), fn

    def forward(self, x):
        return self.fn(self.norm(x))


class Residual(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, x):
        return x + self.fn(x)


class Attention(nn.Module):
    def __init__(self, dim, head):
        super().__init__()
        self.to_qkv = nn.Linear(dim, 3 * 8 * head, bias=False)
        self.to_out = nn.Sequential(nn.Linear(8 * head, dim), nn.Dropout(0.0))

    def forward(self, x):
        q, k, v = (t.unflatten(-1, (8, -1)) for t in self.to_qkv(x).chunk(3, -1))
        weights = torch.einsum("bnhd,bmhd->bhnm", q, k) / q.shape[-1] ** 0.5
        seen = torch.einsum("bhnm,bmhd->bnhd", weights.softmax(-1), v)
        return self.to_out(seen.flatten(2))


class Gelu(nn.Module):
    def forward(self, x):
        return 0.5 * x * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)))


class Mlp(nn.Module):
    def __init__(self, dim):
        super().__init__()
        first, last = nn.Linear(dim, 2 * dim), nn.Linear(2 * dim, dim)
        self.net = nn.Sequential(first, Gelu(), nn.Dropout(0.0), last, nn.Dropout(0.0))

    def forward(self, x):
        return self.net(x)


class Layers(nn.Module):
    def __init__(self, dim, head, depth):
        super().__init__()
        parts = [
            nn.ModuleList([Residual(Normed(dim, Attention(dim, head))), Residual(Normed(dim, Mlp(dim)))])
            for _ in range(depth)
        ]
        self.layers = nn.ModuleList(parts)

    def forward(self, x):
        for attend, think in self.layers:
            x = think(attend(x))
        return x


class Spatial(torchvision.models.ResNet):
    """torchvision's ResNet-18 with the transformer between its stages 3 and 4."""

    def __init__(self, depth, places):
        super().__init__(torchvision.models.resnet.BasicBlock, [2, 2, 2, 2])
        del self.fc
        self.pos_embedding = nn.Parameter(torch.randn(1, places, 256))
        self.spatial_transformer = Layers(256, 32, depth)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.maxpool(self.bn1(self.conv1(x)).relu()))))
        n, c, h, w = x.shape
        tokens = x.view(n, c, h * w).permute(0, 2, 1) + self.pos_embedding
        x = self.spatial_transformer(tokens).permute(0, 2, 1).view(n, c, h, w)
        return self.layer4(x).mean((2, 3))


class Temporal(nn.Module):
    def __init__(self, depth, frames):
        super().__init__()
        self.cls_token = nn.Parameter(torch.randn(1, 1, 512))
        self.pos_embedding = nn.Parameter(torch.randn(1, frames + 1, 512))
        self.spatial_transformer = Layers(512, 64, depth)

    def forward(self, x):
        x = torch.cat([self.cls_token.repeat(len(x), 1, 1), x], 1) + self.pos_embedding
        return self.spatial_transformer(x)[:, 0]


class Official(nn.Module):
    def __init__(self, classes=7, spatial=1, temporal=3, frames=16, places=49):
        super().__init__()
        self.s_former, self.t_former = Spatial(spatial, places), Temporal(temporal, frames)
        self.fc = nn.Linear(512, classes)

    def forward(self, x):
        frames = self.s_former(torch.cat(list(x))).split(x.shape[1])
        return self.fc(self.t_former(torch.stack(frames)))


def official(seed=3, **options):
    torch.manual_seed(seed)
    net = Official(**options)
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            for tensor in (part.weight, part.bias, part.running_mean, part.running_var):
                nn.init.uniform_(tensor, 0.5, 1.5)
    return net.eval()


class RecorderMeter:
    """What the training script pickles next to its weights."""

    def __init__(self):
        self.losses = [0.5]


def save(path, net, change=lambda state: None):
    """A file as the released training script writes it."""
    state = {f"module.{name}": tensor.clone() for name, tensor in net.state_dict().items()}
    change(state)
    RecorderMeter.__module__ = "__main__"
    import __main__

    __main__.RecorderMeter = RecorderMeter
    try:
        extra = {"epoch": 91, "best_acc": 66.2, "optimizer": {"state": {}}, "recorder": RecorderMeter()}
        torch.save({"state_dict": state, **extra}, path)
    finally:
        del __main__.RecorderMeter
    return path


# ---- sizes -------------------------------------------------------------------------------------------------


class TestSizes:
    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({"spatial_depth": 1}, 18_031_943),
            ({}, 19_084_615),
            ({"classes": ELEVEN}, 19_084_615 + 2_052),
            ({"spatial_depth": 6}, 18_031_943 + 5 * 526_336),
        ],
    )
    def test_parameters(self, options, expected):
        assert shrunk.parameters(shrunk.on_meta("former-dfer", **options)) == expected

    def test_parts(self):
        model = shrunk.on_meta("former-dfer", spatial_depth=1)
        assert shrunk.parameters(model.trunk) + shrunk.parameters(model.spatial) == 11_715_392
        assert shrunk.parameters(model.temporal) == 6_312_960
        assert shrunk.parameters(model.head) == 3_591

    def test_tensors_are_those_of_the_released_code(self):
        with torch.device("meta"):
            theirs = Official().state_dict()
        assert len(theirs) == 169
        assert len(shrunk.on_meta("former-dfer", spatial_depth=1).state_dict()) == 169

    @pytest.mark.parametrize(("depth", "giga"), [(1, 8.318), (3, 9.184)])
    def test_multiply_adds(self, depth, giga):
        """The published counts hold, with convolutions and linear layers, the attention's products, and two
        operations a value for batch norm, five for layer norm."""
        model = shrunk.on_meta("former-dfer", spatial_depth=depth)
        attention = depth * 2 * 16 * 49 * 49 * 256 + 3 * 2 * 17 * 17 * 512
        batch_norm = 64 * 56**2 + 4 * 64 * 28**2 + 5 * (128 * 14**2 + 256 * 7**2 + 512 * 4**2)
        layer_norm = depth * 2 * 16 * 49 * 256 + 3 * 2 * 17 * 512
        counted = shrunk.macs(model, 1, 16, 3, 112, 112)
        total = counted + attention + 2 * 16 * batch_norm + 5 * layer_norm
        assert total / 1e9 == pytest.approx(giga, abs=0.001)

    def test_maps(self):
        model, x = shrunk.on_meta("former-dfer"), torch.rand(16, 3, 112, 112, device="meta")
        before = model.trunk.stages(model.trunk.stem(x), 1, 3)
        assert tuple(before.shape[1:]) == (256, 7, 7)
        assert model.spatial(before).shape == before.shape
        assert tuple(model.trunk.stages(before, 4, 4).shape[1:]) == (512, 4, 4)
        assert tuple(model.frame(x).shape) == (16, 512)

    @pytest.mark.parametrize("size", [32, 56, 100, 112, 224])
    def test_any_size(self, size):
        model = shrunk.on_meta("former-dfer", size=size)
        with torch.no_grad():
            assert model(torch.rand(1, 16, 3, size, size, device="meta")).shape == (1, 7)

    @pytest.mark.parametrize("options", [{"spatial_depth": 0}, {"width": 7}, {"width": 0}])
    def test_impossible_sizes(self, options):
        with pytest.raises(ConfigError, match="of former-dfer must be a whole number"):
            shrunk.build("former-dfer", **options)
        with pytest.raises(ConfigError, match=r"temporal_depth of former-dfer must be .* got 0"):
            shrunk.build("former-dfer", temporal_depth=0)

    def test_start(self):
        model = shrunk.build("former-dfer")
        weight = model.trunk.layer3[0].conv2.weight.detach()
        assert weight.std() == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.05)
        for tensor in (model.spatial.pos_embedding, model.temporal.pos_embedding, model.temporal.cls_token):
            assert tensor.detach().std() == pytest.approx(1, rel=0.15)

    @pytest.mark.parametrize(
        ("count", "expected"),
        [
            (66, [4, 5, 12, 13, 20, 21, 28, 29, 36, 37, 44, 45, 52, 53, 60, 61]),
            (16, list(range(16))),
            (10, [0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 6, 7, 7, 8, 8, 9]),
            (9, [0, 1] * 8),
            (3, [0, 1] * 8),
            (1, [0] * 16),
        ],
    )
    def test_its_frames_are_those_of_the_released_loader(self, count, expected):
        input = discover().get("methods", "former-dfer").value.recipe.input
        assert make_sampler(input.sample)(count, input.frames, None).tolist() == expected


# ---- what it computes --------------------------------------------------------------------------------------


class TestParity:
    @pytest.mark.parametrize("depth", [1, 3])
    def test_outputs_are_the_released_codes(self, tmp_path, depth):
        net = official(spatial=depth, frames=4)
        path = save(tmp_path / "fd1.pth", net)
        model = shrunk.build("former-dfer", frames=4, spatial_depth=depth, weights=str(path))
        x = videos(2, frames=4)
        with torch.no_grad():
            torch.testing.assert_close(logits(model, x), net(x), atol=1e-5, rtol=1e-5)
        assert model.notes["weights"] == {"file": "fd1.pth", "sha256": sha256_of(path)}

    def test_a_training_step_is_the_released_codes(self, tmp_path):
        net = official(frames=2, places=4)
        path = save(tmp_path / "fd1.pth", net)
        model = shrunk.build("former-dfer", frames=2, size=32, spatial_depth=1, weights=str(path))
        x, label = videos(2, size=32, frames=2), torch.tensor([1, 5])
        gradients = []
        for module in (model.train(), net.train()):
            F.cross_entropy(module(x), label).backward()
            gradients.append({n: p.grad for n, p in module.named_parameters()})
        ours, theirs = gradients
        for pair in (
            ("trunk.conv1.weight", "s_former.conv1.weight"),
            ("spatial.pos_embedding", "s_former.pos_embedding"),
            ("temporal.cls_token", "t_former.cls_token"),
            ("head.weight", "fc.weight"),
        ):
            torch.testing.assert_close(ours[pair[0]], theirs[pair[1]], atol=1e-5, rtol=1e-3)

    def test_the_order_of_the_frames_matters(self):
        model, x = shrunk.build("former-dfer", size=32, width=8), videos(size=32)
        assert (logits(model, x) - logits(model, x.flip(1))).abs().max() > 1e-4

    def test_the_places_in_a_frame_matter_to_the_transformer(self):
        model, x = shrunk.build("former-dfer", size=64, width=8), torch.rand(1, 32, 4, 4)
        with torch.no_grad():
            assert not torch.allclose(model.spatial(x.flip(3)), model.spatial(x).flip(3), atol=1e-3)


# ---- files -------------------------------------------------------------------------------------------------


class TestFiles:
    def open(self, path, **more):
        return open_checkpoint(path, discover(), make_fabric("cpu", "fp32"), model="former-dfer", **more)

    @pytest.mark.parametrize("depth", [1, 3])
    def test_an_official_checkpoint_is_taken_over(self, tmp_path, depth):
        net = official(spatial=depth, temporal=2, frames=4)
        opened = self.open(save(tmp_path / "fd1.pth", net))
        x = videos(1, frames=4)
        with torch.no_grad():
            torch.testing.assert_close(logits(opened.model, x), net(x), atol=1e-5, rtol=1e-5)
        assert opened.input.frames == 4
        assert len(opened.model.spatial.blocks) == depth
        assert len(opened.model.temporal.blocks) == 2
        assert opened.classes == shrunk.SEVEN

    def test_options_may_not_contradict_the_file(self, tmp_path):
        path = save(tmp_path / "fd1.pth", official())
        with pytest.raises(ConfigError, match="the checkpoint's spatial_depth is 1, not 3"):
            self.open(path, sets={"spatial_depth": "3"})

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda s: s.pop("module.s_former.layer2.0.bn1.weight"), "s_former.layer2.0.bn1.weight"),
            (lambda s: s.pop("module.t_former.cls_token"), "t_former.cls_token"),
            (lambda s: s.pop("module.t_former.pos_embedding"), "lacks the weights 't_former.pos_embedding'"),
            (
                lambda s: s.pop("module.s_former.spatial_transformer.layers.0.0.fn.fn.to_qkv.weight"),
                "layers.0.0.fn.fn.to_qkv.weight",
            ),
            (
                lambda s: s.update({"module.s_former.conv1.weight": torch.rand(3)}),
                "'s_former.conv1.weight' is of",
            ),
            (
                lambda s: s.update({"module.s_former.bn1.bias": torch.rand(3)}),
                "'s_former.bn1.bias' is of shape",
            ),
            (
                lambda s: s.update({"module.s_former.pos_embedding": torch.rand(1, 4, 256)}),
                "s_former.pos_embedding",
            ),
            (lambda s: s.update({"module.gru.weight": torch.rand(3)}), "'gru.weight' is not a tensor"),
            (lambda s: [s.pop(n) for n in list(s) if "t_former.spatial" in n], "lacks the layers 't_former"),
        ],
    )
    def test_damage_is_named(self, tmp_path, change, words):
        path = save(tmp_path / "fd1.pth", official(), change)
        with pytest.raises(DataError, match=words) as refused:
            self.open(path)
        assert str(path) in refused.value.message

    def test_what_torch_did_not_save(self, tmp_path):
        (tmp_path / "page.pth").write_text("not a file")
        with pytest.raises(DataError, match="not a file of tensors that torch saved") as refused:
            self.open(tmp_path / "page.pth")
        assert "weights_only" not in refused.value.message

    @pytest.mark.parametrize("opens", [True, False])
    def test_nothing_is_executed(self, tmp_path, opens):
        class Planted:
            def __reduce__(self):
                return (open, (str(tmp_path / "planted"), "w"))

        path = tmp_path / "fd1.pth"
        path.write_bytes(pickle.dumps({"state_dict": {"fc.weight": Planted()}}))
        with pytest.raises(DataError, match="cannot be read as weights"):
            self.open(path) if opens else shrunk.build("former-dfer", weights=str(path))
        assert not (tmp_path / "planted").exists()

    def test_starting_for_other_classes_leaves_the_classifier(self, tmp_path):
        net = official()
        path = save(tmp_path / "fd1.pth", net)
        model = shrunk.build("former-dfer", ELEVEN, spatial_depth=1, weights=str(path))
        assert torch.equal(model.temporal.cls_token, net.t_former.cls_token)
        assert model.head.weight.shape == (11, 512)
        assert model.notes["classifier"] == "from scratch"

    def test_starting_from_another_depth_names_what_is_missing(self, tmp_path):
        path = save(tmp_path / "fd1.pth", official())
        with pytest.raises(DataError, match=r"lacks the weights 's_former.spatial_transformer.layers.1"):
            shrunk.build("former-dfer", weights=str(path))


# ---- as a method -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 3])
def test_contract(depth):
    assert_contract("former-dfer", shrunk.catalog_at(32, "former-dfer"), width=8, spatial_depth=depth)


def test_one_video_trains():
    model = shrunk.build("former-dfer", size=32, width=8).train()
    model(videos(1, size=32)).sum().backward()


@pytest.mark.long
def test_sixteen_faces_are_learned_by_heart():
    model = shrunk.build("former-dfer", size=32, width=8)
    stage = Stage({".*": 2e-3}, epochs=1, optimizer="adam")
    assert shrunk.learns_by_heart(model, stage, *shrunk.drawn_faces(16, 32), steps=100)
