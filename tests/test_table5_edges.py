"""Every method of table 5 where public code fails: one video, short videos, other classes, files; recipes."""

import dataclasses
import re
import tomllib
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import SUITES_FOLDER
from inputs import make_ops, make_sampler
from stages import learning_rates, make_optimizer

from dferbench import Task, cards
from dferbench.errors import ConfigError, DataError
from dferbench.experiment.plan import input_size
from dferbench.models import Batch
from dferbench.models.parts import Parts
from dferbench.registry.catalog import discover
from dferbench.registry.options import options_of, resolve
from dferbench.types import Input, Stage

pytestmark = pytest.mark.slow

CATALOG = discover()
SUITE = SUITES_FOLDER / "table5.toml"
NAMES = tuple(
    row["method"] for row in tomllib.loads(SUITE.read_text())["rows"] if row["method"] != "dfer-clip"
)
SEVEN = ("happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear")
ELEVEN = (*SEVEN, "contempt", "anxiety", "helplessness", "disappointment")
ODD = ("happily disgusted", "Überraschung", "class 3", "neutral?")
SIDES = {"c3d": 48, "r3d18": 48, "r2plus1d18": 48, "i3d": 0, "cliper": 0}
"""Of those that cannot be trained at 32 pixels; 0 is the side that `synthetic` has."""
STARTED = [name for name in NAMES if "weights" in options_of(CATALOG.get("methods", name).value).model_fields]


def method(name):
    return CATALOG.get("methods", name).value


class Small:
    """A method as `synthetic` has it, with frames as small as it takes."""

    def __init__(self, name):
        self.method = method(name)
        recipe = self.method.recipe_for["synthetic"]
        known = options_of(self.method).model_fields
        tiny = {"width": 4} if name == "dpcnet" else {"width": 8} if "width" in known else {}
        tiny |= {"backbone": "clip-tiny"} if "backbone" in known else {}
        self.given = {**self.method.options_for.get("synthetic", {}), **tiny}
        self.options = resolve(self.method, self.given)
        self.size = SIDES.get(name, 32) or input_size(recipe, self.options, CATALOG)
        self.recipe = replace(recipe, input=replace(recipe.input, size=self.size))
        self.frames = recipe.input.frames

    def build(self, classes=SEVEN, **given):
        torch.manual_seed(0)
        task = Task("toy", tuple(classes), self.frames, self.size)
        return self.method.make(task, Parts(CATALOG), **{**self.options, **given})

    def videos(self, count):
        shape = (count, self.frames, 3, self.size, self.size)
        return torch.rand(shape, generator=torch.Generator().manual_seed(1))

    def batch(self, model, stage, count, classes):
        with torch.no_grad():
            x = model.eval().encode(self.videos(count))
        return Batch(x, torch.arange(count) % classes, [{}] * count, stage.name, 0.5)


def require_a_step(small, model, count, classes):
    """One step of every stage is finite, for all that it trains."""
    for stage in small.recipe.stages:
        optimizer = make_optimizer(model, stage)
        terms = model.train().loss(small.batch(model, stage, count, classes))
        sum(terms.values()).backward()
        assert all(torch.isfinite(term) for term in terms.values()), terms
        trained = [p for group in optimizer.param_groups for p in group["params"]]
        assert trained and all(torch.isfinite(p.grad).all() for p in trained if p.grad is not None)
        optimizer.step()


class TestBatches:
    @pytest.mark.parametrize("name", NAMES)
    def test_one_video_and_a_single_class_train_and_are_told_alike_after(self, name):
        small = Small(name)
        model = small.build()
        require_a_step(small, model, 1, 7)
        require_a_step(small, model, 3, 1)
        videos = small.videos(3)
        with torch.no_grad():
            together = model.eval()(model.encode(videos))
            alone = model(model.encode(videos[2:]))
            again = model(model.encode(videos))
        assert torch.isfinite(together).all() and torch.equal(together, again)
        torch.testing.assert_close(together[2:], alone, atol=1e-3, rtol=1e-3)


