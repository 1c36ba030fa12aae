"""FERV39k in every form in which it lies on disks, and what its card warns of."""

import json
import math
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest

from dferbench.data.decoders import choose_decoder
from dferbench.data.official import CLASSES, list_hash
from dferbench.errors import ConfigError, DataError, UnknownName
from dferbench.places import MADE
from dferbench.progress import Progress
from dferbench.registry.catalog import discover

SEVEN = CLASSES[:7]
FOLDERS = ("Happy", "Sad", "Neutral", "Angry", "Surprise", "Disgust", "Fear")
# The datasets card, sections 2.3 and 11.
COUNTS = {
    "train": (5854, 5523, 7790, 5906, 2502, 1833, 1680),
    "test": (1473, 1393, 1958, 1487, 638, 467, 431),
}
HASHES = {"train": "9e908d77e4d9a83f", "test": "d37163086520f024"}
SCENES = {
    "Action": (804, 164), "Argue": (2655, 533), "Business": (1776, 358), "Conflict": (2491, 501),
    "Contest": (2400, 483), "Crime": (1871, 377), "Crisis": (1494, 301), "DailyLife": (2339, 471),
    "ElegantArt": (1242, 252), "Experiment": (556, 113), "History": (2690, 539), "Interview": (2099, 424),
    "Liveshow": (1131, 228), "Medicine": (692, 143), "OfficialEvent": (1423, 287),
    "ScholarReport": (2014, 405), "School": (2012, 405), "Social": (1121, 229), "Speech": (1834, 369),
    "Talkshow": (1736, 350), "Terror": (2099, 422), "War": (2456, 493),
}  # fmt: skip
LAYOUTS = ("faces", "nested", "FERV39K", "videos", "no-lists")
SCALE = 0.001


def paint(name, seed, frames):
    """A flat grey that tells the class and moves with time."""
    level = 20 + 30 * SEVEN.index(name)
    return np.stack([np.full((32, 32, 3), level + t % 8, np.uint8) for t in range(frames)])


@pytest.fixture(scope="module")
def ferv():
    return discover().get("datasets", "ferv39k").value


@pytest.fixture(scope="module", params=LAYOUTS)
def made(request, ferv, tmp_path_factory):
    root = tmp_path_factory.mktemp("made")
    ferv().make(root, request.param, SCALE, paint, Progress())
    return request.param, root


@pytest.fixture(scope="module")
def small(ferv, tmp_path_factory):
    root = tmp_path_factory.mktemp("small")
    ferv().make(root, "faces", SCALE, paint, Progress())
    return root


@pytest.fixture
def copied(small, tmp_path):
    return Path(shutil.copytree(small, tmp_path / "copy"))


@pytest.fixture(scope="module")
def memory():
    """A folder for tens of thousands of entries: in memory, where there is such a place."""
    shm = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def everyone():
    """(id, class, split) of all clips, from the plugin's table of groups; the card's hashes prove it."""
    from dferbench_datasets.ferv39k.figures import GROUPS

    rows = []
    for scene, sizes in GROUPS.items():
        for folder, label, size in zip(FOLDERS, SEVEN, sizes, strict=True):
            border = math.ceil(size / 5)
            for i in range(size):
                split = "test" if i < border else "train"
                rows.append((f"{scene}/{folder}/{i:04d}", label, split))
    return rows


@pytest.fixture(scope="module")
def full(memory, everyone):
    """A root with a folder for every clip, without frames and without lists."""
    for name, _, _ in everyone:
        (memory / "full/2_ClipsforFaceCrop" / name).mkdir(parents=True)
    return memory / "full"


def write_lists(folder, everyone, line, head=(), names=("train_All.csv", "test_All.csv")):
    folder.mkdir(parents=True, exist_ok=True)
    for split, name in zip(("train", "test"), names, strict=True):
        lines = [line(name, label) for name, label, of in everyone if of == split]
        (folder / name).write_text("\n".join([*head, *lines]))


def empty_root(root):
    (root / "2_ClipsforFaceCrop/War/Fear/0000").mkdir(parents=True)
    return root


def rows(dataset, root, split):
    return {video.id: dataset.classes[video.label] for video in dataset.videos(root, 1, split)}


def test_every_layout_gives_the_right_videos(made, ferv):
    _, root = made
    dataset, read = ferv(), choose_decoder().read
    videos = [*dataset.videos(root, 1, "train"), *dataset.videos(root, 1, "test")]
    assert len({video.id for video in videos}) == len({video.path for video in videos}) == len(videos)
    for video in videos:
        frames, _ = read(video.path, lambda n: [0, n - 1])
        assert abs(int(frames[0].mean()) - (20 + 30 * video.label)) < 6, video
        assert video.id.split("/")[1] == FOLDERS[video.label]
    assert dataset.notes(root)["caveats"] == ["partial data"]


