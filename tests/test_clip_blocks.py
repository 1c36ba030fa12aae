"""CLIP's blocks and patch embedding, computed without detours, against open_clip's own."""

from dataclasses import fields

import open_clip
import pytest
import torch
from tiny_clip import CONFIG, tiny_clip, tiny_tower
from torch import nn
from torch.nn import functional as F

from dferbench.models.attention import attend
from dferbench.models.clip_blocks import ClipBlock, Fork, PatchEmbedding, patches_by_product
from dferbench.models.prompts import Context
from dferbench.models.two_tower import TwoTower, Weights

TOWER = Weights("here")
NAMES = ("joy.", "a long-lasting fear.", "anger.")


def gradients(outputs, parameters):
    return torch.autograd.grad(outputs.square().sum(), list(parameters))


def tokens_of(lengths, seed=0):
    """Texts of these lengths, the end of each its largest id."""
    ids = torch.randint(1, 40000, (len(lengths), 77), generator=torch.Generator().manual_seed(seed))
    for row, length in zip(ids, lengths, strict=True):
        row[length - 1] = 49407
        row[length:] = 0
    return ids


class TestBlocks:
    @pytest.mark.parametrize("lengths", [[5, 77, 31], [12], [3, 4, 5, 6, 7, 8, 9]])
    def test_texts_and_their_gradients_are_open_clips(self, lengths):
        clip, tokens = tiny_clip(), tokens_of(lengths)
        tower = TwoTower(clip, TOWER)
        ours = tower.encode_embedded(tower.embed(tokens), tokens.argmax(-1))
        theirs = clip.encode_text(tokens)
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
        parts = list(clip.transformer.parameters())
        for a, b in zip(gradients(ours, parts), gradients(theirs, parts), strict=True):
            torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-4)

    @pytest.mark.parametrize("images", [1, 5])
    def test_images_and_their_gradients_are_open_clips(self, images):
        clip, pixels = tiny_clip(), torch.rand(images, 3, 32, 32)
        tower = TwoTower(clip, TOWER)
        torch.testing.assert_close(tower(pixels), clip.encode_image(pixels), atol=1e-4, rtol=1e-5)
        parts = list(clip.visual.parameters())
        found = zip(gradients(tower(pixels), parts), gradients(clip.encode_image(pixels), parts), strict=True)
        for a, b in found:
            torch.testing.assert_close(a, b, atol=1e-2, rtol=1e-4)

    def test_frozen_weights_are_not_copied_for_every_sequence(self):
        tower = TwoTower(tiny_clip().requires_grad_(False), TOWER)
        rows = torch.rand(50, 9, 32, requires_grad=True)
        with torch.profiler.profile() as profile:
            tower.encode_embedded(rows, torch.full((50,), 8)).sum().backward()
        assert not [event.key for event in profile.key_averages() if event.key == "aten::bmm"]

    def test_names_and_tensors_stay_those_of_the_model(self):
        clip = tiny_clip()
        tower = TwoTower(clip, TOWER)
        ours = {name: p for name, p in tower.named_parameters() if name.startswith("image.")}
        theirs = {f"image.{name}": p for name, p in clip.visual.named_parameters()}
        assert ours.keys() == theirs.keys()
        assert all(ours[name] is theirs[name] for name in ours)
        assert all(isinstance(block, ClipBlock) for block in tower.text.transformer.resblocks)

    @pytest.mark.parametrize("odd", [{"qk_norm": True}, {"scale_fc": True}])
    def test_blocks_of_another_kind_are_left_to_open_clip(self, odd):
        if not odd.keys() <= {field.name for field in fields(open_clip.CLIPTextCfg)}:
            pytest.skip("this open_clip has no such blocks")
        config = {**CONFIG, "text_cfg": {**CONFIG["text_cfg"], **odd}}
        clip, tokens = open_clip.CLIP(**config).eval(), tokens_of([6, 20])
        tower = TwoTower(clip, TOWER)
        assert not any(isinstance(block, ClipBlock) for block in tower.text.transformer.resblocks)
        ours = tower.encode_embedded(tower.embed(tokens), tokens.argmax(-1))
        torch.testing.assert_close(ours, clip.encode_text(tokens), atol=1e-5, rtol=1e-5)

    def test_a_mask_that_is_not_causal_alone_is_kept(self):
        clip = tiny_clip()
        clip.attn_mask[5:, 0] = -torch.inf  # nobody sees the first word from the sixth on
        tower, tokens = TwoTower(clip, TOWER), tokens_of([30])
        ours = tower.encode_embedded(tower.embed(tokens), tokens.argmax(-1))
        torch.testing.assert_close(ours, clip.encode_text(tokens), atol=1e-5, rtol=1e-5)


