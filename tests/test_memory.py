"""What frozen parts made of videos outlives the run, changes no bit of any result, and keeps its bound."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import TOY
from inputs import build, make_loader
from torch import nn

from dferbench import Input, Method, Recipe, Stage
from dferbench.data.decoders import choose_decoder
from dferbench.data.identity import identity
from dferbench.errors import ConfigError, DferbenchError
from dferbench.feature_cache import cache as features
from dferbench.feature_cache import key as kind
from dferbench.feature_cache import store as memory
from dferbench.machine.device import make_fabric
from dferbench.models.frames import FrameClassifier, Frozen, frame_features
from dferbench.models.parts import Parts
from dferbench.progress import Progress
from dferbench.registry.catalog import Entry, discover
from dferbench.runner.run import build_model
from dferbench.testing.methods import RULES, Trial, what_it_sees_is_what_its_backbone_makes
from dferbench.training.batches import Feed, Source, UnreadableVideos
from dferbench.types import Video

SETS = {"backbone": "clip-tiny", "stage.batch": "6", "stage.epochs": "2", "input.frames": "3"}
AUGMENTED = {"input.augment": "random-sized-crop | flip", "input.sample": "segments", "stage.epochs": "5"}


class Said(Progress):
    """Remembers what was said, and which bars were opened."""

    def __init__(self):
        self.lines, self.bars = [], []

    def bar(self, what, total, unit="videos"):
        self.bars.append(what)
        return super().bar(what, total, unit)

    def say(self, text):
        self.lines.append(text)

    def heard(self, words):
        return [line for line in self.lines if words in line]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Every test starts with an empty cache."""
    monkeypatch.setenv("DFERBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DFERBENCH_FEATURES_GB", raising=False)


@pytest.fixture
def probe(toy_run, tmp_path):
    """Run a frozen method on the toy videos, from the start; gives record, logits and what was said."""

    def go(model="linear-probe", sets=None, bare=None, **request):
        said = Said()
        output = request.pop("output", tmp_path / "runs")
        records, plan = toy_run(
            model, sets=bare or {**SETS, **(sets or {})}, progress=said, output=output, force=True, **request
        )
        found = np.load(plan.folder(records[0].fold, records[0].seed) / "predictions.npz")["logits"]
        return records[0], found, said

    return go


def plain(one):
    """A record without what differs from run to run anyway."""
    facts = one.model_dump(exclude={"seconds", "curve_sha256"})
    files = {name: sha256 for name, sha256 in one.files.items() if name != "curve.json"}
    return facts | {"files": files, "curve": [epoch | {"seconds": 0} for epoch in facts["curve"]]}


def read_again(said):
    """How many videos were read, of 27."""
    return 27 - sum(int(line.split()[2]) for line in said.heard("are remembered"))


class TestNothingChanges:
    @pytest.mark.parametrize("model", ["linear-probe", "coop"])
    def test_with_and_without_it_a_run_has_the_same_bits(self, probe, model, monkeypatch):
        first, second = probe(model), probe(model)
        assert (read_again(first[2]), read_again(second[2])) == (27, 0)
        monkeypatch.setenv("DFERBENCH_FEATURES_GB", "0")
        without = probe(model)
        assert read_again(without[2]) == 27
        for other in (second, without):
            assert np.array_equal(first[1], other[1])
            assert plain(first[0]) == plain(other[0])
        assert first[0].decoders == {"folder": 27}

    def test_what_is_there_already_changes_no_bit_of_the_rest(self, probe):
        probe(limit=9)
        _, partly, said = probe()
        assert 0 < read_again(said) < 27
        memory.clear()
        assert np.array_equal(partly, probe()[1])

    @pytest.mark.slow
    def test_a_run_that_was_killed_goes_on_to_the_same_bits(self, probe, cli, start_cli, toy_root, tmp_path):
        # Many epochs, so that a slow signal still finds the process at work.
        many = {"stage.epochs": "100"}
        _, whole, _ = probe(sets=many)
        memory.clear()
        runs = tmp_path / "killed"
        words = ["run", "-m", "linear-probe", "-d", "toy", "--root", toy_root, "-o", runs, "-j", "0"]
        sets = [word for name, text in {**SETS, **many}.items() for word in ("--set", f"{name}={text}")]
        command = ["--plugin", TOY, *words, *sets, "--device", "cpu"]
        with start_cli(*command) as process:
            for line in process.stderr:
                if line.startswith("train ") and list(runs.rglob("state.pt")):
                    process.kill()
                    break
        done = cli(*command, check=0)
        assert "resumed after" in done.stderr and "18 of 18 videos are remembered" in done.stderr
        assert np.array_equal(whole, np.load(next(runs.rglob("predictions.npz")))["logits"])

    def test_precision_survives_the_disk(self, probe):
        runs = [probe(sets={"precision": "bf16"}) for _ in range(2)]
        assert read_again(runs[1][2]) == 0
        assert np.array_equal(runs[0][1], runs[1][1])


