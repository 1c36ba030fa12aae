"""A study on real Ray clusters: each run done once with one process's bits, whatever becomes of a node."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import diary
import pytest
from conftest import TOY, heed_interrupts
from ray_cluster import CALM, cluster

from dferbench.experiment import record
from dferbench.runner.launch import SECONDS_TO_STOP

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="the library ray is not installed: dferbench[ray]"
)
SUITE = """
title = "Toy study"
[[rows]]
label = "one"
method = "toy-net"
options = { "stage.epochs" = 60 }
"""
RUNS = 4


@pytest.fixture(scope="module")
def words(toy_root, tmp_path_factory):
    """The command of the study, without output and launcher."""
    suite = tmp_path_factory.mktemp("suite") / "toy.toml"
    suite.write_text(SUITE)
    command = [sys.executable, "-m", "dferbench", "--plugin", TOY, "bench", suite, "-d", "toy"]
    command += ["--root", toy_root, "--device", "cpu", "-j", "0", "--fold", "all", "--seed", "0,1"]
    return list(map(str, command))


@pytest.fixture(scope="module")
def alone(words, tmp_path_factory):
    """The study, done by one process."""
    output = tmp_path_factory.mktemp("alone")
    subprocess.run([*words, "-q", "-o", output], check=True, capture_output=True)
    return output


@pytest.fixture
def short():
    """A folder with a short path, as Ray's sockets need it."""
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def results(folder):
    """The bits of the predictions and of the weights, whose header has caveats that change with a commit."""
    weights = (folder / "checkpoint.safetensors").read_bytes()
    return (folder / "predictions.npz").read_bytes(), weights[8 + int.from_bytes(weights[:8], "little") :]


def require_same(alone, output):
    paths = list(record.find(alone))
    assert len(paths) == RUNS
    for path in paths:
        other = output / path.relative_to(alone)
        assert record.read(other).status == "done"
        assert results(path.parent) == results(other.parent)


def until(process, pattern):
    """Read what a process says until it says that; gives all of it."""
    text = ""
    while not re.search(pattern, text):
        line = process.stderr.readline()
        assert line, text
        text += line
    return text


def vanished(pids, seconds):
    """Whether all these processes are gone within that time; who waits for its parent to ask is gone."""
    end = time.monotonic() + seconds
    while left := [pid for pid in pids if is_at_work(pid)]:
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return not left


def is_at_work(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@needs_ray
@pytest.mark.long
def test_a_lost_node_s_runs_are_done_by_the_others(words, alone, short, tmp_path):
    """Once each: what was at work on the node ends, and nobody trains an epoch that another has trained."""
    notes = tmp_path / "diary"
    kept = ["--plugin", diary.__file__, "--tracker", f"diary(path={notes})"]
    with cluster(short) as (address, environment, second):
        command = [*words, *kept, "-o", tmp_path / "runs", "--launcher", f"ray(address='{address}')"]
        with subprocess.Popen(command, env=environment, stdout=-1, stderr=-1, text=True) as process:
            text = until(process, r"pid=(\d+)[^\n]* train [3-9]/(.|\n)*pid=(?!\1)\d+[^\n]* train [3-9]/")
            lost = second.lose()
            gone = vanished(lost, SECONDS_TO_STOP)
            table, rest = process.communicate(timeout=240)
    assert process.returncode == 0 and "toy: 4 runs to do by 2 processes" in text, text + rest
    lines = diary.read(notes)
    assert gone and {line["pid"] for line in lines} & set(lost), f"{lost} are not all gone, or not ours"
    assert diary.faults(lines) == [] and len({line["pid"] for line in lines}) >= 2
    assert "Toy study." in table
    require_same(alone, tmp_path / "runs")


@needs_ray
@pytest.mark.long
def test_ctrl_c_ends_a_cluster_of_its_own_and_the_same_command_continues(words, alone, tmp_path):
    home = tmp_path / "home"
    environment = {**os.environ, "HOME": str(home), **CALM}
    environment = {name: value for name, value in environment.items() if not name.startswith("RAY_AUTH")}
    command = [*words, "-o", tmp_path / "runs", "--launcher", "ray(tasks=1)"]
    before = set(Path("/tmp").glob("dferbench-ray-*"))
    with subprocess.Popen(
        command, env=environment, stdout=-1, stderr=-1, text=True, preexec_fn=heed_interrupts
    ) as process:
        text = until(process, r"train [3-9]/")
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=120)[1]
    assert process.returncode == 130 and rest.splitlines()[-2:] == [
        "error: stopped",
        "hint: Run the same command to continue.",
    ], text + rest
    (path,) = record.find(tmp_path / "runs")
    assert record.read(path).status == "interrupted"
    assert not (home / ".ray").exists(), "no token is left in the home"
    assert set(Path("/tmp").glob("dferbench-ray-*")) <= before
    last = subprocess.run([*words, "-o", tmp_path / "runs"], capture_output=True, text=True)
    assert last.returncode == 0 and "resumed after" in last.stderr
    require_same(alone, tmp_path / "runs")


@needs_ray
@pytest.mark.long
@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        ("gpus=99", 3, "error: a process needs 99 GPUs and 1 CPUs, and Ray's cluster has"),
        ("address='127.0.0.1:1'", 1, "error: cannot join Ray's cluster at 127.0.0.1:1: "),
    ],
)
def test_a_cluster_without_room_or_that_is_not_there_is_two_lines(words, tmp_path, options, code, told):
    environment = {**os.environ, "RAY_AUTH_TOKEN": "0" * 64}
    command = [*words, "-o", tmp_path / "runs", "--launcher", f"ray({options})"]
    began = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == code and told in done.stderr.splitlines()[-2], done.stderr
    assert time.monotonic() - began < 120


def told_by(text):
    """The lines of a diary, written as PROCESS:WHAT words."""
    words = enumerate(word.split(":") for word in text.split())
    return [
        {"run": "r", "time": time, "pid": pid, "what": what.rstrip("0123456789"), "epoch": what[-1]}
        for time, (pid, what) in words
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a:start a:epoch1 b:start b:epoch2 b:end", []),
        ("a:start a:epoch1 a:epoch2 b:start b:epoch2 b:end", []),
        ("a:start a:epoch1 b:start a:epoch2 b:epoch2 b:end", ["r: ['a', 'b', 'a', 'b'] by turns"]),
        ("a:start a:epoch1 a:epoch2 b:start b:epoch1 b:epoch2 b:end", ["r: 2 epochs again"]),
        ("a:start a:epoch1 a:epoch1 a:end", ["r: 1 epochs again"]),
        ("a:start a:epoch1 a:end b:start b:epoch2 b:end", ["r: ended 2 times"]),
        ("a:start a:epoch1", ["r: ended 0 times"]),
    ],
)
def test_the_diary_tells_what_was_done_twice(text, told):
    assert diary.faults(told_by(text)) == told


@pytest.mark.parametrize(
    ("launcher", "told"),
    [
        ("ray(gpu=1)", "there is no option of launcher ray named 'gpu'"),
        ("ray(cpus=-1)", "cpus of launcher ray"),
    ],
)
def test_a_wrong_option_is_told_without_ray(words, in_process, launcher, told):
    done = in_process(*words[3:], "--launcher", launcher, check=3)
    assert told in done.stderr


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="the library ray is installed")
def test_a_missing_library_is_told_with_its_extra(words, in_process):
    done = in_process(*words[3:], "--launcher", "ray", check=3)
    assert "needs the library ray" in done.stderr and "dferbench[ray]" in done.stderr
