"""The template of a repository of results: the commands of its workflow, run as they stand."""

import os
import shutil
import subprocess
import sys

import left
import pytest
import yaml
from conftest import ROOT, TOY

from dferbench.cli.app import VERBS
from dferbench.experiment.metrics import METRICS
from dferbench.registry.catalog import discover
from dferbench.runner.merge import merge
from dferbench.submission.bundle import RESULTS, SUMMARY, Submission
from dferbench.submission.bundle import submit as bundled
from dferbench.verification.lists import DatasetLists
from dferbench.verification.verify import How

TEMPLATE = ROOT / "benchmarks" / "results_repository"
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text())
    for path in sorted((TEMPLATE / ".github" / "workflows").glob("*.yml"))
}
WORKFLOW = WORKFLOWS["verify"]
STEPS = {step["name"]: step["run"] for step in WORKFLOW["jobs"]["verify"]["steps"] if "run" in step}
SITE = [step["run"] for step in WORKFLOWS["site"]["jobs"]["site"]["steps"] if "run" in step]


@pytest.fixture
def repository(tmp_path, toy_root):
    """The template with one accepted run, and a branch with one honest and one forged run more."""
    here, catalog = tmp_path / "repository", discover([TOY])
    shutil.copytree(TEMPLATE, here)
    shims = tmp_path / "bin"
    shims.mkdir()
    (shims / "dferbench").write_text(f'#!/bin/sh\nexec {sys.executable} -m dferbench "$@"\n')
    (shims / "dferbench").chmod(0o755)
    names = {f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = {
        **os.environ, **names, "PATH": f"{shims}:{os.environ['PATH']}", "GITHUB_BASE_REF": "main",
        "RUNNER_TEMP": str(tmp_path), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "DFERBENCH_HOME": str(tmp_path / "home"), "PYTHONPATH": "",
    }  # fmt: skip

    def bash(command):
        words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command]
        return subprocess.run(words, cwd=here, env=env, capture_output=True, text=True)

    def submit(width):
        plan = left.plan_of(toy_root, tmp_path / f"runs{width}", catalog, sets={"width": str(width)})
        folder = left.leave(plan, given={"width": str(width)}, model=width)
        (folder / "checkpoint.safetensors").write_text("too large")
        if width == 6:  # what submit would leave out
            left.forge_result(folder)
            merge([plan.request.output], here / "results")
            return
        bundle = tmp_path / f"bundle{width}"
        how = How("lists", DatasetLists(catalog, root=toy_root), METRICS, "cpu", 0)
        bundled(plan.request.output, bundle, Submission(how, METRICS))
        merge([bundle / RESULTS], here / "results")

    def commit(words):
        done = bash(f"git add -A && git commit -qm '{words}'")
        assert done.returncode == 0, done.stderr

    bash("git init -qb main")
    submit(4)
    commit("accepted")
    assert bash("git update-ref refs/remotes/origin/main main && git checkout -qb more").returncode == 0
    submit(5)
    submit(6)
    commit("submitted")
    return bash, commit, here, tmp_path / "summary.md"


@pytest.mark.heavy
def test_the_workflow_verifies_compares_and_keeps_what_was_accepted(repository):
    bash, commit, here, summary = repository
    assert "checkpoint" not in bash("git ls-files").stdout
    assert bash(STEPS["Accepted results stay as they are"]).returncode == 0
    verified = bash(STEPS["Verify"])
    assert verified.returncode == 4 and "another confusion matrix" in verified.stdout
    assert bash(STEPS["Table"]).returncode == 0
    before, after = summary.read_text().split("# With this pull request")
    assert "width=4" in before and "width=5" not in before and "all rows: verified" in before
    assert (
        "width=4" in after and "width=5" in after and "width=6" not in after and "all rows: verified" in after
    )
    assert bash(STEPS["Paper's table"]).returncode == 0 and "state of the art" in summary.read_text()
    if "site" in VERBS:
        assert bash(STEPS["Site"]).returncode == 0 and (summary.parent / "site" / "index.html").is_file()
    (accepted,) = [
        path.parent for path in (here / "results").rglob("record.json") if '"4"' in path.read_text()
    ]
    left.rewrite(accepted, seconds=5.0)
    commit("changed")
    refused = bash(STEPS["Accepted results stay as they are"])
    assert refused.returncode == 1 and refused.stdout.startswith("M\tresults/toy/toy-net-")


def test_no_step_is_left_untried_and_both_workflows_do_the_same():
    assert set(STEPS) == {
        "Install", "Accepted results stay as they are", "Verify", "Table", "Paper's table", "Site",
    }  # fmt: skip
    assert [STEPS[name] for name in ("Install", "Verify", "Site")] == SITE


def test_who_looks_at_pull_requests_may_read_alone_and_actions_are_of_one_owner():
    assert WORKFLOW["permissions"] == {"contents": "read"} and WORKFLOW[True] == "pull_request"
    assert WORKFLOWS["site"][True] == {"push": {"branches": ["main"]}}, "never for a pull request"
    for workflow in WORKFLOWS.values():
        (job,) = workflow["jobs"].values()
        used = [step["uses"] for step in job["steps"] if "uses" in step]
        assert used and all(one.startswith("actions/") for one in used)


def test_the_guide_says_what_submit_prints_and_asks():
    guide = (TEMPLATE / "CONTRIBUTING.md").read_text()
    assert f"bundle/{SUMMARY}" in guide and f"dferbench merge bundle/{RESULTS} -o results" in guide
