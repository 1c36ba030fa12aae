"""Every metric once: how it is computed from counts, what it is called, its range, and which way is better.

Records keep counts; whoever reads one computes the metrics it knows. So a new metric holds for old records
too, and a record stays readable where a plugin's metric is not installed.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias

from dferbench.errors import ConfigError, DferbenchError, UnknownName
from dferbench.experiment.counts import Counts
from dferbench.registry.catalog import Catalog, Entry

Function: TypeAlias = "Callable[[Counts], float | None]"


def uar(counts: Counts) -> float | None:
    """Unweighted average recall: the mean recall of the classes that have test videos."""
    return _mean(counts.recalls)


def war(counts: Counts) -> float | None:
    """Weighted average recall: the share of all test videos that were recognised."""
    return 100 * counts.correct / counts.total if counts.total else None


def macro_f1(counts: Counts) -> float | None:
    """The mean F1 score of the classes that have test videos."""
    return _mean(counts.f1_scores)


def weighted_f1(counts: Counts) -> float | None:
    """The mean F1 score of the classes, each weighted by its number of test videos."""
    pairs = zip(counts.f1_scores, counts.videos, strict=True)
    total = sum(score * videos for score, videos in pairs if score is not None)
    return 100 * total / counts.total if counts.total else None


def top2(counts: Counts) -> float | None:
    """The share of test videos whose class is among the two with the highest logits."""
    return None if counts.top2 is None or not counts.total else 100 * counts.top2 / counts.total


def _mean(shares: Iterable[float | None]) -> float | None:
    """In percent, over those that are defined. A class that was predicted but has no video does not count;
    an average that took it for 0 would."""
    present = [share for share in shares if share is not None]
    return 100 * sum(present) / len(present) if present else None


@dataclass(frozen=True, slots=True)
class Metric:
    """One number that says how well a model did.

    `low` and `high` bound it, None where it has no bound. `needs` says which counts it is made of: records
    of earlier releases have no top-2 hits. `aliases` are other names that users and papers have for it.
    """

    name: str
    function: Function
    title: str
    about: str
    low: float | None = 0.0
    high: float | None = 100.0
    unit: str = "%"
    needs: Literal["confusion", "top-2 hits"] = "confusion"
    higher_is_better: bool = True
    aliases: tuple[str, ...] = ()
    over_classes: bool = False
    """Whether it is a mean over classes, which leaves out those without test videos."""
    origin: str = "dferbench"

    def of(self, counts: Counts) -> float | None:
        """Its value, or None where it is undefined or the counts that it needs were not kept.

        Raises ConfigError if the function of a plugin fails.
        """
        if not counts.total or (self.needs == "top-2 hits" and counts.top2 is None):
            return None
        try:
            found = self.function(counts)
            return float(found) if found is not None and math.isfinite(found) else None
        except ZeroDivisionError:
            return None
        except DferbenchError:
            raise
        except Exception as error:
            raise ConfigError(
                f"the metric '{self.name}' of {self.origin} failed: {type(error).__name__}: {error}",
                "Fix that plugin, or give the command without it.",
            ) from error

    def text(self, value: float | None) -> str:
        """A value as tables show it, with two decimals; "-" for none."""
        return "-" if value is None else f"{value:.2f}"

    @property
    def head(self) -> str:
        """Its title as the head of a column; percent goes without saying."""
        return self.title if self.unit in ("", "%") else f"{self.title} ({self.unit})"

    @property
    def range(self) -> str:
        """Its bounds as an interval, such as [0, 100]."""
        low = "(-inf" if self.low is None else f"[{self.low:g}"
        return f"{low}, inf)" if self.high is None else f"{low}, {self.high:g}]"

    def admits(self, value: float) -> bool:
        """Whether the value lies in its range."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def order(self, value: float | None) -> tuple[bool, float]:
        """A key that sorts values from best to worst, None last."""
        if value is None:
            return (True, 0.0)
        return (False, -value if self.higher_is_better else value)


Metrics: TypeAlias = "Mapping[str, Metric]"

