"""s2d against a reimplementation of the released code: sizes, outputs, files, training."""

import pickle
from argparse import Namespace
from dataclasses import replace

import numpy as np
import pytest
import shrunk
import torch
from official_s2d import MobileFaceNet, Official
from stages import learning_rates, make_optimizer
from torch import nn
from torch.nn import functional as F

from dferbench.checkpoints.restore import open_checkpoint
from dferbench.errors import ConfigError, DataError
from dferbench.files import sha256_of
from dferbench.machine.device import make_fabric
from dferbench.models import Batch
from dferbench.models.freezing import ever_trained
from dferbench.registry.catalog import discover
from dferbench.testing import assert_contract
from dferbench.types import Stage
from dferbench_methods.layers.mix import Mix
from dferbench_methods.s2d import PLAIN, RECIPE
from dferbench_methods.s2d.landmark import Landmark
from dferbench_methods.s2d.names import in_file
from dferbench_methods.s2d.prompt import Fovea, Prompt, TemporalAdapter

pytestmark = pytest.mark.slow

ELEVEN = (*shrunk.SEVEN, "contempt", "anxiety", "helplessness", "disappointment")
TINY = {"width": 32, "depth": 3, "heads": 4, "patch": 2}
TASK = {"frames": 4, "size": 28}
"""Fourteen patches on each side, as many as the landmark network's map has places."""


def build(classes=shrunk.SEVEN, **options):
    return shrunk.build("s2d", classes, **{**TASK, **TINY, **options})


def videos(count=2, frames=4, size=28):
    return torch.randn(count, frames, 3, size, size, generator=torch.Generator().manual_seed(1))


def logits(model, x):
    with torch.no_grad():
        return model.eval()(x)


# ---- files of the released code ----------------------------------------------------------------------------


def official(seed=3, **options):
    torch.manual_seed(seed)
    sizes = {"dim": 32, "depth": 3, "heads": 4, "patch": 2, "frames": 4}
    return shrunk.shaken(Official(**{**sizes, **options}))


def seen(net, x, maps):
    """Logits (B, C) of videos (B, T, 3, H, W)."""
    with torch.no_grad():
        return torch.stack([net(video, maps(video)) for video in x])


def nothing(video):
    return torch.zeros(len(video), 128, 14, 14)


def save(path, state, change=lambda state: None):
    """A file as the released training script writes it."""
    state = {name: tensor.clone() for name, tensor in state.items()}
    change(state)
    told = Namespace(model="s2d_base_patch16_224", lr=1e-5, opt_betas=[0.9, 0.999])
    scaler = {"scale": 65536.0, "growth_factor": 2.0}
    torch.save({"model": state, "optimizer": None, "epoch": 87, "scaler": scaler, "args": told}, path)
    return path


@pytest.fixture(scope="module")
def net():
    return official()


@pytest.fixture(scope="module")
def released(tmp_path_factory, net):
    return save(tmp_path_factory.mktemp("s2d") / "checkpoint-best.pth", net.state_dict())


@pytest.fixture(scope="module")
def points():
    torch.manual_seed(4)
    return shrunk.shaken(MobileFaceNet())


@pytest.fixture(scope="module")
def landmark(tmp_path_factory, points):
    path = tmp_path_factory.mktemp("landmark") / "mobilefacenet_model_best.pth.tar"
    torch.save({"epoch": 1, "state_dict": points.state_dict()}, path)
    return path


def image_model(net, *, prompts):
    """What an image model's file holds of all that: timm's names, no adapters, another classifier."""
    state = {name.replace("ln_post.", "norm."): tensor for name, tensor in net.state_dict().items()}
    kept = {
        name: tensor
        for name, tensor in state.items()
        if ".TMA." not in name
        and not name.startswith(("temporal", "head"))
        and (prompts or "prompt" not in name)
    }
    return {**kept, "head.weight": torch.ones(1000, 32), "head.bias": torch.ones(1000)}


# ---- sizes -------------------------------------------------------------------------------------------------


