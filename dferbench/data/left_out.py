"""Files that lie among videos and are none of them: counted by their endings, so that nobody misses them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

from dferbench.data.decoders.endings import IMAGES, VIDEOS

JUNK = ("thumbs.db", "__macosx", "desktop.ini")


def left_out(root: Path, taken: Iterable[str], skip: Path | None = None) -> Iterator[str]:
    """What lies below the root and is not `taken`, the paths of videos: files, and folders of images.

    Each as a path below the root, with "/"; a folder of images ends in one. Folders that are videos are not
    looked into, nor are `skip`, links, and what begins with a dot.
    """
    top, known = os.path.abspath(root), {os.path.abspath(path) for path in taken}  # noqa: PTH100
    known |= {os.path.abspath(skip)} if skip else set()  # noqa: PTH100
    for folder, folders, files in os.walk(top):
        folders[:] = [f for f in folders if _counts(f) and os.path.join(folder, f) not in known]  # noqa: PTH118
        rest = [f for f in files if _counts(f) and os.path.join(folder, f) not in known]  # noqa: PTH118
        if folder in known:  # the root may be a video itself
            rest = [f for f in rest if not f.lower().endswith(IMAGES)]
        below = Path(folder).relative_to(top).as_posix()
        if rest and all(f.lower().endswith(IMAGES) for f in rest) and not folders and folder != top:
            yield f"{below}/"
        else:
            yield from (f if folder == top else f"{below}/{f}" for f in rest)


def _counts(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in JUNK


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
