"""The modules that methods are composed of: temporal heads, the two-tower backbone, prompts, class texts."""

import copy
import hashlib
import subprocess
import sys

import pytest
import torch
from tiny_clip import tiny_clip, tiny_tower

from dferbench.errors import ConfigError, UnknownName
from dferbench.models.prompts import Context, Fixed
from dferbench.models.temporal import Attention, ClsTransformer, Lstm, Mean
from dferbench.models.texts import class_texts
from dferbench.models.two_tower import TwoTower, Weights
from dferbench_methods.layers.mix import Mix

SEVEN = ("happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear")
ELEVEN = (*SEVEN, "contempt", "anxiety", "helplessness", "disappointment")
NAMES = class_texts("class-names", SEVEN)


def count(module):
    return sum(p.numel() for p in module.parameters())


def calls_of(module):
    calls = []
    module.register_forward_hook(lambda *_: calls.append(1))
    return calls


class TestTemporal:
    @pytest.mark.parametrize("depth, parameters", [(1, 2_110_464), (2, 4_211_712), (3, 6_312_960)])
    def test_has_the_published_number_of_parameters(self, depth, parameters):
        assert count(ClsTransformer(512, 16, depth=depth)) == parameters

    def test_tokens_start_from_a_standard_normal(self):
        torch.manual_seed(0)
        head = ClsTransformer(512, 63)
        assert head.pos_embedding.std().item() == pytest.approx(1, abs=0.02)
        assert head.cls_token.std().item() == pytest.approx(1, abs=0.1)

    def test_takes_fewer_frames_but_not_more(self):
        head = ClsTransformer(32, 16)
        assert head(torch.randn(2, 9, 32)).shape == (2, 32)
        with pytest.raises(RuntimeError):
            head(torch.randn(2, 17, 32))

    def test_order_matters_through_the_positions_alone(self):
        torch.manual_seed(0)
        head, x = ClsTransformer(32, 16), torch.randn(2, 16, 32)
        assert not torch.allclose(head(x), head(x.flip(1)), atol=1e-3)
        torch.nn.init.zeros_(head.pos_embedding)
        torch.testing.assert_close(head(x), head(x.flip(1)), atol=1e-5, rtol=0)

    def test_every_parameter_learns(self):
        head = ClsTransformer(32, 16, depth=2)
        head(torch.randn(2, 16, 32)).square().sum().backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in head.parameters())

    def test_depth_zero_is_refused_in_words(self):
        with pytest.raises(ConfigError, match="see nothing") as caught:
            ClsTransformer(32, 16, depth=0)
        assert "temporal=mean" in caught.value.hint

    def test_mean_is_the_mean(self):
        x = torch.randn(2, 5, 8)
        assert torch.equal(Mean(8, 16)(x), x.mean(1))
        assert count(Mean(8, 16)) == 0
        same = Mean(8, 16, normalize=True)(x * torch.rand(2, 5, 1).add(0.1))
        torch.testing.assert_close(same, torch.nn.functional.normalize(x, dim=-1).mean(1))

    def test_attention_starts_as_the_mean_and_learns_to_choose(self):
        head, x = Attention(8, 16), torch.randn(2, 5, 8)
        torch.testing.assert_close(head(x), x.mean(1))
        assert count(head) == 8
        head(x)[:, 0].sum().backward()
        assert head.query.grad.abs().sum() > 0
        with torch.no_grad():
            head.query.copy_(1000 * x[0, 3])
        torch.testing.assert_close(head(x)[0], x[0, (x[0] @ x[0, 3]).argmax()], atol=1e-3, rtol=0)
        torch.testing.assert_close(head(x), head(x.flip(1)))

    def test_lstm_ends_with_its_state_at_the_last_frame(self):
        torch.manual_seed(0)
        head, x = Lstm(8, 16, layers=2), torch.randn(2, 5, 8)
        torch.testing.assert_close(head(x), head.lstm(x)[1][0][-1])
        assert not torch.allclose(head(x), head(x.flip(1)), atol=1e-3)
        assert count(Lstm(512, 16)) == 2_101_248 and head(x[:, :1]).shape == (2, 8)
        with pytest.raises(ConfigError, match="0 layers"):
            Lstm(8, 16, layers=0)


