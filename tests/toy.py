"""A plugin for tests: a dataset of tiny frame folders and two methods small enough to train in seconds."""

from pathlib import Path

from torch import nn

from dferbench import Dataset, Input, Method, Recipe, Stage, Video, hookimpl
from dferbench.errors import DataError
from dferbench.models import Classifier


class Toy(Dataset):
    """Squares that brighten, darken or stay."""

    classes = ("brightens", "darkens", "stays")
    folds = (1, 2)
    where = "Tests make it."

    def videos(self, root, fold, split):
        place = Path(root) / f"fold{fold}" / split
        if not place.is_dir():
            raise DataError(f"{place} is missing", self.where)
        return [
            Video(f"{folder.parent.name}/{folder.name}", str(folder), self.classes.index(folder.parent.name))
            for folder in sorted(place.glob("*/*"))
        ]


class ToyNet(Classifier):
    """A 3D convolution, as large as an example may be."""

    def __init__(self, task, parts, width: int = 4):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv3d(3, width, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool3d((3, 1, 1))
        )
        self.head = nn.Linear(3 * width, len(task.classes))

    def forward(self, x):
        return self.head(self.body(x.transpose(1, 2)).flatten(1))


class Frozen(ToyNet):
    """The same, with the body in encode."""

    def encode(self, video):
        return self.body(video.transpose(1, 2)).flatten(1)

    def forward(self, x):
        return self.head(x)


@hookimpl
def register_datasets(register):
    register("toy", Toy)


@hookimpl
def register_methods(register):
    stage = Stage({".*": 0.05}, epochs=3, batch=6)
    register(Method("toy-net", ToyNet, Recipe(Input(frames=8, size=12, augment="flip"), (stage,))))
    input = Input(frames=8, size=12, sample="segments(random=false)")
    register(Method("toy-frozen", Frozen, Recipe(input, (Stage({r"head\..*": 0.05}, epochs=3, batch=6),))))
