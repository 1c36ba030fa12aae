"""`dferbench data verify`: each trap is found, and a clean copy is clean."""

import json
import os
import shutil
import sys
from functools import partial
from pathlib import Path

import listed
import numpy as np
import pytest
from conftest import ROOT, TOY
from media import KINDS, cut, encode_kind
from PIL import Image

from dferbench.data.left_out import left_out
from dferbench.data.verify import Depth, decode, lists, tree, verify
from dferbench.data.verify.decode import Decoded
from dferbench.data.verify.lists import SplitVideos
from dferbench.data.verify.survey import look
from dferbench.errors import VideoError
from dferbench.progress import Progress
from dferbench.types import Video

LISTED = ROOT / "tests" / "listed.py"
CLASSES = ("sadness", "surprise")
DEEP = Depth(whole=True, workers=2)


def part(fold, split, *rows):
    """Rows are (id, label) or (id, label, path)."""
    return SplitVideos(
        fold, split, tuple(Video(name, *(path or [f"/{name}"]), label) for name, label, *path in rows)
    )


CLEAN = [
    part(1, "train", ("a", 0), ("b", 1)),
    part(1, "test", ("c", 0), ("d", 1)),
    part(2, "train", ("c", 0), ("d", 1)),
    part(2, "test", ("a", 0), ("b", 1)),
]


def changed(**parts):
    """The clean parts with some replaced: train1, test1, train2, test2."""
    names = [f"{p.split}{p.fold}" for p in CLEAN]
    return [part(p.fold, p.split, *parts[n]) if n in parts else p for n, p in zip(names, CLEAN, strict=True)]


LIST_CHECKS = {
    "duplicates": lists.duplicates,
    "labels": partial(lists.labels, classes=CLASSES),
    "paths": lists.paths,
    "overlap": lists.overlap,
    "crossing": lists.crossing,
    "empty": partial(lists.empty_classes, classes=CLASSES),
    "twins": partial(lists.twins, content={}),
}


@pytest.mark.parametrize("check", LIST_CHECKS)
def test_clean_lists_are_clean(check):
    assert list(LIST_CHECKS[check](CLEAN)) == []


@pytest.mark.parametrize(
    ("check", "parts", "level", "what", "items"),
    [
        ("duplicates", {"test1": [("c", 0), ("c", 0), ("d", 1)]}, "error", "twice", ["c (fold 1, test)"]),
        ("labels", {"train1": [("a", 0), ("b", 2)]}, "error", "out of range", ["b: 2 (fold 1, train)"]),
        ("labels", {"train1": [("a", -1), ("b", 1)]}, "error", "out of range", ["a: -1 (fold 1, train)"]),
        ("labels", {"train1": [("a", 1), ("b", 1)]}, "error", "label differs", ["a: 0, 1"]),
        ("paths", {"train1": [("a", 0, "/else"), ("b", 1)]}, "warning", "different files", ["a: /a, /else"]),
        ("overlap", {"train1": [("a", 0), ("c", 0)]}, "error", "same fold", ["c (fold 1)"]),
        ("crossing", {"test1": [("a", 0), ("c", 0), ("d", 1)]}, "error", "several folds", ["a"]),
        ("crossing", {"test1": [("c", 0)]}, "error", "no fold", ["d"]),
        ("empty", {"test2": [("a", 0)]}, "error", "without any", ["surprise (fold 2, test)"]),
        ("twins", {"test1": [("c", 0, "/a"), ("d", 1)]}, "error", "train and test", ["a = c"]),
        (
            "twins",
            {"train1": [("a", 0), ("e", 1, "/a")], "test2": [("a", 0), ("b", 1)]},
            "warning",
            "two ids",
            ["a = e"],
        ),
    ],
)
def test_traps_in_lists(check, parts, level, what, items):
    (found,) = [f for f in LIST_CHECKS[check](changed(**parts)) if f.level == level and what in f.what]
    assert list(found.items) == items and found.hint


def test_equal_content_under_two_paths():
    digests = {"/a": "x", "/c": "x", "/b": "y", "/d": "z"}
    (found,) = lists.twins(CLEAN, digests)
    assert (found.level, found.items) == ("error", ("a = c",))


def test_the_baselines_of_a_part():
    counts = [("a", 0), ("b", 0), ("c", 0), ("d", 1)]
    (found,) = lists.facts([part(1, "test", *counts)], CLASSES)
    assert "4 videos: sadness 3, surprise 1" in found.what and "answering sadness" in found.what
    assert "WAR 75.00%" in found.what and "UAR 50.00%" in found.what


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    root = tmp_path_factory.mktemp("clean")
    listed.write(root, 3)
    return root


