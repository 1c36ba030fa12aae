"""`dferbench cache`: cached features of frozen encoders, shared by runs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dferbench.errors import ConfigError, DataError, DferbenchError
from dferbench.files import json_text

if TYPE_CHECKING:
    from dferbench.feature_cache.store import Store


def cache(
    verify: Annotated[
        bool, typer.Option("--verify", help="Read all features and verify their checksums.")
    ] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Remove all cached features.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show, verify or remove the cached features of frozen encoders, which runs share.

    They lie in $DFERBENCH_FEATURES, else below $DFERBENCH_CACHE or the user's cache folder, or on a disk of
    this machine if that is on a network. $DFERBENCH_FEATURES_GB bounds them (10 if not set); 0 keeps none.
    Removing them changes no result: what is missing is computed again.
    """
    from dferbench.feature_cache import store as memory

    if verify and clear:
        raise ConfigError("--verify and --clear exclude each other", "Use one of them.")
    rows = [_row(store, verify) for store in memory.stores()]
    total = sum(row["bytes"] for row in rows)
    facts = {"schema": 1, "folder": str(memory.home()), "bytes": total, "bound": memory.bound()}
    if clear:
        memory.clear()
    if json_:
        typer.echo(json_text({**facts, "cleared": clear, "stores": rows}, indent=1))
    else:
        _tell(facts, rows, clear)
    damaged = [row for row in rows if row["damaged"]]
    if damaged and not clear:
        raise DataError(
            f"the features in {damaged[0]['name']} are damaged: {damaged[0]['damaged']}",
            "Runs compute such features again; dferbench cache --clear removes all.",
        )


def _row(store: Store, verify: bool) -> dict[str, Any]:
    """A store as plain data; "damaged" says what is wrong, None if nothing was found."""
    about, damaged, videos = store.about, None, None
    try:
        videos = store.count()
        spoiled = sum(not kept.whole for kept in store.every()) if verify else 0
        damaged = f"{spoiled} of {videos}" if spoiled else None
    except DferbenchError as error:
        damaged = error.message
    return {
        "name": store.folder.name,
        "bytes": store.size,
        "videos": videos,
        "used": datetime.fromtimestamp(store.used / 1e9).astimezone().isoformat(timespec="seconds"),
        "damaged": damaged,
        "about": about,
    }


def _tell(facts: dict[str, Any], rows: list[dict[str, Any]], clear: bool) -> None:
    from dferbench.report.fitted import fitted

    held = f"{_size(facts['bytes'])} of at most {_size(facts['bound'])}"
    typer.echo(f"{facts['folder']}: {'removed ' + _size(facts['bytes']) if clear else held}")
    if rows and not clear:
        heads = ["name", "holds", "input", "on", "videos", "size", "last used"]
        lines = [[*_words(row), row["videos"], _size(row["bytes"]), row["used"][:16]] for row in rows]
        typer.echo(fitted(lines, heads))


def _words(row: dict[str, Any]) -> list[str]:
    """A store's name, what it holds, how videos were seen, and on what it was computed."""
    about, input = row["about"], row["about"].get("input", {})
    if not about:
        return [row["name"], "unknown", "-", "-"]
    seen = f"{about.get('sees')} of {', '.join(about.get('backbones', {}))}, {about.get('precision')}"
    chance = (
        f", {input['augment'] or 'no augmentation'}, seed {about.get('seed')}" if "augment" in input else ""
    )
    looked = (
        f"{input.get('frames')} x {input.get('size')} px, {input.get('sample')}, {input.get('normalize')}"
    )
    return [row["name"], seen, looked + chance, str(about.get("device"))]


def _size(count: int) -> str:
    """Bytes in words: 1.2 GB, 34.5 MB."""
    return f"{count / 1e9:.2f} GB" if count >= 1e8 else f"{count / 1e6:.2f} MB"
