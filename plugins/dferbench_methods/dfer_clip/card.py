"""What to know about DFER-CLIP before using or citing a number made here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dferbench import published


def _published(table: int, variant: str, dfew: str, ferv39k: str, mafw: str) -> dict[str, Any]:
    return published(table, variant, dfew=dfew, ferv39k=ferv39k, mafw=mafw)


CARD: Mapping[str, Any] = {
    "title": "Prompting Visual-Language Models for Dynamic Facial Expression Recognition",
    "venue": "BMVC",
    "year": 2023,
    "paper": "arXiv:2308.13382",
    "code": "github zengqunzhao/DFER-CLIP, d10d5a4 (MIT); reimplemented, no code copied",
    "bibtex": (
        "@inproceedings{zhao2023dferclip,\n"
        "  title = {Prompting Visual-Language Models for Dynamic Facial Expression Recognition},\n"
        "  author = {Zhao, Zengqun and Patras, Ioannis},\n"
        "  booktitle = {British Machine Vision Conference (BMVC)},\n"
        "  year = {2023}\n"
        "}"
    ),
    "summary": (
        "Each frame goes through CLIP's image tower; a small transformer with a class token turns the frame "
        "features into one video feature; CLIP's frozen text tower reads learned context words followed by a "
        "description of the expression; the text with the highest cosine wins. The image tower, the "
        "transformer and the words are trained together, at three learning rates."
    ),
    "input": (
        "16 frames, one from each sixteenth of the video (random within it in training), 224 x 224 RGB, "
        "pixels in 0..1, not normalised by CLIP's mean and standard deviation; in testing, frames are "
        "resized bilinearly to a square, whatever their aspect ratio."
    ),
    "fidelity": (
        "official-code: follows the released code where it and the paper differ or the paper is silent: "
        "model, frames, "
        "augmentation, learning rates, schedule, batch, weight decay. The forward pass and SGD steps are "
        "tested against an independent implementation."
    ),
    "deviations": [
        "The class descriptions are dferbench's own, written to answer the paper's question; the paper's are "
        "in its supplement and its code. Give them as a file (text=FILE.toml) to use them; an official "
        "checkpoint brings them along (dferbench import).",
        "Frames are taken in natural order (2 before 10) and counted on disk; the code sorts names as "
        "strings and trusts the list. The two agree for names of equal length and correct lists.",
        "temporal=mean is the paper's row without temporal model; how that row pooled its frames is not "
        "published. Here: the mean of the un-normalised frame features, then one L2 normalisation.",
        "Texts are cut after the last end of text: a causal mask gives the same features, in less time.",
        "Seeds are set for each fold; the code seeds once and runs its folds one after another.",
        "Short videos repeat their last frame, as the code does since September 2023; the published numbers "
        "were probably made when it repeated the first (input.sample='segments(short=first-frame)').",
        "The paper reports the test epoch with the best WAR; here that is one selection rule of several.",
        "The recipe for `synthetic` is not the paper's.",
    ],
    "pretraining": (
        "CLIP ViT-B/32 of OpenAI (400 million image-text pairs), in the published numbers and by "
        "default "
        "here; on `synthetic`, clip-tiny."
    ),
    "recipe_origin": {
        "learning rates, epochs, batch, steps of the schedule, words": "paper (section 4.2) and code",
        "momentum, weight decay, drop_last, frames, augmentation of each dataset, pixels in 0..1": "code",
        "synthetic": "ours: fewer epochs, small batches, crops that keep most of the face",
    },
    "results": [
        _published(1, "words=4, temporal=mean", "56.91/69.01", "40.26/50.96", "38.03/50.62"),
        _published(1, "temporal=mean", "57.39/69.00", "40.64/50.92", "38.51/50.91"),
        _published(1, "words=16, temporal=mean", "57.32/68.96", "40.22/50.64", "37.98/50.40"),
        _published(1, "default", "59.61/71.25", "41.27/51.65", "39.89/52.55"),
        _published(1, "temporal=cls-transformer(depth=2)", "58.87/70.92", "40.41/51.08", "39.13/52.10"),
        _published(1, "temporal=cls-transformer(depth=3)", "58.64/70.80", "40.35/50.98", "38.90/51.86"),
        _published(3, "prompt=fixed, text='a photo of {}', temporal=mean",
                   "56.21/68.44", "39.44/49.94", "37.91/50.87"),
        _published(3, "prompt=fixed, text=expression, temporal=mean",
                   "56.16/68.73", "39.28/50.41", "37.71/51.08"),
        _published(3, "text=class-names, temporal=mean", "57.37/68.86", "40.42/50.50", "38.01/50.81"),
        _published(3, "text=class-names", "58.28/70.29", "40.60/51.18", "39.64/51.21"),
        _published(4, "position=middle, shared=true", "58.91/71.19", "40.36/51.22", "39.55/52.54"),
        _published(4, "position=middle", "59.24/71.33", "40.71/51.32", "39.26/52.19"),
        _published(4, "shared=true", "58.97/71.12", "40.50/51.21", "39.46/52.45"),
    ],
    "results_are": "UAR/WAR in percent, mean over folds and three seeds, at the test epoch with the best WAR",
}  # fmt: skip
