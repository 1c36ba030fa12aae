"""A program of a few lines that runs an ONNX file without dferbench and without torch."""

from __future__ import annotations

from pathlib import Path

from dferbench.files import write_atomic

EXAMPLE = '''"""Class probabilities of a video: python {name} {model} FRAMES.npy

FRAMES.npy holds RGB frames (T, size, size, 3) uint8, chosen and resized as "sampling" and "resize" in the
model's metadata say. Needs numpy and onnxruntime.
"""

import json
import sys

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1])
about = json.loads(session.get_modelmeta().custom_metadata_map["dferbench"])
frames = np.load(sys.argv[2])
wanted = (frames.shape[0] if about["frames free"] else about["frames"], about["size"], about["size"], 3)
if frames.shape != wanted:
    sys.exit(f"the model takes frames of shape {{wanted}}, got {{frames.shape}}")
pixels = (frames.astype(np.float32) / 255 - np.float32(about["mean"])) / np.float32(about["std"])
(logits,) = session.run(["logits"], {{"frames": pixels.transpose(0, 3, 1, 2)[None]}})
odds = np.exp(logits[0].astype(np.float64) - logits[0].max())
for name, p in zip(about["classes"], odds / odds.sum(), strict=True):
    print(f"{{p:.4f}} {{name}}")
'''


def write_example(model: Path) -> Path:
    """Write the program next to an ONNX file, as NAME_example.py, and return its path."""
    path = model.with_name(f"{model.stem}_example.py")
    # What a file is called must not end the text that it stands in.
    plain = [name.replace("\\", "?").replace('"', "?") for name in (path.name, model.name)]
    write_atomic(path, EXAMPLE.format(name=plain[0], model=plain[1]))
    return path
