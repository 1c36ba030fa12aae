"""Marks travel with the videos: through every root, pack, crop, merge and copy, drawn data stay drawn."""

import json
import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dferbench.data.marks import Marks, drawn_among, marks_of
from dferbench.data.official import write_frames, write_video
from dferbench.places import MADE

LAYOUTS = {
    "dfew": "faces", "ferv39k": "", "mafw": "faces", "caer": "", "crema-d": "faces", "afew": "faces",
    "ravdess": "faces",
}  # fmt: skip
SCALE = {"ferv39k": "0.0001", "ravdess": "0.02", "crema-d": "0.001"}


@pytest.fixture
def data(in_process):
    def run(*arguments):
        """What `dferbench data` prints; a copy that lacks much may fail to verify."""
        done = in_process("data", *arguments)
        assert done.returncode == 0 or (arguments[0] == "verify" and done.returncode == 4), done.stderr
        return done.stdout

    return run


def make(data, name, root):
    layout = ["--layout", LAYOUTS[name]] if LAYOUTS[name] else []
    data("make", name, "--root", root, "--scale", SCALE.get(name, "0.0005"), *layout)
    return root


def in_folders(place, rng):
    """The same release some folders deeper, and the root that is named for it: one or two levels too high."""
    above = place.with_name("outer")
    inner = above.joinpath(*rng.choice([("one",), ("one", "two")]))
    inner.parent.mkdir(parents=True)
    return above, Path(shutil.move(place, inner))


def without_marker(place, rng):
    """As a copy of the folders of videos and lists alone leaves it."""
    (place / MADE).unlink()
    return place, place


def by_links(place, rng):
    """A root that only links to what lies elsewhere."""
    linked = place.with_name("linked")
    linked.mkdir()
    for path in place.iterdir():
        if path.name != MADE:
            (linked / path.name).symlink_to(path)
    return linked, place


def copied(place, rng):
    return Path(shutil.copytree(place, place.with_name("copy"))), place


@pytest.mark.heavy
@pytest.mark.parametrize("name", LAYOUTS)
def test_drawn_releases_stay_drawn_whatever_is_done_to_them(data, tmp_path, name):
    rng = random.Random(name)
    place = make(data, name, tmp_path / "drawn")
    change = rng.choice([in_folders, without_marker, by_links, copied])
    if name == "caer":
        change = in_folders
    root, _ = change(place, rng)
    assert "never rank next to real" in data("verify", name, "--root", root), change.__name__
    data("pack", name, "--root", root, "-o", tmp_path / "pack", "--workers", "0", "-q")
    assert json.loads((tmp_path / "pack" / "pack.json").read_text())["made"], change.__name__
    moved = shutil.copytree(tmp_path / "pack", tmp_path / "elsewhere" / "pack")
    assert "never rank next to real" in data("verify", name, "--root", moved)


def frames_of(kind, folder, drawn):
    """A folder of frames or a video file, drawn or as a camera might have left it."""
    frames = np.random.default_rng(len(str(folder))).integers(0, 255, (4, 32, 32, 3), dtype=np.uint8)
    if kind in ("jpg", "png"):
        write_frames(folder, frames, [f"{i}.{kind}" for i in range(4)])
    else:
        folder = folder.with_suffix(f".{kind}")
        folder.parent.mkdir(parents=True, exist_ok=True)
        write_video(folder, frames, {"flv": "flv", "avi": "mpeg4"}.get(kind, "libx264"))
    if not drawn:
        strip(folder)
    return folder


def strip(path):
    for file in path.iterdir() if path.is_dir() else [path]:
        if file.suffix in (".jpg", ".png"):
            Image.fromarray(np.asarray(Image.open(file))).save(file)
        else:
            file.write_bytes(file.read_bytes().replace(b"drawn by dferbench", b"filmed by somebody"))


@pytest.mark.parametrize(
    "said", ["[1]", '{"settings": {"source": 3}}', '{"settings": {"theme": "dark"}, "schema": 1}', "\x00"]
)
def test_a_report_of_another_program_says_nothing(tmp_path, said):
    video = frames_of("jpg", tmp_path / "v", drawn=False)
    (tmp_path / "faces.json").write_text(said)
    assert marks_of(tmp_path, [str(video)]) == Marks()
    assert drawn_among(tmp_path, [str(video)]) == set()


