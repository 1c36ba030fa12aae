"""What to know about each method before using or citing a number made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dferbench import published
from dferbench_methods.layers.remarks import SORTED_AS_TEXT

Card = Mapping[str, Any]

READ = "reimplemented, no code copied"
DFEW_CODE = f"github jiangxingxun/DFEW, 7c1ba78 (no licence); {READ}"
RESULTS_ARE = (
    "UAR/WAR in percent as printed in table 5 of the DFER-CLIP paper (arXiv:2308.13382), mean over folds; "
    "where the origin is known, at the test epoch with the best WAR"
)
SCRATCH = (
    "None: the DFEW paper, FERV39k's table and Former-DFER state that these nets were trained from scratch. "
    "weights=FILE starts from a file: {}. Its classifier is left out unless its shape fits."
)
ANY_DATASET = (
    "any dataset: SGD 0.01, momentum 0.9, weight decay 1e-4, a tenth every 40 of 100 epochs, batch 32"
)
_DFEW = "dfew: uniform frames, Adam 1e-3 constant, batch {}, {} epochs, no augmentation, start"
_DFEW_CODE = (
    "code of the DFEW authors (2022); their paper (batch 24, learning rate by grid search) gives no optimizer"
)
RECIPE_ORIGIN = {
    f"{ANY_DATASET}, random crops and flips": "paper and code of Former-DFER; that it suits this net is ours",
    "16 frames, one per segment; drop_last": "ours, for all nets of this table",
    _DFEW.format(32, 500): f"{_DFEW_CODE}. No script for this net: the batch is of its file of settings, per "
    "process, the epochs are those that stand where nothing is said",
    "synthetic: width 16, 48 x 48, 14 epochs, Adam": "ours",
}
FORMER_DFER_ORIGIN = {
    f"{ANY_DATASET}, random crops and flips": "paper and code of Former-DFER; that its baselines share "
    "them is inferred",
    "dfew: 8 pairs of neighbouring frames": "paper and code of Former-DFER; short videos: code",
    "other datasets: 16 frames, one per segment; drop_last": "ours, for all nets of this table",
    "synthetic: width 16, 48 x 48, 14 epochs, Adam": "ours",
}
UNKNOWN_FERV39K = (
    "FERV39k: size, frames, optimizer and epochs of its row are not published: the recipe for any dataset."
)
UNKNOWN_DFEW = (
    "DFEW: optimizer and learning rate of the paper's row: those of its authors' later code; input.size, "
    "stage.*."
)
TIM = (
    "The DFEW paper interpolates each video to 16 frames (TIM); here, as in its authors' later code, 16 of "
    "its frames are taken."
)
PIXELS = "Pixels are in 0..1 without mean and deviation, as in the code of DFEW and Former-DFER; {}."
CLASSIFIER = "The classifier starts at N(0, 0.01), as in torchvision; Hara's code has torch's default."
BATCH_OF_ONE = (
    "Batch norm has several values per channel even for a batch of one at the sizes given; the recipe for "
    "any dataset also drops the last partial batch."
)
SORTED = f"On `dfew`: {SORTED_AS_TEXT}"
SMALL = "On `synthetic`, and for dferbench check, the net is a quarter as wide (width=16): ours."


def _input(size: int, extra: str = "") -> str:
    return (
        f"16 frames, one from each sixteenth of the video (random within it in training), {size} x {size} "
        "RGB, pixels in 0..1; cropped at random and flipped in training; resized to a square in testing, "
        f"ignoring the aspect ratio.{extra}"
    )


def _bib(key: str, title: str, author: str, venue: str, year: int) -> str:
    return (
        f"@inproceedings{{{key},\n"
        f"  title = {{{title}}},\n"
        f"  author = {{{author}}},\n"
        f"  booktitle = {{{venue}}},\n"
        f"  year = {{{year}}}\n"
        "}"
    )


def _card(
    source: tuple[str, str, int, str, str],
    code: str,
    summary: str,
    size: int,
    fidelity: str,
    unknowns: Sequence[str],
    deviations: Sequence[str],
    files: str,
    **more: Any,
) -> Card:
    """`source` is title, venue, year, paper and BibTeX; `files` says what weights can be brought."""
    title, venue, year, paper, bibtex = source
    return {
        "title": title,
        "venue": venue,
        "year": year,
        "paper": paper,
        "code": code,
        "bibtex": bibtex,
        "summary": summary,
        "input": _input(size),
        "fidelity": fidelity,
        "unknowns": list(unknowns),
        "deviations": [*deviations, SORTED, SMALL],
        "pretraining": SCRATCH.format(files),
        "recipe_origin": RECIPE_ORIGIN,
        "results_are": RESULTS_ARE,
        **more,
    }


_C3D = "Learning Spatiotemporal Features with 3D Convolutional Networks"
C3D = _card(
    (
        _C3D,
        "ICCV",
        2015,
        "arXiv:1412.0767",
        _bib(
            "tran2015c3d",
            _C3D,
            "Tran, Du and Bourdev, Lubomir and Fergus, Rob and Torresani, Lorenzo and Paluri, Manohar",
            "IEEE International Conference on Computer Vision (ICCV)",
            2015,
        ),
    ),
    f"github facebook/C3D, 71336a2; DavideA/c3d-pytorch, 1111ccf; {DFEW_CODE}",
    "Eight 3x3x3 convolutions, five max-poolings and three linear layers, as VGG has them, on 16 frames. The "
    "linear layers hold two thirds of the parameters, with dropout between them.",
    112,
    "paper: layers, paddings and sizes follow the paper and its code; how the rows of table 5 were trained "
    "is known in part.",
    [
        UNKNOWN_DFEW,
        UNKNOWN_FERV39K,
        "MAFW: optimizer and epochs: SGD, 100 epochs, a fifth of the learning rate at 40 and 80. The "
        "paper feeds all frames of a video and does not say how; here 16.",
        "Whether the DFEW paper's net had batch norm: its authors' code has, and so bn=true is the option on "
        "`dfew`; elsewhere bn=false, the net of 2015.",
    ],
    [
        TIM,
        "Convolutions and linear layers start Kaiming-normal, the classifier near zero: without batch norm, "
        "torch's default lets the signal fade. The paper does not state a start. start=dfew, the option on "
        "`dfew`, is that of its authors' code: linear layers Kaiming-normal (fan in), convolutions by "
        "torch's default.",
        "Frames of another size than 112 change the first linear layer, and so the number of parameters.",
        PIXELS.format(
            "the Sports-1M weights need B, G, R in 0..255 less a mean: pixels=sports1m (means as users "
            "of the port report; the port's own demo does otherwise) or pixels=mmaction"
        ),
        "The Caffe weights and VMZ's pickles (another C3D) are not read.",
    ],
    "c3d.pickle of the torch port (Sports-1M), mmaction's c3d_sports1m_pretrain, or a model of DFEW's code",
    recipe_origin={
        **RECIPE_ORIGIN,
        "any dataset: learning rate 3e-3 in place of 0.01": "ours, after what is remembered of the paper's "
        "training on Sports-1M; at 0.01 it diverges",
        "mafw: learning rate 1e-4, a fifth when the "
        "loss saturates, batch 8": "MAFW paper; when it saturates: ours",
    },
    results=[published(5, "default", dfew="42.74/53.54", ferv39k="22.68/31.69", mafw="31.17/42.25")],
)

_P3D = "Learning Spatio-Temporal Representation with Pseudo-3D Residual Networks"
P3D = _card(
    (
        _P3D,
        "ICCV",
        2017,
        "arXiv:1711.10305",
        _bib(
            "qiu2017p3d",
            _P3D,
            "Qiu, Zhaofan and Yao, Ting and Mei, Tao",
            "IEEE International Conference on Computer Vision (ICCV)",
            2017,
        ),
    ),
    "github ZhaofanQiu/pseudo-3d-residual-networks, e91f95d; qijiezhao/pseudo-3d-pytorch, 09bba23; "
    f"{DFEW_CODE}",
    "A ResNet whose 3x3 convolutions become one in space and one in time, combined in three ways that "
    "alternate from block to block; four poolings reduce 16 frames to one, and the last stage is 2D.",
    160,
    "paper: blocks follow the official net definition; which depth and size the rows of table 5 used is in "
    "part unknown.",
    [
        "Depth: 63, as in the DFEW authors' code; depth=131 and depth=199 are the others.",
        "Size: 160, the net's own and that of the DFEW authors' code; the paper gives none: input.size.",
        UNKNOWN_DFEW,
        UNKNOWN_FERV39K,
    ],
    [
        TIM,
        "The torch port cuts the branch in time off at zero before the sum and not after it: relu=port, for "
        "its weights and for `dfew`; the official nets do it after the sum: relu=official, the default.",
        "The first pooling is padded as in the port; in Caffe it is aligned differently, at the same size.",
        "The last map is averaged whatever its size: the port's fixed 5x5 window mixes videos at 224 and "
        "fails at 112.",
        "Convolutions start Kaiming-normal (fan out), the classifier near zero; the port leaves its 2D stage "
        "at torch's default. start=dfew, the option on `dfew`, is that of its authors' code: the 2D stage "
        "and the classifier Kaiming-normal (fan in), 3D convolutions as in the port.",
        "Dropout is 0.5 as in the port.",
        BATCH_OF_ONE,
        PIXELS.format("the port's weights need input.normalize=imagenet, the official ones pixels=caffe"),
        "The Caffe weights are not read.",
    ],
    "P3D-199 of the torch port with depth=199 relu=port, or a model of DFEW's code",
    results=[published(5, "default", dfew="43.97/54.47", ferv39k="23.20/33.39")],
    results_are=f"{RESULTS_ARE}. FERV39k: MAE-DFER's table prints 30.48/40.81 for P3D, with recalls that "
    "average to it; the origin of 23.20/33.39 is not known.",
)

_I3D = "Quo Vadis, Action Recognition? A New Model and the Kinetics Dataset"
I3D = _card(
    (
        _I3D,
        "CVPR",
        2017,
        "arXiv:1705.07750",
        _bib(
            "carreira2017i3d",
            _I3D,
            "Carreira, Jo{\\~a}o and Zisserman, Andrew",
            "IEEE Conference on Computer Vision and Pattern Recognition (CVPR)",
            2017,
        ),
    ),
    f"github google-deepmind/kinetics-i3d, 0667e88; piergiaj/pytorch-i3d, 05783d1; {DFEW_CODE}",
    "Inception-v1 with every filter inflated in time, and TensorFlow's padding; logits are averaged over "
    "what time is left. The stream of RGB frames only.",
    224,
    "paper: layers follow DeepMind's code and its torch port; how the rows of table 5 were trained is known "
    "in part.",
    [
        "Size on DFEW: 224 as in its authors' code; the cost that Former-DFER's table prints (6.99 G) points "
        "to 112: input.size=112.",
        UNKNOWN_DFEW,
        UNKNOWN_FERV39K,
    ],
    [
        TIM,
        "pool=adaptive averages the last map as a whole, at any size; pool=official has DeepMind's windows "
        "of 2x7x7. On 16 frames of 224 x 224 they agree.",
        PIXELS.format("DeepMind's weights need -1..1: pixels=signed"),
        "Convolutions start Kaiming-normal (fan out); the port leaves them at torch's default, and so does "
        "the code of DFEW's authors: start=dfew, the option on `dfew`.",
        BATCH_OF_ONE,
        "Running means of batch norm move by 0.01 a step, as in the port: after a few hundred steps "
        "testing still lags behind training.",
        "DeepMind's TensorFlow checkpoints are not read; its batch norm has no scale, here as in the port it "
        "has.",
    ],
    "rgb_imagenet.pt or rgb_charades.pt of the torch port, or a model that DFEW's repository offers",
    results=[published(5, "default", dfew="43.40/54.27", ferv39k="30.17/38.78")],
    results_are=f"{RESULTS_ARE}. The DFEW authors' later run gives 47.61/59.24 on DFEW.",
)

_R3D = "Can Spatiotemporal 3D CNNs Retrace the History of 2D CNNs and ImageNet?"
R3D18 = _card(
    (
        _R3D,
        "CVPR",
        2018,
        "arXiv:1711.09577",
        _bib(
            "hara2018r3d",
            _R3D,
            "Hara, Kensho and Kataoka, Hirokatsu and Satoh, Yutaka",
            "IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)",
            2018,
        ),
    ),
    f"github kenshohara/3D-ResNets-PyTorch, 540a0ea (MIT); pytorch/vision (BSD-3-Clause); {DFEW_CODE}",
    "A ResNet of 18 layers with 3x3x3 convolutions in its basic blocks. Two nets bear the name: Hara's pools "
    "behind its stem, Tran's (torchvision's r3d_18) does not and costs five times as much.",
    112,
    "paper: the net follows Hara's code, which the DFEW row names; its recipe is Former-DFER's.",
    [
        "FERV39k: its table probably cites Tran's net, others print the cost of Hara's: variant=torchvision.",
        UNKNOWN_FERV39K,
        "Shortcut: b, as in Hara's later code and weights; shortcut=a is that of 2018.",
    ],
    [
        "Videos of up to 9 frames show their first two again and again on `dfew`, as in Former-DFER's code; "
        "on other datasets short videos repeat their last frame.",
        CLASSIFIER,
        PIXELS.format("Hara's weights need pixels=hara, torchvision's pixels=kinetics"),
        BATCH_OF_ONE,
    ],
    "Hara's r3d18_K_200ep.pth, torchvision's r3d_18 with variant=torchvision (both Kinetics), or a model of "
    "DFEW's repository",
    recipe_origin=FORMER_DFER_ORIGIN,
    results=[published(5, "default", dfew="46.52/58.27", ferv39k="26.67/37.57")],
    results_are=f"{RESULTS_ARE}. The DFEW row is from Former-DFER's table; the DFEW paper prints 44.73/54.98 "
    "for 3D ResNet18, its authors' later run of r3d_18 45.11/55.70.",
)

_R2 = "A Closer Look at Spatiotemporal Convolutions for Action Recognition"
R2PLUS1D18 = _card(
    (_R2, "CVPR", 2018, "arXiv:1711.11248",
     _bib("tran2018r2plus1d", _R2, "Tran, Du and Wang, Heng and Torresani, Lorenzo and Ray, Jamie and LeCun, "
          "Yann and Paluri, Manohar", "IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)",
          2018)),
    f"github facebookresearch/VMZ, 4cc542d (Apache-2.0); pytorch/vision (BSD-3-Clause); {DFEW_CODE}",
    "A 3D ResNet18 without pooling behind its stem, each 3x3x3 convolution split into 1x3x3, batch norm, "
    "ReLU and 3x1x1, with about as many parameters.",
    112,
    "paper: the net follows torchvision's and the paper's code; how the rows of table 5 were trained is "
    "hardly known.",
    ["Midplanes: torchvision's, for which there are weights and DFEW's script; midplanes=vmz is the paper's "
     "(33.2 M parameters for 7 classes, what the literature's tables count), midplanes=hara a third.",
     UNKNOWN_DFEW, UNKNOWN_FERV39K],
    [TIM,
     f"{CLASSIFIER} start=dfew, the option on `dfew`, has it Kaiming-normal (fan in), as "
     "the code of DFEW's authors.",
     PIXELS.format("torchvision's weights need pixels=kinetics"),
     BATCH_OF_ONE,
     "VMZ's caffe2 pickles are not read. With midplanes=vmz batch norm has its epsilon of 1e-3."],
    "torchvision's r2plus1d_18 (Kinetics), Hara's with midplanes=hara, or a model of DFEW's code",
    recipe_origin={
        **{k: v for k, v in RECIPE_ORIGIN.items() if not k.startswith("dfew")},
        _DFEW.format(128, 200): _DFEW_CODE,
    },
    results=[published(5, "default", dfew="42.79/53.22", ferv39k="31.55/41.28")],
    results_are=f"{RESULTS_ARE}. The DFEW row is printed as R3D18 in its source, the DFEW paper; later "
    "papers relabelled it. The origin of the FERV39k row is not known.",
)  # fmt: skip
