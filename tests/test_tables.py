"""Tables of a suite: what belongs to a row, what is marked, what is best, and how each format says it."""

import csv
import html.parser
import io
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from statistics import mean, stdev

import pytest
from conftest import ROOT, SUITES_FOLDER, TOY

from dferbench.cli import _run
from dferbench.experiment import record
from dferbench.experiment.metrics import METRICS, Metric, columns
from dferbench.experiment.printed import Printed
from dferbench.experiment.record import Epoch, Record
from dferbench.experiment.suite import Row, Suite, read_suite
from dferbench.profiling.costs import short
from dferbench.report import html as html_format
from dferbench.report import latex, plain
from dferbench.report.elsewhere import left_out
from dferbench.report.escapes import escape_latex, escape_markdown
from dferbench.report.extra_columns import Column, with_columns
from dferbench.report.table import Key, make_sheet

NASTY = r"""a_b & 100% <i>"x"</i> #1 $2 \cmd ~t ^u {v} |w `y` *z* [k]--'q'"""


def printed(uar, war, note=""):
    known = {"select": "best-on-test", "folds": "all"}
    return Printed(id="1/x", table=1, label="x", results={"faces": [uar, war]}, note=note, **known)


ROWS = (
    Row(1, "first", "m", {"width": "1"}, "group A", printed=printed(50.0, 60.0)),
    Row(2, "second", "m", {"width": "2"}, "group A", "a remark", printed(55.5, 61.0, "a slip")),
    Row(3, "third", "n", {}, "group B"),
    Row(4, "of nobody", "o", {}, "group B", printed=printed(12.0, 61.0)),
)
SUITE = Suite("table1", "Title", "A Paper", "best-on-test", ROWS)
FOLDS = (1, 2)


def make(cell, right, fold=1, seed=0, curve=(), **changes):
    """A record of two classes with 10 videos each, of which so many were right."""
    confusion = [[right, 10 - right], [10 - right, right]]
    epochs = [
        Epoch(
            stage="train",
            epoch=i,
            terms={},
            learning_rates={},
            seconds=1.0,
            confusion=[[n, 10 - n], [10 - n, n]],
        )
        for i, n in enumerate(curve)
    ]
    facts = dict(
        schema=2, status="done", method="m", origin="o", options={"width": 1}, given={}, recipe={},
        dataset="faces", dataset_origin="o", dataset_options={}, classes=["a", "b"], fold=fold, seed=seed,
        config_id=cell, data=f"f{fold}", videos={"train": 1, "test": 20}, curve=epochs, confusion=confusion,
    )  # fmt: skip
    return Record(**(facts | changes))


def keys(**changes):
    made = {
        number: Key(method, options, "faces", f"cell{number}", (), FOLDS)
        for number, method, options in ((1, "m", {"width": 1}), (2, "m", {"width": 2}), (3, "n", {}))
    }
    return {"faces": {n: replace(key, **changes.get(f"row{n}", {})) for n, key in made.items()}}


def both_folds(cell, *rights, **changes):
    return [make(cell, right, fold=fold, **changes) for fold, right in zip(FOLDS, rights, strict=True)]


def measured(sheet, number, kind="last"):
    block = next(i for i, b in enumerate(sheet.blocks) if b.kind == kind)
    return sheet.lines[number - 1].cells[block]


def said(sheet, letters):
    notes = dict(sheet.notes)
    return " | ".join(notes[letter] for letter in letters)


def test_mean_deviation_and_number_of_runs():
    records = [
        make("cell1", right, fold, seed) for right, fold, seed in ((5, 1, 0), (6, 2, 0), (9, 1, 1), (8, 2, 1))
    ]
    pair = measured(make_sheet(SUITE, records, keys(), ["last"]), 1)
    values = [50.0, 60.0, 90.0, 80.0]
    assert pair.numbers["uar"].score.mean == pytest.approx(mean(values)) == pair.numbers["war"].score.mean
    assert (
        pair.numbers["uar"].score.spread == pytest.approx(stdev(values))
        and pair.numbers["uar"].score.runs == 4
    )


