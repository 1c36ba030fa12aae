"""Any private dataset: `list:` and `folder:` through real files and the real command line."""

import json
import os
import re
import shlex
from collections import Counter

import pytest
from conftest import ROOT
from PIL import Image

from dferbench.cli import _run as run_in_process
from dferbench.data.official import CLASSES
from dferbench.data.official.lists import read_rows
from dferbench.errors import ConfigError, DataError, DferbenchError, UnknownName
from dferbench.progress import Progress
from dferbench.registry.catalog import discover
from dferbench.registry.datasets import make_dataset

SEVEN = CLASSES[:7]


@pytest.fixture(scope="module")
def catalog():
    return discover()


@pytest.fixture
def make(catalog):
    return lambda text: make_dataset(text, catalog).dataset


def frames(folder, count=3):
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(1, count + 1):
        Image.new("RGB", (16, 16), (i * 9, 60, 90)).save(folder / f"{i}.jpg")
    return folder


def lists(folder, train, test, names=("train.txt", "test.txt")):
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in zip(names, (train, test), strict=True):
        (folder / name).write_text("\n".join(lines) + "\n")
    return folder


def ids(dataset, root, fold=1, split="train"):
    return [video.id for video in dataset.videos(root, fold, split)]


def label_names(dataset, root, fold=1, split="train"):
    return {video.id: dataset.classes[video.label] for video in dataset.videos(root, fold, split)}


def exchange(prefix, names, shift=0):
    """Lines of the DFER repositories: folder, number of frames, class index."""
    return [f"{prefix}{name} {i + 10} {i % 7 + shift}" for i, name in enumerate(names)]


# --- lists -----------------------------------------------------------------------------------------------


def test_the_exchange_format_of_the_repositories(make, tmp_path):
    """Another machine's absolute paths, five folds, numbers: root replaced, order assumed and said so."""
    for fold in range(1, 6):
        train, test = (
            exchange("/data/EECS/datasets/DFEW/DFEW_Frame_Face/", [f"{n:05d}" for n in range(a, b)])
            for a, b in ((1, 15), (15, 22))
        )
        lists(tmp_path / "l", train, test, (f"DFEW_set_{fold}_train.txt", f"DFEW_set_{fold}_test.txt"))
    root = tmp_path / "mine"
    frames(root / "DFEW_Frame_Face" / "00001")
    dataset = make(f"list:{tmp_path / 'l'}")
    assert dataset.folds == (1, 2, 3, 4, 5) and dataset.classes == SEVEN
    videos = dataset.videos(root, 3, "train")
    assert [v.id for v in videos] == [f"{n:05d}" for n in range(1, 15)]
    assert videos[0].path == str(root / "DFEW_Frame_Face" / "00001")
    assert dataset.classes[videos[1].label] == "sadness"
    dataset.prepare(root, Progress())
    notes = dataset.notes(root)
    assert notes["classes"].startswith("assumed") and notes["caveats"] == ["own split"]
    assert notes["paths"] == "/data/EECS/datasets/DFEW of the lists replaced by the root"
    findings = list(dataset.findings(root))
    assert [f.level for f in findings] == ["warning", "info", "warning"]
    assert findings[2].items == ("00001: 10 stated, 3 there",)


@pytest.mark.parametrize("below", ["", "faces", "DFEW/faces"])
def test_the_deepest_end_of_the_common_folder_that_is_there(make, tmp_path, below):
    here = lists(tmp_path / "l", exchange("/x/DFEW/faces/", "abcdefg"), exchange("/x/DFEW/faces/", "hijklmn"))
    frames(tmp_path / "root" / below / "a")
    dataset = make(f"list:{here}")
    assert dataset.videos(tmp_path / "root", 1, "train")[0].path == str(tmp_path / "root" / below / "a")
    dataset.prepare(tmp_path / "root", Progress())


