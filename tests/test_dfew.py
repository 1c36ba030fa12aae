"""DFEW in every form in which it lies on disks, and what its card warns of."""

import shutil

import numpy as np
import pytest

from dferbench.data.decoders import choose_decoder
from dferbench.data.official import CLASSES, by_rule
from dferbench.data.official.drawing import write_table
from dferbench.errors import DataError, UnknownName
from dferbench.progress import Progress
from dferbench.registry.catalog import discover

SEVEN = CLASSES[:7]
# The datasets card, section 1.3.
TOTALS = dict(zip(SEVEN, (2445, 1894, 2669, 2173, 1469, 145, 902), strict=True))
TEST = {
    1: (2341, (489, 379, 534, 435, 294, 29, 181)),
    2: (2341, (489, 379, 534, 435, 294, 29, 181)),
    3: (2340, (489, 379, 534, 435, 294, 29, 180)),
    4: (2339, (489, 379, 534, 434, 294, 29, 180)),
    5: (2336, (489, 378, 533, 434, 293, 29, 180)),
}

UNTRAINED = ["--set", "backbone=clip-tiny", "--epochs", "0"]


def paint(name, seed, frames):
    """A flat colour that tells the class and moves with time."""
    level = 20 + 30 * SEVEN.index(name)
    return np.stack([np.full((64, 64, 3), level + t % 8, np.uint8) for t in range(frames)])


@pytest.fixture(scope="module")
def dfew():
    return discover().get("datasets", "dfew").value


@pytest.fixture(scope="module", params=["faces", "flat", "16f", "original", "repository"])
def made(request, dfew, tmp_path_factory):
    root = tmp_path_factory.mktemp(request.param)
    dfew().make(root, request.param, 0.003, paint, Progress())
    return request.param, root


def full_set():
    """All labelled clips: any ids will do, for the rule looks only at their order."""
    rng = np.random.default_rng(1)
    ids = np.sort(rng.choice(np.arange(1, 16373), sum(TOTALS.values()), replace=False))
    labels = rng.permutation([name for name, count in TOTALS.items() for _ in range(count)])
    return {f"{i:05d}": str(label) for i, label in zip(ids, labels, strict=True)}


def write_lists(
    root, labels, code, pattern="EmoLabel_DataSplit/{s}(single-labeled)/set_{f}.csv", padded=False
):
    for fold, parts in by_rule(labels).items():
        for split, rows in parts.items():
            path = root / pattern.format(s=split, f=fold)
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = [f"{name if padded else int(name)},{code(label)}" for name, label in rows.items()]
            path.write_text("\n".join(["video_name,label", *lines]))


def test_every_layout_gives_the_right_videos(made, dfew):
    _, root = made
    dataset = dfew()
    seen = {}
    for fold in dataset.folds:
        for split in ("train", "test"):
            for video in dataset.videos(root, fold, split):
                assert seen.setdefault(video.id, video) == video
    assert len(seen) == sum(len(dataset.videos(root, 1, split)) for split in ("train", "test"))
    read = choose_decoder().read
    for video in seen.values():
        frames, _ = read(video.path, lambda n: [0, n - 1])
        assert abs(int(frames[0].mean()) - (20 + 30 * video.label)) < 6, video
    assert dataset.notes(root)["caveats"] == ["partial data"]


def test_frames_are_counted_on_the_disk_and_gaps_do_not_count(made, dfew):
    layout, root = made
    counts = set()
    for video in dfew().videos(root, 1, "train"):
        choose_decoder().read(video.path, lambda n: counts.add(n) or [0])
    assert counts == {16} if layout == "16f" else counts == {11, 16, 17, 20, 31, 33, 40, 48}


def test_unpadded_frames_come_in_natural_order(dfew, tmp_path):
    def counting(name, seed, frames):
        return np.stack([np.full((64, 64, 3), 10 * t, np.uint8) for t in range(frames)])

    dfew().make(tmp_path, "16f", 0.003, counting, Progress())
    video = dfew().videos(tmp_path, 1, "test")[0]
    frames, _ = choose_decoder().read(video.path, range)
    assert [round(float(f.mean()) / 10) for f in frames] == list(range(16))


@pytest.mark.parametrize("code", ["official", "zero-based", "alphabetical", "reversed"])
def test_the_folds_have_the_official_sizes_whatever_the_coding(code, dfew, tmp_path):
    orders = {
        "official": (1, SEVEN),
        "zero-based": (0, SEVEN),
        "alphabetical": (0, sorted(SEVEN)),
        "reversed": (1, SEVEN[::-1]),
    }
    first, order = orders[code]
    labels = full_set()
    write_lists(tmp_path, labels, lambda name: order.index(name) + first, padded=code == "zero-based")
    (tmp_path / "Clip" / "clip_224x224").mkdir(parents=True)
    dataset = dfew()
    for fold, (size, counts) in TEST.items():
        test = dataset.videos(tmp_path, fold, "test")
        assert len(test) == size and len(dataset.videos(tmp_path, fold, "train")) == 11697 - size
        assert tuple(np.bincount([video.label for video in test])) == counts
        assert all(SEVEN[video.label] == labels[video.id] for video in test)


