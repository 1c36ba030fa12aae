"""Counting what a method costs, without weights and without arithmetic: on torch's meta device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from dferbench.models import Classifier
from dferbench.models.build import make_model
from dferbench.models.freezing import ever_trained
from dferbench.models.parts import Parts
from dferbench.profiling.costs import Cost
from dferbench.registry.catalog import Catalog, Entry
from dferbench.types import Recipe, Task

COUNTED = (
    "MACs of every convolution and matrix product in testing one video, those inside attention and "
    "recurrent layers included; class texts that stay the same are read beforehand and not counted; norms, "
    "activations, pooling, additions and resizing are not"
)
"""What `Cost.macs` is, in words."""


def count(method: Entry, task: Task, options: Mapping[str, Any], recipe: Recipe, catalog: Catalog) -> Cost:
    """The cost of a method for a task. Raises ConfigError or DataError for what cannot be built."""
    model = _on_meta(method, task, options, catalog)
    trained = ever_trained(model, recipe)
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    return Cost(
        parameters=sum(sizes.values()),
        trained=sum(sizes[name] for name in trained),
        macs=_multiply_adds(model.eval(), task),
        frames=task.frames,
        size=task.size,
    )


def _on_meta(method: Entry, task: Task, options: Mapping[str, Any], catalog: Catalog) -> Classifier:
    """The model without values. What looks at values while it is built, such as tokens, is built with some
    and then stripped of them: the counts are the same."""
    parts = Parts(catalog, missing="random")
    try:
        with torch.device("meta"):
            return make_model(method, task, options, parts, seed=0)
    except (RuntimeError, NotImplementedError) as error:
        if "meta" not in str(error):
            raise
        return make_model(method, task, options, Parts(catalog, missing="random"), seed=0).to("meta")


def _multiply_adds(model: Classifier, task: Task) -> int:
    """Half of what torch counts, which is two operations a multiply-add.

    The fast paths of attention are switched off: torch does not see the products within them.
    """
    video = torch.empty(1, task.frames, 3, task.size, task.size, device="meta")
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
            model(model.encode(video))
            with FlopCounterMode(display=False) as counter:
                model(model.encode(video))
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return int(counter.get_total_flops()) // 2
