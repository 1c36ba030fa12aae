"""dferbench stress and transfer on one trained checkpoint: what they leave, recognise, print and refuse."""

import csv
import json
import shutil

import numpy as np
import pytest
from conftest import TOY

from dferbench.data.shared_classes import SharedClasses, matched
from dferbench.data.stress.corruptions import CORRUPTIONS
from dferbench.experiment import record
from dferbench.experiment.metrics import columns
from dferbench.report.stress import as_text, stress_table
from dferbench.types import Dataset, Video

SETS = '''
from dferbench import Dataset, Video, hookimpl

PLACES = ("brightens", "darkens", "stays")


class Renamed(Dataset):
    """The toy videos, whose labels are called otherwise."""

    names = {}
    folds = (1,)

    def videos(self, root, fold, split):
        folders = sorted((root / "fold2" / split).glob("*/*"))
        found = [(f, self.names[f.parent.name]) for f in folders if f.parent.name in self.names]
        return [Video(f.parent.name + f.name, str(f), self.classes.index(name)) for f, name in found]


class Fewer(Renamed):
    classes = ("stays", "brightens")
    names = {"stays": "stays", "brightens": "brightens"}


class More(Renamed):
    classes = ("stays", "odd", "brightens")
    names = {"stays": "stays", "brightens": "brightens", "darkens": "odd"}


class Unlike(Renamed):
    classes = ("x", "y")
    names = {"stays": "x", "brightens": "y"}


@hookimpl
def register_datasets(register):
    for name, one in (("fewer", Fewer), ("more", More), ("unlike", Unlike)):
        register(name, one)
'''


@pytest.fixture(scope="module")
def trained(toy_root, tmp_path_factory):
    """A folder with the run of a toy model, which tells brightening from darkening by the order of frames."""
    from dferbench.cli import _run

    folder = tmp_path_factory.mktemp("trained")
    (folder / "sets.py").write_text(SETS)
    asked = ["run", "-m", "toy-net", "-d", "toy", "--root", toy_root, "-o", folder / "runs", "--epochs", "25"]
    code = _run([str(word) for word in ("--plugin", TOY, *asked, "--device", "cpu", "-j", "0", "-q")])
    assert code == 0
    return folder


@pytest.fixture
def desk(trained, tmp_path):
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def command(in_process, desk, toy_root):
    def run(verb, *words, check=0, root=True):
        where = ["--root", toy_root] if root else []
        quick = [] if verb == "leaderboard" else [*where, "--device", "cpu", "-j", "0"]
        return in_process("--plugin", TOY, "--plugin", "sets.py", verb, *words, *quick, check=check)

    return run


def run_in(desk, dataset="toy", below="runs"):
    """The folder of the only trained run, or of tests on a dataset."""
    found = sorted(path.parent for path in (desk / below / dataset).rglob("record.json"))
    return [f for f in found if (f / "checkpoint.safetensors").exists()] or found


def test_the_clean_score_is_the_runs_own_and_what_is_lost_comes_after(command, desk):
    said = json.loads(command("stress", "runs/toy", "--only", "blur,reverse", "--json", "-o", "f.svg").stdout)
    (run,) = run_in(desk)
    own = record.read(run / "record.json")
    assert {name: one["mean"] for name, one in said["clean"].items()} == pytest.approx(
        {name: own.metrics["last"][name] for name in ("uar", "war")}
    )
    assert said["ranks"] is False and "no result that ranks" in said["about"]
    assert [(row["corruption"], row["severity"]) for row in said["rows"]] == [
        (name, severity) for name in ("blur", "reverse") for severity in (1, 2, 3)
    ]
    for row in said["rows"]:
        for name in ("uar", "war"):
            drop = said["clean"][name]["mean"] - row["scores"][name]["mean"]
            assert row["drops"][name]["mean"] == pytest.approx(drop)
    assert said["rows"][-1]["drops"]["war"]["mean"] > 40, "what brightens darkens backwards"
    assert (desk / "f.svg").read_text().lstrip().startswith("<?xml")


def test_finished_tests_are_recognised_and_evaluates_too(command, desk, toy_root):
    (run,) = run_in(desk)
    command("evaluate", "-c", run, "-d", "toy", "-q")
    clean = run_in(desk)
    first = command("stress", run, "--only", "shuffle")
    assert "3 of 4 tests are to do" in first.stderr and run_in(desk) == clean
    last = "The clean tests lie below runs, those on corrupted videos below runs/stress."
    assert first.stdout.splitlines()[-1] == last and (desk / "runs/stress").is_dir()
    times = {path: path.stat().st_mtime_ns for path in (desk / "runs").rglob("record.json")}
    again = command("stress", run, "--only", "shuffle")
    assert "0 of 4 tests are to do" in again.stderr and again.stdout == first.stdout
    assert "3 of 7 tests are to do" in command("stress", run, "--only", "shuffle,blur").stderr
    assert times.items() <= {p: p.stat().st_mtime_ns for p in (desk / "runs").rglob("record.json")}.items()


