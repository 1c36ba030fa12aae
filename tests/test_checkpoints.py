"""Official checkpoints: exact logits from the files of an independent writer, and every way to be wrong."""

import json
import pickle
import random
import shutil
import zipfile
from pathlib import Path

import numpy as np
import official_dfer_clip as official
import pytest
import torch
from conftest import ROOT
from PIL import Image
from safetensors import safe_open
from stages import make_optimizer

import dferbench_methods.dfer_clip.method as plugin
from dferbench.checkpoints.restore import open_checkpoint
from dferbench.cli import _run
from dferbench.errors import ConfigError, DataError, DferbenchError
from dferbench.experiment import record
from dferbench.machine.device import make_fabric
from dferbench.models.classifier import Batch
from dferbench.models.parts import Parts
from dferbench.models.texts import class_texts, inline_texts
from dferbench.registry.catalog import discover

FRAMED = ROOT / "tests" / "framed.py"
CATALOG = discover([FRAMED])
FABRIC = make_fabric("cpu", "fp32")
SEVEN = official.SEVEN
LAYER = "temporal_net.temporal_transformer.layers.0"
# (frames, what is odd about them)
VIDEOS = [
    (5, "plain"), (16, "plain"), (17, "odd"), (31, "grey"), (33, "alpha"), (96, "mixed"), (5, "palette"),
    (16, "jpeg"), (17, "mixed"), (31, "jpeg"), (33, "grey"), (96, "odd"), (20, "palette"), (40, "alpha"),
]  # fmt: skip


def write_frames(folder, count, kind, rng):
    """Frames that drift in brightness, so that it shows which were taken and in which order."""
    folder.mkdir(parents=True)
    for i in range(count):
        width, height = (int(rng.integers(20, 60)) for _ in "wh") if kind == "mixed" else (41, 37)
        if kind == "plain":
            width = height = 32
        noise = rng.integers(0, 120, (height, width, 4)) + 130 * i // count
        image = Image.fromarray(noise.astype(np.uint8), "RGBA")
        mode = {"grey": "L", "alpha": "RGBA", "palette": "P"}.get(kind, "RGB")
        image = image.convert("RGB").quantize(64) if mode == "P" else image.convert(mode)
        image.save(folder / f"{i:05d}.{'jpg' if kind == 'jpeg' else 'png'}")


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    """A dataset for the plugin in framed.py: the test videos above, with labels drawn at random."""
    root, rng = tmp_path_factory.mktemp("frames"), np.random.default_rng(5)
    lines = []
    for number, (count, kind) in enumerate(VIDEOS):
        write_frames(root / f"{number:03d}", count, kind, rng)
        lines.append(f"{number:03d} {SEVEN[number % 7]}")
    write_frames(root / "train", 5, "plain", rng)
    (root / "test.txt").write_text("\n".join(lines))
    (root / "train.txt").write_text("train fear")
    return root


