"""The curve beside a record: shown if it is whole and is that record's, told in words if not."""

import hashlib
import json
import os

import pytest
from test_record_edits import figures, good

from dferbench.experiment import curve as curves
from dferbench.experiment import record
from dferbench.experiment.curve import BadCurve
from dferbench.report.leaderboard import load


def replaced(path, make):
    path.unlink()
    make(path)


FILES = {
    "gone": (lambda path: path.unlink(), "is gone"),
    "empty": (lambda path: path.write_bytes(b""), "sha256"),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:-9]), "sha256"),
    "one digit": (lambda path: path.write_text(path.read_text().replace("[5, 2, 1]", "[5, 1, 2]")), "sha256"),
    "a pipe": (lambda path: replaced(path, os.mkfifo), "a pipe or a device"),
    "an endless file": (lambda path: replaced(path, lambda one: one.symlink_to("/dev/zero")), "a link"),
    "a folder": (lambda path: replaced(path, lambda one: one.mkdir()), "a folder"),
    "a large file": (lambda path: os.truncate(path, curves.MOST_BYTES + 1), "larger than 64 MB"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_curve_that_cannot_be_read_is_said_and_hides_no_result(tmp_path, name):
    change, reason = FILES[name]
    path = record.write(good(), tmp_path)
    change(tmp_path / curves.NAME)
    ((one,), problems) = load(tmp_path)
    assert not problems and figures(one) == figures(good())
    with pytest.raises(BadCurve, match=reason) as caught:
        record.read_whole(path)
    assert "\n" not in str(caught.value) and "result in record.json stands" in caught.value.hint


def cut_short(content):
    content["epochs"].pop()


def another_best(content):
    content["epochs"][0]["confusion"] = [[8, 0, 0], [0, 9, 0], [0, 0, 6]]
    content["epochs"][0]["top2"] = 23


def another_end(content):
    content["epochs"][-1]["confusion"] = content["epochs"][0]["confusion"]


LIES = {
    "an epoch less": (cut_short, "it has 2 epochs, and the record states 3"),
    "another best": (another_best, "epoch 1 of it is the best"),
    "another end": (another_end, "not that of the last epoch"),
    "a schema of tomorrow": (lambda content: content.update(schema=2), "its schema is not 1"),
    "a count below 0": (lambda content: content["epochs"][0].update(top2=-1), "epochs.0.top2"),
    "more than it holds": (lambda content: content.update(more=1), "more"),
    "no list": (lambda content: content.update(epochs={}), "valid list"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_curve_of_which_the_record_states_the_sha256_must_agree_with_it(tmp_path, name):
    change, reason = LIES[name]
    path, curve = record.write(good(), tmp_path), tmp_path / curves.NAME
    content = json.loads(curve.read_text())
    change(content)
    curve.write_text(json.dumps(content))
    stated = {"curve_sha256": hashlib.sha256(curve.read_bytes()).hexdigest()}
    path.write_text(json.dumps(json.loads(path.read_text()) | stated))
    with pytest.raises(BadCurve, match=reason):
        record.read_whole(path)
    assert len(load(tmp_path)[0]) == 1


def test_a_kill_between_curve_and_record_leaves_a_run_that_is_not_done(tmp_path):
    running = good().model_copy(update={"status": "running", "curve": None, "confusion": [], "top2": None})
    path = record.write(running, tmp_path)
    curves.write(good().curve, tmp_path)
    assert record.read_whole(path).curve == [] and load(tmp_path)[0] == []
    record.write(good(), tmp_path)
    assert record.read_whole(path).curve == good().curve
