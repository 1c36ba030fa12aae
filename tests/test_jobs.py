"""Runs side by side: each once, the bits of one process, and nothing lost whatever ends a process."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from conftest import TOY

from dferbench.errors import ConfigError
from dferbench.experiment import record
from dferbench.runner.jobs.share import Shares, shared

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends signals, draws on a terminal")

DEADLY = """
import os, signal
from pathlib import Path
from dferbench import Input, Method, Recipe, Stage, hookimpl
from dferbench.models import Classifier
from torch import nn

class Deadly(Classifier):
    def __init__(self, task, parts, deaths: int = 0, bug: bool = False):
        super().__init__()
        self.deaths, self.bug = deaths, bug
        self.head = nn.Linear(3, len(task.classes))

    def forward(self, x):
        return self.head(x.mean((1, 3, 4)))

    def loss(self, batch):
        flags = [Path(f"death{n}") for n in range(self.deaths)]
        for flag in flags:
            try:
                flag.touch(exist_ok=False)
            except FileExistsError:
                continue
            os.kill(os.getpid(), signal.SIGKILL)
        if self.bug:
            raise RuntimeError("a bug for a test")
        return super().loss(batch)

@hookimpl
def register_methods(register):
    recipe = Recipe(Input(frames=8, size=12), (Stage({".*": 0.05}, epochs=2, batch=6),))
    register(Method("deadly", Deadly, recipe))
