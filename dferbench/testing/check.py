"""Which contract holds for which kind of thing, and the doors to them: for tests and for the command line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from dferbench.errors import ConfigError, DferbenchError
from dferbench.registry.catalog import Catalog, discover
from dferbench.registry.kinds import kind_of
from dferbench.testing import datasets, metrics, modules, observers, suites, training, videos
from dferbench.testing.candidate import Candidate
from dferbench.testing.methods import RULES, Trial
from dferbench.testing.outcome import Outcome, Rule, causes, outcomes

PARTS: Mapping[str, tuple[Rule[Candidate], ...]] = {
    "backbones": modules.BACKBONE,
    "temporal_heads": modules.HEAD,
    "prompts": modules.PROMPT,
    "decoders": videos.DECODER,
    "face_finders": videos.FINDER,
    "metrics": metrics.METRIC,
    "samplers": videos.SAMPLER,
    "augmentations": training.AUGMENTATION,
    "optimizers": training.OPTIMIZER,
    "schedules": training.SCHEDULE,
    "trackers": observers.TRACKER,
    "launchers": observers.LAUNCHER,
    "suites": suites.SUITE,
}
"""The rules of each kind but methods and datasets, whose rules depend on what there is to try them on."""


def check_method(
    name: str, catalog: Catalog | None = None, given: Mapping[str, Any] | None = None
) -> list[Outcome]:
    """Every rule's outcome for a method with the `given` options. Raises UnknownName or ConfigError."""
    trial = Trial(name, catalog or discover(), given or {})
    return outcomes(RULES, trial, 1, _whose(trial.catalog, "methods", name))


def check_part(
    kind: str,
    name: str,
    catalog: Catalog | None = None,
    given: Mapping[str, Any] | None = None,
    root: Path | None = None,
    sample: Path | None = None,
) -> list[Outcome]:
    """The outcome of each rule for a thing of any kind, such as ("metrics", "my-metric").

    `given` are options of it; `root` says where a dataset lies, whose lists are checked only where they are,
    and `sample` names a file that a decoder reads. Rules behind one on which they rest are left out if that
    is broken. Raises UnknownName or ConfigError.
    """
    catalog = catalog or discover()
    if kind == "methods":
        return check_method(name, catalog, given)
    candidate = Candidate(kind, name, catalog, dict(given or {}), root, sample)
    whose = _whose(catalog, kind, name)
    if kind != "datasets":
        return _resting(PARTS[kind], candidate, whose)
    found = _resting(datasets.OF_ITSELF, candidate, whose)
    if causes(found) or datasets.place(candidate) is None:
        return found
    return [*found, *_resting(datasets.OF_LISTS, candidate, whose)]


def _resting(rules: tuple[Rule[Candidate], ...], candidate: Candidate, whose: str) -> list[Outcome]:
    """Nothing can be said of what cannot be built."""
    begun = outcomes(rules[:1], candidate, whose=whose)
    return outcomes(rules, candidate, 1, whose) if begun[0].ok else begun


def check_commands(catalog: Catalog, origin: str) -> list[Outcome]:
    """The outcome of each rule for the commands that the plugin of that origin adds."""
    added = [add for where, add in catalog.commands if where == origin]
    return [one for add in added for one in outcomes(observers.COMMANDS, add, 1, f"the plugin {origin}")]


def _whose(catalog: Catalog, kind: str, name: str) -> str:
    return catalog.get(kind, name).whose


def assert_contract(name: str, /, catalog: Catalog | None = None, **given: Any) -> None:
    """For a plugin's tests: fails with every rule that the thing breaks, once for each cause.

    `name` is that of a method, or "KIND/NAME" of anything, such as "metric/my-metric".
    """
    kind, slash, bare = name.rpartition("/")
    found = check_part(kind_of(kind) if slash else "methods", bare, catalog, given)
    _require(name, found)


def assert_plugin(plugin: ModuleType | Path, root: Path | None = None, sample: Path | None = None) -> None:
    """For a plugin's tests: fails with every rule that anything breaks which the module, or file, registers.

    `root` says where its dataset lies, `sample` names a file that its decoder reads. Whether the plugin is
    installed does not matter.
    """
    path = plugin if isinstance(plugin, Path) else Path(str(plugin.__file__))
    catalog = discover([path])
    for origin, error in ((one.origin, one.reason) for one in catalog.broken):
        if origin == str(path):
            raise ConfigError(f"the plugin {path} cannot be used: {error}", "dferbench doctor shows more.")
    for kind, name in catalog.brought_by(path):
        _require(f"{kind}/{name}", check_part(kind, name, catalog, None, root, sample))
    for origin in sorted(catalog.origins_of([path])):
        _require(f"the commands of {origin}", check_commands(catalog, origin))


def _require(name: str, found: list[Outcome]) -> None:
    broken = [f"{one.rule}{one.reason}" for one in causes(found)]
    if broken:
        raise AssertionError(f"{name} breaks the contract:\n" + "\n".join(broken))


def fault(error: DferbenchError) -> Outcome:
    """What keeps a thing from being tried at all, as an outcome."""
    return Outcome("it can be tried", False, f": {error}", needs=True)
