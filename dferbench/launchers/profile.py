"""Options of a launcher that stay the same on a cluster, in a TOML file that a lab shares."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from dferbench.documents import from_toml, read_text
from dferbench.errors import ConfigError
from dferbench.files import expand
from dferbench.places import config_file
from dferbench.registry.options import validated
from dferbench.types import Options

_Model = TypeVar("_Model", bound=Options)


def with_profile(model: type[_Model], launcher: str, stated: Mapping[str, Any]) -> _Model:
    """The options as stated, then as in the file that `profile` names, then at their defaults.

    An option that is None was not stated. Raises ConfigError or UnknownName for a file that is not there, is
    no TOML, or has an option that does not exist or a value that does not fit.
    """
    given = {name: value for name, value in stated.items() if value is not None and name != "profile"}
    if not stated.get("profile"):
        return model(**given)
    path = profile_path(launcher, stated["profile"])
    kept = validated(model, _read(path), f"the profile {path} of launcher {launcher}")
    return model(**{**{name: value for name, value in kept.items() if value is not None}, **given})


def profile_path(launcher: str, profile: str) -> Path:
    """Where a profile lies: a path, or a name for `<configuration>/<launcher>/NAME.toml`."""
    if "/" in profile or profile.endswith(".toml"):
        return expand(profile)
    return config_file().with_name(launcher) / f"{profile}.toml"


def _read(path: Path) -> dict[str, Any]:
    try:
        found = from_toml(read_text(path))
    except FileNotFoundError:
        there = ", ".join(sorted(one.stem for one in path.parent.glob("*.toml"))) or "none"
        raise ConfigError(
            f"there is no profile {path}", f"Write it, with a line such as time = '4:00:00'. There: {there}."
        ) from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"the profile {path} cannot be read: {error}", "Fix the file.") from error
    if "profile" in found:
        raise ConfigError(f"the profile {path} names a profile itself", "Put all options into one file.")
    return found
