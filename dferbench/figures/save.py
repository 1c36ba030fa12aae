"""Files of pictures: the same figure gives the same bytes."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from dferbench.errors import ConfigError
from dferbench.figures.style import own_settings
from dferbench.figures.words import sentence
from dferbench.files import write_atomic

FORMS = (".svg", ".png", ".pdf")


def require_form(path: Path) -> None:
    """Raise ConfigError for a file whose name ends with none of FORMS."""
    if path.suffix.lower() not in FORMS:
        raise ConfigError(
            f"a picture's name must end in {', '.join(FORMS[:-1])} or {FORMS[-1]}, got {path.name!r}",
            f"Choose such a name: -o {path.stem or 'figure'}.svg",
        )


def save(figure: Figure, path: Path) -> None:
    """Write a drawn figure atomically as SVG, PNG or PDF, as the name ends; its description goes with it.

    Raises ConfigError for another ending, DferbenchError if it cannot be written.
    """
    require_form(path)
    form = path.suffix[1:].lower()
    write_atomic(path, content_of(figure, form, _facts(form, sentence(figure))))


def content_of(figure: Figure, form: str, facts: dict[str, Any], **settings: Any) -> bytes:
    """What the file of a figure holds, with its metadata and settings of matplotlib."""
    buffer = io.BytesIO()
    with own_settings(settings), _silent():
        figure.savefig(buffer, format=form, metadata=facts, facecolor=figure.get_facecolor())
    return buffer.getvalue()


def _facts(form: str, alt: str) -> dict[str, Any]:
    """The metadata of a form: the text for who cannot see the picture, no date and no program."""
    title = alt.split(":")[0]
    if form == "svg":
        return {"Title": title, "Description": alt, "Date": None, "Creator": None}
    if form == "pdf":
        return {"Title": title, "Subject": alt, "CreationDate": None, "Creator": None, "Producer": None}
    return {"Title": title, "Description": alt, "Software": None}


@contextmanager
def _silent() -> Iterator[None]:
    """Without words on letters that the font lacks: they are drawn as boxes, which nobody here can fix."""
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph ", category=UserWarning)
            yield
    finally:
        logger.setLevel(level)
