"""The CLIP baselines against each other where they must agree, open_clip, and the sizes of their cards."""

import json
import subprocess
import sys

import numpy as np
import open_clip
import pytest
import torch
from inputs import make_sampler
from tiny_clip import CONFIG, tiny_clip, tiny_tower
from torch import nn
from torch.nn import functional as F

from dferbench import Task
from dferbench.cards import problems
from dferbench.cli import _run
from dferbench.errors import ConfigError, DataError, UnknownName
from dferbench.models.cosine import CosineClassifier
from dferbench.models.freezing import ever_trained
from dferbench.models.parts import Parts
from dferbench.registry.catalog import Entry, discover
from dferbench.registry.options import resolve
from dferbench_methods.clip_backbones.farl import ARCHITECTURE, PRETRAINING_ONLY, build_farl
from dferbench_methods.clip_backbones.towers import build_tower

SEVEN = ("happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear")
ELEVEN = (*SEVEN, "contempt", "anxiety", "helplessness", "disappointment")
TASK = Task("toy", SEVEN, frames=16, size=32)
FROZEN = ("zero-shot-clip", "zero-shot-farl", "linear-probe", "coop", "cocoop")
BASELINES = (*FROZEN, "finetune")
# 1e-5 on cosines; the temperature makes a hundred of each.
LOGITS = {"atol": 1e-3, "rtol": 0}


class Blind(nn.Module):
    """A backbone that sees, but cannot read."""

    dim = 8

    def __init__(self):
        super().__init__()
        self.see = nn.Linear(3, 8)

    def forward(self, images):
        return self.see(images.mean((2, 3)))


def catalog_with(**backbones):
    made = discover()
    for name, make in backbones.items():
        made.add("backbones", Entry(name, lambda weights, make=make: make(), "tests"))
    return made


CATALOG = catalog_with(tiny=tiny_tower, blind=Blind)


def method(name):
    return CATALOG.get("methods", name).value


def build(name, task=TASK, seed=0, catalog=CATALOG, **options):
    torch.manual_seed(seed)
    parts = Parts(catalog)
    return method(name).make(task, parts, **resolve(method(name), {"backbone": "tiny", **options})).eval()


def videos(count=3, seed=3):
    """Noise that brightens frame by frame, so that frames differ and their order shows."""
    noise = torch.rand(count, 16, 3, 32, 32, generator=torch.Generator().manual_seed(seed))
    return noise * torch.linspace(0.1, 1, 16)[:, None, None, None]


def logits(model, seen=None):
    """As in a test: what `encode` saw, and what `forward` makes of it."""
    with torch.no_grad():
        return model(model.encode(videos() if seen is None else seen))


# ---- zero-shot, from open_clip's own functions -------------------------------------------------------------


def by_hand(sentences, normalize=False):
    """Cosines of pooled frames and sentences over 0.01, with nothing of dferbench but the tokenizer."""
    clip, total = tiny_clip(), []
    with torch.no_grad():
        text = F.normalize(clip.encode_text(tiny_tower().tokenize(sentences)), dim=-1)
        for video in videos():
            frames = torch.stack([clip.encode_image(frame[None])[0] for frame in video])
            frames = F.normalize(frames, dim=-1) if normalize else frames
            pooled = F.normalize(frames.sum(0) / len(frames), dim=0)
            total.append(text @ pooled / 0.01)
    return torch.stack(total)


