"""What is stored proves itself: flipped bits in states and checkpoints, states of others, lost files."""

import json
import shutil

import pytest
import torch
from conftest import TOY

from dferbench.checkpoints.format import Header, read_proved, write_checkpoint
from dferbench.checkpoints.read import read_checkpoint
from dferbench.errors import ConfigError, DataError
from dferbench.experiment import record
from dferbench.experiment.record import Epoch
from dferbench.progress import Progress
from dferbench.registry.catalog import discover
from dferbench.training import resume
from dferbench.types import Input

OWNER = {"method": "m", "dataset": "d", "config_id": "c", "data": "f", "fold": 1, "seed": 0}


def flip(path, place, bit=0):
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)


def saved(folder):
    row = Epoch(stage="s", epoch=0, terms={"ce": 1.0}, learning_rates={}, seconds=1.0, confusion=[[1]])
    learned = {"w": torch.arange(40, dtype=torch.float32), "n": torch.tensor(3)}
    folder.mkdir(exist_ok=True)
    return resume.save(resume.State(0, 1, learned, {"state": {}}, [row], ["x"]), folder, OWNER)


def test_a_state_comes_back_as_it_was(tmp_path):
    saved(tmp_path)
    assert resume.set_aside(tmp_path, OWNER) == ""
    again = resume.load(tmp_path, OWNER)
    assert again.learned["w"].tolist() == list(range(40)) and again.skipped == ["x"] and len(again.curve) == 1


