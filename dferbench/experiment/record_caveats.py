"""What a reader must know before comparing a run's number with others: shown next to it in every table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dferbench.experiment.record_recipe import shuffled

if TYPE_CHECKING:
    from dferbench.experiment.record import Record

OUTSIDE = "outside predictions"
"""The caveat of what was not predicted by dferbench, which nobody can run again here."""
MIXED = "mixed code"
"""The caveat of results that more than one version of the code has made."""
STRESSED = "stressed"
"""The caveat of a test on videos that were corrupted on purpose: it measures robustness, and never ranks."""


def stated_by(record: Record) -> tuple[str, ...]:
    """The caveats that follow from what the record states."""
    found = {
        OUTSIDE: bool(record.outside),
        "trial": record.trial,
        "synthetic": record.synthetic,
        "limited": record.limit is not None,
        "random weights": any(w.get("random") for w in record.weights.values()),
        "incomplete": bool(record.skipped),
        "uncommitted code": bool(record.environment.get("dirty")),
        "shuffled frames": shuffled(record.recipe),
        MIXED: record.mixed_code,
        "votes as targets": record.recipe.get("targets") == "votes",
    }
    stated = [*record.dataset_notes.get("caveats", []), *record.checkpoint.get("caveats", [])]
    return tuple(dict.fromkeys([*(caveat for caveat, holds in found.items() if holds), *stated]))
