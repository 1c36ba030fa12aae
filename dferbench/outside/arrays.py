"""Files of predictions as columns: NumPy's and Parquet's."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dferbench.errors import ConfigError, DataError, UnknownName
from dferbench.files import open_regular
from dferbench.outside.tables import MOST_BYTES, PredictionFile, read_json, read_json_lines, read_separated

MOST_UNPACKED = 2**30
"""Bytes that an archive may unpack to, and a Parquet file hold."""
ENDINGS = (".csv", ".tsv", ".txt", ".xlsx", ".jsonl", ".ndjson", ".json", ".parquet", ".npz")


def read_table(path: Path, ids: str = "") -> PredictionFile:
    """The columns of a file of predictions, of the form that its name ends with.

    `ids` is what the user calls the column of ids. Raises UnknownName for another ending, DataError for what
    is missing or damaged, and ConfigError where pyarrow is needed and not installed.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise UnknownName("form of predictions", ending or path.name, ENDINGS)
    if ending in (".jsonl", ".ndjson"):
        found = read_json_lines(path)
    elif ending == ".json":
        found = read_json(path)
    elif ending == ".npz":
        found = read_npz(path)
    else:
        found = read_parquet(path) if ending == ".parquet" else read_separated(path, ids)
    if not found.size:
        raise DataError(f"{path} has no rows", "Give a file with one row a video.")
    return found


def read_npz(path: Path) -> PredictionFile:
    """Arrays of one length: (N,) of texts or numbers, or (N, C) of scores; nothing in them is executed.

    Raises DataError.
    """
    try:
        content = _content(path)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(one.file_size for one in archive.infolist()) > MOST_UNPACKED:
                raise ValueError(f"it unpacks to more than {MOST_UNPACKED >> 20} MB")
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        sizes = {len(array) if array.ndim in (1, 2) else -1 for array in arrays.values()}
        if len(sizes) != 1 or -1 in sizes:
            shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
            raise ValueError(f"its arrays have no common number of rows: {shapes or 'there are none'}")
    except Exception as error:  # numpy and zipfile raise many kinds for a damaged file
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"{path} cannot be read: {said}", "Write it with numpy.savez(path, id=..., logits=...)."
        ) from error
    columns = {name: array if array.ndim == 2 else _values(array) for name, array in arrays.items()}
    return PredictionFile(path, columns, sizes.pop())


def _values(array: NDArray[Any]) -> list[Any]:
    found: list[Any] = (array.astype(str) if array.dtype.kind == "S" else array).tolist()
    return found


def read_parquet(path: Path) -> PredictionFile:
    """The columns of a Parquet file. Raises DataError, and ConfigError where pyarrow is not installed."""
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise ConfigError(
            f"{path} is a Parquet file, which needs pyarrow, and that is not installed",
            'pip install "dferbench[parquet]", or write the predictions as CSV.',
        ) from None
    try:
        file = parquet.ParquetFile(io.BytesIO(_content(path)))
        groups = map(file.metadata.row_group, range(file.metadata.num_row_groups))
        if sum(group.total_byte_size for group in groups) > MOST_UNPACKED:
            raise ValueError(f"it unpacks to more than {MOST_UNPACKED >> 20} MB")
        columns = file.read().to_pydict()
    except Exception as error:  # pyarrow's own kinds
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path} cannot be read: {said}", "Write it again.") from error
    return PredictionFile(path, columns, file.metadata.num_rows)


def _content(path: Path) -> bytes:
    with open_regular(path) as (file, size):
        if size > MOST_BYTES:
            raise OSError(f"it is larger than {MOST_BYTES >> 20} MB")
        return file.read(size)
