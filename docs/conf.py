"""The documentation site: `python -m sphinx -W -b html docs site`. Nothing is fetched for it."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math import latex2mathml

import dferbench

PUBLIC = ("dferbench", "dferbench.models", "dferbench.data", "dferbench.data.official", "dferbench.testing")
project = "dferbench"
author = copyright = "The dferbench developers"
release = version = dferbench.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["**/README.md"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"dferbench {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_math_renderer = "mathml"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
maximum_signature_line_length = 90
default_role = "code"
smartquotes = False
toc_object_entries = False

TICKS = re.compile(r"(`[^`]+`)")


def as_rest(app: Any, what: str, name: str, item: object, options: Any, lines: list[str]) -> None:
    """Docstrings are plain text with code in backticks: all else that reStructuredText would take for markup
    is escaped, and what is indented is shown as it stands."""
    found: list[str] = []
    for paragraph in "\n".join(lines).strip("\n").split("\n\n"):
        indented = all(line.startswith("    ") for line in paragraph.splitlines() if line)
        if indented and paragraph.strip():
            found += ["::", "", *paragraph.splitlines(), ""]
        else:
            found += [*map(_escaped, _without_indents(paragraph)), ""]
    lines[:] = found


def as_typed(
    app: Any, what: str, name: str, item: object, options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Signatures without the modules of types, and without defaults that only Python can read."""
    for pattern, better in ((r"~(?:\w+\.)*(\w+)", r"\1"), (r"<(?:[^<>]|<\w+>)*>", "...")):
        signature = signature and re.sub(pattern, better, signature)
        returns = returns and re.sub(pattern, better, returns)
    return signature, returns


def _without_indents(paragraph: str) -> list[str]:
    return paragraph.splitlines() if re.match(r"\s*- ", paragraph) else [" ".join(paragraph.split())]


def _escaped(line: str) -> str:
    parts = TICKS.split(line)
    return "".join(part if part.startswith("`") else re.sub(r"([*_|\\])", r"\\\1", part) for part in parts)


def inline_math(self: Any, node: nodes.math) -> None:
    """A formula within a line as MathML, which browsers draw themselves."""
    self.body.append(_mathml(node, False))
    raise nodes.SkipNode


def block_math(self: Any, node: nodes.math_block) -> None:
    """A formula of its own."""
    self.body.append(f'<div class="math">{_mathml(node, True)}</div>')
    raise nodes.SkipNode


def _mathml(node: nodes.Element, block: bool) -> str:
    return str(latex2mathml.tex2mathml(node.astext(), as_block=block))


OUTSIDE = re.compile(r"(?<=\]\()(\.\./[^)#\s]+\.md)(?:#[^)]*)?(?=\))")
"""The target of a link to another page, relative to the one that it stands in."""


def outside_pages_as_files(app: Any, name: str, source: list[str]) -> None:
    """Pages of the repository that are not in this folder become files to look at, as other files do."""
    here = (Path(app.srcdir) / name).parent

    def target(found: re.Match[str]) -> str:
        is_inside = (here / found[1]).resolve().is_relative_to(Path(app.srcdir).resolve())
        return found[0] if is_inside else f"path:{found[1]}"

    source[0] = OUTSIDE.sub(target, source[0])


def import_lazy_names() -> None:
    """Give each public module the names that it imports at their first use: autodoc lists what is there."""
    for name in PUBLIC:
        module = import_module(name)
        vars(module).update({one: getattr(module, one) for one in module.__all__})


def setup(app: Any) -> None:
    """Called by Sphinx."""
    import_lazy_names()
    app.connect("autodoc-process-docstring", as_rest)
    app.connect("autodoc-process-signature", as_typed)
    app.connect("source-read", outside_pages_as_files)
    app.add_html_math_renderer("mathml", (inline_math, None), (block_math, None))
