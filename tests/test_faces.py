"""Face crops: where they are, that they keep still, and what becomes of videos that show none."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import av
import media
import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from dferbench.cli import _run
from dferbench.data.decoders import choose_decoder, stream
from dferbench.errors import ConfigError, DataError, VideoError
from dferbench.face_crops.crop import cut
from dferbench.face_crops.haar import tilt
from dferbench.face_crops.track import Following, Look, follow, settle
from dferbench.face_crops.tree import find_videos
from dferbench.face_crops.yunet import largest
from dferbench.registry.catalog import discover
from dferbench.types import Face

PLACE = {"front": (260, 140), "deep/left": (40, 200)}
"""Where the drawn face's square of 224 pixels lies in a frame of 640 x 480."""
ITEMS = {"front": "00001", "deep/left": "00003"}


def finder(text):
    return discover().make("face_finders", text)


@pytest.fixture(scope="session")
def drawn():
    """Frames (T, 224, 224, 3) of faces that OpenCV's cascade finds."""
    well_seen = {"videos": 35, "size": 224, "intensity": 1.0, "noise": 5.0, "light": 1.0}
    dataset = discover().get("datasets", "synthetic").value(**well_seen)
    return {name: dataset.draw(item).frames for name, item in ITEMS.items()}


def embedded(frames, left, top):
    """The frames on grey ones of 640 x 480."""
    large = np.full((len(frames), 480, 640, 3), 90, np.uint8)
    large[:, top : top + 224, left : left + 224] = frames
    return large


def write_video(path, frames):
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "18"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def tree(drawn, tmp_path_factory):
    """Two videos with a face, one folder of frames, and what is none of these."""
    root = tmp_path_factory.mktemp("raw")
    for name, frames in drawn.items():
        write_video(root / f"{name}.mp4", embedded(frames, *PLACE[name]))
    for number, frame in enumerate(embedded(drawn["front"][:12], 100, 60), 1):
        (root / "frames").mkdir(exist_ok=True)
        Image.fromarray(frame).save(root / "frames" / f"{number}.png")
    media.encode_kind(root, "h264-plain.mp4")
    (root / "text.mp4").write_text("not a video")
    (root / "notes.txt").write_text("not meant to be one")
    return root


def report(folder):
    return json.loads((folder / "faces.json").read_text())


