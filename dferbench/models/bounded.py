"""Building a model whose size a file states, within bounds: counted before the memory is taken.

A header of a few hundred bytes can ask for a layer of a terabyte, or for a million layers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._device import _device_constructors

from dferbench.errors import DataError

MOST_TENSORS = 50_000
"""How often tensors may be made while a model is built; the largest here takes a few thousand."""


class Bounded(TorchFunctionMode):
    """While it is active, tensors of at most `most` bytes in all are made. Raises DataError at the first that
    is too much, which names the file at `source`."""

    def __init__(self, most: int, source: str) -> None:
        super().__init__()
        self.most, self.source = most, source
        self.bytes = self.tensors = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Called in place of every function of torch."""
        kwargs = kwargs or {}
        if func in _device_constructors():
            self._count(_size(func, args, kwargs))
        return func(*args, **kwargs)

    def _count(self, size: int) -> None:
        self.bytes += size
        self.tensors += 1
        if self.bytes > self.most or self.tensors > MOST_TENSORS:
            raise DataError(
                f"{self.source} states a model that would take more than {self.most / 1e9:.1f} GB or "
                f"{MOST_TENSORS:,} tensors, which do not belong to a file of its size",
                "Fetch the checkpoint again; its header is damaged, or made to fill the memory.",
            )


def _size(func: Callable[..., Any], args: Any, kwargs: Any) -> int:
    """The bytes of what the function would make, found on the device that holds no values."""
    try:
        made = func(*args, **{**kwargs, "device": "meta"})
    except DataError:
        raise
    except Exception:  # it cannot be asked without values; what it says is said when it is called
        return 0
    return made.nbytes if isinstance(made, Tensor) else 0
