"""Every verb with --json prints one document of strict JSON, whatever lies in the folders that it reads."""

import json
import math
import re
import shutil
from pathlib import Path

import left
import numpy as np
import official_dfer_clip as official
import pytest
from conftest import TOY
from media import encode
from typer.main import get_command

from dferbench.cli.app import make_app
from dferbench.experiment import record

QUICK = ["--device", "cpu", "-q"]
NO_WORKERS = [*QUICK, "-j", "0"]
ONE_EPOCH = [*NO_WORKERS, "--epochs", "1"]
CASES = {
    "list": [[], ["metrics"]],
    "show": [["toy"], ["dfer-clip"]],
    "doctor": [["-m", "toy-net", "-d", "toy", "--device", "cpu"]],
    "cache": [[]],
    "profile": [["toy-net", "--count", "--device", "cpu"]],
    "run": [
        ["-m", "toy-net", "-d", "toy", "-o", "trained", *ONE_EPOCH],
        ["-m", "toy-net", "-d", "toy", "-o", "nan", "--set", "stage.train={'.*': 1e30}", *NO_WORKERS],
    ],
    "bench": [["suite.toml", "-d", "toy", "-o", "study", "--fold", "all", "--dry-run", "--device", "cpu"]],
    "reproduce": [["suite.toml", "-d", "toy", "-o", "study", "--dry-run", "--device", "cpu"]],
    "tune": [
        ["-m", "toy-net", "-d", "toy", "--search", "width=int(2,3)", "--max-runs", "1", *ONE_EPOCH]
    ],
    "evaluate": [["-c", "model.safetensors", "-d", "toy", "-o", "tested", *NO_WORKERS]],
    "stress": [["model.safetensors", "-d", "toy", "--only", "reverse", "--runs", "tested", *NO_WORKERS]],
    "transfer": [["model.safetensors", "-d", "toy", "--runs", "tested", *NO_WORKERS]],
    "predict": [["clip.mp4", "broken.mp4", "-c", "model.safetensors", *QUICK]],
    "import": [["best.pth", "-m", "dfer-clip", "--set", "position=middle"]],
    "score": [["answers.csv", "-d", "toy", "--fold", "1", "--name", "mine", "-o", "scored", "-q",
               "--missing", "wrong"]],
    "runs": [["study"], ["empty"]],
    "leaderboard": [
        ["study", "--select", "best-on-test", "--published", "field"],
        ["study/toy/WHOLE", "--select", "best-on-test", "--interval", "95"],
        ["study", "--metrics", "uar,macro-f1,top2", "--optimism"],
    ],
    "compare": [["study/toy/NET/fold1-seed0", "study/toy/NET/fold1-seed1", "--anyway"]],
    "ranks": [["suite.toml", "--runs", "study", "-d", "toy"]],
    "slices": [["study", "--by", "half", "--columns", "halves.csv", "-q"]],
    "calibration": [["study"]],
    "verify": [["study", "-q"], ["empty"]],
    "submit": [["study", "-o", "bundle", "-q", "--device", "cpu"]],
    "config": [[]],
    "features": [["-m", "toy-net", "-d", "toy", "-o", "features.npz", *NO_WORKERS]],
    "export": [["model.safetensors", "-o", "model.pt2"]],
    "explain": [["clip.mp4", "-c", "model.safetensors", "-o", "why.png", *QUICK]],
    "data ls": [[]],
    "data info": [["toy"], ["dfew"]],
    "data verify": [["toy"]],
    "data leaks": [["-d", "toy"]],
    "data pack": [["toy", "-o", "pack", "-q", "-j", "0"]],
    "data faces": [["raw", "-o", "crops", "--finder", "center", "-q", "-j", "1", "--size", "16"]],
}  # fmt: skip
"""Per verb what it is called with. The folder `study` has whole runs, one whose test part lacks a class, one
with logits that are no numbers, an unfinished and a damaged one; a verb may fail and still prints JSON."""


def verbs(command, name=""):
    """Every command with --json, by its words."""
    for word, one in getattr(command, "commands", {}).items():
        yield from verbs(one, f"{name} {word}".strip())
    if any("--json" in parameter.opts for parameter in getattr(command, "params", [])):
        yield name


