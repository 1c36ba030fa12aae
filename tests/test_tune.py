"""A search for settings: what may vary, what is tried next, and that no test video is read."""

import json
import re
import shlex
import shutil
from dataclasses import replace

import pytest
from conftest import TOY
from test_validation import Stops, finished

from dferbench.errors import ConfigError
from dferbench.experiment import record
from dferbench.experiment.metrics import METRICS
from dferbench.experiment.plan import Request, make_plan, settle
from dferbench.progress import Progress
from dferbench.registry.catalog import discover
from dferbench.registry.options import assignments
from dferbench.report.differences import unlike
from dferbench.report.leaderboard import rows
from dferbench.tuning import journal
from dferbench.tuning.journal import Journal, Tried
from dferbench.tuning.space import Choice, Range, space_of, with_values
from dferbench.tuning.tune import Search, tune, value_of

CATALOG = discover([TOY])


class TestSpace:
    def test_every_kind(self):
        texts = {"a": "log(1e-5, 1e-2)", "b": "uniform(0, 0.5)", "c": "int(2, 16, step=2)"}
        found = space_of({**texts, "d": "choice(sgd, 'adamw(beta1=0.8)', true)"})
        assert found["a"] == Range(1e-5, 1e-2, log=True) and found["b"] == Range(0, 0.5)
        assert found["c"] == Range(2, 16, whole=True, step=2)
        assert found["d"] == Choice(("sgd", "adamw(beta1=0.8)", True))

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("log(0, 1)", "must begin above 0"),
            ("log(a, 1)", "must begin above 0"),
            ("uniform(1, 1)", "the smaller one first"),
            ("uniform(0, 1e999)", "finite"),
            ("int(1, 2.5)", "whole numbers"),
            ("int(1, 4, step=0)", "a step from 1 on"),
            ("choice(1)", "two values or more"),
            ("choice(1, 1)", "each once"),
            ("grid(1, 2)", "grid"),
            ("uniform(1)", "missing a required argument"),
            ("log(1, 2) | log(2, 3)", "must be one space"),
            ("", "must be one space"),
        ],
    )
    def test_what_is_no_space(self, text, words):
        with pytest.raises(ConfigError, match=re.escape(words)) as caught:
            space_of({"a": text})
        assert caught.value.hint

    def test_names_stand_in_values_or_are_options(self):
        sets = {"stage.train": "{'.*': @lr}", "text": "me@lr2", "epochs": "3"}
        values = {"lr": 0.001, "words": 4, "shared": True}
        assert with_values(sets, values) == {
            "stage.train": "{'.*': 0.001}", "text": "me@lr2", "epochs": "3", "words": "4", "shared": "true",
        }  # fmt: skip
        with pytest.raises(ConfigError, match="epochs is both set and searched"):
            with_values(sets, {"epochs": 3})
        with pytest.raises(ConfigError, match="nothing to search"):
            space_of({})


def tried(value=1.0, error="", **values):
    return Tried(values=values, config_id="x", runs=2, seconds=1800, value=value, error=error)


class TestSuggest:
    SPACE = space_of({"lr": "log(1e-5, 1e-1)", "n": "int(1, 9, step=2)", "o": "choice(sgd, adamw)"})

    @pytest.fixture(autouse=True)
    def library(self):
        pytest.importorskip("optuna")

    def test_it_keeps_to_the_space_and_repeats_nothing(self):
        from dferbench.tuning.suggest import suggest

        done = []
        for number in range(15):
            values = suggest(self.SPACE, done, 0, higher=True)
            assert values == suggest(self.SPACE, done, 0, higher=True), "drawn from what was tried alone"
            assert 1e-5 <= values["lr"] <= 1e-1 and values["n"] in range(1, 10, 2)
            assert values["o"] in ("sgd", "adamw") and float(f"{values['lr']:.4g}") == values["lr"]
            assert values not in [one.values for one in done]
            done.append(tried(None if number == 3 else float(number), **values))
        assert suggest(self.SPACE, [], 1, higher=True) != done[0].values

    def test_a_space_that_is_used_up(self):
        from dferbench.tuning.suggest import suggest

        small, done = space_of({"a": "choice(1, 2)", "b": "int(0, 1)"}), []
        while (values := suggest(small, done, 0, higher=False)) is not None:
            done.append(tried(**values))
        assert len({json.dumps(one.values, sort_keys=True) for one in done}) == len(done) == 4

    @pytest.mark.parametrize("higher", [True, False])
    def test_it_finds_what_is_better(self, higher):
        """Half of 30 suggestions behind 12 at random lie in the better quarter of the range."""
        from dferbench.tuning.suggest import suggest

        space, done = space_of({"x": "uniform(0, 1)"}), []
        for _ in range(42):
            values = suggest(space, done, 0, higher=higher)
            distance = abs(values["x"] - 0.8)
            done.append(tried(-distance if higher else distance, **values))
        assert sum(abs(one.values["x"] - 0.8) < 0.125 for one in done[12:]) > 15


class TestJournal:
    def test_what_is_written_is_read(self, tmp_path):
        one = Journal(settings={"model": "m"}, trials=(tried(n=1), tried(None, "it broke", n=3)))
        path = journal.path_of(tmp_path, "m", one.settings)
        journal.write(one, path)
        assert journal.read(path, one.settings) == one and one.runs == 4 and one.seconds == 3600
        assert journal.path_of(tmp_path, "m", {"model": "m", "seed": 1}) != path
        path.write_text("{")
        with pytest.raises(ConfigError, match="is not the journal"):
            journal.read(path, one.settings)

    def test_the_best_is_the_earliest_of_the_best(self):
        one = Journal(settings={}, trials=(tried(None), tried(3.0, n=1), tried(5.0, n=2), tried(5.0, n=3)))
        assert one.best(higher=True).values == {"n": 2} and one.best(higher=False).values == {"n": 1}
        assert Journal(settings={}).best(higher=True) is None


