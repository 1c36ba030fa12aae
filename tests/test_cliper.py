"""cliper: its texts, losses and stages against known values and a plain restatement, one video at a time."""

import math
from dataclasses import replace

import pytest
import shrunk
import torch
from stages import learning_rates, make_optimizer
from tiny_clip import tiny_tower
from torch.nn import functional as F

from dferbench import Task
from dferbench.errors import ConfigError, UnknownName
from dferbench.models import Batch
from dferbench.models.freezing import parameter_groups
from dferbench.models.parts import Parts
from dferbench.registry.catalog import discover
from dferbench.testing import assert_contract
from dferbench_methods.cliper import losses
from dferbench_methods.cliper.prompt import Descriptors

pytestmark = pytest.mark.slow

ELEVEN = (*shrunk.SEVEN, "contempt", "anxiety", "helplessness", "disappointment")
CATALOG = discover()
METHOD = CATALOG.get("methods", "cliper").value
TEXT, IMAGE = METHOD.recipe.stages
# Four videos, three classes, two descriptors each.
SCORES = torch.tensor(
    [
        [[2.0, 1], [0, 1], [-1, 0]],
        [[1, 3], [0, 0], [1, 2]],
        [[3, 1], [2, 0], [0, 0]],
        [[0, 1], [2, -1], [0, 1]],
    ]
)
LABEL = torch.tensor([0, 0, 0, 1])


def build(classes=shrunk.SEVEN, **options):
    return shrunk.build("cliper", classes, size=64, **{"backbone": "clip-tiny", **options})


@pytest.fixture(scope="module")
def full_size():
    """With the default backbone, its weights drawn at random."""
    return METHOD.make(Task("toy", shrunk.SEVEN, 16, 224), Parts(CATALOG, missing="random"))


def videos(count=2, frames=4):
    return torch.rand(count, frames, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def alphas(scores, label):
    chosen = losses.own(scores, label).argmax(1)
    counts = losses.count(chosen, label, *scores.shape[1:])
    return losses.balance(counts)[label, chosen]


def plain_loss(scores, label):
    """Both terms, one video at a time: scores and label as lists of numbers."""
    each = len(scores[0][0])
    best = [max(range(each), key=lambda k: rows[y][k]) for rows, y in zip(scores, label, strict=True)]
    margins, fines = [], []
    for rows, y, k in zip(scores, label, best, strict=True):
        against = [min(row) if c == y else max(row) for c, row in enumerate(rows)]
        margins.append(math.log(sum(map(math.exp, against))) - against[y])
        others = [s for c, row in enumerate(rows) if c != y for s in row]
        ce = math.log(sum(map(math.exp, [rows[y][k], *others]))) - rows[y][k]
        n = [sum(a == y and b == j for a, b in zip(label, best, strict=True)) or -1 / 99 for j in range(each)]
        share = math.exp(1 / n[k]) / sum(math.exp(1 / m) for m in n)
        fines.append(sum(n) * share / n[k] * ce)
    return sum(margins) / len(label), sum(fines) / len(label)


# ---- texts -------------------------------------------------------------------------------------------------


class TestTexts:
    def test_tokens(self):
        prompt = Descriptors(tiny_tower(), "tiny", classes=7, each=5, words=4)
        ids = [49406, 550, 1014, 1125, 539, 343, 343, 343, 343, 269, 49407]
        assert prompt.get_buffer("tokens").tolist() == [ids]
        assert prompt.eot.tolist() == [10] * 35 and prompt.before == 5
        assert prompt.notes["prompt"] == "an ID photo of X X X X."

    @pytest.mark.parametrize("words", [1, 4])
    def test_features_are_those_of_the_whole_text_with_its_words_overwritten(self, words):
        tower = tiny_tower()
        prompt = Descriptors(tower, "tiny", classes=3, each=2, words=words)
        prompt.context.data.normal_()
        tokens = tower.tokenize([f"an ID photo of{' X' * words}."]).repeat(6, 1)
        whole = tower.embed(tokens).detach().clone()
        whole[:, 5 : 5 + words] = prompt.context.detach()
        expected = tower.encode_embedded(whole, tokens.argmax(-1))
        torch.testing.assert_close(prompt(), expected, atol=1e-5, rtol=1e-4)

    def test_start(self):
        torch.manual_seed(0)
        context = Descriptors(tiny_tower(), "tiny", 7, 5, 4).context.detach()
        assert context.shape == (35, 4, 32)
        assert context.std() == pytest.approx(0.001, rel=0.05)

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"descriptors": 0}, "descriptors of .* must be .* got 0"),
            ({"words": 0}, "words of .* must be .* got 0"),
            ({"words": 80}, "over the 77"),
            ({"temperature": 0.0}, "temperature of .* must be .* got 0.0"),
        ],
    )
    def test_impossible_options(self, options, words):
        with pytest.raises(ConfigError, match=words):
            build(**options)

    def test_unknown_names(self):
        with pytest.raises(UnknownName, match="mean_norm"):
            build(pool="mean_norm")
        with pytest.raises(UnknownName, match="all"):
            build(count_over="all")


