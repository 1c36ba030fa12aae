"""What to know about each method before using or citing a number made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dferbench import published

Card = Mapping[str, Any]

RESULTS_ARE = (
    "UAR/WAR in percent as printed in the DFER-CLIP paper (arXiv:2308.13382), mean over folds, where "
    "something is trained probably at the test epoch with the best WAR, as that paper's code selects"
)
FROZEN_INPUT = (
    "16 frames, the middles of 16 equal segments in training and testing alike, resized "
    "bilinearly to the square that the backbone takes (224 x 224), ignoring the aspect ratio, RGB, pixels in "
    "0..1 without CLIP's mean and deviation."
)
POOLING = (
    "The paper does not say how frames become one video feature without a temporal model. Ours: the mean of "
    "the un-normalised frame features, then one L2 normalisation, as in the same author's later code. "
    "temporal=mean(normalize=true) normalises each frame first, which gives the same answers as averaging "
    "the frames' cosines."
)
PIXELS = (
    "input.normalize is 'none', as in the DFER-CLIP code. CLIP itself was trained on pixels normalised by "
    "its own mean and standard deviation, which is input.normalize=clip. It matters most where the image "
    "encoder is frozen."
)
NOT_DRAWN = (
    "Ours: the input draws nothing at random, so that frozen features are computed once and cached. The "
    "paper's rows were probably trained with random frames, crops and flips: "
    "input.sample=segments input.augment='random-sized-crop | flip'."
)
RATES = (
    "The paper gives no optimizer, learning rates or epochs for this row. Ours are those of its own "
    "model: SGD with momentum 0.9, weight decay 1e-4, batch 48, 50 epochs, learning rates divided by "
    "10 after 30 and 40; {}."
)
PRETRAINED = (
    "CLIP ViT-B/32 of OpenAI (400 million image-text pairs), in the published numbers and by "
    "default here; "
    "on `synthetic`, clip-tiny."
)
FACES = (
    "FaRL ViT-B/16 (LAION-FACE, 20 million face-text pairs); on `synthetic`, clip-tiny, which has "
    "nothing to do with FaRL."
)
INPUT_ORIGIN = {"frames, size, pixels": "DFER-CLIP's code, for its own model", "synthetic": "ours"}
OURS = {
    "optimizer, learning rates, epochs, batch, schedule": "ours: those of DFER-CLIP's own model; the "
    "paper gives none for this row",
    **INPUT_ORIGIN,
}
SYNTHETIC = "The recipe for `synthetic` is ours."
NO_CODE = "The DFER-CLIP authors released no code for this row."
TEXTS = "Each class text ends with a full stop, as in the DFER-CLIP code."
ZERO_SHOT = "Zero-shot has no trainable part: a prompt or temporal head with parameters is refused."
TEMPERATURE = (
    "The temperature is the constant 0.01 of the DFER-CLIP code; the released CLIP weights hold a learned "
    "one of the same size. Without training it changes probabilities, not answers."
)

DFER_CLIP = (
    "@inproceedings{zhao2023dferclip,\n"
    "  title = {Prompting Visual-Language Models for Dynamic Facial Expression Recognition},\n"
    "  author = {Zhao, Zengqun and Patras, Ioannis},\n"
    "  booktitle = {British Machine Vision Conference (BMVC)},\n"
    "  year = {2023}\n"
    "}"
)
CLIP = (
    "@inproceedings{radford2021clip,\n"
    "  title = {Learning Transferable Visual Models From Natural Language Supervision},\n"
    "  author = {Radford, Alec and Kim, Jong Wook and Hallacy, Chris and others},\n"
    "  booktitle = {International Conference on Machine Learning (ICML)},\n"
    "  year = {2021}\n"
    "}"
)
FARL = (
    "@inproceedings{zheng2022farl,\n"
    "  title = {General Facial Representation Learning in a Visual-Linguistic Manner},\n"
    "  author = {Zheng, Yinglin and others},\n"
    "  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},\n"
    "  year = {2022}\n"
    "}"
)
ZHOU = "  author = {Zhou, Kaiyang and Yang, Jingkang and Loy, Chen Change and Liu, Ziwei},\n"
COOP_BIB = (
    "@article{zhou2022coop,\n"
    "  title = {Learning to Prompt for Vision-Language Models},\n"
    f"{ZHOU}"
    "  journal = {International Journal of Computer Vision (IJCV)},\n"
    "  volume = {130},\n"
    "  number = {9},\n"
    "  year = {2022}\n"
    "}"
)
COCOOP_BIB = (
    "@inproceedings{zhou2022cocoop,\n"
    "  title = {Conditional Prompt Learning for Vision-Language Models},\n"
    f"{ZHOU}"
    "  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},\n"
    "  year = {2022}\n"
    "}"
)


def _row(variant: str, dfew: str, ferv39k: str, mafw: str) -> dict[str, Any]:
    """A row of table 2."""
    return published(2, variant, dfew=dfew, ferv39k=ferv39k, mafw=mafw)


def _card(  # noqa: PLR0913 - one parameter a field
    title: str,
    source: tuple[str, int, str],
    bibtex: str,
    summary: str,
    fidelity: str,
    deviations: Sequence[str],
    results: Sequence[Mapping[str, Any]],
    input: str = FROZEN_INPUT,
    origin: Mapping[str, str] = OURS,
    pretraining: str = PRETRAINED,
    code: str = NO_CODE,
) -> Card:
    """`source` is venue, year and paper."""
    venue, year, paper = source
    return {
        "title": title,
        "venue": venue,
        "year": year,
        "paper": paper,
        "code": code,
        "bibtex": bibtex,
        "summary": summary,
        "input": input,
        "fidelity": fidelity,
        "deviations": list(deviations),
        "pretraining": pretraining,
        "recipe_origin": dict(origin),
        "results": list(results),
        "results_are": RESULTS_ARE,
    }


ZERO_SHOT_CLIP = _card(
    "Learning Transferable Visual Models From Natural Language Supervision",
    ("ICML", 2021, "arXiv:2103.00020"),
    CLIP,
    "CLIP without training: the mean feature of the frames is assigned to the class whose text has the "
    "highest cosine similarity.",
    "paper: model, weights and prompt of the row in table 2 of DFER-CLIP: ViT-B/32, 'an expression of "
    "[class].'. "
    "The features are tested against open_clip's own.",
    [POOLING, PIXELS, TEXTS, TEMPERATURE, ZERO_SHOT,
     "prompt=ensemble averages text features (normalised, averaged, normalised); averaging logits instead, "
     "as Exp-CLIP does, is not offered.",
     "Results lie near chance: a small change of pixels, frames or prompt moves them by points."],
    [_row("default", "23.34/20.07", "20.99/17.09", "18.42/19.16")],
    origin=INPUT_ORIGIN,
    code=f"github openai/CLIP (MIT) for the model. {NO_CODE}",
)  # fmt: skip

ZERO_SHOT_FARL = _card(
    "General Facial Representation Learning in a Visual-Linguistic Manner",
    ("CVPR", 2022, "arXiv:2112.03109"),
    FARL,
    "Zero-shot classification as with CLIP, by FaRL: a CLIP ViT-B/16 trained on faces and their texts.",
    "paper: model and prompt of the row in table 2 of DFER-CLIP. The loader is tested on files written "
    "in the "
    "released format; the released weights were not available.",
    ["Which of FaRL's two files the row used is not published: bring either. A file that lacks any part of "
     "either tower is refused.",
     POOLING, PIXELS, TEXTS, TEMPERATURE, ZERO_SHOT,
     "On `synthetic` the backbone is clip-tiny, unless backbone=farl-vit-b16 is given: nothing of "
     "FaRL then."],
    [_row("default", "23.14/31.54", "21.67/25.65", "14.18/11.78")],
    origin=INPUT_ORIGIN,
    pretraining=FACES,
    code=f"github FacePerceiver/FaRL (MIT) for the model. {NO_CODE}",
)  # fmt: skip

LINEAR_PROBE = _card(
    "Prompting Visual-Language Models for Dynamic Facial Expression Recognition",
    ("BMVC", 2023, "arXiv:2308.13382"),
    DFER_CLIP,
    "A linear layer on the mean feature of the frames; the image tower stays as it is.",
    "paper: the row 'Linear Probe' of table 2, as far as the paper describes it: CLIP ViT-B/32 is frozen and "
    "only the linear layer is trained (3,591 parameters for 7 classes).",
    [RATES.format("the linear layer learns at 1e-2"), POOLING.replace(", then one L2 normalisation", ""),
     "normalize=true brings the pooled feature to length one. Features before CLIP's projection, and a "
     "regression solved by L-BFGS, are not offered.",
     NOT_DRAWN, PIXELS, SYNTHETIC],
    [_row("default", "45.46/57.40", "32.47/43.72", "30.74/42.95")],
)  # fmt: skip

FINETUNE = _card(
    "Prompting Visual-Language Models for Dynamic Facial Expression Recognition",
    ("BMVC", 2023, "arXiv:2308.13382"),
    DFER_CLIP,
    "CLIP's image tower and a linear layer, trained together; with temporal=cls-transformer the temporal "
    "model of DFER-CLIP stands between them.",
    "paper: the two rows 'Fully Fine-Tuning' of table 2 as far as they are described; the temporal "
    "model is the "
    "released one.",
    [RATES.format("the tower learns at 1e-5, the temporal model at 1e-2 and the linear layer at 1e-2"),
     POOLING.replace(", then one L2 normalisation", ""),
     "The feature goes into the linear layer as it is. The text tower is not kept.",
     PIXELS, SYNTHETIC,
     "Fine-tuning towards the texts of hand-written prompts (table 3) is dfer-clip with prompt=fixed and "
     "temporal=mean."],
    [_row("default", "55.70/68.41", "39.64/50.77", "37.53/50.48"),
     _row("temporal=cls-transformer", "58.28/70.27", "40.55/51.22", "38.39/50.92")],
    input="16 frames, one at random from each sixteenth of the video, the middles in testing, 224 x 224 RGB, "
    "pixels in 0..1; cropped and flipped in training, and each dataset's own augmentation as for dfer-clip.",
)  # fmt: skip

COOP = _card(
    "Learning to Prompt for Vision-Language Models",
    ("IJCV", 2022, "arXiv:2109.01134"),
    COOP_BIB,
    "Eight learned vectors stand before each class name where the text tower reads words; both towers are "
    "frozen, and the nearest text to the mean feature of the frames wins.",
    "paper: the prompt learner of the paper; carried to videos as the row 'CoOp' of table 2 of "
    "DFER-CLIP, as far as "
    "that is described.",
    [RATES.format("the words learn at 1e-3"),
     "Number of words, sharing and position are not published for that row. Ours: 8, one set for all "
     "classes, the name at the end. CoOp's own few-shot recipe: words=16, SGD at 0.002, weight decay "
     "5e-4, batch 32, a cosine schedule over 200 epochs after one at 1e-5, half precision.",
     "position=middle puts the full stop with the class name; CoOp's code puts it behind the second half.",
     POOLING, NOT_DRAWN, PIXELS, TEMPERATURE, SYNTHETIC],
    [_row("default", "44.98/56.68", "31.72/42.55", "30.79/42.77")],
    code=f"github KaiyangZhou/CoOp (MIT) for images. {NO_CODE}",
)  # fmt: skip

COCOOP = _card(
    "Conditional Prompt Learning for Vision-Language Models",
    ("CVPR", 2022, "arXiv:2203.05557"),
    COCOOP_BIB,
    "CoOp with a small network that turns each video's feature into one vector, which is added to all "
    "learned words: every video is compared with texts of its own.",
    "paper: the prompt learner and meta-net of the paper; carried to videos as the row 'Co-CoOp' of "
    "table 2 of "
    "DFER-CLIP, as far as that is described: one shift per video, from its pooled feature of length one. All "
    "prompts of a batch are read together, which is tested against one video after another.",
    [RATES.format("words and meta-net learn at 1e-3"),
     "The words are not described for that row. Ours: 8, drawn at random. CoCoOp's own recipe: "
     "init='a photo of a', batch 1, 10 epochs, SGD at 0.002 with a cosine schedule, half precision.",
     "CoCoOp has one set of words, before the name; shared=false and the other positions are ours.",
     POOLING, NOT_DRAWN, PIXELS, TEMPERATURE, SYNTHETIC],
    [_row("default", "46.80/57.52", "32.91/44.25", "30.81/43.23")],
    code=f"github KaiyangZhou/CoOp (MIT) for images. {NO_CODE}",
)  # fmt: skip
