"""Bundles: what they hold, what is left out and why, and that nothing of a person or a machine travels."""

import getpass
import json
import re
import socket

import left
import pytest
from conftest import TOY
from test_merge import content

from dferbench.errors import ConfigError
from dferbench.experiment import record
from dferbench.experiment.metrics import METRICS
from dferbench.registry.catalog import discover
from dferbench.submission.bundle import RESULTS, SUMMARY, Submission, submit
from dferbench.submission.personal import is_of_a_machine, without_personal
from dferbench.verification.lists import DatasetLists
from dferbench.verification.verify import How

PERSONAL = {
    "origin": "/home/anna/lab/mine.py",
    "given": {"weights": "~anna/w.pth", "text": "C:\\Users\\anna\\texts.toml", "prompt": "context"},
    "weights": {"clip": {"file": "/media/anna b/clip weights.pt", "random": False, "sha256": "0" * 64}},
    "environment": {
        "host": "gpu7.lab.example",
        "user": "anna",
        "device": "cpu",
        "command_line": ["run", "-m"],
    },
    "notes": {"weights": {"file": "downloads/anna/first.pth"}, "said": "read from /home/anna/x y, then 3/4"},
    "dataset_given": {"source": "folder(path=/home/anna/videos, folds=3)"},
    "code": {"/home/anna/lab/mine.py": "0" * 64},
}
SECRET = re.compile(r"anna|gpu7|lab\.example|/home|/media|Users|downloads")


@pytest.fixture(scope="module")
def catalog():
    return discover([TOY])


@pytest.fixture
def wanted(catalog, toy_root):
    def of(level="lists", synthetic=False):
        how = How(level, DatasetLists(catalog, root=toy_root), METRICS, "cpu", 0)
        return Submission(how, METRICS, frozenset(catalog.entries["methods"]), synthetic)

    return of


@pytest.fixture
def study(tmp_path, toy_root, catalog):
    """`study(fold=2)` leaves a run with a checkpoint and a log; gives its folder."""

    def more(name="runs", width=4, **facts):
        plan = left.plan_of(toy_root, tmp_path / name, catalog, sets={"width": str(width)}, folds=(1, 2))
        folder = left.leave(plan, **{"given": {"width": str(width)}, **facts})
        (folder / record.CHECKPOINT).write_bytes(b"large")
        (folder / "events.jsonl").write_text('{"host": "gpu7"}')
        return folder

    return more


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_bundle_has_the_layout_verifies_merges_and_is_the_same_again(study, wanted, tmp_path, in_process):
    one, _ = study(keep_all=True), study(fold=2, seed=1)
    found = submit(tmp_path / "runs", tmp_path / "bundle", wanted())
    place = one.relative_to(tmp_path / "runs")
    kept = ["curve.json", "epoch_predictions.npz", "predictions.npz", "record.json"]
    assert [name for name in names(tmp_path / "bundle") if "fold1-seed0" in name] == [
        f"{RESULTS}/{place}/{name}" for name in kept
    ]
    assert len(names(tmp_path / "bundle")) == 4 + 3 + 1 and found.left_out == []
    assert {verified.verdict.under("last") for _, verified in found.runs.values()} == {"lists"}
    text = (tmp_path / "bundle" / SUMMARY).read_text()
    assert "# Results of 2 runs" in text and "all rows: verified: counted again" in text
    assert "fold1-seed0: last: lists, best-on-test: lists" in text.replace("\\", "")
    assert text.count("- [ ] ") == 4 and str(tmp_path) not in text
    submit(tmp_path / "runs", tmp_path / "again", wanted())
    assert content(tmp_path / "again") == content(tmp_path / "bundle")
    assert "2 re-scored" in in_process("verify", "bundle", check=0).stdout
    assert "2 runs copied" in in_process("merge", "bundle", "-o", "results", check=0).stdout
    assert content(tmp_path / "results") == content(tmp_path / "bundle" / RESULTS)


def test_nothing_of_a_person_or_machine_travels_and_what_was_taken_out_is_said(study, wanted, tmp_path):
    study(**PERSONAL)
    before = content(tmp_path / "runs")
    found = submit(tmp_path / "runs", tmp_path / "bundle", wanted("re-scored"))
    for name, data in content(tmp_path / "bundle").items():
        assert not SECRET.search(data.decode("utf-8", "ignore")), name
    (stated,) = [one for one, _ in found.runs.values()]
    assert stated.origin == "mine.py" and stated.weights["clip"]["file"] == "clip weights.pt"
    assert stated.given == {"weights": "w.pth", "text": "texts.toml", "prompt": "context"}
    assert stated.environment == {"device": "cpu"} and stated.notes["weights"]["file"] == "first.pth"
    assert stated.notes["said"] == "read from x y, then 3/4" and list(stated.code) == ["mine.py"]
    assert stated.dataset_given == {"source": "folder(path=videos, folds=3)"}
    assert (
        "environment.host: removed" in found.removed and "environment.command_line: removed" in found.removed
    )
    assert {one.split(":")[0] for one in found.removed} >= {
        "origin",
        "given.weights",
        "given.text",
        "notes.said",
    }
    assert content(tmp_path / "runs") == before, "the runs stay as they are"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/srv/data/w.pt", "w.pt"),
        ("\\\\server\\share\\w.pt", "w.pt"),
        ("a (b/c) and https://example.org/a/b", "a (b/c) and https://example.org/a/b"),
        ("head\\..*", "head\\..*"),
        ("x=/data/me/w.pt|y=~/me/v.pt", "x=w.pt|y=v.pt"),
        ("N/A", "N/A"),
        ("D:/me/w.pt", "w.pt"),
    ],
)
def test_paths_become_names_and_nothing_else_changes(text, expected):
    found, told = without_personal({"options": {"x": text}, "method": "/home/me", "recipe": {text: 1}})
    assert found == {"options": {"x": expected}, "method": "/home/me", "recipe": {expected: 1}}
    assert bool(told) == (text != expected) and not any("me/" in line for line in told)


