"""Parts of a test set: how they are made, what is said of each, and when a gap is more than luck."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from test_tables import make

from dferbench.data.decoders import DECODERS, Decoder
from dferbench.errors import DataError, UnknownName
from dferbench.experiment import record
from dferbench.experiment.metrics import METRICS
from dferbench.report.slice_columns import known_columns, lengths, read_columns, require_column, slicing
from dferbench.statistics.predictions import RunPredictions
from dferbench.statistics.slices import FEWEST, gap_of, part_of, pooled
from dferbench.types import Video

WAR, UAR = METRICS["war"], METRICS["uar"]


def run_of(labels, right, fold=1, seed=0, classes=2):
    """A run whose videos are called v0, v1 ...; what is not right is taken for the next class."""
    labels = np.asarray(labels)
    said = np.where(right, labels, (labels + 1) % classes)
    return RunPredictions(fold, seed, classes, labels, said, [f"v{i}" for i in range(len(labels))])


def gap(runs, parts, metric=WAR, **more):
    """`parts` is per video the place of its part."""
    together = pooled(runs)
    places = {name: int(parts[int(name.split("/v")[1])]) for run in together for name in run.ids}
    return gap_of(together, places, [f"part {k}" for k in range(max(parts) + 1)], metric, **more)


@pytest.mark.parametrize(("first", "second"), [((30, 24), (30, 15)), ((40, 20), (25, 17))])
def test_two_parts_of_one_class_are_fishers_case(first, second):
    """Exchanging parts among n videos of one class draws from the hypergeometric distribution."""
    from scipy.stats import hypergeom

    (n, a), (m, b) = first, second
    right = np.arange(n + m) < a
    right[n : n + b] = True
    found = gap([run_of(np.zeros(n + m, int), right)], (np.arange(n + m) >= n).astype(int))
    assert found.size == pytest.approx(100 * abs(a / n - b / m))
    k = np.arange(a + b + 1)
    draws = hypergeom(n + m, a + b, n)
    gaps = 100 * np.abs(k / n - (a + b - k) / m)
    exact = draws.pmf(k)[gaps >= found.size - 1e-9].sum()
    assert found.p == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 2000) ** 0.5 + 1e-3)
    assert found.best == ("part 0" if a / n > b / m else "part 1")


def test_a_part_with_more_of_a_difficult_class_is_not_different():
    """Both parts recognise 95 % of class 0 and 30 % of class 1; one has four times as many of the latter."""
    labels = np.repeat([0, 1, 0, 1], [160, 40, 40, 160])
    parts = np.repeat([0, 0, 1, 1], [160, 40, 40, 160])
    share = np.concatenate([np.arange(n) / n for n in (160, 40, 40, 160)])
    run = run_of(labels, share < np.where(labels == 0, 0.95, 0.3))
    found = gap([run], parts)
    assert found.size == pytest.approx(39) and found.p > 0.3


def test_a_difference_within_classes_is_found_by_every_metric():
    rng = np.random.default_rng(0)
    labels, parts = rng.integers(0, 3, 300), rng.integers(0, 3, 300)
    run = run_of(labels, rng.random(300) < np.where(parts == 2, 0.4, 0.8), classes=3)
    for metric in (WAR, UAR, METRICS["macro-f1"]):
        found = gap([run], parts, metric)
        assert found.worst == "part 2" and found.p < 0.002


def test_false_alarms_are_as_rare_as_promised():
    """150 studies where parts do not matter: p below 0.1 in 10 % of them, give or take 3 deviations."""
    alarms = 0
    for study in range(150):
        rng = np.random.default_rng(study)
        labels, parts = rng.integers(0, 2, 60), rng.integers(0, 3, 60)
        runs = [run_of(labels, rng.random(60) < 0.5 + 0.3 * labels, seed=seed) for seed in (0, 1)]
        alarms += gap(runs, parts, permutations=99).p <= 0.1
    assert alarms <= 150 * 0.1 + 3 * (150 * 0.09) ** 0.5


def test_seeds_of_the_same_videos_are_no_further_evidence():
    """Ten seeds that give the same answers have the p of one."""
    rng = np.random.default_rng(5)
    labels, parts = rng.integers(0, 2, 80), np.arange(80) % 2
    right = rng.random(80) < np.where(parts == 1, 0.6, 0.75)
    one, ten = (gap([run_of(labels, right, seed=s) for s in range(n)], parts) for n in (1, 10))
    assert (one.size, one.p) == (pytest.approx(ten.size), ten.p) and 0.01 < one.p < 0.9


def test_the_order_of_runs_and_videos_does_not_matter():
    rng = np.random.default_rng(1)
    labels, parts = rng.integers(0, 2, 60), rng.integers(0, 2, 60)
    runs = [run_of(labels, rng.random(60) < 0.6, fold=f, seed=s) for f in (1, 2) for s in (0, 1)]
    order = rng.permutation(60)

    def mixed(run):
        ids = [run.ids[i] for i in order]
        return RunPredictions(run.fold, run.seed, 2, run.labels[order], run.predicted[order], ids)

    assert gap(runs, parts) == gap([mixed(run) for run in runs[::-1]], parts)


def test_a_part_has_the_mean_over_seeds_and_small_ones_no_interval():
    labels = np.repeat([0, 1], 30)
    runs = [run_of(labels, np.arange(60) % k != 0, seed=k) for k in (2, 3)]
    part = part_of("all", pooled(runs), [WAR, UAR])
    assert (part.videos, part.classes) == (60, 2)
    assert part.scores["war"] == pytest.approx((50 + 100 * 2 / 3) / 2)
    sure = part.intervals["war"]
    assert sure.low < part.scores["war"] < sure.high
    few = part_of("few", [run.where(np.arange(60) < FEWEST - 1) for run in pooled(runs)], [WAR])
    assert few.too_small and few.videos == FEWEST - 1 and few.classes == 1
    assert few.intervals["war"] is None and few.scores["war"] is not None


def test_no_test_for_fewer_than_two_parts():
    run = run_of([0, 1] * 20, np.arange(40) % 3 != 0)
    assert gap([run], np.zeros(40, int)) is None


@pytest.mark.parametrize(
    ("values", "names", "cut"),
    [
        ({f"v{i}": i for i in range(40)}, ["0 to 9", "10 to 19", "20 to 29", "30 to 39"], True),
        (
            {f"v{i}": f"{i / 2}" for i in range(40)},
            ["0 to 4.5", "5 to 9.5", "10 to 14.5", "15 to 19.5"],
            True,
        ),
        ({f"v{i}": max(i - 29, 0) for i in range(40)}, ["0", "1 to 10"], True),
        ({f"v{i}": i % 8 for i in range(40)}, [str(k) for k in range(8)], False),
        ({"v0": "10", "v1": "9", "v2": "x"}, ["9", "10", "x"], False),
        ({f"v{i}": "nan" if i == 3 else i for i in range(40)}, None, False),
    ],
)
def test_numbers_are_cut_at_quantiles_and_other_values_are_not(values, names, cut):
    made = slicing("c", values, [*values, "elsewhere"])
    assert bool(made.about) is cut and set(made.part) == set(values)
    assert set(made.part.values()) == set(made.names)
    assert names is None or list(made.names) == names


def test_the_number_of_parts_can_be_chosen():
    made = slicing("c", {f"v{i}": i for i in range(30)}, [f"v{i}" for i in range(30)], parts=2)
    assert list(made.names) == ["0 to 14", "15 to 29"] and "above 14.5" in made.about


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column 'id': it is empty"),
        ("video,source\na,b\n", "no column 'id': its columns are video, source"),
        ("id,source\na,b\na,c\n", "line 3 has its id a second time"),
        ("id,source\na\n", "line 2 has 1 cells"),
        ("id,source\na,b,c\n", "line 2 has 3 cells"),
        ('id,source\n"a,b\n', "cannot be read as CSV"),
    ],
)
def test_damaged_columns_are_refused(tmp_path, text, said):
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        read_columns(tmp_path / "c.csv")


def test_columns_are_read_as_spreadsheets_write_them(tmp_path):
    (tmp_path / "c.csv").write_bytes('\ufeffclip,source,"a b"\n\'-1,film,\nb,\'=x,"two\nlines"\n\n'.encode())
    found = read_columns(tmp_path / "c.csv", "clip")
    assert found == {"source": {"-1": "film", "b": "=x"}, "a b": {"b": "two\nlines"}}


def test_what_a_dataset_knows_becomes_columns():
    videos = [Video("a", "", 0, {"scene": "War", "caption": ["x"], "person": 3}), Video("b", "", 1)]
    assert known_columns(videos) == {"scene": {"a": "War"}, "person": {"a": 3}}
    with pytest.raises(UnknownName, match="'scenes'"):
        require_column("scenes", ["scene"])


def test_lengths_are_counted_and_unreadable_videos_named(tmp_path):
    for name, frames in (("a", 2), ("b", 5)):
        (tmp_path / name).mkdir()
        for i in range(frames):
            Image.new("RGB", (8, 8)).save(tmp_path / name / f"{i}.png")
    videos = [Video(name, str(tmp_path / name), 0) for name in ("a", "gone", "b")]
    steps = []
    found = lengths(videos, Decoder(DECODERS), lambda: steps.append(1))
    assert found == ({"a": 2, "b": 5}, ["gone"]) and len(steps) == 3


@pytest.fixture
def studied(tmp_path):
    """Two configurations of two folds, 60 videos each; `a` is worse on films, `b` is alike on all."""
    rng = np.random.default_rng(0)
    rows = ["id,source,mood"]
    for fold in (1, 2):
        ids = [f"f{fold}v{i}" for i in range(60)]
        film = np.arange(60) % 2 == 0
        rows += [
            f"{i},{'film' if f else 'tv'},{'rare' if k < 3 else ''}"
            for k, (i, f) in enumerate(zip(ids, film, strict=True))
        ]
        for name, chance in (("a", np.where(film, 0.4, 0.95)), ("b", np.full(60, 0.7))):
            labels = np.arange(60) // 2 % 2
            right = rng.random(60) < chance
            logits = np.eye(2, dtype=np.float32)[np.where(right, labels, 1 - labels)]
            confusion = np.zeros((2, 2), int)
            np.add.at(confusion, (labels, logits.argmax(1)), 1)
            folder = tmp_path / "runs" / f"m-{name}" / f"fold{fold}"
            record.write(
                make(name, 0, fold=fold, confusion=confusion.tolist(), videos={"train": 1, "test": 60}),
                folder,
            )
            np.savez(folder / "predictions.npz", id=np.array(ids), label=labels, logits=logits)
    (tmp_path / "c.csv").write_text("\n".join(rows))
    return tmp_path


def test_the_verb_tests_each_column_and_corrects(in_process, studied):
    words = ["slices", "runs", "--by", "source,mood", "--columns", "c.csv"]
    said = json.loads(in_process(*words, "--json", check=0).stdout)["slices"]
    assert [(one["config_id"], one["column"]) for one in said] == [
        ("a", "source"), ("a", "mood"), ("b", "source"), ("b", "mood"),
    ]  # fmt: skip
    first, mood, alike, _ = said
    assert [part["name"] for part in first["parts"]] == ["film", "tv"] and first["gap"]["best"] == "tv"
    assert [part["videos"] for part in first["parts"]] == [60, 60] and first["runs"] == 2
    assert first["gap"]["p"] < 0.001 < alike["gap"]["p"]
    assert first["p"] == pytest.approx(2 * first["gap"]["p"]) and alike["p"] == alike["gap"]["p"]
    assert mood["gap"] is None and mood["unstated"] == 114 and mood["parts"][0]["too_small"]
    text = in_process(*words, check=0).stdout
    assert "with Holm's correction for 2 tests" in text
    assert "rare: fewer than 20 videos" in text and "114 test videos have no mood" in text
    rows = list(csv.DictReader(in_process(*words, "--format", "csv", check=0).stdout.splitlines()))
    assert [row["part"] for row in rows] == ["film", "tv", "rare"] * 2
    for row in rows[:2]:
        assert float(row["WAR low"]) < float(row["WAR"]) < float(row["WAR high"])


@pytest.mark.slow
def test_the_verb_imports_no_torch(studied):
    code = (
        "import sys\nfrom dferbench.cli import _run\n"
        "assert _run(['slices', 'runs', '--by', 'source', '--columns', 'c.csv', '-m', 'm']) == 0\n"
        "assert not {'torch', 'torchvision', 'cv2', 'av'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=studied)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--by", "source", "--columns", "none.csv"], "none.csv cannot be read"),
        (["--by", "source", "-m", "n", "--columns", "c.csv"], "no finished run below runs to divide"),
        (["--by", "source", "--format", "xml", "--columns", "c.csv"], "xml"),
        (["--by", "length"], "faces"),
    ],
)
def test_what_the_verb_refuses(in_process, studied, words, said):
    done = in_process("slices", "runs", *words)
    assert done.returncode in (3, 4) and said in done.stderr and "hint:" in done.stderr


def test_runs_without_predictions_are_left_out_and_said(in_process, studied):
    (studied / "runs/m-b/fold1/predictions.npz").unlink()
    words = ["slices", "runs", "--by", "source", "--columns", "c.csv", "--json"]
    done = in_process(*words, check=0)
    assert {one["config_id"] for one in json.loads(done.stdout)["slices"]} == {"a"}
    assert "left out: " in done.stderr and "is not there" in done.stderr
    (studied / "runs/m-a/fold2/predictions.npz").unlink()
    assert "the predictions that slices need" in in_process(*words, check=3).stderr
