"""What training does to videos: distributions against a reimplementation, pixels against Pillow's."""

import math
import random

import numpy as np
import pytest
from inputs import make_ops
from media import stamped
from PIL import Image, ImageEnhance
from scipy.stats import chisquare, ks_2samp
from torchvision.transforms import functional as tv

from dferbench.data.augment import (
    Brightness,
    Crop,
    Flip,
    Jitter,
    Mirror,
    RandomSizedCrop,
    Rotate,
    Turn,
    draw,
)
from dferbench.data.pixels import DEVICE, HOST, apply, fit, to_pixels
from dferbench.errors import ConfigError, UnknownName

DRAWS = 12_000
REJECTED = 0.001


def images(count=3, size=(96, 64)):
    return [Image.fromarray(stamped(i, *size)) for i in range(count)]


def noisy(count, width, height, seed=0):
    """Frames that differ from pixel to pixel, so that a wrong one shows."""
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def by_pillow(frames, changes, size):
    """What the changes mean, image by image in Pillow: what the published loaders do."""
    done = []
    for image in map(Image.fromarray, frames):
        for change in changes:
            match change:
                case Brightness(factor):
                    image = ImageEnhance.Brightness(image).enhance(factor)
                case Turn(angle):
                    image = image.rotate(angle)
                case Mirror():
                    image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
                case Crop(box, scaled):
                    if scaled:
                        short, long = sorted(image.size)
                        far = int(size * long / short)
                        image = image.resize((size, far) if image.width <= image.height else (far, size), 2)
                    image = image.crop(box).resize((size, size), Image.BILINEAR)
        done.append(np.asarray(image.resize((size, size), Image.BILINEAR)))
    return np.stack(done)


def by_us(frames, changes, size, way=HOST):
    return apply(to_pixels(frames), changes, size, way).numpy()


def farthest(a, b):
    return int(np.abs(a.astype(int) - b.astype(int)).max())


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


def test_brightness_factors_are_uniform():
    rng, draw = np.random.default_rng(3), random.Random(4)
    ours = [Jitter(0.5).draw(2, 2, 2, rng).factor for _ in range(DRAWS)]
    assert ks_2samp(ours, [draw.uniform(0.5, 1.5) for _ in range(DRAWS)]).pvalue > REJECTED
    assert min(Jitter(3.0).draw(2, 2, 2, rng).factor for _ in range(DRAWS)) >= 0


def test_angles_are_uniform():
    rng, draw = np.random.default_rng(6), random.Random(7)
    ours = [Rotate(4).draw(2, 2, 2, rng).angle for _ in range(DRAWS)]
    assert ks_2samp(ours, [draw.uniform(-4, 4) for _ in range(DRAWS)]).pvalue > REJECTED


def test_flip_is_a_fair_coin():
    rng = np.random.default_rng(9)
    flipped = sum(Flip().draw(2, 2, 2, rng) is not None for _ in range(DRAWS))
    assert chisquare([flipped, DRAWS - flipped]).pvalue > REJECTED
    assert Flip(1).draw(2, 2, 2, rng) == Mirror()
    assert Flip(0).draw(2, 2, 2, rng) is None


def test_ops_draw_one_after_another_and_see_what_came_before():
    """The same seed gives the same draw as the four operations one by one, in their order."""
    ops = make_ops("jitter(0.5) | rotate(4) | random-sized-crop | flip(1)")
    changes = draw(ops, 96, 64, 48, np.random.default_rng(11))
    rng = np.random.default_rng(11)
    expected = (
        Brightness(rng.uniform(0.5, 1.5)),
        Turn(rng.uniform(-4, 4)),
        Crop(RandomSizedCrop().box(96, 64, rng)),
        Mirror(),
    )
    assert changes == expected
    twice = make_ops("random-sized-crop | random-sized-crop(scale=(1, 1), ratio=(1, 1))")
    assert draw(twice, 99, 77, 20, rng)[1] == Crop((0, 0, 20, 20))