@pytest.fixture(scope="module")
def expected(frames):
    """(ids, logits, labels) of a model on the test videos, by the released code's way."""

    def compute(model):
        names = [f"{n:03d}" for n in range(len(VIDEOS))]
        labels = [n % 7 for n in range(len(VIDEOS))]
        return names, official.logits_of(model, [frames / name for name in names]), labels

    return compute


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The usual case: (model, file), class-specific words at the end."""
    model, path = official.Model(official.PHRASES[:7]), tmp_path_factory.mktemp("pth") / "best.pth"
    official.save(model, path)
    return model, path


def opened(path, **more):
    return open_checkpoint(path, CATALOG, FABRIC, **{"model": "dfer-clip", **more})


def video(count=2, seed=0, size=32):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 16, 3, size, size, generator=generator)


def command(*words, root=None):
    tail = ["--root", root, "-j", "0", "--device", "cpu", "-q"] if root else []
    return _run([str(word) for word in ["--plugin", FRAMED, *words, *tail]])


class TestExactness:
    @pytest.mark.parametrize("position", ["end", "middle", "front"])
    @pytest.mark.parametrize(
        ("shared", "depth", "words", "count"), [(False, 1, 8, 7), (True, 2, 5, 11), (True, 1, 8, 7)]
    )
    def test_logits_on_frame_folders(
        self, frames, expected, tmp_path, capsys, position, shared, depth, words, count
    ):
        phrases = official.PHRASES[:count]
        model = official.Model(phrases, position=position, shared=shared, depth=depth, words=words, seed=3)
        path = tmp_path / "best.pth"
        official.save(model, path)
        chosen = ["-m", "dfer-clip", "--set", f"position={position}", "-o", tmp_path / "runs"]
        assert command("evaluate", "-c", path, "-d", "framed", *chosen, root=frames) == 0, capsys.readouterr()
        (found,) = record.find(tmp_path / "runs")
        saved = np.load(found.parent / "predictions.npz")
        names, logits, labels = expected(model)
        assert saved["id"].tolist() == names and logits.std() > 0.5
        np.testing.assert_allclose(saved["logits"], logits[:, :7].numpy(), atol=5e-5, rtol=0)
        assert record.read(found).confusion == official.scores(logits[:, :7], labels)[0]
        options = record.read(found).options
        assert (options["words"], options["shared"], options["position"]) == (words, shared, position)

    def test_a_wrong_position_would_show(self, plain):
        model, path = plain
        with torch.no_grad():
            difference = model.eval()(video()) - opened(path, sets={"position": "middle"}).model(video())
        assert difference.abs().max() > 0.01

    @pytest.mark.parametrize(
        "sizes",
        [
            official.Sizes(dim=512, hidden=1024),  # the temporal model of the paper behind small towers
            official.Sizes(dim=128, image=48, patch=16, width=128, layers=1, text_layers=3, hidden=1024),
            official.Sizes(inner=64, hidden=64),
            official.Sizes(text_width=128, inner=128),
        ],
        ids=str,
    )
    def test_other_sizes(self, tmp_path, sizes):
        model, path = official.Model(official.PHRASES[:3], sizes=sizes), tmp_path / "x.pth"
        official.save(model, path)
        found = opened(path, classes=("a", "b", "c"))
        assert found.input.size == sizes.image and found.classes == ("a", "b", "c")
        with torch.no_grad():
            x = video(size=sizes.image)
            torch.testing.assert_close(found.model(x), model.eval()(x), atol=5e-5, rtol=0)

    @pytest.mark.parametrize("words", [0, 1, 20])
    def test_other_numbers_of_words(self, tmp_path, words):
        model = official.Model(official.PHRASES[:7], position="middle", words=words)
        official.save(model, tmp_path / "x.pth")
        found = opened(tmp_path / "x.pth", sets={"position": "middle"})
        with torch.no_grad():
            torch.testing.assert_close(found.model(video()), model.eval()(video()), atol=5e-5, rtol=0)

    def test_heads_that_the_shapes_leave_open_may_be_stated(self, tmp_path):
        official.save(
            official.Model(official.PHRASES[:7], sizes=official.Sizes(inner=128)), tmp_path / "x.pth"
        )
        found = opened(tmp_path / "x.pth")
        assert "assumed to have 2 heads of 64" in " ".join(found.facts["notes"])
        other = opened(tmp_path / "x.pth", sets={"temporal": "cls-transformer(heads=4, head_dim=32)"})
        with torch.no_grad():
            assert not torch.allclose(found.model(video()), other.model(video()), atol=1e-3)

    def test_three_steps_follow_the_released_code(self, plain):
        _, path = plain
        model, theirs = opened(path).model.train(), official.Model(official.PHRASES[:7])
        ours, reference = make_optimizer(model, plugin.STAGE), theirs.optimizer()
        batch, label = video(4, seed=1), torch.tensor([0, 3, 3, 6])
        losses = []
        for _ in range(3):
            loss = sum(model.loss(Batch(batch, label, [{}] * 4, "train", 0.0)).values())
            ours.zero_grad()
            loss.backward()
            ours.step()
            losses.append((loss.item(), theirs.step(reference, batch, label)))
        assert losses[0][0] > 1.1 * losses[2][0], "nothing was learned"
        for mine, other in losses:
            assert mine == pytest.approx(other, rel=1e-4)

    def test_a_resnet(self, tmp_path):
        """Ours in the released code's names and back: what the tiny writer does not build."""
        options = {
            "backbone": "clip(dim=64, size=64, width=16, layers=(1, 2, 1, 1), text_width=64, text_layers=2)",
            "text": "class-names",
        }
        task = plugin_task(SEVEN, 64)
        torch.manual_seed(0)
        model = plugin.METHOD.make(task, Parts(CATALOG, {"clip": "random"}), **options).eval()
        official.write({"state_dict": theirs_of(model)}, tmp_path / "rn.pth")
        found = opened(tmp_path / "rn.pth")
        assert found.input.size == 64 and set(found.weights) == {"clip"}
        with torch.no_grad():
            torch.testing.assert_close(found.model(video(size=64)), model(video(size=64)))

    @pytest.mark.heavy
    def test_real_sizes(self, tmp_path):
        model = official.Model(official.PHRASES, sizes=official.REAL)
        state = {f"module.{name}": tensor for name, tensor in model.state_dict().items()}
        assert len(state) == 618
        official.write({"state_dict": state, "recorder": official.RecorderMeter(50)}, tmp_path / "b32.pth")
        found = opened(tmp_path / "b32.pth")
        assert found.weights["clip-vit-b32"]["random"] is False and found.input.size == 224
        with torch.no_grad():
            x = video(1, size=224)
            torch.testing.assert_close(found.model(x), model.eval()(x), atol=2e-4, rtol=0)


