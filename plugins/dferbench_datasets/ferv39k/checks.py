"""What a copy of FERV39k must agree with: its own folders, the table of groups, the known lengths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from dferbench import Finding
from dferbench.data.official import OWN, Copy, count_images
from dferbench_datasets.ferv39k.figures import CLIPS, EMOTIONS, FEWEST, FRAMES, GROUPS, MOST, SHORT
from dferbench_datasets.ferv39k.tree import groups as groups_of
from dferbench_datasets.ferv39k.tree import label_of


def labels(copy: Copy) -> Iterator[Finding]:
    """Labels of the lists against the names of the folders that the clips lie in."""
    rows = {name: label for part in copy.folds[1].values() for name, label in part.items()}
    odd = tuple(f"{name}: {label}" for name, label in sorted(rows.items()) if label != label_of(name))
    if odd:
        hint = "The official label is the folder's; if the lists hold numbers, check codes=."
        level: Literal["error", "warning"] = "warning" if copy.split == OWN else "error"
        yield Finding(level, "labels in the lists that are not those of the folders", hint, odd)


def groups(copy: Copy, scenes: Sequence[str]) -> Iterator[Finding]:
    """The clips of each scene and emotion against the official table, and holes in their numbers."""
    found = groups_of(copy.media)
    sizes = {f"{s}/{e}": n for s in scenes for e, n in zip(EMOTIONS, GROUPS[s], strict=True)}
    odd = [(group, len(found.get(group, [])), size) for group, size in sizes.items()]
    wrong = tuple(f"{group}: {count} clips, officially {size}" for group, count, size in odd if count != size)
    if wrong:
        yield Finding(
            "error",
            f"{len(wrong)} of {len(sizes)} groups do not have the official size",
            "An archive may be missing or only partly unpacked.",
            wrong,
        )
    holes = tuple(group for group, numbers in found.items() if len(numbers) <= numbers[-1])
    if holes:
        yield Finding("warning", "groups whose numbers do not run from 0000 without holes", items=holes)


def lengths(copy: Copy) -> Iterator[Finding]:
    """Numbers of frames, where the copy is whole and has folders of frames, against the known figures."""
    if len(copy.media) != CLIPS or not all(path.is_dir() for path in copy.media.values()):
        return
    frames = {name: count_images(path) for name, path in copy.media.items()}
    for split, official in FRAMES.items():
        total = sum(frames.get(name, 0) for name in copy.folds[1][split])
        if total != official:
            yield Finding("warning", f"{split}: {total} frames, officially {official}")
    fewest, most = min(frames.values()), max(frames.values())
    if (fewest, most) != (FEWEST, MOST):
        yield Finding("warning", f"clips have {fewest} to {most} frames, officially {FEWEST} to {MOST}")
    short = sum(count < 16 for count in frames.values())
    if short != SHORT:
        yield Finding("warning", f"{short} clips have fewer than 16 frames, officially {SHORT}")