def crops(folder):
    return [np.asarray(Image.open(path)) for path in sorted(folder.glob("*.jpg"))]


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Run the command line in this process, in an empty folder; gives what it wrote, and checks its code."""
    monkeypatch.chdir(tmp_path)

    def run(*words, check=0):
        code = _run([str(word) for word in words])
        written = capsys.readouterr()
        assert code == check, written.err
        return written

    return run


@pytest.fixture(scope="module")
def output(tree, tmp_path_factory):
    """The crops of the tree."""
    output = tmp_path_factory.mktemp("crops") / "out"
    assert _run(["data", "faces", str(tree), "-o", str(output), "--size", "128", "-q"]) == 5
    return output


class TestTheWholeTree:
    def test_every_frame_becomes_a_crop_of_the_wanted_size(self, output, drawn):
        for name in PLACE:
            found = crops(output / name)
            assert len(found) == len(drawn[name])
            assert {image.shape for image in found} == {(128, 128, 3)}
        assert len(crops(output / "frames")) == 12

    def test_the_crop_shows_the_known_place(self, output, drawn):
        """The grey around the embedded square shows where it lies in the crop."""
        for name, entry in report(output)["videos"].items():
            if entry["status"] == "done" and name in PLACE:
                scale = entry["side"] / 128
                image = crops(output / name)[0].astype(int)
                inside = np.abs(image - 90).max(2) > 12
                columns, rows = np.flatnonzero(inside.mean(0) > 0.3), np.flatnonzero(inside.mean(1) > 0.3)
                assert (columns[-1] - columns[0] + 1) * scale == pytest.approx(224, abs=10)
                middle = (columns[0] + columns[-1]) / 2, (rows[0] + rows[-1]) / 2
                # The face is drawn in the middle of its square, give or take a turn of the head.
                assert middle == pytest.approx((63.5, 63.5), abs=16)

    def test_failures_are_named_and_leave_nothing(self, output):
        videos = report(output)["videos"]
        assert {name for name, entry in videos.items() if entry["status"] == "failed"} == {
            "h264-plain",
            "text",
        }
        assert "0 of the 14 frames" in videos["h264-plain"]["reason"]
        assert "cannot be read as a video" in videos["text"]["reason"]
        assert not (output / "text").exists()
        assert not [path for path in output.rglob(".*")]

    def test_the_report_counts(self, output, drawn):
        entry = report(output)["videos"]["front"]
        assert entry["frames"] == len(drawn["front"])
        assert entry["looked"] == -(-len(drawn["front"]) // 5)
        assert entry["looked"] / 2 <= entry["found"] <= entry["looked"]
        assert 200 < entry["side"] < 320

    def test_the_same_command_does_only_what_is_missing(self, tree, output, capsys):
        times = {path: path.stat().st_mtime_ns for path in output.rglob("*.jpg")}
        kept = crops(output / "front")
        (output / "front" / "00001.jpg").rename(output / "front" / "00001.jpg.part")
        for path in list((output / "front").iterdir()):
            path.unlink()
        (output / "front").rmdir()
        assert _run(["data", "faces", str(tree), "-o", str(output), "--size", "128", "-q"]) == 5
        assert "3 of 5 videos cropped (2 of them before)" in capsys.readouterr().out
        assert [(a == b).all() for a, b in zip(crops(output / "front"), kept, strict=True)] == [True] * 35
        assert all(
            path.stat().st_mtime_ns == time for path, time in times.items() if path.parent.name != "front"
        )

    @pytest.mark.parametrize("change", [["--size", "64"], ["--every", "3"], ["--finder", "center"]])
    def test_other_settings_want_another_folder(self, tree, output, change, capsys):
        words = ["data", "faces", str(tree), "-o", str(output), "--size", "128", *change]
        assert _run(words) == 3
        assert f"{change[0][2:]} " in capsys.readouterr().err

    def test_the_crops_are_a_video_like_any(self, output):
        frames, reader = choose_decoder().read(str(output / "front"), [0, 5])
        assert reader == "folder"
        assert frames.shape == (2, 128, 128, 3)


def quick(command, source, *words, check=0):
    return command("data", "faces", source, "-o", "out", "--finder", "center", "-q", *words, check=check)


def test_a_changed_video_is_done_again(command, tmp_path):
    (tmp_path / "raw").mkdir()
    media.encode(tmp_path / "raw" / "a.mp4", count=5)
    quick(command, "raw")
    before = crops(tmp_path / "out" / "a")
    media.encode(tmp_path / "raw" / "a.mp4", count=7)
    quick(command, "raw")
    assert (len(before), len(crops(tmp_path / "out" / "a"))) == (5, 7)
    media.cut(tmp_path / "raw" / "a.mp4", tmp_path / "raw" / "a.mp4", 0.5)
    quick(command, "raw", check=4)
    assert not (tmp_path / "out" / "a").exists()  # stale crops would be worse than none


def test_what_becomes_of_crops_whose_video_is_gone(command, tmp_path):
    """They stay, for raw videos are large; not so if something else now has the video's name."""
    (tmp_path / "raw").mkdir()
    for name in ("a", "b", "c"):
        media.encode(tmp_path / "raw" / f"{name}.mp4", count=3)
    quick(command, "raw")
    (tmp_path / "raw" / "a.mp4").unlink()
    (tmp_path / "raw" / "b.mp4").rename(tmp_path / "b.mp4")
    (tmp_path / "raw" / "b.mp4").symlink_to(tmp_path / "b.mp4")
    assert "2 of 3 videos cropped (2 of them before)" in quick(command, "raw", check=5).out
    assert len(crops(tmp_path / "out" / "a")) == 3
    assert not (tmp_path / "out" / "b").exists()


def test_a_changed_file_of_boxes_is_another_setting(command, tmp_path):
    (tmp_path / "raw").mkdir()
    media.encode(tmp_path / "raw" / "a.mp4", count=3)
    for right, check in ((30, 0), (30, 0), (40, 3)):
        (tmp_path / "boxes.csv").write_text(f"video,left,top,right,bottom\na,5,5,{right},30\n")
        words = ["--finder", "boxes(path=boxes.csv)", "-q"]
        written = command("data", "faces", "raw", "-o", "out", *words, check=check)
    assert "boxes.csv" in written.err


