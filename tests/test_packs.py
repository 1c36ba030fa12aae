"""Packs: the frames, labels and results of the source; resumable, and never out of date unnoticed."""

import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import TOY
from inputs import make_loader
from media import cut, encode, encode_kind, frame_folder, numbers
from PIL import Image

from dferbench.cli import _run
from dferbench.data.decoders import choose_decoder
from dferbench.data.decoders.pack import FILE, forget, packed_path, read_value, write_value
from dferbench.data.packs import store as stores
from dferbench.data.packs.dataset import dataset_at
from dferbench.data.packs.index import is_pack, read_index
from dferbench.data.packs.write import PackJob, pack
from dferbench.errors import ConfigError, DataError, DferbenchError, VideoError
from dferbench.experiment import record
from dferbench.progress import Progress
from dferbench.registry.catalog import discover
from dferbench.registry.datasets import make_dataset
from dferbench.types import Input

SHADES = """
from pathlib import Path
from dferbench import Dataset, Video, hookimpl

class Shades(Dataset):
    "What lies in <root>/<split>/<class>/, files or folders; `tail` counts videos left out of training."
    classes = ("dark", "light")

    def __init__(self, tail: int = 0) -> None:
        self.tail = tail

    def videos(self, root, fold, split):
        found = sorted(p for p in (Path(root) / split).glob("*/*"))
        found = found[: len(found) - self.tail] if split == "train" else found
        return [
            Video(p.stem, str(p), self.classes.index(p.parent.name), {"caption": f"a {p.parent.name} face"})
            for p in found
        ]

    def notes(self, root):
        return {"variant": "shades", "caveats": ["own folds"]}

@hookimpl
def register_datasets(register):
    register("shades", Shades)
"""


class Said(Progress):
    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    path = tmp_path_factory.mktemp("plugin") / "shades.py"
    path.write_text(SHADES)
    return path


@pytest.fixture(scope="module")
def catalog(plugin):
    return discover([plugin, TOY])


@pytest.fixture
def packed(catalog, tmp_path):
    """Pack a dataset in this process; gives the index and what was said."""

    def go(root, text="shades", output=tmp_path / "pack", **options):
        said = Said()
        job = PackJob(make_dataset(text, catalog), Path(root), Path(output), **{"workers": 0, **options})
        return pack(job, said), said.lines

    return go


