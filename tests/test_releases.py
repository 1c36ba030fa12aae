"""Lists, labels, codes, folds and trees in every form that is about."""

import os
import random

import numpy as np
import pytest

from dferbench.data.official import (
    CLASSES,
    Part,
    Protocol,
    blocks,
    by_rule,
    canonical,
    find_lists,
    list_hash,
    read_folds,
)
from dferbench.data.official import codes as coding
from dferbench.data.official.lists import ListRow, last_parts, read_rows, read_table, read_text
from dferbench.data.official.lookup import by_id
from dferbench.data.official.tree import descend, find_folder, index, only
from dferbench.errors import ConfigError, DataError

TWO = Protocol(("happiness", "sadness"), {(1, "train"): Part((4, 2)), (1, "test"): Part((2, 1))})


def test_words_in_any_form_name_a_class():
    assert [canonical(w) for w in ("Happy", " SAD ", "Angry", "disappointment", "Surprised")] == [
        "happiness", "sadness", "anger", "disappointment", "surprise",
    ]  # fmt: skip
    assert canonical("1") is None and canonical("joyless") is None
    assert len(set(CLASSES)) == 11


@pytest.mark.parametrize("count", [5, 29, 145, 182, 902, 2669])
def test_blocks_are_cut_as_numpy_cuts(count):
    ids = random.Random(count).sample(range(1, 20000), count)
    placed = blocks((f"{i:05d}", "fear") for i in ids)
    expected = np.array_split(np.sort(ids), 5)
    for fold, members in enumerate(expected, 1):
        assert sorted(int(name) for name, f in placed.items() if f == fold) == members.tolist()


def test_unpadded_ids_are_ordered_as_numbers():
    placed = blocks((str(i), "fear") for i in range(1, 21))
    assert [placed[str(i)] for i in (1, 4, 5, 9, 10, 20)] == [1, 1, 2, 3, 3, 5]


def test_folds_by_the_rule_are_disjoint_and_whole():
    labels = {f"{i:05d}": CLASSES[i * i % 7] for i in range(1, 400)}
    folds = by_rule(labels)
    tests = [set(parts["test"]) for parts in folds.values()]
    assert sum(map(len, tests)) == len(set().union(*tests)) == len(labels)
    assert all(set(parts["train"]) == set(labels) - set(parts["test"]) for parts in folds.values())


def test_a_hash_does_not_depend_on_order():
    rows = {"00002": "fear", "00001": "anger"}
    assert list_hash(rows) == list_hash(dict(reversed(rows.items())))
    assert list_hash(rows) != list_hash({"00002": "anger", "00001": "anger"})


ROWS = [ListRow("00001", "3", 12, 1), ListRow("00002", "1", 40, 2)]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"/data/DFEW_Frame_Face/00001 12 3\n/data/x/00002 40 1", [("/data/DFEW_Frame_Face/00001", "3", 12)]),
        (b"\xef\xbb\xbfvideo_name,label\r\n1,7\r\n2,1\r\n", [("1", "7", None), ("2", "1", None)]),
        (b"path,id\na/b/0001,2\n", [("a/b/0001", "2", None)]),
        (b"War/Fear/0001 Fear\nWar/Sad/0001 Sad\n", [("War/Fear/0001", "Fear", None)]),
        (b"my videos/a clip 01 20 4\n", [("my videos/a clip 01", "4", 20)]),
        ("00019.mp4\tanger\t他很生气\tHe is angry, very\r\n".encode("gbk"), [("00019.mp4", "anger", None)]),
        ("00019.mp4 anger\n".encode("utf-16"), [("00019.mp4", "anger", None)]),
        (b"a/1\t30\t2\n", [("a/1", "2", 30)]),
    ],
    ids=["frames", "bom-header-crlf", "path-id", "no-header", "blanks", "gbk-tabs", "utf-16", "tabs"],
)
def test_lists_of_every_form_are_read(tmp_path, content, rows):
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    found = [(row.video, row.label, row.frames) for row in read_rows(path)]
    assert found[: len(rows)] == rows


def test_the_first_line_of_a_list_without_header_is_kept(tmp_path):
    (tmp_path / "train_All.csv").write_text("Action/Happy/0001 Happy\nAction/Sad/0002 Sad")
    assert [row.line for row in read_rows(tmp_path / "train_All.csv")] == [1, 2]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "lists no videos"),
        (b"video_name,label\n", "lists no videos"),
        (b"00001\n", "line 1"),
        (b"00001 3\n\n00002,4,5,6\n", "line 3"),
        (b"a,b,c\n", "line 1"),
        (b"a 1\n\0\0\0", "not a text file"),
        (b"\xff\xfea", "not a text file"),
        (b"\x81 1\n\xff\xff\xff", "not a text file"),
    ],
)
def test_what_is_no_list_is_said_with_its_line(tmp_path, content, reason):
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=reason) as caught:
        read_rows(path)
    assert str(path) in str(caught.value)