def test_crop_when_no_box_fits():
    """8 % of a 400 x 20 strip with an aspect of at most 4/3 is 22 pixels high: it never fits."""
    frames = noisy(2, 400, 20)
    assert RandomSizedCrop().box(400, 20, np.random.default_rng(0)) is None
    lefts = set()
    for seed in range(30):
        crop = RandomSizedCrop().draw(400, 20, 64, np.random.default_rng(seed))
        assert crop.scaled
        left, top, right, bottom = crop.box
        assert (right - left, top, bottom) == (64, 0, 64)
        assert 0 <= left <= 1280 - 64
        lefts.add(left)
        scaled = [np.asarray(tv.resize(Image.fromarray(frame), 64)) for frame in frames]
        expected = np.stack(scaled)[:, :, left:right]
        for way in (HOST, DEVICE):
            assert farthest(by_us(frames, (crop,), 64, way), expected) <= 1
    assert len(lefts) > 25


# --- what was drawn, done: on the host and on the device, as Pillow does it --------------------------------

WAYS = pytest.mark.parametrize("way", [HOST, DEVICE], ids=["host", "device"])
SIZES = [(96, 64), (101, 75), (224, 224), (64, 300), (7, 5), (1, 1)]


@WAYS
@pytest.mark.parametrize("factor", [0, 0.3, 0.5, 0.77, 1, 1.001, 1.2345678, 1.5, 3.9])
def test_brightness_is_pillows_to_the_bit(way, factor):
    frames = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    ours = by_us(frames, (Brightness(factor),), 16, way)
    assert np.array_equal(ours, by_pillow(frames, (Brightness(factor),), 16))
    assert np.array_equal(ours[0], np.asarray(tv.adjust_brightness(Image.fromarray(frames[0]), factor)))


@WAYS
@pytest.mark.parametrize("side", [224, 75, 8, 1])
def test_turns_are_pillows_to_the_bit(way, side):
    rng = np.random.default_rng(8)
    frames = noisy(2, side, side)
    for angle in [0, 4, -4, 90.5, *rng.uniform(-4, 4, 20), *rng.uniform(-180, 180, 20)]:
        ours = by_us(frames, (Turn(angle),), side, way)
        assert np.array_equal(ours, by_pillow(frames, (Turn(angle),), side))
    oblong = noisy(2, 90, 40)
    turned = way.turn(to_pixels(oblong), 31.5).numpy()
    assert np.array_equal(turned[1], np.asarray(tv.rotate(Image.fromarray(oblong[1]), 31.5)))
    assert turned[0, 0, 0].tolist() == [0, 0, 0]


@WAYS
@pytest.mark.parametrize("size", [(56, 56), (96, 64)])
def test_where_nothing_was_drawn_a_video_is_only_resized(way, size):
    frames = noisy(2, *size)
    assert farthest(by_us(frames, (), 56, way), by_pillow(frames, (), 56)) <= (size != (56, 56))


@WAYS
@pytest.mark.parametrize("first", [Brightness(1.4), Turn(20), Mirror()])
@pytest.mark.parametrize("box", [(0, 0, 90, 60), (13, 8, 60, 41), (40, 30, 97, 70), (0, 0, 1, 1)])
def test_a_crop_after_another_change_is_cut_from_its_result(way, first, box):
    """Also where the box reaches beyond the frame, as it can with frames of mixed sizes."""
    frames, changes = noisy(2, 90, 60), (first, Crop(box))
    assert farthest(by_us(frames, changes, 48, way), by_pillow(frames, changes, 48)) <= 1


@WAYS
def test_a_mirror_image_is_exact(way):
    frames = noisy(3, 48, 48)
    assert np.array_equal(by_us(frames, (Mirror(),), 48, way), frames[:, :, ::-1])


