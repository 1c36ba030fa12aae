"""dferbench doctor names what fails, with the reason and the next step, and ends in no traceback."""

import json

import pytest
from conftest import TOY

REFUSES = "open() got an unexpected keyword argument 'metadata_errors'"
STUBS = {
    "refuses": f"def open(file, mode='r', **more):\n    if more: raise TypeError({REFUSES!r})\n",
    "raises": "class container:\n    Container = object\n\ndef open(*_, **__):\n    raise TypeError('no')\n",
}


@pytest.fixture
def doctor(in_process, toy_root):
    """Check a run of the toy method; gives the exit code and the findings by name."""

    def check(*arguments, model="toy-net", dataset="toy", root=toy_root):
        run = ["-m", model, "-d", dataset, *(["--root", root] if root else [])]
        done = in_process("--plugin", TOY, "doctor", "--json", *run, *arguments)
        told = json.loads(done.stdout)
        assert told["ok"] == (done.returncode == 0)
        return done.returncode, {one["name"]: one for one in told["checks"]}

    return check


def failing(found):
    """The names of what fails; each says why, and what to do."""
    bad = [one for one in found.values() if one["state"] == "fails"]
    assert all(one["says"] and len(one["hint"]) > 8 for one in bad), bad
    return [one["name"] for one in bad]


@pytest.mark.heavy
@pytest.mark.parametrize("stub", STUBS)
def test_a_pyav_that_does_not_work_is_named(cli, tmp_path, stub):
    (tmp_path / "first" / "av").mkdir(parents=True)
    (tmp_path / "first" / "av" / "__init__.py").write_text(STUBS[stub])
    done = cli("doctor", "--json", env={"PYTHONPATH": str(tmp_path / "first")}, check=1)
    assert "Traceback" not in done.stdout + done.stderr
    found = {one["name"]: one for one in json.loads(done.stdout)["checks"]}
    (name,) = [name for name in failing(found) if name.startswith("PyAV")]
    assert str(tmp_path / "first") in found[name]["hint"] and "av>=" in found[name]["hint"]
    (decord,) = [one for name, one in found.items() if name.startswith("decord ")]
    assert decord["state"] == "skipped"


def test_a_run_that_can_begin(doctor):
    code, found = doctor()
    assert (code, failing(found)) == (0, [])
    assert found["lists"]["says"] == "fold 1: 18 train, 9 test videos"
    assert "folder" in found["video of fold 1"]["says"]
    assert found["weights and model"]["state"] == "ok"


def test_a_version_below_the_bound(doctor, tmp_path, monkeypatch):
    (tmp_path / "old" / "tabulate-0.1.dist-info").mkdir(parents=True)
    (tmp_path / "old" / "tabulate-0.1.dist-info" / "METADATA").write_text("Name: tabulate\nVersion: 0.1\n")
    monkeypatch.syspath_prepend(tmp_path / "old")
    code, found = doctor()
    assert (code, failing(found)) == (1, ["tabulate"])
    assert found["tabulate"]["says"].startswith("0.1 is installed, and dferbench needs >=")
    assert "pip install --upgrade 'tabulate>=" in found["tabulate"]["hint"]


@pytest.mark.parametrize(
    ("arguments", "name", "says"),
    [
        (
            ["--set", "stage.batch=19", "--set", "stage.drop_last=true"],
            "batches of fold 1, stage train",
            "19",
        ),
        (["--set", "widht=3"], "method and options", "'widht'"),
        (["--weights", "clip-tiny=nowhere.pt"], "method and options", "nowhere.pt"),
        (["--root", "nowhere"], "dataset root", "nowhere"),
        (["--root", "."], "lists", "missing"),
        (["-f", "7"], "dataset root", "7"),
        (["--set", "stage.schedule=steps(x)"], "device and recipe", "'x'"),
    ],
)
def test_what_a_run_lacks_is_named(doctor, arguments, name, says):
    code, found = doctor(*arguments)
    assert (code, failing(found)) == (1, [name])
    assert says in found[name]["says"]


def test_a_batch_just_filled_is_enough(doctor):
    assert doctor("--set", "stage.batch=18", "--set", "stage.drop_last=true")[0] == 0


def test_a_folder_that_cannot_be_written(doctor, tmp_path):
    (tmp_path / "file").write_text("in the way")
    code, found = doctor("-o", "file/runs")
    assert (code, failing(found)) == (1, ["runs", "output"])


@pytest.mark.parametrize("damaged", [False, True])
def test_texts_and_weights(doctor, tmp_path, damaged):
    lines = '{happiness = "a smile"}' if damaged else "class-names"
    (tmp_path / "weights.pt").write_bytes(b"no weights at all")
    given = [
        "--set",
        f"text={lines}",
        *(["--weights", f"clip-tiny={tmp_path}/weights.pt"] if damaged else []),
    ]
    code, found = doctor(*given, model="zero-shot-clip", dataset="synthetic(videos=35, size=64)", root=None)
    assert (code, failing(found)) == ((1, ["class texts", "weights and model"]) if damaged else (0, []))


def test_a_method_that_chooses_its_own_texts(doctor):
    code, found = doctor(model="zero-shot-clip", dataset="synthetic(videos=35, size=64)", root=None)
    assert (code, failing(found)) == (0, [])


def test_a_method_alone_is_no_run(in_process):
    assert "Give both" in in_process("doctor", "-m", "dfer-clip", check=3).stderr