def test_each_drawn_video_is_told_from_the_others_and_a_pipe_is_not_waited_for(tmp_path):
    real = frames_of("jpg", tmp_path / "a" / "r", drawn=False)
    drawn = frames_of("png", tmp_path / "b" / "d", drawn=True)
    os.mkfifo(tmp_path / "pipe.mp4")
    paths = [str(real), str(drawn), str(tmp_path / "pipe.mp4")]
    assert drawn_among(tmp_path, paths) == {str(drawn)} and marks_of(tmp_path, paths).drawn
    (tmp_path / MADE).touch()
    assert drawn_among(tmp_path, paths) == set(paths)


@pytest.mark.parametrize("kind", ["jpg", "png", "mp4", "avi", "flv", "mov"])
def test_one_drawn_video_among_real_ones_marks_them_all(tmp_path, kind):
    real = [frames_of(kind, tmp_path / "set" / "a" / f"r{i}", drawn=False) for i in range(3)]
    assert not marks_of(tmp_path / "set", map(str, real)).drawn
    drawn = frames_of(kind, tmp_path / "set" / "b" / "d", drawn=True)
    assert marks_of(tmp_path / "set", map(str, [*real, drawn])).drawn


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_crops_packs_and_copies_of_merged_videos_stay_drawn(data, tmp_path, seed):
    """Some real and some drawn videos, cropped, copied class by class, packed: in any order."""
    rng = random.Random(seed)
    place, marked = tmp_path / "videos", rng.random() < 0.8
    for label in ("anger", "joy"):
        for i in range(4):
            drawn = marked and label == "joy" and i == 2
            frames_of(rng.choice(["jpg", "png", "mp4"]), place / label / f"v{i}", drawn=drawn)
    for step in rng.sample(["crop", "copy", "high"], rng.randint(1, 3)):
        new = tmp_path / step
        if step == "crop":
            data("faces", place, "-o", new, "--finder", "center", "-q")
        elif step == "copy":
            for label in ("anger", "joy"):
                shutil.copytree(place / label, new / label)
        else:
            shutil.copytree(place, new / "inner")
            new = new / "inner"
        place = new
    said = data("verify", f"folder(path='{place}', folds=2)")
    assert ("never rank next to real" in said) == marked
    assert ("re-encoded" in said) == any(
        path.name == "crop" for path in [place, *place.parents, *tmp_path.iterdir()]
    )
    data("pack", f"folder(path='{place}', folds=2)", "-o", tmp_path / "pack", "--workers", "0", "-q")
    assert json.loads((tmp_path / "pack" / "pack.json").read_text())["made"] == marked


def test_a_run_on_merged_data_is_synthetic(toy_run, toy_root, tmp_path):
    plain, *_ = toy_run()[0]
    assert not plain.synthetic
    root = Path(shutil.copytree(toy_root, tmp_path / "merged"))
    image = next(iter(sorted((root / "fold1" / "test").rglob("*.*"))))
    with Image.open(image) as opened:
        opened.load()
        opened.save(image, comment="drawn by dferbench") if image.suffix == ".jpg" else None
    if image.suffix != ".jpg":
        (image.parent.parent / MADE).write_text("drawn")
    merged, *_ = toy_run(root=root, output=tmp_path / "again")[0]
    assert merged.synthetic and "synthetic" in merged.caveats


def test_crops_say_how_they_were_made_wherever_they_are_copied(data, tmp_path):
    for label in ("anger", "joy"):
        for i in range(3):
            frames_of("jpg", tmp_path / "videos" / label / f"v{i}", drawn=False)
    data("faces", tmp_path / "videos", "-o", tmp_path / "out", "--finder", "center", "--size", "64",
         "--margin", "0.25", "-q")  # fmt: skip
    shutil.copytree(tmp_path / "out" / "anger", tmp_path / "set" / "anger")
    shutil.copytree(tmp_path / "out" / "joy", tmp_path / "set" / "joy")
    said = data("verify", f"folder(path='{tmp_path / 'set'}', folds=2)")
    assert "caveats: own split, re-encoded" in said
    assert "finder center, size 64, margin 0.25, quality 95" in said and "never rank" not in said
