"""Options: what a model of options lets through, what it says otherwise, and how they are shown."""

import ast
import re
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field, ValidationError

from dferbench import Method, Options, Recipe
from dferbench.errors import ConfigError, UnknownName
from dferbench.registry.catalog import discover
from dferbench.registry.options import options_of, resolve, validated
from dferbench.registry.ranges import value_range
from dferbench.report.options import option_lines

CATALOG = discover()
METHODS = sorted(CATALOG.entries["methods"])


class Known(Options):
    """Of every kind."""

    share: float = Field(0.5, ge=0, lt=1, description="A share.")
    scale: float = Field(1.0, gt=0, description="A factor.")
    count: int = Field(4, ge=1, multiple_of=2, description="A number of things. " * 8)
    most: int = Field(3, le=9, description="A bound above.")
    form: Literal["one", "two"] = Field("one", description="A choice.")
    depth: Literal[63, 131] = Field(63, description="A choice of numbers.")
    on: bool = Field(False, description="A switch.")
    text: str = Field("", description="A text.")
    layers: int | tuple[int, ...] = Field(12, description="One or several.")
    limit: int | None = Field(None, description="A number or none.")


METHOD = Method("known", "nowhere:build", Recipe(), options=Known)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"share": "0"}, {"share": 0.0}),
        ({"scale": "2"}, {"scale": 2.0}),
        ({"count": "6"}, {"count": 6}),
        ({"on": "true"}, {"on": True}),
        ({"text": "5"}, {"text": "5"}),
        ({"text": "none"}, {"text": "none"}),
        ({"form": "two"}, {"form": "two"}),
        ({"depth": "131"}, {"depth": 131}),
        ({"layers": "(1, 2)"}, {"layers": (1, 2)}),
        ({"limit": "7"}, {"limit": 7}),
        ({"limit": "none"}, {"limit": None}),
        ({"scale": 3}, {"scale": 3.0}),
    ],
)
def test_texts_become_values_of_the_declared_types(given, expected):
    options = resolve(METHOD, given)
    assert options == {**dict(Known()), **expected}
    (name,) = expected
    assert type(options[name]) is type(expected[name])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"share": "1"}, "share of known must be a number in [0, 1), got 1"),
        ({"scale": "-1"}, "scale of known must be a number > 0, got -1"),
        ({"scale": "nan"}, "scale of known must be a number > 0, got nan"),
        ({"scale": "1e999"}, "scale of known must be a number > 0, got 1e999"),
        ({"scale": "true"}, "scale of known must be a number > 0, got true"),
        ({"count": "3"}, "count of known must be a whole number >= 1 and a multiple of 2, got 3"),
        ({"count": "2.0"}, "count of known must be a whole number >= 1 and a multiple of 2, got 2.0"),
        ({"most": "10"}, "most of known must be a whole number <= 9, got 10"),
        ({"depth": "9"}, "depth of known must be one of 63, 131, got 9"),
        ({"on": "yes"}, "on of known must be true or false, got yes"),
        ({"on": "1"}, "on of known must be true or false, got 1"),
        ({"layers": "x"}, "layers of known must be a whole number or a list, got x"),
        ({"limit": "x"}, "limit of known must be a whole number or none, got x"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_in_one_sentence(given, said):
    with pytest.raises(ConfigError) as caught:
        resolve(METHOD, given)
    assert caught.value.message == said
    assert re.fullmatch(r"Its default is .+; see dferbench show known\.", caught.value.hint)


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(UnknownName) as caught:
        resolve(METHOD, {"shar": "1"})
    assert "share" in caught.value.hint
    with pytest.raises(UnknownName, match="no form of known named 'twoo'") as caught:
        resolve(METHOD, {"form": "twoo"})
    assert "two" in caught.value.hint


def test_what_stands_instead_of_defaults_is_checked_too_and_the_user_wins():
    assert resolve(METHOD, {"count": "6"}, {"count": 2, "share": 0.25})["count"] == 6
    assert resolve(METHOD, {}, {"share": 0.25})["share"] == 0.25
    with pytest.raises(ConfigError, match=r"share of known must be a number in \[0, 1\), got 4"):
        resolve(METHOD, {}, {"share": 4.0})


def test_a_model_is_frozen_and_closed():
    with pytest.raises(ValidationError):
        Known().share = 0.1
    with pytest.raises(ValidationError):
        Known(other=1)


def test_options_are_resolved_before_anything_heavy_is_imported():
    assert options_of(METHOD) is Known and METHOD.build == "nowhere:build"
    with pytest.raises(ConfigError, match=r"build of method 'known' cannot be imported from nowhere:build"):
        METHOD.make(None, None)


@pytest.mark.parametrize("build", ["nowhere", ":build", "nowhere:", 3, None])
def test_something_else_to_build_with_is_refused(build):
    with pytest.raises(TypeError, match=r"build of odd must be callable or 'package\.module:name'"):
        Method("odd", build, Recipe())


def test_a_signature_makes_a_model():
    def build(task, parts, width: int = 8, rate=0.1, name="x", place=None, sizes=(1, 2)):
        return width, rate, name, place, sizes

    method = Method("old", build, Recipe())
    assert resolve(method, {}) == {"width": 8, "rate": 0.1, "name": "x", "place": None, "sizes": (1, 2)}
    assert resolve(method, {"rate": "1", "place": "a", "sizes": "(3,)"})["sizes"] == (3,)
    assert method.make(None, None, **resolve(method, {"name": "5"})) == (8, 0.1, "5", None, (1, 2))
    with pytest.raises(ConfigError, match="width of old must be a whole number, got x"):
        resolve(method, {"width": "x"})
    with pytest.raises(ConfigError, match="option 'width' has no default"):
        resolve(Method("bad", lambda task, parts, width: None, Recipe()), {})


@pytest.mark.parametrize("width", [60, 80, 110])
def test_options_are_shown_within_the_terminal(width):
    lines = list(option_lines(Known, width))
    assert max(map(len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    for name, field in Known.model_fields.items():
        assert f"{name} " in text and " ".join(field.description.split()) in text
    assert "a whole number >= 1 and a multiple of 2" in text and "one of one, two" in text


@pytest.mark.parametrize("name", METHODS)
def test_methods_describe_every_option_and_their_recipes_values_fit(name):
    method = CATALOG.get("methods", name).value
    model = method.options
    assert model is not None and isinstance(method.build, str)
    assert validated(model, dict(model()), name) == dict(model())
    for option, field in model.model_fields.items():
        assert field.description and field.description.endswith("."), option
        assert value_range(model, option)
    for values in method.options_for.values():
        resolve(method, values)


@pytest.mark.parametrize("name", METHODS)
def test_paths_name_something(name):
    """Read, not imported, so that every method takes no time."""
    method = CATALOG.get("methods", name).value
    for path in filter(None, (method.build, method.convert)):
        module, _, wanted = path.partition(":")
        file = Path(__file__).parents[1] / "plugins" / (module.replace(".", "/") + ".py")
        names = {getattr(node, "name", "") for node in ast.parse(file.read_text()).body}
        assert wanted in names, path


def test_parts_describe_every_option():
    for kind in ("backbones", "temporal_heads", "prompts", "face_finders"):
        for name, entry in CATALOG.entries[kind].items():
            assert entry.options is not None, name
            assert all(field.description for field in entry.options.model_fields.values()), name


def test_parts_are_checked_by_their_models():
    with pytest.raises(ConfigError, match=r"depth of temporal head cls-transformer must be .* >= 1, got 0"):
        CATALOG.make("temporal_heads", "cls-transformer(depth=0)", 8, 4)
    with pytest.raises(UnknownName, match="no position of prompt context named 'frnt'"):
        CATALOG.make("prompts", "context(position=frnt)", None, ())
    assert CATALOG.make("temporal_heads", "lstm(2)", 8, 4).lstm.num_layers == 2


def test_the_command_line_says_the_range(in_process):
    run = ("run", "--model", "dfer-clip", "--dataset", "synthetic", "--set")
    said = in_process(*run, "temperature=-1", check=3).stderr
    assert "temperature of dfer-clip must be a number > 0, got -1" in said and "Its default is 0.01" in said
    assert "Did you mean: words" in in_process(*run, "wrds=4", check=3).stderr
