"""Pictures: what is drawn are the records' numbers, everybody can read it, and no name does harm."""

import re
import threading
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from functools import partial
from itertools import combinations, pairwise

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from pictured import CLASSES, leave, made
from PIL import Image

from dferbench.errors import ConfigError, DferbenchError, UnknownName
from dferbench.experiment.metrics import METRICS, columns
from dferbench.figures import classes, confusion, cost, curves, ranks, reliability, scatter, slices, stress
from dferbench.figures.inline import inline_svg
from dferbench.figures.save import save
from dferbench.figures.style import DOUBLE, PAPER, WEB, Style
from dferbench.figures.words import DRAWN, all_shown, sentence, shown
from dferbench.report.class_recalls import class_recalls
from dferbench.report.configurations import best, configurations
from dferbench.report.configurations import partial as partial_of
from dferbench.report.ranks import rank
from dferbench.report.score import Score
from dferbench.report.slices import Sliced
from dferbench.report.stress import StressTable, Worse
from dferbench.statistics.intervals import Interval
from dferbench.statistics.slices import Slice

SVG = "{http://www.w3.org/2000/svg}"
UAR, WAR = METRICS["uar"], METRICS["war"]
NASTY = "$x_{1$ <b>\"&'</b> \x1b[31m ‮ evil \ud800 ]]> --> \uffff" + "n" * 300
"""A formula that is none, markup, a terminal's escapes, letters in another order, and 300 characters."""


def runs(method="m", **changes):
    """Two folds and two seeds of a configuration."""
    return [made(method, fold, seed, **changes)[0] for fold in (1, 2) for seed in (0, 1)]


@pytest.fixture(scope="module")
def three():
    return {name: runs(name, right=right) for name, right in (("a", 0.5), ("b", 0.7), ("c", 0.9))}


def lines(axes, label=None):
    """The points of the lines of a panel that have this label."""
    found = [one for one in axes.get_lines() if label in (None, one.get_label())]
    return [(list(one.get_xdata()), list(one.get_ydata())) for one in found]


def texts(figure):
    """Everything that a picture says."""
    return [one.get_text() for one in figure.findobj(mpl.text.Text) if one.get_text()]


def contrast(one, other):
    """Of two colours as WCAG 2 has it, 1 to 21."""

    def luminance(colour):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        return np.dot(linear, [0.2126, 0.7152, 0.0722])

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_curves_draw_every_epoch_of_every_run_and_their_mean():
    group = runs()
    loss, test, rate = curves.draw(group, PAPER).axes
    drawn = lines(test, "_run")
    expected = [[UAR.of(e.counts) for e in one.curve] for one in group]
    assert [y for x, y in drawn if x == [1, 2, 3]] == [
        *(pytest.approx(line) for line in expected),
        *(pytest.approx([WAR.of(e.counts) for e in one.curve]) for one in group),
    ]
    assert lines(test, "UAR")[0][1] == pytest.approx(np.mean(expected, axis=0))
    assert [y for _, y in lines(loss, "_run")] == [[e.terms["ce"] for e in one.curve] for one in group]
    assert lines(rate, ".*")[0][1] == pytest.approx([0.1, 0.05, 0.1 / 3])
    assert lines(rate, "_run") == [], "learning rates of which all runs have the same are one line"


def test_curves_of_one_run_of_several_stages_and_rates_that_differ_hundredfold():
    one, rates = runs()[0], {".*": 1e-3, "body.*": 1e-5}
    changes = {"stage": "main", "learning_rates": rates, "terms": {"kl": 2.0}}
    later = [epoch.model_copy(update=changes) for epoch in one.curve]
    loss, test, rate = curves.draw([one.model_copy(update={"curve": [*one.curve, *later]})], DOUBLE).axes
    assert rate.get_yscale() == "log" and loss.get_yscale() == test.get_yscale() == "linear"
    ((_, kl),) = lines(loss, "kl")
    assert np.isnan(kl[:3]).all() and kl[3:] == [2.0] * 3
    assert "main" in [text.get_text() for text in test.texts] and ([3.5, 3.5], [0, 1]) in lines(test)


def test_what_was_never_trained_has_no_curve():
    one = runs()[0].model_copy(update={"curve": [], "epochs_": 0})
    with pytest.raises(ConfigError, match="it trained no epoch") as caught:
        curves.draw([one], PAPER)
    assert "trained here" in caught.value.hint
    with pytest.raises(ConfigError, match="was not read"):
        curves.draw([one.model_copy(update={"curve": None, "epochs_": 3})], PAPER)


