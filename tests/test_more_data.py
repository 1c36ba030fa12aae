"""AFEW, CREMA-D, RAVDESS and CAER: whole sets from names alone, drawn releases, known oddities."""

from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from inputs import make_loader

from dferbench.data.official import CLASSES, canonical
from dferbench.errors import ConfigError, DataError, UnknownName
from dferbench.places import MADE
from dferbench.progress import Progress
from dferbench.registry.catalog import discover
from dferbench.registry.datasets import make_dataset
from dferbench.types import Input

SEVEN = CLASSES[:7]
LAYOUTS = [
    ("afew", "clips"), ("afew", "faces"), ("caer", "release"), ("crema-d", "release"), ("crema-d", "faces"),
    ("ravdess", "release"), ("ravdess", "faces"),
]  # fmt: skip


@pytest.fixture(scope="module")
def make():
    catalog = discover()
    return lambda text: make_dataset(text, catalog).dataset


def touch(root, names):
    """Empty files: what a name says can be read without its content."""
    for name in names:
        path = Path(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return root


def tally(dataset, root, fold, split):
    found = Counter(video.label for video in dataset.videos(root, fold, split))
    return tuple(found[i] for i in range(len(dataset.classes)))


def levels(dataset, root):
    return Counter(finding.level for finding in dataset.findings(root))


def paint(label, seed, frames):
    """Stands in for drawn faces: the class is told by the grey."""
    return np.full((frames, 32, 32, 3), 20 + seed % 200, np.uint8)


# --- full size -------------------------------------------------------------------------------------------


def crema_d_names():
    """The 7,442 clips: 91 actors x 82, less 20 at the level XX: 13, 6 and 1 of the folds 1, 2 and 5."""
    sentences = ["IEO", "TIE", "IOM", "IWW", "TAI", "MTI", "IWL", "ITH", "DFA", "ITS", "TSI", "WSI"]
    codes = ("ANG", "DIS", "FEA", "HAP", "SAD", "NEU")
    names = {
        f"{1000 + actor}_{sentence}_{code}_{level}"
        for actor in range(1, 92)
        for sentence in sentences
        for code in codes
        for level in (["LO", "MD", "HI"] if sentence == "IEO" and code != "NEU" else ["XX"])
    }
    missing = [code for code in codes for _ in range(5 if code == "NEU" else 3)]
    actors = [*range(1, 14), *range(19, 25), 91]
    return names - {f"{1000 + a}_DFA_{code}_XX" for a, code in zip(actors, missing, strict=True)}


@pytest.fixture(scope="module")
def crema_d(tmp_path_factory):
    names = crema_d_names()
    assert len(names) == 7442
    return touch(tmp_path_factory.mktemp("crema-d"), (f"VideoFlash/{name}.flv" for name in names))


def test_crema_d_whole(make, crema_d):
    dataset = make("crema-d")
    assert dataset.classes == ("happiness", "sadness", "neutral", "anger", "disgust", "fear")
    tests = [dataset.videos(crema_d, fold, "test") for fold in dataset.folds]
    assert [len(test) for test in tests] == [1463, 1470, 1476, 1476, 1557]
    assert [len(dataset.videos(crema_d, f, "train")) for f in dataset.folds] == [5979, 5972, 5966, 5966, 5885]
    totals = Counter(dataset.classes[v.label] for test in tests for v in test)
    assert totals.pop("neutral") == 1087 and set(totals.values()) == {1271}
    for fold, (low, high) in enumerate(((1, 18), (19, 36), (37, 54), (55, 72), (73, 91)), 1):
        assert {int(v.id[:4]) - 1000 for v in tests[fold - 1]} == set(range(low, high + 1))
        assert not {v.id for v in tests[fold - 1]} & {v.id for v in dataset.videos(crema_d, fold, "train")}
    label = {v.id: dataset.classes[v.label] for test in tests for v in test}
    assert label["1001_IEO_HAP_HI"] == "happiness" and label["1091_TIE_NEU_XX"] == "neutral"
    assert dataset.notes(crema_d)["caveats"] == []
    warned = [f for f in dataset.findings(crema_d) if f.level != "info"]
    assert [(f.level, len(f.items)) for f in warned] == [("warning", 5)]  # the clips known to be broken
    assert "1076_MTI_SAD_XX" in warned[0].items


@pytest.mark.slow
def test_crema_d_less_and_otherwise_divided(make, crema_d, tmp_path):
    fewer = touch(tmp_path, (f"VideoFlash/{name}.flv" for name in sorted(crema_d_names())[:-1]))
    assert "partial data" in make("crema-d").notes(fewer)["caveats"]
    errors = [f.what for f in make("crema-d").findings(fewer) if f.level == "error"]
    assert len(errors) == 2 and all("in the release" in what for what in errors)
    ten = make("crema-d(folds=10)")
    assert ten.folds == tuple(range(1, 11)) and ten.notes(crema_d)["caveats"] == ["own split"]
    assert sum(len(ten.videos(crema_d, f, "test")) for f in ten.folds) == 7442
    for bad in (1, 92):
        with pytest.raises(ConfigError, match="folds cannot be"):
            make(f"crema-d(folds={bad})")


def ravdess_names(modality):
    return [
        f"Actor_{actor:02d}/{modality}-01-{code:02d}-{strength:02d}-{sentence:02d}-{take:02d}-{actor:02d}.mp4"
        for actor in range(1, 25)
        for code in range(1, 9)
        for strength in ((1,) if code == 1 else (1, 2))
        for sentence in (1, 2)
        for take in (1, 2)
    ]


@pytest.fixture(scope="module")
def ravdess(tmp_path_factory):
    names = [*ravdess_names("01"), *ravdess_names("02")]
    songs = [name.replace("-01-", "-02-", 1) for name in ravdess_names("02")[:100]]
    root = touch(tmp_path_factory.mktemp("ravdess"), [*names, *songs, "Actor_01/03-01-01-01-01-01-01.wav"])
    assert len(names) == 2880
    return root


@pytest.mark.parametrize("modality, code", [("auto", "02"), ("video", "02"), ("audio-video", "01")])
def test_ravdess_whole(make, ravdess, modality, code):
    """1,440 takes in one modality, never the same take on both sides; six folds of four actors."""
    dataset = make(f"ravdess(modality={modality})")
    assert dataset.classes == (*SEVEN, "calm") and dataset.folds == (1, 2, 3, 4, 5, 6)
    for fold in dataset.folds:
        train, test = (dataset.videos(ravdess, fold, split) for split in ("train", "test"))
        assert tally(dataset, ravdess, fold, "test") == (32, 32, 16, 32, 32, 32, 32, 32)
        assert tally(dataset, ravdess, fold, "train") == (160, 160, 80, 160, 160, 160, 160, 160)
        assert (len(train), len(test)) == (1200, 240)
        assert {v.id[:6] for v in (*train, *test)} == {f"{code}-01-"}
        assert {int(v.id[-2:]) for v in test} == set(range(4 * fold - 3, 4 * fold + 1))
        assert not {v.id[-2:] for v in test} & {v.id[-2:] for v in train}
    names = {v.id: dataset.classes[v.label] for v in dataset.videos(ravdess, 1, "test")}
    by_code = ["neutral", "calm", "happiness", "sadness", "anger", "fear", "disgust", "surprise"]
    assert [names[f"{code}-01-{i:02d}-01-01-01-01"] for i in range(1, 9)] == by_code
    assert levels(dataset, ravdess) == {"warning": 1, "info": 1}
    assert dataset.notes(ravdess)["variant"] == ("video" if code == "02" else "audio-video")


def test_ravdess_with_one_modality_and_other_folds(make, tmp_path):
    root = touch(tmp_path, ravdess_names("01"))
    assert levels(make("ravdess"), root) == {"info": 1}
    assert make("ravdess").notes(root)["variant"] == "audio-video"
    with pytest.raises(DataError, match="lacks takes named as 02-"):
        make("ravdess(modality=video)").videos(root, 1, "test")
    five = make("ravdess(folds=5)")
    assert [len(five.videos(root, f, "test")) for f in five.folds] == [240, 300, 300, 300, 300]
    assert five.notes(root)["caveats"] == ["own split"]
    with pytest.raises(UnknownName, match="vidoe"):
        make("ravdess(modality=vidoe)")
    with pytest.raises(ConfigError, match="folds cannot be 25"):
        make("ravdess(folds=25)")


FOLDERS = ("Angry", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise")


def afew_names():
    counts = {"Train_AFEW": (133, 74, 81, 150, 144, 117, 74), "Val_AFEW": (64, 40, 46, 63, 63, 61, 46)}
    number = 0
    for side, sizes in counts.items():
        for folder, size in zip(FOLDERS, sizes, strict=True):
            for _ in range(size):
                number += 40
                yield f"{side}/{folder}/{number:09d}.avi"


def test_afew_whole(make, tmp_path):
    root = touch(tmp_path, afew_names())
    dataset = make("afew")
    assert dataset.classes == SEVEN
    assert tally(dataset, root, 1, "train") == (150, 117, 144, 133, 74, 74, 81)
    assert tally(dataset, root, 1, "test") == (63, 61, 63, 64, 46, 40, 46)
    assert (len(dataset.videos(root, 1, "train")), len(dataset.videos(root, 1, "test"))) == (773, 383)
    assert "error" not in levels(dataset, root) and dataset.notes(root)["caveats"] == []
    next((root / "Val_AFEW" / "Sad").iterdir()).unlink()
    shorter = make("afew")
    assert levels(shorter, root)["error"] == 1 and shorter.notes(root)["caveats"] == ["partial data"]
    touch(root, ["Train_AFEW/Neutral/001343200.avi"])
    found = [f for f in make("afew").findings(root) if f.items and "other classes" in f.what]
    assert found[0].items == ("001343200: neutral",)


def test_afew_faces(make, tmp_path):
    """Faces lie outside the class folders; clips without faces are named, not forgotten."""
    touch(tmp_path, [f"{side}_AFEW/{f}/{i}0000000{n}.avi" for i, side in enumerate(("Train", "Val"), 1)
                     for n, f in enumerate(FOLDERS)])  # fmt: skip
    for side, faces, digit in (
        ("Train", "AlignedFaces_LBPTOP_Points", 1),
        ("Val", "AlignedFaces_LBPTOP_Points_Val", 2),
    ):
        touch(
            tmp_path,
            [f"{side}_AFEW/{faces}/Faces/{digit}0000000{n}/{digit}0000000{n}-001.jpg" for n in range(6)],
        )
    dataset = make("afew")
    videos = dataset.videos(tmp_path, 1, "test")
    assert len(videos) == 7 and videos[0].path.endswith("AlignedFaces_LBPTOP_Points_Val/Faces/200000000")
    missing = [f for f in dataset.findings(tmp_path) if "have no faces" in f.what]
    assert missing[0].items == ("100000006", "200000006")
    assert make("afew(variant=clips)").videos(tmp_path, 1, "test")[0].path.endswith("Angry/200000000.avi")
    touch(tmp_path, ["Val_AFEW/Happy/200000000.avi"])
    with pytest.raises(DataError, match=r"clip 200000000 is in .*Angry.* and in .*Happy"):
        make("afew").videos(tmp_path, 1, "test")


CAER = ("Anger", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise")
CAER_SIZES = {
    "train": (1136, 500, 358, 1905, 3202, 1028, 1093),
    "validation": (162, 71, 51, 272, 457, 146, 157),
    "test": (325, 145, 102, 544, 915, 294, 312),
}


def test_caer_whole(make, tmp_path):
    """Names begin anew in every folder: only split/class/NNNN tells 13,175 clips apart."""
    names = (
        f"CAER/{part}/{folder}/{i:04d}.avi"
        for part, sizes in CAER_SIZES.items()
        for folder, size in zip(CAER, sizes, strict=True)
        for i in range(1, size + 1)
    )
    root = touch(tmp_path, names)
    dataset, more = make("caer"), make("caer(validation=true)")
    train, test = (dataset.videos(root, 1, split) for split in ("train", "test"))
    assert (len(train), len(test), len(more.videos(root, 1, "train"))) == (9222, 2637, 9222 + 1316)
    assert len({v.id for v in chain(train, test)}) == 9222 + 2637
    assert train[0].id == "train/Anger/0001" and test[-1].id == "test/Surprise/0312"
    assert tally(dataset, root, 1, "test") == (544, 294, 915, 325, 312, 145, 102)
    assert set(levels(dataset, root)) == {"info"} and dataset.notes(root)["caveats"] == []
    moved = root / "CAER" / "test" / "Sad" / "0001.avi"
    moved.rename(root / "CAER" / "train" / "Sad" / "9001.avi")
    assert make("caer").notes(root)["caveats"] == ["not official"]  # as many, but not in their parts
    (root / "CAER" / "train" / "Sad" / "9001.avi").rename(moved)
    touch(tmp_path, ["CAER/train/Sad/9001.avi"])
    assert make("caer").notes(root)["caveats"] == ["not official"]  # 13,176
    (root / "CAER" / "train" / "Sad" / "9001.avi").unlink()
    moved.unlink()
    fewer = make("caer")
    assert levels(fewer, root)["warning"] == 1 and fewer.notes(root)["caveats"] == ["partial data"]


# --- drawn releases --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, layout", LAYOUTS)
def test_a_drawn_release_is_read_and_decoded(make, tmp_path, name, layout):
    dataset = make(name)
    assert layout in dataset.layouts
    dataset.make(tmp_path, layout, 0.001, paint, Progress())
    (tmp_path / MADE).write_text("drawn")
    for fold in dataset.folds:
        train, test = (dataset.videos(tmp_path, fold, split) for split in ("train", "test"))
        assert {v.label for v in test} == {v.label for v in train} == set(range(len(dataset.classes)))
        assert not {v.id for v in train} & {v.id for v in test}
    loader = make_loader(test, Input(frames=4, size=16), 16, training=False, seed=0)
    loaded = next(iter(loader.batches(range(len(test)), len(test))))
    assert not loaded.failures and loaded.frames.shape == (len(test), 4, 16, 16, 3)
    assert "error" not in levels(dataset, tmp_path)
    assert dataset.notes(tmp_path)["caveats"] == ["partial data"]


def test_an_unknown_layout(make, tmp_path):
    for name in ("afew", "caer", "crema-d", "ravdess"):
        with pytest.raises(UnknownName, match="layout of"):
            make(name).make(tmp_path, "fases", 0.001, paint, Progress())


def test_songs_and_the_other_modality_are_there_and_left_out(make, tmp_path):
    make("ravdess").make(tmp_path, "release", 0.001, paint, Progress())
    files = [path.name for path in tmp_path.rglob("*.mp4")]
    assert Counter(name[:5] for name in files) == {"01-01": 48, "02-01": 48, "02-02": 48}
    used = make("ravdess").videos(tmp_path, 1, "test")
    assert {v.id[:5] for v in used} == {"02-01"}


def test_pointers_of_git_lfs_are_named(make, tmp_path):
    dataset = make("crema-d")
    dataset.make(tmp_path, "release", 0.001, paint, Progress())
    stub = next((tmp_path / "AudioWAV").iterdir()).read_text()
    file = next((tmp_path / "VideoFlash").iterdir())
    file.write_text(stub)
    found = [f for f in make("crema-d").findings(tmp_path) if "Git LFS" in f.what]
    assert found[0].items == (file.stem,) and found[0].hint == "Run: git lfs pull"


# --- what is not there -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["afew", "caer", "crema-d", "ravdess"])
def test_nothing_or_only_archives(make, tmp_path, name):
    with pytest.raises(DataError, match="lacks") as caught:
        make(name).videos(tmp_path, 1, "train")
    assert caught.value.hint == make(name).where
    (tmp_path / "release.zip").write_bytes(b"x")
    with pytest.raises(DataError, match=r"but holds release\.zip") as caught:
        make(name).videos(tmp_path, 1, "train")
    assert "Unpack" in caught.value.hint


def test_parts_that_are_missing(make, tmp_path):
    afew = touch(tmp_path / "afew", ["Train_AFEW/Happy/000000001.avi"])
    caer = touch(tmp_path / "caer", ["train/Happy/0001.avi", "validation/Happy/0001.avi"])
    with pytest.raises(DataError, match="lacks the folder Val_AFEW"):
        make("afew").videos(afew, 1, "train")
    with pytest.raises(DataError, match="lacks the folder test"):
        make("caer").videos(caer, 1, "train")


def test_every_folder_name_is_a_class():
    assert {canonical(name) for name in (*FOLDERS, *CAER)} == set(SEVEN)


@pytest.mark.heavy
def test_the_command_line_makes_and_verifies(cli, tmp_path):
    cli("data", "make", "ravdess", "--layout", "faces", "--scale", "0.001", "--root", "R", check=0)
    said = cli("data", "verify", "ravdess", "--root", "R", check=0).stdout
    assert "errors: 0" in said and "partial data" in said
    assert "calm" in cli("data", "info", "ravdess", check=0).stdout
