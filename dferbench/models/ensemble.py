"""Several hand-written templates around each text, averaged."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from dferbench.errors import UnknownName
from dferbench.models.prompts import Prompt
from dferbench.models.texts import class_texts as write
from dferbench.models.two_tower import TwoTower

TEMPLATES = {
    "pair": ("an expression of {}", "a photo of {}"),
    "five": (
        "an expression of {}",
        "a photo of a face with an expression of {}",
        "a photo radiating {} in a person",
        "a photo showing someone immersed in {}",
        "a photo capturing {} within an individual",
    ),
}
"""Sets by name: the hand-written prompts of DFER-CLIP (arXiv:2308.13382, table 3), and the five of Exp-CLIP
(Zhao, Cao, Gong and Patras, WACV 2025)."""


class Ensemble(Prompt):
    """Each class's text in K templates: the K text features are normalised, then averaged, as in CLIP.

    `templates` is the name of a set or templates of one's own, such as "a photo of {} | they look {}". They
    go around whatever text a class has, which is best its bare name. Raises UnknownName or ConfigError.
    """

    def __init__(self, tower: TwoTower, texts: Sequence[str], templates: str = "five") -> None:
        chosen = _templates(templates)
        bare = [text.rstrip(" .") for text in texts]
        tokens = torch.cat([tower.tokenize(write(template, bare)) for template in chosen])
        eot = tokens.argmax(-1)
        super().__init__(tower, tokens[:, : int(eot.max()) + 1], eot)
        self.notes = {"templates": list(chosen)}

    def embeddings(self) -> Tensor:
        """All texts in all templates, template by template, embedded: (K * C, L, width)."""
        return self.tower.embed(self.get_buffer("tokens"))

    def _compute(self) -> Tensor:
        features = F.normalize(super()._compute(), dim=-1)
        return features.view(len(self.notes["templates"]), -1, features.shape[-1]).mean(0)


def _templates(text: str) -> tuple[str, ...]:
    chosen = TEMPLATES.get(text) or tuple(part.strip() for part in text.split("|"))
    for template in chosen:
        if "{}" not in template:
            raise UnknownName("set of templates", template, [*TEMPLATES, "... {} | ... {}"])
    return chosen
