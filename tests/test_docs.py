"""The documents are true: their commands run, their code works."""

import inspect
import re
import shlex
import subprocess

import pytest
from conftest import ROOT

README = (ROOT / "README.md").read_text()


def marked(name):
    """The command in the code block behind a marker of the README."""
    return re.search(rf"<!-- {name} -->\n```bash\n(.*?)```", README, re.DOTALL)[1].strip()


def test_ci_runs_the_readmes_test_command():
    script = (ROOT / ".ci" / "run").read_text()
    pick = re.search(r"command=\$\((.*)\)", script)[1]
    done = subprocess.run(["bash", "-c", pick], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == marked("tests")
    assert "pytest" in marked("tests")


def test_the_main_command_is_the_main_job():
    assert marked("main").endswith("dferbench run --model dfer-clip --dataset synthetic")
    assert "pip install ." in marked("main")


COMMANDS = re.findall(r"^(dferbench [^#\n]*)", README, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_readme_is_valid(command, tmp_path, cli):
    """Each runs, but for what takes long: that is stopped by a device that is not there."""
    example = str(ROOT / "plugins/example-face-mean/dferbench_face_mean.py")
    words = [example if word == "mine.py" else word for word in shlex.split(command)[1:]]
    if words[0] in ("list", "show", "doctor"):
        cli(*words, check=0)
    elif "run" in words:
        # A device that is not there stops the run after everything else was understood.
        assert "no device" in cli(*words, "--device", "cuda:99", check=3).stderr
    else:
        cli(*words[:1], "--help", check=0)


def test_every_command_is_in_the_readme(cli):
    """What the command line offers, a newcomer finds."""
    from dferbench.cli.app import make_app

    names = {command.name for command in make_app().registered_commands}
    assert names <= {word for command in COMMANDS for word in command.split()}


def test_links_lead_somewhere():
    for name in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / name).read_text()):
            assert target.startswith("http") or (ROOT / target).exists(), f"{name}: {target}"


def test_every_hook_is_documented_where_it_is_declared():
    from dferbench.registry import hookspecs

    for name in dir(hookspecs):
        if name.startswith("register_"):
            assert getattr(hookspecs, name).__doc__


def test_the_page_on_recipes_has_every_rule_with_its_defaults():
    from dferbench import spec
    from dferbench.registry.catalog import discover
    from dferbench.training.optimizers import OPTIMIZERS, SCHEDULES

    entries = discover().entries
    samplers, augmentations = (
        {name: entry.load() for name, entry in entries[kind].items() if entry.origin == "dferbench"}
        for kind in ("samplers", "augmentations")
    )
    page = (ROOT / "docs" / "recipes.md").read_text()
    tables = [re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE) for table in page.split("|---|---|")[1:]]
    for listed, rules in zip(tables, (samplers, augmentations, OPTIMIZERS, SCHEDULES), strict=True):
        calls = [spec.parse_one(text) for text in listed if not text.startswith(("input.", "stage."))]
        assert [call.name for call in calls] == list(rules)
        for call in calls:
            known = inspect.signature(rules[call.name]).parameters
            stated = {n: p.default for n, p in known.items() if p.default is not p.empty and n != "shuffle"}
            assert call.options == stated, call.name


def test_the_augmentation_of_the_page_on_recipes_works(tmp_path):
    from dferbench.data.pipeline import build_pipeline, rehearse
    from dferbench.registry.catalog import discover
    from dferbench.types import Input

    page = (ROOT / "docs" / "recipes.md").read_text()
    path = tmp_path / "negative.py"
    path.write_text(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1])
    pipeline = build_pipeline(Input(augment="negative(p=1)"), discover([path]))
    rehearse(pipeline)
    assert pipeline.ops[0].p == 1
