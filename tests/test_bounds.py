"""Nothing takes the memory or time that a file merely states: it is refused in words before."""

import json
import os
import re
import resource
import socket
import struct
import subprocess
import sys
import time
import zlib

import numpy as np
import pytest
import safetensors.torch
import torch
from media import encode

from dferbench import spec
from dferbench.data.decoders import choose_decoder, stream
from dferbench.documents import from_toml, read_text
from dferbench.errors import ConfigError, DataError, VideoError
from dferbench.models.bounded import Bounded
from dferbench.models.freezing import matches

SECONDS = 60
"""Far more than any refusal takes on a busy machine, far less than what would not be refused."""


def peak():
    """The most memory that this process has had, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "linux" else 1e9)


# --- videos and images -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    return encode(tmp_path_factory.mktemp("large") / "large.mp4", count=2, size=(8192, 8192))


@pytest.mark.heavy
def test_a_frame_larger_than_8k_is_not_decoded(large):
    before = peak()
    for read in (lambda: choose_decoder().read(str(large), [0]), lambda: next(iter(stream(str(large))))):
        with pytest.raises(VideoError, match="8192 x 8192 pixels are larger than those of 8K video"):
            read()
    assert peak() - before < 0.5


def png(path, width, height):
    """A PNG of a few hundred kilobytes whatever its size: rows of zeros."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + 3 * width)) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))


def test_images_are_bounded_too(tmp_path):
    png(tmp_path / "1.png", 6001, 6000)
    with pytest.raises(VideoError, match="6001 x 6000 pixels are larger"):
        choose_decoder().read(str(tmp_path), [0])


def test_the_frames_of_a_video_are_bounded_together(tmp_path):
    png(tmp_path / "1.png", 4000, 4000)
    frames, _ = choose_decoder().read(str(tmp_path), [0])
    assert frames.shape == (1, 4000, 4000, 3)
    with pytest.raises(VideoError, match=r"17 frames of 4000 x 4000 pixels would take 0\.8 GB"):
        choose_decoder().read(str(tmp_path), [0] * 17)


def test_a_file_of_gigabytes_is_no_frame(tmp_path):
    with (tmp_path / "1.png").open("wb") as file:
        file.truncate(1 << 34)
    with pytest.raises(VideoError, match="larger than 256 MiB"):
        choose_decoder().read(str(tmp_path), [0])


