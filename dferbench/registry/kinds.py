"""The kinds of things that a plugin may bring: one hook each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dferbench.errors import UnknownName


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of registered things: its noun, what one does, and how many arguments the host hands to its
    `build` before the user's options."""

    noun: str
    about: str
    given: int = 0


KINDS: Mapping[str, Kind] = {
    "methods": Kind("method", "A network with the recipe that trains it.", 2),
    "datasets": Kind("dataset", "Which videos there are, where they lie and what they show."),
    "backbones": Kind("backbone", "Turns images into features, with pretrained weights.", 1),
    "temporal_heads": Kind("temporal head", "Turns the features of a video's frames into one feature.", 2),
    "prompts": Kind("prompt", "Turns class texts into text features.", 2),
    "decoders": Kind("decoder", "Reads frames of a video file."),
    "face_finders": Kind("face finder", "Finds the face in a frame."),
    "metrics": Kind("metric", "Turns counts of predictions into a score.", 1),
    "samplers": Kind("sampler", "Chooses which frames of a video a model sees."),
    "augmentations": Kind("augmentation", "Changes training videos at random."),
    "optimizers": Kind("optimizer", "Updates parameters from their gradients.", 2),
    "schedules": Kind("schedule", "Changes learning rates during training.", 2),
    "trackers": Kind("tracker", "Observes runs and writes down what happens."),
    "launchers": Kind("launcher", "Starts the runs of a study, here or elsewhere."),
    "suites": Kind("suite", "A table to be filled: rows of methods with options, and printed numbers."),
}
"""Each registry is filled through the hook `register_<kind>`."""


def kind_of(text: str) -> str:
    """The kind that a user names, as `temporal_heads`, `temporal-heads`, `temporal head` or `head`.

    Raises UnknownName.
    """
    plain = text.lower().replace("-", " ").replace("_", " ")
    for kind, one in KINDS.items():
        if plain in (one.noun, kind.replace("_", " "), one.noun.split()[-1]):
            return kind
    raise UnknownName("kind", text, [kind.replace("_", "-") for kind in KINDS])
