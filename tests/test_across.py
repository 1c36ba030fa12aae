"""Several processes at one run, and batches in parts: the same losses, weights and predictions."""

import multiprocessing
import re
import shutil
from collections import Counter
from itertools import chain

import numpy as np
import pair
import pytest
import torch
from conftest import TOY
from safetensors.numpy import load_file

from dferbench.errors import ConfigError
from dferbench.experiment.plan import Request, make_plan
from dferbench.machine.several import first_device, numbers_of
from dferbench.progress import Progress
from dferbench.registry.catalog import discover
from dferbench.runner.run import run
from dferbench.testing.methods import Trial
from dferbench.training.accumulate import require_parts
from dferbench.training.across import Team, least_batch, shard

METHODS = sorted(discover().entries["methods"])
DRAWS = {"est", "t-esfl"}
"""Methods that draw for single videos whatever their options: dropout, and an order of snippets."""
COARSE = {"dpcnet", "i3d"}
"""Methods whose weights after a step float32 does not tell to 1e-5, in one process either: rounding decides
on which side of a kink some numbers lie. In float64 they agree as the others do. Both have dropout, left out
here."""
MORE = [
    ("cliper", {"count_over": "epoch"}),
    ("emoclip", {"learn_from": "captions"}),
    ("mae-dfer", {"mixup": 0.8, "cutmix": 1.0}),
    ("s2d", {"mixup": 0.8, "cutmix": 1.0}),
    ("videomae", {"mixup": 0.8, "cutmix": 0.0}),
]
"""Options with which a loss looks across the batch in another way."""
QUICK = {"dfer-clip", "emoclip", "ial", "mae-dfer", "r3d18", "s2d"}
"""Methods of each kind: towers, losses across the batch, batch norm, mixing. All of them take minutes."""
CASES = [
    pytest.param(name, given, marks=() if name in QUICK else pytest.mark.long)
    for name, given in [*((name, {}) for name in METHODS), *MORE]
]


@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 14, 15, 32])
def test_shares_are_a_batch_and_mirror_themselves(size, ranks):
    found = [shard(size, rank, ranks) for rank in range(ranks)]
    if size < least_batch(ranks):
        assert found == [list(range(size))] * ranks
        return
    assert sorted(chain(*found)) == list(range(size))
    for own in found:
        assert len(own) >= min(size, 2)
        assert own[::-1] == [size - 1 - place for place in own]


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_whole_batches_are_dealt_once_and_as_they_are(ranks):
    order, dealt = (
        list(range(100, 123)),
        [Team(rank, ranks).deal(range(100, 123), 5) for rank in range(ranks)],
    )
    assert sorted(chain(*dealt)) == order
    for own in dealt:
        for start in range(0, len(own), 5):
            batch = own[start : start + 5]
            assert batch[0] % 5 == 0 and batch == list(range(batch[0], min(batch[0] + 5, 123)))


@pytest.fixture(scope="class")
def both(tmp_path_factory):
    """Trains in both of two processes, which meet once: a process can be in one such group at a time."""
    with pair.pair(tmp_path_factory.mktemp("pair")) as run_both:
        yield run_both


@pytest.mark.slow
class TestTwoProcesses:
    @pytest.mark.heavy
    @pytest.mark.parametrize(("name", "given"), CASES)
    def test_they_take_the_step_of_one(self, name, given, both):
        """In float32, with an uneven batch."""
        self.compare(name, given, both, exact=False)

    @pytest.mark.heavy
    @pytest.mark.parametrize(("name", "given"), CASES)
    def test_they_train_what_one_trains(self, name, given, both):
        """Three steps of each stage in float64, small batches among them."""
        self.compare(name, given, both, exact=True)

    @staticmethod
    def compare(name, given, both, exact):
        terms, state, _ = pair.alone(name, given, exact)
        found, other, drew = both(name, given, exact)
        assert drew == (name in DRAWS and bool(terms))
        if drew:
            assert all(np.isfinite(list(one.values())).all() for one in found)
            return
        bound, terms_bound = (1e-7, 1e-6) if exact else (1e-5, 1e-5)  # some terms are told in float32
        assert all(pair.off(one, two) < terms_bound for one, two in zip(terms, found, strict=True))
        if terms and name in COARSE and not exact:
            truth = pair.alone(name, given, exact=True, first=True)[1]
            assert pair.apart(truth, other) < 2 * pair.apart(truth, state)
        elif terms:
            assert pair.apart(state, other) < bound

    def test_with_dropout_they_draw_apart(self, both):
        assert both("c3d", {"dropout": 0.5}, False)[2] is True


