"""What a training loop waits for: the device at every step and the disk at every epoch, before and now.

    python benchmarks/speed/loop.py [--device cpu] [--epochs 5] [--steps 100] [--megabytes 100]

A small model on random input, with a state (parameters and Adam's moments) of so many megabytes. Baseline:
the loop as it was, restated: each loss term is read back at every step, and the state is written where the
loop stands. Now: terms are read back every 20 steps, and the state is copied and written by a thread. Both
take the same optimizer steps with the same function, and turns epoch by epoch, and write into a temporary
folder.

Prints milliseconds a step, seconds for which an epoch's end stands still for the state, and seconds at the
end of the run; on a GPU also how often a step waits for the device, as torch counts it. Trust the ratios
within one run: on a CPU reading a loss back costs nothing, and the thread shares the processor with the loop.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from dferbench.machine.device import make_fabric
from dferbench.models import Batch, Classifier
from dferbench.training import resume
from dferbench.training.losses import Losses
from dferbench.training.saving import StateWriter
from dferbench.training.trainer import train_step
from dferbench.types import Stage

STAGE = Stage({".*": 1e-4}, epochs=1, batch=32)
WIDTH, CLASSES = 256, 7


class Net(Classifier):
    """A few small layers, and a table of parameters that makes the state large; few of its rows are used."""

    def __init__(self, megabytes: int) -> None:
        super().__init__()
        rows = max(megabytes * 2**20 // (3 * 4 * WIDTH), 64)
        self.table = nn.Parameter(torch.zeros(rows, WIDTH))
        self.body = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, 7) of features (B, 256)."""
        return self.body(x + self.table[:1])

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Two terms, of which each was read back."""
        logits = self(batch.x)
        return {"ce": nn.functional.cross_entropy(logits, batch.label), "norm": logits.square().mean() * 1e-3}


class Loop:
    """A model in training, one epoch at a time: `read` and `save` are what the ways differ in."""

    def __init__(self, device: str, megabytes: int, folder: Path) -> None:
        self.fabric, self.folder = make_fabric(device, "fp32"), folder
        folder.mkdir()
        torch.manual_seed(0)
        self.model = Net(megabytes)
        self.fabric.to_device(self.model)
        self.optimizer: Any = self.fabric.setup_optimizers(torch.optim.Adam(self.model.parameters(), lr=1e-4))
        self.batch = Batch(
            torch.rand(STAGE.batch, WIDTH, device=self.fabric.device),
            torch.arange(STAGE.batch, device=self.fabric.device) % CLASSES,
            [{} for _ in range(STAGE.batch)], "train", 0.0,
        )  # fmt: skip
        self.steps: list[float] = []
        self.ends: list[float] = []
        self.waits = 0

    def epoch(self, steps: int) -> None:
        """Train for so many steps, and have the state written."""
        started = time.perf_counter()
        with waits_counted(self):
            self.train(steps)
        self.steps.append((time.perf_counter() - started) / steps)
        started = time.perf_counter()
        self.save()
        self.ends.append(time.perf_counter() - started)

    def train(self, steps: int) -> None:
        """The steps of an epoch."""
        raise NotImplementedError

    def save(self) -> None:
        """What the end of an epoch does with the state."""
        raise NotImplementedError

    def close(self) -> None:
        """The end of the run."""

    def step(self) -> dict[str, Tensor]:
        """One optimizer step, the same for both."""
        return train_step(self.model.train(), self.batch, self.optimizer, STAGE, self.fabric)

    def state(self) -> resume.State:
        """The parameters and the optimizer's state, as they are."""
        return resume.State(0, 1, self.model.state_dict(), self.optimizer.state_dict(), [], [])

    def write(self, state: resume.State) -> Path:
        """The state as a file."""
        return resume.save(state, self.folder, {})


class Before(Loop):
    """Reads every term at every step, and writes where it stands."""

    def train(self, steps: int) -> None:
        """As it was."""
        totals = {"ce": 0.0, "norm": 0.0}
        for _ in range(steps):
            for name, term in self.step().items():
                totals[name] += float(term.detach()) * STAGE.batch

    def save(self) -> None:
        """As it was."""
        self.write(self.state())


class Now(Loop):
    """Reads many steps' terms at once, and hands a copy of the state to a thread."""

    def __init__(self, device: str, megabytes: int, folder: Path) -> None:
        super().__init__(device, megabytes, folder)
        self.writer = StateWriter(self.write, lambda path: None).__enter__()

    def train(self, steps: int) -> None:
        """As it is."""
        losses = Losses("the benchmark")
        for _ in range(steps):
            losses.add(self.step(), STAGE.batch)
            self.writer.look()
        losses.means()

    def save(self) -> None:
        """As it is."""
        state = self.state()
        learned, optimizer = resume.copied(state.learned), resume.copied(state.optimizer)
        self.writer.offer(resume.State(0, 1, learned, optimizer, [], []))

    def close(self) -> None:
        """Wait for the last state."""
        self.writer.__exit__(None, None, None)


@contextmanager
def waits_counted(loop: Loop) -> Iterator[None]:
    """Add to `loop.waits` what torch tells of a GPU's being waited for."""
    if loop.fabric.device.type != "cuda":
        yield
        return
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield
        finally:
            torch.cuda.set_sync_debug_mode("default")
    loop.waits += sum("synchroniz" in str(one.message) for one in told)


def main() -> None:
    """Let the loops take turns and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--megabytes", type=int, default=100)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        loops = {
            name: kind(given.device, given.megabytes, Path(temporary) / name)
            for name, kind in (("before", Before), ("now", Now))
        }
        for _ in range(given.epochs):
            for loop in loops.values():
                loop.epoch(given.steps)
        print(
            f"{given.epochs} epochs of {given.steps} steps, a state of {given.megabytes} MB, {given.device}"
        )
        print(f"{'loop':8}{'ms a step':>11}{'waits a step':>14}{'s at an epoch':>15}{'s at the end':>14}")
        for name, loop in loops.items():
            started = time.perf_counter()
            loop.close()
            end = time.perf_counter() - started
            waits = f"{loop.waits / given.epochs / given.steps:.2f}" if loop.waits else "-"
            print(f"{name:8}{1e3 * median(loop.steps):11.3f}{waits:>14}{median(loop.ends):15.3f}{end:14.3f}")
        before, now = ([median(loop.steps), median(loop.ends)] for loop in loops.values())
        whole = [given.steps * step + end for step, end in (before, now)]
        print(f"an epoch before / now: {whole[0] / whole[1]:.2f}, its end alone: {before[1] / now[1]:.1f}")


if __name__ == "__main__":
    main()
