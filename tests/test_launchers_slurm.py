"""A study on real SLURM servers: each run done once, whatever becomes of tasks, with one process's bits."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import TOY
from slurm_cluster import PROGRAMS, ask, cluster, program

from dferbench.experiment import record

MISSING = [name for name in PROGRAMS if program(name) is None]
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(bool(MISSING), reason=f"SLURM is not installed: no {', '.join(MISSING)}"),
]
EPOCHS = 30
SUITE = f"""
title = "Toy study"
[[rows]]
label = "one"
method = "toy-net"
options = {{ "stage.epochs" = {EPOCHS} }}
"""
RUNS = 4


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """A cluster, as the environment of its commands."""
    with cluster(tmp_path_factory.mktemp("slurm")) as environment:
        yield environment


@pytest.fixture(scope="module")
def words(toy_root, tmp_path_factory):
    """The command of the study, without output and launcher."""
    suite = tmp_path_factory.mktemp("suite") / "toy.toml"
    suite.write_text(SUITE)
    command = [
        sys.executable,
        "-m",
        "dferbench",
        "--plugin",
        TOY,
        "bench",
        suite,
        "-d",
        "toy",
        "--root",
        toy_root,
    ]
    return [*map(str, command), *["--device", "cpu", "-j", "0", "--fold", "all", "--seed", "0,1", "-q"]]


@pytest.fixture(scope="module")
def alone(words, tmp_path_factory):
    """The study, done by one process."""
    output = tmp_path_factory.mktemp("alone")
    subprocess.run([*words, "-o", output], check=True, capture_output=True)
    return output


@pytest.fixture
def send(slurm, words, tmp_path):
    """Send the study with the launcher's options; gives the job's number and the folder of its logs."""

    def go(options, output=tmp_path / "runs"):
        command = [*words, "-o", output, "--launcher", f"slurm(pause=0, {options})"]
        sent = subprocess.run(command, env=slurm, capture_output=True, text=True, cwd=tmp_path)
        assert sent.returncode == 0 and sent.stdout == "", sent.stderr
        job = re.search(r"sent job (\d+): toy, 4 runs to do", sent.stderr)[1]
        assert f"logs: {output / 'slurm'}" in sent.stderr and f"squeue --job {job}" in sent.stderr
        return job, output / "slurm"

    return go


def wait_for(condition, logs, seconds=300):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, said(logs)
        time.sleep(0.2)
    return found


def said(logs):
    return "".join(path.read_text() for path in sorted(logs.glob("*.log")))


def ended(slurm, job, logs):
    wait_for(lambda: job not in ask(slurm, "squeue", "-h", "-o", "%F").split(), logs)


def training(logs, task):
    """The text of a task's log once it trains."""
    path = logs / f"{task}.log"
    wait_for(lambda: path.exists() and re.search(r"train [3-9]/", path.read_text()), logs)


def results(folder):
    """The bits of the predictions and of the weights, whose header has caveats that change with a commit."""
    weights = (folder / "checkpoint.safetensors").read_bytes()
    return (folder / "predictions.npz").read_bytes(), weights[8 + int.from_bytes(weights[:8], "little") :]


def require_done_once(alone, output):
    """All runs are done with the bits of one process, and each was begun once, but for those taken over."""
    paths = list(record.find(alone))
    assert len(paths) == RUNS
    for path in paths:
        other = output / path.relative_to(alone)
        assert record.read(other).status == "done", said(output / "slurm")
        assert results(path.parent) == results(other.parent)
    text = said(output / "slurm")
    assert text.count(" test videos\n") == RUNS + text.count("resumed after"), text
    return text


def test_an_array_shares_a_study(send, slurm, alone, tmp_path):
    """From a folder whose name would be several words, a variable, a command and a pattern of SLURM."""
    output = tmp_path / "a b %j 'q' $HOME #$(touch pwned)"
    job, logs = send("tasks=2, gres=gpu:1, time=5, mem=100, extra='--nice=1'", output)
    ended(slurm, job, logs)
    text = require_done_once(alone, output)
    assert {path.name for path in logs.iterdir()} == {f"{job}_{n}.log" for n in range(2)}
    assert "srun" not in text and "SLURM" not in text and not list(tmp_path.rglob("pwned"))


def test_a_killed_task_goes_back_and_a_cancelled_one_does_not(send, slurm, alone, tmp_path):
    job, logs = send("tasks=2, time=5")
    for task in (0, 1):
        training(logs, f"{job}_{task}")
    (mine,) = [pid for pid in holders(tmp_path) if "SLURM_ARRAY_TASK_ID=0" in environment_of(pid)]
    os.kill(mine, signal.SIGKILL)
    subprocess.run(["scancel", f"{job}_1"], env=slurm, check=True)
    ended(slurm, job, logs)
    require_done_once(alone, tmp_path / "runs")
    assert "start 2" in (logs / f"{job}_0.log").read_text()
    assert "start 2" not in (logs / f"{job}_1.log").read_text()
    assert (logs / f"{job}_0.kills").read_text() == "137\n"


