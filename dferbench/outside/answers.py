"""Free answers, as language models give them, mapped to classes by a table that the user states."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dferbench.data.official import read_lines, shown
from dferbench.documents import from_toml, read_text
from dferbench.errors import ConfigError, DferbenchError
from dferbench.files import digest
from dferbench.outside.classes import ClassNames

LONGEST = 10_000
"""Characters of an answer that are looked at."""


@dataclass(frozen=True)
class Answers:
    """Words and patterns with the label that each stands for, and the sha256 of what they say."""

    words: Mapping[str, int]
    patterns: Sequence[tuple[re.Pattern[str], int]]
    sha256: str

    def label(self, answer: str) -> int | None:
        """The label of the one class that an answer names; None if it names none, or two.

        Words are found as whole words in any case, the longer ones first: in "not happy at all" the entry
        "not happy" is found and "happy" is not.
        """
        text = answer[:LONGEST]
        words = self._any_word.findall(text.casefold()) if self.words else []
        found = {self.words[word] for word in words}
        found |= {label for pattern, label in self.patterns if pattern.search(text)}
        return found.pop() if len(found) == 1 else None

    @cached_property
    def _any_word(self) -> re.Pattern[str]:
        longest = sorted(self.words, key=len, reverse=True)
        words = "|".join(map(re.escape, longest))
        return re.compile(rf"(?<!\w)(?:{words})(?!\w)")


def read_answers(path: Path, names: ClassNames) -> Answers:
    """A table of answers: TOML with `"word" = "class"`, or CSV with a word and a class a row.

    A word between slashes, `/rais\\w+ eyebrows/`, is a regular expression that is searched for. Raises
    ConfigError for what cannot be read, names no class, or gives a word two classes.
    """
    words: dict[str, int] = {}
    patterns = []
    for word, name in _pairs(path):
        label = names.label(name)
        if label is None:
            raise ConfigError(
                f"{path}: {shown(word)} stands for {shown(str(name))}, which is not a class of the dataset",
                f"The classes are {', '.join(names.classes)}.",
            )
        if len(word) > 2 and word.startswith("/") and word.endswith("/"):
            patterns.append((_compiled(word[1:-1], path), label))
        elif words.setdefault(word.casefold(), label) != label:
            raise ConfigError(f"{path}: {shown(word)} stands for two classes", "Remove one of them.")
    if not words and not patterns:
        raise ConfigError(f"{path} maps no answer to a class", 'Write for example "happy" = "happiness".')
    said = [sorted(words.items()), [(pattern.pattern, label) for pattern, label in patterns]]
    return Answers(words, patterns, digest(said))


def _pairs(path: Path) -> list[tuple[str, Any]]:
    if path.suffix.lower() != ".toml":
        rows = [fields for _, fields in _lines(path)]
        if odd := [fields for fields in rows if len(fields) != 2 or not all(fields)]:
            raise ConfigError(
                f"{path}: {shown(','.join(odd[0]))} is not a word and a class", "Write word,class on a line."
            )
        return [(word, name) for word, name in rows if (word.lower(), name.lower()) != ("word", "class")]
    try:
        return [(word, name) for word, name in from_toml(read_text(path)).items() if word.strip()]
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise ConfigError(
            f"{path} cannot be read: {reason}", 'Write "word" = "class" on each line.'
        ) from None


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    try:
        return read_lines(path)
    except DferbenchError as error:
        raise ConfigError(str(error), error.hint) from None


def _compiled(pattern: str, path: Path) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise ConfigError(
            f"{path}: {shown(pattern)} is no regular expression: {error}", "Fix it, or write a plain word."
        ) from None
