"""Predictions of other programs: what is read, what is refused, and that nothing is guessed."""

import io
import json
import random
import subprocess
import sys
from functools import partial

import numpy as np
import openpyxl
import pytest
from sklearn.metrics import confusion_matrix, recall_score

from dferbench.errors import ConfigError, DataError, DferbenchError, UnknownName
from dferbench.experiment import record as records
from dferbench.experiment.plan import Request
from dferbench.outside.account import Outside
from dferbench.outside.classes import class_names
from dferbench.outside.columns import Wanted
from dferbench.outside.ids import match
from dferbench.outside.score import score
from dferbench.progress import Progress
from dferbench.registry.catalog import discover
from dferbench.report.leaderboard import load, rows

CLASSES = ("happiness", "sadness", "neutral", "anger")
PLUGIN = f"""
from dferbench import Dataset, Video, hookimpl


class Scored(Dataset):
    classes = {CLASSES}
    folds = (1, 2)

    def videos(self, root, fold, split):
        numbers = [n for n in range(TESTED * 2) if (n % 2 + 1 == fold) == (split == "test")]
        return [Video(f"{{n:05d}}", str(root), (7 * n // 5) % 4) for n in numbers]


@hookimpl
def register_datasets(register):
    register("scored", Scored)
"""
TESTED = 40
"""Videos of each fold's test, which are the other's training."""