def test_missing_numbers_are_empty_never_zero():
    sheet = make_sheet(SUITE, both_folds("cell1", 5, 5), keys(), ["last"])
    assert measured(sheet, 2) is None and measured(sheet, 3, "published") is None
    row = next(r for r in csv.DictReader(io.StringIO(plain.comma_separated(sheet))) if r["label"] == "third")
    assert {v for k, v in row.items() if k.startswith("faces")} == {""}
    assert json.loads(plain.as_json(sheet))["rows"][2]["results"][1]["uar"] is None
    third = next(line for line in plain.text(sheet).splitlines() if "third" in line)
    assert not re.search(r"\d", third)
    assert re.search(r"^third & +& +& +& +& +\\\\$", latex.latex(sheet), re.MULTILINE)


def test_a_zero_that_was_measured_is_shown():
    sheet = make_sheet(SUITE, both_folds("cell1", 0, 0), keys(), ["last"])
    assert "0.00 ± 0.00" in plain.text(sheet)


def test_a_record_belongs_by_its_cell_not_by_its_label():
    renamed = replace(SUITE, rows=(replace(ROWS[0], label="other name", number=1), *ROWS[1:]))
    records = both_folds("cell1", 7, 9)
    one, two = (measured(make_sheet(suite, records, keys(), ["last"]), 1) for suite in (SUITE, renamed))
    assert one == two and one.numbers["uar"].score.mean == pytest.approx(80)
    others = [*both_folds("else", 7, 9), *both_folds("cell1", 7, 9, dataset="drawings")]
    sheet = make_sheet(SUITE, others, keys(), ["last"])
    assert measured(sheet, 1) is None


def test_a_record_that_lies_there_twice_counts_once():
    sheet = make_sheet(SUITE, 2 * both_folds("cell1", 7, 9), keys(), ["last"])
    pair = measured(sheet, 1)
    assert pair.numbers["uar"].score.runs == 2 and "several records" in said(sheet, sheet.blocks[1].caveats)


def test_slips_of_the_paper_are_said_beside_its_numbers_alone():
    suite = replace(SUITE, rows=tuple(replace(row, note="") for row in ROWS))
    assert "a slip" in dict(make_sheet(suite, [], keys(), ["last"]).notes).values()
    elsewhere = {"drawings": keys()["faces"]}
    assert make_sheet(suite, [], elsewhere, ["last"]).lines[1].caveats == ()


def test_other_settings_are_told_of():
    elsewhere = both_folds("trial", 7, 9, limit=5)
    (line,) = left_out(elsewhere, keys())
    assert line == "faces: row 1: other experiments, shown with --limit 5"
    given = {"stage.epochs": "2", "input.sample": "grid(jitter=1)", "precision": "bf16"}
    weights = {"tower": {"random": True}}
    (one,) = left_out(both_folds("more", 1, 2, given=given, weights=weights), keys())
    options = "--set 'input.sample=grid(jitter=1)' --set precision=bf16 --epochs 2 --weights tower=random"
    assert one.endswith(f"shown with {options}")
    assert not list(left_out([*elsewhere, *both_folds("cell1", 7, 9)], keys()))


def test_selection_rules():
    records = [make("cell1", 6, 1, curve=(9, 6)), make("cell1", 5, 2, curve=(7, 5))]
    sheet = make_sheet(SUITE, records, keys(), ["last", "best-on-test"])
    assert measured(sheet, 1).numbers["uar"].score.mean == pytest.approx(55)
    assert measured(sheet, 1, "best-on-test").numbers["uar"].score.mean == pytest.approx(80)
    last, best = sheet.blocks[1:]
    assert "selected by last; the published numbers by best-on-test" in said(sheet, last.caveats)
    assert "selected" not in said(sheet, best.caveats)


def test_marks_become_footnotes_of_the_head_or_of_the_number():
    drawn = both_folds("cell1", 5, 6, synthetic=True) + both_folds("cell2", 6, 6, synthetic=True, limit=9)
    sheet = make_sheet(SUITE, drawn, keys(row2={"deviations": ("stage.epochs=1",)}), ["last"])
    head, one, two = sheet.blocks[1], measured(sheet, 1), measured(sheet, 2)
    assert "synthetic: faces drawn by a program" in said(sheet, head.caveats) and one.caveats == ()
    assert "limited: " in said(sheet, two.caveats) and "run with stage.epochs=1" in said(sheet, two.caveats)
    assert "a remark" in said(sheet, sheet.lines[1].caveats) and "a slip" in said(
        sheet, sheet.lines[1].caveats
    )
    assert "no plugin registers the method o" in said(sheet, sheet.lines[3].caveats)


