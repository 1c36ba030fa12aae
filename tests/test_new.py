"""`dferbench new`: what is written works at once, in a fresh environment too, and overwrites nothing."""

import ast
import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from conftest import ROOT
from surface import refused

from dferbench.cli import _run
from dferbench.registry.catalog import discover
from dferbench.templates.package import MADE, commands, package_of, write_package

CATALOG = discover()


@pytest.fixture
def told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def go(*words):
        capsys.readouterr()
        return _run([str(word) for word in words]), *capsys.readouterr()

    return go


@pytest.mark.parametrize("thing", MADE)
def test_what_is_written_is_whole(told, tmp_path, thing):
    code, out, _ = told("new", thing, "odd-one")
    folder = tmp_path / "dferbench-odd-one"
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    module = "dferbench_odd_one"
    assert code == 0 and files == {"pyproject.toml", "README.md", f"{module}.py", f"tests/test_{module}.py"}
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    assert project["project"]["entry-points"]["dferbench"] == {"odd-one": module}
    assert not refused((folder / f"{module}.py").read_text()), "a plugin imports what is public alone"
    assert not refused((folder / f"tests/test_{module}.py").read_text())
    heads = [
        node
        for node in ast.parse((folder / f"{module}.py").read_text()).body
        if "import" in ast.unparse(node)
    ]
    assert not any(
        "torch" in ast.unparse(node) for node in heads if isinstance(node, ast.Import | ast.ImportFrom)
    )
    readme = (folder / "README.md").read_text()
    said = out.split("next:\n")[1].strip().splitlines()
    assert len(said) + 1 <= 5, "from new to a ranked run are five commands at most"
    assert readme.count("dferbench ") >= len(said) and "{{" not in readme + out
    assert discover([folder / f"{module}.py"]).brought_by(folder / f"{module}.py") == [
        (MADE[thing], "odd-one")
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("uar", "the metric 'uar' of dferbench has that name already"),
        ("macro_f1", "'macro-f1'"),
        ("class", "is a keyword of Python"),
        ("none", "is a keyword of Python"),
        ("auto", "or the name of an option"),
        ("My-Metric", "must be lower-case letters"),
        ("../up", "must be lower-case letters"),
        ("a--b", "must be lower-case letters"),
        ("x" * 41, "40 characters at most"),
        ("", "begin with a letter"),
        ("3d", "begin with a letter"),
        ("<b>", "got '<b>'"),
        ("methods", "a module named dferbench_methods is installed already"),
    ],
)
def test_a_name_that_cannot_be(told, tmp_path, name, words):
    code, _, err = told("new", "metric", name)
    assert code == 3 and words in err, err
    assert len(err.strip().splitlines()) == 2 and not list(tmp_path.iterdir())


def test_what_is_there_is_never_overwritten(told, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for place in ("mine", "file", "link"):
        code, _, err = told("new", "head", "mine", "--output", place)
        assert code == 3 and f"{place} is there already" in err
    assert not list((tmp_path / "mine").iterdir()) and (tmp_path / "file").read_text() == "text"
    code, _, err = told("new", "head", "mine", "-o", "file/below")
    assert code == 1 and "cannot write file/below" in err
    assert told("new", "head", "mine", "-o", "deep/er")[0] == 0 and (tmp_path / "deep/er/README.md").is_file()
    assert not [path for path in tmp_path.rglob(".dferbench-new-*")]


def test_a_kind_that_cannot_be_made_is_told(told):
    code, _, err = told("new", "metrik", "mine")
    assert code == 3 and "kind of package" in err and "metric" in err


def test_the_templates_are_in_the_wheel():
    from hatchling.builders.wheel import WheelBuilder

    files = {one.distribution_path for one in WheelBuilder(str(ROOT)).recurse_included_files()}
    there = {
        f"dferbench/templates/files/{path.name}" for path in (ROOT / "dferbench/templates/files").iterdir()
    }
    assert there <= files and len(there) == 3 + 2 * len(MADE)


def made(tmp_path):
    """A package of each kind, below the folder."""
    for thing in MADE:
        package = package_of(thing, f"my-{thing}", CATALOG)
        write_package(package, tmp_path / package.distribution)
    return sorted(tmp_path.glob("dferbench-my-*"))


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An environment of its own, over the packages of this one, with a package of each kind installed."""
    place = tmp_path_factory.mktemp("fresh")
    folders = made(place)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place / "venv"], check=True)
    (site,) = {path.resolve() for path in (place / "venv").glob("[lL]*/**/site-packages")}
    beneath = [path for path in [str(ROOT), str(ROOT / "plugins"), *sys.path] if path and Path(path).is_dir()]
    (site / "beneath.pth").write_text("\n".join(beneath))
    python = place / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    words = ["-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [sys.executable, *words, "--target", site, *folders], capture_output=True, text=True, cwd=place
    )
    assert done.returncode == 0, done.stderr
    return python, folders


@pytest.mark.heavy
def test_each_passes_its_tests_in_a_fresh_environment(environment, tmp_path):
    python, folders = environment
    tests = [folder / "tests" for folder in folders]
    words = [
        python,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-c",
        tmp_path / "none.ini",
    ]
    (tmp_path / "none.ini").write_text("[pytest]\n")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run([*words, *tests], capture_output=True, text=True, cwd=tmp_path, env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{2 * len(folders)} passed" in done.stdout
    listed = "import dferbench_my_metric as m; print(m.__file__)"
    where = subprocess.run([python, "-c", listed], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert "site-packages" in where.stdout, "what is tested is what is installed"


def test_the_page_has_the_commands_that_are_printed():
    """They are run there, to the end, from `new` to a ranked run."""
    page = (ROOT / "docs/new.md").read_text()
    printed = commands(package_of("method", "my-method", CATALOG), Path("dferbench-my-method"))
    assert "\n".join(["dferbench new method my-method", *printed]) in page and len(printed) <= 4


@pytest.mark.slow
def test_a_dataset_is_drawn_and_checked_by_its_commands_and_can_be_run(told):
    assert told("new", "dataset", "mine")[0] == 0
    for command in commands(package_of("dataset", "mine", CATALOG), Path("dferbench-mine")):
        words = shlex.split(command.replace("--scale 1 ", "--scale 0.2 "))[1:]
        words += ["--device", "cpu", "--dry-run"] if words[0] == "run" else []
        code, out, err = told(*words)
        assert code == 0, out + err
        if words[0] == "check":
            assert "every video is a file or folder that is there" in out and "BAD" not in out
        if words[0] == "run":
            assert "this run can begin" in out
            return
