"""What verify finds out, who believes it, and what tables say of it."""

import csv
import hashlib
import io
import json
import shutil

import left
import numpy as np
import pytest
from conftest import TOY

from dferbench.experiment import record
from dferbench.experiment.metrics import METRICS
from dferbench.experiment.plan import Request, make_plan
from dferbench.experiment.selected import HeldOut
from dferbench.files import sha256_of
from dferbench.places import data_folder
from dferbench.progress import Progress
from dferbench.registry.catalog import discover
from dferbench.runner.run import run
from dferbench.training.epoch_logits import EpochLogits, halved
from dferbench.training.predictions import Predictions
from dferbench.types import Video
from dferbench.verification.lists import DatasetLists
from dferbench.verification.verdict import LEVELS, NAME, Verdict, keep_verdicts, read_verdicts
from dferbench.verification.verify import How, verify


@pytest.fixture(autouse=True)
def nothing_verified(tmp_path, monkeypatch):
    monkeypatch.setenv("DFERBENCH_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def catalog():
    return discover([TOY])


@pytest.fixture
def study(tmp_path, toy_root, catalog):
    """`study(...)` leaves one more run and gives its folder."""

    def more(width=4, **facts):
        plan = left.plan_of(toy_root, tmp_path / "runs", catalog, sets={"width": str(width)}, folds=(1, 2))
        return left.leave(plan, given={"width": str(width)}, **facts)

    return more


@pytest.fixture
def look(tmp_path, toy_root, catalog):
    """Verify everything to a depth; the runs by the names of their folders."""

    def to(depth="re-scored", folder=tmp_path / "runs", root=toy_root):
        how = How(depth, DatasetLists(catalog, root=root), METRICS, "cpu", 0)
        found = list(verify(folder, how))
        keep_verdicts({one.sha256: one.verdict for one in found if one.sha256})
        return found

    return to


@pytest.mark.parametrize("keep_all", [False, True])
@pytest.mark.parametrize("depth", LEVELS[:4])
def test_an_honest_run_reaches_the_level_that_is_asked_for(study, look, depth, keep_all):
    folder = study(keep_all=keep_all)
    (one,) = look(depth)
    assert one.folder == str(folder) and not one.verdict.refused
    assert one.verdict.under("last") == depth
    proven = LEVELS.index(depth) < LEVELS.index("re-scored") or keep_all
    assert one.verdict.under("best-on-test") == (depth if proven else "hashes")
    assert proven == (not any("epoch 2 were not kept" in note for note in one.notes))


FORGERIES = {
    "a perfect matrix": (left.forge_result, "re-scored", "another confusion matrix"),
    "two hits more": (lambda f: left.rewrite(f, top2=9, curve=_more_hits(f)), "re-scored", "top-2"),
    "predictions of another run": (lambda f: _other_file(f, record.PREDICTIONS), "hashes", "sha256"),
    "another curve": (lambda f: _other_file(f, "curve.json"), "form", "sha256"),
    "a link to another file": (lambda f: _link(f), "hashes", "sha256"),
    "labels to its liking": (lambda f: left.forge_predictions(f, labels=[0] * 9), "lists", "labels"),
    "videos of its own": (
        lambda f: left.forge_predictions(f, ids=[f"v{i}" for i in range(9)]), "lists", "no test videos",
    ),
    "other lists": (lambda f: left.rewrite(f, data="f" * 64), "lists", "other ids or labels than fold 1"),
}  # fmt: skip


def _more_hits(folder):
    curve = record.read_whole(folder / record.NAME).curve
    return [*curve[:-1], curve[-1].model_copy(update={"top2": 9})]


def _other_file(folder, name):
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")


def _link(folder):
    path = folder / record.PREDICTIONS
    path.rename(folder.parent / "elsewhere.npz")
    path.symlink_to(folder.parent / "elsewhere.npz")


@pytest.mark.parametrize("what", FORGERIES)
def test_what_is_not_so_is_refused_at_its_level_and_passes_before(study, look, what):
    forge, level, words = FORGERIES[what]
    forge(study())
    for depth in LEVELS[:4]:
        (one,) = look(depth)
        assert bool(one.verdict.refused) == (LEVELS.index(depth) >= LEVELS.index(level)), depth
    assert words in one.verdict.refused


HELD = HeldOut(share=0.3, groups=0, data="0" * 64)
BY_RULE = (
    [[2, 0, 0], [2, 0, 0], [0, 0, 9]],
    [[1, 1, 0], [0, 1, 1], [4, 0, 5]],
    [[0, 2, 0], [2, 0, 0], [0, 0, 9]],
)
"""Validation results of three epochs: WAR picks the first, UAR the second."""


def hold_out(folder):
    """Give the run validation results, in its record and curve."""
    one = record.read_whole(folder / record.NAME)
    held = zip(one.curve, BY_RULE, strict=True)
    curve = [row.model_copy(update={"validation": matrix}) for row, matrix in held]
    left.rewrite(folder, curve=curve, validation=HELD, videos={**one.videos, "validation": 13})


def test_the_epoch_of_another_validation_metric_has_a_verdict_of_its_own(study, look, in_process):
    hold_out(whole := study(width=4, keep_all=True))
    hold_out(study(width=5))
    kept, lost = sorted(look(), key=lambda one: one.folder != str(whole))
    assert kept.verdict.under("val:uar") == kept.verdict.under("val:war") == "re-scored" and not kept.notes
    assert [note[:18] for note in lost.notes] == ["best-on-test: the ", "val: the predictio"]
    assert lost.verdict.under("val:uar") == "hashes" and lost.verdict.under("val") == "hashes"
    text = board(in_process, "--select", "val:uar").stdout
    (proven,) = [line for line in text.splitlines() if "width=4" in line]
    (other,) = [line for line in text.splitlines() if "width=5" in line]
    assert "¬" not in proven and "¬" in other
    curve = record.read_whole(whole / record.NAME).curve
    turned = curve[1].model_copy(update={"confusion": [row[::-1] for row in curve[1].confusion]})
    left.rewrite(whole, curve=[curve[0], turned, curve[2]])
    (again,) = [one for one in look() if one.folder == str(whole)]
    assert "another confusion matrix" in again.verdict.refused


def test_the_count_names_the_rules_for_which_runs_state_numbers(study, in_process):
    study(width=4)
    assert in_process("verify", "runs").stdout.splitlines()[-1] == (
        "1 run below runs; last: 1 re-scored; best-on-test: 1 hashes"
    )
    hold_out(study(width=5, keep_all=True))
    assert in_process("verify", "runs").stdout.splitlines()[-1] == (
        "2 runs below runs; last: 2 re-scored; best-on-test: 1 re-scored, 1 hashes; val: 1 re-scored"
    )


def test_a_run_without_epochs_states_no_number_by_validation(study, in_process, look):
    folder = study()
    files = {record.PREDICTIONS: sha256_of(folder / record.PREDICTIONS)}
    recipe = {**record.read(folder / record.NAME).recipe, "stages": []}
    left.rewrite(folder, curve=[], best_on_test=None, files=files, recipe=recipe)
    (folder / "curve.json").unlink()
    assert "val" not in in_process("verify", "runs", check=0).stdout
    (one,) = look()
    assert one.verdict.under("val") == "re-scored", "it is what it is by every rule"
    (folder / record.PREDICTIONS).unlink()
    assert "val" not in in_process("verify", "runs", check=0).stdout


def board(in_process, *words, check=0):
    return in_process("leaderboard", "runs", *words, check=check)


def test_a_forged_record_ranks_nowhere_after_verify_and_was_marked_before(study, in_process):
    study(width=4, model=1)
    forged = study(width=5, model=2)
    left.forge_result(forged)
    before = board(in_process).stdout
    first = next(line for line in before.splitlines() if "100.00" in line)
    assert first.split()[0] == "1" and "all rows: not verified: dferbench verify" in before
    done = in_process("verify", "runs", check=4)
    assert f"refused: {forged.relative_to(forged.parents[3])}: " in done.stdout
    assert "1 of 2 records below runs are refused" in done.stderr and "hint:" in done.stderr
    after = board(in_process)
    assert "width=5" not in after.stdout and "was refused by dferbench verify" in after.stderr
    assert "all rows: verified: counted again from the predictions" in after.stdout
    assert json.loads(board(in_process, "--json").stdout)["rows"][0]["verified"] == "re-scored"


def test_a_forged_best_epoch_does_not_rank_where_it_counts(study, in_process, look):
    left.forge_best(study(width=5, model=2))
    honest = study(width=4, model=1, keep_all=True)
    look()
    best = board(in_process, "--select", "best-on-test").stdout
    (forged,) = [line for line in best.splitlines() if "width=5" in line]
    assert forged.split()[0] == "-" and "¬ not re-scored" in best
    (other,) = [line for line in best.splitlines() if "width=4" in line]
    assert other.split()[0] == "1"
    assert "¬" not in board(in_process).stdout, "its last epoch was counted again"
    assert (honest / record.EPOCH_PREDICTIONS).is_file()


def test_a_result_whose_predictions_are_gone_does_not_rank_once_it_was_looked_at(study, look, in_process):
    (study() / record.PREDICTIONS).unlink()
    assert "¬" not in board(in_process).stdout
    (one,) = look()
    assert not one.verdict.refused and one.verdict.under("last") == "form"
    assert "predictions.npz is not there" in one.notes
    text = board(in_process).stdout
    assert "toy-net ¬" in text and not any(line.startswith("1 ") for line in text.splitlines())


def test_who_looked_at_the_files_alone_loses_no_rank(study, look, in_process):
    (study(keep_all=True) / record.PREDICTIONS).unlink()
    for depth in ("form", "hashes"):
        look(depth)
        text = board(in_process).stdout
        assert "¬" not in text and "all rows: verified: the record agrees with itself" in text
    look("re-scored")
    assert "toy-net ¬" in board(in_process).stdout


def test_a_verdict_is_of_these_bytes_and_of_this_user(study, look, in_process, tmp_path):
    folder = study()
    look()
    assert "all rows: verified" in board(in_process).stdout
    another_user = {"DFERBENCH_HOME": str(tmp_path / "another")}
    assert "all rows: not verified" in in_process("leaderboard", "runs", env=another_user).stdout
    left.rewrite(folder, seconds=5.0)
    assert "all rows: not verified" in board(in_process).stdout
    assert not list((tmp_path / "runs").rglob(NAME)), "it lies with the user, not beside what it is about"


def test_rows_are_marked_one_by_one_where_they_differ(study, look, in_process):
    study(width=4)
    look()
    study(width=5, model=1)
    text = board(in_process).stdout
    assert "all rows" not in text
    (new,) = [line for line in text.splitlines() if "width=5" in line]
    (old,) = [line for line in text.splitlines() if "width=4" in line]
    number = new.split("[")[1].split("]")[0]
    assert f"[{number}] not verified" in text and f"[{number}]" not in old.split("width")[0]


@pytest.mark.parametrize("style", ["text", "markdown", "latex", "html", "csv", "json"])
def test_every_format_of_leaderboard_and_table_says_it(study, look, in_process, tmp_path, style, toy_root):
    study()
    (tmp_path / "suite.toml").write_text(
        'title = "Mine"\n[[rows]]\nlabel = "a"\nmethod = "toy-net"\noptions = {width = 4}\n'
    )
    env = {"DFERBENCH_ROOT_TOY": str(toy_root)}
    table = ("--plugin", TOY, "table", "suite.toml", "-d", "toy", "--format", style)
    words = [in_process(*table, check=0, env=env).stdout, board(in_process, "--format", style).stdout]
    no = {"csv": ["not verified", ",no"], "json": ["not verified", '"verified": "no"']}
    for text, what in zip(words, no.get(style, ["not verified", "not verified"]), strict=True):
        assert what in text
    look("lists")
    words = [in_process(*table, check=0, env=env).stdout, board(in_process, "--format", style).stdout]
    yes = {"csv": ["verified: counted again", ",lists"], "json": ["verified: counted", '"verified": "lists"']}
    for text, what in zip(words, yes.get(style, ["verified: counted again from"] * 2), strict=True):
        assert what in text and "not verified" not in text
    if style == "csv":
        assert next(csv.DictReader(io.StringIO(words[1])))["verified"] == "lists"


def test_a_refusal_falls_to_a_look_as_deep_and_proofs_stay():
    refused, shallow = Verdict({}, "why", "lists"), Verdict({"last": "re-scored"}, depth="re-scored")
    deep = Verdict({"last": "lists"}, depth="lists")
    for one in (refused, shallow):
        keep_verdicts({"a": one})
    assert read_verdicts()["a"] == refused
    keep_verdicts({"a": deep})
    keep_verdicts({"a": shallow, "b": shallow})
    assert read_verdicts() == {"a": deep, "b": shallow}
    keep_verdicts({"a": refused})
    assert read_verdicts()["a"].refused == "why"


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": 2, "records": {}}', '{"schema": 1}',
    '{"schema": 1, "records": {"a": {"depth": "deep"}}}', '{"schema": 1, "records": {"a": 1}}'])  # fmt: skip
