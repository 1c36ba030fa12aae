"""Plugins that end, close, replace or shadow things: listed as broken with the reason, and all else works."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import pytest
from conftest import heed_interrupts
from test_catalog import GOOD

from dferbench.errors import ConfigError
from dferbench.registry.catalog import discover
from dferbench.types import Recipe, Task

UNPRINTABLE = """
class Silent(Exception):
    def __str__(self):
        raise RuntimeError("no words")
    __repr__ = __str__
"""
AT_IMPORT = {
    "import sys; sys.exit(0)": "SystemExit: 0",
    "raise SystemExit": "SystemExit: it says nothing",
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "raise GeneratorExit('over')": "GeneratorExit: over",
    "class Own(BaseException): pass\nraise Own('mine')": "Own: mine",
    UNPRINTABLE + "raise Silent": "Silent: it says nothing",
    "import sys; sys.stdout.close()": "closes the stdout",
    "import os; os.close(1)": "closes the stdout",
    "import sys; sys.stderr = None": "closes the stderr",
    "import sys; sys.__stdout__.close()": "closes the stdout",
    "raise ValueError('\\x1b[2Jgone')": "ValueError: ?[2Jgone",
    "raise RuntimeError('')": "RuntimeError: it says nothing",
}
HOOKS = {
    "register_methods(register)": "import sys; sys.exit(3)",
    "register_datasets(register)": "raise KeyboardInterrupt",
    "register_metrics(register)": "register(None, len)",
    "register_decoders(register)": "register(5, len)",
    "register_trackers(register)": "register('../x', len)",
    "register_samplers(register)": "register('a\\x1b[2Jb', len)",
    "register_optimizers(register)": "register('x' * 65, len)",
    "register_backbones(register)": "register('', len)",
    "register_schedules(register)": "register('a/b', len)",
    "register_prompts(register)": "register('mine', len, about=5)",
    "register_launchers(register)": "register('mine', len, options=5)",
    "plugin_modules()": "return [5]",
    "register_temporal_heads(register)": "register('ends.', len)",
    "register_commands(app)": "raise SystemExit(0)",
}
OWN_STREAMS = ("close()", "= None", "os.close")


@pytest.fixture
def write(tmp_path):
    def go(code, name="bad.py"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(code))
        return path

    return go


def hook(head, body):
    return f"from dferbench import hookimpl\n\n@hookimpl\ndef {head}:\n    {body}\n"


@pytest.mark.parametrize("code", [c for c in AT_IMPORT if not any(word in c for word in OWN_STREAMS)])
def test_what_a_plugin_raises_at_import_is_listed_and_nothing_is_lost(write, in_process, code):
    path, good = write(code), write(GOOD, "good.py")
    done = in_process("--plugin", path, "--plugin", good, "list", check=0)
    assert f"broken: {path}: {AT_IMPORT[code]}" in done.stderr and "mine" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("code", [c for c in AT_IMPORT if any(word in c for word in OWN_STREAMS)])
def test_what_a_plugin_closes_is_open_again(write, cli, code):
    path, good = write(code + "\n" + GOOD.replace("mine", "bad")), write(GOOD, "good.py")
    done = cli("--plugin", path, "--plugin", good, "list", check=0)
    assert f"broken: {path}" in done.stderr and AT_IMPORT[code] in done.stderr and "mine" in done.stdout


@pytest.mark.parametrize("head", HOOKS)
def test_what_a_plugin_raises_in_a_hook_is_listed(write, in_process, head):
    path, good = write(hook(head, HOOKS[head])), write(GOOD, "good.py")
    done = in_process("--plugin", path, "--plugin", good, "list", check=0)
    assert f"broken: {path}: " in done.stderr and "mine" in done.stdout and "\x1b" not in done.stderr


@pytest.mark.parametrize(
    "name", ["None", "5", "'../x'", "'..'", "'a b'", "'/etc'", "'a\\\\b'", "'x\\n'", "'\\u202ex'", "b'x'"]
)
def test_names_of_methods_are_names(write, name):
    path = write(GOOD.replace('"mine"', name))
    (broken,) = discover([path]).broken
    assert "the name of a method must be text" in broken.reason or "must begin with a letter" in broken.reason


@pytest.mark.parametrize(
    ("field", "value"), [("recipe", "5"), ("card", "[]"), ("options", "{}"), ("recipe_for", "{'dfew': 1}")]
)
def test_what_a_method_consists_of_is_checked_where_it_is_written(write, field, value):
    given = "Recipe()" if field != "recipe" else value
    more = f", {field}={value}" if field != "recipe" else ""
    path = write(GOOD.replace("Recipe())", f"{given}{more})"))
    (broken,) = discover([path]).broken
    assert broken.reason.startswith(f"TypeError: {field} of mine must")


def test_what_a_plugin_prints_does_not_get_between_the_lines_of_a_command(write, in_process):
    path = write("print('welcome')\n" + GOOD)
    done = in_process("--plugin", path, "list", "methods", "--json", check=0)
    assert "mine" in [one["name"] for one in json.loads(done.stdout)["methods"]]
    assert "welcome" in done.stderr


def test_a_plugin_that_takes_long_is_named(write, monkeypatch, capsys):
    monkeypatch.setattr("dferbench.careful.LONG", 0.05)
    path = write("import time; time.sleep(0.5)\n" + GOOD)
    assert discover([path]).get("methods", "mine")
    assert f"the plugin {path} takes more than 0.05 s to load" in capsys.readouterr().err


@pytest.mark.slow
def test_ctrl_c_while_a_plugin_loads_is_the_users(write, tmp_path):
    path = write("print('waits', flush=True)\nimport time; time.sleep(600)\n")
    command = [sys.executable, "-m", "dferbench", "--plugin", str(path), "list"]
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed_interrupts
    )
    assert running.stderr.readline() == "waits\n"
    os.kill(running.pid, signal.SIGINT)
    assert running.wait(100) == 130
    running.communicate()


# --- commands ----------------------------------------------------------------------------------------------

COMMAND = """
from dferbench import hookimpl

