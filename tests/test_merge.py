"""Studies united: nothing is overwritten, nothing is half there, and nothing leads out of the folder."""

import json
import shutil

import left
import pytest
from conftest import TOY

from dferbench.errors import ConfigError, DataError
from dferbench.experiment import record
from dferbench.registry.catalog import discover
from dferbench.runner.merge import merge, place_of_run


@pytest.fixture(scope="module")
def catalog():
    return discover([TOY])


@pytest.fixture
def study(tmp_path, toy_root, catalog):
    """`study("a", fold=2)` leaves a run below the folder `a`, and gives its folder."""

    def more(name, **facts):
        plan = left.plan_of(toy_root, tmp_path / name, catalog, folds=(1, 2))
        folder = left.leave(plan, **facts)
        assert plan.request.output / place_of_run(record.read(folder / record.NAME)) == folder
        return folder

    return more


def content(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_runs_of_both_are_there_once_and_as_they_were(study, tmp_path):
    study("a", fold=1)
    both = study("a", fold=2)
    study("b", fold=1, seed=1, keep_all=True)
    shutil.copytree(both, tmp_path / "b" / both.relative_to(tmp_path / "a"))
    (both / "logs").mkdir()
    (both / "logs" / "events").write_text("of a tracker")
    (both / record.STATE).write_text("nobody trains on")
    done = merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c")
    assert (done.copied, done.there, done.left_out) == (3, 0, [])
    expected = content(tmp_path / "b") | content(tmp_path / "a")
    assert content(tmp_path / "c") == {k: v for k, v in expected.items() if not k.endswith(record.STATE)}
    again = merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c")
    assert (again.copied, again.there) == (0, 3)


def test_a_copy_that_lost_a_file_does_not_take_the_place_of_one_that_has_it(study, tmp_path):
    whole = study("b")
    shutil.copytree(tmp_path / "b", tmp_path / "a")
    (tmp_path / "a" / whole.relative_to(tmp_path / "b") / record.PREDICTIONS).unlink()
    merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c")
    assert content(tmp_path / "c") == content(tmp_path / "b")


@pytest.mark.parametrize("there", [False, True])
def test_one_run_with_different_records_is_refused_by_name_and_nothing_is_written(study, tmp_path, there):
    one = study("a", model=1)
    other = study("b", model=2)
    study("b", fold=2)
    if there:
        merge([tmp_path / "a"], tmp_path / "c")
        one = tmp_path / "c" / one.relative_to(tmp_path / "a")
    before = content(tmp_path / "c") if there else {}
    with pytest.raises(ConfigError) as raised:
        merge([tmp_path / "b"] if there else [tmp_path / "a", tmp_path / "b"], tmp_path / "c")
    said = str(raised.value)
    assert f"{one} and {other} (they differ in " in said and "confusion" in said and "\n" not in said
    assert (content(tmp_path / "c") if there else {}) == before and (tmp_path / "c").exists() == there


def test_an_unfinished_or_damaged_run_is_left_out_and_said(study, tmp_path, in_process):
    left.rewrite(study("a", fold=1), status="interrupted")
    (study("a", fold=2) / record.NAME).write_text("{")
    study("b", seed=3)
    done = in_process("merge", "a", "b", "-o", "c", check=0)
    assert done.stdout == "1 run copied into c\n"
    assert "fold1-seed0: interrupted" in done.stderr and "is not a valid record" in done.stderr
    assert [path.parent.name for path in record.find(tmp_path / "c")] == ["fold1-seed3"]


@pytest.mark.parametrize(("words", "hint"), [(["a", "nowhere"], "there is no folder nowhere")])
def test_a_folder_that_is_not_there_is_said(study, in_process, words, hint):
    study("a")
    assert hint in in_process("merge", *words, "-o", "c", check=3).stderr


@pytest.mark.parametrize("dataset", ["../../stolen", "..", "a/b", "C:evil", "a\\b"])
def test_a_record_leads_nowhere_else(study, tmp_path, dataset):
    path = study("a") / record.NAME
    path.write_text(json.dumps({**json.loads(path.read_text()), "dataset": dataset}))
    done = merge([tmp_path / "a"], tmp_path / "c")
    assert done.copied == 0 and "no name of a folder" in done.left_out[0]
    assert not (tmp_path / "c").exists() and not (tmp_path.parent / "stolen").exists()


def test_a_file_that_is_not_the_records_stops_the_merge_before_its_run(study, tmp_path):
    study("a", fold=1)
    bad = study("a", fold=2) / record.PREDICTIONS
    bad.write_bytes(bad.read_bytes() + b" ")
    with pytest.raises(DataError, match=r"predictions\.npz is not the file"):
        merge([tmp_path / "a"], tmp_path / "c")
    assert [path.parent.name for path in record.find(tmp_path / "c")] == ["fold1-seed0"]


def test_a_merge_that_was_killed_continues(study, tmp_path, monkeypatch):
    """Stopped at every file in turn: what is in the place of a run is always the whole run."""
    study("a", fold=1)
    study("a", fold=2)
    copy, count = shutil.copyfileobj, len(content(tmp_path / "a"))

    class Killed(BaseException):
        pass

    for at in range(count):
        left_ = iter(range(at))

        def stopping(source, file, size, left_=left_):
            if next(left_, None) is None:
                file.write(b"half")
                raise Killed
            copy(source, file, size)

        with monkeypatch.context() as patch:
            patch.setattr(shutil, "copyfileobj", stopping)
            patch.setattr(shutil, "rmtree", lambda *_, **__: None)  # a killed process tidies nothing up
            with pytest.raises(Killed):
                merge([tmp_path / "a"], tmp_path / "c")
        for path in (tmp_path / "c").rglob("fold?-seed0"):
            assert content(path) == content(tmp_path / "a" / path.relative_to(tmp_path / "c"))
        merge([tmp_path / "a"], tmp_path / "c")
        assert content(tmp_path / "c") == content(tmp_path / "a")
        shutil.rmtree(tmp_path / "c")


def test_links_are_not_followed(study, tmp_path):
    folder = study("a")
    (tmp_path / "secret").write_text("x")
    (folder / "notes.txt").symlink_to(tmp_path / "secret")
    merge([tmp_path / "a"], tmp_path / "c")
    assert not list((tmp_path / "c").rglob("notes.txt"))
