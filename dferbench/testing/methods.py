"""The contract of methods, checked on random videos in seconds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor

from dferbench.cards import read
from dferbench.experiment.plan import input_size
from dferbench.feature_cache.key import encoder_id
from dferbench.machine.seeds import seed_everything
from dferbench.models import Batch, Classifier
from dferbench.models.build import require_frozen
from dferbench.models.frames import frame_features
from dferbench.models.freezing import ever_trained, parameter_groups
from dferbench.models.parts import Parts
from dferbench.registry.catalog import Catalog
from dferbench.registry.options import options_of, resolve, validated
from dferbench.training.optimizers import make_optimizer
from dferbench.training.replay import shared_loss, whole_loss
from dferbench.training.schedules import make_schedule
from dferbench.types import Method, Recipe, Stage, Task

CLASS_COUNTS = (3, 7, 11)
STEPS = 40
"""How many steps the loss has to fall in: most methods need one, high published rates overshoot first."""
# All eleven, so that methods whose texts come from class names find what they know.
NAMES = (
    "happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear",
    "contempt", "anxiety", "helplessness", "disappointment",
)  # fmt: skip


class Trial:
    """One method with its options resolved, ready to be built for any number of classes."""

    def __init__(self, name: str, catalog: Catalog, given: Mapping[str, Any]) -> None:
        self.method: Method = catalog.get("methods", name).value
        self.catalog = catalog
        small = {**_light(self.method, catalog), **self.method.options_for.get("synthetic", {})}
        self.options = resolve(self.method, given, small)
        recipe = self.method.recipe
        size = input_size(self.method.recipe_for.get("synthetic", recipe), self.options, catalog)
        self.recipe: Recipe = replace(recipe, input=replace(recipe.input, size=size))
        self.size, self.frames = size, recipe.input.frames

    def build(self, classes: int = CLASS_COUNTS[0], seed: int = 0, parts: Parts | None = None) -> Classifier:
        """A fresh model for the first `classes` class names."""
        seed_everything(seed)
        task = Task("check", NAMES[:classes], self.frames, self.size)
        model = self.method.make(task, parts or Parts(self.catalog), **self.options)
        assert isinstance(model, Classifier), f"build gave a {type(model).__name__}, not a Classifier"
        return model

    def videos(self, count: int) -> Tensor:
        """Random videos (count, T, 3, H, W) with pixels in 0..1, always the same."""
        generator = torch.Generator().manual_seed(0)
        return torch.rand(count, self.frames, 3, self.size, self.size, generator=generator)

    def batch(self, model: Classifier, stage: Stage, count: int = 4) -> Batch:
        """A batch as the engine would hand it to `loss`."""
        with torch.no_grad():
            x = model.eval().encode(self.videos(count))
        label = torch.arange(count) % CLASS_COUNTS[0]
        return Batch(x, label, [{} for _ in range(count)], stage.name, 0.0)

    def predict(self, model: Classifier, videos: Tensor) -> Tensor:
        """Logits, as in a test."""
        with torch.no_grad():
            logits: Tensor = model.eval()(model.encode(videos))
        return logits


def _light(method: Method, catalog: Catalog) -> dict[str, Any]:
    """A backbone that comes with its package, where the method takes one: the check needs no download."""
    embedded = [name for name, entry in catalog.entries["backbones"].items() if entry.facts.get("embedded")]
    return {"backbone": embedded[0]} if "backbone" in options_of(method).model_fields and embedded else {}


def _total(model: Classifier, batch: Batch) -> Any:
    """The sum of the loss terms, as the engine minimises it."""
    return torch.stack(list(model.train().loss(batch).values())).sum()


def logits_have_a_column_a_class(trial: Trial) -> None:
    """forward gives finite logits (B, C) for 3, 7 and 11 classes"""
    for classes in CLASS_COUNTS:
        logits = trial.predict(trial.build(classes), trial.videos(2))
        assert logits.shape == (2, classes), f"{tuple(logits.shape)} for 2 videos and {classes} classes"
        assert torch.isfinite(logits).all(), f"not finite for {classes} classes"


def a_batch_of_one_works(trial: Trial) -> None:
    """a batch of one works"""
    logits = trial.predict(trial.build(), trial.videos(1))
    assert logits.shape == (1, CLASS_COUNTS[0]), f"gave {tuple(logits.shape)}"


def neighbours_do_not_matter(trial: Trial) -> None:
    """a prediction does not depend on its neighbours in the batch"""
    model, videos = trial.build(), trial.videos(3)
    together = trial.predict(model, videos)
    alone = torch.cat([trial.predict(model, video[None]) for video in videos])
    worst = float((together - alone).abs().max())
    assert torch.allclose(together, alone, rtol=1e-3, atol=1e-3), f"logits move by {worst:.3g}"


def predictions_repeat(trial: Trial) -> None:
    """the same video gives the same logits twice"""
    model = trial.build()
    first, second = (trial.predict(model, trial.videos(2)) for _ in range(2))
    assert torch.equal(first, second), "testing draws at random"


def patterns_match(trial: Trial) -> None:
    """every pattern of every stage names a parameter, and its optimizer and schedule exist"""
    model = trial.build()
    for stage in trial.recipe.stages:
        make_optimizer(model, stage, trial.catalog)
        make_schedule(stage, 1, trial.catalog)


def encode_never_learns(trial: Trial) -> None:
    """encode holds nothing that learns, in any stage"""
    model = trial.build()
    task = Task("check", NAMES[:3], trial.frames, trial.size)
    for stage in trial.recipe.stages:
        parameter_groups(model, stage)
        require_frozen(model, task, stage.name)


def what_it_sees_is_what_its_backbone_makes(trial: Trial) -> None:
    """encode, if `sees` says what it computes, gives the frame features of the one backbone"""
    parts = Parts(trial.catalog)
    model = trial.build(parts=parts)
    if not encoder_id(model):
        return
    assert len(parts.backbones) == 1, f"`sees` is set, and there are {len(parts.backbones)} backbones"
    (text,) = parts.backbones
    fresh, videos = Parts(trial.catalog).backbone(text).eval(), trial.videos(2)
    with torch.no_grad():
        found, wanted = model.eval().encode(videos), frame_features(fresh, videos)
    assert found.shape == wanted.shape, f"{tuple(found.shape)}, not {tuple(wanted.shape)}"
    worst = float((found - wanted).abs().max())
    assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-5), f"features differ by {worst:.3g}"


def terms_are_finite_scalars(trial: Trial) -> None:
    """loss gives named finite scalars"""
    model = trial.build()
    for stage in trial.recipe.stages:
        terms = model.train().loss(trial.batch(model, stage))
        assert isinstance(terms, dict) and terms, "no named terms"
        for name, term in terms.items():
            assert term.ndim == 0, f"'{name}' has shape {tuple(term.shape)}"
            assert torch.isfinite(term), f"'{name}' is {float(term)}"


def mixed_targets_count(trial: Trial) -> None:
    """a loss that says it takes the targets of mixed videos heeds them"""
    model = trial.build()
    if not type(model).mixes:
        return
    for stage in trial.recipe.stages:
        batch, totals = trial.batch(model, stage), []
        one_hot = torch.nn.functional.one_hot(batch.label, CLASS_COUNTS[0]).float()
        for target in (one_hot, one_hot.roll(1, 1)):
            seed_everything(0)
            totals.append(float(_total(model, replace(batch, target=target)).detach()))
        assert totals[0] != totals[1], "other targets give the same loss"


def shares_add_up(trial: Trial) -> None:
    """the loss of a batch is the weighted mean of the losses of its shares, or uses `Batch.across`"""
    model = trial.build()
    for stage in trial.recipe.stages:
        parameter_groups(model, stage)
        learns = [p for p in model.parameters() if p.requires_grad]
        # Not in its first step, in which a loss may begin by moving parameters.
        batch = replace(trial.batch(model, stage, 5), epoch=0.5)
        whole, shared = whole_loss(model, batch), shared_loss(model, batch, 2)
        off = float((whole - shared).detach().abs())
        assert off <= 1e-4 * max(1, abs(float(whole.detach()))), f"off by {off:.3g} in stage '{stage.name}'"
        one, other = (_flat_gradient(total, learns) for total in (whole, shared))
        off = float((one - other).norm() / one.norm().clamp_min(1e-12))
        assert off < 1e-2, f"the gradient is off by {off:.1%} in stage '{stage.name}'"


def _flat_gradient(total: Tensor, parameters: list[torch.nn.Parameter]) -> Tensor:
    found = torch.autograd.grad(total, parameters, allow_unused=True, materialize_grads=True)
    return torch.cat([one.flatten() for one in found])


def everything_trained_gets_a_gradient(trial: Trial) -> None:
    """every parameter that a stage trains receives a gradient"""
    model = trial.build()
    for stage in trial.recipe.stages:
        parameter_groups(model, stage)
        model.zero_grad()
        _total(model, trial.batch(model, stage)).backward()
        dead = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
        assert not dead, f"'{dead[0]}' and {len(dead) - 1} more get none in stage '{stage.name}'"


def training_lowers_the_loss(trial: Trial) -> None:
    """within forty steps the recipe's optimizer lowers the loss of one batch"""
    model = trial.build()
    for stage in trial.recipe.stages:
        optimizer = make_optimizer(model, stage, trial.catalog)
        batch, totals = trial.batch(model, stage), []
        for _ in range(STEPS):
            total = _total(model, batch)
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
            totals.append(float(total.detach()))
            if totals[-1] < totals[0]:
                break
        assert totals[-1] < totals[0], f"from {totals[0]:.4g} to {min(totals[1:]):.4g} at best"


