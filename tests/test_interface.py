"""What a program or a notebook calls: as the verbs, without their printing."""

import inspect
import json
import re
import shutil
import signal
import sys

import numpy as np
import pytest
from conftest import ROOT, TOY
from test_tables import make

import dferbench
from dferbench import ConfigError, DataError, DferbenchError, UnknownName
from dferbench.experiment import record as records
from dferbench.interface import NAMES

SMALL = {"folds": "all", "epochs": 2, "precision": "fp32", "settings": {"width": 3, "input.frames": 6}}
HERE = {"device": "cpu", "workers": 0, "plugins": [TOY], "progress": False}
TIMES = {"seconds", "curve_sha256", "files"}
"""What differs between two runs of one thing: how long they took, in the record and in its curve."""


@pytest.fixture(scope="module")
def study(toy_root, tmp_path_factory):
    """The folder of two runs that the verb made, and the same two as the interface made and gave them."""
    from dferbench.cli import _run

    base = tmp_path_factory.mktemp("interface")
    words = f"-m toy-net -d toy --root {toy_root} -o {base / 'verb'} --device cpu -j 0 -f all --epochs 2 -q"
    sets = "--set width=3 --set input.frames=6 --precision fp32"
    assert _run(["--plugin", str(TOY), "run", *words.split(), *sets.split()]) == 0
    runs = dferbench.run("toy-net", "toy", root=toy_root, output=base / "call", **SMALL, **HERE)
    return base, runs


def stated(one):
    return {name: value for name, value in one.model_dump().items() if name not in TIMES and name != "curve"}


def said_by_verb(in_process, *words):
    return json.loads(in_process("--plugin", TOY, *words, "--json", check=0).stdout)


def test_a_call_is_the_verb(study):
    base, runs = study
    assert [(one.fold, one.seed) for one in runs] == [(1, 0), (2, 0)] and not runs.unfinished
    by_verb = dferbench.load_runs(base / "verb", plugins=[TOY])
    assert list(map(stated, by_verb)) == list(map(stated, runs))
    for one, other in zip(by_verb, runs, strict=True):
        files = [f"{run.folder}/predictions.npz" for run in (one, other)]
        arrays = [np.load(file)["logits"] for file in files]
        assert one.folder != other.folder and np.array_equal(*arrays)


def test_what_is_done_is_not_done_again(study, toy_root, capfd):
    """With progress on, which goes to stderr alone; and no signal is heeded otherwise afterwards."""
    base, _ = study
    heeded = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    again = dferbench.run(
        "toy-net", "toy", root=toy_root, output=base / "call", **SMALL, **{**HERE, "progress": True}
    )
    said = capfd.readouterr()
    assert [one.sha256 for one in again] == [one.sha256 for one in dferbench.load_runs(base / "call")]
    assert said.out == "" and said.err.count("already done") == 2
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == heeded


def test_a_leaderboard_is_the_verbs(study, in_process):
    base, _ = study
    found = dferbench.load_runs(base / "verb").leaderboard(metrics=["war", "macro-f1"], by="war", interval=90)
    words = ("leaderboard", base / "verb", "--metrics", "war,macro-f1", "--by", "war", "--interval", "90")
    assert json.loads(json.dumps(found.as_data())) == said_by_verb(in_process, *words)
    assert in_process(*words, check=0).stdout == f"{found}\n"
    assert "<table>" in found._repr_html_() and len(found) == 1 and found[0].method == "toy-net"
    (row,) = found.rows()
    assert row["rank"] == (1 if found[0].ranks else None)  # code that is not committed does not rank
    assert row["war"] == found[0].scores["war"].mean and row["war_low"] <= row["war"]


def test_a_comparison_is_the_verbs(study, in_process):
    base, runs = study
    others = dferbench.load_runs(base / "verb")
    found = runs.compare(runs, others)
    folders = [f"{base / name}/toy/toy-net-{runs[0].config_id}" for name in ("call", "verb")]
    assert json.loads(json.dumps(found.facts)) == said_by_verb(in_process, "compare", *folders)
    assert (
        found.a == found.b
        and set(found.a) == {"uar", "war"}
        and found.paired["metrics"]["war"]["effect"] == 0
    )
    assert in_process("compare", *folders, check=0).stdout == f"{found}\n"
    with pytest.raises(ConfigError, match="one is of fold 1, the other of fold 2"):
        runs.compare(*runs)
    assert runs.compare(*runs, anyway=True).not_comparable


