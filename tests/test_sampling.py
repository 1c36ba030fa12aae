"""Which frames are chosen: every branch of the published rules, against a plain reimplementation of each."""

import math

import numpy as np
import pytest
from inputs import make_sampler

from dferbench.data.sampling import Every, Segments, Uniform
from dferbench.errors import ConfigError, UnknownName

COUNTS = range(1, 401)


def dfer_clip_test(n: int, t: int = 16) -> list[int]:
    """The published test rule, one index at a time."""
    if n > t:
        tick = n / float(t)
        return [int(tick / 2 + tick * x) for x in range(t)]
    return list(range(n)) + [n - 1] * (t - n)


def former_dfer_test(n: int, u: int, v: int) -> list[int]:
    """The published rule for runs of `v` frames; short videos start at frame 0 in every segment."""
    starts = [0] * u
    if n > u + v - 1:
        tick = (n - v + 1) / float(u)
        starts = [int(tick / 2.0 + tick * x) for x in range(u)]
    found = []
    for start in starts:
        pointer = start
        for _ in range(v):
            found.append(pointer)
            pointer = min(pointer + 1, n - 1)
    return found


def test_test_rule_of_dfer_clip():
    sampler = make_sampler("segments")
    assert sampler(100, 16, None).dtype == np.int64
    for n in COUNTS:
        assert sampler(n, 16, None).tolist() == dfer_clip_test(n), n


def test_training_rule_of_dfer_clip_stays_within_its_segments():
    sampler, rng = make_sampler("segments"), np.random.default_rng(0)
    for n in COUNTS:
        draws = np.array([sampler(n, 16, rng) for _ in range(100)])
        length = n // 16
        if length == 0:
            assert (draws == dfer_clip_test(n)).all(), n
            continue
        # 1,600 draws of at most 25 values: one is missed with a probability below 1e-27.
        assert set((draws - length * np.arange(16)).ravel().tolist()) == set(range(length)), n


def test_training_draws_are_uniform_and_independent_between_segments():
    rng = np.random.default_rng(0)
    offsets = np.array([Segments()(160, 16, rng) for _ in range(5000)]) - 10 * np.arange(16)
    shares = np.bincount(offsets.ravel(), minlength=10) / offsets.size
    assert np.abs(shares - 0.1).max() < 0.005
    correlation = np.corrcoef(offsets.T) - np.eye(16)
    assert np.abs(correlation).max() < 0.07


@pytest.mark.parametrize(("u", "v"), [(8, 2), (16, 1), (5, 3)])
def test_runs_of_former_dfer(u, v):
    sampler = make_sampler(f"segments({v}, short=first-frame)")
    for n in COUNTS:
        assert sampler(n, u * v, None).tolist() == former_dfer_test(n, u, v), n