def test_a_mark_of_a_dataset_of_its_own_is_shown():
    records = both_folds("cell1", 5, 6, dataset_notes={"caveats": ["upside down"]})
    sheet = make_sheet(SUITE, records, keys(), ["last"])
    assert "upside down: stated by the dataset" in said(sheet, sheet.blocks[1].caveats)


def test_folds_that_are_missing_are_said():
    sheet = make_sheet(SUITE, [make("cell1", 5, 2), *both_folds("cell2", 5, 6)], keys(), ["last"])
    assert said(sheet, measured(sheet, 1).caveats) == "only fold 2 of 2" and measured(sheet, 2).caveats == ()
    uneven = [*both_folds("cell1", 5, 6), make("cell1", 7, 1, seed=1)]
    sheet = make_sheet(SUITE, uneven, keys(), ["last"])
    assert "more seeds" in said(sheet, sheet.blocks[1].caveats)


def test_best_and_second_by_what_is_shown():
    sheet = make_sheet(SUITE, [], keys(), ["last"])
    ranks = [
        (p.numbers["uar"].rank, p.numbers["war"].rank) if p else None
        for p in (line.cells[0] for line in sheet.lines)
    ]
    assert ranks == [(2, 2), (1, 1), None, (0, 1)]
    alone = make_sheet(SUITE, both_folds("cell1", 5, 5), keys(), ["last"])
    assert measured(alone, 1).numbers["uar"].rank == 0
    trial = (
        both_folds("cell1", 9, 9, limit=3) + both_folds("cell2", 5, 5) + both_folds("cell3", 4, 4, method="n")
    )
    sheet = make_sheet(SUITE, trial, keys(), ["last"])
    assert [measured(sheet, n).numbers["uar"].rank for n in (1, 2, 3)] == [0, 1, 2], (
        "a trial never is the best"
    )


def test_what_was_chosen_for_all_rows_hinders_no_rank():
    chosen = {n: {"deviations": ("stage.epochs=1",)} for n in ("row1", "row2")}
    records = both_folds("cell1", 9, 9) + both_folds("cell2", 5, 5) + both_folds("cell3", 4, 4, method="n")
    sheet = make_sheet(SUITE, records, keys(**chosen), ["last"])
    assert [measured(sheet, n).numbers["uar"].rank for n in (1, 2, 3)] == [1, 2, 0]
    rule = "selected by last; the published numbers by best-on-test"
    assert said(sheet, measured(sheet, 1).caveats).split(" | ") == [rule, "run with stage.epochs=1"]
    assert measured(sheet, 3).caveats == (), "of which nothing is published"


def test_footnotes_go_on_behind_z():
    rows = tuple(Row(n, f"row {n}", "m", {}, note=f"note {n}") for n in range(1, 30))
    sheet = make_sheet(replace(SUITE, rows=rows), [], {"faces": {}}, ["last"])
    assert [letter for letter, _ in sheet.notes][24:29] == ["y", "z", "aa", "bb", "cc"]


# formats


@pytest.fixture
def nasty():
    rows = (
        replace(ROWS[0], label=NASTY, group=NASTY, note=NASTY),
        replace(ROWS[1], label="[starts with a bracket]", group=NASTY),
        replace(ROWS[2], label="*starts with a star"),
    )
    suite = Suite("a_b%c", NASTY, NASTY, "last", rows)
    records = both_folds("cell1", 5, 6) + both_folds("cell2", 6, 8) + both_folds("cell3", 9, 8, method="n")
    return make_sheet(suite, records, keys(row1={"deviations": (NASTY,)}), ["last", "best-on-test"])


@pytest.fixture
def wide(nasty):
    """The same with two columns next to its labels; a third is empty."""
    odd = Column("odd", (NASTY, None, "x"), note=NASTY)
    size = Column("size", (None, 2_000_000, 5), short, "n")
    return with_columns(nasty, [odd, size, Column("nothing", (None, None, None))])