def truth(number):
    return (7 * number // 5) % 4


IDS = [f"{n:05d}" for n in range(0, 2 * TESTED, 2)]
"""Of the test of fold 1."""
TRUTH = [truth(int(name)) for name in IDS]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    file = tmp_path_factory.mktemp("plugin") / "scored.py"
    file.write_text(PLUGIN.replace("TESTED", str(TESTED)))
    return discover([file])


@pytest.fixture
def scored(catalog, tmp_path):
    """Score a file of the folder as `name`; gives what came of it."""

    def go(path, name="mine", folds=(1,), seed=0, force=False, **said):
        outside = {k: said.pop(k) for k in ("codes", "answers", "missing") if k in said}
        wanted = Wanted(**{**said, "answers": "answers" in outside})
        request = Request(
            model=name, dataset="scored", folds=folds, seeds=(seed,), root=tmp_path, output=tmp_path / "runs",
            skip_bad=True, force=force,
        )  # fmt: skip
        return score(Outside(tmp_path / path, wanted, **outside), request, catalog, Progress())

    return go


def predictions(seed=0, ids=IDS):
    """(N, C) probabilities of a model that is often right, and their labels."""
    rng = np.random.default_rng(seed)
    odd = rng.random((len(ids), len(CLASSES)))
    odd[range(len(ids)), [truth(int(name)) for name in ids]] += 0.4
    shares = odd / odd.sum(1, keepdims=True)
    return shares, shares.argmax(1)


def lines(*rows, sep=","):
    return "\n".join(sep.join(map(str, row)) for row in rows) + "\n"


def labelled(ids=IDS, seed=0):
    return [[name, CLASSES[label]] for name, label in zip(ids, predictions(seed, ids)[1], strict=True)]


def with_scores(ids=IDS, seed=0, change=lambda shares: shares):
    shares = change(predictions(seed, ids)[0])
    return [[name, *(f"{p:.9f}" for p in row)] for name, row in zip(ids, shares, strict=True)]


class TestForms:
    """Whatever the form, the matrix is that of an independent library."""

    @pytest.fixture
    def matrix(self):
        return confusion_matrix(TRUTH, predictions()[1], labels=range(4)).tolist()

    def check(self, found, matrix, kind):
        (one,) = found.records
        assert (
            one.confusion == matrix
            and one.outside["taken"] == kind
            and one.caveats[0] == "outside predictions"
        )
        uar = 100 * recall_score(TRUTH, predictions()[1], average="macro")
        stored = records.read(found.folders[0] / "record.json")
        assert stored.metrics["last"]["uar"] == pytest.approx(uar) and stored.videos == {
            "train": 40,
            "test": 40,
        }

    def test_labels_as_csv_of_any_separator_and_other_words(self, scored, tmp_path, matrix):
        for name, sep in (("a.csv", ","), ("b.csv", ";"), ("c.tsv", "\t")):
            words = [[i, {"happiness": "Happy", "anger": "ANGRY"}.get(c, c.upper())] for i, c in labelled()]
            (tmp_path / name).write_text(lines(["Video_Name", "pred"], *words, sep=sep))
            self.check(scored(name, name=name), matrix, "labels")

    def test_a_list_without_a_head(self, scored, tmp_path, matrix):
        for name, sep in (("p.txt", ","), ("blanks.txt", " ")):
            (tmp_path / name).write_text(lines(*labelled(), sep=sep))
            self.check(scored(name, name[0]), matrix, "labels")

    @pytest.mark.parametrize("codes", ["index", "0=happiness, 1=sadness 2=neutral,3=anger"])
    def test_numbers_as_labels_where_they_are_stated(self, scored, tmp_path, matrix, codes):
        found = [[i, f"{CLASSES.index(c)}.0"] for i, c in labelled()]
        (tmp_path / "p.csv").write_text(lines(["id", "label"], *found))
        self.check(scored("p.csv", codes=codes), matrix, "labels")

    def test_probabilities_as_csv_in_any_order_of_columns(self, scored, tmp_path, matrix):
        rows = [[row[4], row[0], "x", *row[1:4]] for row in with_scores()]
        head = ["p_Anger", "clip", "note", "prob happy", "sadness_score", "neutral"]
        (tmp_path / "p.csv").write_text(lines(head, *rows))
        found = scored("p.csv", scores="probabilities")
        self.check(found, matrix, "probabilities")
        assert found.told[1] == "not used: 'note'" and "'prob happy'" in found.told[0]

    def test_scores_as_json(self, scored, tmp_path, matrix):
        shares = predictions()[0].tolist()
        by_name = [
            {"id": i, "probs": dict(zip(CLASSES, p, strict=True))} for i, p in zip(IDS, shares, strict=True)
        ]
        in_order = [{"id": i, "scores": p} for i, p in zip(IDS, shares, strict=True)]
        (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, by_name)))
        (tmp_path / "b.json").write_text(json.dumps(in_order))
        (tmp_path / "c.json").write_text(json.dumps(dict(labelled())))
        self.check(scored("a.jsonl", "a"), matrix, "probabilities")
        self.check(scored("b.json", "b", codes="index", scores="logits"), matrix, "logits")
        self.check(scored("c.json", "c"), matrix, "labels")

    def test_arrays(self, scored, tmp_path, matrix):
        logits = np.log(predictions()[0])[:, [2, 0, 1, 3]].astype(np.float32)
        np.savez(tmp_path / "p.npz", id=np.array(IDS, dtype="S"), label=TRUTH, logits=logits)
        found = scored("p.npz", codes="0=neutral 1=happiness 2=sadness 3=anger")
        self.check(found, matrix, "logits")
        stored = np.load(found.folders[0] / "predictions.npz")
        assert stored["logits"].tolist() == np.log(predictions()[0]).astype(np.float32).tolist()
        assert stored["id"].tolist() == IDS and stored["label"].tolist() == TRUTH

    def test_excel(self, scored, tmp_path, matrix):
        book = openpyxl.Workbook()
        for row in (["order", "emotion"], *([int(i), c] for i, c in labelled())):
            book.active.append(row)
        book.save(tmp_path / "p.xlsx")
        found = scored("p.xlsx")
        self.check(found, matrix, "labels")
        assert found.told[1] == "40 ids are written in another form (zeros, endings, folders)"

    def test_parquet(self, scored, tmp_path, matrix):
        pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        table = pyarrow.table({"id": IDS, "probs": predictions()[0].tolist()})
        parquet.write_table(table, tmp_path / "p.parquet")
        self.check(scored("p.parquet", codes="index"), matrix, "probabilities")
        (tmp_path / "q.parquet").write_bytes((tmp_path / "p.parquet").read_bytes()[:-30])
        with pytest.raises(DataError, match="cannot be read"):
            scored("q.parquet", codes="index")

    def test_parquet_without_pyarrow_is_said_in_words(self, scored, tmp_path, monkeypatch):
        for module in [name for name in sys.modules if name.split(".")[0] == "pyarrow"] + ["pyarrow.parquet"]:
            monkeypatch.setitem(sys.modules, module, None)
        (tmp_path / "p.parquet").write_bytes(b"PAR1")
        with pytest.raises(ConfigError, match="needs pyarrow, and that is not installed") as raised:
            scored("p.parquet")
        assert "dferbench[parquet]" in raised.value.hint

    def test_stored_probabilities_are_those_of_the_file(self, scored, tmp_path):
        (tmp_path / "p.csv").write_text(lines(["id", *CLASSES], *with_scores()))
        logits = np.load(scored("p.csv", scores="probabilities").folders[0] / "predictions.npz")["logits"]
        again = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        assert again == pytest.approx(predictions()[0], abs=1e-8)


