"""Reading a release of full size: 38,935 clips in 154 folders, lists of 31,088 and 7,847 lines.

    python benchmarks/speed/lists.py [--repeat 5] [--folder DIR]

Empty folders stand for the clips, since no frame is touched. Baseline: split each line, ask the operating
system whether the folder is there (one `os.stat` a clip) and make a `Video` of it; it checks no label, finds
no clip twice and knows no layout. Times are the least of several repetitions, in seconds of CPU time, user
and system; trust the ratios within one run. What the network adds to each question to a file server is not
in them: the baseline asks 38,935 times, dferbench lists 177 folders.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from dferbench.types import Video
from dferbench_datasets.ferv39k.ferv39k import Ferv39k
from dferbench_datasets.ferv39k.figures import GROUPS, SEVEN, members
from dferbench_datasets.ferv39k.tree import LABELS

FACES, LISTS = "2_ClipsforFaceCrop", "4_setups/All_scenes"
SPLITS = ("train", "test")


def build(root: Path) -> None:
    """Write the lists of all clips and an empty folder for each."""
    (root / LISTS).mkdir(parents=True)
    for split in SPLITS:
        names = [name for name, _ in members(GROUPS, split)]
        for name in names:
            (root / FACES / name).mkdir(parents=True)
        (root / LISTS / f"{split}_All.csv").write_text("\n".join(f"{n} {n.split('/')[1]}" for n in names))


def dferbench(root: Path, **options: str) -> list[Video]:
    """Both parts as a run reads them, by a dataset that remembers nothing."""
    dataset = Ferv39k(**options)
    return [video for split in SPLITS for video in dataset.videos(root, 1, split)]


def naive(root: Path) -> list[Video]:
    """Both parts, one question to the operating system a clip."""
    videos = []
    for split in SPLITS:
        for line in (root / LISTS / f"{split}_All.csv").read_text().splitlines():
            name, emotion = line.split()
            path = f"{root}/{FACES}/{name}"
            os.stat(path)  # noqa: PTH116 - the quickest way to ask
            videos.append(Video(name, path, SEVEN.index(LABELS[emotion])))
    return videos


def seconds(work: Callable[[], list[Video]], repeat: int) -> float:
    """The least CPU time of `repeat` runs after one that warms the file system's memory."""
    work()
    times = []
    for _ in range(repeat):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    """Build the release, time each way of reading it, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where to write the release for the time of the test")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        root = Path(temporary)
        build(root)
        key = {video.id: (video.path, video.label) for video in naive(root)}
        assert key == {video.id: (video.path, video.label) for video in dferbench(root)}
        ways: dict[str, Callable[[], list[Video]]] = {
            "naive, one os.stat a clip": lambda: naive(root),
            "dferbench, lists": lambda: dferbench(root),
            "dferbench, one scene of the lists": lambda: dferbench(root, scene="War"),
        }
        times = {way: seconds(work, options.repeat) for way, work in ways.items()}
        lists = (root / LISTS).rename(root / "kept")
        times["dferbench, folders alone"] = seconds(lambda: dferbench(root), options.repeat)
        lists.rename(root / LISTS)
    print(f"{len(key)} clips")
    for way, taken in times.items():
        ratio = taken / times["naive, one os.stat a clip"]
        print(f"  {way:34} {taken:6.2f} s  {ratio:5.2f}x the naive time")


if __name__ == "__main__":
    main()
