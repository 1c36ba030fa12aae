"""Predicting any video: the numbers of the tests, windows that cover it, and files that are not videos."""

import csv
import io
import json
import re
import shutil

import av
import media
import numpy as np
import pytest
import safetensors
import torch
from conftest import TOY
from drawn_faces import looking
from inputs import make_sampler
from PIL import Image
from safetensors.torch import load_file, save_file

from dferbench.checkpoints.restore import open_checkpoint
from dferbench.cli import _run
from dferbench.cli.app import make_app
from dferbench.data.decoders import choose_decoder
from dferbench.errors import VideoError
from dferbench.face_crops.crop import cut
from dferbench.face_crops.follow import follow
from dferbench.face_crops.track import Following
from dferbench.figures import timeline
from dferbench.figures.save import save
from dferbench.figures.style import DOUBLE
from dferbench.inference.prediction import Failed, PredictedVideos, Prediction, Span
from dferbench.inference.windows import ClipSampler, sliding, whole
from dferbench.machine.device import make_fabric
from dferbench.models.safetensors_files import KEY
from dferbench.registry.catalog import discover
from dferbench.report.prediction import table

CLASSES = ("brightens", "darkens", "stays")


@pytest.fixture(scope="module")
def trained(toy_root, tmp_path_factory):
    """The folder of a run of the toy method."""
    output = tmp_path_factory.mktemp("runs")
    words = ["--plugin", str(TOY), "run", "-m", "toy-net", "-d", "toy", "--root", str(toy_root)]
    assert _run([*words, "-o", str(output), "--device", "cpu", "--workers", "0", "-q"]) == 0
    return next(output.rglob("checkpoint.safetensors")).parent


@pytest.fixture
def predict(trained, tmp_path, monkeypatch, capsys):
    """Run the command in this process, in an empty folder; gives what it wrote, and checks its code."""
    monkeypatch.chdir(tmp_path)

    def run(*words, check=0, checkpoint=trained / "checkpoint.safetensors"):
        given = ["--plugin", TOY, "predict", "--device", "cpu", "-q", "-c", checkpoint, *words]
        code = _run([str(word) for word in given])
        written = capsys.readouterr()
        assert code == check, written.err
        return written

    return run


@pytest.fixture
def video(tmp_path):
    return media.encode(tmp_path / "a.mp4", count=30)


def eye(frames=8, size=12):
    return ClipSampler(make_sampler("segments"), frames, size)


def test_the_numbers_are_those_of_the_test(predict, trained, toy_root):
    """Softmax of the logits that the run itself wrote for its test videos."""
    saved = np.load(trained / "predictions.npz")
    expected = torch.from_numpy(saved["logits"]).double().softmax(1).numpy()
    test = toy_root / "fold1" / "test"
    found = json.loads(predict(test, "--json").out)
    by_id = {"/".join(one["video"].split("/")[-2:]): one for one in found["videos"]}
    assert sorted(by_id) == sorted(saved["id"])
    for name, row in zip(saved["id"], expected, strict=True):
        one = by_id[name]
        assert list(one["probabilities"].values()) == pytest.approx(
            [dict(zip(CLASSES, row, strict=True))[c] for c in one["probabilities"]], abs=1e-6
        )
        assert one["best"] == CLASSES[row.argmax()]
        assert one["frames"] == 11


def test_windows_are_predicted_as_if_each_were_a_video(predict, trained, video):
    found = json.loads(predict(video, "--window", 12, "--stride", 5, "--json").out)
    catalog, fabric = discover([TOY]), make_fabric("cpu", "fp32")
    model = open_checkpoint(trained / "checkpoint.safetensors", catalog, fabric).model
    frames, _ = choose_decoder("pyav").read(str(video), lambda count: range(count))
    windows = found["videos"][0]["windows"]
    assert [window["first"] for window in windows] == [0, 5, 10, 15, 18]
    for window in windows:
        piece = frames[window["first"] : window["last"] + 1]
        chosen = make_sampler("segments")(len(piece), 8, None)
        images = [np.asarray(Image.fromarray(piece[i]).resize((12, 12), 2)) for i in chosen]
        x = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)[None] / 255
        with torch.no_grad():
            expected = model(x).softmax(1)[0].tolist()
        assert [window["probabilities"][c] for c in CLASSES] == pytest.approx(expected, abs=1e-5)
        assert window["start"] == pytest.approx(window["first"] / 25)
        assert window["end"] == pytest.approx(window["last"] / 25)
    mean = np.mean([[w["probabilities"][c] for c in CLASSES] for w in windows], 0)
    assert [found["videos"][0]["probabilities"][c] for c in CLASSES] == pytest.approx(mean)
    assert (found["window"], found["stride"]) == (12, 5)


