"""Discovery: lazy, isolated, with the origin of every name."""

import textwrap

import pytest

from dferbench.errors import ConfigError, UnknownName
from dferbench.registry.catalog import discover


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
    from dferbench.registry.catalog import KINDS

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