class TestClasses:
    @pytest.mark.parametrize("name", NAMES)
    def test_one_and_eleven_train(self, name):
        small = Small(name)
        require_a_step(small, small.build(("neutral",)), 2, 1)
        model = small.build(ELEVEN)
        require_a_step(small, model, 2, 11)
        assert model.eval()(model.encode(small.videos(1))).shape == (1, 11)

    @pytest.mark.parametrize("name", NAMES)
    def test_names_that_mean_nothing_work_or_are_declined_in_words(self, name):
        small = Small(name)
        if name in ("nr-dfernet", "aen"):
            with pytest.raises(ConfigError, match="happily disgusted") as refused:
                small.build(ODD)
            assert refused.value.hint
            return
        model = small.build(ODD)
        assert model.eval()(model.encode(small.videos(1))).shape == (1, 4)


class TestShortVideos:
    @pytest.mark.parametrize("name", NAMES)
    def test_any_video_gives_its_frames_and_tests_draw_nothing(self, name):
        recipes = {"any": method(name).recipe, **method(name).recipe_for}
        for input in {recipe.input for recipe in recipes.values()}:
            sampler = make_sampler(input.sample)
            for count in (*range(1, 20), 47, 400):
                chosen = sampler(count, input.frames, None)
                assert chosen.shape == (input.frames,) and 0 <= chosen.min() <= chosen.max() < count
                assert np.array_equal(chosen, sampler(count, input.frames, None))
                drawn = sampler(count, input.frames, np.random.default_rng(count))
                assert drawn.shape == (input.frames,) and 0 <= drawn.min() <= drawn.max() < count


class TestFiles:
    @pytest.mark.parametrize("name", STARTED)
    def test_wrong_files_are_refused_in_words(self, tmp_path, name):
        small = Small(name)
        (tmp_path / "page.pth").write_text("<html>not found</html>")
        torch.save({"conv1.weight": torch.rand(2)}, tmp_path / "other.pth")
        torch.save({"epoch": 3}, tmp_path / "epoch.pth")
        for file, words in (
            (str(tmp_path / "none.pth"), "there is no file"),
            ("~nobody-of-that-name/none.pth", "there is no file"),
            (str(tmp_path), str(tmp_path)),
            (str(tmp_path / "page.pth"), "not a file of tensors"),
            (str(tmp_path / "epoch.pth"), "holds no state dict"),
            (str(tmp_path / "other.pth"), "other.pth"),
        ):
            with pytest.raises(DataError) as refused:
                small.build(weights=file)
            assert words in refused.value.message, refused.value.message

    def test_all_but_cliper_take_one(self):
        assert set(NAMES) - set(STARTED) == {"cliper"}


# ---- recipes -----------------------------------------------------------------------------------------------