def test_records_say_what_was_done_and_rank_nowhere(command, desk):
    command("stress", "runs/toy", "--only", "jpeg", "-q")
    found = [record.read(folder / "record.json") for folder in run_in(desk, below="runs/stress")]
    assert [one.checkpoint["stress"]["value"] for one in sorted(found, key=lambda r: r.given["stress"])] == [
        25,
        15,
        7,
    ]
    assert all("stressed" in one.caveats and one.stressed and one.decoders == {"folder": 9} for one in found)
    assert len({one.config_id for one in found}) == 3
    board = command("leaderboard", "runs")
    assert "3 tests on corrupted videos: dferbench stress shows them" in board.stderr
    assert "stress=" not in board.stdout


def test_a_prediction_depends_neither_on_what_else_is_tested_nor_on_the_order(command, desk):
    (run,) = run_in(desk)
    command("stress", run, "--only", "noise,reverse", "--runs", "all", "-q")
    command("stress", run, "--only", "reverse", "--runs", "few", "-q")
    few, every = ({f.parent.name: f for f in run_in(desk, below=f"{name}/stress")} for name in ("few", "all"))
    assert len(few) == 3 and len(every) == 6
    for name, folder in few.items():
        a, b = (np.load(place / "predictions.npz") for place in (folder, every[name]))
        assert (a["id"] == b["id"]).all()
        np.testing.assert_allclose(a["logits"], b["logits"], atol=1e-5)


def test_the_table_as_text_and_csv(command):
    text = command("stress", "runs/toy", "--only", "occlusion,repeat").stdout
    lines = [line for line in text.splitlines() if line.strip()]
    assert (
        lines[1].startswith("clean: UAR")
        and lines[4].startswith("occlusion")
        and lines[5].startswith("repeat")
    )
    rows = list(
        csv.DictReader(
            command("stress", "runs/toy", "--only", "repeat", "--format", "csv").stdout.splitlines()
        )
    )
    assert [row["corruption"] for row in rows] == ["clean", "repeat", "repeat", "repeat"]
    assert float(rows[0]["WAR"]) - float(rows[3]["WAR"]) == pytest.approx(float(rows[3]["WAR drop"]))


def test_unreadable_videos_are_refused_or_left_out(command, desk, toy_root):
    shutil.copytree(toy_root, desk / "own")
    (desk / "own/fold1/test/stays/test1/3.png").write_bytes(b"no image")
    words = ("stress", "runs/toy", "--only", "blur", "--root", "own", "--device", "cpu", "-j", "0")
    assert "test1" in command(*words, check=4, root=False).stderr
    said = json.loads(command(*words, "--json", "--skip-bad", root=False).stdout)
    assert "incomplete" in said["caveats"]
    (one, *_) = [record.read(f / "record.json") for f in run_in(desk, below="runs/stress")]
    assert one.skipped == ["stays/test1"] and sum(map(sum, one.confusion)) == 8


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", "blurr"], "blurr"),
        (["-o", "f.gif"], "must end in .svg, .png or .pdf, got 'f.gif'"),
        (["--format", "xml"], "xml"),
        (["-d", "unlike"], "the class 'x'"),
    ],
)
def test_what_stress_refuses(command, desk, words, said):
    before = sorted((desk / "runs").rglob("*"))
    done = command("stress", "runs/toy", *words, check=3)
    assert said in done.stderr and sorted((desk / "runs").rglob("*")) == before


def test_checkpoints_of_several_configurations_make_no_table():
    from test_tables import make

    clean = [make("a", 8, checkpoint={"config_id": "a"}), make("b", 8, checkpoint={"config_id": "b"}, fold=2)]
    with pytest.raises(Exception, match="several configurations: m a, m b"):
        stress_table(clean, [], columns())


def test_means_over_runs_are_of_paired_losses():
    from test_tables import make

    facts = {"corruption": "blur", "severity": 1, "value": 1}
    clean = [make("a", right, fold=fold) for fold, right in ((1, 9), (2, 6))]
    worse = [make("b", right, fold=fold, checkpoint={"stress": facts}) for fold, right in ((2, 5), (1, 6))]
    table = stress_table(clean, worse, columns())
    drop = table.rows[0].drops["war"]
    assert (drop.mean, drop.runs) == (pytest.approx(20), 2) and drop.spread == pytest.approx(200**0.5)
    assert "20.00 ± 14.14" in as_text(table, columns())


def cells(done):
    return {one["tested_on"]: one for one in json.loads(done.stdout)["cells"]}


