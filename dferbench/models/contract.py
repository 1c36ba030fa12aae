"""What a method computes, held against what was agreed: told as the method's fault, and by its name."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dferbench.errors import ConfigError
from dferbench.models.classifier import Classifier


def require_logits(model: Classifier, logits: Any, videos: int, classes: int) -> None:
    """`forward` must give (videos, classes) floats. Raises ConfigError."""
    if isinstance(logits, Tensor) and logits.shape == (videos, classes) and logits.is_floating_point():
        return
    raise ConfigError(
        f"forward() of {_named(model)} must give logits of shape {(videos, classes)}, one row a video and "
        f"one column a class, got {_described(logits)}",
        "Fix the plugin; dferbench check METHOD tests all that a method must keep to.",
    )


def require_terms(model: Classifier, terms: Any) -> None:
    """`loss` must give named scalar tensors whose sum has a gradient. Raises ConfigError."""
    whole = isinstance(terms, dict) and bool(terms)
    wrong = [name for name, term in terms.items() if not _is_scalar(term)] if whole else []
    if whole and not wrong and any(term.requires_grad for term in terms.values()):
        return
    if wrong:
        got = f"{_described(terms[wrong[0]])} for '{wrong[0]}'"
    else:
        got = "terms without a gradient" if whole else _described(terms)
    raise ConfigError(
        f"loss() of {_named(model)} must give a dict of named scalar tensors with a gradient, got {got}",
        "Fix the plugin; dferbench check METHOD tests all that a method must keep to.",
    )


def _is_scalar(term: Any) -> bool:
    return isinstance(term, Tensor) and term.ndim == 0 and not torch.is_complex(term)


def _named(model: Classifier) -> str:
    """The class, and the module that it comes from."""
    return f"{type(model).__name__} ({type(model).__module__.removeprefix('dferbench_plugin_')})"


def _described(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)} of {str(value.dtype).removeprefix('torch.')}"
    return "an empty dict" if value == {} else f"a {type(value).__name__}"
