"""The errors a user can fix: one sentence that says what is wrong, one that says what to do next.

    DferbenchError                      1  the work failed
    +-- ConfigError                     3  an option, a recipe or a plugin is not valid
    |   +-- UnknownName                 3  a name that no plugin registered
    +-- Busy (runner/claims.py)        75  other processes are at what is left
    +-- DataError                       4  data or weights are missing or unreadable
        +-- VideoError                  4  one video cannot be read

Anything else that is raised is a bug and shows its traceback.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from contextlib import suppress

from dferbench import exit_codes


class DferbenchError(Exception):
    """Shown to the user as two lines, without a traceback; `exit_code` is what the process ends with."""

    exit_code = exit_codes.FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class ConfigError(DferbenchError):
    """An option, a recipe, a record or a plugin is not valid."""

    exit_code = exit_codes.INVALID


FEW = 12
"""Names that a hint lists where none is near."""


class UnknownName(ConfigError):
    """A name that is not among `known`; the hint holds the nearest ones, whatever their case and hyphens.

    `instead` is the hint if it is known what else the name is, and `more` ends the hint otherwise.
    """

    def __init__(self, what: str, name: str, known: Iterable[str], more: str = "", instead: str = "") -> None:
        names = sorted(known)
        near = nearest(name, names)
        listed = ", ".join(near or names[:FEW]) + (", ..." if not near and len(names) > FEW else "")
        hint = f"Did you mean: {listed}?" if names else f"there is no {what} at all"
        super().__init__(f"there is no {what} named '{name}'", instead or f"{hint} {more}".strip())


def nearest(name: str, names: Iterable[str]) -> list[str]:
    """The names that are the same but for case and punctuation, else up to three that are near."""
    bare: dict[str, list[str]] = {}
    for one in names:
        bare.setdefault(_bare(one), []).append(one)
    wanted = _bare(name)
    if not wanted or wanted in bare:
        return bare.get(wanted, [])
    return [one for near in difflib.get_close_matches(wanted, bare, n=3, cutoff=0.5) for one in bare[near]][
        :3
    ]


def same(one: str, other: str) -> bool:
    """Whether two names differ in case and punctuation alone."""
    return _bare(one) == _bare(other)


def _bare(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


class DataError(DferbenchError):
    """Data or weights are missing or unreadable."""

    exit_code = exit_codes.DATA


class VideoError(DataError):
    """One video cannot be read; `path` names it and `reason` says why."""

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path}: {reason}",
            "Replace the file, or add --skip-bad to leave such videos out (the record names them).",
        )

    @property
    def plain_hint(self) -> str:
        """The next step for commands that cannot leave videos out."""
        return "Replace or remove the file."


def said_by(error: BaseException) -> str:
    """The first line of what an exception says, in printable characters, even if saying it fails."""
    text = ""
    with suppress(BaseException):
        text = str(error)
    first = (text.splitlines() or [""])[0][:300]
    return "".join(c if c.isprintable() else "?" for c in first) or "it says nothing"
