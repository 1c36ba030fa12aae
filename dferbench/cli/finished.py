"""The runs that a command line names, by their folders or those above them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dferbench.errors import ConfigError

if TYPE_CHECKING:
    from dferbench.experiment.metrics import Metrics
    from dferbench.experiment.record import Record
    from dferbench.verification.verdict import Verdicts


def finished(paths: list[Path], known: Metrics, verdicts: Verdicts | None = None) -> list[Record]:
    """The finished records at and below the paths, each once; what is left out is said.

    Raises ConfigError where there is none.
    """
    from dferbench.experiment import record
    from dferbench.report.leaderboard import load

    found: dict[str, Record] = {}
    for path in paths:
        if not path.is_dir():
            one = record.read(path, known) if path.exists() else None
            if one is None or one.status != "done":
                raise ConfigError(
                    f"there is no finished run at {path}", "Name the folder of a run, or of runs."
                )
            found[one.folder] = one
            continue
        records, problems = load(path, known, verdicts=verdicts)
        for problem in problems:
            typer.echo(problem, err=True)
        found |= {one.folder: one for one in records}
    if not found:
        raise ConfigError(
            f"there is no finished run below {paths[0]}", "Run something: dferbench run --help."
        )
    return list(found.values())
