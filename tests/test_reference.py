"""The reference is the code's: every page is current, and what is not described is found."""

import ast
import importlib.util
import re
from types import SimpleNamespace

import pytest
import typer
from conftest import ROOT
from pydantic import BaseModel

from dferbench import exit_codes, variables
from dferbench.registry.hookspecs import hookspec

SPEC = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
reference = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(reference)
SOURCES = {
    path: path.read_text()
    for path in [*(ROOT / "dferbench").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")]
}
LIST = ROOT / "dferbench" / "variables.py"


@pytest.fixture(scope="module")
def pages():
    return reference.pages()


def test_every_page_is_current(pages):
    """`python docs/reference.py` writes those that are not."""
    stale = [name for name, text in pages.items() if (ROOT / "docs" / name).read_text() != text]
    assert not stale
    there = {f"reference/{path.name}" for path in (ROOT / "docs" / "reference").glob("*.md")}
    assert there == {name for name in pages if name.startswith("reference/")}


def test_every_option_that_the_help_shows_is_on_the_page(pages, in_process):
    """Held against what a user sees, not against the parser that the page is made from."""
    section = re.search(
        r"^## dferbench run\n(.*?)^## ", pages["reference/commands.md"], re.MULTILINE | re.DOTALL
    )[1]
    shown = set(re.findall(r"--[a-z][a-z-]+", in_process("run", "--help", check=0).stdout)) - {"--help"}
    assert len(shown) > 20 and shown <= set(re.findall(r"--[a-z][a-z-]+", section))


def planted_command(help=None, option=None):
    """The group of a command line with one command, which has one option."""
    app = typer.Typer()
    app.callback()(lambda: None)

    def planted(width: int = typer.Option(1, help=option)):
        pass

    app.command("planted", help=help)(planted)
    return reference.get_command(app)


def planted_hook(text):
    def register_planted(register):
        pass

    register_planted.__doc__ = text
    return SimpleNamespace(register_planted=hookspec(register_planted))


class Planted(BaseModel):
    """A model whose field is not described."""

    width: int


ENTRY = SimpleNamespace(name="planted", origin="dferbench", options=Planted)


@pytest.mark.parametrize(
    ("write", "what"),
    [
        (
            lambda: reference.commands_page(planted_command("Draw a line.", None), ["planted"]),
            "planted --width",
        ),
        (
            lambda: reference.commands_page(planted_command("", "Its width."), ["planted"]),
            "dferbench planted",
        ),
        (
            lambda: reference.options_page(SimpleNamespace(entries={"methods": {"planted": ENTRY}})),
            r"planted\(width\)",
        ),
        (lambda: reference.hooks_page(planted_hook(None)), "the hook register_planted"),
        (lambda: reference.hooks_page(planted_hook("register(x)")), "the hook register_planted"),
        (lambda: reference.variables_page({"DFERBENCH_X": ""}, {}), "the variable DFERBENCH_X"),
        (lambda: reference.exit_codes_page({9: " "}), "exit code 9"),
        (lambda: reference.record_page([Planted], {}), "the field Planted.width"),
        (lambda: reference.record_page([], {"x.npz": ""}), "the file x.npz"),
    ],
)
def test_what_has_no_sentence_is_an_error(write, what):
    with pytest.raises(reference.Undescribed, match=f"{what} has no sentence"):
        write()


def variables_in(source):
    """The environment variables of dferbench that a source mentions, and those of others that it reads."""
    own = set(re.findall(r"\bDFERBENCH_[A-Z_]+(?:<NAME>)?", source)) | {
        f"{name}<NAME>" for name in re.findall(r"\bDFERBENCH_[A-Z_]+_(?=\{)", source)
    }
    tree = ast.parse(source)
    said = {
        ast.unparse(node.targets[0]): node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    }
    asked = [_asked(node) for node in ast.walk(tree)]
    named = {said.get(ast.unparse(one)) if isinstance(one, ast.Name) else one.value for one in asked if one}
    return {one for one in own | named if one and not own & {f"{one}<NAME>"}}


def _asked(node):
    """The name that `os.environ` is asked for at a node, as a name or a constant."""
    asked = None
    if isinstance(node, ast.Call) and ast.unparse(node.func).startswith(("os.environ.", "os.getenv")):
        asked = node.args[0] if node.args else None
    elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
        asked = node.slice
    elif isinstance(node, ast.Compare) and ast.unparse(node.comparators[0]) == "os.environ":
        asked = node.left
    return asked if isinstance(asked, ast.Name | ast.Constant) else None


def test_every_variable_that_the_source_reads_is_listed():
    reads = re.compile("DFERBENCH_|environ|getenv")
    reading = [source for path, source in SOURCES.items() if path != LIST and reads.search(source)]
    read = set().union(*map(variables_in, reading))
    listed = {*variables.OWN, *variables.HEEDED}
    assert read - listed == set() and set(variables.OWN) - read == set()


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('os.environ.get("DFERBENCH_PLANTED")', "DFERBENCH_PLANTED"),
        ('f"DFERBENCH_PLANTED_{name}"', "DFERBENCH_PLANTED_<NAME>"),
        ('os.environ["PLANTED"]', "PLANTED"),
        ('SETTING = "PLANTED"\nos.environ.get(SETTING)', "PLANTED"),
        ('"PLANTED" in os.environ', "PLANTED"),
    ],
)
def test_a_planted_variable_is_found(line, name):
    assert variables_in(line) == {name}


def codes_in(source):
    """Numbers that a source gives an exit code."""
    tree = ast.parse(source)
    assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Assign | ast.AnnAssign | ast.keyword)]
    named = [node for node in assigned if re.search(r"\b(exit_code|EXIT_\w+)\b", _target(node))]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    exits = [
        node for node in calls if ast.unparse(node.func) in ("typer.Exit", "sys.exit", "Exit", "os._exit")
    ]
    values = [node.value for node in named if node.value] + [arg for node in exits for arg in node.args]
    inside = [one for value in values for one in ast.walk(value) if isinstance(one, ast.Constant)]
    return {one.value for one in inside if type(one.value) is int}


def _target(node):
    if isinstance(node, ast.keyword):
        return node.arg or ""
    return " ".join(map(ast.unparse, node.targets if isinstance(node, ast.Assign) else [node.target]))


def test_every_exit_code_in_the_source_is_listed(in_process):
    ending = [source for source in SOURCES.values() if re.search(r"(?i)\bexit|_exit\b", source)]
    assert set().union(*map(codes_in, ending)) <= set(exit_codes.MEANINGS)
    constants = {
        value for name, value in vars(exit_codes).items() if name.isupper() and isinstance(value, int)
    }
    assert constants == set(exit_codes.MEANINGS)
    assert in_process("no-such-verb").returncode == exit_codes.USAGE
    assert in_process("show", "no-such-name").returncode == exit_codes.INVALID


@pytest.mark.parametrize(
    "line", ["exit_code = 9", "EXIT_A, EXIT_B = 1, 9", "raise typer.Exit(9)", "sys.exit(9)"]
)
def test_a_planted_exit_code_is_found(line):
    assert 9 in codes_in(line)
