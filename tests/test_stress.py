"""Corrupted test videos: what is done to them, that only the id decides, and that each is read once."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dferbench.data.decoders import DECODERS, Decoder
from dferbench.data.loader import VideoLoader
from dferbench.data.pipeline import build_pipeline
from dferbench.data.stress import order, pixels
from dferbench.data.stress.corruptions import CORRUPTIONS, SEVERITIES, Stress, stresses
from dferbench.data.stress.frames import StressedFrames
from dferbench.errors import UnknownName
from dferbench.registry.catalog import discover
from dferbench.types import Input, Video

OF_PIXELS = [name for name, one in CORRUPTIONS.items() if not one.of_order]
OF_ORDER = [name for name, one in CORRUPTIONS.items() if one.of_order]


def rng():
    return np.random.default_rng(3)


@pytest.fixture(scope="module")
def scene():
    """Four frames of smooth shapes with some texture, neither black nor white anywhere."""
    y, x = np.mgrid[:120, :112]
    waves = [np.sin(x / 5 + k) + np.cos(y / 7) + np.sin(x * y / 90) for k in range(4)]
    grey = np.stack(waves)[..., None] * [18, 22, 14] + [120, 130, 110]
    return grey.round().astype(np.uint8)


@pytest.mark.parametrize("name", OF_PIXELS)
def test_pixels_are_worse_with_each_severity_and_keep_their_shape(scene, name):
    before = scene.copy()
    errors = []
    for severity in SEVERITIES:
        changed = Stress(CORRUPTIONS[name], severity).pixels(scene, "a video")
        assert changed.shape == scene.shape and changed.dtype == np.uint8
        errors.append(np.square(changed.astype(float) - scene).mean())
    assert 0 < errors[0] < errors[1] < errors[2]
    assert (scene == before).all(), "the frames of other versions were changed"


def test_blur_is_scipys(scene):
    from scipy.ndimage import gaussian_filter

    large = np.repeat(np.repeat(scene, 4, 1), 4, 2)
    sigma = 3 * large.shape[2] / 224
    expected = gaussian_filter(large.astype(float), (0, sigma, sigma, 0), mode="nearest")
    assert np.abs(pixels.blur(large, 3, rng()) - expected).max() < 2


@pytest.mark.parametrize("quality", [25, 7])
def test_jpeg_is_pillows(scene, quality):
    buffer = io.BytesIO()
    Image.fromarray(scene[1]).save(buffer, format="JPEG", quality=quality)
    assert (
        np.abs(pixels.jpeg(scene, quality, rng())[1] - np.asarray(Image.open(buffer)).astype(int)).max() <= 2
    )


def test_brightness_is_added_to_the_value(scene):
    from matplotlib.colors import hsv_to_rgb, rgb_to_hsv

    found = rgb_to_hsv(scene / 255)
    found[..., 2] = np.clip(found[..., 2] + 0.3, 0, 1)
    assert np.abs(pixels.brightness(scene, 0.3, rng()) - 255 * hsv_to_rgb(found)).max() < 1
    assert (pixels.brightness(np.zeros_like(scene), 0.2, rng()) == 51).all()


def test_noise_has_its_deviation_and_differs_from_frame_to_frame():
    grey = np.full((2, 224, 224, 3), 128, np.uint8)
    noise = pixels.noise(grey, 0.08, rng()).astype(float) - 128
    assert noise.std() == pytest.approx(255 * 0.08, rel=0.01) and abs(noise.mean()) < 0.3
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.02


def test_lengths_scale_with_the_frame():
    """Twice as large a picture of the same, reduced again, is as blurred and as noisy."""
    small = np.zeros((1, 112, 112, 3), np.uint8)
    small[:, 40:70, 30:80] = 200
    large = np.repeat(np.repeat(small, 2, 1), 2, 2)

    def reduced(video):
        return video.reshape(1, 112, 2, 112, 2, 3).mean((2, 4))

    assert np.abs(reduced(pixels.blur(large, 6, rng())) - pixels.blur(small, 6, rng())).max() < 4
    grey = np.full_like(large, 128)
    deviations = [
        pixels.noise(grey[:, :112, :112], 0.1, rng()).std(),
        reduced(pixels.noise(grey, 0.1, rng())).std(),
    ]
    assert deviations[0] == pytest.approx(deviations[1], rel=0.03)


@pytest.mark.parametrize(("area", "shape"), [(0.25, (60, 40)), (0.5, (31, 57))])
def test_an_occlusion_has_its_area_at_one_place(area, shape):
    white = np.full((3, *shape, 3), 255, np.uint8)
    hidden = pixels.occlusion(white, area, rng()) == 128
    assert hidden.mean() == pytest.approx(area, rel=0.05) and (hidden == hidden[:1]).all()


def test_a_severe_occlusion_hides_what_a_mild_one_hides():
    white = np.full((1, 64, 64, 3), 255, np.uint8)
    for video in ("a", "b", "c"):
        mild, severe = (Stress(CORRUPTIONS["occlusion"], s).pixels(white, video) == 128 for s in (1, 3))
        assert (severe | ~mild).all()


def test_a_shifted_crop_moves_by_its_share_and_continues_the_edge():
    for seed in range(8):
        video = np.zeros((2, 100, 100, 3), np.uint8)
        video[:, 50, 50] = 255
        at = np.argwhere(pixels.crop_shift(video, 0.2, np.random.default_rng(seed))[0, ..., 0])
        assert len(at) == 1 and np.hypot(*(at[0] - 50)) == pytest.approx(20, abs=1)
    bright = np.full((1, 100, 100, 3), 90, np.uint8)
    assert (pixels.crop_shift(bright, 0.2, rng()) == 90).all()


def test_frames_of_different_sizes_are_changed_one_by_one():
    frames = [np.full((40, 30, 3), 90, np.uint8), np.full((20, 60, 3), 90, np.uint8)]
    for stress in stresses(OF_PIXELS):
        changed = stress.pixels(frames, "a video")
        assert [one.shape for one in changed] == [one.shape for one in frames]


@pytest.mark.parametrize("count", [1, 2, 3, 16, 61])
def test_orders_keep_what_they_promise(count):
    whole = np.arange(count)
    for share in (0.25, 0.5, 0.75):
        dropped = order.drop(whole, share, rng())
        assert len(dropped) == max(1, count - round(share * count)) and (np.diff(dropped) > 0).all()
        repeated = order.repeat(whole, share, rng())
        assert len(repeated) == count and repeated[0] == 0 and (repeated <= whole).all()
        assert (np.diff(repeated) == 0).sum() == round(share * (count - 1))
    assert (order.reverse(whole, 1.0, rng()) == whole[::-1]).all()
    half = order.reverse(whole, 0.5, rng())
    assert sorted(half) == whole.tolist() and (np.diff(half) < 0).sum() == max(0, round(0.5 * count) - 1)
    for pieces in (4, 16, 0):
        mixed = order.shuffle(whole, pieces, rng())
        assert sorted(mixed) == whole.tolist()
        if pieces:
            assert (np.diff(mixed) != 1).sum() <= min(pieces, count) - 1
    assert count < 16 or (order.shuffle(whole, 0, rng()) != whole).any()


def test_orders_do_not_depend_on_anything_but_the_id():
    for stress in stresses(OF_ORDER):
        assert (stress.frames(40, "a") == stress.frames(40, "a")).all()
    assert (stresses(["shuffle"])[2].frames(40, "a") != stresses(["shuffle"])[2].frames(40, "b")).any()
    mild, _, severe = stresses(["frame-drop"])
    assert set(severe.frames(40, "a")) < set(mild.frames(40, "a"))


def test_names_are_checked():
    assert len(stresses()) == 33 and [one.name for one in stresses(["blur"])][1] == "blur(severity=2)"
    with pytest.raises(UnknownName, match="blurr"):
        stresses(["blurr"])


class Counted:
    """The reader of folders, which notes what it reads."""

    def __init__(self):
        self.read, self.paths = DECODERS["folder"](), []

    def __call__(self):
        return self._note

    def _note(self, path, choose):
        self.paths.append(Path(path).name)
        return self.read(path, choose)


@pytest.fixture
def videos(tmp_path):
    made, draw = [], np.random.default_rng(0)
    for name, frames in (("a", 9), ("b", 23), ("c", 1)):
        (tmp_path / name).mkdir()
        for i in range(frames):
            Image.fromarray(draw.integers(0, 256, (20, 16, 3), np.uint8)).save(tmp_path / name / f"{i}.png")
        made.append(Video(name, str(tmp_path / name), 0))
    return made


CATALOG = discover()


def stressed(videos, versions, decoder=None, sample="segments"):
    pipeline = build_pipeline(Input(frames=8, size=12, sample=sample), CATALOG)
    return StressedFrames(videos, pipeline, versions, decoder or Decoder(DECODERS))


def test_only_the_id_decides_not_the_order_nor_the_batch(videos):
    versions = [None, *stresses()[1::3]]
    whole = stressed(videos, versions)
    expected = [whole[0, i].pixels for i in range(len(whole))]
    places = np.random.default_rng(1).permutation(len(whole)).tolist()
    again = stressed(videos, versions)
    assert all((again[0, i].pixels == expected[i]).all() for i in places)
    few = stressed(videos[::-1], versions[:1:-3])
    for i in range(len(few)):
        video, version = divmod(i, len(few.versions))
        known = (2 - video) * len(versions) + versions.index(few.versions[version])
        assert (few[0, i].pixels == expected[known]).all()


def test_batches_of_a_loader_are_the_same_frames(videos):
    versions = [None, *stresses(["noise", "shuffle"])]
    made = stressed(videos, versions)
    loader = VideoLoader(
        videos,
        made.pipeline,
        training=False,
        seed=0,
        made=lambda decoder: stressed(videos, versions, decoder),
    )
    for batches in ([range(7), range(7, 14), range(14, 21)], [[k] for k in range(21)]):
        frames = [x for loaded in loader.planned(batches) for x in loaded.frames]
        assert all((x == made[0, i].pixels).all() for i, x in enumerate(frames))


def test_the_clean_version_is_what_a_test_sees(videos):
    from dferbench.data.dataset import VideoFrames

    for sample in ("segments", "uniform(shuffle=true)"):
        made = stressed(videos, [None, *stresses(["reverse"])], sample=sample)
        plain = VideoFrames(videos, made.pipeline, training=False, seed=0, decoder=Decoder(DECODERS))
        assert all((made[0, 4 * i].pixels == plain[0, i].pixels).all() for i in range(3))


def test_each_video_is_read_once(videos):
    reader = Counted()
    made = stressed(videos, [None, *stresses()], Decoder({**DECODERS, "folder": reader}))
    assert all(made[0, i].pixels.shape == (8, 12, 12, 3) for i in range(len(made)))
    assert reader.paths == ["a", "b", "c"]


def test_the_sampler_chooses_in_the_video_as_it_is_shown(videos):
    """Of 23 frames, 8 are chosen at equal steps: backwards these are others than the clean ones reversed."""
    made = stressed([videos[1]], [None, stresses(["reverse"])[2]], sample="grid")
    images = [
        np.asarray(Image.open(f"{videos[1].path}/{22 - k * 23 // 8}.png").resize((12, 12), 2))
        for k in range(8)
    ]
    assert (made[0, 1].pixels.numpy() == np.stack(images)).all()
    assert (made[0, 1].pixels.flip(0) != made[0, 0].pixels).any()


def test_a_video_that_cannot_be_read_fails_in_every_version(videos, tmp_path):
    gone = Video("gone", str(tmp_path / "gone"), 0)
    made = stressed([gone, videos[0]], [None, *stresses(["blur"])])
    assert [type(made[0, i]).__name__ for i in range(8)] == ["Failure"] * 4 + ["Read"] * 4
