"""aen against a reimplementation of the released code: sizes, losses, outputs, files, training."""

import pickle

import pytest
import shrunk
import torch
import torchvision
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
from dferbench_methods.aen.groups import Grouping
from dferbench_methods.aen.loss import clips_follow_frames, emotion, outputs_follow_frames, sentiment
from dferbench_methods.aen.model import join

pytestmark = pytest.mark.slow

ELEVEN = (*shrunk.SEVEN, "contempt", "anxiety", "helplessness", "disappointment")
SPATIAL, LEVEL2, SPARE, HEAD2D = 2_105_344 + 12_544, 9_650_976 + 18 * 784 + 17_028, 3 * 615_440, 5_495
"""Parts of the released net that its losses do not reach."""


def videos(count=2, size=32, frames=4):
    return torch.rand(count, frames, 3, size, size, generator=torch.Generator().manual_seed(1))


def logits(model, x):
    with torch.no_grad():
        return model.eval()(x)


def batch(stage, epoch=0.0, count=2, frames=4):
    return Batch(videos(count, 32, frames), torch.arange(count) % 7, [{}] * count, stage, epoch)


# ---- an independent implementation, under the released names -----------------------------------------------


class Spatial(torchvision.models.ResNet):
    def __init__(self):
        super().__init__(torchvision.models.resnet.BasicBlock, [2, 1, 2, 2])
        del self.fc
        self.pos_embedding = nn.Parameter(torch.randn(1, 49, 256))
        self.spatial_transformer = Layers(256, 32, 4)
        for level, (channels, kept) in enumerate([(64, 1), (128, 4), (256, 16)], 1):
            setattr(self, f"conv_sp{level}_1", nn.Conv2d(channels, channels, 1))
            setattr(self, f"conv_sp{level}_2", nn.Conv2d(channels, kept, 1))

    def forward(self, x):
        x1 = self.layer1(self.maxpool(self.bn1(self.conv1(x)).relu()))
        x2 = self.layer2(x1)
        x3 = self.layer3(x2)
        low = [
            getattr(self, f"conv_sp{i}_2")(getattr(self, f"conv_sp{i}_1")(y)).flatten(1)
            for i, y in ((1, x1), (2, x2), (3, x3))
        ]
        return [self.layer4(x3).mean((2, 3)), *low]


class Temporal(nn.Module):
    def __init__(self, frames, dims):
        super().__init__()
        for suffix, dim in zip(("", "1", "2", "3"), dims, strict=True):
            layers = Layers(dim, 64, 3)
            for _, think in layers.layers:
                think.fn.fn.net[0], think.fn.fn.net[3] = nn.Linear(dim, 1024), nn.Linear(1024, dim)
            setattr(self, f"cls_token{suffix}", nn.Parameter(torch.randn(1, 1, dim)))
            setattr(self, f"pos_embedding{suffix}", nn.Parameter(torch.randn(1, frames + 1, dim)))
            setattr(self, f"spatial_transformer{suffix}", layers)

    def forward(self, levels):
        found = []
        for suffix, x in zip(("", "1", "2", "3"), levels, strict=True):
            token = getattr(self, f"cls_token{suffix}").repeat(len(x), 1, 1)
            x = torch.cat([token, x], 1) + getattr(self, f"pos_embedding{suffix}")
            found.append(getattr(self, f"spatial_transformer{suffix}")(x)[:, 0])
        return found