def test_transfer_scores_what_both_know_and_says_so(command, desk, toy_root):
    roots = [word for name in ("toy", "fewer", "more", "unlike") for word in ("--root", f"{name}={toy_root}")]
    words = ["transfer", "runs/toy", "-d", "toy,fewer", "-d", "more,unlike", *roots]
    done = command(*words, "--json", root=False)
    found = cells(done)
    assert (
        list(found) == ["toy", "fewer", "more"]
        and "toy on unlike: the dataset has the class 'x'" in done.stderr
    )
    (run,) = [f for f in run_in(desk) if (f / "checkpoint.safetensors").exists()]
    assert found["toy"]["own"] and found["toy"]["note"] == ""
    assert found["toy"]["scores"]["war"]["mean"] == record.read(run / "record.json").metrics["last"]["war"]
    shapes = {
        n: (len(c["classes"]), c["classes_of_test_set"], c["classes_of_model"]) for n, c in found.items()
    }
    assert shapes == {"toy": (3, 3, 3), "fewer": (2, 2, 3), "more": (2, 3, 3)}
    assert "shared classes" in found["more"]["caveats"] and "shared classes" not in found["fewer"]["caveats"]
    # Both are of the same six videos, and the model knows both classes of each.
    assert found["more"]["scores"] == found["fewer"]["scores"]
    (more,) = [record.read(f / "record.json") for f in run_in(desk, "more")]
    assert more.videos["test"] == 6 and more.dataset_notes["classes without counterpart"] == ["odd"]
    times = {path: path.stat().st_mtime_ns for path in (desk / "runs").rglob("record.json")}
    assert cells(command(*words, "--json", root=False)) == found
    command("evaluate", "-c", run, "-d", "fewer", "-q")
    assert times == {path: path.stat().st_mtime_ns for path in (desk / "runs").rglob("record.json")}
    text = command(*words, root=False).stdout
    assert "scored on 2 shared classes, of 3 of the test set and 3 of the model: stays, brightens" in text
    assert "unlike" in text.splitlines()[0]
    assert text.endswith("\nThe runs lie below runs; dferbench runs runs lists them.\n")
    rows = list(csv.DictReader(command(*words, "--format", "csv", root=False).stdout.splitlines()))
    assert [row["tested on"] for row in rows] == ["toy", "fewer", "more"] and rows[2][
        "classes"
    ] == "stays brightens"


def test_transfer_without_any_result_says_why(command, toy_root):
    done = command(
        "transfer", "runs/toy", "-d", "unlike", "--root", f"unlike={toy_root}", check=3, root=False
    )
    assert "the class 'x'" in done.stderr and "no checkpoint could be tested" in done.stderr
    assert "nowhere" in command("transfer", "runs/toy", "-d", "nowhere", check=3, root=False).stderr


@pytest.mark.parametrize(
    ("wanted", "known", "found"),
    [
        (["fear", "joy"], ["happiness", "fear"], {"fear": "fear", "joy": "happiness"}),
        (["Happy", "calm"], ["happiness"], {"Happy": "happiness"}),
        (["joy", "happy"], ["happiness"], {}),
        (["happiness", "joy"], ["happiness", "happy"], {"happiness": "happiness", "joy": "happy"}),
        (["sad"], ["sadness", "SAD"], {}),
        (["calm"], ["quiet"], {}),
    ],
)
def test_classes_match_by_name_and_meaning(wanted, known, found):
    assert matched(wanted, known) == found
    assert len(set(found.values())) == len(found)


def test_a_part_of_a_dataset_keeps_its_folds_and_changes_its_labels(tmp_path):
    class Whole(Dataset):
        classes, folds = ("a", "b", "c"), (1, 2)

        def videos(self, root, fold, split):
            return [Video(f"{fold}{split}{i}", "", i % 3) for i in range(6)]

        def notes(self, root):
            return {"variant": "v", "caveats": ["own split"]}

    part = SharedClasses(Whole(), ("c", "a"))
    assert part.folds == (1, 2)
    assert [(v.id, v.label) for v in part.videos(tmp_path, 2, "test")] == [
        ("2test0", 1), ("2test2", 0), ("2test3", 1), ("2test5", 0),
    ]  # fmt: skip
    notes = part.notes(tmp_path)
    assert notes["classes without counterpart"] == ["b"] and notes["caveats"] == [
        "own split",
        "shared classes",
    ]


def test_every_corruption_has_a_row_in_the_page():
    """The page says of each what it is given, as the code has it."""
    import re

    from conftest import ROOT

    page = (ROOT / "docs" / "robustness.md").read_text()
    rows = dict(re.findall(r"^\| `([\w-]+)` \|(.*)\|$", page, re.MULTILINE))
    assert list(rows) == list(CORRUPTIONS)
    for name, one in CORRUPTIONS.items():
        cells = [cell.strip() for cell in rows[name].split("|")]
        assert cells[0] == ", ".join(f"{value:g}" for value in one.values), name
        assert one.unit == cells[1] and one.source.split(";")[0] in cells[2], name