# ---- losses ------------------------------------------------------------------------------------------------


class TestLosses:
    def test_known_values(self):
        torch.testing.assert_close(
            alphas(SCORES, LABEL), torch.tensor([0.5663, 1.8674, 0.5663, 0.9899]), atol=5e-5, rtol=0
        )
        expected = torch.tensor([0.5237, 0.4717, 0.4169, 0.6964])
        torch.testing.assert_close(losses.fine(SCORES, LABEL), expected, atol=5e-5, rtol=0)
        rows = torch.tensor([[1.0, 1, 0], [1, 0, 2], [1, 2, 0], [1, -1, 1]])
        assert losses.margin(SCORES, LABEL).item() == pytest.approx(F.cross_entropy(rows, LABEL).item())
        assert losses.margin(SCORES, LABEL).item() == pytest.approx(1.6090, abs=5e-5)

    def model(self, scores, **options):
        model = build(shrunk.SEVEN[: scores.shape[1]], descriptors=scores.shape[2], **options)
        model.scores = lambda x: scores[: len(x)]
        return model

    def terms(self, model, label, epoch=0.0):
        found = model.loss(Batch(torch.zeros(len(label)), label, [{} for _ in label], "images", epoch))
        return found["margin"].item(), found["fine"].item()

    def test_both_terms(self):
        found = self.terms(self.model(SCORES), LABEL)
        assert found == pytest.approx((1.6090, 0.5257), abs=1e-4)
        assert sum(found) == pytest.approx(2.1347, abs=5e-5)

    @pytest.mark.parametrize(("classes", "each"), [(3, 2), (7, 5), (11, 3)])
    def test_a_plain_restatement_agrees(self, classes, each):
        generator = torch.Generator().manual_seed(classes)
        scores = 3 * torch.randn(16, classes, each, generator=generator)
        label = torch.randint(classes, (16,), generator=generator)
        model = build(ELEVEN[:classes], descriptors=each)
        model.scores = lambda x: scores
        assert self.terms(model, label) == pytest.approx(
            plain_loss(scores.tolist(), label.tolist()), rel=1e-4
        )

    def test_one_descriptor_makes_both_terms_cross_entropy(self):
        scores = torch.randn(6, 5, 1, generator=torch.Generator().manual_seed(0))
        label = torch.tensor([0, 1, 1, 4, 2, 1])
        torch.testing.assert_close(alphas(scores, label), torch.ones(6))
        ce = F.cross_entropy(scores[..., 0], label).item()
        assert self.terms(self.model(scores), label) == pytest.approx((ce, ce), rel=1e-5)

    def test_without_alpha_all_videos_weigh_the_same(self):
        found = self.terms(self.model(SCORES, alpha=False), LABEL)
        assert found[1] == pytest.approx(losses.fine(SCORES, LABEL).mean().item())

    def test_counts_of_an_epoch_add_up_and_begin_anew(self):
        model = self.model(SCORES, count_over="epoch")
        plain = losses.fine(SCORES, LABEL)
        first = self.terms(model, LABEL, epoch=3.0)
        assert first == pytest.approx(self.terms(self.model(SCORES), LABEL))
        second = self.terms(model, LABEL, epoch=3.5)
        counts = torch.tensor([[4, 2], [2, 0], [0, 0]])
        weights = losses.balance(counts)[LABEL, torch.tensor([0, 1, 0, 0])]
        assert second[1] == pytest.approx((weights * plain).mean().item()) != first[1]
        assert self.terms(model, LABEL, epoch=4.0) == pytest.approx(first)

    def test_every_score_that_counts_gets_a_gradient(self):
        scores = SCORES.clone().requires_grad_()
        (losses.margin(scores, LABEL) + losses.fine(scores, LABEL).mean()).backward()
        assert torch.isfinite(scores.grad).all() and (scores.grad[0, 0] < 0).all()


# ---- what it computes --------------------------------------------------------------------------------------


