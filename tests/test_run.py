"""A run: trains, records, resumes to the same bits whatever happens, and says what is wrong."""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from conftest import TOY

from dferbench.errors import ConfigError, DataError, UnknownName
from dferbench.experiment import record


def folder_of(plan, fold=1, seed=0):
    return plan.folder(fold, seed)


def test_a_run_leaves_a_complete_record(toy_run):
    (one,), plan = toy_run(seeds=(3,), sets={"stage.epochs": "4"})
    folder = folder_of(plan, seed=3)
    assert sorted(p.name for p in folder.iterdir()) == [
        "checkpoint.safetensors", "curve.json", "events.jsonl", "predictions.npz", "record.json",
    ]  # fmt: skip
    assert record.read_whole(folder / "record.json") == one
    assert one.status == "done" and len(one.curve) == 4 and one.parameters["total"] > 0
    saved = np.load(folder / "predictions.npz")
    assert saved["logits"].shape == (9, 3) and saved["logits"].dtype == np.float32
    matrix = np.zeros((3, 3), int)
    np.add.at(matrix, (saved["label"], saved["logits"].argmax(1)), 1)
    assert matrix.tolist() == one.confusion == one.curve[-1].confusion
    assert one.decoders["folder"] > 0


def test_it_learns(toy_run):
    (one,), _ = toy_run(sets={"stage.epochs": "25", "width": "8"})
    assert one.metrics["last"]["war"] > 80


def test_done_is_not_done_again(toy_run):
    _, plan = toy_run(folds=())
    before = {f: (folder_of(plan, f) / "record.json").stat().st_mtime_ns for f in (1, 2)}
    toy_run(folds=())
    assert before == {f: (folder_of(plan, f) / "record.json").stat().st_mtime_ns for f in (1, 2)}
    toy_run(folds=(1,), force=True)
    assert before[1] != (folder_of(plan, 1) / "record.json").stat().st_mtime_ns


def predictions(plan, **cell):
    return (folder_of(plan, **cell) / "predictions.npz").read_bytes()


def test_workers_change_nothing(toy_run, tmp_path):
    results = [predictions(toy_run(output=tmp_path / str(n), workers=n)[1]) for n in (0, 2)]
    assert results[0] == results[1]


def test_seeds_change_something(toy_run):
    _, plan = toy_run(seeds=(0, 1))
    assert predictions(plan, seed=0) != predictions(plan, seed=1)


def test_remembering_changes_nothing(toy_run, tmp_path, monkeypatch):
    """A frozen encoder is remembered where the input draws nothing; the result is the same."""
    from dferbench.training import batches as source

    _, plan = toy_run("toy-frozen", output=tmp_path / "remembered")
    monkeypatch.setattr(source.Source, "_may_cache", lambda *_: False)
    _, again = toy_run("toy-frozen", output=tmp_path / "not")
    a, b = (np.load(folder_of(p) / "predictions.npz")["logits"] for p in (plan, again))
    np.testing.assert_allclose(a, b, atol=1e-6)


def test_remembered_videos_are_read_once(toy_run):
    (one,), _ = toy_run("toy-frozen", sets={"stage.epochs": "5"})
    assert one.decoders == {"folder": 18 + 9}


def command(root, output, *more):
    return [
        "--plugin", TOY, "run", "-m", "toy-net", "-d", "toy", "--root", root, "-o", output,
        "--device", "cpu", "--epochs", "8", *more,
    ]  # fmt: skip


@pytest.mark.heavy
def test_killed_at_any_moment_and_resumed_gives_the_same_bytes(cli, start_cli, toy_root, tmp_path):
    cli(*command(toy_root, "whole"), check=0)
    draw = random.Random(0)
    for lines in draw.sample(range(2, 16), 3):
        with start_cli(*command(toy_root, "killed")) as process:
            for _ in range(lines):
                process.stderr.readline()
            process.kill()
    last = cli(*command(toy_root, "killed"), check=0)
    assert "resumed after" in last.stderr or "already done" in last.stderr
    whole, killed = (next((tmp_path / d).rglob("predictions.npz")).read_bytes() for d in ("whole", "killed"))
    assert whole == killed


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 75)])
@pytest.mark.slow
def test_asked_to_stop_it_says_so_and_resumes(cli, start_cli, toy_root, tmp_path, sent, code):
    with start_cli(*command(toy_root, "runs", "--workers", "1"), alone=True) as process:
        for _ in range(3):
            process.stderr.readline()
        # As a terminal does it: to the whole group, workers included.
        os.killpg(process.pid, sent) if sent == signal.SIGINT else process.send_signal(sent)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    assert errors.splitlines()[-1] == "hint: Run the same command to continue."
    assert "Traceback" not in errors
    (path,) = record.find(tmp_path / "runs")
    assert record.read(path).status == "interrupted"
    done = cli(*command(toy_root, "runs"), check=0)
    assert "resumed after" in done.stderr or "train 1/8" in done.stderr


