"""Text lists and tables as they are passed around: any encoding, separator, header and line end of them."""

from __future__ import annotations

import csv
import io
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dferbench.errors import DataError

LARGEST = 64 * 2**20
"""Bytes; a list of a million videos has less."""
ROWS, COLUMNS = 200_000, 64
"""The most that is read of an .xlsx file, which can claim a million rows of 16,384 cells in a few bytes."""
HEADERS = {"video_name", "path", "id", "clip", "name", "video", "file", "filename", "order"}
LABELS = {"label", "labels", "emotion", "class"}
"""First and last fields that show a line to be a header."""


@dataclass(frozen=True, slots=True)
class ListRow:
    """One line of a list: which video, its label as written, its number of frames if stated, line number."""

    video: str
    label: str
    frames: int | None
    line: int


def shown(text: str) -> str:
    """A text of unknown origin as an error may quote it: short, in quotes, without control characters."""
    return repr(text if len(text) <= 80 else f"{text[:77]}...")


def listed(labels: Iterable[str]) -> str:
    """Labels of unknown origin as an error may list them: the first twelve."""
    found = sorted(set(labels), key=lambda label: (len(label), label))
    words = [label if len(label) < 20 and label.isprintable() else shown(label) for label in found[:12]]
    return ", ".join(words) + (", ..." if len(found) > 12 else "")


def read_text(path: Path, largest: int = LARGEST) -> str:
    """The text of a list: UTF-8 with or without a byte order mark, UTF-16 with one, else GBK or Windows-1252.

    GBK is read as GB18030, which contains it and has the rarer characters too. Its characters are pairs of
    bytes that are rarely ASCII; Western letters of Windows-1252 mostly stand alone between ASCII letters.
    Raises DataError.
    """
    data = _read(path, largest)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: Sequence[str] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", *(("cp1252", "gb18030") if _is_western(data) else ("gb18030", "cp1252")))
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise DataError(
        f"{path} is not a text file in UTF-8, UTF-16, GBK or Windows-1252",
        "Give a list of videos, one line each; in Excel, save it as 'CSV UTF-8'.",
    )


def _is_western(data: bytes) -> bool:
    """Whether most bytes beyond ASCII stand alone."""
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", data)]
    return 2 * sum(length == 1 for length in runs) > sum(runs)


def separator_of(lines: Sequence[str]) -> tuple[str, Sequence[str]]:
    """What Excel's first line `sep=;` says, "" without one, and the other lines."""
    first = lines[0].strip().lower() if lines else ""
    return (first[4:], lines[1:]) if re.fullmatch(r"sep=[,;\t]?", first) else ("", lines)


def _read(path: Path, largest: int = LARGEST) -> bytes:
    """The bytes of a list. Raises DataError for what is not a file, such as a pipe, or is far too large."""
    try:
        said = path.stat()
        if not stat.S_ISREG(said.st_mode) or said.st_size > largest:
            what = "too large for a list" if stat.S_ISREG(said.st_mode) else "not a file"
            raise DataError(f"{path} is {what}", "Name the list itself.")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error})", "Check the path.") from error


def read_rows(path: Path) -> list[ListRow]:
    """The lines of a list. Raises DataError that names the file and the line.

    A line is `video label`, `video frames label` or, between tabs, `video label caption ...`, separated by
    commas, semicolons, tabs or blanks; a first line that begins with one of HEADERS or ends with one of
    LABELS is a header. Blanks inside a path are part of it, because frames and label are taken from the
    right. The first sheet of an .xlsx file is read in the same way.
    """
    if path.suffix.lower() == ".xlsx":
        lines: Sequence[str] = ["\t".join(row) for row in read_table(path)]
    else:
        lines = read_text(path).splitlines()
    said, kept = separator_of(lines)
    rows = []
    for number, line in enumerate(kept, 1 + len(lines) - len(kept)):
        if not line.strip() or (line is kept[0] and _is_header(line, said)):
            continue
        rows.append(_row(line, path, number, said))
    if not rows:
        raise DataError(f"{path} lists no videos", "Give a list with one line a video.")
    return rows


def _is_header(line: str, said: str) -> bool:
    fields = [field.lower() for field in _fields(line, said)]
    return fields[0] in HEADERS or fields[-1] in LABELS


