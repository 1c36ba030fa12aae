"""Videos onto the disk: encoded as H.264, in several processes, whole or not at all."""

from __future__ import annotations

import io
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from dferbench import write_atomic
from dferbench.data import DRAWN, mark_drawn
from dferbench_datasets.synthetic.draw import draw
from dferbench_datasets.synthetic.plan import DrawingOptions, Item

RATE = 25
"""Frames a second."""
# Equal frames must give equal bytes. One thread, because x264 shares out its work by thread; no macroblock
# tree, because with B-frames it reads memory that it never wrote, and its choices follow from what lay there.
_X264 = {"crf": "20", "preset": "veryfast", "threads": "1", "x264-params": "mbtree=0"}
_VIDEOS_WORTH_A_PROCESS = 40  # starting one costs about as much as drawing this many


def encode(frames: NDArray[np.uint8]) -> bytes:
    """An mp4 of H.264 in yuv420p from RGB frames (T, H, W, 3), H and W even."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        container.metadata["comment"] = DRAWN
        stream = container.add_stream("libx264", rate=RATE, options=_X264)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


def write_video(options: DrawingOptions, folder: Path, item: Item) -> None:
    """Draw one video and put it at `<folder>/<id>.mp4`. Raises DferbenchError if it cannot be written."""
    write_atomic(folder / f"{item.id}.mp4", encode(draw(options, item).frames))


def _enter_worker() -> None:
    """Leave Ctrl-C and SIGTERM to the parent, and end with it even when it is killed."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(
            target=lambda: (connection.wait([parent.sentinel]), os._exit(1)), daemon=True
        ).start()


def write_all(
    options: DrawingOptions,
    folder: Path,
    items: Sequence[Item],
    workers: int | None,
    done: Callable[[], None],
) -> None:
    """Write every item, calling `done` after each; with `workers` None as many processes as pay off.

    Raises DferbenchError if a file cannot be written; what was finished stays and need not be drawn again.
    """
    write = partial(write_video, options, folder)
    count = workers or min(_cores(), 1 + len(items) // _VIDEOS_WORTH_A_PROCESS)
    for _ in map(write, items) if count == 1 else _in_processes(write, items, count):
        done()


def _in_processes(write: Callable[[Item], None], items: Sequence[Item], count: int) -> Iterator[None]:
    # Spawned, not forked: the parent may hold threads (torch, a progress bar) that do not survive a fork.
    pool = ProcessPoolExecutor(count, get_context("spawn"), _enter_worker)
    try:
        futures: list[Future[None]] = [pool.submit(write, item) for item in items]
        for future in as_completed(futures):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def finish(root: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest, which says that all videos are there."""
    mark_drawn(root, "dferbench, as its dataset 'synthetic'")
    write_atomic(root / "manifest.json", json.dumps(manifest, indent=1))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