class TestSharing:
    def test_methods_seeds_and_folds_share(self, probe):
        probe()
        assert read_again(probe("coop")[2]) == 0
        assert read_again(probe("linear-probe", seeds=(5,))[2]) == 0
        whole = {"backbone": "clip-tiny", "input.frames": "3"}
        assert read_again(probe("zero-shot-clip", bare=whole)[2]) == 18  # it tests, and trains on nothing
        (store,) = memory.stores()
        assert store.count() == 27

    @pytest.mark.slow
    def test_what_makes_other_features_makes_another_store(self, probe):
        probe()
        for sets in ({"input.frames": "2"}, {"input.normalize": "clip"}, {"precision": "bf16"}):
            assert read_again(probe(sets=sets)[2]) == 27
        assert read_again(probe(weights={"clip-tiny": "random"})[2]) == 27
        assert read_again(probe(weights={"clip-tiny": "random"}, seeds=(1,))[2]) == 0
        assert len(memory.stores()) == 5

    def test_nothing_is_read_when_nothing_is_missing(self, probe, toy_root, tmp_path):
        root = tmp_path / "copy"
        shutil.copytree(toy_root, root)
        _, right, _ = probe(root=root)
        for path in root.rglob("*.png"):  # spoiled so that nobody can tell without reading
            facts = path.stat()
            path.write_bytes(bytes(facts.st_size))
            os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        one, again, said = probe(root=root, workers=2)
        assert one.status == "done" and np.array_equal(right, again)
        assert "encode once" not in said.bars

    def test_a_changed_video_is_another_one(self, probe, toy_root, tmp_path):
        root = tmp_path / "copy"
        shutil.copytree(toy_root, root)
        probe(root=root)
        frame = next((root / "fold1" / "test" / "stays").rglob("3.png"))
        os.utime(frame, ns=(1, 1))
        assert read_again(probe(root=root)[2]) == 1

    def test_a_video_that_is_gone_is_missed(self, probe, toy_root, tmp_path):
        root = tmp_path / "copy"
        shutil.copytree(toy_root, root)
        probe(root=root)
        for frame in (root / "fold1" / "test" / "stays" / "test1").iterdir():
            frame.unlink()
        one, _, _ = probe(root=root, skip_bad=True)
        assert one.skipped == ["stays/test1"] and one.decoders == {"folder": 26}

    def test_a_video_of_a_pack_is_what_it_was_packed_from(self, toy_root, tmp_path, in_process):
        pack = tmp_path / "pack"
        words = ["--plugin", TOY, "data", "pack", "toy", "--root", toy_root, "--output", pack]
        in_process(*words, check=0)
        from dferbench.data.decoders.pack import packed_path
        from dferbench.data.packs.source import fingerprint

        name = "fold1/test/stays/test1"
        found = identity(packed_path(pack, name))
        assert found.endswith("\n" + fingerprint(str(toy_root / name)))
        assert identity(packed_path(pack, "other")) == identity(str(tmp_path / "other")) == ""

    def test_only_the_class_that_writes_encode_speaks_for_it(self):
        class Other(Frozen):
            def encode(self, video):
                return 2 * frame_features(self.tower, video)

        assert kind.encoder_id(Frozen(nn.Identity(), nn.Identity())) == "frame features"
        assert kind.encoder_id(Other(nn.Identity(), nn.Identity())) == ""
        assert kind.encoder_id(FrameClassifier(nn.Identity(), nn.Identity())) == ""

    def test_weights_without_a_file_are_known_by_themselves(self):
        a, b = nn.Linear(2, 2), nn.Linear(2, 2)
        assert kind.weights_of(a) != kind.weights_of(b)
        b.load_state_dict(a.state_dict())
        assert kind.weights_of(a) == kind.weights_of(b) != kind.weights_of(nn.Sequential(a))

    def test_code_is_part_of_the_kind(self, tmp_path, monkeypatch):
        (tmp_path / "mine.py").write_text("def build(): ...\n")
        monkeypatch.syspath_prepend(tmp_path)
        import mine

        kind.code_of.cache_clear()
        before = kind.code_of("mine")
        (tmp_path / "mine.py").write_text("def build(): return 1\n")
        kind.code_of.cache_clear()
        assert kind.code_of("mine") != before != kind.code_of()
        assert mine.build() is None

    def test_the_code_of_a_backbone_is_that_of_its_plugin(self):
        found = kind._plugin(discover().get("backbones", "clip-tiny"))
        assert found == "dferbench_methods.clip_backbones"


