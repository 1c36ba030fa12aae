"""From what `--tracker` says to the observers of a command."""

from __future__ import annotations

from collections.abc import Sequence

from dferbench import spec
from dferbench.errors import ConfigError
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog
from dferbench.trackers.jsonl import JsonLines
from dferbench.training.observer import Observers


def make_observers(trackers: Sequence[str], catalog: Catalog, progress: Progress) -> Observers:
    """JSON lines, which every run leaves, and the trackers asked for as `name(option=value)`.

    Raises UnknownName or ConfigError: an option that is wrong, a library that is missing, a tracker twice.
    """
    names = [spec.parse_one(text).name for text in trackers]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"the tracker '{name}' is asked for twice", "Name each tracker once.")
    return Observers([JsonLines(), *(catalog.make("trackers", text) for text in trackers)], progress)
