"""The part of `dferbench bench` that starts runs in other processes, and finds out how they ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from dferbench.cli.standing import Status
from dferbench.stopping import ended_by

if TYPE_CHECKING:
    from dferbench.experiment.plan import Request
    from dferbench.experiment.suite import Suite
    from dferbench.registry.catalog import Catalog
    from dferbench.runner.launch import Codes, Study

Ended: TypeAlias = "tuple[dict[int, str], dict[int, str]]"
"""Why rows failed, and why others were left to other processes, by their number."""
GOOD = (0, 75)
"""Exit codes of processes that did what they could: all is done, or the same command continues."""


def study_of_rows(
    suite: Suite, file: Path, stand: Sequence[Status], base: Request, epochs: int | None, catalog: Catalog
) -> Study:
    """What a launcher is to start: the rows that have something to do."""
    from dferbench.runner.launch import study_of

    rows = {one.row.number: one.todo for one in stand if one.todo}
    return study_of(suite.name, file, rows, base, epochs, catalog)


def previewed(launcher: str, study: Study, catalog: Catalog) -> str:
    """What the launcher would send, for --dry-run; empty if it does not say."""
    from dferbench.runner.launch import preview

    text = preview(launcher, study, catalog) if launcher else ""
    return f"\n\n{text}".rstrip()


def launched(
    launcher: str, study: Study, catalog: Catalog, look: Callable[[], Sequence[Status]]
) -> Ended | None:
    """Start the study and find out how it ended; None if it continues elsewhere.

    The records say what was done, whoever did it: `look` reads them once the processes have ended.
    """
    from dferbench.runner.launch import launch

    codes = launch(launcher, study, catalog)
    if codes is None:
        return None
    failed: dict[int, str] = {}
    left: dict[int, str] = {}
    for one in look():
        if one.row.number not in study.rows:
            continue
        reason = _recorded(one) or _ended(one, codes)
        if reason:
            failed[one.row.number] = reason
        elif one.todo:
            left[one.row.number] = f"runs still to do: {one.todo}"
    return failed, left


def _ended(one: Status, codes: Codes) -> str:
    """How the row's process ended if it did not end well; of a process for all rows that tells of those
    which are not done."""
    of_row = [codes[one.row.number]] if isinstance(codes, Mapping) else codes if one.todo else ()
    bad = [code for code in of_row or () if code not in GOOD]
    return f"its process ended with {ended_by(bad[0])}" if bad else ""


def _recorded(one: Status) -> str:
    """The first line of the first error that a record of the row keeps."""
    plan = one.plan
    records = [plan.stored(*run) for run in plan.unfinished] if plan else []
    errors = [record.error for record in records if record is not None and record.status == "failed"]
    return next((line for error in errors for line in error.splitlines()[:1]), "")
