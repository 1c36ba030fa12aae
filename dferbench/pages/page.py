"""A study as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dferbench.files import write_atomic
from dferbench.pages.comparison import ComparedConfigurations, comparison
from dferbench.pages.overview import Link, overviews, unpublished
from dferbench.pages.render import one_file
from dferbench.pages.runs import predictions_csv
from dferbench.pages.sections import section
from dferbench.pages.study import Configuration, Shelf, Wishes

MOST_CHARACTERS = 1_000_000
"""So much of predictions is put into one file; `site` has room for all."""


class Embedded:
    """Predictions as links that hold them, as long as there is room in the page."""

    def __init__(self) -> None:
        self.left, self.without = MOST_CHARACTERS, 0

    def __call__(self, one: Configuration, place: int) -> str:
        """The address of a run's predictions; "" where there are none, or no room."""
        text = predictions_csv(one.runs[place])
        if text is None:
            return ""
        address = f"data:text/csv;charset=utf-8;base64,{base64.b64encode(text.encode()).decode()}"
        if len(address) > self.left:
            self.without += 1
            return ""
        self.left -= len(address)
        return address


def write_page(shelf: Shelf, wishes: Wishes, path: Path) -> None:
    """Write the page atomically. Raises DferbenchError if that cannot be."""
    write_atomic(path, page(shelf, wishes))


def page(shelf: Shelf, wishes: Wishes) -> str:
    """The HTML of the page."""
    embedded = Embedded()
    sections = [section(one, wishes, embedded) for one in shelf.configurations]
    facts = overview_facts(shelf, wishes, lambda one: f"#{one.key}")
    told = facts["told"]
    if embedded.without:
        told.append(
            f"The predictions of {embedded.without} runs have no room in this file; "
            "dferbench site puts all of them into its folder."
        )
    return one_file("overview.html.j2", **facts, configurations=sections)


def overview_facts(shelf: Shelf, wishes: Wishes, link: Link) -> dict[str, Any]:
    """What the overview shows, in one file as in a folder."""
    runs = sum(len(one.runs) for one in shelf.configurations)
    counts = {"run": runs, "configuration": len(shelf.configurations), "dataset": len(shelf.datasets)}
    said = [f"{number} {name}{'s' * (number != 1)}" for name, number in counts.items()]
    return {
        "title": wishes.title,
        "about": f"{said[0]} of {said[1]} on {said[2]}.",
        "overviews": overviews(shelf, wishes, link),
        "comparisons": comparisons(shelf, wishes),
        "told": [*shelf.told, *unpublished(shelf, wishes)],
    }


def comparisons(shelf: Shelf, wishes: Wishes) -> Sequence[ComparedConfigurations]:
    """Of each dataset with several configurations."""
    found = [comparison(name, mine, wishes) for name, mine in shelf.datasets.items()]
    return [one for one in found if one]