class TestTower:
    def test_agrees_with_open_clip_on_images_and_texts(self):
        clip, images = tiny_clip(), torch.rand(3, 3, 32, 32)
        tower = TwoTower(clip, Weights("here"))
        tokens = tower.tokenize(NAMES)
        assert (tower.dim, tower.size, tower.context, tokens.shape) == (32, 32, 77, (7, 77))
        torch.testing.assert_close(tower(images), clip.encode_image(images))
        encoded = tower.encode_embedded(tower.embed(tokens), tokens.argmax(-1))
        torch.testing.assert_close(encoded, clip.encode_text(tokens))

    def test_each_parameter_of_the_model_is_under_one_of_three_names(self):
        clip = tiny_clip()
        parts = {name.split(".")[0] for name, _ in TwoTower(clip, Weights("here")).named_parameters()}
        assert parts == {"image", "text", "logit_scale"}
        assert count(TwoTower(clip, Weights("here"))) == count(clip)

    def test_what_lies_behind_the_longest_text_changes_nothing(self):
        tower = tiny_tower()
        tokens = tower.tokenize(class_texts("descriptors", ELEVEN))
        eot = tokens.argmax(-1)
        full = tower.encode_embedded(tower.embed(tokens), eot)
        cut = tower.encode_embedded(tower.embed(tokens[:, : int(eot.max()) + 1]), eot)
        torch.testing.assert_close(cut, full, atol=1e-6, rtol=1e-6)

    def test_a_text_that_is_too_long_is_refused_not_truncated(self):
        tower = tiny_tower()
        tower.tokenize(["smile " * 75])
        with pytest.raises(ConfigError, match=r"class 2 of 2 takes 78 tokens, over the 77 .*'smile smile"):
            tower.tokenize(["a smile.", "smile " * 76])

    def test_a_text_tower_that_is_not_causal_is_refused(self):
        clip = tiny_clip()
        clip.attn_mask = None
        with pytest.raises(ConfigError):
            TwoTower(clip, Weights("here"))


class TestPrompts:
    @pytest.mark.parametrize("shared", [False, True])
    def test_a_context_of_words_equals_the_prompt_written_out(self, shared):
        tower = tiny_tower()
        context = Context(tower, NAMES, shared=shared, init="an expression of")
        assert context.context.shape == ((3, 32) if shared else (7, 3, 32))
        written = Fixed(tower, class_texts("expression", SEVEN))
        torch.testing.assert_close(context(), written(), atol=1e-6, rtol=1e-6)

    @pytest.mark.parametrize("position", ["end", "middle", "front"])
    def test_without_words_only_the_text_is_left(self, position):
        tower = tiny_tower()
        prompt = Context(tower, NAMES, words=0, position=position)
        torch.testing.assert_close(prompt(), Fixed(tower, NAMES)())

    @pytest.mark.parametrize(
        "position, written",
        [
            ("end", "one two three disgust."),
            ("middle", "one disgust. two three"),
            ("front", "disgust. one two three"),
        ],
    )
    def test_the_text_stands_where_it_is_told_to(self, position, written):
        tower = tiny_tower()
        prompt = Context(tower, ["disgust.", "fear."], position=position, init="one two three")
        other = written.replace("disgust", "fear")
        torch.testing.assert_close(prompt(), Fixed(tower, [written, other])(), atol=1e-6, rtol=1e-6)

    def test_context_starts_small_and_is_all_that_learns(self):
        torch.manual_seed(0)
        tower = tiny_tower()
        prompt = Context(tower, NAMES, words=16)
        assert prompt.context.std().item() == pytest.approx(0.02, rel=0.05)
        assert [(n, p.shape) for n, p in prompt.named_parameters()] == [("context", (7, 16, 32))]
        assert list(prompt.state_dict()) == ["context"]
        assert list(Fixed(tower, NAMES).parameters()) == []

    def test_gradients_reach_every_word_through_a_frozen_text_tower(self):
        tower = tiny_tower().requires_grad_(False)
        prompt = Context(tower, NAMES, words=5, position="middle")
        prompt().square().sum().backward()
        assert (prompt.context.grad.abs().sum(-1) > 0).all()
        assert all(p.grad is None for p in tower.parameters())

    def test_words_and_text_must_fit_together(self):
        tower = tiny_tower()
        Context(tower, ["happiness."], words=73)()
        with pytest.raises(ConfigError, match="takes 78 tokens"):
            Context(tower, ["happiness."], words=74)
        with pytest.raises(ConfigError, match="-1 words"):
            Context(tower, ["happiness."], words=-1)
        with pytest.raises(UnknownName, match="behind"):
            Context(tower, ["happiness."], position="behind")


