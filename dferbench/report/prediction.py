"""Predictions for people and for programs: a table, JSON, CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dferbench.csv_text import csv_text
from dferbench.errors import ConfigError
from dferbench.files import finite, to_json
from dferbench.inference.prediction import PredictedVideos, Prediction, Span
from dferbench.report.caveats import meaning
from dferbench.report.fitted import fitted

BEST = 3
"""How many classes a table of several videos names."""


def table(found: PredictedVideos) -> str:
    """One video: its classes, the likeliest first, and its windows; several: a line each. Then what a reader
    must know about the model and the crops."""
    several = len(found.predicted) > 1
    blocks = [_lines(found)] if several else [_one(one, found.classes) for one in found.predicted]
    blocks += [f"failed: {one.video}: {one.reason}" for one in found.failed]
    notes = [f"* {meaning(caveat)}" for caveat in found.facts.get("caveats", [])]
    notes += [f"* {one.video}: {one.face.doubt}" for one in found.predicted if one.face and one.face.doubt]
    notes += [
        f"* {one.video}: a single picture, shown {one.still} times over as if it were a video"
        for one in found.predicted
        if one.still
    ]
    if found.settings["window"] and several:
        notes.append(f"* means over windows of {found.settings['window']} frames")
    return "\n\n".join(["\n".join(blocks), *(["\n".join(notes)] if notes else [])])


def _lines(found: PredictedVideos) -> str:
    rows = [
        [one.video, *(f"{name} {p:.3f}" for name, p in ranked(one.probabilities, found.classes)[:BEST])]
        for one in sorted(found.predicted, key=lambda one: one.video)
    ]
    heads = ["video", "first", "second", "third"][: 1 + min(BEST, len(found.classes))]
    return fitted(rows, heads)


def _one(one: Prediction, classes: Sequence[str]) -> str:
    rows = [[name, f"{p:.4f}"] for name, p in ranked(one.probabilities, classes)]
    blocks = [
        f"{one.video}, {one.frames} frames",
        fitted(rows, ["class", "probability"]),
    ]
    if len(one.spans) > 1:
        lines = [[_from_to(span), *_best(span, classes)] for span in one.spans]
        blocks[0] += f", mean over {len(one.spans)} windows"
        blocks.append(fitted(lines, ["window", "class", "probability"]))
    return "\n\n".join(blocks)


def ranked(probabilities: Sequence[float], classes: Sequence[str]) -> list[tuple[str, float]]:
    """Class and probability, the likeliest first; of equal ones the earlier class."""
    return sorted(zip(classes, probabilities, strict=True), key=lambda pair: -pair[1])


def _best(span: Span, classes: Sequence[str]) -> tuple[str, str]:
    name, p = ranked(span.probabilities, classes)[0]
    return name, f"{p:.4f}"


def _from_to(span: Span) -> str:
    if span.start is None or span.end is None:
        return f"frames {span.first}-{span.last}"
    return f"{span.start:.2f}-{span.end:.2f} s"


def as_json(found: PredictedVideos) -> str:
    """One object: the checkpoint's facts, the settings, the classes, every video and every failure."""
    windows = found.settings["window"] is not None
    videos = [_video(one, found.classes, windows) for one in found.predicted]
    failed = [{"video": one.video, "reason": one.reason} for one in found.failed]
    return to_json(
        finite(
            {
                "schema": 1,
                "checkpoint": dict(found.facts),
                "classes": list(found.classes),
                **found.settings,
                "videos": videos,
                "failed": failed,
            }
        )
    )


def _video(one: Prediction, classes: Sequence[str], windows: bool) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "video": one.video,
        "frames": one.frames,
        "best": ranked(one.probabilities, classes)[0][0],
        "probabilities": dict(zip(classes, one.probabilities, strict=True)),
    }
    if one.still:
        facts["still"] = True
    if one.face is not None:
        facts["face"] = asdict(one.face)
    if windows:
        facts["windows"] = [
            {
                "first": span.first,
                "last": span.last,
                "start": span.start,
                "end": span.end,
                "probabilities": dict(zip(classes, span.probabilities, strict=True)),
            }
            for span in one.spans
        ]
    return facts


def as_csv(found: PredictedVideos) -> str:
    """A line a video, or a window: where it lies, and the probability of each class, by its name."""
    rows: list[list[Any]] = [["video", "first", "last", "start", "end", *found.classes]]
    for one in found.predicted:
        for span in one.spans:
            place = [one.video, span.first, span.last, span.start, span.end]
            rows.append([*place, *(f"{p:.8g}" for p in span.probabilities)])
    return csv_text(rows)


FORMS = {".json": as_json, ".csv": as_csv}


def require_form(path: Path) -> None:
    """Raise ConfigError for a file whose ending is none of FORMS."""
    if path.suffix.lower() not in FORMS:
        raise ConfigError(f"--output {path} is neither .json nor .csv", "Choose one of these endings.")
