"""mae-dfer and videomae against reimplementations of their released code: sizes, outputs, files."""

import argparse
import math
import pickle

import numpy as np
import pytest
import shrunk
import torch
from inputs import make_sampler
from stages import learning_rates, make_optimizer
from torch import nn
from torch.nn import functional as F

from dferbench import Task
from dferbench.checkpoints.restore import open_checkpoint
from dferbench.errors import ConfigError, DataError
from dferbench.files import sha256_of
from dferbench.machine.device import make_fabric
from dferbench.models import Batch
from dferbench.profiling.macs import count
from dferbench.registry.catalog import discover
from dferbench.registry.options import resolve
from dferbench.testing import assert_contract
from dferbench.types import Stage
from dferbench_methods.mae_dfer.blocks import DropPath
from dferbench_methods.mae_dfer.encoders import positions
from dferbench_methods.mae_dfer.erase import Erase
from dferbench_methods.mae_dfer.files import in_file

pytestmark = pytest.mark.slow

CATALOG = discover()
ELEVEN = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise",
          "contempt", "anxiety", "helplessness", "disappointment")  # fmt: skip
TINY = {"width": 128, "depth": 2}
PLAIN = {"mixup": 0.0, "cutmix": 0.0, "smoothing": 0.0, "erase": 0.0, "drop_path": 0.0}
NAMES = ("mae-dfer", "videomae")
BY_NAME = pytest.mark.parametrize("name", NAMES)


def tiny(name, classes=shrunk.SEVEN, frames=16, **options):
    return shrunk.build(name, classes, frames, 32, **{**TINY, **options})


def videos(count=2, frames=16, size=32, seed=1):
    return torch.randn(count, frames, 3, size, size, generator=torch.Generator().manual_seed(seed))


def logits(model, x):
    with torch.no_grad():
        return model.eval()(x)


