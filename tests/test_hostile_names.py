"""Names that others write do no harm in any output: pages, papers, spreadsheets, terminals, pictures."""

import csv
import html.parser
import io
import json
import re
import xml.etree.ElementTree as ElementTree

import pytest
from test_bounds_in_tables import leave
from test_json_everywhere import strict
from test_tables import make

from dferbench.csv_text import FORMULA, csv_text, plain
from dferbench.experiment import record
from dferbench.experiment.metrics import METRICS
from dferbench.figures import ranks, timeline
from dferbench.figures.save import save
from dferbench.figures.style import DOUBLE
from dferbench.inference.prediction import Prediction, Span
from dferbench.printable import printable
from dferbench.report.aligned import aligned
from dferbench.report.latex import escape
from dferbench.report.plain import escape_markdown
from dferbench.report.ranks import as_data, as_text, rank

NAMES = {
    "a page": '<script>alert(1)</script><img src=x onerror="alert(1)">\'&amp;',
    "a paper": r"\input{/etc/passwd}\write18{ls}\end{tabular}$x$_a^b%#&~",
    "a formula": "=cmd|' /C calc'!A0",
    "another formula": "@SUM(1+1)*cmd|'x'!A1",
    "a terminal": "\x1b]0;owned\x07\x1b[2J\x9b31mred\x1b[8m",
    "turned": "safe\u202egnp.exe\u2066\u200f\u061c",
    "lines": "one\ntwo\r\nthree\u2028four\x85five\tsix",
    "long": "w" * 300,
    "markdown": "[here](javascript:alert(1)) ![x](http://x) `a` | b | **c** <b>",
}
COLUMNS = 100