class TestFolds:
    def test_one_file_of_all_folds(self, scored, tmp_path):
        everyone = [f"{n:05d}" for n in range(2 * TESTED)]
        (tmp_path / "p.csv").write_text(lines(["id", "label"], *labelled(everyone)))
        found = scored("p.csv", folds=())
        assert [one.fold for one in found.records] == [1, 2]
        shares = predictions(0, everyone)[1]
        for fold, one in zip((1, 2), found.records, strict=True):
            mine = range(fold - 1, 2 * TESTED, 2)
            wanted = confusion_matrix([truth(n) for n in mine], shares[list(mine)], labels=range(4))
            assert one.confusion == wanted.tolist()
        (row,) = rows(load(tmp_path / "runs")[0])
        assert row.folds == (1, 2) and row.pooled["war"] is not None and row.scores["uar"].runs == 2
        assert scored("p.csv", name="other").told[1] == "40 videos of the file are not tested in these folds"

    def test_files_of_folds_and_seeds_are_one_row(self, scored, tmp_path):
        for seed in (0, 1):
            for fold in (1, 2):
                ids = [f"{n:05d}" for n in range(fold - 1, 2 * TESTED, 2)]
                (tmp_path / f"{fold}{seed}.csv").write_text(lines(["id", "label"], *labelled(ids, seed)))
                scored(f"{fold}{seed}.csv", folds=(fold,), seed=seed)
        (row,) = rows(load(tmp_path / "runs")[0])
        assert row.folds == (1, 2) and row.seeds == (0, 1) and row.scores["war"].runs == 4

    def test_another_file_replaces_on_request_alone(self, scored, tmp_path):
        for seed in (0, 1):
            (tmp_path / f"{seed}.csv").write_text(lines(["id", "label"], *labelled(seed=seed)))
        first = scored("0.csv").records[0]
        assert scored("0.csv").records[0].confusion == first.confusion
        with pytest.raises(ConfigError, match=r"holds predictions of another file, 0\.csv"):
            scored("1.csv")
        assert scored("1.csv", force=True).records[0].confusion != first.confusion

    @pytest.mark.parametrize(
        ("name", "says"), [("dfer-clip", "is a method"), ("a/b", "letters"), ("", "letters")]
    )
    def test_names_that_are_taken_or_no_folder(self, scored, tmp_path, name, says):
        (tmp_path / "p.csv").write_text(lines(["id", "label"], *labelled()))
        with pytest.raises(ConfigError, match=says):
            scored("p.csv", name=name)


class TestAnswers:
    TABLE = """
"happy" = "happiness"
"not happy" = "sadness"
"/^neutral|no emotion/" = "neutral"
"angry" = "anger"
"""

    def file(self, tmp_path, said):
        with (tmp_path / "a.jsonl").open("w") as file:
            for name, text in zip(IDS, said, strict=True):
                file.write(json.dumps({"id": name, "response": text}) + "\n")
        (tmp_path / "t.toml").write_text(self.TABLE)
        return tmp_path / "t.toml"

    def test_answers_are_mapped_and_others_are_wrong(self, scored, tmp_path):
        said = [["He is HAPPY.", "She's not happy!", "Neutral face", "angry"][label] for label in TRUTH]
        said[:5] = ["unhappy", "", "happy or angry", "I cannot tell", "I cannot tell"]
        found = scored("a.jsonl", answers=self.file(tmp_path, said))
        (one,) = found.records
        assert one.classes == [*CLASSES, "no answer"] and one.outside["without an answer"] == 5
        assert one.outside["unmapped"]["count"] == 5
        assert ["I cannot tell", 2] in one.outside["unmapped"]["first"]
        assert sum(map(sum, one.confusion)) == 40 and sum(row[4] for row in one.confusion) == 5
        assert (
            one.metrics == {}
            and records.read(found.folders[0] / "record.json").metrics["last"]["war"] == 87.5
        )
        assert any(
            line.startswith("5 answers stand for no class") and "'I cannot tell' (2)" in line
            for line in found.told
        )
        (row,) = rows([one])
        assert row.untested == ()

    def test_folds_with_and_without_answers_are_pooled(self, scored, tmp_path):
        said = [["happy", "not happy", "neutral", "angry"][label] for label in TRUTH]
        table = self.file(tmp_path, said)
        scored("a.jsonl", answers=table)
        odd = [f"{n:05d}" for n in range(1, 2 * TESTED, 2)]
        (tmp_path / "b.csv").write_text(lines(["id", "answer"], *([i, "who knows"] for i in odd)))
        scored("b.csv", answers=table, folds=(2,))
        (row,) = rows(load(tmp_path / "runs")[0])
        assert row.pooled["war"] == 50.0 and row.scores["war"].mean == 50.0

    def test_a_table_as_csv_is_another_row_if_it_says_other_things(self, scored, tmp_path):
        table = self.file(tmp_path, ["happy"] * 40)
        (tmp_path / "t.csv").write_text("word,class\nhappy,neutral\n")
        first, second = (scored("a.jsonl", answers=one).records[0] for one in (table, tmp_path / "t.csv"))
        assert first.config_id != second.config_id and first.confusion != second.confusion

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ('"happy" = "joyfulness"', "not a class of the dataset"),
            ('"a" = "anger"\n"A" = "sadness"', "two classes"),
            ('"/(/" = "anger"', "no regular expression"),
            ("", "maps no answer"),
            ("happy", "cannot be read"),
        ],
    )
    def test_a_table_that_says_nothing_clear(self, scored, tmp_path, text, says):
        self.file(tmp_path, ["happy"] * 40)
        (tmp_path / "t.toml").write_text(text)
        with pytest.raises(ConfigError, match=says):
            scored("a.jsonl", answers=tmp_path / "t.toml")

    def test_without_a_table(self, scored, tmp_path):
        self.file(tmp_path, ["happy"] * 40)
        with pytest.raises(ConfigError, match="free text") as raised:
            scored("a.jsonl")
        assert "--answers" in raised.value.hint


