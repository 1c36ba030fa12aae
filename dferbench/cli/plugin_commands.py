"""Commands of plugins: each plugin fills an app of its own, and only what is free and sound is taken over."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import typer
from typer.main import get_command, get_command_name

from dferbench.careful import PluginFault, carefully
from dferbench.errors import ConfigError
from dferbench.registry.catalog import Catalog, broken

HOST = "dferbench"


def add_commands(app: typer.Typer, catalog: Catalog) -> None:
    """Give the app the commands of every plugin; what cannot be used is listed as broken."""
    owners = dict.fromkeys(_names(app), HOST)
    for origin, add in catalog.commands:
        own = typer.Typer()
        try:
            carefully(origin, partial(_filled, own, add))
            _take_over(app, own, origin, owners)
        except PluginFault as fault:
            catalog.broken.append(broken(origin, fault))


def _filled(app: typer.Typer, add: Callable[..., None]) -> None:
    """Let the plugin add its commands, and make click's command of each to see that it can be made."""
    add(app)
    names = _names(app)
    if app.registered_callback is not None:
        raise ValueError("it replaces the options of dferbench itself: @app.callback() is not for plugins")
    if names:
        app.callback()(lambda: None)
        get_command(app)


def _take_over(app: typer.Typer, own: typer.Typer, origin: str, owners: dict[str, str]) -> None:
    """Add the commands whose names are free. Raises PluginFault for the first that is not."""
    faults: list[str] = []
    for name, part, parts in _parts(own, app):
        if name not in owners:
            owners[name] = origin
            parts.append(part)
            continue
        faults.append(f"its command '{name}' is taken by {owners[name]}")
        if owners[name] != HOST:
            _make_unusable(app, name, [owners[name], origin])
    if faults:
        raise PluginFault("; ".join(faults))


def _make_unusable(app: typer.Typer, name: str, origins: Iterable[str]) -> None:
    """Neither of two plugins has the right to the name, so it says whose it is and does nothing."""

    def contested() -> None:
        raise ConfigError(
            f"the command '{name}' is claimed by {' and '.join(origins)}", "Uninstall or rename one of them."
        )

    app.registered_commands[:] = [one for one in app.registered_commands if _name(one) != name]
    app.registered_groups[:] = [one for one in app.registered_groups if _name(one) != name]
    settings = {"allow_extra_args": True, "ignore_unknown_options": True}
    app.command(name, context_settings=settings, help="Claimed by two plugins.")(contested)


def _parts(own: typer.Typer, app: typer.Typer) -> list[tuple[str, Any, list[Any]]]:
    """The name of each command and group of a plugin, itself, and the list of the host's app for its kind."""
    commands: list[tuple[str, Any, list[Any]]] = [
        (_name(one), one, app.registered_commands) for one in own.registered_commands
    ]
    return commands + [(_name(one), one, app.registered_groups) for one in own.registered_groups]


def _names(app: typer.Typer) -> list[str]:
    return [name for name, _, _ in _parts(app, app)]


def _name(part: Any) -> str:
    """What a command or group is called: as told, or as typer derives it. Raises ValueError for no text."""
    name = part.name
    inner = getattr(part, "typer_instance", None)
    if not name and inner is not None:
        name = inner.info.name
    if not name and callable(getattr(part, "callback", None)):
        name = get_command_name(part.callback.__name__)
    if not isinstance(name, str) or not name.isprintable() or not name.strip() or name.startswith("-"):
        raise ValueError(f"{name!r} is no name of a command")
    return name