@hookimpl
def register_commands(app):
    @app.command({name})
    def hello({parameters}):
        print({words})
"""


def command(name="'hello'", parameters="", words="'hello'"):
    return COMMAND.format(name=name, parameters=parameters, words=words)


@pytest.mark.parametrize("verb", ["list", "run", "data"])
def test_a_verb_of_the_host_stays_the_hosts(write, in_process, verb):
    path = write(command(f"'{verb}'", words="'replaced'"))
    done = in_process("--plugin", path, "list", check=0)
    assert f"broken: {path}: its command '{verb}' is taken by dferbench" in done.stderr
    assert "replaced" not in done.stdout and "metrics" in done.stdout
    asked = in_process("--plugin", path, verb, "--help", check=0 if verb == "list" else 3)
    assert "replaced" not in asked.stdout


def test_two_plugins_with_one_command_are_told_when_it_is_used(write, in_process):
    first, second = write(command(), "first.py"), write(command(words="'other'"), "second.py")
    done = in_process("--plugin", first, "--plugin", second, "hello", check=3)
    assert done.stdout == "" and str(first) in done.stderr and str(second) in done.stderr


@pytest.mark.parametrize(
    "code",
    [
        command(parameters="x: list[list[int]]"),
        command(name="5"),
        command(name="'a\\x1bb'"),
        "from dferbench import hookimpl\n@hookimpl\ndef register_commands(app):\n    app.callback()(print)\n",
    ],
)
def test_a_command_that_cannot_be_made_takes_no_other_down(write, in_process, code):
    bad, good = write(code), write(command(), "good.py")
    assert "hello" in in_process("--plugin", bad, "--plugin", good, "--help", check=0).stdout
    assert str(bad) in in_process("--plugin", bad, "--plugin", good, "hello", check=3).stderr
    assert f"broken: {bad}: " in in_process("--plugin", bad, "list", check=0).stderr


def test_a_command_that_exits_does_not_end_in_silence(write, in_process):
    path = write(command(words="__import__('sys').exit(0)"))
    done = in_process("--plugin", path, "hello", check=1)
    assert "error: the code of a plugin or a library ended the program: sys.exit(0) at " in done.stderr


# --- things that are built when they are used --------------------------------------------------------------

LAZY = """
from dferbench import Method, Recipe, hookimpl

