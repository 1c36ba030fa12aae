"""Each kind that a plugin brings has a contract: what keeps it passes, and who breaks a rule is caught."""

import dataclasses
import random
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from dferbench import ConfigError, Dataset, Face, Observer, Video
from dferbench.cli import _run
from dferbench.data import Mirror
from dferbench.models import Fixed
from dferbench.registry.catalog import Entry, discover
from dferbench.registry.kinds import KINDS, kind_of
from dferbench.testing import assert_contract, assert_plugin, check_part, small_tower
from dferbench.testing.check import PARTS, check_commands
from dferbench.testing.outcome import causes

CATALOG = discover()
HEAVY = {"clip-vit-b32", "clip-vit-b16", "farl-vit-b16", "clip"}
"""Backbones of real size, which take seconds each."""


def test_every_kind_has_a_contract():
    assert {*PARTS, "methods", "datasets"} == set(KINDS)


LIGHT = [
    (kind, name)
    for kind in PARTS
    for name, entry in CATALOG.entries[kind].items()
    if name not in HEAVY and kind != "prompts" and entry.origin.startswith("dferbench")
]


@pytest.mark.heavy
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=[pytest.mark.slow] * (kind in ("backbones", "augmentations")))
        for kind in PARTS
        if kind != "prompts"
    ],
)
def test_what_comes_with_dferbench_keeps_its_contract(kind, tmp_path, monkeypatch):
    """Or asks for an option, a file or a package that nobody gave; nothing is left where it was called."""
    monkeypatch.chdir(tmp_path)
    for name in [name for one, name in LIGHT if one == kind]:
        broken = [one for one in causes(check_part(kind, name, CATALOG)) if not one.needs]
        assert not broken, (name, broken)
    assert list(tmp_path.iterdir()) == []


def test_the_prompts_keep_theirs():
    assert_contract("prompt/fixed", CATALOG)


def test_options_make_whole_what_needs_one():
    assert_contract("schedule/every", CATALOG, period=2)
    assert_contract("optimizer/timm", CATALOG, name="lamb")
    with pytest.raises(AssertionError, match="missing a required argument: 'period'"):
        assert_contract("schedule/every", CATALOG)


def broken(kind, build, **facts):
    """The rules that a thing breaks, with the reasons, but for what follows from another one."""
    catalog = discover()
    catalog.add(kind, Entry("mine", build, "mine.py", {"about": "mine", **facts}))
    return [one.rule + one.reason for one in causes(check_part(kind, "mine", catalog))]


def only(kind, build, words, **facts):
    """It breaks one rule, in these words: one cause is told once."""
    found = broken(kind, build, **facts)
    assert len(found) == 1 and words in found[0], found


def head(forward, **parts):
    """A head whose `forward` it is."""

    def build(dim, frames):
        made = nn.Module()
        for name, make in parts.items():
            setattr(made, name, make(dim, frames))
        made.forward = lambda x: forward(made, x)
        return made

    return build


LINEAR = {"linear": lambda dim, frames: nn.Linear(dim, dim)}


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda dim, frames: 3, "a int, not a torch module"),
        (head(lambda self, x: x.mean(2)), "gave (1, 8), not (1, 32)"),
        (head(lambda self, x: x.mean(1) / 0), "not finite"),
        (head(lambda self, x: x.mean(1).squeeze()), "gave (32,), not (1, 32)"),
        (head(lambda self, x: x.mean(1) - x.mean((0, 1))), "features move by"),
        (head(lambda self, x: x.mean(1) + torch.rand(())), "the second time"),
        (head(lambda self, x: x.mul_(2).mean(1)), "writes into its input"),
        (head(lambda self, x: x.detach().mean(1)), "no gradient flows"),
        (head(lambda self, x: x.mean(1), **LINEAR), "'linear.weight' gets no gradient"),
        (
            head(lambda self, x: x.mean(1) * self.drawn, drawn=lambda d, f: torch.rand(())),
            "the state dict lacks",
        ),
    ],
)
def test_heads(build, words):
    found = broken("temporal_heads", build)
    assert any(words in one for one in found), found


