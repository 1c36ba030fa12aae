"""State dicts in the wrappings of trainers: whatever is nested how deep, the model's own names come out."""

import random

import pytest
import torch
from safetensors.torch import save_file

from dferbench.errors import DataError
from dferbench.models.torch_files import read_foreign, read_wrapped
from dferbench.models.wrappings import unwrap

STATE = {
    "s_former.conv1.weight": torch.rand(2, 3),
    "s_former.bn1.num_batches_tracked": torch.tensor(3),
    "t_former.pos_embedding": torch.rand(1, 4),
    "cls_token": torch.rand(1, 2),
    "fc.bias": torch.rand(7),
}
OPTIMIZER = {"state": {0: {"exp_avg": torch.rand(3)}}, "param_groups": [{"lr": 0.1}]}
RANDOM = {"torch": torch.zeros(5, dtype=torch.uint8)}


def begun(prefix):
    return lambda state: {prefix + name: tensor for name, tensor in state.items()}


def below(name, **beside):
    return lambda content: {"epoch": 3, **beside, name: content}


def compiled_part(state):
    return {name.replace("s_former.", "s_former._orig_mod."): tensor for name, tensor in state.items()}


PREFIXES = {
    "DataParallel": begun("module."),
    "torch.compile": begun("_orig_mod."),
    "Lightning": begun("model."),
    "net": begun("net."),
    "a compiled part": compiled_part,
    "AveragedModel": lambda state: {"n_averaged": torch.tensor(9), **begun("module.")(state)},
}
MAPPINGS = {
    "state_dict": below("state_dict", best_acc=torch.tensor(0.5), optimizer=OPTIMIZER),
    "Lightning": below("state_dict", callbacks={"Best": {"best": 1.0}}, loops={}, optimizer_states=[{}]),
    "model": below("model", args={"lr": 0.1}, rng=RANDOM),
    "DeepSpeed": below("module", mp_world_size=1, optimizer=None),
    "average alone": below("model_ema"),
    "timm's average alone": below("state_dict_ema"),
    "net": below("net", acc=1.0),
    "model_state": below("model_state"),
    "a name of one's own": below("student", history=[1.0, 2.0]),
}  # fmt: skip


def assert_same(found):
    assert found.keys() == STATE.keys()
    assert all(torch.equal(found[name], STATE[name]) for name in STATE)


@pytest.mark.parametrize("seed", range(60))
def test_any_nesting_is_unwrapped(seed, tmp_path):
    draw = random.Random(seed)
    content = dict(STATE)
    chosen = [draw.choice(list(PREFIXES)) for _ in range(draw.randrange(4))]
    chosen += [draw.choice(list(MAPPINGS)) + " below" for _ in range(draw.randrange(4))]
    for name in chosen:
        wrap = MAPPINGS[name.removesuffix(" below")] if name.endswith(" below") else PREFIXES[name]
        content = wrap(content)
    torch.save(content, tmp_path / "x.pth")
    assert_same(read_foreign(tmp_path / "x.pth"))


@pytest.mark.parametrize("wrap", [dict, begun("module."), begun("model._orig_mod.")])
def test_safetensors_of_others(tmp_path, wrap):
    save_file(wrap(STATE), tmp_path / "x.safetensors", {"format": "pt"})
    assert_same(read_foreign(tmp_path / "x.safetensors"))


def test_a_checkpoint_of_ours_is_no_file_to_start_from(tmp_path):
    save_file(STATE, tmp_path / "x.safetensors", {"dferbench": "{}"})
    with pytest.raises(DataError, match="is a checkpoint of dferbench"):
        read_foreign(tmp_path / "x.safetensors")


OTHER = {name: tensor + 1 for name, tensor in STATE.items()}
BESIDE = {
    "timm": ({"state_dict": STATE, "state_dict_ema": OTHER}, "state_dict_ema"),
    "MAE": ({"model": STATE, "model_ema": begun("module.")(OTHER), "optimizer": OPTIMIZER}, "model_ema"),
    "Lightning": ({"state_dict": begun("model.")(STATE) | begun("ema_model.")(OTHER)}, "ema_model"),
}


@pytest.mark.parametrize("kind", BESIDE)
def test_of_a_model_and_its_average_the_model_is_taken_unless_the_other_is_named(kind, tmp_path):
    content, average = BESIDE[kind]
    torch.save(content, tmp_path / "x.pth")
    read = read_wrapped(tmp_path / "x.pth")
    assert_same(read.state)
    assert f"'{average}' next to it was left out" in read.notes[0]
    other = read_wrapped(tmp_path / "x.pth", average)
    assert all(torch.equal(other.state[name], OTHER[name]) for name in STATE)
    assert f"those of '{average}', the moving average" in other.notes[0]
    with pytest.raises(DataError, match="has no part 'average'"):
        read_wrapped(tmp_path / "x.pth", "average")


def test_another_model_in_the_file_is_said_to_be_left_out(tmp_path):
    torch.save({"state_dict": STATE, "best_state_dict": OTHER, "optimizer": OPTIMIZER}, tmp_path / "x.pth")
    read = read_wrapped(tmp_path / "x.pth")
    assert_same(read.state)
    assert len(read.notes) == 1 and "'best_state_dict' next to it was left out" in read.notes[0]


def test_names_of_the_model_itself_stay():
    """A backbone is no wrapper, and two parts that stand side by side are none either."""
    for state in (begun("backbone.")(STATE), begun("model.")(STATE) | {"head.weight": torch.rand(2)}):
        assert unwrap(state).state.keys() == state.keys()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"encoder": STATE, "temporal": STATE}, "several state dicts: 'encoder', 'temporal'"),
        ({"epoch": 3, "acc": 1.0}, "holds no state dict; it holds 'epoch', 'acc'"),
        ({"optimizer": OPTIMIZER, "rng": RANDOM}, "holds no state dict; it holds 'optimizer', 'rng'"),
        ({"state_dict": {}}, "holds no state dict"),
        ({**STATE, "module.cls_token": torch.ones(2)}, "a tensor 'cls_token' both with and without"),
    ],
)
def test_what_is_left_open_is_said(content, words, tmp_path):
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(DataError, match=words) as refused:
        read_foreign(tmp_path / "x.pth")
    assert str(tmp_path / "x.pth") in str(refused.value) and refused.value.hint
