"""The host's cost of a training video on one thread: the published loader's way against dferbench's.

    python benchmarks/speed/loading.py [--repeat 9]

A video is 70 JPEG frames of 224 x 224 (quality 95, about 15 kB) of a drawn face under noise; a training item
takes 16 of them, drawn anew each time. Baseline: the way of DFER-CLIP's loader, restated: one Pillow image a
frame, each change by Pillow, stack, float32 in 0..1 on the host. dferbench reads a folder or a pack and
leaves uint8; changes are made on the host, or drawn there and left to the device, whose time is not counted.
Every way ends with a batch of eight videos; "baseline, item" leaves that last copy out, a stricter caveat.

CPU time in milliseconds a video, the least of several rounds in which all ways take turns. Trust the ratios
within one run.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageEnhance

from dferbench.data.dataset import VideoFrames, collate
from dferbench.data.decoders import choose_decoder
from dferbench.data.decoders.pack import packed_path, write_value
from dferbench.data.packs.store import PackStore
from dferbench.data.pipeline import build_pipeline
from dferbench.registry.catalog import discover
from dferbench.types import Input, Video

SIDE, FRAMES, LENGTH, VIDEOS = 224, 16, 70, 8
RECIPES = {
    "DFEW": "jitter(brightness=0.5) | random-sized-crop | flip",
    "FERV39k": "rotate(4) | random-sized-crop | flip",
    "MAFW": "random-sized-crop | flip",
}
"""What DFER-CLIP's published code does in training."""
REQUIRED = {"host": 3, "device": 5}
"""How many times cheaper than the baseline an item must be."""


def picture(number: int, rng: np.random.Generator) -> Image.Image:
    """A drawn face under a camera's noise: about as hard to code as a real crop."""
    image = Image.new("RGB", (SIDE, SIDE), (96, 88, 80))
    pen, sway = ImageDraw.Draw(image), number % 12
    pen.ellipse((40, 20 + sway, 184, 214), (214, 170, 144))
    for x in (82, 142):
        pen.ellipse((x - 14, 88 + sway, x + 14, 104 + sway), (250, 250, 250))
        pen.ellipse((x - 5, 90 + sway, x + 5, 102 + sway), (60, 40, 30))
    pen.arc((80, 130, 144, 176 + sway), 20, 160, (150, 60, 60), 6)
    noise = rng.normal(0, 1.9, (SIDE, SIDE, 1))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def write_videos(root: Path) -> list[Path]:
    """Folders of JPEG frames, and a pack of them as well."""
    rng, folders = np.random.default_rng(0), []
    with PackStore(root / "pack", "benchmark") as store:
        for video in range(VIDEOS):
            folder = root / f"{video:05d}"
            folder.mkdir()
            for number in range(LENGTH):
                picture(number, rng).save(folder / f"{number:05d}.jpg", quality=95)
            files = sorted(folder.iterdir())
            store.put(folder.name, write_value([file.read_bytes() for file in files], "00" * 32))
            folders.append(folder)
    return folders


def baseline(folder: Path, recipe: str, draw: random.Random) -> torch.Tensor:
    """A training item as DFER-CLIP's loader makes it: float32 (16, 3, 224, 224) in 0..1."""
    paths, length = sorted(folder.glob("*")), LENGTH // FRAMES
    images = [Image.open(paths[i * length + draw.randrange(length)]).convert("RGB") for i in range(FRAMES)]
    if "jitter" in recipe:
        factor = draw.uniform(0.5, 1.5)
        images = [ImageEnhance.Brightness(image).enhance(factor) for image in images]
    if "rotate" in recipe:
        angle = draw.uniform(-4, 4)
        images = [image.rotate(angle) for image in images]
    box = crop_box(draw)
    images = [image.crop(box).resize((SIDE, SIDE), Image.Resampling.BILINEAR) for image in images]
    if draw.random() < 0.5:
        images = [image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for image in images]
    stacked = np.concatenate([np.array(image) for image in images], axis=2)
    pixels = torch.from_numpy(stacked).permute(2, 0, 1).contiguous()
    return pixels.float().div(255).view(FRAMES, 3, SIDE, SIDE)


def crop_box(draw: random.Random) -> tuple[int, int, int, int]:
    """The published crop: area from 8 to 100 %, aspect from 3/4 to 4/3, anywhere."""
    while True:
        area, aspect = draw.uniform(0.08, 1) * SIDE * SIDE, draw.uniform(3 / 4, 4 / 3)
        w, h = round((area * aspect) ** 0.5), round((area / aspect) ** 0.5)
        if w <= SIDE and h <= SIDE:
            left, top = draw.randint(0, SIDE - w), draw.randint(0, SIDE - h)
            return left, top, left + w, top + h


def ours(paths: list[str], recipe: str, where: str) -> Callable[[int], object]:
    """One round over all videos in training, as a worker process does it up to handing over the batch."""
    input = Input(frames=FRAMES, size=SIDE, augment=recipe, augment_on=where)
    videos = [Video(str(i), path, 0) for i, path in enumerate(paths)]
    items = VideoFrames(
        videos, build_pipeline(input, discover()), training=True, seed=0, decoder=choose_decoder()
    )
    return lambda epoch: collate([items[epoch, i] for i in range(len(videos))])


def milliseconds(ways: dict[str, Callable[[int], object]], repeat: int) -> dict[str, float]:
    """The least CPU time of a round, a video; the ways take turns: a busy machine hits all of them."""
    least = dict.fromkeys(ways, float("inf"))
    for epoch in range(repeat + 1):
        for name, work in ways.items():
            start = time.process_time()
            work(epoch)
            spent = 1e3 * (time.process_time() - start) / VIDEOS
            if epoch:  # the first round warms up
                least[name] = min(least[name], spent)
    return least


def compare(folders: list[Path], pack: Path, recipe: str, repeat: int) -> dict[str, float]:
    """Milliseconds a video of every way."""
    draw = random.Random(0)
    places = {"folder": [str(f) for f in folders], "pack": [packed_path(pack, f.name) for f in folders]}
    ways: dict[str, Callable[[int], object]] = {
        "baseline": lambda _: torch.stack([baseline(folder, recipe, draw) for folder in folders]),
        "baseline, item": lambda _: [baseline(folder, recipe, draw) for folder in folders],
    }
    for where in REQUIRED:
        for place, paths in places.items():
            ways[f"{place}, {where}"] = ours(paths, recipe, where)
    return milliseconds(ways, repeat)


def main() -> None:
    """Write the media, measure every recipe, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=9)
    repeat = parser.parse_args().repeat
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        folders = write_videos(root)
        size = np.mean([file.stat().st_size for folder in folders for file in folder.iterdir()])
        print(f"{FRAMES} of {LENGTH} frames, {SIDE} x {SIDE} JPEG of {size / 1e3:.1f} kB; ms of CPU a video")
        print(f"{'recipe':9}{'way':18}{'ms':>7}{'times cheaper':>15}{'required':>10}")
        for name, recipe in RECIPES.items():
            times = compare(folders, root / "pack", recipe, repeat)
            for way, spent in times.items():
                asked = REQUIRED.get(way.rpartition(" ")[2], "")
                print(f"{name:9}{way:18}{spent:7.2f}{times['baseline'] / spent:15.2f}{asked:>10}")


if __name__ == "__main__":
    main()
