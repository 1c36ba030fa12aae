"""Templates to HTML: every text is escaped, and made printable, whoever wrote it."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

import dferbench
from dferbench.printable import printable


@cache
def style_sheet() -> str:
    """The style sheet of all pages."""
    return _own("style.css")


@cache
def script() -> str:
    """The script of all pages, without which they can be read as well."""
    return _own("script.js")


def _own(name: str) -> str:
    return files("dferbench.pages").joinpath("templates", name).read_text(encoding="utf-8")


def one_file(template: str, **facts: Any) -> str:
    """A page that holds its style sheet and its script; a browser that obeys its policy fetches nothing."""
    digest = base64.b64encode(hashlib.sha256(script().encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:"
    own = {"inline": True, "css": Markup(style_sheet()), "script": Markup(script()), "root": ""}
    return _templates().get_template(template).render(**own, policy=policy, **_common(), **facts)


def linked(template: str, root: str, **facts: Any) -> str:
    """A page of a folder, whose style sheet and script lie at `root`, relative to it."""
    policy = (
        "default-src 'none'; style-src 'self' file: 'unsafe-inline'; script-src 'self' file:; img-src data:"
    )
    own = {"inline": False, "root": root}
    return _templates().get_template(template).render(**own, policy=policy, **_common(), **facts)


def _common() -> dict[str, str]:
    return {"version": dferbench.__version__}


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("dferbench.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _printable(value: Any) -> Any:
    """Text without controls and characters of direction, which would show what follows in another order."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else printable(value)
