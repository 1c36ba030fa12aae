"""How the runs of a call ended: some results, or the error of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dferbench.errors import DferbenchError

if TYPE_CHECKING:
    from dferbench.experiment.plan import Plan
    from dferbench.experiment.record import Record
    from dferbench.interface.runs import Runs


def require_some(records: Sequence[Record]) -> None:
    """Raise the first run's error, as if it had just been raised, if all failed."""
    failed = [one for one in records if one.status != "done"]
    if failed and len(failed) == len(records):
        again = DferbenchError(*failed[0].error.split("\n", 1))
        again.exit_code = failed[0].exit_code
        raise again


def concluded(records: Sequence[Record], plan: Plan) -> Runs:
    """The runs of a plan, for whoever called for them. Raises the first run's error if all failed."""
    from dferbench.interface.runs import Runs

    require_some(records)
    done = tuple(one for one in records if one.status == "done")
    return Runs(done, tuple(one for one in records if one.status != "done"), (), plan.metrics)
