"""A reimplementation of the network of EST's released code, in testing, under its names."""

import math

import shrunk
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock


def attend(attention, q, kv):
    """Multi-head attention written out: (B, N, D), (B, M, D) -> (B, N, D)."""
    weights, biases = attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3)
    q, k, v = (F.linear(x, w, b) for x, w, b in zip((q, kv, kv), weights, biases, strict=True))
    q, k, v = (t.unflatten(-1, (4, -1)) for t in (q, k, v))
    scores = torch.einsum("bnhd,bmhd->bhnm", q, k) / q.shape[-1] ** 0.5
    return attention.out_proj(torch.einsum("bhnm,bmhd->bnhd", scores.softmax(-1), v).flatten(2))


class Official(nn.Module):
    """The released network in testing; only the containers of the transformer's tensors are torch's."""

    def __init__(self, width=8, classes=7):
        super().__init__()
        dim = 8 * width
        for name, part in shrunk.NarrowResNet(BasicBlock, [2, 2, 2, 2], width).named_children():
            if name != "fc":
                setattr(self, name, part)
        self.attn, self.norm1 = nn.MultiheadAttention(dim, 4), nn.LayerNorm(dim)
        self.transformer = nn.Module()
        self.transformer.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(dim, 4, 4 * dim), 3, nn.LayerNorm(dim), enable_nested_tensor=False
        )
        layer = nn.TransformerDecoderLayer(dim, 4, 4 * dim)
        self.transformer.decoder = nn.TransformerDecoder(layer, 3, nn.LayerNorm(dim))
        self.query_embed = nn.Embedding(1, dim)
        self.pos_enc = nn.Module()
        self.pos_enc.pos_enc = nn.Embedding.from_pretrained(self.positions(dim))
        self.per_branch = nn.Module()
        self.per_branch.classifier = nn.Sequential(
            nn.Linear(7 * dim, 4 * dim), nn.BatchNorm1d(4 * dim), nn.ReLU(),
            nn.Linear(4 * dim, dim), nn.BatchNorm1d(dim), nn.ReLU(), nn.Linear(dim, 10),
        )  # fmt: skip
        last = nn.Sequential(nn.Linear(64, classes))
        self.classifier = nn.Sequential(
            nn.Linear(dim, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Dropout(0.4), last
        )

    @staticmethod
    def positions(dim):
        return torch.tensor(
            [
                [(math.cos if j % 2 else math.sin)(p / 10_000 ** (2 * (j // 2) / dim)) for j in range(dim)]
                for p in range(7)
            ]
        )

    def frame(self, x):
        x = self.maxpool(self.bn1(self.conv1(x)).relu())
        return self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean((2, 3))

    def snippet(self, frames):
        y = self.norm1(frames + attend(self.attn, frames[None], frames[None])[0])
        g = torch.stack([y[:, d].max() for d in range(y.shape[1])])
        a = [max(float(v @ g / (v.norm() * g.norm())), 1e-8) for v in y]
        return sum(w * v for w, v in zip(a, y, strict=True)) / sum(a)

    def feature(self, snippets, order):
        x = snippets + self.pos_enc.pos_enc.weight[order]
        for layer in self.transformer.encoder.layers:
            x = layer.norm1(x + attend(layer.self_attn, x, x))
            x = layer.norm2(x + layer.linear2(layer.linear1(x).relu()))
        memory = self.transformer.encoder.norm(x)
        t = self.query_embed.weight[None]
        for layer in self.transformer.decoder.layers:
            t = layer.norm1(t + attend(layer.self_attn, t, t))
            t = layer.norm2(t + attend(layer.multihead_attn, t, memory))
            t = layer.norm3(t + layer.linear2(layer.linear1(t).relu()))
        return self.transformer.decoder.norm(t)[0, 0]

    def forward(self, video, order):
        """One video (7 K, 3, H, W), its snippets shown in that order -> class and order logits."""
        frames = self.frame(video)
        snippets = torch.stack([self.snippet(frames.chunk(7)[i]) for i in order])
        feature = self.feature(snippets[None], order)
        return self.classifier(feature), self.per_branch.classifier((snippets + feature).view(1, -1))[0]


def official(**options):
    torch.manual_seed(3)
    return shrunk.shaken(Official(**options))


def save(path, net, change=lambda state: None):
    """A file as the released training script writes it."""
    state = {f"module.{name}": tensor.clone() for name, tensor in net.state_dict().items()}
    change(state)
    torch.save({"epoch": 90, "state_dict": state, "prec1": torch.tensor(65.8)}, path)
    return path
