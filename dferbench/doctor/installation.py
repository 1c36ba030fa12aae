"""Everything that does not depend on a run: packages, devices, plugins, video, models, folders."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from dferbench.doctor.finding import Finding, tried
from dferbench.doctor.packages import install, packages
from dferbench.doctor.video import video
from dferbench.doctor.writable import writable
from dferbench.documents import from_toml, read_text
from dferbench.errors import ConfigError, DferbenchError
from dferbench.places import cache_folder, config_file
from dferbench.registry.catalog import Catalog
from dferbench.registry.kinds import KINDS


def installation(catalog: Catalog, output: Path) -> Iterator[Finding]:
    """Every finding about what is installed and about the folders, `output` being that of the runs."""
    yield from packages()
    yield tried("devices", install("torch"), _devices)
    yield from _plugins(catalog)
    yield from video(catalog)
    yield from _models(catalog)
    yield tried("configuration", "Fix or remove it.", _configuration)
    yield from folders(output)


def folders(output: Path) -> Iterator[Finding]:
    """Whether the cache, the runs and the configuration can be written."""
    yield writable("cache", cache_folder(), "Set $DFERBENCH_CACHE to a folder that you may write.")
    yield writable("runs", output, "Use --output DIR, a folder that you may write.")
    home = config_file().parent
    yield writable("configuration folder", home, "Set $DFERBENCH_HOME to a folder that you may write.")


def _devices() -> str:
    import torch

    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return f"cpu ({torch.get_num_threads()} threads){''.join(f', cuda ({name})' for name in names)}"


def _plugins(catalog: Catalog) -> Iterator[Finding]:
    counts = ", ".join(f"{len(entries)} {KINDS[kind].noun}s" for kind, entries in catalog.entries.items())
    yield Finding("registered", "ok", counts)
    for (kind, name), origins in catalog.contested.items():
        claims = f"the {KINDS[kind].noun} name is claimed by {' and '.join(origins)}"
        yield Finding(name, "fails", claims, "Uninstall one of them, or rename what is yours.")
    for broken in catalog.broken:
        hint = "Fix or uninstall it; everything else works without it."
        yield Finding(f"plugin {broken.origin}", "fails", broken.reason, hint, broken.details.rstrip())


def _models(catalog: Catalog) -> Iterator[Finding]:
    """Backbones whose weights come with their package are built and see one image."""
    for name, entry in catalog.entries["backbones"].items():
        if entry.facts.get("embedded"):
            hint = f"Install {entry.origin} again; what torch or open_clip lack is told above."
            yield tried(f"backbone {name}", hint, partial(_model, catalog, name, entry.facts["size"]))


def _model(catalog: Catalog, name: str, size: int) -> str:
    import torch

    from dferbench.models.parts import Parts

    module = Parts(catalog).backbone(name).eval()
    with torch.no_grad():
        features = module(torch.zeros(1, 3, size, size))
    if not bool(torch.isfinite(features).all()):
        raise DferbenchError("its features are not finite")
    return f"{size} x {size} pixels to {features.shape[-1]} features"


def _configuration() -> str:
    path = config_file()
    if not path.exists():
        return f"{path} (not there, which is fine)"
    try:
        from_toml(read_text(path))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} is not a valid configuration: {error}") from error
    return str(path)