@pytest.fixture
def copy(clean, tmp_path):
    return shutil.copytree(clean, tmp_path / "copy")


def found(root, depth=None, folds=(1, 2), dataset=None):
    return verify(dataset or listed.Listed(), root, folds, depth or Depth(), Progress())


def by_level(findings, *levels):
    return [finding for finding in findings if finding.level in levels]


def video(root, number=0):
    return sorted((root / "videos").iterdir())[number]


@pytest.mark.parametrize("depth", [Depth(), DEEP], ids=["sample", "deep"])
def test_a_clean_copy_is_clean(clean, depth):
    findings = found(clean, depth)
    assert by_level(findings, "error", "warning") == []
    facts = "\n".join(finding.what for finding in findings)
    assert "fold 1, train: 6 videos: sadness 3, surprise 3" in facts
    assert (
        "frames a video (12 of 12 looked at): min 17, median 17, max 17, total 204; shorter than 16: 0"
        in facts
    )
    assert "image sizes: 24x24 12" in facts and "variant: listed" in facts


def missing(root):
    shutil.rmtree(video(root))


def no_images(root):
    for frame in video(root).iterdir():
        frame.rename(frame.with_suffix(".txt"))


def unreadable_frame(root):
    frame = video(root) / "009.png"  # the middle one
    frame.write_bytes(frame.read_bytes()[:400])


def not_an_image(root):
    (video(root) / "001.png").write_bytes(b"GIF? no. " * 40)


def empty_frame(root):
    (video(root) / "005.png").write_bytes(b"")


def stub(root):
    (video(root) / "005.png").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")


def two_formats(root):
    Image.new("RGB", (24, 24)).save(video(root) / "018.JPG")


def unpadded(root):
    for frame in video(root).iterdir():
        frame.rename(frame.with_name(f"{int(frame.stem)}.png"))


def whole_frames(root):
    for frame in root.glob("videos/*/*"):
        Image.new("RGB", (64, 48)).save(frame)


def two_sizes(root):
    Image.new("RGB", (32, 32)).save(video(root) / "017.png")


def link_out(root):
    shutil.move(video(root), root.parent / "elsewhere")
    video(root, 0).with_name("v10000").symlink_to(root.parent / "elsewhere")


def frame_link_out(root):
    (video(root) / "003.png").rename(root.parent / "003.png")
    (video(root) / "003.png").symlink_to(root.parent / "003.png")


def path_out(root):
    shutil.move(video(root), root.parent / "v10000")
    text = (root / "list.txt").read_text()
    (root / "list.txt").write_text(text.replace("videos/v10000", "../v10000"))


def empty_file(root):
    missing(root)
    (root / "videos" / "v10000").write_bytes(b"")


def stub_file(root):
    missing(root)
    (root / "videos" / "v10000").write_text("version https://git-lfs.github.com/spec/v1\n")


def pipe(root):
    missing(root)
    os.mkfifo(root / "videos" / "v10000")


def gap(root):
    (video(root) / "004.png").unlink()
    (video(root) / "005.png").unlink()


def no_label(root):
    text = (root / "list.txt").read_text()
    (root / "list.txt").write_text(text.replace("videos/v10000 0", "videos/v10000 7"))


def torn_list(root):
    with (root / "list.txt").open("a") as file:
        file.write("unreadable 2 test\n")


def impossible_path(root):
    text = (root / "list.txt").read_text()
    (root / "list.txt").write_text(text.replace("videos/v10000", "videos/" + "x" * 300))


TRAPS = [
    (missing, "error", "there is nothing", "videos/v10000"),
    (no_images, "error", "holds no images", "videos/v10000"),
    (unreadable_frame, "error", "cannot be decoded", "videos/v10000: its frame 009.png"),
    (not_an_image, "error", "header cannot be read", "videos/v10000"),
    (empty_frame, "warning", "zero bytes", "videos/v10000/005.png"),
    (stub, "warning", "git LFS", "videos/v10000/005.png"),
    (two_formats, "warning", "several image formats", "videos/v10000: jpg, png"),
    (unpadded, "warning", "sorted as text", "videos/v10000"),
    (whole_frames, "warning", "look like whole frames", "videos/v10000"),
    (two_sizes, "warning", "differ in size", "videos/v10000: 24x24, 32x32"),
    (link_out, "warning", "lead out of the root", "videos/v10000"),
    (frame_link_out, "warning", "lead out of the root", "videos/v10000"),
    (path_out, "warning", "lead out of the root", "../v10000"),
    (empty_file, "error", "the file is empty", "videos/v10000"),
    (stub_file, "error", "stub of git LFS", "videos/v10000"),
    (pipe, "error", "neither a file nor a folder", "videos/v10000"),
    (gap, "info", "gaps in frame numbers, 2 frames", "videos/v10000: 15 of 1 to 17"),
    (no_label, "error", "out of range", "v10000: 7 (fold 1, test)"),
    (torn_list, "error", "the list of fold 2 is torn", "fold 2, test"),
    (impossible_path, "error", "File name too long", "videos/xxx"),
]