@pytest.fixture(scope="module")
def full_folders(tmp_path_factory):
    """An empty folder for every clip of the full set and for one without a label.

    They are links, since some file systems take half a minute to remove as many folders.
    """
    root = tmp_path_factory.mktemp("dfew")
    for folder in ("empty", "faces"):
        (root / folder).mkdir()
    for name in [*full_set(), "16373"]:
        (root / "faces" / name).symlink_to(root / "empty")
    return root / "faces"


@pytest.mark.slow
def test_without_lists_the_annotation_and_the_rule_give_the_folds(dfew, full_folders, tmp_path):
    labels = full_set()
    (tmp_path / "Clip").mkdir()
    (tmp_path / "Clip" / "clip_224x224").symlink_to(full_folders)
    numbers = {name: i for i, name in enumerate(SEVEN, 1)}
    rows = [[*[0] * 7, int(name), numbers[label]] for name, label in labels.items()]
    heads = [*(f"{i}{n}" for n, i in numbers.items()), "order", "annotation"]
    # A clip with a label but without a face folder is not part of the protocol.
    dropped = next(f"{i:05d}" for i in range(1, 16373) if f"{i:05d}" not in labels)
    (tmp_path / "Annotation").mkdir()
    write_table(tmp_path / "Annotation" / "annotation.xlsx", [heads, *rows, [*[0] * 7, int(dropped), 1]])
    dataset = dfew()
    assert [len(dataset.videos(tmp_path, fold, "test")) for fold in TEST] == [
        size for size, _ in TEST.values()
    ]
    notes = dataset.notes(tmp_path)
    # The right number of clips of each class, but under numbers that these tests made up.
    assert notes["split"] == "rebuilt by the rule" and notes["caveats"] == ["not official"]


@pytest.mark.heavy
def test_more_clips_than_the_protocol_has_are_not_official(dfew, tmp_path):
    """As annotation.xlsx next to the original clips gives it: 362 labelled clips more than have faces."""
    labels = full_set()
    others = [f"{i:05d}" for i in range(1, 16373) if f"{i:05d}" not in labels][:362]
    labels |= dict.fromkeys(others, "happiness")
    (tmp_path / "Clip" / "original").mkdir(parents=True)
    for name in labels:
        (tmp_path / "Clip" / "original" / f"{name}.mp4").touch()
    numbers = {name: i for i, name in enumerate(SEVEN, 1)}
    heads = [*(f"{i}{n}" for n, i in numbers.items()), "order", "annotation"]
    rows = [[*[0] * 7, int(name), numbers[label]] for name, label in labels.items()]
    (tmp_path / "Annotation").mkdir()
    write_table(tmp_path / "Annotation" / "annotation.xlsx", [heads, *rows])
    notes = dfew().notes(tmp_path)
    assert not notes["official lists"] and notes["caveats"] == ["not official"]
    fewer = [row for row in rows if row[-1] != numbers["fear"]]
    write_table(tmp_path / "Annotation" / "annotation.xlsx", [heads, *fewer])
    # More of one class and less of another: that is not merely short.
    assert dfew().notes(tmp_path)["caveats"] == ["partial data", "not official"]


def test_zero_based_lists_of_a_part_of_the_set_are_refused_until_stated(dfew, tmp_path):
    labels = dict(list(full_set().items())[:200])
    (tmp_path / "jpg_256").mkdir()
    write_lists(tmp_path, labels, SEVEN.index, "label/{s}_set_{f}.csv", padded=True)
    with pytest.raises(DataError, match="cannot be told"):
        dfew().videos(tmp_path, 1, "test")
    codes = ",".join(f"{i}={name}" for i, name in enumerate(SEVEN))
    test = dfew(codes=codes).videos(tmp_path, 1, "test")
    assert all(SEVEN[video.label] == labels[video.id] for video in test)


def test_own_lists_are_taken_and_marked(dfew, tmp_path):
    root, lists = tmp_path / "r", tmp_path / "mine"
    dfew().make(root, "faces", 0.003, paint, Progress())
    names = [video.id for video in dfew().videos(root, 1, "train")]
    lists.mkdir()
    for fold in range(1, 6):
        (lists / f"DFEW_set_{fold}_train.txt").write_text(f"/data/me/DFEW_Frame_Face/{names[0]} 99 Happy\n")
        (lists / f"DFEW_set_{fold}_test.txt").write_text(f"/data/me/DFEW_Frame_Face/{names[1]} 99 Sad")
    dataset = dfew(lists=str(lists))
    assert [v.id for v in dataset.videos(root, 3, "train")] == [names[0]]
    assert dataset.notes(root)["caveats"] == ["own split", "partial data"]
    (lists / "DFEW_set_4_test.txt").unlink()
    with pytest.raises(DataError, match="fold 4, test"):
        dfew(lists=str(lists)).videos(root, 1, "train")


