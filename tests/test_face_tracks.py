"""Tracks: that crops keep still and follow a face evenly, and what becomes of looks that found none."""

import media
import numpy as np
import pytest
from drawn_faces import finder, finding, looking
from PIL import Image

from dferbench.errors import VideoError
from dferbench.face_crops.crop import cut
from dferbench.face_crops.follow import follow
from dferbench.face_crops.links import Look
from dferbench.face_crops.track import Following, settle
from dferbench.types import Face


def settled(faces, count=None, size=(640, 480), **how):
    how = Following(every=how.pop("every", 1), least=how.pop("least", 0.5), **how)
    looks = [Look(i * how.every, (face,) if face else ()) for i, face in enumerate(faces)]
    return settle("video", looks, count or len(looks) * how.every, size, how)


def boxed(x, y, side=100, eyes=None):
    return Face((x - side / 2, y - side / 2, x + side / 2, y + side / 2), eyes)


def test_a_face_that_keeps_still_gives_a_crop_that_does():
    track = settled([boxed(320, 240)] * 9, margin=0.3)
    assert track.side == pytest.approx(130)
    assert np.allclose(track.centres, (320, 240))
    assert not track.tilts.any()


def test_the_order_of_a_folder_is_that_of_its_reader(tmp_path):
    """Followed through time, numbered as a method reads that sorts names as strings: 1, 10, 11, 2 ..."""
    folder = media.frame_folder(tmp_path / "a", [f"{i}.png" for i in range(1, 25)])
    finder = finding(lambda frame, video, number: Face((number, 10, number + 20, 30)))
    track = follow(str(folder), "a", finder, Following(every=1))
    mixed = follow(str(folder), "a", finder, Following(every=1), "string")
    names = sorted((f"{i}.png" for i in range(1, 25)), key=str)
    assert np.allclose(mixed.centres, [track.centres[int(name[:-4]) - 1] for name in names])
    assert (np.diff(track.centres[:, 0]) >= 0).all() and (np.diff(mixed.centres[:, 0]) < 0).any()


def test_a_face_that_moves_evenly_is_followed():
    track = settled([boxed(100 + 20 * i, 240) for i in range(20)], every=5)
    assert len(track.centres) == 100
    assert np.allclose(track.centres[15:80, 0], 100 + 4 * np.arange(15, 80))
    assert (np.diff(track.centres[:, 0]) >= -1e-9).all()


def test_frames_without_a_find_lie_between_the_others():
    faces = [boxed(100 + 10 * i, 240) if i not in (4, 5, 6) else None for i in range(16)]
    track = settled(faces)
    assert (track.looked, track.found) == (16, 13)
    assert np.allclose(track.centres[5, 0], 150, atol=5)


def test_one_wrong_find_changes_nothing():
    right = [boxed(320, 240)] * 11
    wrong = [*right[:5], boxed(60, 60, side=300), *right[6:]]
    assert np.allclose(settled(wrong).centres, settled(right).centres)
    assert settled(wrong).side == settled(right).side


def test_the_square_stays_within_the_frame():
    track = settled([boxed(10, 470)] * 5)
    assert np.allclose(track.centres, (65, 415))
    assert settled([boxed(320, 240, side=900)] * 5).side == 480


def test_too_few_finds_are_an_error():
    faces = [boxed(320, 240) if i % 3 == 0 else None for i in range(9)]
    with pytest.raises(VideoError, match="3 of 9 sampled frames"):
        settled(faces)
    assert settled(faces, least=0.3).found == 3
    with pytest.raises(VideoError, match="0 of 2 sampled frames"):
        settled([None, None], least=0.0)


def test_finds_that_are_no_boxes_in_the_frame_do_not_count(tmp_path):
    video = media.encode(tmp_path / "a.mp4", count=8)
    faces = [
        (200, 0, 220, 20), (5, 5, 5, 20), (0, 0, float("nan"), 9), (-30, 0, -5, 20), (0, 0, float("inf"), 5)
    ]  # fmt: skip

    def find(frame, name, number):
        return Face(faces[number]) if number < len(faces) else Face((10, 10, 30, 30))

    track = follow(str(video), "a", finding(find), Following(every=1, least=0.1, margin=0))
    assert (track.looked, track.found, track.side) == (8, 3, 20)


def test_frames_of_other_sizes_are_an_error(tmp_path):
    folder = media.frame_folder(tmp_path / "a", ["1.png"])
    Image.fromarray(media.stamped(1, 100, 64)).save(folder / "2.png")
    with pytest.raises(VideoError, match="96 x 64 and 100 x 64"):
        follow(str(folder), "a", looking("center"), Following(every=1))


def eyes_at(degrees, apart=60):
    dx, dy = apart / 2 * np.cos(np.radians(degrees)), apart / 2 * np.sin(np.radians(degrees))
    return (320 - dx, 220 - dy), (320 + dx, 220 + dy)


@pytest.mark.parametrize("degrees", [-20, -5, 12, 25])
def test_alignment_levels_the_eyes(degrees):
    """Two dots for eyes, tilted, lie on one row of the crop."""
    eyes = eyes_at(degrees)
    frame = np.full((480, 640, 3), 128, np.uint8)
    y, x = np.mgrid[:480, :640]
    for shade, (ex, ey) in zip((0, 255), eyes, strict=True):
        frame[(x + 0.5 - ex) ** 2 + (y + 0.5 - ey) ** 2 < 25] = shade
    track = settled([Face((250, 160, 390, 300), eyes)] * 5, align=True)
    assert track.tilts == pytest.approx(degrees)
    crop = cut(frame, track, 0, 128).astype(int)[..., 0]
    left, right = (np.argwhere(mask).mean(0) for mask in (crop < 60, crop > 200))
    assert left[0] == pytest.approx(right[0], abs=0.5)
    assert left[1] < right[1]
    # The middle between the eyes lies 10 pixels above the centre about which the frame was turned.
    turn, scale = np.radians(degrees), 128 / (1.3 * 140)
    middle = 64 - scale * 10 * np.array([np.cos(turn), np.sin(turn)])
    assert (left + right) / 2 + 0.5 == pytest.approx(middle, abs=0.4)


def test_without_enough_eyes_nothing_is_turned():
    faces = [boxed(320, 240, eyes=eyes_at(15) if i == 0 else None) for i in range(5)]
    assert not settled(faces, align=True).tilts.any()


def test_whole_frames_and_squares():
    frame = media.stamped(3, 96, 64)
    assert (cut(frame, None, 0, 48) == np.asarray(Image.fromarray(frame).resize((48, 48), 2))).all()
    face = finder("center")(frame, "", 0)
    assert face.box == (16, 0, 80, 64)
    track = settled([face] * 3, size=(96, 64))
    assert (cut(frame, track, 1, 64) == frame[:, 16:80]).all()
    assert finder("none") is None
