"""Suites and the numbers they refer to; bench: checked first, resumed, nothing twice."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SUITES_FOLDER, TOY
from published_again import BEST, CLAIMS, DATASETS, FIELD, FOLD_MEANS, LINES, cells, field

from dferbench.cli import _run
from dferbench.errors import ConfigError
from dferbench.experiment import record
from dferbench.experiment.plan import Request
from dferbench.experiment.printed import read_printed
from dferbench.experiment.rows import experiments
from dferbench.experiment.suite import read_suite
from dferbench.registry.catalog import discover

FIELD_ROWS = read_printed(SUITES_FOLDER / "published" / "field.toml")
PRINTED = read_printed(SUITES_FOLDER / "published" / "dfer_clip.toml")
SUITES = [read_suite(SUITES_FOLDER / f"table{number}.toml") for number in (1, 2, 3, 4, 5)]


def pairs(row):
    """Per dataset UAR and WAR, as papers print them."""
    return {dataset: (found["uar"], found["war"]) for dataset, found in row.results.items()}


@pytest.mark.parametrize("table", LINES)
def test_every_printed_cell_is_the_papers(table):
    ours = [row for row in PRINTED.values() if row.table == table]
    again = cells(table)
    assert len(ours) == len(again)
    for row, (label, results) in zip(ours, again, strict=True):
        shown = {d: (f"{uar:.2f}", f"{war:.2f}") for d, (uar, war) in pairs(row).items()}
        assert shown == results, f"{row.id} is not '{label}'"


def test_the_tables_hold_what_the_paper_holds():
    assert [len(cells(table)) for table in LINES] == [6, 9, 6, 4, 19]
    assert sum(2 * len(row.results) for row in PRINTED.values()) == 2 * (3 * 25 + 18 + 15 + 6)


@pytest.mark.parametrize(("better", "worse", "gains"), CLAIMS)
def test_stated_differences_are_those_of_the_cells(better, worse, gains):
    base = pairs(PRINTED[worse]) if worse else {d: tuple(map(float, pair)) for d, pair in BEST.items()}
    for dataset in DATASETS:
        found = [a - b for a, b in zip(pairs(PRINTED[better])[dataset], base[dataset], strict=True)]
        assert found == pytest.approx(gains[dataset], abs=1e-9)


def test_the_underlined_numbers_are_the_best_before():
    earlier = [row for row in PRINTED.values() if row.table == 5 and row.id != "5/dfer-clip"]
    for dataset in DATASETS:
        for metric in (0, 1):
            best = max(pairs(row)[dataset][metric] for row in earlier if dataset in row.results)
            assert f"{best:.2f}" == BEST[dataset][metric]


def test_slips_are_said():
    noted = {row.id for row in PRINTED.values() if row.note}
    assert {
        "5/r2plus1d",
        "5/resnet18-3d",
        "5/resnet18-lstm",
        "5/p3d",
        "2/finetune-tm",
        "3/expression",
        "5/ec-stfl",
        "5/former-dfer",
        "5/t-esfl",
        "5/est",
    } <= noted


@pytest.mark.parametrize("suite", SUITES, ids=lambda s: s.name)
def test_a_suite_has_every_row_of_its_table_once(suite):
    number = int(suite.name.removeprefix("table"))
    ids = [row.printed.id for row in suite.rows]
    assert ids == [row.id for row in PRINTED.values() if row.table == number]
    assert suite.select == "best-on-test" and suite.printed_datasets == DATASETS


@pytest.mark.parametrize("dataset", ["synthetic", "dfew", "ferv39k", "mafw"])
@pytest.mark.parametrize("suite", SUITES, ids=lambda s: s.name)
def test_rows_resolve_on_every_dataset(suite, dataset):
    catalog = discover()
    if dataset not in catalog.entries["datasets"]:
        pytest.skip(f"{dataset} is not registered")
    found, missing = experiments(suite, Request("", dataset), None, catalog)
    unknown = [row.method for row in suite.rows if row.method not in catalog.entries["methods"]]
    assert [row.method for row in missing] == unknown and (suite.name == "table5" or not unknown)
    cells = {one.settled.config_id for one in found}
    assert len(cells) == len(found) == len(suite.rows) - len(missing), "two rows are one experiment"


WRITTEN = (
    "c3d",
    "p3d",
    "i3d",
    "r3d18",
    "r2plus1d18",
    "resnet18-lstm",
    "resnet18-vit",
    "ec-stfl",
    "former-dfer",
    "logo-former",
    "ial",
    "aen",
)


@pytest.mark.parametrize("method", [*WRITTEN, "dfer-clip"])
def test_a_method_of_table_5_that_is_registered_states_the_rows_numbers(method):
    """Three transcriptions agree: the table's, the card's and the tests'."""
    catalog = discover()
    if method not in catalog.entries["methods"]:
        pytest.skip(f"{method} is not registered")
    (row,) = [row for row in SUITES[4].rows if row.method == method]
    stated = [
        one for one in catalog.get("methods", method).value.card["results"] if one["variant"] == "default"
    ]
    ours = {d: (one[d]["uar"], one[d]["war"]) for one in stated[:1] for d in DATASETS if d in one}
    assert ours == pairs(row.printed)


