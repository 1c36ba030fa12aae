"""emoclip against a reimplementation of the released code: sizes, outputs, losses, files, training."""

import math

import numpy as np
import official_dfer_clip as official
import pytest
import shrunk
import torch
from conftest import ROOT
from inputs import make_sampler
from PIL import Image
from stages import learning_rates, make_optimizer
from torch import nn
from torch.nn import functional as F

from dferbench import Task
from dferbench.checkpoints.read import read_checkpoint
from dferbench.checkpoints.restore import open_checkpoint
from dferbench.cli import _run
from dferbench.errors import ConfigError, DataError, UnknownName
from dferbench.experiment import record
from dferbench.experiment.plan import Request
from dferbench.machine.device import make_fabric
from dferbench.models import Batch
from dferbench.models.parts import Parts
from dferbench.models.texts import class_texts
from dferbench.profiling import costs
from dferbench.registry.catalog import discover
from dferbench.registry.options import resolve
from dferbench.runner.evaluate import plan_test
from dferbench.testing import assert_contract
from dferbench_methods.emoclip.captions import Reader, read
from dferbench_methods.emoclip.model import info_nce

pytestmark = pytest.mark.slow

CATALOG = discover()
METHOD = CATALOG.get("methods", "emoclip").value
(STAGE,) = METHOD.recipe.stages
TINY = "clip(dim=64, size=32, patch=8, width=64, layers=2, text_width=64, text_layers=2)"
MAFW = (
    "anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise",
    "contempt", "anxiety", "helplessness", "disappointment",
)  # fmt: skip
LAYER = "temporal.temporal_transformer.layers"


def build(classes=shrunk.SEVEN, frames=8, seed=0, **options):
    """Over the tiny tower of the official statement, its weights drawn at random."""
    torch.manual_seed(seed)
    given = {"backbone": TINY, "head_dim": 16, **options}
    return METHOD.make(
        Task("toy", tuple(classes), frames, 32), Parts(CATALOG, missing="random"), **resolve(METHOD, given)
    )


