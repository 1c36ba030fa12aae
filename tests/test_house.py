"""What keeps the house in order: floors, the public surface, light imports, sizes, names."""

import ast
import importlib
import re
import subprocess
import sys
from collections import defaultdict
from importlib.metadata import entry_points
from pathlib import Path
from statistics import median
from types import ModuleType

import pytest
from conftest import ROOT
from surface import PUBLIC, refused

FLOORS = [
    {"errors", "types", "progress", "spec", "files", "places", "cards", "imports", "lazy", "stopping"}
    | {"printable", "csv_text", "careful", "documents", "collector", "configuration", "trust"}
    | {"exit_codes", "variables"},
    {"registry"},
    {"data", "models", "face_crops", "machine"},
    {"experiment", "feature_cache"},
    {"checkpoints", "training", "trackers", "inference", "profiling", "runner"}
    | {"launchers", "outside", "statistics", "tuning", "exporting", "explaining"},
    {"report", "figures", "pages", "builtins", "doctor", "verification", "submission", "templates"},
    {"interface"},
    {"cli", "testing", "__main__"},
]
SOURCES = sorted((ROOT / "dferbench").rglob("*.py"))
PLUGINS = sorted(p for p in (ROOT / "plugins").glob("dferbench_*/**/*.py"))


def room(path):
    return path.relative_to(ROOT / "dferbench").parts[0].removesuffix(".py")


def floor_of(name):
    return next((i for i, rooms in enumerate(FLOORS) if name in rooms), None)


