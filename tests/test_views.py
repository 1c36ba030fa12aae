"""Official files are tested as their authors test: the frames of each dataset, why, and what they saw."""

import json
from dataclasses import dataclass

import numpy as np
import official_files
import pytest
import torch
from official_files import CATALOG, classes_of, method_of

from dferbench.checkpoints.chosen_input import BY_USER
from dferbench.checkpoints.official import Said
from dferbench.checkpoints.read import ANOTHER_INPUT, read_checkpoint
from dferbench.checkpoints.trained_on import UNKNOWN, read_trained_on, unseen_folds
from dferbench.data.pipeline import make_sampler
from dferbench.errors import ConfigError, DferbenchError, UnknownName
from dferbench.registry.datasets import make_dataset

# ---- the frames of a video of n, written down again from the cards ----------------------------------------


def middles(pieces, each):
    def frames(n):
        step = (n - each + 1) / pieces
        return [int(step / 2 + step * k) + i for k in range(pieces) for i in range(each)]

    return frames


def steps(n):
    return np.linspace(0, n - 1, 16).astype(int).tolist()


def both_ends(rate):
    def frames(n):
        kept = list(range(0, n, rate))
        kept += kept[-1:] * (16 - len(kept))
        return kept[:16] + kept[-16:]

    return frames


def every_fourth(n):
    kept = list(range(0, n, 4))
    taken = (kept + kept)[:32]
    while len(taken) < 32:
        taken += taken[-2::-1]
    return taken[:32]


