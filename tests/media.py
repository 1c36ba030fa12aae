"""Real media for tests: videos whose every frame carries its own number as a pattern of light and dark."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

BITS = 10
COLUMNS = 5
"""The number's bits lie in two rows of five squares at the top left."""
SIDE = 16


def stamped(number: int, width: int = 96, height: int = 64) -> np.ndarray:
    """(H, W, 3) uint8: frame `number`, drifting colours behind its stamp of 80 x 32 pixels."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin((x * (c + 1) + y * 2 + number * (5 + c)) / 11) for c in range(3)]
    frame = (127.5 + 90 * np.stack(waves, -1)).astype(np.uint8)
    for bit in range(BITS):
        top, left = _corner(bit)
        frame[top : top + SIDE, left : left + SIDE] = 235 if number >> bit & 1 else 20
    return frame


def number_of(frame: np.ndarray) -> int:
    """The number that a frame's stamp shows. Raises ValueError if the stamp cannot be read."""
    number = 0
    for bit in range(BITS):
        top, left = _corner(bit)
        light = float(frame[top + 4 : top + SIDE - 4, left + 4 : left + SIDE - 4].mean())
        if 90 < light < 165:
            raise ValueError(f"bit {bit} is neither light nor dark: {light:.0f}")
        number |= (light > 127) << bit
    return number


def numbers(frames: Iterable[np.ndarray]) -> list[int]:
    """The stamps of several frames."""
    return [number_of(frame) for frame in frames]


def _corner(bit: int) -> tuple[int, int]:
    return bit // COLUMNS * SIDE, bit % COLUMNS * SIDE


KINDS: dict[str, dict[str, Any]] = {
    "h264-plain.mp4": {"codec": "libx264", "options": {"bf": "0"}},
    "h264-b-frames.mp4": {"codec": "libx264", "options": {"bf": "3", "x264-params": "b-adapt=0"}},
    "h264-open-gop.mp4": {
        "codec": "libx264",
        "options": {"x264-params": "open-gop=1:keyint=20:min-keyint=20:bframes=3:b-adapt=0:scenecut=0"},
    },
    "mpeg4-b-frames.avi": {"codec": "mpeg4", "options": {"bf": "2", "g": "12", "qscale": "3"}},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}},
    "wmv2.wmv": {"codec": "wmv2", "options": {"g": "12"}, "bit_rate": 2_000_000},
    "variable-rate.mp4": {"codec": "libx264", "options": {"bf": "2"}, "gaps": (1, 4, 2, 9, 1, 3)},
    "odd-size.mkv": {"codec": "libx264", "pix_fmt": "yuv444p", "size": (101, 75)},
    "odd-size.webm": {"codec": "libvpx-vp9", "size": (97, 67), "options": {"deadline": "realtime"}},
    "mjpeg.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "transport.ts": {"codec": "libx264", "options": {"bf": "2"}},
    "mpeg2-transport.ts": {"codec": "mpeg2video", "options": {"g": "12", "bf": "2"}, "bit_rate": 3_000_000},
    "mpeg2-program.mpg": {"codec": "mpeg2video", "options": {"g": "12"}, "bit_rate": 3_000_000},
    "mpeg2.mkv": {"codec": "mpeg2video", "options": {"g": "12"}, "bit_rate": 3_000_000},
    "h264.flv": {"codec": "libx264", "options": {"bf": "2"}},
    "one-frame.mp4": {"codec": "libx264", "count": 1},
    "nine-frames.mp4": {"codec": "libx264", "count": 9, "options": {"bf": "3"}},
}
"""File name -> how `encode` writes it; 70 frames unless it says otherwise."""


def encode(
    path: Path,
    codec: str = "libx264",
    count: int = 70,
    size: tuple[int, int] = (96, 64),
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    gaps: Sequence[int] = (1,),
    bit_rate: int | None = None,
    pixel: Fraction | None = None,
    matrix: Sequence[int] | None = None,
    transfer: int | None = None,
) -> Path:
    """Write a stamped video of `count` frames of `size` (width, height), `gaps` ticks apart in turn.

    `pixel` is the sample aspect ratio, `matrix` the display matrix (a b u, c d v, x y w), `transfer` the
    number of the transfer characteristic.
    """
    with av.open(str(path), "w") as container:
        # x264's weighted prediction writes other bytes each time; ultrafast does without it. Tests that
        # damage bytes need the same ones.
        reproducible = {"preset": "ultrafast"} if codec == "libx264" else {}
        stream = container.add_stream(codec, rate=25, options={**reproducible, **(options or {})})
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt
        stream.codec_context.thread_count = 1
        if bit_rate:
            stream.bit_rate = bit_rate
        if pixel:
            stream.codec_context.sample_aspect_ratio = pixel
        if transfer:
            stream.codec_context.color_trc = transfer
        if matrix:
            stream.set_display_matrix(matrix)
        base = Fraction(1, 25) if len(gaps) == 1 else Fraction(1, 100)
        stream.codec_context.time_base = base
        time = 0
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(stamped(number, *size), "rgb24")
            frame.pts, frame.time_base = time, base
            time += gaps[number % len(gaps)]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def encode_kind(folder: Path, name: str) -> Path:
    """Write one of `KINDS` into `folder`."""
    return encode(folder / name, **KINDS[name])


