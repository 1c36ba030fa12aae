"""From labels as they are written to classes: words name themselves, numbers must be explained."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dferbench import ConfigError, DataError
from dferbench.data.official import CLASSES, canonical, listed, shown
from dferbench_datasets.local.entry import ListedVideo, firsts

MOST = 1000
"""Classes; a column with more words holds no labels."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)


@dataclass(frozen=True)
class Classes:
    """The classes in order, the place of each label as it is written, and how that is known."""

    names: tuple[str, ...]
    place: Mapping[str, int]
    known: str


def find_classes(entries: Iterable[ListedVideo], classes: str, codes: str, base: int | str | None) -> Classes:
    """The classes of some labels; `classes`, `codes` and `base` are what the user states of them.

    Raises DataError that names file and line, and ConfigError for a statement that makes no sense.
    """
    first = firsts(entries, lambda entry: entry.label)
    start = "" if base is None else str(base)
    if start not in ("", "0", "1"):
        raise ConfigError(f"base cannot be {base}", "Numbers count from 0 or from 1.")
    stated = [] if not classes else _names(classes)
    numbers = [label for label in first if _NUMBER.fullmatch(label)]
    if codes:
        if classes or start:
            raise ConfigError("codes and classes both say what labels mean", "State one of them.")
        return _by_codes(first, _codes(codes))
    if len(numbers) == len(first):
        return _by_number(first, stated, start)
    if numbers:
        raise DataError(
            f"{first[numbers[0]].where}: label {shown(numbers[0])} is a number, but others are words",
            "Write one or the other, or state codes='0=first, ...'.",
        )
    return _by_word(first, stated)


def name_of(word: str) -> str:
    """The class that a word names: the expression that it stands for, or the word itself in small letters."""
    return canonical(word) or word.strip().lower()


def _names(text: str) -> list[str]:
    words = [word.strip() for word in (text.split(",") if "," in text else text.split())]
    names = [name_of(word) for word in words]
    if len(set(names)) < len(names) or len(names) < 2 or not all(names):
        raise ConfigError(f"classes cannot be '{text}'", "Write classes='first,second,...', each once.")
    return names


def _codes(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    codes = {label.strip(): name_of(word) for label, _, word in pairs}
    if not all(codes) or not all(codes.values()) or len(codes) < len(pairs):
        raise ConfigError(f"codes cannot be '{text}'", "Write codes='0=first, 1=second, ...', each once.")
    return codes


def _by_codes(first: Mapping[str, ListedVideo], codes: Mapping[str, str]) -> Classes:
    _require_known(first, codes)
    names = _ordered(codes.values())
    return Classes(names, {label: names.index(codes[label]) for label in first}, "stated by codes")


def _by_number(first: Mapping[str, ListedVideo], stated: Sequence[str], base: str) -> Classes:
    whole = sorted({int(label) for label in first if _WHOLE.fullmatch(label)})
    if stated:
        start, names, known = int(base) if base else _start(whole, len(stated), first), stated, "stated"
    elif base == "1" or (count := _run(whole)) not in (7, 11):
        raise _unexplained(first)
    else:
        start, names, known = 0, CLASSES[:count], "assumed: the order of DFER-CLIP's lists"
    codes = {str(start + i): name for i, name in enumerate(names)}
    plain = {label: str(int(label)) if _WHOLE.fullmatch(label) else label for label in first}
    _require_known({plain[label]: entry for label, entry in first.items()}, codes)
    place = {code: i for i, code in enumerate(codes)}
    return Classes(tuple(names), {label: place[plain[label]] for label in first}, known)


def _run(whole: Sequence[int]) -> int:
    """How many numbers from 0 on there are without a gap."""
    return next((i for i, number in enumerate(whole) if number != i), len(whole))


def _start(whole: Sequence[int], count: int, first: Mapping[str, ListedVideo]) -> int:
    """Whether numbers for `count` stated classes begin at 0 or at 1."""
    if 0 in whole or not whole:
        return 0
    if whole[-1] >= count:
        return 1
    raise DataError(
        f"{_file(first)}: the labels {whole[0]} to {whole[-1]} may count {count} classes from 0 or from 1",
        "State it: base=0 or base=1.",
    )


def _unexplained(first: Mapping[str, ListedVideo]) -> DataError:
    return DataError(
        f"{_file(first)}: nothing says what the labels {listed(first)} stand for",
        "State it: classes='first,second,...' in the order of the numbers, or codes='1=first, ...'.",
    )


def _file(first: Mapping[str, ListedVideo]) -> str:
    return next(iter(first.values())).where.partition(", line ")[0]


def _by_word(first: Mapping[str, ListedVideo], stated: Sequence[str]) -> Classes:
    if len(first) > MOST:
        raise DataError(f"{_file(first)}: {len(first)} different labels", "The label must come last.")
    for label, entry in first.items():
        if len(label) > 60 or not label.isprintable():
            raise DataError(f"{entry.where}: {shown(label)} cannot be the name of a class", "Fix the line.")
    names = {label: name_of(label) for label in first}
    _require_one_word(first, names)
    if stated:
        _require_known({names[label]: entry for label, entry in first.items()}, {n: n for n in stated})
    order = tuple(stated) or _ordered(names.values())
    return Classes(order, {label: order.index(name) for label, name in names.items()}, "words")


def _require_one_word(first: Mapping[str, ListedVideo], names: Mapping[str, str]) -> None:
    """Two words for one expression may be two classes or one: only the user knows."""
    word_for: dict[str, str] = {}
    for label, name in names.items():
        other = word_for.setdefault(name, label)
        if other.lower() != label.lower():
            raise DataError(
                f"{first[label].where}: {shown(label)} and {shown(other)} are two words for {name}",
                "Use one word, or say which class each is: codes='WORD=class, ...'.",
            )


def _require_known(first: Mapping[str, ListedVideo], codes: Mapping[str, str]) -> None:
    for label, entry in first.items():
        if label not in codes:
            known = ", ".join(c if c == name else f"{c} ({name})" for c, name in codes.items())
            raise DataError(f"{entry.where}: label {shown(label)} is not one of {known}", "Fix the line.")


def _ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Expressions in their usual order, then other classes by name."""
    found = set(names)
    return (*(name for name in CLASSES if name in found), *sorted(found - set(CLASSES)))