def holders(folder):
    """The processes that are at runs now."""
    notes = "".join(path.read_text() for path in folder.rglob(".claims/*.json"))
    return [int(pid) for pid in re.findall(r'"pid": (\d+)', notes)]


def environment_of(pid):
    try:
        return Path(f"/proc/{pid}/environ").read_text().split("\0")
    except OSError:
        return []


def test_a_preempted_task_goes_back(send, slurm, alone, tmp_path):
    job, logs = send("tasks=2, time=5")
    for task in (0, 1):
        training(logs, f"{job}_{task}")
    # They get nowhere until SLURM, which continues what it ends, preempts them.
    for pid in holders(tmp_path):
        os.kill(pid, signal.SIGSTOP)
    hurried = ["sbatch", "--partition=high", "-N2", "--output=/dev/null", "--wrap", "sleep 3"]
    subprocess.run(hurried, env=slurm, check=True, capture_output=True)
    ended(slurm, job, logs)
    text = require_done_once(alone, tmp_path / "runs")
    assert "start 2" in text and "stopped by SIGTERM" in text


def test_the_time_limit_ends_a_task_and_not_its_runs(send, slurm, alone, tmp_path):
    """A limit of a minute; SLURM asks to stop after 10 to 40 seconds, in which the run gets nowhere."""
    job, logs = send("tasks=1, time=1, warn=20")
    training(logs, f"{job}_0")
    (mine,) = holders(tmp_path)
    os.kill(mine, signal.SIGSTOP)
    wait_for(lambda: ask(slurm, "squeue", "-h", "-j", job, "-o", "%M").strip() >= "0:42", logs)
    os.kill(mine, signal.SIGCONT)
    # Once is enough, and a minute may not suffice for the rest where many programs share the machine.
    wait_for(lambda: "stopped by SIGTERM" in said(logs), logs)
    subprocess.run(["scontrol", "update", f"JobId={job}", "TimeLimit=10"], env=slurm, check=True)
    ended(slurm, job, logs)
    text = require_done_once(alone, tmp_path / "runs")
    assert "start 2" in text and "stopped by SIGTERM" in text


def test_to_wait_shows_the_table(slurm, words, tmp_path):
    command = [*words, "--epochs", "1", "-o", tmp_path / "runs", "--launcher", "slurm(tasks=1, wait=true)"]
    done = subprocess.run(command, env=slurm, capture_output=True, text=True)
    assert done.returncode == 0 and "Toy study." in done.stdout, done.stderr
    assert {record.read(path).status for path in record.find(tmp_path / "runs")} == {"done"}


def test_a_command_in_a_job_of_several_tasks_is_one_process(slurm, toy_root, tmp_path):
    """SLURM's variables speak of two tasks, and a run has nothing to do with that. Of two processes one
    may find the last run with the other: it leaves it, and ends with 75."""
    run = [sys.executable, "-m", "dferbench", "--plugin", TOY, "run", "-m", "toy-net", "-d", "toy"]
    run = shlex.join(map(str, [*run, "--root", toy_root, "--device", "cpu", "-j", "0", "--fold", "all"]))
    for name, begin in (("once", ""), ("twice", "srun ")):
        log = tmp_path / f"{name}.log"
        wrapped = f"{begin}{run} -o {tmp_path / name}"
        command = ["sbatch", "--wait", "-n2", f"--output={log}", "--wrap", wrapped]
        done = subprocess.run(command, env=slurm, capture_output=True, text=True)
        assert done.returncode == 0 or (begin and done.returncode == 75), log.read_text()
        assert [record.read(path).status for path in record.find(tmp_path / name)] == ["done"] * 2
        text = log.read_text()
        assert text.count(" test videos\n") == 2, "each run is one task's"
        assert not re.search("srun.*available|SLURM|[Ww]arn", text), text


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("partition=nope", "error: SLURM refused: Invalid partition name specified"),
        ("extra='--qoss=x'", "error: SLURM refused: unrecognized option"),
    ],
)
def test_a_refused_job_is_two_lines(slurm, words, tmp_path, options, told):
    command = [*words, "-o", tmp_path / "runs", "--launcher", f"slurm({options})"]
    done = subprocess.run(command, env=slurm, capture_output=True, text=True)
    assert done.returncode == 3 and told in done.stderr.splitlines()[-2], done.stderr


def test_a_controller_that_does_not_answer_is_two_lines(slurm, words, tmp_path):
    text = Path(slurm["SLURM_CONF"]).read_text()
    (tmp_path / "gres.conf").write_text("")
    (tmp_path / "slurm.conf").write_text(re.sub(r"SlurmctldPort=\d+", "SlurmctldPort=1", text))
    command = [*words, "-o", tmp_path / "runs", "--launcher", "slurm"]
    there = {**slurm, "SLURM_CONF": str(tmp_path / "slurm.conf")}
    done = subprocess.run(command, env=there, capture_output=True, text=True)
    assert done.returncode == 1 and "cannot be reached: Unable to contact" in done.stderr.splitlines()[-2]
