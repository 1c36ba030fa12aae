"""The dataset `synthetic`: what it promises about people, classes, time, files and interruptions."""

import importlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import load_file
from scipy.stats import ks_2samp
from torch.nn import functional

import dferbench_methods.clip_backbones
from dferbench.errors import ConfigError, DataError
from dferbench.progress import Bar, Progress
from dferbench_datasets.synthetic import Synthetic
from dferbench_datasets.synthetic.actions import ACTIONS, EXPRESSIONS, INDEX, strengths
from dferbench_datasets.synthetic.draw import generator
from dferbench_datasets.synthetic.person import draw_person, draw_scene
from dferbench_datasets.synthetic.render import render, sway
from dferbench_methods.clip_backbones.towers import build_tower

SMALL = {"videos": 35, "size": 48, "seed": 3}
PAIRS = [("surprise", "fear"), ("anger", "disgust"), ("disappointment", "helplessness")]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("synthetic")
    Synthetic(**SMALL).prepare(root, Progress())
    return root


def files(root):
    return {path.name: path.read_bytes() for path in (root / "videos").iterdir()}


def decoded(path):
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def everything(dataset, root):
    return [*dataset.videos(root, 1, "train"), *dataset.videos(root, 1, "test")]


def in_subprocess(code, *arguments, **options):
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], text=True, **options)


@pytest.mark.slow
def test_the_number_of_processes_changes_no_byte(made, tmp_path):
    Synthetic(**SMALL).prepare(tmp_path, Progress(), workers=2)
    assert files(tmp_path) == files(made)
    assert len(files(made)) == 35


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc fills fresh memory on request")
def test_what_lay_in_memory_changes_no_byte(made, tmp_path):
    # x264's macroblock tree reads memory that it never wrote: the files differed now and then until it went.
    environment = {**os.environ, "MALLOC_PERTURB_": "170"}
    assert in_subprocess(PREPARE, tmp_path, 1, env=environment).wait(timeout=60) == 0
    assert files(tmp_path) == files(made)


def test_another_seed_gives_other_videos(made):
    other = Synthetic(**{**SMALL, "seed": 4})
    here, there = Synthetic(**SMALL).draw("00000").frames, other.draw("00000").frames
    assert here.shape != there.shape or not np.array_equal(here, there)


def test_files_hold_the_frames_that_were_drawn(made):
    dataset = Synthetic(**SMALL)
    for video in everything(dataset, made)[:5]:
        drawn, read = dataset.draw(video.id), decoded(video.path)
        assert read.shape == drawn.frames.shape == (len(drawn.actions), 48, 48, 3)
        assert np.abs(read.astype(float) - drawn.frames).mean() < 12