def plugin_task(classes, size):
    from dferbench import Task

    return Task("", tuple(classes), 16, size)


def theirs_of(model):
    """Our model's tensors under the names of the released code, its aliases and buffers included."""
    from dferbench_methods.dfer_clip.convert import BLOCK, OURS

    pairs = [*OURS]
    for i in range(2):
        layer = f"temporal_net.temporal_transformer.layers.{i}."
        pairs += [(f"temporal.blocks.{i}.{ours}", layer + theirs) for ours, theirs in BLOCK]
    state = {}
    for name, tensor in model.state_dict().items():
        ours, theirs = next(pair for pair in pairs if name.startswith(pair[0]))
        state[theirs + name.removeprefix(ours)] = tensor
    for name in list(state):
        if name.startswith("image_encoder."):
            state["clip_model_.visual." + name.removeprefix("image_encoder.")] = state[name]
        elif name.startswith("text_encoder."):
            state["clip_model_." + name.removeprefix("text_encoder.")] = state[name]
    words = state["prompt_learner.ctx"].shape[1]
    rows = [official.padded(" ".join(["X"] * words + [f"{name}."])) for name in SEVEN]
    embedded = state["clip_model_.token_embedding.weight"][torch.stack(rows)]
    state |= {
        "prompt_learner.token_prefix": embedded[:, :1],
        "prompt_learner.token_suffix": embedded[:, 1 + words :],
    }
    return {f"module.{name}": tensor for name, tensor in state.items()}


class TestCommands:
    @pytest.mark.slow
    def test_import_then_evaluate(self, cli, frames, expected, tmp_path):
        """The whole way, each command in a process of its own."""
        model = official.Model(official.PHRASES[:7], position="middle", seed=1)
        official.save(model, tmp_path / "best.pth")
        told = cli("import", "best.pth", "--model", "dfer-clip", "--set", "position=middle", check=0).stdout
        for fact in ("words        8", "position     middle", "stated by the user", "16 of 32 x 32 pixels"):
            assert fact in told, told
        assert "assumed to be the 7" in told and "Written to best.safetensors" in told
        evaluate = [
            "--plugin", FRAMED, "evaluate", "--checkpoint", "best.safetensors", "--model", "dfer-clip",
            "--dataset", "framed", "--fold", "1", "--root", frames, "--device", "cpu", "-j", "0",
        ]  # fmt: skip
        done = cli(*evaluate, "--json", check=0)
        (one,) = json.loads(done.stdout)["records"]
        _, logits, labels = expected(model)
        confusion, uar, war = official.scores(logits, labels)
        assert one["confusion"] == confusion
        assert [one["metrics"]["last"][name] for name in ("uar", "war")] == pytest.approx([uar, war])
        assert one["status"] == "done" and one["curve"] == [] and one["recipe"]["stages"] == []
        assert (
            one["checkpoint"]["file"] == "best.safetensors"
            and one["checkpoint"]["source"]["file"] == "best.pth"
        )
        assert (
            not any(used["random"] for used in one["weights"].values()) and one["parameters"]["trained"] == 0
        )
        again = cli(*evaluate, check=0)
        assert "already done" in again.stderr and "checkpoint=best.safetensors" in again.stdout

    def test_the_new_file_holds_the_model_and_nothing_of_the_pickle(self, plain, tmp_path, capsys):
        _, path = plain
        target = tmp_path / "new.safetensors"
        assert command("import", path, "-m", "dfer-clip", "-o", target, "--json") == 0
        told = json.loads(capsys.readouterr().out)
        with safe_open(target, "pt") as file:
            header, names = json.loads(file.metadata()["dferbench"]), set(file.keys())
            assert set(file.metadata()) == {"dferbench"}
        assert header["holds"] == "all" and header["source"]["sha256"] == told["source"]["sha256"]
        assert len(header["source"]["sha256"]) == 64 and header["classes"] == list(SEVEN)
        assert "position=end is assumed" in " ".join(header["notes"])
        assert names == set(opened(path).model.state_dict())
        # A second import may replace the first, and nothing else.
        assert command("import", path, "-m", "dfer-clip", "-o", target) == 0
        target.write_text("{ my notes")
        assert command("import", path, "-m", "dfer-clip", "-o", target) == 3
        assert target.read_text() == "{ my notes"

    def test_the_texts_travel_in_the_options(self, plain):
        _, path = plain
        found = opened(path)
        written = found.model.notes["texts"]
        encode = official.TOKENIZER.encode
        assert [encode(written[name]) for name in SEVEN] == [encode(t) for t in official.PHRASES[:7]]
        assert written["neutral"] == "a face at rest."

    @pytest.mark.parametrize("source", ["class-names", "expression", "descriptors"])
    def test_texts_that_have_a_name_keep_it(self, tmp_path, source):
        official.save(official.Model(class_texts(source, SEVEN)), tmp_path / "x.pth")
        assert f"text={source}" in " ".join(opened(tmp_path / "x.pth").facts["notes"])

    def test_the_file_decides_what_the_texts_are(self, plain):
        _, path = plain
        mine = inline_texts(dict(zip(SEVEN, official.PHRASES, strict=False)))
        assert "given by the user" in " ".join(opened(path, sets={"text": mine}).facts["notes"])
        with pytest.raises(ConfigError, match="not trained with text=class-names"):
            opened(path, sets={"text": "class-names"})

    def test_another_view_is_another_cell(self, plain, frames, tmp_path):
        _, path = plain
        shared = ["evaluate", "-c", path, "-m", "dfer-clip", "-d", "framed", "-o", tmp_path / "runs"]
        assert command(*shared, root=frames) == 0
        assert command(*shared, "--set", "input.sample=segments(short=first-frame)", root=frames) == 0
        records = [record.read(found) for found in record.find(tmp_path / "runs")]
        assert len({one.config_id for one in records}) == 2 and records[0].confusion


