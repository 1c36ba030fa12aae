"""What to know about LOGO-Former before using or citing a number made here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dferbench import published

CARD: Mapping[str, Any] = {
    "title": "Logo-Former: Local-Global Spatio-Temporal Transformer for Dynamic Facial Expression "
    "Recognition",
    "venue": "ICASSP",
    "year": 2023,
    "paper": "arXiv:2305.03343",
    "code": "none of the authors is known; a port under github pwc-1/paper1, Former, fcca513 (no licence), "
    "which does not run, is what the facts are from; reimplemented, no code copied",
    "bibtex": (
        "@inproceedings{ma2023logoformer,\n"
        "  title = {Logo-Former: Local-Global Spatio-Temporal Transformer for Dynamic Facial Expression "
        "Recognition},\n"
        "  author = {Ma, Fuyan and Sun, Bin and Li, Shutao},\n"
        "  booktitle = {IEEE International Conference on Acoustics, Speech and Signal Processing (ICASSP)},\n"
        "  year = {2023}\n"
        "}"
    ),
    "summary": (
        "Three stages of a ResNet-18 turn all frames into tokens; in each of four blocks a token looks at "
        "the others of its window of space and time, then at one summary of every window. A compact loss "
        "draws features to their class and away from the others."
    ),
    "input": (
        "16 frames as 8 pairs of neighbours, one pair from each eighth of the video (random within it in "
        "training), 112 x 112 RGB, pixels in 0..1; cropped at random and flipped in training; resized to a "
        "square in testing, ignoring the aspect ratio."
    ),
    "fidelity": "reconstruction: of the abstract, with sizes of a port of unknown authorship; the paper's "
    "text and its authors' code were not available.",
    "unknowns": [
        "The windows of local attention: 4 frames by the whole map; window_frames and window_side. The port "
        "has 1 by 1, which is no attention at all.",
        "How a window is summarised: a depthwise convolution of the window's size with a norm, as in the "
        "port; summary_frames=2 summary_side=1 is its size.",
        "Width and depth: 512 and 4, as in the port, which makes 17.9 G MACs. A survey prints "
        "10.27 G; dim=256 depth=6 comes within 2 % of that, and is a guess.",
        "Norms and shortcuts around attention, which the port lacks: before each part and next to it, as in "
        "other transformers.",
        "The feature: the mean over all tokens; pool=token0 is the port's, the first place of the first "
        "frame.",
        "The compact loss: cosines between features and the classifier's rows; compact=0 leaves it out. The "
        "ratio of EC-STFL would be another reading, and is not offered.",
        "Its weight: compact=0.1.",
        "The main loss: cross-entropy; objective=asl is the asymmetric loss that the port trains with.",
        "Pretraining: none; the port names a face recogniser's weights (MS-Celeb-1M), weights=FILE.",
        "The recipe: the port's, which is that of Former-DFER; --set stage.* and input.*.",
        "FERV39k and MAFW: the recipe of DFEW.",
        "How linear layers start: truncated normals of 0.02.",
    ],
    "deviations": [
        "The port's class token and the spatial position of its own, 1,024 parameters, are left out: "
        "averaging leaves them idle.",
        "Frames and size are free where the windows tile them; the port's summary of 2 x 2 x 2 tokens, which "
        "leaves a row of its 7 x 7 places out, is refused.",
        "The port drops videos of fewer than 16 frames; here all are kept, and those of up to 9 frames show "
        "their first two again and again.",
    ],
    "pretraining": "None here. What the published numbers used is not known; the port starts from a "
    "ResNet-18 for face recognition. weights=FILE takes a ResNet-18 with the names of torchvision, of which "
    "stage 4 and the classifier are left out.",
    "recipe_origin": {
        "optimizer, learning rate, weight decay, "
        "schedule, epochs, batch, drop_last": "a port of unknown authorship",
        "frames, size, augmentation": "the port; frames also a survey",
        "compact loss and its weight": "ours",
        "synthetic": "ours: 64 x 64, 128 wide, 2 blocks, a stem of 16, 14 epochs, Adam",
    },
    "results": [published(5, "default", dfew="54.21/66.98", ferv39k="38.22/48.13")],
    "results_are": "UAR/WAR in percent, as printed in the DFER-CLIP paper; folds and choice of epochs are "
    "not known. The same authors' earlier net (arXiv:2205.04749) has 54.58/66.65 and 37.76/48.11, so that "
    "0.33 WAR on DFEW is what this one adds",
}