def test_a_stated_prefix_is_cut_off_and_nothing_else(make, tmp_path):
    here = lists(tmp_path / "l", ["/far/a/1 x", "/far/b/1 y", "b/2 x"], ["/far/c/1 y"])
    dataset = make(f"list(path={here}, prefix=/far)")
    assert [v.path for v in dataset.videos(here, 1, "train")] == [
        str(here / p) for p in ("a/1", "b/1", "b/2")
    ]
    assert dataset.notes(here)["paths"] == "/far cut off"
    assert ids(
        make(f"list(path={lists(tmp_path / 'r', ['DFEW/1 x'], ['DFEW/2 y'])}, prefix=DFEW)"), here
    ) == ["1"]
    with pytest.raises(DataError, match=r"train.txt, line 1: '/far/a/1' does not lie below the root"):
        make(f"list(path={here}, prefix=/elsewhere)").videos(here, 1, "train")
    with pytest.raises(ConfigError, match="prefix cannot be"):
        make(f"list(path={here}, prefix=../x)").videos(here, 1, "train")


def test_absolute_paths_of_this_machine_and_windows_paths(make, tmp_path):
    frames(tmp_path / "v" / "a")
    here = lists(tmp_path, [f"{tmp_path}/v/a 3 x", f"{tmp_path}/v/b 3 y"], ["v/c 3 x"])
    assert ids(make(f"list:{here}"), here) == ["a", "b"]
    assert "paths" not in make(f"list:{here}").notes(here)
    windows = lists(tmp_path / "w", [r"D:\set\v\a 3 x", r"D:\set\v\b 3 y"], [r"D:\set\v\c 3 x"])
    assert make(f"list:{windows}").videos(tmp_path, 1, "train")[0].path == str(tmp_path / "v" / "a")


ESCAPES = {
    "climbs": ("../../etc/passwd x", "is not the path of a video below the root"),
    "climbs inside": ("v/../../../etc/passwd x", "is not the path of a video below the root"),
    "climbs as on Windows": (r"..\..\etc\passwd x", "is not the path of a video below the root"),
    "absolute": ("/etc/passwd x", "does not lie below the root"),
    "a drive": (r"C:\secret\a.mp4 x", "does not lie below the root"),
    "the root itself": ("./. x", "is not the path of a video below the root"),
    "endless": ("a/" * 3000 + "b x", "is not the path of a video below the root"),
    "a link": ("out/passwd x", "leads out of the root"),
    "a linked folder": ("deep/out/a x", "leads out of the root"),
}


@pytest.mark.parametrize("name", ESCAPES)
def test_no_path_leaves_the_root(make, tmp_path, name):
    line, reason = ESCAPES[name]
    root = tmp_path / "root"
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "passwd").write_text("x")
    (root / "deep").mkdir(parents=True)
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "deep" / "out").symlink_to(tmp_path / "secret")
    here = lists(root, ["v/a x", line], ["v/b y"])
    with pytest.raises(DataError, match=r"train.txt, line 2: ") as caught:
        make(f"list:{here}").videos(root, 1, "train")
    assert reason in caught.value.message
    assert caught.value.hint
    if "link" in name:
        assert len(make(f"list(path={here}, links=true)").videos(root, 1, "train")) == 2


def test_foreign_paths_without_anything_in_common(make, tmp_path):
    here = lists(tmp_path, ["/data/v/a x", "/data/v/b y", "/etc/passwd x"], ["/data/v/c y"])
    with pytest.raises(DataError, match=r"train.txt, line 3: '/etc/passwd' does not lie below the root"):
        make(f"list:{here}").videos(here, 1, "train")


