"""What training does to videos: distributions against an independent restatement, pixels against Pillow."""

import math
import random

import numpy as np
import pytest
from media import stamped
from PIL import Image
from scipy.stats import chisquare, ks_2samp
from torchvision.transforms import functional as tv

from dferbench.data.augment import Flip, Jitter, RandomSizedCrop, Rotate, finish, make_ops
from dferbench.errors import ConfigError, UnknownName

DRAWS = 12_000
REJECTED = 0.001


def images(count=3, size=(96, 64)):
    return [Image.fromarray(stamped(i, *size)) for i in range(count)]


def arrays(pictures):
    return [np.asarray(picture) for picture in pictures]


def reference_box(width, height, draw: random.Random):
    """The published crop, restated: area, aspect, swap, left, top; None after ten misses."""
    for _ in range(10):
        area = draw.uniform(0.08, 1.0) * (width * height)
        aspect = draw.uniform(3.0 / 4, 4.0 / 3)
        w = round(math.sqrt(area * aspect))
        h = round(math.sqrt(area / aspect))
        if draw.random() < 0.5:
            w, h = h, w
        if w <= width and h <= height:
            left = draw.randint(0, width - w)
            top = draw.randint(0, height - h)
            return left, top, left + w, top + h
    return None


@pytest.mark.parametrize(("width", "height"), [(224, 224), (320, 180), (90, 130), (640, 100)])
def test_boxes_have_the_reference_distribution(width, height):
    rng, draw = np.random.default_rng(1), random.Random(2)
    ours = [RandomSizedCrop().box(width, height, rng) for _ in range(DRAWS)]
    theirs = [reference_box(width, height, draw) for _ in range(DRAWS)]
    assert abs(ours.count(None) - theirs.count(None)) <= 4 * math.sqrt(theirs.count(None) + 1)
    a, b = (np.array([box for box in boxes if box], float) for boxes in (ours, theirs))
    facts = {
        "width": lambda x: x[:, 2] - x[:, 0],
        "height": lambda x: x[:, 3] - x[:, 1],
        "left": lambda x: x[:, 0],
        "top": lambda x: x[:, 1],
        "area": lambda x: (x[:, 2] - x[:, 0]) * (x[:, 3] - x[:, 1]),
        "aspect": lambda x: (x[:, 2] - x[:, 0]) / (x[:, 3] - x[:, 1]),
    }
    for name, fact in facts.items():
        assert ks_2samp(fact(a), fact(b)).pvalue > REJECTED, name


def test_the_comparison_tells_other_crops_apart():
    """So many draws reject torchvision's crop (log-uniform aspect) and one that never swaps the sides."""
    rng, draw = np.random.default_rng(2), random.Random(22)
    theirs = np.array([reference_box(224, 224, draw) for _ in range(DRAWS)], float)
    aspect = (theirs[:, 2] - theirs[:, 0]) / (theirs[:, 3] - theirs[:, 1])
    for other in (np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3), DRAWS)), rng.uniform(3 / 4, 4 / 3, DRAWS)):
        assert ks_2samp(aspect, other).pvalue < REJECTED


def test_brightness_factors_are_uniform_and_pixels_torchvisions():
    rng, draw = np.random.default_rng(3), random.Random(4)
    flat = [Image.new("RGB", (2, 2), (100, 100, 100))]
    ours = [Jitter(0.5)(flat, 2, rng)[0].getpixel((0, 0))[0] for _ in range(DRAWS)]
    assert ks_2samp(ours, [int(100 * draw.uniform(0.5, 1.5)) for _ in range(DRAWS)]).pvalue > REJECTED
    factor = np.random.default_rng(5).uniform(0.5, 1.5)
    changed = Jitter(0.5)(images(), 224, np.random.default_rng(5))
    for mine, before in zip(changed, images(), strict=True):
        assert np.array_equal(np.asarray(mine), np.asarray(tv.adjust_brightness(before, factor)))


def test_brightness_never_turns_negative():
    rng = np.random.default_rng(0)
    assert all(np.asarray(Jitter(3.0)(images(1), 64, rng)[0]).std() > 0 for _ in range(20))
    assert min(np.asarray(Jitter(3.0)(images(1), 64, rng)[0]).mean() for _ in range(50)) < 60


class Turned:
    """Stands in for an image and tells by how much it was turned."""

    def rotate(self, angle):
        return angle


def test_rotation_angles_are_uniform_and_pixels_torchvisions():
    rng, draw = np.random.default_rng(6), random.Random(7)
    angles = [Rotate(4)([Turned()], 2, rng)[0] for _ in range(DRAWS)]
    assert ks_2samp(angles, [draw.uniform(-4, 4) for _ in range(DRAWS)]).pvalue > REJECTED
    turned = Rotate(30)(images(), 224, np.random.default_rng(8))
    angle = np.random.default_rng(8).uniform(-30, 30)
    for mine, before in zip(turned, images(), strict=True):
        assert np.array_equal(np.asarray(mine), np.asarray(tv.rotate(before, angle)))
    assert np.asarray(turned[0])[0, 0].tolist() == [0, 0, 0]


