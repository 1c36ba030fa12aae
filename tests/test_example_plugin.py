"""The example plugin, as one file and as an installed package."""

import subprocess
import sys

import pytest
from conftest import ROOT

EXAMPLE = ROOT / "plugins" / "example-face-mean"
RUN = ["run", "-m", "face-mean", "-d", "synthetic(videos=70)", "--epochs", "3", "--limit", "14", "--quiet"]


def test_it_is_small():
    lines = (EXAMPLE / "dferbench_face_mean.py").read_text().splitlines()
    assert len([line for line in lines if line.strip()]) <= 28


@pytest.mark.heavy
def test_as_a_file(cli, tmp_path):
    (tmp_path / "mine.py").write_text((EXAMPLE / "dferbench_face_mean.py").read_text())
    assert "face-mean" in cli("--plugin", "mine.py", *RUN, check=0).stdout
    assert "face-mean" in cli("leaderboard", check=0).stdout


@pytest.mark.heavy
def test_installed(cli, tmp_path):
    place = tmp_path / "site"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--target",
        place,
    ]
    subprocess.run([*pip, EXAMPLE], check=True, capture_output=True)
    import os

    env = {"PYTHONPATH": os.pathsep.join([str(place), *filter(None, [os.environ.get("PYTHONPATH")])])}
    listed = cli("list", "methods", env=env, check=0).stdout
    assert "face-mean" in listed and "dferbench_face_mean" in listed
    assert "face-mean" in cli(*RUN, env=env, check=0).stdout


@pytest.mark.slow
def test_it_keeps_the_contract(cli):
    cli("--plugin", EXAMPLE / "dferbench_face_mean.py", "check", "face-mean", check=0)