def strict(text):
    """The one document that a text is. Raises ValueError for NaN, infinities, a name that stands twice, other
    text around it, and numbers too large for a double."""

    def once(pairs):
        if len(dict(pairs)) != len(pairs):
            raise ValueError(f"a name stands twice: {[name for name, _ in pairs]}")
        return dict(pairs)

    def refuse(word):
        raise ValueError(f"{word} is no JSON")

    def finite(number):
        return float(number) if math.isfinite(float(number)) else refuse(number)

    text.encode("utf-8")  # no half of a surrogate pair
    return json.loads(text, object_pairs_hook=once, parse_constant=refuse, parse_float=finite)


@pytest.mark.parametrize(
    "text",
    ['{"a": NaN}', "[-Infinity]", '{"a": 1, "a": 2}', "{} {}", "said\n{}", "[1e999]", "", '["\ud800"]'],
)
def test_the_parser_is_strict(text):
    with pytest.raises(ValueError):
        strict(text)


def test_every_verb_with_json_is_tried():
    found = set(verbs(get_command(make_app())))
    assert len(found) >= 28
    missing = found - set(CASES)
    assert not missing, f"add to CASES of {Path(__file__).name} what these are called with: {sorted(missing)}"
    assert found == set(CASES), f"these have no --json any more: {sorted(set(CASES) - found)}"


@pytest.fixture
def desk(tmp_path, toy_root, monkeypatch):
    """What the cases read: a study of whole and other runs, a trained file later, videos, predictions."""
    monkeypatch.setenv("DFERBENCH_ROOT_TOY", str(toy_root))
    monkeypatch.setenv("DFERBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DFERBENCH_FEATURES", str(tmp_path / "features"))
    plan, other, third = (
        left.plan_of(toy_root, tmp_path / "study", folds=(1, 2), sets={"width": str(width)})
        for width in (4, 2, 3)
    )
    for fold in (1, 2):
        left.leave(other, fold=fold, seed=0, given={"width": "2"}, model=3)
    left.leave(plan, fold=2, seed=0)
    whole = left.leave(plan, fold=1, seed=0, model=1, keep_all=True)
    left.forge_predictions(left.leave(plan, fold=1, seed=1, model=2), labels=[0, 0, 0, 0, 1, 1, 1, 1, 1])
    odd = left.leave(third, fold=2, seed=0, given={"width": "3"})
    with np.load(odd / record.PREDICTIONS) as file:
        arrays = {name: file[name] for name in file}
    np.savez(odd / record.PREDICTIONS, **arrays | {"logits": np.full_like(arrays["logits"], np.nan)})
    left.rewrite(left.leave(plan, fold=2, seed=1), status="interrupted")
    (left.leave(plan, fold=2, seed=2) / record.NAME).write_text('{"seconds": NaN}')
    for name in ("empty", "raw"):
        (tmp_path / name).mkdir()
    encode(tmp_path / "raw" / "clip.mp4", count=6)
    shutil.copy(tmp_path / "raw" / "clip.mp4", tmp_path / "clip.mp4")
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    with np.load(whole / record.PREDICTIONS) as file:
        ids = file["id"].tolist()
    (tmp_path / "answers.csv").write_text("\n".join(["id,label", *(f"{one},stays" for one in ids[:-1])]))
    halves = "\n".join(f"{name},{n % 2}" for n, name in enumerate(ids))
    (tmp_path / "halves.csv").write_text(f"id,half\n{halves}\n")
    (tmp_path / "suite.toml").write_text(
        'title = "Mine"\n[[rows]]\nlabel = "a"\nmethod = "toy-net"\n'
        '[[rows]]\nlabel = "b"\nmethod = "toy-net"\noptions = {width = 2}\n'
    )
    official.save(official.Model(official.PHRASES[:7], position="middle"), tmp_path / "best.pth")
    return tmp_path, {"NET": whole.parent.name, "WHOLE": other.folder(1, 0).parent.name}


@pytest.mark.heavy
def test_every_verb_prints_one_strict_document(desk, in_process):
    folder, names = desk
    wrong = []
    for verb, cases in CASES.items():
        if verb == "tune":
            pytest.importorskip("optuna")
        for case in cases:
            words = [re.sub("NET|WHOLE", lambda found: names[found[0]], word) for word in case]
            done = in_process("--plugin", TOY, *verb.split(), *words, "--json")
            try:
                strict(done.stdout)
            except ValueError as error:
                wrong.append((verb, case, str(error), done.stdout[-300:], done.stderr[-300:]))
        if verb == "run":
            model = next((folder / "trained").rglob(record.CHECKPOINT), None)
            assert model is not None, done.stderr
            shutil.copy(model, folder / "model.safetensors")
    assert not wrong, "\n\n".join(map(str, wrong))
