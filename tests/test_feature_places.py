"""Where features are kept when the user's cache lies on a network."""

import os
from pathlib import Path

import pytest

from dferbench.errors import ConfigError
from dferbench.feature_cache.place import home, require_local


def on(network, name="nfs4"):
    """A machine on which these folders, and what is below them, are on a network."""
    return lambda path: name if any(path.is_relative_to(one) for one in network) else "ext4"


@pytest.fixture
def user(tmp_path, monkeypatch):
    """A user with a cache and a temporary folder, and no scheduler."""
    for name in ("DFERBENCH_FEATURES", "SLURM_TMPDIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DFERBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    return tmp_path


def test_a_local_cache_is_where_it_always_was(user):
    assert home() == user / "cache" / "features"
    require_local(home())


@pytest.mark.parametrize("name", ["nfs", "lustre", "cifs"])
def test_a_cache_on_a_network_gives_way_to_the_machines_own_disk(user, name):
    kind = on([user / "cache"], name)
    found = home(kind)
    assert found.parent.parent == user / "tmp" and found.name == "features"
    require_local(found, kind)
    assert found.parent.stat().st_mode & 0o777 == 0o700


def test_the_folder_that_a_scheduler_made_for_the_job_is_preferred(user, monkeypatch):
    monkeypatch.setenv("SLURM_TMPDIR", str(user / "job"))
    kind = on([user / "cache"])
    assert home(kind).is_relative_to(user / "job")
    require_local(home(kind), kind)
    assert home() == user / "cache" / "features"


def test_what_the_user_says_counts(user, monkeypatch):
    monkeypatch.setenv("DFERBENCH_FEATURES", str(user / "mine"))
    assert home(on([user / "cache"])) == user / "mine"


def test_where_all_is_on_a_network_the_way_out_is_told(user):
    kind = on([user])
    with pytest.raises(ConfigError, match=r"features is on a network \(nfs4\)") as found:
        require_local(home(kind), kind)
    assert found.value.hint == "Set DFERBENCH_FEATURES to a folder on a disk of this machine."


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="users are told apart by their numbers")
@pytest.mark.parametrize("mode", [0o777, 0o720])
def test_a_folder_that_others_could_fill_is_refused(user, mode):
    kind = on([user / "cache"])
    found = home(kind)
    found.parent.mkdir()
    found.parent.chmod(mode)
    with pytest.raises(ConfigError, match="can be written by other users"):
        require_local(found, kind)


@pytest.mark.slow
def test_a_run_whose_features_cannot_be_kept_says_so_and_goes_on(cli, toy_root):
    done = cli(
        "--plugin", Path(__file__).parent / "toy.py", "run", "-m", "linear-probe", "-d", "toy", "--root",
        toy_root, "--set", "backbone=clip-tiny", "--set", "stage.batch=6", "--epochs", "1",
        env={"DFERBENCH_FEATURES": "/proc/features"}, check=0,
    )  # fmt: skip
    assert "features are not kept on disk" in done.stderr
