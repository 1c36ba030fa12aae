"""What `dferbench verify` found out, and where that is kept: with the user who verified, by the sha256 of the
record.

A verdict that travelled with a record could be written by whoever forged the record. So it lies in the data
folder of the user, never next to the runs, and counts for a record of exactly these bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dferbench.errors import ConfigError
from dferbench.files import from_json, to_json, write_atomic
from dferbench.places import alone, data_folder

LEVELS = ("form", "hashes", "re-scored", "lists", "re-evaluated")
"""From the shallowest to the deepest; each includes what can be checked of those before."""
PROVEN = "re-scored"
"""From this level on a number was computed again."""
UNVERIFIED = "no"
NAME = "verified.json"
SCHEMA = 1


@dataclass(frozen=True)
class Verdict:
    """Per selection rule the deepest level that a record has passed, or why it was `refused`, and how deep
    the look was, at `depth`."""

    levels: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""
    depth: str = LEVELS[0]

    def under(self, rule: str) -> str:
        """The level of the number that a selection rule picks."""
        return self.levels.get(rule, LEVELS[0])


Verdicts = Mapping[str, Verdict]
"""By the sha256 of the record's file."""


def rank(level: str) -> int:
    """How deep a level is; what was never verified comes before all."""
    return LEVELS.index(level) if level in LEVELS else -1


def read_verdicts() -> dict[str, Verdict]:
    """All verdicts of this user. Raises ConfigError if their file is damaged."""
    path = data_folder() / NAME
    try:
        stated = from_json(path.read_bytes())
        _require(isinstance(stated, dict) and stated.get("schema") == SCHEMA, f"its schema is not {SCHEMA}")
        return {sha256: _verdict(one) for sha256, one in stated["records"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{path} cannot be read: {error}", "Remove it, and give dferbench verify again."
        ) from error


def _verdict(stated: Mapping[str, Any]) -> Verdict:
    one = Verdict(**stated)
    _require(isinstance(one.levels, dict) and isinstance(one.refused, str), "a verdict is damaged")
    _require({one.depth, *one.levels.values()} <= set(LEVELS), "it has a level that does not exist")
    return one


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)


def keep_verdicts(new: Verdicts) -> Path:
    """Add verdicts to those of this user and return their file. Raises DferbenchError."""
    path = data_folder() / NAME
    with alone(path):
        known = read_verdicts()
        for sha256, one in new.items():
            known[sha256] = _joined(known[sha256], one) if sha256 in known else one
        write_atomic(path, to_json({"schema": SCHEMA, "records": {k: asdict(v) for k, v in known.items()}}))
    return path


def _joined(old: Verdict, new: Verdict) -> Verdict:
    """A refusal falls to a look that is as deep, and what was proven of the same bytes stays proven."""
    if new.refused or (old.refused and rank(new.depth) < rank(old.depth)):
        return new if new.refused else old
    levels = {rule: max(old.under(rule), level, key=rank) for rule, level in new.levels.items()}
    return Verdict(levels, depth=max(old.depth, new.depth, key=rank))
