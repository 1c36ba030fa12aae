"""What some tests start and pip does not have: SLURM's servers and a browser, by apt-get.

Where they cannot be installed their tests are skipped: that is said, and no failure. The tests start them,
and they end with the tests. On a machine whose packages start their servers at once none are installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

PACKAGES = {"slurmctld": "slurmctld slurmd slurm-client munge", "chromium": "chromium"}
"""By a program of theirs, which tells whether they are here."""
STARTS_NOTHING = Path("/usr/sbin/policy-rc.d")
"""In the images of containers: packages that are installed there start no service."""
SECONDS = 300


def install(program: str) -> str:
    """Install the packages of a program; why it is not here, and nothing if it is."""
    if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin"):
        return ""
    if os.geteuid() or not STARTS_NOTHING.exists() or not shutil.which("apt-get"):
        return "only the root of a container of Debian installs it here"
    get = f"apt-get install -y -q --no-install-recommends {PACKAGES[program]}"
    try:
        return _failed(["sh", "-c", f"{get} || (apt-get update -q && {get})"])
    except subprocess.TimeoutExpired:
        return f"it took more than {SECONDS} s"


def _failed(command: list[str]) -> str:
    """The last line of a command that failed; nothing of one that did not."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
    said = (done.stdout + done.stderr).splitlines() or [f"exit code {done.returncode}"]
    return said[-1] if done.returncode else ""


def main() -> None:
    """Install all, and say of each whether it is here."""
    for program in PACKAGES:
        why = install(program)
        print(f"{program}: its tests are skipped: {why}" if why else f"{program} is here", flush=True)


if __name__ == "__main__":
    main()
