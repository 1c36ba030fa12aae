"""Features as files: rows are their videos', whoever reads them, and the file says what made them."""

import json

import numpy as np
import pytest
import torch
from conftest import TOY
from inputs import make_sampler
from shipped import ship

from dferbench.cli import _run
from dferbench.data.decoders import choose_decoder
from dferbench.data.normalize import to_float
from dferbench.errors import ConfigError, UnknownName
from dferbench.inference.feature_file import write_features
from dferbench.inference.features import Features
from dferbench.inference.tap import drawn_share, find_tap, per_video
from dferbench.inference.windows import ClipSampler, whole
from dferbench.models import FrameClassifier, Mean, WindowClassifier
from dferbench.registry.catalog import discover

CATALOG = discover([TOY])
CLASSES = ("brightens", "darkens", "stays")


def toy(folder, method="toy-frozen"):
    """The checkpoint of a toy model, and the model."""
    path = folder / "c.safetensors"
    input = {"frames": 8, "size": 12, "sample": "segments(random=false)"}
    return path, ship(CATALOG, path, method, {}, CLASSES, **input)


@pytest.fixture
def extract(toy_root, tmp_path, monkeypatch, capsys):
    """Run the command in this process; gives the arrays of the file."""
    monkeypatch.chdir(tmp_path)

    def run(*words, file="f.npz", workers=0, check=0):
        given = ["--plugin", TOY, "features", "-d", "toy", "--root", toy_root, "--device", "cpu", "-o", file]
        code = _run([str(word) for word in [*given, "-j", workers, "-q", *words]])
        written = capsys.readouterr()
        assert code == check, written.err
        return dict(np.load(file)) if not check and file.endswith(".npz") else written

    return run


def test_rows_are_what_the_model_makes_of_each_video(extract, toy_root, tmp_path):
    path, model = toy(tmp_path)
    found = extract("-c", path, "--part", "all", "--fold", 2)
    assert found["features"].shape == (27, 12) and found["features"].dtype == np.float32
    assert list(found["classes"]) == list(CLASSES)
    eye, decoder = ClipSampler(make_sampler("segments(random=false)"), 8, 12), choose_decoder()
    for name, label, part, row in zip(*(found[k] for k in ("id", "label", "part", "features")), strict=True):
        place = toy_root / "fold2" / str(part) / str(name)
        assert str(name).split("/")[0] == CLASSES[label]
        piece = whole(str(place), eye, decoder, None)
        with torch.no_grad():
            expected = model.encode(to_float(torch.from_numpy(piece.frames)[None], "none", "cpu"))[0]
        assert row == pytest.approx(expected.numpy(), abs=1e-5)
    assert list(found["part"]) == ["train"] * 18 + ["test"] * 9


def test_the_file_is_the_same_whoever_reads_the_videos(extract, tmp_path):
    path, _ = toy(tmp_path, "toy-net")
    extract("-c", path, file="a.npz")
    extract("-c", path, file="b.npz", workers=2)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_the_file_says_what_made_it(extract, tmp_path):
    path, _ = toy(tmp_path)
    about = json.loads(str(extract("-c", path, "--limit", 3)["about"]))
    assert about["trained"] and about["random weights"] == 0 and about["checkpoint"]["sha256"]
    assert (about["dataset"], about["fold"], about["part"], about["limit"]) == ("toy", 1, "test", 3)
    assert about["taken at"] == "the input of 'head', a Linear" and not about["drawn data"]
    written = extract("-m", "toy-net", "--limit", 3, "--seed", 5)
    about = json.loads(str(written["about"]))
    assert not about["trained"] and about["random weights"] == 1 and about["seed"] == 5
    assert about["checkpoint"] is None and len(written["id"]) == 3


def test_what_cannot_be_asked_leaves_no_file(extract, tmp_path):
    path, _ = toy(tmp_path, "toy-net")
    assert "neither .npz nor .parquet" in extract("-c", path, file="f.csv", check=3).err
    assert "which model" in extract(check=3).err
    assert "no features of single frames" in extract("-c", path, "--level", "frame", check=3).err
    assert "part of a split" in extract("-c", path, "--part", "validation", check=3).err
    assert "are of one fold" in extract("-c", path, "--fold", "all", check=3).err
    assert {one.name for one in tmp_path.iterdir()} <= {"c.safetensors", "home"}


@pytest.mark.parametrize("shape", [(5, 4), (5, 3, 4)])
def test_parquet_has_a_row_a_video_or_a_frame(tmp_path, shape):
    parquet = pytest.importorskip("pyarrow.parquet")
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    ids, labels = [f"v{i}" for i in range(5)], np.array([0, 2, 1, 0, 2])
    write_features(
        Features(ids, labels, ["test"] * 5, values, CLASSES, {"level": "x"}), tmp_path / "f.parquet"
    )
    table = parquet.read_table(tmp_path / "f.parquet")
    assert json.loads(table.schema.metadata[b"dferbench"]) == {"level": "x"}
    rows = table.to_pylist()
    assert np.array([row["features"] for row in rows]).reshape(shape) == pytest.approx(values)
    each = len(rows) // 5
    assert [row["id"] for row in rows] == [name for name in ids for _ in range(each)]
    assert [row["class"] for row in rows] == [CLASSES[i] for i in labels for _ in range(each)]
    if len(shape) == 3:
        assert [row["frame"] for row in rows] == [0, 1, 2] * 5


def test_where_features_are_found(tmp_path):
    former = ship(CATALOG, tmp_path / "c", "former-dfer", {"width": "2", "spatial_depth": "1"}, frames=3)
    video = torch.rand(2, 3, 3, 32, 32)
    frame, whole_ = (find_tap(former, video, level, 7) for level in ("frame", "video"))
    assert (frame.name, whole_.name) == ("temporal", "head") and frame.takes
    with torch.no_grad(), frame.open() as passed:
        former(video)
    expected = former.frame(video.flatten(0, 1)).reshape(2, 3, -1)
    assert torch.allclose(per_video(former, passed, frame, 2), expected, atol=1e-5)
    with pytest.raises(UnknownName):
        find_tap(former, video, "pixel", 7)
    loaded = {id(p) for p in former.trunk.parameters()}
    share = drawn_share(former, frame, video, loaded)
    drawn = sum(p.numel() for p in former.spatial.parameters())
    read = drawn + sum(p.numel() for n, p in former.trunk.named_parameters() if "fc" not in n)
    assert share == pytest.approx(drawn / read), "what follows the feature does not count"


class Windows(WindowClassifier):
    def __init__(self):
        super().__init__(2)
        self.head = torch.nn.Linear(3, 3)

    def score(self, x):
        return self.head(x.mean((1, 3, 4)))


class Framewise(FrameClassifier):
    def __init__(self):
        super().__init__(torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()), Mean(3, 4))

    def decide(self, frames):
        return self.temporal(frames)


def test_clips_of_a_video_are_averaged_and_frames_are_not():
    model, video = Windows(), torch.rand(2, 6, 3, 4, 4)
    tap = find_tap(model, video, "video", 3)
    with tap.open() as passed:
        model(video)
    assert len(passed[0]) == 6
    assert torch.allclose(per_video(model, passed, tap, 2), video.mean((1, 3, 4)), atol=1e-6)
    with pytest.raises(ConfigError, match="6 rows for 4 videos"):
        per_video(model, passed, tap, 4)
    framewise = Framewise()
    tap = find_tap(framewise, video, "frame", 3)
    with tap.open() as passed:
        framewise(video)
    assert torch.allclose(per_video(framewise, passed, tap, 2), video.mean((3, 4)), atol=1e-6)
