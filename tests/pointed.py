"""A plugin for tests of explanations: methods whose answer depends on a known frame and place, or on what is
bright."""

import torch
from torch.nn import functional as F

from dferbench import Input, Method, Recipe, Stage, hookimpl
from dferbench.models import Classifier, attend

FRAME, ROW, COLUMN = 2, 1, 3
"""What `spot` looks at, in a grid of 4 by 4."""
SHARP = 40.0


class Spot(Classifier):
    """The brightness of one patch of one frame, against that of the whole video."""

    def __init__(self, task, parts):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(6.0))

    def forward(self, x):
        patches = F.adaptive_avg_pool2d(x.mean(2), 4)  # (B, T, 4, 4)
        there = patches[:, FRAME, ROW, COLUMN] - 0.5
        return self.scale * torch.stack([there, -there, 0 * there], 1)


def bright(tokens, sharp):
    """A class token, which is dark, and tokens (N, L, 1): each looks where it is bright, and adds that."""
    tokens = torch.cat([torch.zeros_like(tokens[:, :1]), tokens], 1)[:, None]
    return (tokens + attend(sharp * torch.ones_like(tokens), tokens, tokens))[:, 0]


class Looker(Classifier):
    """Attention over the patches of each frame, then over the frames: to whatever is bright."""

    def __init__(self, task, parts):
        super().__init__()
        self.sharp = torch.nn.Parameter(torch.tensor(SHARP))

    def forward(self, x):
        places = F.adaptive_avg_pool2d(x.flatten(0, 1).mean(1), 4).flatten(1)  # (B T, 16)
        frames = bright(places[..., None], self.sharp)[:, 0].reshape(x.shape[0], -1, 1)
        there = bright(frames, self.sharp)[:, 0, 0]
        return torch.stack([there, -there, 0 * there], 1)


class Mixed(Looker):
    """Attention over the patches of all frames at once."""

    def forward(self, x):
        places = F.adaptive_avg_pool2d(x.mean(2), 4).flatten(1)  # (B, 16 T)
        there = bright(places[..., None], self.sharp)[:, 0, 0]
        return torch.stack([there, -there, 0 * there], 1)


@hookimpl
def register_methods(register):
    recipe = Recipe(
        Input(frames=6, size=32, sample="segments(random=false)"), (Stage({".*": 0.1}, epochs=1),)
    )
    for name, kind in (("spot", Spot), ("looker", Looker), ("mixed", Mixed)):
        register(Method(name, kind, recipe))
