"""A CLIP of open_clip's own, small enough to run in milliseconds, with the standard tokenizer."""

import open_clip
import torch

from dferbench.models.two_tower import TwoTower, Weights

CONFIG = {
    "embed_dim": 32,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 64, "layers": 2, "head_width": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}


def tiny_clip(seed: int = 0) -> open_clip.CLIP:
    """A random model whose weights are far enough from zero for every one of them to matter."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        clip = open_clip.CLIP(**CONFIG)
        for name, parameter in clip.named_parameters():
            if name != "logit_scale":
                torch.nn.init.normal_(parameter, mean=1.0 if "ln_" in name else 0.0, std=0.2)
    return clip.eval()


def tiny_tower(seed: int = 0) -> TwoTower:
    """The same model as a backbone."""
    return TwoTower(tiny_clip(seed), Weights("random", random=True))
