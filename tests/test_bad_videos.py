"""Files that are no videos, are damaged, are called like addresses or name others: refused, with causes."""

import socket
import subprocess
import sys

import pytest
from media import KINDS, audio_only, cut, encode_kind, holed, numbers, remux, stamped
from PIL import Image

from dferbench.data.decoders import choose_decoder
from dferbench.errors import VideoError

VIDEO_DECODERS = ("auto", "decord", "pyav")


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    folder = tmp_path_factory.mktemp("media")
    for name in KINDS:
        encode_kind(folder, name)
    # The index in front, as on the web: only then is a truncated file still recognised as a video.
    remux(folder / "h264-b-frames.mp4", folder / "index-first.mp4", options={"movflags": "faststart"})
    return folder


def read(path, choose, name="auto"):
    return choose_decoder(name).read(str(path), choose)


def missing(media, folder):
    return folder / "nowhere.mp4"


def empty(media, folder):
    (folder / "empty.mp4").touch()
    return folder / "empty.mp4"


def text(media, folder):
    (folder / "text.mp4").write_text("this is not a video\n" * 200)
    return folder / "text.mp4"


def picture(media, folder):
    Image.fromarray(stamped(0)).save(folder / "picture.png")
    return (folder / "picture.png").rename(folder / "picture.mp4")


def sound(media, folder):
    return audio_only(folder / "sound.mp4")


def no_index(media, folder):
    return cut(media / "h264-open-gop.mp4", folder / "no-index.mp4", 0.6)


def truncated_mp4(media, folder):
    return cut(media / "index-first.mp4", folder / "truncated.mp4", 0.6)


def barely_truncated_mp4(media, folder):
    return cut(media / "index-first.mp4", folder / "truncated.mp4", 0.97)


def truncated_avi(media, folder):
    return cut(media / "mpeg4-b-frames.avi", folder / "truncated.avi", 0.6)


def truncated_webm(media, folder):
    return cut(media / "vp9.webm", folder / "truncated.webm", 0.6)


def truncated_mkv(media, folder):
    return cut(media / "odd-size.mkv", folder / "truncated.mkv", 0.6)


def truncated_wmv(media, folder):
    return cut(media / "wmv2.wmv", folder / "truncated.wmv", 0.6)


def hole_mp4(media, folder):
    return holed(media / "index-first.mp4", folder / "hole.mp4", 0.5, 0.6)


def hole_avi(media, folder):
    return holed(media / "mpeg4-b-frames.avi", folder / "hole.avi", 0.5, 0.6)


def hole_webm(media, folder):
    return holed(media / "vp9.webm", folder / "hole.webm", 0.5, 0.6)


def zero_tail(media, folder):
    return holed(media / "wmv2.wmv", folder / "tail.wmv", 0.8, 1.0)


BAD = {
    missing: "no such file",
    empty: "empty",
    text: "cannot be read as a video",
    picture: "single image",
    sound: "no video stream",
    no_index: "cannot be read as a video",
    truncated_mp4: "cut short",
    barely_truncated_mp4: "cut short",
    truncated_avi: "cut short|damaged",
    truncated_webm: "cut short",
    truncated_mkv: "cut short|damaged",
    truncated_wmv: "cut short|damaged",
    hole_mp4: "damaged",
    hole_avi: "cut short|damaged",
    hole_webm: "cut short|damaged",
    zero_tail: "cut short|damaged",
}


@pytest.mark.parametrize("decoder", ["auto", "pyav"])
@pytest.mark.parametrize(("make", "reason"), BAD.items(), ids=[make.__name__ for make in BAD])
def test_a_bad_file_is_named_with_its_cause(media, tmp_path, make, reason, decoder):
    path = make(media, tmp_path)
    with pytest.raises(VideoError, match=reason) as caught:
        read(path, [0], decoder)
    assert caught.value.path == str(path)
    assert len(str(caught.value).splitlines()) == 1
    assert caught.value.hint


@pytest.mark.parametrize("make", BAD, ids=[make.__name__ for make in BAD])
def test_decord_alone_takes_no_bad_file_for_good(media, tmp_path, make):
    with pytest.raises(VideoError):
        read(make(media, tmp_path), [0], "decord")


def test_damage_after_the_chosen_frames_counts_too(media, tmp_path):
    """Else a video would fail in the epoch that happens to draw a late frame, and pass in the others."""
    path = holed(media / "index-first.mp4", tmp_path / "late.mp4", 0.9, 0.93)
    for decoder in VIDEO_DECODERS:
        with pytest.raises(VideoError):
            read(path, [0, 1], decoder)


def test_damage_within_a_picture_is_damage(media, tmp_path):
    """decord shows it as players do: the numbering still holds, the pixels are not those of the video."""
    path = holed(media / "index-first.mp4", tmp_path / "speck.mp4", 0.8, 0.803)
    frames, _ = read(path, lambda count: range(count), "decord")
    assert len(frames) == 70
    with pytest.raises(VideoError, match="damaged"):
        read(path, [0])


def test_damage_prints_nothing(media, tmp_path):
    """FFmpeg's own complaints do not reach the terminal; the error says what there is to say."""
    path = holed(media / "index-first.mp4", tmp_path / "hole.mp4", 0.5, 0.6)
    code = (
        "import sys\n"
        "from dferbench.data.decoders import choose_decoder\n"
        "from dferbench.errors import VideoError\n"
        "try: choose_decoder('auto').read(sys.argv[1], [0])\n"
        "except VideoError: print('caught')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=300
    )
    assert (done.stdout, done.stderr) == ("caught\n", "")


# --- files that are named like addresses, or name others ---------------------------------------------------


@pytest.mark.parametrize("decoder", VIDEO_DECODERS)
def test_a_file_is_never_taken_for_an_address(media, tmp_path, monkeypatch, decoder):
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        host = f"127.0.0.1:{server.getsockname()[1]}"
        for scheme in ("http", "tcp", "cache", "concat", "pipe", "unix"):
            path = tmp_path / f"{scheme}:" / host / "x.mp4"
            path.parent.mkdir(parents=True)
            path.write_bytes((media / "h264-plain.mp4").read_bytes())
            frames, _ = read(f"{scheme}:/{host}/x.mp4", [3], decoder)
            assert numbers(frames) == [3]
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize("decoder", VIDEO_DECODERS)
@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:3,\n{}\n#EXT-X-ENDLIST\n",
        "\ufeff\n#EXTM3U\n{}\n",
        "ffconcat version 1.0\nfile {}\n",
        "<?xml version='1.0'?><MPD><BaseURL>{}</BaseURL></MPD>",
    ],
)
@pytest.mark.parametrize("name", ["x.mp4", "x.ts", "x.m3u8"])
def test_a_playlist_is_no_video(media, tmp_path, name, text, decoder):
    """Not even in front of one: what the text names lies outside the folder."""
    secret = media / "transport.ts"
    (tmp_path / name).write_bytes(text.format(secret).encode() + secret.read_bytes())
    with pytest.raises(VideoError, match="playlist"):
        read(tmp_path / name, [0], decoder)
