"""All that wants a GPU, in one call of less than eight minutes, without a network.

    python benchmarks/gpu/check.py [--out check.json] [--small]

It runs the tests marked `gpu`, the main job twice (the bits of both must agree), training steps and testing
of dfer-clip with a ViT-B/32 of random weights on 48 x 16 x 224 x 224 in several ways, reading against
computing, and the writing of a run's state. One table says what each took and, where the device's peak is
known, the share of it that was reached. Where there is no GPU, or with --small, everything is small, and the
table says nothing about GPUs. What fails is a row with its reason, and the exit code is then 1.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from dferbench.experiment.plan import Plan, Request, make_plan, read_splits
from dferbench.machine.device import make_fabric
from dferbench.machine.environment import machine
from dferbench.machine.numerics import fitted_to
from dferbench.models import Batch, Classifier
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog, discover
from dferbench.runner.run import build_model
from dferbench.training.batches import Feed, UnreadableVideos
from dferbench.training.optimizers import make_optimizer
from dferbench.training.resume import learned
from dferbench.training.trainer import train_step
from dferbench.types import Compute

ROOT = Path(__file__).parents[2]
PEAKS = {
    "H200": {"bf16": 989, "tf32": 495, "fp32": 67},
    "H100 PCIe": {"bf16": 756, "tf32": 378, "fp32": 51},
    "H100": {"bf16": 989, "tf32": 495, "fp32": 67},
    "A100": {"bf16": 312, "tf32": 156, "fp32": 19.5},
    "4090": {"bf16": 165, "tf32": 83, "fp32": 83},
}
"""TFLOP/s of dense matrix products that the makers' data sheets state; the first name that fits holds."""
WAYS = {
    "fp32": ("fp32", Compute()),
    "tf32": ("fp32", Compute(tf32=True)),
    "bf16": ("bf16", Compute()),
    "bf16 fused, channels last": ("bf16", Compute(fused=True, channels_last=True)),
    "bf16 compiled": ("bf16", Compute(compile=True)),
}
LARGE = ("clip-vit-b32", 48, 5)
SMALL = ("clip(size=32, width=64, layers=2, patch=16, text_width=64, text_layers=2, dim=64)", 2, 2)
"""Backbone, videos a step, and steps that are timed."""


@dataclass(frozen=True)
class Row:
    """One thing that was measured; `share` is that of the device's peak, where it is known."""

    what: str
    value: float | None
    unit: str
    share: float | None = None
    note: str = ""
    failed: bool = False


@dataclass(frozen=True)
class Check:
    """What all rows have in common."""

    small: bool
    device: str
    folder: Path
    catalog: Catalog

    @property
    def sizes(self) -> tuple[str, int, int]:
        """Backbone, videos a step, and steps that are timed."""
        return SMALL if self.small else LARGE

    @property
    def videos(self) -> int:
        """How many are drawn for reading and for the main job."""
        return 70 if self.small else 600

    def plan(self, compute: Compute = WAYS["fp32"][1], precision: str = "fp32") -> Plan:
        """dfer-clip on drawn videos, with the backbone and batch of this check."""
        backbone, batch, _ = self.sizes
        sets = {"backbone": backbone, "stage.batch": str(batch), "precision": precision}
        sets |= {f"compute.{name}": str(value).lower() for name, value in asdict(compute).items()}
        weights = {backbone.partition("(")[0]: "random"}
        name = f"synthetic(videos={self.videos})"
        request = Request("dfer-clip", name, sets=sets, weights=weights, device=self.device)
        workers = min(16, len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else 4
        return make_plan(replace(request, workers=0 if self.small else workers), self.catalog)


def gpu_tests(check: Check) -> list[Row]:
    """The tests that need a GPU; without one they skip."""
    files = [path for path in sorted((ROOT / "tests").glob("test_*.py")) if "mark.gpu" in path.read_text()]
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-m", "gpu", *map(str, files)]
    started = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180)
    last = (done.stdout.strip().splitlines() or ["nothing was printed"])[-1].strip("= ")
    return [
        Row("tests marked gpu", time.perf_counter() - started, "s", note=last, failed=done.returncode != 0)
    ]


