"""Every command of the README and the pages is run to its end, in their order, on small drawn data."""

import importlib.util
import re
import shlex
import shutil

import official_dfer_clip
import pytest
from conftest import ROOT
from PIL import Image
from test_bounds_in_tables import leave as leave_run

from dferbench.experiment.plan import Request, make_plan
from dferbench.experiment.suite import read_suite
from dferbench.registry.catalog import discover
from dferbench.registry.datasets import make_dataset

NAMES = (
    "calibration", "certainty", "config", "datasets", "launchers", "metrics", "new", "order", "outside",
    "published", "recipes", "results", "robustness", "selection", "trackers",
)  # fmt: skip
PAGES = ["README.md", *(f"docs/{name}.md" for name in NAMES)]
SMALL = {
    "synthetic": "synthetic(videos=35, size=64)",
    "synthetic(classes=11)": "synthetic(classes=11, videos=55, size=64)",
}
"""Datasets of the pages, and fewer videos of the same."""
TINY = ["--set", "backbone=clip-tiny"]
QUICK = ["--epochs", "1", "-j", "0", "-q", "--device", "cpu"]
MORE = {
    "run": QUICK,
    "bench": [*QUICK],
    "tune": [*QUICK, "--max-runs", "1"],
    "reproduce": [*QUICK],
    "profile": ["--steps", "1", "--device", "cpu", *TINY],
    "stress": ["-j", "0", "-q", "--device", "cpu"],
    "transfer": ["-j", "0", "-q", "--device", "cpu"],
    "evaluate": ["-j", "0", "-q", "--device", "cpu"],
    "predict": ["-q", "--device", "cpu"],
}
"""What makes a command quick, by its verb."""


def commands(page):
    """The commands in the shell blocks of a page that begin with dferbench."""
    blocks = re.findall(r"```bash\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    return re.findall(r"^dferbench (.*)$", "".join(blocks), re.MULTILINE)


def quick(words):
    """The same command on fewer videos, for one epoch, without a download."""
    verb = next((word for word in words if word in MORE), "")
    words = [SMALL.get(word, word) for word in words]
    for library in ("tensorboard", "wandb"):
        given = [i for i, word in enumerate(words) if word.startswith(library)]
        if given and importlib.util.find_spec(library) is None:
            words = [w for i, w in enumerate(words) if i not in (given[0] - 1, given[0])]
    own = TINY if verb == "run" and {"ravdess", "folder(path=videos, folds=3)"} & set(words) else []
    return [*words, *MORE.get(verb, []), *own]


def there(folder, word):
    """A path of the page whose config id is a placeholder, as that of the first run of the method."""
    found = re.match(r"(.*/[\w-]+-)[0-9a-f]{8}(/.*)?$", word)
    if not found:
        return word
    place = min(folder.glob(found[1] + "*"), key=lambda path: path.stat().st_mtime)
    return f"{place.relative_to(folder)}{found[2] or ''}"


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


def leave_study(file, runs):
    """Runs of every row of a suite on synthetic, two seeds of every fold, that were never trained."""
    for number, row in enumerate(read_suite(file).rows):
        plan = make_plan(Request(row.method, SMALL["synthetic"], dict(row.sets)), discover())
        facts = {"dataset": "synthetic", "method": row.method, "classes": list(plan.task.classes[:2])}
        for fold in plan.dataset.folds:
            for seed in (0, 1):
                right = 4 + 2 * number - (fold + seed) % 2
                leave_run(runs.parent / plan.folder(fold, seed), right, fold, seed, plan.config_id, **facts)


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
@pytest.mark.parametrize("page", PAGES[1:])
def test_the_commands_of_a_page(desk, run, page):
    text = (ROOT / page).read_text()
    for path in re.findall(r"^(videos/\S+/)$", text, re.MULTILINE):
        frames(desk / path)
    for name, lines in re.findall(r"<!-- file: (\S+) -->\n```text\n(.*?)```", text, re.DOTALL):
        (desk / name).parent.mkdir(exist_ok=True)
        (desk / name).write_text(lines)
    if page in ("docs/metrics.md", "docs/trackers.md"):
        run(*quick(["run", "-m", "dfer-clip", "-d", "synthetic"]))
    if page == "docs/certainty.md":
        leave_study(desk / "study.toml", desk / "runs")
    found = commands(page)
    assert found
    for command in found:
        run(*quick([there(desk, word) for word in shlex.split(command, comments=True)]))


def test_no_page_with_commands_is_left_out():
    have = {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md") if commands(f"docs/{path.name}")}
    assert have == set(PAGES[1:])