def state_survives(trial: Trial) -> None:
    """the state dict of one model makes another predict the same"""
    first, second = trial.build(seed=0), trial.build(seed=1)
    second.load_state_dict(first.state_dict())
    a, b = trial.predict(first, trial.videos(2)), trial.predict(second, trial.videos(2))
    assert torch.equal(a, b), f"logits differ by {float((a - b).abs().max()):.3g}"


def recipes_are_data(trial: Trial) -> None:
    """recipes are plain data that survive JSON"""
    for recipe in (trial.method.recipe, *trial.method.recipe_for.values()):
        plain = json.loads(json.dumps(asdict(recipe)))
        assert plain["stages"] == json.loads(json.dumps([asdict(s) for s in recipe.stages]))
        assert all(isinstance(rate, float | int) for s in recipe.stages for rate in s.train.values())
    for options in trial.method.options_for.values():
        resolve(trial.method, options)


def options_are_described(trial: Trial) -> None:
    """every option of a model of options has a description, and a default that fits its constraints"""
    model = trial.method.options
    if model is None:
        return
    nameless = [name for name, field in model.model_fields.items() if not field.description]
    assert not nameless, f"'{nameless[0]}' has no description"
    validated(model, dict(model()), trial.method.name)


def its_card_is_whole(trial: Trial) -> None:
    """the card, if there is one, has every field of dferbench.cards.Card"""
    if trial.method.card:
        read(trial.method.card)
        json.dumps(dict(trial.method.card))


def the_rest_stays_frozen(trial: Trial) -> None:
    """a training step changes nothing that no pattern names"""
    model = trial.build()
    names = ever_trained(model, trial.recipe)
    before = {n: p.detach().clone() for n, p in model.named_parameters() if n not in names}
    for stage in trial.recipe.stages:
        optimizer = make_optimizer(model, stage, trial.catalog)
        _total(model, trial.batch(model, stage)).backward()
        optimizer.step()
    moved = [n for n, p in model.named_parameters() if n in before and not torch.equal(p, before[n])]
    assert not moved, f"'{moved[0]}' moved"


RULES: tuple[Callable[[Trial], None], ...] = (
    logits_have_a_column_a_class,
    a_batch_of_one_works,
    neighbours_do_not_matter,
    predictions_repeat,
    patterns_match,
    encode_never_learns,
    what_it_sees_is_what_its_backbone_makes,
    terms_are_finite_scalars,
    mixed_targets_count,
    shares_add_up,
    everything_trained_gets_a_gradient,
    training_lowers_the_loss,
    state_survives,
    recipes_are_data,
    options_are_described,
    its_card_is_whole,
    the_rest_stays_frozen,
)
