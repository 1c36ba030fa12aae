"""What to know about MAE-DFER and VideoMAE before using or citing a number made here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dferbench_methods.layers.remarks import SORTED_AS_TEXT

CODE = "github sunlicai/MAE-DFER, 80b651d4 (MIT); reimplemented, no code copied"
INPUT = (
    "16 frames of a clip of 64 (16 on FERV39k), drawn in training; in testing two clips of every "
    "fourth frame (every one on FERV39k), the first and the last, whose probabilities are averaged. 160 x "
    "160 RGB, ImageNet's mean and deviation; changed by RandAugment, cropped at random, flipped, erased and "
    "mixed in training; resized to a square in testing, ignoring the aspect ratio."
)
DEVIATIONS = (
    "Without weights=FILE it starts at random, and then has nothing to do with the published numbers.",
    "Pixels are whole numbers until they are normalised; the code crops them after, which differs by a "
    "rounding.",
    "The code tests two crops of each clip, which are identical for square frames; here each of the "
    "two clips is tested once. Costs are those of one clip.",
    "The code chooses its epoch by one clip of each test video, drawn at random; here each epoch is "
    "tested as in the end.",
    SORTED_AS_TEXT,
    "One process; the code's scripts start three, each of which draws its own blending of 32 videos (40 on "
    "FERV39k).",
    "Learning rates go by block: with another depth, give stage.train too. Blocks that no pattern names do "
    "not learn.",
    "fp32 by default (precision=fp16 is the code's), one device, and a seed for everything: the code's "
    "crops, flips and erased boxes are not seeded.",
    "On `synthetic`, and for dferbench check, the net is small (width=64, depth=4), without mixing, erasing "
    "and drop path, and all layers have one learning rate: ours. From scratch it stays at chance there: the "
    "recipe shows that everything works, no more.",
)
ORIGIN: Mapping[str, str] = {
    "frames, size, test clips": "code",
    "optimizer, learning rate of every step and layer, weight decay, epochs, batch, drop_last": "code",
    "mixing, smoothing, erasing, drop path": "code",
    "RandAugment, crop and flip": "code",
    "synthetic": "ours: 64 x 64, width 64, depth 4, flips alone, 6 epochs, learning rate 3e-4 for all layers",
}
RESULTS_ARE = (
    "UAR/WAR in percent, over five folds on DFEW and MAFW; the epoch of the best accuracy on the test videos"
)
UNKNOWN = "Datasets that the code has no script for: the recipe of DFEW."


def _pair(uar: float, war: float) -> dict[str, float]:
    return {"uar": uar, "war": war}


MAE_DFER: Mapping[str, Any] = {
    "title": "MAE-DFER: Efficient Masked Autoencoder for Self-supervised Dynamic Facial Expression "
    "Recognition",
    "venue": "ACM MM",
    "year": 2023,
    "paper": "arXiv:2307.02227",
    "code": CODE,
    "bibtex": (
        "@inproceedings{sun2023maedfer,\n"
        "  title = {{MAE-DFER}: Efficient Masked Autoencoder for Self-supervised Dynamic Facial Expression "
        "Recognition},\n"
        "  author = {Sun, Licai and Lian, Zheng and Liu, Bin and Tao, Jianhua},\n"
        "  booktitle = {ACM International Conference on Multimedia (MM)},\n"
        "  pages = {6110--6121},\n"
        "  year = {2023}\n"
        "}"
    ),
    "summary": (
        "A video transformer whose tokens look at those of their own region and at one learned token a "
        "region, through which the regions meet: 38 % less arithmetic than ViT-B. Pre-trained as a masked "
        "autoencoder of face videos and their differences; here it is fine-tuned."
    ),
    "input": INPUT,
    "fidelity": "official-code: follows the released fine-tuning in network, loss, learning rates and "
    "frames, and its augmentation. Pre-training is not here.",
    "unknowns": [UNKNOWN],
    "deviations": list(DEVIATIONS),
    "pretraining": "None by default here. The published numbers start from 100 epochs of masked autoencoding "
    "on VoxCeleb2 (its checkpoint 49): weights=FILE takes that file, or a fine-tuned one, whose classifier "
    "is left out where it is of other classes. The record says which.",
    "recipe_origin": dict(ORIGIN),
    "results": [
        {"variant": "weights of VoxCeleb2", "dfew": _pair(63.41, 74.43), "ferv39k": _pair(43.12, 52.07),
         "mafw": _pair(41.62, 54.31)},
        {"variant": "the same, second run", "ferv39k": _pair(43.29, 52.50), "mafw": _pair(42.36, 55.03)},
    ],
    "results_are": f"{RESULTS_ARE}. Its repository has the files of the second run, and those of DFEW.",
    "macs": {
        "published": "50 G, which is 49.75 G with five operations for each value that is normalised; the "
        "count here leaves norms out"
    },
}  # fmt: skip

VIDEOMAE: Mapping[str, Any] = {
    "title": "VideoMAE: Masked Autoencoders are Data-Efficient Learners for Self-Supervised Video "
    "Pre-Training",
    "venue": "NeurIPS",
    "year": 2022,
    "paper": "arXiv:2203.12602",
    "code": f"{CODE}; it contains VideoMAE's, as the baseline",
    "bibtex": (
        "@inproceedings{tong2022videomae,\n"
        "  title = {{VideoMAE}: Masked Autoencoders are Data-Efficient Learners for Self-Supervised Video "
        "Pre-Training},\n"
        "  author = {Tong, Zhan and Song, Yibing and Wang, Jue and Wang, Limin},\n"
        "  booktitle = {Advances in Neural Information Processing Systems (NeurIPS)},\n"
        "  year = {2022}\n"
        "}"
    ),
    "summary": (
        "A plain ViT-B over tokens of two frames by 16 x 16 pixels, each of which looks at every other one. "
        "Pre-trained as a masked autoencoder of videos; here it is fine-tuned, as MAE-DFER's authors did for "
        "their strongest baseline."
    ),
    "input": INPUT,
    "fidelity": "official-code: the network as released, fine-tuned as MAE-DFER's code does it, "
    "its augmentation included. Pre-training is not here.",
    "unknowns": [
        UNKNOWN,
        "How exactly MAE-DFER's authors fine-tuned this baseline: there is no script for it; the recipe is "
        "that of their own method.",
    ],
    "deviations": list(DEVIATIONS),
    "pretraining": "None by default here. The published numbers start from masked autoencoding on "
    "Kinetics-400, or on VoxCeleb2: weights=FILE takes a pre-trained ViT-B of VideoMAE, of any frame size, "
    "or a fine-tuned one, whose classifier is left out where it is of other classes. The record says which.",
    "recipe_origin": dict(ORIGIN),
    "results": [
        {"variant": "weights of Kinetics-400", "dfew": _pair(58.49, 70.61), "ferv39k": _pair(38.50, 49.61),
         "mafw": _pair(38.34, 51.74)},
        {"variant": "weights of VoxCeleb2", "dfew": _pair(63.60, 74.60), "ferv39k": _pair(43.33, 52.39),
         "mafw": _pair(40.87, 53.51)},
    ],
    "results_are": f"{RESULTS_ARE}. Run and printed by MAE-DFER's authors.",
    "macs": {
        "published": "81 G, which is 80.76 G with five operations for each value that is normalised; the "
        "count here leaves norms out"
    },
}  # fmt: skip
