"""CI fails where it should: a changed result, a lost platform, a release that breaks something."""

import copy
import importlib
import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT

CI = ROOT / ".ci"
RECORD = {
    "status": "done", "config_id": "01234567", "data": "abc", "classes": ["a", "b"],
    "videos": {"train": 9, "test": 40},
    "confusion": [[19, 1], [1, 19]],
    "environment": {"python": "3.11.7", "packages": {"torch": "2.6.0", "av": "13.0.0", "numpy": "1.26.0"}},
}  # fmt: skip


@pytest.fixture
def part(monkeypatch):
    """A script of CI, as a module."""
    monkeypatch.syspath_prepend(str(CI))
    return importlib.import_module


def changed(**fields):
    return {**copy.deepcopy(RECORD), **fields}


def test_records_that_agree_and_records_that_do_not(part):
    compare = part("compare")
    assert compare.rates(RECORD["confusion"]) == (95, 95)
    assert compare.rates([[3, 1], [0, 0]]) == (75, 75)
    assert compare.differences(RECORD, changed(confusion=[[18, 2], [1, 19]])) == []
    (uar, war) = compare.differences(RECORD, changed(confusion=[[10, 10], [1, 19]]))
    assert uar.startswith("UAR 95.00 and 72.50") and war.startswith("WAR")
    for field, other in (("config_id", "89abcdef"), ("data", "abd"), ("classes", ["a", "c"])):
        assert compare.differences(RECORD, changed(**{field: other})) == [field]
    other_videos = changed(confusion=[[20, 1], [1, 18]])
    assert compare.differences(RECORD, other_videos) == ["test videos of each class"]
    assert compare.differences(RECORD, changed(status="failed")) == ["not finished: failed"]


def test_the_script_that_compares_exits_by_what_it_found(tmp_path):
    (tmp_path / "good.json").write_text(json.dumps(RECORD))
    (tmp_path / "bad.json").write_text(json.dumps(changed(confusion=[[9, 11], [9, 11]])))

    def run(*named):
        command = [sys.executable, CI / "compare.py", *named]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    good = run("3.11=good.json", "newest=good.json")
    assert good.returncode == 0 and "3.11.7  2.6.0  13.0.0  1.26.0  95.00" in good.stdout
    bad = run("3.11=good.json", "newest=bad.json", "lowest=none.json")
    assert bad.returncode == 1 and "newest against 3.11: UAR 95.00" in bad.stdout
    assert "lowest: no record" in bad.stdout


@pytest.mark.parametrize(
    ("message", "package"),
    [
        (
            "error: No solution found when resolving dependencies\n  cause: Because torch>=2.6.0 has "
            "no wheels with a matching platform tag (e.g., `macosx_13_0_x86_64`) and we can conclude",
            "torch",
        ),
        (
            "  cause: Because decord>=0.6 has no wheels with a matching platform tag and you require it",
            "decord",
        ),
        (
            "  cause: Because only av<=19.0.2 is available and dferbench depends on av>=99, we can conclude",
            "av",
        ),
        ("error: the network is down", "error: the network is down"),
    ],
)
def test_the_package_in_the_way_is_named(part, message, package):
    assert part("matrix").culprit(message) == package


def test_the_matrix_fails_only_for_what_is_supported(part, tmp_path, capsys):
    """By a stand-in for uv, to which one package has no wheels for some platform."""
    matrix, uv, project = part("matrix"), tmp_path / "uv", tmp_path / "pyproject.toml"
    project.write_text('[project]\nname = "x"\nrequires-python = ">=3.11"\n')

    def without(platform):
        uv.write_text(
            f'#!/bin/sh\ncase "$*" in *{platform}*) echo "Because av==1 has no wheels" >&2; exit 1;; esac\n'
        )
        uv.chmod(0o755)
        return matrix.main(str(uv), project), capsys.readouterr().out

    assert without("x86_64-apple-darwin")[0] == 0
    code, said = without("aarch64-manylinux")
    assert code == 1 and "Linux aarch64, Python 3.14: av" in said
    project.write_text('[project]\nname = "x"\nrequires-python = ">=3.12,<3.14"\n')
    code, said = without("nowhere")
    assert code == 1 and "Linux x86_64, Python 3.14: requires-python" in said and "Python 3.13" not in said


def test_a_failing_step_is_named_and_stops_no_other(part, capfd):
    steps = part("steps").Steps()
    assert not steps.run("first", sys.executable, "-c", "raise SystemExit(3)")
    assert not steps.run("second", "no-such-command")
    assert steps.run(
        "third: tests", sys.executable, "-c", "print('==== 7 passed, 2 skipped in 3.21s (0:00:03) ====')"
    )
    assert steps.failed == ["first", "second"] and steps.close() == 1
    assert steps.tests == {"third: tests": "7 passed, 2 skipped"}
    assert capfd.readouterr().out.splitlines()[-1] == "failed: first, second"


@pytest.mark.heavy
def test_a_release_that_breaks_the_main_job_fails_its_step(part, tmp_path, monkeypatch, capfd):
    """A stand-in for a PyAV that no longer has what drawing needs."""
    (tmp_path / "av.py").write_text("def open(*arguments, **options):\n    raise TypeError('planted')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    steps = part("steps").Steps()
    here = part("versions").Environment("3.99", steps, tmp_path)
    command = f"'{sys.executable}' -m dferbench run -m dfer-clip -d 'synthetic(videos=70)' --epochs 1"
    assert here.main_job(command) is None
    assert steps.failed == ["3.99: main command"] and steps.close() == 1
    said = capfd.readouterr().out
    assert "planted" in said and said.splitlines()[-1] == "failed: 3.99: main command"


def test_the_main_command_installs_first_and_runs_last(part):
    """CI puts its own way to install in place of what stands before."""
    versions = part("versions")
    make, install, run = versions.marked("main").split(" && ")
    assert "venv .venv" in make and install.endswith("pip install .")
    assert run.startswith(".venv/bin/dferbench run")


def test_the_lowest_versions_are_held_to_tests_that_exist(part):
    files = part("versions").lowest_tests()
    assert len(files) > 10 and all((ROOT / file).exists() for file in files)
