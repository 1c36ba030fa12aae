"""C3D, P3D, I3D, 3D ResNet18 and R(2+1)D-18: sizes of the cards, torchvision, a reimplementation, files."""

import json
import os
from dataclasses import dataclass, field, replace

import conv3d_again as again
import pytest
import shrunk
import torch
import torchvision
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from dferbench import Stage, Task, cards
from dferbench.checkpoints.restore import open_checkpoint
from dferbench.cli import _run
from dferbench.errors import ConfigError, DataError, UnknownName
from dferbench.experiment.plan import Request, settle
from dferbench.machine.device import make_fabric
from dferbench.models import Batch
from dferbench.models.freezing import ever_trained
from dferbench.registry.catalog import discover
from dferbench.registry.options import resolve
from dferbench.testing import assert_contract, check_method
from dferbench_methods.conv3d.i3d import Pool, Unit, same
from dferbench_methods.conv3d.pixels import PIXELS, Pixels
from dferbench_methods.conv3d.residual import between

pytestmark = pytest.mark.slow

CATALOG = discover()
NAMES = ("c3d", "p3d", "i3d", "r3d18", "r2plus1d18")
SIZE = {"c3d": 112, "p3d": 160, "i3d": 224, "r3d18": 112, "r2plus1d18": 112}
SEVEN = ("happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear")
CLOSE = {"atol": 1e-4, "rtol": 1e-4}


def method(name):
    return CATALOG.get("methods", name).value


def build(name, classes=7, size=32, frames=16, seed=0, **options):
    torch.manual_seed(seed)
    task = Task("toy", tuple(f"class{i}" for i in range(classes)), frames, size)
    return method(name).make(task, None, **resolve(method(name), {"width": 8, **options})).eval()


def on_paper(name, classes=7, **options):
    """At its true size, without any memory."""
    with torch.device("meta"):
        return build(name, classes, SIZE[name], width=64, **options)


def count(module):
    return sum(p.numel() for p in module.parameters())


def videos(number=2, size=32, frames=16, seed=3):
    return torch.rand(number, frames, 3, size, size, generator=torch.Generator().manual_seed(seed))


def logits(model, seen=None):
    with torch.no_grad():
        return model.eval()(videos() if seen is None else seen)


# ---- the figures of the cards ------------------------------------------------------------------------------


