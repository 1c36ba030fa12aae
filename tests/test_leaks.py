"""Test videos that training knows: copies are found, others of one person are none, and both numbers."""

import csv
import io
import itertools
import json
from dataclasses import replace

import cv2
import left
import numpy as np
import pytest
from conftest import ROOT, TOY

from dferbench.data.leaks.candidates import CROWD, candidates
from dferbench.data.leaks.file import as_csv, read_listed
from dferbench.data.leaks.find import LEAST, Leak, copies, copies_among, shared_sources
from dferbench.data.leaks.likeness import likeness
from dferbench.data.leaks.looks import FRAMES, SIDE, _spread, look_of
from dferbench.data.parts import SplitVideos
from dferbench.data.verify.leaks import copied, sources
from dferbench.errors import DataError
from dferbench.experiment import record
from dferbench.registry.catalog import discover
from dferbench.types import Video
from dferbench_datasets.synthetic import Synthetic
from dferbench_datasets.synthetic.actions import EXPRESSIONS, strengths
from dferbench_datasets.synthetic.draw import generator
from dferbench_datasets.synthetic.person import draw_person, draw_scene
from dferbench_datasets.synthetic.plan import COUNTS
from dferbench_datasets.synthetic.render import render
from dferbench_datasets.synthetic.write import encode

LEAKY = ROOT / "tests" / "leaky.py"


@pytest.fixture(scope="module")
def drawn():
    """35 videos of the dataset `synthetic`: frames and person of each."""
    dataset = Synthetic(videos=35, size=64)
    return {item.id: (dataset.draw(item.id).frames, item.person) for item in dataset._plan()}


def look(frames):
    return look_of(frames[_spread(len(frames))])


def before_one_wall(person, move):
    """A video of a person before always the same wall, in the same light; head and face move otherwise."""
    scene = draw_scene(generator("wall", person), 0.0, 4.0)
    other = draw_scene(generator("wall", person, move), 0.0, 4.0)
    scene = replace(scene, pose=0.3 * other.pose, noise_seed=other.noise_seed)
    expression = EXPRESSIONS[list(COUNTS[7])[move % 7]]
    actions = strengths(expression, 20, generator("move", person, move), 0.6)
    return render(draw_person(generator("face", person)), scene, actions, 64)


def test_other_videos_of_one_person_are_no_copies(drawn):
    looks = {name: look(frames) for name, (frames, _) in drawn.items()}
    same = [(a, b) for a, b in itertools.combinations(drawn, 2) if drawn[a][1] == drawn[b][1]]
    assert len(same) >= 10 and copies_among(looks) == {}
    assert max(likeness(looks[a], looks[b]) for a, b in itertools.combinations(looks, 2)) < LEAST


def test_nearly_all_videos_of_one_person_before_one_wall_are_told_apart():
    """The hard case: of 84 pairs that look alike, at most one in fifty is taken for a copy."""
    alarms = pairs = alike = 0
    for person in range(3):
        looks = [look(before_one_wall(person, move)) for move in range(8)]
        for one, other in itertools.combinations(looks, 2):
            found = likeness(one, other)
            pairs, alike, alarms = pairs + 1, alike + (found != 0), alarms + (found >= LEAST)
    assert pairs == 84 and alike > 40 and alarms <= 0.02 * pairs


def resized(frames, side):
    return np.stack([cv2.resize(one, (side, side), interpolation=cv2.INTER_AREA) for one in frames])


def jpeg(frames, quality):
    packed = (cv2.imencode(".jpg", one, [cv2.IMWRITE_JPEG_QUALITY, quality])[1] for one in frames)
    return np.stack([cv2.imdecode(one, cv2.IMREAD_COLOR) for one in packed])


def h264(frames):
    import av

    with av.open(io.BytesIO(encode(frames))) as file:
        return np.stack([one.to_ndarray(format="rgb24") for one in file.decode(video=0)])


