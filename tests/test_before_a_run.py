"""What is known before the first video is told before it, by run, run --dry-run, doctor and bench alike."""

import json

import pytest
from conftest import TOY

from dferbench.errors import ConfigError
from dferbench.experiment.recipe import check_recipe
from dferbench.machine.device import make_fabric, precision_for_tests
from dferbench.models.texts import class_texts
from dferbench.registry.catalog import discover
from dferbench.runner.evaluate import columns_of
from dferbench.types import Input, Recipe

ODD = """
from dferbench import hookimpl


def rises(epochs, steps, by=1.0):
    return lambda full, epoch, step: full / by if epoch < epochs - 1 else float("inf")


@hookimpl
def register_schedules(register):
    register("rises", rises)
"""


@pytest.fixture
def run(in_process, toy_root):
    def go(*words, **how):
        head = ("--plugin", TOY, "run", "-m", "toy-net", "-d", "toy", "--root", toy_root, "-j", 0, "-q")
        return in_process(*head, *words, **how)

    return go


def test_a_dry_run_tells_all_at_once_and_leaves_nothing(run, tmp_path):
    (tmp_path / "file").write_text("in the way")
    wrong = ("--set", "stage.batch=99", "--set", "stage.drop_last=true", "--set", "stage.schedule=steps(x)")
    done = run("--dry-run", *wrong, "-o", "file/runs", check=3)
    bad = [line.partition(":")[0] for line in done.stdout.splitlines() if line.startswith("BAD")]
    assert bad == ["BAD output", "BAD batches of fold 1, stage train", "BAD device and recipe"]
    error, hint = done.stderr.splitlines()
    assert error.startswith("error: this run cannot begin: output, batches of fold 1") and hint.startswith(
        "hint: "
    )
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_dry_run_of_what_can_begin(run, tmp_path):
    assert run("--dry-run", check=0).stdout.endswith("this run can begin\n")
    told = json.loads(run("--dry-run", "--json", "--epochs", 1, check=0).stdout)
    assert told["ok"] and {one["state"] for one in told["checks"]} == {"ok"}
    assert not (tmp_path / "runs").exists()
    run("--epochs", 1, check=0)
    assert "earlier runs: 1 of 1 runs done" in run("--dry-run", "--epochs", 1, check=0).stdout


def test_doctor_and_dry_run_check_the_same(run, in_process, toy_root):
    asked = ("-m", "toy-net", "-d", "toy", "--root", toy_root, "--json")
    doctor = json.loads(in_process("--plugin", TOY, "doctor", *asked).stdout)["checks"]
    dry = json.loads(run("--dry-run", "--json", check=0).stdout)["checks"]
    assert doctor[-len(dry) :] == dry


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (("--root", "nowhere"), 4),
        (("--set", "stage.batch=99", "--set", "stage.drop_last=true"), 3),
        (("--weights", "clip-vit-b32=nowhere.pt"), 4),
        (("--set", "stage.schedule=steps(x)"), 3),
        (("-o", "file/runs"), 1),
        (("--device", "cuda:7"), 3),
    ],
)
def test_what_fails_every_run_is_told_once(run, tmp_path, wrong, code):
    (tmp_path / "file").write_text("in the way")
    done = run("--fold", "1,2", "--seed", "0,1,2", *wrong, check=code)
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["error", "hint"]
    assert done.stdout == ""


def test_an_output_that_cannot_be_written_is_told_before_videos_are_looked_for(run, tmp_path):
    (tmp_path / "file").write_text("in the way")
    said = run("-o", "file/runs", "--root", tmp_path, check=1).stderr
    assert "cannot write into file/runs/toy: " in said and "is not a folder" in said


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("stage.schedule=cosine(floor=-0.1)", "floor of a cosine must be a number from 0 on, got -0.1"),
        ("stage.schedule=cosine(warmup=nan)", "warmup of schedule cosine must be a whole number, got nan"),
        ("stage.schedule=every(1, gamma=-0.5)", "gamma of every must be a number from 0 on, got -0.5"),
        ("stage.schedule=restarts(2, floor=1e999)", "floor of schedule restarts must be a number, got inf"),
        ("stage.optimizer=adamw(eps=-1)", "eps of adamw must be a number from 0 on, got -1"),
        ("stage.optimizer=adamw(beta2=nan)", "beta2 of optimizer adamw must be a number, got nan"),
        ("stage.optimizer=sgd(nesterov=true)", "nesterov of sgd needs a momentum above 0"),
        ("input.frames=4097", "input.frames must be a whole number in [1, 4096], got 4097"),
        ("input.size=2", "toy-net does not work with input.size=2: Calculated padded input"),
        ("stage.batch=100000000", "videos of 8 frames of 12 x 12 pixels takes "),
    ],
)
def test_a_value_out_of_range_is_named(run, setting, said):
    assert said in run("--set", setting, check=3).stderr