class TestSizes:
    @pytest.mark.parametrize(
        ("name", "options", "seven", "eleven", "kinetics", "gmacs", "entries"),
        [
            ("c3d", {}, 78_024_455, 78_040_843, 79_634_576, 38.546993152, 22),
            ("c3d", {"bn": True}, 78_029_959, 78_046_347, 79_640_080, 38.546993152, 62),
            ("p3d", {}, 24_939_975, 24_948_171, 25_745_232, 8.441051136, 398),
            ("p3d", {"depth": 131}, 47_283_143, 47_291_339, 48_088_400, 12.897499136, 806),
            ("p3d", {"depth": 199}, 65_686_983, 65_695_179, 66_492_240, 18.402523136, 1214),
            ("i3d", {}, 12_294_439, 12_298_539, 12_697_264, 27.78757632, 344),
            ("r3d18", {}, 33_207_495, 33_209_547, 33_409_104, 8.307805696, 122),
            ("r3d18", {"shortcut": "a"}, 33_033_671, 33_035_723, 33_235_280, 8.296074752, 104),
            ("r3d18", {"variant": "torchvision"}, 33_169_863, 33_171_915, 33_371_472, 40.696352256, 122),
            ("r2plus1d18", {}, 31_303_716, 31_305_768, 31_505_325, 40.518879744, 224),
            ("r2plus1d18", {"midplanes": "vmz"}, 33_169_230, 33_171_282, 33_370_839, 41.49610752, 224),
            ("r2plus1d18", {"midplanes": "hara"}, 33_219_555, 33_221_607, 33_421_164, 8.476694016, 224),
        ],
    )
    def test_parameters_and_multiply_adds(self, name, options, seven, eleven, kinetics, gmacs, entries):
        for classes, expected in ((7, seven), (11, eleven), (400, kinetics)):
            assert count(on_paper(name, classes, **options)) == expected
        model = on_paper(name, **options)
        assert len(model.state_dict()) == entries
        with FlopCounterMode(display=False) as counter:
            out = model(torch.empty(1, 16, 3, SIZE[name], SIZE[name], device="meta"))
        assert counter.get_total_flops() == round(2 * gmacs * 1e9) and out.shape == (1, 7)

    def test_sports1m_and_hara_with_700_classes(self):
        assert count(on_paper("c3d", 487)) == 79_991_015
        assert count(on_paper("r3d18", 700)) == 33_563_004

    @pytest.mark.parametrize(
        ("name", "options", "parts"),
        [
            ("c3d", {}, {"conv1": 5_248, "conv2": 221_312, "conv3a": 884_992, "conv3b": 1_769_728,
                         "conv4a": 3_539_456, "conv4b": 7_078_400, "conv5a": 7_078_400, "conv5b": 7_078_400,
                         "fc6": 33_558_528, "fc7": 16_781_312, "fc8": 4_097 * 7}),
            ("p3d", {}, {"conv1_custom": 9_408, "bn1": 128, "layer1": 253_056, "layer2": 1_417_216,
                         "layer3": 8_281_088, "layer4": 14_964_736, "fc": 14_343}),
            ("i3d", {}, {"Conv3d_1a_7x7": 65_984, "Conv3d_2b_1x1": 4_224, "Conv3d_2c_3x3": 332_160,
                         "Mixed_3b": 386_272, "Mixed_3c": 837_888, "Mixed_4b": 737_760, "Mixed_4c": 904_464,
                         "Mixed_4d": 1_103_664, "Mixed_4e": 1_356_672, "Mixed_4f": 1_799_168,
                         "Mixed_5b": 1_974_272, "Mixed_5c": 2_784_736, "logits": 1_025 * 7}),
            ("r3d18", {}, {"trunk.stem": 65_984, "trunk.layer1": 442_880, "trunk.layer2": 1_557_760,
                           "trunk.layer3": 6_228_480, "trunk.layer4": 24_908_800, "fc": 513 * 7}),
            ("r3d18", {"variant": "torchvision"}, {"trunk.stem": 28_352, "trunk.layer4": 24_908_800}),
            ("r2plus1d18", {}, {"trunk.stem": 15_473, "trunk.layer1": 444_032, "trunk.layer2": 1_470_360,
                                "trunk.layer3": 5_874_736, "trunk.layer4": 23_495_524, "fc": 513 * 7}),
        ],
    )  # fmt: skip
    def test_parameters_of_parts(self, name, options, parts):
        net = on_paper(name, **options).net
        assert {part: count(net.get_submodule(part)) for part in parts} == parts

    @pytest.mark.parametrize(
        ("name", "options", "shapes"),
        [
            ("c3d", {}, {"conv1": (64, 16, 112, 112), "conv2": (128, 16, 56, 56), "conv3b": (256, 8, 28, 28),
                         "conv4b": (512, 4, 14, 14), "conv5b": (512, 2, 7, 7), "fc6": (4096,)}),
            ("p3d", {}, {"conv1_custom": (64, 16, 80, 80), "layer1": (256, 8, 40, 40),
                         "layer2": (512, 4, 20, 20), "layer3": (1024, 2, 10, 10), "layer4": (2048, 5, 5)}),
            ("i3d", {}, {"Conv3d_1a_7x7": (64, 8, 112, 112), "MaxPool3d_2a_3x3": (64, 8, 56, 56),
                         "MaxPool3d_3a_3x3": (192, 8, 28, 28), "Mixed_3c": (480, 8, 28, 28),
                         "MaxPool3d_4a_3x3": (480, 4, 14, 14), "Mixed_4b": (512, 4, 14, 14),
                         "Mixed_4e": (528, 4, 14, 14), "Mixed_4f": (832, 4, 14, 14),
                         "MaxPool3d_5a_2x2": (832, 2, 7, 7), "Mixed_5c": (1024, 2, 7, 7)}),
            ("r3d18", {}, {"trunk.stem": (64, 8, 28, 28), "trunk.layer1": (64, 8, 28, 28),
                           "trunk.layer2": (128, 4, 14, 14), "trunk.layer4": (512, 1, 4, 4)}),
            ("r3d18", {"variant": "torchvision"}, {"trunk.stem": (64, 16, 56, 56),
                                                   "trunk.layer3": (256, 4, 14, 14),
                                                   "trunk.layer4": (512, 2, 7, 7)}),
            ("r2plus1d18", {}, {"trunk.stem": (64, 16, 56, 56), "trunk.layer2": (128, 8, 28, 28),
                                "trunk.layer4": (512, 2, 7, 7)}),
            ("r2plus1d18", {"midplanes": "hara"}, {"trunk.stem": (64, 8, 28, 28)}),
        ],
    )  # fmt: skip
    def test_shapes_on_the_way(self, name, options, shapes):
        model, seen = on_paper(name, **options), {}
        for part in shapes:
            model.net.get_submodule(part).register_forward_hook(
                lambda module, given, out, part=part: seen.update({part: tuple(out.shape[1:])})
            )
        model(torch.empty(1, 16, 3, SIZE[name], SIZE[name], device="meta"))
        assert seen == shapes

    def test_c3d_ends_in_8192_and_other_sizes_in_what_is_left(self):
        assert on_paper("c3d").net.fc6.in_features == 8192
        for size, frames in ((16, 16), (48, 17), (63, 32)):
            net = build("c3d", size=size, frames=frames).net
            with torch.no_grad():
                assert net.convolved(videos(1, size, frames)).flatten(1).shape[1] == net.fc6.in_features

    @pytest.mark.parametrize(
        ("midplanes", "expected"),
        [("torchvision", [144] * 4 + [230, 230, 288, 288, 460, 460, 576, 576, 921, 921, 1152, 1152]),
         ("vmz", [144] * 4 + [230, 288, 288, 288, 460, 576, 576, 576, 921, 1152, 1152, 1152])],
    )  # fmt: skip
    def test_midplanes(self, midplanes, expected):
        trunk = on_paper("r2plus1d18", midplanes=midplanes).net.trunk
        blocks = [block for i in range(1, 5) for block in trunk.get_submodule(f"layer{i}")]
        assert [conv[0].out_channels for block in blocks for conv in (block.conv1, block.conv2)] == expected
        assert trunk.stem[0].out_channels == 45 and between(3, 64, 7, 7) == 110

    def test_p3d_kinds_alternate_through_the_net(self):
        net = on_paper("p3d").net
        kinds = "".join(block.kind for i in range(1, 4) for block in net.get_submodule(f"layer{i}"))
        assert kinds == "ABCABCABCABCA"


