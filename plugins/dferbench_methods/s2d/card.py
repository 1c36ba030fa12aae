"""What to know about S2D before using or citing a number made here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dferbench import published
from dferbench_methods.layers.remarks import SORTED_AS_TEXT

CARD: Mapping[str, Any] = {
    "title": "From Static to Dynamic: Adapting Landmark-Aware Image Models for Facial Expression Recognition "
    "in Videos",
    "venue": "IEEE Transactions on Affective Computing",
    "year": 2024,
    "paper": "doi:10.1109/TAFFC.2024.3453443",
    "code": "github MSA-LMC/S2D, e1b5e5d (Apache-2.0); reimplemented, no code copied",
    "bibtex": (
        "@article{chen2024s2d,\n"
        "  title = {From Static to Dynamic: Adapting Landmark-Aware Image Models for Facial Expression\n"
        "           Recognition in Videos},\n"
        "  author = {Chen, Yin and Li, Jia and Shan, Shiguang and Wang, Meng and Hong, Richang},\n"
        "  journal = {IEEE Transactions on Affective Computing},\n"
        "  year = {2024},\n"
        "  doi = {10.1109/TAFFC.2024.3453443}\n"
        "}"
    ),
    "summary": (
        "A ViT-B/16 pretrained on expressions in images stays frozen; before each of its blocks, a "
        "prompt made of landmark features is added to the patches, and an adapter attends over the "
        "frames at each position. The class tokens, averaged over the frames, are classified."
    ),
    "input": (
        "16 neighbouring frames from anywhere in training, the first and the last 16 in testing, their "
        "probabilities averaged; on DFEW 16 frames from all of the video. 224 x 224 RGB normalised as "
        "ImageNet; changed by RandAugment, cropped at random, flipped and erased in training; resized to a "
        "square in testing, ignoring the aspect ratio."
    ),
    "fidelity": "official-code: follows the released code in network, loss and learning rates. The "
    "published numbers need its landmark network (landmark=FILE) and its image model (weights=FILE); "
    "results without them should be called S2D-style.",
    "unknowns": [
        "What else the released image model's file holds: parts that this model does not know of are left "
        "out and named in the record; what it does know of must be there and fit.",
        "What stands in for missing landmarks: a map of zeros, so that the first prompt has constants in the "
        "place of its side input, and the next ones the prompt before them (landmark='').",
    ],
    "deviations": [
        "Pixels are whole numbers until they are normalised; the code crops them after, which differs by a "
        "rounding.",
        "The code takes DFEW's own videos of 16 frames, of which all are shown here too; of longer ones, the "
        "middles of sixteenths are. Its second crop in testing is the same as the first, and left out.",
        "One process of 16 videos; the code's scripts start two of 8, each of which draws its own blending.",
        SORTED_AS_TEXT,
        "Single precision (fp32); the code trains in half, as --set precision=fp16 does here.",
        "Self-distillation (SDL) is not offered. DFEW's and MAFW's scripts do not switch it on; FERV39k's "
        "does, but never fills its queues, so that its targets are noise there.",
        "The class-balanced sampler of the oversampled rows is not offered: each video is shown once per "
        "epoch.",
        "zero_init=true zeroes an adapter's very last layer. The code means to zero the last layer of both "
        "its halves, which could never learn, and then overwrites both; zero_init=false starts like that.",
        "The norm that no block uses is frozen: 9,256,915 parameters learn of the 9,258,451 that the code "
        "counts (7 classes). It never changes there either.",
        "An odd batch works: its middle video is blended with itself.",
        "For `synthetic` and dferbench check the net is small, without blending, smoothing and dropout, and "
        "on `synthetic` all of it is trained: ours. It only shows that everything runs: from scratch, on 480 "
        "videos, the transformer did not beat the majority class.",
    ],
    "pretraining": "None by default here: the frozen image model is then random, and of no use. The "
    "published numbers start from the authors' AffectNet-7 model. weights=FILE takes that file, a ViT-B/16 "
    "as timm names its tensors (ImageNet), or a checkpoint of the released code, saved by torch; "
    "landmark=FILE takes the 68-point MobileFaceNet of the authors' repository. The record says which.",
    "recipe_origin": {
        "frames, windows, size, RandAugment, crop, flip, erasing, normalisation": "code",
        "mixup, CutMix, smoothing, dropout, and none of them on FERV39k": "code",
        "optimizer, learning rate of every step, weight decay, epochs, batch (two processes of 8), "
        "drop_last": "code",
        "frames of DFEW's videos where they are more than 16": "ours",
        "synthetic": "ours: width 64, 3 blocks, 48 x 48 in patches of 8, 8 epochs at 2e-3, all learns",
    },
    "results": [
        published(
            None, "landmark=FILE, weights=FILE", dfew="61.82/76.03", ferv39k="41.28/52.56", mafw="41.86/57.37"
        ),
        published(
            None, "the same, oversampled", dfew="65.45/74.81", ferv39k="43.97/46.21", mafw="43.40/55.22"
        ),
    ],
    "results_are": "UAR/WAR in percent from the table of the authors' repository, means over folds of the "
    "test epoch with the best accuracy",
}
