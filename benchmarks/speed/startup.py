"""What starting costs, in one run: importing torch, the light commands, and a run up to its first batch.

    python benchmarks/speed/startup.py [--times 3]

Every number is the least of several fresh processes, in seconds of CPU time and on the clock. The run is that
of a tiny method on drawn frames, up to its first batch; it is compared with importing torch, and with
importing torch and making one optimizer, which every training needs (torch's first optimizer imports
torch._dynamo). Trust the ratios within one run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PLUGIN = """
import os
import numpy as np
from PIL import Image
from torch import nn
from dferbench import Dataset, Input, Method, Recipe, Stage, Video, hookimpl
from dferbench.models import Classifier


class Tiny(Dataset):
    classes = ("dark", "bright")

    def videos(self, root, fold, split):
        return [Video(f"{split}{i}", str(root / f"{split}{i}"), i % 2) for i in range(4)]


class Net(Classifier):
    def __init__(self, task, parts):
        super().__init__()
        self.head = nn.Linear(3, len(task.classes))

    def forward(self, x):
        return self.head(x.mean((1, 3, 4)))

    def loss(self, batch):
        os._exit(0)  # the first batch is here: what follows is not the start


@hookimpl
def register_datasets(register):
    register("tiny", Tiny)


@hookimpl
def register_methods(register):
    register(Method("tiny-net", Net, Recipe(Input(frames=2, size=8), (Stage({".*": 0.1}, 1, batch=4),))))
"""
OPTIMIZER = "import torch; torch.optim.SGD([torch.zeros(1)], lr=0.1)"


def least(command: list[str], times: int) -> tuple[float, float]:
    """CPU seconds and seconds on the clock of the quickest of so many processes. Raises if one fails."""
    found = []
    for _ in range(times):
        before, started = os.times(), time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        clock, after = time.perf_counter() - started, os.times()
        cpu = sum(after[2:4]) - sum(before[2:4])
        found.append((cpu, clock))
    return min(found)


def first_batch(folder: Path) -> list[str]:
    """The command of a run that ends with its first batch, and the files that it reads."""
    import numpy as np
    from PIL import Image

    for name in [f"{split}{i}" for split in ("train", "test") for i in range(4)]:
        (folder / "data" / name).mkdir(parents=True)
        for frame in range(2):
            Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / "data" / name / f"{frame}.png")
    (folder / "tiny.py").write_text(PLUGIN)
    return [
        sys.executable, "-m", "dferbench", "--plugin", str(folder / "tiny.py"), "run", "-m", "tiny-net",
        "-d", "tiny", "--root", str(folder / "data"), "-o", str(folder / "runs"), "-j", "0",
        "--device", "cpu", "--force",
    ]  # fmt: skip


def main() -> None:
    """Measure everything and print a line for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=3)
    times = parser.parse_args().times
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            "import torch": [sys.executable, "-c", "import torch"],
            "import torch, one optimizer": [sys.executable, "-c", OPTIMIZER],
            "dferbench --help": [sys.executable, "-m", "dferbench", "--help"],
            "dferbench list": [sys.executable, "-m", "dferbench", "list"],
            "a run up to its first batch": first_batch(Path(folder)),
        }
        seconds = {what: least(command, times) for what, command in commands.items()}
    for what, (cpu, clock) in seconds.items():
        print(f"{what:30}{cpu:8.2f} s CPU {clock:8.2f} s")
    run, torch, needed = (seconds[what][0] for what in (
        "a run up to its first batch", "import torch", "import torch, one optimizer",
    ))  # fmt: skip
    print(f"{'run / import torch':30}{run / torch:8.2f}")
    print(f"{'run / torch and an optimizer':30}{run / needed:8.2f}")


if __name__ == "__main__":
    main()