UNEASY = TOY.with_name("uneasy.py")
UNEVEN = {"stage.batch": "7"}
"""Batches of 7, 7 and 4 of the toy's 18 videos."""


@pytest.fixture
def made(toy_root, tmp_path):
    """Run a method of the toy plugins in this process, and as many more as `devices` says; its record and
    the folder of the run."""
    catalog = discover([TOY, UNEASY])

    def make(model, devices="", root=toy_root, output="runs", **more):
        request = Request(
            model, "toy", root=root, output=tmp_path / output, device="cpu", devices=devices, workers=0,
            **{"sets": UNEVEN, **more},
        )  # fmt: skip
        plan = make_plan(request, catalog)
        return run(plan, catalog, Progress())[0], plan.folder(*plan.runs[0])

    return make


def assert_same(one, other):
    """Two runs, each a record and its folder, are the same up to rounding."""
    (record, folder), (again, there) = one, other
    assert (record.status, again.status) == ("done", "done"), again.error
    assert record.config_id == again.config_id
    assert record.decoders.keys() == again.decoders.keys() and record.skipped == again.skipped
    for a, b in zip(record.curve, again.curve, strict=True):
        assert b.terms == pytest.approx(a.terms, rel=1e-5)
        assert a.confusion == b.confusion and a.learning_rates == b.learning_rates
    a, b = (np.load(place / "predictions.npz") for place in (folder, there))
    assert list(a["id"]) == list(b["id"]) and (a["label"] == b["label"]).all()
    assert np.abs(a["logits"] - b["logits"]).max() < 1e-4
    a, b = (load_file(place / "checkpoint.safetensors") for place in (folder, there))
    assert a.keys() == b.keys()
    assert all(np.allclose(a[name], b[name], rtol=1e-5, atol=1e-6) for name in a)


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("model", "devices", "sets"),
    [
        ("toy-net", "2", {}),
        ("toy-net", "3", {"input.augment": "flip | mixup"}),
        ("toy-net", "2", {"stage.accumulate": "2"}),
        ("toy-frozen", "2", {"stage.drop_last": "true"}),
        ("uneasy", "2", {}),
    ],
)
def test_a_run_of_several_processes_is_that_of_one(made, model, devices, sets):
    plain = {name: value for name, value in sets.items() if name != "stage.accumulate"}
    one = made(model, sets=UNEVEN | plain, output="one")
    several = made(model, devices, sets=UNEVEN | sets, output="several")
    assert_same(one, several)
    assert one[0].environment["devices"] == 1
    assert several[0].environment["devices"] == int(devices)
    assert several[0].environment["draws"] == "as in one process"
    tested = np.load(several[1] / "predictions.npz")["id"]
    assert max(Counter(tested.tolist()).values()) == 1 and len(tested) == 9


@pytest.mark.heavy
def test_dropout_is_told(made):
    record, _ = made("uneasy", "2", sets=UNEVEN | {"dropout": "0.5"})
    assert record.status == "done" and "distribution" in record.environment["draws"]


@pytest.mark.heavy
@pytest.mark.parametrize("model", ["toy-net", "toy-frozen"])
def test_videos_that_cannot_be_read(made, toy_root, tmp_path, model):
    root = tmp_path / "damaged"
    shutil.copytree(toy_root, root)
    for place in ("train/stays/train4", "train/darkens/train0", "test/stays/test2"):
        for image in (root / "fold1" / place).iterdir():
            image.write_bytes(b"no image")
    sets = UNEVEN | {"input.augment": "flip | mixup" if model == "toy-net" else ""}
    one = made(model, root=root, sets=sets, output="one", skip_bad=True)
    assert_same(one, made(model, "2", root=root, sets=sets, output="two", skip_bad=True))
    assert len(one[0].skipped) == 3
    record, _ = made(model, "2", root=root, sets=sets, output="three")
    assert record.status == "failed" and "damaged/fold1" in record.error


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("refuses", "the second process refuses\nAsk it again."),
        ("raises", "a process of this run failed: KeyError: 'the second process fell over'"),
        ("is killed", "process 2 of this run was ended by SIGKILL"),
    ],
)
def test_one_process_that_fails_ends_all_with_words(made, monkeypatch, trouble, words):
    monkeypatch.setenv("UNEASY", trouble)
    record, folder = made("uneasy", "2")
    assert record.status == "failed" and record.error.startswith(words)
    assert not multiprocessing.active_children()
    if trouble != "is killed":
        return
    # What the first epoch left is continued by another number of processes.
    assert (folder / "state.pt").is_file()
    said = []
    monkeypatch.setattr(Progress, "say", lambda _, text: said.append(text))
    continued = made("uneasy")
    assert "resumed after 1 epochs" in said
    assert_same(made("uneasy", output="never stopped"), continued)


