"""Cuts, several people and wrong finds: the crop jumps with the cut, glides across nothing, and says so."""

import csv
import json

import cv2
import numpy as np
import pytest
from drawn_faces import drawn, embedded, finding, looking, with_extra
from PIL import Image

from dferbench.errors import ConfigError, VideoError
from dferbench.face_crops.crop import cut
from dferbench.face_crops.follow import follow
from dferbench.face_crops.links import Look, followed
from dferbench.face_crops.track import Following
from dferbench.types import Face

pytestmark = pytest.mark.slow

WIDTH, HEIGHT = 640, 240
A, B, SMALL = (40, 80, 100), (500, 100, 100), (300, 20, 50)
"""White squares that stand for faces: left, top, side."""


def scene(folder, frames):
    """A folder of frames; each is a list of squares, as bright as the place in the list says."""
    folder.mkdir(parents=True)
    for number, squares in enumerate(frames):
        image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for left, top, side in squares:
            image[top : top + side, left : left + side] = 255
        Image.fromarray(image).save(folder / f"{number:05d}.png")
    return folder


def squares(frame, video, number):
    """A finder for them that looks at the pixels."""
    count, _, stats, _ = cv2.connectedComponentsWithStats((frame[..., 0] > 128).astype(np.uint8))
    return [Face((x, y, x + w, y + h)) for x, y, w, h, _ in stats[1:count].tolist()]


def tracked(tmp_path, frames, find=squares, **how):
    """The track of such a scene, and the share of each crop that is white."""
    folder = scene(tmp_path / "scene", frames)
    track = follow(str(folder), "scene", finding(find), Following(**how))
    images = [np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))]
    crops = [cut(image, track, number, 64) for number, image in enumerate(images)]
    return track, np.array([(crop > 128).mean() for crop in crops])


WHOLE = (1 / 1.3) ** 2
"""The share of a crop that a whole face takes, with the usual margin."""


@pytest.mark.parametrize("every", [1, 5, 7, 40])
@pytest.mark.parametrize("first", [30, 33, 44])
def test_the_crop_jumps_with_the_cut(tmp_path, first, every):
    track, white = tracked(tmp_path, [[A]] * first + [[B]] * (60 - first), every=every)
    assert white.min() > 0.9 * WHOLE
    assert (track.jumps, track.far) == (1, 0)
    assert "jumps once" in track.doubt


def test_each_shot_has_a_size_of_its_own(tmp_path):
    """Three people, three sizes, shots of odd lengths, there and back."""
    shots = [(A, 23), (SMALL, 18), (B, 31), (SMALL, 9), (A, 19)]
    track, white = tracked(tmp_path, [[square] for square, count in shots for _ in range(count)])
    assert white == pytest.approx(WHOLE, rel=0.1)
    assert track.jumps == 4 and "jumps 4 times" in track.doubt
    assert sorted(set(track.sides)) == pytest.approx([65, 130])


def test_a_face_that_moves_fast_is_no_jump(tmp_path):
    """It leaves its own box from one look to the next, but not from one frame to the next."""
    frames = [[(20 + 25 * i, 80, 100)] for i in range(20)]
    track, white = tracked(tmp_path, frames, every=5)
    assert track.jumps == 0 and track.doubt == ""
    assert white[3:-3].min() > 0.9 * WHOLE


@pytest.mark.parametrize("number", [25, 26, 55, 59])
def test_a_wrong_find_moves_nothing(tmp_path, number):
    """A larger square that is there for one frame, in the middle or at the end, seen by a look or not."""
    frames = [[A]] * 60
    frames[number] = [(480, 20, 150)]
    track, white = tracked(tmp_path, frames)
    assert track.jumps == 0
    assert np.delete(white, number).min() > 0.9 * WHOLE