def test_a_test_is_the_verbs(study, toy_root, in_process, tmp_path):
    _, runs = study
    words = ("-d", "toy", "--root", toy_root, "--device", "cpu", "-j", "0", "-q", "-o", tmp_path / "verb")
    said = said_by_verb(in_process, "evaluate", "-c", runs[1].folder, *words)["records"]
    (one,) = dferbench.evaluate(runs[1].folder, "toy", root=toy_root, output=tmp_path / "call", **HERE)
    assert one.fold == 2 and one.confusion == runs[1].confusion
    ours, theirs = ({k: v for k, v in json.loads(text).items() if k not in TIMES} for text in (
        one.model_dump_json(by_alias=True), json.dumps(said[0])
    ))  # fmt: skip
    assert ours == theirs


def test_a_prediction_is_the_verbs(study, toy_root, in_process):
    _, runs = study
    videos = toy_root / "fold1" / "test" / "stays"
    said = said_by_verb(in_process, "predict", videos, "-c", runs[0].folder, "--device", "cpu", "-q")
    found = dferbench.predict(videos, runs[0].folder, device="cpu", plugins=[TOY], progress=False)
    assert len(found.predicted) == 3 and not found.failed
    named = {one["video"]: one["probabilities"] for one in said["videos"]}
    for one in found.predicted:
        assert named[one.video] == dict(zip(found.classes, one.probabilities, strict=True))
    with pytest.raises(DataError, match="no video is given"):
        dferbench.predict([], runs[0].folder, device="cpu", plugins=[TOY], progress=False)


def test_a_score_is_the_verbs(study, toy_root, in_process, tmp_path):
    _, runs = study
    lines = [f"{one['id']},{one['predicted']}" for one in runs.predictions() if one["fold"] == 1]
    (tmp_path / "said.csv").write_text("\n".join(["id,label", *lines]))
    words = ("-d", "toy", "--root", toy_root, "-n", "theirs", "-q", "-o", tmp_path / "verb")
    text = in_process("--plugin", TOY, "score", tmp_path / "said.csv", *words, check=0).stdout
    (said,) = said_by_verb(in_process, "score", tmp_path / "said.csv", *words)["records"]
    found = dferbench.score(
        tmp_path / "said.csv",
        "toy",
        "theirs",
        root=toy_root,
        output=tmp_path / "call",
        plugins=[TOY],
        progress=False,
    )
    (one,) = found
    assert one.confusion == said["confusion"] == runs[0].confusion and one.outside == said["outside"]
    assert " ".join(found.told).split() == text.split()[: len(" ".join(found.told).split())]
    assert one.folder and found.told


def test_rows_and_predictions_say_what_the_records_say(study):
    _, runs = study
    first, second = runs.rows(metrics="war,uar", select="best-on-test")
    assert list(first)[6:8] == ["war", "uar"] and second["folder"] == runs[1].folder
    assert first["war"] == pytest.approx(runs[0].metrics["best-on-test"]["war"])
    assert first["epoch"] == runs[0].picked("best-on-test")[0] + 1 and first["epochs"] == 2
    videos = runs.predictions()
    right = [one for one in videos if one["fold"] == 2 and one["correct"]]
    assert len(videos) == 18 and len(right) == runs[1].counts("last").correct
    for one in videos:
        logits = {name: one[f"logit_{name}"] for name in runs[0].classes}
        assert max(logits, key=logits.get) == one["predicted"]


def test_a_matrix_is_of_one_configuration(study):
    _, runs = study
    both, first = runs.confusion(), runs[:1].confusion()
    sums = np.array(runs[0].confusion) + np.array(runs[1].confusion)
    assert np.array_equal(both.counts, sums) and first.classes == tuple(runs[0].classes)
    assert all(sum(row) == pytest.approx(1) for row in both.shares) and "stays" in str(both)
    with pytest.raises(ConfigError, match="there is no run"):
        runs.filter(fold=7).confusion()


