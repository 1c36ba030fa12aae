"""How numbers are computed: what `compute` changes, what the record keeps of it, and what is refused."""

import json

import pytest
import torch
from conftest import TOY
from torch import nn

from dferbench.errors import ConfigError, UnknownName
from dferbench.experiment import record
from dferbench.experiment.plan import Request, settle
from dferbench.machine.compiled import compile_blocks, repeated
from dferbench.machine.numerics import compute_by, fitted_to
from dferbench.registry.catalog import discover
from dferbench.training.optimizers import make_optimizer
from dferbench.types import Compute, Stage

CATALOG = discover()


@pytest.fixture(autouse=True)
def usual_afterwards():
    yield
    compute_by(Compute())


def settled(**compute):
    sets = {f"compute.{name}": str(value).lower() for name, value in compute.items()}
    return settle(Request("former-dfer", "synthetic", sets=sets), CATALOG)


class TestSettings:
    def test_defaults_that_are_written_out_are_the_same_configuration(self):
        written = settled(deterministic=True, tf32=False, channels_last=False, fused=False, compile=False)
        assert written.config_id == settled().config_id

    def test_each_that_changes_bits_is_a_configuration_of_its_own(self):
        changes = [
            {"deterministic": False},
            *({n: True} for n in ("tf32", "channels_last", "fused", "compile")),
        ]
        found = [settled(**change) for change in changes]
        assert len({one.config_id for one in [settled(), *found]}) == 6
        assert [one.recipe.compute for one in found] == [Compute(**change) for change in changes]

    @pytest.mark.parametrize("name, value", [("tf32", "yes please"), ("compile", "2"), ("fused", "0.5")])
    def test_only_true_and_false_are_taken(self, name, value):
        with pytest.raises(ConfigError, match=f"option '{name}' must be true or false, got '{value}'"):
            settled(**{name: value})

    def test_an_unknown_one_is_told_with_those_there_are(self):
        with pytest.raises(UnknownName, match="no field of compute named 'tf23'"):
            settled(tf23=True)

    def test_switches_are_set_anew_for_each(self):
        compute_by(Compute(deterministic=False, tf32=True))
        assert torch.get_deterministic_debug_mode() == 0 and torch.backends.cuda.matmul.allow_tf32
        compute_by(Compute())
        assert torch.get_deterministic_debug_mode() == 1
        assert not torch.backends.cuda.matmul.allow_tf32 and not torch.backends.cudnn.allow_tf32

    @pytest.mark.parametrize("deterministic", [True, False])
    def test_new_tensors_are_never_filled(self, deterministic):
        torch.utils.deterministic.fill_uninitialized_memory = True
        compute_by(Compute(deterministic=deterministic))
        assert not torch.utils.deterministic.fill_uninitialized_memory


class TestRecords:
    def run(self, in_process, toy_root, *more):
        command = ["--plugin", TOY, "run", "-m", "toy-net", "-d", "toy", "--root", toy_root, "--epochs", "2"]
        done = in_process(*command, "--json", *more, check=0)
        return json.loads(done.stdout)["records"][0]

    def test_a_record_keeps_how_it_was_computed(self, in_process, toy_root, tmp_path):
        plain = self.run(in_process, toy_root)
        assert plain["recipe"]["compute"] == {
            "deterministic": True, "tf32": False, "channels_last": False, "fused": False, "compile": False,
        }  # fmt: skip
        fused = self.run(in_process, toy_root, "--set", "compute.fused=true")
        assert fused["recipe"]["compute"]["fused"] and fused["config_id"] != plain["config_id"]
        assert len(list(record.find(tmp_path / "runs"))) == 2

    def test_a_record_of_before_means_the_defaults(self):
        assert record.compute_of({"input": {}})["deterministic"]
        assert record.compute_of({"compute": {"tf32": True}})["tf32"]

    def test_what_is_not_compiled_is_said_and_kept(self, in_process, toy_root):
        """The toy has no block that repeats."""
        one = self.run(in_process, toy_root, "--set", "compute.compile=true")
        assert one["notes"]["not compiled"] == ["nothing is compiled: the model repeats no block"]


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 4)

    def forward(self, x):
        return x + self.inner(x).relu()


def stack():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 4), Block(), Block())


class TestCompile:
    def test_blocks_that_repeat_are_found_and_others_are_not(self):
        model = nn.Sequential(stack(), nn.ModuleList([nn.ReLU(), nn.ReLU()]), nn.Sequential(Block()))
        assert list(repeated(model)) == list(model[0][1:])

    @pytest.mark.heavy
    def test_compiled_blocks_compute_the_same_and_names_stay(self):
        plain, compiled, said = stack(), stack(), []
        x = torch.randn(3, 4)
        compile_blocks(compiled, said.append)
        torch.testing.assert_close(compiled(x), plain(x))
        for a, b in zip(
            torch.autograd.grad(compiled(x).sum(), compiled.parameters()),
            torch.autograd.grad(plain(x).sum(), plain.parameters()),
            strict=True,
        ):
            torch.testing.assert_close(a, b)
        assert compiled.state_dict().keys() == plain.state_dict().keys()

    def test_a_block_that_cannot_be_compiled_runs_as_it_is_and_one_reason_is_told_once(self):
        """On a machine without a C++ compiler, or with a broken one, every block fails in the same way."""
        from torch._inductor import config

        torch.compiler.reset()  # what an earlier test compiled would be used again
        plain, model, said = stack(), stack(), []
        x = torch.randn(3, 4)
        with config.patch({"cpp.cxx": ("/nowhere/c++",), "force_disable_caches": True}):
            reasons = compile_blocks(model, said.append)
            made = model(x)
            model(x)
        assert torch.equal(made, plain(x))
        assert (
            reasons == said and len(said) == 1 and said[0].startswith("a block is not compiled and runs as")
        )


class TestFused:
    @pytest.mark.parametrize("name", ["sgd(momentum=0.9)", "adam", "adamw"])
    def test_one_kernel_does_what_several_do(self, name):
        found = []
        for fused in (False, True):
            model, stage = stack(), Stage({".*": 0.1}, 1, optimizer=name, weight_decay=0.01)
            optimizer = make_optimizer(model, stage, CATALOG, fused)
            for _ in range(3):
                optimizer.zero_grad()
                model(torch.ones(2, 4)).square().sum().backward()
                optimizer.step()
            found.append([p.detach().clone() for p in model.parameters()])
        torch.testing.assert_close(*found)

    def test_an_optimizer_without_one_is_refused(self):
        stage = Stage({".*": 0.1}, 1, optimizer="timm(lamb)")
        with pytest.raises(ConfigError, match=r"'timm\(lamb\)' has no fused kernel") as found:
            make_optimizer(stack(), stage, CATALOG, fused=True)
        assert "compute.fused" in found.value.hint


def test_channels_last_reaches_2d_convolutions_alone_and_changes_no_shape():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Unflatten(1, (2, 4)), nn.Conv3d(2, 4, 1))
    before = {name: tensor.shape for name, tensor in model.state_dict().items()}
    assert fitted_to(Compute(channels_last=True), model, print) == []
    assert model[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert not model[0].weight.is_contiguous() and model[3].weight.is_contiguous()
    assert model[0](torch.rand(2, 3, 9, 9)).is_contiguous(memory_format=torch.channels_last)
    assert {name: tensor.shape for name, tensor in model.state_dict().items()} == before
