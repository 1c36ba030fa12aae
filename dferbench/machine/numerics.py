"""How torch computes: its switches are global, and set anew for every run."""

from __future__ import annotations

import os
from collections.abc import Callable

import torch
from torch import nn

from dferbench.machine.compiled import compile_blocks
from dferbench.types import Compute

USUAL = Compute()


def compute_by(compute: Compute) -> None:
    """Set torch's switches: what repeats bits, and what multiplies float32 with fewer of them."""
    # Without this, cuBLAS may add up in another order from run to run.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # As `use_deterministic_algorithms` with `warn_only` does, without importing torch's compiler for it.
    torch.set_deterministic_debug_mode("warn" if compute.deterministic else "default")
    # Filling every new tensor with NaN shows who reads what was never written. It decides no result, and
    # costs a training step a twentieth of its time in float32 and a fifth in bf16.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    # A search for the fastest algorithm may find another one in the next run.
    torch.backends.cudnn.benchmark = not compute.deterministic
    torch.backends.cuda.matmul.allow_tf32 = compute.tf32
    torch.backends.cudnn.allow_tf32 = compute.tf32  # which torch allows unasked


def fitted_to(compute: Compute, model: nn.Module, say: Callable[[str], None]) -> list[str]:
    """Make a model on its device compute as asked: channels innermost, blocks compiled.

    Gives the list of reasons why something is not compiled, as `compile_blocks` does; `say` tells each.
    """
    if compute.channels_last:
        for module in model.modules():
            if isinstance(module, nn.Conv2d):  # what follows a convolution takes the order of its weight
                module.to(memory_format=torch.channels_last)
    return compile_blocks(model, say) if compute.compile else []