def main_job(check: Check) -> list[Row]:
    """The main job, by the command line, twice; the second must leave the same bits."""
    found, rows = [], []
    epochs = "1" if check.small else "3"
    for number in (1, 2):
        output = check.folder / f"main{number}"
        command = [
            sys.executable, "-m", "dferbench", "run", "-m", "dfer-clip", "-d",
            f"synthetic(videos={check.videos})", "--device", check.device, "--epochs", epochs,
            "-o", str(output), "--json", "-j", "0" if check.small else "4",
        ]  # fmt: skip
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, timeout=240)
        seconds = time.perf_counter() - started
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[-1])
        (record,) = json.loads(done.stdout)["records"]
        (predictions,) = output.rglob("predictions.npz")
        found.append(hashlib.sha256(predictions.read_bytes()).hexdigest())
        note = f"{epochs} epochs, UAR {record['metrics']['last']['uar']:.2f}"
        rows.append(Row(f"main job, run {number}", seconds, "s", note=note))
    same = found[0] == found[1]
    note = "the predictions of both runs are equal to the bit" if same else "the two runs differ"
    return [*rows, Row("two runs, same bits", float(same), "", note=note, failed=not same)]


def steps(check: Check) -> list[Row]:
    """A training step in every way, and testing in float32 and bf16."""
    rows: list[Row] = []
    for way in WAYS:
        rows += _guarded(f"step, {way}", lambda way=way: _one_way(check, way))  # type: ignore[misc]
        _forget()
    return rows


def _one_way(check: Check, way: str) -> list[Row]:
    precision, compute = WAYS[way]
    plan = check.plan(compute, precision)
    fabric = make_fabric(check.device, precision, compute)
    model = build_model(plan, check.catalog, fabric, 0).model
    plain = fitted_to(compute, model, lambda line: None)
    stage, batch = plan.recipe.stages[0], check.sizes[1]
    optimizer: Any = fabric.setup_optimizers(make_optimizer(model, stage, check.catalog, compute.fused))
    pixels = torch.rand(batch, plan.task.frames, 3, plan.task.size, plan.task.size, device=fabric.device)
    label = torch.arange(batch, device=fabric.device) % len(plan.task.classes)
    given = Batch(pixels, label, [{} for _ in label], stage.name, 0.0)

    def step() -> object:
        return train_step(model.train(), given, optimizer, stage, fabric)

    def test() -> object:
        with torch.no_grad(), fabric.autocast():
            return model.eval()(pixels)

    _reset_memory(fabric.device)
    seconds = _timed(step, check.sizes[2], fabric.device)
    notes = [
        f"{batch / seconds:.1f} videos/s",
        *([f"peak {_memory():.1f} GB"] if _on_gpu(fabric.device) else []),
    ]
    notes += [f"not compiled: {reason}" for reason in plain]
    numbers = "tf32" if compute.tf32 else precision
    rows = [_with_share(f"step, {way}", seconds, _flops(step), numbers, "; ".join(notes))]
    if way in ("fp32", "bf16"):
        seconds = _timed(test, check.sizes[2], fabric.device)
        rows.append(
            _with_share(f"testing, {way}", seconds, _flops(test), numbers, f"{batch / seconds:.1f} videos/s")
        )
    if way == "fp32":
        rows += _guarded("state", lambda: [_state(check, model, optimizer)])
    return rows


def _state(check: Check, model: Classifier, optimizer: torch.optim.Optimizer) -> Row:
    """What the loop waits for, a copy on the host, and the writing, which goes on beside it."""
    names = {name for name, p in model.named_parameters() if p.requires_grad}
    started = time.perf_counter()
    tensors = {name: tensor.detach().cpu().clone() for name, tensor in learned(model, names).items()}
    copied = time.perf_counter() - started
    path = check.folder / "state.pt"
    torch.save({"learned": tensors, "optimizer": optimizer.state_dict()}, path)
    written, size = time.perf_counter() - started - copied, path.stat().st_size
    path.unlink()
    return Row(
        "state, copied to the host", copied, "s", note=f"then written: {written:.2f} s, {size / 1e6:.0f} MB"
    )


