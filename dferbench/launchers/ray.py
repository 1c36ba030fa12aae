"""Ray, for the machines of a lab without a scheduler: one process a device, and another if a machine is lost.

Ray's servers listen on all interfaces and run what they are sent, so that whoever reaches them could run
anything: a token is always asked for, unless the user's environment says otherwise. `ray stop` is never used,
since it ends every cluster of the user on a machine.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dferbench import stopping
from dferbench.errors import ConfigError, DferbenchError
from dferbench.launchers import bound
from dferbench.launchers.ray_options import RayOptions
from dferbench.runner.launch import SECONDS_TO_STOP, Codes, Command, Study, ended_with_us

OBJECTS = 100_000_000
"""Bytes of the memory in which Ray's tasks share objects, of which these have none."""
LOST = -int(signal.SIGKILL)
"""The exit code of a process whose machine was lost too often."""
_SETTINGS = {
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_COLOR_PREFIX": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""Read when Ray is imported; the user's own go first. Tokens, no reports home, every line of progress."""


class Ray:
    """Starts as many processes as the cluster has room for, and waits for them."""

    def __init__(self, **options: Any) -> None:
        self.options = RayOptions(**options)
        for name, value in _SETTINGS.items():
            os.environ.setdefault(name, value)
        self.ray = _library()

    def __call__(self, study: Study) -> Codes:
        """Exit codes of all processes. Raises ConfigError for a cluster that cannot be joined, or has no
        room for a single process; a stop ends the processes first."""
        command = study.command
        with _connected(self.ray, self.options.address):
            gpus, count = self._room(study.runs)
            task = self.ray.remote(
                num_gpus=gpus, num_cpus=self.options.cpus, max_retries=self.options.retries
            )
            print(f"{study.name}: {study.runs} runs to do by {count} processes", file=sys.stderr, flush=True)
            start = task(_pilot).options(name=study.name)
            return self._all([start.remote(command, str(Path.cwd())) for _ in range(count)])

    def _room(self, runs: int) -> tuple[float, int]:
        """The GPUs of a process, and how many processes there is work and room for."""
        there = self.ray.cluster_resources()
        gpus = self.options.gpus
        gpus = float(there.get("GPU", 0) > 0) if gpus is None else gpus
        wanted = {"GPU": gpus, "CPU": float(self.options.cpus)}
        fits = [int(there.get(name, 0) // share) for name, share in wanted.items() if share]
        count = min(runs, self.options.tasks or runs, *fits)
        if not count:
            raise ConfigError(
                f"a process needs {gpus:g} GPUs and {self.options.cpus} CPUs, and Ray's cluster has "
                f"{there.get('GPU', 0):g} and {there.get('CPU', 0):g}",
                "Ask for less: ray(gpus=..., cpus=...).",
            )
        return gpus, count

    def _all(self, tasks: list[Any]) -> list[int]:
        """Their exit codes; a stop is passed on to each, and waited for, so that records say so."""
        left = tasks
        try:
            while left:
                stopping.check()
                _, left = self.ray.wait(left, num_returns=len(left), timeout=1.0)
        except BaseException:
            for task in left:
                self.ray.cancel(task, force=False, recursive=False)
            self.ray.wait(left, num_returns=len(left), timeout=SECONDS_TO_STOP)
            raise
        return [self._code(task) for task in tasks]

    def _code(self, task: Any) -> int:
        try:
            return int(self.ray.get(task))
        except (self.ray.exceptions.WorkerCrashedError, self.ray.exceptions.NodeDiedError):
            return LOST


def _library() -> Any:
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            f"the launcher 'ray' needs the library ray: {error}",
            "Install it on every machine: pip install 'dferbench[ray]'",
        ) from error
    return ray


@contextmanager
def _connected(ray: Any, address: str) -> Iterator[None]:
    """In this block the process takes part in a cluster: that at the address, or one that ends with it."""
    before = signal.getsignal(signal.SIGTERM)
    folder = None if address else tempfile.mkdtemp(prefix="dferbench-ray-", dir=_short())
    own = {"include_dashboard": False, "object_store_memory": OBJECTS, "_temp_dir": folder}
    if not address:
        # Else one would be written into the user's home, where it would stay.
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    try:
        _join(ray, address, {} if address else own)
        # Ray would leave at once on SIGTERM, and its tasks would not be told.
        signal.signal(signal.SIGTERM, before)
        yield
    finally:
        ray.shutdown()
        signal.signal(signal.SIGTERM, before)
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def _join(ray: Any, address: str, own: dict[str, Any]) -> None:
    try:
        _knock(address)
        ray.init(address=address or "local", logging_level="warning", **own)
    except (OSError, OverflowError, RuntimeError, ValueError) as error:
        stopping.check()
        raise _refused(address, error) from error


def _knock(address: str) -> None:
    """Ray itself would try for minutes to reach a server that is not there. Raises OSError."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit() and "/" not in host:
        socket.create_connection((host, int(port)), timeout=10).close()


def _short() -> str | None:
    """Where Ray keeps its sockets: their paths may have a hundred characters only."""
    return "/tmp" if Path("/tmp").is_dir() else None


def _refused(address: str, error: Exception) -> DferbenchError:
    said = (str(error).splitlines() or [type(error).__name__])[0]
    if not address:
        return DferbenchError(f"Ray does not start here: {said}", "--launcher processes needs no server.")
    return DferbenchError(
        f"cannot join Ray's cluster at {address}: {said}",
        "Start it by ray start --head, and give every machine its token by RAY_AUTH_TOKEN_PATH.",
    )


def _pilot(command: Command, folder: str) -> int:
    """In a worker of Ray: run the command while the worker lives, and pass on that it is cancelled."""
    words = bound.words(command, SECONDS_TO_STOP)
    # Each would print the table in the end; its progress is in the errors, which Ray hands on.
    with (
        subprocess.Popen(words, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process,
        ended_with_us(process),
    ):
        while True:
            with suppress(subprocess.TimeoutExpired):  # Ray cannot interrupt a wait without an end
                return process.wait(0.5)
