"""SLURM: one array of identical tasks, each of which does runs until none is left."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from dferbench import stopping
from dferbench.errors import ConfigError, DferbenchError
from dferbench.launchers.profile import with_profile
from dferbench.launchers.slurm_options import SlurmOptions
from dferbench.launchers.slurm_script import LOGS, script
from dferbench.runner.launch import Codes, Study

SECONDS = 5.0
"""Between two looks at the queue, for `wait`."""
_UNREACHABLE = re.compile(
    "unable to contact|configuration|socket timed out|connection refused|slurm backup", re.IGNORECASE
)


class Slurm:
    """Sends a study as an array, and returns; or waits for its end, if the options say so."""

    def __init__(self, **options: Any) -> None:
        self.options = with_profile(SlurmOptions, "slurm", options)

    def preview(self, study: Study) -> str:
        """The script that would be sent."""
        return script(self.options, study)

    def __call__(self, study: Study) -> Codes:
        """Send it. Raises ConfigError for a job that is refused, DferbenchError if nobody answers."""
        text = script(self.options, study)
        logs = study.output / LOGS
        _make(logs)
        job = _answer(["sbatch", "--parsable"], text).split(";")[0].strip()
        say = f"sent job {job}: {study.name}, {study.runs} runs to do"
        follow = (
            f"follow it by squeue --job {job} and dferbench runs {study.output}; "
            f"end it by scancel {job}; logs: {logs}"
        )
        print(f"{say}\n{follow}", file=sys.stderr, flush=True)
        if not self.options.wait:
            return None
        while _queued(job):
            stopping.wait_for_signal(SECONDS)
        return []


def _make(folder: Path) -> None:
    """SLURM makes no folder for its logs: the job would fail without a word."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DferbenchError(
            f"cannot make the folder {folder}: {error.strerror}", "Choose an --output that may be written."
        ) from error


def _queued(job: str) -> bool:
    """Whether a task of the job waits or runs; SLURM forgets a job some minutes after its end."""
    try:
        return bool(_answer(["squeue", "--noheader", f"--jobs={job}", "--format=%i"]).strip())
    except ConfigError as error:
        if "Invalid job id" in str(error):
            return False
        raise


def _answer(command: list[str], text: str = "") -> str:
    """What a command of SLURM prints. Raises ConfigError if it is missing or refuses, DferbenchError if the
    controller cannot be reached."""
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, errors="replace")
    except FileNotFoundError:
        raise ConfigError(
            f"there is no command {command[0]} on this machine",
            "Log in to a machine of the cluster; without SLURM, use --launcher processes or ray.",
        ) from None
    if not done.returncode:
        return done.stdout
    said = _said(done.stderr)
    if _UNREACHABLE.search(said):
        raise DferbenchError(
            f"SLURM's controller cannot be reached: {said}", "Try again later; scontrol ping asks for it."
        )
    raise ConfigError(
        f"SLURM refused: {said}",
        "sinfo lists partitions and their limits; --dry-run prints what would be sent.",
    )


def _said(errors: str) -> str:
    """The reason that a command of SLURM gives, without what each of its lines begins with."""
    lines = [line for line in errors.splitlines() if line.strip()] or ["it says nothing"]
    last = [line for line in lines if ": error: " in line or ": fatal: " in line][-1:] or lines[:1]
    return re.sub(r"^\w+: ((error|fatal): )?(Batch job submission failed: )?", "", last[0])
