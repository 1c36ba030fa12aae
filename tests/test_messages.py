"""Messages for a user: the option or file by its name, the reason in words, and a next step that fits."""

import re

import pytest

from dferbench.cards import read as read_card
from dferbench.cli.listing import about
from dferbench.errors import ConfigError, DataError
from dferbench.experiment.printed import read_printed
from dferbench.experiment.record import read as read_record
from dferbench.models.parts import Parts
from dferbench.models.texts import class_texts
from dferbench.registry.catalog import discover
from dferbench.registry.options import assignments, resolve
from dferbench.types import Task


def refused(method, **options):
    """What a method says to these options on `synthetic`, where nets are small."""
    catalog = discover()
    known = catalog.get("methods", method).value
    input = known.recipe_for["synthetic"].input
    task = Task(
        "synthetic", ("happy", "sad"), input.frames, input.size if isinstance(input.size, int) else 32
    )
    with pytest.raises(ConfigError) as caught:
        known.make(task, Parts(catalog), **resolve(known, options, known.options_for.get("synthetic", {})))
    return str(caught.value)


@pytest.mark.parametrize(
    ("method", "option", "value", "wanted"),
    [
        ("s2d", "depth", 0, "a whole number >= 1"),
        ("s2d", "hidden", 0, "a whole number >= 1"),
        ("emoclip", "layers", 0, "a whole number >= 1"),
        ("emoclip", "head_dim", -4, "a whole number >= 1"),
        ("mae-dfer", "depth", 0, "a whole number >= 1"),
        ("mae-dfer", "width", 63, "a whole number >= 64 and a multiple of 64"),
        ("mae-dfer", "smoothing", 2.0, "a number in [0, 1)"),
        ("mae-dfer", "regions", "4x2", "text such as 4x2x1"),
    ],
)
def test_a_value_out_of_range_is_named_by_its_option(method, option, value, wanted):
    assert refused(method, **{option: value}) == f"{option} of {method} must be {wanted}, got {value}"


@pytest.mark.parametrize("content", [b"", b"junk\n", b"\x80\x02junk", bytes(range(256)) * 40])
def test_a_file_that_is_no_file_of_tensors_is_said_to_be_none(content, tmp_path):
    from dferbench.models.torch_files import read_foreign

    path = tmp_path / "model.pth"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_foreign(path)
    reason = "it is empty" if not content else "it is not a file of tensors that torch saved"
    assert str(caught.value) == f"{path} cannot be read as weights: {reason}"


def test_texts_in_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError) as caught:
        class_texts(str(tmp_path / "none.toml"), ("happy",))
    assert str(caught.value) == f"there is no file {tmp_path / 'none.toml'}"


def test_weights_without_a_name_are_told_how_weights_are_given():
    with pytest.raises(ConfigError) as caught:
        assignments(["clip.pt"], "--weights clip-vit-b32=FILE")
    assert caught.value.hint == "Write for example --weights clip-vit-b32=FILE."


def test_every_line_of_the_list_says_what_a_thing_is():
    for kind, entries in discover().entries.items():
        for name, entry in entries.items():
            line = about(entry)
            assert line and "stands for" not in line and "Raises" not in line, f"{kind} {name}: {line}"


def test_a_card_says_what_a_method_does_without_a_paper_at_hand():
    for entry in discover().entries["methods"].values():
        card = read_card(entry.value.card)
        assert not card.summary.startswith("The paper"), entry.name
        assert not any("table" in row and not row["table"] for row in card.results), entry.name


def test_a_missing_file_of_printed_numbers_is_not_asked_for_as_a_suite(tmp_path):
    with pytest.raises(ConfigError) as caught:
        read_printed(tmp_path / "none.toml")
    assert "printed numbers" in caught.value.hint and "none.toml" in str(caught.value)


def test_show_tells_every_recipe_once(in_process):
    shown = in_process("show", "c3d", check=0).stdout
    first, dfew = shown.index("any dataset:"), shown.index("dfew, where it differs:")
    rest = shown[dfew : shown.index("synthetic, where it differs:")].split()
    assert "normalize: none" in shown[first:dfew]
    assert "uniform" in rest and "500" in rest and "normalize:" not in rest and "frames:" not in rest
    assert re.search(r"bn +false +true or false\n", shown) and re.search(r"weights +'' +text\n", shown)


def test_show_of_two_stages_says_which_one_differs(in_process):
    shown = in_process("show", "cliper", check=0).stdout
    assert "stage 1:" in shown and "stage 2:" in shown
    told = shown[shown.index("synthetic, where it differs:") :]
    assert "stage 2:" in told and "epochs: 3" in told


def test_a_damaged_record_says_how_to_go_on(tmp_path):
    path = tmp_path / "fold1-seed0" / "record.json"
    path.parent.mkdir()
    path.write_text("x")
    with pytest.raises(ConfigError) as caught:
        read_record(path)
    assert f"{path} is not a valid record: Invalid JSON" in str(caught.value)
    assert str(path.parent) in caught.value.hint and "same command" in caught.value.hint


def test_list_of_one_kind(in_process):
    shown = in_process("list", "datasets", check=0).stdout
    assert "synthetic" in shown and "clip-tiny" not in shown and "MACs" not in shown
    methods = in_process("list", "methods", check=0).stdout
    assert "MACs" in methods and "drawn faces" not in methods
    refused = in_process("list", "augmentation.s", check=3).stderr
    assert "there is no kind named 'augmentation.s'" in refused and "augmentations" in refused


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("steps(30, x)", "'x' is not a number of epochs"),
        ("every(0)", "every: the period must be a whole number of epochs from 1 on, got 0"),
        ("cosine(by=batch)", "no unit of a schedule named 'batch'"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(schedule, words):
    with pytest.raises(ConfigError, match=words):
        discover().make("schedules", schedule, 50, 10)
