"""What tests share: a home of their own, tiny data made once, and the command line as a function."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import preloaded
import pytest
from PIL import Image

from dferbench.data.decoders import choose

# The nets of most tests are tiny: threads would only wait for one another. Said before anything imports
# torch, which reads it once, so that this process computes the same bits as those that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# pytest-xdist tells its workers that a terminal of 80 columns is there, and there is none.
os.environ.pop("COLUMNS", None)

ROOT = Path(__file__).parents[1]
TOY = ROOT / "tests" / "toy.py"
SUITES_FOLDER = ROOT / "plugins" / "dferbench_methods" / "suites"
"""The tables of the DFER-CLIP paper, and of the field."""


def heed_interrupts():
    """A shell starts what runs in its background deaf to SIGINT, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(autouse=True, scope="session")
def private_home(tmp_path_factory):
    """No test touches the user's configuration; the cache of drawn videos may be given from outside."""
    os.environ["DFERBENCH_HOME"] = str(tmp_path_factory.mktemp("home"))
    os.environ.setdefault("DFERBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(autouse=True)
def readers_of_its_own():
    """A reader remembers a folder's images, and pytest before 9.2 gives its path to the next test."""
    choose._built.cache_clear()


def write_video(folder, kind, rng, frames=11):
    folder.mkdir(parents=True)
    steps = {"brightens": np.linspace(40, 210, frames), "darkens": np.linspace(210, 40, frames)}
    levels = steps.get(kind, np.full(frames, 125.0))
    for number, level in enumerate(levels, 1):
        pixels = np.clip(level + rng.normal(0, 12, (14, 14, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")


@pytest.fixture(scope="session")
def toy_root(tmp_path_factory):
    """The toy dataset in the layout that its plugin reads: two folds of 18 and 9 videos."""
    root, rng = tmp_path_factory.mktemp("toy"), np.random.default_rng(0)
    for fold in (1, 2):
        for split, count in (("train", 6), ("test", 3)):
            for kind in ("brightens", "darkens", "stays"):
                for i in range(count):
                    write_video(root / f"fold{fold}" / split / kind / f"{split}{i}", kind, rng)
    return root


@pytest.fixture(scope="session")
def server():
    """Starts processes that have imported what is slow; there is one once a test has asked for it."""
    made = preloaded.Server()
    yield made
    made.end()


@pytest.fixture
def start_cli(tmp_path, request):
    """Start the command line in a process of its own, in an empty folder; gives it as `Popen` would."""

    started = []

    def begin(*arguments, cwd=tmp_path, env=None, **more):
        server = request.getfixturevalue("server")
        words, environment = [str(one) for one in arguments], {**os.environ, **(env or {})}
        started.append(server.start(words, cwd, environment, **more))
        return started[-1]

    yield begin
    for process in started:
        process.kill()


@pytest.fixture
def cli(tmp_path, start_cli):
    """Run the command line in a process of its own, in an empty folder; gives the finished process."""

    def run(*arguments, check=None, cwd=tmp_path, env=None, **more):
        if more or any(name.startswith(("PYTHON", "OMP_")) for name in env or {}):
            # Python reads these before anything else, torch when it is imported, and limits are inherited.
            command = [sys.executable, "-m", "dferbench", *map(str, arguments)]
            environment = {**os.environ, **(env or {})}
            done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, **more)
        else:
            with start_cli(*arguments, cwd=cwd, env=env) as process:
                texts = process.communicate()
            done = subprocess.CompletedProcess(process.args, process.returncode, *texts)
        if check is not None:
            assert done.returncode == check, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture
def in_process(tmp_path, monkeypatch, capsys):
    """Run the command line in this process, which is quicker, in an empty folder; gives what `cli` gives."""
    from dferbench.cli import _run

    def run(*arguments, check=None, env=None):
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path)
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            capsys.readouterr()
            code = _run([str(argument) for argument in arguments])
        done = subprocess.CompletedProcess(arguments, code, *capsys.readouterr())
        assert check in (None, code), f"exit {code}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture
def toy_run(toy_root, tmp_path):
    """Run the toy method in this process; gives the records."""
    from dferbench.experiment.plan import Request, make_plan
    from dferbench.progress import Progress
    from dferbench.registry.catalog import discover
    from dferbench.runner.run import run

    def go(model="toy-net", root=toy_root, output=tmp_path / "runs", progress=None, **request):
        catalog = discover([TOY])
        given = {"workers": 0, "device": "cpu", **request}
        request = Request(model, "toy", root=root, output=output, **given)
        plan = make_plan(request, catalog)
        return run(plan, catalog, progress or Progress()), plan

    return go
