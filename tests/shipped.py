"""Checkpoints as imports leave them, of models that were never trained: for whatever starts from a file."""

from dferbench.checkpoints.format import Header, write_checkpoint
from dferbench.models.build import make_model
from dferbench.models.parts import Parts
from dferbench.registry.options import resolve
from dferbench.types import Input, Task

SEVEN = ("happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear")


def ship(catalog, path, method, options=None, classes=SEVEN, **input):
    """Write the checkpoint of a method and return its model, in eval mode."""
    entry = catalog.get("methods", method)
    shown = Input(**{"frames": 4, "size": 32, **input})
    given = resolve(entry.value, options or {})
    task = Task("x", tuple(classes), shown.frames, shown.size)
    model = make_model(entry, task, given, Parts(catalog, missing="random"), 3).eval()
    facts = dict(method=method, options=given, classes=list(classes), input=shown, input_given=True)
    write_checkpoint(path, model.state_dict(), Header(holds="all", **facts))
    return model
