"""ec-stfl: the loss by hand and by its test vectors, Hara's and torchvision's nets, official files."""

import math
import pickle

import pytest
import shrunk
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from dferbench.checkpoints.restore import open_checkpoint
from dferbench.errors import ConfigError, DataError, UnknownName
from dferbench.machine.device import make_fabric
from dferbench.models import Batch
from dferbench.registry.catalog import discover
from dferbench.testing import assert_contract
from dferbench.types import Stage
from dferbench_methods.ec_stfl.loss import FORMS
from dferbench_methods.layers.resnet3d import resnet3d18

pytestmark = pytest.mark.slow

FEATURES = torch.tensor([[0.0, 0], [1, 0], [0, 2], [3, 0], [0, -2]])
LABEL = torch.tensor([0, 0, 1, 1, 2])
ELEVEN = (*shrunk.SEVEN, "contempt", "anxiety", "helplessness", "disappointment")


def videos(count=2, size=48, frames=16):
    return torch.rand(count, frames, 3, size, size, generator=torch.Generator().manual_seed(1))


def logits(model, x):
    with torch.no_grad():
        return model.eval()(x)


# ---- the loss ----------------------------------------------------------------------------------------------


def by_hand(form, features, label):
    """Pair after pair, in plain numbers."""
    x, y = features.tolist(), label.tolist()
    power = 2 if form == "paper" else 1
    n = len(y)

    def distance(i, j):
        return sum(abs(a - b) ** power for a, b in zip(x[i], x[j], strict=True)) ** (1 / power)

    if form == "code2024":
        total = 0.0
        for i in range(n):
            same = [j for j in range(n) if y[j] == y[i]]
            others = [j for j in range(n) if y[j] != y[i]]
            near = sum(distance(i, j) for j in same) / (len(same) + 1e-6)
            close = sum(1 / (distance(i, j) + 1e-6) for j in others) / (len(others) + 1 + 1e-6)
            total += near * close / n
        return total / n
    within = sum(distance(i, j) / y.count(y[i]) for i in range(n) for j in range(n) if y[i] == y[j])
    between = sum(distance(i, j) / y.count(y[j]) for i in range(n) for j in range(n) if y[i] != y[j])
    return within / between


class TestLoss:
    @pytest.mark.parametrize(
        ("form", "expected"), [("paper", 0.170585), ("paper-l1", 0.193548), ("code2024", 0.065417)]
    )
    def test_vectors(self, form, expected):
        assert FORMS[form](FEATURES, LABEL).item() == pytest.approx(expected, abs=1e-6)

    @pytest.mark.parametrize("form", sorted(FORMS))
    @pytest.mark.parametrize("seed", range(3))
    def test_it_is_the_formula_pair_after_pair(self, form, seed):
        generator = torch.Generator().manual_seed(seed)
        features = torch.rand(40, 6, generator=generator)
        label = torch.randint(4, (40,), generator=generator)
        expected = by_hand(form, features, label)
        assert FORMS[form](features, label).item() == pytest.approx(expected, rel=1e-4)

    @pytest.mark.parametrize("form", sorted(FORMS))
    def test_equal_features_and_single_classes_are_finite(self, form):
        for label in (torch.tensor([0, 0, 1, 1]), torch.tensor([2, 2, 2, 2]), torch.tensor([0])):
            features = torch.ones(len(label), 3)
            features[0] = 2.0
            features.requires_grad_()
            loss = FORMS[form](features, label)
            loss.backward()
            assert torch.isfinite(loss)
            assert torch.isfinite(features.grad).all()
            if len(set(label.tolist())) == 1:
                assert loss == 0

    def test_scale_of_unclustered_features(self):
        """One over the other classes; nine of the ten that share a class are another video."""
        features, label = torch.randn(70, 512), torch.arange(70) % 7
        assert FORMS["paper"](features, label).item() == pytest.approx(0.9 / 6, rel=0.02)

    def test_the_paper_form_ignores_scale_and_order(self):
        torch.testing.assert_close(FORMS["paper"](FEATURES * 3, LABEL), FORMS["paper"](FEATURES, LABEL))
        back = FORMS["paper"](FEATURES.flip(0), LABEL.flip(0))
        torch.testing.assert_close(back, FORMS["paper"](FEATURES, LABEL))

    @pytest.mark.parametrize("form", sorted(FORMS))
    def test_the_model_adds_it_to_cross_entropy(self, form):
        model = shrunk.build("ec-stfl", size=48, width=4, form=form, scale=3.0).eval()
        x, label = videos(4), torch.tensor([0, 0, 1, 5])
        with torch.no_grad():
            terms = model.loss(Batch(x, label, [{}] * 4, "train", 0.0))
            features = model.trunk(x)
        assert features.shape == (4, 32)
        assert set(terms) == {"ce", "ec"}
        torch.testing.assert_close(terms["ce"], F.cross_entropy(logits(model, x), label))
        assert terms["ec"].item() == pytest.approx(3 * by_hand(form, features, label), rel=1e-4)


