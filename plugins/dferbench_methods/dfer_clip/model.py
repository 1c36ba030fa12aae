"""DFER-CLIP from its parts: a CLIP, a temporal head and a prompt."""

from __future__ import annotations

from typing import Any

from dferbench import Task
from dferbench.models import CosineClassifier, compose
from dferbench_methods.dfer_clip.method import DferClipOptions


def build(task: Task, parts: Any, **options: Any) -> CosineClassifier:
    """DFER-CLIP, of the options in `DferClipOptions`; a prompt without learned words refuses `words`,
    `shared` and `position`. Raises UnknownName, ConfigError or DataError.
    """
    given = dict(DferClipOptions(**options))
    return compose(CosineClassifier, task, parts, dict(DferClipOptions()), **given)