def test_flip_is_a_fair_coin_and_mirrors():
    rng, before = np.random.default_rng(9), images(1)
    flipped = [Flip()(before, 64, rng)[0] is not before[0] for _ in range(DRAWS)]
    assert chisquare([sum(flipped), DRAWS - sum(flipped)]).pvalue > REJECTED
    assert np.array_equal(np.asarray(Flip(1)(before, 64, rng)[0]), np.asarray(before[0])[:, ::-1])
    assert Flip(0)(before, 64, rng)[0] is before[0]


def test_crop_gives_pillows_pixels_in_every_frame():
    before = images(size=(300, 200))
    box = RandomSizedCrop().box(300, 200, np.random.default_rng(10))
    after = RandomSizedCrop()(before, 112, np.random.default_rng(10))
    for mine, image in zip(after, before, strict=True):
        assert np.array_equal(
            np.asarray(mine), np.asarray(image.crop(box).resize((112, 112), Image.BILINEAR))
        )


def test_crop_when_no_box_fits():
    """8 % of a 400 x 20 strip with an aspect of at most 4/3 is 22 pixels high: it never fits."""
    noise = np.random.default_rng(0).integers(0, 256, (2, 20, 400, 3), dtype=np.uint8)
    before = [Image.fromarray(frame) for frame in noise]
    assert RandomSizedCrop().box(400, 20, np.random.default_rng(0)) is None
    lefts = set()
    for seed in range(30):
        after = arrays(RandomSizedCrop()(before, 64, np.random.default_rng(seed)))
        scaled = [np.asarray(tv.resize(image, 64)) for image in before]
        assert scaled[0].shape == (64, 1280, 3)
        at = [x for x in range(1280 - 63) if np.array_equal(scaled[0][:, x : x + 64], after[0])]
        assert len(at) == 1
        for frame, whole in zip(after, scaled, strict=True):
            assert np.array_equal(frame, whole[:, at[0] : at[0] + 64])
        lefts.add(at[0])
    assert len(lefts) > 25


def test_crop_of_mixed_sizes_uses_the_first_box_and_pads_with_black():
    white = [Image.new("RGB", size, (255, 255, 255)) for size in ((200, 200), (20, 20))]
    first, second = arrays(RandomSizedCrop(scale=(1, 1), ratio=(1, 1))(white, 100, np.random.default_rng(0)))
    assert first.min() == 255
    assert second[5, 5].tolist() == [255, 255, 255]
    assert second[50, 50].tolist() == [0, 0, 0]


@pytest.mark.parametrize("size", [(96, 64), (101, 75), (500, 333), (224, 224)])
def test_without_ops_frames_are_pillows_bilinear_to_the_byte(size):
    frames = np.stack([stamped(i, *size) for i in range(4)])
    finished = finish(frames, 224)
    assert finished.shape == (4, 224, 224, 3)
    assert finished.dtype == np.uint8
    for mine, frame in zip(finished, frames, strict=True):
        expected = Image.fromarray(frame).resize((224, 224), Image.BILINEAR)
        assert np.array_equal(mine, np.asarray(expected))


def test_mixed_sizes_come_out_alike():
    frames = [stamped(0), stamped(1, 120, 80), stamped(2, 112, 112)]
    finished = finish(frames, 112)
    assert finished.shape == (3, 112, 112, 3)
    assert np.array_equal(finished[2], frames[2])


def test_ops_follow_each_other_with_one_draw_for_all_frames():
    same = np.stack([stamped(7)] * 5)
    ops = make_ops("jitter(brightness=0.5) | rotate(4) | random-sized-crop | flip")
    finished = finish(same, 48, ops, np.random.default_rng(11))
    assert all(np.array_equal(frame, finished[0]) for frame in finished)
    rng, expected = np.random.default_rng(11), [Image.fromarray(stamped(7))]
    for op in (Jitter(0.5), Rotate(4), RandomSizedCrop(), Flip()):
        expected = op(expected, 48, rng)
    assert np.array_equal(finished[0], np.asarray(expected[0]))
    again = finish(same, 48, ops, np.random.default_rng(12))
    assert not np.array_equal(finished, again)


def test_an_augmentation_leaves_its_input_alone():
    frames = np.stack([stamped(i) for i in range(3)])
    before = frames.copy()
    finish(frames, 48, make_ops("jitter | rotate | random-sized-crop | flip(1)"), np.random.default_rng(0))
    assert np.array_equal(frames, before)


def test_options_are_read_from_text():
    ops = make_ops("jitter(0.3) | rotate(degrees=10) | random-sized-crop(scale=(0.5, 1)) | flip(p=0.1)")
    assert ops == (Jitter(0.3), Rotate(10), RandomSizedCrop((0.5, 1)), Flip(0.1))
    assert make_ops("") == ()


@pytest.mark.parametrize(
    ("text", "error", "named"),
    [
        ("flop", UnknownName, "flop"),
        ("jitter(hue=0.1)", UnknownName, "hue"),
        ("jitter(-1)", ConfigError, "-1"),
        ("rotate(-4)", ConfigError, "-4"),
        ("flip(2)", ConfigError, "2"),
        ("random-sized-crop(scale=(0.5, 2))", ConfigError, "scale"),
        ("random-sized-crop(ratio=(2, 1))", ConfigError, "ratio"),
        ("random-sized-crop(0.5)", ConfigError, "scale"),
        ("flip(often)", ConfigError, "often"),
    ],
)
def test_wrong_text_is_named(text, error, named):
    with pytest.raises(error, match=named):
        make_ops(text)