# ---- the nets ----------------------------------------------------------------------------------------------


class HaraBlock(nn.Module):
    def __init__(self, inner, planes, stride, shortcut):
        super().__init__()
        self.conv1 = nn.Conv3d(inner, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm3d(planes)
        self.conv2 = nn.Conv3d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm3d(planes)
        self.stride, self.planes = stride, planes
        self.changes = stride != 1 or inner != planes
        if self.changes and shortcut == "b":
            self.downsample = nn.Sequential(
                nn.Conv3d(inner, planes, 1, stride, bias=False), nn.BatchNorm3d(planes)
            )

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        if hasattr(self, "downsample"):
            x = self.downsample(x)
        elif self.changes:
            x = F.avg_pool3d(x, 1, self.stride)
            x = torch.cat([x, x.new_zeros(len(x), self.planes - x.shape[1], *x.shape[2:])], 1)
        return (x + y).relu()


class Hara(nn.Module):
    """Hara's 3D ResNet18 with the names of its released code: an independent implementation."""

    def __init__(self, classes, shortcut="b", width=64):
        super().__init__()
        self.conv1 = nn.Conv3d(3, width, 7, (1, 2, 2), 3, bias=False)
        self.bn1 = nn.BatchNorm3d(width)
        inner = width
        for i in range(4):
            planes, stride = width * 2**i, 1 if i == 0 else 2
            first = HaraBlock(inner, planes, stride, shortcut)
            setattr(self, f"layer{i + 1}", nn.Sequential(first, HaraBlock(planes, planes, 1, shortcut)))
            inner = planes
        self.fc = nn.Linear(inner, classes)

    def forward(self, x):  # (B, 3, T, H, W)
        x = F.max_pool3d(self.bn1(self.conv1(x)).relu(), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3, 4)))


def hara(classes=7, **options):
    torch.manual_seed(3)
    return shaken(Hara(classes, **options))


def r3d18(classes=7):
    torch.manual_seed(3)
    return shaken(torchvision.models.video.r3d_18(weights=None, num_classes=classes))


def shaken(net):
    """Batch norm that does something, so that a confusion of its tensors shows."""
    for part in net.modules():
        if isinstance(part, nn.BatchNorm3d):
            for tensor in (part.weight, part.bias, part.running_mean, part.running_var):
                nn.init.uniform_(tensor, 0.5, 1.5)
    return net.eval()


