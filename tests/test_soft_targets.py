"""Training on annotators' votes: the loss against scipy's, what is refused, and what a reader is told."""

import shutil

import numpy as np
import pytest
from conftest import TOY
from scipy.special import log_softmax

from dferbench import Video
from dferbench.data.official import write_table
from dferbench.data.packs.dataset import dataset_at
from dferbench.data.packs.write import PackJob, pack
from dferbench.errors import ConfigError, DataError, UnknownName
from dferbench.experiment import record
from dferbench.experiment.plan import Request, make_plan, settle
from dferbench.experiment.recipe import stated
from dferbench.experiment.soft_targets import shares_of
from dferbench.progress import Progress
from dferbench.registry.catalog import discover
from dferbench.registry.datasets import make_dataset
from dferbench.report.leaderboard import rows
from dferbench.runner.run import run

PLUGIN = """
import toy
from torch import nn, tensor
from dferbench import Input, Method, Recipe, Stage, hookimpl


class Voted(toy.Toy):
    def votes(self, root):
        if not root.name.startswith("toy"):
            return {}
        return {"brightens/train0": [7, 2, 1], "stays/train3": (0, 5, 5), "darkens/test0": [9, 1, 0]}


class Guess(toy.ToyNet):
    def __init__(self, task, parts):
        super().__init__(task, parts)
        self.guess = nn.Parameter(tensor([2.0, 0.0, -1.0]))

    def forward(self, x):
        return self.guess + 0 * x.flatten(1)[:, :1]


class Remembering(Guess):
    def encode(self, video):
        return video.mean((1, 2, 3, 4), keepdim=False)[:, None]


class Single(Guess):
    def loss(self, batch):
        return super().loss(batch)


@hookimpl
def register_datasets(register):
    register("voted", Voted)


@hookimpl
def register_methods(register):
    for name, net in (("guess", Guess), ("remembering", Remembering), ("single", Single)):
        stage = Stage({"guess": 0.0}, epochs=1, batch=5)
        input = Input(frames=4, size=12, sample="segments(random=false)")
        register(Method(name, net, Recipe(input, (stage,))))
"""
SETS = {"targets": "votes"}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    path = tmp_path_factory.mktemp("plugin") / "voted.py"
    path.write_text(PLUGIN)
    return discover([TOY, path])


@pytest.fixture
def train(catalog, toy_root, tmp_path):
    def go(model, dataset="voted", progress=None, root=toy_root, **sets):
        given = {"targets": "votes", **{name.replace("__", "."): text for name, text in sets.items()}}
        request = Request(model, dataset, given, root=root, output=tmp_path / "runs", workers=0, device="cpu")
        return run(make_plan(request, catalog), catalog, progress or Progress())[0]

    return go


def loss(smoothing=0.0):
    """Of the constant guess on 18 training videos, by scipy."""
    targets = np.repeat(np.eye(3), 6, axis=0)
    targets[0], targets[12 + 3] = [0.7, 0.2, 0.1], [0, 0.5, 0.5]
    targets = (1 - smoothing) * targets + smoothing / 3
    return -(targets * log_softmax([2.0, 0.0, -1.0])).sum(1).mean()


class Said(Progress):
    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)


@pytest.mark.parametrize(
    ("model", "sets", "smoothing"),
    [
        ("guess", {}, 0),
        ("remembering", {}, 0),
        ("guess", {"input__augment": "label-smoothing(0.3)"}, 0.3),
        ("guess", {"stage__accumulate": "2"}, 0),
    ],
)
def test_the_loss_is_the_cross_entropy_with_the_votes(train, model, sets, smoothing):
    progress = Said()
    made = train(model, progress=progress, **sets)
    assert made.curve[0].terms["ce"] == pytest.approx(loss(smoothing), rel=1e-6)
    assert "targets are the votes on 2 training videos; 16 without votes have their label alone" in (
        progress.lines
    )
    assert made.notes["votes"]["videos"] == 2 and made.notes["votes"]["by label"] == 16
    assert made.recipe["targets"] == "votes" and "votes as targets" in made.caveats
    (row,) = rows([made])
    assert "votes as targets" in row.caveats and not row.ranks


def test_a_configuration_of_labels_is_what_it_was(catalog, toy_root):
    plain, labels, votes = (
        settle(Request("guess", "voted", sets, root=toy_root), catalog)
        for sets in ({}, {"targets": "labels"}, SETS)
    )
    assert plain.config_id == labels.config_id != votes.config_id
    assert "targets" not in stated(plain.recipe) and stated(votes.recipe)["targets"] == "votes"


def test_what_has_no_votes_is_refused(train, catalog, tmp_path, toy_root):
    with pytest.raises(ConfigError, match="toy has no annotators' votes to train on"):
        train("guess", dataset="toy")
    with pytest.raises(ConfigError, match="trains for no epoch, and targets=votes"):
        train("guess", stage__epochs="0")
    with pytest.raises(ConfigError, match="the loss of Single, which single is, takes single labels only"):
        train("single")
    with pytest.raises(UnknownName, match="kind of targets named 'vote'"):
        train("guess", targets="vote")
    elsewhere = tmp_path / "copy"
    elsewhere.symlink_to(toy_root)
    with pytest.raises(ConfigError, match=r"voted at .*copy has no annotators' votes"):
        train("guess", root=elsewhere)
    assert not list(record.find(tmp_path))


@pytest.mark.parametrize("votes", [[1, 2], [1, 2, -1], [0, 0, 0], [1, 2, float("nan")], [[1, 2, 3]]])
def test_votes_that_are_no_votes_are_named(votes):
    with pytest.raises(DataError, match="the votes on 'a' must be 3 numbers from 0 on, not all 0"):
        shares_of([Video("a", "a", 0)], {"a": votes}, 3)


def test_votes_on_other_videos_alone_are_refused():
    with pytest.raises(DataError, match="none of the votes belongs to any of the 1 training videos"):
        shares_of([Video("a", "a", 0)], {"b": [1, 0, 0]}, 3)


def test_a_pack_has_the_votes_of_its_source_while_that_is_there(catalog, toy_root, tmp_path):
    source, chosen = tmp_path / "toys", make_dataset("voted", catalog)
    for split in ("train", "test"):
        for fold in (1, 2):
            place = f"fold{fold}/{split}/brightens/{split}0"
            shutil.copytree(toy_root / place, source / place)
    pack(PackJob(chosen, source, tmp_path / "pack", workers=0), Progress())
    packed = dataset_at(chosen, tmp_path / "pack")
    assert packed.votes(tmp_path / "pack") == chosen.dataset.votes(source) != {}
    source.rename(tmp_path / "elsewhere")
    assert packed.votes(tmp_path / "pack") == {}


def test_votes_of_dfew_are_in_the_order_of_its_classes(tmp_path):
    """Whatever the order of the columns in its table."""
    from dferbench_datasets.dfew.dfew import Dfew

    heads = ["order", "7fear", "3neutral", "1happy", "5surprise", "annotation", "2sad", "6disgust", "4angry"]
    write_table(tmp_path / "annotation.xlsx", [heads, [12, 1, 0, 6, 0, 1, 0, 0, 3]])
    found = dict(zip(Dfew.classes, Dfew().votes(tmp_path)["00012"], strict=True))
    assert {name: count for name, count in found.items() if count} == {"happiness": 6, "anger": 3, "fear": 1}
    videos = [Video("00012", "a", Dfew.classes.index("happiness"))]
    soft = shares_of(videos, Dfew().votes(tmp_path), 7).shares[0]
    assert soft[Dfew.classes.index("anger")] == pytest.approx(0.3)
