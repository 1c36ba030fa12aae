"""Do the records of one run, made by different releases, agree? Prints them; exits 1 if they do not.

`python .ci/compare.py NAME=record.json ...`: the first is what the others are held against.

What must be the same to the last bit: the config id (options, recipe, everything that changes a result), the
data (ids, labels and splits), the classes, and how many test videos of each class were judged. What may
differ: the weights and with them a verdict or two, since another torch adds in another order and 90 steps of
training make a large difference of the smallest. The drawn files differ by the name of the program that wrote
them; from PyAV 17 to 19 they decode to the same pixels, but nothing promises that of the next x264.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TOLERANCE = 3.2
"""Percentage points of UAR and of WAR: two verdicts in the main job's smallest class, of nine videos."""
PACKAGES = ("torch", "av", "numpy")


def rates(confusion: list[list[int]]) -> tuple[float, float]:
    """UAR and WAR in percent of a confusion matrix whose rows are the truth."""
    rows = [(row[i], sum(row)) for i, row in enumerate(confusion) if sum(row)]
    return (
        100 * sum(hit / count for hit, count in rows) / len(rows),
        100 * sum(hit for hit, _ in rows) / sum(count for _, count in rows),
    )


def final(record: dict[str, Any]) -> list[list[int]]:
    """The test confusion matrix after the last epoch."""
    matrix: list[list[int]] = record["confusion"]
    return matrix


def differences(first: dict[str, Any], other: dict[str, Any], tolerance: float = TOLERANCE) -> list[str]:
    """What keeps two records from being the same experiment with the same result."""
    both = (first, other)
    if unfinished := [one["status"] for one in both if one["status"] != "done" or not one["confusion"]]:
        return [f"not finished: {', '.join(unfinished)}"]
    found = [key for key in ("config_id", "data", "classes", "videos") if first[key] != other[key]]
    one, two = final(first), final(other)
    if [sum(row) for row in one] != [sum(row) for row in two]:
        found.append("test videos of each class")
    for name, a, b in zip(("UAR", "WAR"), rates(one), rates(two), strict=True):
        if abs(a - b) > tolerance:
            found.append(f"{name} {a:.2f} and {b:.2f}, more than {tolerance:g} apart")
    return found


def row(name: str, record: dict[str, Any] | None, tests: str) -> list[str]:
    """One line of the table; what there is no record of stays open."""
    if record is None:
        return [name, *"-" * (len(PACKAGES) + 3), tests]
    environment = record["environment"]
    versions = [environment["packages"].get(package) or "-" for package in PACKAGES]
    figures = [f"{rate:.2f}" for rate in rates(final(record))] if record["confusion"] else ["-", "-"]
    return [name, environment["python"], *versions, *figures, tests]


def table(records: dict[str, dict[str, Any] | None], tests: dict[str, str]) -> str:
    """Versions, results of the main job and of the tests, an environment a line."""
    lines = [["environment", "python", *PACKAGES, "UAR", "WAR", "tests"]]
    lines += [row(name, record, tests.get(name, "not run")) for name, record in records.items()]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def disagreements(records: dict[str, dict[str, Any] | None]) -> list[str]:
    """Every environment that left no record, or another result than the first one that did."""
    found = [f"{name}: no record" for name, record in records.items() if record is None]
    there = {name: record for name, record in records.items() if record is not None}
    reference = next(iter(there), "")
    for name, record in there.items():
        found += [f"{name} against {reference}: {what}" for what in differences(there[reference], record)]
    return found


def main(arguments: list[str]) -> int:
    """Compare the records named; 1 if they disagree."""
    named = dict(argument.split("=", 1) for argument in arguments)
    records = {
        name: json.loads(Path(path).read_text()) if Path(path).is_file() else None
        for name, path in named.items()
    }
    print(table(records, {}))
    found = disagreements(records)
    print("\n".join(found) or f"UAR and WAR agree within {TOLERANCE:g} points")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
