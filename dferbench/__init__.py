"""dferbench: one protocol for every method of dynamic facial expression recognition.

What a plugin needs to declare itself; `dferbench.models` holds what it needs to compute.
"""

from dferbench.registry.hookspecs import hookimpl
from dferbench.types import Dataset, Finding, Input, Method, Options, Recipe, Stage, Task, Video

__version__ = "0.1.0"
__all__ = ["Dataset", "Finding", "Input", "Method", "Options", "Recipe", "Stage", "Task", "Video", "hookimpl"]