def test_what_cannot_be_built_breaks_one_rule_and_says_where():
    def build(dim, frames):
        raise KeyError("width")

    only("temporal_heads", build, "KeyError: 'width' (test_check_kinds.py, line")


class Grey(nn.Module):
    dim = 5

    def forward(self, x):
        return x.mean((1, 2, 3))[:, None].expand(-1, 5)


class Dark(Grey):
    def forward(self, x):
        return torch.zeros(len(x), 5)


class Wide(Grey):
    dim = "5"


@pytest.mark.parametrize(
    ("build", "facts", "words"),
    [
        (lambda weights: Grey(), {}, "without size="),
        (lambda weights: Dark(), {"size": 8}, "two different images give the same feature"),
        (lambda weights: Wide(), {"size": 8}, ".dim must be a whole number from 1 on, got '5'"),
        (lambda weights: Grey(), {"size": 0}, "must be a number of pixels"),
    ],
)
def test_backbones(build, facts, words):
    only("backbones", build, words, **facts)
    assert not broken("backbones", lambda weights: Grey(), size=8)


def test_prompts():
    def deaf(tower, texts):
        return Fixed(tower, ["a face"] * len(texts))

    def owning(tower, texts):
        made = Fixed(tower, list(texts))
        made.mine = tower
        return made

    assert any("two different texts give the same feature" in one for one in broken("prompts", deaf))
    assert any("the backbone is a submodule of it" in one for one in broken("prompts", owning))
    assert small_tower().dim > 0


def frames_of(read):
    return lambda: read


def constant(path, choose):
    if not Path(path).is_file() or Path(path).stat().st_size < 100:
        raise ConfigError("no")
    wanted = choose(3) if callable(choose) else choose
    return np.stack([np.full((8, 8, 3), number, np.uint8) for number in wanted])


def shuffled(path, choose):
    found = constant(path, choose)
    return found[np.argsort(found[:, 0, 0, 0])]


def lenient(path, choose):
    wanted = choose(3) if callable(choose) else choose
    return np.stack([np.full((8, 8, 3), number % 3, np.uint8) for number in wanted])


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (shuffled, "are not those of the whole video"),
        (lenient, "for a missing file it gives 1 frames"),
        (lambda path, choose: np.zeros((1, 8, 8)), "something else than frames of uint8 RGB"),
        (lambda path, choose: constant(path, choose).astype(float), "it reads no MP4"),
    ],
)
def test_decoders(read, words):
    found = broken("decoders", frames_of(read))
    assert any(words in one for one in found), found


@pytest.mark.parametrize(
    ("find", "words"),
    [
        (lambda frame, video, number: (0, 0, 1, 1), "gave a int, not a dferbench.Face"),
        (lambda frame, video, number: Face((5, 5, 5, 9)), "is empty or not finite"),
        (lambda frame, video, number: Face((0, 0, float("nan"), 9)), "is empty or not finite"),
        (
            lambda frame, video, number: Face((0, 0, random.random() + 1, 9)),
            "something else of the same frame",
        ),
        (lambda frame, video, number: frame.fill(0), "writes into the frame"),
        (lambda frame, video, number: frame[200, 200] and None, "IndexError"),
    ],
)
def test_face_finders(find, words):
    found = broken("face_finders", lambda: find)
    assert any(words in one for one in found), found


def perfect(counts):
    return 100.0 if counts.correct == counts.total else 50.0


