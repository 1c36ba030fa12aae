"""The main job, as a stranger would run it, on fewer videos than by default."""

import json

import numpy as np
import pytest

from dferbench.experiment import record

RUN = ["run", "--model", "dfer-clip", "--dataset", "synthetic(videos=70)"]


@pytest.mark.heavy
def test_from_drawing_to_the_leaderboard(cli, tmp_path):
    done = cli(*RUN, "--epochs", "2", "--json", check=0)
    (one,) = json.loads(done.stdout)["records"]
    assert one["status"] == "done" and one["synthetic"] and "clip-tiny" in one["weights"]
    assert not one["weights"]["clip-tiny"]["random"] and len(one["weights"]["clip-tiny"]["sha256"]) == 64
    assert set(one["notes"]["texts"]) == set(one["classes"])
    used = one["videos"]["train"] // 16 * 16  # the last batch is dropped where it is not full
    assert sum(one["decoders"].values()) == 2 * (used + one["videos"]["test"])
    assert [len(epoch["confusion"]) for epoch in one["curve"]] == [7, 7]
    table = cli("leaderboard", check=0).stdout
    assert "dfer-clip *" in table and "says nothing about real faces" in table


@pytest.mark.slow
def test_the_model_before_training(in_process, tmp_path):
    """Zero epochs test the model as it is built: at chance, and a record like any other."""
    in_process(*RUN, "--epochs", "0", check=0)
    (path,) = record.find(tmp_path / "runs")
    one = record.read(path)
    assert one.epochs == 0 and sum(map(sum, one.confusion)) == one.videos["test"]
    assert np.load(path.parent / "predictions.npz")["logits"].shape == (one.videos["test"], 7)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        ["temporal=mean"],
        ["prompt=fixed", "text=an expression of {}"],
        ["shared=true", "position=middle", "words=3"],
        ["temporal=cls-transformer(depth=2)", "position=front", "text=class-names", "input.normalize=clip"],
    ],
)
def test_every_kind_of_option_trains(in_process, options):
    sets = [word for option in options for word in ("--set", option)]
    done = in_process(
        *RUN, *sets, "--epochs", "1", "--limit", "35", "--set", "stage.batch=8", "--json", check=0
    )
    (one,) = json.loads(done.stdout)["records"]
    assert one["status"] == "done" and len(one["curve"]) == 1


@pytest.mark.heavy
def test_eleven_classes(in_process):
    eleven = ["run", "-m", "dfer-clip", "-d", "synthetic(classes=11, videos=110)", "--epochs", "1"]
    done = in_process(*eleven, "--set", "stage.batch=8", "--json", check=0)
    assert len(json.loads(done.stdout)["records"][0]["classes"]) == 11