def shake(model, seed=5):
    """Values everywhere, biases and norms included, so that a confusion of tensors shows."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        with torch.no_grad():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    return model


def batch_of(x, label):
    return Batch(x, torch.as_tensor(label), [{} for _ in x], "train", 0.0)


# ---- an independent implementation, one video and one region at a time, on tensors under released names ----


def table(count, dim):
    rows = [[p / 10000 ** (2 * (i // 2) / dim) for i in range(dim)] for p in range(count)]
    return torch.tensor([[math.cos(a) if i % 2 else math.sin(a) for i, a in enumerate(row)] for row in rows])


def embed(s, video):
    """(T, 3, H, W) -> (D, t, h, w)."""
    x = video.transpose(0, 1)[None]
    x = F.conv3d(x, s["patch_embed.proj.weight"], s["patch_embed.proj.bias"], (2, 16, 16))[0]
    return x + table(x[0].numel(), len(x)).T.reshape(x.shape)


def norm(s, name, x):
    return F.layer_norm(x, x.shape[-1:], s[f"{name}.weight"], s[f"{name}.bias"], 1e-6)


def mlp(s, name, x):
    x = F.gelu(F.linear(x, s[f"{name}.fc1.weight"], s[f"{name}.fc1.bias"]))
    return F.linear(x, s[f"{name}.fc2.weight"], s[f"{name}.fc2.bias"])


def attention(s, name, x, seen):
    """(S, D) looks at (M, D), one head of 64 at a time."""
    q = x @ s[f"{name}.q.weight"].T + s[f"{name}.q_bias"]
    kv = seen @ s[f"{name}.kv.weight"].T
    k, v = kv[:, : x.shape[1]], kv[:, x.shape[1] :] + s[f"{name}.v_bias"]
    heads = []
    for at in range(0, x.shape[1], 64):
        part = slice(at, at + 64)
        heads.append((q[:, part] @ k[:, part].T / 8).softmax(-1) @ v[:, part])
    return F.linear(torch.cat(heads, 1), s[f"{name}.proj.weight"], s[f"{name}.proj.bias"])


def official_regions(s, video, depth=2, regions=(4, 2, 1)):
    x = embed(s, video)
    (i, j, k), (t, h, w) = regions, x.shape[1:]
    boxes = [
        x[:, a * t // i : (a + 1) * t // i, b * h // j : (b + 1) * h // j, c * w // k : (c + 1) * w // k]
        for a in range(i)
        for b in range(j)
        for c in range(k)
    ]
    local = [box.flatten(1).T for box in boxes]
    own = list(s["lg_region_tokens"])
    for n in range(depth):
        b = f"blocks.{n}"
        for r in range(len(local)):
            both = torch.cat([own[r][None], local[r]])
            seen = norm(s, f"{b}.first_attn_norm0", both)
            both = both + attention(s, f"{b}.first_attn", seen, seen)
            own[r], local[r] = both[0], both[1:]
        messengers = torch.stack(own)
        seen = norm(s, f"{b}.second_attn_norm0", messengers)
        messengers = messengers + attention(s, f"{b}.second_attn", seen, seen)
        seen = norm(s, f"{b}.third_attn_norm1", messengers)
        for r in range(len(local)):
            asking = norm(s, f"{b}.third_attn_norm0", local[r])
            local[r] = local[r] + attention(s, f"{b}.third_attn", asking, seen)
            local[r] = local[r] + mlp(s, f"{b}.mlp", norm(s, f"{b}.norm2", local[r]))
        messengers = messengers + mlp(s, f"{b}.mlp", norm(s, f"{b}.norm2", messengers))
        own = list(messengers)
    return classify(s, torch.stack(own))


def official_joint(s, video, depth=2):
    """torch's own encoder layers."""
    x = embed(s, video).flatten(1).T
    dim = x.shape[1]
    for n in range(depth):
        layer = nn.TransformerEncoderLayer(
            dim, dim // 64, 4 * dim, 0.0, "gelu", 1e-6, batch_first=True, norm_first=True
        )
        q, v = s[f"blocks.{n}.attn.q_bias"], s[f"blocks.{n}.attn.v_bias"]
        theirs = {
            "self_attn.in_proj_weight": s[f"blocks.{n}.attn.qkv.weight"],
            "self_attn.in_proj_bias": torch.cat([q, torch.zeros_like(q), v]),
            **{f"self_attn.out_proj.{p}": s[f"blocks.{n}.attn.proj.{p}"] for p in ("weight", "bias")},
            **{f"linear{i}.{p}": s[f"blocks.{n}.mlp.fc{i}.{p}"] for i in (1, 2) for p in ("weight", "bias")},
            **{f"norm{i}.{p}": s[f"blocks.{n}.norm{i}.{p}"] for i in (1, 2) for p in ("weight", "bias")},
        }
        x = torch.func.functional_call(layer.train(), theirs, x[None])[0]
    return classify(s, x)


def classify(s, tokens):
    return F.linear(norm(s, "fc_norm", tokens.mean(0)), s["head.weight"], s["head.bias"])


OFFICIAL = {"mae-dfer": official_regions, "videomae": official_joint}


def released(model):
    return {in_file(name): tensor for name, tensor in model.state_dict().items()}


# ---- sizes -------------------------------------------------------------------------------------------------


