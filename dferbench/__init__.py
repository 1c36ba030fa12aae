"""dferbench: one protocol for every method of dynamic facial expression recognition.

This package holds what a plugin needs to declare itself, and what programs and notebooks call: `run`,
`evaluate`, `predict`, `score` and `load_runs` (docs/python.md), which no plugin calls. The public surface for
plugins is the rest of `__all__` here, and `__all__` of `dferbench.models`, `dferbench.data`,
`dferbench.data.official` and `dferbench.testing`; every other module is private (docs/plugins.md). Importing
it imports neither torch nor numpy.
"""

from typing import TYPE_CHECKING

from dferbench.cards import published
from dferbench.errors import ConfigError, DataError, DferbenchError, UnknownName, VideoError
from dferbench.files import expand, sha256_of, write_atomic
from dferbench.interface import HOMES
from dferbench.lazy import names_of
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

if TYPE_CHECKING:
    from dferbench.interface.evaluate import evaluate
    from dferbench.interface.predict import predict
    from dferbench.interface.run import run
    from dferbench.interface.runs import Runs, load_runs
    from dferbench.interface.score import score

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
    "Runs",
    "Stage",
    "Task",
    "UnknownName",
    "Video",
    "VideoError",
    "evaluate",
    "expand",
    "hookimpl",
    "load_runs",
    "parse_one",
    "predict",
    "published",
    "run",
    "score",
    "sha256_of",
    "write_atomic",
]

__getattr__ = names_of(__name__, HOMES)
"""The interface is imported with the first name of it that is used."""
