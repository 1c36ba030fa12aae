"""Published numbers and their protocols: what their files may say, and that every format says it."""

import csv
import io
import json
import re

import pytest
from conftest import SUITES_FOLDER
from published_again import NOT_RANKED, SELECTED
from test_tables import Page

from dferbench.cli import _run
from dferbench.errors import ConfigError
from dferbench.experiment.metrics import columns
from dferbench.experiment.printed import PrintedProtocol, read_printed
from dferbench.experiment.protocol import OwnProtocol, differences, unknowns, unlike_others
from dferbench.experiment.suite import read_suite
from dferbench.report import html, latex, plain
from dferbench.report.table import Key, make_sheet

FIELD = read_printed(SUITES_FOLDER / "published" / "field.toml")
PAPER = read_printed(SUITES_FOLDER / "published" / "dfer_clip.toml")
WRITERS = {
    "text": plain.text,
    "markdown": plain.markdown,
    "latex": latex.latex,
    "csv": plain.comma_separated,
    "json": plain.as_json,
    "html": html.html,
}


# What is known of the field


def test_each_row_of_the_field_states_the_rule_that_is_known_of_it():
    known = {name: rule for rule, names in SELECTED.items() for name in names}
    assert {name: row.select for name, row in FIELD.items()} == {
        name: known.get(name, "unknown") for name in FIELD
    }


def test_rows_that_no_table_ranks():
    datasets = {name for row in FIELD.values() for name in row.results}
    found = {
        dataset: {
            name
            for name, row in FIELD.items()
            if dataset in row.results and any(unlike_others(row.protocol(dataset)))
        }
        for dataset in datasets
    }
    assert found == NOT_RANKED


def test_what_one_dataset_has_otherwise():
    assert FIELD["gm-grefel"].protocol("ferv39k").folds == "own"
    assert FIELD["gm-grefel"].protocol("dfew").folds == "all"
    assert (FIELD["s2d"].protocol("dfew").clips, FIELD["s2d"].protocol("mafw").clips) == (1, 2)
    assert PAPER["5/c3d"].protocol("dfew").averaging == "pooled"
    assert PAPER["5/est"].protocol("dfew").select == "best-on-test" and PAPER["5/est"].seeds == "unknown"
    assert PAPER["1/depth-1"].seeds == 3 and PAPER["2/zero-shot-clip"].select == "none"


def test_every_source_says_where_it_lies():
    for row in (*FIELD.values(), *PAPER.values()):
        assert (
            row.address.startswith("https://")
            or "another" in row.source
            or row.id
            in (
                "claip-emo",
                "significant-other",
                "favchat",
            )
        ), row.id


# The reader

ROW = 'id = "a"\nlabel = "A"\nresults = {{ d = [1, 2] }}\n{}\n'


def printed(tmp_path, row="", defaults=""):
    path = tmp_path / "p.toml"
    head = f"[defaults]\n{defaults}\n" if defaults else ""
    path.write_text(f'title = "P"\nsource = "S"\n{head}[[rows]]\n{ROW.format(row)}')
    return read_printed(path)["a"]


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("fames = 3", "rows.1.fames: there is no such key", "Did you mean: frames"),
        ("xyz = 3", "rows.1.xyz: there is no such key", "The keys there are select, folds"),
        ("frames = 0", 'a whole number from 1 on, or "unknown", got 0', "rows count from 1"),
        ('clips = "two"', "got 'two'", ""),
        ("seeds = true", "got True", ""),
        ("size = 1.5", "got 1.5", ""),
        ('select = "bset"', "'best-on-test', 'val', 'none' or 'unknown', got 'bset'", ""),
        ("folds = []", "or the numbers of folds as in [1], got []", ""),
        ('folds = "five"', "got 'five'", ""),
        ('input = "VX"', 'must be "unknown", or of V, A, T, S, joined by "+", got \'VX\'', ""),
        ("input = 3", "got 3", ""),
        ('trained_on_test = "maybe"', "must be true, false or \"unknown\", got 'maybe'", ""),
        ('address = "github.com/a/b"', "begins with https:// or http://, got 'github.com/a/b'", ""),
        ('address = "https://"', "got 'https://'", ""),
        ('address = "ftp://a/b"', "got 'ftp://a/b'", ""),
        ('table = "5"', "rows.1.table: must be a valid integer, got '5'", ""),
        ("table = -1", "got -1", ""),
        ('year = "2024"', "rows.1.year", ""),
        ("label = 5", "rows.1.label", ""),
        ('on = { d = { sellect = "last" } }', "rows.1.on.d.sellect: there is no such key", "select"),
        ("on = { d = { frames = 0 } }", "rows.1.on.d.frames", ""),
        ("on = 3", "rows.1.on", ""),
        ('missing_sound = "silence"', "'zeros', 'dropped' or 'unknown', got 'silence'", ""),
    ],
)
def test_a_bad_entry_is_told_in_two_lines(tmp_path, line, message, hint):
    row = ROW.replace('label = "A"\n', "") if line.startswith("label") else ROW
    path = tmp_path / "p.toml"
    path.write_text(f'title = "P"\nsource = "S"\n[[rows]]\n{row.format(line)}')
    with pytest.raises(ConfigError) as caught:
        read_printed(path)
    assert str(path) in str(caught.value) and message in str(caught.value) and hint in caught.value.hint
    assert caught.value.hint and "\n" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize("number", ['"x"', "true", '"50"', "101", "nan"])
