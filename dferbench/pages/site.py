"""A study as a folder of linked pages, which opens from a disk as from a server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from dferbench.errors import ConfigError
from dferbench.files import from_json, read_regular, to_json, write_atomic
from dferbench.pages.page import overview_facts
from dferbench.pages.render import linked, script, style_sheet
from dferbench.pages.runs import predictions_csv
from dferbench.pages.sections import section
from dferbench.pages.study import Configuration, Shelf, Wishes

MARK = ".dferbench-site.json"
"""Lists the files of a site. A folder without it is somebody else's."""
SCHEMA = 1
PAGES, PREDICTIONS = "configurations", "predictions"
OWN = re.compile(
    rf"index\.html|style\.css|script\.js|{PAGES}/c[0-9a-f]{{12}}(-runs)?\.html|"
    rf"{PREDICTIONS}/c[0-9a-f]{{12}}-[0-9]+\.csv"
)
"""The names that files of a site may have: none is taken from a record."""
MOST_BYTES = 16 * 2**20


def write_site(shelf: Shelf, wishes: Wishes, folder: Path) -> int:
    """Write the pages, each atomically and the first one last, and return how many files there are.

    Files of an earlier site that are no longer wanted are removed, and nothing else is. Raises ConfigError
    for a folder that holds anything and is no site, DferbenchError if a file cannot be written.
    """
    before = require_own(folder)
    # Marked before the first file, so that a site that was stopped halfway is known for one.
    _mark(folder, before | names_of(shelf))
    written = set()
    for name, content in _files(shelf, wishes):
        write_atomic(folder / name, content)
        written.add(name)
    for name in before - written:
        (folder / name).unlink(missing_ok=True)
    _mark(folder, written)
    return len(written)


def require_own(folder: Path) -> set[str]:
    """The names of the files of the site that is in the folder; none for a folder that is empty or not there.

    Raises ConfigError for any other folder.
    """
    if not folder.is_symlink() and (not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))):
        return set()
    try:
        stated = from_json(read_regular(folder / MARK, MOST_BYTES))
        names = {str(name) for name in stated["files"]}
        if stated["schema"] != SCHEMA or not all(map(OWN.fullmatch, names)):
            raise ValueError("it is of another release, or was changed")
        if any((folder / name).is_symlink() for name in (PAGES, PREDICTIONS)):
            raise ValueError("a folder in it is a link")
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = "there is no such mark" if isinstance(error, FileNotFoundError | NotADirectoryError) else error
        raise ConfigError(
            f"{folder} is not empty, and no site of dferbench ({MARK}: {why})",
            "Choose a new folder: -o NAME.",
        ) from error
    return names


def _mark(folder: Path, names: set[str]) -> None:
    write_atomic(folder / MARK, to_json({"schema": SCHEMA, "files": sorted(names)}))


def names_of(shelf: Shelf) -> set[str]:
    """Every name that a file of this site may have."""
    runs = [(one, place) for one in shelf.configurations for place in range(len(one.runs))]
    pages = [name for one in shelf.configurations for name in (_page_of(one), _runs_page_of(one))]
    return {"index.html", "style.css", "script.js", *pages, *(_csv_of(*one) for one in runs)}


def _page_of(one: Configuration) -> str:
    return f"{PAGES}/{one.key}.html"


def _runs_page_of(one: Configuration) -> str:
    return f"{PAGES}/{one.key}-runs.html"


def _csv_of(one: Configuration, place: int) -> str:
    return f"{PREDICTIONS}/{one.key}-{place}.csv"


def _files(shelf: Shelf, wishes: Wishes) -> Iterator[tuple[str, str]]:
    """The name and the content of each file."""
    yield "style.css", style_sheet()
    yield "script.js", script()
    for one in shelf.configurations:
        yield from _of_configuration(one, wishes)
    facts = overview_facts(shelf, wishes, _page_of)
    yield "index.html", linked("overview.html.j2", "", **facts, configurations=[])


def _of_configuration(one: Configuration, wishes: Wishes) -> Iterator[tuple[str, str]]:
    there = set()
    for place, run in enumerate(one.runs):
        text = predictions_csv(run)
        if text is not None:
            there.add(place)
            yield _csv_of(one, place), text

    def predictions(one: Configuration, place: int) -> str:
        return f"../{_csv_of(one, place)}" if place in there else ""

    found = section(one, wishes, predictions, f"{one.key}-runs.html")
    facts = {"title": f"{wishes.title}: {one.label}", "about": f"On {one.row.dataset}.", "one": found}
    yield _page_of(one), linked("configuration.html.j2", "../", **facts)
    yield _runs_page_of(one), linked("provenance.html.j2", "../", **facts)