def test_two_people_at_once_are_not_mixed(tmp_path):
    """Now one is a little larger, now the other: the crop stays with one of them."""
    frames = [[(40, 80, 100 + 4 * (i // 5 % 2)), (500, 80, 103 - 4 * (i // 5 % 2))] for i in range(60)]
    track, white = tracked(tmp_path, frames)
    assert track.jumps == 0 and white.min() > 0.85 * WHOLE
    assert len(np.unique(track.centres[:, 0] > WIDTH / 2)) == 1


CHOOSING = [[(20, 60, 120), (300, 90, 60), (500, 80, 100)]] * 30 + [[(500, 80, 100), (300, 90, 60)]] * 10
"""The largest leaves after 30 frames; two stay, of which the smaller is nearer to the middle."""


@pytest.mark.parametrize(
    ("choose", "lefts", "jumps"),
    [
        ("largest", {20: 30, 500: 10}, 1),
        ("most-central", {300: 40}, 0),
        ("longest-track", {500: 40}, 0),
    ],
)
def test_whose_face_is_followed_can_be_chosen(tmp_path, choose, lefts, jumps):
    sides = {20: 120, 300: 60, 500: 100}
    track, _ = tracked(tmp_path, CHOOSING, choose=choose, margin=0)
    expected = [left + sides[left] / 2 for left, count in lefts.items() for _ in range(count)]
    assert np.allclose(track.centres[:, 0], expected)
    assert track.jumps == jumps


def test_the_longest_track_is_not_the_largest_face(tmp_path):
    frames = [[(20, 60, 120), B]] * 20 + [[B]] * 40
    assert tracked(tmp_path / "1", frames)[0].jumps == 1
    track, white = tracked(tmp_path / "2", frames, choose="longest-track")
    assert track.jumps == 0 and np.allclose(track.centres[:, 0], 550)
    assert white.min() > 0.9 * WHOLE


def test_of_equal_people_the_one_named_first_is_followed():
    looks = [Look(i, (Face((0, 0, 10, 10)), Face((50, 0, 60, 10)))) for i in range(6)]
    for choose in ("largest", "longest-track"):
        assert {one.face.box[0] for one in followed(looks, 2, choose, (60, 10))} == {0}


def test_a_finder_that_wanders_is_refused(tmp_path):
    def wandering(frame, video, number):
        left = number * 137 % 500
        return Face((left, 80, left + 60, 140))

    with pytest.raises(
        VideoError, match=r"would jump \d+ times in 12 sampled frames, more than the fraction of 0.5"
    ):
        tracked(tmp_path / "1", [[]] * 60, wandering)
    assert tracked(tmp_path / "2", [[]] * 12, wandering, every=1, most_jumps=1)[0].jumps == 11


def test_frames_far_from_any_find_are_counted_and_refused(tmp_path):
    frames = [[A]] * 21 + [[]] * 29
    with pytest.raises(VideoError, match=r"58% of its frames are more than 4 frames from any detection"):
        tracked(tmp_path / "1", [[A]] * 17 + [[]] * 33, every=2, least=0.1)
    track, _ = tracked(tmp_path / "2", frames, every=2, least=0.4)
    assert track.far == pytest.approx(25 / 50)
    assert "50% of the frames are far from any detection" in track.doubt
    assert tracked(tmp_path / "3", [[A]] * 60)[0].doubt == ""


def test_choices_are_known():
    with pytest.raises(ConfigError, match="largest, most-central, longest-track, got 'nearest'"):
        Following(choose="nearest")


@pytest.mark.parametrize("name", ["haar", "yunet"])
def test_detectors_follow_two_people_across_a_cut(tmp_path, name):
    """Drawn faces in frames of over twice the size that is looked at, one person left, then one right."""
    with_extra(name)
    left, right = drawn()["front"][:13], drawn()["front"][13:26]
    frames = [*embedded(left, 20, 200), *embedded(right, 400, 100)]
    for number, frame in enumerate(frames):
        (tmp_path / "scene").mkdir(exist_ok=True)
        Image.fromarray(cv2.resize(frame, (1280, 960))).save(tmp_path / "scene" / f"{number:05d}.jpg")
    track = follow(str(tmp_path / "scene"), "scene", looking(name), Following())
    assert track.jumps == 1 and track.far == 0
    middles = [(264, 640)] * 13 + [(1024, 440)] * 13
    assert np.abs(track.centres - middles).max() < 60


@pytest.fixture
def cut_scene(tmp_path):
    """A scene with a cut, and the boxes of its faces for every frame."""
    scene(tmp_path / "raw" / "clip", [[A]] * 30 + [[B]] * 30)
    scene(tmp_path / "raw" / "still", [[A]] * 20)
    with (tmp_path / "boxes.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["video", "frame", "left", "top", "right", "bottom"])
        for video, count in (("clip", 60), ("still", 20)):
            for number in range(count):
                left, top, side = A if number < 30 else B
                rows.writerow([video, number, left, top, left + side, top + side])
    return tmp_path


def test_the_report_says_what_is_doubtful(cut_scene, in_process):
    words = ("data", "faces", "raw", "-o", "out", "--finder", "boxes(path=boxes.csv)", "-q")
    said = in_process(*words, check=0).stdout
    assert "doubtful: clip: the crop jumps once" in said and "still" not in said
    report = json.loads((cut_scene / "out" / "faces.json").read_text())
    assert report["settings"]["choose"] == "largest" and report["settings"]["most_far"] == 0.5
    assert report["videos"]["clip"]["jumps"] == 1 and report["videos"]["still"]["jumps"] == 0
    assert report["videos"]["still"]["doubt"] == ""
    for path in sorted((cut_scene / "out" / "clip").glob("*.jpg")):
        assert (np.asarray(Image.open(path)) > 128).mean() > 0.9 * WHOLE


def test_a_threshold_refuses_in_words(cut_scene, in_process):
    scene(cut_scene / "raw" / "away", [[A]] * 20)
    words = ("data", "faces", "raw", "-o", "out", "--finder", "boxes(path=boxes.csv)", "-q")
    said = in_process(*words, "--choose", "longest-track", "--most-jumps", "0", check=5).stdout
    wanted = "failed: clip: the crop would jump once in 12 sampled frames, more than the fraction of 0"
    assert wanted in said
    assert "failed: away: a face was found in 0 of 4 sampled frames" in said
    assert in_process(*words, "--choose", "nearest", check=3).stderr.startswith(
        "error: --choose must be one of"
    )
