"""Discovery: lazy, isolated, with the origin of every name."""

import re
import sys
import textwrap

import pytest

from dferbench.errors import ConfigError, UnknownName
from dferbench.registry.catalog import discover
from dferbench.registry.kinds import KINDS


@pytest.fixture
def plugin(tmp_path):
    def write(code, name="mine.py"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(code))
        return path

    return write


GOOD = """
from dferbench import Method, Recipe, hookimpl

@hookimpl
def register_methods(register):
    register(Method("mine", lambda task, parts: None, Recipe()))
"""


def test_a_file_is_a_plugin(plugin):
    path = plugin(GOOD)
    entry = discover([path]).get("methods", "mine")
    assert entry.origin == str(path)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("import nothing_of_this_name", "ModuleNotFoundError"),
        ("def (", "SyntaxError"),
        (GOOD.replace("register_methods", "register_method"), "PluginValidationError"),
        (GOOD.replace('Method("mine", lambda task, parts: None, Recipe())', '"mine"'), "TypeError"),
        (GOOD.replace("Recipe())", "Recipe(), colour=1)"), "TypeError"),
    ],
)
def test_a_broken_plugin_takes_nothing_down(plugin, code, reason):
    path = plugin(code, "bad.py")
    catalog = discover([path, plugin(GOOD)])
    assert catalog.get("methods", "mine")
    (broken,) = [b for b in catalog.broken if b.origin == str(path)]
    assert reason in broken.reason and "Traceback" in broken.details


def test_a_missing_file_is_named(plugin, tmp_path):
    (broken,) = discover([tmp_path / "nowhere.py"]).broken
    assert "nowhere.py" in broken.reason


def test_two_claims_to_one_name_are_refused_for_both(plugin):
    first, second = plugin(GOOD, "first.py"), plugin(GOOD, "second.py")
    catalog = discover([first, second])
    with pytest.raises(ConfigError) as error:
        catalog.get("methods", "mine")
    assert str(first) in str(error.value) and str(second) in str(error.value)


def test_an_unknown_name_gets_the_nearest(plugin):
    with pytest.raises(UnknownName, match="there is no method named 'mime'") as error:
        discover([plugin(GOOD)]).get("methods", "mime")
    assert "mine" in error.value.hint


def test_every_hook_has_a_caller():
    from dferbench.registry import hookspecs

    hooks = {name for name in vars(hookspecs) if name.startswith("register_")}
    assert hooks == {f"register_{kind}" for kind in KINDS} | {"register_commands"}


def test_a_plugin_adds_a_command(plugin, cli):
    path = plugin(
        """
        from dferbench import hookimpl

        @hookimpl
        def register_commands(app):
            @app.command()
            def hello():
                print("hello from a plugin")
        """
    )
    assert cli("--plugin", path, "hello", check=0).stdout == "hello from a plugin\n"


LAZY = """
from dferbench import hookimpl
from pydantic import BaseModel, Field

class Options(BaseModel):
    '''How strong.'''
    strength: float = Field(0.5, ge=0, le=1, description="how strong it is")

@hookimpl
def register_temporal_heads(register):
    register("lazy", "heavy_part:Head", options=Options, about="imported when it is used")
"""


def test_what_is_registered_by_its_path_is_imported_when_it_is_used(plugin, tmp_path, monkeypatch):
    (tmp_path / "heavy_part.py").write_text("def Head(dim, frames, strength): return dim, frames, strength")
    monkeypatch.syspath_prepend(tmp_path)
    catalog = discover([plugin(LAZY)])
    assert "heavy_part" not in sys.modules
    assert catalog.make("temporal_heads", "lazy", 4, 2) == (4, 2, 0.5)
    assert catalog.make("temporal_heads", "lazy(0.25)", 4, 2) == (4, 2, 0.25)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("lazy(strength=2)", "strength of temporal head lazy must be a number in [0, 1], got 2"),
        ("lazy(strength=x)", "strength of temporal head lazy must be a number in [0, 1], got x"),
        ("lazy(weight=1)", "option of temporal head lazy"),
        ("lazy(1, 2)", "takes 1 options, got 2"),
    ],
)
def test_options_of_a_part_are_checked_by_their_model(plugin, tmp_path, monkeypatch, text, error):
    (tmp_path / "heavy_part.py").write_text("def Head(dim, frames, strength): return dim, frames, strength")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError) as caught:
        discover([plugin(LAZY)]).make("temporal_heads", text, 4, 2)
    assert error in caught.value.message and caught.value.hint


def test_a_path_that_cannot_be_imported_names_the_plugin(plugin):
    catalog = discover([plugin(LAZY.replace("heavy_part", "no_such_module"))])
    with pytest.raises(ConfigError, match=r"'lazy' of .*cannot be imported"):
        catalog.make("temporal_heads", "lazy", 4, 2)


def test_a_package_of_plugins_loses_only_the_broken_one(tmp_path, monkeypatch, plugin):
    package = tmp_path / "several"
    for name, code in {"good": GOOD, "bad": "raise RuntimeError('no licence')"}.items():
        (package / name).mkdir(parents=True)
        (package / name / "__init__.py").write_text(code)
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    listing = """
    from dferbench import hookimpl

    @hookimpl
    def plugin_modules():
        return ["several.bad", "several.good"]
    """
    catalog = discover([plugin(listing)])
    assert catalog.get("methods", "mine").origin == "several.good"
    (broken,) = [one for one in catalog.broken if one.origin == "several.bad"]
    assert broken.reason == "RuntimeError: no licence"


KIND_TEXTS = [
    text
    for kind, one in KINDS.items()
    for text in {kind, kind.replace("_", "-"), kind.replace("_", " "), one.noun, one.noun.replace(" ", "-")}
]


@pytest.mark.parametrize("text", sorted(KIND_TEXTS))
def test_every_kind_is_listed_under_its_sentence(in_process, text):
    shown = in_process("list", text, check=0).stdout
    plain = text.replace("-", " ").replace("_", " ")
    (kind,) = [one for name, one in KINDS.items() if plain in (one.noun, name.replace("_", " "))]
    assert shown.lower().startswith(f"{kind.noun}: {kind.about}".lower())


def test_the_short_list_has_every_name_in_80_columns(in_process):
    shown = in_process("list", check=0, env={"COLUMNS": "80"}).stdout
    assert max(map(len, shown.splitlines())) <= 80
    words = set(re.split(r"[\s,:]+", shown))
    assert {name for entries in discover().entries.values() for name in entries} <= words
    assert {word for kind in KINDS for word in kind.split("_")} <= words


def test_a_broken_plugin_is_listed_with_its_reason(plugin, in_process):
    path = plugin("raise RuntimeError('no licence')", "bad.py")
    for arguments in (["list"], ["list", "metrics"]):
        done = in_process("--plugin", path, *arguments, check=0)
        assert f"broken: {path}: RuntimeError: no licence" in done.stderr


def test_what_is_registered_by_its_path_says_what_it_is_without_an_import(plugin, in_process):
    assert "imported when it is used" in in_process("--plugin", plugin(LAZY), "list", "temporal-heads").stdout
    silent = plugin(LAZY.replace(', about="imported when it is used"', ""), "silent.py")
    shown = in_process("--plugin", silent, "list", "temporal-heads", check=0).stdout
    (line,) = [line for line in shown.splitlines() if line.startswith("lazy ")]
    assert len(line.split()) == 2, "its name, and where it comes from"