class Official(nn.Module):
    def __init__(self, classes=7, groups=3, frames=16, size=112):
        super().__init__()
        d = (size // 4) ** 2
        self.s_former, self.t_former = Spatial(), Temporal(frames, (512, d, d, d))
        self.fc0_0, self.fc0_1 = nn.Linear(512, d), nn.Linear(512, d)
        for name in ("fc1_2", "fc2_3", "fc0_1_o", "fc1_2_o", "fc2_3_o", "fc1_1"):
            setattr(self, name, nn.Linear(d, d))
        self.fc0, self.fc1 = nn.Linear(512, classes), nn.Linear(d, groups)
        self.fc3, self.fc2D = nn.Linear(d, classes), nn.Linear(d, classes)

    def attend(self, q, k):
        weights = torch.einsum("bi,bj->bij", q, k) / q.shape[1] ** 0.5
        return torch.einsum("bij,bj->bi", weights.exp() / weights.exp().sum(1, keepdim=True), k)

    def forward(self, x):
        frames = [y.reshape(*x.shape[:2], -1) for y in self.s_former(x.flatten(0, 1))]
        c0, c1, _, c3 = self.t_former(frames)
        f1 = self.fc0_1_o(self.attend(self.fc0_1(c0), c1)) + self.fc0_0(c0)
        f3 = self.fc2_3_o(self.attend(self.fc2_3(f1), c3)) + f1
        return self.fc0(c0), self.fc1(f1), self.fc3(f3), self.fc2D(frames[3])


def official(seed=3, classes=7, frames=4, size=32):
    torch.manual_seed(seed)
    net = Official(classes, 3, frames, size)
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            for tensor in (part.weight, part.bias, part.running_mean, part.running_var):
                nn.init.uniform_(tensor, 0.5, 1.5)
    return net.eval()


def save(path, net, change=lambda state: None):
    state = {f"module.{name}": tensor.clone() for name, tensor in net.state_dict().items()}
    change(state)
    torch.save({"state_dict": state, "epoch": 3}, path)
    return path


# ---- sizes -------------------------------------------------------------------------------------------------


class TestSizes:
    def test_the_released_net(self):
        with torch.device("meta"):
            theirs = Official()
        assert shrunk.parameters(theirs) == 52_912_317
        assert shrunk.parameters(theirs.s_former) == 13_090_133
        assert shrunk.parameters(theirs.t_former) == 35_308_224
        assert len(theirs.state_dict()) == 329

    def test_parameters(self):
        model = shrunk.on_meta("aen")
        assert SPATIAL + LEVEL2 + SPARE + HEAD2D == 13_651_819
        ours = shrunk.parameters(model) - shrunk.parameters(model.still)
        assert ours == 39_260_498 == 52_912_317 - 13_651_819
        frames = sum(map(shrunk.parameters, (model.trunk, model.tap1, model.tap3)))
        assert frames == 13_090_133 - SPATIAL - 17_028
        assert shrunk.parameters(model.still.head) == HEAD2D
        assert shrunk.parameters(model.time0) == 6_303_744 + 17 * 512 + 512
        assert shrunk.parameters(model.time3) == 9_650_976 + 17 * 784 + 784

    def test_multiply_adds(self):
        """The card's count holds the level that nothing reads and the 2D head, two operations a value of
        batch norm and five of layer norm."""
        counted = shrunk.macs(shrunk.on_meta("aen"), 1, 16, 3, 112, 112)
        level2 = 16 * 196 * (128 * 128 + 128 * 4) + 3 * 17 * (784 * 1536 + 512 * 784 + 2 * 784 * 1024)
        attention = 4 * 3 * 2 * 17 * 17 * 512 + 2 * 2 * 784 * 784
        batch_norm = 16 * (64 * 56**2 + 4 * 64 * 28**2 + 3 * 128 * 14**2 + 5 * (256 * 7**2 + 512 * 4**2))
        layer_norm = 3 * 2 * 17 * (512 + 3 * 784)
        total = counted + level2 + 16 * 784 * 7 + attention + 2 * batch_norm + 5 * layer_norm
        assert total / 1e9 == pytest.approx(7.620, abs=0.003)

    def test_shapes(self):
        seen = shrunk.on_meta("aen").see(torch.rand(2, 16, 3, 112, 112, device="meta"))
        assert [tuple(x.shape) for x in seen.frames] == [(2, 16, 512), (2, 16, 784), (2, 16, 784)]
        assert [tuple(c.shape) for c in seen.clips] == [(2, 512), (2, 784), (2, 784)]
        assert (seen.z0.shape, seen.z1.shape, seen.z3.shape) == ((2, 7), (2, 3), (2, 7))

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"size": 100}, "lengths differ at 100 x 100 pixels"),
            ({"beta": 1.5}, "beta of .* must be .* got 1.5"),
            ({"clips": -1.0}, "clips of .* must be .* got -1.0"),
            ({"width": 0}, "width of .* must be .* got 0"),
            ({"depth": 0}, "depth of .* must be .* got 0"),
            ({"classes": ("happiness", "boredom")}, "does not know that of 'boredom'"),
        ],
    )
    def test_what_cannot_be(self, options, words):
        with pytest.raises(ConfigError, match=words):
            shrunk.on_meta("aen", **options)


