"""Edited plugins: a finished run asks what is meant, an unused --weights is refused, rows stay apart."""

import json
import textwrap

import pytest
from conftest import TOY

from dferbench.errors import ConfigError
from dferbench.experiment import record
from dferbench.experiment.code import _closure, _label, changed, code_of
from dferbench.experiment.plan import Request, make_plan
from dferbench.progress import Progress
from dferbench.registry.catalog import discover
from dferbench.report.leaderboard import rows
from dferbench.runner.run import run

HELPER = """
def double(x):
    return 2 * x
"""
PLUGIN = """
from torch import nn
from dferbench import Input, Method, Recipe, Stage, hookimpl
from dferbench.models import Classifier


class Net(Classifier):
    def __init__(self, task, parts, head: str = "means"):
        super().__init__()
        self.head = parts.temporal(head, 3, task.frames)
        self.out = nn.Linear(3, len(task.classes))

    def forward(self, x):
        from edited_helper import double

        return self.out(self.head(double(x.mean((-1, -2)))))


@hookimpl
def register_methods(register):
    recipe = Recipe(Input(frames=4, size=8), (Stage({".*": 0.05}, epochs=1, batch=6),))
    register(Method("edited", Net, recipe))
"""
HEADS = """
from torch import nn
from dferbench import hookimpl


class Mean(nn.Module):
    def __init__(self, dim, frames):
        super().__init__()

    def forward(self, x):
        return x.mean(1)


@hookimpl
def register_temporal_heads(register):
    register("means", Mean)
"""


@pytest.fixture
def go(tmp_path, monkeypatch, toy_root):
    """Run `edited` with a fresh import of its files, perhaps up to what it says; gives records and lines."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, text in {"edited_helper": HELPER, "edited": PLUGIN, "heads": HEADS}.items():
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))

    def start(stop_at="", **request):
        import sys

        sys.modules.pop("edited_helper", None)
        said = []

        class Telling(Progress):
            def say(self, text):
                said.append(text)
                if stop_at and stop_at in text:
                    raise KeyboardInterrupt

        catalog = discover([TOY, tmp_path / "edited.py", tmp_path / "heads.py"])
        given = {"workers": 0, "device": "cpu", "root": toy_root, "output": tmp_path / "runs", **request}
        plan = make_plan(Request("edited", "toy", **given), catalog)
        return run(plan, catalog, Telling()), said

    return start


def edit(path):
    path.write_text(path.read_text() + "\nEDITED = True\n")


@pytest.mark.parametrize("name", ["edited.py", "edited_helper.py", "heads.py"])
def test_changed_code_of_a_finished_run_is_asked_about(go, tmp_path, name):
    first = go()[0][0]
    assert set(first.code) == {"edited.py", "edited_helper.py", "heads.py"}
    again, said = go()
    assert again == [first] and "already done" in said[-1]
    edit(tmp_path / name)
    with pytest.raises(ConfigError, match=rf"code has changed since: {name}") as caught:
        go()
    assert "--changed again" in caught.value.hint and "--changed keep" in caught.value.hint
    kept, said = go(changed="keep")
    assert kept == [first] and "already done by other code" in said[-1]
    new = go(changed="again")[0][0]
    assert new.code != first.code and new.config_id == first.config_id
    assert "already done" in go()[1][-1]


def test_what_does_not_make_the_result_may_change(go, tmp_path):
    go()
    (tmp_path / "other.py").write_text("x = 1")
    (tmp_path / "card.py").write_text("CARD = {}")
    assert "already done" in go()[1][-1]


def test_an_interrupted_run_is_not_continued_by_other_code_unasked(go, tmp_path):
    go()
    (path,) = record.find(tmp_path / "runs")
    one = record.read(path)
    record.write(one.model_copy(update={"status": "interrupted"}), path.parent)
    edit(tmp_path / "edited.py")
    (path.parent / "state.pt").write_bytes(b"")
    with pytest.raises(ConfigError, match="was begun, but its code has changed"):
        go()
    assert go(changed="again")[0][0].status == "done"


def test_what_two_versions_of_the_code_made_says_so(go, tmp_path):
    """Epochs of one run, continued on request, and folds of one row, without a question."""
    go()
    (path,) = record.find(tmp_path / "runs")
    first = record.read(path)
    edit(tmp_path / "edited.py")
    second = go(folds=(2,))[0][0]
    assert first.caveats == second.caveats == () or "mixed code" not in (*first.caveats, *second.caveats)
    (row,) = rows([first, second])
    assert "mixed code" in row.caveats and "mixed code" not in rows([first])[0].caveats
    longer = {"sets": {"stage.epochs": "2"}}
    with pytest.raises(KeyboardInterrupt):
        go(stop_at="train 2/2", **longer)
    edit(tmp_path / "edited.py")
    (one,), said = go(changed="keep", **longer)
    assert "resumed after 1 epochs" in said and one.mixed_code and "mixed code" in one.caveats


def test_records_of_earlier_releases_stay_done_and_say_so(go, tmp_path):
    go()
    (path,) = record.find(tmp_path / "runs")
    old = json.loads(path.read_text())
    del old["code"], old["folds"]
    path.write_text(json.dumps(old))
    edit(tmp_path / "edited.py")
    assert "no fingerprint" in go()[1][-1]


def test_an_answer_that_there_is_not_is_refused(go):
    with pytest.raises(Exception, match="--changed"):
        go(changed="maybe")


def test_weights_that_nothing_uses_are_refused(toy_run, tmp_path):
    with pytest.raises(ConfigError, match="nothing uses --weights clip-tiny"):
        toy_run(weights={"clip-tiny": "random"})
    assert not list(record.find(tmp_path / "runs"))


def test_files_of_a_package_are_found_and_other_packages_left_out():
    catalog = discover()
    method = catalog.get("methods", "ial")
    files = code_of(method, {}, method.value.recipe, catalog)
    assert "dferbench_methods/ial/model.py" in files and "dferbench_methods/layers/resnet2d.py" in files
    assert not any("card" in name or name.startswith(("torch", "dferbench/")) for name in files)


def test_two_packages_have_two_fingerprints(tmp_path, monkeypatch):
    """Both are a file called __init__.py."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, text in {"first_one": "import second_one\n" + PLUGIN, "second_one": HEADS}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(textwrap.dedent(text))
    files = _closure(["first_one"], frozenset(["first_one"]))
    labels = {_label(module, path) for module, path in files.items()}
    assert {"first_one/__init__.py", "second_one/__init__.py"} <= labels


