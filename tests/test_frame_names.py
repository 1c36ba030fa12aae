"""The order of frames, and what is no frame of its own, from the names of files alone."""

import numpy as np
import pytest
from media import frame_folder, numbers, stamped
from PIL import Image

from dferbench.data.decoders import choose_decoder
from dferbench.data.decoders.frame_names import in_order
from dferbench.errors import VideoError


@pytest.mark.parametrize(
    "names",
    [
        ["0.04.png", "0.5.png", "1.25.png"],  # seconds, as programs write them
        ["9.5.png", "10.25.png", "10.5.png", "100.125.png"],
        ["0.00.png", "0.04.png", "0.40.png", "1.00.png"],  # as many decimals each: both orders are one
        ["1.9.png", "1.10.png", "2.1.png"],  # parts and frames: no number is written as 1.10
        ["v1.9.png", "v1.10.png"],
        ["frame2.png", "frame10.png", "frame100.png"],
        ["0001.png", "0002.png", "0010.png"],
    ],
)
def test_frames_come_in_the_order_of_their_numbers_or_times(tmp_path, names):
    folder = frame_folder(tmp_path / "v", names)
    frames, _ = choose_decoder().read(str(folder), lambda count: range(count))
    assert numbers(frames) == list(range(len(names)))
    assert in_order(reversed(names)) == names


DOUBLED = [
    ("1.jpg", "1.png"),
    ("0001.JPG", "0001.jpeg"),
    ("001.png", "001 (1).png"),
    ("001.png", "001(2).png"),
    ("001.jpg", "001 - Copy.jpg"),
    ("001.jpg", "001_mask.png"),
    ("img_7.jpg", "img_7-mask.jpg"),
]


@pytest.mark.parametrize(("one", "two"), DOUBLED)
def test_two_images_for_one_frame_are_refused(tmp_path, one, two):
    frame_folder(tmp_path / "v", [one, two, "5.png"])
    with pytest.raises(VideoError) as caught:
        choose_decoder().read(str(tmp_path / "v"), [0])
    assert one in caught.value.reason and two in caught.value.reason


def test_what_only_looks_like_a_copy_is_a_frame(tmp_path):
    """A (1) without the frame that it would be a copy of is a number."""
    folder = frame_folder(tmp_path / "v", ["video (1).png", "video (2).png", "video (10).png"])
    frames, _ = choose_decoder().read(str(folder), lambda count: range(count))
    assert numbers(frames) == [0, 1, 2]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_of_grey_keep_the_upper_eight(tmp_path, suffix):
    ramp = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16
    Image.fromarray(ramp).save(tmp_path / f"1.{suffix}")
    frames, _ = choose_decoder().read(str(tmp_path), [0])
    assert np.array_equal(frames[0], np.repeat((ramp >> 8).astype(np.uint8)[..., None], 3, axis=2))


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_values_of_no_known_range_are_refused(tmp_path, kind):
    Image.fromarray(np.full((8, 8), 0.5, kind)).save(tmp_path / "1.tif")
    with pytest.raises(VideoError, match="unknown range"):
        choose_decoder().read(str(tmp_path), [0])


@pytest.mark.parametrize("suffix", ["webp", "png", "tif"])
def test_an_animation_is_no_frame(tmp_path, suffix):
    pictures = [Image.fromarray(stamped(number)) for number in range(3)]
    pictures[0].save(tmp_path / f"1.{suffix}", save_all=True, append_images=pictures[1:])
    with pytest.raises(VideoError, match="animation of 3 pictures"):
        choose_decoder().read(str(tmp_path), [0])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_every_orientation_is_shown_upright(tmp_path, suffix, orientation):
    turns = {1: lambda i: i, 2: np.fliplr, 3: lambda i: np.rot90(i, 2), 4: np.flipud,
             5: lambda i: i.swapaxes(0, 1), 6: np.rot90, 7: lambda i: np.rot90(i, 2).swapaxes(0, 1),
             8: lambda i: np.rot90(i, -1)}  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(turns[orientation](stamped(5)))
    Image.fromarray(stored).save(tmp_path / f"1.{suffix}", exif=exif, quality=95)
    frames, _ = choose_decoder().read(str(tmp_path), [0])
    assert frames[0].shape == (64, 96, 3) and numbers(frames) == [5]
