"""dfer-clip against a reimplementation of what the reference does: plain tensor algebra, no modules."""

import math
import re
import subprocess
import sys

import pytest
import torch
from stages import learning_rates, make_optimizer
from tiny_clip import tiny_tower
from torch import nn

import dferbench_methods.dfer_clip.method as plugin
from dferbench import Task
from dferbench.errors import ConfigError, UnknownName
from dferbench.models.classifier import Batch
from dferbench.models.freezing import parameter_groups
from dferbench.models.parts import Parts
from dferbench.models.prompts import Context, Fixed
from dferbench.models.temporal import ClsTransformer, Mean
from dferbench.models.texts import class_texts
from dferbench.registry.catalog import Catalog, Entry
from dferbench.registry.options import resolve
from dferbench_methods.clip_backbones.towers import build_tower

SEVEN = ("happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear")
ELEVEN = (*SEVEN, "contempt", "anxiety", "helplessness", "disappointment")
TASK = Task("toy", SEVEN, frames=16, size=32)


class Blind(nn.Module):
    """A backbone that sees, but cannot read."""

    dim = 8


def catalog():
    made = Catalog()
    for kind, name, build in [
        ("backbones", "tiny", lambda weights: tiny_tower()),
        ("backbones", "blind", lambda weights: Blind()),
        ("backbones", "clip-vit-b32", lambda weights: build_tower("clip-vit-b32", weights)),
        ("temporal_heads", "mean", Mean),
        ("temporal_heads", "cls-transformer", ClsTransformer),
        ("prompts", "context", Context),
        ("prompts", "fixed", Fixed),
    ]:
        made.add(kind, Entry(name, build, "tests"))
    return made


def build(task=TASK, seed=0, **options):
    torch.manual_seed(seed)
    parts = Parts(catalog(), {"clip-vit-b32": "random"})
    return plugin.METHOD.make(task, parts, **resolve(plugin.METHOD, {"backbone": "tiny", **options}))


def videos(count=2, seed=3):
    """Noise that brightens frame by frame, so that frames differ and their order shows."""
    noise = torch.rand(count, 16, 3, 32, 32, generator=torch.Generator().manual_seed(seed))
    return noise * torch.linspace(0.1, 1, 16)[:, None, None, None]


# ---- the reimplementation: `p` maps the parameters' names to tensors ----------------------------------


def norm(x, p, name):
    mean = x.mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    return (x - mean) / (variance + 1e-5).sqrt() * p[f"{name}.weight"] + p[f"{name}.bias"]


def attend(q, k, v, heads, causal=False):
    q, k, v = (t.reshape(*t.shape[:2], heads, -1) for t in (q, k, v))
    scores = torch.einsum("bnhd,bmhd->bhnm", q, k) / math.sqrt(q.shape[-1])
    if causal:
        later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
        scores = scores.masked_fill(later, -math.inf)
    weights = scores.exp() / scores.exp().sum(-1, keepdim=True)
    return torch.einsum("bhnm,bmhd->bnhd", weights, v).flatten(2)


def clip_block(x, p, name, heads, causal):
    qkv = norm(x, p, f"{name}.ln_1") @ p[f"{name}.attn.in_proj_weight"].T + p[f"{name}.attn.in_proj_bias"]
    seen = attend(*qkv.chunk(3, -1), heads, causal)
    x = x + seen @ p[f"{name}.attn.out_proj.weight"].T + p[f"{name}.attn.out_proj.bias"]
    h = norm(x, p, f"{name}.ln_2") @ p[f"{name}.mlp.c_fc.weight"].T + p[f"{name}.mlp.c_fc.bias"]
    h = h / (1 + (-1.702 * h).exp())
    return x + h @ p[f"{name}.mlp.c_proj.weight"].T + p[f"{name}.mlp.c_proj.bias"]


