"""Where dferbench can be installed without a compiler: every Python and platform, asked of the package index.

`python .ci/matrix.py [UV]` resolves pyproject.toml with wheels alone, and needs neither that Python nor that
machine. Exits 1 if what is said to be supported does not resolve.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = {
    # What wheels of today need: glibc 2.28 (2018), and macOS 14, which `resolve` says.
    "Linux x86_64": "x86_64-manylinux_2_28",
    "Linux aarch64": "aarch64-manylinux_2_28",
    "macOS arm64": "aarch64-apple-darwin",
    "macOS x86_64": "x86_64-apple-darwin",
    "Windows": "x86_64-pc-windows-msvc",
}
SUPPORTED = ("Linux x86_64", "Linux aarch64", "macOS arm64")


def culprit(message: str) -> str:
    """The package that uv's explanation is about: the first one that it says has no wheels or no versions."""
    names = re.findall(r"([A-Za-z][\w.-]*)(?:\[[^]]*\])?(?:[<>=!~][^ ]*)? (?:has|have) no ", message)
    names += re.findall(r"only (?:the following versions of )?([A-Za-z][\w.-]*?)[<>=!~ ]", message)
    first = message.strip().splitlines()[-1] if message.strip() else "no reason given"
    return names[0] if names else first


def allowed(python: str, requires: str) -> bool:
    """Whether `requires-python` lets this Python in; uv does not look at it here."""
    minor = int(python.split(".")[1])
    low, high = re.search(r">=3\.(\d+)", requires), re.search(r"<3\.(\d+)", requires)
    return (not low or minor >= int(low[1])) and (not high or minor < int(high[1]))


def resolve(uv: str, python: str, platform: str, project: Path = PROJECT) -> str:
    """Empty if it resolves, otherwise what is in the way."""
    if not allowed(python, tomllib.loads(project.read_text())["project"].get("requires-python", "")):
        return "requires-python"
    command = [uv, "pip", "compile", "--quiet", "--no-header", "--only-binary", ":all:", "--no-config"]
    command += ["--python-version", python, "--python-platform", PLATFORMS[platform], str(project)]
    # Otherwise uv fetches an interpreter of that version first, and waits long where it cannot be had.
    command += ["--python", sys.executable, "--no-python-downloads"]
    # uv means macOS 13, for which PyAV and torch build no more.
    environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": "14.0"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=project.parent, env=environment)
    return culprit(done.stderr) if done.returncode else ""


def main(uv: str = "uv", project: Path = PROJECT) -> int:
    """Print the matrix; 1 if a supported combination does not resolve."""
    places = [(python, platform) for platform in PLATFORMS for python in PYTHONS]
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda place: resolve(uv, place[0], place[1], project), places)
        answers = dict(zip(places, found, strict=True))
    print(" " * 16 + "".join(f"{python:18}" for python in PYTHONS))
    for platform in PLATFORMS:
        cells = [answers[python, platform] or "resolves" for python in PYTHONS]
        print(f"{platform:16}" + "".join(f"{cell:18}" for cell in cells).rstrip())
    lost = [
        f"{platform}, Python {python}: {why}"
        for (python, platform), why in answers.items()
        if why and platform in SUPPORTED
    ]
    print("\n".join(lost) or f"supported and all there: {', '.join(SUPPORTED)}")
    return int(bool(lost))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if sys.argv[1:] else "uv"))