def test_frames_are_the_rows(study):
    pandas = pytest.importorskip("pandas")
    _, runs = study
    for rows, frame in (
        (runs.rows(), runs.frame()),
        (runs.leaderboard().rows(), runs.leaderboard().frame()),
        (runs.predictions(), runs.predictions().frame()),
    ):
        assert frame.to_dict("records") == pandas.DataFrame([dict(one) for one in rows]).to_dict("records")
    assert list(runs.filter(fold=9).frame().columns) == []
    matrix = runs.confusion()
    assert matrix.frame().to_numpy().tolist() == list(map(list, matrix.counts))


def test_without_pandas_the_extra_is_named(study, monkeypatch):
    _, runs = study
    monkeypatch.setitem(sys.modules, "pandas", None)
    for call in (runs.frame, runs.leaderboard().frame, runs.confusion().frame):
        with pytest.raises(ConfigError, match="needs pandas") as caught:
            call()
        assert "dferbench[frame]" in caught.value.hint
    assert len(runs.rows()) == 2


@pytest.fixture
def kept(tmp_path):
    """Records of two configurations of two methods, and of runs that are not finished."""
    folder = tmp_path / "runs"
    for config, method, fold, seed in [
        ("aaaa1111", "m", 1, 0), ("aaaa1111", "m", 2, 0), ("bbbb2222", "m", 1, 0), ("cccc3333", "n", 1, 4),
    ]:  # fmt: skip
        one = make(config, 6 + fold, fold=fold, seed=seed, method=method)
        records.write(one, folder / config / f"fold{fold}-seed{seed}")
    for name, facts in {
        "failed": {"status": "failed", "error": "no disk\nFree some."},
        "stress": {"checkpoint": {"stress": {"corruption": "blur"}}},
    }.items():
        records.write(make("dddd4444", 5, seed=7, **facts), folder / name)
    (folder / "damaged").mkdir()
    (folder / "damaged" / "record.json").write_text("{}")
    return folder


def test_runs_are_filtered_and_what_is_left_out_is_said(kept):
    runs = dferbench.load_runs(kept)
    assert len(runs) == 4 and [one.status for one in runs.unfinished] == ["failed"]
    assert any("no disk" in line for line in runs.told) and any(
        "not a valid record" in line for line in runs.told
    )
    assert repr(runs) == "<4 runs: m on faces, n on faces, 1 unfinished>"
    for filters, count in [
        ({"method": "m"}, 3), ({"method": ["m", "n"], "fold": 1}, 3), ({"fold": [1, 2], "seed": 0}, 3),
        ({"config_id": "aaaa"}, 2), ({"dataset": "faces", "seed": 4}, 1), ({"fold": 3}, 0),
    ]:  # fmt: skip
        assert len(runs.filter(**filters)) == count, filters
    assert runs.filter(config_id="dddd").unfinished and not runs.filter(config_id="dddd")
    assert runs.filter(seed=7).unfinished and not runs.filter(seed=0).unfinished
    for name in ({"method": "o"}, {"dataset": "face"}, {"config_id": "zzzz"}, {"config_id": ""}):
        with pytest.raises(UnknownName):
            runs.filter(**name)


def test_hostile_names_do_no_harm_in_a_notebook_or_a_terminal(tmp_path, capsys):
    bad = "<img src=x onerror=alert(1)>\x1b[2J\u202e" + "a" * 300
    for config, right in (("aaaa1111", 6), ("bbbb2222", 7)):
        one = make(config, right, given={bad: config}, classes=[bad, "b"], options={bad: config})
        records.write(one, tmp_path / config / "fold1-seed0")
    runs = dferbench.load_runs(tmp_path)
    assert "<img" not in runs.leaderboard()._repr_html_()
    from dferbench.interface.progress import LineProgress

    LineProgress().say(bad)
    with LineProgress().bar(bad, 1) as bar:
        bar.advance()
    said = [runs.leaderboard(), runs.compare("aaaa", "bbbb"), runs[:1].confusion(), capsys.readouterr().err]
    for one in map(str, said):
        assert "onerror" in one and "\x1b" not in one and "\u202e" not in one