def test_full_length_faces_are_preferred_and_a_variant_can_be_named(dfew, tmp_path):
    dfew().make(tmp_path, "16f", 0.003, paint, Progress())
    shutil.copytree(tmp_path / "Clip/clip_224x224_16f", tmp_path / "Clip/clip_224x224")
    assert dfew().notes(tmp_path)["variant"] == "clip_224x224"
    assert dfew(variant="clip_224x224_16f").notes(tmp_path)["variant"] == "clip_224x224_16f"
    assert any("this is the 16-frame variant" in f.what for f in dfew().findings(tmp_path))
    with pytest.raises(DataError, match="lacks a folder of videos"):
        dfew(variant="nothing").videos(tmp_path, 1, "test")


def test_a_clip_in_two_parts_is_refused_unless_the_copies_are_equal(dfew, tmp_path):
    dfew().make(tmp_path, "faces", 0.003, paint, Progress())
    faces = tmp_path / "Clip" / "clip_224x224"
    shutil.copytree(faces / "clip_224x224_part_1" / "00001", faces / "00001")
    assert dfew().videos(tmp_path, 1, "test")
    (faces / "00001" / "00001_00099.jpg").touch()
    with pytest.raises(DataError, match="clip 00001 lies in two places"):
        dfew().videos(tmp_path, 1, "test")


def test_what_is_still_packed_is_said(dfew, tmp_path):
    (tmp_path / "Clip").mkdir()
    (tmp_path / "Clip" / "clip_224x224_part_1.zip").touch()
    with pytest.raises(DataError, match=r"clip_224x224_part_1\.zip") as caught:
        dfew().videos(tmp_path, 1, "test")
    assert "Unpack" in caught.value.hint
    with pytest.raises(DataError, match="EmoLabel_DataSplit"):
        (tmp_path / "Clip" / "clip_224x224" / "00001").mkdir(parents=True)
        dfew().videos(tmp_path, 1, "test")


@pytest.mark.slow
def test_findings_of_a_full_copy(dfew, full_folders, tmp_path):
    labels = full_set()
    write_lists(tmp_path, labels, lambda name: SEVEN.index(name) + 1)
    (tmp_path / "DFEW_Frame_Face").symlink_to(full_folders)
    found = [(f.level, f.what) for f in dfew().findings(tmp_path)]
    # The ids here are invented: the numbers agree, the hashes must not.
    assert ("error", "fold 1, test: the right numbers, but not the official ids or labels") in found
    assert ("warning", "0 images of labelled clips, officially 901703") in found
    assert any(what.startswith("11697 clips have fewer than 16 images") for _, what in found)


def test_the_short_clips_of_the_card(dfew):
    from dferbench_datasets.dfew.figures import SHORT

    assert len(SHORT) == 14 and sorted(SHORT.values()) == [
        11,
        12,
        12,
        12,
        13,
        14,
        14,
        14,
        14,
        15,
        15,
        15,
        15,
        15,
    ]


def test_an_unknown_layout_gets_the_known_ones(dfew, tmp_path):
    with pytest.raises(UnknownName, match="layout"):
        dfew().make(tmp_path, "face", 0.01, paint, Progress())


@pytest.mark.heavy
@pytest.mark.parametrize("layout", ["faces", "flat", "16f", "original", "repository"])
def test_make_verify_and_run_work_in_every_layout(layout, in_process):
    in_process("data", "make", "dfew", "--root", "R", "--layout", layout, "--scale", "0.0005", check=0)
    in_process("data", "verify", "dfew", "--root", "R", check=0)
    more = ["--root", "R", "--set", "backbone=clip-tiny", "--set", "stage.batch=4", "--epochs", "1"]
    done = in_process("run", "-m", "dfer-clip", "-d", "dfew", *more, check=0)
    assert "partial data" in done.stdout and "synthetic" in done.stdout


@pytest.mark.slow
def test_another_variant_of_the_same_clips_is_another_experiment(dfew, tmp_path, in_process):
    root = tmp_path / "r"
    dfew().make(root, "16f", 0.0005, paint, Progress())
    run = [
        "run",
        "-m",
        "dfer-clip",
        "-d",
        "dfew",
        "--root",
        root,
        "--set",
        "backbone=clip-tiny",
        "--epochs",
        "0",
    ]
    in_process(*run, check=0)
    shutil.copytree(root / "Clip/clip_224x224_16f", root / "Clip/clip_224x224")
    done = in_process(*run, check=3)
    assert "variant: clip_224x224_16f, now clip_224x224" in done.stderr


@pytest.mark.slow
def test_missing_clips_are_told_before_anything_is_trained(dfew, tmp_path, in_process):
    root = tmp_path / "r"
    dfew().make(root, "repository", 0.0005, paint, Progress())
    lost = dfew().videos(root, 1, "train")[0]
    shutil.rmtree(lost.path)
    run = [
        "run",
        "-m",
        "dfer-clip",
        "-d",
        "dfew",
        "--root",
        root,
        "--set",
        "backbone=clip-tiny",
        "--epochs",
        "0",
    ]
    done = in_process(*run, check=4)
    assert f"1 of 28 videos are not there, the first is {lost.path}" in done.stderr
    assert "--skip-bad" in done.stderr and not (tmp_path / "runs").exists()
    in_process(*run, "--skip-bad", check=0)