def test_missing_videos_may_count_as_wrong(scored, tmp_path):
    (tmp_path / "p.csv").write_text(lines(["id", *CLASSES], *with_scores()[4:]))
    found = scored("p.csv", missing="wrong", scores="probabilities")
    right = sum(a == b for a, b in list(zip(TRUTH, predictions()[1], strict=True))[4:])
    (one,) = found.records
    assert records.measured(one).metrics["last"]["war"] == 100 * right / 40 and one.top2 is None
    assert one.outside["missing"] == {"count": 4, "first": IDS[:4]}
    assert f"4 test videos have no prediction and count as wrong: '{IDS[0]}'" in found.told[-1]
    with pytest.raises(UnknownName, match="answer to --missing"):
        scored("p.csv", missing="right", scores="probabilities")


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("00012", "00012"), ("12", "00012"), ("12.0", "00012"), ("12.mp4", "00012"), (r"clips\12", "00012"),
        ("/data/x/00012.AVI", "00012"), ("a/7", "a/007"), ("x/a/007.jpg", "a/007"), (" 00012 ", "00012"),
        (12, "00012"),
        ("7", None), ("b/007", None), ("1.2E+01", None), ("12a", None), ("", None), (None, None), ("5", None),
    ],
)  # fmt: skip
def test_ids_are_matched_in_one_way_or_not_at_all(written, found):
    """Two ids of the last dataset are the same but for zeros: neither is taken for "5"."""
    assert list(match([written], ["00012", "a/007", "05", "005"]).ids) == [found]


def test_words_and_numbers_of_classes():
    names = class_names(("Happiness", "anger", "angrily surprised"), "1=happy, 2=anger")
    said = [
        "happiness",
        "HAPPY",
        "Anger ",
        "angrily_surprised",
        "1",
        2,
        "3",
        "0",
        None,
        True,
        "sad",
        "2.0",
        2.0,
    ]
    assert [names.label(one) for one in said] == [0, 0, 1, 2, 0, 1, None, None, None, None, None, 1, 1]
    with pytest.raises(ConfigError, match="codes"):
        class_names(("anger",), "1=happy")


# --- damaged files: each kind takes a generator and gives a file, options, and what must be said ----------


def _some(rng, most=6):
    return rng.sample(range(TESTED), rng.randint(1, most))


def _csv(rows, head=("id", "label"), **more):
    return ".csv", lines(head, *rows, **more).encode()


def _scores(rng, change, head=("id", *CLASSES)):
    """A file of probabilities with some rows changed."""
    rows, places = with_scores(seed=rng.randint(0, 99)), _some(rng)
    for place in places:
        change(rows[place])
    return _csv(rows, head), {"scores": "probabilities"}, len(places)


def lost_rows(rng):
    places = _some(rng)
    kept = [row for place, row in enumerate(labelled()) if place not in places]
    return (
        _csv(kept),
        {},
        f"{len(places)} of 40 test videos of fold 1 have no prediction: '{IDS[min(places)]}'",
    )


