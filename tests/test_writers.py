"""One writer of each form of output: valid JSON, CSV that no spreadsheet computes, tables of any value."""

import ast
import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from dferbench.files import json_text

NAN, INF = float("nan"), float("inf")
ALLOWED = {
    "tabulate": {"report/aligned.py", "cli/leaderboard.py"},
    "csv": {"report/csv_text.py", "data/official/lists.py", "face_crops/boxes.py"},
    "rich": {"report/drawn.py", "report/terminal.py", "cli/progress.py", "cli/watch_screen.py"},
}
"""The modules that may import a library whose output others read: adapters, and readers of lists."""


def strict(text):
    """The text read as JSON alone: Python's reader takes NaN, others do not."""

    def refuse(word):
        raise ValueError(word)

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize(
    ("thing", "read"),
    [
        ({"a": NAN, "b": [INF, -INF, 1.5], "c": (True, None)}, {"a": None, "b": [None, None, 1.5], "c": [True, None]}),
        ({"deep": {"er": [{"x": NAN}]}, "path": Path("a/b")}, {"deep": {"er": [{"x": None}]}, "path": "a/b"}),
        ({1: np.float64("nan"), "x" * 300: "\u202eé\x1b"}, {"1": None, "x" * 300: "\u202eé\x1b"}),
    ],
)
def test_json_is_json(thing, read):
    assert strict(json_text(thing)) == read == strict(json_text(thing, indent=1))
    assert json_text(thing).isascii()


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("library", ALLOWED)
def test_a_library_is_reached_through_its_adapter(library):
    host = ROOT / "dferbench"
    found = {str(p.relative_to(host)) for p in host.rglob("*.py") if library in imported(p)}
    assert found <= ALLOWED[library] and found


def test_no_verb_writes_json_of_its_own():
    for path in (ROOT / "dferbench" / "cli").rglob("*.py"):
        assert "json.dumps" not in path.read_text(), path