@pytest.mark.parametrize(("trap", "level", "what", "item"), TRAPS, ids=lambda x: getattr(x, "__name__", ""))
def test_traps_on_the_disk(copy, trap, level, what, item):
    trap(copy)
    (finding,) = [f for f in found(copy) if what in f.what]
    assert finding.level == level and any(shown.startswith(item) for shown in finding.items)
    assert finding.hint or level == "info"


@pytest.mark.parametrize(
    ("line", "what", "item"),
    [
        ("1 test v10000 videos/v10000 0", "ids that one part names twice", "v10000 (fold 1, test)"),
        ("1 train v10000 videos/v10000 0", "in train and test of the same fold", "v10000 (fold 1)"),
        ("2 test v10000 videos/v10000 0", "in the test parts of several folds", "v10000"),
        ("1 train v9 videos/v20000 0", "in the test part of no fold", "v9"),
        ("1 train v9 videos/v20000 0", "one content under two ids", "v20000 = v9"),
        ("1 test v9 videos/v20000 0", "one content under two ids, in train and test", "v20000 = v9"),
        ("1 test v9 videos/v20000 5", "out of range", "v9: 5 (fold 1, test)"),
        ("2 test v20000 videos/v20000 1", "label differs", "v20000: 0, 1"),
        ("2 test v20000 videos/v20001 0", "different files", "v20000: "),
    ],
)
def test_one_wrong_line_in_a_list(copy, line, what, item):
    with (copy / "list.txt").open("a") as file:
        file.write(line + "\n")
    assert any(what in f.what and any(i.startswith(item) for i in f.items) for f in found(copy))


def test_a_class_that_a_list_lacks(copy):
    text = (copy / "list.txt").read_text().splitlines()
    (copy / "list.txt").write_text("\n".join(line for line in text if not line.startswith("1 test v11")))
    assert any(f.items == ("surprise (fold 1, test)",) for f in by_level(found(copy), "error"))


def test_one_bad_list_does_not_hide_the_others(copy):
    torn_list(copy)
    shutil.rmtree(video(copy))
    errors = by_level(found(copy), "error")
    assert ["is torn" in errors[0].what, "there is nothing" in errors[1].what] == [True, True]
    assert errors[0].items == ("fold 2, test",) and len(errors) == 2


def test_each_path_is_looked_at_once(copy):
    """Both folds name every video, and a trap is reported once."""
    missing(copy)
    (error,) = by_level(found(copy), "error")
    assert error.items == ("videos/v10000",)


def test_short_videos_and_sizes_are_counted(copy):
    for name in ("016.png", "017.png"):
        (video(copy) / name).unlink()
    for frame in video(copy, 1).iterdir():
        Image.new("RGB", (30, 24)).save(frame)
    facts = "\n".join(f.what for f in found(copy))
    assert "min 15, median 17, max 17, total 202; shorter than 16: 1" in facts
    assert "image sizes: 24x24 11, 30x24 1" in facts


@pytest.mark.parametrize("name", ["004.png", "030.png"])
def test_deep_looks_at_every_frame(copy, name):
    """Neither is the first, middle or last of 40; one comes after the first 16, which are read at once."""
    for number in range(18, 41):
        shutil.copy(video(copy) / "001.png", video(copy) / f"{number:03}.png")
    frame = video(copy) / name
    frame.write_bytes(frame.read_bytes()[:400])
    assert by_level(found(copy), "error") == []
    (error,) = by_level(found(copy, DEEP), "error")
    assert error.items[0].startswith(f"videos/v10000: its frame {name}")