def shown(text):
    """As much of a name as a record takes for that of a method or dataset."""
    return text[:200] if text.isprintable() else "m"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Runs of every hostile name, two folds each; a failed one; a suite; columns for slices."""
    here = tmp_path_factory.mktemp("hostile")
    for number, text in enumerate(NAMES.values()):
        facts = {
            "method": shown(text), "dataset": shown(text), "origin": text, "given": {"x": text, text: "y"},
            "classes": [f"{text}a", f"{text}b"], "notes": {text: text}, "options": {text: text},
            "dataset_notes": {"caveats": [text]}, "environment": {"host": text, "user": text, "device": text},
            "dataset_given": {"path": text}, "weights": {text: {"random": False, "source": text}},
        }  # fmt: skip
        for fold in (1, 2):
            leave(here / "runs" / f"{number}{fold}", 6 + fold, fold, 0, f"c{number}", **facts)
    failed = make("b", 3, method="m").model_copy(
        update={"status": "failed", "error": "\n".join(NAMES.values())}
    )
    record.write(failed, here / "runs" / "failed")
    one = json.dumps
    rows = "".join(
        f'[[rows]]\nlabel = {one(text)}\ngroup = {one(text)}\nmethod = "m"\nnote = {one(text)}\n'
        for text in NAMES.values()
    )
    every = one(" ".join(NAMES.values()))
    (here / "suite.toml").write_text(f"title = {every}\nsource = {every}\n{rows}")
    lines = [["id", *NAMES.values()]]
    lines += [
        [f"{fold}/{i}", *(f"{text}{i % 2}" for text in NAMES.values())] for fold in (1, 2) for i in range(20)
    ]
    with (here / "columns.csv").open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    return here


class Tags(html.parser.HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes = set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= set(attrs)


def harmless_page(text):
    found = Tags()
    found.feed(text)
    assert not found.tags & {"script", "img", "iframe", "object", "b"}
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    links = [link for name, link in found.attributes if name in ("href", "src")]
    assert all(link.startswith("#") for link in links)


def harmless_paper(text):
    assert not re.search(r"\\(input|write18|end\{tabular\}\$)", text)
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}")
    assert not re.search(r"(?<!\\)[&%#]x", text)


def harmless_sheet(text):
    rows = list(csv.reader(io.StringIO(text)))
    cells = [cell for row in rows for cell in row]
    assert not [c for c in cells if c.startswith(FORMULA) and not re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?", c)]
    assert len({len(row) for row in rows}) == 1, "as many cells a row"


def harmless_markdown(text):
    plain = re.sub(r"\\.", "", text)  # what is escaped
    assert not re.search(r"<(script|img|b>)", plain) and not re.search(r"!?\[[^]]*\]\(", plain)


def harmless_on_terminal(text):
    assert text == printable(text)
    tables = [line for line in text.splitlines() if re.search(r"\S {2,}\S", line)]
    assert max(map(len, tables), default=0) <= COLUMNS


HARMLESS = {
    "text": harmless_on_terminal, "markdown": harmless_markdown, "latex": harmless_paper,
    "html": harmless_page, "csv": harmless_sheet, "json": strict, "github": harmless_markdown,
    "unsafehtml": harmless_page,
    "latex_raw": harmless_paper, "orgtbl": harmless_on_terminal, "rst": str,
}  # fmt: skip
CASES = [
    *(["leaderboard", "runs", "--format", style] for style in HARMLESS if style != "orgtbl"),
    ["leaderboard", "runs", "--folders"], ["leaderboard", "runs", "--json"],
    *(["table", "suite.toml", "-d", "synthetic", "--format", style] for style in list(HARMLESS)[:6]),
    ["runs", "runs"], ["runs", "runs", "--json"],
    ["compare", "runs/01", "runs/21", "--anyway"], ["compare", "runs/41", "runs/51", "--anyway", "--json"],
    ["compare", "runs/61", "runs/81"],
    *(["slices", "runs", "-m", NAMES["a page"], "--by", NAMES["a page"], "--by", NAMES["another formula"],
       "--columns", "columns.csv", "-q", "--format", style] for style in ("text", "csv", "json")),
    ["calibration", "runs", "-o", "reliability.svg"], ["calibration", "runs", "--json"],
    ["verify", "runs", "-q"], ["verify", "runs", "-q", "--json"],
    ["reproduce", "suite.toml", "-d", "synthetic", "--dry-run"],
]  # fmt: skip


def test_no_output_of_a_verb_does_harm(folder, in_process, tmp_path):
    for name in ("runs", "suite.toml", "columns.csv"):
        (tmp_path / name).symlink_to(folder / name)
    wrong = []
    for words in CASES:
        done = in_process(*words, env={"COLUMNS": str(COLUMNS)})
        style = words[words.index("--format") + 1] if "--format" in words else "text"
        for kind, text in (("json" if "--json" in words else style, done.stdout), ("stderr", done.stderr)):
            try:
                assert text == printable(text), "orders of a terminal"
                assert "Traceback" not in text
                if kind != "stderr":
                    assert text or done.returncode
                    HARMLESS[kind](text) if text else None
            except (AssertionError, ValueError) as error:
                wrong.append((words, kind, str(error)[:600]))
    assert not wrong, "\n\n".join(map(str, wrong))
    ElementTree.parse(tmp_path / "reliability.svg")


@pytest.mark.parametrize("style", list(HARMLESS)[:6])
def test_files_are_as_harmless_as_terminals(folder, in_process, tmp_path, style):
    in_process("table", folder / "suite.toml", "-d", "synthetic", "--format", style, "-o", "out", check=0)
    text = (tmp_path / "out").read_text()
    assert text == printable(text) and ("\\u202e" in text or "textbackslash{}u202e" in text)
    HARMLESS[style](text) if style != "text" else None  # no terminal's width is known


def test_a_bundle_of_hostile_names_is_harmless(folder, in_process, tmp_path):
    done = in_process("submit", folder / "runs", "-o", "bundle", "--level", "re-scored", "-q", check=0)
    assert done.stdout == printable(done.stdout)
    text = (tmp_path / "bundle" / "PULL_REQUEST.md").read_text()
    assert text == printable(text)
    harmless_markdown(text.replace("- [ ] ", "").replace("[1]", ""))


def test_names_survive_where_machines_read_them(folder, in_process, tmp_path):
    (tmp_path / "runs").symlink_to(folder / "runs")
    rows = strict(in_process("leaderboard", "runs", "--json", check=0).stdout)["rows"]
    assert {caveat for row in rows for caveat in row["caveats"]} == set(NAMES.values())
    lines = csv.DictReader(io.StringIO(in_process("leaderboard", "runs", "--format", "csv").stdout))
    assert {plain(line["method"]) for line in lines} == {shown(text) for text in NAMES.values()}


def test_a_diagram_of_hostile_labels_is_whole_harmless_and_not_wider_than_a_page(tmp_path):
    records = {
        text: {"d": [make(f"c{n}", 5 + (n + fold) % 4, fold) for fold in (1, 2, 3)]}
        for n, text in enumerate(NAMES.values())
    }
    found = rank(records, METRICS["uar"], "last", 95.0, "nemenyi")
    text = as_text(found)
    assert printable(text) == printable(printable(text)) and len(strict(json.dumps(as_data(found)))) > 1
    save(ranks.draw(found, DOUBLE), tmp_path / "ranks.svg")
    drawn = (tmp_path / "ranks.svg").read_text()
    root = ElementTree.fromstring(drawn)
    assert "script" not in {element.tag.rpartition("}")[2] for element in root.iter()}
    assert float(root.get("width").removesuffix("pt")) < 1200
    assert drawn == "".join(c for c in drawn if c in "\n\t" or c.isprintable())


@pytest.mark.parametrize("text", [*NAMES.values(), "_hidden"], ids=[*NAMES, "underscore"])
def test_a_timeline_shows_classes_as_they_are_called(text, tmp_path):
    spans = tuple(Span(n, n + 1, None, None, (0.25, 0.75)) for n in range(3))
    save(timeline.draw(Prediction(text, 3, spans), [text, "b"], DOUBLE), tmp_path / "t.svg")
    root = ElementTree.parse(tmp_path / "t.svg").getroot()
    assert "script" not in {element.tag.rpartition("}")[2] for element in root.iter()}
    assert float(root.get("width").removesuffix("pt")) < 1200


@pytest.mark.parametrize("text", NAMES.values(), ids=NAMES)
def test_each_way_of_writing_a_cell(text):
    assert next(csv.reader(io.StringIO(csv_text([[text, 1]]))))[1] == "1"
    harmless_sheet(csv_text([[text], [f" {text}"]]))
    assert "\\input" not in escape(text) and "$x$" not in escape(text)
    harmless_markdown(escape_markdown(text))
    assert len(aligned([[text]], ["head"]).splitlines()) <= 8
