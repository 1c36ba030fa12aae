"""One writer of each form of output: valid JSON, CSV that no spreadsheet computes, tables of any value."""

import ast
import csv
import io
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from dferbench.csv_text import csv_text
from dferbench.files import json_text
from dferbench.printable import printable
from dferbench.report.aligned import aligned
from dferbench.report.fitted import fitted
from dferbench.report.markup import OWN, markup

NAN, INF = float("nan"), float("inf")
ALLOWED = {
    "tabulate": {"report/aligned.py", "cli/leaderboard.py"},
    "csv": {
        "data/leaks/file.py",
        "report/slice_columns.py",
        "csv_text.py",
        "trackers/csv_table.py",
        "data/official/lists.py",
        "face_crops/boxes.py",
    },
    "rich": {
        "report/drawn.py",
        "report/terminal.py",
        "interface/progress_live.py",
        "cli/watch_screen.py",
        "cli/jobs_screen.py",
    },
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
        (
            {"a": NAN, "b": [INF, -INF, 1.5], "c": (True, None)},
            {"a": None, "b": [None, None, 1.5], "c": [True, None]},
        ),
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


@pytest.mark.parametrize(
    "text", ["=1+1", "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\uff1d1", "=cmd|' /C calc'!A0", "-", "-nan("]
)
def test_a_cell_is_never_a_formula(text):
    [[first, second]] = csv.reader(io.StringIO(csv_text([[text, 'x"\n;,=']])))
    assert first.startswith("'") and first[1:] == printable(text)
    assert second == 'x"\n;,='


def test_numbers_stay_numbers_in_csv():
    values = [-1.5, "-1.5", "+3e-4", None, True, "1e5"]
    assert csv_text([values]) == "-1.5,-1.5,+3e-4,,True,1e5\n"


CELLS = [True, False, None, NAN, INF, -0.5, 12, "nan", "1e5", "x" * 120, "\x1b[31m", "a | b", "<b>"]
SEEN = [
    "true",
    "false",
    "-",
    "nan",
    "inf",
    "-0.5",
    "12",
    "nan",
    "1e5",
    "x" * 120,
    "\\u001b[31m",
    "a | b",
    "<b>",
]


@pytest.mark.parametrize("width", [None, 40, 80, 500])
def test_a_table_shows_values_as_they_are(width):
    lines = [[f"row {i}", value] for i, value in enumerate(CELLS)]
    text = fitted(lines, ["what", "value"], width=width) if width else aligned(lines, ["what", "value"])
    shown = re.sub(r"\s", "", text)
    for i, seen in enumerate(SEEN):
        assert re.sub(r"\s", "", f"row {i}{seen}") in shown
    assert width is None or max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [30, 60, 80, 200])
def test_numbers_are_never_folded_and_nothing_is_lost(width):
    heads = ["method", *(f"metric {i}" for i in range(9)), "what it does"]
    sentence = "A network of many words that says in a sentence what it is for"
    lines = [[f"method-{n}", *(f"{n}{i}.25 ± {i}.50" for i in range(9)), sentence] for n in range(3)]
    text = fitted(lines, heads, width=width)
    assert max(map(len, text.splitlines())) <= width
    for n in range(3):
        assert all(f"{n}{i}.25 ± {i}.50" in text for i in range(9))
    assert text.count("method-2") == text.count("method ") >= 1
    words = Counter(sentence.split())
    assert words <= Counter(text.split())


EVIL = "<script>x</script> \\input{a} | `b` & % $x$ #_ [c] *d* ^~ {e"


@pytest.mark.parametrize("style", [*OWN[:3], "html", "github", "latex_booktabs", "unsafehtml", "latex_raw"])
def test_a_form_escapes_everything(style):
    form = markup(style)
    parts = [form.heading(EVIL), form.table([[1, EVIL, EVIL]], ["#", EVIL, "b"], 2), form.notes([EVIL, EVIL])]
    for part in parts if style not in ("text", "simple") else []:
        assert "<script>" not in part
        assert "latex" not in style or "\\input" not in part
    text = "\n".join(parts)
    if "latex" in style:
        bare = re.sub(r"\\[&%$#_{}]", "", text)
        assert bare.count("{") == bare.count("}") and bare.count("$") == 0
        assert not re.search(r"(?<!\\)[#_%]", bare.replace("% needs", ""))
    if "html" in style:
        assert text.count("&lt;script&gt;") == 6