def test_sides_are_named_by_method_id_folder_or_runs(kept):
    runs = dferbench.load_runs(kept)
    found = [runs.compare("aaaa", side) for side in ("bbbb", kept / "bbbb2222", runs.filter(config_id="b"))]
    assert len({json.dumps({**one.facts, "b": ""}, default=str) for one in found}) == 1
    assert found[0].a == {"uar": 70.0, "war": 70.0} and "why_not" in found[0].paired
    for side in ("m", runs, runs.filter(fold=8)):
        with pytest.raises(ConfigError, match="configurations"):
            runs.compare("cccc", side)
    with pytest.raises(ConfigError, match="is failed"):
        runs.compare("aaaa", runs.unfinished[0])
    with pytest.raises(ConfigError, match="2 configurations: m aaaa1111 on faces, m bbbb2222 on faces"):
        runs.filter(method="m").confusion()


def test_what_fails_is_told_and_raised_if_all_fail(toy_root, tmp_path):
    spoiled = shutil.copytree(toy_root, tmp_path / "spoiled")
    (spoiled / "fold2" / "test" / "stays" / "test1" / "3.png").write_bytes(b"no image")
    asked = {"root": spoiled, "epochs": 0, "output": tmp_path / "runs", **HERE}
    runs = dferbench.run("toy-net", "toy", folds=[1, 2], **asked)
    assert [one.fold for one in runs] == [1] and [one.fold for one in runs.unfinished] == [2]
    assert "3.png" in runs.unfinished[0].error
    with pytest.raises(DferbenchError, match=r"3\.png"):
        dferbench.run("toy-net", "toy", folds=2, **asked)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"method": "toy-nett"}, UnknownName, "no method named 'toy-nett'"),
        ({"folds": 9}, UnknownName, "fold of toy"),
        ({"folds": "some"}, ConfigError, "folds must be whole numbers from 0 on, got 'some'"),
        ({"folds": []}, ConfigError, r"folds must be whole numbers from 0 on, got \[\]"),
        ({"seeds": -1}, ConfigError, "seeds must be whole numbers from 0 on, got -1"),
        ({"seeds": True}, ConfigError, "seeds must be whole numbers from 0 on, got True"),
        ({"seeds": [0, 1.5]}, ConfigError, "seeds must be"),
        ({"workers": "many"}, ConfigError, "workers must be"),
        ({"settings": {"widht": 3}}, UnknownName, "widht"),
        ({"settings": {"width": True}}, ConfigError, "width"),
        ({"batch": 0}, ConfigError, "batch"),
        ({"epochs": -1}, ConfigError, "epochs"),
        ({"plugins": ["nowhere.py"]}, ConfigError, "nowhere.py"),
    ],
)
def test_what_cannot_be_is_an_error_of_the_users(changes, error, words, toy_root, tmp_path):
    asked = {"method": "toy-net", "dataset": "toy", "root": toy_root, "output": tmp_path, **HERE, **changes}
    with pytest.raises(error, match=words) as caught:
        dferbench.run(**asked)
    assert caught.value.hint and not list(tmp_path.iterdir())


def test_other_functions_refuse_likewise(tmp_path):
    with pytest.raises(ConfigError, match="there is no folder"):
        dferbench.load_runs(tmp_path / "none")
    with pytest.raises(ConfigError, match="classes must be different names, got 'abc'"):
        dferbench.evaluate(tmp_path, "synthetic", classes="abc", progress=False)
    with pytest.raises(ConfigError, match="window must be a whole number from 1 on, got 0"):
        dferbench.predict(tmp_path, tmp_path, window=0, progress=False)
    for option, value in {"every": 0, "margin": 11, "least": -0.1, "most_far": 1.5, "choose": "any"}.items():
        with pytest.raises(ConfigError, match=option):
            dferbench.predict(tmp_path, tmp_path, progress=False, **{option: value})
    with pytest.raises(ConfigError, match="seed must be whole numbers"):
        dferbench.score(tmp_path / "x.csv", "synthetic", "name", seed=-1, progress=False)


@pytest.mark.parametrize("given", [[2, 0, 2], (2, 0), np.array([2, 0]), iter([2, 0])])
def test_several_numbers_may_come_in_any_form(given):
    from dferbench.interface.words import folds_of, whole

    assert folds_of(given) == (2, 0) and folds_of("all") == () and folds_of(None) is None
    assert whole(np.int64(3), "seeds") == (3,) and whole(range(2), "seeds") == (0, 1)