def image_features(images, p):
    kernel = p["tower.image.conv1.weight"]
    side = kernel.shape[-1]
    patches = images.unfold(2, side, side).unfold(3, side, side)  # N, 3, rows, columns, side, side
    x = torch.einsum("ncyxij,ocij->nyxo", patches, kernel).flatten(1, 2)
    x = torch.cat([p["tower.image.class_embedding"].expand(len(x), 1, -1), x], 1)
    x = norm(x + p["tower.image.positional_embedding"], p, "tower.image.ln_pre")
    for i in range(2):
        x = clip_block(x, p, f"tower.image.transformer.resblocks.{i}", heads=2, causal=False)
    return norm(x[:, 0], p, "tower.image.ln_post") @ p["tower.image.proj"]


def temporal_feature(x, p, depth):
    x = torch.cat([p["temporal.cls_token"].expand(len(x), 1, -1), x], 1) + p["temporal.pos_embedding"]
    for i in range(depth):
        b = f"temporal.blocks.{i}"
        qkv = norm(x, p, f"{b}.norm1") @ p[f"{b}.attention.qkv.weight"].T
        seen = attend(*qkv.chunk(3, -1), heads=8)
        x = x + seen @ p[f"{b}.attention.out.weight"].T + p[f"{b}.attention.out.bias"]
        h = norm(x, p, f"{b}.norm2") @ p[f"{b}.mlp.0.weight"].T + p[f"{b}.mlp.0.bias"]
        h = 0.5 * h * (1 + torch.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h**3)))
        x = x + h @ p[f"{b}.mlp.2.weight"].T + p[f"{b}.mlp.2.bias"]
    return x[:, 0]


def text_features(p, written, position, words):
    """All 77 places of a prompt with placeholders, as the reference lays them out."""
    tower = tiny_tower()
    ids = tower.tokenize([" ".join(["X"] * words + [text]) for text in written])
    lengths = [int(row.argmax()) for row in tower.tokenize(written)]  # of the string, plus one
    embedded = p["tower.text.token_embedding.weight"][ids]
    context = p["prompt.context"]
    rows = []
    for k, length in enumerate(lengths):
        ctx = context if context.ndim == 2 else context[k]
        start, string = embedded[k, :1], embedded[k, 1 + words : words + length]
        rest, half = embedded[k, words + length :], words // 2
        pieces = {
            "end": [start, ctx, string, rest],
            "middle": [start, ctx[:half], string, ctx[half:], rest],
            "front": [start, string, ctx, rest],
        }[position]
        rows.append(torch.cat(pieces))
    x = torch.stack(rows) + p["tower.text.positional_embedding"]
    assert x.shape[1] == 77
    for i in range(2):
        x = clip_block(x, p, f"tower.text.transformer.resblocks.{i}", heads=2, causal=True)
    x = norm(x, p, "tower.text.ln_final")
    ends = torch.stack([x[k, int(row.argmax())] for k, row in enumerate(ids)])
    return ends @ p["tower.text.text_projection"]


def reference_logits(x, p, position="end", words=8, depth=1, written=None):
    frames = image_features(x.flatten(0, 1), p).unflatten(0, x.shape[:2])
    v = temporal_feature(frames, p, depth)
    t = text_features(p, written or class_texts("descriptors", SEVEN), position, words)
    v, t = (f / (f * f).sum(-1, keepdim=True).sqrt() for f in (v, t))
    return v @ t.T / 0.01


# ---- the tests ---------------------------------------------------------------------------------------------


def parameters_of(model):
    return {name: p.detach().clone() for name, p in model.named_parameters()}


