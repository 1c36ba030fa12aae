"""A plugin for tests: methods of which one process of several fails, when the environment says how."""

import os
import signal

import toy
from torch import distributed, nn

from dferbench import ConfigError, Input, Method, Recipe, Stage, hookimpl


class Uneasy(toy.ToyNet):
    """With batch norm; in its second epoch the process of rank 1 does what $UNEASY says."""

    def __init__(self, task, parts, dropout: float = 0.0):
        super().__init__(task, parts)
        self.norm = nn.BatchNorm1d(12)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.head(self.dropout(self.norm(self.body(x.transpose(1, 2)).flatten(1))))

    def loss(self, batch):
        if batch.epoch >= 1 and distributed.is_initialized() and distributed.get_rank() == 1:
            trouble = os.environ.get("UNEASY")
            if trouble == "refuses":
                raise ConfigError("the second process refuses", "Ask it again.")
            if trouble == "raises":
                raise KeyError("the second process fell over")
            if trouble == "is killed":
                os.kill(os.getpid(), signal.SIGKILL)
        return super().loss(batch)


@hookimpl
def register_methods(register):
    stage = Stage({".*": 0.05}, epochs=3, batch=6)
    register(Method("uneasy", Uneasy, Recipe(Input(frames=8, size=12, augment="flip"), (stage,))))