def test_a_confusion_matrix_counts_all_runs_together():
    group = runs()
    figure = confusion.draw(group, PAPER)
    total = np.sum([one.confusion for one in group], axis=0)
    rates = total / total.sum(1, keepdims=True)
    (axes,) = figure.axes
    (mesh,) = axes.collections
    assert np.asarray(mesh.get_array()).reshape(3, 3) == pytest.approx(rates)
    said = [text.get_text() for text in axes.texts]
    assert said == [f"{n}\n{100 * r:.0f}" for n, r in zip(total.ravel(), rates.ravel(), strict=True)]
    alone = [text.get_text() for text in confusion.draw(group, PAPER, normalize=True).axes[0].texts]
    assert alone == [f"{100 * r:.0f}" for r in rates.ravel()]
    assert f"{total.sum()} predictions of 4 runs" in sentence(figure)
    assert f"happy {100 * rates[0, 0]:.1f} %" in sentence(figure)


def test_a_matrix_of_another_epoch_and_of_untested_classes():
    group = [one.model_copy(update={"confusion": [[4, 1, 0], [0, 0, 0], [2, 0, 3]]}) for one in runs()[:1]]
    axes = confusion.draw([group[0].model_copy(update={"curve": None})], PAPER).axes[0]
    assert [t.get_text() for t in axes.texts][3:6] == ["0\n0"] * 3
    with pytest.raises(ConfigError, match="different classes"):
        confusion.draw([group[0], made(classes=["x", "y", "z"])[0]], PAPER)
    first = runs()[0]
    chosen = first.counts("best-on-test").confusion
    drawn = confusion.pooled([first], "best-on-test").confusion
    assert drawn == [list(row) for row in chosen]


@pytest.mark.parametrize("style", [PAPER, replace(PAPER, dark=True)])
@pytest.mark.parametrize("wrong", [0, 1, 4, 10, 20, 27, 30])
def test_numbers_can_be_read_on_cells_of_every_shade(style, wrong):
    one = runs()[0].model_copy(update={"curve": None, "confusion": [[30 - wrong, wrong, 0]] * 3})
    axes = confusion.draw([one], style).axes[0]
    axes.figure.draw_without_rendering()
    for text, face in zip(axes.texts, axes.collections[0].get_facecolors(), strict=True):
        ground = face[3] * face[:3] + (1 - face[3]) * np.array(to_rgb(style.paper))
        least = 3 if text.get_text() == "0\n0" else 3.5
        assert contrast(text.get_color(), ground) >= least


def test_recalls_of_classes_have_the_intervals_of_the_bootstrap(three):
    (axes,) = classes.draw(three, PAPER).axes
    for place, (label, group) in enumerate(three.items()):
        found = class_recalls(group)
        ((x, y),) = lines(axes, label)
        assert x == pytest.approx([one.recall for one in found]) and np.round(y).tolist() == [0, 1, 2]
        segments = axes.collections[place].get_segments()
        assert [(s[0][0], s[1][0]) for s in segments] == [
            pytest.approx((one.interval.low, one.interval.high)) for one in found
        ]
    assert [t.get_text() for t in axes.get_yticklabels()] == [f"{name} (20)" for name in CLASSES]


def test_the_interval_of_a_recall_covers_it_and_is_wider_at_fewer_videos(three):
    for one in class_recalls(three["a"]):
        assert 0 <= one.interval.low < one.recall < one.interval.high <= 100
        assert one.recall == pytest.approx(
            np.mean([100 * r.counts("last").recalls[CLASSES.index(one.name)] for r in three["a"]])
        )
    alone, narrow = class_recalls(three["a"][:1]), class_recalls(three["a"][:1], level=80)
    assert all(a.interval.high - a.interval.low > n.interval.high - n.interval.low
               for a, n in zip(alone, narrow, strict=True))  # fmt: skip


