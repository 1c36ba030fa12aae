"""Recipes say what the released code does: numbers read from it, not from dferbench."""

import math
from dataclasses import replace

import numpy as np
import pytest
import shrunk
import torch
from inputs import build, make_loader, make_ops
from media import frame_folder, stamped
from PIL import Image
from stages import learning_rates
from torch import nn
from torch.optim import lr_scheduler

from dferbench import ConfigError, Input, Video
from dferbench.data.augment import draw
from dferbench.data.decoders import choose_decoder, stream
from dferbench.data.decoders.pack import packed_path
from dferbench.data.loader import VideoLoader, finished
from dferbench.data.sampling import Segments
from dferbench.experiment.plan import Request, settle
from dferbench.inference.windows import ClipSampler, sliding, whole
from dferbench.registry.catalog import discover

pytestmark = pytest.mark.slow

CATALOG = discover()
DATASETS = ("dfew", "ferv39k", "mafw", "afew")


def recipe(method, dataset):
    return settle(Request(method, dataset), CATALOG).recipe


def stage(method, dataset):
    return recipe(method, dataset).stages[-1]


# ---- warm-ups ----------------------------------------------------------------------------------------------


def est(epochs, steps, lr=1e-4, warmup=10):
    """torch's cosine, set anew for every epoch, then damped as LinearWarmup of pytorch-warmup does."""
    optimizer = torch.optim.Adam([torch.zeros(1)], lr=lr)
    scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    for epoch in range(epochs):
        yield from [scheduler.get_last_lr()[0] * min(1.0, (epoch + 1) / warmup)] * steps
        optimizer.step()
        scheduler.step()


def videomae(lr, low, warmup):
    """`cosine_scheduler` of MAE-DFER's and S2D's utils, whose warm-up starts at 0 whatever is given."""

    def every_step(epochs, steps):
        rise = warmup * steps
        yield from np.linspace(0, lr, rise)
        rest = epochs * steps - rise
        yield from (low + 0.5 * (lr - low) * (1 + math.cos(math.pi * i / rest)) for i in range(rest))

    return every_step


def m3dfel(epochs, steps, lr=5e-4, low=5e-6, warmup=20):
    """timm's cosine, updated behind each optimizer step with the number of the step just done."""
    for step in range(epochs * steps):
        t = max(step - 1, 0)
        yield (
            lr * t / (warmup * steps)
            if t < warmup * steps
            else low + 0.5 * (lr - low) * (1 + math.cos(math.pi * t / (epochs * steps)))
        )


def mae_dfer(videos):
    return videomae(1e-3 * videos / 256, 1e-6 * videos / 256, 5)


WARM_UPS = {
    **{("est", dataset): est for dataset in DATASETS},
    **{("m3dfel", dataset): m3dfel for dataset in DATASETS},
    **{("s2d", dataset): videomae(1e-5 * 16 / 8, 1e-8 * 16 / 256, 2) for dataset in DATASETS},
    **{(name, dataset): mae_dfer(96) for name in ("mae-dfer", "videomae") for dataset in ("dfew", "mafw")},
    **{(name, "ferv39k"): mae_dfer(120) for name in ("mae-dfer", "videomae")},
}


@pytest.mark.parametrize(("method", "dataset"), WARM_UPS)
def test_every_learning_rate_is_that_of_the_code(method, dataset):
    one, steps = stage(method, dataset), 3
    expected = list(WARM_UPS[method, dataset](one.epochs, steps))
    assert learning_rates(one, steps) == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_no_method_warms_up_but_those():
    warm = {name for name in CATALOG.entries["methods"] if "warmup" in stage_text(name)}
    assert warm == {name for name, _ in WARM_UPS}


def stage_text(name):
    return " ".join(one.schedule for dataset in DATASETS for one in recipe(name, dataset).stages)


def test_ests_last_warm_up_epoch_has_all_of_the_cosine():
    rates = learning_rates(stage("est", "dfew"))
    assert rates[0] == pytest.approx(1e-5) and rates[9] == pytest.approx(0.9922e-4, rel=1e-4)
    assert rates[9] > rates[10] > rates[11]


@pytest.mark.parametrize("warmup", [0, 1, 4])
def test_a_multiplied_warm_up_of_any_length(warmup):
    one = replace(stage("est", "dfew"), epochs=8, schedule=f"cosine-times-rise(warmup={warmup}, by=step)")
    rates = learning_rates(one, 5, full=1.0)
    assert rates[0] == pytest.approx(1 / max(5 * warmup, 1))
    assert rates[5 * warmup :] == pytest.approx(
        [(1 + math.cos(math.pi * t / 40)) / 2 for t in range(5 * warmup, 40)]
    )