@pytest.mark.parametrize("window", [1, 2, 7, 16, 40])
@pytest.mark.parametrize("stride", [1, 3, 16])
def test_windows_cover_a_video_up_to_its_end(tmp_path, window, stride):
    names = [f"{i}.png" for i in range(17)]
    folder = str(media.frame_folder(tmp_path / "a", names))
    pieces = list(sliding(folder, eye(frames=4), None, window, stride))
    starts = list(range(0, max(0, 17 - window) + 1, stride))
    if starts[-1] + window < 17:
        starts.append(17 - window)
    assert [piece.first for piece in pieces] == starts
    assert {piece.last - piece.first + 1 for piece in pieces} == {min(window, 17)}
    assert pieces[-1].last == 16
    assert {piece.frames.shape for piece in pieces} == {(4, 12, 12, 3)}
    assert {piece.start for piece in pieces} == {None}


def test_one_window_over_a_whole_video_is_the_whole_video(video):
    (piece,) = sliding(str(video), eye(), None, 30, 1)
    assert (piece.frames == whole(str(video), eye(), choose_decoder(), None).frames).all()


def test_a_video_is_decoded_once_for_all_its_windows(video, monkeypatch):
    opened, really = [], av.open
    monkeypatch.setattr(av, "open", lambda *given, **more: opened.append(given) or really(*given, **more))
    assert len(list(sliding(str(video), eye(), None, 8, 1))) == 23
    assert len(opened) == 2  # to read its packets, and to decode it


def test_times_are_those_of_the_frames(tmp_path):
    video = media.encode_kind(tmp_path, "variable-rate.mp4")
    times = np.concatenate([[0], np.cumsum(np.resize([1, 4, 2, 9, 1, 3], 69))]) / 100
    for piece in sliding(str(video), eye(), None, 10, 10):
        assert piece.start == pytest.approx(times[piece.first], abs=0.006)
        assert piece.end == pytest.approx(times[piece.last], abs=0.006)


def test_a_damaged_end_makes_the_whole_video_a_failure(predict, tmp_path, video):
    media.holed(video, tmp_path / "holed.mp4", 0.5, 0.7)
    with pytest.raises(VideoError):
        list(sliding(str(tmp_path / "holed.mp4"), eye(), None, 4, 4))
    found = json.loads(predict(tmp_path / "holed.mp4", video, "--window", 4, "--json", check=5).out)
    assert [one["video"] for one in found["videos"]] == [str(video)]


def test_bad_videos_are_named_and_the_others_go_on(predict, tmp_path, video):
    (tmp_path / "text.avi").write_text("no video")
    (tmp_path / "empty").mkdir()
    written = predict(video, "text.avi", "empty", "nowhere.mp4", check=5).out
    assert "a.mp4, 30 frames" in written
    for name in ("text.avi", "empty", "nowhere.mp4"):
        assert re.search(rf"^failed: .*{name}: .+", written, re.MULTILINE)
    assert "failed: nowhere.mp4" in predict("nowhere.mp4", check=4).out
    found = json.loads(predict("text.avi", "--json", check=4).out)
    assert (found["videos"], len(found["failed"])) == ([], 1)


def test_a_video_named_twice_is_predicted_once(predict, video, tmp_path):
    media.frame_folder(tmp_path / "b", ["1.png", "2.png"])
    assert len(json.loads(predict(video, tmp_path, "b", "--json").out)["videos"]) == 2


def test_the_table_puts_the_likeliest_first(predict, video):
    rows = re.findall(r"^(\w+) +([01]\.\d+)$", predict(video).out, re.MULTILINE)
    assert {name for name, _ in rows} == set(CLASSES)
    shares = [float(p) for _, p in rows]
    assert shares == sorted(shares, reverse=True) and sum(shares) == pytest.approx(1, abs=1e-3)