@pytest.mark.parametrize(
    ("devices", "device", "words"),
    [
        ("0", "auto", "must be a number of devices in [1, 64]"),
        ("two", "cpu", "got 'two'"),
        ("1,1", "cuda", "different numbers"),
        ("-1", "cpu", "got '-1'"),
        ("65", "cpu", "in [1, 64]"),
        ("0,1", "cpu", "has no numbers"),
        ("2", "cuda:1", "is one device"),
        ("2", "mps", "there is one device mps"),
        ("1,", "auto", "got '1,'"),
    ],
)
def test_devices_that_cannot_be_meant(devices, device, words):
    with pytest.raises(ConfigError, match=re.escape(words)) as caught:
        numbers_of(devices, device)
    assert caught.value.hint


def test_devices_that_are_meant():
    assert numbers_of("", "cuda:1") == ()
    assert numbers_of("2", "cpu") == (0, 1)
    assert numbers_of("3,1", "cuda") == (3, 1)
    assert first_device("cpu", "4") == "cpu" and first_device("cuda:1", "") == "cuda:1"


@pytest.mark.skipif(torch.cuda.device_count() > 7, reason="a machine with so many GPUs")
def test_a_gpu_that_is_not_there_is_told(made):
    with pytest.raises(ConfigError, match="there is no device cuda:7 here"):
        first_device("cuda", "0,7")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a machine with GPUs")
def test_numbers_of_gpus_mean_no_processes_where_there_is_none(in_process, toy_root, tmp_path):
    words = ["--plugin", TOY, "run", "-m", "toy-net", "-d", "toy", "--root", toy_root]
    done = in_process(*words, "--devices", "0,9", check=3)
    error, hint = done.stderr.splitlines()
    assert error == "error: --devices 0,9 names GPUs by their numbers, and there is no GPU here"
    assert hint.startswith("hint: ") and not (tmp_path / "runs").exists()
    assert first_device("auto", "2") == "cpu"


def test_a_batch_that_cannot_be_shared_is_told_before_the_run(made):
    with pytest.raises(ConfigError, match="4 devices can share batches of 8 videos or more"):
        made("toy-net", "4")


class TestInParts:
    """`stage.accumulate`."""

    def test_nothing_that_is_trained_changes(self, made):
        one = made("toy-net", output="whole")
        parts = made("toy-net", output="parts", sets=UNEVEN | {"stage.accumulate": "3"})
        assert_same(one, parts)
        assert "accumulate" not in one[0].recipe["stages"][0]
        assert parts[0].recipe["stages"][0]["accumulate"] == 3

    @pytest.mark.parametrize(
        ("model", "given", "words"),
        [
            ("uneasy", {}, "batch norm takes its statistics from the whole batch"),
            ("ec-stfl", {}, "batch norm"),
            ("cliper", {}, "batch norm|looks at all videos of a batch together"),
            ("emoclip", {}, "looks at all videos of a batch together"),
            ("mae-dfer", {"mixup": 0.5}, "mixes the videos of a batch"),
            ("mae-dfer", {}, None),
        ],
    )
    def test_what_looks_across_the_batch_is_refused(self, model, given, words):
        one = Trial(model, discover([TOY, UNEASY]), given)
        net, stage = one.build(), one.recipe.stages[0]
        if words is None:
            require_parts(net, one.batch(net, stage, 2))
            return
        with pytest.raises(ConfigError, match=words):
            require_parts(net, one.batch(net, stage, 2))

    @pytest.mark.parametrize("count", ["0", "8", "2.5", "-1"])
    def test_a_number_that_cannot_be(self, made, count):
        with pytest.raises(ConfigError, match="accumulate"):
            made("toy-net", sets=UNEVEN | {"stage.accumulate": count})

    def test_a_run_that_cannot_be_in_parts_ends_before_it_begins(self, made, tmp_path):
        with pytest.raises(ConfigError, match=r"stage\.accumulate computes a batch in parts, and"):
            made("uneasy", sets=UNEVEN | {"stage.accumulate": "2"})
        assert not list((tmp_path / "runs").rglob("record.json"))