@pytest.fixture
def inside(plugin, tmp_path, monkeypatch, capfd):
    """The command line in this process, with both plugins, in an empty folder; gives (stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, check=0):
        capfd.readouterr()
        code = _run(["--plugin", str(plugin), "--plugin", str(TOY), *map(str, arguments)])
        out, errors = capfd.readouterr()
        assert code == check, errors
        assert "Traceback" not in errors
        return out, errors

    yield run
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@pytest.fixture
def frames_root(tmp_path):
    """JPEG and PNG frames, odd and mixed sizes, grey and long videos."""
    root = tmp_path / "frames"
    frame_folder(root / "train/dark/a", [f"{i}.jpg" for i in range(30)])
    frame_folder(root / "train/light/b", [f"{i}.png" for i in range(3)], size=(101, 75))
    mixed = frame_folder(root / "train/dark/c", ["1.jpg", "2.jpg", "10.jpg"])
    frame_folder(mixed, ["3.jpg"], size=(120, 90))
    Image.open(mixed / "2.jpg").convert("L").save(mixed / "2.jpg")
    frame_folder(root / "test/light/d", [f"{i}.jpg" for i in range(20)])
    frame_folder(root / "test/dark/e", ["only.jpg"])
    return root


@pytest.fixture
def files_root(tmp_path):
    root = tmp_path / "files"
    for split, kind, name in (
        ("train", "dark", "a"),
        ("train", "light", "b"),
        ("test", "dark", "c"),
        ("test", "light", "d"),
    ):
        (root / split / kind).mkdir(parents=True, exist_ok=True)
        encode(root / split / kind / f"{name}.mp4", count=24)
    return root


def videos_of(catalog, root, text="shades"):
    dataset = dataset_at(make_dataset(text, catalog), Path(root))
    dataset.prepare(Path(root), Progress())
    return [v for split in ("train", "test") for v in dataset.videos(Path(root), 1, split)]


def pixels(video, choose=range):
    frames, _ = choose_decoder().read(video.path, choose)
    return list(frames)


def same_frames(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def through_jpeg(frame, quality):
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(file))


# --- frames ------------------------------------------------------------------------------------------------


def test_every_frame_is_that_of_the_folder(catalog, packed, frames_root, tmp_path):
    index, _ = packed(frames_root)
    source, copy = videos_of(catalog, frames_root), videos_of(catalog, tmp_path / "pack")
    assert [(v.id, v.label, v.info) for v in copy] == [(v.id, v.label, v.info) for v in source]
    assert copy[0].info == {"caption": "a dark face"}
    rng = np.random.default_rng(0)
    for before, after in zip(source, copy, strict=True):
        assert same_frames(pixels(after), pixels(before))
        count = len(pixels(before))
        wanted = rng.integers(count, size=16).tolist()
        assert same_frames(pixels(after, wanted), pixels(before, wanted))
        assert index.videos[Path(before.path).relative_to(frames_root).as_posix()].frames == count
        with pytest.raises(IndexError, match=str(count)):
            pixels(after, [count])
    assert numbers(pixels(copy[0], [29, 0, 29])) == [29, 0, 29]
    assert not index.reencoded


def test_frames_are_the_files_bytes_and_only_those_chosen_are_looked_at(
    packed, frames_root, tmp_path, catalog
):
    packed(frames_root)
    data = bytearray((tmp_path / "pack" / FILE).read_bytes())
    folder = frames_root / "train/dark/a"
    assert all((folder / f"{i}.jpg").read_bytes() in data for i in range(30))
    at = data.index((folder / "7.jpg").read_bytes()) + 300
    data[at] ^= 1
    (tmp_path / "pack" / FILE).write_bytes(data)
    video = videos_of(catalog, tmp_path / "pack")[0]
    others = [i for i in range(30) if i != 7]
    assert numbers(pixels(video, others)) == others
    with pytest.raises(VideoError, match=r"number 7 cannot be read.*damaged"):
        pixels(video, [0, 7])


def test_the_frames_of_video_files_are_jpeg_of_the_stated_quality(catalog, packed, files_root, tmp_path):
    encode_kind(files_root / "train/dark", "odd-size.mkv")
    encode_kind(files_root / "train/dark", "h264-open-gop.mp4")
    index, _ = packed(files_root)
    assert index.reencoded == "frames of video files as JPEG, quality 95, 4:2:0"
    for before, after in zip(
        videos_of(catalog, files_root), videos_of(catalog, tmp_path / "pack"), strict=True
    ):
        old, new = pixels(before), pixels(after)
        assert numbers(new) == numbers(old) == list(range(len(old)))
        assert same_frames(new, [through_jpeg(frame, 95) for frame in old])
    _, said = packed(files_root)
    assert said[0] == "6 of 6 videos were packed before"
    size = (tmp_path / "pack" / FILE).stat().st_size
    index, said = packed(files_root, quality=30)
    assert said == []
    assert "quality 30" in index.reencoded
    packed(files_root, output=tmp_path / "small", quality=30)
    assert (tmp_path / "small" / FILE).stat().st_size < 0.6 * size


def test_a_value_holds_what_was_written_and_says_if_it_does_not():
    rng, caveat = np.random.default_rng(0), "ab" * 32
    images = [rng.bytes(int(n)) for n in rng.integers(1, 400, 30)]
    data = write_value(images, caveat)
    value = read_value(memoryview(data))
    assert (value.frames, value.fingerprint) == (30, caveat)
    assert [value.image(i) for i in range(30)] == images
    for end in range(0, len(data), 97):
        with pytest.raises(ValueError, match="damaged"):
            read_value(memoryview(data[:end]))
    noticed = 0
    for _ in range(300):
        spoiled = bytearray(data)
        spoiled[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
        try:
            value = read_value(memoryview(spoiled))
            assert [value.image(i) for i in range(30)] == images
            noticed += value.fingerprint != caveat
        except ValueError:
            noticed += 1
    assert noticed == 300


# --- results -----------------------------------------------------------------------------------------------


def test_a_run_from_a_pack_gives_the_same_bits(inside, toy_root, tmp_path):
    def run(root, output, workers):
        inside("run", "-m", "toy-net", "-d", "toy", "--root", root, "-o", output, "--workers", workers)
        (path,) = record.find(tmp_path / output)
        return record.read(path), (path.parent / "predictions.npz").read_bytes()

    said, _ = inside("data", "pack", "toy", "--root", toy_root, "--output", "P")
    assert said == "P: 54 videos of toy, 594 frames\n"
    folder, expected = run(toy_root, "a", workers=0)
    pack, found = run("P", "b", workers=2)
    assert found == expected
    assert (pack.data, pack.config_id, pack.confusion) == (folder.data, folder.config_id, folder.confusion)
    assert pack.decoders == {"pack": folder.decoders["folder"]}
    assert (folder.dataset_notes, pack.dataset_notes) == ({}, {"pack": "source unchanged"})
    assert pack.caveats == folder.caveats


def test_a_pack_serves_as_root_from_the_environment_and_the_configuration(
    inside, frames_root, tmp_path, monkeypatch
):
    inside("data", "pack", "shades", "--root", frames_root, "-o", "P", "-q", "-j", 0)
    run = ("run", "-m", "toy-net", "-d", "shades", "--epochs", 0, "--workers", 0)
    monkeypatch.setenv("DFERBENCH_HOME", str(tmp_path / "home"))
    with monkeypatch.context() as inner:
        inner.setenv("DFERBENCH_ROOT_SHADES", str(tmp_path / "P"))
        inside(*run, "-o", "a")
    inside(*run, "-o", "b", check=4)
    inside("data", "link", "shades", "P")
    inside(*run, "-o", "b")
    for output in "ab":
        (path,) = record.find(tmp_path / output)
        one = record.read(path)
        assert one.decoders == {"pack": 2}
        assert one.dataset_notes == {
            "variant": "shades",
            "caveats": ["own folds"],
            "pack": "source unchanged",
        }


def test_results_on_encoded_frames_are_marked_and_not_mixed_with_others(
    toy_run, catalog, files_root, tmp_path
):
    root = tmp_path / "toy"
    for fold in (1, 2):
        for split, source in (("train", "train/dark/a"), ("test", "test/dark/c")):
            for kind in ("brightens", "darkens", "stays"):
                (root / f"fold{fold}/{split}/{kind}").mkdir(parents=True)
                shutil.copy(
                    files_root / f"{source}.mp4", root / f"fold{fold}/{split}/{kind}/{fold}{split}{kind}.mp4"
                )
    pack(PackJob(make_dataset("toy", catalog), root, tmp_path / "P", workers=0), Progress())
    (plain,), _ = toy_run(root=root)
    assert "re-encoded" not in plain.caveats
    with pytest.raises(ConfigError, match="re-encoded"):
        toy_run(root=tmp_path / "P")
    (again,), _ = toy_run(root=tmp_path / "P", output=tmp_path / "others")
    assert "re-encoded" in again.caveats
    assert again.dataset_notes["re-encoded"] == "frames of video files as JPEG, quality 95, 4:2:0"
    assert again.data == plain.data


def test_a_drawn_release_stays_one(packed, frames_root, catalog, tmp_path):
    assert not packed(frames_root)[0].made
    (frames_root / "MADE-BY-DFERBENCH.txt").write_text("drawn")
    assert packed(frames_root, output=tmp_path / "drawn")[0].made
    assert dataset_at(make_dataset("shades", catalog), tmp_path / "drawn").synthetic


# --- going on, and going stale -----------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from contextlib import contextmanager
from pathlib import Path
from dferbench.registry.catalog import discover
from dferbench.cli import _run
from dferbench.data.packs import store
from dferbench.data.packs.write import PackJob, pack
from dferbench.registry.datasets import make_dataset
from dferbench.progress import Bar, Progress

store.BATCH = 1

class Deadly(Progress, Bar):
    done = 0
    @contextmanager
    def bar(self, what, total, unit="videos"):
        yield self
    def advance(self, steps=1, **facts):
        self.done += steps
        if self.done == 20:
            os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    toy, root, output = sys.argv[1:]
    pack(PackJob(make_dataset("toy", discover([Path(toy)])), Path(root), Path(output)), Deadly())
"""