class TestSizes:
    def test_parameters(self):
        model = shrunk.on_meta("s2d", size=224)
        parts = [model.prompts, model.norms, model.spare, model.side, model.norm, model.head]
        expected = [9_121_740, 16_896, 1_536, 99_072, 1_536, 5_383]
        assert [shrunk.parameters(part) for part in parts] == expected
        assert model.temporal.numel() == 12_288
        assert sum(expected) + 12_288 == 9_258_451
        assert shrunk.parameters(model) == 95_055_571
        more = shrunk.on_meta("s2d", classes=ELEVEN, size=224)
        assert shrunk.parameters(more) == 95_055_571 + 4 * 769

    def test_what_learns_is_all_but_the_image_model_and_the_norm_without_a_block(self):
        model = shrunk.on_meta("s2d", size=224)
        sizes = {name: p.numel() for name, p in model.named_parameters()}
        names = ever_trained(model, RECIPE)
        assert sum(sizes[name] for name in names) == 9_258_451 - 1_536
        assert set(sizes) - names == {n for n in sizes if n.startswith("vit.") or n.startswith("spare.11.")}

    def test_tensors_are_those_of_the_released_code(self):
        with torch.device("meta"):
            theirs = Official().state_dict()
        ours = shrunk.on_meta("s2d", size=224).state_dict()
        assert {in_file(name): t.shape for name, t in ours.items()} == {n: t.shape for n, t in theirs.items()}

    def test_multiply_adds(self):
        """Of the released network, counted alike: convolutions and linear layers, no landmark network."""
        counted = shrunk.macs(shrunk.on_meta("s2d", size=224), 1, 16, 3, 224, 224)
        by_hand = 196 * 768 * 768 + 197 * 12 * 12 * 768**2 + 196 * 128 * 768
        adapter = 4 * 768 * 192 + 4 * 192 * 192
        by_hand += 12 * 196 * (adapter + 3 * 8 * 768)
        assert counted == 16 * by_hand + 768 * 7 == 298_310_964_480

    @pytest.mark.parametrize("size", [32, 112, 224])
    def test_the_landmark_network_makes_the_same_map_of_any_size(self, size):
        with torch.device("meta"):
            net = Landmark()
            assert net(torch.rand(3, 3, size, size)).shape == (3, 128, 14, 14)
        assert not any(p.requires_grad for p in net.parameters())

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"width": 40, "heads": 4}, "got width=40 and heads=4"),
            ({"heads": 5}, "got width=32 and heads=5"),
            ({"patch": 3}, "28 x 28 pixels cannot be cut into patches of 3"),
            ({"patch": 56}, "28 x 28 pixels cannot be cut into patches of 56"),
            ({"patch": 4, "landmark": "a.pth"}, "14 x 14 places, and the image model 7 x 7"),
            ({"depth": 0}, "depth of .* must be .* got 0"),
            ({"hidden": 0}, "hidden of .* must be .* got 0"),
            ({"dropout": 1.0}, "dropout of .* must be .* got 1.0"),
            ({"mixup": -1.0}, "mixup of .* must be .* got -1.0"),
        ],
    )
    def test_impossible_options(self, options, words):
        with pytest.raises(ConfigError, match=words):
            build(**options)


# ---- what it computes --------------------------------------------------------------------------------------


class TestPrompt:
    @pytest.mark.parametrize(
        ("scale", "expected"), [(1, [0.0871, 0.4738, 1.9317, 0]), (10, [0, 0.0001, 2.9999, 0])]
    )
    def test_known_values_of_the_fovea(self, scale, expected):
        fovea = Fovea()
        assert fovea.scale.item() == 10
        fovea.scale.data.fill_(scale)
        seen = fovea(torch.tensor([1.0, 2, 3, 0]).view(1, 1, 4, 1))
        torch.testing.assert_close(seen.flatten(), torch.tensor(expected), atol=5e-5, rtol=0)

    def test_without_a_scale_and_a_side_input_it_is_a_map_a_hundred_and_ninety_sixth_as_large(self):
        prompt, x = Prompt(32, 8, 4, False), torch.randn(4, 196, 32)
        prompt.fovea.scale.data.zero_()
        for layer in (prompt.side, prompt.out):
            nn.init.zeros_(layer.bias)
        linear = prompt.out(prompt.image(x.mT[..., None]) / 196)[..., 0].mT
        torch.testing.assert_close(prompt(x, torch.zeros_like(x))[0], linear)

    def test_nothing_skips_the_adapter(self):
        adapter = TemporalAdapter(32, 4, zero_init=False)
        nn.init.zeros_(adapter.temporal.up.weight)
        out = adapter(torch.randn(8, 3, 32))
        torch.testing.assert_close(out, out[:1, :1].expand_as(out))

    def test_an_adapter_sees_its_place_in_the_frames_of_its_video_alone(self):
        adapter, x = TemporalAdapter(32, 4, zero_init=False), torch.randn(8, 3, 32)
        changed = x.clone()
        changed[1, 2] += 1
        moved = (adapter(changed) - adapter(x)).abs().amax(2) > 1e-9
        assert moved.nonzero().tolist() == [[0, 2], [1, 2], [2, 2], [3, 2]]

    def test_adapters_begin_with_something_or_by_adding_nothing_and_learn(self):
        x = torch.randn(8, 3, 32)
        assert TemporalAdapter(32, 4, zero_init=False)(x).abs().max() > 1e-6
        adapter = TemporalAdapter(32, 4, zero_init=True)
        assert torch.count_nonzero(adapter(x)) == 0
        optimizer = torch.optim.SGD(adapter.parameters(), 1.0)
        for _ in range(2):
            optimizer.zero_grad()
            (adapter(x) - 1).square().mean().backward()
            optimizer.step()
        assert all(p.grad.abs().max() > 0 for p in adapter.parameters())


