"""What a launcher is told: options, profiles and the script that --dry-run prints, without any scheduler."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dferbench.errors import ConfigError
from dferbench.launchers import bound
from dferbench.launchers.slurm import Slurm
from dferbench.launchers.slurm_script import seconds
from dferbench.registry.catalog import discover
from dferbench.runner.launch import Study


@pytest.fixture
def study(tmp_path):
    return Study(
        "toy", ("python", "-m", "dferbench", "bench", "it's $HOME.toml"), (1, 2), 3, tmp_path / "runs"
    )


@pytest.fixture
def launcher():
    return lambda options: discover().make("launchers", f"slurm({options})")


def header(text):
    lines = [line for line in text.splitlines() if line.startswith("#SBATCH ")]
    return dict(word.partition("=")[::2] for line in lines for word in shlex.split(line)[1:])


def test_options_go_before_the_profile_and_the_profile_before_defaults(launcher, study, tmp_path):
    (tmp_path / "lab.toml").write_text('partition = "gpu"\ntime = "1-0"\ncpus = 8\nrequeue = false\n')
    text = launcher(f"profile='{tmp_path / 'lab.toml'}', cpus=2, account=0123, requeue=true").preview(study)
    found = header(text)
    assert (found["--partition"], found["--time"], found["--cpus-per-task"]) == ("gpu", "1-0", "2")
    assert found["--account"] == "0123" and "--requeue" in found and found["--array"] == "0-2"
    named = Path(os.environ["DFERBENCH_HOME"]) / "slurm" / "named.toml"
    named.parent.mkdir(exist_ok=True)
    named.write_text("mem = '8G'\n")
    assert header(launcher("profile=named").preview(study))["--mem"] == "8G"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tim = '4'", "there is no option of the profile .* named 'tim'"),
        ("time = 'long'", "time of the profile .* must be minutes"),
        ("profile = 'other'", "names a profile itself"),
        ("time = ", "cannot be read"),
    ],
)
def test_a_profile_that_is_wrong_is_named(launcher, tmp_path, text, told):
    (tmp_path / "lab.toml").write_text(text)
    with pytest.raises(ConfigError, match=told):
        launcher(f"profile='{tmp_path / 'lab.toml'}'")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("time='4 hours'", "time of launcher slurm must be minutes"),
        ("time='1:2:3:4'", "time of launcher slurm must be minutes"),
        ("partition='x; rm'", "partition of launcher slurm must be one word"),
        ("extra='-p x'", "extra of launcher slurm must be options of sbatch"),
        ("mem=much", "mem of launcher slurm must be a number of megabytes"),
        ("profile=nowhere", "there is no profile .*nowhere.toml"),
        ("modules='a\\n#SBATCH --uid=0'", "modules of launcher slurm must be printable"),
    ],
)
def test_an_option_that_is_wrong_is_named(launcher, options, told):
    with pytest.raises(ConfigError, match=told):
        launcher(options)


def test_a_limit_that_leaves_no_time_before_its_warning_is_refused(study):
    with pytest.raises(ConfigError, match="time of launcher slurm must be more than"):
        Slurm(time="2").preview(study)
    assert "--time=2\n" in Slurm(time="2", warn=60).preview(study)


def test_times_are_read_as_slurm_reads_them():
    known = {"90": 5400, "1:30": 90, "4:00:00": 14400, "1-2": 93600, "1-2:30": 95400, "1-0:0:5": 86405}
    assert {text: seconds(text) for text in known} == known


def test_the_script_quotes_what_it_is_given(study, tmp_path):
    text = Slurm(container="env A='b c'", modules="x 'y z'", cache="/a b").preview(study)
    assert not subprocess.run(["bash", "-n"], input=text, text=True).returncode
    (command,) = [line for line in text.splitlines() if "dferbench bench" in line]
    words = ["env", "A=b c", "python3", *study.command[1:], "&"]
    assert shlex.split(command) == words and words[-3:-1] == ["--rows", "1,2"]
    assert "module load x 'y z'\n" in text and "DFERBENCH_CACHE='/a b'\n" in text


DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
LASTING = "import time; print('here', flush=True); time.sleep(60)"


@pytest.mark.parametrize(
    ("code", "ended_by"), [(LASTING, signal.SIGTERM), (DEAF + LASTING, signal.SIGKILL)], ids=["heeds", "deaf"]
)
def test_a_bound_command_ends_with_who_started_it(code, ended_by):
    """However that one ended: all that is seen of it is the end of a pipe."""
    words = bound.words([sys.executable, "-c", code], 0.2)
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"here\n"
        time.sleep(0.2)
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(20) == -ended_by


def test_a_bound_command_ends_by_itself_and_has_no_input():
    code = "import sys; sys.exit(7 if sys.stdin.read() == '' else 1)"
    words = bound.words([sys.executable, "-c", code], 30)
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        # The watch goes too: it would keep the pipes of whoever reads them open.
        assert process.stdout.read() == b"" and process.wait(20) == 7