class TestClasses:
    def run(self, path, frames, folder, classes, *more):
        dataset = f"framed(classes='{' '.join(classes)}')"
        chosen = ["evaluate", "-c", path, "-m", "dfer-clip", "-d", dataset, "-o", folder]
        code = command(*chosen, *more, root=frames)
        found = list(record.find(folder))
        return code, (record.read(found[0]), np.load(found[0].parent / "predictions.npz")) if found else None

    def test_another_order_is_matched_by_name(self, plain, frames, expected, tmp_path):
        model, path = plain
        code, (one, saved) = self.run(path, frames, tmp_path, SEVEN[::-1])
        _, logits, _ = expected(model)
        np.testing.assert_allclose(saved["logits"], logits.flip(1).numpy(), atol=5e-5)
        assert code == 0 and one.classes == list(SEVEN[::-1]) and one.notes["classes reordered"]

    def test_of_a_subset_only_those_columns_count(self, plain, frames, expected, tmp_path):
        model, path = plain
        _, (one, saved) = self.run(path, frames, tmp_path, ("fear", "anger", "happiness"))
        _, logits, labels = expected(model)
        kept = [i for i, label in enumerate(labels) if label in (6, 3, 0)]
        np.testing.assert_allclose(saved["logits"], logits[kept][:, [6, 3, 0]].numpy(), atol=5e-5)
        assert one.notes["classes left out"] == ["sadness", "neutral", "surprise", "disgust"]

    def test_a_class_that_is_not_there(self, plain, frames, tmp_path, capsys):
        code, nothing = self.run(plain[1], frames, tmp_path, (*SEVEN, "contempt"))
        assert code == 3 and nothing is None
        assert "has the class 'contempt', which" in capsys.readouterr().err

    def test_names_of_ones_own(self, plain, frames, tmp_path):
        other = ("fear", *SEVEN[:-1])
        first = self.run(plain[1], frames, tmp_path / "a", SEVEN)[1][0]
        second = self.run(plain[1], frames, tmp_path / "b", SEVEN, "--classes", ",".join(other))[1][0]
        assert first.config_id != second.config_id and second.checkpoint["classes"] == list(other)
        assert first.confusion != second.confusion

    @pytest.mark.parametrize(("count", "given"), [(3, ()), (3, ("a", "b")), (7, ("a", "b"))])
    def test_a_number_that_cannot_be(self, tmp_path, count, given):
        official.save(official.Model(official.PHRASES[:count]), tmp_path / "x.pth")
        with pytest.raises(ConfigError, match=f"the checkpoint has {count}"):
            opened(tmp_path / "x.pth", classes=given)


class Planted:
    """Writes a file when a pickle of it is obeyed."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


class System:
    """The same through the shell."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        import os

        return os.system, (f"touch {self.path}",)


def in_recorder(planted):
    recorder = official.RecorderMeter(1)
    recorder.epoch_losses = planted
    return recorder


