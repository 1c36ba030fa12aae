"""Calibration and rejection: the functions against other libraries and by hand, and the verb over records."""

import io
import json
from functools import partial

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy
from sklearn.metrics import brier_score_loss, log_loss
from torchmetrics.functional.classification import multiclass_calibration_error

from dferbench.data.official import write_table
from dferbench.errors import DataError
from dferbench.experiment import record
from dferbench.experiment.record import Record
from dferbench.figures import reliability
from dferbench.figures import save as pictures
from dferbench.figures.style import PAPER
from dferbench.files import from_json
from dferbench.report.calibration import read_run, rows
from dferbench.statistics import calibration as c

CLASSES = ("joy", "rage", "calm")
PLUGIN = f"""
from dferbench import Dataset, Video, hookimpl


class Voted(Dataset):
    classes = {CLASSES}

    def videos(self, root, fold, split):
        return []

    def votes(self, root):
        found = {{"v0": [8, 1, 1], "v3": (0, 10, 0), "elsewhere": [1, 1, 1]}}
        return found if (root / "yes").exists() else {{}}


@hookimpl
def register_datasets(register):
    register("voted", Voted)
"""


def drawn(seed=0, videos=500, scale=2.0):
    """Logits whose probabilities are the truth at a temperature of `scale`, and labels drawn from them."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, (videos, 3))
    p = np.exp(c.log_probabilities(logits))
    labels = np.array([rng.choice(3, p=row) for row in p])
    return scale * logits, labels


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("bins", [1, 7, 15])
def test_errors_and_scores_are_those_of_other_libraries(seed, bins):
    logits, labels = drawn(seed, 80)
    p = torch.softmax(torch.from_numpy(logits), 1)
    found = c.calibration_error(c.equal_width(*c.confidences(logits, labels), bins))
    wanted = multiclass_calibration_error(p, torch.from_numpy(labels), 3, n_bins=bins, norm="l1")
    assert found == pytest.approx(float(wanted), abs=1e-6)
    brier = sum(brier_score_loss(labels == k, p.numpy()[:, k]) for k in range(3))
    assert c.brier_score(logits, labels) == pytest.approx(brier)
    assert c.negative_log_likelihood(logits, labels) == pytest.approx(log_loss(labels, p.numpy()))


@pytest.mark.parametrize("bins", [1, 4, 15])
def test_the_adaptive_error_is_that_of_bins_made_by_hand(bins):
    confidence, right = c.confidences(*drawn(5, 61))
    order = np.argsort(confidence)
    parts = np.array_split(order, bins)
    wanted = sum(len(p) / 61 * abs(confidence[p].mean() - right[p].mean()) for p in parts)
    assert c.calibration_error(c.equal_mass(confidence, right, bins)) == pytest.approx(wanted)


def test_values_by_hand():
    """Confidences .95 and .85 right, .75 wrong, .55 right: risks 0, 0, 1/3, 1/4."""
    confidence, right = np.array([0.95, 0.55, 0.75, 0.85]), np.array([1.0, 1.0, 0.0, 1.0])
    assert c.risk_curve(confidence, right).tolist() == pytest.approx([0, 0, 1 / 3, 1 / 4])
    assert c.area_under_risk(confidence, right) == pytest.approx(7 / 48)
    bins = c.equal_width(confidence, right, 2)
    assert [(one.videos, one.accuracy) for one in bins] == [(4, 0.75)] and bins[
        0
    ].confidence == pytest.approx(0.775)
    assert c.calibration_error(bins) == pytest.approx(0.025)
    assert c.calibration_error(c.equal_width(confidence, right, 10)) == pytest.approx(
        (0.05 + 0.45 + 0.75 + 0.15) / 4
    )
    assert c.calibration_error(c.equal_mass(confidence, right, 2)) == pytest.approx(0.5 * 0.15 + 0.5 * 0.1)
    p = np.log([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]])
    assert c.brier_score(p, np.array([0, 1])) == pytest.approx((0.14 + 0.74) / 2)
    assert c.negative_log_likelihood(p, np.array([0, 1])) == pytest.approx(-np.log(0.7 * 0.3) / 2)


def test_a_bin_ends_with_its_upper_bound():
    found = c.equal_width(np.array([0.5, 1.0, 0.500001]), np.array([1.0, 0.0, 1.0]), 2)
    assert [one.videos for one in found] == [1, 2]


def test_no_result_depends_on_the_order_of_videos():
    """Of equal confidences too: here there are four, for 60 videos."""
    rng = np.random.default_rng(1)
    confidence, right = rng.choice([0.4, 0.5, 0.7, 1.0], 60), rng.integers(0, 2, 60).astype(float)
    order = rng.permutation(60)
    for of in (
        c.area_under_risk,
        lambda *a: c.calibration_error(c.equal_mass(*a, 7)),
        lambda *a: c.calibration_error(c.equal_width(*a, 7)),
    ):
        assert of(confidence, right) == pytest.approx(of(confidence[order], right[order]), abs=1e-12)
    drawn_orders = [c.risk_curve(confidence + 1e-9 * rng.random(60), right).mean() for _ in range(400)]
    assert c.area_under_risk(confidence, right) == pytest.approx(np.mean(drawn_orders), abs=0.005)


def test_the_best_order_has_the_least_risk():
    right = np.array([1.0] * 6 + [0.0] * 4)
    best, worst = np.linspace(1, 0.4, 10), np.linspace(0.4, 1, 10)
    rng = np.random.default_rng(0)
    among = [c.area_under_risk(rng.permutation(best), right) for _ in range(50)]
    assert c.area_under_risk(best, right) <= min(among) and max(among) <= c.area_under_risk(worst, right)


@pytest.mark.parametrize("scale", [0.5, 2.0, 5.0])
def test_the_temperature_is_the_one_that_the_labels_were_drawn_at(scale):
    logits, labels = drawn(3, 4000, scale)
    found = c.fitted_temperature(logits, labels)
    assert found == pytest.approx(scale, rel=0.1)
    near = [c.negative_log_likelihood(logits, labels, found * factor) for factor in (0.98, 1, 1.02)]
    assert min(near) == near[1]
    before, after = (
        c.calibration_error(c.equal_width(*c.confidences(logits, labels, t))) for t in (1, found)
    )
    assert after < before and after < 0.03


def test_divergences_are_those_of_scipy():
    logits, _ = drawn(0, 20)
    votes = np.random.default_rng(0).multinomial(10, [0.7, 0.3, 0.0], 20)
    p = np.exp(c.log_probabilities(logits))
    kl, js = c.divergences(votes, logits)
    assert kl == pytest.approx(np.mean([entropy(v, q) for v, q in zip(votes, p, strict=True)]))
    assert js == pytest.approx(np.mean([jensenshannon(v, q) ** 2 for v, q in zip(votes, p, strict=True)]))
    assert c.divergences(np.array([[1, 1, 0]]), np.array([[5.0, 5.0, -2000.0]])) == pytest.approx(
        (0, 0), abs=1e-9
    )


def test_logits_of_any_size_have_finite_probabilities():
    found = c.log_probabilities(np.array([[1e9, -1e9, 0.0], [-1e4, -1e4, -1e4]]))
    assert np.isfinite(found).all() and np.exp(found).sum(1) == pytest.approx([1, 1])


# --- the verb -----------------------------------------------------------------------------------------------


def save(path, logits, labels, first=0):
    buffer = io.BytesIO()
    ids = np.array([f"v{i}" for i in range(first, first + len(labels))])
    np.savez(buffer, id=ids, label=labels, logits=logits)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())


def run(folder, cell="c1", fold=1, seed=0, validation=True, **changes):
    """Leave the record and the predictions of a run that never was."""
    logits, labels = drawn(10 * fold + seed, 60, 4.0)
    confusion = np.zeros((3, 3), dtype=int)
    np.add.at(confusion, (labels, logits.argmax(1)), 1)
    facts = dict(
        schema=3, status="done", method="m", origin="o", options={}, given={}, recipe={}, dataset="voted",
        dataset_origin="o", dataset_options={}, classes=list(CLASSES), fold=fold, seed=seed, config_id=cell,
        data="d", videos={"train": 5, "test": 60}, confusion=confusion.tolist(),
    )  # fmt: skip
    place = folder / f"m-{cell}" / f"fold{fold}-seed{seed}"
    save(place / "predictions.npz", logits, labels)
    if validation:
        save(place / "validation.npz", *drawn(99, 200, 4.0), first=1000)
    record.write(Record(**(facts | changes)), place)
    return place


@pytest.fixture
def verb(in_process, tmp_path):
    (tmp_path / "voted.py").write_text(PLUGIN)
    return partial(in_process, "--plugin", "voted.py", "calibration")


def test_a_row_a_configuration_and_a_temperature_from_validation(verb, tmp_path):
    places = [run(tmp_path / "runs", seed=seed) for seed in (0, 1)]
    run(tmp_path / "runs", "c2", validation=False, limit=3)
    facts = from_json(verb("runs", "--json", check=0).stdout)
    first, second = facts["rows"]
    assert (len(first["runs"]), len(second["runs"]), second["caveats"]) == (2, 1, ["limited"])
    assert second["runs"][0]["fitted"] is None and "T" not in second["means"]
    logits, labels = drawn(10, 60, 4.0)
    one = first["runs"][0]
    assert one["folder"] == str(places[0].relative_to(tmp_path)) and one["videos"] == 60
    assert one["nll"] == pytest.approx(c.negative_log_likelihood(logits, labels))
    assert one["aurc"] == pytest.approx(c.area_under_risk(*c.confidences(logits, labels)))
    temperature = c.fitted_temperature(*drawn(99, 200, 4.0))
    assert (
        one["fitted"]["temperature"] == pytest.approx(temperature)
        and one["fitted"]["validation_videos"] == 200
    )
    assert one["fitted"]["numbers"]["nll"] == pytest.approx(
        c.negative_log_likelihood(logits, labels, temperature)
    )
    mean = np.mean([run["ece"] for run in first["runs"]])
    assert first["means"]["ECE"]["mean"] == pytest.approx(mean) and first["means"]["ECE"]["runs"] == 2
    said = verb("runs", check=0).stdout
    assert f"{mean:.3f} ± " in said and "1 of 3 runs held no validation videos out" in said
    assert "limited: only part of the videos" in said and "m (limited)" in said


def test_without_validation_nothing_is_fitted(verb, tmp_path):
    place = run(tmp_path / "runs", validation=False)
    said = verb(place, check=0).stdout
    assert "1 of 1 runs held no validation videos out: no temperature is fitted" in said and " T " not in said
    save(place / "validation.npz", *drawn(99, 20), first=59)
    refused = verb(place, check=4).stderr
    assert "validation.npz has 1 videos of the test, such as 'v59'" in refused and refused.count("\n") == 2


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_a_reliability_diagram(tmp_path, ending, start):
    folders = [run(tmp_path, seed=seed, given={"width": "$x_{1$"}) for seed in (0, 1)]
    folders.append(run(tmp_path, "c2", validation=False, limit=3))
    runs = [read_run(record.read(folder / "record.json"), folder, 15, {}) for folder in folders]
    pictures.save(reliability.draw(rows(runs), PAPER, 15), tmp_path / f"figure.{ending}")
    content = (tmp_path / f"figure.{ending}").read_bytes()
    assert content.startswith(start)


def test_the_diagram_is_written_by_the_verb(verb, tmp_path):
    place = run(tmp_path / "runs")
    verb(place, "-o", "figure.svg", check=0)
    assert (tmp_path / "figure.svg").stat().st_size > 5000
    refused = verb(place, "-o", "figure.gif", check=3).stderr
    assert "must end in .svg, .png or .pdf, got 'figure.gif'" in refused


def test_what_has_no_probabilities_is_said(verb, tmp_path):
    run(tmp_path / "runs")
    run(tmp_path / "runs", "c2", outside={"taken": "labels"})
    run(tmp_path / "runs", "c3", outside={"taken": "logits", "without an answer": 2})
    (run(tmp_path / "runs", "c4") / "predictions.npz").unlink()
    done = verb("runs", "--json", check=0)
    assert [row["config_id"] for row in json.loads(done.stdout)["rows"]] == ["c1"]
    said = [line for line in done.stderr.splitlines() if line.startswith("left out: ")]
    assert len(said) == 3 and "has labels and no scores" in said[0]
    assert "has videos without an answer" in said[1] and "is not there" in said[2]


def test_votes_of_annotators(verb, tmp_path):
    place = run(tmp_path / "runs")
    assert "has no annotators' votes" in verb(place, "--votes", "--root", ".", check=3).stderr
    (tmp_path / "yes").write_text("")
    one = from_json(verb(place, "--votes", "--root", ".", "--json", check=0).stdout)["rows"][0]["runs"][0]
    logits = drawn(10, 60, 4.0)[0][[0, 3]]
    kl, js = c.divergences(np.array([[8, 1, 1], [0, 10, 0]]), logits)
    assert one["votes"] == {"videos": 2, "kl": pytest.approx(kl), "js": pytest.approx(js)}


VOTES = ("1happy", "2sad", "3neutral", "4angry", "5surprise", "6disgust", "7fear", "order", "annotation")


def test_the_ten_votes_of_dfew(tmp_path):
    from dferbench_datasets.dfew.dfew import Dfew

    assert Dfew().votes(tmp_path) == {}
    (tmp_path / "Annotation").mkdir()
    table = tmp_path / "Annotation" / "annotation.xlsx"
    write_table(
        table, [VOTES, [7, 2, 1, 0, 0, 0, 0, 12, 1], [0] * 8 + [0], [0, 10, 0, 0, 0, 0, 0, 345, 2]][:2]
    )
    assert Dfew().votes(tmp_path) == {"00012": [7.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0]}
    write_table(table, [VOTES, [0, 10, 0, 0, 0, 0, 0, 345, 2], [0, 0, 0, 0, 0, 0, 0, 16372, 0]])
    assert list(Dfew().votes(tmp_path)) == ["00345"]
    write_table(table, [VOTES[1:], [1] * 8])
    with pytest.raises(DataError, match="no column '1happy'"):
        Dfew().votes(tmp_path)
    write_table(table, [VOTES, ["ten", 0, 0, 0, 0, 0, 0, 345, 2]])
    with pytest.raises(DataError, match="no id or vote of DFEW"):
        Dfew().votes(tmp_path)
