"""Files that lie among videos and are none of them: counted by their endings, so that nobody misses them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path, PurePath

from dferbench.data.decoders.endings import IMAGES, VIDEOS

JUNK = ("thumbs.db", "__macosx", "desktop.ini")


def left_out(root: Path, taken: Collection[str], skip: Path | None = None) -> Iterator[str]:
    """What lies below the root and is not `taken`, the paths of videos: files, and folders of images.

    Each as a path below the root; a folder of images ends in "/". Folders that are videos are not looked
    into, nor are `skip`, links, and what begins with a dot.
    """
    for folder, folders, files in os.walk(root):
        below = [f for f in folders if not f.startswith(".") and f.lower() not in JUNK]
        folders[:] = [f for f in below if f"{folder}/{f}" not in taken and Path(folder, f) != skip]
        rest = [f for f in files if not f.startswith(".") and f.lower() not in JUNK]
        rest = [f for f in rest if f"{folder}/{f}" not in taken]
        if rest and all(f.lower().endswith(IMAGES) for f in rest) and not folders and Path(folder) != root:
            yield f"{os.path.relpath(folder, root)}/"
        else:
            yield from (os.path.relpath(f"{folder}/{f}", root) for f in rest)


def is_video(name: str) -> bool:
    """Whether something left out looks like a video: by its ending, or as a folder of images."""
    return name.endswith("/") or name.lower().endswith(VIDEOS)


def counted(names: Iterable[str]) -> str:
    """How many of each ending there are, the commonest first: ".txt 3, .csv 1, without an ending 1"."""
    found = Counter(
        "folders of images" if name.endswith("/") else PurePath(name).suffix.lower() or "without an ending"
        for name in names
    )
    return ", ".join(f"{ending} {count}" for ending, count in found.most_common())
