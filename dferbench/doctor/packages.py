"""Whether what is installed is what dferbench states that it needs, and can be imported."""

from __future__ import annotations

import importlib
import platform
from collections.abc import Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from dferbench.doctor.finding import Finding, tried
from dferbench.errors import ConfigError

OWN = "dferbench"
MODULES = {
    "opencv-python-headless": "cv2", "open-clip-torch": "open_clip", "pillow": "PIL",
}  # fmt: skip
"""Packages whose module has another name."""


def packages() -> Iterator[Finding]:
    """One finding for Python and for every package that dferbench's own metadata asks for here."""
    yield tried("Python", "Make an environment with a Python that fits.", _python)
    wanted = stated(OWN)
    # decord imported before torch makes CUDA calls crash later on.
    for name in sorted(wanted, key=lambda name: (name != "torch", name)):
        yield tried(name, install(name), partial(_package, wanted[name], wanted))


def stated(name: str) -> dict[str, Requirement]:
    """What the installed package asks for on this machine, without extras, by canonical name."""
    found = map(Requirement, requires(name) or [])
    here = (one for one in found if one.marker is None or one.marker.evaluate({"extra": ""}))
    return {canonicalize_name(one.name): one for one in here}


def install(name: str) -> str:
    """The next step for a package that is missing or does not work."""
    wanted = stated(OWN).get(canonicalize_name(name))
    asked = f"{wanted.name}{wanted.specifier}" if wanted else name
    return f"Install one that fits: pip install --upgrade '{asked}'."


def _python() -> str:
    here, asked = platform.python_version(), metadata(OWN)["Requires-Python"] or ""
    if not SpecifierSet(asked).contains(here, prereleases=True):
        raise ConfigError(f"{here} does not fit {asked}")
    return here


def _package(wanted: Requirement, others: dict[str, Requirement]) -> str:
    try:
        found = version(wanted.name)
    except PackageNotFoundError:
        raise ConfigError(f"it is not installed, and dferbench needs {_bounds(wanted)}") from None
    if not wanted.specifier.contains(found, prereleases=True):
        raise ConfigError(f"{found} is installed, and dferbench needs {_bounds(wanted)}")
    _require_company(wanted.name, found, others)
    name = canonicalize_name(wanted.name)
    importlib.import_module(MODULES.get(name, name.replace("-", "_")))
    return found


def _bounds(wanted: Requirement) -> str:
    return str(wanted.specifier) or "any"


def _require_company(name: str, found: str, others: dict[str, Requirement]) -> None:
    """What the package asks of our other packages holds too, as torchvision asks for one very torch."""
    for other, wanted in stated(name).items():
        if other not in others:
            continue
        there = version(other)
        if not wanted.specifier.contains(there, prereleases=True):
            raise ConfigError(
                f"{found} needs {other}{wanted.specifier}, and {there} is installed",
                f"Install both together: pip install --upgrade {name} {other}.",
            )
