"""What a user meant: names in another case, swapped options, folders for files, plugins that are broken."""

import codecs

import openpyxl
import pytest
from conftest import TOY

from dferbench.errors import UnknownName, nearest
from dferbench.face_crops.boxes import read_boxes


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("DFER-CLIP", ["dfer-clip"]),
        ("dferclip", ["dfer-clip"]),
        ("Dfer_Clip", ["dfer-clip"]),
        ("M3D-FEL", ["m3dfel"]),
        ("FERV 39k", ["ferv39k"]),
        ("frv39k", ["ferv39k"]),
        ("", []),
        ("zzzz", []),
    ],
)
def test_case_and_punctuation_do_not_count(typed, meant):
    assert nearest(typed, ["dfer-clip", "m3dfel", "ferv39k", "mafw", "est"])[: len(meant) or 1] == meant


def test_a_hint_lists_no_more_names_than_one_reads():
    error = UnknownName("thing", "zzzz", [f"name-{i}" for i in range(100)], "All: somewhere.")
    assert error.hint.count("name-") == 12 and error.hint.endswith("All: somewhere.")


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["run", "-m", "DFER-CLIP", "-d", "synthetic"], "no method named 'DFER-CLIP'", "mean: dfer-clip?"),
        (["run", "-m", "est", "-d", "DFEW"], "no dataset named 'DFEW'", "Did you mean: dfew?"),
        (["run", "-m", "dfew", "-d", "est"], "no method named 'dfew'", "'dfew' is a dataset. Are the method"),
        (["data", "verify", "DFER-CLIP"], "no dataset named 'DFER-CLIP'", "'dfer-clip' is a method. Are the"),
        (["show", "DFEW"], "named 'DFEW'", "Did you mean: dfew?"),
        (["list", "Method"], "", ""),
    ],
)
def test_names_as_people_type_them(in_process, arguments, message, hint):
    done = in_process(*arguments, check=0 if not message else 3)
    if message:
        first, second = done.stderr.splitlines()
        assert message in first and hint in second and len(second) < 200


HOOK = "from dferbench import hookimpl\n\n@hookimpl\ndef {}(register):\n    {}\n"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("def x(:\n", "line 1: SyntaxError", "Fix line 1"),
        ("import json\nimport nothere.deep\n", "line 2: ModuleNotFoundError", "Install nothere"),
        (HOOK.format("register_method", "pass"), "no hook named 'register_method'", "register_methods"),
        (HOOK.format("registre_metrics", "pass"), "no hook named 'registre_metrics'", "register_metrics"),
        (HOOK.format("register_methods", "register(3)"), "line 5: TypeError: register() takes", "Fix line 5"),
        (HOOK.format("register_methods", "pass"), "registers nothing", "Fix the file"),
        ("def register_methods(register):\n    pass\n", "@hookimpl", "Fix the file"),
        (None, "FileNotFoundError", "Check the path"),
        ("x = 1\n\n\ny = 1 / 0\n", "line 4: ZeroDivisionError: division by zero", "Fix line 4"),
    ],
)
@pytest.mark.parametrize("command", [["run", "-m", "mine", "-d", "synthetic"], ["data", "ls"]])
def test_a_broken_plugin_file_says_why(in_process, tmp_path, text, message, hint, command):
    if text is not None:
        (tmp_path / "mine.py").write_text(text)
    done = in_process("--plugin", tmp_path / "mine.py", *command, check=3)
    first, second = done.stderr.splitlines()
    assert first.startswith(f"error: plugin {tmp_path}/mine.py") and message in first
    assert hint in second


@pytest.mark.parametrize("command", ["list", "doctor"])
def test_what_shows_broken_plugins_still_does(in_process, tmp_path, command):
    (tmp_path / "mine.py").write_text("def x(:\n")
    done = in_process("--plugin", tmp_path / "mine.py", command)
    assert "SyntaxError" in done.stdout + done.stderr and "methods" in done.stdout


@pytest.mark.parametrize("arguments", [[], ["data"]])
def test_no_command_is_no_empty_error(in_process, arguments):
    done = in_process(*arguments, check=2)
    assert done.stderr.splitlines()[0] == "error: no command is given"
    assert "--help" in done.stderr.splitlines()[1]


def test_the_folder_of_a_run_stands_for_its_checkpoint(in_process, tmp_path, toy_root):
    toy = ["--plugin", TOY]
    where = ["--root", toy_root, "--device", "cpu", "-j", "0", "-q"]
    in_process(*toy, "run", "-m", "toy-net", "-d", "toy", *where, "--epochs", "1", "-s", "0,1", check=0)
    runs = sorted((tmp_path / "runs" / "toy").glob("*/fold*"))
    test = [*toy, "evaluate", "-d", "toy", *where, "--runs", "tested", "-c"]
    assert "toy-net" in in_process(*test, runs[0], check=0).stdout
    several = in_process(*test, tmp_path / "runs", check=3).stderr
    assert "holds 2 checkpoints" in several and str(runs[0]) in several
    (tmp_path / "empty").mkdir()
    assert "there is no checkpoint.safetensors in" in in_process(*test, tmp_path / "empty", check=4).stderr


SUITE = '{}title = "t"\n[[rows]]\nlabel = "a"\nmethod = "zero-shot-clip"\n'


def test_a_byte_order_mark_is_no_part_of_toml(in_process, tmp_path):
    (tmp_path / "suite.toml").write_text(SUITE.format("\ufeff"), encoding="utf-8")
    in_process("table", "suite.toml", check=0)
    (tmp_path / "config.toml").write_bytes(codecs.BOM_UTF8 + b'[roots]\ndfew = "/nowhere"\n')
    done = in_process("data", "ls", check=0, env={"DFERBENCH_HOME": str(tmp_path)})
    assert "/nowhere" in done.stdout and "not a valid" not in done.stdout


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("video;frame;left;top;right;bottom\nmüde/a;3;1,5;2;30;40\n", "cp1252"),
        ("sep=;\nvideo;frame;left;top;right;bottom\nmüde/a;3;1,5;2;30;40\n", "utf-16"),
        ("Video\tFrame\tLeft\tTop\tRight\tBottom\nmüde/a\t3\t1.5\t2\t30\t40\n", "utf-8-sig"),
    ],
)
def test_boxes_are_read_as_every_list_is(tmp_path, text, encoding):
    (tmp_path / "boxes.csv").write_text(text, encoding=encoding)
    assert read_boxes(str(tmp_path / "boxes.csv"))(None, "müde/a", 3).box == (1.5, 2, 30, 40)


def test_boxes_in_a_workbook(tmp_path):
    book = openpyxl.Workbook()
    for row in (["video", "left", "top", "right", "bottom"], ["a/b", 1.5, 2, 30, 40]):
        book.active.append(row)
    book.save(tmp_path / "boxes.xlsx")
    assert read_boxes(str(tmp_path / "boxes.xlsx"))(None, "a/b", 7).box == (1.5, 2, 30, 40)
