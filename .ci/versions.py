"""Both commands of the README on every Python that this machine has, and with the lowest versions allowed.

`python .ci/versions.py "TEST COMMAND"`, by the machine's own Python and without any package. uv, installed
into a folder that is removed afterwards, installs: it takes the newest releases whatever pip is told here,
or the lowest. Only one of the environments is on the disk at a time, each of some seven gigabytes.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import compare
from steps import Steps

ROOT = Path(__file__).parents[1]
HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
FURTHER = ("3.12", "3.13", "3.14")
VENV = ("venv", "--quiet", "--no-config", "--python")
EXTRAS = "test,faces,parquet,tensorboard,wandb,mlflow,docs,onnx,test-pages"
"""What the README's test command does without: trackers, exports, the site, a browser's driver."""
HEAVY = ("pytest", "-q", "-m", "heavy and not long")
WANT_EXTRAS = tuple(
    f"tests/test_{name}.py"
    for name in (
        "documented_commands", "export", "face_finders", "face_jumps", "face_tracks", "faces", "features",
        "interface", "outside", "pages", "site", "trackers",
    )
)  # fmt: skip
"""Files with tests that are skipped where an optional package is not installed."""
REST = ("pytest", "-q", "-m", "not heavy and not long")
ALONE = ("pytest", "-q", "-n0", "-m", "long")
LONG = {
    "a thousand hostile inputs": ("tests/test_hostile.py",),
    "the check of a GPU, small": ("tests/test_gpu_check.py",),
    "launchers on SLURM and Ray": ("tests/test_launchers_slurm.py", "tests/test_launchers_ray.py"),
    "kills and jobs": ("tests/test_kills.py", "tests/test_jobs.py"),
}
"""Tests of minutes that nothing else here runs."""
STYLE = ("ruff check", "ruff format --check", "mypy")


def lowest_tests() -> list[str]:
    """What the lowest versions are held to: the files that tox runs with them."""
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    return re.findall(r"tests/test_\w+\.py", tox["testenv:lowest"]["commands"])


def marked(name: str) -> str:
    """The command in the code block behind a marker of the README."""
    found = re.search(rf"<!-- {name} -->\n```bash\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert found, f"README.md marks no {name}"
    return found[1].strip()


def find(version: str) -> str | None:
    """An interpreter of this version: on PATH (where a shim may stand for nothing), or pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    numbered = [path for path in pyenv.glob(f"{version}.*") if path.name.replace(".", "").isdigit()]
    numbered.sort(key=lambda path: int(path.name.rsplit(".", 1)[1]), reverse=True)
    for one in (shutil.which(f"python{version}"), *(str(path / "bin" / "python") for path in numbered)):
        question = "import sys; print('%d.%d' % sys.version_info[:2])"
        try:
            if (
                one
                and subprocess.run([one, "-c", question], capture_output=True, text=True).stdout.strip()
                == version
            ):
                return one
        except OSError:
            continue
    return None


class Environment:
    """One virtual environment in a folder of its own, with the home and the cache of what runs there."""

    def __init__(self, name: str, steps: Steps, folder: Path) -> None:
        self.name, self.steps, self.folder = name, steps, folder
        self.python = folder / ".venv" / "bin" / "python"
        self.own = {
            "DFERBENCH_HOME": str(folder / "home"),
            "DFERBENCH_CACHE": str(folder / "cache"),
            "MPLBACKEND": "agg",
        }

    def main_job(self, command: str, name: str = "main command") -> dict[str, Any] | None:
        """Run a main command in the folder, where no earlier run answers for it; gives its record."""
        # One thread everywhere: how many there are decides in which order numbers are added, and two of
        # them next to the two processes that read videos only wait for one another on two cores.
        threads = {"OMP_NUM_THREADS": "1"}
        shell = ("bash", "-euo", "pipefail", "-c", command)
        good = self.steps.run(f"{self.name}: {name}", *shell, cwd=self.folder, **self.own, **threads)
        records = list(self.folder.glob("runs/**/record.json"))
        return json.loads(records[0].read_text()) if good and len(records) == 1 else None

    def uv(self, name: str, uv: Path, *arguments: str | Path) -> bool:
        """Install something into the environment, compiled as pip does: every process would do it again."""
        free = shutil.disk_usage(self.folder).free / 1e9
        print(f"\n{free:.1f} GB are free for {self.name}", flush=True)
        command = (uv, "pip", "install", "--quiet", "--no-config", "--compile-bytecode")
        return self.steps.run(
            f"{self.name}: {name}", *command, "--python", self.python, *arguments, cwd=self.folder
        )

    def tests(self, *arguments: str, name: str = "tests") -> None:
        """Run tests of the checkout with the environment."""
        command = (self.python, "-m", "pytest", "-q", *arguments)
        self.steps.run(f"{self.name}: {name}", *command, cwd=ROOT, **self.own)


def as_typed(steps: Steps, folder: Path) -> dict[str, Any] | None:
    """The README's main command on the machine's Python, by pip; only the checkout lies elsewhere."""
    command = marked("main").replace("pip install .", f"pip install '{ROOT}'")
    return Environment(HERE, steps, folder).main_job(command, "main command, as typed")


def newest(steps: Steps, folder: Path, uv: Path, name: str, python: str) -> dict[str, Any] | None:
    """The newest releases for one Python: the main command, then the quick tests, trackers included."""
    here = Environment(name, steps, folder)
    steps.run(f"{name}: environment", uv, *VENV, python, here.python.parents[1])
    if not here.uv("install", uv, "--only-binary", ":all:", "--no-binary", "dferbench", ROOT):
        return None
    record = here.main_job(marked("main").split(" && ")[-1])
    if here.uv("install for tests", uv, "--editable", f"{ROOT}[{EXTRAS}]"):
        here.tests()
    return record