class TestTrouble:
    def test_a_damaged_value_is_computed_again(self, probe, in_process):
        _, right, _ = probe()
        (store,) = memory.stores()
        path = store.folder / memory.DATA
        content = next(store.every()).content
        middle = len(content) // 2
        other = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        # Everywhere: the file also has pages that a later write has replaced.
        path.write_bytes(path.read_bytes().replace(content, other))
        assert "1 of 27" in in_process("cache", "--verify", check=4).stderr
        _, again, said = probe()
        assert said.heard("1 remembered features are damaged") and read_again(said) == 1
        assert np.array_equal(right, again)
        in_process("cache", "--verify", check=0)

    @pytest.mark.parametrize("content", [b"", b"no data" * 2000, None], ids=["empty", "noise", "cut"])
    def test_a_damaged_file_is_said_and_begun_anew(self, probe, content, in_process):
        _, right, _ = probe()
        (store,) = memory.stores()
        path = store.folder / memory.DATA
        path.write_bytes(path.read_bytes()[: store.size // 2] if content is None else content)
        if content != b"":
            assert in_process("cache", check=4).stderr.startswith("error:")
        _, again, said = probe()
        assert np.array_equal(right, again)
        assert content == b"" or said.heard("cannot be read")
        in_process("cache", "--verify", check=0)
        assert read_again(probe()[2]) == 0

    def test_what_does_not_fit_is_not_kept_and_said(self, probe, monkeypatch):
        monkeypatch.setenv("DFERBENCH_FEATURES_GB", "0.00001")
        one, _, said = probe()
        assert one.status == "done" and not memory.stores()
        assert said.heard("are not kept on disk") and said.heard("DFERBENCH_FEATURES_GB allows more")

    def test_a_folder_that_cannot_be_written_is_said(self, probe, tmp_path):
        (tmp_path / "cache").write_text("a file where the folder should be")
        one, _, said = probe()
        assert one.status == "done" and said.heard("are not kept on disk")

    @pytest.mark.parametrize("text", ["much", "-1", "nan", "inf"])
    def test_a_bound_that_is_none_stops_before_the_first_video(self, probe, monkeypatch, text):
        monkeypatch.setenv("DFERBENCH_FEATURES_GB", text)
        with pytest.raises(ConfigError, match="DFERBENCH_FEATURES_GB"):
            probe()


class TestBound:
    def fill(self, name, count=50, size=20_000):
        store = memory.store_of({"name": name})
        store.make_room(memory.footprint(count, size))
        store.write({bytes([i]) * 32: os.urandom(size) for i in range(count)}, {"name": name})
        return store

    def test_a_footprint_is_about_what_is_taken(self):
        for count, size in ((50, 20_000), (1000, 200), (500, 4000), (100, 4100)):
            store = memory.store_of({"size": size})
            keys = [i.to_bytes(32, "big") for i in np.random.default_rng(0).permutation(count).tolist()]
            store.write({key: bytes(size) for key in keys}, {})
            assert store.size <= memory.footprint(count, size) <= 2 * store.size + 65536

    def test_the_least_recently_used_go_first(self, monkeypatch):
        monkeypatch.setenv("DFERBENCH_FEATURES_GB", "0.0035")
        stores = [self.fill(name) for name in "abc"]
        for age, store in enumerate((stores[1], stores[0], stores[2])):
            os.utime(store.folder / memory.ABOUT, ns=(age, age))
        assert [kept is not None for kept in stores[1].values([bytes(32)])] == [True]  # now b is the youngest
        self.fill("d")
        assert {store.about["name"] for store in memory.stores()} == {"b", "c", "d"}
        assert sum(store.size for store in memory.stores()) <= memory.bound()

    def test_a_store_that_would_not_fit_alone_removes_nothing(self, monkeypatch):
        self.fill("a")
        monkeypatch.setenv("DFERBENCH_FEATURES_GB", "0.002")
        with pytest.raises(DferbenchError, match="would exceed"):
            self.fill("b", count=200)
        assert [store.about["name"] for store in memory.stores()] == ["a"]

    def test_several_processes_write_one_store(self, tmp_path):
        code = (
            "import sys; from dferbench.feature_cache import store as memory\n"
            "store = memory.store_of({'name': 'shared'})\n"
            "for i in range(20): store.write({f'{sys.argv[1]}{i}'.encode(): b'x' * 9000}, {})\n"
        )
        writers = [subprocess.Popen([sys.executable, "-c", code, name]) for name in "ab"]
        assert [writer.wait() for writer in writers] == [0, 0]
        store = memory.store_of({"name": "shared"})
        assert store.count() == 40 and all(kept.whole for kept in store.every())

    def test_what_waits_is_written_in_pieces(self, monkeypatch, tmp_path):
        monkeypatch.setattr(features, "SECONDS", 0.0)
        paths = [tmp_path / f"{i}.mp4" for i in range(3)]
        for path in paths:
            path.write_bytes(b"video")
        videos = [Video(path.stem, str(path), 0) for path in paths]
        shelf = features.FeatureCache(videos, {"name": "x"}, Progress())
        with pytest.raises(KeyboardInterrupt), shelf.adding(3):
            shelf.put(0, 0, torch.ones(2), "decord")
            assert memory.store_of({"name": "x"}).count() == 1
            shelf.put(2, 0, torch.zeros(2), "pyav")
            raise KeyboardInterrupt
        found = {index: (x.tolist(), decoder) for index, x, decoder in shelf.found(0)}
        assert found == {0: ([1.0, 1.0], "decord"), 2: ([0.0, 0.0], "pyav")}


class TestViews:
    def frames(self, toy_root, draws, training=True):
        paths = sorted((toy_root / "fold1" / "train").glob("*/*"))[:4]
        input = Input(frames=3, size=12, augment="random-sized-crop | flip", draws=draws)
        videos = [Video(path.name, str(path), 0) for path in paths]
        loader = make_loader(videos, input, 12, training=training, seed=0, decoder=choose_decoder())
        return [next(iter(loader.batches(range(4), 4, epoch))).frames for epoch in range(7)]

    def test_they_come_round(self, toy_root):
        seen = self.frames(toy_root, draws=3)
        assert all(torch.equal(seen[epoch], seen[epoch + 3]) for epoch in range(4))
        assert len({frames.numpy().tobytes() for frames in seen}) == 3

    def test_without_a_number_every_epoch_draws_anew(self, toy_root):
        anew = self.frames(toy_root, draws=0)
        assert len({frames.numpy().tobytes() for frames in anew}) == 7
        assert all(map(torch.equal, anew[:3], self.frames(toy_root, draws=3)[:3]))

    def test_testing_draws_nothing(self, toy_root):
        assert len({frames.numpy().tobytes() for frames in self.frames(toy_root, 3, training=False)}) == 1

    @pytest.mark.slow
    def test_remembered_equals_recomputed(self, probe, monkeypatch):
        one, remembered, _ = probe(sets={**AUGMENTED, "input.draws": "2"})
        assert one.recipe["input"]["draws"] == 2 and one.decoders == {"folder": 2 * 18 + 9}
        again, from_disk, said = probe(sets={**AUGMENTED, "input.draws": "2"})
        assert len(said.heard("are remembered")) == 3 and plain(one) == plain(again)
        assert np.array_equal(remembered, from_disk)
        monkeypatch.setattr(Source, "_may_cache", lambda *_: False)
        _, recomputed, _ = probe(sets={**AUGMENTED, "input.draws": "2"})
        np.testing.assert_allclose(remembered, recomputed, atol=1e-5)

    @pytest.mark.slow
    def test_more_of_them_use_those_that_are_there(self, probe):
        probe(sets={**AUGMENTED, "input.draws": "1"})
        _, _, said = probe(sets={**AUGMENTED, "input.draws": "2"})
        assert len(said.heard("18 of 18 videos are remembered")) == 1
        _, _, other_seed = probe(sets={**AUGMENTED, "input.draws": "2"}, seeds=(1,))
        assert not other_seed.heard("18 of 18")

    def test_other_augmentation_shares_the_test_videos_only(self, probe):
        probe(sets={**AUGMENTED, "input.draws": "1"})
        _, _, said = probe(sets={**AUGMENTED, "input.augment": "flip", "input.draws": "1"})
        assert [line.split()[2] for line in said.heard("are remembered")] == ["9"]

    @pytest.mark.parametrize("draws", [-1, 1.5])
    def test_a_number_that_is_none_is_refused(self, draws):
        with pytest.raises(ConfigError, match=r"input\.draws must be a whole number from 0 on"):
            build(replace(Input(), draws=draws))


class TestContract:
    def check(self, kind):
        catalog = discover()
        recipe = Recipe(Input(frames=2, size=64), (Stage({r"head\..*": 0.1}, epochs=1, batch=4),))
        catalog.add("methods", Entry("m", Method("m", kind, recipe), "a test"))
        what_it_sees_is_what_its_backbone_makes(Trial("m", catalog, {}))

    def test_the_word_must_be_true(self):
        class Honest(Frozen):
            def __init__(self, task, parts, backbone: str = "clip-tiny"):
                super().__init__(parts.backbone(backbone), nn.Identity())
                self.head = nn.Linear(self.tower.dim, len(task.classes))

            def decide(self, frames):
                return self.head(frames.mean(1))

        class Doubles(Honest):
            sees = "frame features"

            def encode(self, video):
                return 2 * super().encode(video)

        class Silent(Doubles):
            sees = ""

            def encode(self, video):
                return 2 * super().encode(video)

        class NoBackbone(Honest):
            def __init__(self, task, parts):
                super(Frozen, self).__init__(nn.AvgPool2d(64), nn.Identity())
                self.head = nn.Linear(3, len(task.classes))

        self.check(Honest)
        self.check(Silent)
        with pytest.raises(AssertionError, match="features differ by"):
            self.check(Doubles)
        with pytest.raises(AssertionError, match="0 backbones"):
            self.check(NoBackbone)
        assert what_it_sees_is_what_its_backbone_makes in RULES


class TestCommand:
    def test_it_shows_and_clears(self, probe, in_process, tmp_path):
        assert "0.00 MB" in in_process("cache", check=0).stdout
        probe()
        shown = in_process("cache", check=0).stdout
        assert "frame features of clip-tiny, fp32" in shown and "3 x 64 px" in shown
        facts = json.loads(in_process("cache", "--json", check=0).stdout)
        (store,) = facts["stores"]
        assert store["videos"] == 27 and store["bytes"] == facts["bytes"] <= facts["bound"]
        assert facts["folder"] == str(tmp_path / "cache" / "features")
        (memory.home() / ".gone-x").mkdir()
        assert "removed" in in_process("cache", "--clear", check=0).stdout
        assert not list(memory.home().iterdir())

    def test_it_is_light(self, tmp_path):
        code = "import sys; from dferbench.cli import _run; _run(['cache']); sys.exit('torch' in sys.modules)"
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=tmp_path)

    def test_two_wishes_at_once(self, in_process):
        assert "exclude each other" in in_process("cache", "--verify", "--clear", check=3).stderr

    def test_a_store_that_says_nothing_is_shown_too(self, in_process):
        memory.store_of({"name": "a"}).write({b"k": b"v"}, {})
        assert "unknown" in in_process("cache", check=0).stdout


def test_a_kind_is_plain_data_and_complete():
    catalog = discover()
    parts = Parts(catalog)
    model = Frozen(parts.backbone("clip-tiny"), nn.Identity())
    seen = kind.seen_by(model, parts, catalog)

    def of(seed, training=True, **input):
        pipeline = build(Input(frames=2, size=64, augment="flip", **input))
        fabric = make_fabric("cpu", "fp32")
        return kind.kind_of(seen, pipeline, "fp32", choose_decoder(), fabric, training=training, seed=seed)

    assert json.loads(json.dumps(of(None))) == of(None) == of(None, training=False)
    assert set(of(None)["input"]) == {"frames", "size", "sample", "normalize", "order", "resize"}
    assert of(3)["seed"] == 3 and of(3)["input"]["augment"] == "flip" and of(3) == of(3, draws=2)


def test_what_training_and_testing_see_otherwise_is_not_mixed_up(toy_run, toy_root):
    """Tests may shuffle the frames of a video which is trained on, in order, in another fold."""
    sets = {**SETS, "input.sample": "uniform(random=false, shuffle=true)", "stage.epochs": "0"}
    _, plan = toy_run("linear-probe", sets=sets)
    catalog = discover([TOY])
    fabric, videos = make_fabric("cpu", "fp32"), plan.dataset.videos(toy_root, 1, "train")
    built = build_model(plan, catalog, fabric, seed=0)

    def seen(training, shared):
        feed = Feed(
            plan,
            built.decoder,
            built.pipeline,
            fabric,
            UnreadableVideos(False),
            Progress(),
            built.seen if shared else {},
        )
        with feed.open(videos, training=training) as source:
            return torch.cat([batch.x for batch in source.batches(built.model, range(18), 6)])

    first = [seen(training, shared=True) for training in (True, False)]
    again = [seen(training, shared=True) for training in (True, False)]
    alone = [seen(training, shared=False) for training in (True, False)]
    assert not torch.equal(first[0], first[1])
    assert all(torch.equal(a, b) and torch.equal(b, c) for a, b, c in zip(first, again, alone, strict=True))
