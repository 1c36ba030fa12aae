"""One file from outside adds a metric: to records, rankings and tables. Nothing breaks without it."""

import json

import pytest
from conftest import TOY

from dferbench.cli import _run
from dferbench.experiment import record

PLUGIN = '''
from math import prod

from dferbench import hookimpl


def geometric_mean_recall(counts):
    """The geometric mean of the recalls."""
    recalls = [row[k] / sum(row) for k, row in enumerate(counts.confusion) if sum(row)]
    return 100 * prod(recalls) ** (1 / len(recalls))


@hookimpl
def register_metrics(register):
    register("geometric-mean-recall", geometric_mean_recall, about="Falls to 0 with any class.")
'''
NAME = "geometric-mean-recall"
SUITE = """
title = "T"
published = "p.toml"
[[rows]]
label = "ours"
method = "toy-net"
published = "x"
"""
PRINTED = """
title = "P"
source = "S"
[[rows]]
id = "x"
label = "Ecks"
results = { toy = { uar = 40.0, war = 50.0, geometric_mean_recall = 31.25, f1 = "-" } }
"""


@pytest.fixture
def command(tmp_path, monkeypatch, capfd):
    """Run dferbench in an empty folder, with the plugin or without: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gmean.py").write_text(PLUGIN)
    (tmp_path / "s.toml").write_text(SUITE)
    (tmp_path / "p.toml").write_text(PRINTED)

    def go(*words, plugin=True):
        plugins = ["--plugin", str(TOY), *(["--plugin", "gmean.py"] if plugin else [])]
        code = _run([*plugins, *map(str, words)])
        return code, *capfd.readouterr()

    return go


@pytest.fixture
def done(command, toy_root):
    """The folder of a finished run made with the plugin, and what its ending table says."""
    words = ["run", "-m", "toy-net", "-d", "toy", "--root", toy_root, "-j", "0", "--device", "cpu"]
    code, out, err = command(*words, "--epochs", "2", "--metrics", f"uar,{NAME}", "--by", NAME)
    assert code == 0, err
    return out


def test_one_file_from_outside_is_everywhere(command, done, tmp_path):
    (path,) = record.find(tmp_path / "runs")
    content = json.loads(path.read_text())
    stated = content["metrics"]["last"][NAME]
    shares = [row[k] / sum(row) for k, row in enumerate(content["confusion"])]
    assert stated == pytest.approx(100 * (shares[0] * shares[1] * shares[2]) ** (1 / 3))
    assert (
        content["top2"]
        == record.read_whole(path).curve[-1].top2
        >= sum(r[k] for k, r in enumerate(content["confusion"]))
    )
    assert NAME in done and f"{stated:.2f}" in done and "WAR" not in done

    assert NAME in command("list", "metrics")[1] and "Falls to 0" in command("list", "metrics")[1]
    assert NAME not in command("list", "metrics", plugin=False)[1]

    code, out, _ = command("leaderboard", "--by", NAME, "--json")
    facts = json.loads(out)
    assert code == 0 and facts["by"] == NAME and facts["metrics"] == ["uar", "war", NAME]
    assert facts["rows"][0]["scores"][NAME]["mean"] == stated
    assert f"{stated:.2f}" in command("leaderboard", "--by", NAME)[1]

    words = ["table", "s.toml", "--epochs", "2", "--metrics", f"war,{NAME}"]
    for style in ("text", "markdown", "latex", "csv", "html"):
        code, out, _ = command(*words, "--format", style)
        assert code == 0 and NAME in out and "31.25" in out and "UAR" not in out, style
    printed, measured = json.loads(command(*words, "--format", "json")[1])["rows"][0]["results"]
    assert printed["scores"][NAME]["mean"] == 31.25 and measured["scores"][NAME]["mean"] == stated

    facts = json.loads(command("compare", path, path.parent, "--json", "--metrics", NAME)[1])
    assert facts["numbers"]["a"] == {NAME: stated}


def test_without_it_the_record_stays_readable(command, done, tmp_path):
    (path,) = record.find(tmp_path / "runs")
    assert NAME in record.read(path).metrics["last"]
    code, out, err = command("leaderboard", plugin=False)
    assert code == 0 and "toy-net" in out and err == ""
    code, out, err = command("leaderboard", "--by", NAME, plugin=False)
    assert code == 3 and f"no metric named '{NAME}'" in err
    code, out, err = command("table", "s.toml", plugin=False)
    assert code == 3 and "uar, war, macro-f1, weighted-f1, top2" in err


def test_a_value_that_the_plugin_does_not_give_is_refused(command, done, tmp_path):
    (path,) = record.find(tmp_path / "runs")
    content = json.loads(path.read_text())
    content["metrics"]["last"][NAME] = 99.5
    path.write_text(json.dumps(content))
    code, _, err = command("leaderboard")
    assert code == 3 and "states geometric-mean-recall 99.5" in err and "gmean.py was changed" in err
    assert command("leaderboard", plugin=False)[0] == 0, "who does not know it cannot judge it"


def test_a_typo_is_told_before_anything_runs(command, toy_root, tmp_path):
    words = ["run", "-m", "toy-net", "-d", "toy", "--root", toy_root]
    code, _, err = command(*words, "--metrics", "uar,macro-f2")
    assert code == 3 and "macro-f1" in err and not (tmp_path / "runs").exists()


def test_show_says_what_a_metric_is(command):
    code, out, _ = command("show", NAME)
    assert code == 0 and f"{NAME}: a metric from gmean.py" in out and "Falls to 0" in out
    facts = json.loads(command("show", "top2", "--json")[1])["found"][0]
    assert facts["title"] == "top-2 accuracy" and facts["needs"] == "top-2 hits" and facts["high"] == 100


def test_bench_ends_with_the_table_that_was_asked_for(command, toy_root, tmp_path):
    words = ["bench", "s.toml", "-d", "toy", "--root", toy_root, "-j", "0", "--device", "cpu"]
    code, out, err = command(*words, "--epochs", "0", "--metrics", f"war,{NAME}", "--by", "top2", "-q")
    (path,) = record.find(tmp_path / "runs")
    top2 = record.read(path).metrics["last"]["top2"]
    assert code == 0 and "31.25" in out and "UAR" not in out and f"{top2:.2f}" in out, err