@pytest.fixture
def spoiled_root(toy_root, tmp_path):
    root = tmp_path / "spoiled"
    shutil.copytree(toy_root, root)
    (root / "fold1" / "train" / "stays" / "train2" / "3.png").write_bytes(b"no image")
    empty = root / "fold1" / "test" / "stays" / "test1"
    for path in empty.iterdir():
        path.unlink()
    return root


def test_a_bad_video_is_named_and_stops_its_cell_only(toy_run, spoiled_root):
    (bad, good), _ = toy_run(root=spoiled_root, folds=())
    assert (bad.status, good.status) == ("failed", "done")
    assert "train2" in bad.error or "test1" in bad.error
    assert bad.exit_code == 4


def test_bad_videos_are_left_out_on_request(toy_run, spoiled_root):
    (one,), _ = toy_run(root=spoiled_root, skip_bad=True)
    assert one.skipped == ["stays/test1", "stays/train2"]
    assert sum(map(sum, one.confusion)) == 8 and "incomplete" in one.caveats


def test_other_data_are_another_experiment(toy_run, toy_root, tmp_path):
    root = tmp_path / "changed"
    shutil.copytree(toy_root, root)
    toy_run(root=root)
    shutil.rmtree(root / "fold1" / "train" / "stays" / "train2")
    with pytest.raises(ConfigError, match="other ids or labels"):
        toy_run(root=root)


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        ({"sets": {"width": "wide"}}, ConfigError, "whole number"),
        ({"sets": {"widht": "3"}}, UnknownName, "widht"),
        ({"sets": {"stage.train": "{'haed.*': 0.1}"}}, ConfigError, "matches no parameter"),
        ({"sets": {"stage.optimizer": "sdg"}}, UnknownName, "sdg"),
        ({"sets": {"stage.schedule": "steps(gama=1)"}}, UnknownName, "gama"),
        ({"sets": {"input.augment": "flop"}}, UnknownName, "flop"),
        ({"sets": {"input.sample": "segments(short=never)"}}, UnknownName, "never"),
        ({"sets": {"input.normalize": "some"}}, UnknownName, "some"),
        (
            {"sets": {"stage.batch": "99", "stage.drop_last": "true"}},
            ConfigError,
            "no batch of 99 can be filled",
        ),
        (
            {"limit": 5, "sets": {"stage.drop_last": "true"}},
            ConfigError,
            "no batch of 6 can be filled from the 5",
        ),
        ({"sets": {"stage.batch": "0"}}, ConfigError, "batch must be a whole number from 1 on, got 0"),
        ({"sets": {"stage.epochs": "-1"}}, ConfigError, "epochs must be a whole number from 0 on, got -1"),
        ({"sets": {"stage.train": "{'.*': -0.1}"}}, ConfigError, "'.*' must be a number from 0 on, got -0.1"),
        ({"sets": {"stage.train": "{'.*': 1e999}"}}, ConfigError, "must be a number from 0 on, got inf"),
        ({"sets": {"stage.train": "{'.*': 'fast'}"}}, ConfigError, "must be a number from 0 on, got fast"),
        (
            {"sets": {"stage.clip_grad": "0"}},
            ConfigError,
            "clip_grad must be a positive norm, or none, got 0",
        ),
        (
            {"sets": {"stage.weight_decay": "-1"}},
            ConfigError,
            "weight_decay must be a number from 0 on, got -1",
        ),
        ({"sets": {"stage.optimizer": "timm(lomb)"}}, UnknownName, "no optimizer of timm named 'lomb'"),
        ({"sets": {"stage.schedule": "cosine(by=batch)"}}, UnknownName, "batch"),
        ({"folds": (7,)}, UnknownName, "fold of toy"),
        ({"decoder": "decrod"}, UnknownName, "decrod"),
        ({"device": "gpu"}, UnknownName, "gpu"),
        ({"device": "cuda:99"}, ConfigError, "no device"),
        ({"sets": {"precision": "fp64"}}, UnknownName, "fp64"),
        ({"weights": {"nothing": "random"}}, UnknownName, "nothing"),
    ],
)
def test_what_is_wrong_is_known_before_it_starts(toy_run, request_, error, message):
    with pytest.raises(error, match=message):
        toy_run(**request_)


def test_a_missing_root_and_an_empty_folder(toy_run, tmp_path):
    with pytest.raises(DataError, match="not a folder"):
        toy_run(root=tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="missing"):
        toy_run(root=tmp_path / "empty")


