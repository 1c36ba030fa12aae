"""dferbench: one protocol for every method of dynamic facial expression recognition.

The public surface for plugins is what `__all__` lists here and in `dferbench.models`, `dferbench.data`,
`dferbench.data.official` and `dferbench.testing`; every other module is private (docs/plugins.md). This
package holds what a plugin needs to declare itself. Importing it imports neither torch nor numpy.
"""

from dferbench.cards import published
from dferbench.errors import ConfigError, DataError, DferbenchError, UnknownName, VideoError
from dferbench.files import expand, sha256_of, write_atomic
from dferbench.registry.hookspecs import hookimpl
from dferbench.spec import parse_one
from dferbench.training.observer import Observer
from dferbench.types import (
    Converted,
    Dataset,
    Face,
    Finding,
    Input,
    Method,
    Options,
    Recipe,
    Stage,
    Task,
    Video,
)

__version__ = "0.1.0"
__all__ = [
    "ConfigError",
    "Converted",
    "DataError",
    "Dataset",
    "DferbenchError",
    "Face",
    "Finding",
    "Input",
    "Method",
    "Observer",
    "Options",
    "Recipe",
    "Stage",
    "Task",
    "UnknownName",
    "Video",
    "VideoError",
    "expand",
    "hookimpl",
    "parse_one",
    "published",
    "sha256_of",
    "write_atomic",
]
