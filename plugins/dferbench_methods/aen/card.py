"""What to know about AEN before using or citing a number made here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dferbench import published
from dferbench_methods.layers.remarks import SORTED_AS_TEXT

CARD: Mapping[str, Any] = {
    "title": "Frame Level Emotion Guided Dynamic Facial Expression Recognition with Emotion Grouping",
    "venue": "CVPR Workshops",
    "year": 2023,
    "paper": "pp. 5681-5691 of the workshops' proceedings (ABAW)",
    "code": "github bksain/AEN, d4f6a0d (non-commercial use only, no licence text), called a prototype; "
    "reimplemented, no code copied",
    "bibtex": (
        "@inproceedings{lee2023frame,\n"
        "  title = {Frame Level Emotion Guided Dynamic Facial Expression Recognition with Emotion "
        "Grouping},\n  author = {Lee, Bokyeung and Shin, Hyunuk and Ku, Bonhwa and Ko, Hanseok},\n"
        "  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition Workshops (CVPRW)},\n"
        "  pages = {5681--5691},\n"
        "  year = {2023}\n"
        "}"
    ),
    "summary": (
        "A ResNet's maps at three depths each go through a transformer over time; from the deepest down "
        "they are joined, first to predict the sentiment, then the emotion. A frozen model of single images "
        "says how much each frame shows, and clip vectors and outputs are drawn to that."
    ),
    "input": (
        "16 frames as 8 pairs of neighbours, one pair from each eighth of the video (random within it in "
        "training), 112 x 112 RGB, pixels in 0..1; in training cropped at random, flipped, turned and made "
        "brighter or darker; resized to a square in testing, ignoring the aspect ratio."
    ),
    "fidelity": "official-code: net and losses follow the released prototype; without its file of a 2D model "
    "(weights=FILE) this is AEN w/o 2D pretraining, and its results should be called that.",
    "unknowns": [
        "On which photographs the 2D model of the published numbers was trained: the code has lists for "
        "AffectNet, RAF-DB and both. Here it is trained on frames of the training videos, with their labels; "
        "weights=2D_pretrain.pth stage.still.epochs=0 takes the authors' file.",
        "The share of the deepest vector in the published predictions: beta=0.3, as in the test script; the "
        "training script takes the best of eleven on the test set.",
        "The sentiment of MAFW's contempt, anxiety, helplessness and disappointment: negative.",
        "The recipe on MAFW: that of DFEW, which the code also has for FERV39k and AFEW.",
    ],
    "deviations": [
        "13,651,819 of the code's 52,912,317 parameters take no part in the losses and are left out, but for "
        "the head of the 2D model; files that have them are read. The frozen 2D model is counted here.",
        "The code turns and recolours every other video, by angles in steps of half a degree and by "
        "brightness, contrast, saturation and hue drawn anew for each frame; here every video, by any angle "
        "and by brightness alone, once per video.",
        "The code drops videos of fewer than 16 frames from training and test; here they stay.",
        "The 2D model is the one that the training script loads, trained at 0.01, a tenth of it after every "
        "10 of 20 epochs, on classes as often as they occur. The script that the code has for such a model "
        "trains another one, a ResNet-50 of VGGFace2 on frames of 224 x 224: SGD at 1e-4, a tenth every 20 "
        "of 100 epochs, batches of 32, classes balanced.",
        SORTED_AS_TEXT,
        "Frames and size are free where 16 divides the size.",
        "Epochs of the stage 'still' teach the 2D model alone: the scores of those epochs are by chance.",
    ],
    "pretraining": "Here none but on the training videos' own frames. The published numbers start from a 2D "
    "model of expressions in photographs (AffectNet or RAF-DB). weights=FILE takes the authors' files, the "
    "classifiers left out unless their shapes fit.",
    "recipe_origin": {
        "stage video: optimizer, learning rate, weight decay, schedule, epochs, batch, drop_last": "code",
        "frames, size, crop, flip": "code",
        "turns, brightness": "code, simplified",
        "stage still": "ours; the code's script trains another net, see deviations",
        "synthetic": "ours: 64 x 64, width 16, 2 and 12 epochs, Adam",
    },
    "results": [published(5, "default", dfew="56.66/69.37", ferv39k="38.18/47.88")],
    "results_are": "UAR/WAR in percent, as printed in the DFER-CLIP paper; the code keeps the epoch and the "
    "beta that are best on the test fold. A survey prints 50.88/54.64 on AFEW",
}
