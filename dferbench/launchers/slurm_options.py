"""What a user may say of a SLURM job. All of it becomes words of a script, so that only plain ones pass."""

from __future__ import annotations

import re
import shlex
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field

from dferbench.types import Options

_WORD = re.compile(r"[A-Za-z0-9_.,:;=+@/%&|*!()\[\]~-]+")
_TIME = re.compile(r"\d+|\d+:\d\d?(:\d\d?)?|\d+-\d\d?(:\d\d?){0,2}")
_MEMORY = re.compile(r"\d+[KMGT]?", re.IGNORECASE)


def _text(value: Any) -> Any:
    """A name may consist of digits, which the language of options reads as a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _word(text: str) -> str:
    if not _WORD.fullmatch(text):
        raise ValueError("must be one word without quotes, spaces or $")
    return text


def _time(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise ValueError("must be minutes, hours:minutes:seconds or days-hours:minutes:seconds")
    return text


def _memory(text: str) -> str:
    if not _MEMORY.fullmatch(text):
        raise ValueError("must be a number of megabytes, or a number with K, M, G or T")
    return text


def _words(text: str) -> str:
    """Each word on its own is quoted later; a line break would end the line of the script."""
    try:
        shlex.split(text)
    except ValueError as error:
        raise ValueError(f"cannot be read: {error}") from None
    if not text.isprintable():
        raise ValueError("must be printable, in one line")
    return text


def _flags(text: str) -> str:
    if not all(word.startswith("--") for word in shlex.split(_words(text))):
        raise ValueError("must be options of sbatch such as --qos=x, each beginning with --")
    return text


Word: TypeAlias = Annotated[str, BeforeValidator(_text), AfterValidator(_word)]
Time: TypeAlias = Annotated[str, BeforeValidator(_text), AfterValidator(_time)]
Memory: TypeAlias = Annotated[str, BeforeValidator(_text), AfterValidator(_memory)]
Words: TypeAlias = Annotated[str, AfterValidator(_words)]
Flags: TypeAlias = Annotated[str, AfterValidator(_flags)]


class SlurmOptions(Options):
    """The options of the launcher `slurm`; None where the profile or the cluster decides."""

    profile: Word | None = Field(
        None, description="File with these options in TOML, or its name in the configuration's folder slurm."
    )
    tasks: int | None = Field(None, ge=1, description="Tasks of the array at most; 8 if not said.")
    partition: Word | None = Field(None, description="Partition, or several with commas, in quotes.")
    account: Word | None = Field(None, description="Account that is charged.")
    time: Time | None = Field(
        None, description="Time limit of a task, such as 4:00:00; at its end the task continues as a new one."
    )
    gres: Word | None = Field(None, description="Devices of a task, such as gpu:1.")
    cpus: int | None = Field(None, ge=1, description="CPU cores of a task.")
    mem: Memory | None = Field(None, description="Memory of a task, such as 32G.")
    constraint: Word | None = Field(None, description="Features that its node must have.")
    modules: Words | None = Field(None, description="Environment modules to load, with spaces between them.")
    container: Words | None = Field(
        None,
        description="Words that start a command in a container, such as 'apptainer exec --nv dfer.sif', "
        "where python3 must have dferbench.",
    )
    cache: Words | None = Field(
        None, description="Folder of the cache on the node; by default node-local scratch or /tmp."
    )
    requeue: bool | None = Field(
        None, description="Whether a task goes back into the queue when it was stopped; true if not said."
    )
    warn: int | None = Field(
        None, ge=10, description="Seconds before the time limit at which a run is stopped; 120 if not said."
    )
    pause: int | None = Field(
        None,
        ge=0,
        description="Seconds until a task that found every run with others looks again; 300 if not said.",
    )
    wait: bool | None = Field(
        None, description="Whether to wait until the array has ended; false if not said."
    )
    extra: Flags | None = Field(None, description="Further options of sbatch, such as --qos=x --exclude=n7.")