# ---- an independent implementation, through files in official formats --------------------------------------


def dfew(state):
    """As DFEW's repository saves: next to seed and optimizer, with DataParallel's prefix."""
    named = {f"module.{name}": tensor for name, tensor in state.items()}
    return {"seed": 1, "epo": 3, "model_state_dict": named, "optimizer_state_dict": {"state": {}}}


def hara_file(state):
    return {"epoch": 200, "arch": "resnet-18", "state_dict": state}


def under_state_dict(state):
    return {"state_dict": state}


@dataclass
class Official:
    """A net by hand, the options of ours that it is, and how its code saves it."""

    method: str
    run: object
    options: dict = field(default_factory=dict)
    ours: dict = field(default_factory=dict)
    wrap: object = dict
    head: str = "fc.weight"

    def draw(self, size=32, classes=7):
        """The state dict, and the logits of the test videos."""
        net, seen = again.Drawn(), videos(size=size)
        return (self.run(net, seen, classes=classes, **self.options), net.state)[::-1]

    def write(self, path, state):
        torch.save(self.wrap(state), path)
        return str(path)


OFFICIAL = {
    "c3d port": Official("c3d", again.c3d, head="fc8.weight"),
    "c3d DFEW": Official("c3d", again.c3d, {"bn": True}, {"bn": True}, dfew, "fc8.weight"),
    "c3d mmaction": Official("c3d", again.c3d, {"mmaction": "bare"}, head="cls_head.fc_cls.weight"),
    "c3d mmaction whole": Official(
        "c3d", again.c3d, {"mmaction": "backbone.", "bn": True}, {"bn": True}, under_state_dict,
        "cls_head.fc_cls.weight",
    ),
    "p3d port": Official("p3d", again.p3d, {}, {"relu": "port"}, under_state_dict),
    "p3d official": Official("p3d", again.p3d, {"port": False}),
    "p3d 199": Official(
        "p3d", again.p3d, {"blocks": (3, 8, 36, 3), "width": 2},
        {"depth": 199, "relu": "port", "width": 2}, dfew,
    ),
    "i3d port": Official("i3d", again.i3d, head="logits.conv3d.weight"),
    "i3d DFEW": Official("i3d", again.i3d, {}, {}, dfew, "logits.conv3d.weight"),
    "r3d18 Hara": Official("r3d18", again.hara, wrap=hara_file),
    "r3d18 Hara a": Official("r3d18", again.hara, {"shortcut": "a"}, {"shortcut": "a"}, hara_file),
    "r2plus1d18 Hara": Official("r2plus1d18", again.hara_split, {}, {"midplanes": "hara"}, hara_file),
    "r2plus1d18 VMZ": Official("r2plus1d18", again.vmz, {}, {"midplanes": "vmz"}, dfew),
}  # fmt: skip


