"""Damaged videos, drawn from seeds: every command has the same idea of which of them can be read."""

import json
import random

import numpy as np
import pytest
from fuzzing import BYTES
from media import KINDS, encode, remux

from dferbench.data.decoders import choose_decoder, stream
from dferbench.data.packs.encode import encode_video
from dferbench.data.verify.decode import decode
from dferbench.errors import VideoError

NAMES = ("index-first.mp4", "odd-size.mkv", "transport.ts", "mpeg4-b-frames.avi", "vp9.webm", "h264.flv")
CODECS = {
    "index-first.mp4": (b"avc1", b"xxxx"), "odd-size.mkv": (b"V_MPEG4/ISO/AVC", b"V_MPEG9/ISO/XYZ"),
    "mpeg4-b-frames.avi": (b"FMP4", b"xxxx"), "vp9.webm": (b"V_VP9", b"V_XYZ"),
}  # fmt: skip
"""How a file says its codec, and what none is called."""
FEW, MANY = 30, 300
"""Mutants of each video."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a good video of each format, twelve frames long."""
    folder = tmp_path_factory.mktemp("whole")
    for name in ("h264-b-frames.mp4", *NAMES[1:]):
        encode(folder / name, **{**KINDS[name], "count": 12})
    remux(folder / "h264-b-frames.mp4", folder / "index-first.mp4", options={"movflags": "faststart"})
    return {name: (folder / name).read_bytes() for name in NAMES}


def mutant(data, name, number):
    rng = random.Random(f"{name} {number}")
    return rng.choice(BYTES)(data, rng)


def all_frames(path):
    return list(choose_decoder().read(path, range)[0])


def first_frame(path):
    return choose_decoder().read(path, lambda count: [0])[0][0]


def streamed(path):
    return [frame.image() for frame in stream(path)]


WAYS = {
    "a run": all_frames,
    "a run that wants one frame": first_frame,
    "predict --window, faces": streamed,
    "pack": lambda path: encode_video(path, 95),
    "verify": lambda path: decode(path, False),
    "verify --deep": lambda path: decode(path, True),
}
"""What the commands do with a file."""


def outcome(read, path):
    try:
        return read(path)
    except VideoError as error:
        assert error.path == path and error.reason and error.hint
        return None


def check(folder, name, data):
    """Every way reads the file, or none; and those that give frames give the same."""
    path = folder / name
    path.write_bytes(data)
    found = {way: outcome(read, str(path)) for way, read in WAYS.items()}
    assert len({one is None for one in found.values()}) == 1, {k: v is None for k, v in found.items()}
    frames = found["a run"]
    if frames is not None:
        assert len(frames) == len(found["predict --window, faces"]) == found["verify"].frames
        for one, two in zip(frames, found["predict --window, faces"], strict=True):
            assert np.array_equal(one, two)
        assert np.array_equal(frames[0], found["a run that wants one frame"])
    return frames is not None


@pytest.mark.parametrize("name", NAMES)
def test_every_command_reads_a_damaged_video_or_none_does(whole, tmp_path, name):
    assert check(tmp_path, name, whole[name])
    read = [check(tmp_path, name, mutant(whole[name], name, number)) for number in range(FEW)]
    assert not all(read)


@pytest.mark.heavy
@pytest.mark.parametrize("name", NAMES)
def test_the_same_for_many_more(whole, tmp_path, name):
    for number in range(FEW, FEW + MANY):
        check(tmp_path, name, mutant(whole[name], name, number))


@pytest.mark.parametrize("name", CODECS)
def test_a_codec_that_nobody_knows_is_a_bad_file(whole, tmp_path, name):
    known, unknown = CODECS[name]
    data = whole[name].replace(known, unknown)
    assert data != whole[name] and not check(tmp_path, name, data)


@pytest.fixture
def folder(whole, tmp_path):
    """Two classes of eight good videos, and among them six that cannot be read; those by name."""
    bad = {
        "codec": whole["index-first.mp4"].replace(b"avc1", b"xxxx"),
        "codec-mkv": whole["odd-size.mkv"].replace(*CODECS["odd-size.mkv"]),
        "half": whole["index-first.mp4"][:2500],
        "text": b"no video at all\n" * 99,
        "empty": b"",
        "playlist": b"#EXTM3U\n/etc/passwd\n",
    }
    for label, names in {"a": list(bad)[:3], "b": list(bad)[3:]}.items():
        (tmp_path / "videos" / label).mkdir(parents=True)
        for name in names:
            (tmp_path / "videos" / label / f"{name}.mp4").write_bytes(bad[name])
        for number in range(8):
            data = whole["index-first.mp4"]
            (tmp_path / "videos" / label / f"{number}.mp4").write_bytes(data)
    return {"a/codec", "a/codec-mkv", "a/half", "b/text", "b/empty", "b/playlist"}


@pytest.mark.heavy
def test_the_commands_themselves_agree(folder, in_process, tmp_path):
    """All of them name the same videos, and none calls one a bug."""

    def ids(paths):
        return {"/".join(path.split("/")[-2:]).removesuffix(".mp4") for path in paths}

    data = ("folder(path=videos, folds=2)",)
    verified = json.loads(in_process("data", "verify", *data, "--deep", "--json", check=4).stdout)
    wrong = [
        item
        for one in verified["findings"]
        if one["level"] == "error"
        for item in one["items"]
        if " = " not in item
    ]
    assert ids(item.split(": ")[0] for item in wrong) == folder
    pack = ("data", "pack", *data, "-o", "P", "-j", 1, "--skip-bad", "--json", "-q")
    assert ids(json.loads(in_process(*pack, check=0).stdout)["bad"]) == folder
    faces = ("data", "faces", "videos", "-o", "F", "--finder", "center", "-j", 1, "--json", "-q")
    cropped = in_process(*faces, check=5)
    failed = [name for name, one in json.loads(cropped.stdout)["videos"].items() if one["status"] == "failed"]
    assert ids(failed) == folder
    run = ("run", "-m", "linear-probe", "--set", "backbone=clip-tiny", "-d", *data, "-o", "runs", "-j", 0)
    run += ("--fold", 2)  # whose test part has the bad ones
    small = ("--epochs", 1, "--set", "stage.batch=4", "--set", "input.frames=4", "--device", "cpu", "-q")
    assert "Traceback" not in in_process(*run, *small, check=4).stderr
    in_process(*run, *small, "--skip-bad", check=0)
    (record,) = (tmp_path / "runs").rglob("record.json")
    assert ids(json.loads(record.read_text())["skipped"]) == folder
    (checkpoint,) = (tmp_path / "runs").rglob("checkpoint.safetensors")
    predict = ("predict", "videos", "-c", checkpoint, "--json", "-q", "--device", "cpu")
    for more in ((), ("--window", 4)):
        said = json.loads(in_process(*predict, *more, check=5).stdout)
        assert ids(one["video"] for one in said["failed"]) == folder and len(said["videos"]) == 16
    words = ("evaluate", "-c", checkpoint, "-d", *data, "-o", "E", "-j", 0, "-q", "--device", "cpu")
    assert "Traceback" not in in_process(*words, check=4).stderr
    in_process(*words, "--skip-bad", check=0)