def test_csv_has_a_line_a_window(predict, video, tmp_path):
    media.frame_folder(tmp_path / "frames", [f"{i}.png" for i in range(9)])
    predict("frames", video, "--window", 6, "--stride", 6, "-o", "out.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text())))
    assert [(row["video"].rsplit("/", 1)[-1], row["first"]) for row in rows] == [
        *(("frames", first) for first in ("0", "3")),
        *(("a.mp4", first) for first in ("0", "6", "12", "18", "24")),
    ]
    assert rows[0]["start"] == "" and float(rows[3]["start"]) == pytest.approx(0.24)
    assert all(sum(float(row[c]) for c in CLASSES) == pytest.approx(1, abs=1e-6) for row in rows)


def test_json_file_and_stdout_say_the_same(predict, video, tmp_path):
    printed = json.loads(predict(video, "--json", "-o", "deep/out.json").out)
    assert printed == json.loads((tmp_path / "deep" / "out.json").read_text())
    assert printed["classes"] == list(CLASSES)
    assert printed["checkpoint"]["dataset"] == "toy"
    assert "windows" not in printed["videos"][0]


def test_plots(predict, video, tmp_path):
    predict(video, "--window", 8, "--plot", "one.png")
    (tmp_path / "sub").mkdir()
    shutil.copy(video, tmp_path / "sub" / "a.mp4")
    shutil.copy(video, tmp_path / "b.mp4")
    predict(video, "b.mp4", "--window", 8, "--plot", "t.png")
    predict(video, "sub", "--window", 8, "--plot", "u.svg")
    made = {path.name for path in tmp_path.iterdir() if path.suffix in (".png", ".svg")}
    assert made == {"one.png", "t-a.png", "t-b.png", "u-1-a.svg", "u-2-a.svg"}
    with Image.open(tmp_path / "one.png") as image:
        assert image.size[0] > image.size[1] > 300


def drawn(tmp_path, classes, spans, name="video $x$.mp4"):
    path = tmp_path / "timeline.svg"
    save(timeline.draw(Prediction(name, spans[-1].last + 1, tuple(spans)), classes, DOUBLE), path)
    return path.read_text()


def test_a_timeline_of_many_classes_names_the_ten_that_matter(tmp_path):
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.full(43, 0.1), 50)
    spans = [Span(8 * i, 8 * i + 15, None, None, tuple(row)) for i, row in enumerate(shares)]
    svg = drawn(tmp_path, [f"class-{i}" for i in range(43)], spans)
    peaks = sorted(range(43), key=lambda i: -shares[:, i].max())
    for i in peaks[:10]:
        assert f"<!-- class-{i} -->" in svg
    assert f"<!-- class-{peaks[10]} -->" not in svg
    assert "<!-- 33 others -->" in svg
    assert "<!-- frame, middle of the window -->" in svg


def test_a_file_name_is_no_formula(tmp_path):
    svg = drawn(tmp_path, CLASSES, [Span(0, 7, 0.0, 0.28, (0.2, 0.3, 0.5))])
    assert "<!-- video $x$.mp4 -->" in svg
    assert "<!-- time in seconds, middle of the window -->" in svg