class TestFiles:
    @pytest.mark.parametrize("case", OFFICIAL.values(), ids=OFFICIAL)
    def test_a_file_in_official_format_gives_its_logits(self, tmp_path, case):
        state, expected = case.draw()
        assert expected.std() > 1e-2 and expected.std(0).max() > 1e-4
        path = case.write(tmp_path / "file.pth", state)
        model = build(case.method, weights=path, **case.ours)
        torch.testing.assert_close(logits(model), expected, **CLOSE)
        assert model.notes["weights"]["file"] == "file.pth" and len(model.notes["weights"]["sha256"]) == 64
        assert model.notes["classifier"] == "from the file"

    @pytest.mark.parametrize("case", OFFICIAL.values(), ids=OFFICIAL)
    def test_another_number_of_classes_keeps_all_but_the_classifier(self, tmp_path, case):
        state, _ = case.draw(classes=9)
        model = build(case.method, weights=case.write(tmp_path / "file.pth", state), **case.ours)
        fresh = build(case.method, seed=5, **case.ours).state_dict()
        assert logits(model).shape == (2, 7) and model.notes["classifier"] == "from scratch"
        taken = [
            n for n, t in model.state_dict().items() if t.is_floating_point() and not torch.equal(t, fresh[n])
        ]
        assert len(taken) >= len([t for t in state.values() if t.is_floating_point()]) - 2

    @pytest.mark.parametrize("case", OFFICIAL.values(), ids=OFFICIAL)
    def test_damage_is_refused_by_its_key(self, tmp_path, case):
        state, _ = case.draw()
        name = next(n for n, t in state.items() if t.ndim == 5 and n != case.head)
        path = tmp_path / "file.pth"
        for bad, words in [
            ({n: t for n, t in state.items() if n != name}, f"lacks the weights '{name}'"),
            ({**state, name: state[name][:-1]}, f"'{name}' is of shape"),
            ({**state, name: state[name] * torch.nan}, f"'{name}' holds numbers that are not finite"),
            ({**state, "extra.weight": torch.ones(1)}, "holds 'extra.weight'"),
        ]:
            case.write(path, bad)
            with pytest.raises(DataError, match=words) as caught:
                build(case.method, weights=str(path), **case.ours)
            assert str(path) in caught.value.message

    @pytest.mark.parametrize("name", NAMES)
    def test_a_planted_pickle_is_not_run(self, tmp_path, name):
        class Planted:
            def __reduce__(self):
                return (os.mkdir, (str(tmp_path / "run"),))

        torch.save({"state_dict": Planted()}, tmp_path / "bad.pth")
        with pytest.raises(DataError, match=r"mkdir.*refused"):
            build(name, weights=str(tmp_path / "bad.pth"))
        assert not (tmp_path / "run").exists()
        with pytest.raises(DataError, match=r"there is no file .*none\.pth"):
            build(name, weights=str(tmp_path / "none.pth"))

    def test_a_trunk_alone_starts_a_c3d(self, tmp_path):
        case = OFFICIAL["c3d mmaction"]
        state, _ = case.draw()
        trunk = {name: tensor for name, tensor in state.items() if not name.startswith("cls_head.")}
        model = build("c3d", weights=case.write(tmp_path / "c3d.pth", trunk))
        assert torch.equal(model.net.conv5b.weight, state["conv5b.conv.weight"])
        assert model.notes["classifier"] == "from scratch" and build("c3d").notes == {
            "weights": "from scratch"
        }

    def test_the_two_places_of_p3ds_relu_are_two_functions(self, tmp_path):
        path = OFFICIAL["p3d port"].write(tmp_path / "p3d.pth", OFFICIAL["p3d port"].draw()[0])
        port, official = (build("p3d", weights=path, relu=relu) for relu in ("port", "official"))
        assert not torch.allclose(logits(port), logits(official), atol=1e-2)