def test_a_schedule_of_a_plugin_is_tried(run, tmp_path):
    (tmp_path / "odd.py").write_text(ODD)
    said = run("--plugin", "odd.py", "--set", "stage.schedule=rises", check=3).stderr
    assert "the schedule 'rises' gives a learning rate of inf in epoch 3 of 3" in said
    assert run("--plugin", "odd.py", "--set", "stage.schedule=rises(by=0.0)", check=1).stderr.count("error: ")


@pytest.mark.parametrize("value", [0, -1, 4097, 10**9, "many"])
@pytest.mark.parametrize("field", ["frames", "size"])
def test_frames_and_sizes_have_bounds(field, value):
    with pytest.raises(ConfigError, match=rf"input\.{field} must be a whole number in \[1, 4096\]"):
        check_recipe(Recipe(Input(**{"size": 8, field: value})))
    check_recipe(Recipe(Input(**{"size": 8, field: 4096})))


def test_a_plugins_fault_keeps_its_traceback_and_a_users_setting_does_not(in_process, tmp_path, toy_root):
    text = TOY.read_text().replace(
        "super().__init__()\n", "super().__init__()\n        assert width != 4, width\n"
    )
    (tmp_path / "own.py").write_text(text)
    head = ("--plugin", "own.py", "run", "-m", "toy-net", "-d", "toy", "--root", toy_root, "-q", "-j", 0)
    assert "Traceback" in in_process(*head, check=1).stderr
    said = in_process(*head, "--set", "width=4", check=3).stderr
    assert said.startswith("error: toy-net does not work with width=4: 4")


def test_half_precision_on_a_cpu_is_refused_and_tested_in_bf16():
    with pytest.raises(ConfigError, match="fp16 needs a GPU"):
        make_fabric("cpu", "fp16")
    assert precision_for_tests("cpu", "fp16") == "bf16"
    assert [precision_for_tests("cpu", one) for one in ("fp32", "bf16")] == ["fp32", "bf16"]
    assert precision_for_tests("cuda", "fp16") == "fp16"


def test_every_class_of_the_datasets_with_descriptors_has_one_and_all_that_lack_one_are_named():
    ravdess = discover().make("datasets", "ravdess")
    assert len(set(class_texts("descriptors", ravdess.classes))) == 8
    with pytest.raises(ConfigError, match="has no text for the classes 'tired', 'bored'") as caught:
        class_texts("descriptors", ("calm", "tired", "bored"))
    assert "--set text=class-names" in caught.value.hint


def test_other_names_are_advised_only_where_there_are_enough_classes(tmp_path):
    with pytest.raises(ConfigError) as fewer:
        columns_of(("a", "b"), ("a", "b", "c"), tmp_path)
    assert "--classes" not in fewer.value.hint and "dataset of its 2 classes: a, b" in fewer.value.hint
    with pytest.raises(ConfigError) as others:
        columns_of(("a", "b"), ("a", "c"), tmp_path)
    assert "--classes" in others.value.hint


def test_bench_starts_over_when_told_to(in_process, tmp_path, toy_root):
    (tmp_path / "s.toml").write_text('title = "S"\n[[rows]]\nlabel = "a"\nmethod = "toy-net"\n')
    bench = ("--plugin", TOY, "bench", "s.toml", "-d", "toy", "--root", toy_root, "--epochs", 1, "-j", 0)
    in_process(*bench, "-q", check=0)
    assert "1 runs done, 0 to do" in in_process(*bench, check=0).stderr
    assert "0 runs done, 1 to do" in in_process(*bench, "--force", check=0).stderr
    (row,) = json.loads(in_process(*bench, "--force", "--json", "-q", check=0).stdout)["rows"]
    assert (row["status"], row["done"]) == ("done", 1)
