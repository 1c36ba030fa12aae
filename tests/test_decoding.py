"""The frames read are the frames asked for: stamped videos in many codecs, damaged files, frame folders."""

import multiprocessing
import pickle
import subprocess
import sys

import numpy as np
import pytest
from media import (
    KINDS,
    cut,
    encode,
    encode_kind,
    frame_folder,
    mistitled,
    number_of,
    numbers,
    remux,
    stamped,
)
from PIL import Image

from dferbench.data.decoders import DECODERS, choose_decoder
from dferbench.errors import ConfigError, UnknownName, VideoError

VIDEO_DECODERS = ("auto", "decord", "pyav")
DECORD_CANNOT = ("transport.ts", "mpeg2-transport.ts", "mpeg2-program.mpg")
# kind, name of the copy, packets left out, frames that cannot be shown, the first frame that can
CUT_OUT = [("h264-open-gop.mp4", "piece.mkv", 17, 3, 20), ("mpeg4-b-frames.avi", "piece.avi", 10, 2, 12)]


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    folder = tmp_path_factory.mktemp("media")
    for name in KINDS:
        encode_kind(folder, name)
    return folder


def read(path, choose, name="auto"):
    return choose_decoder(name).read(str(path), choose)


def count_of(name):
    return KINDS[name].get("count", 70)


# --- every frame, by every decoder -------------------------------------------------------------------------


@pytest.mark.parametrize("decoder", VIDEO_DECODERS)
@pytest.mark.parametrize("name", KINDS)
def test_the_frames_read_are_the_frames_asked_for(media, name, decoder):
    if decoder == "decord" and name in DECORD_CANNOT:
        with pytest.raises(VideoError, match="decord"):
            read(media / name, [0], decoder)
        return
    count = count_of(name)
    rng = np.random.default_rng(0)
    for wanted in (list(range(count)), rng.integers(0, count, 40).tolist(), [count - 1], [count - 1, 0, 0]):
        told = []
        frames, used = read(media / name, lambda n, w=wanted, told=told: told.append(n) or w, decoder)
        assert numbers(frames) == wanted
        assert told[-1] == count
        assert frames.dtype == np.uint8
        width, height = KINDS[name].get("size", (96, 64))
        assert frames.shape == (len(wanted), height, width, 3)
        assert used == ("pyav" if decoder == "auto" else decoder)


@pytest.mark.parametrize("name", ["h264-open-gop.mp4", "mpeg4-b-frames.avi", "wmv2.wmv"])
def test_these_videos_would_expose_a_reader_that_seeks(media, name):
    import decord

    video = decord.VideoReader(str(media / name), num_threads=1)
    wanted = [68, 3, 41, 22, 57, 35, 11, 49, 64, 30]
    assert numbers(video.get_batch(wanted).asnumpy()) != wanted


@pytest.mark.parametrize("name", ["h264-b-frames.mp4", "vp9.webm", "mpeg4-b-frames.avi", "nine-frames.mp4"])
def test_decoders_agree_on_pixels(media, name):
    wanted = list(range(count_of(name)))
    decord, _ = read(media / name, wanted, "decord")
    pyav, _ = read(media / name, wanted, "pyav")
    assert np.array_equal(decord, pyav)


@pytest.mark.parametrize("width", [16, 24, 48, 56, 72])
def test_narrow_videos_are_rgb(tmp_path, width):
    path = encode(tmp_path / "narrow.mp4", count=3, size=(width, 64))
    frames, _ = read(path, [0, 1, 2])
    assert frames.shape == (3, 64, width, 3)
    try:
        right, _ = read(path, [0, 1, 2], "decord")
    except VideoError as error:
        assert "not RGB" in error.reason
    else:
        assert np.array_equal(frames, right)


def test_colours_are_rgb(media):
    frames, _ = read(media / "h264-plain.mp4", [0])
    error = np.abs(frames[0].astype(int) - stamped(0).astype(int)).mean(axis=(0, 1))
    swapped = np.abs(frames[0][..., ::-1].astype(int) - stamped(0).astype(int)).mean()
    assert error.max() < 25
    assert swapped > 2 * error.max()


