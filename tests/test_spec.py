"""The spec language and the options that are typed on the command line."""

import pytest

from dferbench import Input, Method, Recipe, Stage, spec
from dferbench.errors import ConfigError, UnknownName
from dferbench.registry.options import assignments, change_recipe, convert, resolve


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("", []),
        ("flip", [("flip", (), {})]),
        ("rotate(4) | flip", [("rotate", (4,), {}), ("flip", (), {})]),
        ("crop(scale=(0.08, 1), ratio=[1, 2])", [("crop", (), {"scale": (0.08, 1), "ratio": [1, 2]})]),
        ("segments(short=first-frame)", [("segments", (), {"short": "first-frame"})]),
        ("text('a | b, (c', x=true)", [("text", ("a | b, (c",), {"x": True})]),
        ("f(none, False, -1.5e-3)", [("f", (None, False, -0.0015), {})]),
    ],
)
def test_parse(text, calls):
    assert [(c.name, c.args, dict(c.options)) for c in spec.parse(text)] == calls


@pytest.mark.parametrize("text", ["f(", "f)", "f(a=1, 2)", "|", "f(]", "4", "f('x)", "f() g()"])
def test_what_cannot_be_read_is_said(text):
    with pytest.raises(ConfigError):
        spec.parse(text)


def test_make_checks_names_and_arguments():
    def rotate(degrees=4):
        return degrees

    assert spec.make("rotate(7) | rotate", {"rotate": rotate}, "op") == [7, 4]
    with pytest.raises(UnknownName, match="there is no op named 'rotat'") as error:
        spec.make("rotat(7)", {"rotate": rotate}, "op")
    assert "rotate" in error.value.hint
    with pytest.raises(UnknownName, match="degree"):
        spec.make("rotate(degree=7)", {"rotate": rotate}, "op")
    with pytest.raises(ConfigError, match="too many"):
        spec.make("rotate(7, 8)", {"rotate": rotate}, "op")


@pytest.mark.parametrize(
    ("text", "default", "value"),
    [
        ("4", 8, 4),
        ("4", 0.5, 4.0),
        ("true", False, True),
        ("No", "x", "No"),
        ("12", "x", "12"),
        ("1", None, 1),
    ],
)
def test_options_take_the_type_of_their_default(text, default, value):
    converted = convert("o", text, default)
    assert converted == value and type(converted) is type(value)


@pytest.mark.parametrize(
    ("text", "default"), [("eight", 8), ("4.5", 8), ("true", 8), ("yes", True), ("1", True), ("x", 0.5)]
)
def test_options_of_the_wrong_type_are_refused(text, default):
    with pytest.raises(ConfigError, match="option 'o' must be"):
        convert("o", text, default)


def test_the_signature_says_the_options():
    def build(task, parts, words: int = 8, text: str = "x"):
        pass

    method = Method("m", build, Recipe())
    assert resolve(method, {"words": "4"}) == {"words": 4, "text": "x"}
    assert resolve(method, {"text": "4"}, {"words": 2}) == {"words": 2, "text": "4"}
    with pytest.raises(UnknownName, match="wrds") as error:
        resolve(method, {"wrds": "4"})
    assert "words" in error.value.hint
    with pytest.raises(ConfigError, match="name=value"):
        assignments(["words"])


def test_recipes_change_field_by_field():
    recipe = Recipe(Input(), (Stage({"a": 1.0}, 5, name="one"), Stage({"b": 1.0}, 5, name="two")))
    changes = {
        "input.frames": "8",
        "input.size": "64",
        "stage.batch": "4",
        "stage.two.epochs": "9",
        "precision": "bf16",
    }
    changed = change_recipe(recipe, changes)
    assert (changed.input.frames, changed.input.size, changed.precision) == (8, 64, "bf16")
    assert [(s.batch, s.epochs) for s in changed.stages] == [(4, 5), (4, 9)]
    for wrong in ("input.frame", "stage.three.batch", "stage.batches", "stage"):
        with pytest.raises(UnknownName):
            change_recipe(recipe, {wrong: "1"})
    with pytest.raises(ConfigError, match="whole number"):
        change_recipe(recipe, {"input.frames": "many"})
    with pytest.raises(ConfigError, match="trains nothing"):
        change_recipe(Recipe(), {"stage.epochs": "2"})
