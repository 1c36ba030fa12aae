"""Batches of videos: the same whatever reads them, with bad videos as values, and no process left behind."""

import contextlib
import importlib.util
import multiprocessing
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from multiprocessing import resource_sharer
from multiprocessing.reduction import recv_handle
from multiprocessing.resource_sharer import DupFd, _ResourceSharer
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import heed_interrupts
from inputs import build, make_loader
from media import cut, encode, frame_folder, numbers, stamped
from torchvision.transforms import functional as tv

from dferbench.data import readers
from dferbench.data.decoders import choose_decoder, pyav
from dferbench.data.loader import finished
from dferbench.data.normalize import NORMALIZE, to_float
from dferbench.errors import ConfigError, DataError, UnknownName
from dferbench.progress import Progress
from dferbench.types import Input, Video

PLAIN = Input(frames=8, size=64)
CHANGED = Input(frames=8, size=48, augment="jitter(0.5) | rotate(4) | random-sized-crop | flip")


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    found = [encode(folder / f"{i}.mp4", count=12 + 9 * i, size=(96, 64)) for i in range(5)]
    found.append(frame_folder(folder / "frames", [f"{i}.png" for i in range(20)]))
    return [Video(path.stem, str(path), i % 3) for i, path in enumerate(found)]


@pytest.fixture
def with_bad(videos, tmp_path):
    """The third of four cannot be read."""
    bad = cut(Path(videos[4].path), tmp_path / "bad.mp4", 0.5)
    return [videos[0], videos[1], Video("bad", str(bad), 0), videos[5]]