# ---- groups and losses -------------------------------------------------------------------------------------

Z0 = torch.tensor([[1, 0, 0.5, -0.5, 0.2, -1, 0.3]])
Z1 = torch.tensor([[0.5, -0.2, 0.1]])
Z3 = torch.tensor([[0.8, 0.1, 0, 0.4, -0.3, 0.2, -0.6]])
S = torch.tensor([[[1, 0, 0, 2, 0.5, 0, -1], [0, 1, 0, 1, 0.5, 0, 0]]])


class TestGroups:
    def test_of_seven(self):
        grouping = Grouping(shrunk.SEVEN)
        assert grouping.of_class.tolist() == [0, 2, 1, 2, 0, 2, 2]
        wanted = torch.tensor([[-1.587474, -1.687474, -2.487474]])
        torch.testing.assert_close(grouping(Z0.log_softmax(1)), wanted, atol=1e-6, rtol=0)

    def test_order_within_a_group_does_not_matter(self):
        turned = Z0[:, [0, 3, 2, 5, 4, 6, 1]]
        torch.testing.assert_close(Grouping(shrunk.SEVEN)(turned), Grouping(shrunk.SEVEN)(Z0))

    def test_by_name(self):
        grouping = Grouping(("Fear", "happy", "anxiety"))
        assert grouping.names == ["positive", "negative"] and grouping.of_class.tolist() == [1, 0, 1]
        assert Grouping(ELEVEN).of_class.tolist() == [0, 2, 1, 2, 0, 2, 2, 2, 2, 2, 2]