def test_limited_runs_are_marked(toy_run):
    (one,), _ = toy_run(limit=6)
    assert (one.videos == {"train": 6, "test": 6} and one.caveats == ("limited",)) or "limited" in one.caveats


@pytest.mark.heavy
def test_a_full_disk_leaves_no_half_record(toy_root, tmp_path):
    """The operating system refuses files beyond a size, as it does when the disk is full."""
    limit = 4000

    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    runs = tmp_path / "runs"
    words = map(str, command(toy_root, runs, "--workers", "0"))
    full = [sys.executable, "-m", "dferbench", *words]
    done = subprocess.run(full, capture_output=True, text=True, preexec_fn=small_files)
    assert done.returncode == 1, done.stderr
    assert "cannot write" in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("hint: Free some space")
    for path in record.find(runs):
        assert record.read(path).status in ("running", "failed")
    assert not [p for p in runs.rglob(".*") if p.is_file()]
    subprocess.run(full, check=True, capture_output=True)


@pytest.mark.gpu
def test_the_toy_trains_on_a_gpu(toy_run):
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    (one,), _ = toy_run(device="cuda")
    assert one.status == "done" and one.environment["device"] != "cpu"


def test_a_limit_that_fills_no_batch_is_told_before_weights_and_videos_are_looked_for(in_process, tmp_path):
    """No such file of weights and no such root: neither is what the message is about."""
    done = in_process(
        "--plugin", TOY, "run", "-m", "linear-probe", "-d", "toy", "--root", tmp_path / "nowhere",
        "--limit", "8", "--weights", f"clip-tiny={tmp_path / 'nothing'}", "--set", "stage.batch=16",
        "--set", "stage.drop_last=true", check=3,
    )  # fmt: skip
    assert done.stderr.splitlines()[0] == (
        "error: stage 'train': no batch of 16 can be filled from the 8 training videos that --limit leaves"
    )
    assert done.stderr.splitlines()[1].startswith("hint: Use --limit 16 or more")


PLUGIN = """
import torch
from dferbench import hookimpl


def signs(groups, weight_decay, slow=1.0):
    for group in groups:
        group["lr"] *= slow
    return torch.optim.Rprop(groups)


def saw(epochs, steps, teeth=2):
    return lambda full, epoch, step: full * (1 + step % teeth) / teeth


@hookimpl
def register_optimizers(register):
    register("signs", signs, about="For a test.")


@hookimpl
def register_schedules(register):
    register("saw", saw, about="For a test.")
"""


@pytest.fixture
def watched(toy_root, tmp_path):
    """Run the toy with observers and the plugin above; gives the record."""
    from dferbench.experiment.plan import Request, make_plan, read_splits
    from dferbench.machine.device import make_fabric
    from dferbench.progress import Progress
    from dferbench.registry.catalog import discover
    from dferbench.runner.preflight import rehearse
    from dferbench.runner.run import run_all
    from dferbench.training.observer import Observers

    plugin = tmp_path / "plugin.py"
    plugin.write_text(PLUGIN)

    def go(*observers, progress=None, **sets):
        catalog = discover([TOY, plugin])
        request = Request(
            "toy-net", "toy", root=toy_root, output=tmp_path / "watched", workers=0, device="cpu",
            sets={name.replace("_", ".", 1): value for name, value in sets.items()},
        )  # fmt: skip
        progress = progress or Progress()
        plan, told = make_plan(request, catalog), Observers(observers, progress)
        fabric = make_fabric("cpu", "fp32")
        rehearse(plan, catalog, fabric)
        (one,) = run_all(plan, read_splits(plan, progress), catalog, fabric, progress, told)
        return one

    return go


def test_a_plugin_brings_an_optimizer_and_a_schedule(watched):
    one = watched(stage_optimizer="signs(slow=0.5)", stage_schedule="saw(teeth=3)", stage_epochs="2")
    assert one.status == "done" and one.recipe["stages"][0]["optimizer"] == "signs(slow=0.5)"
    assert [row.learning_rates for row in one.curve] == [{".*": pytest.approx(0.025)}] * 2
    with pytest.raises(UnknownName, match="option of schedule saw"):
        watched(stage_schedule="saw(tooth=3)")


@pytest.mark.parametrize(
    "optimizer", ["timm(lamb)", "timm(nadamw, options={'eps': 1e-6}, undecayed='.*bias')"]
)
def test_optimizers_of_timm_train(watched, optimizer):
    one = watched(stage_optimizer=optimizer, stage_epochs="2", stage_train="{'.*': 0.01}")
    assert one.status == "done"
    assert one.curve[1].terms["ce"] < one.curve[0].terms["ce"]


