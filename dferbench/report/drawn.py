"""What rich draws: its escapes go around the screen of the streams, so the texts in it are made printable."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dferbench.printable import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


def console(*, stderr: bool = False, width: int | None = None) -> Console:
    """A console on stdout or stderr that takes no text for markup."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    file = getattr(stream, "unscreened", stream)
    return Console(file=file, width=width, markup=False, highlight=False, emoji=False)


def text(content: object, style: str = "", **more: str) -> Text:
    """A text of any origin, shown as it is."""
    from rich.text import Text

    return Text(printable(str(content)), style=style, **more)  # type: ignore[arg-type]


def assembled(*parts: str | tuple[str, str]) -> Text:
    """Texts of any origin in a row, each plain or with its style."""
    whole = text("")
    for part in parts:
        whole.append_text(text(*((part,) if isinstance(part, str) else part)))
    return whole
