"""What to know about CLIPER before using or citing a number made here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dferbench import published

CARD: Mapping[str, Any] = {
    "title": "CLIPER: A Unified Vision-Language Framework for In-the-Wild Facial Expression Recognition",
    "venue": "ICME",
    "year": 2024,
    "paper": "arXiv:2303.00193",
    "code": "github muse1998/CLIPER, 02a6713b (no licence), for still images only; reimplemented, "
    "no code copied",
    "bibtex": (
        "@inproceedings{li2024cliper,\n"
        "  title = {CLIPER: A Unified Vision-Language Framework for In-the-Wild Facial Expression "
        "Recognition},\n"
        "  author = {Li, Hanting and Niu, Hongjing and Zhu, Zhaoqing and Zhao, Feng},\n"
        "  booktitle = {IEEE International Conference on Multimedia and Expo (ICME)},\n"
        "  year = {2024},\n"
        "  note = {arXiv:2303.00193}\n"
        "}"
    ),
    "summary": (
        "Each class has five learned texts, which stand for kinds of the expression; first the texts are "
        "learned against a frozen CLIP, then the image tower against the frozen texts. One loss sets the "
        "worst own text against the best of every other class, one the best own text against all others."
    ),
    "input": (
        "16 frames as 8 pairs of neighbours, one pair from each eighth of the video (random within it in "
        "training), 224 x 224 RGB with CLIP's mean and deviation; resized bicubically to a square, ignoring "
        "the aspect ratio; changed in brightness and hue, flipped and cropped at random in training. Each "
        "frame goes through the image tower by itself."
    ),
    "fidelity": "reconstruction: texts, losses, stages and learning rates follow the released code for "
    "still images; the abstract is all of the paper that was available, and nothing of how it treats videos.",
    "unknowns": [
        "How frames become a video: the mean of their features, each of length one, brought to length one; "
        "pool=mean-raw and pool=mean-logits are the alternatives. A survey's 88 million trained parameters "
        "leave no room for a large temporal model.",
        "Frames and their choice: 16, as 8 pairs of neighbours; input.frames, input.sample.",
        "Augmentation of videos: that of the images, drawn once per video; input.augment.",
        "Epochs and batch on videos: 2 and 20 epochs, 16 videos; stage.*. The code has 2 and 57 epochs and "
        "128 images.",
        "Learning rates on videos: those of the images; stage.*.",
        "Texts per class and words in each on DFEW and FERV39k: those of the code for images; descriptors=5, "
        "words=4.",
        "Over what descriptors are counted: the batch, as in the code, though 16 videos give counts of 0 "
        "and 1; count_over=epoch counts since the epoch began, alpha=false weighs all videos alike.",
    ],
    "deviations": [
        "Frames that are not square are resized to a square, ignoring the aspect ratio; the code scales the "
        "shorter side and crops the centre, by the same bicubic filter.",
        "Weights and optimizer are in float32; the code runs in float16, which is why its eps is 1e-4, kept "
        "here.",
        "Texts are cut behind their end: the same features under a causal mask, in less time.",
        "On `synthetic`, learning rates, epochs and crops are ours, and pixels are in 0..1.",
    ],
    "pretraining": "CLIP ViT-B/16 of OpenAI (400 million image-text pairs), in the published numbers "
    "and by default here; on `synthetic`, clip-tiny.",
    "recipe_origin": {
        "optimizers, learning rates, weight decay, "
        "restarts, epochs of the first stage": "code, for still images",
        "resizing, normalisation, brightness, hue, flip, crops": "code, for still images",
        "frames, sampling, batch, epochs of the second stage": "ours",
        "synthetic": "ours: 2 and 3 epochs, learning rates 0.01 and 1e-4",
    },
    "results": [published(5, "default", dfew="57.56/70.84", ferv39k="41.23/51.34")],
    "results_are": "UAR/WAR in percent as printed in table 5 of the DFER-CLIP paper (arXiv:2308.13382); "
    "folds and choice of epochs are not known",
}