def test_a_damaged_file_of_verdicts_is_said(study, in_process, content):
    study()
    data_folder().mkdir()
    (data_folder() / NAME).write_text(content)
    done = board(in_process, check=3)
    assert f"{NAME} cannot be read" in done.stderr and "dferbench verify again" in done.stderr


@pytest.mark.parametrize(
    ("files", "words"),
    [({"../x": "0" * 64}, "no name of a file"), ({"": "0" * 64}, "no name"), ({"a": "0"}, "no sha256")],
)
def test_a_record_names_files_beside_it_alone(study, look, files, words):
    path = study() / record.NAME
    path.write_text(json.dumps({**json.loads(path.read_text()), "files": files}))
    (one,) = look()
    assert words in one.verdict.refused and not one.sha256


def test_a_missing_dataset_leaves_the_level_below(study, look, tmp_path):
    study()
    (tmp_path / "nothing").mkdir()
    (one,) = look("lists", root=tmp_path / "nothing")
    assert one.verdict.under("last") == "re-scored" and any("is missing" in note for note in one.notes)


def test_records_of_earlier_releases_name_no_files_and_are_counted_again(study, look):
    folder = study()
    path = folder / record.NAME
    facts = json.loads(path.read_text())
    del facts["files"]
    path.write_text(json.dumps(facts))
    (one,) = look()
    assert one.verdict.under("last") == "re-scored" and "names no hashes" in one.notes[0]