CHANGES = {
    "half the size": lambda f: resized(f, 32),
    "three times the size": lambda f: resized(f, 192),
    "darker": lambda f: (f * 0.6).astype(np.uint8),
    "brighter": lambda f: np.clip(f * 1.4 + 15.0, 0, 255).astype(np.uint8),
    "jpeg": lambda f: jpeg(f, 40),
    "h264": h264,
    "half the rate": lambda f: f[::2],
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_copy_is_found_and_paired_with_its_video_alone(drawn, what):
    looks = {name: look(frames) for name, (frames, _) in drawn.items()}
    chosen = list(drawn)[::4]
    looks |= {f"{name} again": look(CHANGES[what](drawn[name][0])) for name in chosen}
    found = copies_among(looks)
    wrong = {a: them for a, them in found.items() if set(them) - {f"{a} again", a.removesuffix(" again")}}
    missed = [name for name in chosen if f"{name} again" not in found.get(name, {})]
    assert not wrong and len(missed) <= (1 if what == "half the rate" else 0), missed


def test_black_videos_are_no_copies_and_a_still_picture_is_one_of_itself(drawn):
    black = np.zeros((FRAMES, SIDE, SIDE), np.uint8)
    assert copies_among({"a": black, "b": black + 1}) == {}
    still, other = (np.repeat(look(frames)[:1], FRAMES, 0) for frames, _ in list(drawn.values())[:2])
    assert set(copies_among({"a": still, "b": still, "c": other})) == {"a", "b"}


def test_candidates_are_few_and_hold_nearly_every_copy():
    rng = np.random.default_rng(0)
    bits = rng.random((3000, 378)) < 0.5
    copied = bits[:200] ^ (rng.random((200, 378)) < 1 / 12)
    found = set(candidates([*bits, *copied]))
    assert sum((n, 3000 + n) in found for n in range(200)) >= 196
    assert len(found) < 2 * 3200, "of 5 million pairs"
    assert all(a < b for a, b in found)


def test_many_copies_of_one_video_do_not_make_all_pairs():
    found = list(candidates([np.ones(378, bool)] * 300))
    assert len(found) == len(set(found)) <= 300 * CROWD and {b for _, b in found} == set(range(1, 300))
    assert list(candidates([])) == []


def parts(train, test):
    def videos(rows):
        return tuple(Video(name, path, 0, group=group) for name, path, group in rows)

    return [SplitVideos(1, "train", videos(train)), SplitVideos(1, "test", videos(test))]


def test_leaks_are_between_train_and_test_of_a_fold():
    made = parts(
        [("a", "/a", "person 3"), ("b", "/b", "")],
        [("c", "/c", "person 3"), ("d", "/d", ""), ("b2", "/b", "")],
    )
    pairs = {"/c": {"/a": 0.8, "/b": 0.9, "/d": 1.0}, "/d": {"/c": 1.0}, "/a": {"/b": 0.9}}
    assert [(one.id, one.like, one.likeness) for one in copies(made, pairs)] == [
        ("c", "b", 0.9),
        ("b2", "b", 1.0),
    ]
    (one,) = shared_sources(made)
    assert (one.id, one.like, one.source, one.kind) == ("c", "a", "person 3", "source")


@pytest.fixture(scope="module")
def leaky(drawn, tmp_path_factory):
    """Four videos to train on and four to test, one of which is a smaller copy."""
    root, names = tmp_path_factory.mktemp("leaky"), list(drawn)[:7]
    rows = []
    for place, name in enumerate(names):
        (root / f"{name}.mp4").write_bytes(encode(drawn[name][0]))
        rows.append(
            ["train" if place < 4 else "test", name, place % 2, "person anna" if place in (1, 5) else ""]
        )
    (root / "copied.mp4").write_bytes(encode(resized(drawn[names[2]][0], 48)))
    rows.append(["test", "copied", 1, ""])
    with (root / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return root, names


def test_verify_says_them():
    made = parts([("a", "/a", "film 3")], [("c", "/c", "film 3"), ("d", "/d", "")])
    (copy,) = copied(made, {"/d": {"/a": 0.875}})
    assert copy.level == "warning" and copy.items == ("d = a (fold 1, 0.875)",)
    (source,) = sources(made)
    assert source.level == "info" and source.items == ("c: film 3 (fold 1)",)
    assert not [*copied(made[:1], {}), *copied(made, {}), *sources(parts([], [("c", "/c", "film 3")]))]


@pytest.mark.slow
def test_the_verb_lists_leaks_in_every_format(leaky, in_process, tmp_path):
    root, names = leaky
    words = ("--plugin", LEAKY, "data", "leaks", "-d", "leaky", "--root", root, "--workers", 1)
    done = in_process(*words, "-o", "leaks.csv", check=0)
    assert "leaky: 2 leaks: fold 1: 1 by copy, fold 1: 1 by source" in done.stdout
    lines = list(csv.DictReader((tmp_path / "leaks.csv").open()))
    assert [(one["id"], one["kind"], one["like"]) for one in lines] == [
        ("copied", "copy", names[2]), (names[5], "source", names[1]),
    ]  # fmt: skip
    assert float(lines[0]["likeness"]) > LEAST and lines[1]["source"] == "person anna"
    assert read_listed(tmp_path / "leaks.csv").of("leaky", 1) == {"copied", names[5]}
    assert not read_listed(tmp_path / "leaks.csv").of("leaky", 2)
    facts = json.loads(in_process(*words, "--json", check=0).stdout)
    assert [one["id"] for one in facts["leaks"]] == ["copied", names[5]] and facts["not_compared"] == []
    assert "no format named 'xml'" in in_process(*words, "--format", "xml", check=3).stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "line 1: it has no column 'id'"),
        ("name\na\n", "line 1: it has no column 'id'"),
        ("id,fold\na,one\n", "line 2: the fold must be a whole number, got 'one'"),
        ("id,fold\na,1\n,2\n", "line 3: the id is missing"),
        ('id\n"a\n', "unexpected end of data"),
    ],
)
def test_a_list_that_cannot_be_read_names_the_line(tmp_path, content, words):
    (tmp_path / "list.csv").write_text(content)
    with pytest.raises(DataError) as raised:
        read_listed(tmp_path / "list.csv")
    assert words in str(raised.value) and "\n" not in str(raised.value)


