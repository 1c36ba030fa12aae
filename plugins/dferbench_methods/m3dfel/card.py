"""What to know about M3DFEL before using or citing a number made here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dferbench import published
from dferbench_methods.layers.remarks import SORTED_AS_TEXT

CARD: Mapping[str, Any] = {
    "title": "Rethinking the Learning Paradigm for Dynamic Facial Expression Recognition",
    "venue": "CVPR",
    "year": 2023,
    "paper": "doi:10.1109/CVPR52729.2023.01722",
    "code": "github Tencent/TFace, attribute/M3DFEL, 171ec143 (Apache-2.0); reimplemented, no code copied",
    "bibtex": (
        "@inproceedings{wang2023m3dfel,\n"
        "  title = {Rethinking the Learning Paradigm for Dynamic Facial Expression Recognition},\n"
        "  author = {Wang, Hanyang and Li, Bo and Wu, Shuang and Shen, Siyuan and Liu, Feng and Ding, "
        "Shouhong and Zhou, Aimin},\n"
        "  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},\n"
        "  pages = {17958--17968},\n"
        "  year = {2023}\n"
        "}"
    ),
    "summary": (
        "A video is a bag of four clips of four frames, of which only some show the emotion; a 3D ResNet18 "
        "processes each clip; a BiLSTM and attention relate them; a normalisation that mixes statistics of "
        "the instances and of the bag gates them, and a convolution makes one feature of the bag."
    ),
    "input": (
        "16 frames where sixteenths of the video begin, each moved on by up to 15 frames in training; 112 x "
        "112 RGB, pixels in 0..1; cropped at random, flipped and changed in colour in training; resized to a "
        "square in testing, ignoring the aspect ratio."
    ),
    "fidelity": "official-code: follows the released code in network, loss and learning rates; without "
    "weights=FILE its trunk starts from scratch, and testing draws no frames at random.",
    "unknowns": [
        "FERV39k and MAFW: nothing is published but FERV39k's result: the recipe of DFEW, for 300 epochs.",
        "Why the paper states 1.65 GFLOPs: the released network takes 43.19 billion MACs per video.",
        "Frames of an instance in the paper's own runs: instance=4, as in the code.",
    ],
    "deviations": [
        "From scratch unless weights=FILE: the code's trunk starts from r3d_18 of Kinetics-400.",
        "Testing draws nothing; the code moves the frames at random in testing too, so that its results "
        "differ from run to run.",
        SORTED_AS_TEXT,
        "A bag of one instance has a variance of zero over its instances; the code divides by zero there.",
        "A last batch of one video works; in the code its logits lose an axis. Batch norm has the several "
        "clips of a bag even then.",
        "Batch norm acts on the whole batch; in the code on a quarter of it, on each of four devices.",
        "On `synthetic`, and for dferbench check, the net is a quarter as wide (width=16): ours.",
    ],
    "pretraining": "None by default here. The code and its published numbers start the trunk from "
    "torchvision's r3d_18 of Kinetics-400 (KINETICS400_V1): weights=FILE takes that file, or a checkpoint of "
    "the released code, whose classifier is left out unless its shape fits. The record says which.",
    "recipe_origin": {
        "frames, size, augmentation": "code",
        "optimizer, learning rate of every step, weight decay, epochs, batch, drop_last": "code",
        "synthetic": "ours: width 16, 56 x 56, 14 epochs, learning rate 1e-3",
    },
    "results": [published(5, "default", dfew="56.10/69.25", ferv39k="35.94/47.67")],
    "results_are": "UAR/WAR in percent, presumably means over folds; the code keeps the best test epoch of "
    "UAR and that of WAR, each by itself, which fits the paper's recalls on DFEW: they average to 55.92",
}