class TestSizes:
    @pytest.mark.parametrize(
        ("name", "total", "block", "patch"),
        [("mae-dfer", 84_878_343, 5_255_168, 786_944), ("videomae", 86_232_583, 7_087_104, 1_180_416)],
    )
    def test_parameters(self, name, total, block, patch):
        model = shrunk.on_meta(name, size=160)
        assert shrunk.parameters(model) == total
        assert {shrunk.parameters(one) for one in model.encoder.blocks} == {block}
        assert shrunk.parameters(model.patch) == patch
        width = model.head.in_features
        assert shrunk.parameters(shrunk.on_meta(name, classes=ELEVEN, size=160)) == total + 4 * (width + 1)

    @pytest.mark.parametrize(
        ("name", "size", "giga"),
        [("mae-dfer", 160, 49.75), ("videomae", 160, 80.76), ("videomae", 224, 180.49)],
    )
    def test_multiply_adds(self, name, size, giga):
        """The published counts add five operations for each value that a norm sees."""
        entry = CATALOG.get("methods", name)
        task = Task("t", shrunk.SEVEN, 16, size)
        found = count(entry, task, resolve(entry.value, {}), entry.value.recipe, CATALOG)
        with torch.device("meta"):
            model, seen = shrunk.build(name, size=size), []
            for part in model.modules():
                if isinstance(part, nn.LayerNorm):
                    part.register_forward_hook(lambda part, x, y: seen.append(y.numel()))
            model.eval()(torch.rand(1, 16, 3, size, size))
        assert (found.macs + 5 * sum(seen)) / 1e9 == pytest.approx(giga, abs=0.0051)

    def test_tokens(self):
        model = shrunk.on_meta("mae-dfer", size=160)
        tokens = model.patch(torch.rand(1, 3, 16, 160, 160, device="meta"))
        assert tokens.shape == (1, 512, 8, 10, 10) and model.positions.shape == (800, 512)
        assert model.encoder.region_tokens.shape == (8, 512)
        assert model.encoder.cut(tokens.movedim(1, -1)).shape == (1, 8, 100, 512)

    def test_positions(self):
        torch.testing.assert_close(positions(30, 64), table(30, 64))

    @pytest.mark.parametrize(
        ("name", "options", "words"),
        [
            ("mae-dfer", {"regions": "3x2x1"}, "8 x 2 x 2 tokens cannot be cut into 3x2x1"),
            ("mae-dfer", {"regions": "4x2"}, "regions of .* must be text such as"),
            ("mae-dfer", {"regions": "0x2x1"}, "regions of .* must be text such as"),
            ("videomae", {"width": 100}, "width of .* must be .* got 100"),
            ("videomae", {"depth": 0}, "depth of .* must be .* got 0"),
            ("videomae", {"frames": 15}, "input.frames is 15"),
            ("videomae", {"drop_path": 1.0}, "drop_path of .* must be .* got 1.0"),
            ("videomae", {"smoothing": 1.0}, "smoothing of .* must be .* got 1.0"),
            ("videomae", {"mixup": -1.0}, "mixup of .* must be .* got -1.0"),
            ("videomae", {"erase": 1.5}, "erase of .* must be .* got 1.5"),
        ],
    )
    def test_impossible_options(self, name, options, words):
        with pytest.raises(ConfigError, match=words):
            tiny(name, **options)

    def test_a_size_that_leaves_pixels_over(self):
        with pytest.raises(ConfigError, match=r"input\.size is 40"):
            shrunk.build("videomae", size=40, **TINY)


# ---- what it computes --------------------------------------------------------------------------------------


class TestParity:
    @BY_NAME
    def test_outputs_and_gradients_are_the_released_codes(self, name):
        model, x = shake(tiny(name, **PLAIN)).train(), videos()
        state = {n: t.detach().clone().requires_grad_() for n, t in released(model).items()}
        theirs = torch.stack([OFFICIAL[name](state, video) for video in x])
        ours = model(x)
        torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=1e-4)
        assert theirs.std() > 0.1
        (ours**2).sum().backward()
        (theirs**2).sum().backward()
        for mine, parameter in model.named_parameters():
            wanted = state[in_file(mine)].grad
            wanted = torch.zeros_like(parameter) if wanted is None else wanted
            torch.testing.assert_close(parameter.grad, wanted, atol=2e-3, rtol=2e-3, msg=mine)

    def test_other_regions(self):
        model, x = shake(tiny("mae-dfer", regions="2x1x2", **PLAIN)), videos(1)
        theirs = official_regions(released(model), x[0], regions=(2, 1, 2))
        torch.testing.assert_close(logits(model, x)[0], theirs, atol=2e-5, rtol=1e-4)

    @BY_NAME
    def test_videos_do_not_mix(self, name):
        model, x = shake(tiny(name)), videos(3)
        torch.testing.assert_close(logits(model, x)[[2, 0, 1]], logits(model, x[[2, 0, 1]]))

    @BY_NAME
    def test_the_order_of_frames_matters(self, name):
        model, x = shake(tiny(name)), videos(1)
        assert (logits(model, x.flip(1)) - logits(model, x)).abs().max() > 1e-3

    @BY_NAME
    def test_windows_are_averaged_as_probabilities(self, name):
        model = shake(tiny(name))
        first, second, third = videos(2, seed=1), videos(2, seed=2), videos(2, seed=3)
        mean = torch.stack([logits(model, x).softmax(1) for x in (first, second, third)]).mean(0)
        found = logits(model, torch.cat([first, second, third], 1)).softmax(1)
        torch.testing.assert_close(found, mean)
        torch.testing.assert_close(
            logits(model, torch.cat([first, first], 1)).softmax(1), logits(model, first).softmax(1)
        )

    @BY_NAME
    @pytest.mark.parametrize("classes", [3, 7, 11])
    def test_the_loss_begins_at_the_logarithm_of_the_classes(self, name, classes):
        model = tiny(name, ELEVEN[:classes]).train()
        loss = model.loss(batch_of(videos(4), [0, 1, 2, 0]))["ce"]
        assert loss.item() == pytest.approx(math.log(classes), abs=0.01)


