"""Augmentations of whole batches: what they make of videos and targets, and what a loss must take."""

import math

import numpy as np
import pytest
import torch
from inputs import build
from scipy.stats import ks_2samp
from torch.nn import functional as F

from dferbench.data.mixing import Mixer
from dferbench.errors import ConfigError
from dferbench.models import Batch, Classifier
from dferbench.registry.catalog import Catalog, Entry
from dferbench.testing.methods import Trial, mixed_targets_count
from dferbench.types import Input, Method, Recipe, Stage

LABEL = torch.tensor([0, 1, 2, 1])
VIDEOS = torch.arange(4.0).view(4, 1, 1, 1, 1).expand(4, 3, 3, 20, 24)
"""The pixels of each video are its number, so that a mixed one tells what came from where."""


def mixer(text, seed=0):
    return Mixer(build(Input(augment=text)).mixing, 3, seed)


def test_mixup_blends_videos_and_targets_with_one_share_that_is_beta_distributed():
    shares, mix = [], mixer("mixup(alpha=0.8)")
    for step in range(1500):
        videos, target = mix(VIDEOS, LABEL, 0, step)
        share = float(target[0, 0])
        torch.testing.assert_close(videos, share * VIDEOS + (1 - share) * VIDEOS.flip(0))
        one_hot = F.one_hot(LABEL, 3).float()
        torch.testing.assert_close(target, share * one_hot + (1 - share) * one_hot.flip(0))
        shares.append(share)
    assert ks_2samp(shares, np.random.default_rng(1).beta(0.8, 0.8, 1500)).pvalue > 0.001


def test_cutmix_takes_one_box_in_every_frame_and_targets_have_the_area_that_stays():
    mix, cut = mixer("cutmix"), 0
    for step in range(60):
        videos, target = mix(VIDEOS, LABEL, 0, step)
        foreign = videos[0] != VIDEOS[0]
        assert torch.equal(foreign, foreign[:1, :1].expand_as(foreign))
        assert float(target[0, 0]) == pytest.approx(1 - float(foreign[0, 0].float().mean()))
        rows, columns = foreign[0, 0].any(1).nonzero(), foreign[0, 0].any(0).nonzero()
        if len(rows):
            cut += 1
            box = foreign[0, 0, rows[0, 0] : rows[-1, 0] + 1, columns[0, 0] : columns[-1, 0] + 1]
            assert box.all() and videos[0].max() == 3
    assert cut > 40


def test_one_of_the_two_is_a_coin_and_smoothing_spreads_the_rest():
    mix = mixer("mixup-or-cutmix | label-smoothing(0.1)")
    cut = 0
    for step in range(400):
        videos, target = mix(VIDEOS, LABEL, 0, step)
        torch.testing.assert_close(target.sum(1), torch.ones(4))
        assert float(target.min()) == pytest.approx(0.1 / 3)
        cut += bool(((videos == VIDEOS) | (videos == VIDEOS.flip(0))).all())
    assert 150 < cut < 260


def test_what_is_drawn_depends_on_seed_epoch_and_step_alone():
    def seen(seed, epoch, step):
        torch.rand(3)
        return mixer("mixup", seed)(VIDEOS, LABEL, epoch, step)[1].tolist()

    assert seen(0, 2, 5) == seen(0, 2, 5)
    assert len({str(seen(*when)) for when in ((0, 2, 5), (1, 2, 5), (0, 3, 5), (0, 2, 6))}) == 4
    assert mixer("mixup(p=0)")(VIDEOS, LABEL, 0, 0)[1].tolist() == F.one_hot(LABEL, 3).float().tolist()


def test_noise_takes_a_quarter_of_the_videos_a_box_and_no_label():
    mix, videos = mixer("noise-erasing"), torch.full((4, 3, 3, 40, 40), 9.0)
    erased, areas, aspects = 0, [], []
    for step in range(500):
        seen, target = mix(videos, LABEL, 0, step)
        assert target is None
        for video in seen:
            box = (video != 9).all(1).all(0)
            if not box.any():
                continue
            erased += 1
            high, wide = int(box.any(1).sum()), int(box.any(0).sum())
            noise = video[:, :, box]
            assert int(box.sum()) == high * wide and not torch.equal(noise[0], noise[1])
            areas.append(high * wide / 1600)
            aspects.append(high / wide)
    assert abs(erased - 500) < 4 * math.sqrt(2000 * 0.25 * 0.75)
    theirs = [released_box(np.random.default_rng(i)) for i in range(500)]
    assert ks_2samp(areas, [h * w / 1600 for h, w in theirs]).pvalue > 0.001
    assert ks_2samp(aspects, [h / w for h, w in theirs]).pvalue > 0.001


