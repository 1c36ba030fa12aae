"""Features as files: .npz for numpy, .parquet for data frames."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from dferbench.errors import ConfigError
from dferbench.files import json_text, write_atomic
from dferbench.inference.features import Features

KEY = "dferbench"
"""Under this name a Parquet file says what made it."""


def _npz(found: Features) -> bytes:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        id=np.array(found.ids),
        label=found.labels,
        part=np.array(found.parts),
        features=found.values,
        classes=np.array(found.classes),
        about=np.array(json_text(found.about)),
    )
    return buffer.getvalue()


def _parquet(found: Features) -> bytes:
    """A row a video, or a row a frame with the frame's place among those that the model was shown."""
    import pyarrow
    import pyarrow.parquet

    shape = found.values.shape
    each = shape[1] if found.values.ndim == 3 else 1
    flat = pyarrow.array(found.values.reshape(-1))
    columns = {
        "id": pyarrow.array(np.repeat(np.array(found.ids), each)),
        "label": pyarrow.array(np.repeat(found.labels, each)),
        "class": pyarrow.array(np.repeat(np.array(found.classes)[found.labels], each)),
        "part": pyarrow.array(np.repeat(np.array(found.parts), each)),
        **({"frame": pyarrow.array(np.tile(np.arange(each), shape[0]))} if found.values.ndim == 3 else {}),
        "features": pyarrow.FixedSizeListArray.from_arrays(flat, shape[-1]),
    }
    table = pyarrow.table(columns).replace_schema_metadata({KEY: json_text(found.about)})
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer)
    return buffer.getvalue()


FORMS = {".npz": _npz, ".parquet": _parquet}


def require_form(path: Path) -> None:
    """Raise ConfigError for a name that ends otherwise, and for a form that nothing here can write."""
    form = path.suffix.lower()
    if form not in FORMS:
        raise ConfigError(f"--output {path} is neither .npz nor .parquet", "Choose one of these endings.")
    if form == ".parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise ConfigError(
                f"--output {path} needs pyarrow, which is not installed",
                "Install it, pip install 'dferbench[parquet]', or choose a name that ends in .npz.",
            ) from None


def write_features(found: Features, path: Path) -> None:
    """Write the file as its name ends, whole or not at all. Raises DferbenchError if it cannot be written."""
    write_atomic(path, FORMS[path.suffix.lower()](found))