@pytest.mark.parametrize(
    ("function", "facts", "words"),
    [
        (lambda counts: 130.0, {}, "gives 130, outside [0, 100]"),
        (lambda counts: "high", {}, "gives 'high', neither a number nor None"),
        (lambda counts: None, {}, "no finite number for any counts"),
        (lambda counts: 100.0 - perfect(counts), {}, "higher is said to be better"),
        (perfect, {"higher_is_better": False}, "lower is said to be better"),
        (lambda counts: 50.0 + random.random(), {}, "for the same counts"),
        (lambda counts: counts.confusion[0].reverse() or perfect(counts), {}, "writes into the confusion"),
        (perfect, {"hihg": 3}, "registered with 'hihg'"),
        (perfect, {"about": " "}, "about is empty"),
    ],
)
def test_metrics(function, facts, words):
    found = broken("metrics", function, **facts)
    assert any(words in one for one in found), found
    assert not broken("metrics", perfect)


def sampler(choose, random=False, shuffle=False):
    class Sampler:
        def __call__(self, count, frames, rng):
            return choose(count, frames, rng)

    Sampler.random, Sampler.shuffle = random, shuffle
    return Sampler


def first(count, frames, rng):
    return np.arange(frames) % count


def anywhere(count, frames, rng):
    return np.random.randint(0, count, frames)  # what a plugin may do wrong


def drawn(count, frames, rng):
    return first(count, frames, rng) if rng is None else rng.integers(0, count, frames)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (sampler(lambda count, frames, rng: np.arange(frames)), "whole numbers from 0"),
        (sampler(first, random="no"), "random must be true or false, got 'no'"),
        (sampler(anywhere), "16 frames of 2"),
        (sampler(drawn), "random is false, and training draws frames"),
        (lambda: len, "without random or shuffle, or that cannot be called"),
    ],
)
def test_samplers(build, words):
    found = broken("samplers", build)
    text = " ".join(found) if words != "whole numbers from 0" else " ".join(found).replace("chose", words)
    assert found and words in text, found
    assert not broken("samplers", sampler(drawn, random=True))


def op(draw):
    made = type("Op", (), {"draw": lambda self, width, height, size, rng: draw(rng)})
    return made


@dataclasses.dataclass
class Halves:
    """A change that another process can get; what it returns is wrong in form."""

    def __call__(self, frames):
        return frames[:, :, ::2]


@dataclasses.dataclass
class Blackens:
    def __call__(self, frames):
        return frames.zero_()


def mixing(mix, relabels):
    return type("Mix", (), {"mix": lambda self, *given: mix(*given), "relabels": relabels})


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: 3, "can neither draw nor mix"),
        (op(lambda rng: Halves()), "(3, 3, 20, 32) of uint8 (3, 3, 40, 32)"),
        (op(lambda rng: Blackens()), "writes into the frames"),
        (op(lambda rng: Mirror() if random.random() < 0.8 else None), "drawn from elsewhere"),
        (op(lambda rng: lambda frames: frames), "pickle"),
        (mixing(lambda videos, target, rng: (videos, target * 2), True), "shares that sum to 1"),
        (mixing(lambda videos, target, rng: (videos, target.flip(0)), False), "relabels is false"),
        (mixing(lambda videos, target, rng: (videos.mul_(2), target), True), "writes into the batch"),
        (mixing(lambda videos, target, rng: (videos[:2], target), True), "the batch became"),
    ],
)
def test_augmentations(build, words):
    found = broken("augmentations", build)
    assert any(words in one for one in found), found


def optimizer(**changes):
    return lambda groups, weight_decay: type("Mine", (torch.optim.SGD,), changes)(groups, lr=0.1)


def stubborn(self, closure=None):
    for group in self.param_groups:
        for one in group["params"]:
            one.data -= 0.05 * one.grad


def backwards(self, closure=None):
    for group in self.param_groups:
        for one in group["params"]:
            one.data += group["lr"] * one.grad


def wearing(self, closure=None):
    self.steps = getattr(self, "steps", 0) + 1
    for group in self.param_groups:
        for one in group["params"]:
            one.data -= group["lr"] / self.steps * one.grad


