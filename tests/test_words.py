"""Words that only this project used for what the field has a name for: none is left where a user reads."""

import ast
import re

import pytest
from conftest import ROOT

RETIRED = {
    r"\b[Mm]end(s|ed|ing)?\b": "fix",
    r"\bmultiply-adds\b": "MACs",
    r"\bbeside\b": "next to, in addition to",
    r"\b[Oo]ptimiser": "optimizer",
    r"\bgoes on\b": "continues",
    r"(?<![Ll]earning )(?<!published )\brates\b": "learning rates",
    r"(?<!here )\b(is|are) no (file|number|text|video|image|list|box|class|label|table)s?\b": "is not a",
    r"\bview\.(frames|size|sample|normalize|augment|views)\b": "input.*",
    r"\bmarks\b(?! (no|each|every|the run|this|a |an |plugin|stage))": "caveats",
    r"\bsnippets whose order is learned\b": "say what is predicted",
    r"\bwants\b": "needs, must be",
    r"\bsquash": "resized, ignoring the aspect ratio",
    r"\bas of (no|another) program\b": "say which file it is",
}
"""A pattern, and what to write instead."""
DOCS = [path for path in (ROOT / "docs").rglob("*.md") if not {"decisions", "reference"} & {*path.parts}]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS)]
CODE = sorted([*(ROOT / "dferbench").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")])
CODE.remove(ROOT / "dferbench" / "experiment" / "old_records.py")  # reads what earlier releases wrote


def texts(path):
    """Strings of more than a word with their lines: help, messages, cards, docstrings; lines of a page."""
    if path.suffix != ".py":
        yield from enumerate(path.read_text().splitlines(), 1)
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, " ".join(node.value.split())


def found(text):
    return [(match[0], better) for pattern, better in RETIRED.items() for match in re.finditer(pattern, text)]


@pytest.mark.parametrize(
    ("text", "better"),
    [
        ("Mend the line.", "fix"),
        ("9.5 G multiply-adds", "MACs"),
        ("the rates stay", "learning rates"),
        ("x.txt is no file", "is not a"),
        ("--set view.frames=8", "input.*"),
    ],
)
def test_the_test_can_fail(text, better):
    assert [said for _, said in found(text)] == [better]


def test_no_retired_word_is_left():
    left = {
        f"{path.relative_to(ROOT)}:{line}: {word!r}, better: {better}"
        for path in [*PAGES, *CODE]
        for line, text in texts(path)
        for word, better in found(text)
    }
    assert not left, "\n".join(sorted(left))
