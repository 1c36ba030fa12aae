"""Ranks over test sets: the textbook's numbers, and the verb with its diagram."""

import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image
from scipy import stats
from test_tables import make

from dferbench.cli import _run
from dferbench.experiment import record
from dferbench.experiment.plan import Request, make_plan
from dferbench.registry.catalog import discover
from dferbench.statistics.ranks import critical_difference, friedman, holm, nemenyi, ranking, wilcoxon

# Demsar (2006), table 6: AUC of C4.5 and three variants on 14 data sets.
AUC = np.array([
    [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
    [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
    [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
    [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
    [0.972, 0.981, 0.9751, 0.975], [0.957, 0.978, 0.946, 0.970],
])  # fmt: skip


def test_the_example_of_demsar():
    """His ranks 3.143, 2.000, 2.893, 1.964, chi-square 9.28, and critical difference 1.25 at 5 %."""
    found = ranking(AUC)
    assert found.ranks == pytest.approx((3.143, 2.0, 2.893, 1.964), abs=1e-3) and found.blocks == 14
    chi2 = 12 * 14 / (4 * 5) * (sum(r**2 for r in found.ranks) - 4 * 25 / 4)
    assert chi2 == pytest.approx(9.28, abs=0.01)
    assert found.statistic == pytest.approx(stats.friedmanchisquare(*AUC.T).statistic)  # corrected for ties
    assert found.critical == pytest.approx(1.25, abs=0.005)
    assert critical_difference(14, 4, 0.1) == pytest.approx(1.12, abs=0.005)
    apart = [(one.first, one.second) for one in found.pairs if one.p < 0.05]
    gaps = [found.ranks[b] - found.ranks[a] for a, b in apart]
    assert all(gap > found.critical for gap in gaps) and len(apart) == sum(
        found.ranks[b] - found.ranks[a] > found.critical for a in range(4) for b in range(4)
    )


def test_nemenyi_has_the_quantiles_of_the_table():
    """Demsar's table 5: q of 2 to 10 classifiers at 5 %; the p of a critical difference is its level."""
    table = (1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164)
    for columns, q in enumerate(table, 2):
        gap = critical_difference(30, columns)
        assert gap / (columns * (columns + 1) / 180) ** 0.5 == pytest.approx(q, abs=1.5e-3)
    assert nemenyi(gap, 30, 10) == pytest.approx(0.05, abs=1e-4)


def test_holm_by_hand():
    """Of 0.01, 0.04, 0.03 and 0.005: the smallest times 4, the next times 3, never below the one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.7, 0.6]) == [1.0, 1.0] and holm([]) == []


def test_wilcoxon_pairs_and_groups():
    rng = np.random.default_rng(0)
    scores = np.column_stack([rng.normal(50, 1, 12), rng.normal(50, 1, 12), rng.normal(60, 1, 12)])
    found = ranking(scores, test="wilcoxon")
    raw = [stats.wilcoxon(scores[:, a], scores[:, b]).pvalue for a, b in ((2, 0), (2, 1), (0, 1))]
    by_pair = {frozenset((one.first, one.second)): one for one in found.pairs}
    expected = holm(raw)
    for (a, b), p in zip(((2, 0), (2, 1), (0, 1)), expected, strict=True):
        assert by_pair[frozenset((a, b))].p == pytest.approx(p)
    assert found.critical is None and set(found.groups[0]) == {0, 1} and len(found.groups) == 1
    test = stats.ttest_rel(scores[:, 2], scores[:, 0])
    first = by_pair[frozenset((2, 0))]
    bounds = test.confidence_interval(0.95)
    assert (first.low, first.high) == pytest.approx((bounds.low, bounds.high)) and first.effect > 8


def test_alike_columns_do_not_differ():
    same = np.tile([[1.0, 2.0]], (3, 1)).T[:, [0, 0, 0]]
    assert friedman(same) == (0.0, 1.0) and wilcoxon(same[:, 0], same[:, 0]) == 1.0
    found = ranking(same)
    assert found.groups == ((0, 1, 2),) and {one.p for one in found.pairs} == {1.0}
    with pytest.raises(ValueError, match="two blocks"):
        ranking(same[:1])


PLUGIN = """
from dferbench import Dataset, Input, Method, Recipe, Stage, hookimpl


class Made(Dataset):
    classes = ("a", "b")
    folds = (1, 2, 3, 4, 5, 6)


def build(task, parts, width: int = 1):
    raise RuntimeError("nothing is built")


@hookimpl
def register_datasets(register):
    register("made", Made)


@hookimpl
def register_methods(register):
    register(Method("net", build, Recipe(Input(frames=2, size=8), (Stage({".*": 0.1}, 1),))))
"""


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    """Three rows over six folds; the last has no run of fold 6, and a fourth none at all."""
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "made.py").write_text(PLUGIN)
    catalog = discover([folder / "made.py"])
    lines = ['title = "Made"']
    for width, base in ((1, 5), (2, 6), (3, 9), (4, None)):
        label = "the same $x_1$" if width < 3 else f"row <{width}>"
        lines += ["[[rows]]", f"label = '{label}'", 'method = "net"', f"options = {{ width = {width} }}"]
        plan = make_plan(Request("net", "made", {"width": str(width)}, root=folder), catalog)
        for fold in range(1, 7 if width != 3 else 6):
            if base is None:
                continue
            one = make(plan.config_id, base - fold % 2, fold, dataset="made", method="net")
            record.write(one, folder / "runs" / f"{width}-{fold}")
    (folder / "suite.toml").write_text("\n".join(lines))
    return folder


@pytest.fixture
def ranks(suite, monkeypatch, capfd):
    monkeypatch.chdir(suite)

    def go(*words):
        code = _run(["--plugin", "made.py", "ranks", "suite.toml", *map(str, words)])
        out, err = capfd.readouterr()
        return code, out, err

    return go


def test_a_suite_is_ranked(ranks, tmp_path):
    code, out, err = ranks("--json", "--diagram", tmp_path / "cd.svg", "--by", "war")
    assert code == 0, err
    facts = json.loads(out, parse_constant=lambda name: pytest.fail(name))
    assert [one["label"] for one in facts["rows"]] == ["row <3>", "the same $x_1$ (2)", "the same $x_1$ (1)"]
    assert [one["mean_rank"] for one in facts["rows"]] == [1.0, 2.0, 3.0] and len(facts["blocks"]) == 5
    assert facts["rows"][0]["mean"] == pytest.approx(10 * (8 + 9 + 8 + 9 + 8) / 5)
    assert facts["friedman"]["p"] == pytest.approx(stats.chi2.sf(10, 2)) and facts["test"] == "nemenyi"
    assert facts["critical_difference"] == pytest.approx(2.343 * (12 / 30) ** 0.5, abs=1e-3)
    assert [set(one) for one in facts["groups"]] == [
        {"row <3>", "the same $x_1$ (2)"}, {"the same $x_1$ (1)", "the same $x_1$ (2)"}
    ]  # fmt: skip
    assert facts["left_out"] == [
        "row <4>: no finished run, left out",
        "not every row has made fold 6: left out",
    ]
    picture = ElementTree.parse(tmp_path / "cd.svg").getroot()
    words = "".join(picture.itertext())
    assert facts["description"] in words and "Mean ranks: row <3> 1.00" in words


def test_the_text_says_effect_first_and_what_cannot_be_shown(ranks, tmp_path):
    code, out, _ = ranks("--test", "wilcoxon", "--diagram", tmp_path / "cd.png")
    flat = " ".join(out.split())
    places = [flat.index(word) for word in ("mean rank", "95 % interval", "smallest shown", "Friedman")]
    assert code == 0 and places == sorted(places)
    assert "never below 0.0625: no difference can be shown" in flat and "share training videos" in flat
    with Image.open(tmp_path / "cd.png") as picture:
        assert "Mean ranks" in picture.info["Description"] and picture.width > 600
    again = tmp_path / "again.svg"
    for path in (tmp_path / "one.svg", again):
        ranks("--diagram", path)
    assert again.read_bytes() == (tmp_path / "one.svg").read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--diagram", "cd.gif"], "must end in .svg, .png or .pdf"), (["--test", "t"], "nemenyi"),
     (["--by", "x"], "metric"),
     (["--set", "stage.epochs=9"], "two rows")],
)  # fmt: skip
def test_what_cannot_be_ranked_is_two_lines(ranks, words, said):
    code, out, err = ranks(*words)
    error, hint = err.splitlines()[-2:]
    assert code == 3 and not out and said in error + hint and hint.startswith("hint: ")