class TestZeroShot:
    @pytest.mark.parametrize("name", ["zero-shot-clip", "zero-shot-farl"])
    def test_it_is_open_clips_answer_for_the_papers_prompt(self, name):
        expected = by_hand([f"an expression of {word}." for word in SEVEN])
        assert expected.std() > 0.1
        torch.testing.assert_close(logits(build(name)), expected, **LOGITS)

    def test_other_texts_and_another_mean(self):
        model = build("zero-shot-clip", text="a photo of {}", temporal="mean(normalize=true)")
        expected = by_hand([f"a photo of {word}." for word in SEVEN], normalize=True)
        torch.testing.assert_close(logits(model), expected, **LOGITS)

    def test_an_ensemble_goes_around_bare_class_names(self):
        model = build("zero-shot-clip", prompt="ensemble(templates='an expression of {}')")
        torch.testing.assert_close(logits(model), logits(build("zero-shot-clip")), **LOGITS)
        two = build("zero-shot-clip", prompt="ensemble(templates=pair)")
        assert not torch.allclose(logits(two), logits(model), atol=0.1)
        assert two.notes["texts"]["fear"] == "fear."
        assert two.notes["templates"] == ["an expression of {}", "a photo of {}"]

    def test_a_still_video_is_its_frame(self):
        still = videos()[:, :1].expand(-1, 16, -1, -1, -1)
        one = build("zero-shot-clip", Task("toy", SEVEN, frames=1, size=32))
        torch.testing.assert_close(
            logits(build("zero-shot-clip"), still), logits(one, still[:, :1]), **LOGITS
        )

    @pytest.mark.parametrize("part", ["temporal=lstm", "temporal=cls-transformer", "prompt=context"])
    def test_parts_that_would_have_to_learn_are_refused(self, part):
        kind, _, name = part.partition("=")
        with pytest.raises(ConfigError, match=f"trains nothing, and {part} has something to learn"):
            build("zero-shot-clip", **{kind: name})


# ---- methods that must agree -------------------------------------------------------------------------------


class TestAgreement:
    @pytest.mark.parametrize("shared", [True, False])
    def test_coop_from_words_is_the_literal_prompt(self, shared):
        learned = build("coop", init="an expression of", shared=shared)
        assert learned.prompt.context.shape[-2] == 3
        torch.testing.assert_close(logits(learned), logits(build("zero-shot-clip")), **LOGITS)

    @pytest.mark.parametrize(
        "options", [{}, {"init": "a photo of a"}, {"shared": False, "position": "middle"}]
    )
    def test_cocoop_without_meta_net_is_coop(self, options):
        coop, cocoop = build("coop", **options), build("cocoop", **options)
        nn.init.normal_(coop.prompt.context, std=0.3)
        cocoop.prompt.load_state_dict(coop.prompt.state_dict())
        assert not torch.allclose(logits(cocoop), logits(coop), atol=0.1)
        nn.init.zeros_(cocoop.meta[2].weight), nn.init.zeros_(cocoop.meta[2].bias)
        torch.testing.assert_close(logits(cocoop), logits(coop), **LOGITS)

    @pytest.mark.parametrize("text", ["expression", "a photo of {}"])
    def test_fine_tuning_towards_a_written_prompt_starts_as_zero_shot(self, text):
        tuned = build("dfer-clip", prompt="fixed", text=text, temporal="mean")
        assert tuned.encode(videos()).shape == (3, 16, 3, 32, 32)
        torch.testing.assert_close(logits(tuned), logits(build("zero-shot-clip", text=text)), **LOGITS)

    def test_remembered_features_give_the_logits_of_the_whole_model(self):
        frozen = build("coop")
        whole = CosineClassifier(frozen.tower, frozen.temporal, frozen.prompt, 0.01, {}).eval()
        torch.testing.assert_close(logits(frozen), logits(whole), **LOGITS)
        probe, tuned = build("linear-probe"), build("finetune")
        torch.testing.assert_close(logits(probe), logits(tuned), atol=1e-5, rtol=1e-5)

    def test_a_linear_classifier_is_what_it_says(self):
        model = build("linear-probe", normalize=True)
        clip = tiny_clip()
        with torch.no_grad():
            pooled = torch.stack([clip.encode_image(video).mean(0) for video in videos()])
            expected = F.normalize(pooled, dim=-1) @ model.head.weight.T + model.head.bias
        torch.testing.assert_close(logits(model), expected, atol=1e-5, rtol=1e-5)