@WAYS
@pytest.mark.parametrize("size", SIZES)
def test_resizing_is_pillows_within_a_grey_level(way, size):
    rng, frames = np.random.default_rng(1), noisy(2, *size)
    for width, height in rng.integers(1, 260, (25, 2)).tolist():
        ours = way.resize(to_pixels(frames), width, height).numpy()
        theirs = [np.asarray(Image.fromarray(f).resize((width, height), Image.BILINEAR)) for f in frames]
        assert farthest(ours, np.stack(theirs)) <= 1


@WAYS
@pytest.mark.parametrize("size", SIZES[:4])
@pytest.mark.parametrize(
    "text",
    [
        "random-sized-crop",
        "random-sized-crop | flip",
        "jitter(brightness=0.5) | random-sized-crop | flip",
        "rotate(4) | random-sized-crop | flip",
        "flip | rotate(40) | jitter(2)",
        "jitter | random-sized-crop | rotate(20) | random-sized-crop(scale=(0.5, 1))",
    ],
)
def test_chains_are_pillows_within_two_grey_levels(way, size, text):
    """A second resizing can add its level to that of the first; brightness after one would multiply it."""
    ops, frames = make_ops(text), noisy(3, *size)
    for seed in range(8):
        changes = draw(ops, *size, 56, np.random.default_rng(seed))
        assert farthest(by_us(frames, changes, 56, way), by_pillow(frames, changes, 56)) <= 2


@WAYS
def test_mixed_sizes_use_what_was_drawn_for_the_first_and_are_black_beyond_their_edge(way):
    frames = [noisy(1, *size, seed=size[0])[0] for size in ((200, 160), (20, 20), (90, 300))]
    ops = make_ops("rotate(9) | random-sized-crop | jitter(0.2) | flip")
    for seed in range(12):
        changes = draw(ops, 200, 160, 64, np.random.default_rng(seed))
        assert farthest(by_us(frames, changes, 64, way), by_pillow(frames, changes, 64)) <= 2
    whole = (Crop((0, 0, 200, 160)),)
    second = by_us([np.full_like(frame, 255) for frame in frames], whole, 100, way)[1]
    assert second[5, 5].tolist() == [255, 255, 255]
    assert second[50, 50].tolist() == [0, 0, 0]
    scaled = (Crop((300, 0, 364, 64), scaled=True),)
    strips = [noisy(1, 400, 20)[0], noisy(1, 20, 400)[0], noisy(1, 330, 64)[0]]
    assert farthest(by_us(strips, scaled, 64, way), by_pillow(strips, scaled, 64)) <= 2


@pytest.mark.parametrize("size", [(96, 64), (101, 75), (500, 333), (224, 224)])
def test_without_ops_frames_are_pillows_bilinear_to_the_byte(size):
    frames = np.stack([stamped(i, *size) for i in range(4)])
    finished = fit(frames, 224)
    assert finished.shape == (4, 224, 224, 3)
    assert finished.dtype == np.uint8
    for mine, frame in zip(finished, frames, strict=True):
        expected = Image.fromarray(frame).resize((224, 224), Image.BILINEAR)
        assert np.array_equal(mine, np.asarray(expected))


def test_mixed_sizes_come_out_alike():
    frames = [stamped(0), stamped(1, 120, 80), stamped(2, 112, 112)]
    finished = fit(frames, 112)
    assert finished.shape == (3, 112, 112, 3)
    assert np.array_equal(finished[2], frames[2])


@WAYS
def test_an_augmentation_leaves_its_input_alone_and_takes_any_memory(way):
    frames = noisy(3, 96, 64)
    before = frames.copy()
    changes = (Brightness(1.3), Turn(4), Crop((3, 4, 50, 60)), Mirror())
    expected = by_us(frames, changes, 48, way)
    assert np.array_equal(frames, before)
    fixed = frames.copy()
    fixed.flags.writeable = False
    strided = np.repeat(frames, 2, axis=2)[:, :, ::2]
    backwards = frames[:, ::-1].copy()[:, ::-1]
    for same in (fixed, strided, backwards):
        assert np.array_equal(by_us(same, changes, 48, way), expected)


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