def test_a_result_that_is_none_is_refused(tmp_path, number):
    path = tmp_path / "p.toml"
    path.write_text(f'title="P"\nsource="S"\n[[rows]]\nid="a"\nlabel="A"\nresults={{d=[{number}, 2]}}')
    with pytest.raises(ConfigError, match=r"rows\.1\.results\.d"):
        read_printed(path)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[defaults]\nxyz = 'x'", "defaults.xyz: there is no such key", "The keys there"),
        ("[defaults]\nframes = 'x'", "defaults.frames: must be a whole number", "Fix that entry"),
        ("rows = 3", "rows: must be a valid list, got 3", ""),
        ("title = 3", "title", ""),
    ],
)
def test_a_bad_head_is_told_in_two_lines(tmp_path, text, message, hint):
    path = tmp_path / "p.toml"
    title = "" if "title" in text else 'title = "P"\n'
    path.write_text(
        f'{title}source = "S"\n{text}\n' + ("" if "rows" in text else "[[rows]]\n" + ROW.format(""))
    )
    with pytest.raises(ConfigError) as caught:
        read_printed(path)
    assert message in str(caught.value) and hint in caught.value.hint


def test_a_row_overrides_its_file_and_a_dataset_its_row(tmp_path):
    one = printed(
        tmp_path, "frames = 8\non = { d = { clips = 4 } }", 'select = "last"\nframes = 16\nclips = 2'
    )
    there, elsewhere = one.protocol("d"), one.protocol("e")
    assert (there.select, there.frames, there.clips) == ("last", 8, 4)
    assert (elsewhere.frames, elsewhere.clips, elsewhere.size) == (8, 2, "unknown")


def test_a_suites_rule_holds_where_neither_row_nor_file_states_one(tmp_path):
    printed(tmp_path)
    suite = tmp_path / "s.toml"
    text = '{}published = "p.toml"\ntitle = "T"\n[[rows]]\nlabel = "L"\nmethod = "m"\npublished = "a"\n'

    def rule(line):
        suite.write_text(text.format(line))
        return read_suite(suite).rows[0].printed.select

    assert rule('select = "last"\n') == "last" and rule("") == "unknown"
    printed(tmp_path, 'select = "unknown"')
    assert rule('select = "last"\n') == "unknown"
    printed(tmp_path, "", 'select = "val"')
    assert rule('select = "last"\n') == "val"


# What differs


def test_what_differs_is_said_and_what_is_not_known_is_no_difference():
    own = OwnProtocol(frames=8, size=112, clips=1, select="last", seeds=1)
    assert list(differences(PrintedProtocol(), own)) == [] and len(unknowns(PrintedProtocol())) == 9
    same = PrintedProtocol(select="last", frames=8, size=112, clips=1, seeds=1, input="V", averaging="mean")
    assert list(differences(same, own)) == []
    other = PrintedProtocol(
        select="val", frames=16, size=224, clips=4, seeds=3, input="A+V", averaging="pooled"
    )
    said = " | ".join(differences(other, own))
    for words in (
        "selection: val as published, last here",
        "frames: 16 as published, 8 here",
        "pixels a side: 224 as published, 112 here",
        "test-time clips: 4 as published, 1 here",
        "seeds: 3 as published, 1 here",
        "pooled",
        "input: sound and video as published, video here",
    ):
        assert words in said
    assert list(differences(PrintedProtocol(select="none"), own)) == [], (
        "nothing was trained, nothing selected"
    )


# Tables

FILE = """title = "P"
source = "A list"
[defaults]
select = "best-on-test"
folds = "all"
[[rows]]
id = "usual"
label = "usual"
results = { faces = [50, 60] }
[[rows]]
id = "final"
label = "final"
select = "last"
frames = 16
address = "https://example.org/final"
table = 7
source = "a paper"
results = { faces = [55, 65] }
[[rows]]
id = "high"
label = "high"
folds = "unknown"
results = { faces = [99, 99] }
[[rows]]
id = "seen"
label = "seen"
trained_on_test = true
results = { faces = [98, 98] }
"""
NAMES = ("usual", "final", "high", "seen")
SAID = (
    "as published, its epoch was selected by last, not by best-on-test",
    "not comparable: on what split it was measured is not known",
    "not comparable: its training saw the test videos",
)


