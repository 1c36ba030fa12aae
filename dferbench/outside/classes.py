"""Which class of a dataset a word or a number of somebody's file stands for: a number's is stated."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dferbench.data.official import canonical
from dferbench.data.official.codes import stated

INDEX = "index"
"""The codes that count dferbench's classes from 0 on."""
_NUMBER = re.compile(r"[+-]?\d+(\.0+)?")


@dataclass(frozen=True)
class ClassNames:
    """The classes of a dataset in their order, and what numbers stand for; `codes` may be empty."""

    classes: Sequence[str]
    codes: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def places(self) -> dict[str, int]:
        """Label by class name."""
        return {name: place for place, name in enumerate(self.classes)}

    @cached_property
    def bare(self) -> dict[str, str]:
        """Class names by what they are but for case and punctuation, of those that differ in more."""
        found = [_bare(name) for name in self.classes]
        pairs = zip(found, self.classes, strict=True)
        return {bare: name for bare, name in pairs if bare and found.count(bare) == 1}

    def named(self, word: str) -> str | None:
        """The class that a word names: by itself, but for case and punctuation, or as another word for it
        ("happy"); None if none."""
        if word in self.places:
            return word
        if alike := self.bare.get(_bare(word)):
            return alike
        known = canonical(word)
        return None if known is None else self.bare.get(known)

    def label(self, said: Any) -> int | None:
        """The label of a cell, a word or a number, in [0, C); None if it stands for no class."""
        text = _text(said)
        name = self.codes.get(text) or self.named(text)
        return None if name is None else self.places[name]

    def is_code(self, said: Any) -> bool:
        """Whether a cell is a number, which stands for a class only where that is stated."""
        return bool(_NUMBER.fullmatch(_text(said))) and self.named(_text(said)) is None

    def columns(self) -> list[str] | None:
        """The classes of the columns of a matrix, in the order of their codes; None where no codes are."""
        if not self.codes or not all(code.isdecimal() for code in self.codes):
            return None
        return [self.codes[code] for code in sorted(self.codes, key=int)]

    def in_words(self) -> str:
        """The classes and their numbers, for a hint."""
        pairs = [f"{place}={name}" for place, name in enumerate(self.classes)]
        return ", ".join(pairs[:8]) + (", ..." if len(pairs) > 8 else "")


def class_names(classes: Sequence[str], codes: str) -> ClassNames:
    """The classes with the codes that a user states: "", "index", or `1=happiness, 2=sadness`.

    Raises ConfigError for what cannot be read or names another class.
    """
    names = ClassNames(classes)
    if not codes:
        return names
    if codes == INDEX:
        return ClassNames(classes, {str(place): name for place, name in enumerate(classes)})
    return ClassNames(classes, stated(codes, names.named))


def _bare(word: str) -> str:
    return re.sub(r"[\W_]+", "", word.casefold())


def _text(said: Any) -> str:
    """A cell as text; a whole number without the point that spreadsheets and pandas put behind it."""
    if isinstance(said, bool) or said is None:
        return ""
    text = str(said).strip()
    return text.split(".")[0].removeprefix("+") if _NUMBER.fullmatch(text) else text
