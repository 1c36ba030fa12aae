"""A validation part held out of the training videos: a pure function of lists, the same for every run.

Nothing of the test part is looked at. What videos share (`Video.group`: an actor, a source film, a session)
is on one side only, or the validation part would be as easy as training videos are.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from dferbench.errors import ConfigError, DataError
from dferbench.types import Recipe, Video

LARGEST = 0.5
"""A larger share would leave fewer videos to train on than to choose by."""


@dataclass(frozen=True)
class Held:
    """A training part in two: what is trained on, and what is held out, both in the order of the list.

    `groups` is how many groups were held out, 0 where the dataset knows none. `fingerprint` is of the ids and
    labels that were.
    """

    train: Sequence[Video]
    validation: Sequence[Video]
    groups: int
    fingerprint: str


def check_validation(
    share: float | None, patience: int | None, recipe: Recipe, *, trial: bool = False
) -> None:
    """Raise ConfigError for a share of the training videos that cannot be held out, for a patience that no
    epoch can try, for a method that has no epochs to choose among, and for a trial without validation."""
    if trial and not share:
        raise ConfigError(
            "settings are searched on validation videos, and there are none: test videos must not decide",
            "Add --validation 0.1.",
        )
    if share and not 0 < share <= LARGEST:
        raise ConfigError(
            f"validation must be a fraction of the training videos in (0, {LARGEST}], got {share:g}",
            "Write for example --validation 0.1, or 0 for none.",
        )
    if share and not any(stage.epochs for stage in recipe.stages):
        raise ConfigError(
            "this method trains for no epoch, and a validation part is there to choose among epochs",
            "Leave out --validation, or train for some epochs.",
        )
    if patience is not None and not share:
        raise ConfigError(
            "--patience ends training by validation videos, and there are none: test videos must not decide",
            "Add --validation 0.1, or leave out --patience.",
        )
    if patience is not None and patience < 1:
        raise ConfigError(
            f"patience must be a whole number of epochs from 1 on, got {patience}",
            "Write for example --patience 10.",
        )


def stated(share: float | None, patience: int | None) -> dict[str, float]:
    """What decides a result, for the id of a configuration; empty if nothing is held out."""
    if not share:
        return {}
    return {"share": share, **({} if patience is None else {"patience": patience})}


def hold_out(videos: Sequence[Video], share: float, name: str) -> Held:
    """Carve a validation part of about `share` of each class, whole groups at a time.

    `name` says of what list this is (dataset and fold) and decides, together with the groups' names alone, in
    which order they are drawn: neither the order of the list nor the seed of a run does. Each class gets its
    share to the nearest video, and at least one, as far as groups allow; none loses its last training video.
    Raises DataError if no group fits.
    """
    members: dict[str, list[Video]] = defaultdict(list)
    for video in videos:
        members[f"group {video.group}" if video.group else f"video {video.id}"].append(video)
    total = Counter(video.label for video in videos)
    wanted = {label: max(share * count, 1.0) for label, count in total.items()}
    have: Counter[int] = Counter()
    held: set[str] = set()
    for group in sorted(members, key=lambda one: _drawn(name, one)):
        more = Counter(video.label for video in members[group])
        last = any(have[label] + count >= total[label] for label, count in more.items())
        if not last and _gain(have, more, wanted) > 0:
            have += more
            held.add(group)
    ids = {video.id for group in held for video in members[group]}
    if not ids:
        raise DataError(
            f"{name}: no validation part of {share:g} can be held out of {len(videos)} training videos in "
            f"{len(members)} groups without taking a class's last ones",
            "Use a larger --validation, or none.",
        )
    validation = [video for video in videos if video.id in ids]
    groups = sum(group.startswith("group ") for group in held)
    return Held([v for v in videos if v.id not in ids], validation, groups, fingerprint(validation))


def _drawn(name: str, group: str) -> bytes:
    return hashlib.sha256(f"validation\n{name}\n{group}".encode("utf-8", "surrogateescape")).digest()


def _gain(have: Counter[int], more: Counter[int], wanted: dict[int, float]) -> float:
    """How much nearer to the wanted numbers of each class more videos bring what there is: the fall of the
    squared distance, each class counted in its own size."""
    return sum(
        ((wanted[label] - have[label]) ** 2 - (wanted[label] - have[label] - count) ** 2) / wanted[label]
        for label, count in more.items()
    )


def fingerprint(videos: Sequence[Video]) -> str:
    """The sha256 of ids and labels, whatever their order."""
    lines = sorted(f"{video.id}\t{video.label}" for video in videos)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