def test_json_is_one_object(command, tmp_path):
    (tmp_path / "raw").mkdir()
    media.encode(tmp_path / "raw" / "a.mp4", count=3)
    found = json.loads(quick(command, "raw", "--json").out)
    assert found == report(tmp_path / "out")
    assert found["settings"]["finder"] == "center"


def test_a_folder_with_other_things_in_it_is_left_alone(command, tmp_path):
    (tmp_path / "raw").mkdir()
    media.encode(tmp_path / "raw" / "a.mp4", count=3)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")
    assert "something else" in quick(command, "raw", check=3).err
    (tmp_path / "out" / "thesis.tex").unlink()
    quick(command, "raw")
    (tmp_path / "out" / "a" / "thesis.tex").write_text("years of work")
    media.encode(tmp_path / "raw" / "a.mp4", count=4)
    assert "holds other files" in quick(command, "raw", check=4).out
    assert (tmp_path / "out" / "a" / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nowhere", "-o", "out"], 4, "does not exist"),
        (["empty", "-o", "out"], 4, "no video"),
        (["raw", "-o", "raw"], 3, "holds the videos"),
        (["raw", "-o", "out", "--finder", "haarr"], 3, "haarr"),
        (["raw", "-o", "out", "--finder", "haar(mode=1)"], 3, "mode"),
        (["raw", "-o", "out", "--finder", "haar(model=x.xml)"], 4, "x.xml"),
        (["raw", "-o", "out", "--finder", "yunet"], 4, "no model file"),
        (["raw", "-o", "out", "--finder", "yunet(model=raw/a.mp4)"], 4, "not a YuNet model"),
        (["raw", "-o", "out", "--finder", "boxes"], 3, "wants a file"),
        (["raw", "-o", "out", "--every", "0"], 2, "--every"),
        (["raw", "-o", "raw/a.mp4"], 3, "something else"),
        (["raw", "-o", "broken"], 3, "not readable as a report"),
    ],
)
def test_errors_are_two_lines(command, tmp_path, words, code, message):
    for name in ("empty", "raw", "broken"):
        (tmp_path / name).mkdir()
    media.encode(tmp_path / "raw" / "a.mp4", count=3)
    (tmp_path / "broken" / "faces.json").write_text('{"schema": 9}')
    error, hint = command("data", "faces", *words, check=code).err.splitlines()[-2:]
    assert message in error and hint.startswith("hint: ")
    assert not (tmp_path / "out").exists()


def test_a_video_that_hangs_is_ended_and_named(cli, tmp_path):
    """A finder of a plugin file, which the workers load themselves."""
    (tmp_path / "raw").mkdir()
    for name in ("a", "hangs", "dies", "raises", "z"):
        media.encode(tmp_path / "raw" / f"{name}.mp4", count=3)
    (tmp_path / "mine.py").write_text(
        "import os, time\nfrom dferbench import hookimpl\nfrom dferbench.types import Face\n"
        "def build(side: int = 20):\n"
        "    def find(frame, video, number):\n"
        "        if video == 'hangs': time.sleep(100)\n"
        "        if video == 'dies': os._exit(9)\n"
        "        if video == 'raises': raise KeyError('eye')\n"
        "        return Face((10, 10, 10 + side, 10 + side))\n"
        "    return find\n"
        "@hookimpl\ndef register_face_finders(register):\n    register('mine', build)\n"
    )
    words = ("--plugin", "mine.py", "data", "faces", "raw", "-o", "out", "--finder", "mine(side=24)")
    cli(*words, "--timeout", 4, "--margin", 0, "--size", 24, check=5)
    videos = report(tmp_path / "out")["videos"]
    assert [name for name, entry in videos.items() if entry["status"] == "done"] == ["a", "z"]
    assert videos["a"]["side"] == 24
    assert "not read within 4 s" in videos["hangs"]["reason"]
    assert "exit code 9" in videos["dies"]["reason"]
    assert "KeyError" in videos["raises"]["reason"]
    expected = media.stamped(0)[10:34, 10:34].astype(int)
    assert np.abs(crops(tmp_path / "out" / "a")[0] - expected).mean() < 12