class TestMalice:
    @pytest.mark.parametrize("kind", [Planted, System])
    @pytest.mark.parametrize("where", ["entry", "recorder", "state", "class"])
    @pytest.mark.parametrize("how", [{}, {"_use_new_zipfile_serialization": False}, {"pickle_protocol": 4}])
    def test_a_planted_call_is_not_made(self, plain, tmp_path, capsys, kind, where, how):
        marker, path = tmp_path / "marker", tmp_path / "evil.pth"
        planted = kind(marker)
        state = {f"module.{n}": t for n, t in list(plain[0].state_dict().items())[:3]}
        things = {
            "entry": {"state_dict": state, "best_acc": planted},
            "recorder": {"state_dict": state, "recorder": in_recorder(planted)},
            "state": {"state_dict": state | {"module.x": planted}},
            "class": planted,
        }
        official.write(things[where], path, **how)
        assert command("import", path, "-m", "dfer-clip") == 4
        error = capsys.readouterr().err
        assert not marker.exists() and not path.with_suffix(".safetensors").exists()
        assert "evil.pth" in error and (
            "system" in error if kind is System else "getattr" in error or "Path" in error
        )
        assert "Traceback" not in error

    def test_a_bare_pickle(self, tmp_path, capsys):
        for protocol in (2, 4, 5):
            path = tmp_path / "evil.pth"
            path.write_bytes(pickle.dumps(System(tmp_path / "marker"), protocol=protocol))
            assert command("evaluate", "-c", path, "-m", "dfer-clip", "-d", "framed", root=tmp_path) == 4
            assert not (tmp_path / "marker").exists()
            assert "posix.system" in capsys.readouterr().err or protocol == 2

    def test_the_plants_would_have_run(self, tmp_path):
        for kind in (Planted, System):
            official.write({"recorder": in_recorder(kind(tmp_path / "marker"))}, tmp_path / "evil.pth")
            main = __import__("sys").modules["__main__"]
            main.RecorderMeter = official.RecorderMeter
            torch.load(tmp_path / "evil.pth", weights_only=False)
            del main.RecorderMeter
            assert (tmp_path / "marker").exists()
            (tmp_path / "marker").unlink()

    def test_torchscript_is_sent_elsewhere(self, tmp_path):
        torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "x.pt"))
        with pytest.raises(DataError, match="TorchScript") as caught:
            opened(tmp_path / "x.pt")
        assert "--weights" in caught.value.hint