def test_ids_are_the_shortest_ends_that_tell_videos_apart(make, tmp_path):
    groups = [
        f"{scene}/{kind}/{n:04d}" for scene in ("Action", "War") for kind in ("Happy", "Sad") for n in (0, 1)
    ]
    here = lists(tmp_path, [f"x/{g} 20 {g.split('/')[1]}" for g in groups], ["x/School/Sad/0000 20 Sad"])
    assert ids(make(f"list:{here}"), here) == sorted(groups)
    flat = lists(
        tmp_path / "flat", ["clips/00025.mp4 anger", "clips/00026.mp4 fear"], ["clips/00027.mp4 fear"]
    )
    assert ids(make(f"list:{flat}"), flat) == ["00025", "00026"]
    twins = lists(tmp_path / "twins", ["a.mp4 x", "a.avi y"], ["b.mp4 x"])
    assert ids(make(f"list:{twins}"), twins) == ["a.avi", "a.mp4"]


def test_a_name_may_mean_the_file_or_the_folder_of_its_frames(make, tmp_path):
    frames(tmp_path / "00025")
    (tmp_path / "00026.mp4").write_bytes(b"x")
    here = lists(tmp_path, ["00025.mp4 anger", "00026 fear"], ["00027.mp4 fear"])
    paths = [v.path for v in make(f"list:{here}").videos(here, 1, "train")]
    assert paths == [str(tmp_path / "00025"), str(tmp_path / "00026.mp4")]


