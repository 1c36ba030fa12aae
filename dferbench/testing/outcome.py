"""What a contract says of one registered thing: which rules it keeps, and which it breaks and how."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from dferbench.careful import contained
from dferbench.errors import DferbenchError, said_by

OWN = Path(__file__).parents[1]
Given = TypeVar("Given")


@dataclass(frozen=True)
class Outcome:
    """One rule: kept, or broken and how (`reason` starts with ": ").

    `follows` says that it is broken because an earlier one is: one cause is told once. `needs` says that
    the plugin itself asks the user for something: an option, a file, a package.
    """

    rule: str
    ok: bool
    reason: str = ""
    follows: bool = False
    needs: bool = False


Rule = Callable[[Given], None]
"""Raises what is wrong; its docstring says what holds otherwise."""


def outcomes(rules: Sequence[Rule[Given]], given: Given, first: int = 0, whose: str = "") -> list[Outcome]:
    """What each rule says of what is `given`, in order; `whose` code runs is for messages.

    Where one of the `first` rules is broken, the rules behind it follow from it: they say nothing more.
    """
    found: list[Outcome] = []
    for rule in rules:
        one = _outcome(rule, given, whose)
        broken = [other for other in found if not other.ok]
        known = any(other.reason == one.reason for other in broken) or any(
            not other.ok for other in found[:first]
        )
        found.append(replace(one, follows=not one.ok and known))
    return found


def causes(found: Iterable[Outcome]) -> list[Outcome]:
    """The broken rules that follow from no other one."""
    return [one for one in found if not one.ok and not one.follows]


def _outcome(rule: Rule[Given], given: Given, whose: str) -> Outcome:
    title = " ".join((rule.__doc__ or rule.__name__).split())
    try:
        with contained(whose):
            rule(given)
    except DferbenchError as error:
        return Outcome(title, False, f": {error}", needs=True)
    except AssertionError as error:
        return Outcome(title, False, f": {said_by(error)}")
    except Exception as error:  # a plugin may raise anything, and that is its outcome
        return Outcome(title, False, f": {type(error).__name__}: {said_by(error)}{_place(error)}")
    return Outcome(title, True)


def _place(error: Exception) -> str:
    """Where in the plugin it was raised, as far as that can be told."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if _foreign(one.filename)]
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""


def _foreign(name: str) -> bool:
    """Whether a file is neither of dferbench nor of a library: that is where a plugin's author can look."""
    path = Path(name)
    return OWN not in path.parents and "site-packages" not in path.parts and path.is_file()


def require(holds: Any, what: str) -> None:
    """Raise AssertionError, also where Python leaves out assertions."""
    if not holds:
        raise AssertionError(what)