def test_links_out_of_the_tree_are_not_followed(tmp_path):
    (tmp_path / "raw" / "frames").mkdir(parents=True)
    secret = media.encode(tmp_path / "secret.mp4", count=3)
    inside = media.encode(tmp_path / "raw" / "a.mp4", count=3)
    media.frame_folder(tmp_path / "hidden", ["1.png"])
    (tmp_path / "raw" / "out.mp4").symlink_to(secret)
    (tmp_path / "raw" / "same.mp4").symlink_to(inside)
    (tmp_path / "raw" / "folder").symlink_to(tmp_path / "hidden")
    (tmp_path / "raw" / "loop").symlink_to(tmp_path / "raw")
    (tmp_path / "raw" / "frames" / "1.png").symlink_to(tmp_path / "hidden" / "1.png")
    (tmp_path / "raw" / "itself.mp4").symlink_to(tmp_path / "raw" / "itself.mp4")
    faults = {one.id: bool(one.fault) for one in find_videos(tmp_path / "raw")}
    assert faults == {
        **dict.fromkeys(("a", "same"), False),
        **dict.fromkeys(("folder", "frames", "itself", "out"), True),
    }


def test_a_folder_that_may_not_be_listed_is_reported(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may list everything")
    (tmp_path / "closed").mkdir(mode=0)
    (tmp_path / "a.mp4").write_bytes(b"")
    assert {one.id: "listed" in one.fault for one in find_videos(tmp_path)} == {"a": False, "closed": True}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda n: n.name)
def test_the_same_command_goes_on_after_an_interruption(command, tmp_path, number):
    (tmp_path / "raw").mkdir()
    for name in "abcdef":
        media.encode(tmp_path / "raw" / f"{name}.mp4", count=4)
    (tmp_path / "slow.py").write_text(
        "import pathlib, time\nfrom dferbench import hookimpl\nfrom dferbench.types import Face\n"
        "def find(frame, video, number):\n"
        "    while video > 'b' and not pathlib.Path('go').exists(): time.sleep(0.05)\n"
        "    return Face((0, 0, 20, 20))\n"
        "@hookimpl\ndef register_face_finders(register):\n    register('slow', lambda: find)\n"
    )
    words = ["--plugin", "slow.py", "data", "faces", "raw", "-o", "out", "--finder", "slow", "-j", "1"]
    first = subprocess.Popen(
        [sys.executable, "-m", "dferbench", *words],
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 30
    while not (tmp_path / "out" / "b").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    first.send_signal(number)
    assert first.wait(10) == {signal.SIGINT: 130, signal.SIGTERM: 75, signal.SIGKILL: -9}[number]
    kept = report(tmp_path / "out")["videos"]
    assert set(kept) == (set() if number == signal.SIGKILL else {"a", "b"})
    (tmp_path / "go").touch()
    assert f"6 of 6 videos cropped{' (2' if kept else ','}" in command(*words, "-q").out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*"abcdef", "faces.json"}


def test_a_video_that_is_stored_turned(command, tmp_path):
    """Pixels that NumPy turned lie in memory in another order than those of most videos."""
    (tmp_path / "raw").mkdir()
    plain = media.encode(tmp_path / "plain.mp4", count=3, size=(96, 96))
    media.remux(plain, tmp_path / "raw" / "a.mp4", turn=90)
    frames, _ = choose_decoder("pyav").read(str(tmp_path / "raw" / "a.mp4"), [0])
    for finder in ("none", "center", "haar"):
        words = ["--finder", finder, "--size", "96", "-q", "--align", "-o", finder]
        command("data", "faces", "raw", *words, check=4 if finder == "haar" else 0)
    for finder in ("none", "center"):
        crop = crops(tmp_path / finder / "a")[0]
        assert np.abs(crop.astype(int) - frames[0]).mean() < 6


def test_two_videos_of_one_name_are_an_error(tmp_path):
    media.frame_folder(tmp_path / "x" / "a", ["1.png"])
    (tmp_path / "x" / "a.mp4").write_bytes(b"")
    with pytest.raises(DataError, match="share one folder"):
        find_videos(tmp_path / "x")
    (tmp_path / "x" / "a" / "sub").mkdir()
    (tmp_path / "x" / "a.mp4").rename(tmp_path / "x" / "a" / "sub" / "b.mp4")
    with pytest.raises(DataError, match="share one folder"):
        find_videos(tmp_path / "x")