def test_files_are_h264_in_yuv420p(made):
    with av.open(str(made / "videos" / "00000.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")


@pytest.mark.parametrize("classes", [7, 11])
def test_folds_share_no_person_and_every_class_has_test_videos(classes, tmp_path):
    dataset = Synthetic(classes=classes)
    plan = dataset._plan()
    people = {fold: {item.person for item in plan if item.fold == fold} for fold in dataset.folds}
    assert sum(map(len, people.values())) == len(set().union(*people.values()))
    for fold in dataset.folds:
        counts = Counter(item.label for item in plan if item.fold == fold)
        assert len(counts) == classes
        assert min(counts.values()) >= 8
        assert max(counts.values()) > 1.4 * min(counts.values())
    assert len({item.id for item in plan}) == len(plan) == dataset.options.videos


def test_a_fold_tests_on_its_people_and_trains_on_all_others(made):
    dataset, tested = Synthetic(**SMALL), []
    for fold in dataset.folds:
        train, test = dataset.videos(made, fold, "train"), dataset.videos(made, fold, "test")
        assert not {v.info["person"] for v in train} & {v.info["person"] for v in test}
        assert len(train) + len(test) == 35
        tested += [v.id for v in test]
    assert len(set(tested)) == len(tested) == 35


def test_some_videos_are_shorter_than_sixteen_frames():
    lengths = [item.frames for item in Synthetic()._plan()]
    assert 0.03 < np.mean(np.array(lengths) < 16) < 0.2
    assert len(set(lengths)) > 10


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_pair_is_one_movement_run_forwards_and_backwards(first, second):
    assert EXPRESSIONS[first].apex == EXPRESSIONS[second].apex
    ours = [strengths(EXPRESSIONS[first], 40, generator("t", i)) for i in range(200)]
    theirs = [strengths(EXPRESSIONS[second], 40, generator("u", i)) for i in range(200)]
    action = INDEX[max(EXPRESSIONS[first].apex, key=EXPRESSIONS[first].apex.get)]
    mean = [[video[:, action].mean() for video in videos] for videos in (ours, theirs)]
    peak = [[video[:, action].argmax() for video in videos] for videos in (ours, theirs)]
    assert ks_2samp(*mean).pvalue > 0.01
    assert ks_2samp(*peak).pvalue < 1e-20
    assert ks_2samp(peak[0], [39 - p for p in peak[1]]).pvalue > 0.01


@pytest.mark.parametrize("name", ["happiness", "sadness", "neutral", "contempt", "anxiety"])
def test_what_belongs_to_no_pair_looks_alike_in_both_directions_of_time(name):
    videos = [strengths(EXPRESSIONS[name], 40, generator("v", i)).sum(axis=1) for i in range(400)]
    t = np.arange(40)
    early = [(video * (t - 19.5)).sum() / video.sum() for video in videos]
    assert ks_2samp(early, [-e for e in early]).pvalue > 0.01


def test_the_head_sways_alike_in_both_directions_of_time():
    still = np.zeros((40, len(ACTIONS)))
    moves = np.stack([sway(draw_scene(generator("w", i), 0, 0), still) for i in range(400)])
    for drift in (moves[:, :, -1] - moves[:, :, 0]).T:
        assert ks_2samp(drift, -drift).pvalue > 0.01
        assert drift.std() > 0.01


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_can_be_seen(action):
    person, scene = draw_person(generator("seen", 1)), draw_scene(generator("seen", 2), 0, 0)
    two = np.zeros((2, len(ACTIONS)))
    two[1, INDEX[action]] = 1
    frozen = scene.__class__(**{**scene.__dict__, "pose": scene.pose * [1, 0, 1, 1]})
    still, moved = render(person, frozen, two, 96).astype(int)
    assert (np.abs(still - moved).max(axis=2) > 20).sum() >= 20


@pytest.mark.parametrize(
    ("option", "value"),
    [("classes", 8), ("videos", 20), ("size", 33), ("size", 0), ("seed", -1), ("intensity", 2.0),
     ("occlusion", 1.5), ("noise", -1.0), ("light", 0.0)],
)  # fmt: skip
def test_an_impossible_option_is_named(option, value):
    with pytest.raises(ConfigError, match=option):
        Synthetic(**{option: value})


def test_the_cache_folder_belongs_to_the_options(monkeypatch, tmp_path):
    monkeypatch.setenv("DFERBENCH_CACHE", str(tmp_path))
    roots = {
        Synthetic().default_root(),
        Synthetic(seed=1).default_root(),
        Synthetic(classes=11).default_root(),
    }
    assert len(roots) == 3
    assert Synthetic().default_root() in roots
    assert {root.parent for root in roots} == {tmp_path}


def test_a_second_call_draws_nothing_and_a_lost_video_is_drawn_again(made, tmp_path):
    class Count(Progress):
        done = 0

        @contextmanager
        def bar(self, what, total, unit="videos"):
            count = self

            class Counting(Bar):
                def advance(self, steps=1, **facts):
                    count.done += steps

            yield Counting()
            assert self.done == total

    dataset, first, again, after = Synthetic(**SMALL), Count(), Count(), Count()
    dataset.prepare(tmp_path, first)
    dataset.prepare(tmp_path, again)
    (tmp_path / "videos" / "00007.mp4").unlink()
    dataset.prepare(tmp_path, after)
    assert (first.done, again.done, after.done) == (35, 0, 1)
    assert files(tmp_path) == files(made)


PREPARE = """
import sys
from pathlib import Path
from dferbench.progress import Progress
from dferbench_datasets.synthetic import Synthetic
if __name__ == "__main__":
    Synthetic(videos=35, size=48, seed=3).prepare(Path(sys.argv[1]), Progress(), workers=int(sys.argv[2]))
"""


@pytest.mark.skipif(os.name != "posix", reason="kills a process group member by signal")
@pytest.mark.parametrize("after", [1, 12])
def test_a_killed_preparation_is_resumed(made, tmp_path, after):
    process = in_subprocess(PREPARE, tmp_path, 1)
    deadline = time.monotonic() + 30
    while len(list(tmp_path.glob("videos/*.mp4"))) < after and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = len(list(tmp_path.glob("videos/*.mp4")))
    assert after <= finished < 35
    assert not (tmp_path / "manifest.json").exists()
    with pytest.raises(DataError):
        Synthetic(**SMALL).videos(tmp_path, 1, "train")
    (tmp_path / "videos" / ".00034.mp4.torn.unfinished").write_bytes(b"half a video")
    Synthetic(**SMALL).prepare(tmp_path, Progress())
    assert files(tmp_path) == files(made)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="lists children through /proc")
def test_worker_processes_end_with_a_killed_parent(tmp_path):
    process = in_subprocess(PREPARE, tmp_path, 2, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob("videos/*.mp4")) and time.monotonic() < deadline:
        time.sleep(0.002)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.wait()
    assert len(children) >= 2
    while any(map(alive, children)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(alive, children))


def alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().split(")")[-1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files as a full disk would")
def test_a_full_disk_is_told_in_two_lines_and_leaves_no_manifest(tmp_path):
    code = """
import resource, sys
from pathlib import Path
from dferbench.errors import DataError
from dferbench.progress import Progress
from dferbench_datasets.synthetic import Synthetic
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    Synthetic(videos=35, size=32).prepare(Path(sys.argv[1]), Progress())
except DataError as error:
    print(error.message, error.hint, sep="|")
"""
    process = in_subprocess(code, tmp_path, stdout=subprocess.PIPE)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 0
    assert "cannot write" in said
    assert "|" in said
    assert list(tmp_path.glob("videos/*")) == []
    assert not (tmp_path / "manifest.json").exists()


def test_a_root_that_cannot_be_a_folder_is_an_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="file"):
        Synthetic(**SMALL).prepare(tmp_path / "file", Progress())