def test_the_field_is_what_its_sources_print():
    again = field()
    assert list(FIELD_ROWS) == list(again) and len(again) == len(FIELD.strip().splitlines())
    for name, (year, kind, results) in again.items():
        row = FIELD_ROWS[name]
        shown = {d: tuple("-" if v is None else f"{v:.2f}" for v in pair) for d, pair in pairs(row).items()}
        assert (row.year, row.input, shown) == (year, kind, results), name
        assert row.source


def test_the_fields_rows_of_table_5_are_those_of_table_5():
    for name in ("cliper", "m3dfel", "aen", "dfer-clip"):
        assert FIELD_ROWS[name].results == PRINTED[f"5/{name}"].results


@pytest.mark.parametrize(("name", "dataset", "place", "folds"), FOLD_MEANS)
def test_printed_means_are_those_of_the_printed_folds(name, dataset, place, folds):
    # Some are cut, some rounded: S2D prints 76.03 for 76.028, DK-CLIP 56.56 for 56.558.
    assert pairs(FIELD_ROWS[name])[dataset][place] == pytest.approx(sum(folds) / len(folds), abs=0.011)


def test_the_suite_of_the_field_has_every_row_of_it_once():
    suite = read_suite(SUITES_FOLDER / "field.toml")
    assert sorted(row.printed.id for row in suite.rows) == sorted(FIELD_ROWS)
    assert {row.method for row in suite.rows} == set(FIELD_ROWS) and suite.select == "best-on-test"


def test_rows_of_two_tables_that_are_the_same_are_one_experiment():
    catalog = discover()
    by_id = {
        one.row.printed.id: one.settled.config_id
        for suite in SUITES
        for one in experiments(suite, Request("", "synthetic"), None, catalog)[0]
    }
    whole = ["1/depth-1", "2/dfer-clip-tm", "3/descriptors-tm", "4/end-specific"]
    without = ["1/words-8", "2/dfer-clip", "3/descriptors"]
    assert len({by_id[name] for name in whole}) == len({by_id[name] for name in without}) == 1