def cocoop_by_hand(model, seen):
    """One video after another, in all 77 places, by open_clip's own transformer."""
    clip, meta = tiny_clip(), model.meta
    tokens = tiny_tower().tokenize([" ".join(["X"] * 8 + [f"{word}."]) for word in SEVEN])
    rows = []
    for video in seen:
        pooled = F.normalize(clip.encode_image(video).mean(0), dim=0)
        hidden = (meta[0].weight @ pooled + meta[0].bias).clamp(min=0)
        words = model.prompt.context + meta[2].weight @ hidden + meta[2].bias
        embedded = clip.token_embedding(tokens)
        x = torch.cat([embedded[:, :1], words.expand(7, -1, -1), embedded[:, 9:]], dim=1)
        assert x.shape[1] == 77
        x = clip.transformer(x + clip.positional_embedding, attn_mask=clip.attn_mask)
        ends = clip.ln_final(x)[torch.arange(7), tokens.argmax(-1)] @ clip.text_projection
        rows.append(F.normalize(ends, dim=-1) @ pooled / 0.01)
    return torch.stack(rows)


class TestCoCoOp:
    def model(self):
        model = build("cocoop")
        nn.init.normal_(model.prompt.context, std=0.3), nn.init.normal_(model.meta[2].weight, std=0.3)
        return model

    def test_a_batch_is_one_video_after_another_in_all_77_places(self):
        model = self.model()
        with torch.no_grad():
            expected = cocoop_by_hand(model, videos())
        torch.testing.assert_close(logits(model), expected, **LOGITS)

    def test_and_so_are_its_gradients(self):
        model = self.model()
        learned = [model.prompt.context, *model.meta.parameters()]
        found = []
        for rows in (model(model.encode(videos()).detach()), cocoop_by_hand(model, videos())):
            loss = F.cross_entropy(rows, torch.tensor([1, 5, 6]))
            found.append(torch.autograd.grad(loss, learned))
        for one, two in zip(*found, strict=True):
            torch.testing.assert_close(one, two, atol=1e-4, rtol=1e-3)

    def test_a_prompt_without_words_is_refused(self):
        for prompt in ("fixed", "ensemble"):
            with pytest.raises(ConfigError, match="shifts learned context words, and this prompt has none"):
                build("cocoop", prompt=prompt)


# ---- parts and their sizes ---------------------------------------------------------------------------------


class TestParts:
    @pytest.mark.parametrize("temporal", ["mean", "attention", "lstm", "cls-transformer(depth=2)"])
    @pytest.mark.parametrize("prompt", ["fixed", "context", "ensemble"])
    @pytest.mark.parametrize("name", ["coop", "dfer-clip"])
    def test_any_two_tower_method_takes_any_part(self, name, prompt, temporal):
        model = build(name, prompt=prompt, temporal=temporal)
        assert logits(model).shape == (3, 7) and logits(model).isfinite().all()

    @pytest.mark.parametrize("temporal", ["attention", "lstm", "cls-transformer"])
    @pytest.mark.parametrize("name", ["linear-probe", "finetune", "cocoop"])
    def test_and_every_temporal_head_learns(self, name, temporal):
        trained = ever_trained(build(name, temporal=temporal), method(name).recipe)
        assert any(parameter.startswith("temporal.") for parameter in trained)

    def test_linear_methods_take_a_backbone_that_cannot_read_and_others_refuse_it(self):
        for name in ("linear-probe", "finetune"):
            assert logits(build(name, backbone="blind")).shape == (3, 7)
        for name in ("zero-shot-clip", "coop", "cocoop"):
            with pytest.raises(ConfigError, match="'blind' has no text tower"):
                build(name, backbone="blind")

    def test_fine_tuning_keeps_no_text_tower_and_everything_learns(self):
        model = build("finetune")
        assert ever_trained(model, method("finetune").recipe) == {n for n, _ in model.named_parameters()}
        model(videos()).square().sum().backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())

    def test_words_are_options_of_prompts_that_have_some(self):
        assert build("coop", words=4).prompt.context.shape == (4, 32)
        with pytest.raises(UnknownName, match="words"):
            build("coop", prompt="fixed", words=4)

    @pytest.mark.slow
    def test_as_many_parameters_learn_as_on_the_cards(self):
        tower = build_tower("clip-vit-b32", "random")
        catalog = catalog_with(real=lambda: tower)
        written = {"prompt": "fixed", "text": "expression", "temporal": "mean"}
        for name, options, seven, eleven in [
            ("linear-probe", {}, 3_591, 5_643),
            ("finetune", {}, 87_852_807, 87_854_859),
            ("finetune", {"temporal": "cls-transformer"}, 89_963_271, 89_965_323),
            ("coop", {}, 4_096, 4_096),
            ("coop", {"shared": False}, 28_672, 45_056),
            ("coop", {"words": 16}, 8_192, 8_192),
            ("cocoop", {}, 37_408, 37_408),
            ("cocoop", {"words": 4}, 35_360, 35_360),
            ("cocoop", {"words": 16}, 41_504, 41_504),
            ("dfer-clip", written, 87_849_216, 87_849_216),
        ]:
            for classes, expected in ((SEVEN, seven), (ELEVEN, eleven)):
                task = Task("toy", classes, frames=16, size=224)
                model = build(name, task, catalog=catalog, **{"backbone": "real", **options})
                names = ever_trained(model, method(name).recipe)
                assert sum(p.numel() for n, p in model.named_parameters() if n in names) == expected, name
        zero = build("zero-shot-clip", catalog=catalog, backbone="real")
        assert sum(p.numel() for p in zero.parameters()) == 151_277_313


