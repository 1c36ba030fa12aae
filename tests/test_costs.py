"""Costs: what the packages keep is what the models have, counting is right, and profile measures."""

import json

import pytest
import torch
from conftest import TOY
from inputs import build, make_sampler
from torch import nn

from dferbench.cli.profile import _count, subject_of
from dferbench.errors import ConfigError
from dferbench.models import Classifier
from dferbench.profiling import costs
from dferbench.profiling.costs import Cost, short
from dferbench.profiling.macs import count
from dferbench.registry.catalog import Entry, discover
from dferbench.types import Input, Method, Recipe, Stage, Task

CATALOG = discover()


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CATALOG.entries["methods"]))
def test_kept_costs_are_those_of_the_models(name):
    kept = costs.kept(CATALOG.get("methods", name).origin, name)
    assert kept is not None, f"count it: dferbench profile {name} --write"
    assert kept == _count(subject_of(name, {}, costs.CLASSES, CATALOG), CATALOG)


class Counted(Classifier):
    """Layers whose MACs are known: a convolution, attention, an LSTM and a linear layer."""

    def __init__(self, task, parts, look: bool = False):
        super().__init__()
        if look:  # tokens of texts are looked at like this while prompts are built
            assert int(torch.arange(5).max()) == 4
        self.conv = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.attention = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.lstm = nn.LSTM(8, 8, batch_first=True)
        self.head = nn.Linear(8, len(task.classes))

    def encode(self, video):
        return self.conv(video.flatten(0, 1)).mean((-1, -2)).unflatten(0, video.shape[:2])

    def forward(self, x):
        return self.head(self.lstm(self.attention(x))[0][:, -1])


@pytest.mark.parametrize("look", [False, True])
def test_every_product_is_counted_once(look):
    catalog = discover()
    stages = (Stage({r"head\..*": 0.1}, 1), Stage({r"lstm\..*": 0.1}, 1))
    recipe = Recipe(Input(frames=4, size=6), stages)
    catalog.add("methods", Entry("counted", Method("counted", Counted, recipe), "a test"))
    found = count(
        catalog.get("methods", "counted"), Task("t", tuple("abc"), 4, 6), {"look": look}, recipe, catalog
    )
    conv = 4 * 6 * 6 * 8 * 3 * 9
    attention = 4 * (8 * 24 + 8 * 8 + 2 * 8 * 16) + 2 * (4 * 4 * 8)
    lstm = 4 * (8 * 32 + 8 * 32)
    assert found.macs == conv + attention + lstm + 8 * 3
    model = Counted(Task("t", tuple("abc"), 4, 6), None)
    assert found.parameters == sum(p.numel() for p in model.parameters())
    trained = [*model.head.parameters(), *model.lstm.parameters()]
    assert found.trained == sum(p.numel() for p in trained)
    assert (found.frames, found.size) == (4, 6)
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.parametrize(
    ("number", "text"),
    [(7, "7"), (999, "999"), (1000, "1.00 k"), (3591, "3.59 k"), (999_600, "1.00 M"), (151_277_313, "151 M"),
     (70_540_987_904, "70.5 G"), (99_960_000_000, "100 G"), (9_999_000, "10.0 M")],
)  # fmt: skip
def test_counts_are_said_in_three_digits(number, text):
    assert short(number) == text


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An importable plugin package in a folder of its own, as an origin."""
    (tmp_path / "keeps").mkdir()
    (tmp_path / "keeps" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    __import__("keeps")
    yield "keeps (a test 1.0)"
    import sys

    del sys.modules["keeps"]
    costs._read.cache_clear()


def test_costs_are_kept_beside_those_of_others(package, tmp_path):
    one, two = Cost(1, 2, 3, 4, 5), Cost(6, 7, 8, 9, 10)
    assert costs.kept(package, "one") is None
    assert costs.keep(package, {"one": one}) == tmp_path / "keeps" / "costs.toml"
    costs.keep(package, {"two": two})
    assert (costs.kept(package, "one"), costs.kept(package, "two")) == (one, two)


def test_a_damaged_file_is_said(package, tmp_path):
    (tmp_path / "keeps" / "costs.toml").write_text("[one]\nparameters = 1")
    with pytest.raises(ConfigError, match=r"costs\.toml"):
        costs.kept(package, "one")


def test_a_plugin_that_is_a_file_keeps_none(in_process):
    done = in_process("--plugin", TOY, "profile", "toy-net", "--write", check=3)
    assert "not a package" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["toy-nte"], "toy-net"),
        (["toy-net", "--set", "widht=3"], "width"),
        (["toy-net", "--write", "--classes", "5"], "--write"),
        (["toy-net", "--device", "cuda:99"], "no device"),
        (["toy-net", "--set", "input.sample=sgements"], "segments"),
    ],
)
def test_mistakes_are_two_lines(in_process, arguments, message):
    done = in_process("--plugin", TOY, "profile", *arguments, check=3)
    assert message in done.stderr and done.stdout == ""


def test_profile_measures_what_runs(in_process):
    words = [
        "--plugin",
        TOY,
        "profile",
        "toy-net",
        "toy-frozen",
        "--set",
        "width=6",
        "--device",
        "cpu",
        "--steps",
        "2",
    ]
    facts = json.loads(in_process(*words, "--json", check=0).stdout)
    assert facts["classes"] == 7 and facts["machine"]["threads"] >= 1 and "cpu" in facts["machine"]["device"]
    net, frozen = facts["profiles"]
    assert net["given"] == {"width": "6"} and net["options"] == {"width": 6}
    for one in (net, frozen):
        assert one["parameters"] == 3 * 6 * 27 + 6 + 18 * 7 + 7 and one["batch"] == 2
        assert one["train"] > 0 and one["test"] > 0 and "approximate" in one["memory_is"]
        assert one["macs"] == 3 * 5 * 5 * 6 * 81 + 18 * 7
    assert net["trained"] == net["parameters"] and frozen["trained"] == 18 * 7 + 7
    text = in_process(*words, check=0).stdout
    assert "8 x 12" in text and "MACs of every convolution" in text and "approximate" in text


def test_counting_alone_measures_nothing(in_process):
    text = in_process("--plugin", TOY, "profile", "toy-net", "--count", check=0).stdout
    assert "419" in text and "videos/s" not in text and "Measured" not in text


def test_remembered_features_are_not_timed():
    from dferbench.profiling.throughput import remembers

    net = discover([TOY]).get("methods", "toy-frozen").value
    model = net.build(Task("t", ("a", "b"), 8, 12), None)
    assert remembers(model, build(net.recipe.input)) and not make_sampler(net.recipe.input.sample).random
    assert not remembers(model, build(Input(8, 12)))
    assert not remembers(model, build(Input(8, 12, "uniform(random=false)", augment="flip")))
    assert remembers(model, build(Input(8, 12, draws=2)))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_memory_on_a_gpu_is_the_allocators(in_process):
    facts = json.loads(in_process("--plugin", TOY, "profile", "toy-net", "--device", "cuda", "--json").stdout)
    (one,) = facts["profiles"]
    assert one["memory_bytes"] > 16 * 8 * 3 * 12 * 12 * 4 and one["memory_is"].startswith("peak allocated")