def ends(*given, **options):
    {act}

@hookimpl
def register_methods(register):
    register(Method("mine", ends, Recipe()))

@hookimpl
def register_temporal_heads(register):
    register("now", ends)
    register("later", "part_of_a_plugin:Head")

@hookimpl
def register_datasets(register):
    register("mine", lambda: ends())

@hookimpl
def register_decoders(register):
    register("mine", "part_of_a_plugin:Head")
"""


@pytest.mark.parametrize("act", ["raise SystemExit(0)", "raise KeyboardInterrupt", "raise GeneratorExit"])
def test_building_can_end_nothing(write, tmp_path, monkeypatch, act):
    write(act, "part_of_a_plugin.py")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "part_of_a_plugin", raising=False)
    catalog = discover([write(LAZY.format(act=act))])
    for name in ("now", "later"):
        with pytest.raises(ConfigError, match=f"'{name}' of .*bad.py would end the program"):
            catalog.make("temporal_heads", name, 4, 2)
    with pytest.raises(ConfigError, match=r"build of method 'mine' would end the program"):
        catalog.get("methods", "mine").value.make(Task("d", ("a", "b"), 1, 32), None)
    with pytest.raises(ConfigError, match=r"'mine' of .* would end the program"):
        catalog.builds("decoders")["mine"]()
    assert isinstance(catalog.get("methods", "mine").value.recipe, Recipe)


def test_ls_names_a_dataset_that_cannot_be_made(write, in_process):
    path = write(LAZY.format(act="raise SystemExit(0)"))
    done = in_process("--plugin", path, "data", "ls", check=0)
    assert "synthetic" in done.stdout and "would end the program" in done.stdout


@pytest.mark.parametrize("error", ["ValueError('no')", "OSError('no')", "SyntaxError('no')"])
def test_an_import_that_fails_when_used_names_the_plugin(write, tmp_path, monkeypatch, error):
    write(f"raise {error}", "part_of_a_plugin.py")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "part_of_a_plugin", raising=False)
    catalog = discover([write(LAZY.format(act="pass"))])
    with pytest.raises(ConfigError, match=r"'later' of .* cannot be imported .*no"):
        catalog.make("temporal_heads", "later", 4, 2)


def test_a_contested_decoder_is_not_used(write):
    """PyAV is the default: nobody may stand in for it unsaid."""
    path = write(hook("register_decoders(register)", "register('pyav', lambda: lambda path, choose: 1 / 0)"))
    with pytest.raises(ConfigError, match=r"the decoder name 'pyav' is claimed by dferbench and .*bad\.py"):
        discover([path]).builds("decoders")["pyav"]()


# --- installed packages ------------------------------------------------------------------------------------


def install(folder, name, entry_points):
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_bytes(entry_points)


BAD_POINTS = {
    "bytes": b"\xff\xfe[dferbench]\nx = y\n",
    "no-section": b"x = y\n",
    "no-value": b"[dferbench]\nx\n",
    "empty-value": b"[dferbench]\nx =\n",
    "no-module": b"[dferbench]\nx = not a module!\n",
    "missing": b"[dferbench]\nx = nothing_of_this_name\n",
    "twice": b"[dferbench]\nx = a\nx = b\n",
    "exits": b"[dferbench]\nx = exits_at_import\n",
}


@pytest.mark.parametrize("kind", BAD_POINTS)
def test_bad_entry_points_take_nothing_down(tmp_path, monkeypatch, kind):
    (tmp_path / "good_neighbour.py").write_text(GOOD)
    (tmp_path / "exits_at_import.py").write_text("raise SystemExit(0)")
    install(tmp_path, "aaa_bad", BAD_POINTS[kind])
    install(tmp_path, "neighbour", b"[dferbench]\ngood = good_neighbour\n")
    monkeypatch.syspath_prepend(tmp_path)
    catalog = discover()
    assert catalog.get("methods", "mine").origin == "good_neighbour (neighbour 1.0)"
    assert "synthetic" in catalog.entries["datasets"]
    assert any("aaa" in one.origin for one in catalog.broken) or kind in ("no-section", "no-value")