def test_a_killed_pack_goes_on(packed, toy_root, tmp_path, catalog):
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    done = subprocess.run(
        [sys.executable, script, TOY, toy_root, tmp_path / "pack"], capture_output=True, timeout=60
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    with pytest.raises(DataError, match="never finished"):
        dataset_at(make_dataset("toy", catalog), tmp_path / "pack")
    index, said = packed(toy_root, "toy")
    assert said == ["19 of 54 videos were packed before"]
    whole, _ = packed(toy_root, "toy", output=tmp_path / "whole")
    assert index == whole
    for name in index.videos:
        copies = [packed_path(tmp_path / place, name) for place in ("pack", "whole")]
        assert np.array_equal(*(choose_decoder().read(path, range(11))[0] for path in copies))


def touch(root):
    (root / "train/dark/a/3.jpg").write_bytes((root / "train/dark/a/4.jpg").read_bytes())
    return "train/dark/a has changed"


def same_size_later(root):
    at = root / "train/dark/a/3.jpg"
    os.utime(at, ns=(at.stat().st_atime_ns, at.stat().st_mtime_ns + 10**9))
    return "train/dark/a has changed"


def add_frame(root):
    shutil.copy(root / "test/light/d/3.jpg", root / "test/light/d/3b.jpg")
    return "test/light/d has changed"


def remove_video(root):
    shutil.rmtree(root / "test/dark/e")
    return "test/dark/e has changed"


def add_video(root):
    shutil.copytree(root / "train/dark/a", root / "train/dark/z")
    return "fold 1, train: '[bz]' is listed otherwise"


@pytest.mark.parametrize("change", [touch, same_size_later, add_frame, remove_video, add_video])
def test_a_stale_pack_is_an_error_that_names_the_video(packed, catalog, frames_root, tmp_path, change):
    packed(frames_root)
    assert videos_of(catalog, tmp_path / "pack")
    expected = change(frames_root)
    with pytest.raises(DataError, match=expected):
        videos_of(catalog, tmp_path / "pack")
    _, said = packed(frames_root)
    left = {"remove_video": "4 of 4", "add_video": "5 of 6"}.get(change.__name__, "4 of 5")
    assert said == [f"{left} videos were packed before"]
    assert videos_of(catalog, tmp_path / "pack")


def test_a_stale_pack_says_how_to_fix_it(inside, frames_root):
    inside("data", "pack", "shades(tail=1)", "--root", frames_root, "--output", "the pack", "-q", "-j", 0)
    run = ("run", "-m", "toy-net", "-d", "shades(tail=1)", "--root", "the pack", "--epochs", 0, "-j", 0)
    inside(*run)
    touch(frames_root)
    _, errors = inside(*run, check=4)
    hint = errors.strip().splitlines()[-1]
    command = shlex.split(hint.removeprefix("hint: Pack again: dferbench "))
    inside(*command)
    inside(*run)


def test_what_does_not_matter_makes_no_pack_stale(packed, frames_root, catalog, tmp_path):
    packed(frames_root)
    (frames_root / "train/dark/a/Thumbs.db").write_bytes(b"x")
    (frames_root / "notes.txt").write_text("x")
    assert videos_of(catalog, tmp_path / "pack")


@pytest.mark.parametrize("gone", ["moved", "emptied"])
def test_a_pack_works_without_its_source_and_says_so(packed, frames_root, catalog, tmp_path, gone):
    packed(frames_root)
    frames_root.rename(tmp_path / "elsewhere")
    if gone == "emptied":  # as the place of a disk that is not mounted
        frames_root.mkdir()
    dataset = dataset_at(make_dataset("shades", catalog), tmp_path / "pack")
    assert dataset.notes(tmp_path / "pack")["pack"] == "not checked"
    dataset.prepare(tmp_path / "pack", Progress())
    assert dataset.notes(tmp_path / "pack")["pack"] == "source not available"
    assert len(videos_of(catalog, tmp_path / "pack")) == 5


def test_a_pack_may_be_moved(packed, frames_root, catalog, tmp_path):
    packed(frames_root)
    (tmp_path / "pack").rename(tmp_path / "it is :: here")
    videos = videos_of(catalog, tmp_path / "it is :: here")
    assert numbers(pixels(videos[0], [3])) == [3]


def test_videos_that_are_listed_no_more_leave_the_file(packed, frames_root, tmp_path):
    packed(frames_root)
    shutil.rmtree(frames_root / "train/dark/a")
    index, _ = packed(frames_root)
    assert sorted(index.videos) == ["test/dark/e", "test/light/d", "train/dark/c", "train/light/b"]
    with pytest.raises(VideoError, match="does not hold it"):
        choose_decoder().read(packed_path(tmp_path / "pack", "train/dark/a"), [0])


# --- what does not fit -------------------------------------------------------------------------------------


def test_a_pack_of_another_dataset_or_with_other_options_is_refused(packed, frames_root, catalog, tmp_path):
    packed(frames_root, "shades(tail=1)")
    at = tmp_path / "pack"
    assert len(videos_of(catalog, at, "shades(tail=1)")) == 4
    with pytest.raises(ConfigError, match=r"a pack of shades\(tail=1\), made with other options"):
        dataset_at(make_dataset("shades", catalog), at)
    with pytest.raises(ConfigError, match="a pack of shades, not of toy") as caught:
        dataset_at(make_dataset("toy", catalog), at)
    assert "shades(tail=1)" in caught.value.hint
    for other in ("shades", "toy"):
        with pytest.raises(ConfigError, match=r"a pack of shades\(tail=1\)"):
            packed(frames_root, other)
    (at / "pack.json").rename(tmp_path / "pack.json")
    with pytest.raises(ConfigError, match="begun for shades, or with other options"):
        packed(frames_root, "shades")
    (tmp_path / "pack.json").rename(at / "pack.json")
    assert read_index(at).options == {"tail": 1}


def test_places_that_will_not_do(packed, frames_root, tmp_path):
    packed(frames_root)
    with pytest.raises(ConfigError, match="is a pack already"):
        packed(tmp_path / "pack", output=tmp_path / "twice")
    with pytest.raises(ConfigError, match="not empty"):
        packed(frames_root, output=frames_root)
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="not a folder"):
        packed(frames_root, output=tmp_path / "file")
    with pytest.raises(DferbenchError, match="cannot be written"):
        packed(frames_root, output=tmp_path / "file" / "below")


