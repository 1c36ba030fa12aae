"""m3dfel against a reimplementation of the released code: sizes, outputs, files, rates, training."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
import shrunk
import torch
import torchvision
from inputs import make_sampler
from stages import learning_rates
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
from dferbench_methods.m3dfel.bag import Bag, BagNorm
from dferbench_methods.m3dfel.names import in_file

pytestmark = pytest.mark.slow

ELEVEN = (*shrunk.SEVEN, "contempt", "anxiety", "helplessness", "disappointment")
RECIPE = discover().get("methods", "m3dfel").value.recipe


def videos(count=2, size=32, frames=16):
    return torch.rand(count, frames, 3, size, size, generator=torch.Generator().manual_seed(1))


def logits(model, x):
    with torch.no_grad():
        return model.eval()(x)


# ---- an independent implementation, under the released names -----------------------------------------------


class Norm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(1, dim, 1)), nn.Parameter(torch.zeros(1, dim, 1))
        self.mean_weight, self.var_weight = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))

    def forward(self, x):
        """One bag and one feature at a time."""
        m, v = torch.softmax(self.mean_weight, 0), torch.softmax(self.var_weight, 0)
        bags = []
        for bag in x:
            mean, var = bag.mean(0), bag.std(0) ** 2
            mean_all = mean.mean()
            var_all = (var + mean * mean).mean() - mean_all * mean_all
            scaled = (bag - m[0] * mean - m[1] * mean_all) / torch.sqrt(v[0] * var + v[1] * var_all + 1e-5)
            bags.append(scaled * self.weight[0, :, 0] + self.bias[0, :, 0])
        return torch.stack(bags)


class Official(nn.Module):
    def __init__(self, classes=7, bag=4):
        super().__init__()
        trunk = torchvision.models.video.r3d_18()
        self.features = nn.Sequential(*list(trunk.children())[:-1])
        self.lstm = nn.LSTM(512, 512, 2, batch_first=True, bidirectional=True)
        self.to_qkv = nn.Linear(1024, 3072, bias=False)
        self.norm = Norm(1024)
        self.pwconv = nn.Conv1d(bag, 1, 3, 1, 1)
        self.fc = nn.Linear(1024, classes)

    def forward(self, x):
        """(B, 3, T, H, W); each bag by itself."""
        bags = []
        for video in x:
            clips = torch.stack(video.chunk(self.pwconv.in_channels, 1))
            bags.append(self.features(clips).flatten(1))
        return self.fc(self.mix(torch.stack(bags)))

    def mix(self, instances):
        h = self.lstm(instances)[0]
        q, k, v = (t.unflatten(-1, (8, 128)) for t in self.to_qkv(h).chunk(3, -1))
        weights = (torch.einsum("bnhd,bmhd->bhnm", q, k) / 128**0.5).softmax(-1)
        seen = torch.einsum("bhnm,bmhd->bnhd", weights, v).flatten(2)
        return self.pwconv(h * torch.sigmoid(self.norm(seen))).flatten(1)


def official(seed=3, **options):
    torch.manual_seed(seed)
    net = Official(**options)
    for part in net.modules():
        if isinstance(part, nn.BatchNorm3d):
            for tensor in (part.weight, part.bias, part.running_mean, part.running_var):
                nn.init.uniform_(tensor, 0.5, 1.5)
    with torch.no_grad():
        for tensor in net.norm.parameters():
            tensor += 0.3 * torch.randn(tensor.shape)
    return net.eval()


@pytest.fixture(scope="module")
def net():
    return official()


@pytest.fixture(scope="module")
def released(tmp_path_factory, net):
    return save(tmp_path_factory.mktemp("m3dfel") / "model_best.pth", net)


def save(path, net, change=lambda state: None, called=str):
    """A file as the released training script writes it, on several devices."""
    state = {f"module.{called(name)}": tensor for name, tensor in net.state_dict().items()}
    change(state)
    torch.save({"epoch": 4, "state_dict": state, "best_wa": 0.6, "best_ua": 0.5, "optimizer": {}}, path)
    return path


# ---- sizes -------------------------------------------------------------------------------------------------


class TestSizes:
    def test_parameters(self):
        model = shrunk.on_meta("m3dfel")
        parts = [model.trunk, model.bag.lstm, model.bag.qkv, model.bag.norm, model.bag.conv, model.head]
        expected = [33_166_272, 10_502_144, 3_145_728, 2_052, 13, 7_175]
        assert [shrunk.parameters(part) for part in parts] == expected
        assert shrunk.parameters(model) == sum(expected) == 46_823_384
        assert shrunk.parameters(shrunk.on_meta("m3dfel", classes=ELEVEN)) == 46_827_484

    def test_tensors_are_those_of_the_released_code(self):
        with torch.device("meta"):
            assert len(Official().state_dict()) == 145
        assert len(shrunk.on_meta("m3dfel").state_dict()) == 145

    @pytest.mark.parametrize(
        ("instance", "giga"), [(1, 82.40), (2, 53.01), (4, 43.19), (8, 40.72), (16, 40.71)]
    )
    def test_multiply_adds(self, instance, giga):
        model = shrunk.on_meta("m3dfel", instance=instance)
        total = shrunk.macs(model, 1, 16, 3, 112, 112)
        assert total / 1e9 == pytest.approx(giga, abs=0.0051)

    def test_maps(self):
        model, x = shrunk.on_meta("m3dfel").eval(), torch.rand(4, 4, 3, 112, 112, device="meta")
        assert model.trunk.stem(x.transpose(1, 2)).shape == (4, 64, 4, 56, 56)
        assert model.trunk.maps(x).shape == (4, 512, 1, 7, 7)
        assert model.trunk(x).shape == (4, 512)
        assert model.bag(torch.rand(1, 4, 512, device="meta")).shape == (1, 1024)

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"instance": 3}, "must be a multiple of instance=3, got 16"),
            ({"instance": 0}, "instance of .* must be .* got 0"),
            ({"smoothing": 1.0}, "smoothing of .* must be .* got 1.0"),
            ({"width": 0}, "width of .* must be .* got 0"),
        ],
    )
    def test_impossible_options(self, options, words):
        with pytest.raises(ConfigError, match=words):
            shrunk.build("m3dfel", **options)


# ---- what it computes --------------------------------------------------------------------------------------


class TestNorm:
    X = torch.tensor([[[1.0, 2.0, 4.0], [0.0, 3.0, 6.0]]])

    @pytest.mark.parametrize(
        ("mean", "var", "expected"),
        [
            ((1, 1), (1, 1), [[-0.3731, -0.3731, 0.0933], [-1.0127, 0.2665, 1.2123]]),
            ((2, 0), (0, 1), [[0.1322, -0.2843, -0.3729], [-0.4147, 0.2626, 0.6603]]),
        ],
    )
    def test_known_values(self, mean, var, expected):
        norm = BagNorm(3)
        norm.mean_weight.data, norm.var_weight.data = torch.tensor([mean, var]).float()
        torch.testing.assert_close(norm(self.X)[0], torch.tensor(expected), atol=5e-5, rtol=0)

    def test_a_bag_of_one_is_finite(self):
        assert torch.isfinite(BagNorm(3)(self.X[:, :1])).all()


class TestParity:
    def test_outputs_are_the_released_codes(self, net, released):
        model = shrunk.build("m3dfel", weights=str(released))
        x = videos(2)
        with torch.no_grad():
            torch.testing.assert_close(logits(model, x), net(x.transpose(1, 2)), atol=1e-5, rtol=1e-5)
        assert model.notes["weights"] == {"file": "model_best.pth", "sha256": sha256_of(released)}
        assert model.notes["classifier"] == "from the file"

    def test_gradients_of_the_bag_are_the_released_codes(self):
        theirs, ours = official(), Bag(512, 4)
        for part, called in (("lstm", "lstm"), ("qkv", "to_qkv"), ("norm", "norm"), ("conv", "pwconv")):
            ours.get_submodule(part).load_state_dict(theirs.get_submodule(called).state_dict())
        x = torch.randn(2, 4, 512, generator=torch.Generator().manual_seed(0))
        ours(x).sum().backward()
        theirs.mix(x).sum().backward()
        for mine, name in ((ours.qkv, "to_qkv"), (ours.norm, "norm"), (ours.lstm, "lstm")):
            for p, q in zip(mine.parameters(), theirs.get_submodule(name).parameters(), strict=True):
                torch.testing.assert_close(p.grad, q.grad, atol=1e-4, rtol=1e-3)

    def test_loss_is_cross_entropy_with_smoothed_labels(self):
        model = shrunk.build("m3dfel", shrunk.SEVEN[:3], width=8)
        model.forward = lambda x: torch.tensor([[2.0, 0, -1], [0.5, 0.5, 0]])
        batch = Batch(torch.zeros(2), torch.tensor([0, 2]), [{}, {}], "train", 0.0)
        assert model.loss(batch)["ce"].item() == pytest.approx(0.8806, abs=5e-5)
        model.smoothing = 0.0
        plain = F.cross_entropy(model(None), batch.label)
        assert model.loss(batch)["ce"].item() == pytest.approx(plain.item())

    def test_the_order_matters_within_and_between_instances(self):
        model, x = shrunk.build("m3dfel", width=8), videos(1)
        before = logits(model, x)
        swapped = x[:, [4, 5, 6, 7, 0, 1, 2, 3, *range(8, 16)]]
        turned = x[:, [3, 2, 1, 0, *range(4, 16)]]
        for changed in (swapped, turned):
            assert (logits(model, changed) - before).abs().max() > 1e-6

    def test_bags_do_not_mix(self):
        model, x = shrunk.build("m3dfel", width=8), videos(3)
        torch.testing.assert_close(logits(model, x)[[2, 0, 1]], logits(model, x[[2, 0, 1]]))


# ---- frames and rates --------------------------------------------------------------------------------------


class TestRecipe:
    @pytest.mark.parametrize(
        ("count", "expected"),
        [
            (66, [0, 4, 8, 12, 16, 20, 24, 28, 33, 37, 41, 45, 49, 53, 57, 61]),
            (16, list(range(16))),
            (10, [0, 0, 1, 1, 2, 3, 3, 4, 5, 5, 6, 6, 7, 8, 8, 9]),
            (1, [0] * 16),
        ],
    )
    def test_its_frames_are_those_of_the_released_loader(self, count, expected):
        sampler = make_sampler(RECIPE.input.sample)
        assert sampler(count, 16, None).tolist() == expected
        rng = np.random.default_rng(0)
        moved = np.array([sampler(count, 16, rng) for _ in range(300)])
        for place, begin in enumerate(expected):
            assert set(moved[:, place].tolist()) == {min(begin + j, count - 1) for j in range(16)}

    def test_a_grid_without_jitter_draws_nothing(self):
        sampler = make_sampler("grid")
        assert not sampler.random and make_sampler("grid(jitter=1)").random
        assert sampler(66, 16, np.random.default_rng(0)).tolist() == sampler(66, 16, None).tolist()
        with pytest.raises(ConfigError, match="jitter must be a whole number from 0 on, got -1"):
            make_sampler("grid(jitter=-1)")
        with pytest.raises(ValueError, match="none to choose"):
            sampler(0, 16, None)

    def test_learning_rates_of_every_step_are_those_of_the_code(self):
        """It sets them after each step, from the index of that step, so that two steps have none."""
        steps, high, low = 36, 5e-4, 5e-6
        rise, total = 20 * steps, 300 * steps

        def after(step):
            if step < rise:
                return high * step / rise
            return low + 0.5 * (high - low) * (1 + math.cos(math.pi * step / total))

        found = learning_rates(RECIPE.stages[0], steps)
        assert found == pytest.approx([0.0, *map(after, range(total - 1))], rel=1e-9, abs=0)
        assert found[:3] == [0, 0, pytest.approx(high / rise)]
        known = {1: 2.5e-5, 10: 2.5e-4, 20: 4.946e-4, 21: 4.940e-4, 100: 3.7625e-4, 299: 5.014e-6}
        for epoch, lr in known.items():
            assert found[epoch * steps + 1] == pytest.approx(lr, rel=2e-4), epoch

    def test_timm_sets_the_same_learning_rates(self):
        """The code's scheduler itself, stepped as the code steps it."""
        from timm.scheduler.cosine_lr import CosineLRScheduler

        stage = replace(RECIPE.stages[0], epochs=40)
        optimizer = torch.optim.SGD([torch.zeros(1)], 5e-4)
        scheduler = CosineLRScheduler(
            optimizer, t_initial=40 * 7, lr_min=5e-6, warmup_lr_init=0.0, warmup_t=20 * 7, cycle_limit=1,
            t_in_epochs=False,
        )  # fmt: skip
        found = []
        for step in range(40 * 7):
            found.append(optimizer.param_groups[0]["lr"])
            scheduler.step_update(step)
        assert learning_rates(stage, 7) == pytest.approx(found, rel=1e-9, abs=0)