def test_the_value_is_of_the_best_validation_epoch():
    """8 of 10 in one run, at its third epoch; by UAR it is the same one."""
    other = finished([((5, 5), (1, 1)), ((6, 6), (5, 4))], recipe={}, seed=1)
    assert value_of([finished()], METRICS["war"]) == 80
    assert value_of([finished(), other], METRICS["uar"]) == pytest.approx((80 + 90) / 2)
    assert value_of([finished().model_copy(update={"curve": None})], METRICS["war"]) is None


def test_a_trial_never_ranks_and_is_another_configuration():
    trial = finished(trial=True, config_id="t")
    (row,) = rows([trial])
    assert trial.caveats == ("trial",) and not row.ranks
    assert "tested on validation videos" in unlike(trial, finished())[0]
    plain, held = (settle(Request("toy-net", "toy", validation=0.1, trial=t), CATALOG) for t in (False, True))
    assert plain.config_id != held.config_id
    with pytest.raises(ConfigError, match="test videos must not decide"):
        settle(Request("toy-net", "toy", trial=True), CATALOG)


class Interrupts(Stops):
    """A user who interrupts the second trial in the middle."""

    trials = 0

    def say(self, text):
        self.trials += text.startswith("fold 1") and ": done" not in text
        if self.trials == 2:
            super().say(text)


@pytest.fixture(scope="module")
def searched(toy_root, tmp_path_factory):
    """A search of two trials on a dataset whose test videos are gone; and one that was interrupted."""
    pytest.importorskip("optuna")
    place = tmp_path_factory.mktemp("search")
    shutil.copytree(toy_root / "fold1", place / "toy" / "fold1")
    for image in (place / "toy" / "fold1" / "test").glob("*/*/*.png"):
        image.write_bytes(b"no image")
    texts = {"width": "choice(2, 3, 4)", "lr": "log(0.001, 0.1)"}
    sets = {"stage.epochs": "2", "stage.train": "{'.*': @lr}"}
    request = Request(
        "toy-net",
        "toy",
        sets,
        root=place / "toy",
        workers=0,
        device="cpu",
        validation=0.2,
        output=place / "a",
    )
    search = Search(request, texts, space_of(texts), METRICS["war"], max_runs=2)
    whole = tune(search, CATALOG, Progress())
    halted = replace(search, request=replace(request, output=place / "b"))
    with pytest.raises(KeyboardInterrupt):
        tune(halted, CATALOG, Interrupts("train 2/"))
    return search, whole, tune(halted, CATALOG, Progress())


@pytest.mark.slow
class TestSearch:
    def test_only_validation_videos_are_looked_at(self, searched):
        _, found, _ = searched
        assert found.why == "another trial would exceed the 2 runs allowed"
        assert [one.error for one in found.journal.trials] == ["", ""], "spoiled test videos hinder nothing"
        paths = list(record.find(found.path.parent))
        for path in paths:
            one = record.read_whole(path)
            assert one.trial and one.videos == {"train": 15, "validation": 3, "test": 3}
            assert all(epoch.confusion == epoch.validation for epoch in one.curve)
            assert not (path.parent / "checkpoint.safetensors").exists()
        assert {record.read(path).config_id for path in paths} == {t.config_id for t in found.journal.trials}

    def test_interrupted_it_continues_in_the_middle(self, searched):
        _, whole, again = searched
        told = [[one.model_dump(exclude={"seconds"}) for one in f.journal.trials] for f in (whole, again)]
        assert told[0] == told[1]

    def test_a_larger_budget_continues(self, searched):
        search, whole, _ = searched
        before = whole.journal.trials
        again = tune(search, CATALOG, Progress())
        assert again.journal == whole.journal
        spent = tune(replace(search, max_runs=9, max_hours=1e-9), CATALOG, Progress())
        assert spent.journal.trials == before and "hours allowed are spent" in spent.why
        assert replace(search, max_runs=9).settings == search.settings

    def test_it_says_what_it_looked_at(self, searched):
        from dferbench.cli.tune import _as_text, command, looked_at

        search, found, _ = searched
        words = looked_at(search, found)
        assert "2 trials, 2 runs" in words and "No test video of fold 1 was read" in words
        assert "Test videos of other folds" in words and words.split(".")[0] in _as_text(search, found)
        again = shlex.split(command(search, found))
        given = assignments([again[i + 1] for i, word in enumerate(again) if word == "--set"])
        best = found.journal.best(higher=True).values
        assert given["width"] == str(best["width"]) and given["stage.train"] == f"{{'.*': {best['lr']}}}"
        make_plan(replace(search.request, sets=given), CATALOG)


def test_the_command_line(in_process, toy_root):
    words = ["--plugin", TOY, "tune", "-m", "toy-net", "-d", "toy", "--root", toy_root, "--device", "cpu"]
    pytest.importorskip("optuna")
    assert "nothing to search" in in_process(*words, check=3).stderr
    assert "widht" in in_process(*words, "--search", "widht=int(1, 4)").stderr
    refused = in_process(*words, "--search", "width=int(1, 4)", "--validation", "0", check=3).stderr
    assert "test videos must not decide" in refused
