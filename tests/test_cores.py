"""What a process may use: cores by affinity, control group and setting; GPUs by CUDA's list."""

import os
import subprocess
import sys

import pytest

from dferbench.errors import ConfigError
from dferbench.machine import cores
from dferbench.machine.visible import listed, visible


def group(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("max 100000", None), ("250000 100000", 2.5), ("50000 100000", 0.5), ("", None), ("torn", None)],
)
def test_the_quota_of_a_control_group(tmp_path, text, expected):
    (tmp_path / "cgroup").write_text("0::/\n")
    group(tmp_path / "fs", cpu__max=text)
    assert cores.quota(tmp_path / "cgroup", tmp_path / "fs") == expected


def test_the_least_quota_of_all_groups_around_counts(tmp_path):
    (tmp_path / "cgroup").write_text("1:name=systemd:/\n0::/slurm/job7/step0\n")
    group(tmp_path / "fs" / "slurm", cpu__max="400000 100000")
    group(tmp_path / "fs" / "slurm" / "job7", cpu__max="300000 100000")
    group(tmp_path / "fs" / "slurm" / "job7" / "step0", cpu__max="max 100000")
    assert cores.quota(tmp_path / "cgroup", tmp_path / "fs") == 3.0


@pytest.mark.parametrize("mounted", ["cpu,cpuacct", "cpu"])
def test_the_quota_of_version_1(tmp_path, mounted):
    (tmp_path / "cgroup").write_text("4:memory:/a\n3:cpu,cpuacct:/docker/abc\n")
    files = {"cpu__cfs_quota_us": "150000\n", "cpu__cfs_period_us": "100000\n"}
    group(tmp_path / "fs" / mounted / "docker" / "abc", **files)
    group(tmp_path / "fs" / mounted, cpu__cfs_quota_us="-1\n", cpu__cfs_period_us="100000\n")
    assert cores.quota(tmp_path / "cgroup", tmp_path / "fs") == 1.5


def test_without_control_groups_there_is_no_quota(tmp_path):
    assert cores.quota(tmp_path / "none", tmp_path) is None


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="has no affinity")
def test_the_affinity_counts():
    core = min(os.sched_getaffinity(0))
    code = f"import os; os.sched_setaffinity(0, [{core}])\nfrom dferbench.machine.cores import cores\n"
    env = {name: value for name, value in os.environ.items() if name != cores.SETTING}
    assert subprocess.check_output([sys.executable, "-c", code + "print(cores())"], env=env) == b"1\n"


def test_the_setting_counts_most_and_is_checked(monkeypatch):
    monkeypatch.setenv(cores.SETTING, "12")
    assert cores.cores() == 12
    for bad in ("0", "many", "-1", "2.5"):
        monkeypatch.setenv(cores.SETTING, bad)
        with pytest.raises(ConfigError, match=f"must be a whole number from 1 on, got '{bad}'"):
            cores.cores()


@pytest.mark.parametrize(
    ("have", "videos", "batch", "expected"),
    [(2, 100, 4, 2), (64, 1000, 4, 8), (1, 100, 4, 1), (6, 9, 4, 3), (6, 3, 4, 1), (4, 0, 4, 1)],
)
def test_readers_by_cores_and_by_batches(monkeypatch, have, videos, batch, expected):
    monkeypatch.setenv(cores.SETTING, str(have))
    assert cores.readers("auto", videos, batch) == expected
    assert cores.readers(5, videos, batch) == 5 and cores.readers(0, videos, batch) == 0


@pytest.mark.parametrize(("have", "processes", "expected"), [(16, 2, 8), (16, 4, 4), (5, 2, 2), (2, 4, 1)])
def test_the_processes_of_one_run_share_the_cores(monkeypatch, have, processes, expected):
    monkeypatch.setenv(cores.SETTING, str(have))
    assert cores.readers("auto", 1000, 4, processes) == expected
    assert cores.readers(3, 1000, 4, processes) == 3


@pytest.mark.parametrize(
    ("setting", "found", "expected"),
    [
        (None, 2, ["0", "1"]),
        ("3,1", 2, ["3", "1"]),
        ("1, 7,0", 1, ["1"]),
        ("GPU-8a1b,GPU-22", 2, ["GPU-8a1b", "GPU-22"]),
        ("MIG-1,MIG-2,MIG-3", 1, ["MIG-1", "MIG-2", "MIG-3"]),
    ],
)
def test_devices_are_those_of_cuda_s_list(setting, found, expected):
    assert listed(setting, found) == expected


def test_what_is_no_gpu_has_no_visible_devices():
    assert visible("cpu") == visible("mps") == []