def misspelt_ids(rng):
    rows, places = labelled(), _some(rng)
    for place in places:
        rows[place][0] = rng.choice(["x", "=", '="', "-", "\u0669"]) + rows[place][0]
    return (
        _csv(rows),
        {},
        f"{len(places)} of 40 test videos of fold 1 have no prediction: '{IDS[min(places)]}'",
    )


def empty_labels(rng):
    rows, places = labelled(), _some(rng)
    for place in places:
        rows[place][1] = ""
    return (
        _csv(rows),
        {},
        f"{len(places)} of 40 test videos of fold 1 have no prediction: '{IDS[min(places)]}'",
    )


def unknown_ids(rng):
    more = [[f"new{n}", "anger"] for n in range(rng.randint(1, 9))]
    return _csv([*labelled(), *more]), {}, f"counted: {len(more)} of {40 + len(more)} rows are of no video"


def ids_of_another_set(rng):
    rows = [[f"clip_{rng.randint(0, 9)}_{i}", c] for i, c in labelled()]
    return _csv(rows), {}, "none of its 40 ids is one of the dataset's"


def repeated_rows(rng):
    rows, places = labelled(), _some(rng)
    return _csv([*rows, *(rows[place] for place in places)]), {}, f"counted: {len(places)} rows repeat"


def contradicting_rows(rng):
    rows, places = labelled(), _some(rng)
    other = [[rows[p][0], CLASSES[CLASSES.index(rows[p][1]) - 1]] for p in places]
    return _csv([*rows, *other]), {}, f"{len(places)} videos have several rows that say different things"


def ids_in_another_form(rng):
    rows, places = labelled(), _some(rng)
    for place in places:
        name = rows[place][0]
        rows[place][0] = rng.choice(
            [str(int(name)), f"{int(name)}.0", f"{name}.mp4", f"/d/{name}", f"'{name}"[1:] + ".avi"]
        )
    return _csv(rows), {}, f"counted: {len(places)} ids are written in another form"


def words_for_labels(rng):
    rows, places = labelled(), _some(rng)
    for place in places:
        rows[place][1] = rng.choice(["hapiness", "joyfull", "contempt", "7", "None", "nan", "?"])
    return _csv(rows), {}, f"{len(places)} of its labels are not classes of the dataset"


def formulas_for_labels(rng):
    rows, places = labelled(), _some(rng)
    for place in places:
        rows[place][1] = rng.choice(["=1+1", "@SUM(A1)", "'=cmd|' /C calc'!A0", "+A1", "-2+3"])
    return _csv(rows), {}, f"{len(places)} of its labels are not classes of the dataset"


def numbers_for_labels(rng):
    first = rng.choice([0, 1])
    rows = [[i, CLASSES.index(c) + first] for i, c in labelled()]
    return _csv(rows), {}, "its labels are numbers"


def codes_of_other_numbers(rng):
    rows = [[i, CLASSES.index(c) + 1] for i, c in labelled()]
    return _csv(rows), {"codes": "index"}, "of its labels are not classes of the dataset: '4'"


def not_finite(rng):
    def change(row):
        row[rng.randint(1, 4)] = rng.choice(["nan", "inf", "-inf", "NaN", "1e999"])

    file, said, count = _scores(rng, change)
    return file, said, f"{count} of 40 rows have scores that are not finite numbers"


def not_numbers(rng):
    def change(row):
        row[rng.randint(1, 4)] = rng.choice(["", "n/a", "0.1.2", "=0.5", "12%", "0,5".replace(",", "·")])

    file, said, count = _scores(rng, change)
    return file, said, f"{count} of 40 rows have scores that are not numbers"


def decimal_commas(rng):
    rows = [
        [row[0], *(one.replace(".", ",") for one in row[1:])] for row in with_scores(seed=rng.randint(0, 9))
    ]
    return (
        _csv(rows, ("id", *CLASSES), sep=";"),
        {"scores": "probabilities"},
        "40 of 40 rows have scores that are not",
    )


def sums_beyond_one(rng):
    def change(row):
        row[1:] = [f"{float(one) * rng.choice([0.5, 0.9]):.6f}" for one in row[1:]]

    file, said, count = _scores(rng, change)
    return file, said, f"{count} of 40 rows have probabilities that do not sum to one"


def negative_probabilities(rng):
    def change(row):
        row[rng.randint(1, 4)] = -rng.random() - 0.01

    file, said, count = _scores(rng, change)
    return file, said, f"{count} of 40 rows have probabilities outside of [0, 1]"