def test_a_bad_video_is_named_and_everything_else_is_packed(inside, files_root, tmp_path):
    cut(files_root / "train/dark/a.mp4", files_root / "train/dark/a.mp4", 0.5)
    frame_folder(files_root / "train/dark/empty", [])
    make = ("data", "pack", "shades", "--root", files_root, "--output", "P", "-j", 1)
    _, errors = inside(*make, check=4)
    error, hint = errors.strip().splitlines()[-2:]
    assert (
        "2 of 5 videos cannot be packed; the first is train/dark/a.mp4: it cannot be read as a video" in error
    )
    assert "--skip-bad" in hint
    assert "not packed: train/dark/empty: the folder holds no images" in errors
    run = ("run", "-m", "toy-net", "-d", "shades", "--root", "P", "--epochs", 1, "-o", "a", "-j", 0)
    assert "never finished" in inside(*run, check=4)[1]
    out, errors = inside(*make, "--skip-bad", "--json")
    assert "3 of 5 videos were packed before" in errors
    assert json.loads(out)["bad"] == ["train/dark/a.mp4", "train/dark/empty"]
    assert "the pack does not hold it" in inside(*run, check=4)[1]
    inside(*run, "--skip-bad")
    (path,) = record.find(tmp_path / "a")
    assert record.read(path).skipped == ["a", "empty"]
    encode(files_root / "train/dark/a.mp4", count=24)
    assert "train/dark/a.mp4 has changed" in inside(*run, "--force", check=4)[1]