class TestParity:
    def test_outputs_are_the_released_codes_without_landmarks(self, net, released):
        model, x = build(weights=str(released)), videos()
        torch.testing.assert_close(logits(model, x), seen(net, x, nothing), atol=1e-5, rtol=1e-5)
        assert model.notes["weights"] == {"file": released.name, "sha256": sha256_of(released)}
        assert model.notes["classifier"] == "from the file" and "anew" not in model.notes

    def test_outputs_are_the_released_codes_with_landmarks(self, net, released, points, landmark):
        model, x = build(weights=str(released), landmark=str(landmark)), videos(1)
        torch.testing.assert_close(logits(model, x), seen(net, x, points), atol=1e-4, rtol=1e-4)
        without = logits(build(weights=str(released)), x)
        assert (logits(model, x) - without).abs().max() > 1e-3
        assert model.notes["landmark"] == {"file": landmark.name, "sha256": sha256_of(landmark)}

    def test_of_two_windows_the_probabilities_are_averaged(self):
        model, x = build(), videos(3, frames=8)
        first, last = (logits(model, part).softmax(1) for part in (x[:, :4], x[:, 4:]))
        torch.testing.assert_close(logits(model, x).exp(), (first + last) / 2)

    def test_the_order_of_the_frames_matters(self, released):
        model, x = build(weights=str(released)), videos(1)
        assert (logits(model, x.flip(1)) - logits(model, x)).abs().max() > 1e-5

    def test_one_block_has_one_norm(self):
        model = build(depth=1)
        assert len(model.norms) == 1 and not model.spare and logits(model, videos(1)).shape == (1, 7)


class TestTraining:
    def test_the_loss_is_that_of_blended_videos(self):
        model, x, label = build(dropout=0.0), videos(4), torch.tensor([0, 1, 2, 6])
        batch = Batch(x, label, [{}] * 4, "train", 0.0)
        torch.manual_seed(5)
        found = model.loss(batch)["ce"]
        torch.manual_seed(5)
        mixed, target = Mix(7, 0.8, 1.0, 0.1)(x, label)
        assert found.item() == F.cross_entropy(model(mixed), target).item()
        plain = build(**PLAIN)
        wanted = F.cross_entropy(plain(x), label)
        assert plain.train().loss(batch)["ce"].item() == pytest.approx(wanted.item(), rel=1e-6)

    def test_a_step_changes_what_learns_and_nothing_else(self, landmark):
        model = build(landmark=str(landmark))
        names = ever_trained(model, RECIPE)
        before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        stage = replace(RECIPE.stages[0], train={next(iter(RECIPE.stages[0].train)): 1e-3})
        optimizer = make_optimizer(model, stage)
        batch = Batch(videos(2), torch.tensor([0, 3]), [{}, {}], "train", 0.0)
        model.train().loss(batch)["ce"].backward()
        optimizer.step()
        moved = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
        assert moved == names
        still = {name.split(".")[0] for name in before} - {name.split(".")[0] for name in moved}
        assert still == {"vit", "landmark", "spare"}

    def test_weight_decay_spares_what_the_code_spares(self):
        model = build()
        groups = make_optimizer(model, RECIPE.stages[0]).param_groups
        decayed = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
        for name, p in model.named_parameters():
            if id(p) in decayed:
                free = p.ndim == 1 or name == "temporal"
                assert decayed[id(p)] == (0 if free else 0.05), name

    def test_learning_rates_of_every_step_are_those_of_the_code(self):
        """`cosine_scheduler` of its utils, with lr 1e-5 * 16 / 8 and min_lr 1e-8 * 16 / 256, for its
        scripts start a process of 8 videos on each of two devices."""
        assert RECIPE.stages[0].batch == 2 * 8
        steps, low, full = 30, 1e-8 * 16 / 256, 2e-5
        rise = np.linspace(0, full, 2 * steps)
        place = np.arange(98 * steps)
        fall = low + 0.5 * (full - low) * (1 + np.cos(np.pi * place / len(place)))
        found = learning_rates(RECIPE.stages[0], steps)
        assert found == pytest.approx([*rise, *fall], rel=1e-9, abs=0)
        assert found[0] == 0 and found[2 * steps - 1] == found[2 * steps] == pytest.approx(full)
        assert low < found[-1] < 1.1 * full * (np.pi / len(place)) ** 2 + low

    def test_on_ferv39k_nothing_is_blended_or_dropped(self):
        method = discover().get("methods", "s2d").value
        model = build(**method.options_for["ferv39k"])
        assert (model.mix, model.dropout.p) == (Mix(7, 0.0, 0.0, 0.0), 0)
        assert (build().mix, build().dropout.p) == (Mix(7, 0.8, 1.0, 0.1), 0.5)


