"""What killed processes leave is swept away; what living ones are writing is not."""

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import media
import pytest
from conftest import heed_interrupts

from dferbench import write_atomic
from dferbench.errors import DferbenchError

posix = pytest.mark.skipif(os.name != "posix", reason="locks and signals of POSIX")

WRITES = """
import os, signal, sys, time
from pathlib import Path
from dferbench import files, stopping

def halt(handle):
    real(handle)
    print("written", flush=True)
    time.sleep(60)

real, os.fsync = os.fsync, halt
stopping.listen()
files.write_atomic(Path(sys.argv[1]), "unfinished")
"""


def writing(path):
    """A process that is in the middle of writing the file."""
    process = subprocess.Popen([sys.executable, "-c", WRITES, str(path)], stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.DEVNULL, preexec_fn=heed_interrupts)  # fmt: skip
    assert process.stdout.readline() == "written\n"
    return process


def hidden(folder):
    return [path.name for path in folder.rglob(".*")]


@posix
def test_the_next_writing_sweeps_up_after_a_killed_one(tmp_path):
    for name in ("state.pt", "record[1].json"):
        process = writing(tmp_path / name)
        process.kill()
        process.wait()
        assert len(hidden(tmp_path)) == 1
        write_atomic(tmp_path / name, "new")
        assert (tmp_path / name).read_text() == "new" and not hidden(tmp_path)


@posix
def test_what_a_living_process_writes_stays(tmp_path):
    process = writing(tmp_path / "state.pt")
    (there,) = hidden(tmp_path)
    write_atomic(tmp_path / "state.pt", "mine")
    write_atomic(tmp_path / "state", "another")
    assert hidden(tmp_path) == [there]
    process.kill()
    process.wait()


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_a_process_that_is_asked_to_end_leaves_nothing(tmp_path, number):
    process = writing(tmp_path / "state.pt")
    process.send_signal(number)
    process.wait(30)
    assert list(tmp_path.iterdir()) == []


def test_files_of_others_stay_and_failures_leave_nothing(tmp_path):
    (tmp_path / ".a.txt.swp").write_text("an editor's")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "full").touch()
    write_atomic(tmp_path / "a.txt", "text")
    with pytest.raises(DferbenchError, match="cannot write"):
        write_atomic(tmp_path / "b", "a folder stands there")
    assert hidden(tmp_path) == [".a.txt.swp"]


@posix
def test_many_writers_of_one_file_never_disturb_one_another(tmp_path):
    code = (
        "import sys\nfrom pathlib import Path\nfrom dferbench import write_atomic\n"
        "for number in range(200): write_atomic(Path(sys.argv[1]), sys.argv[2] * 1000)"
    )
    path = tmp_path / "one.txt"
    writers = [subprocess.Popen([sys.executable, "-c", code, path, letter]) for letter in "abcd"]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0, 0]
    assert path.read_text() in [letter * 1000 for letter in "abcd"] and not hidden(tmp_path)


@pytest.mark.slow
def test_eight_links_at_once_are_all_remembered(tmp_path):
    environment = {**os.environ, "DFERBENCH_HOME": str(tmp_path / "home")}
    names = ["dfew", "ferv39k", "mafw", "afew", "caer", "ravdess", "crema-d", "mafw-compound"]
    for name in names:
        (tmp_path / name).mkdir()
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "dferbench", "data", "link", name, str(tmp_path / name)],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )
        for name in names
    ]  # fmt: skip
    told = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, told
    roots = tomllib.loads((tmp_path / "home" / "config.toml").read_text())["roots"]
    assert roots == {name: str(tmp_path / name) for name in names}
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["config.toml"]


DRAW = """
import sys
from pathlib import Path
from dferbench.progress import Progress
from dferbench_datasets.synthetic import Synthetic
Synthetic(videos=35, size=32, seed=5).prepare(Path(sys.argv[1]), Progress(), workers=1)
"""


@pytest.mark.slow
def test_drawing_at_first_use_by_several_processes(tmp_path):
    processes = [subprocess.Popen([sys.executable, "-c", DRAW, tmp_path / "drawn"]) for _ in range(4)]
    assert [process.wait(300) for process in processes] == [0] * 4
    assert len(list((tmp_path / "drawn" / "videos").iterdir())) == 35
    assert not hidden(tmp_path)


@pytest.mark.slow
def test_faces_of_one_tree_by_several_processes(tmp_path):
    (tmp_path / "raw").mkdir()
    for name in "abcdef":
        media.encode(tmp_path / "raw" / f"{name}.mp4", count=4)
    words = ["data", "faces", "raw", "-o", "out", "--finder", "none", "-j", "1"]
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "dferbench", *words], cwd=tmp_path,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    told = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * 3, told
    assert all("6 of 6 videos cropped" in out for out, _ in told)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*"abcdef", "faces.json"}


def test_a_lock_that_cannot_be_had_does_not_stop_the_work(tmp_path, monkeypatch):
    from dferbench.places import alone

    (tmp_path / "cache").write_text("no folder")
    monkeypatch.setenv("DFERBENCH_CACHE", str(tmp_path / "cache"))
    with alone(Path("somewhere")):
        assert True
    monkeypatch.setenv("DFERBENCH_CACHE", str(tmp_path / "good"))
    waited = []
    with alone(Path("somewhere")):
        code = (
            "import sys\nfrom pathlib import Path\nfrom dferbench.places import alone\n"
            "def wait(): print('waits', flush=True); sys.exit(9)\n"
            "with alone(Path('somewhere'), wait): pass"
        )
        waited.append(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True))
    assert (waited[0].stdout, waited[0].returncode) == ("waits\n", 9)
