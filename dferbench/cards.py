"""What the cards of methods hold: one shape for all of them, so that two methods can be read side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from dferbench.errors import ConfigError

FIDELITY = {
    "official-code": "follows code that its authors released",
    "paper": "follows the paper, for what it says; there is no code, or none for this",
    "reconstruction": "rests on other sources, as paper or code are not available; unknowns are named",
}
"""The first word of a card's `fidelity`, and what it claims."""


@dataclass(frozen=True)
class Card:
    """What to know about a method before using or citing a number made with it."""

    title: str
    venue: str
    year: int
    paper: str
    """arXiv number or DOI."""
    code: str
    """The authors' code with its licence, or that there is none."""
    bibtex: str
    summary: str
    """What it does, in three lines."""
    input: str
    """Frames, size and pixels, in training and testing."""
    fidelity: str
    """A word of FIDELITY, then in sentences what it holds for."""
    deviations: tuple[str, ...]
    """Known differences from the source, and what is ours."""
    pretraining: str
    """What data it has seen before, here and behind the published numbers."""
    recipe_origin: Mapping[str, str]
    """Where each part of the recipe comes from: paper, code or ours."""
    results: tuple[Mapping[str, Any], ...]
    """Published rows; see `published`."""
    results_are: str
    """What the published numbers are: their source, folds and choice of epochs."""
    unknowns: tuple[str, ...] = ()
    """What no source says, each with the choice made and the option that changes it."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else a plugin has to say."""

    @property
    def word(self) -> str:
        """How close it is to its source: a word of FIDELITY."""
        return word(self.fidelity)


def read(card: Mapping[str, Any]) -> Card:
    """The card of a method. Raises ConfigError that names every field that is missing or misshapen."""
    if wrong := list(problems(card)):
        raise ConfigError(
            f"the card is not complete: {'; '.join(wrong)}", "Write what dferbench.cards.Card says."
        )
    known = {f.name for f in fields(Card)} - {"more"}
    shaped: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in card.items() if k in known
    }
    return Card(**shaped, more={k: v for k, v in card.items() if k not in known})


def problems(card: Mapping[str, Any]) -> Iterator[str]:
    """What is missing or misshapen in a card, field by field; nothing if it is whole."""
    for one in fields(Card):
        needed = one.default is MISSING and one.default_factory is MISSING
        if one.name not in card:
            if needed:
                yield f"{one.name} is missing"
        elif complaint := _complaint(one.type, card[one.name], needed):
            yield f"{one.name} {complaint}"
    if (said := word(str(card.get("fidelity", "")))) not in FIDELITY and card.get("fidelity"):
        yield f"fidelity begins with '{said}', not with {', '.join(FIDELITY)}"
    if said == "reconstruction" and not card.get("unknowns"):
        yield "unknowns are not named, as a reconstruction must"


def _complaint(kind: Any, value: Any, needed: bool) -> str:
    """Types of fields are texts here, as annotations are not evaluated."""
    if str(kind).startswith("tuple"):
        inner = Mapping if "Mapping" in str(kind) else str
        fits = isinstance(value, list | tuple) and all(isinstance(item, inner) for item in value)
        return "" if fits else f"is not a list of {'tables' if inner is Mapping else 'sentences'}"
    if str(kind).startswith("Mapping"):
        return "" if isinstance(value, Mapping) and value else "is not a table that says something"
    if kind == "int":
        return "" if isinstance(value, int) and not isinstance(value, bool) else "is not a whole number"
    return (
        ""
        if isinstance(value, str) and (value.strip() or not needed)
        else "is not a text that says something"
    )


def word(fidelity: str) -> str:
    """The first word of what a card says of its fidelity; "" if it says nothing."""
    return next(iter(fidelity.split()), "").rstrip(":.,;")


def published(table: int | None, variant: str, **scores: str | Mapping[str, float]) -> dict[str, Any]:
    """One published row: its table in the DFER-CLIP paper (None: another source), the options that give it
    here, and for each dataset "UAR/WAR" in percent, as printed, which become {"uar": ..., "war": ...};
    other metrics are given by name, as {"uar": ..., "macro_f1": ...}."""
    where = {} if table is None else {"table": table}
    return {**where, "variant": variant, **{name: _pair(text) for name, text in scores.items()}}


def _pair(text: str | Mapping[str, float]) -> dict[str, float]:
    if isinstance(text, Mapping):
        return dict(text)
    uar, war = map(float, text.split("/"))
    return {"uar": uar, "war": war}