# ---- files -------------------------------------------------------------------------------------------------


class TestImport:
    def open(self, path, classes=shrunk.SEVEN, **sets):
        sets = {"heads": "4", "landmark": "", **sets}
        fabric = make_fabric("cpu", "fp32")
        return open_checkpoint(path, self.catalog(), fabric, model="s2d", sets=sets, classes=classes)

    def catalog(self):
        return shrunk.catalog_at(28, "s2d")

    def test_a_checkpoint_is_taken_over(self, net, released):
        opened = self.open(released)
        x = videos(1)
        torch.testing.assert_close(logits(opened.model, x), seen(net, x, nothing), atol=1e-5, rtol=1e-5)
        assert opened.classes == shrunk.SEVEN and opened.input.frames == 4

    def test_the_landmark_network_comes_along(self, net, released, points, landmark):
        opened = self.open(released, landmark=str(landmark))
        x = videos(1)
        torch.testing.assert_close(logits(opened.model, x), seen(net, x, points), atol=1e-4, rtol=1e-4)

    def test_what_no_file_says_must_be_said(self, released):
        with pytest.raises(ConfigError, match="next to a landmark network") as caught:
            open_checkpoint(released, self.catalog(), make_fabric("cpu", "fp32"), model="s2d")
        assert "landmark=''" in caught.value.hint
        with pytest.raises(ConfigError, match="7 classes, whose names it does not say"):
            self.open(released, ())
        with pytest.raises(ConfigError, match="width is 32, not 64"):
            self.open(released, width="64")

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda s: s.pop("patch_embed.proj.weight"), "lacks the weights 'patch_embed.proj.weight'"),
            (lambda s: s.pop("blocks.1.attn.qkv.bias"), "lacks the weights 'blocks.1.attn.qkv.bias'"),
            (lambda s: s.pop("prompt_blocks.2.TMA.norm.bias"), "'prompt_blocks.2.TMA.norm.bias'"),
            (lambda s: s.pop("prompt_norms.2.weight"), "'prompt_norms.2.weight'"),
            (lambda s: s.update(ln_post=torch.ones(3)), "'ln_post' is not a tensor"),
            (lambda s: s.update(pos_embed=torch.ones(3)), "'pos_embed' is of shape"),
            (lambda s: s.update({"prompt_blocks.0.fovea.smooth": torch.ones(2)}), "'prompt_blocks.0.fovea"),
        ],
    )
    def test_damage_is_named(self, tmp_path, net, change, words):
        path = save(tmp_path / "m.pth", net.state_dict(), change)
        with pytest.raises(DataError, match=words) as refused:
            self.open(path)
        assert str(path) in refused.value.message

    @pytest.mark.parametrize("option", ["weights", "landmark", ""])
    def test_nothing_is_executed(self, tmp_path, option):
        class Planted:
            def __reduce__(self):
                return (open, (str(tmp_path / "planted"), "w"))

        path = tmp_path / "m.pth"
        path.write_bytes(pickle.dumps({"model": {"pos_embed": Planted()}}))
        with pytest.raises(DataError, match="cannot be read as weights"):
            build(**{option: str(path)}) if option else self.open(path)
        assert not (tmp_path / "planted").exists()


