"""Numbers as labels: which class each stands for is found from how often it occurs, never guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from dferbench.data.official.labels import Name, canonical
from dferbench.data.official.lists import listed
from dferbench.errors import ConfigError, DataError

Codes = Mapping[str, str]
"""A label as it is written in a list, to the class name."""


def stated(text: str, name: Name = canonical) -> Codes:
    """Codes that the user states: `1=happiness, 2=sadness`. Raises ConfigError for an unknown class."""
    pairs = dict(part.split("=", 1) for part in text.replace(",", " ").split() if "=" in part)
    codes = {code: name(word) for code, word in pairs.items()}
    unknown = [pairs[code] for code, found in codes.items() if found is None]
    if unknown or not codes or len(pairs) != len(text.replace(",", " ").split()):
        raise ConfigError(
            f"codes: cannot read '{unknown[0] if unknown else text}'",
            "Write codes='1=happiness, 2=sadness, ...' with the names of the dataset's classes.",
        )
    return {code: found for code, found in codes.items() if found is not None}


def by_name(labels: Iterable[str], name: Name = canonical) -> Codes | None:
    """The codes of labels that are words, of those that name a class; None if all labels are numbers."""
    words = set(labels)
    if all(word.isdigit() for word in words):
        return None
    return {word: found for word in words if (found := name(word)) is not None}


def by_histogram(labels: Sequence[str], candidates: Iterable[Mapping[str, int]]) -> Codes | None:
    """The codes of a complete list of numbers, from the official counts of the parts that it may be.

    A candidate fits if its counts are those of the list in some order and no two classes have the same, so
    that there is just one way to match them. None if none fits, or several do and disagree.
    """
    found = Counter(labels)
    answers = [codes for counts in candidates if (codes := _match(found, counts)) is not None]
    return answers[0] if answers and all(codes == answers[0] for codes in answers) else None


def _match(found: Mapping[str, int], counts: Mapping[str, int]) -> dict[str, str] | None:
    sizes = {size: name for name, size in counts.items()}
    if len(sizes) < len(counts) or sorted(found.values()) != sorted(counts.values()):
        return None
    return {code: sizes[size] for code, size in found.items()}


def refuse(where: str, labels: Iterable[str]) -> DataError:
    """The error for a list whose numbers could mean anything."""
    return DataError(
        f"{where}: what the labels {listed(labels)} stand for cannot be told from their counts",
        "State it: NAME(codes='1=happiness, 2=sadness, ...').",
    )
