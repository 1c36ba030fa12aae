"""Records and checkpoint headers of earlier releases, in the words of this one."""

from __future__ import annotations

from typing import Any


def upgraded(record: dict[str, Any]) -> dict[str, Any]:
    """A record of schema 1 as one of schema 2: the same facts under new names; others as they are.

    Raises ValueError if it lacks what every record of schema 1 has.
    """
    if not isinstance(record, dict) or record.get("schema") != 1 or record["schema"] is True:
        return record
    try:
        return _upgraded(record)
    except (AttributeError, TypeError) as error:
        raise ValueError(f"it is not built as records of schema 1 are ({error})") from None


def _upgraded(record: dict[str, Any]) -> dict[str, Any]:
    if missing := [name for name in ("cell", "recipe") if name not in record]:
        raise ValueError(f"{missing[0]}: Field required")
    new = {**record, "schema": 2, "config_id": record["cell"], "recipe": upgraded_recipe(record["recipe"])}
    del new["cell"]
    new["curve"] = [_epoch(epoch) for epoch in record.get("curve", [])]
    for place in ("dataset_notes", "checkpoint"):
        new[place] = upgraded_caveats(record.get(place, {}))
    # Of no test video schema 1 stated 0 percent; such metrics are undefined now.
    return new if any(map(any, record.get("confusion", []))) else {**new, "metrics": {}}


def upgraded_recipe(recipe: dict[str, Any]) -> dict[str, Any]:
    """`view` became `input`, and its `views` became `draws`."""
    new = dict(recipe)
    if "view" in new:
        new["input"] = upgraded_input(new.pop("view"))
    return new


def upgraded_input(view: dict[str, Any]) -> dict[str, Any]:
    """The number of augmented `draws` and of a sampler's `clips` were both called views."""
    new = dict(view)
    if "views" in new:
        new["draws"] = new.pop("views")
    if "sample" in new:
        new["sample"] = new["sample"].replace("views=", "clips=")
    return new


def upgraded_caveats(facts: dict[str, Any]) -> dict[str, Any]:
    """`marks` became `caveats`, and "another view" became "another input"."""
    new = dict(facts)
    if "marks" in new:
        new["caveats"] = ["another input" if word == "another view" else word for word in new.pop("marks")]
    return new


def _epoch(epoch: dict[str, Any]) -> dict[str, Any]:
    return {("learning_rates" if name == "rates" else name): value for name, value in epoch.items()}