METRICS: Metrics = {
    one.name: one
    for one in (
        Metric(
            "uar",
            uar,
            "UAR",
            "Unweighted average recall: the mean recall of the classes that have test videos.",
            aliases=("balanced-accuracy", "macro-recall"),
            over_classes=True,
        ),
        Metric(
            "war",
            war,
            "WAR",
            "Weighted average recall, which is accuracy: the share of all test videos that were recognised.",
            aliases=("accuracy", "weighted-recall", "micro-f1", "top1"),
        ),
        Metric(
            "macro-f1",
            macro_f1,
            "macro F1",
            "The mean F1 score of the classes that have test videos.",
            aliases=("f1",),
            over_classes=True,
        ),
        Metric(
            "weighted-f1",
            weighted_f1,
            "weighted F1",
            "The mean F1 score of the classes, each weighted by its number of test videos.",
        ),
        Metric(
            "top2",
            top2,
            "top-2 accuracy",
            "The share of test videos whose class is among the two with the highest logits.",
            needs="top-2 hits",
            aliases=("top-2", "top-2-accuracy", "top2-accuracy"),
        ),
    )
}
"""The host's own. A catalog holds these and those of plugins: see `registered`."""


def registered(catalog: Catalog) -> dict[str, Metric]:
    """Every metric that the host or a plugin registers; names that two of them claim are left out.

    Raises ConfigError for a registration that says what no metric has.
    """
    entries = catalog.entries["metrics"]
    return {name: _made(one) for name, one in entries.items() if ("metrics", name) not in catalog.contested}


def facts(one: Metric) -> dict[str, Any]:
    """What is registered next to a metric's name and function."""
    return {f.name: getattr(one, f.name) for f in fields(Metric) if f.name not in _GIVEN}


_GIVEN = ("name", "function", "origin")


def _made(entry: Entry) -> Metric:
    stated = dict(entry.facts)
    if odd := set(stated) - {f.name for f in fields(Metric)} | set(stated) & set(_GIVEN):
        choices = ", ".join(f.name for f in fields(Metric) if f.name not in _GIVEN)
        raise ConfigError(
            f"the metric '{entry.name}' of {entry.origin} is registered with '{min(odd)}'",
            f"Choose of {choices}.",
        )
    about = stated.pop("about", "") or inspect.getdoc(entry.value) or ""
    if stated.get("unit", "%") != "%":
        stated = {"low": None, "high": None, **stated}
    title = stated.pop("title", entry.name)
    return Metric(entry.name, _function(entry), title, about, origin=entry.origin, **stated)


def _function(entry: Entry) -> Function:
    """What is registered by its path is imported when it is first computed."""
    if isinstance(entry.value, str):
        return lambda counts: entry.load()(counts)
    function: Function = entry.value
    return function


def find(name: str, metrics: Metrics) -> Metric:
    """The metric of that name or alias; underscores and capitals do not count. Raises UnknownName."""
    plain = name.strip().lower().replace("_", "-")
    for one in metrics.values():
        if plain in (one.name, *one.aliases):
            return one
    raise UnknownName("metric", name.strip(), metrics)


@dataclass(frozen=True, slots=True)
class Columns:
    """The metrics that a report shows, and the one that ranks.

    `asked` says whether the user named it: what has an order of its own keeps it otherwise.
    """

    metrics: tuple[Metric, ...]
    by: Metric
    asked: bool = False

    @property
    def heads(self) -> list[str]:
        """Their titles."""
        return [one.head for one in self.metrics]


SHOWN = "uar,war"
"""The columns that are shown if the user asks for none."""


def columns(names: str = SHOWN, by: str = "", metrics: Metrics = METRICS) -> Columns:
    """The columns that `names`, parted by commas, ask for, ranked by `by`, the first of them if it is "".

    The metric that ranks is shown in any case. Raises UnknownName.
    """
    wanted = [find(name, metrics) for name in names.split(",") if name.strip()]
    wanted = wanted or [find(name, metrics) for name in SHOWN.split(",")]
    first = find(by, metrics) if by else wanted[0]
    return Columns(tuple(dict.fromkeys([*wanted, first])), first, bool(by))


def said(counts: Counts) -> str:
    """The columns that are shown by default, in words: UAR 63.41 WAR 74.43."""
    return " ".join(f"{one.title} {one.text(one.of(counts))}" for one in columns().metrics)