def test_the_names_of_this_machine_and_user_are_replaced_as_words(monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "gpu7lab.example.org")
    monkeypatch.setattr(getpass, "getuser", lambda: "annab")
    found, told = without_personal({"notes": {"said": "by annab on gpu7lab, not annabel", "Host": "x"}})
    assert found == {"notes": {"said": "by ... on ..., not annabel"}} and len(told) == 2
    monkeypatch.setattr(getpass, "getuser", lambda: "root")
    assert without_personal({"notes": {"said": "the root of it"}})[0] == {"notes": {"said": "the root of it"}}


def _edit(folder):
    path = folder / record.NAME
    stated = json.loads(path.read_text())
    stated["metrics"]["last"]["uar"] = 99.0
    path.write_text(json.dumps(stated))


OUTSIDE = {"file": "a.csv", "sha256": "0" * 64}
LEFT_OUT = {
    "unfinished": (lambda f: left.rewrite(f, status="interrupted"), "it is not finished (interrupted)"),
    "synthetic": (lambda f: left.rewrite(f, synthetic=True), "of drawn faces (--synthetic"),
    "limited": (lambda f: left.rewrite(f, limit=3), "at most 3 videos"),
    "a trial": (lambda f: left.rewrite(f, trial=True), "a trial of a search"),
    "edited": (_edit, "states UAR 99"),
    "forged": (left.forge_result, "another confusion matrix"),
    "of other lists": (lambda f: left.forge_predictions(f, ids=list("abcdefghi")), "no test videos"),
    "without predictions": (lambda f: (f / record.PREDICTIONS).unlink(), "predictions.npz is not there"),
    "another curve": (lambda f: (f / "curve.json").write_text("{}"), "sha256"),
    "ids that are paths": (
        lambda f: left.forge_predictions(f, ids=[f"/home/me/{i}.mp4" for i in range(9)]), "paths of this",
    ),
    "outside without a file": (lambda f: left.rewrite(f, outside={"rows": 9}), "does not name their file"),
    "outside as a method": (lambda f: left.rewrite(f, outside=OUTSIDE), "bear the name of a method"),
}  # fmt: skip


@pytest.mark.parametrize("what", LEFT_OUT)
def test_what_cannot_be_submitted_is_left_out_with_its_reason(study, wanted, tmp_path, what):
    spoil, words = LEFT_OUT[what]
    study(fold=2)
    spoil(bad := study(width=5, model=2))
    found = submit(tmp_path / "runs", tmp_path / "bundle", wanted())
    assert len(found.runs) == 1 and len(found.left_out) == 1
    assert found.left_out[0].startswith(f"{bad}: ") and words in found.left_out[0]
    assert not [name for name in names(tmp_path / "bundle") if "fold1" in name]
    assert "fold1" not in (tmp_path / "bundle" / SUMMARY).read_text()


def test_drawn_faces_are_submitted_on_request_and_marked(study, wanted, tmp_path, in_process):
    left.rewrite(study(), synthetic=True)
    with pytest.raises(ConfigError, match="no run below") as refused:
        submit(tmp_path / "runs", tmp_path / "bundle", wanted())
    assert "drawn faces" in str(refused.value) and "\n" not in str(refused.value)
    assert not (tmp_path / "bundle").exists() and not list(tmp_path.glob(".bundle*.unfinished"))
    done = in_process("submit", "runs", "-o", "bundle", "--synthetic", "--level", "re-scored", check=0)
    assert "1 run in bundle, 0 left out" in done.stdout and "dferbench merge bundle/results" in done.stdout
    assert "(synthetic)" in (tmp_path / "bundle" / SUMMARY).read_text().replace("\\", "")
    again = in_process("submit", "runs", "-o", "bundle", "--synthetic", check=3)
    assert again.stderr.splitlines()[0] == "error: bundle is there already"
    shallow = in_process("submit", "runs", "-o", "other", "--level", "form", check=3)
    assert "re-scored" in shallow.stderr


def test_two_records_of_one_run_and_a_stop_leave_nothing(study, wanted, tmp_path, monkeypatch):
    study("runs/a")
    study("runs/b", model=2)
    with pytest.raises(ConfigError, match="one run with different records"):
        submit(tmp_path / "runs", tmp_path / "bundle", wanted())

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("dferbench.submission.bundle.verify", stopped)
    with pytest.raises(KeyboardInterrupt):
        submit(tmp_path / "runs" / "a", tmp_path / "bundle", wanted())
    assert [path.name for path in tmp_path.iterdir() if "bundle" in path.name and path.is_dir()] == []


def test_ids_that_are_paths_of_a_machine():
    names = ["train/a.mp4", "/x/a.mp4", "~me/a", "C:\\a.mp4", "a", "\\\\s\\a", "fold1/x: y.mp4"]
    assert [is_of_a_machine(one) for one in names] == [False, True, True, True, False, True, False]
