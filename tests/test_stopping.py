"""Being asked to end: never lost, never taken for anything else, and answered by one process alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import TOY

from dferbench.experiment import record

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends signals")

START = """
import os, signal, sys, time
from dferbench import stopping
signal.signal(signal.SIGINT, signal.default_int_handler)
stopping.listen()
me, TERM, INT = os.getpid(), signal.SIGTERM, signal.SIGINT
"""


def script(text, *, check=None):
    done = subprocess.run([sys.executable, "-c", START + text], capture_output=True, text=True, timeout=60)
    if check is not None:
        assert done.returncode == check, done.stderr
    return done


LOST = {
    "in __del__": """
class Thing:
    def __del__(self): os.kill(me, {0})
thing = Thing()
del thing
""",
    "in a fork": """
os.register_at_fork(after_in_parent=lambda: os.kill(me, {0}))
if not os.fork(): os._exit(0)
os.wait()
""",
    "by a plugin": """
try: os.kill(me, {0}); time.sleep(1)
except BaseException: pass
""",
    "under another error": """
try:
    try: os.kill(me, {0}); time.sleep(1)
    finally: raise RuntimeError("something fell over")
except RuntimeError: pass
""",
}


@pytest.mark.parametrize(("number", "raised"), [("TERM", "Stopped"), ("INT", "KeyboardInterrupt")])
@pytest.mark.parametrize("how", LOST)
def test_an_exception_that_is_lost_is_raised_by_the_next_loop(how, number, raised):
    done = script(
        LOST[how].format(number) + f"assert stopping.asked()\ntry: stopping.check()\n"
        f"except BaseException as error: assert type(error).__name__ == '{raised}', error\n"
        "else: raise SystemExit('lost')\nprint('stopped')"
    )
    assert done.stdout == "stopped\n", done.stderr


def test_signals_wait_while_processes_are_started():
    done = script(
        "try:\n"
        "    with stopping.held():\n"
        "        os.kill(me, TERM); time.sleep(0.1); print('whole', flush=True)\n"
        "except stopping.Stopped: print('then stopped')"
    )
    assert done.stdout == "whole\nthen stopped\n", done.stderr


def test_a_fork_without_a_handler_of_its_own_leaves_it_to_its_parent():
    done = script(
        "child = os.fork()\n"
        "if not child:\n"
        "    os.kill(os.getpid(), TERM); time.sleep(0.1); os._exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    assert done.stdout == "7\n", done.stderr


def test_a_reader_is_deaf_to_what_reaches_the_group():
    done = script(
        "child = os.fork()\n"
        "if not child:\n"
        "    stopping.leave_to_parent()\n"
        "    os.kill(os.getpid(), TERM); os.kill(os.getpid(), INT); time.sleep(0.1); os._exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    assert done.stdout == "7\n", done.stderr


def test_further_signals_do_not_disturb_the_clearing_up():
    done = script(
        "try: os.kill(me, TERM); time.sleep(1)\n"
        "except stopping.Stopped:\n"
        "    os.kill(me, INT); os.kill(me, TERM); time.sleep(0.1); print('cleared up')"
    )
    assert done.stdout == "cleared up\n", done.stderr


def test_a_process_that_does_not_end_can_be_ended_by_another_signal():
    script(
        "stopping.PATIENCE = 0.0\n"
        "try: os.kill(me, TERM); time.sleep(1)\n"
        "except stopping.Stopped: time.sleep(0.01); os.kill(me, TERM); time.sleep(1)",
        check=-signal.SIGTERM,
    )


@pytest.mark.parametrize("code", [0, 5])
def test_once_the_exit_code_is_known_a_signal_cannot_change_it(code):
    done = script(
        f"import atexit\natexit.register(lambda: (os.kill(me, TERM), time.sleep(1)))\n"
        f"print('result'); stopping.conclude({code}); sys.exit({code})",
        check=code,
    )
    assert (done.stdout, done.stderr) == ("result\n", "")


def test_who_was_started_deaf_to_ctrl_c_stays_so():
    done = script(
        "signal.signal(INT, signal.SIG_IGN); stopping.listen()\n"
        "os.kill(me, INT); time.sleep(0.1); print('on')"
    )
    assert done.stdout == "on\n", done.stderr


@pytest.fixture
def start(start_cli, toy_root):
    """Start a command in a session of its own; gives it once it has begun to train."""

    def begin(*words):
        command = ["--plugin", TOY, *words, "-d", "toy", "--root", toy_root, "--device", "cpu"]
        process = start_cli(*command, "--epochs", "200", "-j", "2", alone=True)
        for line in process.stderr:
            if line.startswith("train 2/"):
                return process
        raise AssertionError(process.wait())

    return begin


def children(parent):
    found = set()
    for task in Path(f"/proc/{parent}/task").glob("*/children"):
        found |= set(map(int, task.read_text().split()))
    return found


def ended(process, code):
    """What it said after it was asked to end."""
    errors = process.communicate(timeout=120)[1]
    assert process.returncode == code, errors
    assert "Traceback" not in errors and "bug" not in errors
    error, hint = errors.splitlines()[-2:]
    assert error.startswith("error: ") and hint.startswith("hint: ")
    return errors


def wait_until_gone(processes):
    end = time.monotonic() + 30
    while any(Path(f"/proc/{one}").exists() for one in processes) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{one}").exists() for one in processes)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="lists children through /proc")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_a_stop_of_the_group_with_readers_is_an_interruption(tmp_path, start, number, code):
    process = start("run", "-m", "toy-net")
    readers = children(process.pid)
    assert len(readers) >= 2
    os.killpg(process.pid, number)
    ended(process, code)
    wait_until_gone(readers)
    (path,) = record.find(tmp_path / "runs")
    assert record.read(path).status == "interrupted"
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()]


@pytest.mark.slow
def test_a_stopped_bench_starts_no_other_row(tmp_path, start):
    row = '[[rows]]\nlabel = "{0}"\nmethod = "toy-net"\noptions = {{ width = {0} }}\n'
    (tmp_path / "two.toml").write_text('title = "Two"\n' + row.format(3) + row.format(4))
    process = start("bench", "two.toml")
    os.killpg(process.pid, signal.SIGTERM)
    assert "row 2" not in ended(process, 75)
    (path,) = record.find(tmp_path / "runs")
    assert record.read(path).status == "interrupted"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="lists children through /proc")
def test_a_killed_reader_is_told_with_what_to_do(tmp_path, start):
    process = start("run", "-m", "toy-net")
    os.kill(min(children(process.pid)), signal.SIGKILL)
    errors = ended(process, 4)
    assert "ended with SIGKILL" in errors.splitlines()[-2] and "memory" in errors.splitlines()[-1]
    (path,) = record.find(tmp_path / "runs")
    assert record.read(path).status == "failed" and (path.parent / "state.pt").is_file()


@pytest.mark.heavy
def test_a_row_in_a_process_of_its_own_is_stopped_with_its_parent(tmp_path, start_cli, toy_root):
    row = '[[rows]]\nlabel = "one"\nmethod = "toy-net"\n'
    (tmp_path / "one.toml").write_text('title = "One"\n' + row)
    words = ["bench", "one.toml", "--launcher", "processes"]
    command = ["--plugin", TOY, *words, "-d", "toy", "--root", toy_root, "--device", "cpu"]
    process = start_cli(*command, "--epochs", "2000", "-j", "0")
    end = time.monotonic() + 120
    while not list(tmp_path.rglob("state.pt")) and time.monotonic() < end:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    ended(process, 75)
    (path,) = record.find(tmp_path / "runs")
    assert record.read(path).status == "interrupted"


def with_shared_memory(options):
    """The beginning of a command that has a /dev/shm of its own."""
    script = f'mount -t tmpfs -o {options} tmpfs /dev/shm && exec "$@"'
    inside = ["unshare", "-rm", "sh", "-c", script, "sh"]
    try:
        tried = subprocess.run([*inside, "true"], capture_output=True)
    except FileNotFoundError:
        tried = None
    if tried is None or tried.returncode:
        pytest.skip("may not mount a /dev/shm here")
    return inside


@pytest.mark.slow
def test_shared_memory_that_is_too_small_is_told_at_once(tmp_path, toy_root):
    inside = with_shared_memory("size=200k")
    command = [sys.executable, "-m", "dferbench", "--plugin", TOY, "run", "-m", "toy-net", "-d", "toy"]
    command += ["--root", toy_root, "--device", "cpu", "--set", "input.size=112", "-j", "1", "--epochs", "1"]
    done = subprocess.run(
        [*inside, *map(str, command)], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 4, done.stderr
    error, hint = done.stderr.splitlines()[-2:]
    assert "does not go into shared memory" in error and "free in /dev/shm" in error
    assert "--workers 0" in hint and "--shm-size" in hint and "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code"),
    [(["run", "-m", "toy-net", "-d", "toy"], 4), (["data", "pack", "toy", "-o", "packed"], 1)],
    ids=["run", "pack"],
)
def test_shared_memory_that_cannot_be_written_is_told(tmp_path, toy_root, words, code):
    inside = with_shared_memory("ro")
    command = [sys.executable, "-m", "dferbench", "--plugin", TOY, *words, "--root", toy_root]
    done = subprocess.run(
        [*inside, *map(str, command), "-j", "1"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == code, done.stderr
    error, hint = done.stderr.splitlines()[-2:]
    assert "cannot be started" in error and "/dev/shm" in hint and "Traceback" not in done.stderr