def test_only_the_sample_is_decoded_by_default(tmp_path):
    listed.write(tmp_path, 6)
    paths = [str(path) for path in (tmp_path / "videos").iterdir()]
    rest = sorted(set(paths) - set(decode.sample(paths, lambda path: path.removeprefix(f"{tmp_path}/"))))
    assert len(rest) == 4
    frame = Path(rest[0]) / "017.png"
    frame.write_bytes(frame.read_bytes()[:400])
    assert by_level(found(tmp_path), "error") == []
    (error,) = by_level(found(tmp_path, DEEP), "error")
    assert "its frame 017.png" in error.items[0]


def test_deep_finds_one_video_under_two_ids(copy):
    one, other = video(copy, 0), video(copy, -1)
    shutil.rmtree(other)
    shutil.copytree(one, other)
    assert by_level(found(copy), "error") == []
    (error,) = by_level(found(copy, DEEP), "error")
    assert "train and test" in error.what and error.items == (f"{one.name} = {other.name}",)
    (other / "003.png").write_bytes((other / "004.png").read_bytes())  # one other frame, another content
    assert by_level(found(copy, DEEP), "error") == []


def test_the_sample_is_one_in_a_hundred_wherever_the_root_lies():
    paths = [f"/somewhere/{i}" for i in range(5000)]
    drawn = decode.sample(paths, lambda path: path.removeprefix("/somewhere/"))
    moved = decode.sample([f"/else/{i}" for i in range(5000)], lambda path: path.removeprefix("/else/"))
    assert len(set(drawn)) == 50 and [Path(p).name for p in drawn] == [Path(p).name for p in moved]
    assert sorted(map(int, (Path(p).name for p in drawn)))[25] > 1000  # spread, not the first ones
    assert len(decode.sample(paths[:100], str)) == 20 and len(decode.sample(paths[:7], str)) == 7


@pytest.fixture
def films(tmp_path):
    """Video files of several kinds, a list of them, and one of them cut short."""
    (tmp_path / "f").mkdir()
    kinds = ["h264-b-frames.mp4", "mpeg4-b-frames.avi", "vp9.webm", "nine-frames.mp4"]
    assert set(kinds) <= set(KINDS)
    names = [encode_kind(tmp_path / "f", kind).name for kind in kinds]
    rows = [
        f"{fold} {'test' if i % 2 == fold - 1 else 'train'} {name} f/{name} {i // 2}"
        for i, name in enumerate(names)
        for fold in (1, 2)
    ]
    (tmp_path / "list.txt").write_text("\n".join(rows))
    return tmp_path


@pytest.mark.slow
def test_video_files_are_decoded_and_counted_twice(films):
    findings = found(films, DEEP)
    (same,) = by_level(findings, "error", "warning")
    assert "has a copy" in same.what, "the films show one thing in several codecs"
    facts = "\n".join(finding.what for finding in findings)
    assert "min 9, median 70, max 70, total 219; shorter than 16: 1" in facts and "96x64 4" in facts
    if sys.platform == "linux":
        assert "PyAV and decord: 4 of 4 agree" in facts


@pytest.mark.slow
def test_a_damaged_file_is_named_and_the_rest_goes_on(films):
    whole = films / "f" / "h264-b-frames.mp4"
    cut(whole, films / "short.mp4", 0.6)
    (films / "short.mp4").replace(whole)
    for depth in (Depth(), DEEP):
        (error,) = by_level(found(films, depth), "error")
        assert error.what == "videos that cannot be decoded" and len(error.items) == 1
        assert error.items[0].startswith("f/h264-b-frames.mp4: ")


def test_what_takes_too_long_is_named(copy):
    Image.new("RGB", (7600, 4300)).save(video(copy) / "001.png", compress_level=1)
    findings = found(copy, Depth(seconds=0.1))
    (error,) = by_level(findings, "error")
    assert "videos/v10000: it was not read within 0.1 s; allow more with --timeout" in error.items


def test_two_readers_are_compared_frame_by_frame():
    right = np.arange(4 * 8 * 8 * 3, dtype=np.uint8).reshape(4, 8, 8, 3)
    wrong = right.copy()
    wrong[2, 3, 4] ^= 128
    assert decode._difference(9, right, 9, right, [0, 3, 6, 8]) == ""
    assert decode._difference(9, wrong, 9, right, [0, 3, 6, 8]) == "frames 6 look otherwise by decord"
    assert decode._difference(9, right[:, ::2], 9, right, [0, 3, 6, 8]).startswith("frames 0, 3, 6, 8 look")
    assert decode._difference(10, right, 9, right, [0, 3, 6, 8]) == "10 frames, decord reads 9"