class TestNets:
    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({}, 33_207_495),
            ({"classes": ELEVEN}, 33_209_547),
            ({"shortcut": "a"}, 33_033_671),
            ({"shortcut": "a", "classes": ELEVEN}, 33_035_723),
            ({"variant": "torchvision"}, 33_169_863),
            ({"variant": "torchvision", "classes": ELEVEN}, 33_171_915),
        ],
    )
    def test_parameters(self, options, expected):
        assert shrunk.parameters(shrunk.on_meta("ec-stfl", **options)) == expected

    @pytest.mark.parametrize(("variant", "stem"), [("hara", 65_856 + 128), ("torchvision", 28_352)])
    def test_parameters_of_parts(self, variant, stem):
        trunk = shrunk.on_meta("ec-stfl", variant=variant).trunk
        parts = [shrunk.parameters(trunk.get_submodule(f"layer{i}")) for i in range(1, 5)]
        assert [shrunk.parameters(trunk.stem), *parts] == [stem, 442_880, 1_557_760, 6_228_480, 24_908_800]

    @pytest.mark.parametrize(
        ("variant", "maps"),
        [
            ("hara", [(64, 8, 28, 28)] * 2 + [(128, 4, 14, 14), (256, 2, 7, 7), (512, 1, 4, 4)]),
            ("torchvision", [(64, 16, 56, 56)] * 2 + [(128, 8, 28, 28), (256, 4, 14, 14), (512, 2, 7, 7)]),
        ],
    )
    def test_maps(self, variant, maps):
        with torch.device("meta"):
            trunk, x = resnet3d18(variant), torch.rand(1, 3, 16, 112, 112)
        seen = [x := trunk.stem(x)]
        seen += [x := trunk.get_submodule(f"layer{i}")(x) for i in range(1, 5)]
        assert [tuple(x.shape[1:]) for x in seen] == maps

    @pytest.mark.parametrize(("variant", "giga"), [("hara", 8.31), ("torchvision", 40.70)])
    def test_multiply_adds(self, variant, giga):
        counted = shrunk.macs(shrunk.on_meta("ec-stfl", variant=variant), 1, 16, 3, 112, 112)
        assert counted / 1e9 == pytest.approx(giga, abs=0.01)

    def test_the_order_of_the_frames_matters(self):
        model, x = shrunk.build("ec-stfl", size=48, width=4), videos()
        assert (logits(model, x) - logits(model, x.flip(1))).abs().max() > 1e-4

    @pytest.mark.parametrize(
        ("options", "error", "words"),
        [
            ({"variant": "tran"}, UnknownName, "no variant of .* named"),
            ({"shortcut": "c"}, UnknownName, "shortcut"),
            ({"form": "code"}, UnknownName, "no form of .* named"),
            ({"width": 0}, ConfigError, "width of .* must be .* got 0"),
            ({"scale": -1.0}, ConfigError, "scale of .* must be .* got -1.0"),
        ],
    )
    def test_options_that_are_not_there(self, options, error, words):
        with pytest.raises(error, match=words):
            shrunk.build("ec-stfl", **options)


# ---- files -------------------------------------------------------------------------------------------------


def save(path, net, under="state_dict", prefix="", change=lambda state: None, **extra):
    state = {prefix + name: tensor.clone() for name, tensor in net.state_dict().items()}
    change(state)
    torch.save({under: state, **extra} if under else state, path)
    return path


def official(tmp_path, kind):
    """(file, net, options): each format that 3D ResNet18 are handed on in."""
    if kind == "torchvision":
        net = r3d18()
        return save(tmp_path / "r3d_18.pth", net, under=""), net, {"variant": "torchvision"}
    if kind == "ecstfl":
        net = r3d18()
        return save(tmp_path / "r3d_ECSTFL.pth", net, best_acc=60.0), net, {"variant": "torchvision"}
    if kind == "dfew":
        net, extra = r3d18(), {"seed": 1, "epo": 3, "optimizer_state_dict": {"state": {}}}
        path = save(tmp_path / "r3d_18_fd1.pth", net, "model_state_dict", "module.", **extra)
        return path, net, {"variant": "torchvision"}
    shortcut = kind[-1]
    net = hara(shortcut=shortcut, width=8)
    path = save(tmp_path / "r3d18_K.pth", net, epoch=200, arch="resnet-18")
    return path, net, {"shortcut": shortcut, "width": 8}


KINDS = ("torchvision", "ecstfl", "dfew", "hara-b", "hara-a")


class TestWeights:
    @pytest.mark.parametrize("kind", KINDS)
    def test_the_net_of_each_file_computes_the_same(self, tmp_path, kind):
        path, net, options = official(tmp_path, kind)
        x = videos(1, frames=8 if kind.startswith("hara") else 4, size=32)
        model = shrunk.build("ec-stfl", weights=str(path), **options)
        with torch.no_grad():
            expected = net(x.transpose(1, 2))
        torch.testing.assert_close(logits(model, x), expected, atol=1e-5, rtol=1e-5)
        assert model.notes["classifier"] == "from the file"

    def test_another_classifier_is_left_out(self, tmp_path):
        net = hara(700, width=8)
        path = save(tmp_path / "r3d18_K_200ep.pth", net, epoch=200, arch="resnet18")
        model = shrunk.build("ec-stfl", weights=str(path), width=8)
        assert torch.equal(model.trunk.stem[0].weight, net.conv1.weight)
        assert model.head.weight.shape == (7, 64)
        assert model.notes["classifier"] == "from scratch"

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda s: s.pop("bn1.weight"), "lacks the weights 'bn1.weight'"),
            (
                lambda s: s.update({"layer2.0.conv2.weight": torch.rand(2, 2)}),
                "'layer2.0.conv2.weight' is of",
            ),
            (lambda s: s.update({"layer5.0.bn1.bias": torch.rand(8)}), "holds 'layer5.0.bn1.bias'"),
        ],
    )
    def test_damage_is_named(self, tmp_path, change, words):
        path = save(tmp_path / "hara.pth", hara(width=8), change=change)
        with pytest.raises(DataError, match=words):
            shrunk.build("ec-stfl", weights=str(path), width=8)

    def test_the_other_net_is_told_apart(self, tmp_path):
        path = save(tmp_path / "hara.pth", hara(width=8))
        with pytest.raises(DataError, match=r"lacks the weights 'stem.0.weight'"):
            shrunk.build("ec-stfl", weights=str(path), width=8, variant="torchvision")


