"""What was looked at, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from dferbench.errors import DferbenchError

State: TypeAlias = Literal["ok", "fails", "skipped"]


@dataclass(frozen=True)
class Finding:
    """One thing that was checked. `says` is one line: what is there, or why it fails; `hint` is the next step
    where it fails, and `details` are more lines for those who fix it."""

    name: str
    state: State
    says: str
    hint: str = ""
    details: str = ""


def tried(name: str, hint: str, check: Callable[[], str]) -> Finding:
    """What `check` says, or what it raises: never an error, whatever was called.

    `hint` is the next step where an error brings none of its own.
    """
    try:
        return Finding(name, "ok", check())
    except DferbenchError as error:
        return Finding(name, "fails", one_line(error.message), one_line(error.hint) or hint)
    except Exception as error:  # other people's packages raise whatever they like, and that is the finding
        return Finding(name, "fails", reason(error), hint)


def reason(error: BaseException) -> str:
    """An error's kind and message in one line."""
    return one_line(f"{type(error).__name__}: {error}".rstrip(": "))


def one_line(text: str) -> str:
    """The text without line breaks."""
    return " ".join(text.split())