class TestForward:
    @pytest.mark.parametrize("pool", ["mean-norm", "mean-raw", "mean-logits"])
    def test_the_mean_over_descriptors_of_scaled_cosines_decides(self, pool):
        model, x = build(pool=pool).eval(), videos()
        model.prompt.context.data.normal_()
        with torch.no_grad():
            frames = model.tower(x.flatten(0, 1)).unflatten(0, (2, 4))
            text = F.normalize(model.prompt(), dim=-1)
            if pool == "mean-logits":
                scores = torch.stack([F.cosine_similarity(f[:, None], text, dim=-1).mean(0) for f in frames])
            else:
                unit = frames / frames.norm(dim=-1, keepdim=True) if pool == "mean-norm" else frames
                scores = F.cosine_similarity(unit.mean(1)[:, None], text, dim=-1)
            expected = 100 * scores.reshape(2, 7, 5).mean(2)
            torch.testing.assert_close(model(x), expected, atol=1e-3, rtol=1e-4)
            assert not torch.allclose(model(x), 100 * scores.reshape(2, 7, 5).amax(2), atol=0.1)

    def test_the_mean_breaks_no_tie(self):
        assert SCORES.mean(2)[3].tolist() == [0.5, 0.5, 0.5]

    def test_the_order_of_frames_does_not_matter(self):
        model, x = build().eval(), videos()
        with torch.no_grad():
            torch.testing.assert_close(model(x), model(x.flip(1)), atol=1e-3, rtol=1e-4)


# ---- stages ------------------------------------------------------------------------------------------------


def trained(model, stage):
    return sum(p.numel() for group in parameter_groups(model, stage) for p in group["params"])


class TestStages:
    def test_what_each_trains(self, full_size):
        assert trained(full_size, TEXT) == 71_680
        assert trained(full_size, IMAGE) == 86_192_640 == shrunk.parameters(full_size.tower.image)
        assert shrunk.parameters(full_size) == 149_620_737 + 71_680
        eleven = Descriptors(full_size.tower, "clip-vit-b16", len(ELEVEN), 5, 4)
        assert shrunk.parameters(eleven) == 112_640

    def test_the_texts_are_frozen_and_read_once_while_the_images_learn(self):
        model, x = build(), videos()
        batch = Batch(x, torch.tensor([0, 1]), [{}, {}], IMAGE.name, 0.0)
        optimizer = make_optimizer(model, TEXT)
        image = model.tower.image
        before = {name: tensor.clone() for name, tensor in image.state_dict().items()}
        context = model.prompt.context.detach().clone()
        sum(model.train().loss(batch).values()).backward()
        optimizer.step()
        assert not torch.equal(model.prompt.context, context)
        assert all(torch.equal(tensor, before[name]) for name, tensor in image.state_dict().items())
        optimizer = make_optimizer(model, IMAGE)
        text = model.train().prompt()
        kept = text.clone()
        sum(model.train().loss(batch).values()).backward()
        optimizer.step()
        assert not any(torch.equal(tensor, before[name]) for name, tensor in image.named_parameters())
        assert image.training and model.train().prompt() is text and torch.equal(text, kept)

    def test_optimisers_and_rates(self):
        model = build()
        text, image = make_optimizer(model, TEXT), make_optimizer(model, IMAGE)
        assert {g["eps"] for o in (text, image) for g in o.param_groups} == {1e-4}
        assert text.param_groups[0]["weight_decay"] == 0 and image.param_groups[0]["weight_decay"] == 0.1
        fall = [5e-6 * (1 + math.cos(math.pi * epoch / 10)) / 2 for epoch in range(10)]
        assert learning_rates(IMAGE) == pytest.approx(fall + fall)

    def test_restarts_need_an_epoch(self):
        stage = replace(IMAGE, schedule="restarts(0)")
        with pytest.raises(ConfigError, match="from 1 on, got 0"):
            learning_rates(stage)


# ---- as a method -------------------------------------------------------------------------------------------


@pytest.mark.heavy
@pytest.mark.parametrize("options", [{}, {"count_over": "epoch", "pool": "mean-logits", "descriptors": 2}])
def test_contract(options):
    assert_contract("cliper", **options)


@pytest.mark.long
def test_sixteen_faces_are_learned_by_heart():
    model = build()
    faces, label = shrunk.drawn_faces(16, 64, frames=4)
    text, image = METHOD.recipe_for["synthetic"].stages
    shrunk.learns_by_heart(model, text, faces, label, steps=4)
    assert shrunk.learns_by_heart(model, image, faces, label, steps=60)
