"""MAFW in every form in which it lies on disks, and what its card warns of."""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from mafw_copies import (
    OFFICIAL_ORDER,
    RUN,
    SCALE,
    all_rows,
    errors,
    full_set,
    get,
    paint,
    problems,
    rows,
    with_one_clip,
    write_lists,
)

from dferbench.data.decoders import choose_decoder
from dferbench.data.official import CLASSES, by_rule
from dferbench.data.official.drawing import write_table
from dferbench.errors import DataError, UnknownName
from dferbench.progress import Progress

# The datasets card, section 3.
FOLDS = {
    1: (
        (993, 1176, 910, 1112, 857, 511, 500, 188, 732, 209, 145),
        (249, 294, 228, 278, 215, 128, 125, 48, 184, 53, 37),
    ),
    2: (
        (993, 1176, 910, 1112, 857, 511, 500, 189, 733, 209, 145),
        (249, 294, 228, 278, 215, 128, 125, 47, 183, 53, 37),
    ),
    3: (
        (994, 1176, 910, 1112, 858, 511, 500, 189, 733, 210, 146),
        (248, 294, 228, 278, 214, 128, 125, 47, 183, 52, 36),
    ),
    4: (
        (994, 1176, 911, 1112, 858, 511, 500, 189, 733, 210, 146),
        (248, 294, 227, 278, 214, 128, 125, 47, 183, 52, 36),
    ),
    5: (
        (994, 1176, 911, 1112, 858, 512, 500, 189, 733, 210, 146),
        (248, 294, 227, 278, 214, 127, 125, 47, 183, 52, 36),
    ),
}
LAYOUTS = ("faces", "frames", "clips", "renamed", "labels-only")
CODINGS = {
    "dfer-clip": (CLASSES, 0),
    "official": (OFFICIAL_ORDER, 1),
    "official from zero": (OFFICIAL_ORDER, 0),
    "alphabetical": (tuple(sorted(CLASSES)), 0),
}


@pytest.fixture(scope="module")
def mafw():
    return get("mafw")


@pytest.fixture(scope="module", params=LAYOUTS)
def made(request, mafw, tmp_path_factory):
    root = tmp_path_factory.mktemp("made")
    mafw().make(root, request.param, SCALE, paint, Progress())
    return request.param, root


@pytest.fixture(scope="module")
def small(mafw, tmp_path_factory):
    root = tmp_path_factory.mktemp("small")
    mafw().make(root, "faces", SCALE, paint, Progress())
    return root


@pytest.fixture
def copied(small, tmp_path):
    return Path(shutil.copytree(small, tmp_path / "copy"))


def test_every_layout_gives_the_right_videos(made, mafw):
    _, root = made
    dataset, read = mafw(), choose_decoder().read
    videos = [*dataset.videos(root, 1, "train"), *dataset.videos(root, 1, "test")]
    assert len({video.id for video in videos}) == len(videos) == 55
    for video in videos:
        frames, _ = read(video.path, lambda n: [0, n - 1])
        assert abs(int(frames[0].mean()) - (20 + 18 * video.label)) < 6, video
    assert dataset.notes(root)["caveats"] == ["partial data"]


def test_all_layouts_give_the_same_rows(made, small, mafw):
    for fold in FOLDS:
        for split in ("train", "test"):
            assert rows(mafw(), made[1], fold, split) == rows(mafw(), small, fold, split)


def test_only_frames_are_counted_whatever_lies_beside_them(made, mafw):
    counts = {}
    for split in ("train", "test"):
        for video in mafw().videos(made[1], 1, split):
            choose_decoder().read(video.path, lambda n, v=video: counts.update({v.id: n}) or [0])
    assert counts["00019"] == 9
    assert set(counts.values()) == {9, 33, 16, 20, 11, 40, 17, 31, 48}


@pytest.mark.parametrize("layout", ["faces", "frames"])
def test_frames_come_in_natural_order(layout, mafw, tmp_path):
    def counting(name, seed, frames):
        return np.stack([np.full((32, 32, 3), 5 * t, np.uint8) for t in range(frames)])

    mafw().make(tmp_path, layout, SCALE, counting, Progress())
    for video in mafw().videos(tmp_path, 1, "test"):
        frames, _ = choose_decoder().read(video.path, range)
        assert [round(float(f.mean()) / 5) for f in frames] == list(range(len(frames)))


def test_drawn_frames_have_every_form_of_the_card(small, made):
    layout, root = made
    files = Counter(path.suffix for path in root.rglob("*") if path.is_file())
    assert files[{"frames": ".png", "clips": ".mp4"}.get(layout, ".jpg")] > 50
    if layout == "faces":
        from PIL import Image

        folders = list((root / "data/faces").iterdir())
        assert any((f / "n_frames").exists() for f in folders) and any(
            (f / "Thumbs.db").exists() for f in folders
        )
        assert {Image.open(f / "1.jpg").mode for f in folders} == {"L", "RGB"}