def test_the_record_keeps_the_learning_rate_of_an_epochs_last_step(watched):
    one = watched(stage_schedule="cosine(warmup=1, by=step)", stage_epochs="3")
    last = [0.05, 0.05 * (1 + np.cos(np.pi * 2 / 6)) / 2, 0.05 * (1 + np.cos(np.pi * 5 / 6)) / 2]
    assert [row.learning_rates[".*"] for row in one.curve] == pytest.approx(last)


class Watcher:
    """Writes down what it is told; may fail at one event."""

    def __init__(self, fails_at="", error=None):
        self.told, self.fails_at, self.error = [], fails_at, error or RuntimeError("no network")

    def _note(self, event, *facts):
        self.told.append((event, *facts))
        if event == self.fails_at:
            raise self.error

    def run_started(self, record, folder, epochs, step):
        self._note("started", record.status, folder.name, epochs, step)

    def epoch_done(self, epoch):
        self._note("epoch", epoch.epochs, epoch.step, epoch.row.epoch, sorted(epoch.metrics))

    def checkpoint_saved(self, path):
        self._note("saved", path.name, path.is_file())

    def run_ended(self, record):
        self._note("ended", record.status, sorted(record.metrics))

    def run_failed(self, error):
        self._note("failed", error)


def test_observers_are_told_what_happens(watched):
    watcher = Watcher()
    one = watched(watcher, stage_epochs="2")
    scores = ["macro-f1", "top2", "uar", "war", "weighted-f1"]
    saved = ("saved", "state.pt", True)  # which an epoch does not wait for
    assert 1 <= watcher.told.count(saved) <= 2 and watcher.told[-3] == saved
    assert watcher.told.index(saved) > 1
    assert [event for event in watcher.told if event != saved] == [
        ("started", "running", "fold1-seed0", 0, 0),
        ("epoch", 1, 3, 0, scores),
        ("epoch", 2, 6, 1, scores),
        ("saved", "checkpoint.safetensors", True),
        ("ended", "done", sorted(one.metrics)),
    ]


def test_an_interrupted_run_resumes_where_its_observers_left_off_and_to_the_same_bits(watched, tmp_path):
    sets = {"stage_epochs": "4", "stage_schedule": "cosine(warmup=1, floor=0.001, by=step)"}
    first = Watcher("epoch", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        watched(first, **sets)
    assert first.told[-1] == ("failed", "KeyboardInterrupt()")
    second = Watcher("saved", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        watched(second, **sets)
    assert second.told[0] == ("started", "running", "fold1-seed0", 0, 0), "no state was on disk yet"
    third = Watcher()
    resumed = watched(third, **sets)
    done = third.told[0][3]
    assert third.told[0] == ("started", "running", "fold1-seed0", done, 3 * done) and done >= 1
    rest = [told[1:4] for told in third.told if told[0] == "epoch"]
    assert rest == [(epoch, 3 * epoch, epoch - 1) for epoch in range(done + 1, 5)]
    logits = next((tmp_path / "watched").rglob("predictions.npz")).read_bytes()
    shutil.rmtree(tmp_path / "watched")
    whole = watched(**sets)
    assert [row.learning_rates for row in resumed.curve] == [row.learning_rates for row in whole.curve]
    assert next((tmp_path / "watched").rglob("predictions.npz")).read_bytes() == logits


def test_an_observer_that_fails_is_reported_once_and_ends_nothing(watched):
    from dferbench.progress import Progress

    class Said(Progress):
        lines = []  # noqa: RUF012

        def say(self, text):
            self.lines.append(text)

    broken, healthy = Watcher("epoch"), Watcher()
    one = watched(broken, healthy, progress=Said(), stage_epochs="2")
    assert one.status == "done" and [event for event, *_ in broken.told] == ["started", "epoch"]
    assert healthy.told[-1][0] == "ended"
    assert [line for line in Said.lines if "Watcher" in line] == [
        "Watcher failed and is left out from here on: no network"
    ]


def test_a_state_of_an_earlier_version_resumes(watched, tmp_path):
    """Those hold the state of the schedule as well, and no line that says whose they are."""
    import io

    import torch

    with pytest.raises(KeyboardInterrupt):
        watched(Watcher("saved", KeyboardInterrupt()))
    (path,) = (tmp_path / "watched").rglob("state.pt")
    content = torch.load(io.BytesIO(path.read_bytes().split(b"\n", 1)[1]), weights_only=True)
    torch.save({**content, "schedule": {"last_epoch": 1}}, path)
    watcher = Watcher()
    assert watched(watcher).status == "done"
    epochs, steps = watcher.told[0][-2:]
    assert epochs >= 1 and steps == 3 * epochs
