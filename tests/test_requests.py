"""Options of one name mean one thing in every verb: how parameters become a request."""

from pathlib import Path

import pytest

from dferbench.cli.requests import request_of, settings_of
from dferbench.errors import ConfigError
from dferbench.experiment.plan import Request


def test_parameters_are_taken_by_their_names_and_texts_are_read():
    asked = {
        "context": object(), "model": "toy-net", "dataset": "toy", "fold": "all", "seed": "0,2",
        "set_": ["stage.batch=4"], "weights": ["clip=file.pt"], "tracker": None,
        "workers": "3", "root": Path("data"), "quiet": True,
    }  # fmt: skip
    assert request_of(asked) == Request(
        "toy-net", "toy", {"stage.batch": "4"}, (), (0, 2), Path("data"), {"clip": "file.pt"}, workers=3
    )


def test_what_the_verb_decides_wins_and_is_not_read():
    asked = {"dataset": ["a", "b"], "seed": 5, "output": Path("table.csv")}
    made = request_of(asked, dataset="", seeds=(5,), output=Path("runs"))
    assert made == Request("", "", seeds=(5,))


def test_epochs_and_precision_are_settings():
    assert settings_of(["a=1"], 0, "bf16") == {"a": "1", "stage.epochs": "0", "precision": "bf16"}
    assert settings_of(None) == {}


@pytest.mark.parametrize(("option", "text"), [("fold", "one"), ("seed", "-1"), ("set_", ["a"])])
def test_a_text_that_cannot_be_read_is_told(option, text):
    with pytest.raises(ConfigError):
        request_of({option: text})
