"""Checkpoints, packs, lists and videos."""

import json
import os
import shutil

import safetensors.torch
import torch
from fuzzing import BYTES, LINES, ODD_LINES, spelled

from attacks.words import edited

NAMES = (
    "bad.mp4", "bad.mkv", "bad.gif", "bad.webm", "\x1b[2J.mp4", "=1+1.mp4", "-x.mp4", "http:.mp4",
)  # fmt: skip
SMALL = ("--json", "-q", "--device", "cpu")


def _header(base):
    file = safetensors.safe_open(base / "checkpoint.safetensors", "pt")
    return json.loads(file.metadata()["dferbench"])


WILD = {
    "options": [{"backbone": "x" * 9000}, {"depth": 10**9}, {"width": 10**7}, [], {"extra": 1}],
    "classes": [["a"] * 100_000, [], ["\x1b[2J"] * 7, "abc", [1, 2]],
    "input": [
        {"frames": 10**9}, {"size": 10**6}, {"frames": 4096, "size": 4096}, {"frames": -1}, {"size": "huge"},
        {"sample": "(" * 9000}, {"sample": "segments(" + "-" * 15_000 + "1)"}, {"augment": "-" * 10**5},
    ],
    "method": ["../x", "\x1b[2J", "dfer-clip", "x" * 9000, 5],
    "precision": ["fp9", 5, "\x1b"],
}  # fmt: skip


def checkpoints(folder, base, rng):
    """A checkpoint whose header or bytes were edited; tensors may be others, too."""
    path = folder / "x.safetensors"
    data = (base / "checkpoint.safetensors").read_bytes()
    way = rng.randrange(4)
    if way == 0:
        path.write_bytes(rng.choice(BYTES)(data, rng))
    else:
        header = _header(base)
        if rng.random() < 0.9:  # as files of earlier releases, which state none
            header.pop("checksum", None)
        if way == 1:
            edited(header, rng)
        else:
            key = rng.choice(list(WILD))
            wild = rng.choice(WILD[key])
            header[key] = {**header[key], **wild} if isinstance(wild, dict) else wild
        tensors = safetensors.torch.load(data) if rng.random() < 0.7 else {"w": torch.zeros(3)}
        path.write_bytes(safetensors.torch.save(tensors, {"dferbench": json.dumps(header)}))
    return ["predict", str(base / "good.mp4"), "-c", str(path), *SMALL], "", {0, 3, 4, 5}


def packs(folder, base, rng):
    """A pack of which a file was damaged, read as a run and `data info` read it."""
    pack = folder / "P"
    shutil.copytree(base / "P", pack)
    file = pack / rng.choice(["pack.json", "frames.mdb"])
    data = file.read_bytes()
    if file.suffix == ".json" and rng.random() < 0.6:
        content = json.loads(data)
        for _ in range(rng.randint(1, 2)):
            edited(content, rng)
        file.write_text(json.dumps(content), encoding="utf-8", errors="surrogatepass")
    else:
        file.write_bytes(rng.choice(BYTES)(data, rng))
    words = [
        "evaluate",
        "-c",
        str(base / "checkpoint.safetensors"),
        "-d",
        f"folder(path={base / 'videos'}, folds=2)",
    ]
    more = ["--root", str(pack), "-o", str(folder / "E"), "-j", "0", "-q", "--device", "cpu", "--skip-bad"]
    return [*words, *more], "", {0, 3, 4, 5}


def lists(folder, base, rng):
    """A list of videos with a line too many, or damaged as a whole."""
    good = [f"videos/{label}/{i} 9 {n}" for i in range(4) for n, label in enumerate("abc")]
    strange = rng.choice((*LINES, *ODD_LINES))
    if "million" not in strange:
        good.insert(rng.randint(1, 9), spelled(strange, " ", str(folder)))
    data = "\n".join(good).encode("utf-8", "surrogatepass")
    data = rng.choice(BYTES)(data, rng) if rng.random() < 0.4 else data
    for name in ("set_1_train.txt", "set_1_test.txt"):
        (folder / name).write_bytes(data)
    words = ["evaluate", "-c", str(base / "checkpoint.safetensors"), "--root", str(base)]
    words += ["-d", f"list(path={folder}, classes='a,b,c')", "-o", str(folder / "E"), "-j", "0", "-q"]
    return [*words, "--device", "cpu"], "", {0, 3, 4, 5}


def videos(folder, base, rng):
    """A folder with a good video and a hostile one: the good one is predicted."""
    data = (base / "good.mp4").read_bytes()
    shutil.copy(base / "good.mp4", folder / "good.mp4")
    bad = folder / rng.choice(NAMES)
    way = rng.randrange(6)
    if way == 0:
        os.mkfifo(bad)
    elif way == 1:
        bad.symlink_to(rng.choice(["/dev/zero", "/etc/passwd", "/proc/kmsg", bad, "../../.."]))
    elif way == 2:
        bad.write_bytes(data.replace(b"avc1", b"xxxx"))
    elif way == 3:
        shutil.copy(base / "large.mp4", bad)
    elif way == 4:
        bad.mkdir()
        shutil.copy(base / "large.png", bad / "1.png")
        (bad / "2.png").write_bytes(b"\x89PNG" + rng.randbytes(99))
    else:
        bad.write_bytes(rng.choice(BYTES)(data, rng))
    window = [] if rng.random() < 0.7 else ["--window", "4"]
    words = ["predict", str(folder), "-c", str(base / "checkpoint.safetensors"), *window, *SMALL]
    return words, "good.mp4", {0, 5}
