"""What the tests of launchers start: SLURM's servers, by apt-get, and Ray, by pip.

Where one of them cannot be installed its tests are skipped: that is said, and no failure. The tests start the
servers, which end with them. On a machine whose packages start their servers at once none are installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

PACKAGES = "slurmctld slurmd slurm-client munge"
STARTS_NOTHING = Path("/usr/sbin/policy-rc.d")
"""In the images of containers: packages that are installed there start no service."""
SECONDS = 120


def install(python: Path, root: Path) -> None:
    """Install what is missing, Ray into the environment of that Python, in which the checkout is editable."""
    _say("SLURM", _slurm())
    pip = (str(python), "-m", "pip", "install", "--quiet", "--only-binary", "ray")
    _say("Ray", _failed([*pip, "--editable", f"{root}[ray]"]))


def _slurm() -> str:
    """Why SLURM is not here; nothing if it is."""
    if shutil.which("slurmctld", path=f"{os.environ['PATH']}:/usr/sbin"):
        return ""
    if os.geteuid() or not STARTS_NOTHING.exists() or not shutil.which("apt-get"):
        return "only the root of a container of Debian installs it here"
    get = f"apt-get install -y -q --no-install-recommends {PACKAGES}"
    return _failed(["sh", "-c", f"{get} || (apt-get update -q && {get})"])


def _failed(command: list[str]) -> str:
    """The last line of a command that failed; nothing of one that did not."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = (done.stdout + done.stderr).splitlines() or [f"exit code {done.returncode}"]
    return said[-1] if done.returncode else ""


def _say(name: str, why: str) -> None:
    skipped = f"{name}: its tests are skipped, it cannot be installed: {why}"
    print(skipped if why else f"{name} is here", flush=True)