def _fields(line: str, said: str = "") -> list[str]:
    """The fields of a line that is not blank; between blanks, those of `video frames label`.

    Of commas and semicolons the last one separates, for what precedes it may be a path that holds the other.
    `said` is the separator that the file itself names.
    """
    found = "\t" if "\t" in line else max(",;", key=line.rfind)
    separator = said or found
    if separator in line:
        # Quotes mean something around a field of a CSV, and nothing in a caption between tabs.
        fields = line.split(separator) if separator == "\t" else _quoted(line, separator)
        return [field.strip() for field in fields]
    fields = line.strip().rsplit(None, 2)
    return fields if len(fields) < 3 or fields[1].isdecimal() else line.strip().rsplit(None, 1)


def _quoted(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator))
    except csv.Error:  # a field of more than 131,072 characters
        return [line]


def _row(line: str, path: Path, number: int, said: str = "") -> ListRow:
    fields = _fields(line, said)
    if "\t" in line and len(fields) >= 2 and not fields[1].isdecimal():
        fields = fields[:2]
    if len(fields) == 2 and all(fields):
        return ListRow(fields[0], fields[1], None, number)
    if len(fields) == 3 and all(fields) and fields[1].isdecimal() and len(fields[1]) < 10:
        return ListRow(fields[0], fields[2], int(fields[1]), number)
    raise DataError(
        f"{path}, line {number}: {shown(line.strip())} is neither 'video label' nor 'video frames label'",
        "Fix the line, or remove it.",
    )


def read_lines(path: Path, largest: int = LARGEST) -> list[tuple[int, list[str]]]:
    """The lines of a table, each its number and fields: text with commas, semicolons or tabs, of which the
    first line has most, or the first sheet of an .xlsx file. Raises DataError."""
    if path.suffix.lower() == ".xlsx":
        return list(enumerate(read_table(path), 1))
    whole = read_text(path, largest).splitlines()
    said, lines = separator_of(whole)
    head = lines[0] if lines else ""
    reader, above = csv.reader(lines, delimiter=said or max(",;\t", key=head.count)), len(whole) - len(lines)
    try:
        return [(above + reader.line_num, [field.strip() for field in row]) for row in reader if any(row)]
    except csv.Error as error:
        where = f"{path}, line {above + reader.line_num}"
        raise DataError(f"{where}: {error}", "Fix the line.") from None


def read_table(path: Path) -> list[list[str]]:
    """The first sheet of an .xlsx file as texts, whole numbers without a point: at most ROWS x COLUMNS.

    Raises DataError.
    """
    import openpyxl

    data = io.BytesIO(_read(path))
    try:
        _require_modest(data)
        book = openpyxl.load_workbook(data, read_only=True, data_only=True)
        try:
            cells = book.worksheets[0].iter_rows(max_row=ROWS, max_col=COLUMNS, values_only=True)
            rows = [[_cell(value) for value in row] for row in cells]
        finally:
            book.close()
    except Exception as error:  # a damaged archive fails anywhere between zip, XML and openpyxl
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path} cannot be read as a table ({reason})", "Fetch it again.") from error
    return [_without_end(row) for row in rows if any(row)]


def _without_end(row: list[str]) -> list[str]:
    """The cells up to the last that is not empty: sheets claim more columns than they have."""
    return row[: max(i for i, cell in enumerate(row, 1) if cell)]


def _require_modest(data: io.BytesIO) -> None:
    """Refuse a small archive that would unpack to more than any list of videos."""
    import zipfile

    with zipfile.ZipFile(data) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > LARGEST:
        raise ValueError(f"it would unpack to {size / 2**20:.0f} MB")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def last_parts(path: str, count: int) -> str:
    """The last `count` components of a path as it stands in somebody's list, without a file suffix.

    Raises ValueError for a path that has fewer, or that climbs.
    """
    parts = [part for part in re.split(r"[/\\]+", path.strip()) if part]
    if len(parts) < count or any(part in (".", "..") for part in parts[-count:]):
        raise ValueError(path)
    kept = parts[-count:]
    kept[-1] = re.sub(r"\.(mp4|avi|flv|webm|mkv|mov)$", "", kept[-1], flags=re.IGNORECASE)
    return "/".join(kept)