def test_a_class_that_some_run_lacks_has_a_recall_without_an_interval():
    one, other = runs()[0], made(fold=2)[0]
    lacking = other.model_copy(update={"confusion": [[5, 5, 0], [1, 9, 0], [0, 0, 0]], "curve": None})
    found = {r.name: r for r in class_recalls([one, lacking])}
    assert found["angry"].interval is None and found["angry"].recall == 100 * one.counts("last").recalls[2]
    assert found["happy"].interval and found["angry"].videos == 10
    nobody = lacking.model_copy(update={"fold": 1})
    assert "without test videos: angry" in " ".join(texts(classes.draw({"x": [nobody]}, PAPER)))


def test_score_against_cost(three):
    (axes,) = cost.draw(three, PAPER).axes
    for label, group in three.items():
        mean = np.mean([UAR.of(one.counts("last")) for one in group])
        assert lines(axes, label) == [([2_000_000], [pytest.approx(mean)])]
    timed = {**three, "c": [one.model_copy(update={"seconds": 7200.0}) for one in three["c"]]}
    figure = cost.draw(timed, PAPER, "seconds")
    assert lines(figure.axes[0], "c")[0][0] == [2.0] and figure.axes[0].get_xscale() == "log"
    assert figure.axes[0].get_xlabel() == "time of a run (h; cpu)" and "c: 2 h, " in sentence(figure)


def test_costs_that_are_not_known_are_left_out_and_said(three):
    unknown = {**three, "b": [one.model_copy(update={"parameters": {}}) for one in three["b"]]}
    figure = cost.draw(unknown, PAPER)
    assert not lines(figure.axes[0], "b") and "left out, as it is not known: b" in " ".join(texts(figure))
    with pytest.raises(ConfigError, match="no configuration has known MACs of testing one video") as caught:
        cost.draw(three, PAPER, "macs")
    assert "--by parameters" in caught.value.hint
    with pytest.raises(UnknownName, match="no cost named 'money'"):
        cost.draw(three, PAPER, "money")


def test_macs_are_those_that_packages_keep_for_default_options():
    from dferbench.profiling import costs
    from dferbench.registry.catalog import discover
    from dferbench.report import spent

    name, entry = next(
        (n, e) for n, e in discover().entries["methods"].items() if e.value and costs.kept(e.origin, n)
    )
    group = runs(name, origin=entry.origin)
    assert spent.find("macs").of(group) == costs.kept(entry.origin, name).macs
    assert spent.find("macs").of([one.model_copy(update={"given": {"x": "1"}}) for one in group]) is None
    assert spent.find("seconds").of(group) == 90.0
    assert spent.find("seconds").of([group[0].model_copy(update={"checkpoint": {"file": "x"}})]) is None


def test_the_scatter_has_every_run(three):
    (axes,) = scatter.draw(three, PAPER).axes
    for fold in (1, 2):
        ((x, y),) = lines(axes, f"fold {fold}")
        expected = [
            UAR.of(one.counts("last")) for group in three.values() for one in group if one.fold == fold
        ]
        assert x == pytest.approx(expected) and np.round(y).tolist() == [0, 0, 1, 1, 2, 2]
        assert len(set(y)) == 6


def test_ranks_stand_where_they_are(three):
    found = rank({label: {"d": group} for label, group in three.items()}, UAR, "last", 95.0, "nemenyi")
    figure = ranks.draw(found, PAPER, three["a"])
    feet = [x[0] for x, y in lines(figure.axes[0]) if len(x) == 3]
    assert feet == pytest.approx([found.ranking.ranks[i] for i in found.ranking.order])
    assert "Mean ranks: c 1.00" in sentence(figure)


@pytest.mark.parametrize("many", [2, 12])
def test_nothing_is_cut_off_at_the_width_of_a_column(many):
    long = {f"{'long-name ' * 9}{i}": runs(right=0.3 + i / 20, limit=2) for i in range(many)}
    one = long[next(iter(long))]
    found = rank({label: {"d": group} for label, group in long.items()}, UAR, "last", 95.0, "nemenyi")
    drawn = [cost.draw(long, PAPER), scatter.draw(long, PAPER), curves.draw(one, PAPER),
             confusion.draw(one, PAPER), ranks.draw(found, PAPER, one)]  # fmt: skip
    for figure in drawn:
        figure.draw_without_rendering()
        whole, width = figure.get_tightbbox(), figure.get_figwidth()
        assert width == PAPER.width_in and whole.x0 >= -0.01 and whole.x1 <= width + 0.01
        assert whole.y0 >= -0.01 and whole.y1 <= figure.get_figheight() + 0.01
    numbers = [text for text in drawn[-1].axes[0].texts if text.get_text().isdecimal()]
    boxes = sorted((text.get_window_extent() for text in numbers), key=lambda box: box.x0)
    assert len(boxes) > 1 and all(a.x1 < b.x0 for a, b in pairwise(boxes))


