"""Inputs that nobody should have: no crash, no hang, no read outside the root, each named with a reason."""

from collections import Counter, defaultdict

import fuzzing
import pytest
from fuzzing import Case, Outcome

from dferbench.data.pool import run_each

pytestmark = pytest.mark.heavy

SECONDS = 30
NUMBERS = {
    "list": 110, "bad-line": 3 * len(fuzzing.LINES), "odd-line": 2 * len(fuzzing.ODD_LINES), "csv": 80,
    "release": 90, "table": 40, "frames": 2 * len(fuzzing.IMAGES), "video": 42, "playlist": 2, "spy": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Every case and what came of it, in one worker process at a time."""
    folder = tmp_path_factory.mktemp("fuzz")
    fuzzing.prepare(folder)
    cases = [Case(kind, number, str(folder)) for kind, count in NUMBERS.items() for number in range(count)]
    return list(run_each(fuzzing.attempt, cases, SECONDS, 1, name=lambda case: f"{case.kind} {case.number}"))


def of_kind(outcomes, *kinds):
    return [(case, outcome) for case, outcome in outcomes if case.kind in kinds]


def test_five_hundred_inputs_and_no_crash_or_hang(outcomes):
    assert len(outcomes) >= 500
    broken = {f"{case.kind} {case.number}": str(o) for case, o in outcomes if not isinstance(o, Outcome)}
    assert not broken


def test_nothing_outside_the_root_is_read(outcomes):
    read = {f"{c.kind} {c.number}": o.outside for c, o in outcomes if o.outside and c.kind != "spy"}
    assert not read


def test_the_watch_would_see_it(outcomes):
    [(case, outcome)] = of_kind(outcomes, "spy")
    assert outcome.outside == [f"{case.folder}/outside/a.mp4"]


def test_every_error_names_a_file_and_a_next_step(outcomes):
    """The messages of decoding are checked where they arise: they name the video's path and a reason."""
    seen = Counter()
    for case, outcome in outcomes:
        if outcome.error is not None:
            name, message, hint = outcome.error
            seen[name] += 1
            assert case.folder in message and hint, (case, outcome.error)
            assert len(message) < 700 + 3 * len(case.folder) and message.isprintable(), (case, message)
    assert set(seen) == {"DataError"}, seen


def test_bad_lines_are_reported_with_their_file_and_line(outcomes):
    for case, outcome in of_kind(outcomes, "bad-line"):
        assert outcome.error is not None, (case, fuzzing.LINES[case.number % len(fuzzing.LINES)])
        assert "set_1_train.txt, line " in outcome.error[1], (case, outcome.error)


def test_some_cases_of_each_kind_are_reported(outcomes):
    """A test of the test: damage that nobody notices would prove nothing."""
    reported, all_ = defaultdict(int), Counter(case.kind for case, _ in outcomes)
    for case, outcome in outcomes:
        reported[case.kind] += outcome.error is not None or bool(outcome.failures)
    assert {kind for kind in all_ if reported[kind] < all_[kind] / 4} <= {"spy"}, (dict(reported), all_)


def test_videos_that_cannot_be_whole_are_failures(outcomes):
    samples = 6
    certain = (fuzzing.half, fuzzing.empty, fuzzing.other_type)
    for case, outcome in of_kind(outcomes, "video"):
        damage = fuzzing.VIDEO[case.number // samples % len(fuzzing.VIDEO)]
        # Nothing in a transport stream says how long it is.
        if damage in certain and not (damage is fuzzing.half and case.number % samples == 3):
            assert len(outcome.failures) == 2, (case, damage, outcome)


def test_images_that_are_none_are_failures(outcomes):
    for case, outcome in of_kind(outcomes, "frames"):
        change = fuzzing.IMAGES[case.number % len(fuzzing.IMAGES)]
        if change is fuzzing.nothing:
            assert outcome.failures and all("holds no images" in text for text in outcome.failures)


def test_playlists_lead_nowhere(outcomes):
    for case, outcome in of_kind(outcomes, "playlist"):
        for name in fuzzing.PLAYLISTS:
            assert any(f"{case.home}/{name}: " in text for text in outcome.failures), (name, outcome)
