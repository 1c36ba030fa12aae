"""The class texts of a checkpoint, from the embedded prompts that it keeps.

The released code saves the embeddings of each class's tokens. Each is a row of the token embedding, which is
saved too, so the tokens can be read back exactly, and the texts need not be known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from dferbench import ConfigError, DataError, UnknownName
from dferbench.models import DESCRIPTORS, TEMPLATES, class_texts, inline_texts
from dferbench_methods.dfer_clip.shapes import need

START, END, PAD = 49406, 49407, 0
"""CLIP's tokens for the start and the end of a text, and what follows it."""


def recover_texts(state: Mapping[str, Tensor], classes: Sequence[str], given: str | None) -> tuple[str, str]:
    """The source of class texts (`dferbench.models.texts`) that gives the checkpoint's prompts, and a note.

    A source that dferbench knows goes by its name. Raises DataError for prompts that are not text, and
    ConfigError if the `given` source says something else than the checkpoint.
    """
    table = need(state, "clip_model_.token_embedding.weight", 2)
    pieces = [need(state, f"prompt_learner.token_{name}", 3) for name in ("prefix", "suffix")]
    if {(len(piece), piece.shape[-1]) for piece in pieces} != {(len(classes), table.shape[-1])}:
        shapes = ", ".join(str(list(tensor.shape)) for tensor in (*pieces, table))
        raise DataError(
            f"token_prefix, token_suffix and token_embedding do not go together: {shapes}", "Fetch it again."
        )
    rows = _rows(torch.cat(pieces, dim=1), table)
    tokens = [_words(row, number) for number, row in enumerate(rows, 1)]
    if given is not None:
        if _encoded(given, classes) != tokens:
            raise ConfigError(f"the checkpoint was not trained with text={given}", "Leave the text out.")
        return given, "The class texts were given by the user, and are those of the checkpoint."
    for source in (*TEMPLATES, DESCRIPTORS):
        if _encoded(source, classes) == tokens:
            return source, f"The class texts in the checkpoint are those of text={source}."
    written = [_decode(row, number) for number, row in enumerate(tokens, 1)]
    source = inline_texts(dict(zip(classes, written, strict=True)))
    return source, "The class texts were recovered from the tokens in the checkpoint."


def _rows(embedded: Tensor, table: Tensor) -> list[list[int]]:
    """Which row of the table (V, width) each embedding in (C, L, width) is; each must be exactly one."""
    unique, places = torch.unique(embedded.flatten(0, 1), dim=0, return_inverse=True)
    ids = torch.tensor([_row(vector, table) for vector in unique])
    found: list[list[int]] = ids[places].reshape(embedded.shape[:2]).tolist()
    return found


def _row(vector: Tensor, table: Tensor) -> int:
    # Few rows share their first number, so the others are compared for those only.
    near = (table[:, 0] == vector[0]).nonzero().flatten()
    same = near[(table[near] == vector).all(dim=1)].tolist()
    if len(same) != 1:
        raise DataError(
            f"a piece of its prompts is {len(same)} rows of its token embedding instead of one",
            "Its prompt_learner and its clip_model_ are not of one model, or it is damaged.",
        )
    return int(same[0])


def _words(row: Sequence[int], number: int) -> list[int]:
    """The tokens of the text itself: between the start and the end, behind which there is only padding."""
    end = row.index(END) if END in row else len(row)
    if row[0] != START or set(row[end + 1 :]) - {PAD} or end == len(row) or end == 1:
        raise DataError(f"the prompt of class {number} is not a text of CLIP's", "Is it damaged?")
    return list(row[1:end])


def _encoded(source: str, classes: Sequence[str]) -> list[list[int]]:
    """The tokens that a source of texts gives, [] if it has no text for some class."""
    try:
        return [_tokenizer().encode(text) for text in class_texts(source, classes)]
    except UnknownName:
        raise
    except ConfigError:
        return []


def _decode(tokens: Sequence[int], number: int) -> str:
    """The text with these tokens, written as people do where that does not change them."""
    plain = _tokenizer().decode(tokens).strip()
    for text in (re.sub(r" ([.,;:!?])", r"\1", plain), plain):
        if _tokenizer().encode(text) == list(tokens):
            return text
    raise DataError(
        f"the tokens of class {number} read '{plain}', which is written with other tokens",
        "Its prompts were not made by CLIP's tokenizer, and cannot be written as a text.",
    )


@cache
def _tokenizer() -> Any:
    from open_clip.tokenizer import SimpleTokenizer

    return SimpleTokenizer()