class TestDamage:
    @pytest.fixture
    def small(self, plain, tmp_path):
        """A file of a few kilobytes, all structure: damage hits what matters."""
        path = tmp_path / "small.pth"
        state = {f"module.{n}": t for n, t in plain[0].state_dict().items() if t.numel() < 200}
        official.write({"state_dict": state, "recorder": official.RecorderMeter(3)}, path)
        return path

    @pytest.mark.parametrize("zipped", [True, False])
    def test_truncated_anywhere(self, plain, tmp_path, zipped):
        path = tmp_path / "cut.pth"
        if zipped:
            whole = plain[1].read_bytes()
        else:
            official.write(official.content(plain[0]), path, _use_new_zipfile_serialization=False)
            whole = path.read_bytes()
        for kept in (0, 1, 9, 100, len(whole) // 2, len(whole) - 30):
            path.write_bytes(whole[:kept])
            with pytest.raises(DataError, match=r"cut\.pth cannot be read as weights"):
                opened(path)

    def test_bit_flips(self, small, tmp_path):
        """Each is refused, or hit a byte that no tensor depends on."""
        from dferbench.models.torch_files import read_foreign

        whole, path, draw = small.read_bytes(), tmp_path / "flipped.pth", random.Random(0)
        intact, refused = read_foreign(small), 0
        for _ in range(120):
            flipped = bytearray(whole)
            flipped[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
            path.write_bytes(flipped)
            try:
                state = read_foreign(path)
            except DataError as error:
                refused += 1
                assert "flipped.pth" in str(error) and error.hint
            else:
                assert state.keys() == intact.keys()
                assert all(torch.equal(state[name], intact[name]) for name in state)
        assert refused > 60

    def test_bit_flips_in_our_own_header(self, plain, tmp_path):
        """The header decides what is built: whatever it says, what follows is a model or a clear error."""
        path, draw = tmp_path / "ours.safetensors", random.Random(2)
        assert command("import", plain[1], "-m", "dfer-clip", "-o", path) == 0
        whole = path.read_bytes()
        head = range(8 + int.from_bytes(whole[:8], "little"))
        for _ in range(40):
            flipped = bytearray(whole)
            flipped[draw.choice(head)] ^= 1 << draw.randrange(8)
            flipped[draw.choice(head)] = draw.choice(b'0129"{}[],a-')
            path.write_bytes(flipped)
            try:
                opened(path, model="")
            except DferbenchError as error:
                assert error.hint

    @pytest.mark.parametrize(
        ("sizes", "message"),
        [
            ("width=63", "make no CLIP"),
            ("size=33", "make no CLIP"),
            ("layers=abc", "layers of backbone clip must be a whole number >= 1 or a list, got abc"),
            ("layers=(1, 2)", "layers of backbone clip must be a whole number >= 1 or a list"),
            ("patch=0", "patch of backbone clip must be a whole number >= 1, got 0"),
            ("dim=1.5", "dim of backbone clip must be a whole number >= 1, got 1.5"),
            ("text_width=true", "text_width of backbone clip must be a whole number >= 1, got true"),
        ],
    )
    def test_sizes_that_make_no_clip(self, sizes, message):
        with pytest.raises(ConfigError, match=message):
            CATALOG.make("backbones", f"clip({sizes})", "random")

    def test_what_is_no_checkpoint(self, tmp_path):
        def bomb(path):
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("archive/data.pkl", b"\x80\x02N.")
                archive.writestr("archive/data/0", bytes(50_000_000))

        def other_zip(path):
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("word/document.xml", "<x/>")

        writers = {
            "empty": lambda path: path.write_bytes(b""),
            "text": lambda path: path.write_text("module.prompt_learner.ctx"),
            "json": lambda path: path.write_text('12345678{"a": 1}'),
            "bomb": bomb,
            "zip": other_zip,
            "tensor": lambda path: torch.save(torch.ones(3), path),
            "numbers": lambda path: torch.save({"state_dict": {"a": 1.0}}, path),
            "twice": lambda path: torch.save({"module.a": torch.ones(1), "a": torch.ones(1)}, path),
            "nothing": lambda path: torch.save({"state_dict": {}}, path),
            "folder": lambda path: path.mkdir(),
        }
        for name, write in writers.items():
            path = tmp_path / f"{name}.pth"
            write(path)
            with pytest.raises(DataError, match=f"{name}.pth") as caught:
                opened(path)
            assert caught.value.hint and len(str(caught.value).splitlines()) == 1, name

    def changed(self, plain, tmp_path, change):
        thing = official.content(plain[0])
        state = {name: tensor.clone() for name, tensor in thing["state_dict"].items()}
        change(state)
        official.write({**thing, "state_dict": state}, tmp_path / "odd.pth")
        return tmp_path / "odd.pth"

    @pytest.mark.parametrize(
        "name",
        [
            "prompt_learner.ctx", "prompt_learner.token_prefix", "prompt_learner.token_suffix",
            "clip_model_.token_embedding.weight", "clip_model_.logit_scale", "image_encoder.conv1.weight",
            "text_encoder.ln_final.bias", "temporal_net.cls_token", "temporal_net.pos_embedding",
            "temporal_net.temporal_transformer.layers.0.0.fn.fn.to_out.0.bias",
            "temporal_net.temporal_transformer.layers.0.1.fn.fn.net.3.weight",
            "image_encoder.transformer.resblocks.1.attn.in_proj_bias",
        ],
    )  # fmt: skip
    def test_a_missing_tensor_is_named(self, plain, tmp_path, name):
        path = self.changed(plain, tmp_path, lambda state: state.pop(f"module.{name}"))
        with pytest.raises(DataError, match=f"odd.pth.*lacks the weights '{name}'"):
            opened(path)

    @pytest.mark.parametrize(
        ("name", "value", "words"),
        [
            ("temporal_net.pooling", torch.ones(2), "'temporal_net.pooling' is not a tensor of DFER-CLIP"),
            ("image_encoder.extra", torch.ones(2), "holds 'image_encoder.extra'"),
            ("temporal_net.cls_token", torch.ones(1, 1, 32), "'temporal_net.cls_token' is of shape"),
            (f"{LAYER}.1.fn.norm.bias", torch.ones(3), r"0\.1\.fn\.norm\.bias' is of shape \[3\]"),
            (f"{LAYER}.1.fn.norm.bias", torch.full((64,), torch.nan), "norm.bias' holds .* not finite"),
            (f"{LAYER}.0.fn.fn.to_qkv.weight", torch.ones(100, 64), "sizes that do not go together"),
            ("image_encoder.proj", torch.ones(64, 64), "'image_encoder.proj' and 'clip_model_.visual.proj'"),
            ("prompt_learner.ctx", torch.ones(7, 8, 32), r"'prompt_learner\.ctx' is of shape"),
            ("prompt_learner.ctx", torch.ones(7, 8, 64).to_sparse(), "not a plain tensor"),
            ("prompt_learner.token_prefix", torch.ones(7, 1, 64), "is 0 rows of its token embedding"),
            ("prompt_learner.token_suffix", torch.ones(7, 68, 32), "token_suffix"),
            ("prompt_learner.token_suffix", torch.ones(7, 64), "token_suffix"),
        ],
    )  # fmt: skip
    def test_what_does_not_fit_is_named(self, plain, tmp_path, name, value, words):
        path = self.changed(plain, tmp_path, lambda state: state.update({f"module.{name}": value}))
        with pytest.raises(DataError, match=words) as caught:
            opened(path)
        assert "odd.pth" in str(caught.value)

    def test_prompts_that_are_no_text(self, plain, tmp_path):
        def other_tokens(*tokens):
            def change(state):
                table = state["module.clip_model_.token_embedding.weight"]
                rows = [*tokens, 49407] + [0] * (68 - len(tokens) - 1)
                state["module.prompt_learner.token_suffix"][2] = table[torch.tensor(rows)]

            return change

        # "h", "a" as tokens of their own are written "ha", which is one token.
        for tokens, words in [
            ((71, 320), "written with other tokens"),
            ((), "is not a text"),
            ((5, 49406), "class 3"),
        ]:
            with pytest.raises(DataError, match=words):
                opened(self.changed(plain, tmp_path, other_tokens(*tokens)))


class TestRefusals:
    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"model": ""}, "does not say which method"),
            ({"model": "clip"}, "no method named 'clip'"),
            ({"sets": {"positoin": "end"}}, "positoin"),
            ({"sets": {"words": "many"}}, "whole number"),
            ({"sets": {"input.frames": "8"}}, r"made for input\.frames=16"),
            ({"sets": {"input.size": "224"}}, r"made for input\.size=32"),
            ({"sets": {"stage.batch": "3"}}, "stage"),
            ({"weights": {"clip": "random"}}, "holds all weights"),
            ({"sets": {"temperature": "0"}}, "temperature of dfer-clip must be a number > 0, got 0"),
            ({"sets": {"position": "above"}}, "above"),
        ],
    )
    def test_of_an_official_file(self, plain, more, message):
        with pytest.raises(ConfigError, match=message):
            opened(plain[1], **more)

    def test_options_that_contradict_the_shapes(self, plain):
        for name, value in (("words", "4"), ("shared", "true"), ("temporal", "cls-transformer(depth=2)")):
            with pytest.raises(DataError, match=r"best\.pth"):
                opened(plain[1], sets={name: value})

    def test_a_file_of_ours_states_its_own(self, plain, tmp_path):
        target = tmp_path / "ours.safetensors"
        assert command("import", plain[1], "-m", "dfer-clip", "-o", target) == 0
        for more, words in [
            ({"sets": {"position": "end"}}, "states its own position"),
            ({"classes": ("a",) * 7}, "states its own classes"),
            ({"model": "zero-shot-clip"}, "holds a model of dfer-clip"),
        ]:
            with pytest.raises(ConfigError, match=words):
                opened(target, **more)
        assert opened(target, model="", sets={"input.normalize": "clip"}).input.normalize == "clip"
        assert command("import", target, "-m", "dfer-clip", "-o", tmp_path / "again.safetensors") == 3
        whole = target.read_bytes()
        for kept in (20, 400, len(whole) - 10):
            target.write_bytes(whole[:kept])
            with pytest.raises(DataError, match=r"ours\.safetensors cannot be read"):
                opened(target)

    def test_safetensors_without_a_header(self, tmp_path):
        from safetensors.torch import save_file

        save_file({"a": torch.ones(2)}, tmp_path / "bare.safetensors")
        with pytest.raises(DataError, match="does not say which model"):
            opened(tmp_path / "bare.safetensors", model="")
        with pytest.raises(DataError, match="lacks the weights 'prompt_learner"):
            opened(tmp_path / "bare.safetensors")
        save_file({"a": torch.ones(2)}, tmp_path / "bare.safetensors", {"dferbench": "{}"})
        with pytest.raises(DataError, match="damaged header"):
            opened(tmp_path / "bare.safetensors")

    def test_a_method_that_takes_none_over(self, plain):
        with pytest.raises(ConfigError, match="cannot import checkpoints"):
            opened(plain[1], model="zero-shot-clip")

    @pytest.mark.parametrize("words", ["a,,b", "a,a"])
    def test_names_of_classes(self, plain, words, capsys):
        assert command("import", plain[1], "-m", "dfer-clip", "--classes", words) == 3
        assert "different names" in capsys.readouterr().err
        assert command("import", plain[1], "-m", "dfer-clip", "-o", "x.pth") == 3


