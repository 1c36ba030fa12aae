"""Several datasets become one list, on the classes that all know: what leave-one-dataset-out trains on."""

import csv

import pytest
from conftest import TOY
from test_robustness import SETS

from dferbench.places import MADE

MORE_SETS = SETS.replace(
    "@hookimpl",
    '''
class Other(Renamed):
    """The same videos in another fold."""

    classes = ("stays", "brightens")
    names = {"stays": "stays", "brightens": "brightens"}
    folds = (2,)


class Alone(Renamed):
    classes = ("stays", "y")
    names = {"stays": "stays", "brightens": "y"}


class Drawn(Renamed):
    classes = ("odd", "brightens", "stays")
    names = {"stays": "stays", "brightens": "brightens", "darkens": "odd"}
    synthetic = True


@hookimpl''',
    1,
).replace('("unlike", Unlike)', '("unlike", Unlike), ("other", Other), ("alone", Alone), ("drawn", Drawn)')


@pytest.fixture
def join(tmp_path, toy_root, cli):
    """Join datasets of the toy videos, all of which lie in one folder."""
    plugin = tmp_path / "sets.py"
    plugin.write_text(MORE_SETS)

    def run(*names, output="both", check=0):
        roots = [word for name in names for word in ("--root", f"{name}={toy_root}")]
        return cli("--plugin", plugin, "data", "join", *names, *roots, "-o", tmp_path / output, check=check)

    return run


def lines(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_lists_name_all_videos_of_the_shared_classes(join, tmp_path, toy_root):
    said = join("more", "fewer").stdout
    assert "classes: stays, brightens" in said and "odd" not in said
    for split in ("train", "test"):
        found = lines(tmp_path / "both" / "lists" / f"set_1_{split}.csv")
        each = len(list((toy_root / "fold2" / split / "stays").iterdir()))
        brighter = len(list((toy_root / "fold2" / split / "brightens").iterdir()))
        assert len(found) == 2 * (each + brighter)
        assert {one["label"] for one in found} == {"stays", "brightens"}
        for one in found:
            assert (tmp_path / "both" / "videos" / one["video"]).is_dir()
            assert one["label"] in one["video"]
    assert not (tmp_path / "both" / MADE).exists()


@pytest.mark.slow
def test_a_model_of_the_joined_sets_is_tested_on_the_one_left_out(join, tmp_path, toy_root, cli):
    printed = join("more", "fewer").stdout.splitlines()[-1]
    assert printed.startswith("dferbench run -m METHOD -d 'list(path=")
    lists, videos = tmp_path / "both" / "lists", tmp_path / "both" / "videos"
    quick = ["--epochs", "1", "-j", "0", "-q", "--device", "cpu"]
    plugins = ["--plugin", TOY, "--plugin", tmp_path / "sets.py"]
    words = ["-d", f"list(path={lists}, links=true)", "--root", videos, "-o", tmp_path / "runs"]
    assert "own split" in cli(*plugins, "run", "-m", "toy-net", *words, *quick, check=0).stdout
    end = ["--root", f"unlike={toy_root}", "--root", f"drawn={toy_root}", "--runs", tmp_path / "crossed"]
    matrix = cli(*plugins, "transfer", tmp_path / "runs", "-d", "drawn", *end, *quick[2:], check=0).stdout
    assert "drawn" in matrix and "toy-net" in matrix


def test_what_is_drawn_stays_marked(join, tmp_path):
    join("more", "drawn", output="marked")
    assert "data join more drawn" in (tmp_path / "marked" / MADE).read_text()


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("more",), "more cannot be joined"),
        (("more", "more"), "more, more cannot be joined"),
        (("more", "other"), "have no fold in common"),
        (("fewer", "unlike"), "fewer, unlike share no class"),
        (("fewer", "alone"), "fewer, alone share only the class stays"),
    ],
)
def test_what_does_not_go_together_is_refused(join, tmp_path, names, told):
    error = join(*names, check=3).stderr
    assert told in error and len(error.strip().splitlines()) == 2
    assert not (tmp_path / "both").exists()


def test_a_folder_that_holds_something_is_left_alone(join, tmp_path):
    (tmp_path / "both").mkdir()
    (tmp_path / "both" / "mine.txt").write_text("mine")
    assert "is not empty" in join("more", "fewer", check=4).stderr
    assert [path.name for path in (tmp_path / "both").iterdir()] == ["mine.txt"]