GOOD = 'title = "T"\n[[rows]]\nlabel = "L"\nmethod = "m"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "title"),
        ('title = "T"\nrows = []', "rows"),
        ("title", "cannot read"),
        ('title = "T"\n[[rows]]\nmethod = "m"', r"rows\.1\.label"),
        (GOOD + "colour = 1", r"rows\.1\.colour"),
        (GOOD + "options = {a = [1]}", r"rows\.1\.options\.a"),
        ('select = "best"\n' + GOOD, "selection rule"),
        ('published = "nowhere.toml"\n' + GOOD, r"nowhere\.toml"),
        ('published = "p.toml"\n' + GOOD + 'published = "1/x"', "1/x"),
        ("title = '\xff'", "cannot read"),
    ],
)
def test_a_bad_suite_is_refused_in_one_sentence(tmp_path, text, message):
    (tmp_path / "p.toml").write_text('title = "P"\nsource = "S"\nrows = []')
    path = tmp_path / "s.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=message) as caught:
        read_suite(path)
    assert caught.value.hint and "\n" not in str(caught.value)


TWICE = '{id = "a", table = 1, label = "A", results = {}}'


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ('[{id = "a", table = 1, label = "A", results = {d = [1.0, 100.5]}}]', "100"),
        ('[{id = "a", table = 1, label = "A", results = {d = [1.0]}}]', "results"),
        (f"[{TWICE}, {TWICE}]", "twice"),
        (
            '[{id = "a", label = "A", results = {d = {f2 = 1.0}}}]',
            "no metric named 'f2'; known are uar, war, macro-f1, weighted-f1, top2",
        ),
        (
            '[{id = "a", label = "A", results = {d = {macro_f1 = 100.5}}}]',
            r"macro F1 must be in \[0, 100\]",
        ),
        ('[{id = "a", label = "A", results = {d = {macro_f1 = "x"}}}]', "macro-f1"),
        ('[{id = "a", label = "A", results = {d = 5}}]', "UAR, WAR"),
    ],
)
def test_bad_printed_numbers_are_refused(tmp_path, rows, message):
    path = tmp_path / "p.toml"
    path.write_text(f'title = "P"\nsource = "S"\nrows = {rows}')
    with pytest.raises(ConfigError, match=message):
        read_printed(path)


# bench, on the toy dataset

MORE = """
from dferbench import Method, Recipe, Input, hookimpl
from dferbench_plugin_toy import ToyNet


class Broken(ToyNet):
    def loss(self, batch):
        raise RuntimeError("the plugin's own fault")


def poor(task, parts):
    from dferbench.errors import DataError

    raise DataError("no weights", "Get them.")


@hookimpl
def register_methods(register):
    from dferbench import Stage

    register(Method("toy-poor", poor, Recipe(Input(frames=8, size=12))))

    input = Input(frames=8, size=12)
    register(Method("toy-still", ToyNet, Recipe(input)))
    register(Method("toy-broken", Broken, Recipe(input, (Stage({".*": 0.05}, epochs=1, batch=6),))))
"""

SUITE = """
title = "Toys"
[[rows]]
label = "wide"
method = "toy-net"
options = { width = 6 }
[[rows]]
label = "untrained"
method = "toy-still"
[[rows]]
label = "of nobody"
method = "toy-nobody"
[[rows]]
label = "plain"
method = "toy-net"
"""


LAUNCHER = """
import subprocess
from pathlib import Path

from dferbench import hookimpl


def noting(file="launched.txt"):
    def launch(study):
        Path(file).write_text(" ".join(study.command))
        return [subprocess.run(study.command, stdout=subprocess.DEVNULL).returncode]

    return launch


@hookimpl
def register_launchers(register):
    register("noting", noting, about="Writes down what it starts.")
    register("lazy", lambda: lambda study: [], about="Starts nothing.")
    register("vague", lambda: lambda study: "well", about="Says nothing of use.")
    register("queue", lambda: lambda study: None, about="Leaves everything to others.")
"""


