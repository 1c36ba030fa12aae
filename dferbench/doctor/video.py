"""Whether every reader of video files reads the frames that were drawn."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dferbench.data.decoders import choose_decoder
from dferbench.data.decoders import decord as decord_reader
from dferbench.doctor.finding import Finding, tried
from dferbench.doctor.packages import install
from dferbench.errors import DataError, DferbenchError, VideoError
from dferbench.registry.catalog import Catalog

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

FRAMES, RATE = 50, 25
HEIGHT, WIDTH = 64, 96
NO_FILES = ("animation", "folder", "pack")
"""Readers of what is not a video file."""
PACKAGES = {"pyav": ("PyAV", "av"), "decord": ("decord", "decord")}
"""What the readers of the host are called, and the package that does their work."""
TOLERANCE = 1
"""Grey levels that two readers of one video may differ by."""


def video(catalog: Catalog) -> Iterator[Finding]:
    """Draw a video of two seconds and read it with every registered reader of video files."""
    with tempfile.TemporaryDirectory(prefix="dferbench-doctor-") as folder:
        path = Path(folder) / "drawn.mp4"
        drawing = tried("drawn video", install("opencv-python-headless"), partial(_draw, path))
        yield drawing
        if drawing.state == "ok":
            yield from _readers(catalog, path)


def _readers(catalog: Catalog, path: Path) -> Iterator[Finding]:
    """PyAV comes first: it tells decord how many frames there are."""
    builds = catalog.builds("decoders")
    frames: dict[str, Pixels] = {}
    for name in sorted(builds.keys() - set(NO_FILES), key=lambda name: (name != "pyav", name)):
        if skip := _cannot(name, frames):
            yield Finding(_called(name), "skipped", skip)
            continue
        hint = _hint(name, catalog)
        yield tried(_called(name), hint, partial(_read, name, builds, path, frames))


def _cannot(name: str, frames: Mapping[str, Pixels]) -> str:
    """Why a reader is not tried, "" if it is."""
    if name == "decord" and not decord_reader.installed():
        return "not installed; it is an option, PyAV reads the videos"
    if name == "decord" and "pyav" not in frames:
        return "not tried: it needs PyAV, which fails"
    return ""


def _called(name: str) -> str:
    title, package = PACKAGES.get(name, (f"decoder {name}", ""))
    try:
        return f"{title} {version(package)} reads" if package else f"{title} reads"
    except PackageNotFoundError:
        return f"{title} reads"


def _hint(name: str, catalog: Catalog) -> str:
    if name not in PACKAGES:
        return f"Fix the plugin {catalog.entries['decoders'][name].origin}."
    _, package = PACKAGES[name]
    return f"{install(package)} It is imported from {_origin(package)}."


def _origin(package: str) -> str:
    """Where Python finds the package: another one of its name may hide it."""
    from importlib.util import find_spec

    try:
        found = find_spec(package)
    except ValueError:
        found = None
    return str(found.origin) if found else "nowhere"


def drawn() -> Pixels:
    """(50, 64, 96, 3) uint8: three colours above each frame's number in six squares, light or dark."""
    import numpy as np

    frames = np.empty((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    frames[:, :, :32], frames[:, :, 32:64], frames[:, :, 64:] = (120, 40, 40), (40, 120, 40), (40, 40, 120)
    for number in range(FRAMES):
        for bit in range(6):
            frames[number, 32:, 16 * bit : 16 * bit + 16] = 220 if number >> bit & 1 else 30
    return frames


def _draw(path: Path) -> str:
    """OpenCV writes it, so that what PyAV cannot do is PyAV's own finding."""
    import cv2

    library: Any = cv2
    writer = library.VideoWriter(str(path), library.VideoWriter.fourcc(*"mp4v"), float(RATE), (WIDTH, HEIGHT))
    for frame in drawn():
        writer.write(frame[..., ::-1].copy())
    writer.release()
    if not path.is_file() or not path.stat().st_size:
        raise DataError("OpenCV could not write a video")
    return f"{FRAMES} frames of {WIDTH} x {HEIGHT}"


def _read(name: str, builds: Mapping[str, Any], path: Path, frames: dict[str, Pixels]) -> str:
    try:
        found, _ = choose_decoder(name, builds).read(str(path), lambda count: range(count))
    except VideoError as error:
        raise DferbenchError(f"it does not read a sound video: {error.reason}") from error
    seen = _checked(found)
    frames[name] = seen
    first = next(iter(frames))
    if first == name:
        return f"all {FRAMES} frames, as drawn"
    difference = abs(seen.astype(int) - frames[first].astype(int)).max()
    if difference > TOLERANCE:
        raise DferbenchError(f"its frames differ from those of {first} by up to {difference} grey levels")
    return f"all {FRAMES} frames, as drawn and as {first} reads them"


def _checked(found: Any) -> Pixels:
    """The frames, if they are those drawn, in their order. Raises DferbenchError."""
    import numpy as np

    seen, right = np.asarray(found), drawn()
    if seen.shape != right.shape:
        raise DferbenchError(f"it gives frames of shape {seen.shape}, where {right.shape} were drawn")
    for number, frame in enumerate(seen.astype(int)):
        distances = np.abs(right.astype(int) - frame).mean(axis=(1, 2, 3))
        if distances.argmin() != number:
            raise DferbenchError(f"its frame {number} is frame {distances.argmin()} of the video")
        if distances[number] > 12:
            raise DferbenchError(f"frame {number} is {distances[number]:.0f} grey levels off the drawn one")
    return seen