@pytest.mark.parametrize("coding", CODINGS)
def test_the_folds_have_the_official_figures_whatever_the_coding(coding, mafw, tmp_path):
    order, first = CODINGS[coding]
    labels = full_set()
    line = lambda name, label: f"/data/me/MAFW/faces/{name} 85 {order.index(label) + first}"  # noqa: E731
    write_lists(tmp_path / "lists", by_rule(labels), line, "MAFW_set_{f}_{s}.txt")
    root, dataset = with_one_clip(tmp_path / "root"), mafw(lists=str(tmp_path / "lists"))
    seen = set()
    for fold, (train, test) in FOLDS.items():
        for split, counts in (("train", train), ("test", test)):
            videos = dataset.videos(root, fold, split)
            assert tuple(np.bincount([video.label for video in videos])) == counts
            assert all(CLASSES[video.label] == labels[video.id] for video in videos)
        found = {video.id for video in dataset.videos(root, fold, "test")}
        assert not found & seen
        seen |= found
    assert seen == set(labels)
    # The ids here are invented: the numbers agree, the hashes must not.
    assert ("warning", "fold 1, test: the right numbers, but not the official ids or labels") in problems(
        dataset, root
    )
    assert dataset.notes(root)["caveats"] == ["own split"]


def test_the_official_hashes_are_those_of_the_card():
    from dferbench_datasets.mafw.figures import PROTOCOL

    assert {place: part.hash for place, part in PROTOCOL.parts.items()} == {
        (1, "test"): "1deb46d67eb4051d", (1, "train"): "b3ef6105ff516ff5",
        (2, "test"): "05846564910777a2", (2, "train"): "b1ee9f7cf9516cd4",
        (3, "test"): "5e3c59246f985fcf", (3, "train"): "62c71e4a81566f17",
        (4, "test"): "1ea0c8f5b31c6b34", (4, "train"): "e29f6c0b95fd3aee",
        (5, "test"): "6043c38d221160ba", (5, "train"): "066c539fbb12dc8d",
    }  # fmt: skip


@pytest.mark.slow
def test_without_lists_the_table_and_the_rule_give_the_folds(mafw, tmp_path):
    labels = full_set()
    table = [["clip", *OFFICIAL_ORDER, "single_label"], ["", *range(1, 12), "1-11"]]
    table += [[f"{i}.mp4", *[0.5] * 11, OFFICIAL_ORDER.index(label) + 1] for i, label in labels.items()]
    root, dataset = with_one_clip(tmp_path, "face"), mafw()
    write_table(root / "labels/Labels/single-set.xlsx", table)
    for fold, (train, test) in FOLDS.items():
        assert Counter(rows(dataset, root, fold, "train").values()) == dict(zip(CLASSES, train, strict=True))
        assert Counter(rows(dataset, root, fold, "test").values()) == dict(zip(CLASSES, test, strict=True))
    assert all_rows(dataset, root) == labels
    # The right number of clips of each class, but under numbers that these tests made up.
    assert dataset.notes(root)["split"] == "rebuilt by the rule"
    assert dataset.notes(root)["caveats"] == ["not official"]


def test_a_table_with_one_header_row_and_plain_numbers_loses_no_row(mafw, tmp_path):
    root = with_one_clip(tmp_path)
    table = [["clip", "single_label"], *([i, 11 - i % 2] for i in range(19, 39))]
    write_table(root / "single-set.xlsx", table)
    assert Counter(all_rows(mafw(), root).values()) == {"helplessness": 10, "disappointment": 10}
    assert "00019" in all_rows(mafw(), root)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ([["clip", "label"], ["00019.mp4", 1]], "no column 'single_label'"),
        ([["clip", "single_label"], ["00019.mp4", 12]], "row 2: '00019.mp4' with label '12'"),
        ([["clip", "single_label"], ["19", 1], ["00019.mp4", 2]], "row 3: 00019 occurs twice"),
        ([["clip", "single_label"], *([[i, 1] for i in range(1, 9)]), ["x", 1]], "row 10: 'x'"),
        ([["clip", "single_label"]], "has no clips"),
    ],
)
def test_a_table_at_fault_is_named_with_its_row(table, reason, mafw, tmp_path):
    write_table(with_one_clip(tmp_path) / "Labels" / "single-set.xlsx", table)
    with pytest.raises(DataError, match=reason) as caught:
        mafw().videos(tmp_path, 1, "test")
    assert "single-set.xlsx" in str(caught.value)