FORMS = {
    "blanks": "v/a 12 happy\nv/b 9 sad\n",
    "no frames": "v/a happy\nv/b sad\n",
    "csv with header": "video_name,label\nv/a,happy\nv/b,sad\n",
    "another header": "clip_path,emotion\nv/a,happy\nv/b,sad\n",
    "header between blanks": "path frames label\nv/a 12 happy\nv/b 9 sad\n",
    "tabs": "v/a\t12\thappy\nv/b\t9\tsad\n",
    "tabs with captions": "v/a\thappy\tein Lächeln\ta smile, broad\nv/b\tsad\tx\ty\n",
    "crlf": "v/a 12 happy\r\nv/b 9 sad\r\n",
    "no final newline": "v/a 12 happy\nv/b 9 sad",
    "blanks in paths": "my v/a 12 happy\nmy v/b 9 sad\n",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_forms_of_lists(make, tmp_path, form, encoding):
    (tmp_path / "my_train.txt").write_bytes(FORMS[form].encode(encoding))
    (tmp_path / "my_test.txt").write_text("v/c 9 happy\n")
    found = make(f"list:{tmp_path}")
    assert label_names(found, tmp_path) == {"a": "happiness", "b": "sadness"}


def test_which_files_are_the_lists(make, tmp_path):
    train, test = ["a 1 x", "b 1 y"], ["c 1 x"]
    lists(tmp_path / "pair", train, test, ("FERV39K_Train.txt", "FERV39K_Test.txt"))
    lists(tmp_path / "pair", train, test, ("set_1_train.txt", "set_1_test.txt"))
    for name in ("FERV39K_Train.txt", "FERV39K_Test.txt"):
        assert ids(make(f"list:{tmp_path / 'pair' / name}"), tmp_path, split="test") == ["c"]
    lists(tmp_path / "odd", train, test, ("one.lst", "two.lst"))
    named = make(f"list(train={tmp_path}/odd/one.lst, test={tmp_path}/odd/two.lst)")
    assert ids(named, tmp_path) == ["a", "b"] and named.default_root() == tmp_path / "odd"
    assert ids(make(f"list(path={tmp_path}/odd, train=one.lst, test=two.lst)"), tmp_path) == ["a", "b"]
    for fold in range(12):
        lists(tmp_path / "twelve" / f"fold_{fold}", train, test)
    assert make(f"list:{tmp_path / 'twelve'}").folds == tuple(range(12))


@pytest.mark.parametrize(
    "text, error, reason",
    [
        ("list", ConfigError, "the path is missing"),
        ("list:{0}/nothing", DataError, "cannot be read"),
        ("list:~nobody-of-this-name/x", DataError, "cannot be read"),
        ("list(path=~nobody-of-this-name, train=a, test=b)", DataError, "cannot be read"),
        ("folder(csv=~nobody-of-this-name/x)", DataError, "cannot be read"),
        ("list:{0}/empty", DataError, "holds no lists"),
        ("list:{0}/lonely", DataError, "no list for fold 1, test"),
        ("list:{0}/lonely/train.txt", DataError, "no counterpart"),
        ("list(train={0}/lonely/train.txt)", ConfigError, "test is missing"),
        ("list(path={0}/ok, base=2)", ConfigError, "base cannot be 2"),
        ("list(path={0}/ok, codes='0=a', classes='a,b')", ConfigError, "State one|both say"),
        ("list(path={0}/ok, codes='0')", ConfigError, "codes cannot be"),
        ("list(path={0}/ok, classes='a,a')", ConfigError, "classes cannot be"),
        ("list(path={0}/ok, clases='a,b')", UnknownName, "clases"),
    ],
)
def test_what_cannot_be_a_list(make, tmp_path, text, error, reason):
    (tmp_path / "empty").mkdir()
    (tmp_path / "lonely").mkdir()
    (tmp_path / "lonely" / "train.txt").write_text("a 0\n")
    lists(tmp_path / "ok", ["a 0", "b 1"], ["c 0"])
    with pytest.raises(error, match=reason) as caught:
        make(text.format(tmp_path))
    assert caught.value.hint


def test_classes_from_words(make, tmp_path):
    here = lists(
        tmp_path,
        ["a Pain", "b happy", "c Angry", "d boredom", "e pain"],
        ["f Happiness".replace("iness", "y")],
    )
    assert make(f"list:{here}").classes == ("happiness", "anger", "boredom", "pain")
    stated = make(f"list(path={here}, classes='pain,boredom,anger,joy,fear')")
    assert stated.classes == ("pain", "boredom", "anger", "happiness", "fear")
    assert label_names(stated, here) == {
        "a": "pain",
        "b": "happiness",
        "c": "anger",
        "d": "boredom",
        "e": "pain",
    }


def numbered(folder, labels):
    return lists(folder, [f"v{i} {label}" for i, label in enumerate(labels)], [f"w {labels[0]}"])


@pytest.mark.parametrize("count", [7, 11])
def test_seven_or_eleven_numbers_from_zero_are_assumed_to_be_the_usual_order(make, tmp_path, count):
    dataset = make(f"list:{numbered(tmp_path, range(count))}")
    assert dataset.classes == CLASSES[:count]
    assert dataset.notes(tmp_path)["classes"] == "assumed: the order of DFER-CLIP's lists"


@pytest.mark.parametrize(
    "labels", [range(1, 8), range(1, 12), range(6), range(8), (0, 1), (0, 2, 4), (-1, 0, 1)]
)
def test_other_numbers_are_never_guessed(make, tmp_path, labels):
    with pytest.raises(DataError, match=r"train.txt: nothing says what the labels .* stand for") as caught:
        make(f"list:{numbered(tmp_path, list(labels))}")
    assert "classes=" in caught.value.hint and "codes=" in caught.value.hint


def test_numbers_with_stated_classes(make, tmp_path):
    one, zero, few = (
        numbered(tmp_path / n, r) for n, r in (("1", (1, 2, 3)), ("0", (0, 1, 2)), ("f", (1, 2)))
    )
    for here in (one, zero):
        dataset = make(f"list(path={here}, classes='calm,tired,angry')")
        assert list(label_names(dataset, here).values()) == ["calm", "tired", "anger"]
        assert dataset.notes(here)["classes"] == "stated"
    with pytest.raises(DataError, match="from 0 or from 1"):
        make(f"list(path={few}, classes='calm,tired,angry')")
    for base, names in ((0, ["tired", "anger"]), (1, ["calm", "tired"])):
        dataset = make(f"list(path={few}, classes='calm,tired,angry', base={base})")
        assert list(label_names(dataset, few).values()) == names
    coded = make(f"list(path={one}, codes='1=joy, 2=angry, 3=joy')")
    assert coded.classes == ("happiness", "anger")
    assert list(label_names(coded, one).values()) == ["happiness", "anger", "happiness"]


@pytest.mark.parametrize(
    "labels, options, reason",
    [
        ([*range(7), 99], "", "line 8: label '99' is not one of 0 \\(happiness\\)"),
        ([0, 1, 2, 3], "classes='a,b,c'", "line 4: label '3' is not one of 0 \\(a\\), 1 \\(b\\), 2 \\(c\\)"),
        ([1, 2, 3, 7], "classes='a,b,c'", "line 4: label '7'"),
        ([0, 1, "10" * 40], "classes='a,b,c'", "line 3: label '1010"),
        ([0, 1.5], "classes='a,b'", "line 2: label '1.5'"),
        ([0, 1, 2], "codes='0=a, 1=b'", "line 3: label '2' is not one of 0 \\(a\\), 1 \\(b\\)"),
        (["joy", 3], "", "line 2: label '3' is a number, but others are words"),
        (["joy", "anger", "glee"], "classes='joy,anger'", "line 3: label 'glee' is not one of"),
        (["joy", "happy"], "", "line 2: 'happy' and 'joy' are two words for happiness"),
        (["joy", "x" * 500], "", "line 2: 'xxx"),
        (["joy", "joy"], "", "all videos have the label happiness"),
        ([f"word{i}" for i in range(1200)], "", "1200 different labels"),
    ],
)
def test_labels_out_of_range_name_file_and_line(make, tmp_path, labels, options, reason):
    here = numbered(tmp_path, labels)
    with pytest.raises(DataError, match=reason) as caught:
        make(f"list(path={here}{', ' if options else ''}{options})")
    assert "train.txt" in caught.value.message or "all videos" in caught.value.message


def test_a_video_twice_in_one_list(make, tmp_path):
    here = lists(tmp_path, ["v/a x", "v/b y", "v//a x"], ["v/c x"])
    with pytest.raises(DataError, match=r"line 3: 'v//a' occurs a second time, first at .*line 1"):
        make(f"list:{here}").videos(here, 1, "train")


def test_a_wrong_root_is_told_before_anything_takes_long(make, tmp_path):
    dataset = make(f"list:{lists(tmp_path / 'l', ['v/a x', 'v/b y'], ['v/c x'])}")
    assert ids(dataset, tmp_path) == ["a", "b"]  # reading lists wants no videos
    with pytest.raises(
        DataError, match=r"none of the 3 videos is below .*train.txt, line 1, would be"
    ) as caught:
        dataset.prepare(tmp_path, Progress())
    assert "--root" in caught.value.hint


@pytest.mark.slow
def test_a_full_size_list_is_read(make, tmp_path):
    lines = [
        f"/data/FERV39K/2_ClipsforFaceCrop/S{s}/E{e}/{n:04d} 28 {e}"
        for s in range(22) for e in range(7) for n in range(253)
    ]  # fmt: skip
    lists(tmp_path, lines[:31_000], lines[31_000:], ("FERV39K_train.txt", "FERV39K_test.txt"))
    videos = make(f"list:{tmp_path}").videos(tmp_path, 1, "train")
    assert len(videos) == 31_000 and videos[0].id == "S0/E0/0000"


def test_a_line_of_a_million_blanks_is_read(tmp_path):
    """A pattern that goes back over the blanks would take hours."""
    path = tmp_path / "l.txt"
    path.write_text("a" + " " * 1_000_000 + "b c\n")
    assert read_rows(path)[0].label == "c"


# --- folders ---------------------------------------------------------------------------------------------


def tree(root, counts, below=""):
    for name, count in counts.items():
        for i in range(1, count + 1):
            frames(root / below / name / f"v{i}", 1)
    return root


def test_one_folder_a_class(make, tmp_path):
    """No split on the disk: each class's videos in natural order, cut into blocks, the first ones larger."""
    tree(tmp_path, {"Happy": 11, "boredom": 6})
    (tmp_path / "readme.txt").write_text("x")
    (tmp_path / "Happy" / "Thumbs.db").write_text("x")
    dataset = make(f"folder:{tmp_path}")
    assert dataset.classes == ("happiness", "boredom") and dataset.folds == (1, 2, 3, 4, 5)
    assert dataset.default_root() == tmp_path
    tests = [ids(dataset, tmp_path, fold, "test") for fold in dataset.folds]
    assert tests[0] == [f"Happy/{v}" for v in ("v1", "v2", "v3")] + ["boredom/v1", "boredom/v2"]
    assert tests[4] == ["Happy/v10", "Happy/v11", "boredom/v6"]
    assert Counter(name for test in tests for name in test) == Counter(ids(dataset, tmp_path) + tests[0])
    for fold in dataset.folds:
        assert not set(ids(dataset, tmp_path, fold)) & set(tests[fold - 1])
    assert dataset.notes(tmp_path) == {
        "labels": str(tmp_path), "split": "own: 5 folds of its own", "classes": "words",
        "caveats": ["own split"],
    }  # fmt: skip
    assert make(f"folder(path={tmp_path}, folds=3)").folds == (1, 2, 3)


def test_train_and_test_folders(make, tmp_path):
    tree(tmp_path, {"joy": 3, "anger": 2}, "Train")
    tree(tmp_path, {"joy": 1, "anger": 1}, "test")
    tree(tmp_path, {"joy": 1}, "val")
    dataset = make(f"folder:{tmp_path}")
    assert dataset.folds == (1,)
    assert ids(dataset, tmp_path) == [
        "Train/anger/v1",
        "Train/anger/v2",
        *(f"Train/joy/v{i}" for i in (1, 2, 3)),
    ]
    assert ids(dataset, tmp_path, 1, "test") == ["test/anger/v1", "test/joy/v1"]
    together = make(f"folder(path={tmp_path}, split=folds, folds=2)")
    assert len(together.videos(tmp_path, 1, "train")) + len(together.videos(tmp_path, 1, "test")) == 7


@pytest.mark.parametrize(
    "counts, more, reason",
    [
        ({"train/a": 1, "train/b": 1}, "", "holds train, but no test"),
        ({"train/a": 2, "test/b": 1, "extra/c": 1}, "", "but extra, which is neither"),
        ({"a": 2, "b": 1}, ", split=folders", "no folders train and test"),
        ({"a": 2, "b": 1}, "", "3 videos cannot make 5 folds"),
        ({"a": 7}, "", "all videos have the label a"),
        ({}, "", "holds no folders of videos"),
    ],
)
def test_trees_that_say_nothing(make, tmp_path, counts, more, reason):
    tree(tmp_path, counts)
    with pytest.raises(DataError, match=reason) as caught:
        make(f"folder(path={tmp_path}{more})")
    assert caught.value.hint


def test_frames_without_a_folder_of_their_own(make, tmp_path):
    tree(tmp_path, {"a": 5})
    frames(tmp_path / "b")
    with pytest.raises(DataError, match="/b holds images where videos should be"):
        make(f"folder:{tmp_path}")


def test_links_out_of_the_folder(make, tmp_path):
    tree(tmp_path / "far", {"a": 5, "b": 5})
    (tmp_path / "near").mkdir()
    for name in "ab":
        (tmp_path / "near" / name).symlink_to(tmp_path / "far" / name)
    with pytest.raises(DataError, match="leads out of the root") as caught:
        make(f"folder:{tmp_path / 'near'}").videos(tmp_path / "near", 1, "train")
    assert "links=true" in caught.value.hint
    allowed = make(f"folder(path={tmp_path / 'near'}, links=true)")
    assert len(allowed.videos(tmp_path / "near", 1, "test")) == 2


def table(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_csv_with_groups(make, tmp_path):
    """Groups never part, and folds are about equally large."""
    rows = [f"v/{g}_{i}.mp4,{'joy' if i % 2 else 'anger'},p{g}" for g in range(1, 10) for i in range(g)]
    csv = table(tmp_path / "my.csv", "video,label,group", *rows)
    dataset = make(f"folder(path={tmp_path}, csv={csv}, folds=3)")
    sizes = []
    for fold in (1, 2, 3):
        sides = [{v.info["group"] for v in dataset.videos(tmp_path, fold, s)} for s in ("train", "test")]
        assert not sides[0] & sides[1] and len(sides[0] | sides[1]) == 9
        sizes.append(len(dataset.videos(tmp_path, fold, "test")))
    assert sizes == [16, 15, 14]
    with pytest.raises(DataError, match="9 groups cannot make 10 folds"):
        make(f"folder(csv={csv}, folds=10)")


def test_a_csv_that_states_the_split(make, tmp_path):
    csv = table(
        tmp_path / "my.csv", "split;label;video", "train;joy;a", "test;anger;b", "val;joy;c", "train;anger;d"
    )
    dataset = make(f"folder(csv={csv})")
    assert dataset.default_root() == tmp_path
    assert (ids(dataset, tmp_path), ids(dataset, tmp_path, 1, "test")) == (["a", "d"], ["b"])
    folds = table(tmp_path / "f.csv", "video,label,fold", "a,joy,2", "b,anger,2", "c,joy,4", "d,anger,7")
    dataset = make(f"folder(csv={folds})")
    assert dataset.folds == (2, 4, 7)
    assert ids(dataset, tmp_path, 2, "test") == ["a", "b"] and ids(dataset, tmp_path, 2) == ["c", "d"]
    assert dataset.notes(tmp_path)["split"] == "own: column fold of f.csv"


@pytest.mark.parametrize(
    "lines, reason",
    [
        (["a,joy", "b,anger"], "does not begin with a header"),
        (["video,label,fold,split", "a,joy,1,train"], "does not begin with a header"),
        (["video,label"], "lists no videos"),
        (["video,label", "a,joy", "b"], "line 3: 1 fields"),
        (["video,label", "a,joy", "b,"], "line 3: 2 fields, or an empty one"),
        (["video,label", "a,joy", "a,anger"], "line 3: 'a' occurs a second time"),
        (["video,label,fold", "a,joy,1", "b,anger,two"], "line 3: the fold 'two' is not a number"),
        (["video,label,fold", "a,joy,1", "b,anger,1"], "has no videos to train on"),
        (["video,label,split", "a,joy,train", "b,anger,tset"], "line 3: the split 'tset' is neither"),
        (["video,label,split", "a,joy,train", "b,anger,train"], "has no videos to test on"),
        (
            ["video,label,split,group", "a,joy,train,p1", "b,anger,test,p1"],
            "line 3: the group 'p1' is in test",
        ),
        (["video,label,fold,group", "a,joy,1,p1", "b,joy,2,p2", "c,anger,2,p1"], "line 4: the group 'p1'"),
        (["video,label", *(f"{i},{i % 3}" for i in range(9))], "nothing says what the labels 0, 1, 2"),
        (["video,label", '"' + "x" * 200_000 + '",joy'], "line 2: field larger"),
    ],
)
def test_tables_that_cannot_be(make, tmp_path, lines, reason):
    with pytest.raises(DataError, match=reason) as caught:
        make(f"folder(csv={table(tmp_path / 'my.csv', *lines)})")
    assert caught.value.hint
    assert "my.csv" in caught.value.message or "fold 1" in caught.value.message


def test_a_csv_path_that_climbs(make, tmp_path):
    csv = table(
        tmp_path / "d" / "my.csv", "video,label", *(f"v{i},{'ab'[i % 2]}" for i in range(9)), "../x,a"
    )
    with pytest.raises(DataError, match=r"my.csv, line 11: '../x' is not the path of a video below the root"):
        make(f"folder(csv={csv})").videos(csv.parent, 1, "train")


# --- command line ----------------------------------------------------------------------------------------


@pytest.mark.heavy
def test_the_command_line_runs_a_private_folder_without_a_root(cli, tmp_path):
    tree(tmp_path / "mine", {"joy": 5, "anger": 5})
    found = json.loads(cli("data", "info", "folder:mine", "--json", check=0).stdout)
    assert found["classes"] == ["happiness", "anger"]
    ran = cli(
        "run", "-m", "dfer-clip", "-d", "folder:mine", "--set", "backbone=clip-tiny", "--epochs", "0",
        "--json", "-q", "-j", "0", check=0,
    )  # fmt: skip
    record = json.loads(ran.stdout)["records"][0]
    assert record["dataset_notes"]["caveats"] == ["own split"]
    assert sum(map(sum, record["confusion"])) == 2
    assert cli("data", "verify", "folder:mine", check=0)


@pytest.mark.slow
def test_the_command_line_runs_lists_with_a_root(cli, tmp_path):
    names = "abcdefghijklmn"
    for name in names:
        frames(tmp_path / "faces" / name, 17)
    lists(tmp_path / "l", exchange("/far/faces/", names[:7]), exchange("/far/faces/", names[7:]))
    ran = cli(
        "run", "-m", "dfer-clip", "-d", "list:l", "--root", "faces", "--set", "backbone=clip-tiny",
        "--epochs", "0", "--json", "-q", "-j", "0", check=0,
    )  # fmt: skip
    record = json.loads(ran.stdout)["records"][0]
    assert record["classes"] == list(SEVEN) and Counter(map(sum, record["confusion"])) == {1: 7}
    wrong = cli("data", "sheet", "list:l", check=4)
    assert "none of the 14 videos is below l" in wrong.stderr and "Traceback" not in wrong.stderr
    assert "is not the path" in _escape(cli, tmp_path)


def _escape(cli, tmp_path):
    lists(tmp_path / "bad", ["../../etc/passwd joy", "a anger"], ["b joy"])
    return cli("data", "verify", "list:bad", check=4).stdout


def test_everything_that_is_raised_has_a_next_step(make, tmp_path):
    """A pipe that nobody writes into is not a list: reading it would never end."""
    os.mkfifo(tmp_path / "train.txt")
    (tmp_path / "test.txt").write_text("a x\n")
    with pytest.raises(DferbenchError, match=r"train\.txt is not a file") as caught:
        make(f"list:{tmp_path / 'train.txt'}")
    assert caught.value.hint


# --- the page for users ----------------------------------------------------------------------------------

PAGE = (ROOT / "docs" / "datasets.md").read_text()


@pytest.mark.slow
def test_the_page_on_datasets_is_true(tmp_path, monkeypatch):
    """Its files are written and its commands run, in its order, but for what takes long."""
    for path in re.findall(r"^(videos/\S+/)$", PAGE, re.MULTILINE):
        frames(tmp_path / path)
    for name, text in re.findall(r"<!-- file: (\S+) -->\n```text\n(.*?)```", PAGE, re.DOTALL):
        table(tmp_path / name, text.rstrip())
    monkeypatch.chdir(tmp_path)
    commands = re.findall(
        r"^dferbench (.*)$", "".join(re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)), re.MULTILINE
    )
    assert len(commands) == 8
    for command in commands:
        words = shlex.split(command)
        # A device that is not there stops a run after everything else was understood.
        more, code = (["--device", "cuda:99"], 3) if words[0] == "run" else ([], 0)
        assert run_in_process([*words, *more]) == code, command


def test_the_page_names_every_dataset(catalog):
    named = set(re.findall(r"`([a-z0-9-]+)`", PAGE))
    assert {name for name in catalog.entries["datasets"] if name not in ("synthetic", "toy")} <= named