def test_names_that_cannot_be_written_down(packed, frames_root):
    (frames_root / "train/dark/a").rename(frames_root / "train/dark" / os.fsdecode(b"\xff\xfe"))
    with pytest.raises(DataError, match="JSON"):
        packed(frames_root)


# --- damage ------------------------------------------------------------------------------------------------

READ_ALL = """
import sys
import numpy as np
from dferbench.data.decoders import choose_decoder
from dferbench.data.decoders.pack import forget, packed_path
from dferbench.errors import VideoError
from pathlib import Path

pack, names = Path(sys.argv[1]), sys.argv[2:]
whole = (pack / "frames.mdb").read_bytes()
expected = [choose_decoder().read(packed_path(pack, n), range)[0] for n in names]
rng, good, bad = np.random.default_rng(int(names.pop(0)) if names[0].isdigit() else 0), 0, 0

def attempt(data):
    global good, bad
    forget(f"{pack}/frames.mdb")
    (pack / "frames.mdb").unlink()
    (pack / "frames.mdb").write_bytes(data)
    for name, frames in zip(names, expected):
        try:
            found, _ = choose_decoder().read(packed_path(pack, name), range)
            assert all(np.array_equal(a, b) for a, b in zip(found, frames, strict=True))
            good += 1
        except VideoError as error:
            assert len(str(error).splitlines()) == 1
            bad += 1

for size in [0, 1, 100, 4096, 8192, *rng.integers(0, len(whole), 30).tolist(), len(whole) - 1]:
    attempt(whole[:size])
attempt(b"no database at all" * 1000)
for start in rng.integers(0, len(whole), 20).tolist():
    attempt(whole[:start] + bytes(min(5000, len(whole) - start)) + whole[start + 5000 :])
for _ in range(150):
    data = bytearray(whole)
    for place in rng.integers(0, len(whole), 3):
        data[place] ^= 1 << int(rng.integers(8))
    attempt(bytes(data))
print(good, bad)
"""


