"""What to know about GCA+IAL before using or citing a number made here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dferbench import published
from dferbench_methods.layers.remarks import SORTED_AS_TEXT

CARD: Mapping[str, Any] = {
    "title": "Intensity-Aware Loss for Dynamic Facial Expression Recognition in the Wild",
    "venue": "AAAI",
    "year": 2023,
    "paper": "arXiv:2208.10335",
    "code": "github muse1998/IAL-for-Facial-Expression-Recognition, 39a24b6 (MIT); reimplemented, "
    "no code copied",
    "bibtex": (
        "@inproceedings{li2023intensity,\n"
        "  title = {Intensity-Aware Loss for Dynamic Facial Expression Recognition in the Wild},\n"
        "  author = {Li, Hanting and Niu, Hongjing and Zhu, Zhaoqing and Zhao, Feng},\n"
        "  booktitle = {AAAI Conference on Artificial Intelligence (AAAI)},\n"
        "  pages = {67--75},\n"
        "  year = {2023}\n"
        "}"
    ),
    "summary": (
        "Convolutions as large as the map decide, frame by frame, how much each channel counts; what frames "
        "show and what changes between them go together through a transformer over time. A second loss sets "
        "the target against its strongest rival alone, which is hard where an expression is weak."
    ),
    "input": (
        "16 frames, one from each sixteenth of the video (random within it in training), 112 x 112 RGB, "
        "pixels in 0..1; in training mildly cropped, flipped, made brighter or darker and turned; resized to "
        "a square in testing, ignoring the aspect ratio."
    ),
    "fidelity": "official-code: follows the released code, which is for DFEW; of the paper only the "
    "abstract and one figure were at hand.",
    "unknowns": [
        "The weight of the loss in the paper: scale=0.1, as in the code, next to a comment that says 0.5.",
        "The net behind the published numbers: a survey prints 9.63 G MACs for it, and the released "
        "one, which is here, has 5.6 G.",
        "Epochs: 100, where the learning rate has come to nothing; the code is stopped by hand.",
        "The recipe on FERV39k and MAFW: that of DFEW.",
    ],
    "deviations": [
        "146,752 of the code's 19,083,527 parameters take no part in it and are left out; files that have "
        "them are read.",
        "Frames and size are free: learned positions and the large convolutions are as the task needs. The "
        "code fixes both.",
        "The code drops videos of fewer than 16 frames from training and test; here they show their first "
        "frame throughout, as videos of just 16 do there and here.",
        SORTED_AS_TEXT,
        "Brightness is cut to whole numbers of 0..255.",
        "dferbench import takes what the released training script saves, as its code says it: the authors "
        "have published no file to try.",
    ],
    "pretraining": "None: from scratch, as in the code. weights=FILE takes a checkpoint of the released "
    "code, the classifiers left out unless their shapes fit.",
    "recipe_origin": {
        "frames, size, augmentation, optimizer, learning rate, weight "
        "decay, schedule, batch, drop_last": "code",
        "epochs, what a short video becomes": "ours",
        "synthetic": "ours: 56 x 56, width 16, 14 epochs, Adam",
    },
    "results": [published(5, "default", dfew="55.71/69.24", ferv39k="35.82/48.54")],
    "results_are": "UAR/WAR in percent, as printed in the DFER-CLIP paper; the code keeps the epoch that is "
    "best on the test fold by WAR. Whether folds were averaged or pooled is not known",
}
