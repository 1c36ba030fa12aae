"""DFER-CLIP as its released code computes, trains, saves and tests it: a reimplementation for tests.

Plain torch and Pillow, nothing of dferbench. Names, layouts and file format are those of the released code;
the sizes are free, so that a whole model is a few megabytes.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from open_clip.tokenizer import SimpleTokenizer
from PIL import Image
from torch import nn
from torch.nn import functional as F

SEVEN = ("happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear")
ELEVEN = (*SEVEN, "contempt", "anxiety", "helplessness", "disappointment")
PHRASES = (
    "a grin that shows, raised cheeks, it's all bright.",
    "wet eyes, a drooping mouth.",
    "a face at rest.",
    "a wrinkled brow & bared teeth.",
    "an open mouth, wide-open eyes.",
    "a nose pulled up, 2 deep folds.",
    "pale lips, staring eyes.",
    "half a smile.",
    "a trembling chin.",
    "hands thrown up.",
    "a slow sigh, eyes cast down.",
)
TOKENIZER = SimpleTokenizer()


@dataclass(frozen=True)
class Sizes:
    """Of a CLIP and its temporal model."""

    dim: int = 64
    image: int = 32
    patch: int = 8
    width: int = 64
    layers: int = 2
    text_width: int = 64
    text_layers: int = 2
    inner: int = 512
    hidden: int = 128


TINY = Sizes()
REAL = Sizes(512, 224, 32, 768, 12, 512, 12, 512, 1024)
"""ViT-B/32 and the temporal model of the paper."""


class Block(nn.Module):
    """CLIP's residual block: pre-norm attention, then a QuickGELU MLP of four times the width."""

    def __init__(self, width):
        super().__init__()
        self.attn = nn.MultiheadAttention(width, width // 64)
        self.ln_1 = nn.LayerNorm(width)
        self.mlp = nn.Sequential()
        self.mlp.add_module("c_fc", nn.Linear(width, 4 * width))
        self.mlp.add_module("c_proj", nn.Linear(4 * width, width))
        self.ln_2 = nn.LayerNorm(width)

    def forward(self, x, mask=None):  # (L, N, width)
        h = self.ln_1(x)
        x = x + self.attn(h, h, h, need_weights=False, attn_mask=mask)[0]
        h = self.mlp.c_fc(self.ln_2(x))
        return x + self.mlp.c_proj(h * torch.sigmoid(1.702 * h))


class Blocks(nn.Module):
    def __init__(self, width, layers):
        super().__init__()
        self.resblocks = nn.ModuleList(Block(width) for _ in range(layers))

    def forward(self, x, mask=None):
        x = x.transpose(0, 1)
        for block in self.resblocks:
            x = block(x, mask)
        return x.transpose(0, 1)


class Vision(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.class_embedding = nn.Parameter(torch.randn(s.width) * 0.3)
        self.positional_embedding = nn.Parameter(torch.randn((s.image // s.patch) ** 2 + 1, s.width) * 0.3)
        self.proj = nn.Parameter(torch.randn(s.width, s.dim) * s.width**-0.5)
        self.conv1 = nn.Conv2d(3, s.width, s.patch, s.patch, bias=False)
        self.ln_pre, self.ln_post = nn.LayerNorm(s.width), nn.LayerNorm(s.width)
        self.transformer = Blocks(s.width, s.layers)

    def forward(self, images):
        x = self.conv1(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_embedding.expand(len(x), 1, -1), x], 1) + self.positional_embedding
        return self.ln_post(self.transformer(self.ln_pre(x))[:, 0]) @ self.proj


class Clip(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.randn(77, s.text_width) * 0.3)
        self.text_projection = nn.Parameter(torch.randn(s.text_width, s.dim) * s.text_width**-0.5)
        self.logit_scale = nn.Parameter(torch.tensor(4.6))
        self.visual = Vision(s)
        self.transformer = Blocks(s.text_width, s.text_layers)
        self.token_embedding = nn.Embedding(49408, s.text_width)
        self.ln_final = nn.LayerNorm(s.text_width)


class TextEncoder(nn.Module):
    def __init__(self, clip):
        super().__init__()
        self.transformer, self.ln_final = clip.transformer, clip.ln_final
        self.positional_embedding, self.text_projection = clip.positional_embedding, clip.text_projection

    def forward(self, prompts, ends):
        mask = torch.full((77, 77), -torch.inf).triu(1)
        x = self.ln_final(self.transformer(prompts + self.positional_embedding, mask))
        return x[torch.arange(len(x)), ends] @ self.text_projection


class PromptLearner(nn.Module):
    def __init__(self, clip, texts, words, shared, position):
        super().__init__()
        width = clip.ln_final.weight.shape[0]
        shape = (words, width) if shared else (len(texts), words, width)
        self.ctx = nn.Parameter(torch.randn(shape) * 0.2)
        self.words, self.position = words, position
        tokens = torch.stack([padded(" ".join(["X"] * words + [text])) for text in texts])
        with torch.no_grad():
            embedded = clip.token_embedding(tokens)
        self.register_buffer("token_prefix", embedded[:, :1])
        self.register_buffer("token_suffix", embedded[:, 1 + words :])
        self.ends = tokens.argmax(-1)
        self.lengths = [len(TOKENIZER.encode(text)) for text in texts]

    def forward(self):
        ctx = self.ctx if self.ctx.ndim == 3 else self.ctx.expand(len(self.token_prefix), -1, -1)
        rows = []
        for start, c, rest, n in zip(self.token_prefix, ctx, self.token_suffix, self.lengths, strict=True):
            cut = {"end": self.words, "middle": self.words // 2, "front": 0}[self.position]
            rows.append(torch.cat([start, c[:cut], rest[:n], c[cut:], rest[n:]]))
        return torch.stack(rows)


class Attention(nn.Module):
    def __init__(self, dim, inner):
        super().__init__()
        self.to_qkv = nn.Linear(dim, 3 * inner, bias=False)
        self.to_out = nn.Sequential(nn.Linear(inner, dim), nn.Dropout(0.0))

    def forward(self, x):
        q, k, v = (t.unflatten(-1, (-1, 64)).transpose(1, 2) for t in self.to_qkv(x).chunk(3, -1))
        seen = ((q @ k.transpose(-1, -2)) / 8).softmax(-1) @ v
        return self.to_out(seen.transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(dim, hidden), nn.GELU("tanh"), nn.Dropout(0.0), nn.Linear(hidden, dim), nn.Dropout(0.0)
        )

    def forward(self, x):
        return self.net(x)


class PreNorm(nn.Module):
    def __init__(self, dim, fn):
        super().__init__()
        self.norm, self.fn = nn.LayerNorm(dim), fn

    def forward(self, x):
        return self.fn(self.norm(x))


class Residual(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, x):
        return x + self.fn(x)


class Layers(nn.Module):
    def __init__(self, s, depth):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.ModuleList(
                [
                    Residual(PreNorm(s.dim, Attention(s.dim, s.inner))),
                    Residual(PreNorm(s.dim, FeedForward(s.dim, s.hidden))),
                ]
            )
            for _ in range(depth)
        )


class Temporal(nn.Module):
    def __init__(self, s, depth):
        super().__init__()
        self.cls_token = nn.Parameter(torch.randn(1, 1, s.dim))
        self.pos_embedding = nn.Parameter(torch.randn(1, 17, s.dim))
        self.temporal_transformer = Layers(s, depth)

    def forward(self, x):
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embedding[:, : x.shape[1] + 1]
        for attention, mlp in self.temporal_transformer.layers:
            x = mlp(attention(x))
        return x[:, 0]


class Model(nn.Module):
    """The whole model; its state dict has the names and the order of the released code."""

    def __init__(self, texts, position="end", shared=False, words=8, depth=1, sizes=TINY, seed=0):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            clip = Clip(sizes)
            self.prompt_learner = PromptLearner(clip, texts, words, shared, position)
            self.text_encoder = TextEncoder(clip)
            self.image_encoder = clip.visual
            self.temporal_net = Temporal(sizes, depth)
            self.clip_model_ = clip
            for name, parameter in self.named_parameters():
                # LayerNorms and biases start as ones and zeros, where a mistake would not show.
                if name.endswith((".bias", "in_proj_bias")) or parameter.ndim == 1:
                    nn.init.normal_(parameter, 1.0 if "ln_" in name or "norm.weight" in name else 0.0, 0.1)
        self.size = sizes.image
        for name, parameter in self.named_parameters():
            learns = ("image_encoder", "temporal_net", "prompt_learner")
            parameter.requires_grad_(any(part in name for part in learns))

    def forward(self, video):
        """(B, T, 3, size, size), pixels in 0..1 -> logits (B, C)."""
        frames = self.image_encoder(video.flatten(0, 1)).unflatten(0, video.shape[:2])
        v = F.normalize(self.temporal_net(frames), dim=-1)
        t = F.normalize(self.text_encoder(self.prompt_learner(), self.prompt_learner.ends), dim=-1)
        return v @ t.T / 0.01

    def optimizer(self):
        """The released code's three groups."""
        parts = [(self.temporal_net, 1e-2), (self.image_encoder, 1e-5), (self.prompt_learner, 1e-3)]
        groups = [{"params": part.parameters(), "lr": rate} for part, rate in parts]
        return torch.optim.SGD(groups, momentum=0.9, weight_decay=1e-4)

    def step(self, optimizer, video, label):
        """One training step; gives its loss."""
        loss = F.cross_entropy(self(video), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()


def padded(text):
    tokens = [49406, *TOKENIZER.encode(text), 49407]
    return torch.tensor(tokens + [0] * (77 - len(tokens)))


class RecorderMeter:
    """What the released script keeps its curve in; it is pickled under the name __main__.RecorderMeter."""

    def __init__(self, epochs):
        self.total_epoch, self.current_epoch = epochs, 0
        self.epoch_losses = np.zeros((epochs, 2), dtype=np.float32) - 1
        self.epoch_accuracy = np.zeros((epochs, 2), dtype=np.float32)


RecorderMeter.__module__ = "__main__"


def content(model, **more):
    """What the released script saves, after a step that filled the optimizer."""
    before = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    optimizer = model.optimizer()
    model.step(optimizer, torch.rand(2, 16, 3, model.size, model.size), torch.tensor([0, 1]))
    model.load_state_dict(before)
    return {
        "epoch": 7,
        "state_dict": {f"module.{name}": tensor for name, tensor in model.state_dict().items()},
        "best_acc": torch.tensor(55.5),
        "optimizer": optimizer.state_dict(),
        "recorder": RecorderMeter(50),
        **more,
    }


def save(model, path, **more):
    """A checkpoint in the released format. `more` replaces or adds entries."""
    write(content(model, **more), path)


def write(thing, path, **how):
    """Save with the recorder's class where the script has it: in __main__."""
    main = sys.modules["__main__"]
    had = getattr(main, "RecorderMeter", None)
    main.RecorderMeter = RecorderMeter
    try:
        torch.save(thing, path, **how)
    finally:
        if had is None:
            del main.RecorderMeter
        else:
            main.RecorderMeter = had


def load_video(folder, size):
    """The released loader's test path: (16, 3, size, size) float32 in 0..1 from a folder of frames."""
    names = sorted(str(path) for path in Path(folder).glob("*"))
    count = len(names)
    tick = count / 16
    picked = [int(tick / 2 + tick * i) for i in range(16)] if count > 16 else range(count)
    picked = [*picked, *[count - 1] * (16 - len(picked))]
    images = [Image.open(names[i]).convert("RGB") for i in picked]
    frames = [image.resize((size, size), Image.Resampling.BILINEAR) for image in images]
    return torch.from_numpy(np.stack([np.asarray(f) for f in frames])).permute(0, 3, 1, 2).float() / 255


@torch.no_grad()
def logits_of(model, folders):
    """The logits (N, C) of frame folders, one after another."""
    return torch.stack([model.eval()(load_video(folder, model.size)[None])[0] for folder in folders])


def scores(logits, labels):
    """(confusion, UAR, WAR) in plain arithmetic; rows of the confusion are the truth."""
    counts = [[0] * logits.shape[1] for _ in range(logits.shape[1])]
    for row, label in zip(logits.argmax(1).tolist(), labels, strict=True):
        counts[label][row] += 1
    recalls = [row[i] / sum(row) for i, row in enumerate(counts) if sum(row)]
    right = sum(row[i] for i, row in enumerate(counts))
    return counts, 100 * sum(recalls) / len(recalls), 100 * right / len(labels)
