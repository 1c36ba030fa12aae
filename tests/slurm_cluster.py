"""A SLURM cluster of two nodes on this machine, with servers, ports and keys of its own."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch")
CONFIGURATION = """
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
# A requeued job waits until its old credential is no longer valid.
AuthInfo=socket={folder}/munge/socket,cred_expire=5
SlurmctldPort={ports[0]}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=5
SchedulerParameters=sched_interval=2,bf_interval=2
GresTypes=gpu
NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1 RealMemory=2000 Gres=gpu:1
NodeName=n2 NodeHostname=localhost NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1 RealMemory=2000 Gres=gpu:1
PartitionName=low Nodes=ALL Default=YES MaxTime=60 PriorityTier=1 PreemptMode=REQUEUE GraceTime=5
PartitionName=high Nodes=ALL MaxTime=60 PriorityTier=10
"""
DEVICES = "NodeName=n1 Name=gpu File=/dev/null\nNodeName=n2 Name=gpu File=/dev/zero\n"


def program(name):
    """Where a program of SLURM is, or None; its servers lie outside the PATH of many users."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


def free_ports(count):
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in taken:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in taken]


@contextmanager
def cluster(folder):
    """Start it; gives the environment in which SLURM's commands find it."""
    for name in ("state", "n1", "n2", "munge"):
        (folder / name).mkdir(parents=True)
    (folder / "munge" / "key").write_bytes(os.urandom(1024))
    (folder / "munge" / "key").chmod(0o600)
    text = CONFIGURATION.format(folder=folder, user=getpass.getuser(), ports=free_ports(3))
    (folder / "slurm.conf").write_text(text)
    (folder / "gres.conf").write_text(DEVICES)
    environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
    own = [f"--{one}-file={folder}/munge/{one}" for one in ("key", "pid", "log", "seed")]
    servers = [
        [program("munged"), "--foreground", "--force", f"--socket={folder}/munge/socket", *own],
        [program("slurmctld"), "-D"],
        *([program("slurmd"), "-D", "-N", node] for node in ("n1", "n2")),
    ]
    with ExitStack() as stack:
        for number, command in enumerate(servers):
            log = stack.enter_context((folder / f"server{number}.log").open("w"))
            stack.enter_context(_ended(subprocess.Popen(command, env=environment, stdout=log, stderr=log)))
            if not number:
                _wait_for(lambda: (folder / "munge" / "socket").exists(), folder)
        _wait_for(
            lambda: ask(environment, "sinfo", "-hN", "-t", "idle", "-o", "%N").split().count("n2"), folder
        )
        _wait_for(lambda: "n1" in ask(environment, "sinfo", "-hN", "-t", "idle", "-o", "%N"), folder)
        try:
            yield environment
        finally:
            ask(environment, "scancel", "--user", getpass.getuser())
            _wait_for(lambda: not ask(environment, "squeue", "-h"), folder)


def ask(environment, *command):
    """What a command of SLURM prints."""
    return subprocess.run(command, env=environment, capture_output=True, text=True).stdout


@contextmanager
def _ended(process):
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(condition, folder, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "\n".join(one.read_text()[-2000:] for one in folder.glob("*.log"))
        time.sleep(0.1)
