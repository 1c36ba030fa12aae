"""What messages say can be done can be done, by the command that says it."""

import json
import os

import pytest
from conftest import TOY
from PIL import Image


def class_folders(root, *classes):
    """Two videos of one small frame in each class folder."""
    for name in classes:
        for video in ("1", "2"):
            (root / name / video).mkdir(parents=True)
            Image.new("RGB", (8, 8)).save(root / name / video / "1.png")
    return root


def test_a_hint_names_an_option_only_where_there_is_one(in_process, tmp_path):
    for side in ("train", "test"):
        class_folders(tmp_path / "v" / side, "happy", "sad")
    (tmp_path / "v" / "test" / "happy" / "1" / "1.png").write_bytes(b"no picture")
    dataset = f"folder:{tmp_path}/v"
    sheet = in_process("data", "sheet", dataset, "-o", "sheet.png", check=4).stderr
    assert "cannot be read" in sheet and "--skip-bad" not in sheet
    assert "hint: Replace or remove the file." in sheet
    run = ("--plugin", TOY, "run", "-m", "toy-net", "-d", dataset, "--epochs", 1, "-j", 0, "-q")
    assert "--skip-bad" in in_process(*run, check=4).stderr
    in_process(*run, "--skip-bad", check=0)


def test_a_finished_run_on_face_crops_is_done(in_process, tmp_path):
    for side in ("train", "test"):
        class_folders(tmp_path / "v" / side, "happy", "sad")
    settings = {"finder": "center", "size": 8, "source": "nowhere"}
    (tmp_path / "v" / "faces.json").write_text(json.dumps({"schema": 1, "settings": settings}))
    run = ("run", "-m", "toy-net", "-d", f"folder:{tmp_path}/v", "--epochs", 1, "-j", 0)
    in_process("--plugin", TOY, *run, check=0)
    assert "already done" in in_process("--plugin", TOY, *run, check=0).stderr


def test_two_folders_of_one_expression_are_told_apart_as_the_hint_says(cli, tmp_path):
    dataset = f"path={class_folders(tmp_path / 'v', 'Happy', 'Joy', 'Sad')}, folds=2"
    asked = cli("data", "verify", f"folder({dataset})")
    assert "codes='WORD=class, ...'" in asked.stdout + asked.stderr
    codes = "codes='Happy=happiness, Joy=joyful, Sad=sadness'"
    told = cli("data", "verify", f"folder({dataset}, {codes})", "--json")
    assert "joyful" in told.stdout and "codes=" not in told.stderr


@pytest.mark.slow
def test_a_time_limit_says_how_to_raise_it(cli, tmp_path):
    (tmp_path / "v" / "a").mkdir(parents=True)
    for number in range(7):  # as large as frames and videos may be: a second to decode at least
        Image.new("RGB", (5900, 5900)).save(tmp_path / "v" / "a" / f"{number}.png", compress_level=1)
    done = cli("data", "faces", "v", "-o", "out", "--timeout", 0.1, "-q")
    assert "was not read within 0.1 s; allow more with --timeout" in done.stdout + done.stderr


@pytest.mark.slow
def test_an_installed_slurm_is_no_reason_to_advise_srun(cli, tmp_path, toy_root):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "srun").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "srun").chmod(0o755)
    run = (
        "--plugin",
        TOY,
        "run",
        "-m",
        "toy-net",
        "-d",
        "toy",
        "--root",
        toy_root,
        "--epochs",
        1,
        "-j",
        0,
        "-q",
    )
    done = cli(*run, check=0, env={"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"})
    assert "srun" not in done.stderr


def test_files_that_are_no_videos_are_counted(cli, tmp_path):
    class_folders(tmp_path / "v", "a")
    for name in ("a/notes.txt", "b/5", "b/6.rm", "c/mask.json"):
        (tmp_path / "v" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "v" / name).write_text("x")
    crop = ("data", "faces", "v", "-o", "out", "--finder", "center", "-q")
    said = cli(*crop, check=0).stdout.splitlines()
    assert said[0] == "left out: 4 files that are not videos (.txt 1, without an ending 1, .rm 1, .json 1)"
    told = json.loads((tmp_path / "out" / "faces.json").read_text())
    assert told["left_out"] == ["a/notes.txt", "b/5", "b/6.rm", "c/mask.json"]
