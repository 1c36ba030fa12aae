"""Lists as spreadsheets leave them: separators, encodings, workbooks, lost zeros."""

import pytest

from dferbench import DataError
from dferbench.data.official import read_rows, read_text, write_table
from dferbench_datasets.local.lists import Lists
from dferbench_datasets.local.table import read_csv


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("video_name;label\r\n1;3\r\n", [("1", "3", None)]),
        ("a/b.mp4;16;anger\n", [("a/b.mp4", "anger", 16)]),
        ("a,b.mp4;anger\n", [("a,b.mp4", "anger", None)]),
        ("a;b.mp4,anger\n", [("a;b.mp4", "anger", None)]),
        ('"a;1.mp4";anger\n', [("a;1.mp4", "anger", None)]),
        ("sep=;\r\nvideo;label\r\na;anger\r\n", [("a", "anger", None)]),
        ("sep=,\r\na;b,anger\r\n", [("a;b", "anger", None)]),
    ],
)
def test_semicolons_separate_as_commas_do(tmp_path, text, rows):
    (tmp_path / "list.csv").write_bytes(text.encode("utf-8-sig"))
    assert [(row.video, row.label, row.frames) for row in read_rows(tmp_path / "list.csv")] == rows


def test_line_numbers_count_the_line_of_the_separator(tmp_path):
    (tmp_path / "list.csv").write_text("sep=;\nvideo;label\na;anger\nnonsense\n")
    with pytest.raises(DataError, match="line 4"):
        read_rows(tmp_path / "list.csv")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("clé.mp4,fröhlich\nété.mp4,müde\n", "cp1252"),
        ("año.mp4,señal\n", "cp1252"),
        ("他很生气.mp4,生气\n高兴.mp4,高兴\n", "gbk"),
        ("clé.mp4,fröhlich\n", "utf-8"),
        ("他.mp4,生气\n", "utf-16"),
    ],
)
def test_the_encoding_is_told_from_the_bytes(tmp_path, text, encoding):
    (tmp_path / "list.csv").write_bytes(text.encode(encoding))
    assert read_text(tmp_path / "list.csv") == text


def test_what_is_no_text_says_how_to_save_it(tmp_path):
    (tmp_path / "list.csv").write_bytes(bytes([0x81, 0x20, 0x8D, 0x20, 0x00]))
    with pytest.raises(DataError) as caught:
        read_text(tmp_path / "list.csv")
    assert "CSV UTF-8" in caught.value.hint


def test_workbooks_are_read_as_lists_and_tables(tmp_path):
    write_table(tmp_path / "book.xlsx", [("video", "label"), ("1.mp4", "anger"), ("2.mp4", "joy")])
    assert [(r.video, r.label) for r in read_rows(tmp_path / "book.xlsx")] == [
        ("1.mp4", "anger"),
        ("2.mp4", "joy"),
    ]
    assert [entry.video for entry in read_csv(tmp_path / "book.xlsx").entries] == ["1.mp4", "2.mp4"]


@pytest.mark.parametrize(
    ("listed", "there"),
    [("1", "00001"), ("7.mp4", "0007.mp4"), ("12", "0012.avi"), ("00003", "3"), ("0", "000")],
)
def test_numbers_that_lost_their_zeros_are_found(tmp_path, listed, there):
    for name in (there, "00099", "00098", "00097"):
        (tmp_path / "v" / name).mkdir(parents=True)
    (tmp_path / "train.csv").write_text(f"video,label\n{listed},anger\n99,joy\n")
    (tmp_path / "test.csv").write_text("video,label\n98,anger\n97,joy\n")
    dataset = Lists(path=str(tmp_path / "train.csv"))
    paths = {video.path for video in dataset.videos(tmp_path / "v", 1, "train")}
    assert paths == {str(tmp_path / "v" / there), str(tmp_path / "v" / "00099")}
    assert "leading zeros" in dataset.notes(tmp_path / "v")["paths"]


def test_a_number_that_two_entries_may_be_is_not_guessed(tmp_path):
    for name in ("01", "001", "2", "3", "4"):
        (tmp_path / "v" / name).mkdir(parents=True)
    (tmp_path / "train.csv").write_text("video,label\n1,anger\n2,joy\n")
    (tmp_path / "test.csv").write_text("video,label\n3,anger\n4,joy\n")
    dataset = Lists(path=str(tmp_path / "train.csv"))
    assert not dataset.locate(tmp_path / "v").there["1"]
