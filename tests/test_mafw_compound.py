"""MAFW's compound set: 43 classes that are known before any data, and lists without which it is nothing."""

from collections import Counter

import numpy as np
import pytest
from mafw_copies import (
    OFFICIAL_ORDER,
    RUN,
    SCALE,
    all_rows,
    errors,
    full_set,
    get,
    paint,
    problems,
    rows,
    with_one_clip,
    write_lists,
)

from dferbench.data.make import make_release
from dferbench.data.official import CLASSES, by_rule
from dferbench.errors import ConfigError, DataError, UnknownName
from dferbench.progress import Progress

# The datasets card, section 3.2.
COMPOUND = {1: (7178, 1818), 2: (7187, 1809), 3: (7198, 1798), 4: (7208, 1788), 5: (7213, 1783)}
FOLDS = range(1, 6)
LAYOUTS = ("faces", "frames", "clips", "renamed")


@pytest.fixture(scope="module")
def compound():
    return get("mafw-compound")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    root = tmp_path_factory.mktemp("small")
    get("mafw")().make(root, "faces", SCALE, paint, Progress())
    return root


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_all_classes_in_all_parts(layout, compound, tmp_path):
    compound().make(tmp_path, layout, 0.0001, short(paint), Progress())
    for fold in FOLDS:
        for split in ("train", "test"):
            assert set(rows(compound(), tmp_path, fold, split).values()) == set(compound().classes)
    assert compound().notes(tmp_path)["caveats"] == ["partial data"]


def short(painted):
    """Two frames a clip: how many there are does not matter here."""
    return lambda name, seed, frames: painted(name, seed, 2)


def test_a_layout_that_only_the_single_set_has_is_unknown(compound, tmp_path):
    with pytest.raises(UnknownName, match="layout"):
        compound().make(tmp_path, "labels-only", 0.01, paint, Progress())


def test_the_43_classes_are_known_before_any_data(compound):
    classes = compound().classes
    assert classes[:11] == CLASSES and len(set(classes)) == 43
    mixtures = classes[11:]
    assert list(mixtures) == sorted(mixtures)
    for name in mixtures:
        places = [OFFICIAL_ORDER.index(part) for part in name.split("_")]
        assert len(places) in (2, 3) and places == sorted(set(places))


def compound_set():
    """Class totals that are the published ones where they are known, and have the published fold sizes.

    Fold sizes fall by as many as there are classes with more than k videos over a multiple of five.
    """
    from dferbench_datasets.mafw.figures import COMPOUNDS, SINGLES

    drops = [COMPOUND[k][1] - COMPOUND[k + 1][1] for k in range(1, 5)]
    known = {n: c for counts in (SINGLES, COMPOUNDS) for n, c in counts.items() if c is not None}
    unknown = [n for counts in (SINGLES, COMPOUNDS) for n, c in counts.items() if c is None]
    wanted = Counter({rest: drops[rest - 1] for rest in range(1, 5)})
    wanted.subtract(count % 5 for count in known.values() if count % 5)
    rests = [rest for rest, count in wanted.items() for _ in range(count)]
    rests += [0] * (len(unknown) - len(rests))
    left = sum(COMPOUND[1]) - sum(known.values()) - sum(rests)
    share, more = divmod(left // 5, len(unknown))
    drawn = {n: 5 * (share + (i < more)) + rests[i] for i, n in enumerate(unknown)}
    return full_set({**known, **drawn})


def test_the_compound_folds_have_the_official_sizes(compound, tmp_path):
    labels = compound_set()
    assert len(labels) == 8996 and len(set(labels.values())) == 43
    root = with_one_clip(tmp_path)
    lists = root / "Train & Test Set/compound/no_caption"
    # Labels as people write them: parts in any order, in capitals.
    write_lists(
        lists, by_rule(labels), lambda n, label: f"{n}.mp4 {'_'.join(reversed(label.title().split('_')))}"
    )
    dataset = compound()
    for fold, (train, test) in COMPOUND.items():
        assert len(dataset.videos(root, fold, "train")) == train
        assert len(dataset.videos(root, fold, "test")) == test
    assert all_rows(dataset, root) == labels
    assert dataset.notes(root)["official lists"] and dataset.notes(root)["caveats"] == []
    assert problems(dataset, root) == [("warning", "1 clips in faces, of 10045 in the release")]


def test_compound_lists_of_other_sizes_or_another_rule_are_told(compound, tmp_path):
    labels = compound_set()
    root = with_one_clip(tmp_path)
    lists = root / "Train & Test Set/compound/no_caption"
    line = lambda name, label: f"{name}.mp4 {label}"  # noqa: E731
    folds = by_rule(labels)
    swapped = {k: folds[{1: 2, 2: 1}.get(k, k)] for k in folds}
    write_lists(lists, swapped, line)
    found = problems(compound(), root)
    assert ("error", "fold 1, test: 1809 videos, officially 1818") in found
    assert ("warning", "the folds do not follow the official rule") in found
    # The right sizes are not enough: the first happy clips of two test parts change places.
    tests = [folds[1]["test"], folds[2]["test"]]
    a, b = (next(name for name, label in rows.items() if label == "happiness") for rows in tests)
    change = {a: b, b: a}
    exchanged = {
        fold: {split: {change.get(n, n): label for n, label in rows.items()} for split, rows in parts.items()}
        for fold, parts in folds.items()
    }
    write_lists(lists, exchanged, line)
    assert not compound().notes(root)["official lists"]
    assert ("warning", "the folds do not follow the official rule") in problems(compound(), root)


def test_the_compound_set_needs_its_lists(compound, small):
    with pytest.raises(DataError, match="lacks Train & Test Set/compound/no_caption"):
        compound().videos(small, 1, "test")


def test_compound_codes_can_be_stated(compound, small, tmp_path):
    parts = {"train": {"00019": "7"}, "test": {"00020": "26"}}
    write_lists(tmp_path, dict.fromkeys(FOLDS, parts), lambda name, label: f"{name} 5 {label}")
    with pytest.raises(DataError, match="cannot be told"):
        compound(lists=str(tmp_path)).videos(small, 1, "test")
    dataset = compound(lists=str(tmp_path), codes="7=neutral 26=anger_disgust")
    assert rows(dataset, small) == {"00020": "anger_disgust"}
    for wrong in ("26=neutral_anger_neutral", "26=neutral_anger", "26=anger_joyless"):
        with pytest.raises(ConfigError, match="cannot read"):
            compound(lists=str(tmp_path), codes=f"7=neutral, {wrong}").videos(small, 1, "test")


@pytest.mark.heavy
def test_make_verify_and_run_work_for_the_compound_set(in_process):
    in_process("data", "make", "mafw-compound", "--root", "R", "--scale", "0.001", check=0)
    verified_and_run(in_process)


@pytest.mark.heavy
def test_verify_and_run_work_for_clips_of_the_compound_set(compound, in_process, tmp_path):
    make_release(compound(), tmp_path / "R", "clips", SCALE, noise, "a test", Progress())
    verified_and_run(in_process)


def noise(_, seed, frames):
    """Each clip its own: verify tells copies."""
    return np.random.default_rng(seed).integers(0, 256, (frames, 32, 32, 3), np.uint8)


def verified_and_run(run):
    assert errors(run, "mafw-compound") == 0
    less = ["--epochs", "0", "--limit", "11"]
    run("run", "-m", "dfer-clip", "-d", "mafw-compound", "--root", "R", *RUN, *less, check=0)