class TestOwnRuns:
    """What a run leaves can be tested again, to the same logits."""

    def test_a_run_evaluated_is_the_run(self, toy_run, toy_root, tmp_path, capsys):
        from conftest import TOY

        (one,), plan = toy_run(folds=(2,), seeds=(4,), limit=6)
        folder = plan.folder(2, 4)
        words = ["--plugin", TOY, "evaluate", "-c", folder / "checkpoint.safetensors", "-d", "toy"]
        tail = ["--root", toy_root, "-o", tmp_path / "again", "-j", 0, "--device", "cpu", "--limit", 6, "-q"]
        assert _run([str(word) for word in [*words, *tail, "-f", 1]]) == 3
        assert "has seen test videos of other folds" in capsys.readouterr().err
        assert _run([str(word) for word in [*words, *tail]]) == 0
        (found,) = record.find(tmp_path / "again")
        again = record.read(found)
        assert (
            again.fold == 2
            and again.confusion == one.confusion
            and again.epochs == 0
            and again.checkpoint["config_id"] == one.config_id
        )
        a, b = (np.load(place / "predictions.npz")["logits"] for place in (folder, found.parent))
        np.testing.assert_allclose(a, b, atol=1e-6)
        # What limited the training limits what the test is worth.
        assert "limited" in again.checkpoint["caveats"]

    def test_backbone_weights_must_be_the_runs(self, toy_run, toy_root, tmp_path):
        from safetensors.torch import save_file

        config = "clip(dim=32, size=32, patch=8, width=64, layers=2, text_width=64, text_layers=1)"
        catalog = discover([ROOT / "tests" / "toy.py"])
        tower = catalog.make("backbones", config, "random")
        names = {"image.": "visual.", "text.": "", "logit_scale": "logit_scale"}
        state = {}
        for name, tensor in tower.state_dict().items():
            ours = next(start for start in names if name.startswith(start))
            state[names[ours] + name.removeprefix(ours)] = tensor
        save_file(state, tmp_path / "mine.safetensors")
        save_file(state | {"logit_scale": torch.tensor(1.0)}, tmp_path / "other.safetensors")
        sets = {
            "backbone": config, "text": "class-names", "stage.epochs": "1", "stage.batch": "6",
            "input.augment": "", "words": "2",
        }  # fmt: skip
        weights = {"clip": str(tmp_path / "mine.safetensors")}
        (one,), plan = toy_run("dfer-clip", sets=sets, weights=weights)
        assert one.status == "done", one.error
        path = plan.folder(1, 0) / "checkpoint.safetensors"

        def again(**more):
            return open_checkpoint(path, catalog, FABRIC, **more)

        def images(found):
            return found.model.tower.state_dict()["text.token_embedding.weight"]

        assert again().weights == one.weights and again().facts["caveats"] == list(one.caveats)
        shutil.move(tmp_path / "mine.safetensors", tmp_path / "moved.safetensors")
        with pytest.raises(DataError, match="no weights of its own"):
            again()
        with pytest.raises(DataError, match="was trained on weights with the sha256") as caught:
            again(weights={"clip": str(tmp_path / "other.safetensors")})
        assert "--weights clip=FILE" in caught.value.hint
        with pytest.raises(DataError, match="is random weights"):
            again(weights={"clip": "random"})
        moved = again(weights={"clip": str(tmp_path / "moved.safetensors")})
        assert torch.equal(images(moved), state["token_embedding.weight"])
        with pytest.raises(ConfigError, match="clap"):
            again(weights={"clap": "random"})


class TestInlineTexts:
    def test_they_are_taken_as_written(self):
        source = '{anger = "a stare, no stop", "wide eyes" = "x \\"y\\" {}."}'
        assert class_texts(source, ["wide eyes", "anger"]) == ('x "y" {}.', "a stare, no stop")

    def test_what_is_written_is_read_back(self):
        odd = {"a b": 'quotes " and \\ and = and } and {}', "ü": "na\u00efve.", "c": "1"}
        assert class_texts(inline_texts(odd), list(odd)) == tuple(odd.values())

    @pytest.mark.parametrize(
        ("source", "words"),
        [
            ("{anger = }", "cannot read the inline texts"),
            ("{anger", "cannot read the inline texts"),
            ("{fear = 'x'}", "no text for the class 'anger'"),
            ("{anger = ' . '}", "no text for the class 'anger'"),
            ("{anger = 3}", "no text for the class 'anger'"),
        ],
    )
    def test_what_is_wrong_is_said(self, source, words):
        with pytest.raises(ConfigError, match=words):
            class_texts(source, ["anger"])

    def test_a_template_may_begin_with_the_name(self):
        assert class_texts("{} in a face", ["anger"]) == ("anger in a face.",)