def test_a_file_that_two_readers_show_differently_is_named():
    results = {"/a": Decoded(9, ((8, 8),), "x", ""), "/d": VideoError("/d", "it is damaged"),
               "/b": Decoded(9, ((8, 8),), "y", "frames 3 look otherwise by decord"),
               "/e": Decoded(9, ((8, 8),))}  # fmt: skip
    warning, info = decode.readers(results, str)
    assert (warning.level, warning.items) == ("warning", ("/b: frames 3 look otherwise by decord",))
    assert "1 of 2 agree" in info.what
    assert list(decode.readers({"/e": results["/e"]}, str)) == []


@pytest.mark.slow
def test_what_no_list_names_is_counted_by_its_ending(films):
    names = ("f/5.vob", "f/6.gif", "f/7.rm", "f/8", "g/inner/1.png", "g/inner/2.png", "notes.txt", ".hidden")
    for name in names:
        (films / name).parent.mkdir(parents=True, exist_ok=True)
        (films / name).write_bytes(b"x")
    videos, others = [finding for finding in found(films) if "left out" in finding.what]
    assert "3 videos that are in no list (.vob 1, .gif 1, folders of images 1)" in videos.what
    assert videos.items == ("f/5.vob", "f/6.gif", "g/inner/")
    assert "4 other files (.txt 2, .rm 1, without an ending 1)" in others.what
    assert others.items == ("f/7.rm", "f/8", "list.txt", "notes.txt")


def test_nothing_is_left_out_of_a_root_in_whatever_way_it_is_written(films, monkeypatch):
    monkeypatch.chdir(films)
    names = {str(path.relative_to(films)) for path in (films / "f").iterdir()}
    for root in (films, Path(), Path("f/..")):
        assert sorted(left_out(root, {f"{root}/{name}" for name in names})) == ["list.txt"]
    for frames in ("a.png", "b.png", "c.txt"):
        (films / frames).touch()
    assert sorted(left_out(films, {str(films)})) == ["c.txt", *sorted(names), "list.txt"]


def test_only_whole_frames_in_most_videos_count(tmp_path):
    def seen(size):
        folder = tmp_path / f"{size[0]}x{size[1]}"
        folder.mkdir()
        Image.new("RGB", size).save(folder / "1.png")
        return look(str(folder), str(tmp_path))

    square, wide, tall, nearly = map(seen, [(48, 48), (64, 48), (48, 64), (63, 48)])
    assert [f.items for f in tree.uncropped([square, wide, tall], str)] == [(wide.path, tall.path)]
    assert list(tree.uncropped([square, wide], str)) == []
    assert list(tree.uncropped([square, nearly, nearly], str)) == []


def test_leftovers_of_other_systems_are_no_frames(copy):
    for name in ("._001.png", "Thumbs.db", "n_frames", ".DS_Store"):
        (video(copy) / name).write_bytes(b"\0" * 300)
    (video(copy) / "sub.png").mkdir()
    assert by_level(found(copy), "error", "warning") == []
    assert look(str(video(copy)), str(copy)).frames == 17


def test_a_folder_may_be_closed(copy):
    if os.geteuid() == 0:
        pytest.skip("root may read everywhere")
    video(copy).chmod(0)
    (error,) = by_level(found(copy), "error")
    assert "cannot be listed" in error.what


def test_part_of_the_folds_says_nothing_about_all(copy):
    text = (copy / "list.txt").read_text().splitlines()
    (copy / "list.txt").write_text("\n".join(line for line in text if not line.startswith("2 test v21")))
    assert any("in the test part of no fold" in f.what for f in found(copy))
    assert by_level(found(copy, folds=(1,)), "error") == []


def test_forty_thousand_lines_are_checked():
    """A check that compares all pairs would take many minutes here."""
    rows = [(f"v{i}", i % 2) for i in range(40_000)]
    parts = [part(1, "train", *rows[:20_000]), part(1, "test", *rows[20_000:])]
    found = [finding.what for check in LIST_CHECKS.values() for finding in check(parts)]
    assert found == ["videos in the test part of no fold"]


def run(in_process, *arguments, **more):
    return in_process("--plugin", LISTED, "data", "verify", *arguments, **more)


def test_the_command_on_a_clean_copy(in_process, clean):
    done = run(in_process, "listed", "--root", clean, check=0)
    assert done.stdout.splitlines()[-1] == f"listed in {clean}: errors: 0, warnings: 0"
    assert "looking at files: 12/12" in done.stderr and "looking" not in done.stdout


