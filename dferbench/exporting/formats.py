"""The kinds of files: how each is written from a graph, and how it is run to be checked."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import torch
from packaging.version import Version
from torch import Tensor
from torch.export import ExportedProgram

from dferbench.errors import ConfigError, said_by
from dferbench.files import json_text

KEY = "dferbench"
"""Under this name the metadata lie in the file."""
ONNX_BYTES = 2**31 - 2**20
"""An ONNX file of more bytes would be two files: protobuf counts them in 31 bits."""
TESTED = "2.14"
"""The version of torch with which the ONNX files of the tests were made."""
PACKAGES = ("onnx", "onnxruntime", "onnxscript")
Run = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Format:
    """`write` gives the bytes of a file that holds the graph and the metadata, `open` a function that runs
    them: frames (B, T, 3, H, W) -> logits (B, C). `require` raises ConfigError where none can be made."""

    write: Callable[[ExportedProgram, Mapping[str, Any], str], bytes]
    open: Callable[[bytes], Run]
    require: Callable[[], None]


def _write_torch(program: ExportedProgram, about: Mapping[str, Any], method: str) -> bytes:
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={f"{KEY}.json": json_text(about, indent=1)})
    return buffer.getvalue()


def _open_torch(content: bytes) -> Run:
    module = torch.export.load(io.BytesIO(content)).module()

    def run(frames: Tensor) -> Tensor:
        with torch.no_grad():
            logits: Tensor = module(frames)
        return logits

    return run


def _write_onnx(program: ExportedProgram, about: Mapping[str, Any], method: str) -> bytes:
    size = sum(tensor.nbytes for tensor in program.state_dict.values())
    if size > ONNX_BYTES:
        raise ConfigError(
            f"{method} has {size / 1e9:.1f} GB of parameters, and an ONNX file holds at most 2 GB",
            "Use --to torch-export.",
        )
    try:
        with _silent():
            made = torch.onnx.export(
                program, dynamo=True, input_names=["frames"], output_names=["logits"], verbose=False
            )
        assert made is not None
        proto: Any = made.model_proto
    except Exception as error:  # of whichever operation has no translation
        first = _first_cause(error)
        raise ConfigError(
            f"{method} cannot be exported to ONNX: {type(first).__name__}: {said_by(first)}",
            "Use --to torch-export, or newer versions of torch and onnxscript.",
        ) from error
    entry = proto.metadata_props.add()
    entry.key, entry.value = KEY, json_text(about)
    content: bytes = proto.SerializeToString()
    return content


def _first_cause(error: BaseException) -> BaseException:
    """What went wrong at the bottom: the exporter wraps it in pages of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _open_onnx(content: bytes) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def run(frames: Tensor) -> Tensor:
        (logits,) = session.run(["logits"], {"frames": frames.numpy()})
        return torch.from_numpy(logits)

    return run


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Without what the exporter and its optimizer print: a failure is raised, and told in words."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def _require_onnx() -> None:
    if Version(torch.__version__) < Version("2.7"):
        raise ConfigError(
            f"--to onnx needs a newer torch than 2.6, whose exporter fails, got {torch.__version__}",
            f"Install torch {TESTED} or later; --to torch-export works with this one.",
        )
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        raise ConfigError(
            f"--to onnx needs {' and '.join(missing)}, not installed here",
            "Install them: pip install 'dferbench[onnx]'. --to torch-export needs nothing more.",
        )


FORMATS = {
    "torch-export": Format(_write_torch, _open_torch, lambda: None),
    "onnx": Format(_write_onnx, _open_onnx, _require_onnx),
}


def read_about(content: bytes) -> dict[str, Any]:
    """The metadata in a file that was exported, of either kind."""
    if content[:2] == b"PK":
        extra = {f"{KEY}.json": ""}
        torch.export.load(io.BytesIO(content), extra_files=extra)
        text = extra[f"{KEY}.json"]
    else:
        import onnx

        props = onnx.load_model_from_string(content).metadata_props
        text = next(one.value for one in props if one.key == KEY)
    found: dict[str, Any] = json.loads(text)
    return found
