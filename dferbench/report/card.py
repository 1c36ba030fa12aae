"""A method's card, laid out for a terminal: what it is, what to beware of, published numbers, how to cite."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from textwrap import wrap
from typing import Any

from dferbench.cards import Card
from dferbench.experiment.metrics import METRICS, Metrics, columns, find
from dferbench.profiling.costs import CLASSES, Cost, short
from dferbench.report.aligned import aligned

LABEL = 15
"""Characters of the left column."""


def card_text(card: Card, cost: Cost | None, width: int, metrics: Metrics = METRICS) -> str:
    """The card in lines of at most `width` characters; BibTeX and published options are not broken.

    Raises UnknownName for a published number of a metric that is not in `metrics`.
    """
    head = [*wrap(card.title, width), f"{card.venue} {card.year}, {card.paper}", ""]
    body = [line for label, text in _facts(card, cost) for line in _entry(label, text, width)]
    return "\n".join([*head, *body, "", *_results(card, width, metrics), "", *card.bibtex.splitlines()])


def cost_text(cost: Cost) -> str:
    """A kept cost in one line."""
    return (
        f"{short(cost.parameters)} parameters, {short(cost.trained)} trained; {short(cost.macs)} "
        f"MACs a video of {cost.frames} frames of {cost.size} x {cost.size} ({CLASSES} classes, "
        "default options)"
    )


def _facts(card: Card, cost: Cost | None) -> Iterator[tuple[str, str | list[str]]]:
    yield "what it does", card.summary
    yield "input", card.input
    yield "cost", cost_text(cost) if cost else "not counted yet: dferbench profile"
    yield "fidelity", card.fidelity
    yield "code", card.code
    yield "pretraining", card.pretraining
    yield "unknown", list(card.unknowns)
    yield "differs in", list(card.deviations)
    yield "recipe from", [f"{part}: {origin}" for part, origin in card.recipe_origin.items()]
    yield from ((name, _said(value)) for name, value in card.more.items())


def _said(value: Any) -> str | list[str]:
    if isinstance(value, Mapping):
        return [f"{name}: {one}" for name, one in value.items()]
    return list(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _entry(label: str, text: str | list[str], width: int) -> Iterator[str]:
    """A label and its text next to it; several sentences are a list."""
    items = [text] if isinstance(text, str) else [f"- {item}" for item in text]
    indents = ["", "  "][isinstance(text, list)]
    lines = [line for item in items for line in _wrapped(item, width - LABEL, indents)]
    for number, line in enumerate(lines):
        yield f"{'' if number else label:<{LABEL}}{line}"


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return wrap(
        text, max(width, 20), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _results(card: Card, width: int, metrics: Metrics) -> list[str]:
    """Published numbers, one row a variant; other keys of a row stand next to them."""
    scored = [name for row in card.results for name, value in row.items() if isinstance(value, Mapping)]
    datasets = list(dict.fromkeys(scored))
    extra = list(dict.fromkeys(n for row in card.results for n in row if n not in datasets))
    lines = [
        [*_plain(row, extra), *(_score(row.get(name), metrics) for name in datasets)] for row in card.results
    ]
    table = aligned(lines, [*extra, *datasets]).splitlines()
    return ["Published results", "", *table, "", *wrap(card.results_are, width)] if lines else []


def _plain(row: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    return [str(row.get(name, "")) for name in names]


def _score(value: Any, metrics: Metrics) -> str:
    """UAR/WAR in percent, then other metrics by name; what a source leaves out is a dash."""
    if not isinstance(value, Mapping):
        return ""
    stated = {find(name, metrics).name: number for name, number in value.items()}
    first = columns().metrics
    names = {one.name for one in first}
    pair = "/".join(one.text(stated.get(one.name)) for one in first)
    further = [f"{metrics[k].head} {metrics[k].text(v)}" for k, v in stated.items() if k not in names]
    return ", ".join([pair, *further])
