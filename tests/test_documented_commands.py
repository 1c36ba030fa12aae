"""Every command of the README and the pages is run to its end, in their order, on small drawn data."""

import importlib.util
import re
import shlex
import shutil
from itertools import product
from pathlib import Path

import media
import official_dfer_clip
import pictured
import pytest
from conftest import ROOT
from PIL import Image
from shipped import ship
from test_bounds_in_tables import leave as leave_run

from dferbench.experiment.plan import Request, make_plan
from dferbench.experiment.result_files import FILES
from dferbench.experiment.suite import read_suite
from dferbench.registry.catalog import discover
from dferbench.registry.datasets import make_dataset

SMALL = {
    "synthetic": "synthetic(videos=35, size=64)",
    "synthetic(classes=11)": "synthetic(classes=11, videos=55, size=64)",
    "0,1,2": "0",
}
"""Datasets of the pages, and fewer videos of the same; seeds, and fewer of them."""
TINY = ["--set", "backbone=clip-tiny"]
QUICK = ["--epochs", "1", "-j", "0", "-q", "--device", "cpu"]
MORE = {
    "run": QUICK,
    "bench": [*QUICK],
    "tune": [*QUICK, "--max-runs", "1"],
    "reproduce": [*QUICK],
    "profile": ["--steps", "1", "--device", "cpu", *TINY],
    "stress": ["-j", "0", "-q", "--device", "cpu", "--only", "blur,jpeg"],
    "transfer": ["-j", "0", "-q", "--device", "cpu"],
    "evaluate": ["-j", "0", "-q", "--device", "cpu"],
    "predict": ["-q", "--device", "cpu"],
    "explain": ["-q", "--device", "cpu"],
    "features": ["-j", "0", "-q", "--device", "cpu"],
}
"""What makes a command quick, by its verb."""


def commands(page):
    """The commands in the shell blocks of a page that begin with dferbench."""
    blocks = re.findall(r"```bash\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    return re.findall(r"^dferbench (.*)$", "".join(blocks), re.MULTILINE)


FILE = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
"""A file that a page shows and its commands read."""
EVERY = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))
PAGES = [page for page in EVERY if commands(page)]


def quick(words):
    """The same command on fewer videos, for one epoch, without a download."""
    verb = next((word for word in words if word in MORE), "")
    words = [SMALL.get(word, word) for word in words]
    for library in ("tensorboard", "wandb"):
        given = [i for i, word in enumerate(words) if word.startswith(library)]
        if given and importlib.util.find_spec(library) is None:
            words = [w for i, w in enumerate(words) if i not in (given[0] - 1, given[0])]
    # What trains nothing has no epochs.
    more = [w for w in MORE.get(verb, []) if "zero-shot-clip" not in words or w not in QUICK[:2]]
    own = TINY if verb == "run" and {"ravdess", "folder(path=videos, folds=3)"} & set(words) else []
    return [*words, *more, *own]


def there(folder, word):
    """A path of the page whose config id is a placeholder, as that of the first run of the method, or of the
    last where the placeholder is 89abcdef."""
    found = re.match(r"(.*/[\w-]+-)([0-9a-f]{8})(/.*)?$", word)
    if not found:
        return word
    pick = max if found[2] == "89abcdef" else min
    place = pick(folder.glob(found[1] + "*"), key=lambda path: path.stat().st_mtime)
    return f"{place.relative_to(folder)}{found[3] or ''}"


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """What the pages speak of as if it were there."""
    (tmp_path / "benchmarks").symlink_to(ROOT / "benchmarks")
    shutil.copy(ROOT / "plugins/example-face-mean/dferbench_face_mean.py", tmp_path / "mine.py")
    metrics = (ROOT / "docs/metrics.md").read_text()
    (tmp_path / "gmean.py").write_text(re.search(r"```python\n(.*?)```", metrics, re.DOTALL)[1])
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(desk, in_process):
    def go(*words):
        done = in_process(*words)
        assert done.returncode == 0, f"dferbench {shlex.join(map(str, words))}\n{done.stdout}{done.stderr}"
        return done

    return go


def mafw(desk, run, monkeypatch):
    run("data", "make", "mafw", "--root", "mafw", "--scale", "0.001")
    monkeypatch.setenv("DFERBENCH_ROOT_MAFW", str(desk / "mafw"))


def videos(desk):
    """A talk, and a folder of raw videos."""
    from dferbench.places import cache_folder

    drawn = sorted(cache_folder().rglob("*.mp4"))[:2]
    (desk / "raw").mkdir()
    for path in drawn:
        shutil.copy(path, desk / "raw" / path.name)
    shutil.copy(drawn[0], desk / "talk.mp4")


def frames(folder):
    folder.mkdir(parents=True)
    for number in range(3):
        Image.new("RGB", (32, 32), (80 * number, 90, 100)).save(folder / f"{number}.png")


def answers(desk):
    """What another program said of every test video: always the same."""
    dataset = make_dataset("mafw", discover()).dataset
    tested = {v.id for fold in dataset.folds for v in dataset.videos(desk / "mafw", fold, "test")}
    lines = [f"{name},{dataset.classes[0]}" for name in sorted(tested)]
    (desk / "answers.csv").write_text("\n".join(["id,label", *lines]))


