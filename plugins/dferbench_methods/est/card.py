"""What to know about EST before using or citing a number made here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dferbench import published
from dferbench_methods.layers.remarks import SORTED_AS_TEXT

CARD: Mapping[str, Any] = {
    "title": "Expression Snippet Transformer for Robust Video-based Facial Expression Recognition",
    "venue": "Pattern Recognition",
    "year": 2023,
    "paper": "arXiv:2109.08409",
    "code": "github DreamMr/EST, f85a0cd (no licence); reimplemented, no code copied",
    "bibtex": (
        "@article{liu2023est,\n"
        "  title = {Expression Snippet Transformer for Robust Video-based Facial Expression Recognition},\n"
        "  author = {Liu, Yuanyuan and Wang, Wenbin and Feng, Chuanxu and Zhang, Haoyu and Chen, Zhe and "
        "Zhan, Yibing},\n"
        "  journal = {Pattern Recognition},\n"
        "  volume = {138},\n"
        "  pages = {109368},\n"
        "  year = {2023}\n"
        "}"
    ),
    "summary": (
        "A video is seven overlapping snippets; a ResNet-18 and self-attention make one feature of each; a "
        "transformer with one learned query makes one of all. Besides the class, training must name "
        "the order in which the snippets were shown, one of ten; the prediction does not depend on it."
    ),
    "input": (
        "35 frames: the video is brought to 105 frames, and seven snippets of 15, begun every 10, give 5 "
        "each (drawn in training, every third in testing); 224 x 224 RGB, resized bicubically to a square, "
        "ignoring the aspect ratio, pixels in 0..1; no augmentation but the choice of frames."
    ),
    "fidelity": "official-code: follows the released code; the weights that its trunk starts from are not "
    "here.",
    "unknowns": [
        "How a video is brought to 105 frames: evenly, frames repeated or left out; input.sample.",
        "Whether the paper's optimizer and learning rates are the code's: taken as such.",
        "The recipe on FERV39k and MAFW: that of DFEW.",
    ],
    "deviations": [
        "From scratch unless weights=FILE: the code starts its trunk from a ResNet-18 trained on FER+ (the "
        "file Resnet18_FER+_pytorch.pth.tar of the Emotion-FAN repository).",
        SORTED_AS_TEXT,
        "A batch of one has no order term in training, where the code's batch norm fails; drop_last avoids "
        "it.",
        "The code's labels are alphabetical; here classes go by name, in files of that code too.",
    ],
    "pretraining": "None here unless weights=FILE gives the trunk a ResNet-18 with torchvision's names, or "
    "all of it a checkpoint of the released code. The published numbers start from MS-Celeb-1M and FER+.",
    "recipe_origin": {
        "frames, size, resizing, optimizer, learning rate, weight decay, "
        "schedule, epochs, batch, drop_last, scale": "code",
        "how 105 frames are made": "ours",
        "synthetic": "ours: 21 frames of 56 x 56, width=16, 14 epochs at 0.0005",
    },
    "results": [published(5, "default", dfew="53.94/65.85")],
    "results_are": "UAR/WAR in percent, five folds pooled, at the test epoch with the best WAR; the first "
    "version of the paper and its recalls of single classes give UAR 53.43",
}
