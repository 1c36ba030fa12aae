"""Reading videos: CPU time of the host's way against the obvious ones, in one run on one thread.

    python benchmarks/speed/decode.py [--repeat 7]

Part 1, 16 frames of a video file. Baselines: decord's `get_batch`, which seeks to each index; and decoding
the whole video to RGB before choosing. "wrong" counts the frames that differ from a full decoding by PyAV.

Part 2, a training item from a folder of 224 x 224 JPEG frames. Baseline: the way of DFER-CLIP's loader,
restated: list and sort the folder for each item, one Pillow image a frame through each transform, stack, and
convert to float32 in the worker. Both draw brightness, a random sized crop and a flip.

Times are the least of several repetitions, in milliseconds of CPU time. Trust the ratios within one run.
"""

from __future__ import annotations

import argparse
import pickle
import random
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from PIL import Image, ImageEnhance

from dferbench.data.dataset import VideoFrames, collate
from dferbench.data.decoders import choose_decoder
from dferbench.data.pipeline import build_pipeline
from dferbench.data.sampling import Segments
from dferbench.registry.catalog import discover
from dferbench.types import Input, Video

FRAMES = 16


def picture(number: int, width: int, height: int) -> np.ndarray:
    """(H, W, 3) uint8: smooth drifting colours under a little noise, about as hard to code as a face crop."""
    y, x = np.mgrid[:height, :width] * (224 / height)
    waves = [np.sin((x * (c + 1) + y * 2 + number * (3 + c)) / 40) for c in range(3)]
    noise = np.random.default_rng(number).normal(0, 6, (height, width, 1))
    return np.clip(127 + 90 * np.stack(waves, -1) + noise, 0, 255).astype(np.uint8)


def write_video(path: Path, width: int, height: int, count: int, params: str = "") -> Path:
    """Write an H.264 video of `count` frames at 25 frames a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=25, options={"preset": "veryfast", "x264-params": params}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number, width, height), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_folder(folder: Path, count: int) -> Path:
    """Write `count` JPEG frames of 224 x 224 pixels, quality 95."""
    folder.mkdir()
    for number in range(count):
        Image.fromarray(picture(number, 224, 224)).save(folder / f"{number:05d}.jpg", quality=95)
    return folder


def cpu_ms(work: Callable[[], object], repeat: int) -> float:
    """The least CPU time of `repeat` runs after one that warms up, in milliseconds."""
    work()
    times = []
    for _ in range(repeat):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1e3 * min(times)


def whole(path: str) -> np.ndarray:
    """Every frame of a video, (N, H, W, 3) uint8."""
    with av.open(path) as container:
        container.streams.video[0].codec_context.thread_count = 1
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def by_seeking(path: str, wanted: np.ndarray) -> np.ndarray:
    """The wanted frames as decord's `get_batch` gives them."""
    import decord

    return np.asarray(decord.VideoReader(path, num_threads=1).get_batch(wanted).asnumpy())


def compare_decoding(path: Path, repeat: int) -> None:
    """Print one line a way of reading 16 frames of a video file."""
    truth = whole(str(path))
    wanted = Segments()(len(truth), FRAMES, None)
    name = choose_decoder().names[0]
    ways = {
        f"dferbench, {name}, in order": lambda: choose_decoder(name).read(str(path), wanted.tolist())[0],
        "dferbench, pyav, in order": lambda: choose_decoder("pyav").read(str(path), wanted.tolist())[0],
        "decode all to RGB, then choose": lambda: whole(str(path))[wanted],
        "decord get_batch (seeks)": lambda: by_seeking(str(path), wanted),
    }
    print(f"\n{path.name}: {FRAMES} of {len(truth)} frames, {truth.shape[2]} x {truth.shape[1]}")
    times = {way: cpu_ms(work, repeat) for way, work in ways.items()}
    for way, work in ways.items():
        wrong = sum(not np.array_equal(a, b) for a, b in zip(work(), truth[wanted], strict=True))
        ratio = times["decode all to RGB, then choose"] / times[way]
        print(f"  {way:34} {times[way]:8.1f} ms  {ratio:5.2f}x the speed of decoding all  {wrong:2} wrong")


def reference_item(folder: Path, draw: random.Random) -> torch.Tensor:
    """A training item the way of DFER-CLIP's loader: float32 (16, 3, 224, 224) in 0..1."""
    paths = sorted(folder.glob("*"))
    length = len(paths) // FRAMES
    images = [Image.open(paths[i * length + draw.randrange(length)]).convert("RGB") for i in range(FRAMES)]
    factor = draw.uniform(0.5, 1.5)
    images = [ImageEnhance.Brightness(image).enhance(factor) for image in images]
    side = round((draw.uniform(0.08, 1) * 224 * 224) ** 0.5)
    left, top = draw.randint(0, 224 - side), draw.randint(0, 224 - side)
    box = (left, top, left + side, top + side)
    images = [image.crop(box).resize((224, 224), Image.Resampling.BILINEAR) for image in images]
    if draw.random() < 0.5:
        images = [image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for image in images]
    stacked = np.concatenate([np.array(image) for image in images], axis=2)
    pixels = torch.from_numpy(stacked).permute(2, 0, 1).contiguous().float().div(255)
    return pixels.view(FRAMES, 3, 224, 224)


def compare_items(folder: Path, repeat: int) -> None:
    """Print the CPU time of 12 training items and the bytes that each sends to the main process."""
    input = Input(frames=FRAMES, size=224, augment="jitter(0.5) | random-sized-crop | flip")
    video = Video("one", str(folder), 0)
    items = VideoFrames(
        [video], build_pipeline(input, discover()), training=True, seed=0, decoder=choose_decoder()
    )
    draw = random.Random(0)
    ours = cpu_ms(lambda: [items[epoch, 0] for epoch in range(12)], repeat) / 12
    theirs = cpu_ms(lambda: [reference_item(folder, draw) for _ in range(12)], repeat) / 12
    size = len(pickle.dumps(collate([items[0, 0]]).frames.numpy()))
    reference = len(pickle.dumps(reference_item(folder, draw).numpy()))
    print(f"\nA training item from a folder of JPEG frames, {FRAMES} x 224 x 224")
    print(f"  reference's way, float32 from the worker {theirs:6.1f} ms  {reference / 1e6:5.1f} MB")
    print(f"  dferbench, uint8 from the worker         {ours:6.1f} ms  {size / 1e6:5.1f} MB")
    print(f"  {theirs / ours:.2f}x the speed, {reference / size:.1f}x fewer bytes")


def main() -> None:
    """Write the media, run both parts, print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=7)
    repeat = parser.parse_args().repeat
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        open_gop = "open-gop=1:keyint=20:min-keyint=20:bframes=3:b-adapt=0:scenecut=0"
        compare_decoding(write_video(folder / "crop.mp4", 224, 224, 70), repeat)
        compare_decoding(write_video(folder / "open-gop.mp4", 224, 224, 70, open_gop), repeat)
        compare_decoding(write_video(folder / "film.mp4", 1280, 720, 60), repeat)
        compare_items(write_folder(folder / "frames", 77), repeat)


if __name__ == "__main__":
    main()