class Stop(Progress):
    """Ends a run as Ctrl-C does, at the first line that holds the words."""

    def __init__(self, at):
        self.at = at

    def say(self, text):
        if self.at in text:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def trained(toy_root, tmp_path_factory, catalog):
    """A real run that kept everything, and the plan of the same without option, and in another folder."""

    def plan(output, keep="all"):
        request = Request("toy-net", "toy", root=toy_root, output=output, workers=0, device="cpu",
            keep_predictions=keep)  # fmt: skip
        return make_plan(request, catalog)

    first = plan(tmp_path_factory.mktemp("trained"))
    (one,) = run(first, catalog, Progress())
    return one, first, plan


def test_a_run_names_every_file_of_its_result(trained):
    one, plan, _ = trained
    folder = plan.folder(1, 0)
    there = {path.name for path in folder.iterdir()} - {record.NAME, "events.jsonl"}
    assert set(one.files) == there >= {record.EPOCH_PREDICTIONS, record.CHECKPOINT, "curve.json"}
    assert all(sha256 == sha256_of(folder / name) for name, sha256 in one.files.items())


def test_predictions_of_every_epoch_survive_a_stop_to_the_bit_and_change_nothing(trained, tmp_path, catalog):
    one, first, plan = trained
    with pytest.raises(KeyboardInterrupt):
        run(plan(tmp_path / "stopped"), catalog, Stop("train 2/3"))
    (again,) = run(plan(tmp_path / "stopped"), catalog, Progress())
    (plain,) = run(plan(tmp_path / "plain", "last"), catalog, Progress())
    assert again.files[record.EPOCH_PREDICTIONS] == one.files[record.EPOCH_PREDICTIONS]
    assert record.EPOCH_PREDICTIONS not in plain.files and plain.config_id == one.config_id
    for other in (again, plain):
        assert other.files[record.PREDICTIONS] == one.files[record.PREDICTIONS]
        assert other.files[record.CHECKPOINT] == one.files[record.CHECKPOINT]
    with np.load(first.folder(1, 0) / record.EPOCH_PREDICTIONS) as file:
        assert file["logits"].shape == (3, 9, 3) and file["logits"].dtype == np.float16


