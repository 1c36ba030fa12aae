"""Train `clip-tiny` and write its two files into the package: about a quarter of an hour on one core.

    python benchmarks/clip_tiny/train.py [--people 3000] [--steps 2000]
        [--out plugins/dferbench_methods/clip_backbones/weights]

The loss is CLIP's (Radford et al., 2021, section 2.3), with one that CLIP does not have next to it: a linear
head, thrown away afterwards, reads the strengths of the facial actions off the image features. It comes
first and alone, because from nothing the contrastive loss of small batches stays at the logarithm of the
batch size: all faces look alike until their actions are seen. Pixels are in 0..1 and not normalised, because
that is how DFER-CLIP feeds CLIP. Prints how often a caption finds its frame, and a frame its caption, for
people who were never seen.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from captions import caption
from faces import make_faces
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

CONFIG: dict[str, Any] = {
    "embed_dim": 128,
    # CLIP's ResNet: it learned within minutes, where short runs of patch transformers did not.
    "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 16, "head_width": 64},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 3},
    "quick_gelu": True,
}
WEIGHTS = Path(__file__).parents[2] / "plugins" / "dferbench_methods.clip_backbones" / "weights"
SEED, BATCH, RATE, DECAY = 0, 128, 3e-3, 0.01
ALONE = 0.3
"""The share of the steps in which the head learns without captions."""


def encode_text(model: open_clip.CLIP, tokens: Tensor) -> Tensor:
    """`model.encode_text`, cut behind the longest caption: under a causal mask nothing after it matters."""
    end = tokens.argmax(dim=1)
    length = int(end.max()) + 1
    x = model.token_embedding(tokens[:, :length]) + model.positional_embedding[:length]
    x = model.ln_final(model.transformer(x, attn_mask=model.attn_mask[:length, :length]))
    return x[torch.arange(len(x)), end] @ model.text_projection


def augmented(frames: Tensor, generator: torch.Generator) -> Tensor:
    """uint8 (B, 3, S, S) -> float in 0..1: shifted, scaled, mirrored or not, lighter or darker."""
    n, size = len(frames), frames.shape[-1]
    scale = torch.empty(n).uniform_(0.75, 1.1, generator=generator)
    mirror = torch.randint(0, 2, (n,), generator=generator) * 2.0 - 1
    shift = torch.empty(n, 2).uniform_(-0.12, 0.12, generator=generator)
    zero = torch.zeros(n)
    affine = torch.stack([scale * mirror, zero, shift[:, 0], zero, scale, shift[:, 1]], 1).view(n, 2, 3)
    grid = F.affine_grid(affine, [n, 3, size, size], align_corners=False)
    moved = F.grid_sample(frames / 255.0, grid, padding_mode="reflection", align_corners=False)
    gain = torch.empty(n, 1, 1, 1).uniform_(0.75, 1.25, generator=generator)
    return (moved * gain).clamp(0, 1)


def contrastive(image: Tensor, text: Tensor, scale: Tensor) -> Tensor:
    """CLIP's symmetric cross-entropy over a batch of pairs."""
    logits = scale * F.normalize(image, dim=-1) @ F.normalize(text, dim=-1).T
    target = torch.arange(len(logits))
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def train(model: open_clip.CLIP, frames: Tensor, strengths: np.ndarray, steps: int) -> None:
    """Minimise both losses; captions are worded anew each time that a frame is seen."""
    wanted = torch.from_numpy(strengths).float()
    wanted = (wanted - wanted.mean(0)) / wanted.std(0)
    head = torch.nn.Linear(CONFIG["embed_dim"], wanted.shape[1])
    optimizer = torch.optim.AdamW([*model.parameters(), *head.parameters()], lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.1)
    rng, generator, start = np.random.default_rng(SEED), torch.Generator().manual_seed(SEED), time.time()
    tokenizer = open_clip.SimpleTokenizer()
    for step in range(steps):
        chosen = rng.choice(len(frames), BATCH, replace=False)
        at = torch.from_numpy(chosen)
        image = model.encode_image(augmented(frames[at], generator))
        terms = {"strengths": F.mse_loss(head(image), wanted[at])}
        if step >= ALONE * steps:
            text = encode_text(model, tokenizer([caption(strengths[i], rng) for i in chosen]))
            terms["captions"] = contrastive(image, text, model.logit_scale.exp())
        optimizer.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            model.logit_scale.clamp_(max=math.log(100))
        if step % 100 == 0 or step == steps - 1:
            said = " ".join(f"{name} {term.item():.3f}" for name, term in terms.items())
            print(f"step {step} {said} {time.time() - start:.0f} s", flush=True)


