"""How deep the numbers of a row were verified, as tables say it."""

from __future__ import annotations

from collections.abc import Iterable

from dferbench.experiment.record import Record
from dferbench.verification.verdict import PROVEN, UNVERIFIED, Verdicts, rank

NOT_PROVEN = "not re-scored"
"""The caveat of a number that verify found nothing to count again from: it does not rank."""
SAYS = {
    UNVERIFIED: "not verified: dferbench verify holds records against the files next to them",
    "form": "verified: the record agrees with itself",
    "hashes": "verified: the files next to the record are those that it names",
    "re-scored": "verified: counted again from the predictions",
    "lists": "verified: counted again from predictions of the ids and labels in the dataset's lists",
    "re-evaluated": "verified: the checkpoint, evaluated again, gives these predictions",
}
"""By level; every row shows the lowest of its runs."""


def level_of(records: Iterable[Record], rule: str, verdicts: Verdicts) -> str:
    """The lowest level of some runs, for the number that a selection rule picks."""
    found = (verdicts.get(one.sha256) for one in records)
    levels = (UNVERIFIED if one is None else one.under(rule) for one in found)
    return min(levels, key=rank, default=UNVERIFIED)


def caveats_of(records: Iterable[Record], rule: str, verdicts: Verdicts) -> tuple[str, ...]:
    """The caveat of a row of which a number was to be counted again and could not be. What nobody looked at
    as deep is marked, and ranks."""
    found = [verdicts[one.sha256] for one in records if one.sha256 in verdicts]
    asked = [one.under(rule) for one in found if rank(one.depth) >= rank(PROVEN)]
    return (NOT_PROVEN,) if any(rank(level) < rank(PROVEN) for level in asked) else ()