def test_only_what_both_sides_know_is_compared():
    assert changed({}, {"a": "1"}) == [] and changed({"a": "1"}, {}) == []
    assert changed({"a": "1", "b": "1"}, {"a": "2", "c": "1"}) == ["a", "b", "c"]


def test_two_checkpoints_are_two_rows_with_two_labels(in_process, toy_root, tmp_path):
    """Both are called checkpoint.safetensors; the second is of seed 1, and says so."""
    arguments = ("--plugin", TOY, "run", "-m", "toy-net", "-d", "toy", "--root", toy_root, "--epochs", "1")
    done = in_process(*arguments, "--seed", "0,1", "--device", "cpu", "-j", "0", "-q", check=0)
    folders = [line for line in done.stdout.splitlines() if line.startswith("runs/")]
    assert len(folders) == 2 and all((tmp_path / folder / "record.json").is_file() for folder in folders)
    assert "1 of 2" in done.stdout
    for folder in folders:
        file = tmp_path / folder / "checkpoint.safetensors"
        in_process("--plugin", TOY, "evaluate", "-c", file, "-d", "toy", "--root", toy_root, "-j", "0", "-q",
            "--device", "cpu", "--set", "input.frames=8", check=0)  # fmt: skip
    rows = json.loads(in_process("leaderboard", "--json", check=0).stdout)["rows"]
    labels = [(row["method"], row["setting"]) for row in rows]
    assert len(rows) == 3 and len(set(labels)) == 3
    tested = [row for row in rows if "checkpoint" in row["setting"]]
    assert sorted(row["seeds"] for row in tested) == [[0], [1]]
    assert {word for row in tested for word in row["setting"].split() if word.startswith("seed=")} == {
        "seed=0",
        "seed=1",
    }
    for row in rows:
        assert row["folders"] and all((tmp_path / f / "record.json").is_file() for f in row["folders"])
    shown = in_process("leaderboard", "--folders", check=0).stdout
    assert all(folder in shown for row in rows for folder in row["folders"])


def test_bench_asks_too_and_names_the_row(in_process, toy_root, tmp_path):
    plugin = tmp_path / "toy.py"
    plugin.write_text(TOY.read_text())
    suite = tmp_path / "suite.toml"
    suite.write_text('title = "T"\n[[rows]]\nlabel = "one"\nmethod = "toy-net"\n')
    words = ["--plugin", plugin, "bench", suite, "-d", "toy", "--root", toy_root, "--epochs", "1"]
    words += ["--device", "cpu", "-j", "0", "-q"]
    in_process(*words, check=0)
    edit(plugin)
    done = in_process(*words, check=3)
    assert "row 1 of suite (one)" in done.stderr and "toy.py" in done.stderr and "--changed" in done.stderr
    (path,) = record.find(tmp_path / "runs")
    before = path.read_bytes()
    in_process(*words, "--changed", "keep", check=0)
    assert path.read_bytes() == before
    in_process(*words, "--changed", "again", check=0)
    assert path.read_bytes() != before
    unused = in_process(*words, "--weights", "clip-tiny=random", check=3)
    assert "nothing uses --weights clip-tiny: no row" in unused.stderr