@pytest.fixture
def suite(tmp_path):
    (tmp_path / "p.toml").write_text(FILE)
    rows = "".join(f'[[rows]]\nlabel = "{n}"\nmethod = "{n}"\npublished = "{n}"\n' for n in NAMES)
    (tmp_path / "s.toml").write_text(f'title = "T"\nselect = "best-on-test"\npublished = "p.toml"\n{rows}')
    return read_suite(tmp_path / "s.toml")


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_says_in_what_a_row_differs(suite, name):
    text = WRITERS[name](make_sheet(suite, [], {"faces": {}}, ["last"]))
    for words in SAID:
        assert words in text, name
    if name == "html":
        Page(text)


def test_what_cannot_be_compared_is_shown_and_not_ranked(suite):
    sheet = make_sheet(suite, [], {"faces": {}}, ["last"])
    ranks = {
        row["label"]: row["results"][0]["uar"]["rank"] for row in json.loads(plain.as_json(sheet))["rows"]
    }
    assert ranks == {"usual": 2, "final": 1, "high": None, "seen": None}
    only = make_sheet(read_suite_rows(suite, "high", "seen"), [], {"faces": {}}, ["last"])
    assert "**" not in plain.markdown(only), "not even among themselves, with the same footnote"


def read_suite_rows(suite, *names):
    return suite.only(tuple(row.number for row in suite.rows if row.label in names))


def test_machines_get_the_whole_protocol(suite):
    sheet = make_sheet(suite, [], {"faces": {}}, ["last"])
    data = json.loads(plain.as_json(sheet))["rows"][1]["results"][0]["protocol"]
    assert set(data) == set(PrintedProtocol.model_fields)
    assert (data["select"], data["frames"], data["clips"], data["table"]) == ("last", 16, "unknown", 7)
    lines = list(csv.DictReader(io.StringIO(plain.comma_separated(sheet))))
    assert "select=last; folds=all" in lines[1]["faces published protocol"]
    assert "address=https://example.org/final" in lines[1]["faces published protocol"]


def test_measured_numbers_say_in_what_they_differ_and_are_ranked(suite):
    from test_tables import both_folds

    keys = {
        n: Key(name, {}, "faces", f"c{n}", (), (1, 2), OwnProtocol(8, 112, 1))
        for n, name in enumerate(NAMES, 1)
    }
    records = [
        one for n, name in enumerate(NAMES, 1) for one in both_folds(f"c{n}", 9 - n, 9 - n, method=name)
    ]
    sheet = make_sheet(suite, records, {"faces": keys}, ["last", "best-on-test"])
    notes = dict(sheet.notes)
    said = [
        {notes[letter] for letter in (*sheet.blocks[place].caveats, *line.cells[place].caveats)}
        for place in (1, 2)
        for line in sheet.lines
    ]
    by_test = "selected by last; the published numbers by best-on-test"
    assert [by_test in one for one in said] == [True, False, True, True] + 4 * [False]
    assert "selected by best-on-test; the published numbers by last" in said[5]
    assert ["frames: 16 as published, 8 here" in one for one in said] == 2 * [False, True, False, False]
    assert [line.cells[1].numbers["uar"].rank for line in sheet.lines] == [1, 2, 0, 0]


# The leaderboard


def board(capfd, *words):
    assert _run(["leaderboard", "nowhere", "--published", "p.toml", *words]) == 0
    return capfd.readouterr().out


def test_a_leaderboard_shows_protocols_and_ranks_none(suite, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    text = board(capfd)
    labels = re.findall(r"^(usual|final|high|seen) ", text, re.MULTILINE)
    assert labels == ["final", "usual", "high", "seen"], "what cannot be compared comes last"
    assert "not ranked" in text and "a paper, Table 7" in text and "https://example.org/final" in text
    for form in ("markdown", "latex", "html"):
        shown = board(capfd, "--format", form).replace(r"\-", "-")
        assert all(words in shown for words in SAID[1:]) and "selection" in shown, form
    rows = {one["label"]: one for one in json.loads(board(capfd, "--json"))["published"]}
    assert [rows[name]["comparable"] for name in NAMES] == [True, True, False, False]
    assert rows["final"]["select"] == "last" and rows["final"]["table"] == 7
    lines = {one["method"]: one for one in csv.DictReader(io.StringIO(board(capfd, "--format", "csv")))}
    assert (lines["final"]["select"], lines["final"]["frames"], lines["final"]["UAR"]) == (
        "last",
        "16",
        "55.0",
    )
    assert SAID[1] in lines["high"]["notes"] and lines["usual"]["published"] == "yes"


def test_the_fields_suite_ranks_only_what_is_comparable():
    suite = read_suite(SUITES_FOLDER / "field.toml")
    sheet = make_sheet(suite, [], {"dfew": {}, "ferv39k": {}}, ["last"], shown=columns())
    for place, block in enumerate(sheet.blocks):
        ranked = {
            line.row.printed.id
            for line in sheet.lines
            if line.cells[place] and any(n and n.rank for n in line.cells[place].numbers.values())
        }
        assert ranked and not ranked & NOT_RANKED[block.name]
