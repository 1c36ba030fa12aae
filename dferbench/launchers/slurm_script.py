"""The script of a SLURM array: the same task N times, each of which goes back into the queue if stopped.

What is stopped is told apart by how the command ends. SIGTERM comes before the time limit and on preemption.
A task that somebody cancelled is no longer running, and is left alone. The id of an array's last task is the
array's own, so that a task is named by its array and number; else the whole array would be requeued.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from dferbench.errors import ConfigError
from dferbench.launchers.slurm_options import SlurmOptions
from dferbench.runner.launch import Study

LOGS = "slurm"
"""The folder of logs in the output folder."""
TASKS = 8
WARN = 120
PAUSE = 300
"""Seconds until a task that found every run with other processes looks again; meanwhile it holds no node."""
EARLY = 30
"""Seconds by which SLURM may send its signal too early, since it looks at its jobs that seldom."""
KILLS = 3
"""How often a task whose process was killed (out of memory, say) goes back."""

_BODY = """\
asked= child=
trap 'asked=1; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null' TERM
me="${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}"
echo "task $me on $(hostname), start $(( ${{SLURM_RESTART_COUNT:-0}} + 1 ))"
{before}export OMP_NUM_THREADS="${{OMP_NUM_THREADS:-${{SLURM_CPUS_PER_TASK:-1}}}}"

{command} &
child=$!
[ -z "$asked" ] || kill -TERM "$child"
until wait "$child"; code=$?; ! kill -0 "$child" 2>/dev/null; do :; done
{after}exit "$code"
"""
_CACHE = """\
# Node-local, for the cache is a memory map, which network file systems do not keep whole.
if [ -z "${DFERBENCH_CACHE:-}" ]; then
  DFERBENCH_CACHE="${SLURM_TMPDIR:-${TMPDIR:-/tmp}}/dferbench-$(id -u)"
  mkdir -p -m 700 "$DFERBENCH_CACHE"
  [ -O "$DFERBENCH_CACHE" ] && [ ! -L "$DFERBENCH_CACHE" ] || DFERBENCH_CACHE="$(mktemp -d)"
  export DFERBENCH_CACHE
fi
"""
_REQUEUE = """
again() {{
  # A task that was cancelled, or that SLURM requeues itself, is not running any more.
  [ "$(squeue --noheader --jobs="$me" --format=%T)" = RUNNING ] || return 0
  trap '' TERM
  scontrol requeue "$me" || return 0
  [ -z "${{1:-}}" ] || scontrol update "JobId=$me" "StartTime=now+$1"
}}
if [ -n "$asked" ] && [ "$code" != 0 ]; then
  again
elif [ "$code" = 75 ]; then
  again {pause}seconds
elif [ "$code" -gt 128 ]; then
  echo "$code" >> {kills}"$me".kills
  [ "$(wc -l < {kills}"$me".kills)" -gt {most} ] || again
fi
"""


def script(options: SlurmOptions, study: Study) -> str:
    """The whole script. Raises ConfigError for an output folder that no line of it can hold."""
    _require_time(options)
    logs = study.output / LOGS
    if not str(logs).isprintable():
        raise ConfigError(f"the output folder {study.output!s:.60} has a line break", "Use another --output.")
    head = "".join(f"#SBATCH {line}\n" for line in _sbatch(options, study, logs))
    pause = PAUSE if options.pause is None else options.pause
    requeue = _REQUEUE.format(pause=pause, most=KILLS, kills=shlex.quote(f"{logs}/"))
    body = _BODY.format(
        before=_before(options),
        command=shlex.join(_command(options, study)),
        after="" if options.requeue is False else requeue,
    )
    return f"#!/bin/bash\n{head}\n{body}"


def _require_time(options: SlurmOptions) -> None:
    """A task that is stopped as soon as it starts would go back into the queue for ever."""
    warn = options.warn or WARN
    if options.time and seconds(options.time) <= warn + EARLY:
        raise ConfigError(
            f"time of launcher slurm must be more than the {warn} s for stopping and {EARLY} s, "
            f"got {options.time}",
            "Give the tasks an hour or more, such as time=4:00:00, or a smaller warn.",
        )


def seconds(time: str) -> int:
    """A time limit in seconds; SLURM reads 90 and 1:30 as minutes, 1-2 and 1:30:00 as hours."""
    days, dash, clock = time.rpartition("-")
    parts = [int(part) for part in clock.split(":")]
    if dash or len(parts) == 3:
        hours, minutes, rest = [*parts, 0, 0][:3]
    else:
        hours, minutes, rest = [0, *parts, 0][:3]
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + rest


def _sbatch(options: SlurmOptions, study: Study, logs: Path) -> Iterator[str]:
    """The options of sbatch. It reads quotes as a shell does, and fills in what follows a % in a path."""
    pattern = f"{str(logs).replace('%', '%%')}/%A_%a.log"
    fixed = {
        "job-name": "dferbench-" + re.sub(r"[^\w.-]+", "-", study.name, flags=re.ASCII),
        "array": f"0-{min(options.tasks or TASKS, study.runs) - 1}",
        "nodes": 1,
        "ntasks": 1,
        "output": pattern,
        "open-mode": "append",
        "signal": f"B:TERM@{options.warn or WARN}",
        "partition": options.partition,
        "account": options.account,
        "time": options.time,
        "gres": options.gres,
        "cpus-per-task": options.cpus,
        "mem": options.mem,
        "constraint": options.constraint,
    }
    for name, value in fixed.items():
        if value is not None:
            yield f"--{name}={shlex.quote(str(value))}"
    yield "--no-requeue" if options.requeue is False else "--requeue"
    yield from map(shlex.quote, shlex.split(options.extra or ""))


def _before(options: SlurmOptions) -> str:
    modules = shlex.split(options.modules or "")
    load = f"module load {shlex.join(modules)}\n" if modules else ""
    return load + (f"export DFERBENCH_CACHE={shlex.quote(options.cache)}\n" if options.cache else _CACHE)


def _command(options: SlurmOptions, study: Study) -> list[str]:
    """The study's command; a container has a Python of its own."""
    inside = shlex.split(options.container or "")
    return [*inside, "python3", *study.command[1:]] if inside else study.command