def test_frames_are_not_held_twice(tmp_path):
    """The arrangement lets each frame go once it has its place."""
    from dferbench.data.decoders.frames import arrange

    found = {number: np.full((8, 8, 3), number, np.uint8) for number in (2, 5)}
    assert arrange(found, [5, 2, 5])[:, 0, 0, 0].tolist() == [5, 2, 5]
    assert not found


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("name", ["x.mp4", "x.webp", "x.gif"])
def test_a_pipe_is_no_video(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(VideoError, match="it is not a file"):
        choose_decoder().read(str(tmp_path / name), [0])
    with pytest.raises(VideoError, match="it is not a file"):
        next(iter(stream(str(tmp_path / name))))


# --- text --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["-" * 100_000, "-" * 15_000 + "1", "not " * 4000 + "1", "1" + "+1" * 9000])
def test_a_value_is_not_nested_without_end(text):
    """How deep Python's parser goes differs between versions; what it says is no literal is a bare word."""
    try:
        assert spec.value(text) == text
        assert spec.parse(f"name(option={text})") == [spec.Call("name", (), {"option": text.strip()})]
    except ConfigError as error:
        assert re.search(r"nested too deeply|characters, more than 20,000", error.message)


@pytest.mark.parametrize("text", ["-" * 100_000, "-" * 15_000 + "1"])
def test_what_no_parser_follows_is_refused(text):
    with pytest.raises(ConfigError, match=r"nested too deeply|characters, more than 20,000"):
        spec.value(text)
    with pytest.raises(ConfigError):
        spec.parse(f"name(option={text})")


@pytest.mark.parametrize(
    "text", ["(" * 15_000, "a(" * 9000, "[" * 100_000, "a" + " " * 9_000 + "!", "'" * 999]
)
def test_a_spec_of_brackets_ends_in_words(text):
    begun = time.monotonic()
    with pytest.raises(ConfigError) as caught:
        spec.parse(text)
    assert len(caught.value.message) < 300 and time.monotonic() - begun < SECONDS


def test_values_of_every_day_are_read_as_before():
    assert spec.value("-1") == -1 and spec.value("[[1, 2], [3]]") == [[1, 2], [3]]
    assert spec.parse(" a( 1, b = -2.5 ) | c ") == [spec.Call("a", (1,), {"b": -2.5}), spec.Call("c")]
    names = [f"class-{i}" for i in range(500)]
    assert spec.parse_one(f"folder(classes={names!r})").options["classes"] == names


@pytest.mark.parametrize(
    "text",
    ["a = " + "[" * 100_000, "a = " + "{a=" * 9000, "a." * 500 + "b = 1", "a = " + "[" * 60 + "]" * 60],
)
def test_toml_is_not_nested_without_end(text):
    with pytest.raises(ValueError):
        from_toml(text)


def test_toml_of_every_day_is_read():
    assert from_toml('a = [1, {b = "c"}]\n[d.e]\nf = 1.5') == {"a": [1, {"b": "c"}], "d": {"e": {"f": 1.5}}}


def test_a_document_is_a_regular_file_of_a_size(tmp_path):
    (tmp_path / "text.toml").write_text("\ufeffa = 1", encoding="utf-8")
    assert read_text(tmp_path / "text.toml") == "a = 1"
    (tmp_path / "large").write_bytes(bytes(1 << 20))
    with pytest.raises(OSError, match="larger than 0 MiB"):
        read_text(tmp_path / "large", 100)
    for odd in (tmp_path, "/dev/zero"):
        with pytest.raises(OSError, match=r"folder|pipe|directory"):
            read_text(type(tmp_path)(odd))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize(
    "words",
    [["table", "x.toml"], ["bench", "x.toml"], ["data", "verify", "list(path=x.toml)", "--root", "."],
     ["predict", "v.mp4", "-c", "x.toml"], ["evaluate", "x.toml", "-d", "synthetic"],
     ["predict", "x.toml", "-c", "x.toml"], ["import", "x.toml", "-m", "dfer-clip", "-o", "y"]],
)  # fmt: skip
def test_no_command_waits_for_a_pipe(in_process, tmp_path, words):
    os.mkfifo(tmp_path / "x.toml")
    done = in_process(*words)
    assert done.returncode in (2, 3, 4) and "Traceback" not in done.stderr


# --- patterns ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", [r"(a|aa)+", r"(a|a)+", "(" * 5000, "a" * 1001])
def test_a_pattern_cannot_take_for_ever(pattern):
    begun = time.monotonic()
    with pytest.raises(ConfigError, match=r"stage 'x'"):
        matches(pattern, "a" * 60 + "!", "stage 'x'")
    assert time.monotonic() - begun < SECONDS


@pytest.mark.parametrize("pattern", [r"(a+)+b", r"(\w+\w+)+\.x", r"(.*a){12}b"])
def test_patterns_on_which_python_hangs_are_no_trouble(pattern):
    begun = time.monotonic()
    assert not matches(pattern, "a" * 60, "stage 'x'")
    assert time.monotonic() - begun < SECONDS


def test_patterns_match_as_those_of_python():
    for pattern, name, fits in [
        (r"head\..*", "head.weight", True), (r"(temporal\..*)?", "", True), (r"(?!c).*", "c.x", False),
        (r"blocks\.[0-3]\..+", "blocks.2.w", True), (".*", "any.thing", True), ("head", "head.weight", False),
    ]:  # fmt: skip
        assert matches(pattern, name, "here") is fits


# --- checkpoints -------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_model_is_bounded_before_its_memory_is_taken():
    before = peak()
    for make in (
        lambda: torch.nn.Linear(10**6, 10**6),
        lambda: torch.ones(10**11),
        lambda: [torch.nn.Linear(1, 1) for _ in range(10**6)],
        lambda: [torch.nn.Linear(1000, 1000) for _ in range(1000)],
    ):
        with pytest.raises(DataError, match="states a model that would take"), Bounded(10**8, "file"):
            make()
    assert peak() - before < 0.5
    with Bounded(10**6, "file"):
        torch.manual_seed(0)
        inside = torch.nn.Linear(8, 8).weight
    torch.manual_seed(0)
    assert torch.equal(inside, torch.nn.Linear(8, 8).weight)


# --- the hub -----------------------------------------------------------------------------------------------

FETCH = """
import time
from dferbench_methods.clip_backbones.towers import download
from dferbench.errors import DataError
begun = time.monotonic()
try: download("clip-vit-b32")
except DataError as error: print(round(time.monotonic() - begun), error.message)
"""


@pytest.mark.heavy
@pytest.mark.parametrize("how", ["endpoint", "proxy", "nobody"])
def test_a_hub_that_does_not_answer_is_told_soon(tmp_path, how):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        more = {
            "endpoint": {"HF_ENDPOINT": address},
            "proxy": {"HTTPS_PROXY": address, "HTTP_PROXY": address, "https_proxy": address},
            "nobody": {"HF_ENDPOINT": "http://127.0.0.1:9"},
        }[how]
        env = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "0", "NO_PROXY": "", **more}
        done = subprocess.run(
            [sys.executable, "-c", FETCH], capture_output=True, text=True, env=env, timeout=300
        )
    seconds, message = done.stdout.split(" ", 1)
    assert message.startswith("the weights of clip-vit-b32 are not on this machine, and the hub gave none")
    assert int(seconds) < SECONDS


# --- headers -----------------------------------------------------------------------------------------------


def header(**changes):
    return {
        "schema": 2, "method": "zero-shot-clip", "options": {}, "classes": ["a", "b"], "input": {}, **changes,
    }  # fmt: skip


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "null", "[]", '{"schema": 1, "view": 5}'])
def test_a_header_that_is_none_ends_in_words(tmp_path, in_process, text):
    safetensors.torch.save_file({"w": torch.zeros(1)}, tmp_path / "x.safetensors", {"dferbench": text})
    done = in_process("predict", "v.mp4", "-c", "x.safetensors")
    assert done.returncode in (3, 4) and "Traceback" not in done.stderr and "header" in done.stderr
    assert json.dumps(done.stderr)
