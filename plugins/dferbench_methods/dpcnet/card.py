"""What to know about DPCNet before using or citing a number made here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dferbench import published

CARD: Mapping[str, Any] = {
    "title": "DPCNet: Dual Path Multi-Excitation Collaborative Network for Facial Expression Representation "
    "Learning in Videos",
    "venue": "ACM MM",
    "year": 2022,
    "paper": "doi:10.1145/3503161.3547865",
    "code": "none: github wangyanckxx/DPCNet, eb50a42, holds a README and the framework's figure",
    "bibtex": (
        "@inproceedings{wang2022dpcnet,\n"
        "  title = {DPCNet: Dual Path Multi-Excitation Collaborative Network for Facial Expression "
        "Representation Learning in Videos},\n"
        "  author = {Wang, Yan and Sun, Yixuan and Song, Wei and Gao, Shuyong and Huang, Yiwen and "
        "Chen, Zhaoyu and Ge, Weifeng and Zhang, Wenqiang},\n"
        "  booktitle = {ACM International Conference on Multimedia (ACM MM)},\n"
        "  pages = {101--110},\n"
        "  year = {2022}\n"
        "}"
    ),
    "summary": (
        "A video is cut into four groups, each of which gives one frame to each of two views; a ResNet-50, "
        "excitation of places and frames, an LSTM, and excitation of channels and time make one feature of "
        "each view. Two terms of the loss make the views agree; both are tested."
    ),
    "input": (
        "8 frames, two from each quarter of the video (at random in training, at its thirds in testing), 112 "
        "x 112 RGB, pixels in 0..1; cropped at random and flipped in training; resized to a square in "
        "testing, ignoring the aspect ratio."
    ),
    "fidelity": "reconstruction: of the paper's abstract, its framework figure, and what others report of "
    "it. The parameters (50.8 M) and MACs (9.55 G) are those reported (51 M, 9.52 G).",
    "unknowns": [
        "How a group's frames are drawn and weighted: two distinct ones at random; input.sample.",
        "Pretraining: from scratch; weights=FILE, with input.normalize=imagenet where the file needs it.",
        "The gate of the frames: sigmoid; frame_gate=softmax.",
        "The LSTM: one layer, forwards; layers.",
        "The classifier: one hidden layer of 1024 with dropout 0.5, which explains 4.2 M of the reported "
        "51 M parameters; hidden, 0 for none.",
        "The form of the multi-frame term: 2 - 2 cos, frame by frame, with gradients to both views; "
        "agree=mse.",
        "How much the two terms weigh: 1 each; mf and dp.",
        "What both views say together: the mean of their probabilities; fusion=logits.",
        "The whole recipe on DFEW: SGD at 0.01, 100 epochs, batch 32, crops and flips; stage.* and input.*.",
    ],
    "deviations": [
        "Faces are taken as they come with the dataset; the paper aligned them by landmarks.",
        "Frames and size are free; the figure has 4 frames per view and maps of 4 x 4.",
    ],
    "pretraining": "None here unless weights=FILE gives the trunk a ResNet-50 with torchvision's names "
    "(ImageNet, or one trained on faces), its classifier left out. Of the published numbers it is not known; "
    "the authors' baselines on FERV39k gained much from MS-Celeb-1M.",
    "recipe_origin": {
        "frames, groups, size": "paper (its figure); the size follows from the map in it",
        "augmentation, optimizer, learning rate, weight decay, schedule, epochs, batch, drop_last": "ours",
        "synthetic": "ours: 56 x 56, width=16 hidden=256, 14 epochs, Adam",
    },
    "results": [published(5, "default", dfew="57.11/66.32")],
    "results_are": "UAR/WAR in percent on DFEW as later papers print them; folds and choice of epochs are "
    "not known, and one figure has UAR 55.02",
}