def reading(check: Check) -> list[Row]:
    """Videos read a second without computing, and read and computed together."""
    plan = check.plan(precision="bf16")
    fabric = make_fabric(check.device, "bf16", plan.recipe.compute)
    built = build_model(plan, check.catalog, fabric, 0)
    split, stage = read_splits(plan, Progress())[1], plan.recipe.stages[0]
    optimizer: Any = fabric.setup_optimizers(make_optimizer(built.model, stage, check.catalog))
    feed = Feed(plan, built.decoder, built.pipeline, fabric, UnreadableVideos(False), Progress())
    with feed.open(split.train, training=True) as source:
        order = range(len(source) // stage.batch * stage.batch)
        started = time.perf_counter()
        for _ in source.loader.batches(order, stage.batch, 0, True):
            pass
        alone = len(order) / (time.perf_counter() - started)
        started = time.perf_counter()
        for one in source.batches(built.model, order, stage.batch, 1, True):
            given = Batch(one.x, one.label, [{} for _ in one.index], stage.name, 0.0)
            train_step(built.model.train(), given, optimizer, stage, fabric)
        _wait(fabric.device)
        both = len(order) / (time.perf_counter() - started)
    note = f"{plan.request.workers} workers; the first epoch starts them"
    return [
        Row("reading alone", alone, "videos/s", note=note),
        Row("reading and training, bf16", both, "videos/s"),
    ]


def _with_share(what: str, seconds: float, flops: int, numbers: str, note: str) -> Row:
    """The seconds, with the share of the device's peak that so many operations in that time are."""
    peak = next((one for name, one in PEAKS.items() if name in _name()), None)
    reached = flops / seconds / 1e12
    share = None if peak is None else reached / peak[numbers]
    return Row(what, seconds, "s", share, f"{note}; {reached:.3g} TFLOP/s")


def _flops(work: Callable[[], object]) -> int:
    """Operations of matrix products and convolutions in one call, as torch counts them."""
    with FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())


def _timed(work: Callable[[], object], times: int, device: torch.device) -> float:
    """The median of so many calls in seconds, after two that allocate, compile and choose kernels."""
    found = []
    for _ in range(2 + times):
        _wait(device)
        started = time.perf_counter()
        work()
        _wait(device)
        found.append(time.perf_counter() - started)
    return median(found[2:])


def _guarded(what: str, work: Callable[[], list[Row]]) -> list[Row]:
    """Its rows, or one that says why there are none: a check goes on."""
    try:
        return work()
    except Exception as error:
        lines = str(error).strip().splitlines()
        return [Row(what, None, "", note=f"{type(error).__name__}: {lines[0] if lines else ''}", failed=True)]


def _on_gpu(device: torch.device) -> bool:
    return device.type == "cuda"


def _wait(device: torch.device) -> None:
    if _on_gpu(device):
        torch.cuda.synchronize(device)


def _reset_memory(device: torch.device) -> None:
    if _on_gpu(device):
        torch.cuda.reset_peak_memory_stats(device)


def _memory() -> float:
    return torch.cuda.max_memory_allocated() / 1e9


def _forget() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _name() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else ""


def table(rows: list[Row]) -> str:
    """The rows as text."""
    lines = [f"{'what':32}{'value':>10} {'unit':10}{'of peak':>8}  note"]
    for row in rows:
        value = "failed" if row.value is None else f"{row.value:.3f}"
        share = "" if row.share is None else f"{100 * row.share:.0f} %"
        lines.append(f"{row.what:32}{value:>10} {row.unit:10}{share:>8}  {row.note}")
    return "\n".join(lines)


def main() -> int:
    """Check everything, print the table and write it as JSON; 1 if a row failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("check.json"))
    parser.add_argument("--small", action="store_true", help="reduced sizes, as without a GPU")
    given = parser.parse_args()
    small = given.small or not torch.cuda.is_available()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        check = Check(small, "cuda" if torch.cuda.is_available() else "cpu", Path(folder), discover())
        parts = {"tests": gpu_tests, "main job": main_job, "steps": steps, "reading": reading}
        rows = [row for what, part in parts.items() for row in _guarded(what, lambda part=part: part(check))]  # type: ignore[misc]
    facts = {"machine": machine(make_fabric(check.device, "fp32")), "small": small}
    facts["seconds"] = round(time.perf_counter() - started, 1)
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    print(table(rows))
    given.out.write_text(json.dumps({**facts, "rows": [asdict(row) for row in rows]}, indent=1))
    return int(any(row.failed for row in rows))


if __name__ == "__main__":
    sys.exit(main())
