"""Trackers: what is logged is what happened, each epoch once, and none of it touches the run."""

import csv
import json
import re
import shlex
import shutil
import sys
import time
import tomllib

import numpy as np
import pytest
from conftest import ROOT, TOY

from dferbench.experiment import record as records
from dferbench.registry.catalog import discover

FOLLOWER = ROOT / "tests" / "follower.py"
EPOCHS = 4


@pytest.fixture
def tracked(in_process, toy_root, tmp_path):
    """Run the toy with trackers through the command line; gives the process, its record and folder."""

    def go(*trackers, run=in_process, check=0, output="runs", more=()):
        words = [word for tracker in trackers for word in ("--tracker", tracker)]
        done = run(
            "--plugin", TOY, "--plugin", FOLLOWER, "run", "-m", "toy-net", "-d", "toy", "--root", toy_root,
            "-o", output, "--device", "cpu", "--workers", "0", "--epochs", EPOCHS, *words, *more, check=check,
        )  # fmt: skip
        paths = list(records.find(tmp_path / output))
        folder = paths[0].parent if paths else None
        return done, folder and records.read_whole(paths[0]), folder

    return go


def lines(folder):
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def expected(record, what):
    """Numbers of each epoch as the record has them: of a loss term, a pattern or a metric."""
    if what == "uar":
        matrices = [np.array(epoch.confusion) for epoch in record.curve]
        return [pytest.approx(100 * (matrix.diagonal() / matrix.sum(1)).mean()) for matrix in matrices]
    return [(epoch.terms | epoch.learning_rates)[what] for epoch in record.curve]


def test_every_run_leaves_its_events(tracked):
    _, record, folder = tracked()
    events = lines(folder)
    told = [e["event"] for e in events if e.get("file") != "state.pt"]
    assert told == ["run_started", *["epoch_done"] * EPOCHS, "checkpoint_saved", "run_ended"]
    saved = [e["epochs"] for e in events if e.get("file") == "state.pt"]  # may be overtaken but for the last
    assert 1 <= len(saved) <= EPOCHS and saved[-1] == EPOCHS and saved == sorted(saved)
    start, end = events[0], events[-1]
    assert (start["epochs"], start["total_epochs"], start["videos"]) == (0, EPOCHS, {"train": 18, "test": 9})
    assert start["configuration"]["method"] == "toy-net" and start["configuration"]["seed"] == 0
    assert start["configuration"]["config_id"] == record.config_id
    assert end["metrics"] == record.metrics and tuple(end["caveats"]) == record.caveats
    epochs = [e for e in events if e["event"] == "epoch_done"]
    assert [e["epochs"] for e in epochs] == [1, 2, 3, 4]
    assert [e["metrics"]["uar"] for e in epochs] == expected(record, "uar")
    assert [
        records.Epoch.model_validate({k: e[k] for k in records.Epoch.model_fields if k in e}) for e in epochs
    ] == (record.curve)


