"""Face crops: where they are, that they keep still, and what becomes of videos that show none."""

import json
import os
import signal
import subprocess
import sys
import time

import media
import numpy as np
import pytest
from conftest import ROOT
from drawn_faces import PLACE, drawn, embedded, write_video
from PIL import Image

from dferbench.cli import _run
from dferbench.data.decoders import choose_decoder, stream
from dferbench.errors import DataError
from dferbench.face_crops.tree import find_videos


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
    """Two videos with a face, one folder of frames, and what is none of these."""
    root = tmp_path_factory.mktemp("raw")
    for name, frames in drawn().items():
        write_video(root / f"{name}.mp4", embedded(frames, *PLACE[name]))
    for number, frame in enumerate(embedded(drawn()["front"][:12], 100, 60), 1):
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
    @pytest.mark.slow
    def test_every_frame_becomes_a_crop_of_the_wanted_size(self, output):
        for name in PLACE:
            found = crops(output / name)
            assert len(found) == len(drawn()[name])
            assert {image.shape for image in found} == {(128, 128, 3)}
        assert len(crops(output / "frames")) == 12

    def test_the_crop_shows_the_known_place(self, output):
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
        assert "0 of 14 sampled frames" in videos["h264-plain"]["reason"]
        assert "cannot be read as a video" in videos["text"]["reason"]
        assert not (output / "text").exists()
        assert not [path for path in output.rglob(".*")]

    def test_the_report_counts(self, output):
        entry = report(output)["videos"]["front"]
        assert entry["frames"] == len(drawn()["front"])
        assert entry["looked"] == -(-len(drawn()["front"]) // 5)
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
        (["raw", "-o", "out", "--finder", "yunet(model=x.onnx)"], 4, "no model file x.onnx"),
        (
            ["raw", "-o", "out", "--choose", "nearest"],
            3,
            "largest, most-central, longest-track, got 'nearest'",
        ),
        (["raw", "-o", "out", "--finder", "yunet(model=raw/a.mp4)"], 4, "not a YuNet model"),
        (["raw", "-o", "out", "--finder", "boxes"], 3, "needs a file"),
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
