"""Any container, codec and group of pictures, stored in any way: the right frame, upright, by all readers."""

from fractions import Fraction

import numpy as np
import pytest
from media import encode, number_of, numbers, stamped, subtitled
from PIL import Image

from dferbench.data.decoders import choose_decoder, stream
from dferbench.data.decoders.container import inspect
from dferbench.data.verify import decode
from dferbench.errors import VideoError

COUNT = 31
H264 = {"codec": "libx264"}
MPEG2 = {"codec": "mpeg2video", "bit_rate": 3_000_000}
MPEG1 = {"codec": "mpeg1video", "bit_rate": 3_000_000}
MPEG4 = {"codec": "mpeg4", "bit_rate": 3_000_000}
VP9 = {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}}
MJPEG = {"codec": "mjpeg", "pix_fmt": "yuvj420p"}
CONTAINERS = {
    "mp4": (H264, MPEG4), "mov": (H264, MJPEG), "mkv": (H264, VP9, MPEG4, MPEG2), "webm": (VP9,),
    "avi": (MPEG4, MJPEG), "ts": (H264, MPEG2), "m2ts": (H264, MPEG2), "mpg": (MPEG2, MPEG1), "vob": (MPEG2,),
    "flv": (H264, {"codec": "flv", "bit_rate": 3_000_000}),
    "wmv": ({"codec": "wmv2", "bit_rate": 3_000_000},), "gif": ({"codec": "gif", "pix_fmt": "rgb8"},),
    "mjpeg": (MJPEG,),
}  # fmt: skip
MPEG_GROUPS = {
    "closed": {"g": "10", "bf": "2", "flags": "+cgop", "sc_threshold": "1000000000"},
    "b-frames": {"g": "10", "bf": "2"},
    "open": {"g": "10", "bf": "1"},
}
GROUPS = {
    "libx264": {
        "closed": {"g": "10", "bf": "0"},
        "b-frames": {"g": "10", "bf": "3", "x264-params": "b-adapt=0"},
        "open": {"x264-params": "open-gop=1:keyint=10:min-keyint=10:bframes=3:b-adapt=0:scenecut=0"},
    },
    "mpeg2video": MPEG_GROUPS,
    "mpeg4": MPEG_GROUPS,
}
"""Options by the way in which pictures refer to one another; other codecs refer to earlier ones alone."""
ONE, W = 1 << 16, 1 << 30
STORED = {
    "plain": None,
    "90": (0, ONE, 0, -ONE, 0, 0, 64 * ONE, 0, W),
    "180": (-ONE, 0, 0, 0, -ONE, 0, 96 * ONE, 64 * ONE, W),
    "270": (0, -ONE, 0, ONE, 0, 0, 0, 96 * ONE, W),
    "mirrored": (-ONE, 0, 0, 0, ONE, 0, 96 * ONE, 0, W),
    "upside down": (ONE, 0, 0, 0, -ONE, 0, 0, 64 * ONE, W),
    "transposed": (0, ONE, 0, ONE, 0, 0, 0, 0, W),
}
SHOWN = {
    "plain": lambda image: image,
    "90": lambda image: np.rot90(image, -1),
    "180": lambda image: image[::-1, ::-1],
    "270": lambda image: np.rot90(image),
    "mirrored": lambda image: image[:, ::-1],
    "upside down": lambda image: image[::-1],
    "transposed": lambda image: image.swapaxes(0, 1),
}
BACK = {**SHOWN, "90": SHOWN["270"], "270": SHOWN["90"]}
TURNING = ("mp4", "mov", "mkv", "webm")
"""Containers that can say how a picture is turned."""


def kinds(name):
    for options in CONTAINERS[name]:
        for group, more in GROUPS.get(options["codec"], {"plain": {}}).items():
            yield (
                f"{options['codec']}-{group}",
                {**options, "options": {**options.get("options", {}), **more}},
            )


def everywhere(path, wanted):
    """The chosen frames as runs read them, as whole videos are read, and as every reader reads that can."""
    choose = choose_decoder()
    yield "run", choose.read(str(path), wanted)[0]
    passing = {frame.number: frame.image() for frame in stream(str(path)) if frame.number in wanted}
    yield "stream", [passing[number] for number in wanted]
    for name in ("decord", "pyav"):
        try:
            yield name, choose_decoder(name).read(str(path), wanted)[0]
        except VideoError:
            assert name == "decord"


@pytest.mark.parametrize(
    ("container", "stored"),
    [(name, how) for name in CONTAINERS for how in STORED if how == "plain" or name in TURNING],
)
def test_the_frame_asked_for_is_shown_upright(tmp_path, container, stored):
    rng = np.random.default_rng(0)
    for kind, options in kinds(container):
        path = encode(tmp_path / f"{kind}.{container}", count=COUNT, matrix=STORED[stored], **options)
        wanted = [*rng.permutation(COUNT)[:8].tolist(), COUNT - 1, 0]
        for reader, frames in everywhere(path, wanted):
            shown = [BACK[stored](frame) for frame in frames]
            assert numbers(shown) == wanted, (kind, reader)
            assert shown[0].shape == (64, 96, 3)
            error = np.abs(shown[-1].astype(int) - stamped(0).astype(int)).mean()
            assert error < (45 if container == "gif" else 25), (kind, reader)
        assert not decode.witness(str(path), whole=True)