def test_all_layouts_give_the_same_rows(made, small, ferv):
    _, root = made
    for split in ("train", "test"):
        assert rows(ferv(), root, split) == rows(ferv(), small, split)


def test_only_frames_are_counted_whatever_lies_beside_them(made, ferv):
    counts = set()
    for video in ferv().videos(made[1], 1, "train"):
        choose_decoder().read(video.path, lambda n: counts.add(n) or [0])
    assert counts <= {33, 16, 28, 8, 40, 17, 31, 47}


def test_a_base_name_that_occurs_in_several_groups_is_no_id(small, ferv):
    videos = ferv().videos(small, 1, "test")
    assert len({video.id.rpartition("/")[2] for video in videos}) < len(videos)
    assert len({video.id for video in videos}) == len(videos)
    assert all(video.path.endswith(video.id) for video in videos)


def test_unpadded_frames_come_in_natural_order(ferv, tmp_path):
    def counting(name, seed, frames):
        return np.stack([np.full((32, 32, 3), 5 * t, np.uint8) for t in range(frames)])

    ferv().make(tmp_path, "nested", SCALE, counting, Progress())
    video = ferv().videos(tmp_path, 1, "train")[0]
    assert (Path(video.path) / "2.jpg").is_file()
    frames, _ = choose_decoder().read(video.path, range)
    assert [round(float(f.mean()) / 5) for f in frames] == list(range(len(frames)))


def test_a_full_copy_is_official_by_its_folders_alone(full, ferv):
    dataset = ferv()
    for split, counts in COUNTS.items():
        videos = dataset.videos(full, 1, split)
        assert tuple(np.bincount([video.label for video in videos])) == counts
        assert list_hash(rows(dataset, full, split)) == HASHES[split]
    notes = dataset.notes(full)
    assert notes["split"] == "rebuilt by the rule" and notes["official lists"] and notes["caveats"] == []


