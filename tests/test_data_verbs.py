"""`dferbench data ls`, `info`, `link` and `make`."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from dferbench.places import MADE, is_made
from dferbench.registry.catalog import discover

LISTED = ROOT / "tests" / "listed.py"


@pytest.fixture
def data(in_process, tmp_path, monkeypatch):
    """`dferbench data` in this process, with the plugin of these tests and a home of its own."""
    monkeypatch.setenv("DFERBENCH_HOME", str(tmp_path / "home"))
    return lambda *arguments, **more: in_process("--plugin", LISTED, "data", *arguments, **more)


def rows(data, **more):
    found = json.loads(data("ls", "--json", check=0, **more).stdout)["datasets"]
    return {row["name"]: row for row in found}


def made(data, root, *more):
    return data("make", "listed", "--root", root, "--scale", "0.002", *more)


def two_lines(done, code):
    assert done.returncode == code and "Traceback" not in done.stderr, done.stderr
    error, hint = done.stderr.splitlines()[-2:]
    assert error.startswith("error: ") and hint.startswith("hint: ") and len(hint) > 8
    return f"{error} {hint}"


def test_ls_says_where_each_root_comes_from(data, tmp_path):
    assert rows(data)["listed"] == {
        "name": "listed", "classes": 2, "folds": 2, "kind": "real", "state": "no root", "root": None,
        "source": None,
    }  # fmt: skip
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    data("link", "listed", here, check=0)
    linked = rows(data)["listed"]
    assert (linked["root"], linked["state"]) == (str(here), "there")
    assert linked["source"] == str(tmp_path / "home" / "config.toml")
    named = rows(data, env={"DFERBENCH_ROOT_LISTED": str(there)})["listed"]
    assert (named["root"], named["state"]) == (str(there), "missing")
    assert named["source"] == "$DFERBENCH_ROOT_LISTED"
    drawn = rows(data)["synthetic"]
    assert (drawn["kind"], drawn["source"]) == ("drawn", "default")


def test_ls_knows_a_drawn_release_from_a_real_one(data, tmp_path):
    assert made(data, tmp_path / "r").returncode == 0
    data("link", "listed", tmp_path / "r", check=0)
    assert rows(data)["listed"]["kind"] == "drawn"
    table = data("ls", check=0).stdout
    assert any(line.split()[:4] == ["listed", "2", "2", "drawn"] for line in table.splitlines())


def test_ls_knows_packs(data, tmp_path):
    made(data, tmp_path / "r")
    data("pack", "listed", "--root", tmp_path / "r", "--output", tmp_path / "p", check=0)
    data("link", "listed", tmp_path / "p", check=0)
    row = rows(data)["listed"]
    assert (row["state"], row["kind"], row["classes"]) == ("a pack", "drawn", 2)
    assert "(a pack; from" in data("info", "listed", check=0).stdout
    data("link", "unmakeable", tmp_path / "p", check=0)
    assert "is a pack of listed" in rows(data)["unmakeable"]["state"]


def test_ls_lists_a_dataset_that_wants_an_option_first(cli, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from dferbench import Dataset, hookimpl\nfrom dferbench.errors import ConfigError\n"
        "class Mine(Dataset):\n    def __init__(self, path=''):\n"
        "        if not path:\n            raise ConfigError('mine wants a path', 'Write mine:PATH.')\n"
        "@hookimpl\ndef register_datasets(register):\n    register('mine', Mine)\n"
    )
    done = cli("--plugin", "mine.py", "data", "ls", "--json", check=0)
    (row,) = [row for row in json.loads(done.stdout)["datasets"] if row["name"] == "mine"]
    assert row["state"] == "mine wants a path" and row["classes"] is None


def test_info_prints_all_that_is_known(data):
    shown = data("info", "listed(strange=true)", check=0).stdout
    for line in (
        "name:       listed",
        "about:      what a list says",
        "classes:    sadness, surprise",
        "folds:      1, 2",
        "protocol:   two folds",
        "licence:    none needed",
        "where:      Tests make it.",
        "layouts:    plain, deep",
        "options:    strange=True",
        "videos are: real",
    ):
        assert line in shown.splitlines()
    assert "dferbench data link listed DIR" in shown
    facts = json.loads(data("info", "listed", "--json", check=0).stdout)
    assert facts["options"] == {"strange": False} and facts["layouts"] == ["plain", "deep"]


def test_link_keeps_the_rest_of_the_file(data, tmp_path):
    file = tmp_path / "home" / "config.toml"
    file.parent.mkdir()
    text = (
        '# mine\ndevice = "cpu"   # kept\n\n[roots]  # of data\nother = "/x"  # old\n\n[weights]\na = "1"\n'
    )
    file.write_text(text)
    (tmp_path / "d").mkdir()
    done = data("link", "listed", "d", check=0)
    assert str(file) in done.stdout and str(tmp_path / "d") in done.stdout
    after = file.read_text()
    assert f'listed = "{tmp_path / "d"}"' in after
    assert [line for line in after.splitlines() if not line.startswith("listed")] == text.splitlines()
    assert data("verify", "listed").stdout.count(str(tmp_path / "d"))  # the root is used
    data("link", "listed", "--remove", check=0)
    assert file.read_text() == text
    assert "no root of listed" in two_lines(data("link", "listed", "--remove"), 3)


def test_link_writes_what_a_linked_configuration_leads_to(data, tmp_path):
    (tmp_path / "home").mkdir()
    real = tmp_path / "dotfiles.toml"
    real.write_text("")
    (tmp_path / "home" / "config.toml").symlink_to(real)
    data("link", "listed", ".", check=0)
    assert "listed" in real.read_text() and (tmp_path / "home" / "config.toml").is_symlink()


def test_link_says_when_something_stronger_speaks(data, tmp_path):
    done = data("link", "listed", ".", env={"DFERBENCH_ROOT_LISTED": "/elsewhere"}, check=0)
    assert "$DFERBENCH_ROOT_LISTED says /elsewhere" in done.stderr
    assert "note" not in data("link", "listed", ".", check=0).stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["link", "lsited", "."], 3, "no dataset named 'lsited'"),
        (["link", "listed(strange=true)", "."], 3, "plain name"),
        (["link", "listed", "nowhere"], 4, "nowhere is not a folder"),
        (["link", "listed"], 2, "folder or --remove"),
        (["link", "listed", ".", "--remove"], 2, "folder or --remove"),
        (["info", "lsited"], 3, "Did you mean: listed"),
        (["info", "listed(strnage=true)"], 3, "strnage"),
        (["make", "listed"], 2, "--root"),
        (["make", "lsited", "--root", "r"], 3, "lsited"),
        (["make", "listed", "--root", "r", "--layout", "plian"], 3, "Did you mean: plain?"),
        (["make", "listed", "--root", "r", "--scale", "0"], 3, "--scale cannot be 0"),
        (["make", "listed", "--root", "r", "--scale", "1.5"], 3, "at most 1"),
        (["make", "listed", "--root", "r", "--scale", "nan"], 3, "--scale"),
        (["make", "unmakeable", "--root", "r"], 3, "listed"),
    ],
)
def test_bad_input_is_two_lines(data, arguments, code, message):
    assert message in two_lines(data(*arguments), code)


@pytest.mark.parametrize("text", ["[roots\n", "roots = 3\n", "\x00", b"\xff\xfe"])
def test_a_spoiled_configuration_is_named_and_left_alone(data, tmp_path, text):
    file = tmp_path / "home" / "config.toml"
    file.parent.mkdir()
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    before = file.read_bytes()
    assert str(file) in two_lines(data("link", "listed", "."), 3)
    assert file.read_bytes() == before
    assert str(file) in two_lines(data("info", "listed"), 3)


def test_make_writes_a_release_that_says_it_is_drawn(data, tmp_path):
    root = tmp_path / "r"
    done = made(data, root)
    assert done.returncode == 0 and "listed as plain, drawn" in done.stdout
    assert len(list((root / "videos").iterdir())) == 8 and is_made(root)
    marker = (root / MADE).read_text()
    assert "--layout plain --scale 0.002 --seed 0" in marker and "UNFINISHED" not in marker
    before = sorted((p, p.stat().st_mtime_ns) for p in root.rglob("*"))
    assert "by an earlier call" in made(data, root).stdout
    assert before == sorted((p, p.stat().st_mtime_ns) for p in root.rglob("*"))


def test_make_takes_layout_and_seed(data, tmp_path):
    for name, *more in (("one",), ("two",), ("other", "--seed", "1"), ("deep", "--layout", "deep")):
        made(data, tmp_path / name, *more)

    def frames(name, folder="videos"):
        return {p.name: p.read_bytes() for p in sorted((tmp_path / name / folder).glob("*/001.png"))[:1]}

    assert frames("one") == frames("two") == frames("deep", "deep/videos") != frames("other")


def test_make_refuses_what_it_did_not_make(data, tmp_path):
    root = tmp_path / "r"
    root.mkdir()
    assert made(data, root).returncode == 0  # an empty folder is fine
    assert "--seed 0" in two_lines(made(data, root, "--seed", "1"), 3)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("x")
    assert "is not empty" in two_lines(made(data, tmp_path / "full"), 3)
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["thesis.tex"]
    assert "is not a folder" in two_lines(made(data, tmp_path / "full" / "thesis.tex"), 3)


def test_a_make_that_fails_leaves_nothing(data, tmp_path):
    done = data("make", "listed(strange=true)", "--root", tmp_path / "r")
    assert "No space left on device" in two_lines(done, 1)
    assert list((tmp_path / "r").iterdir()) == []
    assert made(data, tmp_path / "r").returncode == 0


def test_a_killed_make_is_neither_finished_nor_real(data, tmp_path):
    root = tmp_path / "r"
    code = (
        "import os, listed\n"
        "listed.Listed.make = lambda self, root, *_: ((root / 'half').write_text('x'), os._exit(9))\n"
        "from dferbench.registry.catalog import Entry, discover\nfrom dferbench.cli.data import make\n"
        "from types import SimpleNamespace\nfrom pathlib import Path\n"
        "c = discover(); c.entries['datasets']['listed'] = Entry('listed', listed.Listed, 'a test')\n"
        f"make.make(SimpleNamespace(obj=c), 'listed', Path({str(root)!r}), scale=0.002)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "tests", capture_output=True, text=True)
    assert done.returncode == 9, done.stderr
    assert is_made(root) and (root / "half").is_file()
    assert "was not completed" in two_lines(made(data, root), 3)
    assert "was not completed" in data("verify", "listed", "--root", root, check=4).stdout


def test_without_a_painter_nothing_is_begun(tmp_path):
    from dferbench.data.make import find_paint
    from dferbench.errors import ConfigError

    catalog = discover()
    del catalog.entries["datasets"]["synthetic"]
    with pytest.raises(ConfigError, match="can draw faces"):
        find_paint(catalog, 0)


def test_paint_is_one_face_a_seed():
    paint = discover().get("datasets", "synthetic").value().paint
    video = paint("happiness", 3, 5)
    assert video.shape == (5, 224, 224, 3) and video.dtype == np.uint8
    assert (video == paint("happiness", 3, 5)).all()
    others = [paint("happiness", seed, 1, 32).astype(int) for seed in range(6)]
    gaps = [np.abs(a - b).mean() for i, a in enumerate(others) for b in others[:i]]
    assert min(gaps) > 10
    assert (paint("no such class", 3, 9, 32) == paint("neutral", 3, 9, 32)).all()
    moved = np.abs(paint("surprise", 3, 9, 32).astype(int) - paint("neutral", 3, 9, 32)).mean()
    assert moved > 0.5


def test_a_closed_pipe_is_no_error(tmp_path):
    env = {**os.environ, "DFERBENCH_HOME": str(tmp_path)}
    shell = f"{shlex.quote(sys.executable)} -m dferbench data info synthetic | head -n 1"
    done = subprocess.run(shell, shell=True, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.stdout.startswith("name:") and done.stderr == ""


@pytest.mark.parametrize("arguments", [["ls"], ["info", "synthetic"], ["--help"], ["verify", "--help"]])
def test_looking_imports_nothing_heavy(arguments, tmp_path):
    code = (
        f"import sys\nfrom dferbench.cli import _run\nassert _run(['data', *{arguments}]) == 0\n"
        "heavy = {'torch', 'cv2', 'decord', 'av', 'scipy', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=Path(tmp_path))


@pytest.mark.heavy
def test_the_verbs_work_in_processes_of_their_own(cli, tmp_path):
    plugin = ("--plugin", LISTED, "data")
    env = {"DFERBENCH_HOME": str(tmp_path / "home")}
    cli(*plugin, "make", "listed", "--root", "r", "--scale", "0.002", env=env, check=0)
    cli(*plugin, "link", "listed", "r", env=env, check=0)
    assert str(tmp_path / "r") in cli(*plugin, "ls", env=env, check=0).stdout
    done = cli(*plugin, "verify", "listed", env=env, check=0)
    assert "errors: 0, warnings: 0" in done.stdout and "looking at files: 8/8" in done.stderr


def test_the_home_of_nobody_is_a_folder_that_is_not_there(cli):
    done = cli("data", "verify", "dfew", "--root", "~nobody-of-that-name/dfew", check=4)
    assert "~nobody-of-that-name/dfew, is not a folder" in done.stderr
    assert "Traceback" not in done.stderr
