"""`dferbench config`: each configured value, and where it comes from."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from dferbench import configuration
from dferbench.configuration import NAME, Configured
from dferbench.errors import ConfigError
from dferbench.files import json_text
from dferbench.variables import ROOTS


def config(
    trust: Annotated[
        bool | None,
        typer.Option(
            "--trust/--no-trust",
            help=f"Allow the {NAME} of this folder to load the plugins that it names, or no longer.",
            show_default=False,
        ),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show each configured value and where it comes from."""
    roots = _roots_of_environment()
    stronger = {one.key for one in roots}
    stated = [*roots, *(one for one in configuration.settings() if one.key not in stronger)]
    local = [one for one in stated if one.key == "plugins" and one.file == Path(NAME)]
    if trust is not None:
        _set_trust(local, trust)
    trusted = _is_trusted(local)
    if json_:
        shown = [{k: v for k, v in asdict(one).items() if k != "file"} for one in stated]
        files = [str(Path(NAME).absolute()), str(configuration.config_file())]
        typer.echo(json_text({"schema": 1, "settings": shown, "trusted": trusted, "files": files}))
    else:
        typer.echo(_as_text(stated, local if not trusted else []))


def _roots_of_environment() -> list[Configured]:
    """As `dferbench.places` reads them: by the dataset's name in capitals."""
    found = [(name, os.environ[name]) for name in sorted(os.environ) if name.startswith(ROOTS)]
    return [
        Configured(f"roots.{name.removeprefix(ROOTS).lower().replace('_', '-')}", value, f"${name}")
        for name, value in found
        if value
    ]


def _set_trust(local: list[Configured], trust: bool) -> None:
    from dferbench import trust as trusts

    if not trust:
        trusts.distrust(Path(NAME))
    elif not local:
        raise ConfigError(f"no {NAME} in this folder names plugins", "There is nothing to trust.")
    else:
        trusts.trust(Path(NAME), [one.value for one in local])


def _is_trusted(local: list[Configured]) -> bool:
    from dferbench.trust import is_trusted

    return bool(local) and is_trusted(Path(NAME), [one.value for one in local])


def _as_text(stated: list[Configured], idle: list[Configured]) -> str:
    from dferbench.report.fitted import fitted

    files = f"{NAME} (in the working folder), {configuration.config_file()}"
    if not stated:
        return f"Nothing is configured. Files that are read: {files}."
    lines: list[list[Any]] = [
        [one.key, one.value, one.source + (" (not trusted: not loaded)" if one in idle else "")]
        for one in stated
    ]
    return f"{fitted(lines, ['setting', 'value', 'from'])}\n\nFiles that are read: {files}."