FORMS = {
    "official": (lambda name, label: f"{name} {name.split('/')[1]}", ()),
    "dfer-clip": (lambda name, label: f"/data/me/FERV39K/clips/{name} 25 {SEVEN.index(label)}", ()),
    "s2d": (lambda name, label: f"{name},{sorted(SEVEN).index(label)}", ("path,id",)),
    "one-based": (lambda name, label: f"{name}\t{7 - SEVEN.index(label)}", ()),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_full_list_in_any_form_has_the_official_figures(form, ferv, everyone, tmp_path):
    """Without a header its first line counts: 31,088 and 7,847."""
    line, head = FORMS[form]
    root = empty_root(tmp_path / "root")
    lists = root / "4_setups/All_scenes" if form == "official" else tmp_path / "lists"
    names = ("train_All.csv", "test_All.csv") if form == "official" else ("FERV39K_train.txt", "test.txt")
    write_lists(lists, everyone, line, head, names)
    dataset = ferv() if form == "official" else ferv(lists=str(lists))
    found = {split: rows(dataset, root, split) for split in COUNTS}
    assert {split: len(part) for split, part in found.items()} == {"train": 31088, "test": 7847}
    for split, part in found.items():
        assert list_hash(part) == HASHES[split]
        assert tuple(list(part.values()).count(name) for name in SEVEN) == COUNTS[split]
    # Own lists that are the official ones are not a split of one's own.
    assert dataset.notes(root)["caveats"] == []


def test_every_scene_has_its_official_size(full, ferv):
    for scene, (size, test) in SCENES.items():
        dataset = ferv(scene=scene)
        assert len(dataset.videos(full, 1, "test")) == test
        assert len(dataset.videos(full, 1, "train")) == size - test
        notes = dataset.notes(full)
        assert notes["official lists"] and notes["scenes"] == [scene] and notes["caveats"] == []


def test_every_video_tells_its_scene(small, ferv):
    videos = ferv().videos(small, 1, "test")
    assert {v.info["scene"] for v in videos} <= set(SCENES) and len({v.info["scene"] for v in videos}) > 5
    assert all(v.id.startswith(v.info["scene"] + "/") for v in videos)


def test_several_scenes_are_a_slice_whose_figures_are_known(full, ferv):
    dataset = ferv(scene="war, Action")
    assert dataset.notes(full)["scenes"] == ["Action", "War"]
    assert len(dataset.videos(full, 1, "test")) == 164 + 493
    # Every clip is there, though without frames.
    assert [f.what for f in dataset.findings(full) if f.level != "info"] == []
    assert any(f.what == "a slice: Action, War" for f in dataset.findings(full))


def test_a_slice_of_digits_is_decoded_by_the_whole_list(ferv, everyone, tmp_path):
    write_lists(tmp_path / "l", everyone, FORMS["dfer-clip"][0], names=("train.txt", "test.txt"))
    dataset = ferv(scene="War", lists=str(tmp_path / "l"))
    root = empty_root(tmp_path / "root")
    assert len(dataset.videos(root, 1, "test")) == 493 and dataset.notes(root)["official lists"]


def test_an_unknown_scene_gets_the_nearest(ferv):
    with pytest.raises(UnknownName, match="no scene of ferv39k named 'Wa'") as caught:
        ferv(scene="Wa")
    assert "War" in caught.value.hint


def test_findings_of_a_full_copy_are_about_frames_alone(full, ferv):
    found = [(f.level, f.what) for f in ferv().findings(full) if f.level != "info"]
    assert found == [
        ("warning", "train: 0 frames, officially 870587"),
        ("warning", "test: 0 frames, officially 220046"),
        ("warning", "clips have 0 to 0 frames, officially 8 to 47"),
        ("warning", "38935 clips have fewer than 16 frames, officially 4070"),
    ]


def test_a_missing_clip_moves_no_other_and_is_named(memory, full, ferv):
    # 345 of 346 clips would make the last test clip a training clip.
    before = rows(ferv(), full, "test")
    hole = full / "2_ClipsforFaceCrop/Action/Happy/0007"
    hole.rmdir()
    try:
        dataset = ferv()
        after = rows(dataset, full, "test")
        assert set(before) - set(after) == {"Action/Happy/0007"} and set(after) < set(before)
        assert "partial data" in dataset.notes(full)["caveats"]
        found = {f.what: (f.level, f.items) for f in dataset.findings(full)}
    finally:
        hole.mkdir()
    wrong = found["1 of 154 groups do not have the official size"]
    assert wrong == ("error", ("Action/Happy: 345 clips, officially 346",))
    holes = found["groups whose numbers do not run from 0000 without holes"]
    assert holes == ("warning", ("Action/Happy",))
    assert not any("38934 clips" in what for what in found)


@pytest.mark.parametrize("name", ["FERV39k", "FERV39K", "somewhere else"])
def test_the_root_and_one_folder_around_it_may_be_called_anything(name, copied, small, ferv):
    inside = copied / name
    inside.mkdir()
    for child in ("2_ClipsforFaceCrop", "4_setups"):
        (copied / child).rename(inside / child)
    (copied / MADE).unlink(missing_ok=True)
    for root in (copied, inside):
        assert rows(ferv(), root, "test") == rows(ferv(), small, "test")


def test_the_folder_of_scenes_itself_may_be_the_root(small, ferv):
    root = small / "2_ClipsforFaceCrop"
    assert rows(ferv(), root, "train") == rows(ferv(), small, "train")
    assert ferv().notes(root)["split"] == "rebuilt by the rule"


def test_faces_come_before_videos_and_those_before_whole_frames(copied, ferv):
    faces = copied / "2_ClipsforFaceCrop"
    for other in ("3_ClipsforScenImages", "0_7_LabelClips"):
        shutil.copytree(faces, copied / other)
    assert ferv().notes(copied)["variant"] == "2_ClipsforFaceCrop"
    assert ferv(variant="3_ClipsforScenImages").notes(copied)["variant"] == "3_ClipsforScenImages"
    shutil.rmtree(faces)
    assert ferv().notes(copied)["variant"] == "0_7_LabelClips"
    with pytest.raises(DataError, match="lacks a folder of clips"):
        ferv(variant="nothing").videos(copied, 1, "test")


def test_a_clip_without_folder_stays_in_its_list(copied, ferv):
    gone = ferv().videos(copied, 1, "test")[0]
    shutil.rmtree(gone.path)
    assert gone in ferv().videos(copied, 1, "test")


def test_a_clip_as_folder_and_as_file_is_refused(copied, ferv):
    path = copied / "2_ClipsforFaceCrop/Terror/Fear/0000.mp4"
    path.write_bytes(b"x")
    with pytest.raises(DataError, match="clip Terror/Fear/0000 lies in two places"):
        ferv().videos(copied, 1, "test")


def test_labels_that_are_not_the_folders_are_named(copied, ferv):
    path = copied / "4_setups/All_scenes/test_All.csv"
    path.write_text(path.read_text().replace("Terror/Fear/0000 Fear", "Terror/Fear/0000 Sad"))
    found = {f.what: (f.level, f.items) for f in ferv().findings(copied)}
    odd = found["labels in the lists that are not those of the folders"]
    assert odd == ("error", ("Terror/Fear/0000: sadness",))
    own = ferv(lists=str(path.parent))
    assert [f.level for f in own.findings(copied) if f.items == odd[1]] == ["warning"]


def test_lists_in_windows_form_and_without_a_last_line_end_are_whole(small, ferv, tmp_path):
    ferv().make(tmp_path, "FERV39K", SCALE, paint, Progress())
    path = tmp_path / "FERV39K/4_setups/All_scenes/train_All.csv"
    assert b"\r\n" in path.read_bytes() and not path.read_bytes().endswith(b"\n")
    assert len(ferv().videos(tmp_path, 1, "train")) == path.read_bytes().count(b"\n") + 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("../../etc/passwd Happy", "names no video"),
        ("War/Fear/../0001 Fear", "names no video"),
        ("Peace/Fear/0001 Fear", "names no video"),
        ("War/Joyless/0001 Fear", "names no video"),
        ("War/Fear/00001 Fear", "names no video"),
        ("0001 Fear", "names no video"),
        ("War/Fear/0001 contempt", "label 'contempt' is not one of"),
        ("War/Fear/0001", "video label"),
    ],
)
def test_a_line_at_fault_is_named(line, reason, small, ferv, tmp_path):
    (tmp_path / "test.txt").write_text("War/Fear/0000 Fear\n" + line)
    (tmp_path / "train.txt").write_text("War/Sad/0000 Sad\n")
    with pytest.raises(DataError, match=reason) as caught:
        ferv(lists=str(tmp_path)).videos(small, 1, "test")
    assert f"{tmp_path / 'test.txt'}, line 2" in str(caught.value)


