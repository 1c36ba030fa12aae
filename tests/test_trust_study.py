"""Three methods, three folds, three seeds, a validation part: every figure that is shown, recomputed."""

import itertools
import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import study_again
from conftest import TOY, write_video

DATA = ("-d", "three", "--root", "data")
THREE = """
import toy
from dferbench import hookimpl

class Three(toy.Toy):
    folds = (1, 2, 3)

@hookimpl
def register_datasets(register):
    register("three", Three)
"""
RULES = ("last", "best-on-test", "val")
SUITE = """
title = "A study"
validation = 0.2
[[rows]]
label = "net"
method = "toy-net"
options = { "stage.epochs" = 6, width = 16 }
[[rows]]
label = "frozen"
method = "toy-frozen"
options = { "stage.epochs" = 6 }
[[rows]]
label = "normed"
method = "uneasy"
options = { "stage.epochs" = 6 }
"""
pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The 27 runs, and how to ask about them in their folder."""
    from dferbench.cli import _run

    folder = tmp_path_factory.mktemp("study")
    (folder / "suite.toml").write_text(SUITE)
    (folder / "three.py").write_text(THREE)
    rng = np.random.default_rng(0)
    sizes = {"brightens": (8, 6), "darkens": (10, 8), "stays": (15, 12)}
    for fold, kind in itertools.product((1, 2, 3), sizes):
        for part, count in zip(("train", "test"), sizes[kind], strict=True):
            for i in range(count):
                write_video(folder / "data" / f"fold{fold}" / part / kind / f"{part}{i}", kind, rng)
    files = (TOY, TOY.with_name("uneasy.py"), folder / "three.py")
    plugins = [word for file in files for word in ("--plugin", str(file))]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        shared = ["--device", "cpu", "-j", "0", "-q", "--keep-predictions", "all"]
        folds = ["--fold", "1,2,3", "--seed", "0,1,2"]
        assert _run([*plugins, "bench", "suite.toml", *DATA, *folds, *shared]) == 0
        yield folder, lambda *words: _run([*plugins, *words])


@pytest.fixture(scope="module")
def rows(study):
    """The runs of each row, read again."""
    found = {"net": [], "frozen": [], "normed": []}
    names = {"toy-net": "net", "toy-frozen": "frozen", "uneasy": "normed"}
    for path in sorted(study[0].rglob("record.json")):
        run = study_again.Run(path.parent)
        found[names[run.record["method"]]].append(run)
    assert {name: len(runs) for name, runs in found.items()} == dict.fromkeys(found, 9)
    return found


@pytest.fixture
def ask(study, capsys):
    def go(*words):
        capsys.readouterr()
        code = study[1](*words)
        out, err = capsys.readouterr()
        assert code == 0, err
        return out

    return go


def refuse(name):
    pytest.fail(f"{name} is no JSON")


def test_the_table_has_the_figures_of_the_predictions(rows, ask):
    words = ["table", "suite.toml", "-d", "three", "--select", "all", "--optimism", "--interval", "95"]
    said = ask(*words, "--metrics", "uar,war,macro-f1", "--format", "json")
    sheet = json.loads(said, parse_constant=refuse)
    seen = 0
    for row in sheet["rows"]:
        runs = rows[row["label"]]
        for column in row["results"]:
            assert column["runs"] == 9
            for metric in study_again.METRICS:
                cell = column["scores"][metric]
                if column["kind"] == "optimism":
                    assert cell["mean"] == pytest.approx(study_again.optimism(runs, metric), abs=1e-6)
                    continue
                assert cell["mean"] == pytest.approx(study_again.mean(runs, metric, column["kind"]), abs=1e-6)
                bounds = cell["interval"]
                assert bounds["low"] - 1e-9 <= cell["mean"] <= bounds["high"] + 1e-9
                seen += 1
            if column["kind"] in RULES:
                bounds = column["scores"]["war"]["interval"]
                width = bounds["high"] - bounds["low"]
                if not width:  # every run knew every video, or none
                    continue
                again = study_again.war_interval(runs, column["kind"])
                np.testing.assert_allclose([bounds["low"], bounds["high"]], again, atol=0.1 * width)
    assert seen == 3 * 3 * 3


def test_the_ranks_and_the_diagram_are_those_of_the_predictions(rows, ask, study):
    found = json.loads(
        ask("ranks", "suite.toml", "-d", "three", "--json", "--diagram", "ranks.svg"), parse_constant=refuse
    )
    again, p = study_again.average_ranks(rows, (1, 2, 3))
    assert {one["label"]: one["mean_rank"] for one in found["rows"]} == pytest.approx(again)
    assert found["friedman"]["p"] == pytest.approx(p)
    words = "".join(ElementTree.parse(study[0] / "ranks.svg").getroot().itertext())
    assert all(name in words for name in rows)


def test_the_leaderboard_says_the_same(rows, ask):
    facts = json.loads(ask("leaderboard", "--json", "--select", "val"), parse_constant=refuse)
    for row in facts["rows"]:
        label = {"toy-net": "net", "toy-frozen": "frozen", "uneasy": "normed"}[row["method"]]
        assert row["scores"]["uar"]["mean"] == pytest.approx(study_again.mean(rows[label], "uar", "val"))
        assert row["verified"] == "no"
