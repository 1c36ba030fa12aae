"""What a user may say of the processes that Ray starts."""

from __future__ import annotations

from pydantic import Field

from dferbench.types import Options


class RayOptions(Options):
    """The options of the launcher `ray`."""

    address: str = Field(
        "", description="HOST:PORT of a running cluster, or auto; '' for one of its own on this machine."
    )
    gpus: float | None = Field(
        None, ge=0, description="GPUs of a process; 1 if not said and the cluster has any."
    )
    cpus: int = Field(1, ge=0, description="CPU cores of a process.")
    tasks: int | None = Field(None, ge=1, description="Processes at most; as many as fit if not said.")
    retries: int = Field(
        10, ge=0, description="How often a process is started again when its machine is lost."
    )