def test_a_damaged_pack_gives_errors_and_no_wrong_frame_and_no_crash(packed, frames_root, tmp_path):
    index, _ = packed(frames_root)
    command = [sys.executable, "-c", READ_ALL, tmp_path / "pack", *index.videos]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    good, bad = map(int, done.stdout.split())
    assert good > 100
    assert bad > 100


def test_a_pack_that_is_made_anew_elsewhere_is_read_anew(packed, frames_root, catalog, tmp_path):
    packed(frames_root)
    video = videos_of(catalog, tmp_path / "pack")[0]
    before = pixels(video)
    for image in (frames_root / "train/dark/a").iterdir():
        Image.new("L", (8, 8), 9).save(image)
    packed(frames_root, output=tmp_path / "anew")
    (tmp_path / "anew" / FILE).replace(tmp_path / "pack" / FILE)
    assert not same_frames(pixels(video), before)
    assert pixels(video)[0].max() == 9


def test_a_removed_pack_is_in_nobodys_way(packed, frames_root, catalog, tmp_path):
    """LMDB knows open files by their numbers, and a system gives those of removed files to others."""
    packed(frames_root, output=tmp_path / "first")
    pixels(videos_of(catalog, tmp_path / "first")[0])
    (tmp_path / "pack").mkdir()
    lock = (tmp_path / "first" / f"{FILE}-lock").replace(tmp_path / "pack" / FILE)
    lock.write_bytes(b"")
    shutil.rmtree(tmp_path / "first")
    assert packed(frames_root)[0].videos


