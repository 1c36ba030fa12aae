"""What to know about Former-DFER before using or citing a number made here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dferbench import published
from dferbench_methods.layers.remarks import SORTED_AS_TEXT

CARD: Mapping[str, Any] = {
    "title": "Former-DFER: Dynamic Facial Expression Recognition Transformer",
    "venue": "ACM MM",
    "year": 2021,
    "paper": "doi:10.1145/3474085.3475292",
    "code": "github zengqunzhao/Former-DFER, 1b5ad6f (MIT); reimplemented, no code copied",
    "bibtex": (
        "@inproceedings{zhao2021formerdfer,\n"
        "  title = {Former-DFER: Dynamic Facial Expression Recognition Transformer},\n"
        "  author = {Zhao, Zengqun and Liu, Qingshan},\n"
        "  booktitle = {ACM International Conference on Multimedia (ACM MM)},\n"
        "  pages = {1553--1561},\n"
        "  year = {2021}\n"
        "}"
    ),
    "summary": (
        "A ResNet-18 encodes each frame; between its stages 3 and 4 a transformer relates the places of the "
        "face to each other. A second transformer, with a class token, relates the frames. All of it is "
        "trained from scratch with cross-entropy."
    ),
    "input": (
        "16 frames as 8 pairs of neighbours, one pair from each eighth of the video (random within it in "
        "training), 112 x 112 RGB, pixels in 0..1; cropped at random and flipped in training; resized to a "
        "square in testing, ignoring the aspect ratio."
    ),
    "fidelity": "official-code: follows the released code in all but the depth, where the paper's best row "
    "stands.",
    "unknowns": [
        "Which depth the released checkpoints and the published numbers have: spatial_depth=3 is the "
        "paper's best row, spatial_depth=1 the released code (53.62/65.44 in the paper's table 3). "
        "dferbench import reads it off the file.",
        "The recipe on MAFW: that of DFEW, which is also FERV39k's in the code.",
    ],
    "deviations": [
        "Frames and size are free: the learned positions are as many as the task needs. The code fixes both.",
        "On AFEW the code fine-tunes the model of DFEW's first fold, at 0.001 for 20 epochs, and keeps the "
        "last batch of an epoch. That is the recipe for `afew` here, too, and needs weights=FILE: from "
        "scratch it is far too short.",
        SORTED_AS_TEXT,
    ],
    "pretraining": "None: from scratch, as in the paper and its published numbers, but for AFEW's, which "
    "start from DFEW. weights=FILE takes a checkpoint of the released code, the classifier left out unless "
    "its shape fits.",
    "recipe_origin": {
        "frames, size, augmentation, optimizer, learning rate, "
        "weight decay, schedule, epochs, batch": "paper and code",
        "drop_last, what a short video becomes": "code",
        "afew": "paper and code; drop_last: code",
        "synthetic": "ours: 56 x 56, width 16, 14 epochs, Adam",
    },
    "results": [
        published(5, "default", dfew="53.69/65.70", ferv39k="37.20/46.85", mafw="31.16/43.27"),
    ],
    "results_are": "UAR/WAR in percent, mean over folds at the test epoch with the best WAR; FERV39k's from "
    "a later run of the author, MAFW's first printed in the DFER-CLIP paper",
}
