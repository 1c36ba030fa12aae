"""Frames of JPEG folders are Pillow's pixels, whatever the JPEG is like and whatever it is called."""

import io

import numpy as np
import pytest
from media import stamped
from PIL import Image, ImageFile, ImageOps

from dferbench.data.decoders import choose_decoder, images
from dferbench.errors import VideoError


def textured(number=0, width=96, height=64):
    noise = np.random.default_rng(number).normal(0, 25, (height, width, 3))
    return Image.fromarray(np.clip(stamped(number, width, height) + noise, 0, 255).astype(np.uint8))


def pillows(path):
    with Image.open(path) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def rotated_by_exif():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


KINDS = {
    "4:2:0": {},
    "4:2:2": {"subsampling": "4:2:2"},
    "4:4:4": {"subsampling": "4:4:4"},
    "low quality": {"quality": 20},
    "high quality": {"quality": 100},
    "progressive": {"progressive": True},
    "optimised": {"optimize": True},
    "restart markers": {"restart_marker_blocks": 2},
    "turned by EXIF": {"exif": rotated_by_exif()},
    "kept in RGB": {"keep_rgb": True},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(96, 64), (101, 75), (81, 33), (97, 32)])
def test_jpegs_are_pillows_pixels(tmp_path, kind, size):
    for i in range(3):
        textured(i, *size).save(tmp_path / f"{i}.jpg", **{"quality": 95, **KINDS[kind]})
    frames, _ = choose_decoder().read(str(tmp_path), [0, 1, 2, 1])
    for frame, i in zip(frames, [0, 1, 2, 1], strict=True):
        assert np.array_equal(frame, pillows(tmp_path / f"{i}.jpg"))


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_cmyk_jpegs_among_colour_ones(tmp_path, mode):
    textured(0).save(tmp_path / "0.jpg")
    textured(1).convert(mode).save(tmp_path / "1.jpg")
    frames, _ = choose_decoder().read(str(tmp_path), [1, 0, 1])
    for frame, i in zip(frames, [1, 0, 1], strict=True):
        assert np.array_equal(frame, pillows(tmp_path / f"{i}.jpg"))


def test_the_bytes_say_what_an_image_is_and_not_its_name(tmp_path):
    textured(0).save(tmp_path / "real.png")
    textured(1).save(tmp_path / "real.jpg")
    (tmp_path / "real.png").rename(tmp_path / "0.jpg")
    (tmp_path / "real.jpg").rename(tmp_path / "1.png")
    frames, _ = choose_decoder().read(str(tmp_path), [0, 1])
    assert np.array_equal(frames[0], np.asarray(textured(0)))
    assert np.array_equal(frames[1], pillows(tmp_path / "1.png"))


@pytest.mark.parametrize("order", [[0, 1, 2], [1, 0, 2, 1], [2, 2, 1]])
def test_mixed_sizes_are_a_list(tmp_path, order):
    for i, size in enumerate([(96, 64), (101, 75), (96, 64)]):
        textured(i, *size).save(tmp_path / f"{i}.jpg")
    frames, _ = choose_decoder().read(str(tmp_path), order)
    assert isinstance(frames, list)
    for frame, i in zip(frames, order, strict=True):
        assert np.array_equal(frame, pillows(tmp_path / f"{i}.jpg"))


def test_a_damaged_jpeg_is_what_pillow_says_it_is(tmp_path):
    """Rubbish behind the image passes as it does with Pillow; an image that ends early does not."""
    textured(0).save(tmp_path / "0.jpg")
    whole = (tmp_path / "0.jpg").read_bytes()
    (tmp_path / "1.jpg").write_bytes(whole + b"rubbish")
    for i, data in enumerate((whole[: len(whole) // 2], whole[:20], b"\xff\xd8\xff", b"", b"GIF89a"), 2):
        (tmp_path / f"{i}.jpg").write_bytes(data)
    frames, _ = choose_decoder().read(str(tmp_path), [1])
    assert np.array_equal(frames[0], pillows(tmp_path / "0.jpg"))
    for i in range(2, 7):
        with pytest.raises(VideoError, match=rf"frame {i}\.jpg") as caught:
            choose_decoder().read(str(tmp_path), [0, i])
        assert caught.value.path == str(tmp_path)


def test_flipped_bits_give_pillows_pixels_or_its_refusal(tmp_path):
    rng = np.random.default_rng(0)
    buffer = io.BytesIO()
    textured(0).save(buffer, "JPEG", quality=95)
    agreed = {True: 0, False: 0}
    for _ in range(300):
        data = bytearray(buffer.getvalue())
        for place in rng.integers(len(data), size=2):
            data[place] ^= 1 << int(rng.integers(8))
        try:
            theirs = pillows(io.BytesIO(data))
        except Exception:
            theirs = None
        try:
            ours = images.decode(bytes(data))
        except (OSError, ValueError):
            ours = None
        assert (ours is None) == (theirs is None)
        assert ours is None or np.array_equal(ours, theirs)
        agreed[ours is None] += 1
    assert agreed[True] and agreed[False]


def test_an_absurd_size_in_a_header_is_refused_before_any_memory_is_taken(tmp_path):
    buffer = io.BytesIO()
    textured(0).save(buffer, "JPEG")
    data = bytearray(buffer.getvalue())
    start = data.index(b"\xff\xc0") + 5
    data[start : start + 4] = b"\xff\xff\xff\xff"
    (tmp_path / "0.jpg").write_bytes(data)
    with pytest.raises(VideoError, match=r"0\.jpg"):
        choose_decoder().read(str(tmp_path), [0])


def test_frames_that_are_decoded_apart_share_no_memory(tmp_path):
    textured(0).save(tmp_path / "0.jpg")
    frames, _ = choose_decoder().read(str(tmp_path), [0, 0])
    frames[0][:] = 0
    assert frames[1].any()


def test_no_frames_asked_for(tmp_path):
    textured(0).save(tmp_path / "0.jpg")
    assert len(choose_decoder().read(str(tmp_path), [])[0]) == 0


def test_ordinary_jpegs_do_not_go_through_pillow(tmp_path, monkeypatch):
    textured(0).save(tmp_path / "0.jpg")
    monkeypatch.setattr(ImageFile.ImageFile, "load", None)
    frames, _ = choose_decoder().read(str(tmp_path), [0])
    assert frames.shape == (1, 64, 96, 3)
