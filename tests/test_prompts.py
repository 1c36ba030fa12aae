"""Prompts beyond the plain ones: ensembles, prompts that move with a video, and what is read only once."""

import pytest
import torch
from tiny_clip import tiny_clip, tiny_tower
from torch.nn import functional as F

from dferbench.errors import ConfigError, UnknownName
from dferbench.models import prompts
from dferbench.models.ensemble import TEMPLATES, Ensemble
from dferbench.models.parts import Parts
from dferbench.models.prompts import Context, Fixed
from dferbench.models.texts import class_texts
from dferbench.registry.catalog import discover

SEVEN = ("happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear")
NAMES = class_texts("class-names", SEVEN)
WIDTH = 32


def calls_of(module):
    """The number of rows of every call."""
    calls = []
    module.register_forward_hook(lambda _, inputs, __: calls.append(inputs[0].shape[:2]))
    return calls


class TestEnsemble:
    @pytest.mark.parametrize("name", ["pair", "five", "they look {} | a {} face | {}"])
    def test_it_is_what_open_clip_makes_of_every_sentence(self, name):
        tower, clip = tiny_tower(), tiny_clip()
        templates = TEMPLATES.get(name, ("they look {}", "a {} face", "{}"))
        total = torch.zeros(7, 32)
        for template in templates:
            sentences = [template.replace("{}", word) + "." for word in SEVEN]
            total += F.normalize(clip.encode_text(tower.tokenize(sentences)), dim=-1)
        prompt = Ensemble(tower, NAMES, name)
        torch.testing.assert_close(prompt(), total / len(templates), atol=1e-6, rtol=1e-5)
        assert prompt.notes == {"templates": list(templates)}
        assert not list(prompt.parameters()) and not prompt.state_dict()

    def test_of_one_template_it_is_the_fixed_prompt(self):
        tower = tiny_tower()
        one = Ensemble(tower, NAMES, "an expression of {}")
        fixed = Fixed(tower, class_texts("expression", SEVEN))
        torch.testing.assert_close(F.normalize(one(), dim=-1), F.normalize(fixed(), dim=-1))

    def test_descriptions_go_into_templates_too(self):
        described = class_texts("descriptors", SEVEN)
        tower = tiny_tower()
        written = [f"a face with {text}" for text in described]
        expected = F.normalize(Fixed(tower, written)(), dim=-1)
        torch.testing.assert_close(Ensemble(tower, described, "a face with {}")(), expected)

    def test_what_is_no_template_is_refused_in_words(self):
        with pytest.raises(UnknownName, match="fiv") as caught:
            Ensemble(tiny_tower(), NAMES, "fiv")
        assert "five" in caught.value.hint
        with pytest.raises(ConfigError, match="class 1 of 7 takes"):
            Ensemble(tiny_tower(), NAMES, f"{'very ' * 80} {{}}")


class TestShifted:
    """Every video with prompts of its own, read together, is every video by itself."""

    @pytest.mark.parametrize("shared", [False, True])
    @pytest.mark.parametrize("position", ["end", "middle", "front"])
    def test_together_equals_one_by_one(self, shared, position):
        tower = tiny_tower()
        prompt = Context(tower, NAMES, words=5, shared=shared, position=position)
        shift = torch.randn(4, WIDTH) * 0.3
        together = prompt.shifted(shift)
        assert together.shape == (4, 7, 32)
        for one, moved in zip(together, shift, strict=True):
            alone = Context(tower, NAMES, words=5, shared=shared, position=position)
            alone.context.data = prompt.context.data + moved
            torch.testing.assert_close(one, alone(), atol=1e-5, rtol=1e-5)

    def test_without_shift_nothing_moves(self):
        prompt = Context(tiny_tower(), NAMES)
        for one in prompt.shifted(torch.zeros(3, WIDTH)):
            torch.testing.assert_close(one, prompt(), atol=1e-6, rtol=1e-6)

    def test_pieces_change_neither_values_nor_gradients_and_bound_what_is_read(self, monkeypatch):
        # In double precision, for in single the order of sums alone can be worth more than 1e-5.
        tower = tiny_tower().requires_grad_(False).double()
        prompt = Context(tower, NAMES).double()
        found = []
        for tokens in (10**6, 200, 1):
            monkeypatch.setattr(prompts, "TOKENS", tokens)
            calls = calls_of(tower.text)
            shift = torch.linspace(-0.3, 0.3, 5 * WIDTH).double().view(5, WIDTH).requires_grad_()
            prompt.context.grad = None
            features = prompt.shifted(shift)
            features.square().sum().backward()
            one_video = prompt.get_buffer("order").numel()
            assert all(rows * length <= max(tokens, one_video) for rows, length in calls)
            found.append((features.detach(), shift.grad, prompt.context.grad))
        for other in found[1:]:
            for one, two in zip(found[0], other, strict=True):
                torch.testing.assert_close(one, two, atol=1e-10, rtol=1e-10)


class TestReadOnce:
    def test_a_frozen_prompt_is_read_once_even_in_training(self):
        tower = tiny_tower().requires_grad_(False)
        for prompt in (Fixed(tower, NAMES), Ensemble(tower, NAMES)):
            calls = calls_of(tower.text)
            for _ in range(3):
                assert not prompt.train()().requires_grad
            with torch.no_grad():
                prompt.eval()()
            assert len(calls) == 1

    def test_and_again_when_the_text_tower_changes_or_learns(self):
        tower = tiny_tower().requires_grad_(False)
        prompt = Fixed(tower, NAMES)
        before = prompt.train()()
        with torch.no_grad():
            tower.text.text_projection.mul_(2)
        torch.testing.assert_close(prompt(), 2 * before)
        tower.text.requires_grad_(True)
        assert prompt().requires_grad and prompt() is not prompt()

    def test_what_was_read_for_a_test_can_be_trained_against(self):
        prompt = Fixed(tiny_tower().requires_grad_(False), NAMES)
        with torch.inference_mode():
            prompt.eval()()
        video = torch.rand(2, 32, requires_grad=True)
        (video @ prompt.train()().T).sum().backward()
        assert video.grad.abs().sum() > 0


class TestOptions:
    """A method offers options to whatever prompt the user chose."""

    def prompt(self, text, **options):
        defaults = {"words": 4, "shared": True, "init": ""}
        return Parts(discover()).prompt(text, tiny_tower(), NAMES, defaults, **{**defaults, **options})

    def test_a_prompt_takes_what_it_knows(self):
        assert self.prompt("context").context.shape == (4, WIDTH)
        assert self.prompt("context(words=3)", shared=False).context.shape == (7, 3, WIDTH)

    def test_what_it_lacks_is_refused_only_if_somebody_chose_it(self):
        assert isinstance(self.prompt("fixed"), Fixed)
        assert isinstance(self.prompt("ensemble(templates=pair)"), Ensemble)
        with pytest.raises(UnknownName, match="option of prompt fixed named 'words'"):
            self.prompt("fixed", words=5)
        with pytest.raises(UnknownName, match="no prompt named 'fixd'"):
            self.prompt("fixd")