def test_lists_without_captions_are_preferred_and_those_with_them_lack_neutral(copied, mafw):
    assert "neutral" in rows(mafw(), copied).values()
    assert mafw().notes(copied)["labels"] == "Train & Test Set/single/no_caption"
    captioned = copied / "Train & Test Set/single/with_caption/set_1/test.txt"
    assert b"neutral" not in captioned.read_bytes() and b"\t" in captioned.read_bytes()
    shutil.rmtree(copied / "Train & Test Set/single/no_caption")
    with pytest.raises(DataError, match=r"no_caption and Labels/single-set\.xlsx") as caught:
        mafw().videos(copied, 1, "test")
    assert "lack all neutral clips" in caught.value.hint


def test_captions_come_on_request_from_gbk_lists_or_from_the_table(copied, mafw):
    assert all(not video.info for video in mafw().videos(copied, 1, "test"))
    read = lambda: {v.id: dict(v.info) for v in mafw(captions=True).videos(copied, 2, "train")}  # noqa: E731
    of = rows(mafw(), copied, 2, "train")
    from_lists = read()
    assert {name for name, info in from_lists.items() if not info} == {
        name for name, label in of.items() if label == "neutral"
    }
    name = next(name for name, info in from_lists.items() if info)
    assert from_lists[name] == {
        "caption": f"A drawn face, number {name}.",
        "caption_zh": f"画出来的一张脸。编号{name}。",
    }
    shutil.rmtree(copied / "Train & Test Set/single/with_caption")
    with pytest.raises(DataError, match="which have the captions"):
        read()
    table = [[f"{n}.mp4", info["caption_zh"], info["caption"]] for n, info in from_lists.items() if info]
    write_table(copied / "Labels/descriptive_text.xlsx", table)
    assert read() == from_lists
    assert mafw(captions=True).notes(copied)["captions"] == len(table)


def test_captions_at_fault_are_named_with_their_line(copied, mafw):
    path = copied / "Train & Test Set/single/with_caption/set_1/test.txt"
    content = path.read_bytes()
    for addition, reason in (
        (b"00019.mp4\tanger\tx\r\n", "3 fields"),
        (b"x\tanger\t1\t2\r\n", "'x' names no"),
    ):
        path.write_bytes(content + addition)
        with pytest.raises(DataError, match=reason) as caught:
            mafw(captions=True).videos(copied, 1, "test")
        assert f"{path}, line {len(content.splitlines()) + 1}" in str(caught.value)


@pytest.mark.parametrize("name", ["Train_Test_Set", "lists", "train_test_set/Train & Test Set"])
def test_the_folder_of_lists_is_known_by_any_of_its_names(name, copied, small, mafw):
    target = copied / name
    target.parent.mkdir(exist_ok=True)
    (copied / "Train & Test Set").rename(copied / "moved")
    (copied / "moved").rename(target)
    assert all_rows(mafw(), copied) == all_rows(mafw(), small)


def test_sets_directly_below_the_protocol_are_lists(copied, small, mafw):
    (copied / "Train & Test Set/single/no_caption").rename(copied / "kept")
    shutil.rmtree(copied / "Train & Test Set")
    (copied / "kept").rename(copied / "single")
    assert all_rows(mafw(), copied) == all_rows(mafw(), small)


def test_a_folder_around_the_release_and_within_an_archive_s_folder(copied, small, mafw, tmp_path):
    outer = tmp_path / "outer" / "MAFW"
    shutil.move(copied, outer)
    (outer / "data/faces").rename(outer / "data/inner")
    (outer / "data/faces").mkdir()
    (outer / "data/inner").rename(outer / "data/faces/faces")
    assert all_rows(mafw(), outer.parent) == all_rows(mafw(), small)
    assert Path(mafw().videos(outer.parent, 1, "test")[0].path).is_dir()


def test_faces_come_first_then_frames_then_clips_and_empty_folders_last(copied, mafw):
    data = copied / "data"
    shutil.copytree(data / "faces", data / "frames")
    assert mafw().notes(copied)["variant"] == "faces"
    assert mafw(variant="frames").notes(copied)["variant"] == "frames"
    (data / "faces").rename(copied / "my crops")
    (data / "faces").mkdir()
    assert mafw().notes(copied)["variant"] == "frames"
    assert mafw(variant="my crops").notes(copied)["variant"] == "my crops"
    with pytest.raises(DataError, match="lacks a folder with videos"):
        mafw(variant="nothing").videos(copied, 1, "test")


def test_the_folder_of_clips_itself_may_be_the_root_of_own_lists(small, mafw):
    lists = str(small / "Train & Test Set/single/no_caption")
    dataset, root = mafw(lists=lists), small / "data/faces"
    assert all_rows(dataset, root) == all_rows(mafw(), small)
    assert Path(dataset.videos(root, 1, "test")[0].path).parent == root


def test_a_clip_without_folder_stays_in_its_list(copied, mafw):
    gone = mafw().videos(copied, 1, "test")[0]
    shutil.rmtree(gone.path)
    assert gone in mafw().videos(copied, 1, "test")