def remux(
    source: Path,
    path: Path,
    turn: int = 0,
    hide: int = 0,
    skip: int = 0,
    options: dict[str, str] | None = None,
) -> Path:
    """Copy a video without encoding it again.

    `turn` marks an MP4 as rotated by so many degrees counter-clockwise; `hide` shifts the first frames before
    time zero, where an edit list hides them; `skip` leaves out the first packets.
    """
    with av.open(str(source)) as read, av.open(str(path), "w", options=options or {}) as write:
        stream = read.streams.video[0]
        copy = write.add_stream_from_template(stream)
        shift = int(hide / 25 / stream.time_base)
        for number, packet in enumerate(read.demux(stream)):
            if packet.dts is None or number < skip:
                continue
            packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, copy
            write.mux(packet)
    if turn:
        _turn(path, turn)
    return path


def subtitled(source: Path, path: Path, start: float, end: float) -> Path:
    """Copy a video into a Matroska file with one subtitle from and to so many seconds."""
    script = path.with_suffix(".srt")
    times = [f"00:00:{seconds:06.3f}".replace(".", ",") for seconds in (start, end)]
    script.write_text(f"1\n{' --> '.join(times)}\nwhat is said\n")
    with av.open(str(source)) as video, av.open(str(script)) as text, av.open(str(path), "w") as write:
        streams = [video.streams.video[0], text.streams.subtitles[0]]
        copies = [write.add_stream_from_template(stream) for stream in streams]
        for read, stream, copy in zip((video, text), streams, copies, strict=True):
            for packet in read.demux(stream):
                if packet.dts is not None:
                    packet.stream = copy
                    write.mux(packet)
    return path


def _turn(path: Path, degrees: int) -> None:
    """Mark an MP4 as rotated, in the matrix of its track's header: not every PyAV can write that."""
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 44
    cos, sin = {90: (0, 1), 180: (-1, 0), -90: (0, -1)}[degrees]
    one = 1 << 16
    data[start : start + 20] = struct.pack(">5i", cos * one, -sin * one, 0, sin * one, cos * one)
    path.write_bytes(data)


def cut(source: Path, path: Path, share: float) -> Path:
    """The first `share` of a file's bytes."""
    data = source.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def holed(source: Path, path: Path, start: float, stop: float) -> Path:
    """A file whose bytes between two shares of its length are zero."""
    data = bytearray(source.read_bytes())
    first, last = int(len(data) * start), int(len(data) * stop)
    data[first:last] = bytes(last - first)
    path.write_bytes(data)
    return path


def mistitled(source: Path, path: Path) -> Path:
    """A copy whose title and whose stream's handler are no UTF-8, as old cameras and editors write them."""
    with av.open(str(source)) as read, av.open(str(path), "w") as write:
        stream = read.streams.video[0]
        copy = write.add_stream_from_template(stream)
        write.metadata["title"], copy.metadata["handler_name"] = "TITLE-HERE", "HANDLER-HERE"
        for packet in read.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                write.mux(packet)
    data = path.read_bytes()
    assert b"TITLE-HERE" in data and b"HANDLER-HERE" in data
    path.write_bytes(
        data.replace(b"TITLE-HERE", b"caf\xe9 \xff\xfe!!!").replace(b"HANDLER-HERE", b"\xc3\x28" * 6)
    )
    return path


def audio_only(path: Path) -> Path:
    """A second of a tone, without any picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        tone = (0.3 * np.sin(np.arange(44100) / 20)).astype(np.float32)[None]
        frame = av.AudioFrame.from_ndarray(tone, "fltp", "mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def frame_folder(folder: Path, names: Sequence[str], size: tuple[int, int] = (96, 64)) -> Path:
    """Frame images under the given names, stamped 0, 1, ... in the order of the list."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        Image.fromarray(stamped(number, *size)).save(folder / name)
    return folder
