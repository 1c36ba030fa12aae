"""What to know about T-ESFL before using or citing a number made here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dferbench import published

CARD: Mapping[str, Any] = {
    "title": "MAFW: A Large-scale, Multi-modal, Compound Affective Database for Dynamic Facial Expression "
    "Recognition in the Wild",
    "venue": "ACM MM",
    "year": 2022,
    "paper": "arXiv:2208.00847",
    "code": "none: github MAFW-database/MAFW, c8296ec (MIT), announces it and holds none; the sizes are "
    "those of github DreamMr/EST, f85a0cd (no licence), of the same authors; reimplemented, no code copied",
    "bibtex": (
        "@inproceedings{liu2022mafw,\n"
        "  title = {MAFW: A Large-scale, Multi-modal, Compound Affective Database for Dynamic Facial "
        "Expression Recognition in the Wild},\n"
        "  author = {Liu, Yuanyuan and Dai, Wei and Feng, Chuanxu and Wang, Wenbin and Yin, Guanghao and "
        "Zeng, Jiabei and Shan, Shiguang},\n"
        "  booktitle = {ACM International Conference on Multimedia (ACM MM)},\n"
        "  year = {2022}\n"
        "}"
    ),
    "summary": (
        "A video is seven overlapping snippets; a CNN with attention makes one feature of each, a "
        "transformer with one query one of all. Besides the class, training must name the order in "
        "which the snippets were shown. This is the paper's method on video alone, without its audio and "
        "captions."
    ),
    "input": (
        "35 frames: the video is brought to 105 frames, and seven snippets of 15, begun every 10, give 5 "
        "each (drawn in training, every third in testing); 224 x 224 RGB, resized bicubically to a square, "
        "ignoring the aspect ratio, pixels in 0..1; no augmentation but the choice of frames."
    ),
    "fidelity": "reconstruction: the paper gives the flow of data, the loss and part of the recipe; all "
    "sizes are those of EST, a method of the same authors with the same figure.",
    "unknowns": [
        "Frames of a snippet, and how a video is cut: as in EST; input.frames and input.sample.",
        "From how many orders the snippets' is drawn: EST's ten.",
        "The classifier's inner widths: EST's 128 and 64, and 256 and 256 for the 43 compound classes; "
        "hidden and narrow.",
        "The trunk's start: from scratch; weights=FILE. The paper cites a CNN trained on faces, which is the "
        "FER+ ResNet-18 of EST's code.",
        "Optimizer, weight decay and epochs on MAFW: Adam, 1e-4 and 160; stage.*.",
    ],
    "deviations": [
        "Audio and captions are not used: the paper's rows with them are 33.35/48.70 and 31.00/50.29.",
        "The learning rate is cut to a fifth after 80 and 120 epochs, in the paper when the loss saturates.",
        "Faces are taken as they come with the dataset; the paper aligned them and dropped frames without.",
        "A batch of one has no order term in training, over which batch norm has no spread.",
    ],
    "pretraining": "None here unless weights=FILE gives the trunk a ResNet-18 with torchvision's names, or "
    "all of it a checkpoint of EST's code. The published numbers start from a CNN trained on faces.",
    "recipe_origin": {
        "size, batch, learning rate, the factor of its cuts, scale, number of snippets": "paper",
        "frames, resizing, pixels, no augmentation": "code of EST",
        "optimizer, weight decay, epochs, when the learning rate is cut, drop_last": "ours",
        "synthetic": "ours: 21 frames of 56 x 56, width=16, 14 epochs at 0.0005",
    },
    "results": [published(5, "default", mafw="33.28/48.18")],
    "results_are": "UAR/WAR in percent, mean over MAFW's five folds, of video alone; how the epoch was "
    "chosen is not said. Three of the eleven classes have a recall of 0 there",
}
