"""What a run will take, told from runs of other settings and other methods, and where that comes from."""

import json
from types import SimpleNamespace

import pytest
from test_tables import make

from dferbench.profiling.estimate import estimate

MACS = {"large": 4_000, "m": 1_000, "other": 500}


def plan(method, config_id="new", epochs=10, dataset="faces"):
    """What an estimate looks at of a plan."""
    recipe = SimpleNamespace(stages=[SimpleNamespace(epochs=epochs)])
    named = SimpleNamespace(name=method)
    return SimpleNamespace(
        recipe=recipe, method=named, config_id=config_id, task=SimpleNamespace(dataset=dataset)
    )


def ran(method, seconds, config_id="a", epochs=2, train=60, test=40):
    one = make(config_id, 5, method=method, curve=(5,) * epochs, dataset="faces")
    return one.model_copy(update={"seconds": seconds, "videos": {"train": train, "test": test}})


def test_the_same_setting_says_it_as_it_is():
    found = estimate(plan("m", "a"), (600, 400), [ran("m", 20.0), ran("m", 40.0), ran("other", 9.0)], MACS)
    assert (found.seconds, found.source) == (30.0, "this setting")


def test_other_settings_are_scaled_by_videos_and_epochs():
    found = estimate(plan("m"), (600, 400), [ran("m", 20.0)], {})
    assert found.seconds == pytest.approx(20.0 * 10 * 5) and found.source == "other settings of m"


def test_other_methods_are_scaled_by_macs():
    found = estimate(plan("large"), (60, 40), [ran("m", 20.0), ran("other", 10.0, "b")], MACS)
    assert found.seconds == pytest.approx(20.0 * 5 * 4) and found.source == "m, other, by MACs"


@pytest.mark.parametrize(
    ("asked", "videos", "macs"),
    [
        (plan("large"), (60, 40), {}),
        (plan("large"), (60, 40), {"m": 1}),
        (plan("large"), None, MACS),
        (plan("large", epochs=0), (60, 40), MACS),
        (plan("large", dataset="elsewhere"), (60, 40), MACS),
    ],
)
def test_nothing_is_told_from_nothing(asked, videos, macs):
    assert estimate(asked, videos, [ran("m", 20.0)], macs) is None


def test_the_plan_of_a_suite_says_where_its_time_comes_from(in_process, tmp_path, toy_root):
    from conftest import TOY

    rows = '[[rows]]\nlabel = "{0}"\nmethod = "toy-net"\noptions = {{ width = {0} }}\n'
    (tmp_path / "suite.toml").write_text('title = "T"\n' + rows.format(4) + rows.format(6))
    words = ["--plugin", TOY, "bench", "suite.toml", "-d", "toy", "--root", toy_root]
    in_process(*words, "--device", "cpu", "-j", "0", "-q", "--rows", "1", "--epochs", "1", check=0)
    plan = json.loads(
        in_process(*words, "--dry-run", "--json", "--fold", "all", "--epochs", "1", check=0).stdout
    )
    assert [row["seconds_from"] for row in plan["rows"]] == ["this setting", "other settings of toy-net"]
    shown = in_process(*words, "--dry-run", "--epochs", "1", check=0, env={"COLUMNS": "80"}).stdout
    assert "told from" in shown and max(map(len, shown.splitlines())) <= 80
