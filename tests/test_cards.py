"""Cards: every first-party method has a whole one, and one that is not is told so, field by field."""

import json

import pytest
from conftest import TOY

from dferbench import cards
from dferbench.errors import ConfigError
from dferbench.profiling.costs import Cost
from dferbench.registry.catalog import Entry, discover
from dferbench.report.card import card_text
from dferbench.testing import check_method
from dferbench.types import Input, Method, Recipe

METHODS = {name: entry.value for name, entry in discover().entries["methods"].items()}
WHOLE = {
    "title": "A Method", "venue": "MM", "year": 2020, "paper": "arXiv:1", "code": "none",
    "bibtex": "@misc{a}", "summary": "It looks. It decides.", "input": "16 frames",
    "fidelity": "reconstruction: of what a survey says.",
    "unknowns": ["Width: 64, width=."], "deviations": [], "pretraining": "None.",
    "recipe_origin": {"rates": "ours"}, "results": [cards.published(5, "default", dfew="1.00/2.00")],
    "results_are": "percent", "weather": {"then": "fine"},
}  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_every_method_that_comes_along_has_a_whole_card(name):
    assert list(cards.problems(METHODS[name].card)) == []
    card = cards.read(METHODS[name].card)
    assert card.word in cards.FIDELITY and json.dumps(dict(METHODS[name].card))
    assert card.paper == METHODS[name].paper


def test_a_whole_card_is_read_and_keeps_what_else_it_says():
    card = cards.read(WHOLE)
    assert card.word == "reconstruction" and card.more == {"weather": {"then": "fine"}}
    assert card.deviations == () and card.results[0]["dfew"] == {"uar": 1.0, "war": 2.0}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"title": None}, "title is not a text"),
        ({"title": " "}, "title is not a text"),
        ({"year": "2020"}, "year is not a whole number"),
        ({"year": True}, "year is not a whole number"),
        ({"deviations": "one"}, "deviations is not a list of sentences"),
        ({"results": ["1/2"]}, "results is not a list of tables"),
        ({"recipe_origin": {}}, "recipe_origin is not a table"),
        ({"fidelity": "Follows the code."}, "fidelity begins with 'Follows'"),
        ({"unknowns": []}, "unknowns are not named"),
    ],
)
def test_what_is_wrong_with_a_card_is_named(change, complaint):
    (found,) = cards.problems({**WHOLE, **change})
    assert complaint in found
    with pytest.raises(ConfigError, match="not complete"):
        cards.read({**WHOLE, **change})


@pytest.mark.parametrize("field", sorted(set(WHOLE) - {"weather"}))
def test_a_missing_field_is_named(field):
    found = list(cards.problems({k: v for k, v in WHOLE.items() if k != field}))
    assert len(found) == 1 and field in found[0]


def test_the_check_reports_a_card_without_its_fields():
    catalog = discover([TOY])
    net = catalog.get("methods", "toy-net").value.build
    for name, card in (("good", WHOLE), ("bad", {"title": "A"}), ("none", {})):
        catalog.add("methods", Entry(name, Method(name, net, Recipe(Input(4, 8)), card=card), "a test"))
    rule = "the card, if there is one, has every field of dferbench.cards.Card"
    found = {n: {o.rule: o for o in check_method(n, catalog)}[rule] for n in ("good", "bad", "none")}
    assert found["good"].ok and found["none"].ok and not found["bad"].ok
    assert "venue is missing; year is missing" in found["bad"].reason


@pytest.mark.parametrize("width", [40, 72, 110])
def test_the_card_fits_the_terminal_and_says_everything(width):
    text = card_text(cards.read(WHOLE), Cost(1_234_567, 890, 2_000_000_000, 16, 112), width)
    prose = text.split("Published results")[0]
    assert max(map(len, prose.splitlines())) <= width
    words = " ".join(text.split())
    for said in ("A Method", "MM 2020, arXiv:1", "1.23 M parameters", "890 trained", "2.00 G", "Width: 64"):
        assert said in words, said
    assert "1.00/2.00" in text and text.endswith("@misc{a}") and "then: fine" in words


def test_show_has_the_card_at_the_top(in_process):
    lines = in_process("show", "dfer-clip", check=0).stdout.splitlines()
    assert lines[0].startswith("dfer-clip: a method") and lines[2].startswith("Prompting Visual-Language")
    text = "\n".join(lines)
    assert text.index("fidelity       official-code") < text.index("59.61/71.25") < text.index("options:")
    assert "153 M parameters" in text and text.count("Prompting Visual-Language") == 2  # and in the BibTeX


def test_show_of_a_card_that_is_not_whole_shows_what_there_is(in_process, tmp_path):
    bad = TOY.read_text().replace(
        '"toy-net", ToyNet, ', 'name="toy-net", build=ToyNet, card={"title": "Odd"}, recipe='
    )
    (tmp_path / "bad.py").write_text(bad)
    done = in_process("--plugin", "bad.py", "show", "toy-net", check=0)
    assert "title: Odd" in done.stdout and "venue is missing" in done.stderr


def test_list_has_fidelity_input_and_cost(in_process):
    title, _, head, _, *lines = in_process("list", "methods", check=0).stdout.splitlines()
    assert title == "Method: a network with the recipe that trains it."
    assert head.split("  ")[0] == "method" and "fidelity" in head and "MACs" in head
    (line,) = [line for line in lines if line.startswith("dfer-clip ")]
    assert "official-code" in line and "16 x 224" in line and "153 M" in line and "70.6 G" in line
    found = {one["name"]: one for one in json.loads(in_process("list", "--json").stdout)["methods"]}
    assert (
        found["dfer-clip"]["parameters"] == 153_416_449 and found["dfer-clip"]["fidelity"] == "official-code"
    )


def test_list_fits_the_terminal(in_process):
    kinds = {"methods": 130, "datasets": 90}
    for kind, columns in kinds.items():
        narrow = in_process("list", kind, check=0, env={"COLUMNS": str(columns)}).stdout.splitlines()
        assert max(map(len, narrow)) <= columns
        assert len(narrow) > len(
            in_process("list", kind, check=0, env={"COLUMNS": "200"}).stdout.splitlines()
        )


def test_a_method_without_card_or_count_is_listed_all_the_same(in_process):
    done = in_process("--plugin", TOY, "list", "--json", check=0)
    (toy,) = [one for one in json.loads(done.stdout)["methods"] if one["name"] == "toy-net"]
    assert toy["input"] == "8 x 12" and toy["parameters"] is None and toy["fidelity"] == ""
    assert "toy-net" in in_process("--plugin", TOY, "list", check=0).stdout


def test_published_numbers_of_other_metrics():
    rows = [cards.published(None, "default", dfew={"uar": 1.0, "macro_f1": 3.0}, mafw="4.00/5.00")]
    text = card_text(cards.read({**WHOLE, "results": rows}), None, 100)
    assert "1.00/-, macro F1 3.00" in text and "4.00/5.00" in text
    unknown = cards.read({**WHOLE, "results": [cards.published(None, "default", dfew={"f2": 1.0})]})
    with pytest.raises(ConfigError, match="no metric named 'f2'") as caught:
        card_text(unknown, None, 100)
    assert "macro-f1" in caught.value.hint