SGD, ADAM = "sgd(momentum=0.9)", "adam"
FORMER = (SGD, 0.01, 100, 32, "every(40)", 1e-4, True)
LI = (SGD, 1e-3, 100, 32, "every(7, gamma=0.5)", 0.1, True)
DFEW_CODE = (ADAM, 1e-3, 500, 32, "constant", 0.0, False)
DFEW_SCRIPT = (ADAM, 1e-3, 200, 128, "constant", 0.0, False)
BY_STEP = "cosine-under-rise(warmup=20, floor=5e-6, by=step, lag=1)"
STAGES = {
    ("c3d", ""): (SGD, 3e-3, *FORMER[2:]),
    ("c3d", "dfew"): DFEW_CODE,
    ("c3d", "mafw"): (SGD, 1e-4, 100, 8, "steps(40, 80, gamma=0.2)", 1e-4, False),
    ("p3d", ""): FORMER,
    ("p3d", "dfew"): DFEW_CODE,
    ("i3d", ""): FORMER,
    ("i3d", "dfew"): DFEW_CODE,
    ("r3d18", ""): FORMER,
    ("r3d18", "dfew"): FORMER,
    ("r2plus1d18", ""): FORMER,
    ("r2plus1d18", "dfew"): DFEW_SCRIPT,
    ("resnet18-lstm", ""): FORMER,
    ("resnet18-lstm", "mafw"): (ADAM, 1e-4, 100, 16, "steps(40, 80, gamma=0.2)", 1e-4, True),
    ("resnet18-vit", ""): FORMER,
    ("ec-stfl", ""): (SGD, 0.01, 100, 24, "every(40)", 1e-4, True),
    ("former-dfer", ""): FORMER,
    ("former-dfer", "afew"): (SGD, 1e-3, 20, 32, "every(40)", 1e-4, False),
    ("nr-dfernet", ""): LI,
    ("dpcnet", ""): (SGD, 0.01, 100, 32, "steps(60, 80)", 1e-4, True),
    ("t-esfl", ""): (ADAM, 1e-4, 160, 8, "steps(80, 120, gamma=0.2)", 1e-4, True),
    ("est", ""): (ADAM, 1e-4, 160, 8, "cosine-times-rise(warmup=10)", 1e-4, True),
    ("logo-former", ""): FORMER,
    ("ial", ""): (*LI[:3], 40, *LI[4:]),
    ("m3dfel", ""): ("adamw", 5e-4, 300, 256, BY_STEP, 0.05, True),
}
"""(method, dataset) -> optimizer, rate, epochs, batch, schedule, weight decay, drop_last."""
PAIRS, CROP = "segments(duration=2, short=first-frame)", "random-sized-crop | flip"
TIGHT = "random-sized-crop(scale=(0.9, 1), ratio=(0.714286, 1.4)) | flip | jitter(brightness=0.6) | rotate(4)"
MILD = "random-sized-crop(scale=(0.85, 1), ratio=(0.6, 1.6667)) | flip | jitter(brightness=0.6) | rotate(4)"
VIEWS = {
    ("c3d", ""): (16, 112, "segments", CROP),
    ("c3d", "dfew"): (16, 112, "uniform", ""),
    ("c3d", "mafw"): (16, 112, "segments", CROP),
    ("p3d", ""): (16, 160, "segments", CROP),
    ("p3d", "dfew"): (16, 160, "uniform", ""),
    ("i3d", ""): (16, 224, "segments", CROP),
    ("i3d", "dfew"): (16, 224, "uniform", ""),
    ("r3d18", ""): (16, 112, "segments", CROP),
    ("r3d18", "dfew"): (16, 112, PAIRS, CROP),
    ("r2plus1d18", ""): (16, 112, "segments", CROP),
    ("r2plus1d18", "dfew"): (16, 112, "uniform", ""),
    ("resnet18-lstm", ""): (16, 112, PAIRS, CROP),
    ("resnet18-lstm", "mafw"): (16, 224, PAIRS, CROP),
    ("resnet18-vit", ""): (16, 112, PAIRS, CROP),
    ("ec-stfl", ""): (16, 112, "uniform(random=false)", "flip"),
    ("former-dfer", ""): (16, 112, PAIRS, CROP),
    ("former-dfer", "afew"): (16, 112, PAIRS, CROP),
    ("nr-dfernet", ""): (16, 112, PAIRS, TIGHT),
    ("dpcnet", ""): (8, 112, "groups(each=2)", CROP),
    ("t-esfl", ""): (35, 224, "snippets", ""),
    ("est", ""): (35, 224, "snippets", ""),
    ("logo-former", ""): (16, 112, PAIRS, CROP),
    ("ial", ""): (16, 112, "segments(short=first-frame)", MILD),
    ("m3dfel", ""): (
        16, 112, "grid(jitter=15)",
        f"{CROP} | color-jitter(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.4)",
    ),
    ("aen", ""): (16, 112, PAIRS, f"{CROP} | rotate(5) | jitter(brightness=0.1)"),
    ("cliper", ""): (
        16, "backbone", PAIRS,
        "color-jitter(brightness=0.4, hue=0.3) | flip | random-resized-crop(scale=(0.15, 1), ratio=(0.3, "
        "3.3))",
    ),
}  # fmt: skip
"""(method, dataset) -> frames, size, sample, augment; pixels are in 0..1 but for cliper's."""