def begun(n):
    return [n * i // 16 for i in range(16)]


def snippets(n):
    unified = [15 + 10 * piece + inside for piece in range(7) for inside in (0, 3, 6, 9, 12)]
    return [n * i // 105 for i in unified]


PAIRS, SIXTEENTHS = middles(8, 2), middles(16, 1)
BOTH = ("dfew", "ferv39k")


@dataclass(frozen=True)
class View:
    """How the authors of a file test on a dataset: frames, size and normalisation."""

    frames: object
    size: int
    normalize: str = "none"


def on(datasets, *view):
    return dict.fromkeys(datasets, View(*view))


AUTHORS = {
    "dfer-clip": on(["dfew", "ferv39k", "mafw"], SIXTEENTHS, 32),
    "former-dfer": on(BOTH, PAIRS, 112),
    "nr-dfernet": on(BOTH, PAIRS, 112),
    "ial": on(BOTH, SIXTEENTHS, 112),
    "aen": on(BOTH, PAIRS, 112),
    "m3dfel": on(BOTH, begun, 112),
    "est": on(["dfew"], snippets, 224),
    "ec-stfl, the paper's": on(["dfew"], steps, 112),
    "ec-stfl, of 2024": on(["dfew"], PAIRS, 112),
    "c3d": on(["dfew"], steps, 112),
    "p3d": on(["dfew"], steps, 160),
    "i3d": on(["dfew"], steps, 224),
    "r3d18, Hara's": on(["dfew"], PAIRS, 112),
    "r3d18, torchvision's": on(["dfew"], steps, 112),
    "r2plus1d18": on(["dfew"], steps, 112),
    "mae-dfer": on(["dfew", "mafw"], both_ends(4), 160, "imagenet")
    | on(["ferv39k"], both_ends(1), 160, "imagenet"),
    "videomae": on(["dfew", "mafw"], both_ends(4), 160, "imagenet")
    | on(["ferv39k"], both_ends(1), 160, "imagenet"),
    "s2d": on(["dfew"], SIXTEENTHS, 224, "imagenet") | on(["ferv39k", "mafw"], both_ends(1), 224, "imagenet"),
    "emoclip": on([*BOTH, "mafw"], every_fourth, 224, "clip"),
}
"""From the cards of the methods, which follow the released code; datasets that their authors tested on. (The
backbone of the tiny DFER-CLIP takes 32 pixels.)"""
CASES = [(kind, dataset) for kind, views in AUTHORS.items() for dataset in views]


@pytest.fixture(scope="module")
def file_of(tmp_path_factory):
    """An official file of a kind for the classes of a dataset, written once."""
    folder, known = tmp_path_factory.mktemp("official"), {}

    def of(kind, dataset):
        count = len(classes_of(dataset))
        path = folder / f"{list(AUTHORS).index(kind)}-{count}.pth"
        if path not in known:
            known[path] = official_files.write(kind, path, classes_of(dataset))
        return path

    return of


def read(path, kind, dataset="", sets=None, trained_on=()):
    said = Said(
        classes=classes_of(dataset) if kind == "s2d" else (),
        trained_on=read_trained_on(trained_on, CATALOG),
    )
    sets = {**official_files.SAID.get(kind, {}), **(sets or {})}
    chosen = make_dataset(dataset, CATALOG) if dataset else None
    return read_checkpoint(path, CATALOG, model=method_of(kind), sets=sets, said=said, dataset=chosen)


def test_every_method_with_an_importer_is_in_the_table():
    importers = {name for name, entry in CATALOG.entries["methods"].items() if entry.value.convert}
    written = {method_of(kind) for kind in (*official_files.NETS, *official_files.OTHERS)}
    assert importers == {method_of(kind) for kind in AUTHORS} == written


@pytest.mark.parametrize(("kind", "dataset"), CASES)
def test_the_authors_view_of_that_dataset(file_of, kind, dataset):
    found = read(file_of(kind, dataset), kind, dataset)
    right, input = AUTHORS[kind][dataset], found.recipe.input
    sampler = make_sampler(input, CATALOG)
    for count in (40, 97, 260):
        assert sampler(count, input.frames, None).tolist() == right.frames(count), count
    assert (input.size, input.normalize, input.augment) == (right.size, right.normalize, "")
    assert found.caveats == (UNKNOWN,) and found.input_from


@pytest.mark.parametrize(
    ("kind", "dataset", "words"),
    [
        ("mae-dfer", "ferv39k", "the recipe of mae-dfer for ferv39k"),
        ("mae-dfer", "dfew", "the recipe of mae-dfer for any dataset"),
        ("ec-stfl, of 2024", "ferv39k", "the authors' code of 2024"),
        ("r3d18, torchvision's", "dfew", "the code of DFEW's repository"),
        ("r3d18, torchvision's", "ferv39k", "the recipe of r3d18 for any dataset"),
        ("videomae", "synthetic", "the recipe of videomae for any dataset"),
    ],
)
def test_it_is_said_whose_view_it_is(file_of, kind, dataset, words):
    found = read(file_of(kind, "dfew"), kind, dataset)
    assert found.input_from == words and found.facts["input_from"] == words


@pytest.mark.parametrize(
    ("kind", "dataset", "sample", "right"),
    [
        ("c3d", "dfew", "uniform", True),
        ("c3d", "dfew", "uniform(random=false)", True),
        ("c3d", "dfew", "segments", False),
        ("r3d18, Hara's", "dfew", "segments(short=first-frame,duration=2)", True),
        ("mae-dfer", "ferv39k", "window(clips=2, rate=1)", True),
        ("mae-dfer", "ferv39k", "window(rate=4, clips=2)", False),
        ("mae-dfer", "dfew", "window(clips=2)", True),
        ("mae-dfer", "dfew", "window(clips=2, shuffle=true)", False),
        ("m3dfel", "dfew", "grid", True),
    ],
)
def test_a_caveat_stands_only_where_the_view_is_another(file_of, kind, dataset, sample, right):
    found = read(file_of(kind, dataset), kind, dataset, {"input.sample": sample})
    assert (ANOTHER_INPUT not in found.caveats) is right
    assert found.input_from == BY_USER and found.recipe.input.sample == sample


@pytest.mark.parametrize(("kind", "right"), [("mae-dfer", True), ("videomae", True), ("c3d", False)])
def test_the_order_of_the_authors_loader_may_be_stated(file_of, kind, right):
    found = read(file_of(kind, "dfew"), kind, "dfew", {"input.order": "string"})
    assert (ANOTHER_INPUT not in found.caveats) is right and found.recipe.input.order == "string"


def test_training_data_that_are_known_decide(file_of):
    path = file_of("mae-dfer", "dfew")
    found = read(path, "mae-dfer", "dfew", trained_on=["ferv39k"])
    assert "rate=1" in found.recipe.input.sample and found.caveats == ()
    assert found.input_from.endswith("ferv39k being what it was trained on")
    both = read(path, "mae-dfer", "dfew", trained_on=["ferv39k", "dfew:fold=2"])
    assert "rate=4" in both.recipe.input.sample
    assert "rate=1" in read(path, "mae-dfer", trained_on=["ferv39k"]).recipe.input.sample


# ---- what an imported file keeps ---------------------------------------------------------------------------


@pytest.fixture
def imported(file_of, in_process, tmp_path):
    def do(kind, *words, name="ours", dataset="dfew"):
        target = tmp_path / f"{name}.safetensors"
        in_process("import", file_of(kind, dataset), "-m", method_of(kind), "-o", target, *words, check=0)
        return target

    return do


def again(path, dataset, **sets):
    return read_checkpoint(path, CATALOG, sets=sets, dataset=make_dataset(dataset, CATALOG))


def test_an_imported_file_is_tested_like_the_original(imported):
    path = imported("mae-dfer")
    assert "rate=1" in again(path, "ferv39k").recipe.input.sample
    assert "rate=4" in again(path, "dfew").recipe.input.sample
    own = imported("ec-stfl, of 2024")
    found = again(own, "dfew")
    assert "duration=2" in found.recipe.input.sample and found.input_from == "the authors' code of 2024"
    assert found.caveats == (UNKNOWN,)


def test_what_the_user_stated_at_the_import_is_kept_and_compared(imported):
    path = imported("mae-dfer", "--set", "input.sample=window(rate=1, clips=2)")
    assert again(path, "ferv39k").caveats == (UNKNOWN,)
    wrong = again(path, "dfew")
    assert wrong.caveats == (UNKNOWN, ANOTHER_INPUT) and wrong.input_from == BY_USER
    assert read_checkpoint(path, CATALOG).caveats == (UNKNOWN,)


def test_the_training_data_travel_with_the_file(imported):
    path = imported("videomae", "--trained-on", "dfew:fold=3", "--trained-on", "ferv39k")
    found = again(path, "dfew")
    assert [one.model_dump() for one in found.header.trained_on] == [
        {"dataset": "dfew", "fold": 3},
        {"dataset": "ferv39k", "fold": 1},
    ]
    assert UNKNOWN not in found.caveats and found.facts["trained_on"][0] == {"dataset": "dfew", "fold": 3}
    assert unseen_folds(found.header, "dfew", None, path) == (3,)
    assert unseen_folds(found.header, "dfew", (3,), path) == (3,)
    assert unseen_folds(found.header, "mafw", (2,), path) == (2,)
    for asked in ((1,), (3, 4), ()):
        with pytest.raises(ConfigError, match="trained on fold 3"):
            unseen_folds(found.header, "dfew", asked, path)


def test_a_file_that_has_seen_all_folds_is_tested_on_none(file_of):
    for texts in (["dfew:fold=1", "dfew:fold=2"], ["dfew:fold=all"]):
        header = read(file_of("c3d", "dfew"), "c3d", trained_on=texts).header
        with pytest.raises(ConfigError, match="has seen the test videos of each"):
            unseen_folds(header, "dfew", None, file_of("c3d", "dfew"))


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("dfew:fold=6", UnknownName, "6"),
        ("dfew:fold=one", UnknownName, "one"),
        ("dfew", ConfigError, "does not say which fold of dfew"),
        ("deew:fold=1", UnknownName, "deew"),
        ("dfew(folds=1):fold=1", DferbenchError, "folds"),
        ("ferv39k:fold=2", UnknownName, "2"),
    ],
)
def test_training_data_that_cannot_be(text, error, words):
    with pytest.raises(error, match=words) as refused:
        read_trained_on([text], CATALOG)
    assert refused.value.hint


