"""A folder as a user's may look: data, runs, suites, lists and plugins, most with one thing wrong."""

import csv
import json
import shutil

import media
from conftest import TOY
from PIL import Image

SUITE = """title = "Mine"
{head}
[[rows]]
label = "a"
method = "toy-net"
{row}
"""
SUITES = {
    "good.toml": ("", ""),
    "key.toml": ("", "optoins = { width = 2 }"),
    "top.toml": ('sorce = "a paper"', ""),
    "rule.toml": ('select = "bset-on-test"', ""),
    "lost.toml": ('published = "nowhere.toml"', 'published = "1/a"'),
    "width.toml": ("", "options = { widht = 2 }"),
    "value.toml": ("", 'options = { width = "two" }'),
    "stage.toml": ("", 'options = { "stage.batch" = 0 }'),
}
"""Suites by name: lines of the head, and of the row."""

LOSS = '''"""Methods of a plugin under work: what they compute does not fit."""
import torch

from dferbench import Input, Method, Recipe, Stage, hookimpl
from dferbench.models import Classifier


class Net(Classifier):
    def __init__(self, task, parts):
        super().__init__()
        self.head = torch.nn.Linear(3, len(task.classes))

    def forward(self, x):
        return self.head(x.mean((1, 3, 4)))


class Tensor(Net):
    def loss(self, batch):
        return self(batch.x).sum()


class Nothing(Net):
    def loss(self, batch):
        return {}


class Vector(Net):
    def loss(self, batch):
        return {"ce": self(batch.x).sum(1)}


class Number(Net):
    def loss(self, batch):
        return {"ce": 0.5}


class Detached(Net):
    def loss(self, batch):
        return {"ce": self(batch.x).sum().detach()}


class Wide(Net):
    def __init__(self, task, parts):
        super().__init__(task, parts)
        self.head = torch.nn.Linear(3, 5)


class Flat(Net):
    def forward(self, x):
        return super().forward(x).sum(1)


class Two(Net):
    def forward(self, x):
        return super().forward(x), x


def three(task, parts):
    return 3


@hookimpl
def register_methods(register):
    recipe = Recipe(Input(frames=2, size=8), (Stage({".*": 0.05}, epochs=1, batch=6),))
    for build in (Net, Tensor, Nothing, Vector, Number, Detached, Wide, Flat, Two, three):
        register(Method(build.__name__.lower(), build, recipe))
'''


def picture(path, side=8):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (side, side), (90, 120, 150)).save(path)


def furnish(desk, toy_root):
    """Put everything but the runs into the folder `desk`."""
    (desk / "toy").symlink_to(toy_root)
    (desk / "empty").mkdir()
    (desk / "notes.txt").write_text("milk, bread")
    (desk / "clip.pth").write_bytes(b"not a checkpoint at all")
    (desk / "damaged.mp4").write_bytes(b"\0\0\0\x18ftypmp42 and then nothing")
    media.encode(desk / "talk.mp4", count=4)
    _videos(desk)
    _lists(desk)
    for name, (head, row) in SUITES.items():
        (desk / name).write_text(SUITE.format(head=head, row=row))
    (desk / "broken.toml").write_text("title = Mine\n[[rows]\n")
    (desk / "rowless.toml").write_text('title = "Mine"\n')
    (desk / "texts.toml").write_text('brightens = "a light that grows"\n')
    (desk / "loss.py").write_text(LOSS)
    (desk / "damaged-run").mkdir()
    (desk / "damaged-run" / "record.json").write_text('{"schema": 1, "status"')
    (desk / "empty-pack").mkdir()
    (desk / "crops").mkdir()
    (desk / "crops" / "faces.json").write_text("[]")


def _videos(desk):
    for name in ("happy", "sad"):
        for video in ("1", "2"):
            picture(desk / "videos" / name / video / "1.png")
    picture(desk / "one-class" / "happy" / "1" / "1.png")
    picture(desk / "flat" / "1.png")
    shutil.copytree(desk / "videos", desk / "spoiled" / "train")
    shutil.copytree(desk / "videos", desk / "spoiled" / "test")
    (desk / "spoiled" / "test" / "happy" / "1" / "1.png").write_bytes(b"")


def _lists(desk):
    table(desk / "good.csv", ["video", "label"], ["videos/happy/1", "happy"], ["videos/sad/1", "sad"])
    table(desk / "nolabel.csv", ["video", "person"], ["videos/happy/1", "anna"])
    table(desk / "novideo.csv", ["label", "person"], ["happy", "anna"])
    here = [["videos/happy/1", "happy"], ["videos/sad/1", "sad"], ["videos/sad/2", "sad"]]
    table(desk / "missing.csv", ["video", "label"], ["videos/happy/9", "happy"], *here)
    table(desk / "short.csv", ["video", "label"], ["videos/happy/1", "happy"], ["videos/sad/1"])
    table(desk / "empty.csv")
    (desk / "train.txt").write_text("videos/happy/1 1 0\nvideos/sad/1 1 1\n")
    (desk / "test.txt").write_text("videos/happy/2 1 0\nvideos/sad/2 1 2\n")
    (desk / "gone.txt").write_text("videos/happy/7 1 0\nvideos/sad/7 1 1\n")


def table(path, *rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def leave_runs(desk, run):
    """Three finished runs, as `run(*words)` leaves them: two methods on toy, and one on other videos."""
    for words in (["-m", "toy-net"], ["-m", "toy-frozen"], ["-m", "toy-net", "--fold", "2"]):
        run("--plugin", TOY, "run", *words, "-d", "toy", "--root", "toy", "--epochs", 1, "-j", 0, "-q")
    for name, found in (
        ("net", "toy-net-*/fold1*"),
        ("frozen", "toy-frozen-*/fold1*"),
        ("fold2", "*/fold2*"),
    ):
        (folder,) = (desk / "runs" / "toy").glob(found)
        (desk / name).symlink_to(folder)
    shutil.copytree(desk / "net", desk / "cut")
    text = (desk / "cut" / "record.json").read_text()
    (desk / "cut" / "record.json").write_text(text[: len(text) // 2])
    shutil.copytree(desk / "net", desk / "bare")
    (desk / "bare" / "predictions.npz").unlink()
    (desk / "bare" / "checkpoint.safetensors").unlink()
    shutil.copytree(desk / "net", desk / "running")
    record = json.loads((desk / "running" / "record.json").read_text())
    (desk / "running" / "record.json").write_text(json.dumps({**record, "status": "running"}))
