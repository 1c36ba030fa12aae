"""T-ESFL of video alone: the snippet transformer, started from a file if one is given."""

from __future__ import annotations

from typing import Any

from dferbench import Task
from dferbench_methods.layers.snippet_files import start
from dferbench_methods.layers.snippets import SnippetTransformer
from dferbench_methods.t_esfl.method import TEsflOptions


def build(task: Task, parts: Any, **options: Any) -> SnippetTransformer:
    """The model for a task whose frames are a multiple of its 7 snippets; options: `TEsflOptions`.

    Raises ConfigError for other frames, DataError for a file that does not fit.
    """
    given = TEsflOptions(**options)
    model = SnippetTransformer(task, given.scale, given.hidden, given.narrow, given.width)
    model.notes = start(model, given.weights, task.classes)
    return model
