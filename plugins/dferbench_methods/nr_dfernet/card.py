"""What to know about NR-DFERNet before using or citing a number made here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dferbench import published
from dferbench_methods.layers.remarks import SORTED_AS_TEXT

CARD: Mapping[str, Any] = {
    "title": "NR-DFERNet: Noise-Robust Network for Dynamic Facial Expression Recognition",
    "venue": "arXiv",
    "year": 2022,
    "paper": "arXiv:2206.04975",
    "code": "github muse1998/AI-DFERNet, 1e0c8bb (MIT), the first author's; reimplemented, no code copied",
    "bibtex": (
        "@article{li2022nrdfernet,\n"
        "  title = {NR-DFERNet: Noise-Robust Network for Dynamic Facial Expression Recognition},\n"
        "  author = {Li, Hanting and Sui, Mingzhe and Zhu, Zhaoqing and Zhao, Feng},\n"
        "  journal = {arXiv preprint arXiv:2206.04975},\n"
        "  year = {2022}\n"
        "}"
    ),
    "summary": (
        "A shallow ResNet encodes each frame; differences of neighbouring maps and, through a transformer, "
        "the maps themselves are added; a second transformer over time has the mean of its tokens as its "
        "class token. In testing a filter rules neutral out where a snippet of the video is surely something "
        "else."
    ),
    "input": (
        "16 frames as 8 pairs of neighbours, one pair from each eighth of the video (random within it in "
        "training), 112 x 112 RGB, pixels in 0..1; in training cropped to 90 to 100 % of the area at an "
        "aspect ratio of 5/7 to 7/5, flipped, brightened or darkened and turned by up to 4 degrees; resized "
        "to a square in testing, ignoring the aspect ratio."
    ),
    "fidelity": "official-code: follows the released code, which does not run as it stands; fixed where it "
    "breaks, as deviations say.",
    "unknowns": [
        "Whether the paper's own net and hyper-parameters are those of the code, which is of 2023.",
        "The recipe on FERV39k and MAFW: that of DFEW.",
    ],
    "deviations": [
        "The snippets' features go through the linear layer before the filter reads them; the released code "
        "leaves that step out, and cannot run so.",
        "The code creates a class token and six small gates that it never uses (4,120 parameters); they are "
        "not here.",
        "The code drops videos of fewer than 16 frames, from tests too; here all are kept, and those of up "
        "to 9 frames show their first two again and again, as in the loader that it took over.",
        "100 epochs instead of 1000: after 100 the learning rate is a 16,000th of the first.",
        "Frames, size, thresholds and the name of the neutral class are free; without such a class, "
        "neutral='' leaves the filter out.",
        "Brightness and turns act on 8-bit pixels, in the code on tensors.",
        SORTED_AS_TEXT,
    ],
    "pretraining": "None: from scratch, as in the code. weights=FILE takes a state dict of the released code "
    "(none was published), the classifier left out unless its shape fits.",
    "recipe_origin": {
        "frames, size, augmentation, optimizer, learning rate, weight "
        "decay, schedule, batch, drop_last": "code",
        "epochs": "ours: 100 of the code's 1000",
        "synthetic": "ours: 56 x 56, width 16, 14 epochs, Adam, weight decay 1e-4",
    },
    "results": [published(5, "default", dfew="54.21/68.19", ferv39k="33.99/45.97")],
    "results_are": "UAR/WAR in percent, mean over folds at the test epoch with the best WAR, after the "
    "filter; FERV39k's from later papers' tables",
}
