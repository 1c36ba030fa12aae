"""What a configuration costs, in one number: what its records counted, or what its method's package keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from dferbench.errors import UnknownName
from dferbench.experiment.record import Record
from dferbench.profiling import costs


@dataclass(frozen=True)
class Spending:
    """A kind of cost: its title, its unit ("" for a count), and how it is told of one configuration, None
    where it is not known."""

    title: str
    unit: str
    of: Callable[[Sequence[Record]], float | None]


def device_of(group: Sequence[Record]) -> str:
    """On what the runs were made, such as "cpu"; several are parted by commas."""
    return ", ".join(sorted({str(one.environment.get("device", "unknown device")) for one in group}))


def _counted(name: str) -> Callable[[Sequence[Record]], float | None]:
    def count(group: Sequence[Record]) -> float | None:
        return float(found) if (found := group[0].parameters.get(name)) else None

    return count


def _macs(group: Sequence[Record]) -> float | None:
    """Those that are kept are of the method's default options, so they say nothing of others."""
    first = group[0]
    kept = None if first.given or first.outside else costs.kept(first.origin, first.method)
    return float(kept.macs) if kept else None


def _seconds(group: Sequence[Record]) -> float | None:
    """The mean of the runs; those that only tested a checkpoint, or were made elsewhere, trained nothing."""
    if any(one.checkpoint or one.outside or not one.seconds for one in group):
        return None
    return fmean(one.seconds for one in group)


SPENDINGS: Mapping[str, Spending] = {
    "parameters": Spending("parameters", "", _counted("total")),
    "trained": Spending("trained parameters", "", _counted("trained")),
    "macs": Spending("MACs of testing one video", "", _macs),
    "seconds": Spending("time of a run", "s", _seconds),
}


def in_units(kind: Spending, costs: Sequence[float]) -> tuple[str, float]:
    """The unit in which costs are easily read, and how many of the cost's own it is."""
    if kind.unit != "s" or max(costs) < 600:
        return kind.unit, 1.0
    return ("h", 3600.0) if max(costs) >= 7200 else ("min", 60.0)


def find(name: str) -> Spending:
    """The kind of cost of that name. Raises UnknownName."""
    if name not in SPENDINGS:
        raise UnknownName("cost", name, SPENDINGS)
    return SPENDINGS[name]