def test_cropping_comes_before_the_model(predict, tmp_path, video):
    """With a finder the numbers are those of a folder that holds the crops."""
    (tmp_path / "boxes.csv").write_text("video,left,top,right,bottom\na,30,10,60,40\n")
    track = follow(str(video), "a", looking("boxes(path=boxes.csv)"), Following(margin=0.1))
    frames, _ = choose_decoder("pyav").read(str(video), lambda count: range(count))
    (tmp_path / "crops").mkdir()
    for number, frame in enumerate(frames):
        Image.fromarray(cut(frame, track, number, 12)).save(tmp_path / "crops" / f"{number}.png")
    words = ("--finder", "boxes(path=boxes.csv)", "--margin", "0.1")
    for more in ((), ("--window", "8")):
        cropped = json.loads(predict(video, *words, *more, "--json").out)["videos"][0]
        expected = json.loads(predict("crops", *more, "--json").out)["videos"][0]
        assert cropped["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-6)
        plain = json.loads(predict(video, *more, "--json").out)["videos"][0]
        assert cropped["probabilities"] != pytest.approx(plain["probabilities"], abs=1e-6)


def test_a_video_without_a_face_is_named(predict, video):
    assert "a face was found in 0 of 6 sampled frames" in predict(video, "--finder", "haar", check=4).out


def test_the_face_is_followed_as_data_faces_does(predict, video, tmp_path):
    """The options of `data faces` hold for predictions, and what came of them is told."""
    rows = [f"a,{n},{10 if n < 13 else 60},10,{30 if n < 13 else 80},30" for n in range(30)]
    (tmp_path / "boxes.csv").write_text("\n".join(["video,frame,left,top,right,bottom", *rows]))
    words = (video, "--finder", "boxes(path=boxes.csv)", "--every", "2")
    found = json.loads(predict(*words, "--choose", "longest-track", "--align", "--json").out)
    assert (found["every"], found["choose"], found["align"], found["least"]) == (
        2,
        "longest-track",
        True,
        0.5,
    )
    (one,) = found["videos"]
    assert one["face"]["looked"] == one["face"]["found"] == 15 and one["face"]["jumps"] == 1
    assert "jumps once" in one["face"]["doubt"]
    assert "the crop jumps once" in predict(*words).out
    assert "would jump once in 15 sampled frames" in predict(*words, "--most-jumps", "0", check=4).out
    assert "face" not in json.loads(predict(video, "--json").out)["videos"][0]


def test_marks_of_the_model_are_told():
    found = PredictedVideos(
        CLASSES,
        [Prediction("a", 8, (Span(0, 7, None, None, (0.2, 0.3, 0.5)),))],
        [Failed("b", "it is empty")],
        {"caveats": ["synthetic", "random weights"]},
        {"finder": "none", "window": None, "stride": None},
    )
    text = table(found)
    assert "faces drawn by a program" in text and "random weights" in text
    assert text.index("stays") < text.index("darkens") < text.index("failed: b: it is empty")


def test_predict_crops_as_data_faces_does():
    """Every option about following a face is there in both, with the same words and default."""
    from typer.main import get_command

    commands = get_command(make_app([])).commands
    ours = {one.name: one for one in commands["predict"].params}
    theirs = {one.name: one for one in commands["data"].commands["faces"].params}
    for name in vars(Following()):
        assert (ours[name].opts, ours[name].help) == (theirs[name].opts, theirs[name].help)
        assert ours[name].default == theirs[name].default == getattr(Following(), name)


def test_help_says_what_a_prediction_is_not(cli):
    assert "not a fact about a person" in " ".join(cli("predict", "--help", check=0).stdout.split())


def test_a_diverged_model_gives_no_numbers(predict, trained, tmp_path, video):
    path = trained / "checkpoint.safetensors"
    with safetensors.safe_open(path, "pt") as file:
        metadata = file.metadata()
    state = load_file(path)
    state = {name: torch.full_like(tensor, 3e38) for name, tensor in state.items()}
    header = json.loads(metadata[KEY])
    header.pop("checksum")  # as files of earlier releases have none
    save_file(state, tmp_path / "large.safetensors", {KEY: json.dumps(header)})
    assert "the logits are not finite" in predict(video, check=4, checkpoint="large.safetensors").err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--stride", "3"], 3, "--stride"),
        (["--plot", "x.png"], 3, "--window"),
        (["--plot", "x.gif", "--window", "4"], 3, "x.gif"),
        (["-o", "x.txt"], 3, "x.txt"),
        (["--window", "0"], 2, "--window"),
        (["--finder", "hare"], 3, "hare"),
        (["--decoder", "decoord"], 3, "decoord"),
        (["--model", "toy-frozen"], 3, "toy-net"),
        (["--checkpoint", "nowhere.pth"], 4, "nowhere.pth"),
        (["--device", "cuda:99"], 3, "cuda:99"),
    ],
)
def test_errors_are_two_lines(predict, video, words, code, message):
    error, hint = predict(video, *words, check=code).err.splitlines()[-2:]
    assert message in error + hint and error.startswith("error: ") and hint.startswith("hint: ")


def test_a_single_picture_is_a_video_that_stands_still(predict, tmp_path):
    media.frame_folder(tmp_path / "one", ["1.png"])
    shutil.copy(tmp_path / "one" / "1.png", tmp_path / "face.png")
    Image.open(tmp_path / "face.png").save(tmp_path / "face.webp", lossless=True)
    found = json.loads(predict("one", "face.png", "face.webp", "--json").out)
    folder, picture, other = found["videos"]
    assert folder["probabilities"] == picture["probabilities"] == other["probabilities"]
    assert picture["still"] and picture["frames"] == 1 and "still" not in folder
    assert "face.png: a single picture, shown 8 times over as if it were a video" in predict("face.png").out
    window = json.loads(predict("face.png", "--window", 4, "--json").out)["videos"][0]
    assert window["probabilities"] == pytest.approx(picture["probabilities"])
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    written = predict("bad.jpg", "face.png", check=5).out
    assert "failed: bad.jpg: its frame bad.jpg cannot be read" in written


def test_a_camera_films_for_a_while_and_nothing_is_kept(predict, tmp_path, monkeypatch):
    video = media.encode(tmp_path / "a.mp4", count=12)
    kept = tmp_path / "temporary"
    kept.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(kept))
    found = json.loads(predict("--camera", video, "--json", "-o", "out.csv").out)
    assert [(one["video"], one["frames"]) for one in found["videos"]] == [(f"camera {video}", 12)]
    assert not list(kept.iterdir())
    expected = json.loads(predict(video, "--json").out)["videos"][0]["probabilities"]
    assert found["videos"][0]["probabilities"] == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("camera", ["97", "nowhere.mp4"])
def test_without_a_camera_two_lines_say_so(predict, camera):
    lines = predict("--camera", camera, check=3).err.splitlines()
    assert len(lines) == 2 and f"no camera {camera}" in lines[0] and "name a video" in lines[1]


def test_either_a_video_or_a_camera(predict, tmp_path):
    assert "nothing to predict" in predict(check=3).err
    assert "Leave one of them out" in predict("a.mp4", "--camera", "0", check=3).err