def videos(count=3, frames=8):
    return torch.rand(count, frames, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def batch_of(model, label, info=None):
    label = torch.as_tensor(label)
    with torch.no_grad():
        x = model.eval().encode(videos(len(label)))
    return Batch(x, label, info or [{} for _ in label], STAGE.name, 0.0)


# ---- an independent implementation, under the released names -----------------------------------------------


class Attention(official.Attention):
    def forward(self, x):
        q, k, v = (t.unflatten(-1, (8, -1)).transpose(1, 2) for t in self.to_qkv(x).chunk(3, -1))
        seen = ((q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5).softmax(-1) @ v
        return self.to_out(seen.transpose(1, 2).flatten(2))


class Temporal(nn.Module):
    def __init__(self, dim, layers, head_dim):
        super().__init__()
        self.cls_token = nn.Parameter(torch.randn(1, 1, dim))
        self.pos_embedding = nn.Parameter(torch.randn(1, 1024, dim))
        self.temporal_transformer = nn.Module()
        parts = ((Attention(dim, 8 * head_dim), official.FeedForward(dim, dim)) for _ in range(layers))
        self.temporal_transformer.layers = nn.ModuleList(
            nn.ModuleList(official.Residual(official.PreNorm(dim, part)) for part in pair) for pair in parts
        )

    def forward(self, x):
        x = torch.cat([self.cls_token.expand(len(x), 1, -1), x], 1)
        x = x + self.pos_embedding[:, : x.shape[1]]
        for attention, mlp in self.temporal_transformer.layers:
            x = mlp(attention(x))
        return x[:, 0]


class Official(nn.Module):
    def __init__(self, layers=2, head_dim=16, sizes=official.TINY, seed=3):
        super().__init__()
        torch.manual_seed(seed)
        self.backbone = official.Clip(sizes)
        self.temporal = Temporal(sizes.dim, layers, head_dim)
        self.logit_scale = nn.Parameter(self.backbone.logit_scale.detach().clone() + 0.1)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 1:
                nn.init.normal_(parameter, 1.0 if "ln_" in name or "norm.weight" in name else 0.0, 0.1)
        self.backbone.requires_grad_(False)

    def forward(self, video, phrases):
        """(B, T, 3, H, W) and N texts -> (B, N)."""
        frames = self.backbone.visual(video.flatten(0, 1)).unflatten(0, video.shape[:2])
        tokens = torch.stack([cut(text) for text in phrases])
        embedded = self.backbone.token_embedding(tokens)
        text = official.TextEncoder(self.backbone)(embedded, tokens.argmax(-1))
        video = self.temporal(frames)
        video, text = (t / t.norm(dim=1, keepdim=True) for t in (video, text))
        return self.logit_scale.exp() * video @ text.t()

    def loss(self, video, phrases):
        logits, own = self(video, phrases), torch.arange(len(video))
        return (F.cross_entropy(logits, own) + F.cross_entropy(logits.t(), own)) / 2


def cut(text):
    """CLIP's tokens with truncate=True: the end of text in the last place of a text that is too long."""
    tokens = [49406, *official.TOKENIZER.encode(text), 49407]
    tokens = tokens if len(tokens) <= 77 else [*tokens[:76], 49407]
    return torch.tensor(tokens + [0] * (77 - len(tokens)))


def save(path, net, change=lambda state: None):
    """A file as the released training script writes it, from one of several processes."""
    state = {f"module.{name}": tensor for name, tensor in net.state_dict().items()}
    change(state)
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def net():
    return Official().eval()


@pytest.fixture(scope="module")
def released(tmp_path_factory, net):
    return save(tmp_path_factory.mktemp("emoclip") / "emoclip.pth", net)


def open_(path, **more):
    sets = {"backbone": TINY, **more.pop("sets", {})}
    return open_checkpoint(path, CATALOG, make_fabric("cpu", "fp32"), model="emoclip", sets=sets, **more)


# ---- sizes -------------------------------------------------------------------------------------------------


class TestSizes:
    @pytest.mark.parametrize(
        ("layers", "head_dim", "parameters"),
        [(2, 2048, 68_689_408), (4, 2048, 136_854_016), (2, 64, 3_677_696)],
    )
    def test_parameters_of_the_temporal_model(self, layers, head_dim, parameters):
        wide = TINY.replace("dim=64", "dim=512")
        model = build(backbone=wide, layers=layers, head_dim=head_dim)
        with torch.device("meta"):
            again = Temporal(512, layers, head_dim)
        assert shrunk.parameters(model.temporal) == shrunk.parameters(again) == parameters

    def test_costs(self):
        kept = costs.kept(CATALOG.get("methods", "emoclip").origin, "emoclip")
        assert kept.trained == 68_689_408 + 1, "the scale learns too"
        assert kept.parameters == kept.trained + 151_277_313
        tower, classes = 32 * 4_408_811_520, 7 * 512
        assert kept.macs - tower - classes == 2_320_564_224

    def test_places_do_not_depend_on_the_frames(self):
        model = build(frames=1023)
        assert model.temporal.pos_embedding.shape == build().temporal.pos_embedding.shape == (1, 1024, 64)
        assert model(torch.rand(1, 1023, 64)).shape == (1, 7)

    @pytest.mark.parametrize(
        ("options", "error", "words"),
        [
            ({"frames": 1024}, ConfigError, "input.frames=1024 exceeds"),
            ({"layers": 0}, ConfigError, "layers of emoclip must be .* got 0"),
            ({"head_dim": 0}, ConfigError, "head_dim of emoclip must be .* got 0"),
            ({"learn_from": "labels"}, UnknownName, "labels"),
            ({"learn_from": "captions", "multi_positive": True}, ConfigError, "has no meaning"),
            ({"classes": ["joy"]}, ConfigError, "no text for the class 'joy'"),
        ],
    )
    def test_impossible_options(self, options, error, words):
        with pytest.raises(error, match=words):
            build(**options)


# ---- what it computes --------------------------------------------------------------------------------------


class TestLoss:
    LOGITS = torch.tensor([[3.0, 1, 0], [2, 2, 1], [1, 0, 2]])

    def test_known_values(self):
        own = torch.arange(3)
        assert F.cross_entropy(self.LOGITS, own).item() == pytest.approx(0.4798, abs=5e-5)
        assert F.cross_entropy(self.LOGITS.T, own).item() == pytest.approx(0.4076, abs=5e-5)
        assert info_nce(self.LOGITS, torch.eye(3).bool()).item() == pytest.approx(0.4437, abs=5e-5)

    def test_several_partners(self):
        label = [4, 2, 4]
        each = []
        for side in (self.LOGITS.exp().tolist(), self.LOGITS.T.exp().tolist()):
            for mine, row in zip(label, side, strict=True):
                share = sum(e for e, other in zip(row, label, strict=True) if other == mine) / sum(row)
                each.append(-math.log(share))
        label = torch.tensor(label)
        found = info_nce(self.LOGITS, label[:, None] == label)
        assert found.item() == pytest.approx(sum(each) / 6)

    def test_videos_of_one_class_are_strangers_unless_told(self):
        strangers, partners = build(), build(multi_positive=True)
        same, apart = batch_of(strangers, [2, 2, 2]), batch_of(strangers, [0, 1, 2])
        assert partners.loss(same)["info_nce"].item() == pytest.approx(0, abs=1e-5)
        # Three texts that are one: the share of a video's own is a third.
        assert strangers.loss(same)["info_nce"].item() >= math.log(3) - 1e-5
        torch.testing.assert_close(strangers.loss(apart), partners.loss(apart))


CAPTIONS = ["A man laughs.", "tears & a bowed head", "eyes wide " * 60]


class TestParity:
    def model(self, released, classes=MAFW, **sets):
        return open_(released, classes=classes, sets=sets).model

    def test_outputs(self, net, released):
        model, x = self.model(released), videos()
        described = class_texts("descriptors", MAFW)
        assert model.notes["texts"] == dict(zip(MAFW, described, strict=True))
        with torch.no_grad():
            torch.testing.assert_close(model(model.encode(x)), net(x, described), atol=1e-4, rtol=1e-4)

    @pytest.mark.parametrize("teach", ["classes", "captions"])
    def test_training_steps(self, released, teach):
        """Both from the same file: what learns ends alike after three steps, and the towers stay."""
        theirs = Official()
        model = self.model(released, learn_from=teach)
        label, phrases = torch.tensor([3, 5, 3]), class_texts("descriptors", MAFW)
        told = CAPTIONS if teach == "captions" else [phrases[i] for i in label]
        batch = batch_of(model, label, [{"caption": text} for text in told])
        learns = [*theirs.temporal.parameters(), theirs.logit_scale]
        ours = make_optimizer(model, STAGE)
        again = torch.optim.SGD(learns, lr=1e-3, momentum=0.9, weight_decay=5e-4)
        before = {name: tensor.clone() for name, tensor in model.tower.state_dict().items()}
        for _ in range(3):
            mine, loss = model.train().loss(batch)["info_nce"], theirs.loss(videos(), told)
            assert mine.item() == pytest.approx(loss.item(), rel=1e-4)
            for optimizer, term in ((ours, mine), (again, loss)):
                optimizer.zero_grad()
                term.backward()
                optimizer.step()
        for p, q in zip([*model.temporal.parameters(), model.logit_scale], learns, strict=True):
            torch.testing.assert_close(p, q, atol=1e-5, rtol=1e-4)
        assert model.logit_scale != Official().logit_scale
        assert all(torch.equal(tensor, before[name]) for name, tensor in model.tower.state_dict().items())

    def test_the_order_of_frames_matters(self, released):
        model, x = self.model(released), videos(1)
        with torch.no_grad():
            x = model.encode(x)
            assert (model(x) - model(x.flip(1))).abs().max() > 1e-3

    def test_the_scale_starts_as_clips(self):
        model = build()
        assert (
            model.logit_scale == model.tower.logit_scale and model.logit_scale is not model.tower.logit_scale
        )


class TestCaptions:
    def test_videos_without_one_do_not_count(self):
        model = build(learn_from="captions")
        info = [{"caption": "a smile"}, {}, {"caption": "  "}, {"caption": "a frown"}]
        batch = batch_of(model, [0, 1, 2, 3], info)
        few = Batch(batch.x[[0, 3]], batch.label[[0, 3]], [info[0], info[3]], "train", 0.0)
        torch.testing.assert_close(model.loss(batch), model.loss(few))

    def test_without_any_the_run_stops(self):
        model = build(learn_from="captions")
        with pytest.raises(ConfigError, match="no video of a batch has a caption") as refused:
            model.loss(batch_of(model, [0, 1]))
        assert "mafw(captions=true)" in refused.value.hint

    def test_long_ones_are_cut_as_the_released_code_cuts(self, net, released):
        model = open_(released).model
        tokens = torch.stack([cut(text) for text in CAPTIONS])
        embedded = net.backbone.token_embedding(tokens)
        with torch.no_grad():
            expected = official.TextEncoder(net.backbone)(embedded, tokens.argmax(-1))
            torch.testing.assert_close(read(model.tower, CAPTIONS), expected, atol=1e-4, rtol=1e-4)

    def test_each_is_read_once_and_as_in_a_batch_of_any(self):
        tower, reader = build(learn_from="captions").tower, Reader()
        with torch.no_grad():
            right = read(tower, CAPTIONS)
        one = reader(tower, CAPTIONS[:1])
        tower.text.text_projection.data.zero_()
        torch.testing.assert_close(one, right[:1], atol=1e-5, rtol=1e-5)
        assert torch.equal(reader(tower, [CAPTIONS[0], CAPTIONS[0]]), one.expand(2, -1))
        assert not reader(tower, CAPTIONS[1:]).any(), "the others were not read before"


# ---- recipe ------------------------------------------------------------------------------------------------


def test_rates():
    assert learning_rates(STAGE) == pytest.approx([1e-3] * 25 + [1e-4] * 25)


def test_on_synthetic_nothing_is_drawn_so_that_features_are_remembered():
    input = METHOD.recipe_for["synthetic"].input
    assert not input.augment and not make_sampler(input.sample).random


# ---- files -------------------------------------------------------------------------------------------------


MEAN, DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def load(folder):
    """The released loader's way from a start of 0: (32, 3, 32, 32)."""
    kept = sorted(folder.glob("*.png"))[::4]
    taken = (kept + kept)[:32]
    if len(taken) < 32:
        taken = [taken[i] for i in np.pad(np.arange(len(taken)), (0, 32 - len(taken)), "reflect")]
    pixels = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in taken])
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    return (x - torch.tensor(MEAN)[:, None, None]) / torch.tensor(DEVIATION)[:, None, None]


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    """A dataset of seven classes for the plugin in framed.py: frames that drift in brightness."""
    root, rng = tmp_path_factory.mktemp("frames"), np.random.default_rng(5)
    for number, count in enumerate((3, 30, 90, 140, 1)):
        (root / str(number)).mkdir()
        for i in range(count):
            pixels = rng.integers(0, 120, (32, 32, 3)) + 130 * i // count
            Image.fromarray(pixels.astype(np.uint8)).save(root / str(number) / f"{i:05d}.png")
    (root / "test.txt").write_text("\n".join(f"{number} {shrunk.SEVEN[number]}" for number in range(5)))
    (root / "train").mkdir()
    Image.new("RGB", (32, 32)).save(root / "train" / "0.png")
    (root / "train.txt").write_text("train fear")
    return root