class TestLosses:
    @pytest.mark.parametrize(
        ("label", "p1", "p2", "term", "total"),
        [(3, 1.567552, 2.010446, 1.75, 6.271738), (4, 1.017552, 2.290447, 0.375, 4.683738)],
    )
    def test_of_the_card(self, label, p1, p2, term, total):
        y, grouping = torch.tensor([label]), Grouping(shrunk.SEVEN)
        frames, clip = torch.tensor([[[1.0, 2], [3, -1]]]), torch.tensor([[0.5, 0.5]])
        coarse, fine = sentiment(Z0, Z1, y, grouping), emotion(Z0, Z3, y)
        clips = clips_follow_frames([clip], [frames], S, y)
        outputs = outputs_follow_frames(Z1, Z3, S, grouping)
        assert (float(coarse), float(fine)) == pytest.approx((p1, p2), abs=2e-6)
        assert float(clips) == pytest.approx(3 * term, abs=1e-6)
        assert float(outputs) == pytest.approx(0.7 * 0.426232 + 0.3 * 0.394061, abs=2e-6)
        whole = 0.6 * coarse + 1.4 * fine + 0.4 * clips + outputs
        assert float(whole) == pytest.approx(total, abs=3e-6)

    def test_joining_of_the_card(self):
        found = join(torch.tensor([[1.0, -1]]), torch.tensor([[0.5, 2]]))
        torch.testing.assert_close(found, torch.tensor([[2.223266, 0.276734]]), atol=1e-6, rtol=0)

    def test_terms_are_weighted_and_the_2d_model_stays_as_it_is(self):
        model = shrunk.build("aen", size=32, frames=4, width=8)
        before = {n: t.clone() for n, t in model.still.state_dict().items()}
        video = batch("video", 1.5)
        terms = model.train().loss(video)
        sum(terms.values()).backward()
        assert not model.still.training and model.trunk.training
        assert all(p.grad is None for p in model.still.parameters())
        assert all(torch.equal(t, before[n]) for n, t in model.still.state_dict().items())
        with torch.no_grad():
            seen, scores = model.eval().see(video.x), model.still(video.x.flatten(0, 1)).reshape(2, 4, 7)
            torch.testing.assert_close(model.scores(video.x), scores)
            found = model.loss(video)
            wanted = {
                "sentiment": 0.6 * sentiment(seen.z0, seen.z1, video.label, model.grouping),
                "emotion": 1.4 * emotion(seen.z0, seen.z3, video.label),
                "clips": 0.4 * clips_follow_frames(seen.clips, seen.frames, scores, video.label),
                "outputs": outputs_follow_frames(seen.z1, seen.z3, scores, model.grouping),
            }
        assert found.keys() == wanted.keys()
        for name in wanted:
            torch.testing.assert_close(found[name], wanted[name])

    def test_the_2d_model_learns_first_and_the_trunk_begins_with_it(self):
        model = shrunk.build("aen", size=32, frames=4, width=8).train()
        still = batch("still")
        frames = still.x.flatten(0, 1)
        wanted = F.cross_entropy(model.still(frames), torch.tensor([0] * 4 + [1] * 4))
        torch.testing.assert_close(model.loss(still)["still"], wanted)
        model.loss(batch("video", 0.5))
        assert not torch.equal(model.trunk.conv1.weight, model.still.trunk.conv1.weight)
        model.inherit()
        model.eval()
        with torch.no_grad():
            torch.testing.assert_close(model.still.head(model.frame(frames)[2]), model.still(frames))
        with torch.no_grad():
            model.trunk.conv1.weight.zero_()
        model.loss(batch("video", 0.0))
        assert torch.equal(model.trunk.conv1.weight, model.still.trunk.conv1.weight)


# ---- what it computes, files -------------------------------------------------------------------------------


class TestParity:
    def test_outputs_are_the_released_codes(self, tmp_path):
        net = official()
        path = save(tmp_path / "aen.pth", net)
        model = shrunk.build("aen", frames=4, size=32, weights=str(path)).eval()
        x = videos()
        with torch.no_grad():
            z0, z1, z3, z2d = net(x)
            seen = model.see(x)
            for ours, theirs in ((seen.z0, z0), (seen.z1, z1), (seen.z3, z3), (model.scores(x), z2d)):
                torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)
        mixed = 0.3 * z0.log_softmax(1) + 0.7 * z3.log_softmax(1)
        torch.testing.assert_close(logits(model, x), mixed, atol=1e-5, rtol=1e-4)
        assert model.notes["weights"] == {"file": "aen.pth", "sha256": sha256_of(path)}
        assert model.notes["groups"]["surprise"] == "positive"

    def test_the_mixture_of_the_card(self):
        model = shrunk.build("aen", size=32, frames=4, width=8)
        with torch.no_grad():
            for head, z in ((model.head0, Z0), (model.head3, Z3)):
                head.weight.zero_()
                head.bias.copy_(z[0])
        wanted = [-1.280447, -2.070446, -1.990447, -2.010447, -2.290447, -2.300447, -2.470447]
        assert logits(model, videos(1))[0].tolist() == pytest.approx(wanted, abs=2e-6)

    def test_the_order_of_the_frames_matters(self):
        model, x = shrunk.build("aen", size=32, frames=4, width=8), videos()
        assert (logits(model, x) - logits(model, x.flip(1))).abs().max() > 1e-4