def test_a_folder_of_other_options_is_refused(made):
    with pytest.raises(DataError, match="other options"):
        Synthetic(**{**SMALL, "seed": 9}).prepare(made, Progress())


@pytest.mark.parametrize("text", ["{", "[]", '{"videos": []}'])
def test_a_damaged_manifest_is_an_error_that_names_it(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(DataError, match="manifest"):
        Synthetic(**SMALL).videos(tmp_path, 1, "test")


def test_the_manifest_says_how_the_videos_were_made(made):
    manifest = json.loads((made / "manifest.json").read_text())
    assert manifest["made_by"]["options"] | SMALL == manifest["made_by"]["options"]
    assert [v["frames"] for v in manifest["videos"]][:3] == [
        len(decoded(made / "videos" / f"{i:05d}.mp4")) for i in range(3)
    ]


def test_listing_the_dataset_imports_nothing_heavy():
    code = (
        "import sys, dferbench_datasets.synthetic as d; d.Synthetic().default_root(); "
        "print({'numpy', 'cv2', 'av', 'torch'} & set(sys.modules))"
    )
    process = in_subprocess(code, stdout=subprocess.PIPE)
    assert process.communicate(timeout=60)[0].strip() == "set()"


EMOTIONS = set(EXPRESSIONS) | {
    *("happy", "joy", "sad", "sorrow", "angry", "rage", "surprised", "disgusted", "afraid", "fearful"),
    *("scared", "anxious", "worried", "helpless", "disappointed", "emotion", "mood", "feeling"),
}


def test_captions_name_movements_and_never_an_emotion(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks" / "clip_tiny")
    captions = importlib.import_module("captions")
    rng, said = np.random.default_rng(0), set()
    for expression in EXPRESSIONS.values():
        for frame in strengths(expression, 200, rng):
            said |= set(re.findall("[a-z]+", captions.caption(frame, rng).lower()))
    every = " ".join(phrase for phrases in captions.PHRASES.values() for phrase in phrases)
    said |= set(re.findall("[a-z]+", every))
    assert {"eyebrows", "lip", "jaw", "nose"} <= said
    assert not said & EMOTIONS
    assert set(captions.PHRASES) == set(ACTIONS)


def test_a_caption_mentions_what_is_strong_and_not_what_is_absent(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks" / "clip_tiny")
    captions = importlib.import_module("captions")
    for i, action in enumerate(ACTIONS):
        text = captions.caption(np.eye(len(ACTIONS))[i], np.random.default_rng(i))
        assert any(phrase.removeprefix("a ") in text for phrase in captions.PHRASES[action])
        others = [p for name, phrases in captions.PHRASES.items() if name != action for p in phrases]
        assert not any(
            phrase in text for phrase in others if phrase not in " ".join(captions.PHRASES[action])
        )


def test_clip_tiny_is_small_and_fits_open_clip_exactly():
    folder = Path(dferbench_methods.clip_backbones.__file__).parent / "weights"
    assert (folder / "clip-tiny.safetensors").stat().st_size <= 10_000_000
    model = open_clip.CLIP(**json.loads((folder / "clip-tiny.json").read_text()))
    state = load_file(folder / "clip-tiny.safetensors")
    assert {tensor.dtype for tensor in state.values() if tensor.is_floating_point()} == {torch.float16}
    model.load_state_dict(state, strict=True)


@torch.no_grad()
def test_clip_tiny_finds_the_movement_of_people_it_never_saw():
    told = {
        "lip-corner-pull": "lip corners pulled up into a smile.",
        "lip-corner-depress": "lip corners turned down.",
        "jaw-drop": "a dropped jaw, an open mouth.",
        "brow-lower": "lowered eyebrows, furrowed brows.",
        "upper-lid-raise": "wide open eyes.",
        "eyes-close": "closed eyes.",
        "head-tilt": "a tilted head.",
    }
    tower = build_tower("clip-tiny").eval()
    moves = np.array([np.eye(len(ACTIONS))[INDEX[name]] for name in told])
    people = [
        render(draw_person(generator("unseen", i)), draw_scene(generator("scene", i), 0, 4), moves, 96)
        for i in range(20)
    ]
    images = torch.from_numpy(np.concatenate(people)).permute(0, 3, 1, 2) / 255
    images = functional.interpolate(images, (64, 64), mode="bilinear", antialias=True)
    tokens = tower.tokenize(list(told.values()))
    text = tower.encode_embedded(tower.embed(tokens), tokens.argmax(dim=1))
    found = (functional.normalize(tower(images), dim=-1) @ functional.normalize(text, dim=-1).T).argmax(dim=1)
    right = (found.view(20, len(told)) == torch.arange(len(told))).float().mean().item()
    assert right > 0.8  # chance is one in seven