class TestExactness:
    @pytest.mark.parametrize("position", ["end", "middle", "front"])
    @pytest.mark.parametrize("shared", [False, True])
    @pytest.mark.parametrize("words, depth", [(8, 1), (5, 2), (0, 1)])
    def test_logits_equal_the_reference(self, position, shared, words, depth):
        temporal = f"cls-transformer(depth={depth})"
        model = build(position=position, shared=shared, words=words, temporal=temporal).double()
        # Drawn large, so that a word in a wrong place shows.
        nn.init.normal_(model.prompt.context, std=0.3)
        x = videos().double()
        expected = reference_logits(x, parameters_of(model), position, words, depth)
        torch.testing.assert_close(model(x), expected, atol=1e-9, rtol=1e-9)

    @pytest.mark.parametrize("text", ["class-names", "expression"])
    def test_and_in_single_precision_with_other_texts(self, text):
        model, x = build(text=text), videos()
        written = class_texts(text, SEVEN)
        expected = reference_logits(x.double(), parameters_of(model.double()), written=written)
        assert expected.std() > 0.1
        with torch.no_grad():
            logits = model.float().eval()(x)
        # 1e-5 on cosines; the temperature makes a hundred of each.
        torch.testing.assert_close(logits.double(), expected, atol=1e-3, rtol=0)

    def test_three_steps_follow_the_reference(self):
        model = build().double()
        p = parameters_of(model)
        optimizer = make_optimizer(model, plugin.STAGE)
        labels = torch.tensor([2, 5])
        momenta = {}
        for step in range(3):
            x = videos(seed=step).double()
            loss = sum(model.loss(Batch(x, labels, ({}, {}), "train", 0.0)).values())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            expected = self.reference_step(p, momenta, x, labels)
            assert loss.item() == pytest.approx(expected, rel=1e-9)
        for name, trained in model.named_parameters():
            torch.testing.assert_close(trained.detach(), p[name].detach(), atol=1e-10, rtol=1e-9, msg=name)

    @staticmethod
    def reference_step(p, momenta, x, labels):
        rates = {"temporal.": 1e-2, "tower.image.": 1e-5, "prompt.": 1e-3}
        learning = {n: r for n in p for start, r in rates.items() if n.startswith(start)}
        for name in learning:
            p[name] = p[name].detach().requires_grad_()
        logits = reference_logits(x, p)
        likelihood = logits.exp() / logits.exp().sum(-1, keepdim=True)
        loss = -likelihood[range(2), labels].log().mean()
        gradients = torch.autograd.grad(loss, [p[name] for name in learning])
        for (name, rate), gradient in zip(learning.items(), gradients, strict=True):
            decayed = gradient + 1e-4 * p[name].detach()
            momenta[name] = 0.9 * momenta[name] + decayed if name in momenta else decayed
            p[name] = p[name].detach() - rate * momenta[name]
        return loss.item()


class TestParts:
    def trained(self, model):
        parameter_groups(model, plugin.STAGE)
        return sum(p.numel() for p in model.parameters() if p.requires_grad)

    @pytest.mark.slow
    def test_real_sizes(self):
        model = build(backbone="clip-vit-b32")
        assert sum(p.numel() for p in model.parameters()) == 153_416_449
        assert sum(p.numel() for p in model.temporal.parameters()) == 2_110_464
        assert sum(p.numel() for p in model.tower.image.parameters()) == 87_849_216
        assert self.trained(model) == 89_988_352
        eleven = Task("toy", ELEVEN, frames=16, size=224)
        assert self.trained(build(eleven, backbone="clip-vit-b32")) == 90_004_736
        assert self.trained(build(backbone="clip-vit-b32", shared=True)) == 89_988_352 - 6 * 4096

    def test_each_part_learns_at_its_rate_and_the_rest_is_frozen(self):
        model = build()
        rates = {id(p): g["lr"] for g in parameter_groups(model, plugin.STAGE) for p in g["params"]}
        expected = {"temporal": 1e-2, "tower.image": 1e-5, "prompt": 1e-3}
        for name, parameter in model.named_parameters():
            part = re.match(r"tower\.\w+|\w+", name)[0]
            assert rates.get(id(parameter)) == expected.get(part), name
            assert parameter.requires_grad == (part in expected), name

    def test_rates_fall_at_epochs_30_and_40(self):
        factors = [round(lr / 1e-2, 6) for lr in learning_rates(plugin.STAGE, full=1e-2)]
        assert factors == [1.0] * 30 + [0.1] * 10 + [0.01] * 10

    def test_without_temporal_model_order_does_not_matter(self):
        model, x = build(temporal="mean").eval(), videos()
        torch.testing.assert_close(model(x), model(x.flip(1)), atol=1e-3, rtol=1e-4)
        assert self.trained(model) > 0
        with_model = build().eval()
        assert not torch.allclose(with_model(x), with_model(x.flip(1)), atol=0.1)

    def test_a_fixed_prompt_learns_nothing_and_refuses_words(self):
        model = build(prompt="fixed", text="a photo of {}")
        assert not list(model.prompt.parameters()) and self.trained(model) > 0
        assert model.notes["texts"]["fear"] == "a photo of fear."
        with pytest.raises(UnknownName, match="words"):
            build(prompt="fixed", words=4)

    def test_what_the_prompt_spec_says_wins(self):
        assert build(words=4).prompt.context.shape[1] == 4
        assert build(words=4, prompt="context(words=3)").prompt.context.shape[1] == 3

    def test_the_method_and_its_prompt_agree_on_the_defaults(self):
        assert build().prompt.context.shape == (7, 8, 32)
        model, explicit = build(), build(prompt="context(words=8, shared=False, position='end')")
        assert torch.equal(model.prompt.get_buffer("order"), explicit.prompt.get_buffer("order"))

    def test_what_cannot_work_is_refused_in_words(self):
        with pytest.raises(ConfigError, match="'blind' has no text tower"):
            build(backbone="blind")
        with pytest.raises(ConfigError, match="temperature of dfer-clip must be a number > 0, got 0"):
            build(temperature=0.0)


