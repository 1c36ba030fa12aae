"""What to know about EC-STFL before using or citing a number made here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dferbench import published
from dferbench_methods.layers.remarks import SORTED_AS_TEXT

CARD: Mapping[str, Any] = {
    "title": "DFEW: A Large-Scale Database for Recognizing Dynamic Facial Expressions in the Wild",
    "venue": "ACM MM",
    "year": 2020,
    "paper": "arXiv:2008.05924",
    "code": "github CV-AC/ECSTFL, eaf8a60 (CC BY-NC-ND 4.0), and jiangxingxun/DFEW, 7c1ba78 (no licence); "
    "reimplemented, no code copied",
    "bibtex": (
        "@inproceedings{jiang2020dfew,\n"
        "  title = {DFEW: A Large-Scale Database for Recognizing Dynamic Facial Expressions in the Wild},\n"
        "  author = {Jiang, Xingxun and Zong, Yuan and Zheng, Wenming and Tang, Chuangao and Xia, Wanchuang "
        "and Lu, Cheng and Liu, Jiateng},\n"
        "  booktitle = {ACM International Conference on Multimedia (ACM MM)},\n"
        "  pages = {2881--2889},\n"
        "  year = {2020}\n"
        "}"
    ),
    "summary": (
        "A 3D ResNet18 encodes the whole video. Besides cross-entropy, a second term pulls features of the "
        "same expression together and pushes those of different ones apart, each class weighted by one over "
        "its number of videos in the batch. The term adds no parameters and is not used in testing."
    ),
    "input": (
        "16 frames in equal steps over the whole video, 112 x 112 RGB, pixels in 0..1; flipped in training. "
        "A dataset of videos that were interpolated to 16 frames, as DFEW offers, is taken frame by frame."
    ),
    "fidelity": "paper: net, loss, its scale, batch and input follow the paper; the optimizer is not "
    "published.",
    "unknowns": [
        "The norm in the loss: L2, form=paper; form=paper-l1 is the other.",
        "Whether a video counts among those of its own class in the batch: it does.",
        "Optimizer, learning rate, epochs and augmentation: SGD at 0.01, 100 epochs and a flip; --set "
        "stage.* and input.*.",
    ],
    "deviations": [
        "The code of 2024 has another loss on another net: form=code2024 variant=torchvision, with "
        "input.sample='segments(duration=2, short=first-frame)' input.augment='random-sized-crop | flip' "
        "stage.batch=32 stage.epochs=200 'stage.schedule=every(50)'.",
        SORTED_AS_TEXT,
        "The paper interpolates each video to 16 frames (TIM); here 16 of its frames are taken.",
        "The paper divides the learning rate by 10 when the loss saturates; here after every 40 epochs.",
        "The term is offered on the two 3D ResNet18 only, of the paper's seven nets.",
        "A batch of one class has no between-class distance: the term is 0 there, as the paper drops it.",
    ],
    "pretraining": "None: from scratch, as in the paper. weights=FILE takes a state dict of Hara's or "
    "torchvision's net (Kinetics), the classifier left out unless its shape fits.",
    "recipe_origin": {
        "frames, size, batch, scale of the loss": "paper",
        "normalisation (none)": "code",
        "optimizer, learning rate, weight decay, schedule, epochs, flip, drop_last": "ours",
        "synthetic": "ours: 56 x 56, width 16, 14 epochs, Adam",
    },
    "results": [published(5, "default", dfew="45.35/56.51")],
    "results_are": "UAR/WAR in percent; in the paper of five folds pooled, how the epoch was chosen is not "
    "said",
}
