"""What a record says of a person and a machine, taken out: paths become the names of their files, and hosts,
users and command lines are removed. Numbers, classes and ids stay as they are."""

from __future__ import annotations

import getpass
import re
import socket
from collections.abc import Iterator, Mapping
from typing import Any

LEFT = frozenset(
    {"schema", "status", "method", "dataset", "classes", "config_id", "data", "videos", "metrics",
     "confusion", "curve_sha256", "files", "best_on_test", "val", "validation", "skipped", "folds"}
)  # fmt: skip
"""Fields of a record whose texts are names, numbers or hashes and hold nothing of a machine."""
REMOVED = re.compile(
    r"(?:host|host_?name|node|machine_?name|user|user_?name|login|home|cwd|argv|command|command_?line|ip|pid"
    r"|e?mail|working_?folder|slurm\w*)",
    re.IGNORECASE,
)
"""Names under which tools write down who ran something, where and how."""
FILES = frozenset({"file", "path", "root", "folder", "weights", "checkpoint"})
"""Names under which a relative path may stand, too."""
_ABSOLUTE = re.compile(r"(?:~[\w.-]*)?/[^/]|[A-Za-z]:[\\/]|\\\\[^\\]")
_WITHIN = re.compile(
    r"""(?:(?<![\w.:/\\])(?:~[\w.-]*)?/|(?<!\w)[A-Za-z]:[\\/]|(?<![\w\\])\\\\(?=\w))"""
    r"""(?:[^\s"'(),;=|<>/\\]+[/\\])+[^\s"'(),;=|<>/\\]*"""
)
SHORTEST = 4
"""Letters of a user's or host's name that are looked for as a word; shorter ones occur everywhere."""
COMMON = frozenset({"root", "user", "admin", "localhost", "ubuntu", "runner"})


def without_personal(stated: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """A record's plain data without what says who made it and where, and what was changed, in words that say
    nothing of it: the field, and what was done."""
    told: set[str] = set()
    words = _words()
    found = {
        name: value if name in LEFT else _cleaned(value, name, words, told) for name, value in stated.items()
    }
    return found, told


def is_of_a_machine(name: str) -> bool:
    """Whether an id of a video is a path that begins at the root of a file system or a home folder."""
    return bool(_ABSOLUTE.match(name))


def _words() -> re.Pattern[str] | None:
    """This machine's and user's names, as whole words."""
    names = {name for name in _names() if len(name) >= SHORTEST and name.lower() not in COMMON}
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(names)))})(?!\w)") if names else None


def _names() -> Iterator[str]:
    host = socket.gethostname()
    yield from {host, host.split(".")[0]}
    try:
        yield getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in containers
        return


def _cleaned(value: Any, place: str, words: re.Pattern[str] | None, told: set[str]) -> Any:
    if isinstance(value, str):
        return _text(value, place, words, told)
    if isinstance(value, list | tuple):
        return [_cleaned(one, place, words, told) for one in value]
    if not isinstance(value, Mapping):
        return value
    kept = {}
    for name, one in value.items():
        if REMOVED.fullmatch(name):
            told.add(f"{place}.{name}: removed")
        else:
            kept[_text(name, place, words, told)] = _cleaned(one, f"{place}.{name}", words, told)
    return kept


def _text(text: str, place: str, words: re.Pattern[str] | None, told: set[str]) -> str:
    """The text with paths reduced to the names of their files, and names of this machine replaced."""
    place = _WITHIN.sub("...", place)
    last = place.rpartition(".")[2]
    short = _base(text) if _ABSOLUTE.match(text) or _is_relative(text, last) else _WITHIN.sub(_base_of, text)
    if short != text:
        told.add(f"{place}: of paths, the names of files are left")
    plain = words.sub("...", short) if words else short
    if plain != short:
        told.add(f"{place}: the name of the machine or user is replaced")
    return plain


def _is_relative(text: str, last: str) -> bool:
    return last in FILES and "://" not in text and bool(re.search(r"[/\\]", text))


def _base_of(match: re.Match[str]) -> str:
    return _base(match[0])


def _base(path: str) -> str:
    """The last part of a path of any system."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]
