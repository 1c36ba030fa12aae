"""Operations of other libraries, drawn by our generator: one draw for a video, alike in every frame."""

import math
import pickle
import random

import numpy as np
import pytest
import torch
from inputs import build, make_loader, make_ops
from media import encode
from PIL import Image, ImageEnhance, ImageOps
from scipy.stats import ks_2samp
from torchvision.transforms import v2

from dferbench.data.augment import Crop, draw
from dferbench.data.pixels import DEVICE, HOST, apply
from dferbench.data.seeded import fixed
from dferbench.errors import ConfigError
from dferbench.types import Input, Video

LIBRARY = {
    "color-jitter(0.4, 0.4, 0.4, 0.4)": v2.ColorJitter(0.4, 0.4, 0.4, 0.4),
    "rand-augment(n=3, m=15)": v2.RandAugment(3, 15),
    "trivial-augment": v2.TrivialAugmentWide(),
    "auto-augment": v2.AutoAugment(),
    "random-erasing(p=1, value=7)": v2.RandomErasing(1, (0.02, 0.33), (0.3, 3.3), 7),
    "gaussian-blur(p=1)": v2.GaussianBlur(9, (0.1, 2.0)),
    "grayscale(p=1)": v2.Grayscale(3),
    "random-affine(10, (0.1, 0.2), (0.8, 1.2), 5)": v2.RandomAffine(10, (0.1, 0.2), (0.8, 1.2), 5),
}
ALL = [*LIBRARY, "timm-rand-augment(rand-m7-n4-mstd0.5-inc1)"]


def noise(frames=3, height=40, width=48, seed=0):
    """(T, H, W, 3) uint8 with structure as well as noise."""
    rng = np.random.default_rng(seed)
    smooth = np.linspace(0, 200, width)[None, None, :, None] + np.zeros((frames, height, 1, 3))
    return torch.from_numpy((smooth + rng.integers(0, 56, (frames, height, width, 3))).astype(np.uint8))


def change_of(text, seed=0):
    (op,) = make_ops(text)
    return op.draw(48, 40, 32, np.random.default_rng(seed))


@pytest.mark.parametrize("text", LIBRARY)
def test_pixels_are_those_of_torchvision(text):
    planes = noise().permute(0, 3, 1, 2)
    for seed in range(5):
        change = change_of(text, seed)
        ours = change(planes)
        torch.manual_seed(change.seed)
        assert torch.equal(ours, LIBRARY[text](planes))


@pytest.mark.parametrize("text", ALL)
def test_every_frame_gets_the_same_draw(text):
    still = noise(1).expand(4, -1, -1, -1).permute(0, 3, 1, 2)
    results = [change_of(text, seed)(still) for seed in range(8)]
    for seen in results:
        assert seen.dtype == torch.uint8 and seen.shape == still.shape
        assert all(torch.equal(frame, seen[0]) for frame in seen)
    assert len({seen[0].numpy().tobytes() for seen in results}) > (1 if "grayscale" not in text else 0)