def released_box(rng):
    """The erasing of MAE-DFER's loader, restated: height and width of a box in 40 x 40 pixels."""
    while True:
        area, aspect = rng.uniform(0.02, 1 / 3) * 1600, math.exp(rng.uniform(math.log(0.3), -math.log(0.3)))
        h, w = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if h < 40 and w < 40:
            return h, w


class Logits(Classifier):
    def forward(self, x):
        return x


def test_the_default_loss_is_cross_entropy_with_the_mixed_targets():
    x, target = torch.randn(4, 3), torch.rand(4, 3).softmax(1)
    batch = Batch(x, LABEL, [{}] * 4, "train", 0.0, target)
    expected = -(target * x.log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(Logits().loss(batch)["ce"], expected)
    plain = Batch(x, LABEL, [{}] * 4, "train", 0.0)
    torch.testing.assert_close(Logits().loss(plain)["ce"], F.cross_entropy(x, LABEL))


MIXED = {"input.augment": "flip | mixup(0.8)", "stage.epochs": "1"}


def test_a_run_mixes_in_training_alone_and_says_so(toy_run):
    (mixed,), _ = toy_run(sets=MIXED)
    (again,), _ = toy_run(sets=MIXED, workers=2, force=True)
    (plain,), _ = toy_run(sets={"input.augment": "flip", "stage.epochs": "1"})
    assert mixed.status == "done" and mixed.recipe["input"]["augment"] == "flip | mixup(0.8)"
    assert mixed.curve[0].terms == again.curve[0].terms != plain.curve[0].terms


def test_a_loss_of_single_labels_is_told_before_any_video_is_read(toy_run):
    with pytest.raises(ConfigError, match=r"which mixes videos, and the loss of .* takes single labels only"):
        toy_run("m3dfel", sets={**MIXED, "input.size": "56", "width": "16"})


def test_features_that_are_kept_cannot_be_mixed(toy_run):
    sets = {**MIXED, "input.draws": "2", "backbone": "clip-tiny"}
    with pytest.raises(ConfigError, match=r"input.draws is 2, which keeps them"):
        toy_run("linear-probe", sets=sets)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mixup(0)", "mixup: alpha must be a number from 0.001 on, got 0"),
        ("cutmix(p=2)", r"cutmix: p must be a probability in \[0, 1\], got 2"),
        ("label-smoothing(1.5)", r"label-smoothing: amount must be a number in \[0, 1\], got 1.5"),
        ("noise-erasing(-1)", r"noise-erasing: p must be a probability in \[0, 1\], got -1"),
    ],
)
def test_values_out_of_range_are_told_with_their_range(text, words):
    with pytest.raises(ConfigError, match=words):
        build(Input(augment=text))


class Deaf(Logits):
    mixes = True

    def __init__(self):
        super().__init__()
        self.score = torch.nn.Linear(3, 3)

    def forward(self, x):
        return self.score(x.mean((1, 3, 4)))

    def loss(self, batch):
        return {"ce": F.cross_entropy(self(batch.x), batch.label)}


class Hearing(Deaf):
    def loss(self, batch):
        return Classifier.loss(self, batch)


@pytest.mark.parametrize(("build_", "kept"), [(Deaf, False), (Hearing, True)])
def test_the_contract_tells_a_loss_that_only_says_it_takes_targets(build_, kept):
    stage = Stage(train={".*": 0.1}, epochs=1)
    catalog = Catalog()
    method = Method("m", lambda task, parts: build_(), Recipe(Input(2, 8), (stage,)))
    catalog.add("methods", Entry("m", method, "here"))
    trial = Trial("m", catalog, {})
    if kept:
        mixed_targets_count(trial)
    else:
        with pytest.raises(AssertionError, match="other targets give the same loss"):
            mixed_targets_count(trial)