@pytest.mark.parametrize("container", CONTAINERS)
def test_pixels_that_are_not_square_are_widened(tmp_path, container):
    for kind, options in kinds(container):
        path = encode(tmp_path / f"{kind}.{container}", count=12, pixel=Fraction(16, 11), **options)
        pixel = inspect(str(path)).geometry.pixel
        if container in ("mp4", "mov", "mkv", "ts", "flv") and options["codec"] == "libx264":
            assert pixel == Fraction(16, 11)
        for reader, frames in everywhere(path, [11, 0]):
            assert frames[0].shape == (64, round(96 * pixel), 3), (kind, reader)
            assert numbers(np.asarray(Image.fromarray(f).resize((96, 64))) for f in frames) == [11, 0]


def test_a_turned_picture_is_widened_before_it_is_turned(tmp_path):
    path = encode(tmp_path / "v.mp4", count=3, pixel=Fraction(3, 2), matrix=STORED["90"])
    for _, frames in everywhere(path, [0, 1, 2]):
        assert frames[0].shape == (144, 64, 3)


def test_a_matrix_that_scales_turns_all_the_same(tmp_path):
    path = encode(tmp_path / "v.mp4", count=3, matrix=(0, 2 * ONE, 0, -2 * ONE, 0, 0, 0, 0, W))
    for _, frames in everywhere(path, [0, 1, 2]):
        assert numbers(np.rot90(frame) for frame in frames) == [0, 1, 2]


SLANTED = (56756, 32768, 0, -32768, 56756, 0, 0, 0, W)
SHEARED = (ONE, ONE, 0, 0, ONE, 0, 0, 0, W)


@pytest.mark.parametrize(("container", "matrix"), [("mp4", SLANTED), ("mkv", SLANTED), ("mov", SHEARED)])
def test_what_cannot_be_turned_by_quarters_is_refused(tmp_path, container, matrix):
    path = encode(tmp_path / f"v.{container}", count=3, matrix=matrix)
    for decoder in ("auto", "decord", "pyav"):
        with pytest.raises(VideoError, match="less than a quarter turn, or distorted"):
            choose_decoder(decoder).read(str(path), [0])


@pytest.mark.parametrize("pixel", [Fraction(9), Fraction(1, 9)])
def test_absurd_pixels_are_refused(tmp_path, pixel):
    path = encode(tmp_path / "v.mp4", count=3, pixel=pixel)
    with pytest.raises(VideoError, match="times as wide as high"):
        choose_decoder().read(str(path), [0])


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_refused(tmp_path, transfer, name):
    path = encode(tmp_path / "v.mkv", count=3, transfer=transfer)
    for decoder in ("auto", "decord", "pyav"):
        with pytest.raises(VideoError, match=rf"HDR video \({name}\)"):
            choose_decoder(decoder).read(str(path), [0])
    with pytest.raises(VideoError, match="HDR"):
        list(stream(str(path)))


@pytest.mark.parametrize("transfer", [1, 6, 14])
def test_standard_range_is_read(tmp_path, transfer):
    path = encode(tmp_path / "v.mkv", count=3, transfer=transfer)
    assert numbers(choose_decoder().read(str(path), [2, 0])[0]) == [2, 0]


def test_ten_bits_of_standard_range_are_read(tmp_path):
    path = encode(tmp_path / "v.mkv", count=3, pix_fmt="yuv420p10le")
    frames, _ = choose_decoder().read(str(path), [0])
    assert np.abs(frames[0].astype(int) - stamped(0).astype(int)).mean() < 25


# --- animations and raw streams of pictures -------------------------------------------------


def animated(path, count=9, size=(96, 64)):
    pictures = [Image.fromarray(stamped(number, *size)) for number in range(count)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=40, lossless=True)
    return path


def test_animated_webp_is_a_video(tmp_path):
    path = animated(tmp_path / "v.webp")
    frames, reader = choose_decoder().read(str(path), [8, 0, 3, 3])
    assert reader == "animation" and numbers(frames) == [8, 0, 3, 3]
    assert np.array_equal(frames[0], stamped(8))
    passing = list(stream(str(path)))
    assert [frame.number for frame in passing] == list(range(9))
    assert passing[5].seconds == pytest.approx(0.2)
    assert decode.decode(str(path), whole=True).frames == 9
    assert decode.witness(str(path), whole=True) is None  # decord reads no animation
    assert numbers([frame.image() for frame in passing]) == list(range(9))


def test_one_picture_is_no_video(tmp_path):
    Image.fromarray(stamped(0)).save(tmp_path / "one.webp")
    Image.fromarray(stamped(0)).save(tmp_path / "one.mp4", format="JPEG")
    for name in ("one.webp", "one.mp4"):
        with pytest.raises(VideoError, match="single image"):
            choose_decoder().read(str(tmp_path / name), [0])


def test_a_damaged_animation_is_named(tmp_path):
    path = animated(tmp_path / "v.webp")
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(VideoError, match="cannot be read as an animation"):
        choose_decoder().read(str(path), [0])


def test_a_file_is_raw_mjpeg_by_its_bytes_and_its_ending(tmp_path):
    path = encode(tmp_path / "v.avi", count=9, **MPEG4).rename(tmp_path / "v.mjpg")
    frames, _ = choose_decoder().read(str(path), [4])
    assert number_of(frames[0]) == 4


def test_subtitles_may_outlast_the_video(tmp_path):
    path = subtitled(encode(tmp_path / "v.mp4", count=30), tmp_path / "v.mkv", 0.2, 9.0)
    frames, _ = choose_decoder().read(str(path), lambda count: range(count))
    assert numbers(frames) == list(range(30))