def nameless(groups, weight_decay):
    return torch.optim.SGD([one for group in groups for one in group["params"]], lr=0.1)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (optimizer(step=stubborn), "moved at a learning rate of 0"),
        (optimizer(step=backwards), "within forty steps"),
        (optimizer(step=wearing), "after resuming"),
        (nameless, "lost its 'names'"),
        (lambda groups, weight_decay: torch.optim.SGD(groups[:1], lr=0.1), "parameters are missing"),
    ],
)
def test_optimizers(build, words):
    found = broken("optimizers", build)
    assert any(words in one for one in found), found
    assert not broken("optimizers", optimizer())


def counting(epochs, steps):
    calls = []
    return lambda full, epoch, step: calls.append(step) or full / len(calls)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (counting, "when resumed"),
        (lambda epochs, steps: lambda full, epoch, step: -full, "it gives -0.1"),
        (lambda epochs, steps: lambda full, epoch, step: full / (epochs - 1), "ZeroDivisionError"),
        (lambda epochs, steps: lambda full, epoch, step: full * torch.rand(()), "it gives tensor"),
        (lambda epochs, steps: 0.1, "a float that cannot be called"),
    ],
)
def test_schedules(build, words):
    found = broken("schedules", build)
    assert any(words in one for one in found), found
    assert not broken("schedules", lambda epochs, steps: lambda full, epoch, step: full / (1 + epoch))


class Forgets(Observer):
    def run_started(self, record, folder, epochs, step):
        if epochs:
            raise RuntimeError("this one was begun already")


class Meddles(Observer):
    def run_started(self, record, folder, epochs, step):
        record.options["width"] = 7


class Tidies(Observer):
    def checkpoint_saved(self, path):
        path.unlink()


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (object, "it has no run_started()"),
        (Forgets, "this one was begun already"),
        (Meddles, "it changes the record"),
        (Tidies, "of the run"),
    ],
)
def test_trackers(build, words):
    found = broken("trackers", build)
    assert any(words in one for one in found), found
    assert not broken("trackers", type("Quiet", (Observer,), {}))


class Writes:
    def __call__(self, study):
        return None

    def preview(self, study):
        (study.output / "job.sh").write_text("sbatch")
        return "sbatch"


class Mute(Writes):
    def preview(self, study):
        return 3


@pytest.mark.parametrize(
    ("build", "words"),
    [(lambda: 3, "cannot be called"), (Writes, "preview wrote job.sh"), (Mute, "not a text")],
)
def test_launchers(build, words):
    only("launchers", build, words)


class Shades(Dataset):
    classes = ("dark", "light")
    about = "two shades"
    where = "Tests make it."
    listed: ClassVar = {"train": [("a", 0), ("b", 1)], "test": [("c", 0)]}

    def videos(self, root, fold, split):
        return [Video(name, str(Path(root) / name), label) for name, label in self.listed[split]]


def shades(**changes):
    return type("Shades", (Shades,), changes)


def listing(train, test=(("c", 0),)):
    return {"listed": {"train": list(train), "test": list(test)}}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"classes": ("dark", "dark")}, "the class 'dark' occurs twice"),
        ({"classes": ("dark",)}, "has 1 classes"),
        ({"folds": ("one",)}, "whole numbers from 0 on, got ('one',)"),
        ({"about": ""}, "about is empty"),
        (listing([]), "fold 1 has no videos in train"),
        (listing([("a", 0), ("b", 2)]), "label of 'b' is 2, not 0 to 1"),
        (listing([("a", 0), ("b", 0)]), "no training video shows 'light'"),
        (listing([("a", 0), ("b", 1)], [("a", 0)]), "the id 'a' occurs twice in fold 1"),
        (listing([("a", 0), ("d", 1)]), "1 of train, fold 1, are not below"),
    ],
)
def test_datasets(tmp_path, changes, words):
    for name in "abc":
        (tmp_path / name).write_text("a video")
    globals()["Mine"] = made = shades(**changes)  # where pickle finds it
    made.__qualname__ = "Mine"
    catalog = discover()
    catalog.add("datasets", Entry("mine", made, "mine.py"))
    found = [one.rule + one.reason for one in causes(check_part("datasets", "mine", catalog, root=tmp_path))]
    assert any(words in one for one in found), found
    assert not causes(check_part("datasets", "mine", _with(Shades), root=tmp_path))


