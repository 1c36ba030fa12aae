"""Whether numbers were measured alike: a printed one against runs here, or against other printed ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dferbench.experiment.plan import Settled
from dferbench.experiment.printed import MODALITIES, UNKNOWN, PrintedProtocol
from dferbench.registry.catalog import Catalog

NONE = "none"
VIDEO = "V"
"""What runs here take: no data set has sound."""
LONG = 10_000
"""Frames of a video in which different clips do not coincide."""


@dataclass(frozen=True)
class OwnProtocol:
    """How runs here are measured; see PrintedProtocol for the fields."""

    frames: int
    size: int
    clips: int
    select: str = "last"
    seeds: int = 0
    input: str = VIDEO


def own_protocol(settled: Settled, catalog: Catalog) -> OwnProtocol:
    """Of runs of these settings, but for what a set of runs decides: the rule and the seeds."""
    input = settled.recipe.input
    assert isinstance(input.size, int)
    shown = catalog.make("samplers", input.sample)(LONG, input.frames, None)
    return OwnProtocol(input.frames, input.size, len(shown) // input.frames)


def incomparable(printed: PrintedProtocol) -> Iterator[str]:
    """Why a number can be compared with no other: its split, or what its training saw."""
    if printed.folds == UNKNOWN:
        yield "on what split it was measured is not known"
    elif printed.folds == "own":
        yield "it was measured on a split of its authors', not on the official one"
    if printed.trained_on_test is True:
        yield "its training saw the test videos"


def unlike_others(printed: PrintedProtocol) -> Iterator[str]:
    """Why a number is not ranked among those of all official folds."""
    yield from incomparable(printed)
    if isinstance(printed.folds, tuple):
        names = ", ".join(map(str, printed.folds))
        yield f"it was measured on fold{'s' * (len(printed.folds) > 1)} {names} alone"


def unlike_rule(printed: PrintedProtocol, rule: str) -> Iterator[str]:
    """In what the choice of the epoch differs from a rule; where nothing was trained, no rule differs."""
    if printed.select == UNKNOWN and rule != UNKNOWN:
        yield "how its epoch was selected is not known"
    elif printed.select not in (rule, NONE) and rule != UNKNOWN:
        yield f"its epoch was selected by {printed.select}, not by {rule}"


def unlike_input(printed: PrintedProtocol, own: OwnProtocol) -> Iterator[str]:
    """In what the input differs, as far as the source states it."""
    for name, words in (("frames", "frames"), ("size", "pixels a side"), ("clips", "test-time clips")):
        theirs, ours = getattr(printed, name), getattr(own, name)
        if theirs not in (UNKNOWN, ours):
            yield f"{words}: {theirs} as published, {ours} here"
    if printed.input not in (UNKNOWN, own.input):
        yield f"input: {in_words(printed.input)} as published, {in_words(own.input)} here"


def differences(printed: PrintedProtocol, own: OwnProtocol) -> Iterator[str]:
    """Everything that is known to differ between a printed number and runs here."""
    if printed.select not in (UNKNOWN, NONE, own.select):
        yield f"selection: {printed.select} as published, {own.select} here"
    if printed.averaging == "pooled":
        yield "averaging: predictions of all folds pooled as published, mean over folds here"
    if printed.seeds not in (UNKNOWN, own.seeds):
        yield f"seeds: {printed.seeds} as published, {own.seeds} here"
    yield from unlike_input(printed, own)


UNKNOWNS = {
    "select": "how the epoch was selected",
    "averaging": "how folds were averaged",
    "seeds": "how many seeds",
    "frames": "how many frames",
    "size": "the size of frames",
    "clips": "how many test-time clips",
    "input": "what it sees and hears",
    "pretraining": "the pretraining",
    "trained_on_test": "whether training saw the test videos",
}
"""What a protocol leaves open, in words."""


def unknowns(printed: PrintedProtocol) -> list[str]:
    """What the source does not say of the protocol."""
    return [words for name, words in UNKNOWNS.items() if getattr(printed, name) == UNKNOWN]


def in_words(modality: str) -> str:
    """ "A+V" as words."""
    return " and ".join(MODALITIES[one] for one in modality.split("+"))


def folds_in_words(printed: PrintedProtocol) -> str:
    """The folds of a printed number, as a table shows them."""
    return printed.folds if isinstance(printed.folds, str) else ",".join(map(str, printed.folds))


def in_one_line(printed: PrintedProtocol) -> str:
    """Every field of a protocol, as `name=value`, those that say nothing left out."""
    fields = {name: value for name, value in printed if value not in ("", 0)}
    return "; ".join(f"{name}={_plain(value)}" for name, value in fields.items())


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
