"""Reading tensors that other programs saved, without running anything that the file says.

A `.pth` is a pickle, and a pickle can call any function. torch's restricted reader calls only what stands in
an allow-list; what training scripts commonly save next to the weights is read into stubs that keep nothing.
"""

from __future__ import annotations

import pickletools
import re
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dferbench.errors import DataError
from dferbench.models.safetensors_files import is_own, is_safetensors, read_tensors
from dferbench.models.wrappings import Unwrapped, unwrap

_SAVE_AGAIN = (
    "dferbench runs nothing from a file. If you trust it, save its state_dict alone where it was made, "
    "with torch.save(model.state_dict(), FILE)."
)
_FETCH = "Fetch the file again, and compare its checksum with the one its authors state."


class _Ignored:
    """Stands for an object that is not a tensor: takes any arguments and any state, and keeps none."""

    def __new__(cls, *_: Any, **__: Any) -> _Ignored:
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        pass


IGNORED = (
    "__main__.RecorderMeter",
    "argparse.Namespace",
    "numpy.ndarray",
    "numpy.dtype",
    *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("_reconstruct", "scalar")),
)
"""Globals that are read as stubs: the curve that the training scripts of this field save and its arrays, and
the options a script was called with."""

_HARMLESS = ("torch.", "collections.OrderedDict", *IGNORED)


def read_foreign(path: Path) -> dict[str, Tensor]:
    """The named tensors of the model that a file of another program holds; see `read_wrapped`."""
    return read_wrapped(path).state


def read_wrapped(path: Path, take: str = "") -> Unwrapped:
    """The same with notes on what was left out. `take` names a part of the file, such as "model_ema".

    Takes what torch saved, in its zip format or the older one, and safetensors, in any wrapping that
    `dferbench.models.wrappings` knows. Nothing in the file is executed. Raises DataError that names the file,
    and the global that it wanted if one was refused.
    """
    if path.is_file() and is_safetensors(path):
        content: Any = _tensors_of_others(path)
    else:
        _require_whole(path)
        content = _load(path)
    try:
        return unwrap(content, take)
    except DataError as error:
        raise DataError(f"{path} {error.message}", error.hint) from error


def _tensors_of_others(path: Path) -> dict[str, Tensor]:
    if is_own(path):
        raise DataError(
            f"{path} is a checkpoint of dferbench, not of another program",
            "Give the original file here; dferbench evaluate and predict take this one.",
        )
    return read_tensors(path)


def is_torchscript(path: Path) -> bool:
    """Whether the file is a TorchScript archive, which holds code next to its tensors."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _require_whole(path: Path) -> None:
    """torch checks neither checksums nor how large a packed entry becomes, so a zip is checked here."""
    if not path.is_file():
        raise DataError(f"there is no file {path}", "Check the path.")
    if not path.stat().st_size:
        raise _unreadable(path, "it is empty")
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
            damaged = archive.testzip() if unpacked <= path.stat().st_size else None
    except Exception as error:  # a damaged zip fails in ways that zipfile does not name
        raise _unreadable(path, _line(error)) from error
    if unpacked > path.stat().st_size:
        raise _unreadable(path, "its parts would unpack to more than the file's size")
    if damaged:
        raise _unreadable(path, f"its part '{damaged}' fails its checksum")
    if is_torchscript(path):
        raise DataError(
            f"{path} is a TorchScript archive, not a checkpoint of named tensors",
            "If these are OpenAI's weights of a backbone, give them as --weights NAME=FILE.",
        )


def _load(path: Path) -> Any:
    stubs: list[Any] = [(type(name, (_Ignored,), {}), name) for name in IGNORED]
    try:
        with torch.serialization.safe_globals(stubs), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file fails in any of several parsers, each with errors of its own
        if wanted := _refused_global(path, str(error)):
            raise _unreadable(path, f"it asks to run '{wanted}', which was refused", _SAVE_AGAIN) from error
        raise _unreadable(path, _line(error)) from error


def _refused_global(path: Path, message: str) -> str:
    """The global that the reader refused, "" if it failed for another reason."""
    named = re.search(r"GLOBAL ([\w.]+\w)", message)
    if named:
        return named[1]
    if "Unsupported operand" not in message:
        return ""
    # Newer protocols name globals in a way that the reader does not even parse.
    try:
        wanted = [name for name in _globals(_pickle_in(path)) if not name.startswith(_HARMLESS)]
    except Exception:  # no pickle at all: there is no global to name
        return ""
    return wanted[0] if wanted else ""


def _globals(pickled: bytes) -> list[str]:
    """The globals that a pickle names, found by listing its instructions without following them."""
    found: list[str] = []
    strings: list[str] = []
    memo: list[str] = []
    last = ""
    for operation, argument, _ in pickletools.genops(pickled):
        if operation.name == "STACK_GLOBAL":
            found.append(".".join(strings[-2:]))
        elif operation.name == "MEMOIZE":
            memo.append(last)
        elif operation.name in ("BINGET", "LONG_BINGET"):
            strings.append(memo[int(argument or 0)])
        last = argument if isinstance(argument, str) else ""
        strings += [last] if last else []
    return found


def _pickle_in(path: Path) -> bytes:
    if not zipfile.is_zipfile(path):
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return archive.read(next(name for name in archive.namelist() if name.endswith("data.pkl")))


def _unreadable(path: Path, why: str, hint: str = _FETCH) -> DataError:
    return DataError(f"{path} cannot be read as weights: {why}", hint)


_NO_PICKLE = (EOFError, IndexError, KeyError, UnicodeDecodeError, struct.error)
"""What a pickle's reader raises where there is none."""


def _line(error: Exception) -> str:
    """The first line of an error, or what kind it is. torch's advice to read carelessly is not passed on."""
    lines = str(error).splitlines()
    # A pickle that is none makes its reader fail in words, or in numbers, that say nothing of the file.
    if isinstance(error, _NO_PICKLE) or (lines and "weights_only" in lines[0]):
        return "it is not a file of tensors that torch saved"
    return lines[0] if lines and lines[0] else type(error).__name__
