"""A Ray cluster of two nodes on this machine, each ended by its own process and never by name."""

import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from slurm_cluster import free_ports

SAVING = [
    "--disable-usage-stats",
    "--object-store-memory=100000000",
    "--node-ip-address=127.0.0.1",
    "--block",
]
CALM = {"RAY_memory_monitor_refresh_ms": "0", "RAY_worker_niceness": "0"}
"""Other programs here may take memory and time: Ray would end tasks for them, and lets them go first."""


class Node:
    """One node: `ray start --block`, with all that it starts in a session of its own."""

    def __init__(self, environment, log, *options):
        self.log = log
        command = [str(Path(sys.executable).with_name("ray")), "start", *options, "--num-cpus=1", *SAVING]
        with log.open("w") as file:
            self.process = subprocess.Popen(
                command, env=environment, stdout=file, stderr=file, start_new_session=True
            )
        end = time.monotonic() + 120
        while "runtime started" not in log.read_text():
            assert self.process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.2)

    def lose(self):
        """Kill the node's server alone, as when its machine is cut off: all else must end by itself.

        Gives the processes of the study that were at work on it.
        """
        family = {pid: _command_of(pid) for pid in _family(self.process.pid)}
        (server,) = [pid for pid, command in family.items() if command[0].endswith(b"/raylet")]
        os.kill(server, signal.SIGKILL)
        return [pid for pid, command in family.items() if b"dferbench" in command]

    def kill(self):
        """End whatever is left of it."""
        for pid in _family(self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()


def _command_of(pid):
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


def _family(pid):
    """The process and those that it, or one of them, has started."""
    found = [pid]
    for one in found:
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            found += map(int, children.read_text().split())
    return found


@contextmanager
def cluster(folder):
    """Start it; gives its address, the environment that has its token, and its second node."""
    (port,) = free_ports(1)
    token = secrets.token_hex(32)
    environment = {
        **os.environ,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": token,
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    environment |= CALM
    with ExitStack() as stack:
        head = [f"--port={port}", "--include-dashboard=false", f"--temp-dir={folder}", "--head"]
        stack.callback(Node(environment, folder / "head.log", *head).stop)
        second = Node(environment, folder / "second.log", f"--address=127.0.0.1:{port}")
        stack.callback(second.stop)
        yield f"127.0.0.1:{port}", environment, second