def test_every_flipped_bit_of_a_state_is_seen(tmp_path):
    """Each byte of the first line, and a hundred of what torch wrote: all are covered by the checksum."""
    path = saved(tmp_path)
    whole = path.read_bytes()
    first = whole.index(b"\n")
    for place in [*range(first + 1), *range(first + 1, len(whole), max((len(whole) - first) // 100, 1))]:
        path.write_bytes(whole)
        flip(path, place, place % 8)
        with pytest.raises(ConfigError, match=r"state\.pt cannot be read: it is damaged|of another run"):
            resume.load(tmp_path, OWNER)


@pytest.mark.parametrize("field", ["fold", "seed", "config_id", "data", "method", "dataset"])
def test_a_state_of_another_run_is_set_aside_and_kept(tmp_path, field):
    path = saved(tmp_path)
    content = path.read_bytes()
    other = {**OWNER, field: 7 if field in ("fold", "seed") else "other"}
    assert f"another run ({field} " in resume.set_aside(tmp_path, other)
    assert not path.exists() and (tmp_path / resume.REFUSED).read_bytes() == content
    assert resume.load(tmp_path, other) is None


@pytest.mark.parametrize("length", [0, 1, 300, -1])
def test_a_state_that_was_cut_is_set_aside(tmp_path, length):
    path = saved(tmp_path)
    path.write_bytes(path.read_bytes()[:length])
    assert "damaged" in resume.set_aside(tmp_path, OWNER)


def test_states_of_earlier_releases_are_read_and_their_own_checksums_hold(tmp_path):
    path = saved(tmp_path)
    old = path.read_bytes().split(b"\n", 1)[1]
    path.write_bytes(old)
    assert resume.set_aside(tmp_path, OWNER) == "" and resume.load(tmp_path, OWNER).stage == 0
    flip(path, old.index(torch.arange(40, dtype=torch.float32).numpy().tobytes()) + 17, 5)
    assert "damaged" in resume.set_aside(tmp_path, OWNER)


class Said(Progress):
    """What a run says; `stop_at` ends it as Ctrl-C does, at the first line that holds it."""

    def __init__(self, stop_at=""):
        self.lines, self.stop_at = [], stop_at

    def say(self, text):
        self.lines.append(text)
        if self.stop_at and self.stop_at in text:
            raise KeyboardInterrupt


@pytest.fixture
def interrupted(toy_run, tmp_path):
    """A toy run that was stopped in its second epoch: its folder."""
    with pytest.raises(KeyboardInterrupt):
        toy_run(progress=Said("train 2/3"))
    (path,) = record.find(tmp_path / "runs")
    return path.parent


def test_a_run_does_not_train_on_a_flipped_bit_and_gives_the_result_of_one_never_stopped(
    toy_run, interrupted, tmp_path
):
    whole = (interrupted / resume.NAME).stat().st_size
    flip(interrupted / resume.NAME, whole // 2, 3)
    said = Said()
    ((again,), plan) = toy_run(progress=said)
    told = [line for line in said.lines if resume.NAME in line]
    assert "not trained on: it is damaged" in told[0] and "begins anew" in told[1]
    assert not any("resumed" in line for line in said.lines)
    assert sorted(path.name for path in interrupted.iterdir()) == [
        "checkpoint.safetensors", "curve.json", "events.jsonl", "predictions.npz", "record.json",
        resume.REFUSED,
    ]  # fmt: skip
    ((clean,), _) = toy_run(output=tmp_path / "clean")
    assert [row.confusion for row in again.curve] == [row.confusion for row in clean.curve]
    predictions = plan.folder(1, 0) / "predictions.npz"
    assert predictions.read_bytes() == next((tmp_path / "clean").rglob("predictions.npz")).read_bytes()


def test_a_run_does_not_train_on_the_state_of_another_seed(toy_run, interrupted):
    other = interrupted.with_name("fold1-seed5")
    shutil.copytree(interrupted, other)
    (other / record.NAME).unlink()
    said = Said()
    ((one,), _) = toy_run(progress=said, seeds=(5,))
    assert one.status == "done" and any("another run (seed 0, not 5)" in line for line in said.lines)
    ((resumed,), _) = toy_run(progress=said)
    assert resumed.status == "done" and "resumed after 1 epochs" in said.lines


def test_a_finished_run_drops_its_state_and_says_which_files_are_gone(toy_run, tmp_path):
    ((one,), plan) = toy_run()
    folder = plan.folder(1, 0)
    assert not (folder / resume.NAME).exists()
    # As earlier releases left it, and runs that were killed between their record and this.
    (folder / resume.NAME).write_bytes(b"x")
    toy_run()
    assert not (folder / resume.NAME).exists()
    (folder / "checkpoint.safetensors").unlink()
    (folder / resume.NAME).write_bytes(b"x")
    said = Said()
    assert toy_run(progress=said)[0] == [one], "its counts are all there"
    assert "already done" in said.lines[-2]
    assert said.lines[-1].startswith(f"checkpoint.safetensors is gone from {folder}; its result stands")
    assert (folder / resume.NAME).exists(), "all that is left of what was learned"


def test_a_bad_record_stops_its_own_run_alone_and_stays(toy_run, tmp_path):
    _, plan = toy_run()
    path = plan.folder(1, 0) / record.NAME
    path.write_text("{")
    ((bad, good), _) = toy_run(folds=(1, 2))
    assert bad.status == "failed" and str(path) in bad.error and bad.exit_code == 3
    assert good.status == "done" and path.read_text() == "{"
    ((again,), _) = toy_run(force=True)
    assert again.status == "done"


def header(**more):
    facts = {
        "method": "m",
        "options": {"a": 0.1},
        "classes": ["x", "y"],
        "input": Input(4, 8),
        "holds": "all",
    }
    return Header(schema=2, **facts, **more)


TENSORS = {
    "half": torch.arange(6, dtype=torch.bfloat16).reshape(2, 3),
    "whole": torch.tensor(5),
    "none": torch.zeros(0, 4),
    "mask": torch.tensor([True, False]),
    "turned": torch.arange(12, dtype=torch.float32).reshape(3, 4).T,
}


def test_every_flipped_bit_of_a_checkpoint_is_seen(tmp_path):
    path = tmp_path / "c.safetensors"
    write_checkpoint(path, TENSORS, header())
    assert read_proved(path)["turned"].equal(TENSORS["turned"])
    whole = path.read_bytes()
    length = 8 + int.from_bytes(whole[:8], "little")
    from dferbench.checkpoints.format import read_header

    for place in [*range(8, length, 7), *range(length, len(whole))]:
        path.write_bytes(whole)
        flip(path, place, place % 8)
        if whole[place : place + 1].isspace() and place >= length - 8:
            continue  # JSON is padded to eight bytes
        with pytest.raises(DataError, match=r"c\.safetensors"):
            read_header(path)
            read_proved(path)


def test_checkpoints_of_earlier_releases_are_read(tmp_path):
    import safetensors.torch

    path = tmp_path / "c.safetensors"
    old = json.loads(header().model_dump_json(by_alias=True))
    del old["checksum"]
    safetensors.torch.save_file({"w": torch.ones(3)}, path, {"dferbench": json.dumps(old)})
    assert read_proved(path)["w"].sum() == 3


def test_a_damaged_checkpoint_of_a_run_is_refused_with_words(toy_run):
    _, plan = toy_run(sets={"stage.epochs": "1"})
    path = plan.folder(1, 0) / "checkpoint.safetensors"
    catalog = discover([TOY])
    assert read_checkpoint(path, catalog).header.checksum
    flip(path, path.stat().st_size - 3)
    with pytest.raises(DataError, match="is damaged: its tensors or its header") as caught:
        read_checkpoint(path, catalog)
    assert "make it again" in caught.value.hint