def rows(folder):
    with (folder / "epochs.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_csv(tracked):
    _, record, folder = tracked("csv", more=("--limit", "6"))
    table = rows(folder)
    assert [float(row["loss/ce"]) for row in table] == expected(record, "ce")
    assert [float(row["test/uar"]) for row in table] == expected(record, "uar")
    assert [float(row["lr/.*"]) for row in table] == expected(record, ".*")
    assert all("limited" in row["caveats"] for row in table)
    rate = float(table[0]["videos_per_second"]) * float(table[0]["seconds"])
    assert rate == pytest.approx(sum(record.videos.values()))


def test_csv_takes_the_columns_of_a_later_stage(tmp_path, toy_run):
    from dferbench.trackers.csv_table import Csv
    from dferbench.training.observer import EpochResult

    (record,), _ = toy_run()
    one, two = (record.curve[0].model_copy(update={"terms": {name: 1.5}}) for name in ("ce", "kl"))
    for resumed, row in ((0, one), (1, two)):
        table = Csv()
        table.run_started(record, tmp_path, resumed, 0)
        table.epoch_done(EpochResult(row, {}, resumed + 1, 0))
    assert [(row["loss/ce"], row["loss/kl"]) for row in rows(tmp_path)] == [("1.5", ""), ("", "1.5")]


def board(folder):
    """What TensorBoard shows of a run's folder."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = accumulator.EventAccumulator(str(folder / "tensorboard"))
    found.Reload()
    return found


def test_tensorboard(tracked):
    pytest.importorskip("tensorboard")
    _, record, folder = tracked("tensorboard", more=("--limit", "6"))
    found = board(folder)
    for name, what in (("loss/ce", "ce"), ("lr/.*", ".*"), ("test/uar", "uar")):
        scalars = found.Scalars(name)
        assert [s.step for s in scalars] == [1, 2, 3, 4]
        assert [s.value for s in scalars] == [
            pytest.approx(value) if what != "uar" else value for value in expected(record, what)
        ]
    assert found.Scalars("final/last/war")[0].value == pytest.approx(record.metrics["last"]["war"])
    texts = {name: found.Tensors(f"run/{name}/text_summary")[-1].tensor_proto.string_val[0].decode()
             for name in ("configuration", "caveats", "status")}  # fmt: skip
    assert texts["status"] == "done" and "limited" in texts["caveats"]
    assert json.loads(texts["configuration"].strip("`\n"))["config_id"] == record.config_id


def test_killed_between_any_two_steps_each_epoch_is_logged_once(tracked, cli, in_process):
    """Killed after an epoch was logged and before its state was saved, then right after a state was saved."""
    pytest.importorskip("tensorboard")
    trackers = ("csv", "tensorboard")
    _, whole, _ = tracked(*trackers, output="whole")
    _, one, folder = tracked(*trackers, "stop(epoch=2)", run=cli, check=-9)
    assert one.status == "running" and [e["epochs"] for e in lines(folder) if e["event"] == "epoch_done"] == [
        1,
        2,
    ]
    stopped = in_process("watch", "runs", check=75).stdout.splitlines()
    assert stopped[-1].startswith("stopped: the process of this run is gone")
    time.sleep(1)  # TensorBoard orders files by the second in which they were begun
    tracked(*trackers, "stop(epoch=3, saved=true)", run=cli, check=-9)
    with (folder / "events.jsonl").open("a") as file:
        file.write('{"event": "checkpoint_sav')
    time.sleep(1)
    tracked(*trackers)
    events = lines(folder)
    begun = [e["epochs"] for e in events if e["event"] == "run_started"]
    assert begun[0] == 0 and begun[1] in (0, 1) and begun[2] in (2, 3, 4)  # a state may be overtaken
    assert [e["epochs"] for e in events if e["event"] == "epoch_done"] == [1, 2, 3, 4]
    assert [e["terms"]["ce"] for e in events if e["event"] == "epoch_done"] == expected(whole, "ce")
    assert [int(row["epochs"]) for row in rows(folder)] == [1, 2, 3, 4]
    assert [float(row["loss/ce"]) for row in rows(folder)] == expected(whole, "ce")
    scalars = board(folder).Scalars("loss/ce")
    assert [s.step for s in scalars] == [1, 2, 3, 4]
    assert [s.value for s in scalars] == pytest.approx(expected(whole, "ce"))


def chunks(data):
    """The records in a file of wandb: a log as LevelDB writes it, in blocks of 32 KiB behind 7 bytes."""
    place, whole = 7, b""
    while place + 7 <= len(data):
        if place % 32768 > 32768 - 7:  # no room for a header at the end of a block
            place += 32768 - place % 32768
            continue
        length, kind = int.from_bytes(data[place + 4 : place + 6], "little"), data[place + 6]
        whole += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last piece
            yield whole
            whole = b""


def offline_records(folder):
    """Every record in the files that wandb wrote offline, oldest file first."""
    from wandb.proto import wandb_internal_pb2

    for path in sorted(folder.glob("wandb/offline-run-*/*.wandb"), key=lambda path: path.stat().st_mtime_ns):
        for chunk in chunks(path.read_bytes()):
            one = wandb_internal_pb2.Record()
            one.ParseFromString(chunk)
            yield one


def wandb_history(folder):
    found = []
    for one in offline_records(folder):
        if one.WhichOneof("record_type") == "history":
            row = {i.key or ".".join(i.nested_key): json.loads(i.value_json) for i in one.history.item}
            found.append((one.history.step.num, row))
    return found


def test_wandb_offline_goes_on_in_the_same_run(tracked):
    pytest.importorskip("wandb")
    tracker, limit = "wandb(mode=offline, project=toys)", ("--limit", "6")
    _, one, folder = tracked(tracker, "stop(epoch=2, kill=false)", more=limit, check=130)
    assert one.status == "interrupted"
    identity = json.loads((folder / "trackers.json").read_text())["wandb"]["id"]
    _, record, _ = tracked(tracker, more=limit)
    history = wandb_history(folder)
    assert [step for step, _ in history] == [1, 2, 3, 4]
    assert [row["loss/ce"] for _, row in history] == expected(record, "ce")
    assert [row["test/uar"] for _, row in history] == expected(record, "uar")
    runs = [r.run for r in offline_records(folder) if r.WhichOneof("record_type") == "run"]
    assert {(run.run_id, run.project) for run in runs} == {(identity, "toys")}
    assert "limited" in runs[0].tags
    config = {item.key: json.loads(item.value_json) for item in runs[0].config.update}
    assert config["config_id"] == record.config_id and config["recipe"]["input"]["frames"] == 8


def test_mlflow_goes_on_in_the_same_run(tracked, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # newer ones want to be told
    store, limit = (tmp_path / "store").as_uri(), ("--limit", "6")
    tracker = f"mlflow(uri={store}, experiment=toys)"
    _, one, folder = tracked(tracker, "stop(epoch=2, kill=false)", more=limit, check=130)
    assert one.status == "interrupted"
    client = mlflow.MlflowClient(store)
    home = client.get_experiment_by_name("toys").experiment_id
    (run,) = client.search_runs([home])
    assert run.info.status == "FAILED" and "KeyboardInterrupt" in run.data.tags["error"]
    _, record, _ = tracked(tracker, more=limit)
    (run,) = client.search_runs([home])
    assert json.loads((folder / "trackers.json").read_text())["mlflow"]["run"] == run.info.run_id
    assert run.info.status == "FINISHED" and run.data.tags["status"] == "done"
    assert "limited" in run.data.tags["caveats"]
    params = run.data.params
    assert params["config_id"] == record.config_id and params["recipe.input.frames"] == "8"
    assert params["options.width"] == "4" and params["recipe.stages.0.train"] == '{".*": 0.05}'
    for name, what in (("loss/ce", "ce"), ("test/uar", "uar"), ("lr/._2a_", ".*")):
        history = client.get_metric_history(run.info.run_id, name)
        assert [m.step for m in history] == [1, 2, 3, 4]
        assert [m.value for m in history] == expected(record, what)
    assert run.data.metrics["final/last/uar"] == record.metrics["last"]["uar"]


def test_a_store_that_mlflow_cannot_use_is_said_at_once(tracked):
    pytest.importorskip("mlflow")
    done, record, _ = tracked("mlflow(uri=nothing://here)", check=3)
    assert done.stderr.startswith("error: MLflow cannot use the store 'nothing://here'") and record is None


def test_trackers_change_nothing(tracked):
    """Neither the configuration nor a bit of the result."""
    folders = [tracked(*trackers, output=name)[2] for name, trackers in (("a", ()), ("b", ("csv", "diary")))]
    assert folders[0].parent.name == folders[1].parent.name
    first, second = ((folder / "predictions.npz").read_bytes() for folder in folders)
    assert first == second


@pytest.mark.parametrize("name", ["tensorboard", "wandb", "mlflow"])
def test_a_missing_library_is_said_before_anything_starts(name, tracked, monkeypatch):
    for module in [m for m in sys.modules if m.split(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, name, None)  # what Python itself looks at: the import fails
    done, record, _ = tracked(name, check=3)
    error, hint = done.stderr.splitlines()
    assert error.startswith(f"error: the tracker '{name}' needs the library {name}")
    assert hint == f'hint: Install it: pip install "dferbench[{name}]"'
    assert record is None


@pytest.mark.parametrize(
    ("trackers", "message"),
    [
        (("cvs",), "no tracker named 'cvs'"),
        (("csv", "csv"), "'csv' is asked for twice"),
        (("diary(paht=x)",), "paht"),
    ],
)
def test_what_is_wrong_is_known_before_it_starts(tracked, trackers, message):
    done, record, _ = tracked(*trackers, check=3)
    assert message in done.stderr and record is None


def test_a_plugin_sees_a_whole_run(tracked, tmp_path):
    tracked("diary(path=mine.txt)")
    told = (tmp_path / "mine.txt").read_text().splitlines()
    assert told[0] == "started toy-net running in fold1-seed0 at 0, 0"
    epochs = [line for line in told if line.startswith("epoch")]
    assert [line.split()[1] for line in epochs] == ["1", "2", "3", "4"]
    assert "'uar'" in epochs[0] and "'war'" in epochs[0] and "['ce']" in epochs[0]
    assert told.count("saved state.pt") == EPOCHS
    assert told[-1].startswith("ended done") and "'war'" in told[-1]


def test_a_failure_is_logged_with_its_reason(tracked, toy_root, tmp_path):
    spoiled = shutil.copytree(toy_root, tmp_path / "spoiled")
    (spoiled / "fold1" / "test" / "stays" / "test1" / "3.png").write_bytes(b"no image")
    _, record, folder = tracked("diary", check=4, more=("--root", spoiled))
    assert lines(folder)[-1]["event"] == "run_failed" and lines(folder)[-1]["error"] == record.error
    assert "3.png" in (tmp_path / "diary.txt").read_text().splitlines()[-1]


def test_a_run_that_does_not_start_tells_its_trackers_nothing(tmp_path, monkeypatch):
    from dferbench.trackers.jsonl import JsonLines
    from dferbench.training.observer import Observers

    monkeypatch.chdir(tmp_path)
    Observers([JsonLines()]).run_failed("the model cannot be built")
    assert not list(tmp_path.iterdir())


def test_a_tracker_that_raises_is_reported_once_and_dropped(tracked, tmp_path):
    done, record, folder = tracked("faulty", "csv")
    assert record.status == "done" and len(rows(folder)) == EPOCHS
    said = [line for line in done.stderr.splitlines() if "the server is down" in line]
    assert len(said) == 1 and "Faulty" in said[0] and "Traceback" not in done.stderr


def test_bench_takes_trackers(in_process, toy_root, tmp_path):
    suite = tmp_path / "suite.toml"
    suite.write_text('title = "toys"\n[[rows]]\nlabel = "a"\nmethod = "toy-net"\n')
    words = ("--root", toy_root, "--device", "cpu", "--workers", "0", "--epochs", "2", "--fold", "all")
    plugins = ("--plugin", TOY, "--plugin", FOLLOWER)
    in_process(*plugins, "bench", suite, "-d", "toy", *words, "--tracker", "csv", check=0)
    assert [len(rows(path.parent)) for path in records.find(tmp_path / "runs")] == [2, 2]


PAGE = (ROOT / "docs" / "trackers.md").read_text()
COMMANDS = re.findall(r"^(dferbench [^\n]*)", PAGE, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_page_is_valid(command, in_process):
    """A device that is not there stops a run after everything else was understood."""
    words = shlex.split(command.replace("benchmarks/", f"{ROOT}/benchmarks/"))[1:]
    if words[0] == "watch":
        assert "waiting for a run" in in_process(*words, check=0).stderr
        return
    for name in re.findall(r"--tracker \W?(tensorboard|wandb|mlflow)", command):
        pytest.importorskip(name)
    assert "no device" in in_process(*words, "--device", "cuda:99", check=3).stderr


def test_the_pages_own_tracker_works(in_process, toy_root, tmp_path):
    (tmp_path / "mine.py").write_text(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1])
    words = ("run", "-m", "toy-net", "-d", "toy", "--root", toy_root, "--device", "cpu", "-j", "0")
    tracker = re.search(r'--tracker "(best.*?)"', PAGE)[1]
    done = in_process("--plugin", "mine.py", "--plugin", TOY, *words, "--tracker", tracker, check=0)
    assert "epoch 1: best war so far, " in done.stdout


def test_the_page_names_every_tracker_and_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    offered = set(discover().entries["trackers"])
    assert offered == {"csv", *re.findall(r'pip install "dferbench\[(\w+)\]"', PAGE)}
    assert offered - {"csv"} <= set(project["optional-dependencies"])