# ---- batches and epochs ------------------------------------------------------------------------------------

BATCHES = {
    ("c3d", "dfew"): (32, 500, False),
    ("p3d", "dfew"): (32, 500, False),
    ("i3d", "dfew"): (32, 500, False),
    ("r2plus1d18", "dfew"): (128, 200, False),
    ("s2d", "dfew"): (16, 100, True),
    ("s2d", "ferv39k"): (16, 100, True),
    ("s2d", "mafw"): (16, 100, True),
    ("emoclip", "afew"): (64, 50, True),
    ("emoclip", "dfew"): (128, 50, True),
    ("emoclip", "ferv39k"): (128, 50, True),
    ("former-dfer", "afew"): (32, 20, False),
    ("former-dfer", "dfew"): (32, 100, True),
    ("former-dfer", "ferv39k"): (32, 100, True),
    ("mae-dfer", "mafw"): (96, 100, True),
    ("mae-dfer", "ferv39k"): (120, 100, True),
    ("ial", "dfew"): (40, 100, True),
    ("aen", "ferv39k"): (32, 200, True),
}


@pytest.mark.parametrize(("method", "dataset"), BATCHES)
def test_batch_epochs_and_the_last_batch(method, dataset):
    one = stage(method, dataset)
    assert (one.batch, one.epochs, one.drop_last) == BATCHES[method, dataset]


def test_former_dfer_learns_slowly_on_afew():
    assert stage("former-dfer", "afew").train == {".*": 1e-3}


# ---- crops -------------------------------------------------------------------------------------------------

CROPS = {
    "nr-dfernet": ((0.9, 1.0), (5 / 7, 7 / 5)),
    "ial": ((0.85, 1.0), (3 / 5, 5 / 3)),
    "former-dfer": ((0.08, 1.0), (3 / 4, 4 / 3)),
    "m3dfel": ((0.08, 1.0), (3 / 4, 4 / 3)),
    "aen": ((0.08, 1.0), (3 / 4, 4 / 3)),
}


@pytest.mark.parametrize("method", CROPS)
def test_training_crops_have_the_area_and_aspect_of_the_code(method):
    (low, high), (narrow, wide) = CROPS[method]
    crop = make_ops(recipe(method, "dfew").input.augment)[0]
    assert crop.scale == pytest.approx((low, high)) and crop.ratio == pytest.approx((narrow, wide), rel=1e-4)
    rng, side = np.random.default_rng(0), 1000
    drawn = [change for _ in range(300) for change in draw([crop], side, side, 112, rng)]
    boxes = [change.box for change in drawn if not change.scaled]  # the others: none of ten boxes fitted
    areas = [(right - left) * (bottom - top) / side**2 for left, top, right, bottom in boxes]
    assert low - 0.01 < min(areas) < low + 0.3 * (high - low) and max(areas) <= 1


# ---- what DFEW's nets start from ---------------------------------------------------------------------------


def std(tensor):
    return float(tensor.detach().std())


