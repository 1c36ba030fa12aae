"""State dicts as training programs wrap them, unwrapped: below other names, under prefixes, with averages.

PyTorch's wrappers put their own names before those of the model (`module.` of DataParallel and of averaged
models, `_orig_mod.` of torch.compile, `model.` of Lightning), and scripts save the state dict in a mapping,
next to epochs, optimizers and moving averages of the weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from torch import Tensor

from dferbench.errors import DataError

PLAIN = (
    "state_dict", "model_state_dict", "model_state", "model", "module", "net", "net_state_dict", "network",
    "weights", "params",
)  # fmt: skip
"""Under these names scripts save the model's tensors; the first that is there is taken."""
AVERAGED = (
    "model_ema", "state_dict_ema", "ema_state_dict", "model_ema_state_dict", "ema_model", "ema", "module_ema",
    "net_ema", "params_ema",
)  # fmt: skip
"""Under these, a moving average of them."""
PREFIXES = ("module", "_orig_mod", "model", "net", "network")
"""What wrappers call the model that they wrap."""
COMPILED = "_orig_mod"
"""torch.compile's name, which may stand before any part that was compiled by itself."""
COUNT = "n_averaged"
"""What `torch.optim.swa_utils.AveragedModel` keeps next to the model."""
DEPTH = 8
"""How far below the file's own mapping a state dict is looked for."""


@dataclass(frozen=True)
class Unwrapped:
    """The named tensors of a model, and in sentences what was left out."""

    state: dict[str, Tensor]
    notes: tuple[str, ...] = ()


def unwrap(content: Any, take: str = "") -> Unwrapped:
    """The state dict in what a file holds, under the names that the model itself gives its tensors.

    `take` names the part that is meant where the file holds several, such as "model_ema"; without it the
    model is taken rather than an average of it. Raises DataError, to be completed by the file's name, if
    there is no state dict, if there are several and none is named, if there is no part called `take`, or if
    two tensors get one name.
    """
    notes: list[str] = []
    wanted = take
    for _ in range(DEPTH):
        if is_state(content):
            break
        parts = _parts(content)
        name = wanted if wanted in parts else _choose(parts, content)
        notes += _beside(name, parts)
        content, wanted = parts[name], "" if name == wanted else wanted
    if not is_state(content):
        _refuse(content)
    bare = _bare(dict(content), wanted)
    return Unwrapped(bare.state, (*notes, *bare.notes))


def is_state(content: Any) -> bool:
    """Whether this is a state dict: a mapping of names to tensors, at least one of them of numbers that
    learn. A mapping of the states of random generators is none."""
    return (
        isinstance(content, Mapping)
        and all(isinstance(n, str) and isinstance(t, Tensor) for n, t in content.items())
        and any(tensor.is_floating_point() for tensor in content.values())
    )


def _parts(content: Any, depth: int = DEPTH) -> dict[str, Any]:
    """What lies in a mapping and is, or holds, a state dict. Optimizers number theirs, and are none."""
    if not isinstance(content, Mapping) or not depth or not all(isinstance(name, str) for name in content):
        return {}
    return {
        name: part
        for name, part in content.items()
        if is_state(part) or (not isinstance(part, Tensor) and _parts(part, depth - 1))
    }


def _choose(parts: Mapping[str, Any], content: Any) -> str:
    known = [name for name in PLAIN if name in parts]
    others = [name for name in parts if name not in AVERAGED]
    averaged = [name for name in AVERAGED if name in parts]
    chosen = known[:1] or others or averaged[:1]
    if not chosen:
        _refuse(content)
    if len(chosen) > 1:
        raise DataError(
            f"holds several state dicts: {_listed(chosen)}",
            f"Say which: dferbench import --take {chosen[0]}.",
        )
    return chosen[0]


def _beside(name: str, parts: Iterable[str]) -> list[str]:
    """What the user should know of the parts that were not taken."""
    left = [other for other in parts if other != name]
    if not left:
        return []
    kind = ", the moving average" if name in AVERAGED else ", the model itself" if name in PLAIN else ""
    return [f"The weights are those of '{name}'{kind}; {_listed(left)} next to it was left out."]


def _refuse(content: Any) -> NoReturn:
    if isinstance(content, Mapping) and not content:
        raise DataError("holds a state dict without any tensor", "Fetch it again.")
    found = f"; it holds {_listed(map(str, content))}" if isinstance(content, Mapping) else ""
    raise DataError(f"holds no state dict{found}", "Give a file of named tensors.")


def _bare(state: dict[str, Tensor], wanted: str) -> Unwrapped:
    """The tensors without the prefixes of wrappers, which stand one within the other in any order."""
    notes: list[str] = []
    while True:
        before, state = state, _renamed(_without_count(state), _without_own_names)
        groups = {name.split(".", 1)[0]: tensor for name, tensor in state.items()}
        if prefix := _prefix(groups, wanted):
            notes += _beside(prefix, [name for name in groups if {name, prefix} & {*AVERAGED}])
            inside = {name: tensor for name, tensor in state.items() if name.startswith(f"{prefix}.")}
            state = _renamed(inside, lambda name: name.split(".", 1)[1])
            wanted = "" if prefix == wanted else wanted
        if state.keys() == before.keys():
            break
    if wanted:
        raise DataError(
            f"has no part '{wanted}'", "Leave --take out, or name a part that the file has next to the model."
        )
    return Unwrapped(state, tuple(notes))


def _prefix(groups: Mapping[str, Any], wanted: str) -> str:
    """The wrapper's name that all tensors begin with, those of averages apart; "" if there is none."""
    if wanted in groups:
        return wanted
    models = [name for name in groups if name not in AVERAGED]
    whole, known = (models, PREFIXES) if models else (list(groups), AVERAGED)
    return whole[0] if len(whole) == 1 and whole[0] in known else ""


def _without_count(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without what an averaged model counts, which stands next to "module."."""
    rest = {name: tensor for name, tensor in state.items() if name.split(".")[-1] != COUNT}
    return rest if all("module" in name.split(".") for name in rest) else state


def _without_own_names(name: str) -> str:
    """A name without what only wrappers are called: torch.compile's anywhere, DataParallel's in front."""
    bare = ".".join(part for part in name.split(".") if part != COMPILED)
    return bare.removeprefix("module.")


def _renamed(state: Mapping[str, Tensor], called: Any) -> dict[str, Tensor]:
    named: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if (bare := called(name)) in named:
            raise DataError(
                f"holds a tensor '{bare}' both with and without the prefix of a wrapper", "Fetch it again."
            )
        named[bare] = tensor
    return named


def _listed(names: Any) -> str:
    shown = [f"'{name}'" for name in list(names)]
    return ", ".join(shown[:6]) + (f" and {len(shown) - 6} more" if len(shown) > 6 else "")