def test_an_id_without_fold_or_dataset_counts_for_all(tmp_path):
    (tmp_path / "list.csv").write_text(
        "\ufeffid,dataset,fold\na,,\nb,toy,\nc,,2\nd,toy,1\n", encoding="utf-8"
    )
    listed = read_listed(tmp_path / "list.csv")
    assert listed.of("toy", 1) == {"a", "b", "d"} and listed.of("other", 2) == {"a", "c"}


def test_an_id_that_begins_like_a_formula_comes_back(tmp_path):
    ids = {"=a", "-b", "+c/1", "@d", "e"}
    text = as_csv("toy", [Leak(1, name, "copy", "x") for name in ids])
    (tmp_path / "list.csv").write_text(text)
    assert "'=a" in text and read_listed(tmp_path / "list.csv").of("toy", 1) == ids


@pytest.fixture
def runs(tmp_path, toy_root):
    """Two configurations, one of which kept every epoch; and a list of two test videos of each class."""
    catalog, folders = discover([TOY]), []
    for width, keep_all in ((4, True), (5, False)):
        plan = left.plan_of(toy_root, tmp_path / "runs", catalog, sets={"width": str(width)}, folds=(1, 2))
        for fold in (1, 2):
            facts = {"given": {"width": str(width)}, "model": width + fold}
            folders.append(left.leave(plan, fold, keep_all=keep_all, **facts))
    kinds = ("brightens", "darkens", "stays")
    lines = [f"toy,{fold},{kind}/test{n}" for fold in (1, 2) for kind in kinds for n in (0, 1)]
    (tmp_path / "known.csv").write_text("\n".join(["dataset,fold,id", *lines]))
    return folders


def war_without(folder):
    """Independent of the code under test: the WAR in percent of the videos named test2."""
    with np.load(folder / "predictions.npz") as file:
        rest = [n for n, name in enumerate(file["id"]) if name.endswith("test2")]
        return 100 * float(np.mean(file["logits"][rest].argmax(1) == file["label"][rest]))


def test_both_numbers_stand_side_by_side_and_are_of_the_same_runs(runs, in_process, tmp_path, toy_root):
    board = json.loads(in_process("leaderboard", "runs", "--without", "known.csv", "--json", check=0).stdout)
    rows = {row["setting"]: row for row in board["rows"]}
    for setting, folders in (("width=4", runs[:2]), ("width=5", runs[2:])):
        assert rows[setting]["without"]["war"]["mean"] == pytest.approx(np.mean([*map(war_without, folders)]))
        stated = [record.read(f / record.NAME).metrics["last"]["war"] for f in folders]
        assert rows[setting]["war"]["mean"] == pytest.approx(np.mean(stated))
    text = in_process("leaderboard", "runs", "--without", "known.csv", check=0).stdout
    assert "WAR without" in text and "that --without does not list" in text
    lines = csv.DictReader(
        io.StringIO(in_process("leaderboard", "runs", "--without", "known.csv", "--format", "csv").stdout)
    )
    assert {float(line["WAR without"]) for line in lines} == {
        row["without"]["war"]["mean"] for row in rows.values()
    }
    (tmp_path / "suite.toml").write_text(
        'title = "Mine"\n[[rows]]\nlabel = "a"\nmethod = "toy-net"\noptions = {width = 4}\n'
    )
    words = (
        "--plugin",
        TOY,
        "table",
        "suite.toml",
        "-d",
        "toy",
        "--without",
        "known.csv",
        "--format",
        "json",
    )
    done = in_process(*words, check=0, env={"DFERBENCH_ROOT_TOY": str(toy_root)})
    kinds = {one["kind"]: one for one in json.loads(done.stdout)["rows"][0]["results"]}
    assert kinds["last, without"]["war"]["mean"] == pytest.approx(rows["width=4"]["without"]["war"]["mean"])
    assert kinds["last"]["war"]["mean"] == pytest.approx(rows["width=4"]["war"]["mean"])


def test_what_cannot_be_counted_again_is_no_number(runs, in_process, tmp_path, toy_root):
    words = ("leaderboard", "runs", "--without", "known.csv", "--select", "best-on-test", "--json")
    rows = {row["setting"]: row for row in json.loads(in_process(*words, check=0).stdout)["rows"]}
    assert rows["width=4"]["without"]["war"] is not None, "it kept every epoch"
    assert rows["width=5"]["without"]["war"] is None
    (runs[0] / "predictions.npz").unlink()
    text = in_process("leaderboard", "runs", "--without", "known.csv", check=0).stdout
    assert "- without: the predictions" in text
    assert in_process("leaderboard", "runs", "--without", "nothing.csv", check=4).stderr.startswith(
        "error: nothing"
    )