@pytest.mark.parametrize("text", ["dfew:fold=1,2", "dfew:folds=1,2"])
def test_several_folds_at_once(text):
    assert [one.fold for one in read_trained_on([text, "dfew:fold=2"], CATALOG)] == [1, 2]


# ---- evaluate ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_record_says_the_view_the_reason_and_the_caveat(in_process, imported, tmp_path):
    """The whole way on a drawn FERV39k and DFEW: the folds that are offered, and what the table shows."""
    made = {}
    for name in ("ferv39k", "dfew"):
        made[name] = tmp_path / name
        in_process("data", "make", name, "--root", made[name], "--scale", "0.0001", check=0)
    path = imported("videomae", "--trained-on", "dfew:fold=2")
    tail = ["--device", "cpu", "-j", "0", "--limit", "1", "-o", tmp_path / "runs", "--json", "-q"]

    def evaluated(file, dataset, *words, check=0):
        where = ["-d", dataset, "--root", made[dataset]]
        done = in_process("evaluate", "-c", file, *where, *tail, *words, check=check)
        return done if check else json.loads(done.stdout)["records"][0]

    own = evaluated(path, "dfew")
    assert own["fold"] == 2 and "unknown training data" not in own["checkpoint"]["caveats"]
    refused = evaluated(path, "dfew", "--fold", "1", check=3)
    assert "trained on fold 2 of this dataset" in refused.stderr
    plain = imported("videomae", name="plain")
    other = evaluated(plain, "ferv39k")
    assert other["recipe"]["input"]["sample"] == "window(rate=1, clips=2)"
    assert other["checkpoint"]["input_from"] == "the recipe of videomae for ferv39k"
    assert other["checkpoint"]["caveats"] == [UNKNOWN]
    shown = in_process("leaderboard", tmp_path / "runs", check=0).stdout
    assert "unknown training data: " in shown