def lowest(steps: Steps, folder: Path, uv: Path) -> dict[str, Any] | None:
    """The lowest versions that pyproject.toml allows: the main command, then tox's tests of them."""
    here, wanted = Environment("lowest", steps, folder), folder / "lowest.txt"
    lowest = ("--resolution", "lowest-direct", "--only-binary", ":all:", "--python-version", HERE)
    output = ("--no-header", "--no-annotate", "--output-file", wanted)
    command = (uv, "pip", "compile", "--quiet", "--no-config", "--extra", "test")
    steps.run("lowest: resolve", *command, *lowest, *output, ROOT / "pyproject.toml")
    steps.run("lowest: environment", uv, *VENV, sys.executable, folder / ".venv")
    if not here.uv("install", uv, "--only-binary", ":all:", "--requirement", wanted):
        return None
    if not here.uv("install dferbench", uv, "--no-deps", ROOT):
        return None
    record = here.main_job(marked("main").split(" && ")[-1])
    if here.uv("install for tests", uv, "--no-deps", "--editable", ROOT):
        here.tests(*lowest_tests())
    return record


def agree(steps: Steps, records: dict[str, dict[str, Any] | None], folder: Path) -> None:
    """Print the table, and let the script that knows the tolerance decide."""
    named: list[str] = []
    for name, record in records.items():
        path = folder / f"{len(named)}.json"
        if record is not None:
            path.write_text(json.dumps(record))
        named.append(f"{name}={path}")
    steps.run("the main job's results agree", sys.executable, ROOT / ".ci" / "compare.py", *named)
    tests = {name.split(": tests")[0]: counted for name, counted in steps.tests.items()}
    print("\n" + compare.table(records, tests))


def as_newcomer(steps: Steps, test_command: str) -> None:
    """The README's test command, the style, and on this Python alone the tests that take long.

    The checkout keeps an environment it came with.
    """
    environment = ROOT / ".venv"
    fresh = not environment.exists()
    steps.run(f"{HERE}: tests as the README says", "bash", "-euo", "pipefail", "-c", test_command, cwd=ROOT)
    python = environment / "bin" / "python"
    for tool in STYLE:
        steps.run(f"{HERE}: {tool}", python, "-m", *tool.split(), cwd=ROOT)
    extras = f".[{EXTRAS},ray]"
    steps.run(f"{HERE}: SLURM and a browser", sys.executable, ROOT / ".ci" / "debian.py")
    steps.run(f"{HERE}: extras", python, "-m", "pip", "install", "--quiet", "--editable", extras, cwd=ROOT)
    steps.run(f"{HERE}: tests of extras", python, "-m", *REST, *WANT_EXTRAS, cwd=ROOT)
    steps.run(f"{HERE}: heavy tests", python, "-m", *HEAVY, cwd=ROOT)
    for name, files in LONG.items():
        steps.run(f"{HERE}: {name}", python, "-m", *ALONE, *files, cwd=ROOT)
    with tempfile.TemporaryDirectory() as site:
        sphinx = ("sphinx", "-W", "-q", "-b", "html", "docs", site)
        steps.run(f"{HERE}: documentation", python, "-m", *sphinx, cwd=ROOT)
    if fresh:
        shutil.rmtree(environment, ignore_errors=True)


def main(test_command: str) -> int:
    """Everything, in the order of what a newcomer meets; gives the exit code."""
    steps, records = Steps(), {}
    print(f"{shutil.disk_usage(tempfile.gettempdir()).free / 1e9:.1f} GB are free", flush=True)
    as_newcomer(steps, test_command)
    pythons = {version: found for version in FURTHER if version != HERE and (found := find(version))}
    for version in FURTHER:
        if version != HERE and version not in pythons:
            print(f"Python {version} is not on this machine: not run", flush=True)
    with tempfile.TemporaryDirectory(prefix="dferbench-ci-") as name:
        work = Path(name)
        # uv links files from its cache where both lie on one disk: they take their space once.
        os.environ["UV_CACHE_DIR"] = str(work / "uv")
        os.environ["UV_HTTP_RETRIES"] = "8"
        os.environ["UV_PYTHON_DOWNLOADS"] = "never"
        steps.run("tools", sys.executable, "-m", "venv", work / "tools")
        steps.run("tools: uv", work / "tools" / "bin" / "pip", "install", "--quiet", "uv")
        uv = work / "tools" / "bin" / "uv"
        steps.run("where it installs", sys.executable, ROOT / ".ci" / "matrix.py", uv)

        with tempfile.TemporaryDirectory(dir=work) as folder:
            records[HERE] = as_typed(steps, Path(folder))
        for version, python in pythons.items():
            label = f"{version} (newest)" if version == list(pythons)[-1] else version
            with tempfile.TemporaryDirectory(dir=work) as folder:
                records[label] = newest(steps, Path(folder), uv, label, python)
        # The newest releases that the cache holds are of no use to the lowest, which take as much again.
        steps.run("lowest: make room", uv, "cache", "clean", "--quiet", "--no-config")
        with tempfile.TemporaryDirectory(dir=work) as folder:
            records["lowest"] = lowest(steps, Path(folder), uv)
        agree(steps, records, work)
    return steps.close()


if __name__ == "__main__":
    # So that gigabytes do not stay behind when CI is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main(sys.argv[1]))