class TestTorchvision:
    @pytest.mark.parametrize(
        ("name", "options", "make"),
        [("r3d18", {"variant": "torchvision"}, torchvision.models.video.r3d_18),
         ("r2plus1d18", {}, torchvision.models.video.r2plus1d_18)],
    )  # fmt: skip
    def test_its_weights_give_its_logits(self, tmp_path, name, options, make):
        torch.manual_seed(1)
        theirs = make(weights=None, num_classes=7).eval()
        for module in theirs.modules():
            if isinstance(module, torch.nn.BatchNorm3d):
                module.running_mean.normal_(0, 0.1), module.running_var.uniform_(0.5, 2)
                torch.nn.init.uniform_(module.weight, 0.5, 1.5), torch.nn.init.normal_(module.bias, 0, 0.1)
        torch.save(theirs.state_dict(), tmp_path / "theirs.pth")
        model = build(name, width=64, weights=str(tmp_path / "theirs.pth"), **options)
        seen = videos(frames=8)
        with torch.no_grad():
            expected = theirs(seen.transpose(1, 2))
        assert expected.std() > 1e-2
        torch.testing.assert_close(logits(model, seen), expected, atol=1e-5, rtol=1e-5)


# ---- whole trained nets ------------------------------------------------------------------------------------

WHOLE = [name for name, case in OFFICIAL.items() if name not in ("c3d mmaction", "p3d official")]


class TestConvert:
    @pytest.mark.parametrize("name", WHOLE)
    def test_an_official_file_becomes_ours_and_predicts_the_same(self, tmp_path, name):
        case = OFFICIAL[name]
        size = SIZE[case.method]
        state, _ = case.draw(size) if case.method == "c3d" else case.draw()
        path = case.write(tmp_path / "best.pth", state)
        assert _run(["import", path, "-m", case.method, "-o", str(tmp_path / "ours.safetensors")]) == 0
        opened = open_checkpoint(tmp_path / "ours.safetensors", CATALOG, make_fabric("cpu", "fp32"))
        net = again.Drawn()
        net.state = state
        seen = videos(1, size if case.method == "c3d" else 32)
        torch.testing.assert_close(logits(opened.model, seen), case.run(net, seen, **case.options), **CLOSE)
        assert opened.classes == SEVEN and opened.input.size == size
        assert bool(opened.facts["notes"]) and opened.facts["input_from"].startswith("the recipe of ")

    def test_damage_and_other_nets_are_refused_by_name(self, tmp_path, capsys):
        state = OFFICIAL["r3d18 Hara"].draw()[0]
        path = tmp_path / "best.pth"
        for bad, name, words in [
            ({n: t for n, t in state.items() if n != "layer2.0.bn1.bias"}, "r3d18", "layer2.0.bn1.bias"),
            ({n: t for n, t in state.items() if n != "fc.weight"}, "r3d18", "'fc.weight'"),
            ({**state, "more": torch.ones(1)}, "r3d18", "'more'"),
            ({**state, "fc.weight": torch.ones(7, 3)}, "r3d18", "'fc.weight' is of shape"),
            ({**state, "fc.weight": torch.ones(5, 64), "fc.bias": torch.ones(5)}, "r3d18", "5 classes"),
            (state, "c3d", "fc8.weight"),
            (state, "p3d", "blocks in its stages"),
            (state, "i3d", "Conv3d_1a_7x7.conv3d.weight"),
            (state, "r2plus1d18", "layer2.0.conv1.0.0.weight"),
        ]:
            torch.save(bad, path)
            assert _run(["import", str(path), "-m", name, "-o", str(tmp_path / "o.safetensors")]) != 0
            said = capsys.readouterr().err
            assert words in said and "Traceback" not in said, said
            assert not (tmp_path / "o.safetensors").exists()

    def test_options_that_contradict_the_file_are_refused(self, tmp_path, capsys):
        path = OFFICIAL["p3d port"].write(tmp_path / "p3d.pth", OFFICIAL["p3d port"].draw()[0])
        assert _run(["import", path, "-m", "p3d", "--set", "depth=199"]) != 0
        assert "depth is 63, not 199" in capsys.readouterr().err


