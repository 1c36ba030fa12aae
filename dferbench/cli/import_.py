"""`dferbench import`: take over a checkpoint that the code of a method's authors saved."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dferbench.cli.complete import method_names
from dferbench.errors import ConfigError
from dferbench.files import json_text

if TYPE_CHECKING:
    from dferbench.checkpoints.format import Header


def import_(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Checkpoint file, for example model_best.pth.")],
    model: Annotated[
        str, typer.Option("--model", "-m", help="Method of the checkpoint.", autocompletion=method_names)
    ],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Method option that the file does not state, such as position=middle."),
    ] = None,
    classes: Annotated[str, typer.Option(help="Its class names in order: a,b,c.")] = "",
    trained_on: Annotated[
        list[str] | None,
        typer.Option(
            help="Data that it was trained on, such as dfew:fold=1, the training part of that fold; "
            "repeatable. Only folds whose test videos it has not seen are then offered for testing."
        ),
    ] = None,
    take: Annotated[
        str, typer.Option(help="Part of the file to take, such as model_ema; else the model itself.")
    ] = "",
    weights: Annotated[
        list[str] | None,
        typer.Option(help="Weights of a backbone that the file lacks a part of, NAME=FILE."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Output file. Default: FILE with the suffix .safetensors."),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Convert an official checkpoint to a self-describing safetensors file. No code in it is executed."""
    from dferbench.registry.options import WEIGHTS, assignments

    target = output or file.with_suffix(".safetensors")
    if target.suffix != ".safetensors":
        raise ConfigError(f"the new file would be called {target.name}", "Let it end in .safetensors.")

    from dferbench.checkpoints.convert import take_over
    from dferbench.checkpoints.official import Said
    from dferbench.checkpoints.trained_on import read_trained_on

    said = Said(classes=names(classes), trained_on=read_trained_on(trained_on or [], context.obj), take=take)
    sets, own = assignments(set_ or []), assignments(weights or [], WEIGHTS)
    header = take_over(file, target, context.obj, model, sets, said, own)
    if json_:
        typer.echo(json_text({"schema": 1, "file": str(target), **header.model_dump(by_alias=True)}))
    else:
        typer.echo(_told(header, target))


def names(text: str) -> tuple[str, ...]:
    """`a,b,c` as names. Raises ConfigError for an empty or repeated one."""
    found = tuple(word.strip() for word in text.split(",")) if text else ()
    if "" in found or len(set(found)) < len(found):
        raise ConfigError(f"--classes must be different names, got '{text}'", "Write --classes a,b,c.")
    return found


UNSAID = "not known: results will carry that caveat (--trained-on dfew:fold=1 says it)"


def _about_input(header: Header) -> str:
    """How it will be tested."""
    if header.input_given:
        return f"{header.input.sample}, by the user"
    told = f"; {header.whose} has its own" if header.whose else ""
    return f"that of the recipe for the dataset that it is tested on{told}"


def _told(header: Header, target: Path) -> str:
    """What was found in the file, in lines."""
    input = header.model_dump()["input"]
    facts: Mapping[str, Any] = {
        "method": header.method,
        **header.options,
        "classes": ", ".join(header.classes),
        "frames": f"{input['frames']} of {input['size']} x {input['size']} pixels",
        "input": _about_input(header),
        "trained on": ", ".join(f"{one.dataset}:fold={one.fold}" for one in header.trained_on) or UNSAID,
    }
    width = max(map(len, facts))
    lines = [f"{name:<{width}}  {value}" for name, value in facts.items()]
    return "\n".join([*lines, *header.notes, f"Written to {target}."])
