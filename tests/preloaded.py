"""Processes that begin with what takes long to import: a server that forks them, and who asks it.

A new Python takes seconds of CPU to import torch and what goes with it, and hundreds of tests start the
command line in a process of its own. The server has imported other people's packages, none of ours, and forks
for each command: a process with its own number, folder, environment and streams, as `python -m dferbench` is.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress

LIBRARIES = (
    "av", "cv2", "lightning_fabric", "numpy", "open_clip", "PIL.Image", "pydantic", "rich.progress",
    "scipy.stats", "timm", "torch", "torchmetrics", "torchvision.transforms.v2", "typer",
)  # fmt: skip


class Server:
    """The process that forks. It ends with this one, which holds the other end of its socket."""

    def __init__(self):
        self.door, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, __file__, str(theirs.fileno())]
            self.process = subprocess.Popen(command, pass_fds=[theirs.fileno()], start_new_session=True)

    def start(self, words, cwd, env, alone=False):
        """Start the command line; `alone` makes it the leader of a session, whose group can be killed."""
        ends = [os.pipe() for _ in range(3)]
        asked = json.dumps({"words": words, "cwd": os.fspath(cwd), "env": env, "alone": alone}).encode()
        socket.send_fds(self.door, [len(asked).to_bytes(4, "big")], [writing for _, writing in ends])
        self.door.sendall(asked)
        for _, writing in ends:
            os.close(writing)
        return Command(words, *(reading for reading, _ in ends))

    def end(self):
        """Have the server end."""
        self.door.close()
        self.process.wait()


class Command:
    """A running command line, as `subprocess.Popen` has it: streams are text, and it can be waited for."""

    def __init__(self, words, told, out, err):
        self.args, self.returncode = words, None
        self.stdout, self.stderr = (os.fdopen(one, encoding="utf-8") for one in (out, err))
        self._told = os.fdopen(told)
        number = self._told.readline()
        assert number, "the server that starts commands has ended: see what it printed"
        self.pid = int(number)

    def poll(self):
        """The exit code, negative for a signal; None while it runs."""
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self.returncode = int(self._told.readline())
        return self.returncode

    def wait(self, timeout=None):
        """The exit code, once it has ended. Raises subprocess.TimeoutExpired."""
        if self.returncode is None and not select.select([self._told], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self.poll()

    def communicate(self, timeout=None):
        """All that it still writes to its two streams. Raises subprocess.TimeoutExpired."""
        found = {}
        reading = [
            threading.Thread(target=lambda one=one: found.update({one: one.read()}), daemon=True)
            for one in (self.stdout, self.stderr)
        ]
        for one in reading:
            one.start()
        self.wait(timeout)
        for one in reading:
            one.join(timeout)
        return found[self.stdout], found[self.stderr]

    def send_signal(self, number):
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it ended just now
                os.kill(self.pid, number)

    def kill(self):
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:  # a test that failed waits for nothing
            self.kill()
        self.stdout.close()
        self.stderr.close()
        self.wait()
        self._told.close()


def serve(door):
    """Fork for each command that is asked for. Returns its words in the process that is to become it, and
    None when nobody asks any more."""
    while True:
        size, streams, _, _ = socket.recv_fds(door, 4, 3)
        if not size:
            return None
        asked = json.loads(door.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL))
        if child := os.fork():
            os.waitpid(child, 0)
            for one in streams:
                os.close(one)
            continue
        door.close()
        if os.fork():
            os._exit(0)
        _tell(*streams)
        _become(asked, *streams[1:])
        return asked["words"]


def _tell(told, *streams):
    """Fork once more, and in the parent tell the child's number and how it ended. Returns in the child."""
    if not (child := os.fork()):
        os.close(told)
        return
    for one in streams:
        os.close(one)
    for signal_ in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_, signal.SIG_IGN)
    os.write(told, f"{child}\n".encode())
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.write(told, f"{code}\n".encode())
    os._exit(0)


def _become(asked, out, err):
    if asked["alone"]:
        os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    for one, place in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (err, 2)):
        os.dup2(one, place)
        os.close(one)
    sys.path[0] = asked["cwd"]  # as for -m


if __name__ == "__main__":
    import importlib
    import runpy

    for name in LIBRARIES:
        importlib.import_module(name)
    words = serve(socket.socket(fileno=int(sys.argv[1])))
    if words is not None:
        sys.argv[1:] = words
        runpy.run_module("dferbench", run_name="__main__", alter_sys=True)
