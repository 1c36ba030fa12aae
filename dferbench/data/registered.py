"""The host's samplers and augmentations: where each is written, and what it does. Imports nothing."""

from __future__ import annotations

from collections.abc import Mapping

Parts = Mapping[str, tuple[str, str]]
"""Name in recipes -> the path that is imported when it is used, and one line about it."""

SAMPLERS: Parts = {
    name: (f"dferbench.data.sampling:{rule}", about)
    for name, rule, about in (
        ("segments", "Segments", "Neighbouring frames from each of equal segments (Former-DFER, DFER-CLIP)."),
        ("uniform", "Uniform", "Frames spread over the whole video."),
        ("grid", "Grid", "Frames where equal segments begin, each moved on at random in training (M3DFEL)."),
        ("groups", "Groups", "Several frames from each of equal groups of neighbours."),
        ("snippets", "Snippets", "Overlapping snippets of a video brought to one length (EST)."),
        ("every", "Every", "Every n-th frame from a start on (EmoCLIP)."),
        ("window", "Window", "A clip of the video, in steps of several frames (VideoMAE, MAE-DFER)."),
    )
}
AUGMENTATIONS: Parts = {
    name: (f"dferbench.data.{place}", about)
    for name, place, about in (
        ("jitter", "augment:Jitter", "Brighter or darker."),
        ("rotate", "augment:Rotate", "Turned about the centre."),
        ("random-sized-crop", "augment:RandomSizedCrop", "A box of random area and aspect (Former-DFER)."),
        ("flip", "augment:Flip", "Left and right exchanged."),
        ("resize", "crops:Resize", "The whole frame at the final size."),
        ("center-crop", "crops:CenterCrop", "The square in the middle."),
        ("random-resized-crop", "crops:RandomResizedCrop", "A box of random area and aspect (torchvision)."),
        ("color-jitter", "transforms:ColorJitter", "Brightness, contrast, saturation and hue."),
        ("rand-augment", "transforms:RandAugment", "A few operations of one magnitude (torchvision)."),
        ("trivial-augment", "transforms:TrivialAugment", "One operation of random magnitude."),
        ("auto-augment", "transforms:AutoAugment", "A policy learned on an image dataset."),
        ("random-erasing", "transforms:RandomErasing", "A box that becomes grey or black."),
        ("gaussian-blur", "transforms:GaussianBlur", "Blurred."),
        ("grayscale", "transforms:Grayscale", "Without colour."),
        ("random-affine", "transforms:RandomAffine", "Turned, shifted, scaled, sheared."),
        ("timm-rand-augment", "timm_augment:TimmRandAugment", "RandAugment as VideoMAE's code applies it."),
        ("noise-erasing", "erasing:NoiseErasing", "A box of normalised pixels that becomes noise."),
        ("mixup", "mixing:Mixup", "Videos of a batch blended in pairs, and their targets."),
        ("cutmix", "mixing:Cutmix", "A box from another video of the batch, and targets to match."),
        ("mixup-or-cutmix", "mixing:MixupOrCutmix", "One of the two for each batch."),
        ("label-smoothing", "mixing:LabelSmoothing", "Part of each target is spread over all classes."),
    )
}
