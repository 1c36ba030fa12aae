"""Records and checkpoint headers of earlier releases, in the words of this one."""

from __future__ import annotations

from typing import Any


def upgraded(record: dict[str, Any]) -> dict[str, Any]:
    """A record of schema 1 or 2 as one of schema 3 that has its curve: the same facts under new names; others
    as they are.

    Raises ValueError if it lacks what every record of schema 1 has.
    """
    if not isinstance(record, dict) or type(record.get("schema")) is not int:
        return record
    if record["schema"] == 2:
        return _with_inner_curve(record)
    try:
        return _with_inner_curve(_upgraded(record)) if record["schema"] == 1 else record
    except (AttributeError, TypeError) as error:
        raise ValueError(f"it is not built as records of schema 1 are ({error})") from None


def _with_inner_curve(record: dict[str, Any]) -> dict[str, Any]:
    """Until schema 2 the curve stood in the record, and nothing that follows from it."""
    added = {"schema": 3, "epochs": 0, "curve_sha256": "", "best_on_test": None}
    return {"curve": [], **record, **added}


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