TEXT = ("token_embedding", "positional", "transformer", "ln_final", "text_pro", "logit_scale")


def without_text(state):
    """As the authors publish it: the text tower never learned."""
    return {n: t for n, t in state.items() if not n.startswith(tuple(f"backbone.{part}" for part in TEXT))}


class TestFiles:
    def test_an_imported_file_tests_any_dataset(self, net, released, frames, tmp_path, capsys):
        """Zero-shot: the file knows no classes; those of the dataset are found by name among the eleven."""
        kept = tmp_path / "emoclip.safetensors"
        words = ["import", released, "-m", "emoclip", "--set", f"backbone={TINY}", "-o", kept]
        assert _run([str(word) for word in words]) == 0, capsys.readouterr()
        said = capsys.readouterr().out
        assert "MAFW's eleven" in said and "not the authors'" in said and "8 heads" in said
        words = ["--plugin", ROOT / "tests" / "framed.py", "evaluate", "-c", kept, "-d", "framed", "-q"]
        words += ["--root", frames, "-o", tmp_path / "runs", "-j", "0", "--device", "cpu"]
        assert _run([str(word) for word in words]) == 0, capsys.readouterr()
        (found,) = record.find(tmp_path / "runs")
        saved = np.load(found.parent / "predictions.npz")
        phrases = class_texts("descriptors", shrunk.SEVEN)
        with torch.no_grad():
            logits = [net(load(frames / name)[None], phrases)[0] for name in saved["id"]]
        np.testing.assert_allclose(saved["logits"], torch.stack(logits), atol=1e-3, rtol=1e-3)

    def test_layers_and_heads_are_read_off_the_shapes(self, tmp_path):
        opened = open_(save(tmp_path / "m.pth", Official(layers=3, head_dim=5)))
        assert len(opened.model.temporal.blocks) == 3
        assert opened.model.temporal.blocks[0].attention.qkv.weight.shape == (3 * 8 * 5, 64)
        assert opened.classes == MAFW and opened.input.frames == 32 and opened.input.sample == "every(4)"

    def test_the_user_names_classes_and_texts(self, released):
        opened = open_(released, classes=("joy", "rage"), sets={"text": "a face of {}"})
        assert opened.model.notes["texts"] == {"joy": "a face of joy.", "rage": "a face of rage."}
        with pytest.raises(ConfigError, match="no text for the classes 'joy', 'rage'"):
            open_(released, classes=("joy", "rage"))
        with pytest.raises(ConfigError, match="layers is 2, not 4"):
            open_(released, sets={"layers": "4"})

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda s: s.pop("module.logit_scale"), "'logit_scale'"),
            (lambda s: s.pop("module.temporal.cls_token"), r"'temporal\.cls_token'"),
            (lambda s: s.pop(f"module.{LAYER}.0.0.fn.fn.to_qkv.weight"), r"layers\.0\.0\.fn\.fn\.to_qkv"),
            (lambda s: s.pop(f"module.{LAYER}.1.1.fn.fn.net.3.bias"), r"layers\.1\.1\.fn\.fn\.net\.3\.bias"),
            (lambda s: s.pop("module.backbone.visual.conv1.weight"), r"'backbone\.visual\.conv1\.weight'"),
            (
                lambda s: s.pop("module.backbone.token_embedding.weight"),
                r"'backbone\.token_embedding\.weight'",
            ),
            (lambda s: s.pop("module.backbone.ln_final.bias"), r"'backbone\.ln_final\.bias'"),
            (
                lambda s: s.update({"module.temporal.pos_embedding": torch.ones(1, 17, 64)}),
                r"'temporal\.pos_embedding' is of shape \[1, 17, 64\], not \[1, 1024, 64\]",
            ),
            (
                lambda s: s.update({f"module.{LAYER}.0.0.fn.fn.to_qkv.weight": torch.ones(25, 64)}),
                "25 rows, not 3 for each of 8 heads",
            ),
            (lambda s: s.update({"module.mlp.0.weight": torch.ones(3)}), r"'mlp\.0\.weight' is not a tensor"),
            (lambda s: s.update({"module.backbone.extra": torch.ones(3)}), r"'backbone\.extra'"),
            (lambda s: s["module.logit_scale"].fill_(torch.nan), "'logit_scale' holds numbers that are not"),
            (
                lambda s: s.update({"module.backbone.conv1.weight": torch.ones(3)}),
                r"the image tower alone \('backbone\.conv1\.weight'\) and within a CLIP",
            ),
        ],
    )
    def test_damage_is_named(self, tmp_path, change, words):
        path = save(tmp_path / "m.pth", Official(), change)
        with pytest.raises(DataError, match=words) as refused:
            open_(path)
        assert str(path) in refused.value.message

    @pytest.mark.parametrize("kind", ["image tower alone", "and the scale", "CLIP without its text tower"])
    def test_the_public_file_is_completed_from_the_backbone(self, tmp_path, net, kind):
        """It lacks the text tower, which never learned: with OpenAI's the model is whole again."""
        state = net.state_dict()
        kept = without_text(state)
        if kind != "CLIP without its text tower":
            kept = {name.replace("backbone.visual.", "backbone."): tensor for name, tensor in kept.items()}
        if kind == "image tower alone":
            del kept["logit_scale"]
        torch.save(kept, tmp_path / "public.pth")
        clip = {n.removeprefix("backbone."): t for n, t in state.items() if n.startswith("backbone.")}
        torch.save(clip, tmp_path / "clip.pt")
        words = ["import", tmp_path / "public.pth", "-m", "emoclip", "--set", f"backbone={TINY}"]
        words += ["-o", tmp_path / "ours.safetensors", "--weights", f"clip={tmp_path / 'clip.pt'}"]
        assert _run([str(word) for word in words]) == 0
        found = open_checkpoint(tmp_path / "ours.safetensors", CATALOG, make_fabric("cpu", "fp32"))
        assert found.weights["clip"]["source"].endswith("clip.pt")
        x = torch.rand(2, 4, 3, 32, 32)
        scale = net.backbone.logit_scale if kind == "image tower alone" else net.logit_scale
        with torch.no_grad():
            wanted = net(x, class_texts("descriptors", MAFW)) / net.logit_scale.exp() * scale.exp()
            torch.testing.assert_close(found.model(found.model.encode(x)), wanted, atol=1e-4, rtol=1e-4)
        with pytest.raises(DataError, match="has no weights of its own") as refused:
            open_(tmp_path / "public.pth")
        assert "--weights clip=FILE" in refused.value.hint

    def test_a_file_completed_by_other_weights_is_another_row(self, tmp_path, net):
        torch.save(without_text(net.state_dict()), tmp_path / "public.pth")
        tower = {n: t for n, t in net.state_dict().items() if n.startswith("backbone.")}
        whole = {name.removeprefix("backbone."): tensor for name, tensor in tower.items()}
        ids = set()
        for number in range(2):
            torch.save({n: t + number for n, t in whole.items()}, tmp_path / f"{number}.pt")
            weights = {"clip": str(tmp_path / f"{number}.pt")}
            sets = {"backbone": TINY}
            request = Request("emoclip", "synthetic", sets=sets, weights=weights, output=tmp_path)
            read = read_checkpoint(tmp_path / "public.pth", CATALOG, model="emoclip", sets=sets)
            ids.add(plan_test(request, read, CATALOG).config_id)
        assert len(ids) == 2

    def test_nothing_is_executed(self, tmp_path, net):
        class Planted:
            def __reduce__(self):
                return (open, (str(tmp_path / "planted"), "w"))

        path = save(tmp_path / "m.pth", net, lambda s: s.update({"module.logit_scale": Planted()}))
        with pytest.raises(DataError, match=r"it asks to run '(io|_io|builtins)\.open'"):
            open_(path)
        assert not (tmp_path / "planted").exists()


# ---- as a method -------------------------------------------------------------------------------------------


def test_contract():
    assert_contract("emoclip")


@pytest.mark.parametrize("multi_positive", [False, True])
@pytest.mark.long
def test_sixteen_faces_are_learned_by_heart(multi_positive):
    model = shrunk.build("emoclip", size=64, backbone="clip-tiny", head_dim=64, multi_positive=multi_positive)
    faces, label = shrunk.drawn_faces(16, 64)
    with torch.no_grad():
        seen = model.eval().encode(faces)
    (stage,) = METHOD.recipe_for["synthetic"].stages
    assert shrunk.learns_by_heart(model, stage, seen, label, steps=100)
