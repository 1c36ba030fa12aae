"""The dataset `synthetic`: drawn faces in real video files, so that everything runs without real data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from dferbench import ConfigError, DataError, Dataset, DferbenchError, Options, Video, hookimpl
from dferbench.data import Progress, cache_folder
from dferbench_datasets.synthetic.plan import COUNTS, FOLDS, DrawingOptions, plan

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dferbench_datasets.synthetic.draw import Drawing

RENDERER = 1
"""To be raised whenever the same options would give other pixels: old files are then left alone."""


class Synthetic(Dataset):
    """Parametric faces driven by facial-action curves; every video is drawn from the seed and its own id.

    The 11-class version adds contempt, anxiety, helplessness and disappointment. Which actions make a class
    is not a claim about how people look: surprise and fear, anger and disgust, disappointment and
    helplessness
    share their actions and differ only in how they move (abrupt onset and slow decay, or the same backwards),
    so that a method needs the order of the frames.

    `videos` counts all five folds; `size` is the side in pixels; `intensity` scales the movements;
    `occlusion` is the share of videos with something before the face; `noise` is the camera's, in grey
    levels; `light` is how bright the scene is, 1 being what clip-tiny was trained on. Under the defaults a
    clip-tiny does better when it learns than frozen, and best is what also knows the order of frames.
    Raises ConfigError.
    """

    folds = tuple(range(1, FOLDS + 1))
    about = "drawn faces moved by facial actions, written as H.264: the embedded default"
    where = "It is drawn on first use; nothing needs to be downloaded."
    synthetic = True
    defaults: ClassVar = {"backbone": "clip-tiny"}

    def __init__(
        self,
        classes: int = 7,
        videos: int = 600,
        size: int = 96,
        seed: int = 0,
        intensity: float = 0.6,
        occlusion: float = 0.2,
        noise: float = 8.0,
        light: float = 0.35,
    ) -> None:
        self.options = DrawingOptions(classes, videos, size, seed, intensity, occlusion, noise, light)
        _check(self.options)
        self.classes = tuple(COUNTS[classes])

    def default_root(self) -> Path:
        """A folder of the user's cache for these very options; $DFERBENCH_CACHE moves the cache."""
        text = json.dumps(self._description(), sort_keys=True)
        return cache_folder() / f"synthetic-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def prepare(self, root: Path, progress: Progress, workers: int | None = None) -> None:
        """Draw and write the videos that are not there yet; what an interrupted call finished is kept.

        The manifest comes last, so a folder that has one is whole. Raises DataError if the folder holds
        another dataset or cannot be written.
        """
        manifest = _read(root)
        if manifest is not None and manifest["made_by"] != self._description():
            raise DataError(
                f"{root} holds a synthetic dataset made with other options", "Choose an empty folder."
            )
        missing = [item for item in self._plan() if not (root / "videos" / f"{item.id}.mp4").is_file()]
        if manifest is not None and not missing:
            return
        from dferbench_datasets.synthetic.write import finish, write_all

        try:
            with progress.bar(f"drawing synthetic videos into {root}", len(missing)) as bar:
                write_all(self.options, root / "videos", missing, workers, bar.advance)
            finish(root, {"made_by": self._description(), "videos": [asdict(item) for item in self._plan()]})
        except DferbenchError as error:
            raise DataError(error.message, f"{error.hint} $DFERBENCH_CACHE moves the cache.") from error

    def videos(self, root: Path, fold: int, split: str) -> Sequence[Video]:
        """Fold k tests on the people of part k and trains on all others. Raises DataError if not prepared."""
        manifest = _read(root)
        if manifest is None:
            raise DataError(f"{root} holds no synthetic dataset", self.where)
        return [
            Video(
                id=v["id"],
                path=str(root / "videos" / f"{v['id']}.mp4"),
                label=v["label"],
                info={"person": v["person"]},
                group=f"person {v['person']}",
            )
            for v in manifest["videos"]
            if (v["fold"] == fold) == (split == "test")
        ]

    def draw(self, video_id: str) -> Drawing:
        """The frames of a video before they are encoded, and its facial actions. Raises KeyError."""
        from dferbench_datasets.synthetic.draw import draw

        return draw(self.options, {item.id: item for item in self._plan()}[video_id])

    def paint(self, name: str, seed: int, frames: int, size: int = 224) -> NDArray[np.uint8]:
        """A face that shows the class `name`, neutral if it is not known: (frames, size, size, 3) uint8 RGB.

        The seed decides who it is, how they move and where. Of the dataset's options `intensity`, `occlusion`
        and `noise` matter.
        """
        from dferbench_datasets.synthetic.draw import paint

        return paint(self.options, name, seed, frames, size)

    def _plan(self) -> list[Any]:
        return plan(self.options.classes, self.options.videos, self.options.seed)

    def _description(self) -> dict[str, Any]:
        return {"renderer": RENDERER, "options": asdict(self.options)}


def _check(options: DrawingOptions) -> None:
    least = FOLDS * options.classes
    for name, good, wanted in (
        ("classes", options.classes in COUNTS, "7 or 11"),
        ("videos", options.videos >= least, f"at least {least}: one of each class in each fold"),
        (
            "size",
            32 <= options.size <= 1024 and options.size % 2 == 0,
            "an even number of pixels from 32 to 1024",
        ),
        ("seed", options.seed >= 0, "0 or more"),
        ("intensity", 0 <= options.intensity <= 1.2, "from 0 to 1.2"),
        ("occlusion", 0 <= options.occlusion <= 1, "from 0 to 1"),
        ("noise", 0 <= options.noise <= 60, "from 0 to 60 grey levels"),
        ("light", 0.05 <= options.light <= 1.2, "from 0.05 to 1.2"),
    ):
        if not good:
            given = getattr(options, name)
            raise ConfigError(f"synthetic: {name} cannot be {given}", f"Wanted: {wanted}.")


def _read(root: Path) -> dict[str, Any] | None:
    path = root / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        return {"made_by": manifest["made_by"], "videos": manifest["videos"]}
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}", "Check its permissions.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} is not a manifest of a synthetic dataset", "Remove it to draw again."
        ) from error


class SyntheticOptions(Options):
    """How many videos are drawn, and how hard they are."""

    classes: int = Field(7, description="Number of classes, 7 or 11.")
    videos: int = Field(600, description="Number of videos in all five folds.")
    size: int = Field(96, description="Side of the videos in pixels, an even number from 32 to 1024.")
    seed: int = Field(0, description="Random seed of people and movements.")
    intensity: float = Field(0.6, description="Scale of the facial movements, from 0 to 1.2.")
    occlusion: float = Field(0.2, description="Fraction of videos with something before the face.")
    noise: float = Field(8.0, description="Noise of the camera in grey levels, from 0 to 60.")
    light: float = Field(0.35, description="Brightness of the scene, from 0.05 to 1.2.")


@hookimpl
def register_datasets(register: Any) -> None:
    """Offer `synthetic`."""
    register("synthetic", Synthetic, SyntheticOptions)