class TestTraining:
    @BY_NAME
    def test_the_same_seed_draws_the_same(self, name):
        model, batch = shake(tiny(name)).train(), batch_of(videos(4), [0, 1, 2, 3])
        before, losses = batch.x.clone(), []
        for seed in (0, 0, 1, 2):
            torch.manual_seed(seed)
            losses.append(model.loss(batch)["ce"].item())
        assert losses[0] == losses[1] and len(set(losses)) == 3
        assert torch.equal(batch.x, before)

    def test_without_mixing_it_is_cross_entropy_with_smoothed_labels(self):
        model = shake(tiny("videomae", **{**PLAIN, "smoothing": 0.1})).train()
        x, label = videos(4), torch.tensor([0, 1, 2, 3])
        wanted = F.cross_entropy(model(x), label, label_smoothing=0.1)
        torch.testing.assert_close(model.loss(batch_of(x, label))["ce"], wanted)

    def test_what_is_mixed_is_what_is_learned(self):
        model = shake(tiny("videomae", **{**PLAIN, "mixup": 0.8, "smoothing": 0.1})).train()
        x, label = videos(2), torch.tensor([0, 1])
        torch.manual_seed(3)
        found = model.loss(batch_of(x, label))["ce"]
        torch.manual_seed(3)
        share = torch.distributions.Beta(torch.tensor(0.8), torch.tensor(0.8)).sample()
        mixed = model(share * x + (1 - share) * x.flip(0)).log_softmax(1)
        target = (torch.eye(7)[label] * share + torch.eye(7)[label.flip(0)] * (1 - share)) * 0.9 + 0.1 / 7
        torch.testing.assert_close(found, -(target * mixed).sum(1).mean(), atol=1e-5, rtol=1e-5)

    def test_erased_boxes(self):
        x = torch.full((200, 2, 3, 32, 48), 7.0)
        torch.manual_seed(0)
        erased = Erase(0.25)(x)
        assert (x == 7).all()
        hit = [i for i in range(200) if not torch.equal(erased[i], x[i])]
        assert 30 < len(hit) < 70
        areas = []
        for i in hit:
            box = erased[i] != 7
            assert (box == box[:1, :1]).all(), "the same place in every frame"
            rows, columns = box[0, 0].any(1), box[0, 0].any(0)
            assert torch.equal(box[0, 0], rows[:, None] & columns[None])
            assert not torch.equal(erased[i][0][box[0]], erased[i][1][box[1]]), (
                "noise of its own in each frame"
            )
            areas.append(box[0, 0].float().mean().item())
            assert 0.2 < rows.sum() / columns.sum() < 5
        assert 0.01 < min(areas) < 0.06 and 0.28 < max(areas) < 0.36
        noise = erased[erased != 7]
        assert abs(noise.mean()) < 0.02 and abs(noise.std() - 1) < 0.02
        assert Erase(0.0)(x) is x

    def test_paths_are_dropped_row_by_row(self):
        drop, x = DropPath(0.25).train(), torch.ones(4000, 2, 3)
        torch.manual_seed(0)
        rows = drop(x).flatten(1)
        assert (rows == rows[:, :1]).all() and rows.unique().tolist() == pytest.approx([0.0, 1 / 0.75])
        assert rows[:, 0].gt(0).float().mean().item() == pytest.approx(0.75, abs=0.02)
        assert drop.eval()(x) is x

    @BY_NAME
    def test_drop_path_rises_evenly(self, name):
        rates = [block.drop.rate for block in shrunk.on_meta(name, size=160).encoder.blocks]
        assert rates == pytest.approx(torch.linspace(0, 0.1, len(rates)).tolist())


