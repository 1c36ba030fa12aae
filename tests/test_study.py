"""A finished run and a study: no torch, no record of other configurations, and the lines of the benchmark."""

import json
import subprocess
import sys

import pytest
from conftest import ROOT

from dferbench.experiment import record

WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
from dferbench.cli import main
main(sys.argv[1:])
"""


@pytest.mark.heavy
def test_the_benchmark_of_a_study_runs_at_small_size():
    command = [sys.executable, "benchmarks/speed/study.py", "--sizes", "3", "--epochs", "2", "--times", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for what in ("leaderboard", "table", "runs", "bench --dry-run", "run, finished"):
        assert f"3 records, {what}" in done.stdout
    assert done.stdout.count("x memory") == 5


def test_a_finished_run_is_told_without_torch_and_from_its_own_records(tmp_path):
    """The benchmark's plugin imports no torch before it builds."""
    code = "import study, pathlib, sys; study.build(pathlib.Path(sys.argv[1]), 2, 2)"
    subprocess.run([sys.executable, "-c", code, tmp_path], cwd=ROOT / "benchmarks" / "speed", check=True)
    other = tmp_path / "now" / "made" / "other-01234567" / "fold1-seed0"
    other.mkdir(parents=True)
    (other / record.NAME).write_text("{")
    start = [sys.executable, "-c", WITHOUT_TORCH, "--plugin", tmp_path / "made.py", "run", "-m", "net"]
    words = ["-d", "made", "--root", tmp_path, "--set", "width=1", "--seed", "0,1", "-o", tmp_path / "now"]
    done = subprocess.run([*start, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("already done") == 2 and "01234567" not in done.stdout + done.stderr
    assert f"dferbench leaderboard {tmp_path / 'now'}" in done.stdout
    found = json.loads(subprocess.run([*start, *words, "--json"], capture_output=True, text=True).stdout)
    assert [len(one["curve"]) for one in found["records"]] == [2, 2]
