"""The command line in processes of its own: output, errors of two lines, exit codes, pipes."""

import json
import os
import shlex
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT, TOY


def two_lines(done, code):
    """An error ends with one line that says what is wrong and one that says what to do."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    error, hint = done.stderr.splitlines()[-2:]
    assert error.startswith("error: ") and hint.startswith("hint: ") and len(hint) > 8
    return error


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "-m", "toy-nte", "-d", "toy"], 3, "no method named 'toy-nte'"),
        (["run", "-m", "toy-net", "-d", "tyo"], 3, "no dataset named 'tyo'"),
        (["run", "-m", "toy-net", "-d", "toy(x=1)"], 3, "'x'"),
        (["run", "-m", "toy-net", "-d", "toy", "--set", "widht=3"], 3, "'widht'"),
        (["run", "-m", "toy-net", "-d", "toy", "--set", "width=x"], 3, "whole number"),
        (["run", "-m", "toy-net", "-d", "toy", "--set", "width"], 3, "name=value"),
        (["run", "-m", "toy-net", "-d", "toy", "--weights", "toy-net=f"], 3, "'toy-net' is a method"),
        (["run", "-m", "toy-net", "-d", "toy", "--seed", "x"], 3, "--seed"),
        (["run", "-m", "toy-net", "-d", "toy"], 4, "the root folder of toy is not known"),
        (["run", "-m", "toy-net", "-d", "toy", "--root", "nowhere"], 4, "nowhere"),
        (["run", "-m", "toy-net", "-d", "toy", "--root", "."], 4, "missing"),
        (["run", "-m", "toy-net", "-d", "toy", "--colour", "red"], 2, "--colour"),
        (["run", "-m", "toy-net"], 2, "--dataset"),
        (["run", "-m", "toy-net", "-d", "toy", "--epochs", "many"], 2, "--epochs"),
        (["rnu"], 2, "rnu"),
        (["show", "toy-nte"], 3, "toy-nte"),
        (["check", "toy-nte"], 3, "toy-nte"),
        (["leaderboard", "nowhere"], 3, "nowhere"),
        (["leaderboard", "."], 3, "no finished run"),
        (["leaderboard", ".", "--by", "sharpness"], 3, "sharpness"),
        (["data", "sheet", "tyo"], 3, "tyo"),
    ],
)
def test_errors_are_two_lines(in_process, arguments, code, message):
    assert message in two_lines(in_process("--plugin", TOY, *arguments), code)


@pytest.mark.parametrize("arguments", [["rnu"], ["leaderboard", "nowhere"], ["show", "toy-nte"]])
def test_a_process_of_its_own_says_the_same(cli, in_process, arguments):
    one, other = cli(*arguments), in_process(*arguments)
    assert (one.returncode, one.stdout, one.stderr) == (other.returncode, other.stdout, other.stderr)


KEPT = """
import atexit, gc, sys