def test_digits_of_a_part_of_the_set_are_refused_until_stated(small, ferv, tmp_path):
    (tmp_path / "test.txt").write_text("War/Fear/0000 20 6\nWar/Sad/0000 20 1")
    (tmp_path / "train.txt").write_text("War/Fear/0001 20 6\n")
    with pytest.raises(DataError, match="cannot be told"):
        ferv(lists=str(tmp_path)).videos(small, 1, "test")
    dataset = ferv(lists=str(tmp_path), codes="6=fear, 1=sad")
    assert rows(dataset, small, "test") == {"War/Fear/0000": "fear", "War/Sad/0000": "sadness"}
    assert dataset.notes(small)["caveats"] == ["own split", "partial data"]
    with pytest.raises(ConfigError, match="contempt"):
        ferv(lists=str(tmp_path), codes="6=contempt, 1=sad").videos(small, 1, "test")


def test_what_is_missing_or_packed_is_said(ferv, tmp_path):
    with pytest.raises(DataError, match="lacks a folder of clips") as caught:
        ferv().videos(tmp_path, 1, "test")
    assert "dferbench data info ferv39k" in caught.value.hint
    (tmp_path / "2_ClipsforFaceCrop.zip").touch()
    with pytest.raises(DataError, match=r"holds 2_ClipsforFaceCrop\.zip") as caught:
        ferv().videos(tmp_path, 1, "test")
    assert "Unpack" in caught.value.hint
    with pytest.raises(DataError, match="there are no lists at"):
        (tmp_path / "2_ClipsforFaceCrop/War/Fear/0000").mkdir(parents=True)
        ferv(lists=str(tmp_path / "none")).videos(tmp_path, 1, "test")
    (tmp_path / "4_setups/All_scenes").mkdir(parents=True)
    (tmp_path / "4_setups/All_scenes/train_All.csv").write_text("War/Fear/0000 Fear")
    with pytest.raises(DataError, match="no list for fold 1, test"):
        ferv().videos(tmp_path, 1, "test")


def test_an_unknown_layout_gets_the_known_ones(ferv, tmp_path):
    with pytest.raises(UnknownName, match="layout") as caught:
        ferv().make(tmp_path, "face", 0.01, paint, Progress())
    assert "faces" in caught.value.hint


def test_a_drawn_release_keeps_every_class_in_both_parts(small, ferv):
    for split in COUNTS:
        assert set(rows(ferv(), small, split).values()) == set(SEVEN)


def errors(run):
    """How many errors verify finds below R; it exits with 0 if there are none."""
    return json.loads(run("data", "verify", "ferv39k", "--root", "R", "--json", check=0).stdout)["errors"]


def test_what_make_writes_is_what_verify_wants(in_process):
    in_process("data", "make", "ferv39k", "--root", "R", "--scale", "0.0005", check=0)
    assert errors(in_process) == 0


@pytest.mark.heavy
@pytest.mark.parametrize("layout", LAYOUTS)
def test_make_verify_and_run_work_in_every_layout(layout, in_process):
    in_process("data", "make", "ferv39k", "--root", "R", "--layout", layout, "--scale", "0.0005", check=0)
    assert errors(in_process) == 0
    run = ["--root", "R", "--set", "backbone=clip-tiny", "--set", "stage.batch=4", "--epochs", "1"]
    done = in_process("run", "-m", "dfer-clip", "-d", "ferv39k", *run, check=0)
    assert "partial data" in done.stdout
