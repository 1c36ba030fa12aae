"""`dferbench watch`: shows what a run reports while it runs, and ends as the run ends."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys

import pytest
from conftest import TOY, heed_interrupts

from dferbench.trackers.events import NAME, read_events

EPOCHS = 4
FOLDER_IS_THERE = {
    "waiting for a run in runs: no run in it has reported yet",
    "Start one by dferbench run, or press Ctrl-C to end this.",
}
"""What may be said between the making of the folder and the run's first event."""
WATCH = [sys.executable, "-m", "dferbench", "watch", "runs"]


@pytest.fixture(scope="module")
def finished(toy_root, tmp_path_factory):
    """The folder of a run that is done."""
    from dferbench.cli import _run

    runs = tmp_path_factory.mktemp("finished")
    words = f"run -m toy-net -d toy --root {toy_root} -o {runs} --device cpu -j 0 --epochs {EPOCHS} -q"
    assert _run(["--plugin", str(TOY), *words.split()]) == 0
    (path,) = runs.rglob(NAME)
    return path.parent


@pytest.fixture
def half(finished, tmp_path):
    """A run that stands after two epochs; its process is this one."""
    folder = tmp_path / "runs" / "half"
    folder.mkdir(parents=True)
    lines = (finished / NAME).read_text().splitlines(keepends=True)
    (folder / NAME).write_text("".join(lines[:5]))
    return folder


def test_a_finished_run_is_shown_and_ends_it(finished, in_process):
    for place in (finished, finished.parent):
        head, *epochs, last = in_process("watch", place, check=0).stdout.splitlines()
        assert head.startswith("toy-net on toy, fold 1 seed 0, configuration ")
        assert [line.split()[0] for line in epochs] == ["1/4", "2/4", "3/4", "4/4"]
        events = [e for e in read_events(finished / NAME) if e["event"] == "epoch_done"]
        for line, event in zip(epochs, events, strict=True):
            assert f"ce {event['terms']['ce']:.3f}, lr 0.05, UAR {event['metrics']['uar']:.2f}" in line
        assert last.startswith(f"done: UAR {events[-1]['metrics']['uar']:.2f} WAR ")


def test_where_nothing_runs_it_says_why_and_what_to_do(in_process, tmp_path):
    """On two lines of stderr: what follows the output of `watch` sees none of it."""
    missing = in_process("watch", "--once", check=0)
    (tmp_path / "runs").mkdir()
    empty = in_process("watch", "runs", "--once", check=0)
    assert missing.stdout == empty.stdout == ""
    for said, why in ((missing.stderr, "there is no such folder yet"), (empty.stderr, "no run in it has")):
        first, second = said.splitlines()
        assert first.startswith(f"waiting for a run in runs: {why}") and "Ctrl-C" in second


def test_a_running_run_and_a_line_that_is_not_finished(half, in_process):
    with (half / NAME).open("a") as file:
        file.write('{"event": "epoch_done", "epo')
    shown = in_process("watch", "runs", "--once", check=0).stdout.splitlines()
    assert [line.split()[0] for line in shown[1:]] == ["1/4", "2/4"]
    seconds = [e["seconds"] for e in read_events(half / NAME) if e["event"] == "epoch_done"]
    assert shown[-1].endswith(f"{sum(seconds):.0f} s left")


def test_a_process_that_is_gone(half, in_process):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    events = read_events(half / NAME)
    events[0]["pid"] = ended.pid
    (half / NAME).write_text("".join(json.dumps(event) + "\n" for event in events))
    last = in_process("watch", "runs", check=75).stdout.splitlines()[-1]
    assert last == "stopped: the process of this run is gone; the same command resumes it"


def test_a_failed_run_gives_its_exit_code(in_process, toy_root, tmp_path):
    spoiled = shutil.copytree(toy_root, tmp_path / "spoiled")
    (spoiled / "fold1" / "test" / "stays" / "test1" / "3.png").write_bytes(b"no image")
    words = ("run", "-m", "toy-net", "-d", "toy", "--root", spoiled, "--device", "cpu", "-j", "0", "-q")
    in_process("--plugin", TOY, *words, check=4)
    last = in_process("watch", check=4).stdout.splitlines()[-1]
    assert last.startswith("failed: ") and "3.png" in last


@pytest.mark.parametrize(
    ("content", "message"), [("no json\n", "line 1 of"), ('["a list"]\n', "is not an event of a run")]
)
def test_what_is_no_event_is_named(in_process, tmp_path, content, message):
    (tmp_path / NAME).write_text(content)
    done = in_process("watch", tmp_path, "--once", check=3)
    assert message in done.stderr and done.stderr.count("\n") == 2


def test_what_can_never_be_followed_is_refused(finished, in_process, tmp_path):
    old = shutil.copytree(finished, tmp_path / "old", ignore=shutil.ignore_patterns(NAME))
    assert "left no events" in in_process("watch", old, check=3).stderr
    assert "is a file" in in_process("watch", old / "record.json", check=3).stderr


def test_it_follows_a_run_from_before_its_start_to_its_end(in_process, toy_root, tmp_path):
    watching = subprocess.Popen(
        WATCH, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert watching.stderr.readline() == "waiting for a run in runs: there is no such folder yet\n"
    assert "Ctrl-C" in watching.stderr.readline()
    words = ("run", "-m", "toy-net", "-d", "toy", "--root", toy_root, "--device", "cpu", "-j", "0")
    in_process("--plugin", TOY, *words, "--epochs", "3", check=0)
    shown, errors = watching.communicate(timeout=60)
    assert watching.returncode == 0 and set(errors.splitlines()) <= FOLDER_IS_THERE
    assert [line.split()[0] for line in shown.splitlines()[1:]] == ["1/3", "2/3", "3/3", "done:"]


def test_ctrl_c_ends_it(tmp_path):
    watching = subprocess.Popen(
        WATCH, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=heed_interrupts,
    )  # fmt: skip
    watching.stderr.readline()
    watching.send_signal(signal.SIGINT)
    _, errors = watching.communicate(timeout=60)
    assert watching.returncode == 130 and "Traceback" not in errors


def test_on_a_terminal_it_is_a_table(finished):
    """A terminal as a program sees it."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    watching = subprocess.Popen([*WATCH[:-1], str(finished)], stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # how Linux says that the other end was closed
        pass
    os.close(ours)
    assert watching.wait(60) == 0
    text = shown.decode()
    assert "epoch" in text and "UAR" in text and "4/4" in text and "done: UAR" in text
