"""How the rows of a suite stand: what is done, what is to do and may cost, and who is at it now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dferbench import collector
from dferbench.files import json_text

if TYPE_CHECKING:
    from dferbench.experiment.plan import Looked, Plan
    from dferbench.experiment.record import Record
    from dferbench.experiment.rows import Experiment
    from dferbench.experiment.suite import Row, Suite
    from dferbench.registry.catalog import Catalog

NO_PLUGIN = "no plugin"


@dataclass(frozen=True)
class Status:
    """How a row stands; `plan` is None for a row whose method nobody registers."""

    row: Row
    plan: Plan | None = None
    done: int = 0
    epochs: int = 0
    videos: tuple[int, int] | None = None
    seconds: float | None = None
    """What the remaining runs will take, or None if nothing is known."""
    source: str = ""
    """What that was told from."""
    bad: str = ""
    """What is wrong with the first record that cannot be used, and what to do about it."""
    unusable: int = 0
    held: tuple[str, ...] = ()
    """Who is at runs of the row now."""
    looked: Looked = field(default_factory=dict)
    """What lay in the folder of each run."""

    @property
    def todo(self) -> int:
        """Runs without a record; one that cannot be used may hold a result, and is left as it is."""
        return len(self.plan.runs) - self.done - self.unusable if self.plan else 0


@collector.paused(keep=True)
def statuses(found: Sequence[Experiment], *, costs: bool) -> list[Status]:
    """Every row's plan and what is done of it; `costs` also counts videos and estimates time."""
    plans = [one.plan() for one in found]
    videos, records = _at_hand(plans[0]) if costs else (None, {})
    macs = _macs(found[0].catalog) if costs else {}
    return [_status(e, plan, videos, records, macs) for e, plan in zip(found, plans, strict=True)]


def _macs(catalog: Catalog) -> dict[str, int]:
    """The MACs of one video, of the methods whose packages keep them."""
    from dferbench.profiling import costs

    entries = catalog.entries["methods"].items()
    return {name: cost.macs for name, entry in entries if (cost := costs.kept(entry.origin, name))}


def _at_hand(plan: Plan) -> tuple[tuple[int, int] | None, dict[str, Record]]:
    """How many videos there are, and the finished records of the dataset by their folders."""
    from dferbench.profiling.estimate import count_videos
    from dferbench.report.leaderboard import load

    folder = plan.request.output / plan.task.dataset
    found = load(folder, plan.metrics)[0] if folder.is_dir() else []
    return count_videos(plan), {one.folder: one for one in found}


def _status(
    one: Experiment,
    plan: Plan,
    videos: tuple[int, int] | None,
    records: Mapping[str, Record],
    macs: Mapping[str, int],
) -> Status:
    from dferbench.experiment.record import BadRecord
    from dferbench.profiling.estimate import estimate
    from dferbench.runner.claims import holder_of

    looked = dict.fromkeys(plan.runs) if plan.request.force else plan.look(records)
    bad = [f"{one}. {one.hint}" for one in looked.values() if isinstance(one, BadRecord)]
    done = sum(map(plan.keeps, looked.values()))
    todo = len(plan.runs) - done - len(bad)
    each = estimate(plan, videos, list(records.values()), macs) if todo else None
    cost = each.seconds * todo if each else None if todo else 0.0
    source = each.source if each else ""
    held = tuple(str(holder) for run in plan.runs if (holder := holder_of(plan.folder(*run))))
    return Status(
        row=one.row,
        plan=plan,
        done=done,
        epochs=one.epochs,
        videos=videos,
        seconds=cost,
        source=source,
        bad="".join(bad[:1]),
        unusable=len(bad),
        held=held,
        looked=looked,
    )


def as_json(suite: Suite, stand: Sequence[Status], failed: dict[int, str]) -> str:
    """One JSON object with how every row stands; `failed` says why rows failed, by their number."""
    rows = [_as_data(one, failed.get(one.row.number, "")) for one in _in_order(stand)]
    return json_text({"schema": 1, "suite": suite.name, "rows": rows})


def _in_order(stand: Sequence[Status]) -> list[Status]:
    return sorted(stand, key=lambda one: one.row.number)


def _as_data(one: Status, error: str) -> dict[str, Any]:
    row, plan = one.row, one.plan
    state = "failed" if error else NO_PLUGIN if plan is None else "to do" if one.todo else "done"
    return {
        "number": row.number, "label": row.label, "group": row.group, "method": row.method,
        "options": dict(row.sets), "status": state, "error": error, "done": one.done, "todo": one.todo,
        "epochs": one.epochs, "videos": one.videos and dict(zip(("train", "test"), one.videos, strict=True)),
        "seconds": one.seconds, "seconds_from": one.source, "held": list(one.held),
        "folder": str(plan.folder(*plan.runs[0]).parent) if plan else None,
    }  # fmt: skip


def as_text(stand: Sequence[Status]) -> str:
    """A table for a terminal, what is to do in it, and who is at it."""
    from dferbench.report.fitted import fitted

    heads = [
        "#",
        "row",
        "method",
        "options",
        "done",
        "to do",
        "epochs",
        "train/test",
        "time to do",
        "told from runs of",
    ]
    lines = [_plan_line(one) for one in _in_order(stand)]
    known = [one.seconds for one in stand if one.seconds is not None]
    unknown = sum(one.seconds is None and one.todo > 0 for one in stand)
    total = f"together about {clock(sum(known))}" if known else "together unknown"
    rest = f", and {unknown} rows unknown: nothing like them has been run yet" if known and unknown else ""
    held = "".join(f"\nrow {one.row.number} is being run by {who}" for one in stand for who in one.held)
    return f"{fitted(lines, heads, labels=2)}\n\n{total}{rest}{held}"


def _plan_line(one: Status) -> list[str]:
    row = one.row
    words = [str(row.number), row.label, row.method, " ".join(f"{k}={v}" for k, v in row.sets.items())]
    if one.plan is None:
        return [*words, NO_PLUGIN, "", "", "", "", ""]
    videos = "unknown" if one.videos is None else f"{one.videos[0]}/{one.videos[1]}"
    time = "unknown" if one.seconds is None else clock(one.seconds)
    return [*words, str(one.done), str(one.todo), str(one.epochs), videos, time, one.source]


def clock(seconds: float) -> str:
    """Seconds as a person would say them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
