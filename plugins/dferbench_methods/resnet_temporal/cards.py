"""What to know about the two before using or citing a number made here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dferbench import published

INPUT = (
    "16 frames as 8 pairs of neighbours, one pair from each eighth of the video (random within it in "
    "training), 112 x 112 RGB, pixels in 0..1; cropped at random and flipped in training; resized to a "
    "square in testing, ignoring the aspect ratio."
)
PRETRAINING = (
    "None: from scratch, as Former-DFER states for its own ResNet18-LSTM; of the other published rows it is "
    "not known. weights=FILE starts the trunk from a file with torchvision's names (ImageNet, or a ResNet-18 "
    "trained on faces), its classifier left out; input.normalize=imagenet then suits most."
)
RECIPE_ORIGIN = {
    "frames, size, augmentation": "code of Former-DFER; its paper says that its baselines share the sampling",
    "optimizer, learning rate, schedule, epochs, batch": "paper and code of Former-DFER for its own "
    "model; that its baselines share them is inferred",
    "drop_last": "code of Former-DFER",
    "mafw (resnet18-lstm)": "size, batch and learning rate: the MAFW paper; Adam, epochs and 16 frames: ours",
    "synthetic": "ours: 56 x 56, width 16, 14 epochs, Adam",
}
RESULTS_ARE = (
    "UAR/WAR in percent as printed in table 5 of the DFER-CLIP paper (arXiv:2308.13382), mean over folds; "
    "where the origin is known, at the test epoch with the best WAR"
)
NO_CODE = "none for this row"
DFEW_PRESET = (
    "The recipe of the DFEW authors' code: --set variant=dfew input.sample=uniform input.augment= "
    "stage.optimizer=adam \"stage.train={'.*': 0.001}\" stage.schedule=constant stage.weight_decay=0 "
    "stage.batch=32 stage.epochs=500 stage.drop_last=false."
)

LSTM: Mapping[str, Any] = {
    "title": "ResNet18-LSTM: Deep Residual Learning for Image Recognition, with Long Short-Term Memory",
    "venue": "CVPR",
    "year": 2016,
    "paper": "arXiv:1512.03385",
    "code": f"{NO_CODE}; variant=dfew: github jiangxingxun/DFEW, 7c1ba78 (no licence); reimplemented, "
    "no code copied",
    "bibtex": (
        "@inproceedings{he2016resnet,\n"
        "  title = {Deep Residual Learning for Image Recognition},\n"
        "  author = {He, Kaiming and Zhang, Xiangyu and Ren, Shaoqing and Sun, Jian},\n"
        "  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition (CVPR)},\n"
        "  year = {2016}\n"
        "}\n"
        "@article{hochreiter1997lstm,\n"
        "  title = {Long Short-Term Memory},\n"
        '  author = {Hochreiter, Sepp and Schmidhuber, J{\\"u}rgen},\n'
        "  journal = {Neural Computation},\n"
        "  volume = {9},\n"
        "  number = {8},\n"
        "  year = {1997}\n"
        "}"
    ),
    "summary": (
        "A ResNet-18 turns each frame into a feature; an LSTM reads the features in order. A linear layer "
        "reads its output at the last frame."
    ),
    "input": INPUT,
    "fidelity": "reconstruction: the row of table 5 has no code; the trunk is ResNet-18, and the cost that "
    "Former-DFER prints (7.78 G) leaves room for one small LSTM only.",
    "unknowns": [
        "Width, layers and readout of the LSTM: hidden=512, layers=1, readout=last.",
        "Its direction: bidirectional=false.",
        "What net stands behind FERV39k's row: its authors state 132 M parameters, which no plain LSTM on a "
        "ResNet-18 has.",
        "The LSTM behind MAFW's row, and how it takes all frames of a video: 16 frames here.",
    ],
    "deviations": [
        "The rows of table 5 are of different nets: DFEW's was trained by Former-DFER's authors, FERV39k's "
        "and MAFW's by those of the data sets. One net stands for all here.",
        "variant=dfew is the net that the DFEW authors released under this name: bottlenecks, 2048 features "
        "per frame, three LSTM layers, the outputs at all frames side by side (17,388,871 parameters for 7 "
        "classes). The DFEW paper's 42.86/53.08 may be of that net; table 5's DFEW number is not.",
        "variant=dfew starts 2D convolutions and linear layers Kaiming-normal (fan in), as that code does; "
        "the default starts convolutions with fan out, as torchvision does.",
        DFEW_PRESET,
        "cell=gru is Former-DFER's ResNet18+GRU (51.68/64.02 on DFEW).",
    ],
    "pretraining": PRETRAINING,
    "recipe_origin": RECIPE_ORIGIN,
    "results": [
        published(5, "default", dfew="51.32/63.85", ferv39k="30.92/42.95", mafw="28.08/39.38"),
    ],
    "results_are": f"{RESULTS_ARE}. FERV39k's own authors print 30.92/42.59: the WAR of table 5 looks like "
    "two digits exchanged",
}

VIT: Mapping[str, Any] = {
    "title": "ResNet18-ViT: Deep Residual Learning for Image Recognition, with An Image is Worth 16x16 Words",
    "venue": "ICLR",
    "year": 2021,
    "paper": "arXiv:2010.11929",
    "code": f"{NO_CODE}; the temporal transformer is that of github zengqunzhao/Former-DFER, 1b5ad6f (MIT); "
    "reimplemented, no code copied",
    "bibtex": (
        "@inproceedings{dosovitskiy2021vit,\n"
        "  title = {An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale},\n"
        "  author = {Dosovitskiy, Alexey and Beyer, Lucas and Kolesnikov, Alexander and others},\n"
        "  booktitle = {International Conference on Learning Representations (ICLR)},\n"
        "  year = {2021}\n"
        "}"
    ),
    "summary": (
        "A ResNet-18 turns each frame into a feature; a transformer with a class token and learned positions "
        "reads them in order. A linear layer reads the class token."
    ),
    "input": INPUT,
    "fidelity": "reconstruction: no paper or code describes the row. The transformer is the temporal one of "
    "Former-DFER, by the same first author.",
    "unknowns": [
        "The architecture: a transformer over frame features, depth=3, heads=8; an image transformer inside "
        "each frame is another reading, and not offered.",
        "Pre-training of the trunk: none; weights=FILE.",
        "Size and frames: 112 and 8 pairs; input.size=224 and input.sample=segments are as likely.",
        "The recipe on FERV39k and MAFW: that of DFEW.",
        "Optimizer and schedule: Former-DFER's; --set stage.epochs=50 stage.batch=48 "
        "'stage.schedule=steps(30, 40)' is nearer to DFER-CLIP's.",
    ],
    "deviations": [
        "Former-DFER's table 1 has exactly this net from scratch at 112: 52.86/64.86 on DFEW. That is the "
        "number to expect; table 5 stands nearly three points above it, so something differed.",
    ],
    "pretraining": PRETRAINING,
    "recipe_origin": RECIPE_ORIGIN,
    "results": [
        published(5, "default", dfew="55.76/67.56", ferv39k="38.35/48.43", mafw="35.80/47.72"),
    ],
    "results_are": RESULTS_ARE,
}