# ---- texts of files ----------------------------------------------------------------------------------------

TEXTS = {
    "happiness": "a smiling mouth, raised cheeks",
    "sadness": "tears . ",
    "neutral": "no stop here",
    "anger": "an angry face!",
    "surprise": "wide  eyes...",
    "disgust": "a wrinkled nose.",
    "fear": "Na\u00efve \u201cfear\u201d",
}


@pytest.mark.parametrize("method", ["dfer-clip", "emoclip", "zero-shot-clip", "coop"])
def test_texts_of_a_file_are_read_as_written(method, tmp_path):
    """The tokens are open_clip's of the very text, for every method that takes texts."""
    from open_clip.tokenizer import SimpleTokenizer

    from dferbench import Task
    from dferbench.models.parts import Parts
    from dferbench.registry.options import options_of

    one = CATALOG.get("methods", method).value
    path = tmp_path / "mine.toml"
    path.write_text("\n".join(f"{name} = {json.dumps(text)}" for name, text in TEXTS.items()))
    given = {"backbone": "clip-tiny", "text": str(path)}
    if "prompt" in options_of(one).model_fields:
        given["prompt"] = "fixed"
    if method == "emoclip":
        given |= {"head_dim": 8}
    model = one.make(Task("", tuple(TEXTS), 16, 32), Parts(CATALOG), **given)
    tokens = model.prompt.get_buffer("tokens")
    wanted = SimpleTokenizer()(list(TEXTS.values()))[:, : tokens.shape[1]]
    assert torch.equal(tokens, wanted)


def test_texts_of_ours_are_as_they_were():
    from dferbench.models.texts import class_texts

    assert class_texts("class-names", ["a", "b"]) == ("a.", "b.")
    assert class_texts("expression", ["joy"]) == ("an expression of joy.",)
    assert class_texts("a photo of {}", ["joy"]) == ("a photo of joy.",)
    assert all(text.strip(".") + "." == text for text in class_texts("descriptors", TEXTS))