class TestConvert:
    def open(self, path, **more):
        return open_checkpoint(path, discover(), make_fabric("cpu", "fp32"), model="ec-stfl", **more)

    @pytest.mark.parametrize("kind", KINDS)
    def test_official_checkpoints_are_taken_over(self, tmp_path, kind):
        path, net, options = official(tmp_path, kind)
        opened = self.open(path)
        x = videos(1, frames=8 if kind.startswith("hara") else 4, size=32)
        with torch.no_grad():
            expected = net(x.transpose(1, 2))
        torch.testing.assert_close(logits(opened.model, x), expected, atol=1e-5, rtol=1e-5)
        assert opened.classes == shrunk.SEVEN
        assert opened.facts["notes"][1].startswith("The file does not say")
        if "variant" in options:
            with pytest.raises(ConfigError, match="the checkpoint's variant is torchvision, not hara"):
                self.open(path, sets={"variant": "hara"})

    def test_other_numbers_of_classes_must_be_named(self, tmp_path):
        path = save(tmp_path / "hara.pth", hara(3, width=4))
        with pytest.raises(ConfigError, match="3 classes, whose names"):
            self.open(path)
        assert self.open(path, classes=["a", "b", "c"]).classes == ("a", "b", "c")
        with pytest.raises(ConfigError, match="2 classes were named"):
            self.open(path, classes=["a", "b"])

    def test_old_files_count_no_batches(self, tmp_path):
        def forget(state):
            for name in [name for name in state if "num_batches" in name]:
                del state[name]

        self.open(save(tmp_path / "hara.pth", hara(width=4), change=forget))

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda s: s.pop("layer3.1.bn2.running_var"), "layer3.1.bn2.running_var"),
            (lambda s: s.pop("fc.weight"), "lacks the weights 'fc.weight'"),
            (
                lambda s: s.update({"layer2.0.conv2.weight": torch.rand(2, 2)}),
                "'layer2.0.conv2.weight' is of",
            ),
            (lambda s: s.update({"fc.weight": torch.rand(7)}), "'fc.weight' is of shape"),
            (lambda s: s.update({"lstm.weight": torch.rand(8)}), "'lstm.weight' is not a tensor of"),
        ],
    )
    def test_damage_is_named(self, tmp_path, change, words):
        path = save(tmp_path / "hara.pth", hara(width=4), change=change)
        with pytest.raises(DataError, match=words) as refused:
            self.open(path)
        assert str(path) in refused.value.message

    def test_nothing_is_executed(self, tmp_path):
        class Planted:
            def __reduce__(self):
                return (open, (str(tmp_path / "planted"), "w"))

        path = tmp_path / "planted.pth"
        path.write_bytes(pickle.dumps({"model_state_dict": {"conv1.weight": Planted()}}))
        with pytest.raises(DataError, match="cannot be read as weights"):
            self.open(path)
        assert not (tmp_path / "planted").exists()


# ---- as a method -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", sorted(FORMS))
def test_contract(form):
    assert_contract("ec-stfl", shrunk.catalog_at(48, "ec-stfl"), width=4, form=form)


def test_one_video_trains():
    model = shrunk.build("ec-stfl", size=48, width=4).train()
    terms = model.loss(Batch(videos(1), torch.tensor([2]), [{}], "train", 0.0))
    sum(terms.values()).backward()
    assert terms["ec"] == 0
    assert math.isfinite(terms["ce"].item())


@pytest.mark.long
@pytest.mark.parametrize("form", ["paper", "code2024"])
def test_sixteen_faces_are_learned_by_heart(form):
    model = shrunk.build("ec-stfl", size=32, width=8, form=form)
    stage = Stage({".*": 2e-3}, epochs=1, optimizer="adam")
    assert shrunk.learns_by_heart(model, stage, *shrunk.drawn_faces(16, 32), steps=80)
