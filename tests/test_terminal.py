"""What reaches a terminal: nothing that it would obey, whoever wrote it; and what happens if nothing can."""

import json
import os
import pty
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from conftest import TOY
from test_tables import make

from dferbench.experiment import record
from dferbench.printable import one_line, printable

HOSTILE = "\x1b]0;owned\x07\x1b[31mred\x9b2J\r\u202egnp\u2066\u200e"
"""Sets a title, rings, colours, clears, returns, and turns the order of letters around."""
PLUGIN = f"""
from dferbench import Method, hookimpl

def build(width: int = 4):
    pass

@hookimpl
def register_backbones(register):
    register({HOSTILE!r}, build, about={HOSTILE!r})
    print({HOSTILE!r})
"""
SUITE = f"""
title = {json.dumps(HOSTILE)}
source = {json.dumps(HOSTILE)}
[[rows]]
label = {json.dumps(HOSTILE)}
group = {json.dumps(HOSTILE)}
method = "m"
note = {json.dumps(HOSTILE)}
"""


@pytest.mark.parametrize("text", [HOSTILE, "\ud800\udfff\ufeff\x00\x85\u2028", "\U000e0041\x7f"])
def test_nothing_is_obeyed_and_json_means_the_same(text):
    clean = printable(text)
    assert clean.isascii() or clean.isprintable()
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl") for c in clean)
    assert json.loads(printable(json.dumps(HOSTILE, ensure_ascii=False))) == HOSTILE


def test_what_people_write_stays():
    said = "Zürich, 表情, नमस्\u200dते, 👩\u200d🔬, a\tb\nc ± 1"
    assert printable(said) == said
    assert one_line(" a\n b\x1b ") == "a b\\u001b"


@pytest.fixture
def hostile(tmp_path):
    """A folder with two runs, a suite, a plugin and a file of hostile names."""
    for number in (1, 2):
        one = make("a", 5 + number, number, method="m", dataset="toy")
        changes = {"given": {"x": HOSTILE}, "origin": HOSTILE, "dataset_notes": {"caveats": [HOSTILE]}}
        record.write(one.model_copy(update=changes), tmp_path / "runs" / str(number))
    failed = make("b", 3, method="m").model_copy(update={"status": "failed", "error": HOSTILE})
    record.write(failed, tmp_path / "runs" / "failed")
    (tmp_path / "suite.toml").write_text(SUITE)
    (tmp_path / "plugin.py").write_text(PLUGIN)
    (tmp_path / f"{HOSTILE.replace('/', '')}.py").write_text("raise ValueError('\\x1b[2J')")
    return tmp_path


def on_terminal(folder, *arguments):
    """The exit code and what a terminal gets, stdout and stderr together."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    command = [sys.executable, "-m", "dferbench", *map(str, arguments)]
    process = subprocess.Popen(command, cwd=folder, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # how Linux says that the other end was closed
        pass
    os.close(ours)
    return process.wait(60), shown.decode()


OWN = re.compile(r"\x1b\[[0-9;]*m|\x1b\[\?25[lh]|\x1b\[1A|\x1b\[2K|\r(?=\x1b|$)")
"""What rich draws with: bold and underlined, the cursor hidden and shown, a line drawn anew."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["leaderboard", "--folders"], 0),
        (["leaderboard", "--json"], 0),
        (["table", "suite.toml"], 0),
        (["table", "suite.toml", "--format", "csv"], 0),
        (["watch", "runs", "--once"], 0),
        (["compare", "runs/1", "runs/2"], 3),
        (["compare", "runs/1", "runs/failed"], 3),
        (["list", "--plugin", "plugin.py"], 0),
        (["list", "backbones", "--plugin", "plugin.py", "--json"], 0),
        (["show", HOSTILE, "--plugin", "plugin.py"], 3),
        (["list", "--plugin", f"{HOSTILE.replace('/', '')}.py"], 0),
        (["show", HOSTILE], 3),
        (["leaderboard", HOSTILE], 3),
        (["predict", HOSTILE, "-c", HOSTILE], 4),
        (["data", "link", "toy", HOSTILE, "--plugin", TOY], None),
    ],
    ids=lambda value: (
        " ".join(map(str, value))[:30].encode("unicode_escape").decode() if isinstance(value, list) else None
    ),
)
def test_a_terminal_gets_no_order_of_others(hostile, arguments, code):
    found, shown = on_terminal(hostile, *arguments)
    assert code in (None, found), shown
    rest = OWN.sub("", shown.replace("\r\n", "\n"))
    assert rest == printable(rest)
    assert "Traceback" not in rest and rest.strip()


def test_a_plugin_may_set_no_colour_of_its_own(hostile):
    """What rich colours itself is told from what texts bring: only tables have styles, and none is red."""
    _, shown = on_terminal(hostile, "table", "suite.toml")
    assert "\x1b[31m" not in shown and "\\u001b" in shown


def test_a_full_disk_below_the_output_is_told_in_words(cli, tmp_path):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "dferbench", "list"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    first, second = done.stderr.splitlines()
    assert first == "error: the output cannot be written: No space left on device"
    assert second.startswith("hint: ")


@pytest.mark.heavy
def test_a_full_disk_below_the_log_ends_no_run(toy_root, tmp_path):
    command = [sys.executable, "-m", "dferbench", "--plugin", str(TOY), "run", "-m", "toy-net", "-d", "toy"]
    command += ["--root", str(toy_root), "--workers", "0", "--device", "cpu", "--epochs", "1"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=full, text=True)
    assert done.returncode == 0 and "toy-net" in done.stdout
    [path] = record.find(tmp_path / "runs")
    assert record.read(path).status == "done"


@pytest.mark.parametrize(
    ("command", "closed"),
    [("table suite.toml", ">&-"), ("show nothing", "2>&-"), ("list", ">&- 2>&-"), ("list", "<&- >&- 2>&-")],
)
def test_closed_streams_are_no_bug(hostile, command, closed):
    line = f"'{sys.executable}' -m dferbench {command} {closed}"
    done = subprocess.run(line, shell=True, cwd=hostile, capture_output=True, text=True)
    assert "bug" not in done.stderr + done.stdout
    assert "error:" not in done.stdout
    assert done.returncode == (3 if command == "show nothing" else 0)