# ---- parts -------------------------------------------------------------------------------------------------


class TestI3D:
    @pytest.mark.parametrize("kernel", [(7, 7, 7), (3, 3, 3), (1, 3, 3), (2, 2, 2)])
    @pytest.mark.parametrize("stride", [(1, 1, 1), (2, 2, 2), (1, 2, 2)])
    @pytest.mark.parametrize("shape", [(5, 7, 9), (4, 8, 6), (1, 1, 2)])
    def test_same_padding_is_what_tensorflow_defines(self, kernel, stride, shape):
        padded, rest = same(torch.zeros(1, 1, *shape), kernel, stride)
        for n, p, k, s, size in zip(padded.shape[2:], rest, kernel, stride, shape, strict=True):
            out = -(-size // s)
            assert (n + 2 * p - k) // s + 1 == out or k < s
            assert n + 2 * p - size == max((out - 1) * s + k - size, 0)

    def test_units_and_pools_of_odd_maps_have_the_ceiling(self):
        x = torch.rand(1, 2, 5, 7, 9)
        assert Unit(2, 3, 7, 2).eval()(x).shape == (1, 3, 3, 4, 5)
        assert Pool((3, 3, 3), (2, 2, 2))(x).shape == (1, 2, 3, 4, 5)

    def test_an_inflated_filter_sees_a_still_clip_as_the_flat_one_sees_its_frame(self):
        unit, frame = Unit(3, 4, 3).eval(), torch.rand(1, 3, 9, 9)
        flat = torch.randn(4, 3, 3, 3)
        unit.conv3d.weight.data = flat[:, :, None].expand(-1, -1, 3, -1, -1) / 3
        out = unit(frame[:, :, None].expand(-1, -1, 5, -1, -1))
        expected = F.relu(F.conv2d(frame, flat, padding=1) / (1 + 1e-3) ** 0.5)
        for t in range(1, 4):
            torch.testing.assert_close(out[:, :, t], expected, atol=1e-5, rtol=1e-5)

    def test_both_pools_agree_on_16_frames_of_224_and_differ_on_32(self, tmp_path):
        net = again.Drawn()
        expected = again.i3d(net, videos(1, 224, 32), width=4, official=True)
        torch.save(net.state, tmp_path / "i3d.pt")
        models = [
            build("i3d", size=224, frames=frames, width=4, pool=pool, weights=str(tmp_path / "i3d.pt"))
            for pool, frames in (("official", 32), ("adaptive", 32), ("official", 16), ("adaptive", 16))
        ]
        long, short = videos(1, 224, 32), videos(1, 224, 16)
        torch.testing.assert_close(logits(models[0], long), expected, **CLOSE)
        assert not torch.allclose(logits(models[0], long), logits(models[1], long), atol=1e-4)
        torch.testing.assert_close(logits(models[2], short), logits(models[3], short), **CLOSE)

    @pytest.mark.parametrize(("size", "frames"), [(112, 16), (256, 16), (224, 8)])
    def test_the_official_pool_says_where_it_does_not_fit(self, size, frames):
        with pytest.raises(ConfigError, match=rf"2x7x7 do not fit .* {frames} frames of {size}"):
            build("i3d", size=size, frames=frames, pool="official")


class TestPixels:
    def test_vectors(self):
        video = torch.tensor([0.0, 0.5, 1.0]).view(1, 1, 3, 1, 1)
        for name, expected in {
            "unit": (0, 0.5, 1),
            "signed": (-1, 0, 1),
            "kinetics": (-0.43216 / 0.22803, (0.5 - 0.394666) / 0.22145, (1 - 0.37645) / 0.216989),
            "hara": (-0.4345 / 0.2768, (0.5 - 0.4051) / 0.2713, (1 - 0.3775) / 0.2737),
            "sports1m": (255 - 90.25, 127.5 - 97.66, -101.41),
            "mmaction": (255 - 104, 127.5 - 117, -128),
            "caffe": (255 - 104, 127.5 - 117, -123),
        }.items():
            assert Pixels(name)(video).flatten().tolist() == pytest.approx(expected, abs=1e-3), name
        assert len(PIXELS) == 7 and not Pixels("hara").state_dict()

    @pytest.mark.parametrize("name", NAMES)
    def test_every_net_takes_them(self, name):
        plain, other = build(name), build(name, pixels="signed")
        torch.testing.assert_close(logits(other), logits(plain, videos() * 2 - 1), **CLOSE)


class TestOptions:
    @pytest.mark.parametrize(
        ("name", "options", "words"),
        [
            ("p3d", {"relu": "none"}, "relu"),
            ("i3d", {"pool": "max"}, "pool"),
            ("r3d18", {"variant": "kinetics"}, "no variant of .* named"),
            ("r3d18", {"shortcut": "c"}, "shortcut"),
            ("r2plus1d18", {"midplanes": "mid"}, "midplanes"),
            ("c3d", {"pixels": "rgb"}, "pixels"),
        ],
    )
    def test_unknown_words_are_refused(self, name, options, words):
        with pytest.raises(UnknownName, match=words):
            build(name, **options)

    @pytest.mark.parametrize("name", NAMES)
    def test_impossible_numbers_are_refused(self, name):
        with pytest.raises(ConfigError, match="width"):
            build(name, width=0)
        if name == "p3d":
            with pytest.raises(ConfigError, match="depth of p3d must be one of 63, 131, 199, got 50"):
                build(name, depth=50)
        if name in ("c3d", "p3d", "i3d"):
            for dropout in (-0.1, 1.0):
                with pytest.raises(ConfigError, match=f"dropout of .* got {dropout}"):
                    build(name, dropout=dropout)

    def test_frames_and_sizes_that_leave_nothing_are_refused(self):
        with pytest.raises(ConfigError, match="15 x 15"):
            build("c3d", size=15)
        for frames in (8, 32):
            with pytest.raises(ConfigError, match=f"{frames} frames"):
                build("p3d", frames=frames)
        for frames in (4, 16, 33):
            assert logits(build("i3d", frames=frames), videos(frames=frames)).shape == (2, 7)

    @pytest.mark.parametrize("name", ("c3d", "p3d", "i3d"))
    def test_dropout_acts_in_training_only(self, name):
        model, seen = build(name), videos()
        assert not torch.equal(model.train()(seen), model(seen))
        still = build(name, dropout=0.0)
        for module in still.train().modules():
            module.eval() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm) else None
        torch.testing.assert_close(still(seen), logits(still, seen), **CLOSE)


