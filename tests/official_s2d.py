"""A reimplementation of S2D's released network and its landmark network, under the released names."""

import torch
from torch import nn
from torch.nn import functional as F


def attend(x, qkv, proj, heads):
    """(L, dim) -> (L, dim), one sequence and one head at a time."""
    parts = qkv(x).chunk(3, -1)
    seen = []
    for q, k, v in zip(*(part.chunk(heads, -1) for part in parts), strict=True):
        seen.append(torch.softmax(q @ k.T / q.shape[1] ** 0.5, -1) @ v)
    return proj(torch.cat(seen, -1))


def attention(dim, bias):
    return nn.ModuleDict({"qkv": nn.Linear(dim, 3 * dim, bias=bias), "proj": nn.Linear(dim, dim)})


def norm(dim):
    return nn.LayerNorm(dim, eps=1e-6)


def block(dim):
    mlp = nn.ModuleDict({"fc1": nn.Linear(dim, 4 * dim), "fc2": nn.Linear(4 * dim, dim)})
    return nn.ModuleDict({"norm1": norm(dim), "attn": attention(dim, True), "norm2": norm(dim), "mlp": mlp})


def half(dim, attended):
    parts = {"D_fc1": nn.Linear(dim, dim // 4), "D_fc2": nn.Linear(dim // 4, dim)}
    return nn.ModuleDict({**parts, **({"attn": attention(dim // 4, False)} if attended else {})})


def prompt_block(dim, hidden):
    fovea = nn.Module()
    fovea.smooth = nn.Parameter(torch.full((1,), 10.0))
    adapter = nn.ModuleDict(
        {"T_Adapter": half(dim, True), "norm": nn.LayerNorm(dim), "S_Adapter": half(dim, False)}
    )
    convs = {name: nn.Conv2d(dim, hidden, 1) for name in ("conv0_0", "conv0_1")}
    return nn.ModuleDict({**convs, "conv1x1": nn.Conv2d(hidden, dim, 1), "fovea": fovea, "TMA": adapter})


def conv_embed(into, dim, kernel):
    return nn.ModuleDict({"proj": nn.Conv2d(into, dim, kernel, kernel)})


class Official(nn.Module):
    def __init__(self, classes=7, dim=768, depth=12, heads=12, patch=16, frames=16, places=196):
        super().__init__()
        self.patch_embed, self.patch_embed_prompt = conv_embed(3, dim, patch), conv_embed(128, dim, 1)
        self.cls_token = nn.Parameter(torch.randn(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.randn(1, 1 + places, dim))
        self.temporal_embedding = nn.Parameter(torch.randn(1, frames, dim))
        self.prompt_blocks = nn.ModuleList(prompt_block(dim, 8) for _ in range(depth))
        self.prompt_norms = nn.ModuleList(norm(dim) for _ in range(depth))
        self.blocks = nn.ModuleList(block(dim) for _ in range(depth))
        self.ln_post = norm(dim)
        self.head = nn.ModuleDict({"fc_cls": nn.Linear(dim, classes)})
        self.heads = heads

    def forward(self, video, a):
        """One video (T, 3, H, W) and its maps (T, 128, h, w) -> (C,)."""
        x = torch.stack([self.patch_embed.proj(frame).flatten(1).T for frame in video])
        a = torch.stack([self.patch_embed_prompt.proj(one).flatten(1).T for one in a])
        x, a = self.prompt(0, x, a)
        x = torch.cat([self.cls_token.expand(len(x), 1, -1), x], 1) + self.pos_embed
        x = x + self.temporal_embedding[0][:, None]
        for i, b in enumerate(self.blocks):
            if i > 0:
                patches, a = self.prompt(i, x[:, 1:], a)
                x = torch.cat([x[:, :1], patches], 1)
            x = torch.stack([y + attend(b.norm1(y), b.attn.qkv, b.attn.proj, self.heads) for y in x])
            x = x + b.mlp.fc2(F.gelu(b.mlp.fc1(b.norm2(x))))
        return self.head.fc_cls(self.ln_post(x[:, 0]).mean(0))

    def prompt(self, i, x, a):
        shared, p = self.prompt_norms[i - 1 if i else 0], self.prompt_blocks[i]
        x1, a1 = shared(x), self.prompt_norms[0](a)
        u, v = (conv(y.mT[..., None])[..., 0] for conv, y in ((p.conv0_0, x1), (p.conv0_1, a1)))
        weights = torch.exp(p.fovea.smooth * u)
        focused = u * weights / weights.sum(-1, keepdim=True)
        new = p.conv1x1((focused + v)[..., None])[..., 0].mT
        return x + self.adapt(p.TMA, x1) + new, new

    def adapt(self, tma, x):
        first, last = tma.T_Adapter, tma.S_Adapter
        seen = []
        for place in x.unbind(1):  # (T, dim)
            inner = attend(F.gelu(first.D_fc1(place)), first.attn.qkv, first.attn.proj, 8)
            seen.append(tma.norm(first.D_fc2(inner)))
        return last.D_fc2(F.gelu(last.D_fc1(torch.stack(seen, 1))))


class Unit(nn.Module):
    """Convolution and batch norm, and a PReLU unless it is a projection."""

    def __init__(self, into, out, kernel=1, stride=1, groups=1, act=True):
        super().__init__()
        self.conv = nn.Conv2d(into, out, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(out)
        if act:
            self.prelu = nn.PReLU(out)

    def forward(self, x):
        x = self.bn(self.conv(x))
        return torch.where(x > 0, x, self.prelu.weight[:, None, None] * x) if hasattr(self, "prelu") else x


class DepthWise(nn.Module):
    def __init__(self, into, out, groups, stride=1, skip=False):
        super().__init__()
        self.conv, self.conv_dw = Unit(into, groups), Unit(groups, groups, 3, stride, groups)
        self.project, self.skip = Unit(groups, out, act=False), skip

    def forward(self, x):
        y = self.project(self.conv_dw(self.conv(x)))
        return x + y if self.skip else y


def row(count, dim, groups):
    model = nn.Sequential(*(DepthWise(dim, dim, groups, skip=True) for _ in range(count)))
    return nn.ModuleDict({"model": model})


class MobileFaceNet(nn.Module):
    """All of it, as the file holds it; only the maps behind conv_4 are of use."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2_dw = Unit(3, 64, 3, 2), Unit(64, 64, 3, groups=64)
        self.conv_23, self.conv_3 = DepthWise(64, 64, 128, 2), row(4, 64, 128)
        self.conv_34, self.conv_4 = DepthWise(64, 128, 256, 2), row(6, 128, 256)
        self.conv_45, self.conv_5 = DepthWise(128, 128, 512, 2), row(2, 128, 256)
        self.conv_6_sep = Unit(128, 512)
        self.output_layer = nn.ModuleDict(
            {"linear": nn.Linear(512, 136, bias=False), "bn": nn.BatchNorm1d(136)}
        )

    def forward(self, frames):
        x = F.interpolate(frames, (112, 112), mode="bilinear", align_corners=True)
        x = self.conv_3.model(self.conv_23(self.conv2_dw(self.conv1(x))))
        return self.conv_4.model(self.conv_34(x))
