"""torch.compile by region: the blocks that a network repeats, each compiled once and used many times.

A whole network takes minutes to compile, and one line of Python that torch cannot follow breaks it in two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn


def compile_blocks(model: nn.Module, say: Callable[[str], None]) -> list[str]:
    """Compile the repeated blocks of a model in place; blocks that cannot be compiled run as they are.

    Gives the list of reasons why some could not, to which a first call may add: each is told once by `say`.
    """
    reasons: list[str] = []
    found = list(repeated(model))
    if not found:
        _tell("nothing is compiled: the model repeats no block", reasons, say)
    for block in found:
        block.forward = _or_plain(block.forward, reasons, say)
    return reasons


def repeated(model: nn.Module) -> Iterator[nn.Module]:
    """Blocks with parts of their own that stand next to others of their class in a list or a sequence."""
    lists = (nn.ModuleList, nn.Sequential)
    for parent in model.modules():
        if isinstance(parent, lists):
            blocks = [child for child in parent if list(child.children()) and not isinstance(child, lists)]
            kinds = [type(block) for block in blocks]
            yield from (block for block in blocks if kinds.count(type(block)) > 1)


def _or_plain(
    plain: Callable[..., Any], reasons: list[str], say: Callable[[str], None]
) -> Callable[..., Any]:
    """`plain` compiled; from a failure to compile on, `plain` itself."""
    from torch._dynamo.exc import TorchDynamoException

    chosen = torch.compile(plain)

    def call(*args: Any, **more: Any) -> Any:
        nonlocal chosen
        if chosen is plain:
            return plain(*args, **more)
        try:
            return chosen(*args, **more)
        except TorchDynamoException as error:
            chosen = plain
            lines = str(error).strip().splitlines()
            reason = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
            _tell(f"a block is not compiled and runs as it is ({reason})", reasons, say)
            return plain(*args, **more)

    return call


def _tell(reason: str, reasons: list[str], say: Callable[[str], None]) -> None:
    if reason not in reasons:
        reasons.append(reason)
        say(reason)
