"""`dferbench verify`: whether results are what their records say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dferbench.cli.arguments import Device, Quiet, Root, Workers, number_of
from dferbench.cli.complete import dataset_names
from dferbench.errors import ConfigError, DataError, UnknownName
from dferbench.files import json_text

if TYPE_CHECKING:
    from dferbench.verification.verify import Verified


def verify(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder of the runs.")] = Path("runs"),
    level: Annotated[
        str,
        typer.Option(
            help="How thoroughly to check: form, hashes, re-scored (from predictions), lists (ids and labels "
            "of the dataset) or re-evaluated (the checkpoint, tested again)."
        ),
    ] = "re-scored",
    dataset: Annotated[
        str,
        typer.Option(
            "--dataset",
            "-d",
            help="The dataset whose lists count. Default: the one that each record names.",
            autocompletion=dataset_names,
        ),
    ] = "",
    root: Root = None,
    device: Device = "auto",
    workers: Workers = "auto",
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    quiet: Quiet = False,
) -> None:
    """Check finished runs against their files; leaderboards and tables then show what was proven."""
    from dferbench.verification.verdict import LEVELS, keep_verdicts

    if level not in LEVELS:
        raise UnknownName("level", level, LEVELS)
    if not folder.is_dir():
        raise ConfigError(
            f"there is no folder {folder}", "Run something first, or name the folder of the runs."
        )
    from dferbench.experiment.metrics import registered
    from dferbench.interface.progress import make_progress
    from dferbench.verification.lists import DatasetLists
    from dferbench.verification.verify import How, verify

    progress = make_progress(quiet or json_)
    lists = DatasetLists(context.obj, dataset, root, progress)
    how = How(level, lists, registered(context.obj), device, number_of(workers), progress)
    found = list(verify(folder, how))
    kept = keep_verdicts({one.sha256: one.verdict for one in found if one.sha256}) if found else None
    refused = [one for one in found if one.verdict.refused]
    if json_:
        facts = {"schema": 1, "level": level, "refused": len(refused), "runs": [_data(one) for one in found]}
        typer.echo(json_text(facts, indent=1))
    else:
        typer.echo("\n".join([*_lines(found), _counts(found, folder)]))
    if refused:
        raise DataError(
            f"{len(refused)} of {len(found)} records below {folder} are refused",
            "Tables leave them out. Ask who made them, or repeat those runs.",
        )
    if kept:
        typer.echo(f"Tables show it; it is kept in {kept}", err=True)


def _data(one: Verified) -> dict[str, Any]:
    return {
        "folder": one.folder,
        "sha256": one.sha256 or None,
        **asdict(one.verdict),
        "notes": list(one.notes),
    }


def _lines(found: Sequence[Verified]) -> list[str]:
    """Each refused record, then each thing that could not be checked, and of how many runs."""
    lines = [f"refused: {one.folder}: {one.verdict.refused}" for one in found if one.verdict.refused]
    notes: dict[str, list[str]] = {}
    for one in found:
        for note in one.notes:
            notes.setdefault(note, []).append(one.folder)
    for note, folders in notes.items():
        where = folders[0] if len(folders) == 1 else f"{len(folders)} runs, such as {folders[0]}"
        lines.append(f"not checked: {note} ({where})")
    return lines


def _counts(found: Sequence[Verified], folder: Path) -> str:
    """How many runs reached which level, per selection rule for which runs state numbers."""
    from dferbench.verification.verdict import LEVELS

    runs = "1 run" if len(found) == 1 else f"{len(found)} runs"
    rules = list(dict.fromkeys(rule for one in found for rule in one.rules))
    parts = []
    for rule in rules:
        counts = Counter(one.verdict.under(rule) for one in found if rule in one.rules)
        parts.append(
            f"{rule}: {', '.join(f'{counts[level]} {level}' for level in reversed(LEVELS) if counts[level])}"
        )
    return "; ".join([f"{runs} below {folder}", *parts])
