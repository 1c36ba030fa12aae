"""The text of a pull request: the table, how each number was verified, and what only its author knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dferbench.experiment.record import Record
from dferbench.printable import printable
from dferbench.report.escapes import escape_markdown
from dferbench.report.leaderboard import rows
from dferbench.report.text import leaderboard
from dferbench.submission.bundle import Bundle
from dferbench.verification.verify import Verified

ASKED = (
    "What was the model trained on, and what were its pretrained parts trained on?",
    "Could test videos of these folds have been among that data?",
    "Where can the checkpoints be had? (The records name their sha256.)",
    "Whom does a reader ask, and which paper or code is to be cited?",
)
"""What no record says."""


def summary(bundle: Bundle) -> str:
    """Markdown, the same for the same runs."""
    records = [record for record, _ in bundle.runs.values()]
    count = "1 run" if len(records) == 1 else f"{len(records)} runs"
    table = leaderboard(rows(records, "last", verdicts=bundle.verdicts), "last", "markdown")
    parts = [f"# Results of {count}", table, "## How they were verified", "\n".join(_verified(bundle))]
    if bundle.removed:
        parts += [
            "## Taken out of the records",
            "\n".join(f"- {escape_markdown(one)}" for one in sorted(bundle.removed)),
        ]
    parts += ["## To be answered", "\n".join(f"- [ ] {one}" for one in ASKED)]
    return printable("\n\n".join(parts)) + "\n"


def _verified(bundle: Bundle) -> Iterator[str]:
    """A line for each run: the level of every rule's number, and its caveats."""
    for place, (record, verified) in sorted(bundle.runs.items()):
        yield f"- {escape_markdown(_said(place, record, verified))}"


def _said(place: Path, record: Record, verified: Verified) -> str:
    levels = ", ".join(f"{rule}: {verified.verdict.under(rule)}" for rule in verified.rules)
    caveats = f" ({', '.join(record.caveats)})" if record.caveats else ""
    return f"{place.as_posix()}{caveats}: {levels}"
