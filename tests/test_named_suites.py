"""Suites by name: those that plugins register, wherever the package lies, and the files they refer to."""

import json
from importlib import import_module

import pytest
from conftest import ROOT, SUITES_FOLDER

from dferbench.errors import ConfigError, UnknownName
from dferbench.experiment.suite import printed_file, read_suite, suite_file
from dferbench.registry.catalog import discover

CATALOG = discover()
SUITE = 'title = "mine"\n[[rows]]\nlabel = "a"\nmethod = "zero-shot-clip"\n'
PLUGIN = """
from pathlib import Path
from dferbench import hookimpl

@hookimpl
def register_suites(register):
    register("mine", {}, about="of a laboratory")
"""


@pytest.fixture
def plugin(tmp_path):
    """The catalog with a plugin file that registers a suite, whose path is written as Python."""

    def go(path="Path(__file__).parent / 'mine.toml'", text=SUITE):
        (tmp_path / "mine.toml").write_text(text)
        (tmp_path / "laboratory.py").write_text(PLUGIN.format(path))
        return discover([tmp_path / "laboratory.py"])

    return go


def test_every_suite_of_the_package_is_registered_read_and_said():
    entries = CATALOG.entries["suites"]
    assert {entry.value for entry in entries.values()} == set(SUITES_FOLDER.glob("*.toml"))
    for name, entry in entries.items():
        suite = read_suite(suite_file(name, CATALOG))
        assert suite.name == name and entry.facts["about"] and any(row.printed for row in suite.rows)
    assert import_module("dferbench_methods.suites").HERE == SUITES_FOLDER


def test_a_name_and_a_path_mean_the_same(in_process):
    def rows(*words):
        return json.loads(in_process(*words, "--format", "json", check=0).stdout)

    assert rows("table", "table4") == rows("table", SUITES_FOLDER / "table4.toml")
    words = ["bench", "-d", "synthetic(videos=35, size=64)", "--dry-run", "--json"]
    named, path = (in_process(*words, one, check=0) for one in ("table4", SUITES_FOLDER / "table4.toml"))
    assert named.stdout == path.stdout and '"todo"' in named.stdout


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["table", "tabel5"], "table5"),
        (["bench", "Table_1", "-d", "synthetic"], "table1"),
        (["ranks", "feild"], "field"),
        (["reproduce", "tabel2", "-d", "synthetic"], "table2"),
        (["reproduce", "5/dferclip", "-d", "synthetic"], "5/dfer-clip"),
        (["leaderboard", "--published", "fields"], "field"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_in_two_lines(in_process, words, near):
    first, second = in_process(*words, check=3).stderr.splitlines()
    assert first.startswith("error: there is no suite") and words[1 + (words[1][0] == "-")] in first
    assert second.startswith("hint: Did you mean: ") and near in second


def test_what_is_a_file_is_read_as_one_and_a_name_is_never_hidden_by_one(plugin, tmp_path, monkeypatch):
    catalog = plugin()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table1").write_text("not the suite")
    (tmp_path / "other").write_text(SUITE)
    assert suite_file("table1", catalog) == SUITES_FOLDER / "table1.toml"
    assert read_suite(suite_file("other", catalog)).title == "mine"
    assert suite_file("./table1", catalog).read_text() == "not the suite"
    assert read_suite(suite_file("mine", catalog)).rows[0].method == "zero-shot-clip"


def test_printed_numbers_are_those_of_a_suite(plugin):
    assert printed_file("field", CATALOG) == SUITES_FOLDER / "published" / "field.toml"
    assert printed_file("table3", CATALOG) == printed_file("table1", CATALOG)
    with pytest.raises(ConfigError, match="the suite mine shows no printed numbers"):
        printed_file("mine", plugin())
    with pytest.raises(UnknownName):
        printed_file("nothing", CATALOG)


@pytest.mark.parametrize(
    "path", ["'mine.toml'", "Path('mine.toml')", "Path(__file__).parent / 'nowhere.toml'", "len"]
)
def test_a_plugin_that_registers_no_file_is_broken_and_says_so(plugin, path):
    (broken,) = plugin(path).broken
    assert "takes the absolute Path of a suite's file" in broken.reason


def test_the_list_shows_them_with_what_they_are(in_process):
    shown = in_process("list", "suites", check=0).stdout
    assert "table5" in shown and "state of the art" in shown
    (field,) = [
        s for s in json.loads(in_process("list", "suites", "--json").stdout)["suites"] if s["name"] == "field"
    ]
    assert "since 2023" in field["about"]
    assert str(SUITES_FOLDER / "field.toml") in in_process("show", "field", check=0).stdout.replace(
        "\n      ", ""
    )


def test_the_wheel_has_every_file_of_every_suite():
    builder = pytest.importorskip("hatchling.builders.wheel").WheelBuilder(str(ROOT))
    shipped = {file.distribution_path for file in builder.recurse_included_files()}
    files = {path.relative_to(SUITES_FOLDER.parents[1]).as_posix() for path in SUITES_FOLDER.rglob("*.toml")}
    assert len(files) == 8 and files <= shipped