def test_a_missing_or_damaged_pack_is_named(packed, frames_root, catalog, tmp_path):
    packed(frames_root)
    (video, *_) = videos_of(catalog, tmp_path / "pack")
    forget(f"{tmp_path}/pack/{FILE}")
    (tmp_path / "pack" / FILE).unlink()
    with pytest.raises(VideoError, match="pack cannot be read"):
        pixels(video)
    (tmp_path / "pack" / "pack.json").write_text("{}")
    with pytest.raises(DataError, match=r"pack\.json is damaged"):
        dataset_at(make_dataset("shades", catalog), tmp_path / "pack")
    (tmp_path / "pack" / "pack.json").unlink()
    assert not is_pack(tmp_path / "pack")


def test_a_pack_of_another_version_is_refused(packed, frames_root, tmp_path):
    packed(frames_root)
    at = tmp_path / "pack" / "pack.json"
    at.write_text(at.read_text().replace('"schema":1', '"schema":9'))
    with pytest.raises(ConfigError, match="schema 9"):
        read_index(tmp_path / "pack")


# --- the file ----------------------------------------------------------------------------------------------


def test_the_file_grows_as_it_must(tmp_path, monkeypatch):
    monkeypatch.setattr(stores, "BATCH", 20_000)
    rng, caveat = np.random.default_rng(0), "00" * 32
    images = {f"v{i}": [rng.bytes(9_000) for _ in range(5)] for i in range(40)}
    with stores.PackStore(tmp_path, "toy x") as store:
        for name, frames in images.items():
            store.put(name, write_value(frames, caveat))
    with stores.PackStore(tmp_path, "toy x") as store:
        for name, frames in images.items():
            with store.value(name) as value:
                assert [value.image(i) for i in range(5)] == frames


@pytest.mark.slow
def test_no_more_space_is_said_and_what_was_written_stays(toy_root, packed, tmp_path, cli):
    def small_files():
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    command = ("--plugin", TOY, "data", "pack", "toy", "--root", toy_root, "-o", tmp_path / "pack", "-q")
    full = cli(*command, check=1, preexec_fn=small_files)
    assert "cannot be written" in full.stderr
    assert "Traceback" not in full.stderr
    assert packed(toy_root, "toy")[0].videos


@pytest.mark.slow
def test_workers_open_the_pack_themselves(packed, frames_root, catalog, tmp_path):
    """Also where this process had it open before they were forked."""
    packed(frames_root)
    videos = videos_of(catalog, tmp_path / "pack")
    input = Input(frames=8, size=48, augment="random-sized-crop | flip")

    def batches(workers, start=None):
        loader = make_loader(videos, input, 48, training=True, seed=0, workers=workers, start=start)
        try:
            return [b.frames for b in loader.batches(range(5), 2)]
        finally:
            loader.close()

    alone = batches(0)
    for found in (batches(2, "fork"), batches(1, "spawn"), batches(0)):
        assert all((a == b).all() for a, b in zip(alone, found, strict=True))


def test_asking_for_help_loads_nothing_heavy(tmp_path):
    code = (
        "import sys\nfrom dferbench.cli import _run\n_run(['data', 'pack', '--help'])\n"
        "heavy = {'torch', 'lmdb', 'pebble', 'cv2', 'av', 'simplejpeg'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=tmp_path)