@torch.no_grad()
def retrieval(model: open_clip.CLIP, frames: Tensor, strengths: np.ndarray) -> str:
    """Recall at 1 and 5 between frames and their captions, in words."""
    rng, tokenizer = np.random.default_rng(SEED), open_clip.SimpleTokenizer()
    text = F.normalize(encode_text(model, tokenizer([caption(s, rng) for s in strengths])), dim=-1)
    image = F.normalize(model.encode_image(frames / 255.0), dim=-1)
    score, n = image @ text.T, len(frames)
    found = [
        f"{name} R@{k} {100 * (s.topk(k).indices == torch.arange(n)[:, None]).any(1).float().mean():.1f} %"
        for name, s in (("frame to caption", score), ("caption to frame", score.T))
        for k in (1, 5)
    ]
    return f"held-out people, {n} pairs (chance {100 / n:.1f} %): " + ", ".join(found)


@torch.no_grad()
def rescale(model: open_clip.CLIP, frames: Tensor) -> None:
    """Give frame features unit deviation; cosines stay as they are.

    A temporal head adds positions drawn from N(0, 1) to features that nobody normalised: were these much
    smaller, as they are after training, it would see positions alone. OpenAI's towers have about this scale.
    """
    deviation, last = model.encode_image(frames / 255.0).std(), model.visual.attnpool.c_proj
    last.weight /= deviation
    last.bias /= deviation


def save(model: open_clip.CLIP, folder: Path, note: str) -> None:
    """Write clip-tiny.json and clip-tiny.safetensors (fp16) into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.half().contiguous() for name, tensor in model.state_dict().items()}
    metadata = {
        "format": "pt",
        "model": "clip-tiny: an open_clip.CLIP, see clip-tiny.json; pixels in 0..1, not normalised",
        "trained_on": "drawn faces and captions of their facial actions, by benchmarks/clip_tiny/train.py",
        "measured": note,
        "license": "MIT",
    }
    save_file(state, folder / "clip-tiny.safetensors", metadata)
    (folder / "clip-tiny.json").write_text(json.dumps(CONFIG, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Draw, train, measure, write."""
    parser = argparse.ArgumentParser(description="Train clip-tiny.")
    parser.add_argument("--people", type=int, default=3000)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    given = parser.parse_args()
    # One thread: results do not depend on how sums are split over more.
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    model = open_clip.CLIP(**CONFIG)
    size = CONFIG["vision_cfg"]["image_size"]
    start = time.time()
    frames, strengths = make_faces(size, "train", given.people)
    unseen, unseen_strengths = make_faces(size, "held-out", 64)
    print(f"{len(frames)} frames drawn in {time.time() - start:.0f} s", flush=True)
    as_tensor = [torch.from_numpy(f).permute(0, 3, 1, 2).contiguous() for f in (frames, unseen)]
    train(model, as_tensor[0], strengths, given.steps)
    rescale(model.eval(), as_tensor[0][:2048])
    note = retrieval(model, as_tensor[1], unseen_strengths)
    save(model, given.out, note)
    print(note, f"{(given.out / 'clip-tiny.safetensors').stat().st_size / 1e6:.2f} MB", sep="\n")


if __name__ == "__main__":
    main()