# ---- FaRL's file -------------------------------------------------------------------------------------------


def farl_state(clip, prefix=""):
    """The released format: OpenAI's names under "state_dict", and the head of the masked pre-training."""
    extra = {f"{start}weight" if start.endswith(".") else start: torch.ones(2) for start in PRETRAINING_ONLY}
    return {"state_dict": {f"{prefix}{key}": value for key, value in {**clip.state_dict(), **extra}.items()}}


class TestFaRL:
    @pytest.mark.parametrize("prefix", ["", "module."])
    def test_both_towers_of_the_released_file(self, tmp_path, prefix):
        clip, path = tiny_clip(seed=1), tmp_path / "FaRL.pth"
        torch.save(farl_state(clip, prefix), path)
        tower = build_farl(str(path), CONFIG)
        tokens, images = tower.tokenize(["anger."]), torch.rand(2, 3, 32, 32)
        torch.testing.assert_close(tower(images), clip.encode_image(images))
        read = tower.encode_embedded(tower.embed(tokens), tokens.argmax(-1))
        torch.testing.assert_close(read, clip.encode_text(tokens))
        assert tower.origin.source == str(path) and not tower.origin.random

    def test_another_file_is_refused_by_the_key(self, tmp_path):
        path, state = tmp_path / "FaRL.pth", farl_state(tiny_clip())["state_dict"]
        seen_only = {key: value for key, value in state.items() if key.startswith("visual.")}
        for bad, words in [
            (seen_only, "lacks the weights '"),
            ({**state, "decoder.weight": torch.ones(1)}, "holds 'decoder.weight'"),
        ]:
            torch.save({"state_dict": bad}, path)
            with pytest.raises(DataError, match=words):
                build_farl(str(path), CONFIG)

    def test_a_file_without_the_scale_serves_what_does_not_read_it(self, tmp_path):
        """Zero-shot has a temperature of its own; EmoCLIP starts from the scale, and says that it is not
        there."""
        path, state = tmp_path / "FaRL.pth", farl_state(tiny_clip(seed=1))["state_dict"]
        del state["logit_scale"]
        torch.save({"state_dict": state}, path)
        tower, whole = build_farl(str(path), CONFIG), tmp_path / "whole.pth"
        torch.save(farl_state(tiny_clip(seed=1)), whole)
        images, tokens = torch.rand(2, 3, 32, 32), tower.tokenize(["anger."])
        other = build_farl(str(whole), CONFIG)
        assert torch.equal(tower(images), other(images))
        read, same = (t.encode_embedded(t.embed(tokens), tokens.argmax(-1)) for t in (tower, other))
        assert torch.equal(read, same) and "logit_scale" not in tower.state_dict()
        assert other.scale() == other.logit_scale
        with pytest.raises(DataError, match=r"FaRL\.pth lacks the weights 'logit_scale'"):
            tower.scale()

    def test_without_a_file_it_says_where_to_get_it(self):
        with pytest.raises(DataError, match="on no hub") as caught:
            Parts(CATALOG).backbone("farl-vit-b16")
        assert "LAIONFace20M-ep16.pth" in caught.value.hint
        assert "--weights farl-vit-b16=FILE" in caught.value.hint

    @pytest.mark.slow
    def test_at_its_true_size(self, tmp_path):
        path = tmp_path / "FaRL.pth"
        torch.save(farl_state(open_clip.CLIP(**open_clip.get_model_config(ARCHITECTURE))), path)
        parts = Parts(CATALOG, {"farl-vit-b16": str(path)})
        tower = parts.backbone("farl-vit-b16")
        assert sum(p.numel() for p in tower.parameters()) == 149_620_737
        assert tower.size == 224 and tower.image.conv1.weight.shape[-1] == 16
        assert len(parts.used["farl-vit-b16"]["sha256"]) == 64


