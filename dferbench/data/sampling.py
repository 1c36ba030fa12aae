"""Which frames of a video a method sees. A recipe names the rule as text: `segments(duration=2)`.

A sampler is called as `sampler(count, frames, rng)` and returns `frames` int64 indices into a video of
`count` frames. With `rng` None the test rule holds; `random` says whether training draws anything.

Every rule takes `shuffle=true`: test videos then show the same frames in an order drawn once a video, from
its id, and training is as it was. What a method loses by it is what it had from the order of the frames.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dferbench.data.ranges import require_count
from dferbench.errors import ConfigError, UnknownName

Indices = NDArray[np.int64]
SHORT = ("repeat-last", "first-frame", "loop")


@runtime_checkable
class Sampler(Protocol):
    """What every rule offers: whether training draws at random, whether tests are shuffled, and the draw."""

    @property
    def random(self) -> bool:
        """Whether the rule draws anything when it is given a generator."""
        ...

    @property
    def shuffle(self) -> bool:
        """Whether the frames of test videos are to be shown out of order; see `shuffled`."""
        ...

    def __call__(self, count: int, frames: int, rng: np.random.Generator | None) -> Indices:
        """(frames,) indices in 0..count-1; where tests show several clips of a video, clip after clip, a
        whole number of times as many. Raises ValueError for a video without frames."""
        ...


@dataclass(frozen=True)
class Segments:
    """Starts all over the video, `duration` consecutive frames from each: the rule of Former-DFER and
    DFER-CLIP.

    S starts, frames / duration of them, have P = count - duration + 1 places to be at. Training cuts the
    places into S segments of P // S and draws a start in each; the P % S places at the end are in none, as in
    the authors' loaders. With fewer places than starts it draws S of them with repetition, if the video has
    more than S frames. Testing takes the middles of S equal parts of the P places, if count > S + duration
    - 1. Frames after a start may lie in the next segment, and stay on the video's last one.

    `short` says what a video with too few frames for these rules shows: "repeat-last" begins one frame later
    each time, so that with a `duration` of 1 the last frame is repeated; "first-frame" begins at frame 0 each
    time (DFER-CLIP before September 2023), so that with a `duration` of 2 the first two frames are repeated;
    "loop" starts over after the last frame. With `random` false training uses the test rule too, and frozen
    features can be remembered.
    """

    duration: int = 1
    short: str = "repeat-last"
    random: bool = True
    shuffle: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if self.short not in SHORT:
            raise UnknownName("rule for short videos", self.short, SHORT)
        require_count("segments: duration", self.duration)

    def __call__(self, count: int, frames: int, rng: np.random.Generator | None) -> Indices:
        """(frames,) indices in 0..count-1. Raises ValueError for a video without frames, and ConfigError
        when `frames` is not a multiple of the duration."""
        _require_frames(count)
        segments, rest = divmod(frames, self.duration)
        if rest or not segments:
            raise ConfigError(
                f"{frames} frames cannot be cut into pieces of {self.duration}",
                "Choose input.frames as a multiple of the duration in input.sample.",
            )
        starts = self._drawn(count, segments, rng) if rng and self.random else self._middles(count, segments)
        if starts is None:
            return self._short(count, segments)
        return self._runs(starts, count)

    def _drawn(self, count: int, segments: int, rng: np.random.Generator) -> Indices | None:
        places = count - self.duration + 1
        length = places // segments
        if length > 0:
            return np.arange(segments) * length + rng.integers(length, size=segments)
        if count > segments:
            return np.sort(rng.integers(places, size=segments))
        return None

    def _middles(self, count: int, segments: int) -> Indices | None:
        if count <= segments + self.duration - 1:
            return None
        length = (count - self.duration + 1) / segments
        middles: Indices = (length / 2 + length * np.arange(segments)).astype(np.int64)
        return middles

    def _short(self, count: int, segments: int) -> Indices:
        if self.short == "loop":
            looped: Indices = np.arange(segments * self.duration) % count
            return looped
        starts = np.arange(segments) if self.short == "repeat-last" else np.zeros(segments, np.int64)
        return self._runs(starts, count)

    def _runs(self, starts: Indices, count: int) -> Indices:
        """`duration` frames from each start; a run that would leave the video stays on its last frame."""
        inside: Indices = np.minimum(starts[:, None] + np.arange(self.duration), count - 1).ravel()
        return inside


@dataclass(frozen=True)
class Uniform:
    """Frames spread over the whole video, the rule of the loader that DFEW's authors released in 2022.

    Training draws distinct frames and sorts them; testing takes equal steps from the first frame to the
    last, truncated. A short video is repeated until it is long enough. `random` is as in `Segments`.
    """

    random: bool = True
    shuffle: bool = field(default=False, kw_only=True)

    def __call__(self, count: int, frames: int, rng: np.random.Generator | None) -> Indices:
        """(frames,) indices in 0..count-1. Raises ValueError for a video without frames."""
        _require_frames(count)
        length = count * -(-frames // count)
        if rng and self.random:
            return np.sort(rng.choice(length, size=frames, replace=False)) % count
        return np.linspace(0, length - 1, frames).astype(np.int64) % count


@dataclass(frozen=True)
class Grid:
    """The frames where equal segments begin; training moves each by its own draw: the rule of M3DFEL.

    Frame i begins at floor(count * i / frames), and training adds a whole number from U(0, jitter), the end
    included, cut at the last frame: where that is more than a segment, the frames are not in order. A short
    video shows frames several times. With `jitter` 0 training draws nothing.
    """

    jitter: int = 0
    shuffle: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        require_count("grid: jitter", self.jitter, 0)

    @property
    def random(self) -> bool:
        """Whether training draws anything."""
        return self.jitter > 0

    def __call__(self, count: int, frames: int, rng: np.random.Generator | None) -> Indices:
        """(frames,) indices in 0..count-1. Raises ValueError for a video without frames."""
        _require_frames(count)
        starts: Indices = np.arange(frames, dtype=np.int64) * count // frames
        if rng and self.random:
            starts = np.minimum(starts + rng.integers(self.jitter + 1, size=frames), count - 1)
        return starts


@dataclass(frozen=True)
class Groups:
    """`each` frames from each of equal groups of neighbours: views of one video, taken apart.

    Training draws distinct frames of a group, in the order of the draw (some twice where it has too few), so
    that the frames 0, each, 2 each ... are one view of the video, the next ones another. Testing cuts each
    group into `each` + 1 parts and takes the frames between them. `random` is as in `Segments`.
    """

    each: int = 2
    random: bool = True
    shuffle: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        require_count("groups: each", self.each)

    def __call__(self, count: int, frames: int, rng: np.random.Generator | None) -> Indices:
        """(frames,) indices in 0..count-1. Raises ValueError for a video without frames, and ConfigError
        when `frames` is not a multiple of `each`."""
        _require_frames(count)
        groups, rest = divmod(frames, self.each)
        if rest or not groups:
            raise ConfigError(
                f"{frames} frames cannot be taken in groups of {self.each}",
                "Choose input.frames as a multiple of each in input.sample.",
            )
        if rng and self.random:
            return np.concatenate([self._drawn(count, k, groups, rng) for k in range(groups)])
        parts = self.each + 1
        between = np.arange(groups)[:, None] * parts + np.arange(1, parts)
        return between.ravel() * count // (groups * parts)

    def _drawn(self, count: int, group: int, groups: int, rng: np.random.Generator) -> Indices:
        first, end = count * group // groups, count * (group + 1) // groups
        length = max(end - first, 1)
        return first + rng.choice(length, size=self.each, replace=length < self.each)


@dataclass(frozen=True)
class Snippets:
    """Overlapping snippets from a video brought to one length: the rule of EST's released code.

    The video becomes `unified` frames, evenly repeated or left out. A window of `pieces` snippets of `length`
    frames, each begun `stride` frames after the one before, lies anywhere in it in training and in the middle
    in testing. Each snippet shows as many of its frames as `frames` leaves it: distinct ones, in order, in
    training, and in equal steps from its first one in testing. `random` is as in `Segments`.
    """

    pieces: int = 7
    length: int = 15
    stride: int = 10
    unified: int = 105
    random: bool = True
    shuffle: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        sizes = (self.pieces, self.length, self.stride, self.unified)
        if not all(isinstance(size, int) and size >= 1 for size in sizes) or self._spare < 0:
            raise ConfigError(
                f"snippets: {self.pieces!r} pieces of {self.length!r} frames, {self.stride!r} apart, do not "
                f"fit in {self.unified!r}",
                "Give whole numbers from 1 on, and a unified length that holds the last snippet.",
            )

    @property
    def _spare(self) -> int:
        return self.unified - self.stride * (self.pieces - 1) - self.length

    def __call__(self, count: int, frames: int, rng: np.random.Generator | None) -> Indices:
        """(frames,) indices in 0..count-1, snippet after snippet. Raises ValueError for a video without
        frames, and ConfigError for `frames` that do not fall evenly to the snippets."""
        _require_frames(count)
        each, rest = divmod(frames, self.pieces)
        if rest or not 1 <= each <= self.length:
            raise ConfigError(
                f"{frames} frames cannot fill {self.pieces} snippets of up to {self.length} frames",
                f"Choose input.frames as a multiple of {self.pieces}.",
            )
        inside = np.arange(self.length)
        if rng and self.random:
            first = int(rng.integers(max(self._spare, 1)))
            drawn = rng.permuted(np.tile(inside, (self.pieces, 1)), axis=1)
            places = np.sort(drawn[:, :each], axis=1)
        else:
            first, places = self._spare // 2, inside[None, :each] * self.length // each
        unified = first + self.stride * np.arange(self.pieces)[:, None] + places
        chosen: Indices = unified.ravel() * count // self.unified
        return chosen


@dataclass(frozen=True)
class Every:
    """Every `step`-th frame from a start on, round to the video's beginning: the rule of EmoCLIP.

    Training draws the start among the frames that are kept, testing begins with the first. The video is gone
    round once at most; where that is too few frames, they continue backwards from the last one taken, as in a
    mirror. `random` is as in `Segments`.
    """

    step: int = 4
    random: bool = True
    shuffle: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        require_count("every: step", self.step)

    def __call__(self, count: int, frames: int, rng: np.random.Generator | None) -> Indices:
        """(frames,) indices in 0..count-1. Raises ValueError for a video without frames."""
        _require_frames(count)
        kept = -(-count // self.step)
        start = int(rng.integers(kept)) if rng and self.random else 0
        # From the start to the end, and all over again: at least two frames, so that a mirror has a way back.
        taken = np.arange(start, min(start + frames, 2 * kept))
        round_: Indices = np.pad(taken, (0, frames - len(taken)), mode="reflect") % kept * self.step
        return round_


@dataclass(frozen=True)
class Window:
    """A clip of the video, in steps of `rate` frames: the rule of VideoMAE and MAE-DFER.

    Training draws where it begins, and spreads the frames evenly over it; a video no longer than it shows
    count // rate frames, spread over the whole, and then its last one over and over. Testing keeps every
    `rate`-th frame and takes `clips` clips of neighbours among them, the first at the beginning, the last
    at the end, one after another: `clips` times as many frames, for methods that average over them. One clip
    lies in the middle.
    """

    rate: int = 4
    clips: int = 1
    random: ClassVar[bool] = True
    shuffle: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        require_count("window: rate", self.rate)
        require_count("window: clips", self.clips)

    def __call__(self, count: int, frames: int, rng: np.random.Generator | None) -> Indices:
        """(frames,) indices in 0..count-1 in training, (clips * frames,) in testing. Raises ValueError for a
        video without frames."""
        _require_frames(count)
        return self._seen(count, frames) if rng is None else self._drawn(count, frames, rng)

    def _drawn(self, count: int, frames: int, rng: np.random.Generator) -> Indices:
        span = frames * self.rate
        if count <= span:
            kept = np.linspace(0, count, count // self.rate)
            padded = np.pad(kept, (0, frames - len(kept)), constant_values=count)
            return np.minimum(padded, count - 1).astype(np.int64)
        first = int(rng.integers(count - span))
        return np.linspace(first, first + span, frames).clip(max=first + span - 1).astype(np.int64)

    def _seen(self, count: int, frames: int) -> Indices:
        kept = np.arange(0, count, self.rate, dtype=np.int64)
        spare = max(len(kept) - frames, 0)
        starts = np.linspace(0, spare, self.clips) if self.clips > 1 else np.array([spare / 2])
        places: Indices = starts.astype(np.int64)[:, None] + np.arange(frames)
        return kept[np.minimum(places, len(kept) - 1)].ravel()


def shuffled(chosen: Indices, video: str) -> Indices:
    """The same indices in an order that depends on the video's id and on nothing else."""
    seed = int.from_bytes(hashlib.sha256(f"shuffle/{video}".encode()).digest(), "big")
    return np.random.default_rng(seed).permutation(chosen)


def _require_frames(count: int) -> None:
    if count < 1:
        raise ValueError(f"a video of {count} frames has none to choose from")