def imports(path, top_level=False):
    """The modules that a file imports; those in `if TYPE_CHECKING` and, on request, in functions left out."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path):
    here = room(path)
    if here == "__init__":
        return
    assert floor_of(here) is not None, f"{here} has no floor"
    for module in imports(path):
        parts = module.split(".")
        if parts[0] == "dferbench" and len(parts) > 1 and floor_of(parts[1]) is not None and parts[1] != here:
            assert floor_of(parts[1]) <= floor_of(here), f"{here} imports {module} from above"


def test_the_plan_of_the_house_has_every_room():
    plan = (ROOT / "CONTRIBUTING.md").read_text().split("```")[1]
    named = set(re.findall(r"^  (\w+)", plan, re.MULTILINE))
    rooms = {path.parent.name for path in (ROOT / "dferbench").glob("*/__init__.py")}
    assert rooms <= named and all(floor_of(name) is not None for name in rooms)


def test_the_host_names_no_method_and_no_dataset():
    from dferbench.registry.catalog import discover

    catalog = discover()
    names = {*catalog.entries["methods"], *catalog.entries["datasets"]} - {"synthetic", "list", "folder"}
    names |= {"mafw", "dfew", "ferv39k"}
    pattern = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, sorted(names)))})(?![\w-])", re.IGNORECASE)
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and pattern.search(node.value):
                # Prose may name an example; a name that code compares with is a short string of its own.
                assert len(node.value) > 40, f"{path}:{node.lineno} names {node.value}"


@pytest.mark.parametrize(
    "arguments",
    [
        ["list"],
        ["--help"],
        ["show", "dfer-clip"],
        ["leaderboard", "--help"],
        ["doctor", "--help"],
        ["watch", "--once"],
        ["runs", "."],
    ],
)
def test_light_commands_import_nothing_heavy(arguments, tmp_path):
    heavy = {"torch", "torchvision", "numpy", "open_clip", "cv2", "decord", "av", "scipy", "filelock"}
    code = (
        "import sys\nfrom dferbench.cli import _run\n"
        f"_run({arguments})\n"
        f"heavy = {heavy} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=tmp_path)


def functions(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.end_lineno - node.lineno + 1


def test_files_and_functions_stay_small():
    sizes = {path: path.read_text().count("\n") for path in [*SOURCES, *PLUGINS]}
    assert max(sizes.values()) <= 400, max(sizes, key=sizes.get)
    assert median(n for path in sizes for n in functions(path)) < 12


def test_every_entry_point_is_a_package_that_is_shipped():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    shipped = {Path(p).name for p in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]}
    stated = set(project["project"]["entry-points"]["dferbench"].values())
    assert stated | {"dferbench"} == shipped
    assert stated <= {point.value for point in entry_points(group="dferbench")}


def module_of(path):
    """The dotted name of a plugin's file."""
    place = path.relative_to(ROOT / "plugins").with_suffix("")
    return ".".join(place.parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", PLUGINS, ids=lambda p: str(p.relative_to(ROOT / "plugins")))
def test_plugins_import_the_public_surface_alone(path):
    assert not refused(path.read_text(), module_of(path), path.name == "__init__.py")


EXAMPLE = ROOT / "plugins" / "example-face-mean" / "dferbench_face_mean.py"


def test_the_example_imports_the_public_surface_alone():
    assert not refused(EXAMPLE.read_text())


@pytest.mark.parametrize(
    ("line", "private"),
    [
        ("from dferbench.training.trainer import Trainer", "dferbench.training.trainer.Trainer"),
        ("import dferbench.experiment.plan", "dferbench.experiment.plan"),
        ("import dferbench.experiment.plan as plan", "dferbench.experiment.plan"),
        ("from dferbench import _run", "dferbench._run"),
        ("from dferbench import types", "dferbench.types"),
        ("from dferbench.types import Method", "dferbench.types.Method"),
        ("from dferbench.models.classifier import Classifier", "dferbench.models.classifier.Classifier"),
        ("from dferbench.models import classifier", "dferbench.models.classifier"),
        ("from dferbench.models import *", "dferbench.models.*"),
        ("from dferbench import load_runs", "dferbench.load_runs"),
        ("import dferbench\ndferbench.run('a', 'b')", "dferbench.run"),
        ("import dferbench\ndferbench.training.trainer", "dferbench.training.trainer"),
        ("import importlib\nimportlib.import_module('dferbench.private')", "dferbench.private"),
        ("BUILD = 'dferbench.models.temporal:ClsTransformer'", "dferbench.models.temporal.ClsTransformer"),
        ("def late():\n    from dferbench.files import to_json", "dferbench.files.to_json"),
        ("from dferbench_methods.s2d.model import S2d", "dferbench_methods.s2d.model.S2d"),
        ("from dferbench_datasets.dfew import dfew", "dferbench_datasets.dfew.dfew"),
    ],
)
def test_a_private_import_is_refused(tmp_path, line, private):
    """The boundary can fail: a copy of the example plugin with one line more is refused for that line."""
    planted = tmp_path / "planted.py"
    planted.write_text(f"{EXAMPLE.read_text()}\n\n{line}\n")
    found = refused(planted.read_text())
    assert any(one.endswith(f": {private}") for one in found)


@pytest.mark.parametrize(
    "line",
    [
        "from dferbench.models import Classifier, ClsTransformer",
        "import dferbench.models",
        "import dferbench\nError = dferbench.ConfigError",
        "BUILD = 'dferbench.models:ClsTransformer'",
        "from dferbench_methods.layers.mix import Mix",
        "from dferbench_methods.est.convert import convert",
        "from .convert import convert",
        "from ..layers import mix",
    ],
)
def test_what_is_public_or_ones_own_is_not_refused(line):
    assert not refused(line, "dferbench_methods.est.model")


def test_no_method_reaches_into_another_one():
    assert refused("from ..s2d.model import S2d", "dferbench_methods.est.model")
    assert refused("from ..s2d.model import S2d", "dferbench_methods.est", is_package=True)
    assert not refused("from .model import Est", "dferbench_methods.est", is_package=True)


def test_what_programs_call_is_listed_and_is_no_module():
    import dferbench
    from dferbench.interface import NAMES

    assert set(NAMES) <= set(dferbench.__all__)
    for name in NAMES:  # a module of that name would take its place once it is imported
        assert not (ROOT / "dferbench" / name).exists() and not (ROOT / "dferbench" / f"{name}.py").exists()


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_there(module):
    public = importlib.import_module(module)
    assert len(public.__all__) == len(set(public.__all__))
    for name in public.__all__:
        assert not isinstance(getattr(public, name), ModuleType), name


def test_importing_what_is_public_is_light():
    """All of it but the contract suite, which trains."""
    light = [module for module in PUBLIC if module != "dferbench.testing"]
    code = (
        f"import sys, {', '.join(light)}\n"
        "heavy = {'torch', 'torchvision', 'numpy', 'open_clip', 'cv2', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


TWICE = {
    "Attention": "a temporal head of the host; each network has attention of its own",
    "Block": "each network has blocks of its own; a table has blocks of rows",
    "Bottleneck": "of a residual network, and of an adapter",
    "EncodedBatch": "a batch in training, and the batch of one method's loss",
    "Finding": "about a dataset, and about an installation",
    "Local": "the dataset of local videos, and local attention",
    "Plan": "the plan of an experiment, and the plan of a network's stages",
    "Prompt": "of class texts, and of images",
    "Row": "of a suite, and of a leaderboard",
}
"""Class names that occur twice, and why; every other name belongs to one class."""


def test_a_class_name_belongs_to_one_class():
    places = defaultdict(list)
    for path in [*SOURCES, *PLUGINS]:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(ROOT)))
    twice = {name: where for name, where in places.items() if len(where) > 1}
    assert set(twice) == set(TWICE), {name: twice.get(name) for name in set(twice) ^ set(TWICE)}


def test_no_file_names_a_machine_or_a_registry():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    pattern = re.compile(
        r"https?://[^\s\"]+/(simple|packages|pool)/|--(extra-)?index-url|[ \"'=(]/(work|farm)/"
    )
    for name in files.split():
        path = ROOT / name
        if path.suffix in (".py", ".md", ".toml", ".ini", ".cff", ".cfg", "") and path.is_file():
            found = pattern.search(path.read_text(errors="replace"))
            assert not found or name == "tests/test_house.py", f"{name}: {found}"


def test_the_training_path_is_four_files_and_700_lines():
    """From a plan to trained weights: runs, the trainer, its batches and its scores."""
    path = ["runner/run.py", "training/trainer.py", "training/batches.py", "training/scoring.py"]
    assert sum((ROOT / "dferbench" / file).read_text().count("\n") for file in path) <= 700