class TestStart:
    def test_for_other_classes_the_classifier_is_left_out(self, net, released):
        model = build(ELEVEN, weights=str(released))
        assert torch.equal(model.prompts[1].adapter.norm.bias, net.prompt_blocks[1].TMA.norm.bias)
        assert model.head.weight.shape == (11, 32) and model.notes["classifier"] == "from scratch"

    @pytest.mark.parametrize("prompts", [True, False])
    def test_an_image_model_leaves_what_learns_from_videos_as_it_is_drawn(self, tmp_path, net, prompts):
        extra = {"landmark.conv1.conv.weight": torch.ones(3)} if prompts else {}
        path = save(tmp_path / "image.pth", {**image_model(net, prompts=prompts), **extra})
        model, drawn = build(weights=str(path)), build()
        theirs, fresh = net.state_dict(), drawn.state_dict()
        for name, tensor in model.state_dict().items():
            learned = "adapter" in name or name.startswith(("temporal", "head"))
            if not prompts:
                learned = learned or name.startswith(("prompts", "norms", "spare", "side"))
            assert torch.equal(tensor, fresh[name] if learned else theirs[in_file(name)]), name
        assert model.notes["anew"] == ["adapters", *([] if prompts else ["prompts"]), "temporal"]
        assert model.notes["classifier"] == "from scratch"
        assert model.notes.get("left_out", []) == (["landmark"] if prompts else [])

    @pytest.mark.parametrize(
        ("prompts", "change", "words"),
        [
            (False, lambda s: s.pop("norm.weight"), "lacks the weights 'ln_post.weight'"),
            (
                False,
                lambda s: s.pop("blocks.0.mlp.fc1.weight"),
                "lacks the weights 'blocks.0.mlp.fc1.weight'",
            ),
            (False, lambda s: s.update({"blocks.3.norm1.weight": torch.ones(32)}), "'blocks.3.norm1.weight'"),
            (False, lambda s: s.update(pos_embed=torch.ones(1, 50, 32)), r"'pos_embed' is of shape \[1, 50"),
            (True, lambda s: s.pop("prompt_blocks.1.conv0_1.bias"), "'prompt_blocks.1.conv0_1.bias'"),
            (True, lambda s: s.update(temporal_embedding=torch.ones(1, 4, 32)), "TMA"),
        ],
    )
    def test_damage_is_named(self, tmp_path, net, prompts, change, words):
        path = save(tmp_path / "image.pth", image_model(net, prompts=prompts), change)
        with pytest.raises(DataError, match=words):
            build(weights=str(path))

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda s: s.pop("conv_4.model.5.project.bn.bias"), "'conv_4.model.5.project.bn.bias'"),
            (lambda s: s.update({"conv1.conv.weight": torch.ones(3)}), "'conv1.conv.weight' is of shape"),
            (lambda s: s.update({"conv_7.bias": torch.ones(3)}), "'conv_7.bias'"),
        ],
    )
    def test_a_damaged_landmark_network_is_named(self, tmp_path, points, change, words):
        path = tmp_path / "points.pth"
        state = dict(points.state_dict())
        change(state)
        torch.save({"state_dict": state}, path)
        with pytest.raises(DataError, match=words):
            build(landmark=str(path))


# ---- as a method -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zero_init", ["false", "true"])
def test_contract(zero_init):
    assert_contract("s2d", zero_init=zero_init == "true", width=32)


def test_three_videos_train():
    model = build().train()
    batch = Batch(videos(3), torch.tensor([0, 1, 2]), [{}] * 3, "train", 0.0)
    model.loss(batch)["ce"].backward()
    assert model.notes == {"weights": "from scratch"}


@pytest.mark.long
def test_sixteen_faces_are_learned_by_heart():
    small = {"width": 64, "depth": 3, "heads": 4, "patch": 8}
    model = shrunk.build("s2d", size=48, **small, **PLAIN)
    stage = Stage({r"(?!spare\.).*": 2e-3}, epochs=1, optimizer="adamw", weight_decay=0.05)
    assert shrunk.learns_by_heart(model, stage, *shrunk.drawn_faces(16, 48), steps=150)
