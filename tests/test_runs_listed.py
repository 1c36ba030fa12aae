"""`dferbench runs`: how every run below a folder stands."""

import json
import os
import signal
from pathlib import Path

import pytest
from conftest import TOY
from test_tables import make

from dferbench.experiment import record
from dferbench.runner.claims import claim


def kept(folder, name, seed=0, **facts):
    one = make(name, seed, confusion=[[9, 1], [6, 4]]).model_copy(update=facts)
    record.write(one, folder / name / f"fold1-seed{seed}")
    return folder / name / f"fold1-seed{seed}"


@pytest.fixture
def study(tmp_path):
    """A run of each kind, one of them ours."""
    runs = tmp_path / "runs"
    kept(runs, "a")
    kept(runs, "b", status="failed", error="the disk\u202e is full\nFree some space.")
    kept(runs, "c", status="interrupted", error="Stopped()")
    kept(runs, "d", status="running")
    (kept(runs, "e") / record.NAME).write_text("{}")
    with claim(kept(runs, "f", status="running")):
        yield runs


def test_every_status_is_told_with_why(study, in_process, tmp_path):
    said = json.loads(in_process("runs", "--json", check=0).stdout)
    found = {Path(one["folder"]).parts[1]: one for one in said["runs"]}
    assert {name: one["status"] for name, one in found.items()} == {
        "a": "done", "b": "failed", "c": "interrupted", "d": "interrupted", "e": "damaged", "f": "running",
    }  # fmt: skip
    assert said["counts"] == {"running": 1, "done": 1, "interrupted": 2, "failed": 1, "damaged": 1}
    assert found["b"]["why"].startswith("the disk") and "Free" not in found["b"]["why"]
    assert found["d"]["why"] == "its process is gone" and "not a valid record" in found["e"]["why"]
    holder = found["f"]["holder"]
    assert (holder["pid"], holder["host"]) == (os.getpid(), os.uname().nodename) and holder["since"]
    assert all((tmp_path / one["folder"] / record.NAME).is_file() for one in found.values())


def test_tests_on_corrupted_videos_are_counted_apart(study, in_process):
    for place, status in (("g", "done"), ("h", "running")):
        kept(study / "stress", place, status=status, checkpoint={"stress": {"corruption": "blur"}})
    said = json.loads(in_process("runs", "--json", check=0).stdout)
    assert len(said["runs"]) == 6 and said["stressed"] == 2 and sum(said["counts"].values()) == 6
    assert "stressed" not in said["runs"][0]
    last = in_process("runs", check=0).stdout.splitlines()[-1]
    assert last == "and 2 tests on corrupted videos: dferbench stress shows them"
    below = in_process("runs", "runs/stress", check=0).stdout.splitlines()
    assert below[0] == "0 runs below runs/stress"


def test_the_table_fits_a_terminal_and_ends_with_a_count(study, in_process):
    told = in_process("runs", env={"COLUMNS": "80"}, check=0).stdout
    assert max(map(len, told.splitlines())) <= 80 and "\u202e" not in told
    assert told.splitlines()[-1] == (
        "6 runs below runs: 1 running, 1 done, 2 interrupted, 1 failed, 1 damaged"
    )
    assert f"process {os.getpid()}" in " ".join(told.split())


def test_an_empty_folder_and_none(in_process, tmp_path):
    (tmp_path / "empty").mkdir()
    assert in_process("runs", "empty", check=0).stdout == "0 runs below empty\n"
    told = in_process("runs", "nowhere", check=3).stderr.splitlines()
    assert told == [
        "error: there is no folder nowhere",
        "hint: Run something first, or name the folder of the runs.",
    ]


@pytest.mark.slow
def test_a_running_run_tells_its_epoch_and_its_end(in_process, start_cli, toy_root, tmp_path):
    words = ["--plugin", TOY, "run", "-m", "toy-net", "-d", "toy", "--root", toy_root, "--device", "cpu"]
    with start_cli(*words, "-j", "0", "--epochs", "400") as one:
        while "train 3/" not in one.stderr.readline():
            assert one.poll() is None
        one.send_signal(signal.SIGSTOP)
        (told,) = json.loads(in_process("runs", "runs", "--json", check=0).stdout)["runs"]
        assert told["status"] == "running" and told["holder"]["pid"] == one.pid
        assert told["epoch"] >= 2 and told["epochs"] == 400 and told["seconds_left"] > 0
        one.kill()
        one.wait()
        (told,) = json.loads(in_process("runs", "runs", "--json", check=0).stdout)["runs"]
        assert told["status"] == "interrupted" and told["epoch"] >= 2 and told["seconds_left"] is None