def percentages(rng):
    rows = with_scores(seed=rng.randint(0, 9), change=lambda shares: 100 * shares)
    return (
        _csv(rows, ("id", *CLASSES)),
        {"scores": "probabilities"},
        "40 of 40 rows have probabilities outside of",
    )


def scores_of_no_stated_kind(rng):
    return _csv(with_scores(seed=rng.randint(0, 9)), ("id", *CLASSES)), {}, "may be probabilities or logits"


def equal_scores(rng):
    def change(row):
        row[1:] = [0.25] * 4

    file, said, count = _scores(rng, change)
    return file, said, f"counted: {count} rows have their highest score in several classes"


def lost_columns(rng):
    gone = rng.randint(1, 4)
    rows = [[one for place, one in enumerate(row) if place != gone] for row in with_scores()]
    head = [one for place, one in enumerate(("id", *CLASSES)) if place != gone]
    return (
        _csv(rows, head),
        {"scores": "probabilities"},
        f"scores of 3 classes and none of {CLASSES[gone - 1]}",
    )


def columns_of_one_name(rng):
    head = ["id", *CLASSES]
    head[rng.randint(2, 4)] = rng.choice(["happiness", "Happy", "p_happiness"])
    says = "two columns called" if head.count("happiness") > 1 else "are both of 'happiness'"
    return _csv(with_scores(), head), {"scores": "probabilities"}, says


def lost_ids(rng):
    return (
        _csv(with_scores(), (rng.choice(["subject", "", "x"]), *CLASSES)),
        {"scores": "logits"},
        "no column of ids",
    )


def lost_predictions(rng):
    rows = [[i, rng.random(), rng.random()] for i in IDS]
    return _csv(rows, ("id", "loss", "seconds")), {}, "has no predictions among its columns"


def cut_off(rng):
    text = lines(["id", *CLASSES], *with_scores())
    cut = text.rindex(",", 0, -rng.randint(12, 30))
    return (".csv", text[:cut].encode()), {"scores": "probabilities"}, "1 of 40 rows do not have 5 fields"


def separators_in_texts(rng):
    rows, places = [[*row, "a note"] for row in labelled()], _some(rng)
    for place in places:
        rows[place][2] = "a, note"
    return _csv(rows, ("id", "label", "note")), {}, f"{len(places)} of 40 rows do not have 3 fields"


def other_encodings(rng):
    name, note = rng.choice([("utf-16", "é"), ("utf-8-sig", "表情"), ("cp1252", "é"), ("gb18030", "表情")])
    text = lines(["id", "label", "note"], *([*row, note] for row in labelled()))
    return (".csv", text.encode(name)), {}, "counted: taken: labels from 'label'"


def no_text(rng):
    head = rng.choice([b"\x89PNG\r\n\x1a\n", b"PK\x03\x04", b"\x1f\x8b"])
    return (".csv", head + b"\0" + rng.randbytes(300)), {}, "is not a text file"


def nothing_in_it(rng):
    text, says = rng.choice([("", "is empty"), ("id,label\n", "has no rows"), ("\n\n", "is empty")])
    return (".csv", text.encode()), {}, says


def bad_json_lines(rng):
    rows = [json.dumps({"id": i, "label": c}) for i, c in labelled()]
    place = rng.randrange(TESTED)
    bad = rng.choice([rows[place][:-3], '{"id": "1", "id": "2"}', '{"id": NaN}', "[1]", "{'id': 1}", "null"])
    rows[place] = bad
    return (".jsonl", "\n".join(rows).encode()), {}, f"line {place + 1} is no"


def lists_of_other_lengths(rng):
    rows = [{"id": i, "probs": p} for i, p in zip(IDS, predictions()[0].tolist(), strict=True)]
    places = _some(rng)
    for place in places:
        rows[place]["probs"] = rng.choice([[0.5, 0.5], [], None, "0.5", {"anger": 1}])
    rows = [one for one in rows if not isinstance(one["probs"], dict)]
    text = "\n".join(map(json.dumps, rows)).encode()
    bad = sum(not isinstance(one["probs"], list) or len(one["probs"]) < 4 for one in rows)
    says = (
        f"{bad} of {len(rows)} rows have scores that are not numbers"
        if bad
        else "test videos of fold 1 have no"
    )
    return (".jsonl", text), {"codes": "index"}, says


