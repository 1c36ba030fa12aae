"""What a hint says can be done: the options that it names are those of the command or dataset at hand."""

import re

import media
import pytest
from conftest import TOY
from PIL import Image
from typer.main import get_command

from dferbench.cli.app import make_app
from dferbench.errors import DferbenchError
from dferbench.registry.catalog import discover
from dferbench.registry.datasets import make_dataset


def options_of(command):
    """All options of `dferbench COMMAND`."""
    found = get_command(make_app([TOY]))
    for word in command.split():
        found = found.commands[word]
    return {"--help", *(name for one in found.params for name in (*one.opts, *one.secondary_opts))}


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8)).save(path)


@pytest.fixture
def videos(tmp_path):
    """A private folder with an unreadable test video, one with two words for one class, and a video."""
    for side in ("train", "test"):
        for name in ("Happy", "Sad"):
            picture(tmp_path / "bad" / side / name / "x" / "1.png")
    (tmp_path / "bad" / "test" / "Happy" / "x" / "1.png").write_bytes(b"no picture")
    for name in ("Happy", "Joy", "Sad"):
        for number in "12":
            picture(tmp_path / "words" / name / number / "1.png")
    rows = [f"words/{name}/{n}/1.png,{label}" for label, name in enumerate(("Happy", "Joy"), 1) for n in "12"]
    (tmp_path / "numbers.csv").write_text("\n".join(["video,label", *rows]))
    (tmp_path / "numbers.txt").write_text("\n".join(row.replace(",", " 3 ") for row in rows))
    media.encode(tmp_path / "a.mp4", count=3)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("data sheet", ["folder:bad", "-o", "s.png"]),
        ("data sheet", ["synthetic", "--fold", "7"]),
        ("data sheet", ["dfew"]),
        ("data verify", ["dfew"]),
        ("data faces", ["a.mp4", "-o", "out", "--finder", "haar(mode=1)"]),
        ("data faces", ["a.mp4", "-o", "out", "--finder", "yunet(model=a.mp4)"]),
        ("data faces", ["a.mp4", "-o", "out", "--choose", "nearest"]),
        ("predict", ["a.mp4", "-c", "a.mp4"]),
        ("run", ["--plugin", TOY, "-m", "toy", "-d", "folder:bad", "--device", "cpu", "-o", "runs"]),
    ],
)
def test_a_hint_names_options_that_the_command_has(videos, in_process, command, words):
    done = in_process(*command.split(), *words)
    hint = done.stderr.splitlines()[-1]
    assert done.returncode in (3, 4) and hint.startswith("hint: ")
    named = set(re.findall(r"--[a-z][a-z-]*", hint))
    assert named <= options_of(command), hint


def made(text, folder, monkeypatch):
    """The private dataset that a text names."""
    monkeypatch.chdir(folder)
    return make_dataset(text, discover()).dataset


@pytest.mark.parametrize(
    "text",
    [
        "folder(path=words, folds=2)",
        "folder(path=., csv=numbers.csv, folds=2)",
        "folder(path=., csv=numbers.csv, folds=2, classes='a,b,c')",
        "list(train=numbers.txt, test=numbers.txt)",
    ],
)
def test_a_hint_names_options_that_the_dataset_has(videos, monkeypatch, text):
    with pytest.raises(DferbenchError) as caught:
        made(text, videos, monkeypatch)
    named = set(re.findall(r"\b([a-z]+)='?[0-9A-Za-z]", caught.value.hint))
    entry = discover().get("datasets", text.partition("(")[0])
    assert named and named <= set(entry.options.model_fields), caught.value.hint


@pytest.mark.parametrize(
    ("options", "classes"),
    [
        ("path=words, codes='Happy=happiness, Joy=joyful, Sad=sadness'", ("happiness", "sadness", "joyful")),
        ("path=words, codes='Happy=happiness, Joy=happiness, Sad=sadness'", ("happiness", "sadness")),
        ("path=., csv=numbers.csv, classes='a,b,c', base=0", ("a", "b", "c")),
        ("path=., csv=numbers.csv, codes='1=happiness, 2=joyful'", ("happiness", "joyful")),
    ],
)
def test_a_folder_is_told_what_its_labels_stand_for(videos, monkeypatch, options, classes):
    assert made(f"folder({options}, folds=2)", videos, monkeypatch).classes == classes
