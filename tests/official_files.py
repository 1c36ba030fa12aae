"""Files in the official format of every method with an importer: narrow nets under the authors' names.

What fixes the input is as in the released code: the frames, the sizes and the classes.
"""

import official_dfer_clip
import torch

from dferbench import Task
from dferbench.data.official import CLASSES
from dferbench.models.parts import Parts
from dferbench.registry.catalog import discover
from dferbench_methods.aen.names import in_file as in_aen
from dferbench_methods.ec_stfl.model import in_file as in_ec_stfl
from dferbench_methods.former_dfer.names import in_file as in_former
from dferbench_methods.ial.names import in_file as in_ial
from dferbench_methods.layers.resnet3d import in_hara, in_torchvision
from dferbench_methods.layers.snippet_files import in_file as in_est
from dferbench_methods.m3dfel.names import in_file as in_m3dfel
from dferbench_methods.mae_dfer.files import in_file as in_mae
from dferbench_methods.nr_dfernet.names import in_file as in_nr
from dferbench_methods.s2d.names import in_file as in_s2d

CATALOG = discover()
SEVEN, ELEVEN = CLASSES[:7], CLASSES
LAYER = "temporal.temporal_transformer.layers.0"


def bare(called):
    """Nets within a `VideoNet`: their trunk has no name of its own in the files."""
    return lambda name: called(name.removeprefix("net.").removeprefix("trunk."))


def in_port(name):
    from dferbench_methods.conv3d.names import p3d_names

    return p3d_names({}).called(name)


NETS = {
    "former-dfer": (in_former, {"width": 4, "spatial_depth": 1, "temporal_depth": 1}, 16, 112),
    "nr-dfernet": (in_nr, {"width": 4}, 16, 112),
    "ial": (in_ial, {"width": 4}, 16, 112),
    "aen": (in_aen, {"width": 4, "depth": 1}, 16, 112),
    "m3dfel": (in_m3dfel, {"width": 4}, 16, 112),
    "est": (in_est, {"width": 4}, 35, 224),
    "ec-stfl, the paper's": (lambda n: in_ec_stfl(n, "hara"), {"width": 4}, 16, 112),
    "ec-stfl, of 2024": (
        lambda n: in_ec_stfl(n, "torchvision"),
        {"width": 4, "variant": "torchvision"},
        16,
        112,
    ),
    "c3d": (bare(str), {"width": 2, "bn": True}, 16, 112),
    "p3d": (bare(in_port), {"width": 2, "relu": "port"}, 16, 160),
    "i3d": (bare(str), {"width": 4}, 16, 224),
    "r3d18, Hara's": (bare(in_hara), {"width": 4}, 16, 112),
    "r3d18, torchvision's": (bare(in_torchvision), {"width": 4, "variant": "torchvision"}, 16, 112),
    "r2plus1d18": (bare(in_torchvision), {"width": 4}, 16, 112),
    "mae-dfer": (in_mae, {"width": 64, "depth": 1}, 16, 160),
    "videomae": (in_mae, {"width": 64, "depth": 1}, 16, 160),
    "s2d": (in_s2d, {"width": 96, "depth": 1, "heads": 12}, 16, 224),
}
"""Per file: the authors' names, options that make its net narrow, frames and size."""
OTHERS = ("dfer-clip", "emoclip")
SAID = {"s2d": {"landmark": ""}}
"""What such files do not say."""


def method_of(kind):
    """The method whose file this is."""
    return kind.split(",")[0]


def classes_of(dataset):
    """MAFW's eleven, or the seven of the other datasets."""
    return ELEVEN if dataset == "mafw" else SEVEN


def write(kind, path, classes):
    """Write a file of this kind for so many classes, as the authors' scripts do."""
    if kind == "dfer-clip":
        official_dfer_clip.save(official_dfer_clip.Model(official_dfer_clip.PHRASES[: len(classes)]), path)
    elif kind == "emoclip":
        torch.save(emoclip(), path)
    else:
        torch.save({"state_dict": state(kind, classes), "epoch": 3}, path)
    return path


def state(kind, classes):
    """The tensors of a narrow net by the authors' names."""
    called, options, frames, size = NETS[kind]
    method = CATALOG.get("methods", method_of(kind)).value
    net = method.make(Task("", classes, frames, size), Parts(CATALOG), **options)
    tensors = {called(name): tensor.clone() for name, tensor in net.state_dict().items()}
    return {f"module.{name}": t for name, t in tensors.items() if not name.startswith("still.")}


def emoclip():
    """What reading needs of a file of EmoCLIP's."""
    return {
        "module.backbone.token_embedding.weight": torch.rand(3, 512),
        f"module.{LAYER}.0.fn.fn.to_qkv.weight": torch.rand(3 * 8 * 2, 512),
        "module.logit_scale": torch.tensor(4.6),
    }