@pytest.fixture
def suite(tmp_path, monkeypatch):
    """A folder with a suite of four rows and the plugins of three."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "more.py").write_text(MORE)
    (tmp_path / "suite.toml").write_text(SUITE)
    return tmp_path / "suite.toml"


@pytest.fixture
def bench(suite, toy_root, capfd):
    """Run `dferbench bench suite.toml` in this process: (exit code, stdout, stderr)."""

    def go(*arguments, verb="bench", root=toy_root):
        words = ["--plugin", TOY, "--plugin", "more.py", verb, suite, "-d", "toy"]
        words += ["--root", root, "-j", "0", "--device", "cpu"] if verb == "bench" else []
        code = _run([str(word) for word in (*words, *arguments)])
        out, err = capfd.readouterr()
        return code, out, err

    return go


def rows_of(out):
    return {row["number"]: row for row in json.loads(out)["rows"]}


def test_a_dry_run_tells_and_does_nothing(bench):
    code, out, _ = bench("--dry-run", "--fold", "all", "--seed", "0,1")
    assert code == 0 and not Path("runs").exists()
    assert "no plugin" in out and "together unknown" in out and "18/9" in out
    rows = rows_of(bench("--dry-run", "--json")[1])
    assert [rows[n]["status"] for n in (1, 2, 3, 4)] == ["to do", "to do", "no plugin", "to do"]
    assert [rows[n]["epochs"] for n in (1, 2, 4)] == [3, 0, 3]
    assert rows[1]["videos"] == {"train": 18, "test": 9} and rows[1]["seconds"] is None


def test_bench_runs_what_is_missing_and_nothing_twice(bench):
    code, out, err = bench("--epochs", "1", "--rows", "1,2,3")
    assert code == 0 and "row 3 (of nobody)" in err and "skipped" in err
    assert "0 runs done, 2 to do" in err and "wide" in out
    first = {path: path.stat().st_mtime_ns for path in record.find(Path("runs"))}
    assert len(first) == 2
    assert out.endswith("\nThe runs lie below runs; dferbench runs runs lists them.\n")
    for path in first:  # and each run says it when it ends
        assert f"fold 1 seed 0: done, {path.parent}\n" in err

    code, out, err = bench("--epochs", "1", "--json")
    assert code == 0 and "2 runs done, 1 to do in 1 rows" in err and "row 1" not in err
    assert {row["status"] for row in rows_of(out).values()} == {"done", "no plugin"}
    after = {path: path.stat().st_mtime_ns for path in record.find(Path("runs"))}
    assert len(after) == 3 and first.items() <= after.items()

    # What ran tells what the other fold will take; another method's seconds do not.
    plan = rows_of(bench("--epochs", "2", "--fold", "all", "--dry-run", "--json")[1])
    one = record.read(next(p for p in after if record.read(p).options["width"] == 6))
    assert one.method == "toy-net" and plan[1]["todo"] == 2 and plan[1]["seconds"] > 0
    assert plan[2]["done"] == 1 and plan[2]["todo"] == 1 and plan[2]["seconds"] is not None
    assert "together" in bench("--dry-run")[1]


def test_a_bad_record_is_told_of_and_the_rest_is_run(bench):
    """It may hold a result, so it is left as it is; what is missing in other rows and folds is done."""
    assert bench("--epochs", "1", "--rows", "2")[0] == 0
    (path,) = record.find(Path("runs"))
    path.write_text(path.read_text()[:300])
    cut = path.read_bytes()
    code, out, err = bench("--epochs", "1", "--rows", "2,4", "--fold", "all", "--json")
    rows = rows_of(out)
    assert code == 5 and rows[4]["status"] == "done" and (rows[2]["status"], rows[2]["done"]) == ("failed", 1)
    assert str(path) in rows[2]["error"] and f"move the folder {path.parent} away" in rows[2]["error"]
    assert len([line for line in err.splitlines() if line.startswith("failed: row 2: ")]) == 1
    assert path.read_bytes() == cut and len(list(record.find(Path("runs")))) == 4

    code, out, err = bench("--epochs", "1", "--rows", "2,4", "--fold", "all")
    assert code == 5 and "3 runs done, 0 to do in 0 rows" in err and "failed: row 2" in err
    assert "1 of 4 records below" in err and "untrained" in out, "its other fold is shown"
    assert bench("--epochs", "1", "--rows", "2", "--dry-run")[0] == 5
    path.unlink()
    assert bench("--epochs", "1", "--rows", "2")[0] == 0


def test_files_that_are_gone_of_rows_that_are_done_are_said(bench):
    assert bench("--epochs", "0", "--rows", "2")[0] == 0
    (path,) = Path("runs").rglob("predictions.npz")
    path.unlink()
    code, _, err = bench("--epochs", "0", "--rows", "2")
    assert code == 0 and "row 2: predictions.npz is gone from" in err and not path.exists()


@pytest.mark.slow
def test_a_second_call_builds_nothing_and_reads_no_video(bench, suite, toy_root, tmp_path):
    root = tmp_path / "gone"
    shutil.copytree(toy_root, root)
    assert bench("--epochs", "1", root=root)[0] == 0
    shutil.rmtree(root)
    root.mkdir()
    words = ["--plugin", TOY, "--plugin", "more.py", "bench", suite, "-d", "toy", "--root", root]
    code = (
        "import sys\nfrom dferbench.cli import _run\n"
        f"code = _run({[*map(str, words), '--epochs', '1']})\n"
        "heavy = {'lightning_fabric', 'dferbench.runner.run', 'dferbench.data.loader'} & set(sys.modules)\n"
        "assert code == 0 and not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "3 runs done, 0 to do" in done.stderr and "wide" in done.stdout


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("options = { widht = 6 }", "'widht'"),
        ('options = { "input.augment" = "flop" }', "flop"),
        ('options = { "stage.optimizer" = "sdg" }', "sdg"),
    ],
)
def test_a_typo_in_the_last_row_stops_before_the_first(bench, suite, broken, message):
    suite.write_text(f'{SUITE}\n[[rows]]\nlabel = "last"\nmethod = "toy-net"\n{broken}\n')
    code, _, err = bench()
    assert code == 3 and not Path("runs").exists()
    error, hint = err.splitlines()[-2:]
    assert "row 5 of suite (last)" in error and message in error and hint.startswith("hint: ")


def test_weights_that_are_missing_stop_everything_and_the_hint_has_a_way_out(bench, suite):
    suite.write_text(f'{SUITE}\n[[rows]]\nlabel = "last"\nmethod = "toy-poor"\n')
    code, _, err = bench()
    assert code == 4 and not Path("runs").exists()
    assert "row 5 of suite (last): no weights" in err and "Get them. Or leave the row out, by --rows." in err
    assert bench("--rows", "2")[0] == 0


def test_a_failed_row_is_named_at_the_end_and_the_others_go_on(bench, suite):
    suite.write_text(SUITE.replace("toy-nobody", "toy-broken"))
    code, out, err = bench("--epochs", "1", "--json")
    rows = rows_of(out)
    assert code == 5 and "failed: row 3: " in err and "the plugin's own fault" in rows[3]["error"]
    assert [rows[n]["status"] for n in (1, 2, 3, 4)] == ["done", "done", "failed", "done"]
    assert bench("--epochs", "1")[0] == 5


def test_bad_data_fails_its_cells_only(bench, toy_root, tmp_path):
    root = tmp_path / "spoiled"
    shutil.copytree(toy_root, root)
    (root / "fold2" / "test" / "stays" / "test0" / "1.png").write_bytes(b"")
    code, out, err = bench("--epochs", "1", "--fold", "all", "--json", root=root)
    assert code == 5 and err.count("failed: row") == 3
    assert {row["done"] for row in rows_of(out).values()} == {0, 1}


def test_no_row_that_can_run_is_a_configuration_error(bench, suite):
    suite.write_text('title = "T"\n[[rows]]\nlabel = "x"\nmethod = "toy-nobody"')
    code, _, err = bench()
    assert code == 3 and "no row" in err


def test_rows_that_train_nothing_are_left_alone_by_stage_options(bench):
    rows = rows_of(bench("--dry-run", "--json", "--epochs", "7", "--set", "stage.batch=3")[1])
    assert [rows[n]["epochs"] for n in (1, 2, 4)] == [7, 0, 7]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--rows", "9"], 3, "has no row 9"),
        (["--rows", "x"], 3, "--rows"),
        (["--set", "width"], 3, "name=value"),
        (["--set", "width=wide"], 3, "row 1 of suite"),
        (["--fold", "7"], 3, "fold of toy"),
        (["--weights", "clip-tiny=nowhere.pt"], 4, "nowhere.pt"),
    ],
)
def test_wrong_arguments_are_two_lines(bench, arguments, code, message):
    found, out, err = bench(*arguments)
    assert found == code and out == "" and message in err.splitlines()[-2]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 75)])
@pytest.mark.heavy
def test_an_interrupted_bench_goes_on(bench, start_cli, suite, toy_root, number, code):
    words = ["--plugin", TOY, "--plugin", "more.py", "bench", suite, "-d", "toy", "--root", toy_root]
    words += ["-j", "0", "--device", "cpu", "--rows", "1,4", "--epochs", "60"]
    with start_cli(*words, cwd=Path.cwd()) as process:
        for line in process.stderr:
            if line.startswith("train 3/"):
                break
        process.send_signal(number)
        assert "Run the same command to continue" in process.stderr.read() and process.wait(30) == code
    (path,) = record.find(Path("runs"))
    assert record.read(path).status == "interrupted"
    found, _, err = bench("--rows", "1,4", "--epochs", "60")
    assert found == 0 and "resumed after" in err
    assert [record.read(path).epochs for path in record.find(Path("runs"))] == [60, 60]


@pytest.mark.heavy
def test_a_launcher_of_a_plugin_starts_the_study(bench, suite, tmp_path):
    (tmp_path / "mine.py").write_text(LAUNCHER)
    code, out, _ = bench(
        "--plugin", "mine.py", "--launcher", "noting(file=here.txt)", "--rows", "1,2", "--json"
    )
    assert code == 0
    assert {n: (row["status"], row["done"]) for n, row in rows_of(out).items()} == {
        1: ("done", 1),
        2: ("done", 1),
    }
    assert (tmp_path / "here.txt").read_text().endswith("--rows 1,2")
    again, _, err = bench("--plugin", "mine.py", "--launcher", "noting(file=none.txt)", "--rows", "1,2")
    assert again == 0 and not (tmp_path / "none.txt").exists(), err


@pytest.mark.slow
def test_a_row_whose_process_fails_is_named(bench, suite, tmp_path):
    (tmp_path / "suite.toml").write_text(SUITE.replace("width = 6", "width = 0"))
    code, _, err = bench("--launcher", "processes", "--rows", "1")
    assert code == 5 and "failed: row 1: its process ended with exit code" in err


def test_what_a_launcher_returns_is_told(bench, suite, tmp_path):
    (tmp_path / "mine.py").write_text(LAUNCHER)
    code, _, err = bench("--plugin", "mine.py", "--launcher", "vague", "--rows", "1")
    assert code == 3 and "returned 'well', which are no exit codes" in err and "hint: Fix its plugin" in err
    code, out, err = bench("--plugin", "mine.py", "--launcher", "lazy", "--rows", "1")
    assert code == 75 and "left to others: row 1: runs still to do: 1" in err
    code, out, err = bench("--plugin", "mine.py", "--launcher", "queue", "--rows", "1")
    assert code == 0 and not out, "what goes on elsewhere has no table yet"


def test_processes_that_share_a_study_do_not_start_over(bench, suite, tmp_path):
    (tmp_path / "mine.py").write_text(LAUNCHER)
    code, _, err = bench("--plugin", "mine.py", "--launcher", "noting", "--rows", "1", "--force")
    assert code == 3 and "--force cannot be shared" in err and not (tmp_path / "launched.txt").exists()