@pytest.mark.parametrize("turn", [90, 180, -90])
def test_rotation_is_applied_alike(media, tmp_path, turn):
    path = remux(media / "h264-plain.mp4", tmp_path / "turned.mp4", turn=turn)
    pyav, _ = read(path, [0, 30], "pyav")
    auto, used = read(path, [0, 30])
    plain, _ = read(media / "h264-plain.mp4", [0, 30])
    assert used == "pyav" and np.array_equal(pyav, auto)
    with pytest.raises(VideoError, match="decord does not turn"):
        read(path, [0], "decord")
    assert np.array_equal(pyav, np.rot90(plain, turn // 90, axes=(1, 2)))


def test_frames_hidden_by_an_edit_list_are_not_counted(media, tmp_path):
    path = remux(media / "h264-b-frames.mp4", tmp_path / "edited.mp4", hide=23)
    frames, used = read(path, lambda count: range(count))
    assert used == "pyav"
    assert numbers(frames) == list(range(23, 70))
    with pytest.raises(VideoError, match="how many frames"):
        read(path, [0], "decord")


@pytest.mark.parametrize(("kind", "name", "skip", "lost", "first"), CUT_OUT)
def test_a_piece_cut_out_of_an_open_group_of_pictures(media, tmp_path, kind, name, skip, lost, first):
    """Its first frames refer to what was cut away and cannot be shown: fewer frames than packets."""
    path = remux(media / kind, tmp_path / name, skip=skip)
    told = []
    frames, used = read(path, lambda count: told.append(count) or range(count))
    assert numbers(frames) == list(range(first, 70))
    assert told == [70 - skip, 70 - skip - lost]
    assert used == "pyav"
    with pytest.raises(VideoError, match="how many frames"):
        read(path, [0], "decord")
    with pytest.raises(IndexError):
        read(path, [69 - skip], "pyav")


@pytest.mark.parametrize("decoder", VIDEO_DECODERS)
@pytest.mark.parametrize("name", ["h264-plain.mp4", "odd-size.mkv"])
def test_titles_that_are_no_utf8_are_not_in_the_way(media, tmp_path, name, decoder):
    """PyAV up to 18 stops at them unless it is told not to; 19 no longer knows the word for it."""
    path = mistitled(media / name, tmp_path / name)
    frames, _ = read(path, lambda count: range(count), decoder)
    assert numbers(frames) == list(range(70))


@pytest.mark.parametrize("decoder", VIDEO_DECODERS)
@pytest.mark.parametrize("wanted", [[70], [-1]])
def test_a_frame_beyond_the_video_is_a_bug_of_the_caller(media, decoder, wanted):
    with pytest.raises(IndexError, match="70"):
        read(media / "h264-plain.mp4", wanted, decoder)


# --- folders of frame images -------------------------------------------------------------------------------


def test_folder_in_natural_order(tmp_path):
    names = ["frame1.png", "frame2.PNG", "frame3.bmp", "Frame10.png", "frame11.png", "frame100.png"]
    folder = frame_folder(tmp_path / "v", names)
    frames, used = read(folder, lambda count: range(count))
    assert used == "folder"
    assert numbers(frames) == [0, 1, 2, 3, 4, 5]
    assert np.array_equal(frames[3], stamped(3))


def test_folder_ignores_what_is_no_image(tmp_path):
    folder = frame_folder(tmp_path / "v", ["2.png", "10.png"])
    for name in ("Thumbs.db", "._2.png", "notes.txt", "1.png.tmp"):
        (folder / name).write_bytes(b"x")
    (folder / "0.png").mkdir()
    frames, _ = read(folder, lambda count: range(count))
    assert numbers(frames) == [0, 1]


def test_folder_choice_with_repeats_in_any_order(tmp_path):
    folder = frame_folder(tmp_path / "v", [f"{i}.png" for i in range(12)])
    frames, _ = read(folder, [11, 0, 11, 5])
    assert frames.shape == (4, 64, 96, 3)
    assert numbers(frames) == [11, 0, 11, 5]
    with pytest.raises(IndexError, match="12"):
        read(folder, [12])


def test_folder_of_mixed_sizes_is_a_list(tmp_path):
    folder = frame_folder(tmp_path / "v", ["1.png"])
    frame_folder(folder, ["2.png"], size=(120, 80))
    frames, _ = read(folder, [1, 0])
    assert [frame.shape for frame in frames] == [(80, 120, 3), (64, 96, 3)]


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1"])
def test_folder_images_of_any_mode_become_rgb(tmp_path, mode):
    image = Image.fromarray(stamped(5)).convert(mode)
    image.save(tmp_path / "1.tif")
    frames, _ = read(tmp_path, [0])
    assert frames.shape == (1, 64, 96, 3)
    assert np.array_equal(frames[0], np.asarray(image.convert("RGB")))
    assert number_of(frames[0]) == 5


def test_frames_are_turned_as_their_exif_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(stamped(9)).save(tmp_path / "1.jpg", exif=exif, quality=95)
    frames, _ = read(tmp_path, [0])
    assert frames.shape == (1, 96, 64, 3)
    assert number_of(np.rot90(frames[0])) == 9


def test_folder_is_listed_once(tmp_path):
    """A folder on a network disk has hundreds of entries, and is read every epoch."""
    folder = frame_folder(tmp_path / "v", ["1.png", "2.png"])
    decoder = choose_decoder()
    decoder.read(str(folder), [0])
    frame_folder(folder, ["0.png"])
    frames, _ = decoder.read(str(folder), lambda count: range(count))
    assert len(frames) == 2


def test_empty_folder(tmp_path):
    with pytest.raises(VideoError, match="no images"):
        read(tmp_path, [0])


def test_broken_image_is_named(tmp_path):
    folder = frame_folder(tmp_path / "v", ["1.png", "2.jpg", "3.png"])
    cut(folder / "2.jpg", folder / "2.jpg", 0.5)
    with pytest.raises(VideoError, match=r"2\.jpg"):
        read(folder, [0, 1])
    (folder / "3.png").write_bytes(b"no image at all")
    with pytest.raises(VideoError, match=r"3\.png"):
        read(folder, [2])
    assert numbers(read(folder, [0])[0]) == [0]


# --- the choice of a decoder -------------------------------------------------------------------------------


def test_unknown_decoder_gets_the_nearest_names():
    with pytest.raises(UnknownName, match="decrd") as caught:
        choose_decoder("decrd")
    assert "decord" in caught.value.hint


def test_a_plugin_brings_its_own_decoder(media):
    blank = np.zeros((1, 4, 4, 3), np.uint8)
    builds = {**DECODERS, "blank": lambda: lambda path, choose: blank}
    frames, used = choose_decoder("blank", builds).read(str(media / "vp9.webm"), [0])
    assert used == "blank"
    assert frames is blank


def test_decord_by_name_where_it_is_not_installed(monkeypatch):
    """As on ARM and macOS: the name is an error with a way out."""
    monkeypatch.setitem(sys.modules, "decord", None)
    with pytest.raises(ConfigError, match="not installed") as caught:
        DECODERS["decord"]()
    assert "auto" in caught.value.hint


def test_a_decoder_travels_to_other_processes():
    decoder = choose_decoder("auto")
    assert pickle.loads(pickle.dumps(decoder)) == decoder


def test_declaring_decoders_imports_nothing_heavy():
    code = (
        "import sys, dferbench.data.decoders\n"
        "print([m for m in ('torch', 'av', 'decord', 'numpy', 'PIL') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def _first_frame(path, found):
    found.put(read(path, [0], "pyav")[0].shape)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_forked_process_reads_after_its_parent_did(media):
    """Readers of training are forked from a process that may have read a video itself."""
    path = media / "h264-plain.mp4"
    fork = multiprocessing.get_context("fork")
    found, shape = fork.Queue(), read(path, [0], "pyav")[0].shape
    child = fork.Process(target=_first_frame, args=(path, found))
    child.start()
    child.join(60)
    alive = child.is_alive()
    child.kill()
    assert not alive and found.get(timeout=10) == shape