atexit.register(lambda: print(gc.get_freeze_count(), "objects are kept", file=sys.stderr))
"""


def test_nothing_is_kept_from_the_last_search_for_cycles(cli, tmp_path):
    """Libraries in C++ complain of what is never freed: triton on Python 3.12 and later, in thirty lines."""
    (tmp_path / "kept.py").write_text(KEPT)
    for verb in ("list", "runs", "no-such-verb"):
        assert cli("--plugin", "kept.py", verb).stderr.splitlines()[-1] == "0 objects are kept"


@pytest.mark.slow
def test_no_permission_to_write(cli, toy_root, tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = cli("--plugin", TOY, "run", "-m", "toy-net", "-d", "toy", "--root", toy_root, "-o", "file/runs")
    assert "cannot write" in two_lines(done, 1)


def test_a_folder_that_may_not_be_written(cli, toy_root, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    arguments = ["--plugin", TOY, "run", "-m", "toy-net", "-d", "toy", "--root", toy_root, "-o", closed]
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    assert "cannot write" in two_lines(cli(*arguments), 1)


@pytest.mark.slow
def test_a_broken_plugin_leaves_the_rest_working(cli, tmp_path):
    (tmp_path / "bad.py").write_text("raise RuntimeError('no licence')")
    done = cli("--plugin", "bad.py", "--plugin", TOY, "list", check=0)
    assert "toy-net" in done.stdout and "broken: bad.py: RuntimeError: no licence" in done.stderr
    doctor = cli("--plugin", "bad.py", "doctor", check=1)
    assert "Traceback" in doctor.stdout and "no licence" in doctor.stdout


@pytest.mark.slow
def test_doctor_is_content(cli):
    assert "everything works" in cli("doctor", check=0).stdout


@pytest.mark.slow
def test_data_on_stdout_and_progress_on_stderr(cli, toy_root):
    run = ["--plugin", TOY, "run", "-m", "toy-net", "-d", "toy", "--root", toy_root, "--epochs", "1"]
    done = cli(*run, "--json", check=0)
    (one,) = json.loads(done.stdout)["records"]
    assert one["status"] == "done" and "test: 9/9 videos" in done.stderr
    assert "\x1b" not in done.stderr + done.stdout
    table = cli("leaderboard", check=0).stdout
    assert "toy-net" in table and f"{one['metrics']['last']['uar']:.2f}" in table
    (row,) = json.loads(cli("leaderboard", "--json", check=0).stdout)["rows"]
    assert row["uar"]["mean"] == one["metrics"]["last"]["uar"]
    assert cli(*run, "--quiet", check=0).stderr == ""


@pytest.mark.slow
def test_some_failed_cells_exit_with_five(in_process, toy_root, tmp_path):
    root = tmp_path / "spoiled"
    shutil.copytree(toy_root, root)
    (root / "fold2" / "test" / "stays" / "test0" / "1.png").write_bytes(b"")
    run = ["--plugin", TOY, "run", "-m", "toy-net", "-d", "toy", "--root", root, "--epochs", "1"]
    done = in_process(*run, "--fold", "all", check=5)
    assert "failed:" in done.stderr and "toy-net" in done.stdout
    assert "test0" in two_lines(in_process(*run, "--fold", "2", "-o", "other"), 4)


@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["--help"], ["run", "--help"], ["-h"]])
def test_help_and_list(cli, arguments):
    assert cli(*arguments, check=0).stdout


def test_show_prints_options_and_recipe(cli):
    shown = cli("show", "dfer-clip", check=0).stdout
    for word in (
        "Number of learnable context words in the prompt.",
        "backbone     clip-vit-b32",
        "schedule: steps(30, 40)",
        "BMVC",
    ):
        assert word in shown
    (facts,) = json.loads(cli("show", "dfer-clip", "--json", check=0).stdout)["found"]
    assert facts["options"]["words"] == 8
    words = facts["options_schema"]["properties"]["words"]
    assert (words["type"], words["minimum"], words["default"]) == ("integer", 0, 8) and words["description"]


def test_a_closed_pipe_is_no_error(tmp_path):
    shell = f"{shlex.quote(sys.executable)} -m dferbench show dfer-clip | head -n 1"
    done = subprocess.run(shell, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.startswith("dfer-clip") and done.stderr == ""


def test_completion_knows_the_names(cli):
    env = {
        "_DFERBENCH_COMPLETE": "complete_bash",
        "COMP_WORDS": "dferbench run --model dfer",
        "COMP_CWORD": "3",
    }
    done = cli(env=env)
    assert "dfer-clip" in done.stdout, done


def test_the_version_is_one(cli):
    import tomllib

    stated = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert cli("--version", check=0).stdout.strip() == stated


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [["--plugin", TOY, "show"], ["show", "--plugin", TOY], ["show", f"--plugin={TOY}"]]
)
def test_a_plugin_file_may_stand_anywhere(cli, arguments):
    assert "toy-net: a method" in cli(*arguments, "toy-net", check=0).stdout


def test_a_plugin_without_a_file_is_wrong_usage(cli):
    assert "--plugin" in two_lines(cli("list", "--plugin"), 2)
