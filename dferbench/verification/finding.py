"""What a check says of one run: that it passed, that it could not be made, or that the record is refused."""

from __future__ import annotations

from dataclasses import dataclass, field


class Refuted(Exception):
    """The record states something that is not so; the text says what."""


@dataclass
class Checked:
    """How deep each selection rule's number was proven, and `notes` on what could not be checked."""

    levels: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
