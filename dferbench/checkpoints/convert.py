"""Taking over a checkpoint of another program: read, proven to fit, and written as our own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dferbench.checkpoints.chosen_input import BY_USER
from dferbench.checkpoints.format import Header, read_header, write_checkpoint
from dferbench.checkpoints.official import Said
from dferbench.checkpoints.read import read_checkpoint
from dferbench.checkpoints.restore import restore
from dferbench.errors import ConfigError, DataError
from dferbench.machine.device import make_fabric
from dferbench.models.safetensors_files import is_own, is_safetensors
from dferbench.registry.catalog import Catalog


def take_over(
    file: Path,
    target: Path,
    catalog: Catalog,
    model: str,
    sets: Mapping[str, str],
    said: Said,
    weights: Mapping[str, str],
) -> Header:
    """Write the model of an official file to `target` as safetensors, all tensors, and return its header.

    `sets`, `said` and `weights` are what the user says of it, as for `read_checkpoint` and `restore`. Raises
    ConfigError if the target holds something else than a checkpoint, and what those two raise.
    """
    _require_free(target)
    if file.is_file() and is_safetensors(file) and is_own(file):
        raise ConfigError(
            f"{file} is already a dferbench checkpoint", "Give it to dferbench evaluate as it is."
        )
    checkpoint = read_checkpoint(file, catalog, model=model, sets=sets, said=said)
    opened = restore(checkpoint, catalog, make_fabric("cpu", "fp32"), weights)
    header = checkpoint.header.model_copy(
        update={
            "input": checkpoint.recipe.input,
            "input_given": checkpoint.input_from == BY_USER,
            "precision": checkpoint.recipe.precision,
            "source": {"file": file.name, "sha256": checkpoint.sha256},
            "weights": opened.weights if checkpoint.missing else {},
        }
    )
    write_checkpoint(target, opened.model.state_dict(), header)
    return header


def _require_free(target: Path) -> None:
    """Only a checkpoint of ours may be replaced."""
    if not target.exists():
        return
    try:
        if target.is_file() and is_safetensors(target):
            read_header(target)
            return
    except DataError:
        pass
    raise ConfigError(
        f"{target} is there, and is not a checkpoint that was imported", "Choose another --output."
    )
