"""The hooks. Each is called once, at start, and receives a `register` function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import typer

    from dferbench.types import Dataset, Method

hookspec = pluggy.HookspecMarker("dferbench")
hookimpl = pluggy.HookimplMarker("dferbench")


@hookspec
def register_methods(register: Callable[[Method], None]) -> None:
    """register(method): a `Method`, which names the function that builds a network and the recipe that
    trains it."""


@hookspec
def register_datasets(register: Callable[[str, Callable[..., Dataset]], None]) -> None:
    """register(name, dataset): a `Dataset` class; its constructor's keyword defaults are its options."""


@hookspec
def register_backbones(register: Callable[..., None]) -> None:
    """register(name, build, size, about="", embedded=False): build(weights, **options) -> module with `.dim`,
    (N, 3, size, size) -> (N, dim); `embedded` if its weights come with the package. `weights` is a file,
    "random" or None, and where `size` is an option too, the user's value counts."""


@hookspec
def register_temporal_heads(register: Callable[[str, Callable[..., Any]], None]) -> None:
    """register(name, build): build(dim, frames, **options) -> module, (B, T, dim) -> (B, dim)."""


@hookspec
def register_prompts(register: Callable[[str, Callable[..., Any]], None]) -> None:
    """register(name, build): build(tower, texts, **options) -> module, () -> (C, dim)."""


@hookspec
def register_decoders(register: Callable[[str, Callable[..., Any]], None]) -> None:
    """register(name, build): build() -> read(path, choose) -> frames, uint8 (T, H, W, 3)."""


@hookspec
def register_face_finders(register: Callable[..., None]) -> None:
    """register(name, build, about="", short_side=360): build(**options) -> find(frame, video, number) -> a
    `Face`, a list of them, or None where there is no face; build may return None, which leaves every frame
    whole. Frames are reduced to a shorter side of `short_side` pixels, if they are larger; None leaves them
    as they are."""


@hookspec
def register_metrics(register: Callable[..., None]) -> None:
    """register(name, function, about="", title=name, unit="%", low=0, high=100, higher_is_better=True,
    needs="confusion", aliases=()): function(counts) -> float, None where it is undefined. `counts` has
    `.confusion` (C, C) of integers with the truth in rows, `.classes`, `.total` and `.top2`, the number of
    videos whose class is among the two with the highest logits (None in old records, unless
    needs="top-2 hits", which leaves those out). With another unit there are no bounds but those given."""


@hookspec
def register_samplers(register: Callable[..., None]) -> None:
    """register(name, build, about=""): build(**options) -> sampler(count, frames, rng) -> indices of so many
    frames, with the properties `random` and `shuffle` (`dferbench.data.sampling.Sampler`)."""


@hookspec
def register_augmentations(register: Callable[..., None]) -> None:
    """register(name, build, about=""): build(**options) -> an operation on videos, with draw(width, height,
    size, rng) -> a change or None (`dferbench.data.augment.Op`), or one on training batches, with mix(videos,
    target, rng) -> both anew (`dferbench.data.mixing.BatchOp`)."""


@hookspec
def register_optimizers(register: Callable[..., None]) -> None:
    """register(name, build, about=""): build(groups, weight_decay, **options) -> torch.optim.Optimizer.

    `groups` are parameter groups as torch takes them: "params", "lr", and "names" and "pattern", which the
    optimizer has to keep (every torch.optim.Optimizer does). See dferbench.training.optimizers.
    """


@hookspec
def register_schedules(register: Callable[..., None]) -> None:
    """register(name, build, about=""): build(epochs, steps, **options) -> lr(full, epoch, step).

    `steps` is the number of optimizer steps per epoch. `lr` is called before every step, once per parameter
    group, and returns its learning rate: `full` is the group's learning rate in the recipe, `epoch` and
    `step` count from 0 within the stage, `step` over its epochs. It is a pure function, so that a resumed
    run needs no state. See dferbench.training.schedules.
    """


@hookspec
def register_trackers(register: Callable[..., None]) -> None:
    """register(name, build, about=""): build(**options) -> an observer of one run."""


@hookspec
def register_launchers(register: Callable[..., None]) -> None:
    """register(name, build, about="", options=None): build(**options) -> launcher(study).

    A launcher starts `study.command`, a list of words, as often as it likes, or `study.only(row)` for each of
    `study.rows`. When all have ended it returns their exit codes, by row if each had one of its own; or None
    at once, if they go on without it. It may have `preview(study)`: the text that --dry-run prints. See
    dferbench.runner.launch.
    """


@hookspec
def register_suites(register: Callable[[str, Path], None]) -> None:
    """register(name, path, about=""): the file of a suite, which lies in the plugin's package. See
    docs/suites.md."""


@hookspec
def register_commands(app: typer.Typer) -> None:
    """Add subcommands to the command line."""


@hookspec
def plugin_modules() -> Sequence[str]:
    """The names of further modules, each a plugin of its own: one that fails to import takes no other with
    it. For packages that hold several plugins."""
    return ()
