"""CLIP backbones: every format of weights, every kind of damage, and where weights come from."""

import pickle
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import open_clip
import pytest
import safetensors.torch
import torch
from tiny_clip import CONFIG, tiny_clip

from dferbench.errors import DataError
from dferbench.files import sha256_of
from dferbench_methods import clip_backbones
from dferbench_methods.clip_backbones.checkpoints import read_state_dict
from dferbench_methods.clip_backbones.towers import (
    architecture,
    build_tower,
    download,
    load_tower,
    random_tower,
)


def half(state):
    return {key: tensor.half() for key, tensor in state.items()}


def save_openai(path, clip):
    """What OpenAI released: a traced model in half precision, plus three whole numbers."""
    clip = clip.float()
    mask = clip.attn_mask
    del clip.attn_mask  # a constant of the graph there, not a buffer
    clip.attn_mask = mask
    for name, number in {"input_resolution": 32, "context_length": 77, "vocab_size": 49408}.items():
        if hasattr(clip, name):
            delattr(clip, name)
        clip.register_buffer(name, torch.tensor(number))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        example = (torch.rand(1, 3, 32, 32), torch.zeros(1, 77, dtype=torch.long))
        torch.jit.trace(clip, example, check_trace=False).half().save(str(path))


SAVERS = {
    "openai.pt": save_openai,
    "plain.pt": lambda path, clip: torch.save(half(clip.state_dict()), path),
    "legacy.bin": lambda path, clip: torch.save(
        half(clip.state_dict()), path, _use_new_zipfile_serialization=False
    ),
    "nested.pth": lambda path, clip: torch.save(
        {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in half(clip.state_dict()).items()}}, path
    ),
    "hub.safetensors": lambda path, clip: safetensors.torch.save_file(half(clip.state_dict()), path),
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """One model in every format."""
    folder = tmp_path_factory.mktemp("weights")
    for name, save in SAVERS.items():
        save(folder / name, tiny_clip(seed=1))
    return folder


class TestFormats:
    @pytest.mark.parametrize("name", SAVERS)
    def test_every_format_gives_the_same_model_in_single_precision(self, saved, name):
        tower = load_tower(CONFIG, saved / name)
        clip = tiny_clip(seed=1).half().float()
        assert all(p.dtype == torch.float32 for p in tower.parameters())
        images = torch.rand(2, 3, 32, 32)
        tokens = tower.tokenize(["anger.", "a broad smile."])
        encoded = tower.encode_embedded(tower.embed(tokens), tokens.argmax(-1))
        torch.testing.assert_close(tower(images), clip.encode_image(images))
        torch.testing.assert_close(encoded, clip.encode_text(tokens))
        assert (tower.origin.source, tower.origin.random) == (str(saved / name), False)
        assert tower.origin.sha256 == sha256_of(saved / name)

    def test_half_precision_becomes_single_without_loss(self, saved):
        tower, halves = load_tower(CONFIG, saved / "openai.pt"), half(tiny_clip(seed=1).state_dict())
        names = {"image.": "visual.", "text.": "", "logit_scale": "logit_scale"}
        for name, tensor in tower.state_dict().items():
            ours = next(start for start in names if name.startswith(start))
            stored = halves[names[ours] + name.removeprefix(ours)]
            assert stored.dtype == torch.float16 and tensor.dtype == torch.float32
            assert torch.equal(tensor, stored.float()), name

    def test_the_openai_archive_really_is_torchscript(self, saved):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            state = torch.jit.load(saved / "openai.pt").state_dict()
        assert "input_resolution" in state and state["visual.proj"].dtype == torch.float16
        assert "input_resolution" not in read_state_dict(saved / "openai.pt")


class TestDamage:
    @pytest.mark.parametrize("name", SAVERS)
    @pytest.mark.parametrize("kept", [0, 100, 0.5, 0.98])
    def test_a_truncated_file_is_named(self, saved, tmp_path, name, kept):
        whole, broken = (saved / name).read_bytes(), tmp_path / name
        broken.write_bytes(whole[: int(kept * len(whole)) if kept < 1 else kept])
        with pytest.raises(DataError, match=f"{name} cannot be read as weights") as caught:
            load_tower(CONFIG, broken)
        assert caught.value.hint and "\n" not in str(caught.value)

    def test_other_files_are_refused(self, tmp_path):
        text, folder, tensor = tmp_path / "notes.pt", tmp_path / "folder.pt", tmp_path / "tensor.pt"
        text.write_text("not weights")
        folder.mkdir()
        torch.save(torch.ones(3), tensor)
        for path, words in [(text, "cannot be read"), (folder, "is not there"), (tensor, "no state dict")]:
            with pytest.raises(DataError, match=words):
                load_tower(CONFIG, path)
        with pytest.raises(DataError, match=r"absent\.pt is not there"):
            load_tower(CONFIG, tmp_path / "absent.pt")

    def test_weights_that_do_not_fit_name_the_key(self, tmp_path):
        state, path = tiny_clip().state_dict(), tmp_path / "w.safetensors"
        lacking = {k: v for k, v in state.items() if k != "ln_final.bias"}
        wrong = {**state, "visual.proj": torch.zeros(64, 16)}
        extra = {**state, "visual.mask_token": torch.zeros(3)}
        for bad, words in [
            (lacking, "lacks the weights 'ln_final.bias'"),
            (wrong, r"'visual.proj' is of shape \[64, 16\], not \[64, 32\]"),
            (extra, "holds 'visual.mask_token'"),
        ]:
            safetensors.torch.save_file(bad, path)
            with pytest.raises(DataError, match=words):
                load_tower(CONFIG, path)