@pytest.mark.parametrize(
    ("n", "text", "expected"),
    [
        (66, "segments(2)", "4 5 12 13 20 21 28 29 36 37 44 45 52 53 60 61"),
        (16, "segments(2)", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15"),
        (10, "segments(2)", "0 1 1 2 2 3 3 4 5 6 6 7 7 8 8 9"),
        (9, "segments(2, short=first-frame)", "0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1"),
        (9, "segments(2, short=loop)", "0 1 2 3 4 5 6 7 8 0 1 2 3 4 5 6"),
        (3, "segments(2)", "0 1 1 2 2 2 2 2 2 2 2 2 2 2 2 2"),
        (1, "segments(2)", "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"),
        (66, "segments", "2 6 10 14 18 22 26 30 35 39 43 47 51 55 59 63"),
        (17, "segments", "0 1 2 3 4 5 6 7 9 10 11 12 13 14 15 16"),
        (5, "segments", "0 1 2 3 4 4 4 4 4 4 4 4 4 4 4 4"),
        (5, "segments(short=loop)", "0 1 2 3 4 0 1 2 3 4 0 1 2 3 4 0"),
        (16, "segments(short=first-frame)", "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"),
        (17, "segments(short=first-frame)", "0 1 2 3 4 5 6 7 9 10 11 12 13 14 15 16"),
        (31, "uniform", "0 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30"),
        (10, "uniform", "0 1 2 3 5 6 7 8 0 1 2 3 5 6 7 9"),
        (66, "every(4)", "0 4 8 12 16 20 24 28 32 36 40 44 48 52 56 60"),
        (37, "every(4)", "0 4 8 12 16 20 24 28 32 36 0 4 8 12 16 20"),
        (17, "every(4)", "0 4 8 12 16 0 4 8 12 16 12 8 4 0 16 12"),
        (4, "every(4)", "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"),
    ],
)
def test_vectors_checked_by_hand(n, text, expected):
    assert make_sampler(text)(n, 16, None).tolist() == [int(i) for i in expected.split()]


def test_training_on_short_videos():
    rng = np.random.default_rng(0)
    assert Segments(short="first-frame")(15, 16, rng).tolist() == [0] * 16
    assert Segments(short="first-frame")(16, 16, rng).tolist() == list(range(16))
    assert Segments(short="loop")(7, 16, rng).tolist() == [i % 7 for i in range(16)]


def test_training_between_short_and_segmented_draws_sorted_starts():
    """5 segments of 3 frames out of 6: no whole segment fits, yet there are more frames than segments."""
    rng = np.random.default_rng(0)
    draws = np.array([Segments(3)(6, 15, rng)[::3] for _ in range(500)])
    assert (np.diff(draws) >= 0).all()
    assert set(draws.ravel().tolist()) == {0, 1, 2, 3}


def test_uniform_training_draws_distinct_sorted_frames():
    rng = np.random.default_rng(0)
    for n in COUNTS:
        chosen = Uniform()(n, 16, rng)
        assert len(chosen) == 16
        assert set(chosen.tolist()) <= set(range(n))
        assert n < 16 or (np.diff(chosen) > 0).all()
        assert np.bincount(chosen).max() <= math.ceil(16 / n)


def emoclip(n: int, t: int, step: int, start: int) -> list[int]:
    """The published rule for a start: one walk to the end, one from the beginning, then back and forth."""
    kept = [i for i in range(n) if i % step == 0]
    found = (kept[start:] + kept)[:t]
    place, way = len(found) - 1, -1
    whole = list(found)
    while len(found) < t:
        if not 0 <= place + way < len(whole):
            way = -way
        place += way
        found.append(whole[place])
    return found


@pytest.mark.parametrize("step", [1, 2, 4])
def test_every_step_th_frame_of_emoclip(step):
    sampler, rng = make_sampler(f"every({step})"), np.random.default_rng(0)
    for n in COUNTS:
        assert sampler(n, 32, None).tolist() == emoclip(n, 32, step, 0), n
        kept = -(-n // step)
        draws = {tuple(sampler(n, 32, rng).tolist()) for _ in range(20)}
        assert draws <= {tuple(emoclip(n, 32, step, start)) for start in range(kept)}, n
        assert len(draws) > 1 or kept < 3, n


def test_every_start_is_drawn():
    rng = np.random.default_rng(0)
    # 2,000 draws of 25 starts: one is missed with a probability below 1e-33.
    starts = np.array([Every(4)(97, 32, rng)[0] for _ in range(2000)])
    assert set(starts.tolist()) == set(range(0, 97, 4))


@pytest.mark.parametrize("text", ["segments(random=false)", "uniform(random=false)", "every(random=false)"])
def test_without_random_training_uses_the_test_rule(text):
    sampler = make_sampler(text)
    assert not sampler.random
    assert sampler(97, 16, np.random.default_rng(0)).tolist() == sampler(97, 16, None).tolist()


@pytest.mark.parametrize("text", ["segments", "segments(2)", "uniform", "every"])
@pytest.mark.parametrize("n", [0, -1])
def test_a_video_without_frames_is_an_error(text, n):
    with pytest.raises(ValueError, match="frames"):
        make_sampler(text)(n, 16, None)


@pytest.mark.parametrize(
    ("text", "error", "named"),
    [
        ("segmets", UnknownName, "segmets"),
        ("segments(short=mirror)", UnknownName, "mirror"),
        ("segments(durations=2)", UnknownName, "durations"),
        ("segments(0)", ConfigError, "0"),
        ("segments(1.5)", ConfigError, "1.5"),
        ("every(0)", ConfigError, "step must be a whole number from 1 on, got 0"),
        ("every(0.5)", ConfigError, "got 0.5"),
        ("segments | uniform", ConfigError, "2 things"),
        ("", ConfigError, "0 things"),
    ],
)
def test_wrong_text_is_named(text, error, named):
    with pytest.raises(error, match=named):
        make_sampler(text)


def test_frames_must_be_a_multiple_of_the_duration():
    with pytest.raises(ConfigError, match="16 frames"):
        Segments(3)(100, 16, None)
