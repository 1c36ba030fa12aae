"""`dferbench explain`: what a model's answer on one video depends on, as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dferbench.cli.arguments import (
    FINDERS,
    DecoderName,
    Device,
    FileClasses,
    FileMethod,
    FileSettings,
    FileWeights,
    Quiet,
)


def explain(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    video: Annotated[Path, typer.Argument(help="A video file, a folder of frames, or a picture.")],
    checkpoint: Annotated[
        Path, typer.Option("--checkpoint", "-c", help="A run's checkpoint.safetensors, or an official file.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The picture strip: a .png, .svg or .pdf.")],
    class_: Annotated[
        str, typer.Option("--class", help="Class to explain. Default: the likeliest.", show_default=False)
    ] = "",
    by: Annotated[
        str,
        typer.Option(
            help="attention: rollout over places and frames; occlusion: cover parts and measure the drop; "
            "auto: attention where the model has it."
        ),
    ] = "auto",
    grid: Annotated[int, typer.Option(min=2, max=64, help="Patches a side that occlusion covers.")] = 7,
    model: FileMethod = "",
    set_: FileSettings = None,
    classes: FileClasses = "",
    weights: FileWeights = None,
    finder: Annotated[str, typer.Option(help=f"Crop the face first: {FINDERS}.")] = "none",
    device: Device = "auto",
    decoder: DecoderName = "auto",
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    quiet: Quiet = False,
) -> None:
    """Show which frames and places of a video a prediction depends on.

    An explanation is about the model, not about the person: it shows what the answer was made from, be that
    the face or not.
    """
    from dferbench.report.strip import as_json, as_text, require_format, strip

    require_format(output)

    from dferbench.checkpoints.official import Said
    from dferbench.checkpoints.read import read_checkpoint
    from dferbench.checkpoints.restore import restore
    from dferbench.cli.import_ import names
    from dferbench.explaining.explain import ExplanationRequest
    from dferbench.explaining.explain import explain as explained
    from dferbench.interface.progress import make_progress
    from dferbench.machine.device import make_fabric, precision_for_tests
    from dferbench.registry.options import WEIGHTS, assignments

    said = Said(classes=names(classes))
    read = read_checkpoint(checkpoint, context.obj, model=model, sets=assignments(set_ or []), said=said)
    precision = precision_for_tests(device, read.recipe.precision)
    fabric = make_fabric(device, precision, read.recipe.compute)
    opened = restore(read, context.obj, fabric, assignments(weights or [], WEIGHTS))
    make_progress(quiet).say(f"looking at {video}")
    request = ExplanationRequest(video, class_, by, grid, finder, decoder=decoder)
    found = explained(request, opened, context.obj, fabric)
    strip(found, output)
    typer.echo(as_json(found).rstrip() if json_ else f"{as_text(found)}\n{output}")
