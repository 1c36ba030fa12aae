"""Texts for Markdown and for LaTeX, with everything harmless that either would take for markup."""

from __future__ import annotations

from dferbench.printable import one_line

SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"{\ttfamily\char34}", "±": r"$\pm$",
    # A row may begin with these, and \\ before it would take them for its own argument or star.
    "[": "{[}", "]": "{]}", "*": "{*}",
}  # fmt: skip


def escape_latex(text: str) -> str:
    """The text as LaTeX prints it, in one line: every character that means something to LaTeX made to mean
    itself, and those that cannot be printed as \\uXXXX."""
    single = "".join(SPECIAL.get(character, character) for character in one_line(text))
    return single.replace("--", "-{}-")


def escape_markdown(text: str) -> str:
    """The text with everything that Markdown or a table cell would take for markup made harmless."""
    for character in r"\`*_{}[]<>#|~^$":
        text = text.replace(character, f"\\{character}")
    return text.replace("&", "&amp;")
