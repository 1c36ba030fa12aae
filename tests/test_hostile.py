"""A thousand hostile inputs: no traceback, no hang, bounded memory, no neighbour lost, nothing read outside.

Nor is anything printed that a terminal obeys.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from media import encode
from test_bounds import png

COUNTS = {
    "plugins": 200, "records": 200, "suites": 150, "options": 150, "checkpoints": 100, "packs": 60,
    "lists": 80, "videos": 60,
}  # fmt: skip
GIGABYTES = 2.0
TESTS = Path(__file__).parent
pytestmark = [
    pytest.mark.long,  # two minutes in one process; CI runs them in a step of their own
    pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes and alarms are those of Unix"),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """Runs of two methods, a checkpoint, a pack, a good video, and two that are far too large."""
    folder = tmp_path_factory.mktemp("base")
    for label in "abc":
        (folder / "videos" / label).mkdir(parents=True)
        for number in range(4):
            encode(folder / "videos" / label / f"{number}.mp4", count=6 + number)
    shutil.copy(folder / "videos" / "a" / "0.mp4", folder / "good.mp4")
    encode(folder / "large.mp4", count=1, size=(6400, 6400))
    png(folder / "large.png", 12_000, 12_000)
    data = ["-d", f"folder(path={folder / 'videos'}, folds=2)"]
    small = ["--set", "backbone=clip-tiny", "--set", "input.frames=4", "--device", "cpu", "-q", "-j", "0"]
    train = ["--epochs", "1", "--set", "stage.batch=3"]
    run(folder, "run", "-m", "linear-probe", *data, *small, *train, "-o", "runs")
    run(folder, "run", "-m", "zero-shot-clip", *data, *small, "--set", "text=class-names", "-o", "runs")
    run(folder, "data", "pack", data[1], "-o", "P", "-q", "-j", "1")
    shutil.copy(next((folder / "runs").rglob("checkpoint.safetensors")), folder)
    return folder


def run(folder, *words):
    done = subprocess.run(
        [sys.executable, "-m", "dferbench", *words], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def outcomes(base):
    """What came of every input, by kind: each kind in a process of its own."""
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "PYTHONPATH": path, "NO_COLOR": "1", "TERM": "dumb", "OMP_NUM_THREADS": "1"}
    env |= {"HF_HUB_OFFLINE": "1", "TMPDIR": str(base), "MPLCONFIGDIR": str(base)}
    found = {}
    for kind, count in COUNTS.items():
        command = [sys.executable, str(TESTS / "attacks" / "work.py"), kind, str(base), str(count)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
        found[kind] = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.returncode == 0 and len(found[kind]) == count + 1, (
            kind,
            len(found[kind]),
            done.stderr[-2000:],
        )
    return found


@pytest.mark.parametrize("kind", COUNTS)
def test_every_input_ends_in_words(outcomes, kind):
    """No traceback, no other exit code than those of the README, no neighbour lost, nothing read outside."""
    *cases, _ = outcomes[kind]
    assert not [(case["number"], case["words"], case["wrong"]) for case in cases if case["wrong"]]


@pytest.mark.parametrize("kind", COUNTS)
def test_none_takes_long_or_much(outcomes, kind):
    *cases, end = outcomes[kind]
    assert max(case["seconds"] for case in cases) < 30
    assert end["gigabytes"] < GIGABYTES


@pytest.mark.parametrize("kind", COUNTS)
def test_nothing_reaches_a_terminal_that_it_obeys(outcomes, kind):
    *cases, _ = outcomes[kind]
    assert not [(case["number"], case["words"], case["escapes"]) for case in cases if case["escapes"]]


def test_there_are_a_thousand_and_most_are_refused(outcomes):
    """A test of the test: inputs that nobody minds would prove nothing."""
    assert sum(COUNTS.values()) >= 1000
    for kind in ("suites", "options", "checkpoints", "packs", "lists"):
        *cases, _ = outcomes[kind]
        assert sum(case["code"] != 0 for case in cases) > len(cases) / 3, kind