@pytest.mark.parametrize("text", ALL)
def test_a_change_repeats_and_disturbs_no_generator(text):
    planes, change = noise().permute(0, 3, 1, 2), change_of(text)
    random.seed(1), np.random.seed(2), torch.manual_seed(3)
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    first, kept = change(planes), planes.clone()
    assert (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == before
    torch.rand(5), random.random(), np.random.rand()
    assert torch.equal(first, pickle.loads(pickle.dumps(change))(planes))
    assert torch.equal(planes, kept)


@pytest.mark.parametrize(("text", "p"), [("grayscale", 0.1), ("gaussian-blur", 0.5), ("random-erasing", 0.5)])
def test_the_coin_is_tossed_for_each_video(text, p):
    (op,), rng = make_ops(text), np.random.default_rng(5)
    done = sum(op.draw(48, 40, 32, rng) is not None for _ in range(2000))
    assert abs(done - 2000 * p) < 4 * math.sqrt(2000 * p * (1 - p))


@pytest.mark.parametrize("way", [HOST, DEVICE], ids=["host", "device"])
def test_they_stand_in_a_chain_with_crops_and_turns(way):
    ops = make_ops("rotate(10) | color-jitter(hue=0.1) | random-resized-crop | flip | grayscale(p=1)")
    changes = draw(ops, 48, 40, 32, np.random.default_rng(1))
    seen = apply(noise(), changes, 32, way)
    assert seen.shape == (3, 32, 32, 3) and torch.equal(seen[..., 0], seen[..., 2])
    assert torch.equal(seen, apply(noise(), changes, 32, way))
    mixed = apply((noise()[0], noise(1, 60, 30)[0]), changes, 32, way)
    assert mixed.shape == (2, 32, 32, 3) and torch.equal(mixed[0], seen[0])


def test_workers_and_a_resumed_epoch_see_the_same(tmp_path):
    videos = [Video(str(i), str(encode(tmp_path / f"{i}.mp4", count=12, size=(48, 40))), 0) for i in range(4)]
    text = "resize | timm-rand-augment | rand-augment | random-resized-crop | flip | color-jitter(0.4)"

    def seen(workers, epochs):
        loader = make_loader(videos, Input(4, 32, augment=text), training=True, seed=0, workers=workers)
        frames = [torch.cat([b.frames for b in loader.batches(range(4), 2, epoch)]) for epoch in epochs]
        loader.close()
        return frames

    alone = seen(0, (0, 1))
    assert not torch.equal(*alone)
    assert torch.equal(alone[1], seen(0, (1,))[0])
    assert all(map(torch.equal, alone, seen(2, (0, 1))))


# --- the loaders that VideoMAE, MAE-DFER and S2D released, restated ----------------------------------------


def released_box(width, height, draw):
    """Area evenly, aspect evenly on a logarithmic scale in 0.75..1.3333, sides never swapped, ten tries; then
    the largest box in the middle."""
    for _ in range(10):
        area = draw.uniform(0.08, 1.0) * width * height
        aspect = math.exp(draw.uniform(math.log(0.75), math.log(1.3333)))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            top, left = draw.randint(0, height - h), draw.randint(0, width - w)
            return left, top, left + w, top + h
    assert width / height > 1.3333
    left, w = (width - round(height * 1.3333)) // 2, round(height * 1.3333)
    return left, 0, left + w, height


@pytest.mark.parametrize(("width", "height"), [(160, 160), (320, 180)])
def test_crops_have_the_released_distribution(width, height):
    (op,) = make_ops("random-resized-crop(ratio=(0.75, 1.3333))")
    rng, theirs = np.random.default_rng(1), random.Random(2)
    a = np.array([op.draw(width, height, 160, rng).box for _ in range(6000)], float)
    b = np.array([released_box(width, height, theirs) for _ in range(6000)], float)
    for column in (
        lambda x: x[:, 2] - x[:, 0], lambda x: x[:, 3] - x[:, 1], lambda x: x[:, 0], lambda x: x[:, 1],
        lambda x: (x[:, 2] - x[:, 0]) / (x[:, 3] - x[:, 1]),
    ):  # fmt: skip
        assert ks_2samp(column(a), column(b)).pvalue > 0.001


def test_where_no_box_fits_the_crop_lies_in_the_middle():
    (op,) = make_ops("random-resized-crop(scale=(1, 1))")
    rng = np.random.default_rng(0)
    assert op.draw(400, 20, 64, rng) == Crop((186, 0, 213, 20))
    assert op.draw(20, 400, 64, rng) == Crop((0, 186, 20, 213))


def test_resize_and_center_crop_draw_nothing():
    rng = np.random.default_rng(0)
    assert make_ops("resize")[0].draw(90, 50, 32, rng) == Crop((0, 0, 90, 50))
    assert make_ops("center-crop")[0].draw(90, 50, 32, rng) == Crop((20, 0, 70, 50))
    assert make_ops("center-crop(0.5)")[0].draw(90, 50, 32, rng) == Crop((32, 12, 57, 37))


GREY = (128, 128, 128)


def moved(image, matrix):
    return image.transform(image.size, Image.AFFINE, matrix, resample=Image.BICUBIC, fillcolor=GREY)


def solarize_add(image, add):
    return image.point([min(255, i + add) if i < 128 else i for i in range(256)] * 3)


def sign(value):
    return -value if random.random() > 0.5 else value


def enhanced(kind):
    return lambda m: (lambda factor: lambda image: kind(image).enhance(factor))(1 + sign(0.09 * m))


def axis(build):
    """A geometric operation whose strength has a random sign."""
    return lambda strength: lambda m: (lambda by: lambda image: build(image, by))(sign(strength * m))


RELEASED = [
    lambda m: ImageOps.autocontrast,
    lambda m: ImageOps.equalize,
    lambda m: ImageOps.invert,
    axis(lambda image, by: image.rotate(by, resample=Image.BICUBIC, fillcolor=GREY))(3),
    lambda m: lambda image: ImageOps.posterize(image, 4 - int(m / 10 * 4)),
    lambda m: lambda image: ImageOps.solarize(image, 256 - min(256, int(m / 10 * 256))),
    lambda m: lambda image: solarize_add(image, min(128, int(m / 10 * 110))),
    enhanced(ImageEnhance.Color),
    enhanced(ImageEnhance.Contrast),
    enhanced(ImageEnhance.Brightness),
    enhanced(ImageEnhance.Sharpness),
    axis(lambda image, by: moved(image, (1, by, 0, 0, 1, 0)))(0.03),
    axis(lambda image, by: moved(image, (1, 0, 0, by, 1, 0)))(0.03),
    axis(lambda image, by: moved(image, (1, 0, by * image.size[0], 0, 1, 0)))(0.045),
    axis(lambda image, by: moved(image, (1, 0, 0, 0, 1, by * image.size[1])))(0.045),
]


def released_rand_augment(images):
    """rand-m7-n4-mstd0.5-inc1 on a clip: four operations of fifteen, each with probability 1/2, its magnitude
    from N(7, 0.5) cut to 0..10, the same for all frames."""
    for number in np.random.choice(len(RELEASED), 4):
        if random.random() > 0.5:
            continue
        operation = RELEASED[number](min(10, max(0, random.gauss(7, 0.5))))
        images = [operation(image) for image in images]
    return images


def test_rand_augment_is_that_of_the_released_loaders():
    frames, changed = noise(3), 0
    for seed in range(80):
        change = change_of("timm-rand-augment(rand-m7-n4-mstd0.5-inc1)", seed)
        ours = change(frames.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        with fixed(change.seed):
            clip = int(torch.randint(2**62, ()))
        with fixed(clip):
            theirs = released_rand_augment([Image.fromarray(frame) for frame in frames.numpy()])
        assert np.array_equal(ours.numpy(), np.stack([np.asarray(image) for image in theirs]))
        changed += not torch.equal(ours, frames)
    assert 60 < changed < 80


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("random-erasing(p=2)", r"random-erasing: p must be a probability in \[0, 1\], got 2"),
        ("flip(2)", r"flip: p must be a probability in \[0, 1\], got 2"),
        ("rotate(200)", r"rotate: degrees must be a number in \[0, 180\], got 200"),
        ("color-jitter(hue=0.6)", r"color-jitter: hue must be a number in \[0, 0.5\], got 0.6"),
        ("rand-augment(m=31)", r"rand-augment: m must be a whole number in \[0, 30\], got 31"),
        ("rand-augment(n=true)", "n of augmentation rand-augment must be a whole number, got true"),
        ("gaussian-blur(4)", "gaussian-blur: kernel must be an odd number of pixels, got 4"),
        ("auto-augment(coco)", "auto-augment: policy must be one of imagenet, .*, got 'coco'"),
        ("random-affine(translate=2)", r"translate must be two numbers in \[0, 1\], got 2"),
        ("random-resized-crop(scale=(1, 0.5))", r"two numbers in \[0, 1\], the smaller one first"),
        ("timm-rand-augment(m9)", "timm-rand-augment: policy must be .*, got 'm9'"),
        ("timm-rand-augment(interpolation=lanczos)", "bilinear, bicubic, random, got 'lanczos'"),
        ("center-crop(0)", r"center-crop: scale must be a number in \[0.01, 1\], got 0"),
    ],
)  # fmt: skip
def test_values_out_of_range_are_told_with_their_range(text, words):
    with pytest.raises(ConfigError, match=words):
        make_ops(text)


RELEASED_LOADER = [("mae-dfer", ""), ("mae-dfer", "ferv39k"), ("videomae", ""), ("s2d", ""), ("s2d", "dfew")]


def test_the_methods_state_the_released_augmentation():
    from inputs import catalog

    def ops(method, recipe=None):
        method = catalog().get("methods", method).value
        return build((method.recipe_for[recipe] if recipe else method.recipe).input, 160)

    for method, recipe in RELEASED_LOADER:
        pipeline = ops(method, recipe)
        names = [type(op).__name__ for op in pipeline.ops]
        assert names == ["Resize", "TimmRandAugment", "RandomResizedCrop", "Flip"]
        assert pipeline.ops[1].policy == "rand-m7-n4-mstd0.5-inc1"
        assert pipeline.ops[1].interpolation == "bicubic"
    assert [op.p for op in ops("s2d").mixing] == [0.25]
    jitter = ops("m3dfel").ops[-1]
    assert (jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue) == (0.4, 0.4, 0.4, 0.4)