def ready_to_use(desk):
    """A model, which was never trained, where a run leaves it, a talk and a picture."""
    place = desk / "runs/synthetic/resnet18-lstm-00000000/fold1-seed0"
    place.mkdir(parents=True)
    size = {"width": "2", "hidden": "8"}
    ship(discover(), place / "checkpoint.safetensors", "resnet18-lstm", size, frames=2)
    media.encode(desk / "talk.mp4", count=12)
    Image.new("RGB", (40, 40), (200, 150, 120)).save(desk / "face.png")


def leave_study(file, runs):
    """Runs of every row of a suite on synthetic, two seeds of every fold, that were never trained."""
    for number, row in enumerate(read_suite(file).rows):
        plan = make_plan(Request(row.method, SMALL["synthetic"], dict(row.sets)), discover())
        facts = {"dataset": "synthetic", "method": row.method, "classes": list(plan.task.classes[:2])}
        for fold in plan.dataset.folds:
            for seed in (0, 1):
                right = 4 + 2 * number - (fold + seed) % 2
                leave_run(runs.parent / plan.folder(fold, seed), right, fold, seed, plan.config_id, **facts)


def finished(desk, run):
    run(*quick(["run", "-m", "dfer-clip", "-d", "synthetic"]))


def drawn_results(desk, run):
    """Two methods on two folds, and the picture that a page makes of them in Python."""
    for method, fold in product(("dfer-clip", "finetune"), (1, 2)):
        pictured.leave(desk / "runs", method=method, fold=fold, dataset="synthetic", synthetic=True)
    text = (ROOT / "docs/figures.md").read_text()
    exec(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], {})
    assert (desk / "curves.svg").exists()


def to_export(desk, run):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    ready_to_use(desk)


READY = {
    "metrics": finished,
    "trackers": finished,
    "figures": drawn_results,
    "report": lambda desk, run: pictured.leave(
        desk / "runs", method="finetune", dataset="synthetic", synthetic=True
    ),
    "certainty": lambda desk, run: leave_study(desk / "study.toml", desk / "runs"),
    "export": to_export,
    "explain": lambda desk, run: ready_to_use(desk),
}
"""What the commands of a page find done."""


@pytest.mark.slow
def test_the_commands_of_the_readme(desk, run, monkeypatch):
    mafw(desk, run, monkeypatch)
    answers(desk)
    model = official_dfer_clip.Model(official_dfer_clip.PHRASES, position="middle")
    official_dfer_clip.save(model, desk / "model_best.pth")
    for command in commands("README.md"):
        if "data faces" in command:
            videos(desk)
        run(*quick([there(desk, word) for word in shlex.split(command, comments=True)]))


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page(desk, run, page):
    text = (ROOT / page).read_text()
    for path in re.findall(r"^(videos/\S+/)$", text, re.MULTILINE):
        frames(desk / path)
    for name, lines in FILE.findall(text):
        (desk / name).parent.mkdir(exist_ok=True)
        (desk / name).write_text(lines)
    if Path(page).stem in READY:
        READY[Path(page).stem](desk, run)
    found = commands(page)
    assert found
    for command in found:
        run(*quick([there(desk, word) for word in shlex.split(command, comments=True)]))


BLOCK = re.compile(r"(<!-- file: \S+ -->\n)?^```([\w{}-]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SHOWN = {"text", "", "console", "{toctree}", "{eval-rst}"}
"""Blocks that nothing runs: trees, output, what needs a cluster, and what only the site reads."""


def left_out(page, text, tests):
    """The blocks of a page that no test runs: no commands of ours, no file, and nothing that a test reads."""
    for marker, language, block in BLOCK.findall(text):
        ours = all(re.match(r"dferbench |#|python -m venv |$", line) for line in block.splitlines())
        is_run = (
            bool(marker) or language in SHOWN or (ours if language == "bash" else Path(page).name in tests)
        )
        if not is_run:
            yield block


def test_no_block_of_a_page_is_left_out():
    tests = "".join(path.read_text() for path in (ROOT / "tests").glob("test_*.py"))
    pages = ["README.md", "CONTRIBUTING.md", *(page for page in EVERY if "/decisions/" not in page)]
    assert not {
        page: found for page in pages if (found := [*left_out(page, (ROOT / page).read_text(), tests)])
    }


@pytest.mark.parametrize(
    "block", ["```bash\nmake all\n```", "```python\nprint()\n```", "```bash\ndferbench list\nls\n```"]
)
def test_a_block_that_nothing_runs_is_found(block):
    assert [*left_out("docs/planted.md", f"Text.\n\n{block}\n", "docs/other.md")]


def test_every_file_of_a_run_is_on_the_page_of_records(desk, run):
    """Those of a run that keeps whatever can be kept."""
    more = ["--validation", "0.2", "--keep-predictions", "all"]
    run(*quick(["run", "-m", "linear-probe", "-d", "synthetic", *more]))
    left = {path.name for path in next((desk / "runs").rglob("record.json")).parent.iterdir()}
    assert {"validation.npz", "epoch_predictions.npz"} <= left <= set(FILES)
