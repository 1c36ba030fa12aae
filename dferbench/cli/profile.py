"""`dferbench profile`: what methods cost, counted and measured on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dferbench.cli.complete import method_names
from dferbench.errors import ConfigError
from dferbench.files import json_text
from dferbench.profiling.costs import CLASSES, Cost, keep, short

if TYPE_CHECKING:
    from dferbench.profiling.throughput import Speed
    from dferbench.registry.catalog import Catalog, Entry
    from dferbench.types import Recipe, Task


@dataclass(frozen=True)
class Subject:
    """A method as it is to be profiled."""

    method: Entry
    given: Mapping[str, str]
    options: Mapping[str, Any]
    recipe: Recipe
    task: Task


def profile(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    model: Annotated[
        list[str] | None, typer.Argument(help="Methods. Default: all.", autocompletion=method_names)
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Option of every method named, or of its recipe.")
    ] = None,
    classes: Annotated[int, typer.Option(min=2, max=11, help="Number of classes.")] = CLASSES,
    device: Annotated[str, typer.Option(help="Device: auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    batch: Annotated[
        int | None, typer.Option(min=1, help="Videos per step. Default: 16 on a GPU, 2 elsewhere.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Number of timed steps; the median is reported.")] = 5,
    count_only: Annotated[
        bool, typer.Option("--count", help="Count parameters and MACs only; measure nothing.")
    ] = False,
    write: Annotated[
        bool,
        typer.Option("--write", help="Store the counts in each plugin's package, for `dferbench list`."),
    ] = False,
    json_: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, fit for dferbench table --cost.")
    ] = False,
) -> None:
    """Measure parameters, MACs, speed and memory of methods, each with its own input, on random pixels.

    Weights are random, which does not affect the cost.
    """
    from dferbench.registry.options import assignments

    catalog: Catalog = context.obj
    given = assignments(set_ or [])
    if write and (given or classes != CLASSES):
        raise ConfigError(
            f"--write keeps costs of default options and {CLASSES} classes", "Leave --set and --classes out."
        )
    names = model or sorted(catalog.entries["methods"])
    subjects = [subject_of(name, given, classes, catalog) for name in names]
    if write:
        _write(subjects, catalog)
        return
    machine, found = _profiles(subjects, catalog, device, batch, 0 if count_only else steps)
    if json_:
        facts = {"schema": 1, "classes": classes, "machine": machine}
        typer.echo(json_text({**facts, "profiles": [_as_data(*one) for one in found]}))
    else:
        typer.echo(_as_text(found, machine, classes))


def subject_of(name: str, given: Mapping[str, str], classes: int, catalog: Catalog) -> Subject:
    """The method with its options and recipe settled, for classes whose names every method knows."""
    from dferbench.data.pipeline import build_pipeline
    from dferbench.experiment.plan import input_size
    from dferbench.registry.options import change_recipe, resolve, split_recipe
    from dferbench.testing import NAMES
    from dferbench.types import Task

    entry = catalog.get("methods", name)
    own, changes = split_recipe(given)
    options = resolve(entry.value, own)
    recipe = change_recipe(entry.value.recipe, changes)
    size = input_size(recipe, options, catalog)
    recipe = replace(recipe, input=replace(recipe.input, size=size))
    build_pipeline(recipe.input, catalog)
    return Subject(entry, given, options, recipe, Task("profile", NAMES[:classes], recipe.input.frames, size))


def _count(one: Subject, catalog: Catalog) -> Cost:
    from dferbench.profiling.macs import count

    return count(one.method, one.task, one.options, one.recipe, catalog)


def _write(subjects: list[Subject], catalog: Catalog) -> None:
    by_origin: dict[str, dict[str, Cost]] = {}
    for one in subjects:
        by_origin.setdefault(one.method.origin, {})[one.method.name] = _count(one, catalog)
    for origin, costs in by_origin.items():
        typer.echo(f"{keep(origin, costs)}: {', '.join(sorted(costs))}")


Profile = tuple["Subject", Cost, "Speed | None"]


def _profiles(
    subjects: list[Subject], catalog: Catalog, device: str, batch: int | None, steps: int
) -> tuple[dict[str, Any], list[Profile]]:
    """What was measured on, and every subject with its cost and, if there are steps, its speed."""
    if not steps:
        return {}, [(one, _count(one, catalog), None) for one in subjects]
    from dferbench.machine.device import make_fabric
    from dferbench.machine.environment import machine
    from dferbench.profiling.throughput import measure

    found: list[Profile] = []
    for one in subjects:
        fabric = make_fabric(device, one.recipe.precision, one.recipe.compute)
        size = batch or (16 if fabric.device.type == "cuda" else 2)
        typer.echo(f"{one.method.name} on {fabric.device} ...", err=True)
        cost = _count(one, catalog)
        speed = measure(
            one.method, one.task, one.options, one.recipe, catalog, fabric, size, steps,
            say=lambda line: typer.echo(line, err=True),
        )  # fmt: skip
        found.append((one, cost, speed))
    return machine(fabric), found


def _as_data(one: Subject, cost: Cost, speed: Speed | None) -> dict[str, Any]:
    measured = {} if speed is None else asdict(speed)
    return {
        "method": one.method.name,
        "given": dict(one.given),
        "options": dict(one.options),
        "precision": one.recipe.precision,
        **asdict(cost),
        "counted": _counted(),
        **{("memory_bytes" if name == "memory" else name): value for name, value in measured.items()},
    }


def _counted() -> str:
    from dferbench.profiling.macs import COUNTED

    return COUNTED


def _as_text(found: list[Profile], machine: Mapping[str, Any], classes: int) -> str:
    from dferbench.report.fitted import fitted

    heads = ["method", "input", "parameters", "trained", "MACs"]
    heads += ["batch", "train videos/s", "test videos/s", "memory"] if machine else []
    table = fitted([_line(*one) for one in found], heads)
    return "\n".join([table, "", *_notes(found, machine, classes)])


def _line(one: Subject, cost: Cost, speed: Speed | None) -> list[str]:
    words = [one.method.name, f"{cost.frames} x {cost.size}"]
    words += [short(cost.parameters), short(cost.trained), short(cost.macs)]
    if speed is None:
        return words
    train = "-" if speed.train is None else _rate(speed.train)
    memory = "unknown" if speed.memory is None else f"{speed.memory / 2**20:.0f} MiB"
    return [*words, str(speed.batch), train, _rate(speed.test), memory]


def _rate(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _notes(found: list[Profile], machine: Mapping[str, Any], classes: int) -> Iterator[str]:
    yield f"{classes} classes, random weights. Multiply-adds: {_counted()}."
    if not machine:
        return
    yield "Measured on " + ", ".join(f"{name} {value}" for name, value in machine.items()) + "."
    yield "Speed: median of steps on pixels that lie on the device; no decoding, no augmentation."
    kinds = dict.fromkeys(speed.memory_is for _, _, speed in found if speed and speed.memory is not None)
    yield from (f"Memory: {kind}." for kind in kinds)