def test_a_list_that_is_not_there_is_said(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_text(tmp_path / "none.txt")


def test_tables_give_whole_numbers_without_a_point(tmp_path):
    from dferbench.data.official.drawing import write_table

    write_table(tmp_path / "a.xlsx", [["order", "annotation"], [1, 7.0], [None, None], [2, "0"]])
    assert read_table(tmp_path / "a.xlsx") == [["order", "annotation"], ["1", "7"], ["2", "0"]]
    (tmp_path / "b.xlsx").write_bytes((tmp_path / "a.xlsx").read_bytes()[:200])
    with pytest.raises(DataError, match=r"b\.xlsx cannot be read as a table"):
        read_table(tmp_path / "b.xlsx")


@pytest.mark.parametrize("path", ["a/../b", "b", "", "a/..", "./b"])
def test_paths_that_climb_or_are_too_short_are_no_ids(path):
    with pytest.raises(ValueError):
        last_parts(path, 2)


def test_the_last_parts_of_foreign_paths():
    assert last_parts("/data/someone/FERV39K/War/Fear/0003", 3) == "War/Fear/0003"
    assert last_parts("C:\\data\\clips\\00025.MP4", 1) == "00025"


def test_numbers_are_told_apart_by_their_counts():
    counts = {"happiness": 3, "sadness": 2, "neutral": 1}
    for codes in ("012", "123", "201", "312"):
        labels = [code for code, n in zip(codes, (3, 2, 1), strict=True) for _ in range(n)]
        assert coding.by_histogram(labels, [counts]) == dict(zip(codes, counts, strict=True))


def test_counts_that_fit_nothing_or_two_ways_tell_nothing():
    assert coding.by_histogram(list("0001"), [{"happiness": 2, "sadness": 2}]) is None
    assert coding.by_histogram(list("0011"), [{"happiness": 2, "sadness": 2}]) is None
    assert (
        coding.by_histogram(list("001"), [{"happiness": 2, "sadness": 1}, {"happiness": 1, "sadness": 2}])
        is None
    )


def test_codes_can_be_stated():
    assert coding.stated("1=happy, 2=Sadness") == {"1": "happiness", "2": "sadness"}
    for text in ("1=joyless", "", "1 happy"):
        with pytest.raises(ConfigError):
            coding.stated(text)


def test_lists_are_found_by_what_their_names_say(tmp_path):
    names = [
        "Train & Test Set/single/set_1/train.txt", "train(single-labeled)/set_2.csv", "X_set_3_test.txt",
        "single_testset_4.csv", "test/fold05.csv", "notes.txt", "set_6_train.txt", ".set_1_test.txt",
    ]  # fmt: skip
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1 1")
    found = {
        place: path.relative_to(tmp_path).as_posix()
        for place, path in find_lists(tmp_path, range(1, 6)).items()
    }
    assert found == {
        (1, "train"): names[0], (2, "train"): names[1], (3, "test"): names[2], (4, "test"): names[3],
        (5, "test"): names[4],
    }  # fmt: skip


def test_two_lists_for_one_place_are_refused(tmp_path):
    (tmp_path / "set_1_train.txt").write_text("1 1")
    (tmp_path / "train_set_1.csv").write_text("1 1")
    with pytest.raises(DataError, match=r"both look like fold 1, train"):
        find_lists(tmp_path, (1, 2))


def _folds(tmp_path, train, test, **more):
    (tmp_path / "train.txt").write_text(train)
    (tmp_path / "test.txt").write_text(test)
    return read_folds(find_lists(tmp_path, (1,)), lambda p: last_parts(p, 1), TWO, **more)


def test_folds_from_numbers_whose_counts_are_official(tmp_path):
    folds = _folds(tmp_path, "a 9\nb 9\nc 9\nd 9\ne 4\nf 4\n", "g 0\nh 0\ni 5\n")
    assert folds[1]["train"]["a"] == "happiness" and folds[1]["train"]["f"] == "sadness"
    assert folds[1]["test"] == {"g": "happiness", "h": "happiness", "i": "sadness"}


def test_numbers_that_could_mean_anything_are_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be told") as caught:
        _folds(tmp_path, "a 1\nb 0\n", "c 1\n")
    assert "codes=" in caught.value.hint
    assert _folds(tmp_path, "a 1\nb 0\n", "c 1\n", stated="0=sad, 1=happy")[1]["train"]["a"] == "happiness"


def test_lines_at_fault_are_named(tmp_path):
    codes = {"1": "happiness"}
    for rows, reason in (
        ([ListRow("../x", "1", None, 4)], "line 4: '../x' names no video"),
        ([ListRow("x", "2", None, 5)], "line 5: label '2'"),
        (
            [ListRow("x", "1", None, 1), ListRow("y/x", "1", None, 2)],
            "line 2: the id 'x' occurs a second time",
        ),
    ):
        with pytest.raises(DataError, match=reason):
            by_id(rows, tmp_path / "l.txt", lambda p: last_parts(p, 1 if ".." not in p else 2), codes)


def _tree(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch() if path.suffix else path.mkdir(exist_ok=True)
    return root


def test_folders_within_folders_of_the_same_name(tmp_path):
    root = _tree(tmp_path, "down/faces/Faces/A/1.jpg", "down/.DS_Store")
    assert descend(root, lambda name: name == "faces") == root / "down"
    assert find_folder(root / "down", ["faces"]) == root / "down/faces/Faces"
    assert find_folder(root, ["nothing"]) is None


def test_the_index_knows_folders_and_files_and_nothing_else(tmp_path):
    root = _tree(
        tmp_path, "part_1/00001/a.jpg", "part_2/2.mp4", "3.avi", "4.txt", "._5.mp4", "Thumbs.db", "x/y/6.mp4"
    )
    found = index(root, lambda name: f"{int(name):05d}" if name.isdigit() else None, depth=2)
    assert {name: os.path.relpath(paths[0], root) for name, paths in found.items()} == {
        "00001": "part_1/00001", "00002": "part_2/2.mp4", "00003": "3.avi",
    }  # fmt: skip


def test_one_id_in_two_places(tmp_path):
    root = _tree(tmp_path, "a/00001/1.jpg", "b/00001/1.jpg")
    key = lambda name: name if name.isdigit() else None  # noqa: E731
    assert only(index(root, key), "clip") == {"00001": root / "a/00001"}
    (root / "b/00001/2.jpg").touch()
    with pytest.raises(DataError, match="clip 00001 lies in two places"):
        only(index(root, key), "clip")