class TestMix:
    X = torch.arange(1.0, 5.0)[:, None, None, None, None].expand(4, 2, 3, 8, 10)
    LABEL = torch.tensor([0, 1, 2, 0])

    def draws(self, mix, count=40):
        torch.manual_seed(0)
        return [mix(self.X, self.LABEL) for _ in range(count)]

    def test_mixup_blends_videos_and_targets_by_one_share(self):
        for x, target in self.draws(Mix(3, cutmix=0.0, smoothing=0.0)):
            share = target[1, 1]
            blend = share * self.X + (1 - share) * self.X.flip(0)
            torch.testing.assert_close(x, blend)
            wanted = torch.eye(3)[self.LABEL] * share + torch.eye(3)[self.LABEL.flip(0)] * (1 - share)
            torch.testing.assert_close(target, wanted)

    def test_cutmix_takes_one_box_in_every_frame_and_its_share_is_the_area_that_stays(self):
        for x, target in self.draws(Mix(3, mixup=0.0, smoothing=0.0)):
            kept = x == self.X
            assert (kept | (x == self.X.flip(0))).all()
            assert (kept == kept[:1, :1, :1]).all()
            box = ~kept[0, 0, 0]
            assert torch.equal(box, box.any(1)[:, None] & box.any(0)[None])
            torch.testing.assert_close(target[1, 1], kept[0, 0, 0].float().mean())

    def test_one_of_the_two_each_batch_at_even_odds(self):
        blended = sum((x != self.X).all().item() for x, _ in self.draws(Mix(3), 200))
        assert 80 < blended < 120

    def test_shares_are_of_the_beta_distribution(self):
        for a in (0.8, 8.0):
            shares = torch.stack([t[1, 1] for _, t in self.draws(Mix(3, a, 0.0, 0.0), 2000)])
            assert shares.mean().item() == pytest.approx(0.5, abs=0.03)
            assert shares.var().item() == pytest.approx(1 / (4 * (2 * a + 1)), abs=0.01)

    def test_labels_are_smoothed_over_all_classes(self):
        x, target = Mix(4, 0.0, 0.0)(self.X, torch.tensor([0, 1, 2, 3]))
        assert torch.equal(x, self.X)
        torch.testing.assert_close(target, torch.eye(4) * 0.9 + 0.025)
        logits = torch.randn(4, 4)
        smoothed = torch.nn.functional.cross_entropy(logits, torch.arange(4), label_smoothing=0.1)
        torch.testing.assert_close(torch.nn.functional.cross_entropy(logits, target), smoothed)
        assert all(torch.allclose(t.sum(1), torch.ones(4)) for _, t in self.draws(Mix(7)))

    def test_the_same_seed_draws_the_same_and_the_batch_stays_as_it_is(self):
        before = self.X.clone()
        for (x, target), (again, same) in zip(self.draws(Mix(3)), self.draws(Mix(3)), strict=True):
            assert torch.equal(x, again) and torch.equal(target, same)
        assert torch.equal(self.X, before)

    def test_a_lone_video_is_not_changed(self):
        for _ in range(10):
            x, target = Mix(3, smoothing=0.0)(self.X[:1], self.LABEL[:1])
            torch.testing.assert_close(x, self.X[:1])
            torch.testing.assert_close(target, torch.tensor([[1.0, 0, 0]]))

    @pytest.mark.parametrize(
        "values, words",
        [
            ((-1.0,), "mixup must.* got -1"),
            ((0.8, -0.5), "cutmix must.* got -0.5"),
            ((0.8, 1.0, 1.0), "smoothing must.* got 1"),
        ],
    )
    def test_values_out_of_range_are_refused(self, values, words):
        with pytest.raises(ConfigError, match=words):
            Mix(3, *values)


