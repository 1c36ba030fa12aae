"""Frames of the worst mistakes on a page: those that predictions say, and only where they are asked for."""

import io
import re
from base64 import b64decode

import left
import numpy as np
import pytest
from conftest import TOY
from PIL import Image


@pytest.fixture(scope="module")
def study(toy_root, tmp_path_factory):
    """Two finished runs, and what is wrong in them: (probability, video, truth, answer)."""
    folder = tmp_path_factory.mktemp("faces")
    plan = left.plan_of(toy_root, folder / "runs", folds=(1, 2))
    wrong = []
    for fold in (1, 2):
        with np.load(left.leave(plan, fold=fold, seed=0, model=fold) / "predictions.npz") as found:
            logits = found["logits"].astype(float)
            sure = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
            for name, label, row, one in zip(found["id"], found["label"], logits, sure, strict=True):
                if row.argmax() != label:
                    wrong.append(
                        (one.max(), str(name), plan.task.classes[label], plan.task.classes[row.argmax()])
                    )
    return folder / "runs", sorted(wrong, reverse=True)


def page(in_process, tmp_path, study, *more):
    done = in_process("--plugin", TOY, "report", study[0], "-o", "page.html", *more, check=0)
    return (tmp_path / "page.html").read_text(), done.stderr


def test_the_surest_wrong_answers_are_shown_as_frames(in_process, tmp_path, study, toy_root):
    text, _ = page(in_process, tmp_path, study, "--faces", "3", "--root", f"toy={toy_root}")
    shown = re.findall(r'<img src="data:image/jpeg;base64,([^"]+)" alt="Frames of ([^"]+)">', text)
    worst = list({name: one for one in reversed(study[1]) for name in [one[1]]}.values())[::-1][:3]
    assert [words for _, words in shown] == [
        f"{name}: {truth}, taken for {said} ({100 * sure:.0f} %)" for sure, name, truth, said in worst
    ]
    for image, words in shown:
        picture = Image.open(io.BytesIO(b64decode(image)))
        assert (picture.format, picture.size) == ("JPEG", (6 * 112, 112))
        left_side, right_side = (
            np.asarray(picture.crop(box)).mean() for box in ((0, 0, 112, 112), (560, 0, 672, 112))
        )
        brighter = right_side - left_side
        truth = words.split(": ")[1].split(",")[0]
        assert {"brightens": brighter > 3, "darkens": brighter < -3, "stays": abs(brighter) < 3}[truth]
    assert "personal data" in text


def test_nobody_is_shown_who_was_not_asked_for(in_process, tmp_path, study):
    text, _ = page(in_process, tmp_path, study)
    assert "<img" not in text and "image/jpeg" not in text


def test_videos_that_are_not_there_are_told_and_the_page_is_made(in_process, tmp_path, study):
    text, _ = page(in_process, tmp_path, study, "--faces", "2", "--root", f"toy={tmp_path / 'gone'}")
    assert "<img" not in text and text.count("No frames of ") == 2