def test_a_clip_in_two_places_is_refused(copied, mafw):
    (copied / "data/faces/part/00019").mkdir(parents=True)
    with pytest.raises(DataError, match="clip 00019 lies in two places"):
        mafw().videos(copied, 1, "test")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("../../etc/passwd anger", "names no video"),
        ("123456.mp4 anger", "names no video"),
        ("00019.mp4 joyless", "label 'joyless' is not one of"),
        ("00019.mp4 anger_disgust", "label 'anger_disgust' is not one of"),
        ("20.mp4 anger", "the id '00020' occurs a second time"),
        ("00019.mp4", "video label"),
    ],
)
def test_a_line_at_fault_is_named(line, reason, copied, mafw):
    path = copied / "Train & Test Set/single/no_caption/set_3/train.txt"
    path.write_text("00020.mp4 anger\n" + line)
    with pytest.raises(DataError, match=reason) as caught:
        mafw().videos(copied, 1, "test")
    assert f"{path}, line 2" in str(caught.value)


def test_digits_of_a_part_of_the_set_are_refused_until_stated(copied, mafw, tmp_path):
    parts = {"train": {"00019": "anger"}, "test": {"00020": "anxiety"}}
    write_lists(
        tmp_path / "l", dict.fromkeys(FOLDS, parts), lambda name, label: f"{name} 5 {CLASSES.index(label)}"
    )
    with pytest.raises(DataError, match="cannot be told"):
        mafw(lists=str(tmp_path / "l")).videos(copied, 1, "test")
    dataset = mafw(lists=str(tmp_path / "l"), codes="3=anger, 8=anxiety")
    assert rows(dataset, copied) == {"00020": "anxiety"}
    assert dataset.notes(copied)["caveats"] == ["own split", "partial data"]


def test_what_is_missing_or_packed_is_said(mafw, tmp_path):
    (tmp_path / "data").mkdir()
    with pytest.raises(DataError, match="lacks a folder with videos") as caught:
        mafw().videos(tmp_path, 1, "test")
    assert "dferbench data info mafw" in caught.value.hint
    (tmp_path / "data/frames.zip").touch()
    with pytest.raises(DataError, match=r"holds frames\.zip") as caught:
        mafw().videos(tmp_path, 1, "test")
    assert "Unpack" in caught.value.hint
    (tmp_path / "data/frames.zip").unlink()
    with pytest.raises(DataError, match=r"Labels/single-set\.xlsx"):
        mafw().videos(with_one_clip(tmp_path), 1, "test")


def test_a_copy_with_some_clips_only_is_warned_of_and_the_overlap_is_told(small, mafw):
    found = [(f.level, f.what) for f in mafw().findings(small)]
    assert ("warning", "56 clips in faces, of 10045 in the release") in found
    assert any(level == "info" and "1,097 clips come from DFEW" in what for level, what in found)


def test_an_unknown_layout_gets_the_known_ones(mafw, tmp_path):
    with pytest.raises(UnknownName, match="layout"):
        mafw().make(tmp_path, "face", 0.01, paint, Progress())


@pytest.mark.heavy
def test_what_make_writes_is_what_verify_wants(in_process):
    in_process("data", "make", "mafw", "--root", "R", "--layout", "clips", "--scale", "0.0005", check=0)
    assert errors(in_process, "mafw") == 0


@pytest.mark.heavy
@pytest.mark.parametrize("layout", LAYOUTS)
def test_make_verify_and_run_work_in_every_layout(layout, in_process):
    in_process("data", "make", "mafw", "--root", "R", "--layout", layout, "--scale", "0.001", check=0)
    assert errors(in_process, "mafw") == 0
    run = ["run", "-m", "dfer-clip", "-d", "mafw(captions=true)" if layout == "faces" else "mafw"]
    less = ["--epochs", "1", "--limit", "11", "--set", "stage.batch=4"]
    done = in_process(*run, "--root", "R", *RUN, *less, check=0)
    assert "partial data" in done.stdout


@pytest.mark.heavy
def test_a_missing_face_folder_is_named_and_may_be_skipped(in_process, tmp_path):
    in_process("data", "make", "mafw", "--root", "R", "--scale", "0.001", check=0)
    gone = get("mafw")().videos(tmp_path / "R", 1, "test")[0]
    shutil.rmtree(gone.path)
    verified = in_process("data", "verify", "mafw", "--root", "R", check=4)
    assert f"data/faces/{gone.id}" in verified.stdout
    run = ["run", "-m", "dfer-clip", "-d", "mafw", "--root", "R", *RUN, "--epochs", "0"]
    assert gone.id in in_process(*run).stderr
    assert "incomplete" in in_process(*run, "--skip-bad", check=0).stdout
