"""How the released code calls the tensors of this model."""

from __future__ import annotations

import re

WHOLE = {
    "vit.patch": "patch_embed.proj",
    "vit.": "",
    "temporal": "temporal_embedding",
    "side": "patch_embed_prompt.proj",
    "norms": "prompt_norms",
    "spare": "prompt_norms",
    "norm": "ln_post",
    "head": "head.fc_cls",
}
"""How names begin, here and there, but for those within a prompt."""
PROMPT = {
    "image": "conv0_0",
    "side": "conv0_1",
    "out": "conv1x1",
    "fovea.scale": "fovea.smooth",
    "adapter.norm": "TMA.norm",
    "adapter.temporal.attn": "TMA.T_Adapter.attn",
    "adapter.temporal.down": "TMA.T_Adapter.D_fc1",
    "adapter.temporal.up": "TMA.T_Adapter.D_fc2",
    "adapter.spatial.down": "TMA.S_Adapter.D_fc1",
    "adapter.spatial.up": "TMA.S_Adapter.D_fc2",
}
_IN_PROMPT = re.compile(r"prompts\.(\d+)\.(.+)")


def in_file(name: str) -> str:
    """The released code's name of a tensor; those of the image model are timm's."""
    if found := _IN_PROMPT.fullmatch(name):
        return f"prompt_blocks.{found[1]}.{_begun(found[2], PROMPT)}"
    return _begun(name, WHOLE)


def _begun(name: str, table: dict[str, str]) -> str:
    ours = next(start for start in table if name.startswith(start))
    return table[ours] + name.removeprefix(ours)