class Planted:
    """Writes a file when a pickle of it is obeyed."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.write_text, (self.path, "obeyed")


def plant_torch(path, marker):
    torch.save({"state_dict": Planted(marker)}, path)


def plant_legacy(path, marker):
    torch.save({"state_dict": Planted(marker)}, path, _use_new_zipfile_serialization=False)


def plant_bare(path, marker):
    path.write_bytes(pickle.dumps(Planted(marker)))


def plant_archive(path, marker):
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("data.pkl", "constants.pkl"):
            archive.writestr(f"archive/{name}", pickle.dumps(Planted(marker), protocol=2))
        archive.writestr("archive/version", "3\n")


class TestPickles:
    @pytest.mark.parametrize("plant", [plant_torch, plant_legacy, plant_bare, plant_archive])
    @pytest.mark.parametrize("suffix", [".pt", ".bin", ".safetensors"])
    def test_a_planted_pickle_never_runs(self, tmp_path, plant, suffix):
        path, marker = tmp_path / f"w{suffix}", tmp_path / "marker"
        plant(path, marker)
        with pytest.raises(DataError, match="cannot be read"):
            load_tower(CONFIG, path)
        assert not marker.exists()

    def test_the_plant_would_have_run(self, tmp_path):
        plant_torch(tmp_path / "w.pt", tmp_path / "marker")
        torch.load(tmp_path / "w.pt", weights_only=False)
        assert (tmp_path / "marker").read_text() == "obeyed"


class TestRandom:
    def test_it_is_one_draw_and_says_so(self):
        torch.manual_seed(1)
        expected = torch.rand(3)
        torch.manual_seed(1)
        one = random_tower(CONFIG)
        assert torch.equal(torch.rand(3), expected), "the global generator must not notice"
        two = random_tower(CONFIG)
        assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
        assert one.origin.random and one.origin.source == "random" and not one.origin.sha256

    def test_loading_leaves_the_generator_alone_too(self, saved):
        torch.manual_seed(1)
        expected = torch.rand(3)
        torch.manual_seed(1)
        load_tower(CONFIG, saved / "plain.pt")
        assert torch.equal(torch.rand(3), expected)


class TestHub:
    @pytest.fixture
    def cache(self, tmp_path, monkeypatch):
        """An empty cache on a machine without network."""
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
        return tmp_path

    @pytest.mark.parametrize("name, file", [("clip-vit-b32", "ViT-B-32.pt"), ("clip-vit-b16", "ViT-B-16.pt")])
    def test_out_of_reach_it_says_what_to_fetch(self, cache, name, file):
        with pytest.raises(DataError, match=f"the weights of {name} are not on this machine") as caught:
            build_tower(name)
        assert file in caught.value.hint and f"--weights {name}=FILE" in caught.value.hint
        assert "timm/vit_base_patch" in caught.value.hint

    def test_the_cache_serves_offline(self, cache):
        repository = cache / "models--timm--vit_base_patch32_clip_224.openai"
        file = repository / "snapshots" / "1234" / "open_clip_model.safetensors"
        file.parent.mkdir(parents=True)
        safetensors.torch.save_file({"logit_scale": torch.ones(())}, file)
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text("1234")
        assert download("clip-vit-b32") == file
        with pytest.raises(DataError, match=r"lacks the weights '"):
            build_tower("clip-vit-b32")


class TestRegistration:
    def test_every_backbone_with_its_true_size(self):
        found = {}
        clip_backbones.register_backbones(
            lambda name, build, options=None, **facts: found.update({name: (build, facts)})
        )
        assert set(found) == {"clip-tiny", "clip-vit-b32", "clip-vit-b16", "farl-vit-b16", "clip"}
        assert all(found.pop(name)[1]["size"] == 224 for name in ("farl-vit-b16", "clip"))
        for name, (_, facts) in found.items():
            config = architecture(name)
            assert config["vision_cfg"]["image_size"] == facts["size"]
            assert config["quick_gelu"], "OpenAI's weights with the exact GELU are another model"

    def test_the_tiny_one_comes_with_the_package(self):
        tower = build_tower("clip-tiny")
        assert not tower.origin.random and len(tower.origin.sha256) == 64
        assert tower(torch.rand(2, 3, tower.size, tower.size)).shape == (2, tower.dim)
        untrained = build_tower("clip-tiny", "random")
        assert not torch.equal(tower.image.attnpool.c_proj.weight, untrained.image.attnpool.c_proj.weight)

    @pytest.mark.parametrize(
        "patch, image, total", [(32, 87_849_216, 151_277_313), (16, 86_192_640, 149_620_737)]
    )
    @pytest.mark.slow
    def test_the_real_ones_have_the_published_numbers_of_parameters(self, patch, image, total):
        tower = build_tower(f"clip-vit-b{patch}", "random")
        assert sum(p.numel() for p in tower.image.parameters()) == image
        assert sum(p.numel() for p in tower.text.token_embedding.parameters()) == 25_296_896
        assert sum(p.numel() for p in tower.parameters()) == total
        assert isinstance(tower.image.transformer.resblocks[0].mlp.gelu, open_clip.transformer.QuickGELU)

    def test_declaring_them_imports_nothing_heavy(self):
        code = (
            "import sys, dferbench_methods.clip_backbones; print({'torch', 'open_clip'} & set(sys.modules))"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert run.stdout.strip() == "set()"
