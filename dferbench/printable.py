"""What may reach a terminal: text without anything that a terminal obeys or that shows it in another order.

Records, suites, file names and plugins are written by others. Whatever is printed passes through a `Screened`
stream, so no verb can forget it; only what this program draws itself (bars, bold) goes around it.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from dferbench.errors import DferbenchError

_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls but tab and line end; then bidi marks and nothings
    "\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
    "\ud800-\udfff]"  # bytes of a name that is not UTF-8
)


def printable(text: str) -> str:
    r"""The text with each such character as \uXXXX, which inside JSON is the same character."""
    return _OBEYED.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def one_line(text: str) -> str:
    """Printable text without line ends or runs of blanks."""
    return printable(" ".join(text.split()))


class Screened:
    """A text stream that hands printable text alone to `stream`; everything else is as the stream has it.

    Where output cannot be written, results are not shown and an error says so (`matters`), while messages
    are dropped: a full disk below a log must not end the work that it tells of.
    """

    def __init__(self, stream: TextIO, *, matters: bool) -> None:
        self.unscreened, self._matters = stream, matters

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unscreened, name)

    def write(self, text: str) -> int:
        """Write printable text. Raises DferbenchError, and BrokenPipeError where the reader left."""
        clean = printable(text)
        if clean:  # typer probes streams with empty texts, and drops the errors of that
            with self._writing():
                self.unscreened.write(clean)
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Write several texts."""
        self.write("".join(lines))

    def flush(self) -> None:
        """Pass on what is held back. Raises as `write` does."""
        with self._writing():
            self.unscreened.flush()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            if isinstance(error, ValueError) and not self.unscreened.closed:
                raise
            if self._matters:
                self._let_go()
                raise self._reason(error) from error

    def _reason(self, error: OSError | ValueError) -> BaseException:
        if isinstance(error, BrokenPipeError):
            return error
        reason = error.strerror if isinstance(error, OSError) else error
        return DferbenchError(
            f"the output cannot be written: {reason or error}",
            "Free some space, or send it elsewhere; what runs have saved is intact.",
        )

    def _let_go(self) -> None:
        """Lead what is left of the output nowhere: at the end of the process it would fail once more."""
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.unscreened.fileno())


@contextmanager
def screened() -> Iterator[None]:
    """Let everything that is printed within pass through `Screened` streams."""
    kept = sys.stdout, sys.stderr
    sys.stdout = _screen(sys.stdout, matters=True)
    sys.stderr = _screen(sys.stderr, matters=False)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = kept


def _screen(stream: TextIO | None, *, matters: bool) -> Any:
    """The stream, screened once; a closed one (`>&-`) is replaced by one that leads nowhere."""
    if isinstance(stream, Screened):
        return stream
    if stream is None:
        stream = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - open as long as the process
    return Screened(stream, matters=matters)