def test_errors_come_first_with_items_and_next_step(in_process, copy):
    for folder in sorted((copy / "videos").iterdir())[:7]:
        shutil.rmtree(folder)
    done = run(in_process, "listed(strange=true)", "--root", copy, check=4)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("error    videos that are missing")
    assert lines[1].strip().startswith("7: videos/v") and lines[1].endswith("; and 2 more")
    assert lines[1].count("videos/v") == 5
    assert "Complete the copy" in lines[2]
    levels = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert levels == sorted(levels, key=["error", "warning", "info"].index)
    assert done.stderr.splitlines()[-2].endswith("errors: 1, warnings: 1")


def test_names_that_are_no_text_are_shown(in_process, copy):
    name = os.fsdecode(b"\xff\x1b[31m")
    video(copy).rename(copy / "videos" / name)
    text = (copy / "list.txt").read_text().replace("videos/v10000", f"videos/{name}")
    (copy / "list.txt").write_bytes(os.fsencode(text))
    (copy / "videos" / name / "005.png").write_bytes(b"")
    done = run(in_process, "listed", "--root", copy, check=0)
    assert r"videos/\udcff\u001b[31m/005.png" in done.stdout
    assert json.loads(run(in_process, "listed", "--root", copy, "--json", check=0).stdout)


def test_json_is_one_object_with_every_item(in_process, copy):
    for folder in sorted((copy / "videos").iterdir())[:7]:
        shutil.rmtree(folder)
    done = run(in_process, "listed", "--root", copy, "--fold", "2", "--json", check=4)
    told = json.loads(done.stdout)
    assert (told["dataset"], told["folds"], told["errors"], told["warnings"]) == ("listed", [2], 1, 0)
    assert told["findings"][0]["count"] == len(told["findings"][0]["items"]) == 7


def test_a_pack_is_verified_like_what_it_was_made_from(in_process, copy, tmp_path):
    one, other = video(copy, 0), video(copy, -1)
    shutil.rmtree(other)
    shutil.copytree(one, other)
    pack = ("--plugin", LISTED, "data", "pack", "listed", "--root", copy, "--output", tmp_path / "p")
    in_process(*pack, check=0)
    told = json.loads(run(in_process, "listed", "--root", tmp_path / "p", "--json", check=0).stdout)
    facts = "\n".join(f["what"] for f in told["findings"])
    assert "fold 1, train: 6 videos" in facts and "(12 of 12 looked at)" in facts
    deep = run(in_process, "listed", "--root", tmp_path / "p", "--deep", "--json", check=4)
    assert json.loads(deep.stdout)["findings"][0]["items"] == [f"{one.name} = {other.name}"]
    shutil.rmtree(one)
    stale = run(in_process, "listed", "--root", tmp_path / "p", check=4)
    assert "out of date" in stale.stdout.splitlines()[0]


def test_strict_lets_warnings_count(in_process, clean):
    run(in_process, "listed(strange=true)", "--root", clean, check=0)
    run(in_process, "listed(strange=true)", "--root", clean, "--strict", check=4)
    run(in_process, "listed", "--root", clean, "--strict", check=0)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["lsited"], 3, "no dataset named 'lsited'"),
        (["listed"], 4, "the root folder of listed is not known"),
        (["listed", "--root", "nowhere"], 4, "nowhere"),
        (["listed", "--root", "."], 4, "errors: 1"),
        (["listed", "--root", ".", "--fold", "3"], 3, "no fold of listed named '3'"),
        (["listed", "--root", ".", "--fold", "x"], 3, "--fold"),
        (["listed", "--root", ".", "--timeout", "0"], 2, "timeout"),
    ],
)
def test_bad_input_is_two_lines(in_process, arguments, code, message):
    done = run(in_process, *arguments, check=code)
    error, hint = done.stderr.splitlines()[-2:]
    assert error.startswith("error: ") and hint.startswith("hint: ") and message in error


@pytest.mark.slow
def test_the_toy_dataset_on_the_real_command_line(cli, toy_root):
    """Its folds use one id for several videos, its frames are not padded, and nothing else is wrong."""
    done = cli("--plugin", TOY, "data", "verify", "toy", "--root", toy_root, "--json", check=4)
    wrong = [f for f in json.loads(done.stdout)["findings"] if f["level"] != "info"]
    assert [f["what"] for f in wrong] == [
        "videos in the test parts of several folds",
        "videos in the test part of no fold",
        "ids that mean different files in different folds",
        "folders whose frames are out of order when sorted as text",
    ]