def test_series_differ_without_colour(three):
    """In grey print and to who sees no hue: by marker or dashes."""
    for place, other in combinations(range(35), 2):
        assert (PAPER.line(place), PAPER.marker(place)) != (PAPER.line(other), PAPER.marker(other))
    _, test, _ = curves.draw(runs(), PAPER).axes
    assert len({one.get_linestyle() for one in test.get_lines() if one.get_label() in ("UAR", "WAR")}) == 2
    for module in (classes, cost, scatter):
        (axes,) = module.draw(three, PAPER).axes
        drawn = [one for one in axes.get_lines() if not one.get_label().startswith("_")]
        assert len({one.get_marker() for one in drawn}) == len(drawn) > 1


@pytest.mark.parametrize("style", [PAPER, WEB, replace(DOUBLE, dark=True)])
def test_words_and_axes_stand_out_from_the_paper(style):
    assert contrast(style.ink, style.paper) >= 7 and contrast(style.muted, style.paper) >= 3
    assert all(contrast(style.colour(place), style.paper) >= 2 for place in range(6))


def test_drawn_faces_and_caveats_are_said_in_the_picture(three):
    figure = classes.draw(
        {"a": [one.model_copy(update={"synthetic": True, "limit": 3}) for one in three["a"]]}, PAPER
    )
    assert DRAWN in texts(figure) and sentence(figure).endswith(f"These are {DRAWN}.")
    assert "only part of the videos was used" in " ".join(texts(figure)).replace("\n", " ")
    plain = classes.draw(
        {"a": [*three["a"][1:], three["a"][0].model_copy(update={"status": "failed"})]}, PAPER
    )
    assert DRAWN not in texts(plain) and any("1 of 4 runs are not finished" in text for text in texts(plain))


@pytest.mark.parametrize(("ending", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("PDF", b"%PDF")])
def test_the_same_figure_gives_the_same_bytes(tmp_path, ending, start):
    group = runs()
    contents = []
    for number in range(2):
        path = tmp_path / f"{number}.{ending}"
        with mpl.rc_context(
            {"font.size": 30 * number + 5, "axes.facecolor": "red", "text.usetex": bool(number)}
        ):
            save(scatter.draw({"a": group}, PAPER), path)
            assert mpl.rcParams["font.size"] == 30 * number + 5
        contents.append(path.read_bytes())
    assert contents[0] == contents[1] and contents[0].startswith(start)
    assert b"Date" not in contents[0] and not list(tmp_path.glob(".*"))


def test_files_have_the_width_of_a_column_and_say_what_they_show(tmp_path):
    figure = scatter.draw({"a": runs()}, PAPER)
    save(figure, tmp_path / "f.png")
    save(figure, tmp_path / "f.svg")
    with Image.open(tmp_path / "f.png") as picture:
        assert picture.width == 1005 and picture.info["Description"] == sentence(figure)
    root = ElementTree.parse(tmp_path / "f.svg").getroot()
    assert root.get("width") == "241.2pt" and sentence(figure) in "".join(root.itertext())