def _with(dataset):
    catalog = discover()
    catalog.add("datasets", Entry("mine", dataset, "mine.py"))
    return catalog


def test_commands():
    def empty(app):
        pass

    def mute(app):
        @app.command()
        def cite(name: str = "x"):
            pass

    def grows(app, calls=[]):  # noqa: B006 - that is what is wrong with it
        calls.append(1)

        @app.command(f"cite{len(calls)}")
        def cite():
            """Print how to cite."""

    catalog = discover()
    for add, words in ((empty, "adds no command"), (mute, "no docstring"), (grows, "it adds cite")):
        catalog.commands = [("mine.py", add)]
        found = [one.reason for one in causes(check_commands(catalog, "mine.py"))]
        assert len(found) == 1 and words in found[0], found


TWO = """
from dferbench import hookimpl


def worst(counts):
    return min(100 * row[k] / sum(row) for k, row in enumerate(counts.confusion) if sum(row))


def over(counts):
    return 101


def build(epochs, steps):
    raise RuntimeError("not today")


@hookimpl
def register_metrics(register):
    register("worst", worst, about="the worst recall")
    register("over", over, about="too much")


@hookimpl
def register_schedules(register):
    register("idle", build, about="nothing")
"""


@pytest.fixture
def told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(TWO)

    def go(*words):
        capsys.readouterr()
        return _run([str(word) for word in words]), *capsys.readouterr()

    return go


def test_the_command_checks_all_that_a_file_registers(told):
    code, out, err = told("check", "--plugin", "mine.py")
    bad = [line for line in out.splitlines() if line.startswith("BAD")]
    assert code == 3 and err.startswith("error: 2 rules are broken")
    assert len(bad) == 2 and all("(mine.py)" in line for line in bad), bad
    assert "metric/over" in bad[0] and "gives 101, outside [0, 100]" in bad[0]
    assert "schedule/idle" in bad[1] and "RuntimeError: not today (mine.py, line 14)" in bad[1]
    assert "ok  metric/worst (mine.py)" in out and "uar" not in out


def test_one_thing_is_named_by_its_kind(told):
    for text in ("metric/worst", "metrics/worst", "worst"):
        code, out, _ = told("check", text, "--plugin", "mine.py")
        assert code == 0 and "ok  metric/worst" in out and "over" not in out
    assert kind_of("head") == kind_of("temporal-heads") == kind_of("Temporal Head") == "temporal_heads"
    code, _, err = told("check", "metrik/worst", "--plugin", "mine.py")
    assert code == 3 and "no kind named 'metrik'" in err and "metrics" in err
    code, _, err = told("check", "metric/wrost", "--plugin", "mine.py")
    assert code == 3 and "worst" in err


def test_what_needs_something_is_no_fault_until_it_is_asked_for(told):
    code, out, _ = told("check", "schedule/every")
    assert code == 3 and "BAD schedule/every" in out
    assert told("check", "schedule/every", "--set", "period=2")[0] == 0


def test_a_plugin_checks_itself_by_its_module_or_its_file(told, tmp_path):
    with pytest.raises(AssertionError, match="metrics/over breaks the contract"):
        assert_plugin(tmp_path / "mine.py")
    (tmp_path / "broken.py").write_text("import nothing_like_this\n")
    with pytest.raises(ConfigError, match="nothing_like_this"):
        assert_plugin(tmp_path / "broken.py")


def test_a_file_that_is_given_twice_is_loaded_once(tmp_path):
    (tmp_path / "mine.py").write_text(TWO)
    (tmp_path / "link.py").symlink_to(tmp_path / "mine.py")
    catalog = discover([tmp_path / "mine.py", tmp_path / "link.py"])
    assert not catalog.contested and not catalog.broken
    assert catalog.brought_by(tmp_path / "link.py") == catalog.brought_by(tmp_path / "mine.py") != []