class Page(html.parser.HTMLParser):
    """Strict: every element has an end of its own, ids are unique, links lead somewhere in the page."""

    VOID = frozenset({"meta", "link", "br", "img", "hr"})

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.cells, self.widths, self.bold = [], [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []
        assert len(set(self.ids)) == len(self.ids)
        assert set(self.links) <= {f"#{name}" for name in self.ids}

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if "href" in found else []
        if tag == "tr":
            self.widths.append(0)
        if tag in ("td", "th"):
            self.widths[-1] += int(found.get("colspan", 1))
            self.cells.append("")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and {"td", "th"} & set(self.open) and "sup" not in self.open:
            self.cells[-1] += data
        if self.open and self.open[-1] == "strong":
            self.bold.append(data)


def test_html_is_well_formed_and_says_every_character(nasty):
    text = html_format.html(nasty)
    page = Page(text)
    assert set(page.widths) == {1 + 2 + 3 + 3}
    assert NASTY in [cell.strip() for cell in page.cells] and "85.00 ± 7.07" in page.bold
    letters = {letter for line in nasty.lines for letter in line.caveats}
    letters |= {letter for block in nasty.blocks for letter in block.caveats}
    assert letters and {f"#note-{letter}" for letter in letters} <= set(page.links)
    assert "<i>" not in text and text.startswith("<!DOCTYPE html>")
    assert not re.search(r"(src|href)=\"(?!#)", text), "the page needs nothing else"
    if shutil.which("tidy"):
        done = subprocess.run(["tidy", "-q", "-e"], input=text, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def unescaped(text):
    """What TeX prints for the text, for the few commands that tables use."""
    for command, character in {
        r"\textbackslash{}": "\\", r"\textasciitilde{}": "~", r"\textasciicircum{}": "^", r"\textless{}": "<",
        r"\textgreater{}": ">", r"\textbar{}": "|", r"{\ttfamily\char34}": '"', "-{}-": "--",
        "{[}": "[", "{]}": "]", "{*}": "*",
    }.items():  # fmt: skip
        text = text.replace(command, character)
    return re.sub(r"\\([&%$#_{}])", r"\1", text)


def test_latex_escapes_every_character_once(nasty):
    assert unescaped(escape_latex(NASTY)) == NASTY
    text = latex.latex(nasty)
    assert escape_latex(NASTY) in text and not re.search(r"\\\\\s*[\[*]", text)
    bare = re.sub(r"\\.", "", text)
    assert bare.count("{") == bare.count("}")
    columns = re.search(r"\\begin\{tabular\}\{(\w+)\}", text)[1]
    assert columns == "l" + "r" * 8
    body = text.split(r"\toprule")[1].split(r"\bottomrule")[0]
    for line in body.splitlines():
        if line.endswith(r"\\") and "&" in re.sub(r"\\&", "", line):
            spans = sum(int(n) - 1 for n in re.findall(r"\\multicolumn\{(\d+)\}", line))
            assert len(re.findall(r"(?<!\\)&", line)) + spans == len(columns) - 1, line
    assert r"\textbf{85.00 $\pm$ 7.07}" in text and r"\underline{70.00 $\pm$ 14.14}" in text


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no pdflatex here")
def test_latex_compiles(nasty, tmp_path):
    whole = [r"\documentclass{article}", r"\usepackage{booktabs}", r"\begin{document}", latex.latex(nasty)]
    (tmp_path / "t.tex").write_text("\n".join([*whole, r"\end{document}"]))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]


def test_markdown_keeps_its_columns(nasty):
    lines = [line for line in plain.markdown(nasty).splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {1 + 2 + 8}
    assert "**85.00 ± 7.07**" in lines[-1] and "<ins>70.00 ± 14.14</ins>" in plain.markdown(nasty)
    undone = re.sub(r"\\(.)", r"\1", escape_markdown(NASTY)).replace("&amp;", "&")
    assert undone == NASTY


def test_csv_and_json_give_back_what_went_in(nasty):
    first = next(csv.DictReader(io.StringIO(plain.comma_separated(nasty))))
    assert first["label"] == first["group"] == NASTY and NASTY in first["notes"]
    assert float(first["faces last UAR"]) == pytest.approx(55) and first["faces last n"] == "2"
    assert float(first["faces published UAR"]) == 50.0
    data = json.loads(plain.as_json(nasty))
    assert data["schema"] == 1 and data["rows"][0]["label"] == NASTY and data["title"] == NASTY
    one = data["rows"][0]["results"][1]
    assert one["kind"] == "last" and one["runs"] == 2 and one["uar"]["mean"] == pytest.approx(55)


def test_text_shows_all_that_there_is(nasty):
    text = plain.text(nasty)
    assert NASTY in text and "55.00 ± 7.07" in text and "\x1b" not in text


@pytest.mark.parametrize("width", ["40", "300"])
def test_a_terminal_gets_bold_and_underline(nasty, monkeypatch, capsys, width):
    from dferbench.report import terminal

    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", width)
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal.show(nasty)
    out = capsys.readouterr().out
    assert "\x1b[1m85.00 ± 7.07" in out and "\x1b[4m70.00 ± 14.14" in out
    assert f"  {NASTY} [" in out, "the label is whole"


@pytest.mark.parametrize(("width", "parts"), [(60, 3), (100, 2), (300, 1)])
def test_a_narrow_terminal_gets_the_columns_in_parts(monkeypatch, capsys, width, parts):
    from dferbench.report import terminal

    suite = read_suite(SUITES_FOLDER / "table5.toml")
    monkeypatch.setenv("COLUMNS", str(width))
    terminal.show(make_sheet(suite, [], {"dfew": {}, "ferv39k": {}, "mafw": {}}, ["last"]))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    assert sum("C3D" in line for line in lines) == parts
    assert {"42.74", "31.69", "52.55"} <= {word for line in lines for word in line.split()}


# the command


def test_tables_import_nothing_heavy(tmp_path):
    suite = SUITES_FOLDER / "table2.toml"
    code = (
        "import sys\nfrom dferbench.cli import _run\n"
        f"assert _run(['table', {str(suite)!r}, '-d', 'synthetic', '--format', 'html']) == 0\n"
        "heavy = {'torch', 'cv2', 'av', 'decord', 'scipy', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def table(tmp_path, monkeypatch, capfd):
    """Run `dferbench table` in this process and an empty folder: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def go(*arguments):
        code = _run(["--plugin", str(TOY), "table", *map(str, arguments)])
        out, err = capfd.readouterr()
        return code, out, err

    return go


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_published_numbers_alone_need_no_runs(table, number):
    code, out, _ = table(SUITES_FOLDER / f"table{number}.toml", "--format", "csv")
    assert code == 0
    best = next(r for r in csv.DictReader(io.StringIO(out)) if r["dfew published UAR"] == "59.61")
    assert best["mafw published WAR"] == "52.55" and best["method"] == "dfer-clip"


def test_a_run_reaches_its_row_whatever_the_row_is_called(table, toy_run, tmp_path):
    records, _ = toy_run(sets={"stage.epochs": "1"}, folds=())
    toy_run(sets={"stage.epochs": "1"}, limit=6)
    suite = tmp_path / "s.toml"
    suite.write_text('title = "T"\n[[rows]]\nlabel = "a name"\nmethod = "toy-net"\noptions = { width = 4 }\n')
    code, out, err = table(suite, "--format", "json", "--epochs", "1")
    (one,) = json.loads(out)["rows"][0]["results"]
    expected = [record.measured(r).metrics["last"]["uar"] for r in records]
    assert code == 0 and one["runs"] == 2 and one["uar"]["mean"] == pytest.approx(mean(expected))
    notes = json.loads(out)["notes"].values()
    assert "run with stage.epochs=1" in notes and not any("limited" in note for note in notes)
    code, out, err = table(suite, "--format", "json", "-d", "toy")
    assert json.loads(out)["rows"][0]["results"][0]["runs"] == 0
    assert "toy: row 1: other experiments, shown with --epochs 1\n" in err and "--limit 6\n" in err
    code, out, _ = table(suite, "--format", "json", "--epochs", "1", "--limit", "6", "-d", "toy")
    (trial,) = json.loads(out)["rows"][0]["results"]
    assert trial["runs"] == 1 and any(n.startswith("limited") for n in json.loads(out)["notes"].values())


def test_runs_on_a_dataset_of_nobody_are_told_of_and_left_out(table, tmp_path):
    record.write(make("c", 5, dataset="gone"), tmp_path / "runs" / "c")
    code, out, err = table(SUITES_FOLDER / "table1.toml", "--format", "csv")
    assert code == 0 and "gone" not in out and "no dataset named 'gone'" in err


def test_every_format_into_a_file(table, tmp_path):
    for name in ("text", "markdown", "latex", "csv", "json", "html"):
        code, out, _ = table(SUITES_FOLDER / "table3.toml", "--format", name, "-o", f"deep/{name}")
        assert code == 0 and out == "" and "59.61" in (tmp_path / "deep" / name).read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere.toml"], 3, "nowhere.toml"),
        ([SUITES_FOLDER / "table1.toml", "-d", "dwef"], 3, "no dataset named 'dwef'"),
        ([SUITES_FOLDER / "table1.toml", "--runs", "nowhere"], 3, "nowhere"),
        ([SUITES_FOLDER / "table1.toml", "--format", "pdf"], 3, "pdf"),
        ([SUITES_FOLDER / "table1.toml", "--select", "best"], 3, "best"),
        ([ROOT / "benchmarks"], 3, "benchmarks"),
        ([SUITES_FOLDER / "table1.toml", "--cost", "nowhere.json"], 3, "nowhere.json"),
        ([SUITES_FOLDER / "table1.toml", "--cost", ROOT / "README.md"], 3, "is not a profile"),
    ],
)
def test_wrong_arguments_are_two_lines(table, arguments, code, message):
    found, out, err = table(*arguments)
    assert found == code and out == ""
    error, hint = err.splitlines()[-2:]
    assert error.startswith("error: ") and message in error + hint and hint.startswith("hint: ")


# columns next to the labels, and numbers that a source lacks


def test_columns_stand_between_labels_and_numbers_in_every_format(wide):
    assert [one.name for one in wide.extra_columns] == ["odd", "size"]
    assert wide.extra_columns[1].texts == ("", "2.00 M", "5") and wide.extra_columns[1].values == (
        None,
        2_000_000,
        5,
    )
    assert dict(wide.notes)[wide.extra_columns[1].caveats[0]] == "n"
    text = plain.text(wide).splitlines()
    assert next(line for line in text if "odd" in line).index("odd") < text[2].index("faces")
    rows = list(csv.DictReader(io.StringIO(plain.comma_separated(wide))))
    assert [row["size"] for row in rows] == ["", "2000000", "5"] and rows[0]["odd"] == NASTY
    assert json.loads(plain.as_json(wide))["rows"][0]["extra_columns"] == {"odd": NASTY, "size": None}
    widths = Page(html_format.html(wide)).widths
    assert len(set(widths)) == 1
    body = [line for line in latex.latex(wide).splitlines() if "2.00 M" in line]
    assert len(body) == 1 and body[0].count(" & ") == 2 + sum(len(block.columns) for block in wide.blocks)
    assert "2.00 M" in plain.markdown(wide)


def test_a_number_that_a_source_lacks_is_empty_and_hinders_no_rank():
    rows = (
        *ROWS[:2],
        Row(3, "half", "n", printed=printed(None, 90.0)),
        Row(4, "ua", "o", printed=printed(70.0, None)),
    )
    sheet = make_sheet(Suite("t", "T", "P", "last", rows), [], {"faces": {}}, ["last"])
    pairs = [line.cells[0] for line in sheet.lines]
    assert (
        pairs[2].numbers["uar"] is None
        and pairs[2].numbers["war"].rank == 1
        and pairs[3].numbers["uar"].rank == 1
        and pairs[1].numbers["uar"].rank == 2
    )
    (half,) = [row for row in json.loads(plain.as_json(sheet))["rows"] if row["label"] == "half"]
    assert half["results"][0]["uar"] is None and half["results"][0]["war"]["mean"] == 90.0
    for line in (plain.text(sheet), plain.markdown(sheet), latex.latex(sheet), html_format.html(sheet)):
        assert "None" not in line and "nan" not in line
    assert ",,90.0" in plain.comma_separated(sheet)


def test_costs_and_fidelity_of_rows(table, tmp_path):
    suite = SUITES_FOLDER / "table1.toml"
    code, out, _ = table(suite, "--cost", "auto", "--fidelity", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0 and {row["fidelity"] for row in rows} == {"official-code"}
    assert {row["label"]: row["parameters"] for row in rows if row["parameters"]} == {"depth 1": "153416449"}
    profile = {
        "method": "dfer-clip", "given": {"words": "16", "temporal": "mean"}, "parameters": 7, "trained": 5,
        "macs": 9, "frames": 16, "size": 224, "train": 1.5, "test": 2048.0, "memory_bytes": 3 << 20,
    }  # fmt: skip
    facts = {"schema": 1, "classes": 7, "machine": {"device": "abacus"}, "profiles": [profile]}
    (tmp_path / "cost.json").write_text(json.dumps(facts))
    _, out, _ = table(suite, "--cost", "cost.json")
    (line,) = [line for line in out.splitlines() if "16 words" in line]
    assert line.split("]")[1].split()[:10] == ["16", "x", "224", "7", "5", "9", "1.5", "2048", "3", "MiB"]
    assert "device abacus" in out


def test_the_table_of_costs_takes_what_profile_writes(table, capfd, tmp_path):
    words = ["profile", "toy-net", "--set", "width=6", "--device", "cpu", "--steps", "1", "--json"]
    assert _run(["--plugin", str(TOY), *words]) == 0
    (tmp_path / "c.json").write_text(capfd.readouterr().out)
    suite = tmp_path / "s.toml"
    row = '[[rows]]\nlabel = "a"\nmethod = "toy-net"\noptions = { width = 6 }\n'
    suite.write_text(f'title = "T"\n{row}{row.replace("6", "5")}')
    _, out, _ = table(suite, "--cost", "c.json", "--format", "json")
    first, second = json.loads(out)["rows"]
    assert first["extra_columns"]["parameters"] == 625 and first["extra_columns"]["test videos/s"] > 0
    assert second["extra_columns"]["parameters"] is None


def test_rows_stand_in_the_order_of_the_metric_that_was_asked_for():
    records = both_folds("cell1", 5, 6) + both_folds("cell2", 9, 8) + both_folds("cell3", 4, 4, method="n")
    sheet = make_sheet(SUITE, records, keys(), ["last"], shown=columns("war,macro-f1", "f1"))
    assert [line.row.number for line in sheet.lines] == [2, 1, 3, 4], "groups stay together"
    assert sheet.blocks[1].columns == ("WAR", "macro F1", "n") and sheet.blocks[0].columns == (
        "WAR",
        "macro F1",
    )
    best = sheet.lines[0].cells[1].numbers["macro-f1"]
    assert best.rank == 1 and best.score.mean == pytest.approx(85)
    kept = make_sheet(SUITE, records, keys(), ["last"], shown=columns("war,macro-f1"))
    assert [line.row.number for line in kept.lines] == [1, 2, 3, 4]
    printed_alone = make_sheet(SUITE, [], {"faces": {}}, ["last"], shown=columns(by="uar"))
    assert [line.row.number for line in printed_alone.lines] == [2, 1, 4, 3]


def test_the_best_of_what_should_be_low_is_the_lowest():
    error = Metric("error", lambda c: 100 - METRICS["war"].function(c), "error", "", higher_is_better=False)
    shown = columns("error", "", {"error": error})
    records = both_folds("cell1", 5, 5) + both_folds("cell2", 9, 9)
    sheet = make_sheet(SUITE, records, keys(), ["last"], shown=shown)
    assert [measured(sheet, n).numbers["error"].rank for n in (1, 2)] == [2, 1]


def test_what_old_records_cannot_give_is_empty_and_said_in_every_format():
    records = both_folds("cell1", 5, 6)
    sheet = make_sheet(SUITE, records, keys(), ["last"], shown=columns("war,top2"))
    assert measured(sheet, 1).numbers["top2"] is None
    assert "older records have no top-2 hits" in " ".join(dict(sheet.notes).values())
    for text in (plain.text(sheet), plain.markdown(sheet), latex.latex(sheet), html_format.html(sheet)):
        assert "nan" not in text.lower() and "55.00" in text
    data = json.loads(plain.as_json(sheet))["rows"][0]["results"][1]
    assert data["scores"]["top2"] is None and data["war"]["mean"] == pytest.approx(55)


@pytest.mark.parametrize("option", ["--by", "--metrics"])
def test_an_unknown_metric_is_refused(table, option):
    code, out, err = table(SUITES_FOLDER / "table1.toml", option, "f2")
    assert code == 3 and not out and "no metric named 'f2'" in err