# ---- files -------------------------------------------------------------------------------------------------


class TestFiles:
    def open(self, path, **more):
        return open_checkpoint(path, discover(), make_fabric("cpu", "fp32"), model="m3dfel", **more)

    def test_an_official_checkpoint_is_taken_over(self, net, released):
        opened = self.open(released)
        x = videos(1)
        with torch.no_grad():
            torch.testing.assert_close(logits(opened.model, x), net(x.transpose(1, 2)), atol=1e-5, rtol=1e-5)
        assert opened.classes == shrunk.SEVEN and opened.input.frames == 16

    def test_frames_follow_from_the_instance(self, released):
        opened = self.open(released, sets={"instance": "2"})
        assert opened.input.frames == 8 and opened.model.instance == 2
        with pytest.raises(ConfigError, match=r"instance of m3dfel must be .* got 0"):
            self.open(released, sets={"instance": "0"})

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda s: s.pop("module.features.0.0.weight"), "features.0.0.weight"),
            (lambda s: s.pop("module.pwconv.weight"), "pwconv.weight"),
            (lambda s: s.pop("module.features.3.1.conv2.0.weight"), r"features.3.1.conv2.0.weight"),
            (lambda s: s.pop("module.lstm.weight_hh_l1_reverse"), "lstm.weight_hh_l1_reverse"),
            (lambda s: s.update({"module.norm.weight": torch.ones(3)}), "'norm.weight' is of shape"),
            (lambda s: s.update({"module.gru.weight": torch.ones(3)}), "'gru.weight' is not a tensor"),
        ],
    )
    def test_damage_is_named(self, tmp_path, change, words):
        path = save(tmp_path / "m.pth", shrunk.build("m3dfel", width=8), change, in_file)
        with pytest.raises(DataError, match=words) as refused:
            self.open(path)
        assert str(path) in refused.value.message

    @pytest.mark.parametrize("opens", [True, False])
    def test_nothing_is_executed(self, tmp_path, opens):
        class Planted:
            def __reduce__(self):
                return (open, (str(tmp_path / "planted"), "w"))

        path = tmp_path / "m.pth"
        path.write_bytes(pickle.dumps({"state_dict": {"fc.weight": Planted()}}))
        with pytest.raises(DataError, match="cannot be read as weights"):
            self.open(path) if opens else shrunk.build("m3dfel", weights=str(path))
        assert not (tmp_path / "planted").exists()

    def test_starting_for_other_classes_leaves_the_classifier(self, net, released):
        model = shrunk.build("m3dfel", ELEVEN, weights=str(released))
        assert torch.equal(model.bag.qkv.weight, net.to_qkv.weight)
        assert model.head.weight.shape == (11, 1024) and model.notes["classifier"] == "from scratch"

    def test_torchvisions_file_starts_the_trunk(self, tmp_path):
        theirs = torchvision.models.video.r3d_18().eval()
        path = tmp_path / "r3d_18-b3b3357e.pth"
        torch.save(theirs.state_dict(), path)
        model, x = shrunk.build("m3dfel", weights=str(path)).eval(), videos(1, frames=4)
        theirs.fc = nn.Identity()
        with torch.no_grad():
            torch.testing.assert_close(model.trunk(x), theirs(x.transpose(1, 2)), atol=1e-5, rtol=1e-5)
        assert model.notes["bag"] == model.notes["classifier"] == "from scratch"
        assert model.notes["weights"]["sha256"] == sha256_of(path)
        state = theirs.state_dict()
        del state["layer3.0.conv1.0.weight"]
        torch.save(state, path)
        with pytest.raises(DataError, match=r"lacks the weights 'layer3.0.conv1.0.weight'"):
            shrunk.build("m3dfel", weights=str(path))


# ---- as a method -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("instance", [4, 16])
def test_contract(instance):
    assert_contract("m3dfel", shrunk.catalog_at(32, "m3dfel"), width=8, instance=instance)


def test_one_video_trains():
    model = shrunk.build("m3dfel", width=8).train()
    model(videos(1)).sum().backward()
    assert model.notes == {"weights": "from scratch"}


@pytest.mark.long
def test_sixteen_faces_are_learned_by_heart():
    model = shrunk.build("m3dfel", size=32, width=8)
    stage = Stage({".*": 2e-3}, epochs=1, optimizer="adamw", weight_decay=0.05)
    assert shrunk.learns_by_heart(model, stage, *shrunk.drawn_faces(16, 32), steps=100)