class TestEvaluation:
    def test_texts_are_read_once_an_evaluation_and_again_after_a_step(self):
        model, calls = build(), []
        model.tower.text.register_forward_hook(lambda *_: calls.append(1))
        optimizer = make_optimizer(model, plugin.STAGE)
        for _ in range(2):
            model.train()
            model(videos()).square().mean().backward()
            optimizer.step()
            model.eval()
            with torch.no_grad():
                logits = [model(videos(seed=i)) for i in range(3)]
        assert len(calls) == 2 * (1 + 1)
        torch.testing.assert_close(logits[0], model.train()(videos(seed=0)), atol=1e-3, rtol=1e-4)

    def test_a_prediction_does_not_depend_on_its_neighbours(self):
        model, x = build().eval(), videos(4)
        with torch.no_grad():
            together, alone = model(x), torch.cat([model(video[None]) for video in x])
        torch.testing.assert_close(together, alone, atol=1e-3, rtol=1e-4)

    def test_a_checkpoint_brings_everything_back(self):
        trained, fresh = build(seed=1), build(seed=2)
        fresh.load_state_dict(trained.state_dict())
        with torch.no_grad():
            assert torch.equal(trained.eval()(videos()), fresh.eval()(videos()))


class TestDeclaration:
    def method(self):
        found = []
        plugin.register_methods(found.append)
        return found[0]

    def test_augmentation_differs_by_dataset_and_nothing_else_does(self):
        method = self.method()
        recipes = {name: method.recipe_for[name] for name in ("dfew", "ferv39k", "mafw")}
        assert {name: recipe.input.augment for name, recipe in recipes.items()} == {
            "dfew": "jitter(brightness=0.5) | random-sized-crop | flip",
            "ferv39k": "rotate(4) | random-sized-crop | flip",
            "mafw": "random-sized-crop | flip",
        }
        assert all(recipe.stages == (plugin.STAGE,) for recipe in recipes.values())
        assert method.recipe == recipes["mafw"]

    def test_the_card_repeats_the_papers_headline(self):
        headline = next(row for row in self.method().card["results"] if row["variant"] == "default")
        assert headline["dfew"] == {"uar": 59.61, "war": 71.25}
        assert headline["mafw"] == {"uar": 39.89, "war": 52.55}

    def test_declaring_it_imports_no_torch(self):
        code = "import sys, dferbench_methods.dfer_clip; print('torch' in sys.modules)"
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert run.stdout.strip() == "False"