# ---- declarations and runs ---------------------------------------------------------------------------------


class TestDeclaration:
    @pytest.mark.parametrize("name", FROZEN)
    def test_frozen_methods_see_each_video_in_one_way(self, name):
        for recipe in (method(name).recipe, *method(name).recipe_for.values()):
            assert recipe.input.augment == "" and not make_sampler(recipe.input.sample).random

    @pytest.mark.parametrize("name", BASELINES)
    def test_a_card_says_whose_it_is_and_what_is_ours(self, name):
        card = method(name).card
        assert not list(problems(card)) and method(name).paper == card["paper"]
        assert any("Ours" in text for text in card["deviations"])
        assert all(row["table"] == 2 and {"dfew", "ferv39k", "mafw"} < set(row) for row in card["results"])
        json.dumps(card)

    def test_published_numbers(self):
        rows = {name: method(name).card["results"] for name in BASELINES}
        assert rows["coop"][0]["dfew"] == {"uar": 44.98, "war": 56.68}
        assert rows["finetune"][1]["mafw"] == {"uar": 38.39, "war": 50.92}
        assert rows["zero-shot-farl"][0]["ferv39k"] == {"uar": 21.67, "war": 25.65}

    def test_declaring_them_imports_no_torch(self):
        code = "import sys, dferbench_methods.clip_baselines; print('torch' in sys.modules)"
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert run.stdout.strip() == "False"


RUN = ["-d", "synthetic(videos=35, size=64)", "--limit", "14", "--workers", "0", "--device", "cpu", "--json"]


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    """Run a method on a few drawn videos; gives its record and the logits."""
    monkeypatch.chdir(tmp_path)

    def go(name, *more):
        epochs = () if name.startswith("zero-shot") else ("--epochs", "2")
        code = _run(["run", "-m", name, *RUN, *epochs, *more])
        output = capsys.readouterr()
        assert code == 0, output.err
        (one,) = json.loads(output.out)["records"]
        newest = max(tmp_path.rglob("predictions.npz"), key=lambda path: path.stat().st_mtime_ns)
        return one, np.load(newest)["logits"]

    return go


class TestRuns:
    @pytest.mark.slow
    @pytest.mark.parametrize("name", BASELINES)
    def test_every_method_ends_with_a_record(self, run, name):
        more = ["--set", "stage.batch=7"] if name == "finetune" else []
        one, found = run(name, *more)
        assert one["status"] == "done" and "clip-tiny" in one["weights"]
        assert len(one["curve"]) == (0 if name.startswith("zero-shot") else 2)
        assert found.shape[1] == 7 and np.isfinite(found).all()
        assert ("texts" in one["notes"]) == (name not in ("linear-probe", "finetune"))

    @pytest.mark.slow
    def test_remembered_features_train_like_recomputed_ones(self, run):
        _, remembered = run("coop")
        # A flip that never happens is a draw all the same: nothing is remembered.
        _, recomputed = run("coop", "--set", "input.augment=flip(p=0)")
        np.testing.assert_allclose(remembered, recomputed, atol=1e-3)
