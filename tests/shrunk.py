"""Methods at a size for tests: fewer channels, frames of a few pixels, drawn faces to learn by heart."""

from dataclasses import replace

import torch
from stages import make_optimizer
from torch import nn
from torch.nn import functional as F
from torchvision.models.resnet import ResNet

from dferbench import Task
from dferbench.models import Batch
from dferbench.models.parts import Parts
from dferbench.registry.catalog import Entry, discover
from dferbench.registry.options import resolve
from dferbench_datasets.synthetic import Synthetic

SEVEN = ("happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear")


def catalog_at(size, *names):
    """The catalog, with the named methods' views at that many pixels."""
    catalog = discover()
    for name in names:
        entry = catalog.entries["methods"][name]
        recipe = entry.value.recipe
        small = replace(recipe, input=replace(recipe.input, size=size))
        method = replace(entry.value, recipe=small)
        catalog.entries["methods"][name] = Entry(name, method, entry.origin, entry.facts)
    return catalog


def build(name, classes=SEVEN, frames=16, size=112, seed=0, **options):
    """A method's model, with everything random drawn from the seed."""
    torch.manual_seed(seed)
    catalog = discover()
    method = catalog.get("methods", name).value
    task = Task("toy", tuple(classes), frames, size)
    return method.make(task, Parts(catalog), **resolve(method, options))


def on_meta(name, **options):
    """The same without numbers, at once however large."""
    with torch.device("meta"):
        return build(name, **options)


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def macs(model, *shape):
    """Of the convolutions and linear layers, for one input of that shape."""
    from torch.utils.flop_counter import FlopCounterMode

    counted = {"aten.convolution", "aten.addmm", "aten.mm"}
    with FlopCounterMode(display=False) as counter, torch.no_grad(), torch.device("meta"):
        model.eval()(torch.rand(*shape))
    return sum(n for op, n in counter.get_flop_counts()["Global"].items() if str(op) in counted) // 2


def drawn_faces(count, size, frames=16):
    """(count, T, 3, size, size) faces that move, in 0..1, and labels that go round the seven classes."""
    paint = Synthetic().paint
    videos = [torch.from_numpy(paint(SEVEN[i % 7], i, frames)) for i in range(count)]
    pixels = torch.stack(videos).permute(0, 1, 4, 2, 3).float() / 255
    small = F.interpolate(pixels.flatten(0, 1), size=(size, size), mode="area")
    return small.unflatten(0, (count, frames)), torch.arange(count) % 7


def learns_by_heart(model, stage, videos, label, steps, epoch=0.0):
    """Whether up to `steps` steps on all videos at once bring the training accuracy to 100 %."""
    optimizer = make_optimizer(model, stage)
    batch = Batch(videos, label, [{} for _ in label], stage.name, epoch)
    for step in range(steps):
        optimizer.zero_grad()
        sum(model.train().loss(batch).values()).backward()
        optimizer.step()
        if step % 5 == 4:
            with torch.no_grad():
                if torch.equal(model.eval()(videos).argmax(1), label):
                    return True
    return False


class NarrowResNet(ResNet):
    """torchvision's ResNet with fewer channels: `width`, not 64, in the stem, others in proportion."""

    def __init__(self, block, depths, width, classes=1000):
        self.share = width / 64
        super().__init__(block, depths, num_classes=classes)
        self.conv1, self.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
        self.fc = nn.Linear(8 * width * block.expansion, classes)

    def _make_layer(self, block, planes, *args, **kwargs):
        width = int(planes * self.share)
        self.inplanes = width if planes == 64 else self.inplanes
        return super()._make_layer(block, width, *args, **kwargs)


def shaken(net):
    """Norms that do something, so that a confusion of their tensors shows; in eval mode."""
    for part in net.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            for tensor in (part.weight, part.bias, part.running_mean, part.running_var):
                nn.init.uniform_(tensor, 0.5, 1.5)
        elif isinstance(part, nn.LayerNorm):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.uniform_(part.bias, -0.5, 0.5)
    return net.eval()