def test_a_checkpoint_that_is_evaluated_again_proves_or_refutes_the_predictions(trained, look, tmp_path):
    _, plan, _ = trained
    shutil.copytree(plan.folder(1, 0), tmp_path / "runs" / "honest")
    (honest,) = look("re-evaluated")
    assert honest.verdict.levels == {
        "last": "re-evaluated",
        "best-on-test": honest.verdict.under("best-on-test"),
    }
    assert honest.verdict.under("best-on-test") in ("lists", "re-evaluated") and not honest.notes
    forged = tmp_path / "runs" / "honest"
    (forged / record.EPOCH_PREDICTIONS).unlink()
    left.forge_predictions(forged)
    (one,) = look("lists")
    assert not one.verdict.refused, "all that can be read agrees"
    (one,) = look("re-evaluated")
    assert "its checkpoint gives another class" in one.verdict.refused


def test_half_precision_keeps_the_order_of_the_classes():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(400, 43)).astype(np.float32)
    logits[:100] = np.round(logits[:100], 1)  # ties
    logits[100:200] = 5 + 1e-4 * rng.normal(size=(100, 43))  # nearly
    logits[200:210] *= 1e30
    half = halved(logits)
    order = [np.argsort(-one.astype(np.float64), axis=1, kind="stable") for one in (logits, half)]
    assert (order[0] == order[1]).all() and np.isfinite(half).all() and half.dtype == np.float16
    assert (half.argmax(1) == logits.argmax(1)).all()
    plain = logits[300:] - logits[300:].max(1, keepdims=True)
    np.testing.assert_allclose(half[300:], plain, atol=1e-2)
    near = logits[100:200]
    assert (near.astype(np.float16).argmax(1) != near.argmax(1)).any(), "plain rounding does not"


def test_what_an_epoch_could_not_read_and_what_was_not_kept_is_left_out(tmp_path):
    videos = [Video(name, "", n % 2) for n, name in enumerate("abc")]
    some = Predictions(["a", "c"], np.array([0, 0]), np.array([[1, 0], [0, 2]], np.float32))
    kept = EpochLogits(True, videos, 2, None, 1)
    kept.add(some)
    kept.save(tmp_path)
    with np.load(tmp_path / record.EPOCH_PREDICTIONS) as file:
        logits = file["logits"]
    assert np.isnan(logits[0]).all() and np.isnan(logits[1, 1]).all()
    assert logits[1, [0, 2]].tolist() == [[0, -1], [-2, 0]]
    assert (
        hashlib.sha256(kept.together().numpy().tobytes()).digest()
        == hashlib.sha256(logits.tobytes()).digest()
    )