def bad_arrays(rng):
    shares = predictions()[0]
    kinds = [
        ({"id": np.array(IDS, dtype=object), "logits": shares}, "cannot be read"),
        ({"id": IDS, "logits": shares[:7]}, "no common number of rows"),
        ({"id": IDS, "logits": shares[:, :3]}, "has 3 scores a row"),
        ({"id": IDS, "logits": shares.astype(str)}, "not numbers"),
        ({"id": IDS, "logits": np.where(shares > 0.5, np.nan, shares)}, "not finite"),
        ({"logits": shares}, "no column of ids"),
        ({"id": IDS, "features": shares}, "has no predictions"),
        ({"id": IDS, "label": shares}, "holds several values a row"),
    ]
    arrays, says = rng.choice(kinds)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    content, codes = buffer.getvalue(), {"codes": "index"}
    return ((".npz", content[: rng.randint(10, 200)]), codes, "cannot be read") if rng.random() < 0.2 else (
        (".npz", content), codes, says
    )  # fmt: skip


def bad_workbooks(rng):
    buffer, book = io.BytesIO(), openpyxl.Workbook()
    for row in (["id", "label"], *labelled()):
        book.active.append(row)
    book.save(buffer)
    content = bytearray(buffer.getvalue())
    del content[rng.randint(50, len(content) // 2) :]
    return (".xlsx", bytes(content)), {}, "cannot be read as a table"


def another_ending(rng):
    ending = rng.choice([".pkl", ".pt", ".npy", ".docx", ""])
    return (ending, b"x"), {}, "there is no form of predictions"


def options_that_do_not_fit(rng):
    said, says = rng.choice(
        [
            ({"scores": "logits"}, "has no scores of the classes"),
            ({"label": "label", "scores": "logits"}, "--label names a column of labels"),
            ({"label": "label", "answer": "label"}, "--label names a column of labels"),
            ({"answer": "label"}, "no table says what the answers mean"),
            ({"scores": "softmax"}, "there is no kind of scores"),
        ]
    )
    return _csv(labelled()), said, says


def columns_that_are_not_there(rng):
    option = rng.choice(["id", "label", "answer"])
    return _csv(labelled()), {option: "Prediction"}, "there is no column of"


KINDS = [
    lost_rows, misspelt_ids, empty_labels, unknown_ids, ids_of_another_set, repeated_rows,
    contradicting_rows, ids_in_another_form, words_for_labels, formulas_for_labels, numbers_for_labels,
    codes_of_other_numbers, not_finite, not_numbers, decimal_commas, sums_beyond_one,
    negative_probabilities, percentages, scores_of_no_stated_kind, equal_scores, lost_columns,
    columns_of_one_name, lost_ids, lost_predictions, cut_off, separators_in_texts, other_encodings,
    no_text, nothing_in_it, bad_json_lines, lists_of_other_lengths, bad_arrays, bad_workbooks,
    another_ending, columns_that_are_not_there, options_that_do_not_fit,
]  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_damaged_file_is_refused_or_counted(kind, seed, scored, tmp_path):
    """36 kinds, six files each: two lines that count and name, and no record; or a line that counts."""
    (ending, content), said, says = kind(random.Random(f"{kind.__name__}{seed}"))
    (tmp_path / f"p{ending}").write_bytes(content)
    if says.startswith("counted: "):
        found = scored(f"p{ending}", **said)
        assert any(line.startswith(says.removeprefix("counted: ")) for line in found.told), found.told
        assert sum(map(sum, found.records[0].confusion)) == TESTED
        return
    with pytest.raises(DferbenchError) as raised:
        scored(f"p{ending}", **said)
    message, hint = str(raised.value), raised.value.hint
    assert says in message and hint and "\n" not in message + hint, message
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("seed", range(20))
def test_any_bytes_are_a_result_of_all_videos_or_an_error(seed, scored, tmp_path):
    rng = random.Random(seed)
    content = bytearray(lines(["id", *CLASSES], *with_scores()).encode())
    for _ in range(rng.randint(1, 20)):
        content[rng.randrange(len(content))] = rng.randrange(256)
    (tmp_path / "p.csv").write_bytes(content)
    try:
        found = scored("p.csv", scores="probabilities")
    except DferbenchError as error:
        assert error.hint and "\n" not in str(error)
    else:
        assert sum(map(sum, found.records[0].confusion)) == TESTED


# --- the verb, and those that read what it leaves ---------------------------------------------------------


@pytest.fixture
def dferbench(in_process, tmp_path):
    (tmp_path / "scored.py").write_text(PLUGIN.replace("TESTED", str(TESTED)))
    (tmp_path / "p.csv").write_text(lines(["id", *CLASSES], *with_scores()))
    (tmp_path / "l.csv").write_text(lines(["id", "label"], *labelled(seed=3)[2:]))
    return partial(in_process, "--plugin", "scored.py")


@pytest.mark.slow
def test_every_verb_reads_what_score_leaves(dferbench, tmp_path):
    score = ["score", "p.csv", "-d", "scored", "--root", ".", "--name", "mllm"]
    said = dferbench(*score, "--scores", "probabilities", check=0).stdout
    assert (
        said.startswith("taken: probabilities from 'happiness'")
        and "outside predictions: made elsewhere" in said
    )
    more = dferbench(
        "score", "l.csv", "-d", "scored", "--root", ".", "-n", "b", "--missing", "wrong", "--json", check=0
    )
    (one,) = json.loads(more.stdout)["records"]
    assert one["outside"]["missing"]["count"] == 2 and one["classes"][-1] == "no answer"
    folders = sorted(str(path.parent) for path in tmp_path.glob("runs/*/*/*/record.json"))
    board = dferbench("leaderboard", "--json", check=0).stdout
    assert [row["caveats"][0] for row in json.loads(board)["rows"]] == ["outside predictions"] * 2
    assert "mllm" in dferbench("leaderboard", "--caveats", "outside predictions", check=0).stdout
    assert (
        dferbench("leaderboard", "--pretraining", "unknown", "--format", "csv", check=0).stdout.count("\n")
        == 3
    )
    said = dferbench("compare", *folders, "--json", check=0).stdout
    assert json.loads(said)["paired"]["videos"] == 40 and json.loads(said)["not_comparable"] == []
    assert "mllm" in dferbench("runs", check=0).stdout


def test_outside_predictions_rank_only_if_that_is_asked(scored, tmp_path):
    (tmp_path / "p.csv").write_text(lines(["id", "label"], *labelled()))
    (one,) = scored("p.csv").records
    clean = one.model_copy(update={"environment": {}})
    own = clean.model_copy(
        update={"outside": {}, "method": "own", "config_id": "0", "confusion": [[10] * 4] * 4}
    )
    assert [(row.method, row.ranks) for row in rows([clean, own])] == [("own", True), ("mine", False)]
    asked = rows([clean, own], outside_ranks=True)
    assert [(row.method, row.ranks) for row in asked] == [("mine", True), ("own", True)]


def test_records_of_own_runs_say_nothing_of_it(scored, tmp_path):
    """Earlier releases, which refuse fields that they do not know, still read them."""
    (tmp_path / "p.csv").write_text(lines(["id", "label"], *labelled()))
    found = scored("p.csv")
    assert "outside" in json.loads((found.folders[0] / "record.json").read_text())
    own = found.records[0].model_copy(update={"outside": {}})
    assert "outside" not in json.loads(records.write(own, tmp_path / "own").read_text())


def test_scores_of_outside_predictions_have_second_guesses_and_labels_have_none(scored, tmp_path):
    from dferbench.report.recount import recounted

    (tmp_path / "p.csv").write_text(lines(["id", *CLASSES], *with_scores()))
    (tmp_path / "l.csv").write_text(lines(["id", "label"], *labelled()))
    found, shares = scored("p.csv", "a", scores="probabilities").records[0], predictions()[0]
    assert found.top2 == sum(label in np.argsort(row)[-2:] for label, row in zip(TRUTH, shares, strict=True))
    labels = scored("l.csv", "b")
    assert recounted(labels.records[0], labels.folders[0]).top2 is None


@pytest.mark.slow
def test_ten_thousand_ids_take_less_than_two_seconds_and_no_torch(tmp_path):
    (tmp_path / "scored.py").write_text(PLUGIN.replace("TESTED", "10_000"))
    ids = [f"{n:05d}" for n in range(0, 20_000, 2)]
    (tmp_path / "p.csv").write_text(lines(["id", *CLASSES], *with_scores(ids)))
    code = (
        "import sys, time\nfrom dferbench.cli import _run\n"
        "code = _run(['--plugin', 'scored.py', 'score', 'p.csv', '-d', 'scored', '--root', '.', '-n', 'm', "
        "'--scores', 'probabilities'])\n"
        "heavy = {'torch', 'cv2', 'av', 'scipy', 'matplotlib', 'openpyxl'} & set(sys.modules)\n"
        "print(code, sorted(heavy), time.process_time())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    code, heavy, seconds = done.stdout.splitlines()[-1].split()
    assert (code, heavy) == ("0", "[]") and float(seconds) < 2
