"""`dferbench export`: a trained model as a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dferbench.cli.arguments import (
    FileClasses,
    FileMethod,
    FileSettings,
    FileWeights,
    Quiet,
)
from dferbench.errors import ConfigError
from dferbench.files import json_text

if TYPE_CHECKING:
    from dferbench.exporting.export import Exported

SUFFIXES = {"onnx": ".onnx", "torch-export": ".pt2"}


def export(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    checkpoint: Annotated[
        Path, typer.Argument(help="The folder of a run, its checkpoint.safetensors, or an official file.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file: a .onnx or .pt2.")],
    to: Annotated[
        str, typer.Option(help="Format: onnx or torch-export. Default: by the ending of the file.")
    ] = "",
    frames_free: Annotated[
        bool, typer.Option("--frames-free", help="Let the number of frames differ from call to call.")
    ] = False,
    example: Annotated[
        bool,
        typer.Option(
            "--example", help="Also write a program that runs the .onnx with numpy and onnxruntime."
        ),
    ] = False,
    model: FileMethod = "",
    set_: FileSettings = None,
    classes: FileClasses = "",
    weights: FileWeights = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    quiet: Quiet = False,
) -> None:
    """Export a trained model, normalised frames to logits, for programs without dferbench.

    The file gets its name once its logits equal the model's to 1e-4.
    """
    to = to or next((name for name, suffix in SUFFIXES.items() if suffix == output.suffix.lower()), "")
    if not to:
        raise ConfigError(
            f"--output {output} does not tell the format", "Add --to onnx or --to torch-export."
        )
    if example and to != "onnx":
        raise ConfigError(f"--example is a program for ONNX files, got --to {to}", "Leave it out.")

    from dferbench.checkpoints.restore import open_checkpoint
    from dferbench.cli.import_ import names
    from dferbench.exporting import export as exporting
    from dferbench.exporting.example import write_example
    from dferbench.interface.progress import make_progress
    from dferbench.machine.device import make_fabric
    from dferbench.registry.options import WEIGHTS, assignments

    progress = make_progress(quiet)
    opened = open_checkpoint(
        checkpoint,
        context.obj,
        make_fabric("cpu", "fp32"),
        model=model,
        sets=assignments(set_ or []),
        weights=assignments(weights or [], WEIGHTS),
        classes=names(classes),
    )
    progress.say(f"tracing {opened.method.name}")
    found = exporting.export(opened, context.obj, output, to, free_frames=frames_free)
    beside = write_example(output) if example else None
    if json_:
        told = {"file": str(output), "difference": found.difference, **found.about}
        typer.echo(json_text(told | ({"example": str(beside)} if beside else {})))
    else:
        typer.echo("\n".join([*_lines(found), *([f"Example: {beside}"] if beside else [])]))


def _lines(found: Exported) -> list[str]:
    """What was written, for people."""
    from dferbench.report.caveats import meaning

    about, size = found.about, found.about["size"]
    frames = "any number of frames" if about["frames free"] else f"{about['frames']} frames"
    random = [name for name, used in about["weights"].items() if used.get("random")]
    return [
        f"{found.path}: {about['method']} as {about['format']}, {found.path.stat().st_size / 1e6:.1f} MB",
        f"input   frames (videos, {frames}, 3, {size}, {size}), chosen by {about['sampling']}",
        f"output  logits (videos, {len(about['classes'])}): {', '.join(about['classes'])}",
        f"The logits differ from the model's by at most {found.difference:.1g}.",
        *(f"* {meaning(caveat)}" for caveat in about["caveats"]),
        *(f"* the weights of {name} are random" for name in random),
    ]