# ---- learning ----------------------------------------------------------------------------------------------


class TestLearning:
    @pytest.mark.parametrize(
        ("name", "options"),
        [("c3d", {"bn": False}), ("p3d", {"relu": "port"}), ("r2plus1d18", {"midplanes": "hara"})],
    )
    def test_variants_keep_the_contract_too(self, name, options):
        assert_contract(name, CATALOG, **options)

    @pytest.mark.parametrize("name", NAMES)
    def test_everything_learns_in_every_recipe(self, name):
        model = build(name)
        for recipe in (method(name).recipe, *method(name).recipe_for.values()):
            assert ever_trained(model, recipe) == {n for n, _ in model.named_parameters()}

    @pytest.mark.long
    @pytest.mark.parametrize("name", NAMES)
    def test_sixteen_faces_are_learned_by_heart(self, name):
        # Dropout, and running means that move slowly, would only make an I3D take longer.
        options = {"c3d": {"bn": True}, "i3d": {"dropout": 0.0}, "r2plus1d18": {"width": 4}}.get(name, {})
        model = shrunk.build(name, size=32, **{"width": 8, **options})
        stage = Stage({".*": 1e-3 if name == "c3d" else 2e-3}, epochs=1, optimizer="adam")
        assert shrunk.learns_by_heart(model, stage, *shrunk.drawn_faces(16, 32), steps=300)

    @pytest.mark.parametrize("name", NAMES)
    def test_the_order_of_frames_matters(self, name):
        model, seen = build(name), videos()
        assert not torch.allclose(logits(model, seen), logits(model, seen.flip(1)), atol=1e-6)

    @pytest.mark.parametrize("name", NAMES)
    def test_one_video_can_be_trained_on_at_the_recipes_size(self, name):
        for recipe, narrow in ((method(name).recipe, 2), (method(name).recipe_for["synthetic"], 2)):
            size = recipe.input.size
            model = build(name, size=size, width=narrow).train()
            batch = Batch(videos(1, size), torch.tensor([1]), [{}], "train", 0.0)
            assert torch.isfinite(model.loss(batch)["ce"])