def test_settings_are_written_as_a_command_line_would():
    from dferbench.interface.words import settings_of

    given = {"a": True, "b": None, "c": 0.05, "d": np.float64(0.5), "e": (1, 2), "f": "word", "g": 16}
    assert settings_of(given, epochs=3, batch=2, precision="bf16") == {
        "a": "true", "b": "none", "c": "0.05", "d": "0.5", "e": "(1, 2)", "f": "word", "g": "16",
        "stage.epochs": "3", "stage.batch": "2", "precision": "bf16",
    }  # fmt: skip


WORDS = {
    "model": "method",
    "fold": "folds",
    "set_": "settings",
    "tracker": "trackers",
    "id_": "id",
    "quiet": "progress",
}
"""What options are called where Python has another word."""
PRINTED = {
    "context",
    "json_",
    "metrics",
    "by",
    "dry_run",
    "jobs",
    "plot",
    "camera",
    "seconds",
    "like",
    "config",
}
"""Options of printing, of filming, and of what only a command line does."""


@pytest.mark.parametrize("name", ["run", "evaluate", "predict", "score"])
def test_every_option_of_a_verb_is_an_argument(name):
    from importlib import import_module

    verb = getattr(import_module(f"dferbench.cli.{name}"), name)
    options = {WORDS.get(one, one) for one in inspect.signature(verb).parameters} - PRINTED
    options = options - ({"output"} if name == "predict" else set())
    if name == "run":
        options = options - {"seed"} | {"seeds", "batch"}
    assert set(inspect.signature(getattr(dferbench, name)).parameters) == options | {"plugins"}


@pytest.mark.parametrize("name", NAMES)
def test_everything_public_is_typed_and_documented(name):
    thing = getattr(dferbench, name)
    methods = (
        [m for n, m in vars(thing).items() if inspect.isfunction(m) and n[0] != "_"]
        if name == "Runs"
        else [thing]
    )
    for one in methods:
        found = inspect.signature(one)
        kinds = [found.return_annotation, *(p.annotation for n, p in found.parameters.items() if n != "self")]
        assert inspect.Signature.empty not in kinds and not any("Any" in re.findall(r"\w+", k) for k in kinds)
        told = inspect.getdoc(one)
        for parameter in found.parameters:
            if parameter not in ("self", "metrics", "select"):
                assert re.search(rf"^ +{parameter}: ", told, re.MULTILINE), f"{one.__name__}: {parameter}"


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder for the page and the notebook, in which neither trains what the other has trained."""
    return tmp_path_factory.mktemp("desk")


@pytest.mark.slow
def test_the_page_runs_from_top_to_bottom(desk, monkeypatch, capsys):
    pytest.importorskip("pandas")
    from dferbench.places import cache_folder

    page = (ROOT / "docs" / "python.md").read_text()
    monkeypatch.chdir(desk)
    names = {}
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", page, re.DOTALL)):
        if '"clips"' in block:
            (desk / "clips").mkdir()
            shutil.copy(next(cache_folder().rglob("*.mp4")), desk / "clips")
        exec(compile(block, f"block {number}", "exec"), names)
    said = capsys.readouterr().out
    assert "there is no method named 'resnet18-lstn' Did you mean: resnet18-lstm" in said
    assert "recipe.input.sample" in {field for field, _, _ in names["found"].differences}
    assert names["heard"].lines[-1].startswith("fold 1 seed 0: already done")
    for name in dir(dferbench.Runs):  # and the page names every method
        assert name.startswith("_") or hasattr(tuple, name) or f"`{name}" in page, name


@pytest.mark.heavy
def test_the_notebook_runs_from_top_to_bottom(desk):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    pytest.importorskip("pandas")
    book = nbformat.read(ROOT / "docs" / "first_study.ipynb", as_version=4)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)  # what it says is said anew
    nbclient.NotebookClient(book, timeout=300, resources={"metadata": {"path": str(desk)}}).execute()
    data = [out.get("data", {}) for cell in code for out in cell.outputs]
    html = " ".join(one["text/html"] for one in data if "text/html" in one)
    assert html.count("<table") == 4 and "resnet18-vit" in html and "macro-f1" in html
    assert any("B - A" in out.get("text", "") for out in code[-1].outputs)