@pytest.fixture
def loader():
    """Builds loaders and closes them after the test."""
    made = []

    def make(videos, input=PLAIN, size=None, training=True, seed=0, **options):
        made.append(make_loader(videos, input, size, training=training, seed=seed, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def by_video(batches):
    """Position in the split -> frames (T, H, W, 3)."""
    return {int(i): frames for b in batches for i, frames in zip(b.index, b.frames, strict=True)}


def same(a, b):
    assert len(a) == len(b)
    for one, other in zip(a, b, strict=True):
        assert torch.equal(one.frames, other.frames)
        assert torch.equal(one.index, other.index)
        assert one.decoders == other.decoders


# --- what is loaded ----------------------------------------------------------------------------------------


def test_a_batch_holds_the_frames_of_the_test_rule(videos, loader):
    input = Input(frames=16, size=64)
    order = [3, 0, 5, 1]
    first, second = loader(videos, input, training=False).batches(order, 3)
    assert first.frames.shape == (3, 16, 64, 64, 3)
    assert first.frames.dtype == torch.uint8
    assert (first.index.tolist(), second.index.tolist()) == (order[:3], order[3:])
    assert first.decoders + second.decoders == Counter(pyav=3, folder=1)
    counts = [int(12 + 9 * i) for i in range(5)] + [20]
    wide = Input(frames=16, size=96)
    for i, frames in by_video(loader(videos, wide, training=False).batches(order, 3)).items():
        n = counts[i]
        tick = n / 16
        wanted = (
            [int(tick / 2 + tick * x) for x in range(16)] if n > 16 else [min(x, n - 1) for x in range(16)]
        )
        # 64 rows became 96: the stamp is read off rows scaled back.
        assert numbers(frames.numpy()[:, (np.arange(64) * 1.5 + 0.5).astype(int)]) == wanted


def test_short_rest_is_kept_or_dropped(videos, loader):
    lengths = [
        [len(b.index) for b in loader(videos).batches(range(5), 2, drop_last=d)] for d in (False, True)
    ]
    assert lengths == [[2, 2, 1], [2, 2]]
    assert list(loader(videos).batches(range(5), 6, drop_last=True)) == []
    assert list(loader(videos).batches([], 2)) == []


def test_a_video_twice_in_the_order_comes_twice(videos, loader):
    (batch,) = loader(videos).batches([1, 1], 2)
    assert batch.index.tolist() == [1, 1]
    assert torch.equal(batch.frames[0], batch.frames[1])


# --- nothing but (seed, epoch, id) decides -----------------------------------------------------------------


@pytest.mark.parametrize("start", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_batches_are_the_same_bytes_with_any_number_of_workers(videos, loader, start):
    alone, helped = loader(videos, CHANGED), loader(videos, CHANGED, workers=2, start=start)
    for epoch in (0, 1):
        same(list(alone.batches(range(6), 2, epoch)), list(helped.batches(range(6), 2, epoch)))


def test_what_is_drawn_depends_on_seed_epoch_and_id_alone(videos, loader):
    plain = by_video(loader(videos, CHANGED, seed=1).batches(range(6), 4, epoch=3))
    shuffled = by_video(loader(videos, CHANGED, seed=1).batches([5, 2, 0, 4, 1, 3], 1, epoch=3))
    assert all(torch.equal(plain[i], shuffled[i]) for i in range(6))
    fewer = by_video(loader(videos[2:], CHANGED, seed=1).batches([0], 1, epoch=3))
    assert torch.equal(fewer[0], plain[2])
    torch.manual_seed(99)
    np.random.seed(99)
    again = by_video(loader(videos, CHANGED, seed=1).batches([2], 1, epoch=3))
    assert torch.equal(again[2], plain[2])


@pytest.mark.parametrize("input", [PLAIN, CHANGED], ids=["sampling", "augmentation"])
def test_epochs_seeds_and_videos_draw_differently(videos, loader, input):
    def one(seed, epoch):
        return by_video(loader(videos, input, seed=seed).batches([4], 1, epoch))[4]

    assert not torch.equal(one(0, 0), one(0, 1))
    assert not torch.equal(one(0, 0), one(1, 0))
    twins = [videos[4], Video("twin", videos[4].path, 0)]
    (batch,) = loader(twins, input).batches([0, 1], 2)
    assert not torch.equal(batch.frames[0], batch.frames[1])


def test_testing_draws_nothing(videos, loader):
    first = list(loader(videos, CHANGED, training=False, seed=0).batches(range(6), 3, epoch=0))
    same(first, list(loader(videos, CHANGED, training=False, seed=1).batches(range(6), 3, epoch=7)))
    plain = Input(frames=8, size=48)
    same(first, list(loader(videos, plain, training=False).batches(range(6), 3)))


def test_what_is_drawn_does_not_depend_on_how_often_a_decoder_asks(videos, loader):
    """PyAV asks again where the packets promise another number of frames than come out."""
    asking = choose_decoder("hasty", {**choose_decoder().builds, "hasty": lambda: _asks_twice})
    twice = list(loader(videos, decoder=asking).batches([0, 3], 2))
    once = list(loader(videos, decoder="pyav").batches([0, 3], 2))
    assert all(torch.equal(a.frames, b.frames) for a, b in zip(twice, once, strict=True))
    assert twice[0].decoders == Counter(hasty=2)


def _asks_twice(path, choose):
    choose(100)
    return pyav.read(path, choose)


@pytest.mark.parametrize(
    ("input", "training", "random"),
    [
        (PLAIN, True, True),
        (PLAIN, False, False),
        (CHANGED, False, False),
        (Input(frames=8, size=64, sample="segments(random=false)"), True, False),
        (Input(frames=8, size=64, sample="uniform(random=false)", augment="flip"), True, True),
    ],
)
def test_a_loader_says_whether_epochs_differ(videos, loader, input, training, random):
    one = loader(videos, input, training=training)
    assert one.random is random
    epochs = [by_video(one.batches(range(6), 6, epoch)) for epoch in range(4)]
    differ = any(not torch.equal(epochs[0][i], later[i]) for later in epochs[1:] for i in range(6))
    assert differ is random


# --- augmentation on the device ----------------------------------------------------------------------------

ON_DEVICE = replace(CHANGED, augment_on="device")


def done(batches, size=48):
    """Position in the split -> frames (T, size, size, 3), with what was left to the device done."""
    return {
        int(i): frames
        for b in batches
        for i, frames in zip(b.index, finished(b, size, "cpu") if len(b.index) else (), strict=True)
    }


def test_the_device_changes_videos_as_the_host_does(videos, loader):
    for epoch in (0, 1):
        host = by_video(loader(videos, CHANGED).batches(range(6), 4, epoch))
        left = list(loader(videos, ON_DEVICE).batches(range(6), 4, epoch))
        assert left[0].frames.shape == (4, 8, 64, 96, 3)
        assert len(left[0].changes) == 4
        device = done(left)
        for i in range(6):
            assert (host[i].int() - device[i].int()).abs().max() <= 2
            assert not torch.equal(host[i], by_video(loader(videos, PLAIN, 48).batches([i], 1, epoch))[i])


@pytest.mark.parametrize("kind", ["videos differ", "frames differ"])
def test_the_device_takes_mixed_sizes(videos, loader, tmp_path, kind):
    folder = frame_folder(tmp_path / "v", [f"{i}.png" for i in range(6)], size=(120, 100))
    if kind == "frames differ":
        frame_folder(folder, ["7.png", "8.png"], size=(96, 70))
    mixed = [videos[0], Video("mixed", str(folder), 0), videos[1]]
    host = by_video(loader(mixed, CHANGED).batches(range(3), 3))
    (left,) = loader(mixed, ON_DEVICE).batches(range(3), 3)
    assert isinstance(left.frames, tuple)
    device = done([left])
    assert all((host[i].int() - device[i].int()).abs().max() <= 2 for i in range(3))
    (helped,) = loader(mixed, ON_DEVICE, workers=1).batches(range(3), 3)
    assert torch.equal(finished(helped, 48, "cpu"), finished(left, 48, "cpu"))


def test_what_the_device_does_depends_on_no_order_worker_or_batch(videos, loader):
    plain = done(loader(videos, ON_DEVICE, seed=1).batches(range(6), 4, epoch=3))
    order = [5, 2, 0, 4, 1, 3]
    shuffled = done(loader(videos, ON_DEVICE, seed=1, workers=2).batches(order, 1, epoch=3))
    assert all(torch.equal(plain[i], shuffled[i]) for i in range(6))


def test_what_is_not_changed_is_finished_by_the_workers(videos, loader):
    """Only augmentation goes to the device: test videos are Pillow's to the byte either way."""
    for input, training in ((ON_DEVICE, False), (replace(ON_DEVICE, augment=""), True)):
        for batch in loader(videos, input, training=training).batches(range(6), 3):
            assert batch.changes is None
    same(
        list(loader(videos, ON_DEVICE, training=False).batches(range(6), 3)),
        list(loader(videos, CHANGED, training=False).batches(range(6), 3)),
    )


def test_bad_videos_do_not_disturb_the_device(with_bad, loader):
    batches = list(loader(with_bad, ON_DEVICE).batches(range(4), 2))
    assert sorted(done(batches)) == [0, 1, 3]
    assert [f.index for b in batches for f in b.failures] == [2]
    (empty,) = loader(with_bad, ON_DEVICE).batches([2], 1)
    assert len(empty.index) == 0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cuda_device_agrees_with_the_host(videos, loader):
    host = by_video(loader(videos, CHANGED).batches(range(6), 6))
    (left,) = loader(videos, ON_DEVICE).batches(range(6), 6)
    for i, frames in zip(left.index, finished(left, 48, "cuda").cpu(), strict=True):
        assert (host[int(i)].int() - frames.int()).abs().max() <= 2


class Interrupts(Progress):
    """Stops the run after its second epoch, as Ctrl-C would."""

    def say(self, text):
        if text.startswith("train 2/"):
            raise KeyboardInterrupt


def test_a_run_with_augmentation_on_the_device_says_so_and_resumes_to_the_same_bits(toy_run, tmp_path):
    sets = {"input.augment": "jitter | rotate | random-sized-crop | flip", "input.augment_on": "device"}
    (one,), whole = toy_run(sets=sets, output=tmp_path / "whole")
    assert one.recipe["input"]["augment_on"] == "device"
    with pytest.raises(KeyboardInterrupt):
        toy_run(sets=sets, output=tmp_path / "stopped", progress=Interrupts())
    toy_run(sets=sets, output=tmp_path / "stopped", workers=2)
    files = [next((tmp_path / d).rglob("predictions.npz")).read_bytes() for d in ("whole", "stopped")]
    assert files[0] == files[1]
    (host,), other = toy_run(sets={**sets, "input.augment_on": "host"}, output=tmp_path / "host")
    assert whole.config_id != other.config_id
    assert host.curve[0].terms["ce"] == pytest.approx(one.curve[0].terms["ce"], rel=0.02)


# --- bad videos and broken workers -------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [0, 1])
def test_bad_videos_are_values(with_bad, loader, workers):
    first, second, third = loader(with_bad, workers=workers).batches([0, 1, 2, 3, 2], 2)
    assert (first.index.tolist(), first.failures) == ([0, 1], ())
    assert second.index.tolist() == [3]
    assert second.frames.shape == (1, 8, 64, 64, 3)
    (failure,) = second.failures
    assert failure.index == 2
    assert failure.error.path == with_bad[2].path
    assert "cannot be read as a video" in failure.error.reason
    assert str(failure.error) == f"{with_bad[2].path}: {failure.error.reason}"
    assert "--skip-bad" in failure.error.hint
    assert third.index.tolist() == []
    assert [f.index for f in third.failures] == [2]
    assert third.decoders == Counter()


def test_batches_left_halfway_do_not_spoil_the_next(videos, loader):
    one = loader(videos, CHANGED, workers=2)
    expected = list(loader(videos, CHANGED).batches(range(6), 2, epoch=5))
    left = one.batches([0, 1, 2, 3, 4, 5] * 3, 1, epoch=2)
    next(left)
    same(list(one.batches(range(6), 2, epoch=5)), expected)
    with pytest.raises(RuntimeError, match="others were asked for"):
        next(left)
    same(list(one.batches(range(6), 2, epoch=5)), expected)


def test_workers_live_on_between_epochs_and_end_with_close(videos, loader):
    one = loader(videos, workers=2)
    before = children()
    list(one.batches(range(6), 2))
    first = children() - before
    left = one.batches(range(6), 1)
    next(left)
    assert len(first) == 2
    assert children() - before == first
    one.close()
    wait_until(lambda: not children() & first)
    one.close()


def test_a_worker_that_dies_is_an_error_that_can_be_fixed(videos, loader):
    """A decoder that crashes, or the kernel that runs out of memory, ends the process without a word."""
    one = loader(videos, workers=1, decoder=choose_decoder("deadly", {"deadly": lambda: _dies}))
    before = children()
    for _ in range(2):
        with pytest.raises(DataError, match=r"reading videos stopped: .* ended with SIGKILL") as caught:
            list(one.batches([0, 1], 1))
        assert "memory" in caught.value.hint and "--workers 0" in caught.value.hint
        assert children() == before


def _dies(path, choose):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_dies_while_it_hands_over_a_batch_is_the_same_error(videos, loader):
    """It announced the batch, nobody is there to give it, and torch has not been told of a death yet."""
    leaving = choose_decoder("leaving", {"leaving": lambda: _leaves})
    one, before = loader(videos, workers=1, decoder=leaving), children()
    with pytest.raises(DataError, match=r"reading videos stopped: .* ended with SIGKILL"):
        list(one.batches([0], 1))
    assert children() == before


def _leaves(path, choose):
    DupFd(sys.stderr.fileno())
    resource_sharer._resource_sharer._address = "/nobody/here"
    threading.Timer(0.5, _dies, (path, choose)).start()
    return pyav.read(path, choose)


@pytest.mark.heavy
def test_a_decoder_that_hangs_is_ended(videos, loader, monkeypatch):
    monkeypatch.setattr("dferbench.data.loader.TIMEOUT", 1)
    stuck = choose_decoder("stuck", {"stuck": lambda: _hangs})
    one, before = loader(videos, workers=1, decoder=stuck), children()
    with pytest.raises(DataError, match="timed out"):
        list(one.batches([0], 1))
    wait_until(lambda: not children() - before)


def _hangs(path, choose):
    time.sleep(1000)


def test_what_a_reader_raises_is_the_fault_of_its_file(videos, loader):
    broken = choose_decoder("broken", {"broken": lambda: _breaks})
    (batch,) = loader(videos[:2], workers=1, decoder=broken).batches([0, 1], 2)
    assert [failure.index for failure in batch.failures] == [0, 1]
    assert "ZeroDivisionError" in batch.failures[0].error.reason


def _breaks(path, choose):
    return 1 // 0


def test_a_bug_in_a_worker_shows_its_traceback(videos, loader, monkeypatch):
    """What chooses the frames is no part of the file."""
    one = loader(videos[:1], workers=1)
    one._videos.sampler = _Breaking()
    with pytest.raises(ZeroDivisionError, match="_breaks"):
        list(one.batches([0], 1))


class _Breaking:
    random = shuffle = False

    def __call__(self, count, frames, rng):
        return _breaks(count, frames)


def test_workers_leave_ctrl_c_to_the_main_process(videos, loader):
    one, before = loader(videos, workers=1), children()
    batches = one.batches(range(6), 1)
    first = next(batches)
    (worker,) = children() - before
    os.kill(worker, signal.SIGINT)
    same([first, *batches], list(loader(videos).batches(range(6), 1)))
    assert children() - before == {worker}


INTERRUPTED = """
import sys
from dferbench.data.loader import VideoLoader
from dferbench.data.pipeline import build_pipeline
from dferbench.registry.catalog import discover
from dferbench.types import Video, Input
if __name__ == "__main__":
    videos = [Video(str(i), sys.argv[1], 0) for i in range(2000)]
    pipeline = build_pipeline(Input(8, 64), discover())
    loader = VideoLoader(videos, pipeline, training=True, seed=0, workers=2)
    try:
        for batch in loader.batches(range(2000), 2):
            print("ready", flush=True)
    except KeyboardInterrupt:
        loader.close()
        print("interrupted", flush=True)
        sys.exit(130)
"""


def test_ctrl_c_leaves_no_traceback_and_no_process(videos, tmp_path):
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED)
    process = subprocess.Popen(
        [sys.executable, str(script), videos[4].path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed_interrupts,
    )
    assert process.stdout.readline() == "ready\n"
    workers = children(process.pid)
    assert len(workers) >= 2
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out.splitlines()[-1] == "interrupted"
    assert err == ""
    wait_until(lambda: not any(map(alive, workers)))


def test_a_parent_that_hangs_up_while_it_takes_a_batch_is_no_traceback(capfd):
    """A parent that is interrupted at this moment does; the reader's thread hands over batches."""

    def read(parent):
        readers.prepare(0)
        parent.send(DupFd(sys.stderr.fileno())._id)
        parent.recv()

    here, there = multiprocessing.Pipe()
    reader = multiprocessing.get_context("fork").Process(target=read, args=(there,))
    reader.start()
    handed = here.recv()
    with socket.socket(socket.AF_UNIX) as interrupted:
        interrupted.connect(handed[0])
    with _ResourceSharer.get_connection(handed) as parent:  # served after the one before
        os.close(recv_handle(parent))
    here.send("the end")
    reader.join(30)
    assert reader.exitcode == 0
    assert capfd.readouterr().err == ""


def children(parent=None):
    """Process ids of the living children of a process."""
    found: set[int] = set()
    for task in Path(f"/proc/{parent or os.getpid()}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError):  # a thread that ended meanwhile
            found.update(map(int, task.read_text().split()))
    return set(filter(alive, found))


def alive(pid):
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def wait_until(holds, seconds=10):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


# --- arrival on the device and the input --------------------------------------------------------------------


@pytest.mark.parametrize("normalize", NORMALIZE)
def test_to_float_equals_torchvision(normalize):
    frames = torch.from_numpy(np.stack([[stamped(i), stamped(i + 1)] for i in range(3)]))
    video = to_float(frames, normalize, "cpu")
    assert video.shape == (3, 2, 3, 64, 96)
    assert video.dtype == torch.float32
    assert video.is_contiguous()
    expected = tv.to_tensor(frames[1, 1].numpy())
    if NORMALIZE[normalize]:
        expected = tv.normalize(expected, *NORMALIZE[normalize])
    assert torch.equal(video[1, 1], expected)


def test_clip_pixels_are_normalised_as_open_clip_does():
    # The file alone: importing open_clip takes seconds.
    (folder,) = importlib.util.find_spec("open_clip").submodule_search_locations
    constants = runpy.run_path(str(Path(folder) / "constants.py"))
    assert NORMALIZE["clip"] == (constants["OPENAI_DATASET_MEAN"], constants["OPENAI_DATASET_STD"])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_batches_arrive_on_the_gpu_alike(videos, loader):
    (batch,) = loader(videos, workers=1).batches(range(6), 6)
    assert batch.frames.is_pinned()
    there = to_float(batch.frames, "clip", "cuda")
    assert torch.allclose(there.cpu(), to_float(batch.frames, "clip", "cpu"), atol=1e-6)


@pytest.mark.parametrize(
    ("input", "error", "named"),
    [
        (Input(frames=0), ConfigError, "frames"),
        (Input(frames="16"), ConfigError, "frames"),
        (Input(sample="segmnts"), UnknownName, "segmnts"),
        (Input(frames=15, sample="segments(2)"), ConfigError, "15 frames"),
        (Input(augment="flop"), UnknownName, "flop"),
        (Input(normalize="klip"), UnknownName, "klip"),
        (Input(augment_on="gpu"), UnknownName, "gpu"),
    ],
)
def test_a_view_is_checked_before_any_video_is_read(input, error, named):
    with pytest.raises(error, match=named):
        build(input)
    build(Input())


def test_unknown_decoder(videos):
    with pytest.raises(UnknownName, match="decrod"):
        make_loader(videos, PLAIN, 64, training=False, seed=0, decoder="decrod")
