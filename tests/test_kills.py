"""A few kills by the harnesses that make hundreds."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="finds processes through /proc")
def test_ten_kills_lose_nothing_and_change_no_bit(tmp_path):
    command = [sys.executable, ROOT / "benchmarks" / "kills.py", "--kills", "10", "--seed", "7"]
    done = subprocess.run([*command, "--folder", tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ": 0 runs different, 0 files left behind" in done.stdout.splitlines()[-1]
    assert int(done.stdout.splitlines()[-1].split()[0]) >= 10
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="finds processes through /proc")
def test_processes_that_share_a_study_and_are_killed_train_each_run_once(tmp_path):
    shape = ["--runs", "6", "--processes", "3", "--kills", "4", "--seed", "3", "--folder", tmp_path]
    command = [sys.executable, ROOT / "benchmarks" / "shared_study.py", *shape]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "with 4 kills" in done.stdout
    assert done.stdout.endswith("nothing lost, nothing twice, nothing different\n")
    assert list(tmp_path.iterdir()) == []