def stated(stage):
    (rate,) = stage.train.values()
    return (
        stage.optimizer, rate, stage.epochs, stage.batch, stage.schedule, stage.weight_decay, stage.drop_last
    )  # fmt: skip


def recipe_of(name, dataset):
    return method(name).recipe_for[dataset] if dataset else method(name).recipe


class TestRecipes:
    @pytest.mark.parametrize(("name", "dataset"), STAGES)
    def test_stages(self, name, dataset):
        (stage,) = recipe_of(name, dataset).stages
        assert stated(stage) == STAGES[name, dataset] and stage.clip_grad is None

    def test_stages_of_the_two_that_have_two(self):
        still, video = method("aen").recipe.stages
        assert stated(video) == (SGD, 0.01, 200, 32, "every(40)", 1e-4, True)
        assert stated(still) == (SGD, 0.01, 20, 32, "every(10)", 1e-4, True)
        text, image = method("cliper").recipe.stages
        assert stated(text) == ("adamw(eps=1e-4)", 0.01, 2, 16, "constant", 0.0, False)
        assert stated(image) == ("adamw(eps=1e-4)", 5e-6, 20, 16, "restarts(10)", 0.1, False)

    @pytest.mark.parametrize(("name", "dataset"), VIEWS)
    def test_views(self, name, dataset):
        input = recipe_of(name, dataset).input
        assert (input.frames, input.size, input.sample, input.augment) == VIEWS[name, dataset]
        assert input.normalize == ("clip" if name == "cliper" else "none")
        make_ops(input.augment)

    def test_there_are_no_others(self):
        found = {(n, d) for n in NAMES for d in ("", *method(n).recipe_for) if d != "synthetic"}
        assert found == set(VIEWS) == set(STAGES) | {("aen", ""), ("cliper", "")}

    @pytest.mark.parametrize(("name", "before", "after"), [("nr-dfernet", 6, 1), ("former-dfer", 39, 1)])
    def test_rates_fall_when_they_say(self, name, before, after):
        (stage,) = method(name).recipe.stages
        rates = learning_rates(stage)
        factor = 0.5 if name == "nr-dfernet" else 0.1
        assert rates[before] == rates[0]
        assert rates[before + after] == pytest.approx(factor * rates[0])
        assert rates[-1] == pytest.approx(rates[0] * factor ** (99 // (before + 1)))


# ---- cards -------------------------------------------------------------------------------------------------

FIDELITY = {
    "paper": {"c3d", "p3d", "i3d", "r3d18", "r2plus1d18", "ec-stfl"},
    "official-code": {"former-dfer", "nr-dfernet", "est", "ial", "m3dfel", "aen"},
    "reconstruction": {"resnet18-lstm", "resnet18-vit", "dpcnet", "t-esfl", "logo-former", "cliper"},
}


class TestCards:
    def test_fidelity(self):
        found = {word: {n for n in NAMES if cards.read(method(n).card).word == word} for word in FIDELITY}
        assert found == FIDELITY

    @pytest.mark.parametrize("name", NAMES)
    def test_what_a_card_says_to_set_can_be_set(self, name):
        card = cards.read(method(name).card)
        said = " ".join((*card.unknowns, *card.deviations, card.fidelity, card.pretraining))
        options = options_of(method(name)).model_fields
        fields = {f.name for kind in (Input, Stage) for f in dataclasses.fields(kind)} | {"duration", "short"}
        assert set(re.findall(r"\b([a-z]\w*)=", said)) <= set(options) | fields
        for what, text in re.findall(r"input\.(sample|augment)='([^']+)'", said):
            (make_sampler if what == "sample" else make_ops)(text)

    @pytest.mark.parametrize("name", NAMES)
    def test_it_says_which_recipe_a_dataset_with_numbers_has(self, name):
        card = cards.read(method(name).card)
        (row,) = (one for one in card.results if one["variant"] == "default")
        said = " ".join((*card.unknowns, *card.deviations, *card.recipe_origin, card.input)).lower()
        for dataset in ("dfew", "ferv39k", "mafw"):
            assert dataset not in row or dataset in method(name).recipe_for or dataset in said, dataset