"""


@pytest.fixture
def words(toy_root, tmp_path):
    """The words of a run of the toy method, or of one that ends its process."""
    (tmp_path / "deadly.py").write_text(DEADLY)

    def make(*more, method="toy-net"):
        given = ["--plugin", TOY, "--plugin", tmp_path / "deadly.py", "run", "-m", method, "-d", "toy"]
        return [*given, "--root", toy_root, "--device", "cpu", "-j", "0", *more]

    return make


def alive(group):
    """The processes of a session that are not waiting to be collected."""
    listed = subprocess.run(["ps", "-s", str(group), "-o", "pid=,stat="], capture_output=True, text=True)
    return [line for line in listed.stdout.splitlines() if " Z" not in line]


def wait_until_none(group):
    until = time.monotonic() + 60
    while (left := alive(group)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not left


def statuses(tmp_path):
    return [record.read(path).status for path in record.find(tmp_path / "runs")]


@pytest.mark.long
def test_twelve_runs_are_each_trained_once_with_the_bits_of_one_process(cli, words, tmp_path):
    many = words("--fold", "all", "--seed", ",".join(map(str, range(6))), "--epochs", "1")
    one = cli(*many, "-o", "alone", check=0)
    four = cli(*many, "-o", "runs", "--jobs", "4", check=0)
    begun = [line for line in four.stderr.splitlines() if " train, " in line]
    assert len(begun) == 12 and {line[:4] for line in begun} <= {"[1] ", "[2] ", "[3] ", "[4] "}
    assert re.sub(r"\bruns(?=/| ranks)", "alone", four.stdout) == one.stdout
    for path in record.find(tmp_path / "alone"):
        other = tmp_path / "runs" / path.relative_to(tmp_path / "alone")
        first, second = (json.loads(p.read_bytes()) for p in (path, other))
        assert second["status"] == "done" and second["confusion"] == first["confusion"]
        for name in ("predictions.npz", "checkpoint.safetensors"):
            assert (path.parent / name).read_bytes() == (other.parent / name).read_bytes()


@pytest.mark.long
def test_json_force_and_what_each_job_may_use(cli, words, tmp_path):
    two = words("--fold", "all", "--epochs", "1", "--jobs", "2", "--json")
    first = cli(*two, "-q", check=0, env={"DFERBENCH_CORES": "4", "OMP_NUM_THREADS": ""})
    unasked = ("to load", "libgomp")  # a busy machine, and a library that takes no empty variable
    assert not [line for line in first.stderr.splitlines() if line and not any(w in line for w in unasked)]
    found = json.loads(first.stdout)
    assert [one["fold"] for one in found["records"]] == [1, 2] and len(found["folders"]) == 2
    assert {one["environment"]["threads"] for one in found["records"]} == {2}
    again = cli(*two, "--force", check=0)
    assert sum(" train, " in line for line in again.stderr.splitlines()) == 2
    assert "0 runs done, 2 to do: 2 jobs at a time" in again.stderr
    done = cli(*two, check=0).stderr
    assert "2 runs done, 0 to do" in done and done.count("already done") == 2


@pytest.mark.heavy
def test_a_run_whose_process_is_killed_is_taken_up_again(cli, words, tmp_path):
    told = cli(*words("--fold", "all", "--jobs", "2", "--set", "deaths=2", method="deadly"), check=0).stderr
    assert told.count("ended with SIGKILL") == 2 and "it is tried again" in told
    assert statuses(tmp_path) == ["done", "done"]


@pytest.mark.long
def test_a_run_that_kills_its_process_each_time_fails_and_the_others_do_not(cli, words, tmp_path):
    suite = tmp_path / "suite.toml"
    rows = [("deadly", "deaths = 99"), ("deadly", "bug = true"), ("toy-net", '"stage.epochs" = 1')]
    text = "\n".join(
        f'[[rows]]\nlabel = "{n}"\nmethod = "{method}"\noptions = {{ {options} }}'
        for n, (method, options) in enumerate(rows)
    )
    suite.write_text(f'title = "Three rows"\n{text}\n')
    run = words("--jobs", "2")
    at = run.index("run")
    done = cli(*run[:at], "bench", suite, *run[at + 3 :], check=5)
    failed = [line for line in done.stderr.splitlines() if line.startswith("failed: row")]
    assert failed[0].startswith("failed: row 1: its process ended with SIGKILL, 3 times")
    assert "a bug for a test" in failed[1] and len(failed) == 2
    assert sorted(statuses(tmp_path)) == ["done", "failed", "failed"]
    assert done.stdout.count("Three rows") == 1


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("number", "whole_group", "code"),
    [
        (signal.SIGINT, True, 130),
        pytest.param(signal.SIGTERM, False, 75, marks=pytest.mark.long),
        pytest.param(signal.SIGKILL, False, -signal.SIGKILL, marks=pytest.mark.long),
    ],
)
def test_a_stop_ends_all_jobs_and_the_same_command_continues(
    words, start_cli, tmp_path, number, whole_group, code
):
    long = words("--fold", "all", "--epochs", "3000", "--jobs", "2")
    with start_cli(*long, alone=True) as parent:
        seen = set()
        while len(seen) < 2:
            line = parent.stderr.readline()
            assert line, parent.wait()
            seen |= {line[:3]} if " train 2/" in line else set()
        os.killpg(parent.pid, number) if whole_group else parent.send_signal(number)
        told = parent.stderr.read()
        assert parent.wait() == code, told
        wait_until_none(parent.pid)
    assert statuses(tmp_path) == ["interrupted", "interrupted"]
    if number != signal.SIGKILL:
        assert told.splitlines()[-1] == "hint: Run the same command to continue."
        assert "Traceback" not in told and told.count("error:") == 1


@pytest.mark.long
def test_a_terminal_shows_one_table(words, tmp_path):
    import pty

    ours, theirs = pty.openpty()
    subprocess.run(["stty", "cols", "80", "rows", "24"], stdin=theirs, check=True)
    run = words("--fold", "all", "--epochs", "2", "--jobs", "2")
    command = [sys.executable, "-m", "dferbench", *map(str, run)]
    with subprocess.Popen(command, cwd=tmp_path, text=True, stderr=theirs, stdout=-1) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                shown += os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
        assert process.wait() == 0 and "toy-net" in process.stdout.read()
    os.close(ours)
    last = shown.decode().rsplit("run ", 1)[1]
    assert "fold 1 seed 0" in last and "fold 2 seed 0" in last and "runs: 2 done" in last
    assert "2/2" in shown.decode() or "train 2/2" in shown.decode()


@pytest.mark.slow
def test_what_is_wrong_is_told_once_before_anything_runs(cli, words, tmp_path):
    done = cli(*words("--fold", "all", "--jobs", "2", "--tracker", "nothing"), check=3)
    assert done.stderr.splitlines()[-2] == "error: there is no tracker named 'nothing'"
    assert done.stderr.count("error:") == 1 and not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("jobs", "code"), [("0", 2), ("-2", 2), ("all", 2), ("2", 3)])
def test_jobs_that_cannot_be_are_refused_in_two_lines(in_process, words, jobs, code):
    told = in_process(*words("--device", "cuda:1", "--jobs", jobs), check=code).stderr.splitlines()
    assert told[-2].startswith("error: ") and "--jobs" in told[-2] and told[-1].startswith("hint: ")


def test_shares(monkeypatch):
    monkeypatch.setenv("DFERBENCH_CORES", "16")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert shared("auto", "cpu", 100) == Shares(4, 4)
    assert shared("auto", "cpu", 3) == Shares(3, 5) and shared("auto", "mps", 9).jobs == 1
    assert shared(40, "cpu", 100) == Shares(40, 1) and shared(4, "cpu", 0).jobs == 1
    assert Shares(2, 3).environment(1) == {"DFERBENCH_CORES": "3", "OMP_NUM_THREADS": "3"}
    devices = Shares(3, 2, ("4", "MIG-a"))
    assert [devices.environment(n)["CUDA_VISIBLE_DEVICES"] for n in (1, 2, 3)] == ["4", "MIG-a", "4"]
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert "OMP_NUM_THREADS" not in devices.environment(1)
    with pytest.raises(ConfigError, match="--device cuda:1 is one for all"):
        shared("auto", "cuda:1", 4)
    with pytest.raises(ConfigError, match="--devices 0,1 gives one run several"):
        shared(2, "cuda", 4, "0,1")
