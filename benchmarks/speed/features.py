"""What remembering the features of a frozen tower saves, in one run on one core.

    python benchmarks/speed/features.py [--backbone clip-vit-b32] [--videos 70] [--epochs 20]

The methods train on drawn videos (the dataset `synthetic`, real H.264 files). Weights other than those of an
embedded backbone are random: they cost the same. An epoch that encodes reads, decodes and encodes every
video; an epoch from memory is the least of several. Then the first epoch of a run that finds nothing on disk
and leaves all there, and that of one which finds everything. CPU time of this process, which reads the videos
itself. Trust the ratios within one run.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from dferbench.experiment.plan import Plan, Request, make_plan, read_splits
from dferbench.machine.device import make_fabric
from dferbench.models import Batch
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog, discover
from dferbench.runner.run import build_model
from dferbench.training.batches import Feed, Source, UnreadableVideos
from dferbench.training.optimizers import make_optimizer
from dferbench.training.trainer import Built, train_step
from dferbench.types import Stage

REQUIRED = {"linear-probe": 100, "coop": 20}
"""How many times cheaper an epoch from memory must be."""


@dataclass
class Bench:
    """A method on its training videos."""

    plan: Plan
    built: Built
    catalog: Catalog

    def epochs(self, count: int, disk: bool = True) -> list[float]:
        """CPU seconds of so many epochs from the start of a run, each trained as a run trains it."""
        fabric = make_fabric("cpu", "fp32")
        train = read_splits(self.plan, Progress())[1].train
        stage = self.plan.recipe.stages[0]
        optimizer = fabric.setup_optimizers(make_optimizer(self.built.model, stage, self.catalog))
        seen = self.built.seen if disk else {}
        feed = Feed(
            self.plan,
            self.built.decoder,
            self.built.pipeline,
            fabric,
            UnreadableVideos(False),
            Progress(),
            seen,
        )
        seconds = []
        with feed.open(train, training=True) as source:
            for epoch in range(count):
                start = time.process_time()
                for batch in self._batches(source, stage, epoch):
                    train_step(self.built.model.train(), batch, optimizer, stage, fabric)
                seconds.append(time.process_time() - start)
        return seconds

    def _batches(self, source: Source, stage: Stage, epoch: int) -> Iterator[Batch]:
        order = range(len(source))
        for one in source.batches(self.built.model, order, stage.batch, epoch, stage.drop_last):
            info = [source.videos[i].info for i in one.index]
            yield Batch(one.x, one.label, info, stage.name, float(epoch))


def prepare(method: str, backbone: str, videos: int) -> Bench:
    """The method on `videos` drawn videos, one fold's training part, in batches of 48."""
    catalog = discover()
    embedded = catalog.get("backbones", backbone).facts.get("embedded")
    request = Request(
        method,
        f"synthetic(videos={videos})",
        sets={"backbone": backbone, "stage.batch": "48", "stage.drop_last": "false"},
        weights={} if embedded else {backbone: "random"},
        workers=0,
        device="cpu",
    )
    plan = make_plan(request, catalog)
    return Bench(plan, build_model(plan, catalog, make_fabric("cpu", "fp32"), 0), catalog)


def report(method: str, backbone: str, videos: int, epochs: int) -> None:
    """Measure one method and print its lines."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["DFERBENCH_CACHE"] = cache
        bench = prepare(method, backbone, videos)
        encodes, *rest = bench.epochs(epochs, disk=False)
        first, second = bench.epochs(1)[0], bench.epochs(1)[0]
    remembered = min(rest)
    asked = REQUIRED[method]
    print(f"{method:14}{'an epoch that encodes':34}{1e3 * encodes:10.1f} ms")
    print(
        f"{method:14}{'an epoch from memory':34}{1e3 * remembered:10.2f} ms"
        f"{encodes / remembered:10.0f} times cheaper (required: {asked})"
    )
    print(f"{method:14}{'first epoch, nothing on disk':34}{1e3 * first:10.1f} ms")
    print(
        f"{method:14}{'first epoch, everything on disk':34}{1e3 * second:10.2f} ms"
        f"{first / second:10.0f} times cheaper"
    )


def main() -> None:
    """Measure every method with one backbone."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backbone", default="clip-tiny")
    parser.add_argument("--videos", type=int, default=70)
    parser.add_argument("--epochs", type=int, default=20, help="at least 2")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{given.backbone}, {given.videos * 4 // 5} training videos of 16 frames, one thread")
    for method in REQUIRED:
        report(method, given.backbone, given.videos, given.epochs)


if __name__ == "__main__":
    main()
