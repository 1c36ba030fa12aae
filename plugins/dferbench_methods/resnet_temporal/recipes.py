"""How the two are trained: the recipe of Former-DFER, whose paper trained a ResNet18-LSTM next to it."""

from __future__ import annotations

from dataclasses import replace

from dferbench import Input, Recipe, Stage

INPUT = Input(
    frames=16,
    size=112,
    sample="segments(duration=2, short=first-frame)",
    normalize="none",
    augment="random-sized-crop | flip",
)
STAGE = Stage(
    train={r".*": 0.01},
    epochs=100,
    batch=32,
    optimizer="sgd(momentum=0.9)",
    schedule="every(40)",
    weight_decay=1e-4,
    drop_last=True,
)
DYNAMIC = Recipe(INPUT, (STAGE,))
"""Eight pairs of frames, one from each eighth of the video (Former-DFER, ACM MM 2021, and its code)."""

# Size, batch and rate: the MAFW paper. It cuts the rate to a fifth when the loss saturates; the epochs at
# which that happens, and Adam, are ours.
LSTM_MAFW = Recipe(
    replace(INPUT, size=224),
    (replace(STAGE, train={r".*": 1e-4}, batch=16, optimizer="adam", schedule="steps(40, 80, gamma=0.2)"),),
)
# Ours: a quarter of the pixels and of the width, few epochs and crops that keep most of the face, so that it
# ends within minutes on two cores.
SYNTHETIC = Recipe(
    replace(INPUT, size=56, augment="random-sized-crop(scale=(0.7, 1)) | flip"),
    (
        replace(
            STAGE,
            train={r".*": 5e-4},
            epochs=14,
            batch=16,
            optimizer="adam",
            schedule="cosine(warmup=1)",
        ),
    ),
)
