"""Processes that share a folder share a study: each run is one process's, and free when that one is gone."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from conftest import TOY

from dferbench.errors import ConfigError, DferbenchError
from dferbench.experiment import record
from dferbench.machine.mounts import filesystem
from dferbench.runner import claims
from dferbench.runner.claims import claim, holder_of

HOLD = """
import sys, time
from pathlib import Path
from dferbench.runner import claims
claims.LEASE = 3.0
with claims.claim(Path(sys.argv[1])) as mine:
    print(mine.holder is None, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holding(tmp_path):
    """Another process, which has claimed the run in a folder."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "True\n"
        yield process
        process.kill()


def test_a_run_is_one_process_s(holding, tmp_path):
    holder = holder_of(tmp_path / "run")
    assert holder.pid == holding.pid and str(holder).startswith(
        f"process {holding.pid} on {os.uname().nodename}"
    )
    with claim(tmp_path / "run") as claimed:
        assert claimed.holder == holder
    with claim(tmp_path / "other") as claimed:
        assert claimed.holder is None
    holding.kill()
    holding.wait()
    assert holder_of(tmp_path / "run") is None
    with claim(tmp_path / "run") as claimed:
        assert claimed.holder is None
    assert not list(tmp_path.rglob("*.json")), "nobody is at it any more, and nothing says so"


def test_a_lease_is_kept_by_renewal_and_free_without(monkeypatch, tmp_path):
    monkeypatch.setenv(claims.SETTING, "lease")
    monkeypatch.setattr(claims, "LEASE", 3.0)
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "True\n"
        until = time.monotonic() + 5
        while time.monotonic() < until:
            assert holder_of(tmp_path / "run").pid == process.pid
            time.sleep(0.2)
        process.kill()
        process.wait()
    until = time.monotonic() + 30
    while (holder := holder_of(tmp_path / "run")) and time.monotonic() < until:
        time.sleep(0.2)
    assert holder is None


def test_what_cannot_be_claimed_is_said(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DferbenchError, match="cannot claim the run in"), claim(tmp_path / "file" / "run"):
        pass
    monkeypatch.setenv(claims.SETTING, "hope")
    with pytest.raises(ConfigError, match="must be lock, lease or auto, got 'hope'"), claim(tmp_path / "run"):
        pass


def test_the_kind_of_a_file_system_is_known(tmp_path):
    assert filesystem(Path("/proc/self")) == "proc"
    assert filesystem(tmp_path) not in ("", "proc")


SUITE = """
title = "Two rows"
[[rows]]
label = "long"
method = "toy-net"
options = { "stage.epochs" = 500 }
[[rows]]
label = "short"
method = "toy-net"
options = { "stage.epochs" = 1 }
"""


def run(root, *more):
    return [
        "run",
        "-m",
        "toy-net",
        "-d",
        "toy",
        "--root",
        root,
        "--epochs",
        "2",
        "--device",
        "cpu",
        "-j",
        "0",
        *more,
    ]


@pytest.mark.slow
def test_run_says_who_is_at_it_and_does_the_rest(in_process, start_cli, toy_root, tmp_path):
    """Of two runs one belongs to another process, which was stopped in the midst of it."""
    long = list(map(str, ["--plugin", TOY, *run(toy_root), "--epochs", "500"]))
    with start_cli(*long) as one:
        while "train 2/" not in one.stderr.readline():
            assert one.poll() is None
        one.send_signal(signal.SIGSTOP)
        done = in_process(*long, "-q")
        assert done.returncode == 75 and f"is being run by process {one.pid} on" in done.stderr
        assert done.stderr.splitlines()[-1].startswith("hint: Run the same command again later")
        suite = tmp_path / "suite.toml"
        suite.write_text(SUITE)
        bench = [
            "--plugin",
            TOY,
            "bench",
            suite,
            "-d",
            "toy",
            "--root",
            toy_root,
            "--device",
            "cpu",
            "-j",
            "0",
        ]
        told = in_process(*bench, "-q", check=75).stderr
        assert "left to others: row 1: " in told and f"process {one.pid} on" in told and "row 2" not in told
        (row,) = (line for line in in_process(*bench, "--dry-run").stdout.splitlines() if "being run" in line)
        assert f"process {one.pid}" in row
        one.kill()
    assert {record.read(path).status for path in record.find(tmp_path / "runs")} == {"running", "done"}


@pytest.mark.heavy
def test_processes_on_one_folder_train_each_run_once(cli, start_cli, toy_root, tmp_path):
    """Three at once, of which one is killed and one joins late: all bits as with one process."""
    words = ["--plugin", TOY, *run(toy_root, "--fold", "all", "--seed", "0,1,2"), "-o"]
    cli(*words, "alone", check=0)
    with ExitStack() as ends:
        first, *others = (ends.enter_context(start_cli(*words, "shared")) for _ in range(3))
        while "train 1/" not in first.stderr.readline():
            assert first.poll() is None
        first.kill()
        said = [other.communicate()[1] for other in others]
    assert {other.returncode for other in others} <= {0, 75}
    said.append(cli(*words, "shared", check=0).stderr)
    begun = [line for text in said for line in text.splitlines() if "train, " in line]
    assert len(begun) == len(set(begun)) and len(begun) in (5, 6), begun
    for path in record.find(tmp_path / "alone"):
        other = tmp_path / "shared" / path.relative_to(tmp_path / "alone")
        assert json.loads(other.read_bytes())["status"] == "done"
        same = [(p.parent / "predictions.npz").read_bytes() for p in (path, other)]
        assert same[0] == same[1]
    shutil.rmtree(tmp_path / "alone")
