"""Reading untrusted videos in processes: whatever one does, it is named and the rest continues."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import media
import pytest
from conftest import ROOT
from hostile import behave, read

from dferbench.data import pool
from dferbench.data.pool import run_each
from dferbench.errors import DferbenchError, VideoError
from dferbench.progress import Bar


class Count(Bar):
    done = 0

    def advance(self, steps=1, **facts):
        self.done += steps


@pytest.mark.slow
def test_whatever_happens_is_named_and_the_rest_goes_on():
    reasons = {
        "sleep": "not read within 1.5 s",
        "spin": "not read within 1.5 s",
        "hold": "not read within 1.5 s",
        "SIGSEGV": "killed its process (SIGSEGV)",
        "SIGKILL": "killed its process (SIGKILL)",
        "exit": "killed its process (exit code 7)",
        "raise": "raised ValueError: no such thing",
        "memory": "not enough memory",
        "bad": "it is empty",
    }
    words = [word for kind in reasons for word in (f"fine-before-{kind}", kind)] + ["fine-last"]
    bar = Count()
    results = dict(run_each(behave, words, 1.5, 2, bar))
    assert list(results) == words
    assert bar.done == len(words)
    for word, result in results.items():
        if word in reasons:
            assert isinstance(result, VideoError)
            assert result.path == word
            assert reasons[word] in result.reason
        else:
            assert result[0] == word


@pytest.mark.parametrize(("word", "code"), [("full", 1), ("name", 3)])
def test_what_is_not_about_one_video_stops_everything(word, code):
    with pytest.raises(DferbenchError) as caught:
        list(run_each(behave, ["fine", word, "fine-2"], 20, 1))
    assert not isinstance(caught.value, VideoError)
    assert caught.value.exit_code == code
    assert caught.value.hint


def test_many_crashes_in_a_row():
    """Each costs a process, none the pool."""
    words = [f"exit-{i}" if i % 2 else f"fine-{i}" for i in range(12)]
    results = list(run_each(behave, words, 30, 2))
    assert [word for word, _ in results] == words
    assert [isinstance(result, VideoError) for _, result in results] == [False, True] * 6


def test_results_are_not_collected_ahead_of_who_reads_them():
    """A million items wait as items, not as tasks or results."""
    taken = []

    class Items(list):
        def __iter__(self):
            for item in super().__iter__():
                taken.append(item)
                yield item

    results = run_each(behave, Items(f"fine-{i}" for i in range(1000)), 20, 2)
    next(results)
    time.sleep(0.2)
    assert len(taken) == pool.AHEAD * 2
    results.close()


def test_order_holds_where_the_first_is_the_slowest():
    words = ["slow-0", *(f"fine-{i}" for i in range(6)), "slow-1", "fine-7"]
    assert [word for word, _ in run_each(behave, words, 20, 2)] == words


def test_nothing_to_do_starts_nothing():
    assert list(run_each(behave, [], 20, 2)) == []


def test_a_pool_that_lost_an_idle_worker_goes_on():
    results = run_each(behave, [f"slow-{i}" for i in range(12)], 20, 1)
    seen = [next(results)]
    os.kill(seen[0][1][1], signal.SIGKILL)
    seen += results
    bad = [result for _, result in seen if isinstance(result, VideoError)]
    assert [word for word, _ in seen] == [f"slow-{i}" for i in range(12)]
    # Killed at work it takes its video along; killed between two videos, none.
    assert len(bad) <= 1


def test_workers_are_replaced(monkeypatch):
    monkeypatch.setattr(pool, "TASKS_A_WORKER", 3)
    processes = Counter(pid for _, (_, pid) in run_each(behave, [f"fine-{i}" for i in range(7)], 20, 1))
    assert sorted(processes.values()) == [1, 3, 3]


LINGERING = """
import signal, sys, time
from pathlib import Path

def linger(ending):
    def leave(*_):
        Path(ending).touch()
        time.sleep(1)
        sys.exit()

    signal.signal(signal.SIGTERM, leave)
"""
LATE = """
import os, sys, time

def wait():
    while not os.path.exists({ending!r}):
        time.sleep(0.01)

try:
    if "spawn_main" in " ".join(sys.orig_argv):
        os.mkdir({first!r})
except OSError:
    wait()
"""


def test_a_worker_that_starts_while_the_others_end_prints_nothing(tmp_path, monkeypatch, capfd):
    """One of two does all there is to do, and takes a second to end; the other begins only then."""
    first, ending = str(tmp_path / "first"), str(tmp_path / "ending")
    (tmp_path / "lingering.py").write_text(LINGERING)
    (tmp_path / "sitecustomize.py").write_text(LATE.format(first=first, ending=ending))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    from lingering import linger

    assert list(run_each(linger, [ending] * 2, 20, 2)) == [(ending, None)] * 2
    assert Path(ending).exists()
    assert capfd.readouterr().err == ""


def test_workers_that_cannot_start_are_an_error(tmp_path):
    """A worker that cannot import what it should run dies at once, every time."""
    script = tmp_path / "main.py"
    script.write_text(
        "import sys, multiprocessing\n"
        "if multiprocessing.parent_process() is not None:\n    import os; os._exit(1)\n"
        "from dferbench.data.pool import run_each\n"
        "from dferbench.errors import DferbenchError\n"
        "try:\n    list(run_each(len, ['a', 'b'], 9, 1))\n"
        "except DferbenchError as error:\n    print('named:', error)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert "named: the processes that read videos die" in done.stdout, done.stderr


def test_damaged_videos(tmp_path):
    good = media.encode_kind(tmp_path, "h264-b-frames.mp4")
    plain = media.encode_kind(tmp_path, "h264-plain.mp4")
    text = tmp_path / "text.mp4"
    text.write_text("not a video")
    videos = [
        good,
        media.cut(good, tmp_path / "cut.mp4", 0.6),
        media.holed(plain, tmp_path / "holed.mp4", 0.3, 0.5),
        media.audio_only(tmp_path / "tone.mp4"),
        text,
        tmp_path / "missing.mp4",
        plain,
    ]
    results = [result for _, result in run_each(read, [str(path) for path in videos], 30, 2)]
    assert results[0] == results[-1] == 70
    for path, result in zip(videos[1:-1], results[1:-1], strict=True):
        assert isinstance(result, VideoError), path
        assert result.path == str(path)


def alive(pid):
    """Whether a process is there and is more than a corpse that nobody has buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks processes up in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda s: s.name)
def test_workers_end_with_whoever_started_them(tmp_path, number):
    notes = [tmp_path / "spin", tmp_path / "hold"]
    main = subprocess.Popen(
        [sys.executable, ROOT / "tests" / "hostile.py", *notes],
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not all(note.exists() and note.read_text() for note in notes):
        time.sleep(0.05)
    workers = [int(note.read_text()) for note in notes]
    assert all(map(alive, workers))
    main.send_signal(number)
    main.wait(timeout=10)
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline and any(map(alive, workers)):
        time.sleep(0.05)
    assert not any(map(alive, workers))