class TestStart:
    def build(self, name, **options):
        return shrunk.build(name, size=64, width=32, **options).net

    def test_c3d(self):
        net = self.build("c3d", bn=True, start="dfew")
        for layer in (net.fc6, net.fc7, net.fc8):
            assert std(layer.weight) == pytest.approx((2 / layer.in_features) ** 0.5, rel=0.05)
            assert layer.bias.detach().abs().max() <= layer.in_features**-0.5 and layer.bias.detach().any()
        for name in ("conv2", "conv5b"):
            weight = net.get_submodule(name).weight
            limit = weight[0].numel() ** -0.5
            assert weight.abs().max() <= limit and std(weight) == pytest.approx(limit / 3**0.5, rel=0.05)

    def test_p3d(self):
        net = self.build("p3d", relu="port", start="dfew")
        flat, deep = net.layer4[1].conv2, net.layer2[1]
        assert isinstance(flat, nn.Conv2d) and isinstance(deep.conv2, nn.Conv3d)
        assert std(flat.weight) == pytest.approx((2 / flat.weight[0].numel()) ** 0.5, rel=0.05)
        assert std(net.fc.weight) == pytest.approx((2 / net.fc.in_features) ** 0.5, rel=0.05)
        for conv, sides in ((deep.conv2, 1 * 3), (deep.conv3, 3 * 1), (deep.conv4, 1)):
            assert std(conv.weight) == pytest.approx((2 / (sides * conv.out_channels)) ** 0.5, rel=0.05)

    def test_i3d(self):
        net = self.build("i3d", start="dfew")
        for unit in (net.Conv3d_2c_3x3, net.Mixed_5c.b1b, net.logits):
            limit = unit.conv3d.weight[0].numel() ** -0.5
            assert unit.conv3d.weight.abs().max() <= limit

    def test_r2plus1d18_differs_in_the_classifier_alone(self):
        ours, theirs = self.build("r2plus1d18"), self.build("r2plus1d18", start="dfew")
        changed = {n for n, p in ours.named_parameters() if not torch.equal(p, theirs.get_parameter(n))}
        assert changed == {"fc.weight", "fc.bias"}
        assert std(theirs.fc.weight) == pytest.approx((2 / theirs.fc.in_features) ** 0.5, rel=0.05)

    def test_it_is_what_dfew_uses(self):
        for name in ("c3d", "p3d", "i3d", "r2plus1d18"):
            assert settle(Request(name, "dfew"), CATALOG).options["start"] == "dfew"
            assert settle(Request(name, "mafw"), CATALOG).options["start"] == "own"


class TestIds:
    def id(self, method, dataset, **sets):
        return settle(
            Request(method, dataset, sets={k.replace("__", "."): v for k, v in sets.items()}), CATALOG
        )

    def test_what_came_later_counts_only_where_it_changes_something(self):
        plain = self.id("i3d", "mafw").config_id
        assert self.id("i3d", "mafw", start="own", input__order="natural").config_id == plain
        others = [{"start": "dfew"}, {"input__order": "string"}, {"input__resize": "bicubic"}]
        assert len({plain, *(self.id("i3d", "mafw", **sets).config_id for sets in others)}) == 4


# ---- the order of frames -----------------------------------------------------------------------------------

NAMES = [f"{i}.png" for i in range(1, 13)]
AS_TEXT = [0, 9, 10, 11, 1, 2, 3, 4, 5, 6, 7, 8]
"""1, 10, 11, 12, 2, 3 ...: the numbers of the frames, as they are stamped."""
ALL = Input(frames=12, size=96, sample="segments(random=false)")


def same(frames, expected):
    return all(np.array_equal(frame, stamped(i, 96, 96)) for frame, i in zip(frames, expected, strict=True))


class TestOrder:
    @pytest.fixture
    def folder(self, tmp_path):
        return frame_folder(tmp_path / "video", NAMES, (96, 96))

    @pytest.mark.parametrize(("order", "expected"), [("natural", list(range(12))), ("string", AS_TEXT)])
    @pytest.mark.parametrize("workers", [0, 1])
    def test_a_loader_shows_frames_in_it(self, folder, order, expected, workers):
        input = replace(ALL, order=order)
        loader = make_loader([Video("a", str(folder), 0)], input, training=False, seed=0, workers=workers)
        try:
            (batch,) = loader.batches([0], 1)
            assert same(finished(batch, 96, "cpu")[0].numpy(), expected)
        finally:
            loader.close()

    @pytest.mark.parametrize(("order", "expected"), [("natural", list(range(12))), ("string", AS_TEXT)])
    def test_predictions_show_frames_in_it(self, folder, order, expected):
        eye = ClipSampler(build(ALL).sampler, 12, 96, order=order)
        piece = whole(str(folder), eye, choose_decoder().in_order(order), None)
        assert same(piece.frames, expected)
        (window,) = sliding(str(folder), eye, None, 12, 12)
        assert same(window.frames, expected)
        assert same([frame.image() for frame in stream(str(folder), order)], expected)

    def test_the_two_are_the_same_where_numbers_are_padded(self, tmp_path):
        folder = frame_folder(tmp_path / "padded", [f"{i:05}.jpg" for i in range(1, 13)])
        read = [choose_decoder().in_order(o).read(str(folder), range)[0] for o in ("natural", "string")]
        assert np.array_equal(*read)

    def test_upper_case_comes_first_as_in_python(self, tmp_path):
        folder = frame_folder(tmp_path / "mixed", ["b1.png", "A2.png", "a3.png"], (96, 96))
        names = sorted(["b1.png", "A2.png", "a3.png"])
        assert names == ["A2.png", "a3.png", "b1.png"]
        assert same(choose_decoder().in_order("string").read(str(folder), range)[0], [1, 2, 0])

    def test_a_pack_has_one_order_and_says_so(self, tmp_path):
        packed = Video("a", packed_path(tmp_path, "a"), 0)
        with pytest.raises(ConfigError, match="a pack keeps frames in natural order") as caught:
            VideoLoader([packed], build(Input(order="string")), training=False, seed=0)
        assert "input.order" in caught.value.hint

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"order": "random"}, "input.order must be one of natural, string, got 'random'"),
            ({"resize": "nearest"}, "input.resize must be one of bilinear, bicubic, got 'nearest'"),
        ],
    )
    def test_others_are_refused(self, change, words):
        with pytest.raises(ConfigError) as refused:
            build(Input(**change))
        assert words in refused.value.message