def test_pictures_beside_videos_are_no_frames(tmp_path):
    (tmp_path / "a.MP4").write_bytes(b"")
    Image.new("RGB", (8, 8)).save(tmp_path / "poster.jpg")
    (tmp_path / ".hidden.mp4").write_bytes(b"")
    assert [one.id for one in find_videos(tmp_path)] == ["a.MP4".removesuffix(".MP4")]


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes there only")
def test_a_name_that_is_no_text_is_reported(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.mp4")).write_bytes(b"")
    (one,) = find_videos(tmp_path)
    assert one.id == r"caf\xe9" and "UTF-8" in one.fault


def settled(faces, count=None, size=(640, 480), **how):
    how = Following(every=how.pop("every", 1), least=how.pop("least", 0.5), **how)
    looks = [Look(i * how.every, face) for i, face in enumerate(faces)]
    return settle("video", looks, count or len(looks) * how.every, size, how)


def boxed(x, y, side=100, eyes=None):
    return Face((x - side / 2, y - side / 2, x + side / 2, y + side / 2), eyes)


def test_a_face_that_keeps_still_gives_a_crop_that_does():
    track = settled([boxed(320, 240)] * 9, margin=0.3)
    assert track.side == pytest.approx(130)
    assert np.allclose(track.centres, (320, 240))
    assert not track.tilts.any()


def test_a_face_that_moves_evenly_is_followed():
    track = settled([boxed(100 + 20 * i, 240) for i in range(20)], every=5)
    assert len(track.centres) == 100
    assert np.allclose(track.centres[15:80, 0], 100 + 4 * np.arange(15, 80))
    assert (np.diff(track.centres[:, 0]) >= -1e-9).all()


def test_frames_without_a_find_lie_between_the_others():
    faces = [boxed(100 + 10 * i, 240) if i not in (4, 5, 6) else None for i in range(16)]
    track = settled(faces)
    assert (track.looked, track.found) == (16, 13)
    assert np.allclose(track.centres[5, 0], 150, atol=5)


def test_one_wrong_find_changes_nothing():
    right = [boxed(320, 240)] * 11
    wrong = [*right[:5], boxed(60, 60, side=300), *right[6:]]
    assert np.allclose(settled(wrong).centres, settled(right).centres)
    assert settled(wrong).side == settled(right).side


def test_the_square_stays_within_the_frame():
    track = settled([boxed(10, 470)] * 5)
    assert np.allclose(track.centres, (65, 415))
    assert settled([boxed(320, 240, side=900)] * 5).side == 480


def test_too_few_finds_are_an_error():
    faces = [boxed(320, 240) if i % 3 == 0 else None for i in range(9)]
    with pytest.raises(VideoError, match="3 of the 9 frames"):
        settled(faces)
    assert settled(faces, least=0.3).found == 3
    with pytest.raises(VideoError, match="0 of the 2 frames"):
        settled([None, None], least=0.0)


def test_finds_that_are_no_boxes_in_the_frame_do_not_count(tmp_path):
    video = media.encode(tmp_path / "a.mp4", count=8)
    faces = [
        (200, 0, 220, 20), (5, 5, 5, 20), (0, 0, float("nan"), 9), (-30, 0, -5, 20), (0, 0, float("inf"), 5)
    ]  # fmt: skip

    def find(frame, name, number):
        return Face(faces[number]) if number < len(faces) else Face((10, 10, 30, 30))

    track = follow(str(video), "a", find, Following(every=1, least=0.1, margin=0))
    assert (track.looked, track.found, track.side) == (8, 3, 20)


def test_frames_of_other_sizes_are_an_error(tmp_path):
    folder = media.frame_folder(tmp_path / "a", ["1.png"])
    Image.fromarray(media.stamped(1, 100, 64)).save(folder / "2.png")
    with pytest.raises(VideoError, match="96 x 64 and 100 x 64"):
        follow(str(folder), "a", finder("center"), Following(every=1))


def eyes_at(degrees, apart=60):
    dx, dy = apart / 2 * np.cos(np.radians(degrees)), apart / 2 * np.sin(np.radians(degrees))
    return (320 - dx, 220 - dy), (320 + dx, 220 + dy)


@pytest.mark.parametrize("degrees", [-20, -5, 12, 25])
def test_alignment_levels_the_eyes(degrees):
    """Two dots for eyes, tilted, lie on one row of the crop."""
    eyes = eyes_at(degrees)
    frame = np.full((480, 640, 3), 128, np.uint8)
    y, x = np.mgrid[:480, :640]
    for shade, (ex, ey) in zip((0, 255), eyes, strict=True):
        frame[(x + 0.5 - ex) ** 2 + (y + 0.5 - ey) ** 2 < 25] = shade
    track = settled([Face((250, 160, 390, 300), eyes)] * 5, align=True)
    assert track.tilts == pytest.approx(degrees)
    crop = cut(frame, track, 0, 128).astype(int)[..., 0]
    left, right = (np.argwhere(mask).mean(0) for mask in (crop < 60, crop > 200))
    assert left[0] == pytest.approx(right[0], abs=0.5)
    assert left[1] < right[1]
    # The middle between the eyes lies 10 pixels above the centre about which the frame was turned.
    turn, scale = np.radians(degrees), 128 / (1.3 * 140)
    middle = 64 - scale * 10 * np.array([np.cos(turn), np.sin(turn)])
    assert (left + right) / 2 + 0.5 == pytest.approx(middle, abs=0.4)


def test_without_enough_eyes_nothing_is_turned():
    faces = [boxed(320, 240, eyes=eyes_at(15) if i == 0 else None) for i in range(5)]
    assert not settled(faces, align=True).tilts.any()


def test_whole_frames_and_squares():
    frame = media.stamped(3, 96, 64)
    assert (cut(frame, None, 0, 48) == np.asarray(Image.fromarray(frame).resize((48, 48), 2))).all()
    face = finder("center")(frame, "", 0)
    assert face.box == (16, 0, 80, 64)
    track = settled([face] * 3, size=(96, 64))
    assert (cut(frame, track, 1, 64) == frame[:, 16:80]).all()
    assert finder("none") is None


@pytest.mark.parametrize("model", ["default", "alt", "alt2"])
def test_haar_finds_a_drawn_face_and_nothing_else(drawn, model):
    find = finder(f"haar({model})")
    large = embedded(drawn["front"][:1], 260, 140)[0]
    left, top, right, bottom = find(large, "", 0).box
    assert abs((left + right) / 2 - 372) < 30 and abs((top + bottom) / 2 - 262) < 40
    assert 140 < right - left < 240
    assert find(np.full((480, 640, 3), 90, np.uint8), "", 0) is None


def test_haar_is_the_same_at_twice_the_size(drawn):
    find = finder("haar")
    large = embedded(drawn["front"][20:21], 260, 140)[0]
    twice = np.asarray(Image.fromarray(large).resize((1280, 960)))
    small, big = find(large, "", 0), find(twice, "", 0)
    assert np.allclose(np.array(big.box), 2 * np.array(small.box), atol=20)
    assert np.allclose(np.array(big.eyes), 2 * np.array(small.eyes), atol=12)
    (left, top, right, bottom), ((x1, y1), (x2, y2)) = small.box, small.eyes
    assert left < x1 < (left + right) / 2 < x2 < right and top < min(y1, y2) < max(y1, y2) < bottom


def test_haar_sees_the_tilt_of_the_eyes(drawn):
    image = Image.fromarray(embedded(drawn["front"][20:21], 208, 128)[0])
    find, tilts = finder("haar"), []
    for degrees in (-8, 0, 8):
        face = find(np.asarray(image.rotate(-degrees, 2, center=(320, 240), fillcolor=(90, 90, 90))), "", 0)
        tilts.append(tilt(*face.eyes))
    assert np.diff(tilts) == pytest.approx(8, abs=4)


def test_yunet_rows_become_faces():
    rows = np.zeros((2, 15), np.float32)
    rows[0, :8] = 10, 20, 30, 40, 18, 33, 30, 31
    rows[1, :8] = 100, 50, 60, 80, 140, 75, 115, 77
    face = largest(rows)
    assert face == Face((100, 50, 160, 130), ((115, 77), (140, 75)))


FRAME = np.zeros((64, 96, 3), np.uint8)


def test_boxes_from_csv(tmp_path):
    file = tmp_path / "my boxes.csv"
    file.write_text(
        "\ufeffvideo,frame,left,top,right,bottom\na/b.mp4,0,0,0,10,10\na/b.mp4,10,20,0,30,10\nc,,1,2,3,4\n"
    )
    find = finder(f"boxes('{file}')")
    assert [find(FRAME, "a/b", i).box[0] for i in (0, 5, 10, 99)] == [0, 10, 20, 20]
    assert find(FRAME, "c", 7).box == (1, 2, 3, 4)
    assert find(FRAME, "d", 0) is None


def test_boxes_from_json(tmp_path):
    file = tmp_path / "boxes.json"
    file.write_text(json.dumps({"a": [1, 2, 3, 4], "b": {"0": [0, 0, 4, 4], "4": [4, 0, 8, 4]}}))
    find = finder(f"boxes(path={file})")
    assert find(FRAME, "a", 3).box == (1, 2, 3, 4)
    assert find(FRAME, "b", 2).box == (2, 0, 6, 4)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.csv", "video,left,top,right\na,1,2,3\n", "lacks the columns bottom"),
        ("x.csv", "", "lacks the columns"),
        ("x.csv", "video,left,top,right,bottom\na,1,2,x,4\n", "line 2: .* not a box"),
        ("x.csv", "video,left,top,right,bottom\na,1,2\n", "line 2: .* not a box"),
        ("x.csv", "video,left,top,right,bottom\na,5,2,3,4\n", "not a box"),
        ("x.csv", "video,left,top,right,bottom\na,1,2,inf,4\n", "not a box"),
        ("x.csv", "video,frame,left,top,right,bottom\na,-1,1,2,3,4\n", "not a frame number"),
        ("x.csv", "video,left,top,right,bottom\na,1,2,3,4\na.mp4,1,2,3,4\n", "two boxes"),
        ("x.json", "[", "not JSON"),
        ("x.json", "[1]", "not an object"),
        ("x.json", '{"a": 5}', "not a box"),
        ("x.json", '{"a": {"x": [1, 2, 3, 4]}}', "not a frame number"),
        ("x.json", "[" * 100_000, "not JSON"),
    ],
)
def test_box_files_that_are_wrong(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        finder(f"boxes('{tmp_path / name}')")
    assert str(tmp_path / name) in str(caught.value) and caught.value.hint


def test_box_files_that_cannot_be_read(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"video,left\n\xff\xfe")
    for name in ("x.csv", "none.csv"):
        with pytest.raises(DataError, match=re.escape(name)):
            finder(f"boxes('{tmp_path / name}')")


@pytest.mark.parametrize("kind", ["h264-b-frames.mp4", "variable-rate.mp4", "odd-size.mkv", "vp9.webm"])
def test_a_stream_is_what_a_reader_reads(tmp_path, kind):
    path = str(media.encode_kind(tmp_path, kind))
    frames, _ = choose_decoder("pyav").read(path, lambda count: range(count))
    passing = list(stream(path))
    assert [one.number for one in passing] == list(range(len(frames)))
    assert all((one.image() == frame).all() for one, frame in zip(passing[::9], frames[::9], strict=True))
    seconds = [one.seconds for one in passing]
    assert seconds[0] == pytest.approx(0, abs=0.05) and seconds == sorted(seconds)


def test_a_stream_of_images(tmp_path):
    folder = media.frame_folder(tmp_path / "a", ["frame2.png", "frame10.png", "frame11.jpg"])
    passing = list(stream(str(folder)))
    assert [media.number_of(one.image()) for one in passing] == [0, 1, 2]
    assert {one.seconds for one in passing} == {None}


def test_the_finders_are_listed(command):
    listed = json.loads(command("list", "--json").out)
    assert {"none", "center", "boxes", "haar", "yunet"} <= {one["name"] for one in listed["face_finders"]}
    assert "default" in command("show", "haar").out
    assert str(ROOT) not in command("list").out