class TestFiles:
    def open(self, path, **more):
        return open_checkpoint(path, discover(), make_fabric("cpu", "fp32"), model="aen", **more)

    def test_an_official_checkpoint_is_taken_over(self, tmp_path):
        net = official(size=112, frames=2)
        opened = self.open(save(tmp_path / "aen.pth", net))
        x = videos(1, 112, 2)
        with torch.no_grad():
            z0, _, z3, _ = net(x)
        mixed = 0.3 * z0.log_softmax(1) + 0.7 * z3.log_softmax(1)
        torch.testing.assert_close(logits(opened.model, x), mixed, atol=1e-4, rtol=1e-4)
        assert opened.input.frames == 2 and opened.classes == shrunk.SEVEN

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda s: s.pop("module.fc2_3_o.weight"), "lacks the weights 'fc2_3_o.weight'"),
            (lambda s: s.pop("module.t_former.cls_token3"), "t_former.cls_token3"),
            (lambda s: s.pop("module.s_former.layer1.0.conv1.weight"), "'s_former.layer1.0.conv1.weight'"),
            (lambda s: s.update({"module.s_former.bn1.bias": torch.rand(3)}), "'s_former.bn1.bias' is of"),
            (lambda s: s.update({"module.gru.weight": torch.rand(3)}), "holds 'gru.weight'"),
        ],
    )
    def test_damage_to_a_start_is_named(self, tmp_path, change, words):
        path = save(tmp_path / "aen.pth", official(), change)
        with pytest.raises(DataError, match=words) as refused:
            shrunk.build("aen", frames=4, size=32, weights=str(path))
        assert str(path) in refused.value.message

    @pytest.mark.parametrize(
        ("gone", "words"),
        [
            ("t_former.spatial_transformer.", "lacks the layers 't_former.spatial_transformer'"),
            ("fc3.", "lacks the weights 'fc3.weight'"),
        ],
    )
    def test_damage_to_an_import_is_named(self, tmp_path, gone, words):
        def change(state):
            for name in [n for n in state if n.startswith(f"module.{gone}")]:
                del state[name]

        with pytest.raises(DataError, match=words):
            self.open(save(tmp_path / "aen.pth", official(), change))

    def test_nothing_is_executed(self, tmp_path):
        class Planted:
            def __reduce__(self):
                return (open, (str(tmp_path / "planted"), "w"))

        path = tmp_path / "aen.pth"
        path.write_bytes(pickle.dumps({"fc3.weight": Planted()}))
        with pytest.raises(DataError, match="cannot be read as weights"):
            shrunk.build("aen", weights=str(path))
        assert not (tmp_path / "planted").exists()

    def test_starting_for_other_classes_leaves_all_classifiers(self, tmp_path):
        net = official()
        path = save(tmp_path / "aen.pth", net)
        model = shrunk.build("aen", ELEVEN, frames=4, size=32, weights=str(path))
        assert torch.equal(model.query3.weight, net.fc2_3.weight)
        assert torch.equal(model.still.trunk.conv1.weight, net.s_former.conv1.weight)
        assert len(model.head0.weight) == len(model.still.head.weight) == 11
        assert model.notes["classifier"] == "from scratch"


# ---- as a method -------------------------------------------------------------------------------------------


def test_contract():
    assert_contract("aen", shrunk.catalog_at(32, "aen"), width=8)


@pytest.mark.parametrize("stage", ["still", "video"])
def test_one_video_trains(stage):
    model = shrunk.build("aen", size=32, frames=4, width=8).train()
    sum(model.loss(batch(stage, count=1)).values()).backward()


@pytest.mark.long
def test_sixteen_faces_are_learned_by_heart():
    model = shrunk.build("aen", size=32, width=16)
    stage = Stage({r"(?!still\.).*": 5e-4}, epochs=1, optimizer="adam", name="video")
    assert shrunk.learns_by_heart(model, stage, *shrunk.drawn_faces(16, 32), steps=100, epoch=1.0)