# ---- resizing ----------------------------------------------------------------------------------------------


class TestResize:
    @pytest.mark.parametrize(
        ("method", "expected"),
        [("cliper", "bicubic"), ("emoclip", "bicubic"), ("est", "bicubic"), ("t-esfl", "bicubic"),
         ("dfer-clip", "bilinear"), ("former-dfer", "bilinear"), ("s2d", "bilinear")],
    )  # fmt: skip
    def test_methods(self, method, expected):
        for dataset in DATASETS:
            assert recipe(method, dataset).input.resize == expected

    def frames(self, folder, input, training):
        loader = make_loader([Video("a", str(folder), 0)], input, training=training, seed=0)
        (batch,) = loader.batches([0], 1)
        return finished(batch, input.size, "cpu")[0].numpy()

    @pytest.mark.parametrize(("resize", "by"), [("bilinear", Image.BILINEAR), ("bicubic", Image.BICUBIC)])
    @pytest.mark.parametrize("training", [False, True])
    @pytest.mark.parametrize("side", [40, 200])
    def test_frames_are_pillows(self, tmp_path, resize, by, training, side):
        folder = frame_folder(tmp_path / "video", NAMES, (120, 90))
        found = self.frames(folder, Input(frames=12, size=side, resize=resize), training)
        for number, frame in enumerate(found):
            image = Image.fromarray(stamped(number, 120, 90)).resize((side, side), by)
            assert np.array_equal(frame, np.asarray(image))

    def test_bicubic_comes_before_the_augmentation(self, tmp_path):
        folder = frame_folder(tmp_path / "video", NAMES, (120, 90))
        input = Input(frames=12, size=40, resize="bicubic", augment="jitter(brightness=0)")
        assert np.array_equal(self.frames(folder, input, True), self.frames(folder, input, False))

    def test_predictions_are_resized_alike(self, tmp_path):
        folder = frame_folder(tmp_path / "video", NAMES, (120, 90))
        input = Input(frames=12, size=40, resize="bicubic")
        eye = ClipSampler(build(input).sampler, 12, 40, "bicubic")
        tested = self.frames(folder, input, False)
        assert np.array_equal(whole(str(folder), eye, choose_decoder(), None).frames, tested)
        (window,) = sliding(str(folder), eye, None, 12, 12)
        assert np.array_equal(window.frames, tested)


# ---- what the documentation of `segments` says -------------------------------------------------------------


class TestSegments:
    @pytest.mark.parametrize("count", range(9, 60))
    def test_training_leaves_out_the_rest_of_the_places_alone(self, count):
        rng = np.random.default_rng(count)
        seen = {int(i) for _ in range(400) for i in Segments(duration=2)(count, 16, rng)}
        places = count - 1
        starts = places // 8 * 8 if places >= 8 else places
        assert max(seen) == min(starts, count - 1)

    def test_with_pairs_a_short_video_repeats_its_first_two_frames_or_begins_later_each_time(self):
        pairs = Segments(duration=2, short="first-frame")
        assert pairs(5, 8, None).tolist() == [0, 1] * 4
        later = Segments(duration=2, short="repeat-last")
        assert later(5, 8, None).tolist() == [0, 1, 1, 2, 2, 3, 3, 4]
        assert later(3, 8, None).tolist() == [0, 1, 1, 2, 2, 2, 2, 2]

    def test_a_run_may_enter_the_next_segment(self):
        drawn = {tuple(Segments(duration=2)(17, 16, np.random.default_rng(s))[:2]) for s in range(40)}
        assert drawn == {(0, 1), (1, 2)}