def test_a_file_that_cannot_be_is_told_in_two_lines(tmp_path):
    figure = scatter.draw({"a": runs()}, PAPER)
    for name in ("f.gif", "f", "f.svg.txt"):
        with pytest.raises(ConfigError, match=r"must end in \.svg, \.png or \.pdf, got") as caught:
            save(figure, tmp_path / name)
        assert "-o f" in caught.value.hint
    (tmp_path / "file").write_text("")
    with pytest.raises(DferbenchError, match="cannot write"):
        save(figure, tmp_path / "file" / "f.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("module", [classes, cost, scatter])
def test_no_name_does_harm(tmp_path, module):
    nasty = {NASTY: runs(), f"{NASTY} 2": runs(classes=[NASTY, "$$", "‏"])}
    chosen = nasty if module is not classes else {f"{NASTY} 2": nasty[f"{NASTY} 2"]}
    figure = module.draw(chosen, PAPER, notes=[NASTY])
    save(figure, tmp_path / "f.svg")
    save(figure, tmp_path / "f.png")
    ElementTree.parse(tmp_path / "f.svg")
    svg = inline_svg(figure, "f", sentence(figure) + NASTY)
    ElementTree.fromstring(svg)
    for bad in ("<b>", "\x1b", "‮", "‏", "\uffff", "\ud800"):
        assert bad not in svg
    assert "$x_{1$" in svg and max(len(line) for text in texts(figure) for line in text.split("\n")) < 120


def test_curves_and_matrices_of_nasty_names(tmp_path):
    classes_ = [NASTY, f"{NASTY}2", "$$"]
    one = made("m", classes=classes_)[0]
    odd = {"terms": {NASTY: 1.0, "b$": 2.0}, "learning_rates": {NASTY: 0.1}}
    curve = [epoch.model_copy(update=odd) for epoch in one.curve]
    one = one.model_copy(update={"method": "x" * 200, "curve": curve})
    for module in (curves, confusion):
        save(module.draw([one], PAPER, notes=[NASTY]), tmp_path / "f.svg")
        ElementTree.parse(tmp_path / "f.svg")


def test_long_names_are_shortened_in_the_middle_and_stay_apart():
    assert shown("short") == "short" and len(shown("x" * 300, 20)) == 20
    assert shown("begin" + "x" * 300 + "end", 12) == "beginxxx…end"
    assert len(set(all_shown([f"{'x' * 50}{i}{'y' * 50}" for i in range(3)], 10))) == 3


def test_inline_figures_share_a_page(three):
    parts = [inline_svg(classes.draw(three, WEB), "first", "A: <one> & \"two\""),
             inline_svg(classes.draw(three, WEB), "second-2", "B"),
             inline_svg(curves.draw(three["a"], WEB), "third", "C")]  # fmt: skip
    page = ElementTree.fromstring(f"<body>{''.join(parts)}</body>")
    ids = [one.get("id") for one in page.iter() if one.get("id")]
    assert len(ids) == len(set(ids)) and all(re.match("(first|second-2|third)-", one) for one in ids)
    for part in parts:
        used = set(re.findall(r'#([\w-]+-\d+)[)"]', part)) | set(re.findall(r'aria-\w+="([\w-]+)"', part))
        assert used and used <= set(ids)
        assert (
            not part.startswith("<?")
            and "DOCTYPE" not in part
            and "<style" not in part
            and "<metadata" not in part
        )
        assert 'role="img"' in part and len(part) < 40_000
    assert '<title id="first-title">A</title>' in parts[0] and "&lt;one&gt; &amp;" in parts[0]
    assert ">happy (20)</text>" in parts[0] and "var(--figure-ink,#1b1b1c)" in parts[0]
    assert parts[0] == inline_svg(classes.draw(three, WEB), "first", 'A: <one> & "two"')
    for bad in ("", "1", "a b", 'a"', "ä"):
        with pytest.raises(ValueError, match="name of a figure"):
            inline_svg(scatter.draw(three, WEB), bad, "")


def test_an_inline_curve_goes_where_the_file_goes():
    """Rounding moves no point by more than a hundredth of a point."""
    figure = curves.draw(runs()[:1], WEB)
    root = ElementTree.fromstring(inline_svg(figure, "x", "x"))
    axes = figure.axes[1]
    (line,) = [one for one in axes.get_lines() if one.get_label() == "UAR"]
    height = float(root.get("viewBox").split()[3])
    points = axes.transData.transform(np.column_stack(line.get_data())) * 72 / figure.dpi
    expected = np.column_stack([points[:, 0], height - points[:, 1]])
    paths = [np.array(re.findall(r"-?[\d.]+", one.get("d")), float) for one in root.iter(f"{SVG}path")]
    assert any(one.shape == (6,) and np.abs(one.reshape(3, 2) - expected).max() < 0.011 for one in paths)


def test_threads_draw_alike_and_leave_settings_alone():
    group, found, before = {"a": runs()}, {}, dict(mpl.rcParams)

    def draw(dark):
        figure = scatter.draw(group, Style(dark=dark))
        found[dark] = figure.axes[0].xaxis.label.get_color()

    workers = [threading.Thread(target=draw, args=(dark,)) for dark in (True, False)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert found == {dark: Style(dark=dark).ink for dark in (True, False)} and dict(mpl.rcParams) == before


def test_configurations_have_names_of_their_own():
    same = [made("m", given={"width": "1"})[0], made("m", fold=2, given={"width": "1"})[0]]
    other = made("m", given={"width": "1"}, config_id="id2", options={"depth": 2})[0]
    found = configurations([same[1], other, same[0], made("n")[0]])
    assert [one.fold for one in found[next(iter(found))]] == [1, 2] and len(found) == 3 and "n" in found
    assert all(label.startswith("m width=1 ") for label in found if label != "n")
    assert partial_of(found) == [f"{label}: 1 of 2 folds" for label in found if label != next(iter(found))]
    kept, rest = best({"low": runs(right=0.1), "high": runs(right=0.99)}, 1)
    assert list(kept) == ["high"] and rest == ["low"]


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """Two methods on two folds and one seed, as they lie in a folder."""
    folder = tmp_path_factory.mktemp("study")
    for method, right in (("high", 0.9), ("low", 0.4)):
        for fold in (1, 2):
            leave(folder / "runs", method=method, fold=fold, right=right)
    rows = [f"v{i},{i % 2},{i}" for i in range(30)]
    (folder / "videos.csv").write_text("\n".join(["id,side,age", *rows]))
    return folder


def test_a_reliability_diagram_draws_the_bins(left):
    from dferbench.experiment import record
    from dferbench.report.calibration import read_run, rows
    from dferbench.statistics.calibration import confidences, equal_width

    places = sorted((left / "runs").glob("id-low*"))
    found = [read_run(record.read(place / "record.json"), place, 5, {}) for place in places]
    (axes,) = reliability.draw(rows(found), PAPER, 5).axes
    logits, labels = np.concatenate([r.logits for r in found]), np.concatenate([r.labels for r in found])
    bins = equal_width(*confidences(logits, labels), 5)
    ((x, y),) = lines(axes, "as it is")
    assert (x, y) == ([one.confidence for one in bins], [one.accuracy for one in bins])
    assert [bar.get_height() for bar in axes.patches] == [one.videos / 60 for one in bins]


def test_slices_have_their_scores_and_intervals():
    big = Slice("dim", 40, 3, {"uar": 60.0}, {"uar": Interval(50.0, 70.0, 95.0, "")})
    few = Slice("bright $x$", 5, 3, {"uar": 20.0}, {"uar": None})
    none = Slice("dark", 30, 3, {"uar": None}, {"uar": None})
    one = Sliced("m", "c", "d", 2, ("limited",), "light", "", 0, [big, few, none], None)
    figure = slices.draw([one, replace(one, method="n", p=0.03)], columns("uar"), PAPER)
    (axes,) = figure.axes
    points = [line for line in axes.get_lines() if list(line.get_xdata()) in ([60.0], [20.0])]
    assert [line.get_xdata()[0] for line in points] == [60.0, 20.0] * 2
    assert [line.get_fillstyle() for line in points] == ["full", "none"] * 2
    assert [c.get_segments()[0][:, 0].tolist() for c in axes.collections] == [[50.0, 70.0]] * 2
    heads = [text.get_text() for text in axes.get_yticklabels()]
    assert heads == ["dim (40)", "bright $x$ (5)", "dark (30)"] and "n, p = 0.03" in texts(figure)
    with pytest.raises(ConfigError, match="no test video of these runs has a known light"):
        slices.draw([replace(one, parts=[])], columns("uar"), PAPER)


def test_bars_of_corruptions_are_the_losses_and_darker_with_severity():
    rows = [
        Worse(name, severity, 1.0, {"uar": None}, {"uar": Score(10.0 * place + severity, 0.5, 2)})
        for place, name in enumerate(("blur", "$noise"))
        for severity in (1, 2, 3)
    ]
    table = StressTable("m", "d", "c", (1,), (0, 1), ("synthetic",), {"uar": Score(60.0, 1.0, 2)}, rows)
    figure = stress.draw(table, UAR, DOUBLE)
    (axes,) = figure.axes
    assert [bar.get_height() for bar in axes.patches] == [1, 11, 2, 12, 3, 13]
    shades = [bar.get_facecolor() for bar in axes.patches[::2]]
    assert len({shade[:3] for shade in shades}) == 1 and shades[0][3] < shades[1][3] < shades[2][3]
    assert DRAWN in texts(figure) and "$noise" in texts(figure)
    assert "clean 60.00 ± 1.00; most is lost by $noise at severity 3, 13.00" in sentence(figure)
    nothing = replace(table, rows=[replace(one, drops={"uar": None}) for one in rows])
    assert "nothing was measured" in sentence(stress.draw(nothing, UAR, PAPER))


@pytest.fixture
def plot(in_process, left):
    return partial(in_process, "plot")


KINDS = {
    "curves": [], "confusion": ["--normalize"], "classes": ["--interval", "80"], "scatter": ["--dark"],
    "cost": ["--by", "seconds"], "ranks": ["--test", "wilcoxon"], "reliability": ["--bins", "5"],
    "slices": ["--by", "side,age", "--parts", "2"],
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_command(plot, left, tmp_path, kind):
    words = [*KINDS[kind], *(["--columns", left / "videos.csv"] if kind == "slices" else [])]
    done = plot(kind, left / "runs", "-o", "f.svg", *words, check=0)
    root = ElementTree.parse(tmp_path / "f.svg").getroot()
    assert root.get("width") == "241.2pt" and done.stdout.startswith("f.svg: ")
    assert done.stdout.removeprefix("f.svg: ").strip() in "".join(root.itertext())
    of_one = kind in ("curves", "confusion")
    assert ("left out: low" in done.stderr) is of_one
    assert (re.search(r"\blow\b", done.stdout) is None) is of_one


def test_the_runs_of_a_picture_are_chosen(plot, left, tmp_path):
    from dferbench.experiment import record

    one = leave(tmp_path / "runs", method="high", dataset="others")
    leave(tmp_path / "runs", method="third", limit=2)
    record.write(made("fourth", status="failed", error="x")[0], tmp_path / "runs" / "f")
    done = plot("curves", left / "runs", "-m", "low", "-o", "f.png", "--width", "double", check=0)
    assert "Learning curves of low on faces: 2 runs" in done.stdout and not done.stderr
    with Image.open(tmp_path / "f.png") as picture:
        assert picture.width == 2070
    both = plot("classes", "runs", left / "runs", "-d", "faces", "-o", "f.svg", check=0)
    assert all(f"{name}, highest" in both.stdout for name in ("high", "low", "third"))
    said = "".join(re.findall(r"<!-- (.*?) -->", (tmp_path / "f.svg").read_text()))
    assert "third: 1 of 2 folds" in said and "limited: only part" in said and "f: failed (x)" in both.stderr
    alone = plot("scatter", one / "record.json", "-o", "f.svg", check=0)
    assert "high from" in alone.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["curves", "RUNS", "-o", "f.jpg"], "must end in .svg, .png or .pdf, got 'f.jpg'"),
        (["curves", "nowhere", "-o", "f.svg"], "no finished run at nowhere"),
        (["curves", "RUNS", "-o", "f.svg", "-m", "hihg"], "Did you mean: high?"),
        (["curves", "RUNS", "-o", "f.svg", "-d", "x"], "no dataset among these runs named 'x'"),
        (["cost", "RUNS", "-o", "f.svg", "--by", "macs"], "no configuration has known MACs"),
        (["cost", "RUNS", "-o", "f.svg", "--by", "money"], "parameters, seconds, trained"),
        (["confusion", "RUNS", "-o", "f.svg", "--width", "wide"], "column, double"),
        (["confusion", "RUNS", "-o", "f.svg", "--select", "val"], "no run answers val"),
        (["ranks", "RUNS", "-o", "f.svg", "-m", "low"], "ranks need two rows"),
        (["scatter", "RUNS", "MIXED", "-o", "f.svg"], "cannot be compared"),
        (["slices", "RUNS", "-o", "f.svg", "--by", "side", "--columns", "none.csv"], "none.csv"),
        (["scatter", "RUNS", "-o", "file/f.svg"], "cannot write file/f.svg"),
    ],
)
def test_what_cannot_be_drawn_is_two_lines(plot, left, tmp_path, words, said):
    (tmp_path / "file").write_text("")
    leave(tmp_path / "mixed", dataset="others")
    places = {"RUNS": left / "runs", "MIXED": tmp_path / "mixed"}
    done = plot(*(places.get(word, word) for word in words))
    error, hint = done.stderr.splitlines()[-2:]
    assert done.returncode in (1, 3, 4) and not done.stdout
    assert error.startswith("error: ") and hint.startswith("hint: ") and said in error + hint
    assert not list(tmp_path.glob("f.*"))