class TestDeclaration:
    @pytest.mark.parametrize("name", NAMES)
    def test_recipes(self, name):
        recipe, own = method(name).recipe, method(name).recipe_for
        (stage,) = recipe.stages
        assert (recipe.input.frames, recipe.input.size, recipe.input.normalize) == (16, SIZE[name], "none")
        assert stage.train == {".*": 3e-3 if name == "c3d" else 1e-2}
        assert (stage.batch, stage.epochs, stage.schedule) == (32, 100, "every(40)")
        assert (stage.optimizer, stage.weight_decay) == ("sgd(momentum=0.9)", 1e-4)
        if name == "r3d18":
            assert own["dfew"].input.sample == "segments(duration=2, short=first-frame)"
            assert own["dfew"].stages == recipe.stages
        else:
            (stage,) = own["dfew"].stages
            assert (own["dfew"].input.sample, own["dfew"].input.augment) == ("uniform", "")
            assert (stage.train, stage.optimizer, stage.schedule) == ({".*": 1e-3}, "adam", "constant")
        assert ("mafw" in own) == (name == "c3d")

    def test_the_nets_of_dfews_repository_come_with_its_recipe(self):
        assert method("c3d").options_for["dfew"] == {"bn": True, "start": "dfew"}
        assert method("p3d").options_for["dfew"] == {"relu": "port", "start": "dfew"}
        assert all(method(name).options_for["synthetic"]["width"] == 16 for name in NAMES)

    @pytest.mark.parametrize(
        ("dataset", "sets", "bn", "width"),
        [
            ("dfew", {}, True, 64),
            ("dfew", {"bn": "false"}, False, 64),
            ("mafw", {}, False, 64),
            ("synthetic", {}, True, 16),
            ("synthetic", {"width": "8"}, True, 8),
        ],
    )
    def test_options_of_a_dataset_stand_in_for_defaults_and_the_users_win(self, dataset, sets, bn, width):
        options = settle(Request("c3d", dataset, sets), CATALOG).options
        assert (options["bn"], options["width"]) == (bn, width)

    def test_the_check_names_an_option_of_a_dataset_that_is_not_there(self):
        catalog = discover()
        entry = catalog.entries["methods"]["r3d18"]
        wrong = replace(entry.value, options_for={"dfew": {"depht": 18}})
        catalog.entries["methods"]["r3d18"] = replace(entry, value=wrong)
        broken = [o for o in check_method("r3d18", catalog, {"width": 2}) if not o.ok]
        assert len(broken) == 1 and "depht" in broken[0].reason

    @pytest.mark.parametrize("name", NAMES)
    def test_cards(self, name):
        card = method(name).card
        assert not cards.read(card).more and all(card.values()) and card["unknowns"]
        assert card["fidelity"].split(":")[0] == "paper" and f"{SIZE[name]} x {SIZE[name]}" in card["input"]
        json.dumps(card)
