"""What methods compute with: the classifier contract, and the modules that they are composed of.

Importing the package costs nothing: torch is imported with the first name that needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dferbench.models.classifier import Batch, Classifier

__all__ = ["Batch", "Classifier"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from dferbench.models import classifier

    return getattr(classifier, name)
