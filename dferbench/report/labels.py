"""Labels of which no two are alike: equal ones name the shortest thing that tells their rows apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from dferbench.experiment.record import Record, compute_of

Facts: TypeAlias = "Mapping[str, str]"
"""What is known of a row, the most telling first; the last resort must be unlike all others'."""
ID = "id"
LONGEST = 40
"""Characters of a fact that a label may hold."""


def told_apart(labels: Sequence[str], facts: Sequence[Facts]) -> list[str]:
    """The labels, those that occur more than once lengthened by what tells their rows apart.

    That is the first short fact that no two of them share, else several that together do, else their number.
    """
    places = defaultdict(list)
    for place, label in enumerate(labels):
        places[label].append(place)
    told = list(labels)
    for label, alike in places.items():
        if len(alike) > 1:
            more = _differences([facts[place] for place in alike])
            for place, words in zip(alike, more, strict=True):
                told[place] = f"{label} {words}"
    return _numbered(told)


def _numbered(labels: Sequence[str]) -> list[str]:
    """The labels, with a number behind those that are alike still: one may read like another lengthened."""
    seen: dict[str, int] = defaultdict(int)
    numbered = []
    for label in labels:
        seen[label] += 1
        numbered.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return numbered


def _differences(facts: Sequence[Facts]) -> list[str]:
    names = [name for name in dict.fromkeys(n for one in facts for n in one) if _short(name, facts)]
    alone = next((name for name in names if len(set(_values(facts, [name]))) == len(facts)), None)
    chosen: list[str] = [alone] if alone else []
    for name in [] if alone else names:
        before = len(set(_values(facts, chosen)))
        chosen += [name] if len(set(_values(facts, [*chosen, name]))) > before else []
    words = [" ".join(f"{name}={one.get(name, '-')}" for name in chosen) for one in facts]
    if len(set(words)) == len(words):
        return words
    return [f"{said} ({number})".strip() for number, said in enumerate(words, 1)]


def _short(name: str, facts: Sequence[Facts]) -> bool:
    return all(len(one.get(name, "")) <= LONGEST for one in facts)


def _values(facts: Sequence[Facts], names: Sequence[str]) -> list[tuple[str | None, ...]]:
    return [tuple(one.get(name) for name in names) for one in facts]


def facts_of(one: Record) -> dict[str, str]:
    """What may tell a row from others of the same method and setting; its configuration id comes last."""
    from_ = one.checkpoint
    trained = {"trained-on": from_.get("dataset"), "fold": from_.get("fold"), "seed": from_.get("seed")}
    of = {"of": from_.get("config_id"), "sha256": str(from_.get("sha256", ""))[:8]} if from_ else {}
    weights = {name: used.get("source") for name, used in one.weights.items()}
    stages = {str(stage.get("name")): stage for stage in one.recipe.get("stages", ())}
    recipe = {"input": one.recipe.get("input"), "stage": stages, "precision": one.recipe.get("precision")}
    recipe |= {"compute": compute_of(one.recipe), "targets": one.recipe.get("targets")}
    held = {"validation": one.validation and one.validation.share}
    rest = {**one.options, **one.dataset_options, "limit": one.limit, "weights": weights, **recipe, **held}
    known = {**(trained if from_ else {}), **of, **dict(_flat(rest)), ID: one.config_id}
    return {name: str(value) for name, value in known.items() if value not in (None, "")}


def _flat(thing: Mapping[str, Any], above: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for name, value in thing.items():
        path = f"{above}{name}"
        pairs += _flat(value, f"{path}.") if isinstance(value, Mapping) else [(path, value)]
    return pairs