class TestFork:
    @pytest.mark.parametrize("groups, each, common, length", [(1, 3, 2, 5), (4, 2, 6, 7), (2, 5, 1, 9)])
    def test_spread_undoes_join_where_groups_begin_alike(self, groups, each, common, length):
        fork = Fork(groups, each, common, length)
        start = torch.randn(groups, 1, common, 8).expand(-1, each, -1, -1)
        x = torch.cat([start, torch.randn(groups, each, length - common, 8)], 2).flatten(0, 1)
        joined = fork.join(x)
        assert joined.shape == (groups * (common + each * (length - common)), 8)
        assert torch.equal(fork.spread(joined), x)

    @pytest.mark.parametrize("position, words", [("end", 8), ("middle", 5), ("front", 4)])
    @pytest.mark.parametrize("videos", [0, 3])
    def test_what_prompts_have_in_common_is_read_once_and_changes_nothing(self, position, words, videos):
        tower = tiny_tower()
        made = Context(tower, NAMES, words, shared=True, position=position)
        shift = torch.randn(videos, 32, requires_grad=True) if videos else None
        learned = [made.context, *([shift] if videos else [])]
        found = []
        for common in (made._common, 0):
            made._common = common
            features = made() if shift is None else made.shifted(shift)
            found.append((features, *gradients(features, learned)))
        for a, b in zip(*found, strict=True):
            torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-5)

    def test_fewer_positions_are_computed(self):
        tower, seen = tiny_tower(), []
        tower.text.transformer.resblocks[0].register_forward_hook(lambda m, x, y: seen.append(y.shape))
        made = Context(tower, NAMES, words=8, shared=True)
        made.shifted(torch.randn(5, 32))
        length = made.get_buffer("order").shape[1]
        assert seen == [(5 * (9 + 3 * (length - 9)), 32)]


class TestAttention:
    @pytest.mark.parametrize("shape, causal", [((2, 3, 7, 16), False), ((1, 2, 33, 64), True)])
    def test_bf16_is_as_near_to_float32_as_its_input_and_output_allow(self, shape, causal):
        q, k, v = (torch.randn(shape).bfloat16() for _ in range(3))
        seen = attend(q, k, v, causal=causal)
        expected = F.scaled_dot_product_attention(q.double(), k.double(), v.double(), is_causal=causal)
        assert seen.dtype == torch.bfloat16
        torch.testing.assert_close(seen.double(), expected, atol=1e-6, rtol=2**-8)

    def test_float32_is_torchs_own_to_the_bit(self):
        q, k, v = (torch.randn(2, 3, 9, 16) for _ in range(3))
        assert torch.equal(attend(q, k, v), F.scaled_dot_product_attention(q, k, v))

    def test_a_block_under_autocast_gives_gradients_to_float32_weights(self):
        tower = TwoTower(tiny_clip(), TOWER)
        with torch.autocast("cpu", torch.bfloat16):
            made = tower(torch.rand(2, 3, 32, 32))
        (found,) = gradients(made.float(), [tower.image.transformer.resblocks[0].attn.in_proj_weight])
        assert found.dtype == torch.float32 and found.abs().max() > 0


class TestPatches:
    @pytest.mark.parametrize("bias", [False, True])
    @pytest.mark.parametrize("size, patch", [((32, 32), 8), ((33, 47), 16), ((14, 28), (7, 14))])
    def test_a_product_is_the_convolution(self, size, patch, bias):
        conv = nn.Conv2d(3, 24, patch, patch, bias=bias)
        images = torch.rand(2, 3, *size)
        made, expected = PatchEmbedding(conv)(images), conv(images)
        torch.testing.assert_close(made, expected, atol=1e-5, rtol=1e-5)
        for a, b in zip(
            gradients(made, conv.parameters()), gradients(expected, conv.parameters()), strict=True
        ):
            torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)

    @pytest.mark.parametrize(
        "conv",
        [
            nn.Conv2d(3, 8, 3, stride=2, padding=1),
            nn.Conv2d(3, 8, 4, stride=4, padding=2),
            nn.Conv2d(3, 9, 4, stride=4, groups=3),
            nn.Conv2d(3, 8, 2, stride=2, dilation=2),
            nn.Identity(),
        ],
    )
    def test_other_convolutions_stay(self, conv):
        vision = nn.Module()
        vision.conv1 = conv
        assert not patches_by_product(vision) and vision.conv1 is conv
