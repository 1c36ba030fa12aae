"""Randomness without state: every draw is seeded from what it is for, so a resumed run draws the same."""

from __future__ import annotations

import hashlib
import random

import numpy as np
import torch


def derive(*parts: object) -> int:
    """A seed (0 .. 2**32 - 1) that depends on every part and on nothing else."""
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def seed_everything(*parts: object) -> None:
    """Seed Python's, NumPy's and torch's global generators from the parts."""
    seed = derive(*parts)
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def permutation(count: int, *parts: object) -> list[int]:
    """A random order of 0 .. count - 1, drawn from the parts."""
    generator = torch.Generator().manual_seed(derive(*parts))
    return torch.randperm(count, generator=generator).tolist()