# ---- frames ------------------------------------------------------------------------------------------------


class TestFrames:
    @pytest.mark.parametrize("rate", [1, 2, 4])
    def test_testing_takes_the_first_and_the_last_window(self, rate):
        sampler = make_sampler(f"window({rate}, clips=2)")
        for n in range(1, 200):
            kept = list(range(0, n, rate))
            kept += [kept[-1]] * (16 - len(kept))
            assert sampler(n, 16, None).tolist() == kept[:16] + kept[-16:], n

    @pytest.mark.parametrize("rate", [1, 4])
    def test_training_draws_a_window(self, rate):
        sampler, rng, span = make_sampler(f"window({rate}, clips=2)"), np.random.default_rng(0), 16 * rate
        assert sampler.random
        for n in (1, 3, 7, 15, 16, 17, 40, 63, 64, 65, 70):
            draws = {tuple(sampler(n, 16, rng).tolist()) for _ in range(300)}
            if n <= span:
                kept = [min(int(i * n / max(n // rate - 1, 1)), n - 1) for i in range(n // rate)]
                assert draws == {(*kept, *[n - 1] * (16 - n // rate))}, n
            else:
                steps = [min(int(i * span / 15), span - 1) for i in range(16)]
                wanted = {tuple(first + step for step in steps) for first in range(n - span)}
                assert draws == wanted, n

    def test_one_view_lies_in_the_middle(self):
        assert make_sampler("window(rate=2)")(72, 16, None).tolist() == list(range(20, 52, 2))
        assert len(make_sampler("window(clips=3)")(200, 16, None)) == 48

    @pytest.mark.parametrize(
        ("text", "words"),
        [("window(0)", "rate must be .* got 0"), ("window(clips=1.5)", "clips must be .* got 1.5")],
    )
    def test_what_is_no_window(self, text, words):
        with pytest.raises(ConfigError, match=words):
            make_sampler(text)

    def test_no_frames(self):
        with pytest.raises(ValueError, match="none to choose"):
            make_sampler("window")(0, 16, None)

    def test_recipes(self):
        method = CATALOG.get("methods", "mae-dfer").value
        assert method.recipe.input.sample == "window(rate=4, clips=2)"
        assert method.recipe_for["ferv39k"].input.sample == "window(rate=1, clips=2)"


# ---- rates and weight decay --------------------------------------------------------------------------------

# Of the log that the authors publish of a fold of DFEW: what the rate of each layer is multiplied with.
LOGGED = (
    0.0075169468, 0.0100225956, 0.013363461, 0.017817948, 0.023757264, 0.031676352, 0.042235136, 0.056313515,
    0.075084686, 0.100112915, 0.133483887, 0.177978516, 0.237304688, 0.31640625, 0.421875, 0.5625, 0.75, 1.0,
)  # fmt: skip


def layer_of(name, depth):
    if name.startswith("patch_embed"):
        return 0
    return int(name.split(".")[1]) + 1 if name.startswith("blocks") else depth + 1


class TestRates:
    @pytest.mark.parametrize(("name", "depth"), [("mae-dfer", 16), ("videomae", 12)])
    def test_rates_and_decay_of_every_parameter(self, name, depth):
        model, stage = shrunk.on_meta(name, size=160), CATALOG.get("methods", name).value.recipe.stages[0]
        assert stage.batch == 96
        scales, found = LOGGED[16 - depth :], {}
        for group in make_optimizer(model, stage).param_groups:
            for parameter in group["params"]:
                found[id(parameter)] = (group["lr"], group["weight_decay"])
        for mine, parameter in model.named_parameters():
            theirs, (rate, decay) = in_file(mine), found[id(parameter)]
            assert rate == pytest.approx(3.75e-4 * scales[layer_of(theirs, depth)], rel=1e-5), mine
            spared = parameter.ndim == 1 or theirs.endswith(".bias") or theirs == "lg_region_tokens"
            assert decay == (0.0 if spared else 0.05), mine

    def test_ferv39k_has_a_larger_batch(self):
        stage = CATALOG.get("methods", "mae-dfer").value.recipe_for["ferv39k"].stages[0]
        assert stage.batch == 120 and max(stage.train.values()) == pytest.approx(1e-3 * 120 / 256)

    @pytest.mark.parametrize(("name", "dataset", "batch"), [
        ("mae-dfer", "", 96), ("mae-dfer", "ferv39k", 120), ("videomae", "", 96),
    ])  # fmt: skip
    def test_learning_rates_of_every_step_and_layer_are_those_of_the_code(self, name, dataset, batch):
        """`cosine_scheduler` of its utils, times each layer's scale, which scales the minimum too."""
        method, steps = CATALOG.get("methods", name).value, 23
        stage = method.recipe_for.get(dataset, method.recipe).stages[0]
        high, low = 1e-3 * batch / 256, 1e-6 * batch / 256
        place = np.arange(95 * steps)
        fall = low + 0.5 * (high - low) * (1 + np.cos(np.pi * place / len(place)))
        whole = np.concatenate([np.linspace(0, high, 5 * steps), fall])
        for full in stage.train.values():
            found = learning_rates(stage, steps, full)
            assert found == pytest.approx(full / high * whole, rel=1e-9, abs=0)
        assert found[0] == 0 and found[5 * steps - 1] == found[5 * steps] == full

    @pytest.mark.parametrize(
        ("pattern", "words"), [("tower.*", "matches nothing"), ("(", "not a valid regular")]
    )
    def test_patterns_that_spare_nothing(self, pattern, words):
        stage = Stage({".*": 1e-3}, 1, optimizer=f"adamw(undecayed='{pattern}')")
        with pytest.raises(ConfigError, match=words):
            make_optimizer(tiny("videomae"), stage)


# ---- files -------------------------------------------------------------------------------------------------


def save(path, state, under="model"):
    """As the released scripts write it, their own options included."""
    args = argparse.Namespace(lr=1e-3, opt_betas=[0.9, 0.999], nested=argparse.Namespace(seed=0))
    torch.save({under: state, "epoch": "best", "args": args, "scaler": {"scale": 65536.0}}, path)
    return path


def pretrained(model):
    """A file of pre-training: the encoder under its prefix, next to what only that needs."""
    inner = {f"encoder.{n}": t for n, t in released(model).items() if not n.startswith(("head", "fc_norm"))}
    more = (
        "mask_token",
        "decoder.blocks.0.attn.qkv.weight",
        "decoder.head.bias",
        "encoder_to_decoder.weight",
    )
    norms = {f"encoder.norm.{part}": torch.ones(128) for part in ("weight", "bias")}
    return {**inner, **norms, **{name: torch.ones(2, 3) for name in more}}


class TestFiles:
    @BY_NAME
    @pytest.mark.parametrize("under", ["model", "module"])
    def test_a_fine_tuned_file_starts_everything(self, tmp_path, name, under):
        theirs = shake(tiny(name))
        path = save(tmp_path / "checkpoint-best.pth", released(theirs), under)
        model, x = tiny(name, weights=str(path)), videos()
        assert torch.equal(logits(model, x), logits(theirs, x))
        assert model.notes["weights"] == {"file": path.name, "sha256": sha256_of(path)}
        assert model.notes["classifier"] == "from the file"

    @BY_NAME
    def test_for_other_classes_its_classifier_is_left_out(self, tmp_path, name):
        theirs = shake(tiny(name))
        model = tiny(name, ELEVEN, weights=str(save(tmp_path / "m.pth", released(theirs))))
        assert torch.equal(model.fc_norm.weight, theirs.fc_norm.weight)
        assert model.head.weight.shape == (11, 128) and model.notes["classifier"] == "from scratch"

    @BY_NAME
    def test_a_pre_trained_file_starts_the_encoder(self, tmp_path, name):
        theirs = shake(tiny(name))
        model = tiny(name, weights=str(save(tmp_path / "checkpoint-49.pth", pretrained(theirs))))
        for part in (model.encoder, model.patch):
            assert all(p.std() > 0.05 for p in part.parameters())
        for ours, mine in zip(model.encoder.parameters(), theirs.encoder.parameters(), strict=True):
            assert torch.equal(ours, mine)
        assert (model.fc_norm.weight == 1).all() and model.head.weight.abs().max() < 2e-4
        assert model.notes["stage"] == "pre-trained" and model.notes["classifier"] == "from scratch"

    def test_from_scratch_is_said(self):
        assert tiny("videomae").notes == {"weights": "from scratch"}

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda s: s.pop("patch_embed.proj.weight"), "lacks the weights 'patch_embed.proj.weight'"),
            (lambda s: s.pop("lg_region_tokens"), "lacks the weights 'lg_region_tokens'"),
            (
                lambda s: s.pop("blocks.1.third_attn.kv.weight"),
                r"lacks the weights 'blocks.1.third_attn.kv.weight'",
            ),
            (lambda s: s.pop("fc_norm.bias"), r"lacks the weights 'fc_norm.bias'"),
            (
                lambda s: s.update({"blocks.0.norm2.bias": torch.ones(3)}),
                r"'blocks.0.norm2.bias' is of shape",
            ),
            (
                lambda s: s.update({"blocks.0.first_attn.q_bias": torch.full((128,), torch.nan)}),
                "q_bias' holds",
            ),
            (lambda s: s.update({"blocks.2.norm2.bias": torch.ones(128)}), r"blocks.2.norm2.bias'"),
            (lambda s: s.update({"cls_token": torch.ones(128)}), "'cls_token'"),
        ],
    )
    def test_damage_is_named(self, tmp_path, change, words):
        state = released(tiny("mae-dfer"))
        change(state)
        path = save(tmp_path / "m.pth", state)
        with pytest.raises(DataError, match=words) as refused:
            tiny("mae-dfer", weights=str(path))
        assert str(path) in refused.value.message

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda s: s.pop("encoder.blocks.0.mlp.fc1.weight"), r"blocks.0.mlp.fc1.weight'"),
            (
                lambda s: s.update({"encoder.lg_region_tokens": torch.ones(8)}),
                "lg_region_tokens' is of shape",
            ),
            (lambda s: s.update({"momentum.weight": torch.ones(8)}), "'momentum.weight'"),
        ],
    )
    def test_damage_of_a_pre_trained_file_is_named(self, tmp_path, change, words):
        state = pretrained(tiny("mae-dfer"))
        change(state)
        with pytest.raises(DataError, match=words):
            tiny("mae-dfer", weights=str(save(tmp_path / "m.pth", state)))

    def test_the_other_encoders_file_is_refused(self, tmp_path):
        path = save(tmp_path / "m.pth", released(tiny("videomae")))
        with pytest.raises(DataError, match="lg_region_tokens"):
            tiny("mae-dfer", weights=str(path))

    @pytest.mark.parametrize("opens", [True, False])
    def test_nothing_is_executed(self, tmp_path, opens):
        class Planted:
            def __reduce__(self):
                return (open, (str(tmp_path / "planted"), "w"))

        path = tmp_path / "m.pth"
        path.write_bytes(pickle.dumps({"model": {"head.weight": Planted()}}))
        with pytest.raises(DataError, match="cannot be read as weights"):
            open_official(path, "mae-dfer") if opens else tiny("mae-dfer", weights=str(path))
        assert not (tmp_path / "planted").exists()


def open_official(path, name, **more):
    return open_checkpoint(path, CATALOG, make_fabric("cpu", "fp32"), model=name, **more)


class TestImport:
    @BY_NAME
    @pytest.mark.parametrize("classes", [shrunk.SEVEN, ELEVEN])
    def test_an_official_checkpoint_is_taken_over(self, tmp_path, name, classes):
        theirs = shake(shrunk.build(name, classes, 16, 160, **TINY))
        opened = open_official(save(tmp_path / "m.pth", released(theirs)), name)
        x = videos(1, size=160)
        assert torch.equal(logits(opened.model, x), logits(theirs, x))
        assert opened.classes == classes
        assert (opened.input.frames, opened.input.size) == (16, 160) and "clips=2" in opened.input.sample

    def test_how_regions_lie_can_be_stated(self, tmp_path):
        theirs = shake(shrunk.build("mae-dfer", shrunk.SEVEN, 16, 160, regions="2x2x2", **TINY))
        path, x = save(tmp_path / "m.pth", released(theirs)), videos(1, size=160)
        opened = open_official(path, "mae-dfer", sets={"regions": "2x2x2"})
        assert torch.equal(logits(opened.model, x), logits(theirs, x))
        with pytest.raises(ConfigError, match="has 8 regions, which 4x1x1 are not"):
            open_official(path, "mae-dfer", sets={"regions": "4x1x1"})
        with pytest.raises(ConfigError, match="depth is 2, not 16"):
            open_official(path, "mae-dfer", sets={"depth": "16"})

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda s: s.pop("head.weight"), "lacks the weights 'head.weight'"),
            (lambda s: s.pop("lg_region_tokens"), "lacks the weights 'lg_region_tokens'"),
            (
                lambda s: s.update({"patch_embed.proj.weight": torch.ones(3)}),
                "'patch_embed.proj.weight' is of shape",
            ),
            (lambda s: s.pop("blocks.1.second_attn_norm0.bias"), r"blocks.1.second_attn_norm0.bias"),
            (
                lambda s: s.update({"blocks.0.mlp.fc2.bias": torch.ones(3)}),
                r"'blocks.0.mlp.fc2.bias' is of shape",
            ),
            (lambda s: s.update({"gate.weight": torch.ones(3)}), "'gate.weight' is not a tensor"),
        ],
    )
    def test_damage_is_named(self, tmp_path, change, words):
        state = released(tiny("mae-dfer"))
        change(state)
        path = save(tmp_path / "m.pth", state)
        with pytest.raises(DataError, match=words) as refused:
            open_official(path, "mae-dfer")
        assert str(path) in refused.value.message

    def test_a_pre_trained_file_has_no_classifier(self, tmp_path):
        with pytest.raises(DataError, match=r"lacks the weights"):
            open_official(save(tmp_path / "m.pth", pretrained(tiny("videomae"))), "videomae")


# ---- as methods --------------------------------------------------------------------------------------------


@BY_NAME
def test_contract_with_everything_that_training_adds(name):
    given = {"mixup": 0.8, "cutmix": 1.0, "erase": 0.25, "drop_path": 0.1}
    assert_contract(name, shrunk.catalog_at(32, name), depth=2, **given)


@BY_NAME
def test_one_video_trains(name):
    model = tiny(name).train()
    model.loss(batch_of(videos(1), [0]))["ce"].backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


@BY_NAME
@pytest.mark.long
def test_sixteen_faces_are_learned_by_heart(name):
    model = tiny(name, **PLAIN)
    stage = Stage({".*": 1e-3}, epochs=1, optimizer="adamw", weight_decay=0.05)
    faces, label = shrunk.drawn_faces(16, 32)
    assert shrunk.learns_by_heart(model, stage, (faces - 0.45) / 0.225, label, steps=300)