class TestMemory:
    def prompt(self):
        tower = tiny_tower()
        return Context(tower, NAMES).eval(), calls_of(tower.text)

    def test_an_evaluation_reads_the_texts_once(self):
        prompt, calls = self.prompt()
        with torch.no_grad():
            first, second = prompt(), prompt()
        assert len(calls) == 1
        assert torch.equal(first, second)

    def test_nothing_is_remembered_with_gradients_or_in_training(self):
        prompt, calls = self.prompt()
        assert prompt().requires_grad and prompt().requires_grad
        prompt.train()
        with torch.no_grad():
            prompt(), prompt()
        assert len(calls) == 4

    @pytest.mark.parametrize(
        "change",
        [
            lambda p: p.train().eval(),
            lambda p: p.eval(),
            lambda p: p.load_state_dict({"context": torch.ones(7, 8, 32)}),
            lambda p: torch.optim.SGD([p.context], lr=1.0).step(),
            lambda p: p.context.add_(1),
            lambda p: p.tower.text.positional_embedding.mul_(2),
        ],
    )
    def test_it_is_read_again_after_every_change(self, change):
        prompt, calls = self.prompt()
        prompt.context.grad = torch.ones_like(prompt.context)
        with torch.no_grad():
            prompt()
            change(prompt)
            again = prompt()
        assert len(calls) == 2
        prompt.train()
        torch.testing.assert_close(again, prompt().detach())

    def test_a_model_moved_to_another_precision_reads_again(self):
        tower = tiny_tower()
        prompt = Context(tower, NAMES).eval()
        with torch.inference_mode():
            assert prompt().dtype == torch.float32
        tower.double(), prompt.double()
        with torch.no_grad():
            assert prompt().dtype == torch.float64

    def test_a_copied_model_reads_with_its_own_tower(self):
        model = torch.nn.ModuleDict({"tower": tiny_tower()})
        model["prompt"] = Fixed(model["tower"], NAMES)
        with torch.no_grad():
            before = model.eval()["prompt"]()
            twin = copy.deepcopy(model)
            twin["tower"].text.text_projection.mul_(2)
            torch.testing.assert_close(twin["prompt"](), 2 * before)
            assert torch.equal(model["prompt"](), before)
        assert twin["prompt"].tower is twin["tower"]


class TestTexts:
    def test_names_and_templates(self):
        assert class_texts("class-names", ["fear", "anger"]) == ("fear.", "anger.")
        assert class_texts("expression", ["fear"]) == ("an expression of fear.",)
        assert class_texts("a photo of {}. ", ["fear"]) == ("a photo of fear.",)

    def test_descriptors_cover_both_class_lists_in_order_and_fit_in_clip(self):
        described = class_texts("descriptors", ELEVEN)
        assert described[:7] == class_texts("descriptors", SEVEN) and len(set(described)) == 11
        assert class_texts("descriptors", ["fear", "anger"]) == (described[6], described[3])
        for name, text in zip(ELEVEN, described, strict=True):
            assert name not in text and text.count(",") >= 2
            assert text.endswith(".") and text.count(".") == 1
        tiny_tower().tokenize(described, spare=32)

    def test_descriptors_are_data_that_no_edit_of_words_may_change(self):
        """One word decides the numbers of the main job, and no config id would tell."""
        texts = "\n".join(class_texts("descriptors", sorted(ELEVEN)))
        digest = hashlib.sha256(texts.encode()).hexdigest()
        assert digest == "8548408db3927e0efedc2b8806f5efc943473edb101e2e2b002e746c0909397e"

    def test_a_file_of_the_users(self, tmp_path):
        """Taken as written: the tokenizer makes one blank of several, and no full stop is added."""
        path = tmp_path / "mine.toml"
        path.write_text('happiness = "a broad  smile."\nfear = """wide\neyes"""\n')
        assert class_texts(str(path), ["fear", "happiness"]) == ("wide\neyes", "a broad  smile.")

    @pytest.mark.parametrize("content", ["", "anger = 3", 'anger = " . "'])
    def test_a_class_without_text_is_named(self, tmp_path, content):
        path = tmp_path / "mine.toml"
        path.write_text(content)
        with pytest.raises(ConfigError, match="no text for the class 'anger'") as caught:
            class_texts(str(path), ["anger"])
        assert 'anger = "..."' in caught.value.hint
        with pytest.raises(ConfigError, match="no text for the class 'boredom'"):
            class_texts("descriptors", ["fear", "boredom"])

    def test_a_file_that_cannot_be_read_is_named(self, tmp_path):
        broken = tmp_path / "broken.toml"
        broken.write_bytes(b"anger = \xff")
        for path in (broken, tmp_path / "absent.toml"):
            with pytest.raises(ConfigError, match=path.name):
                class_texts(str(path), ["anger"])

    def test_an_unknown_source_gets_the_nearest_name(self):
        with pytest.raises(UnknownName) as caught:
            class_texts("descriptor", ["anger"])
        assert "descriptors" in caught.value.hint

    def test_they_need_no_torch(self):
        code = (
            "import sys; from dferbench.models.texts import class_texts; class_texts('descriptors', ['fear'])"
        )
        code += "; print('torch' in sys.modules)"
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert run.stdout.strip() == "False"
