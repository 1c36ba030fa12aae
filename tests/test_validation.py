"""Validation videos: how they are held out, what they select and end, and that they touch nothing else."""

import json
import random
import re
import shlex
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from conftest import ROOT, TOY
from test_more_data import crema_d_names, touch

from dferbench.data.packs.write import PackJob, pack
from dferbench.errors import ConfigError, DataError, UnknownName
from dferbench.experiment import record, selection
from dferbench.experiment.curve import Epoch
from dferbench.experiment.plan import Request, make_plan, read_splits, settle
from dferbench.experiment.rows import experiments
from dferbench.experiment.suite import read_suite
from dferbench.experiment.validation import LARGEST, hold_out
from dferbench.progress import Progress
from dferbench.registry.catalog import discover
from dferbench.registry.datasets import make_dataset
from dferbench.runner.launch import study_of
from dferbench.runner.run import run
from dferbench.types import Video

CATALOG = discover([TOY])


def listed(sizes, groups=0, rng=None):
    """So many videos of each class; with groups, each video in one of them."""
    rng = rng or random.Random(0)
    videos = [
        Video(f"{label}/{i}", "", label, group=f"g{rng.randrange(groups)}" if groups else "")
        for label, size in enumerate(sizes)
        for i in range(size)
    ]
    rng.shuffle(videos)
    return videos


def ids(videos):
    return [video.id for video in videos]


class TestHoldOut:
    @pytest.mark.parametrize("share", [0.05, 0.1, 0.25, LARGEST])
    def test_every_class_gives_its_share(self, share):
        sizes = (203, 100, 40, 7, 2)
        videos = listed(sizes)
        held = hold_out(videos, share, "faces, fold 1")
        found = Counter(video.label for video in held.validation)
        for label, size in enumerate(sizes):
            assert abs(found[label] - max(share * size, 1)) <= 0.5
        assert sorted(ids([*held.train, *held.validation])) == sorted(ids(videos))
        assert ids(held.train) == [one for one in ids(videos) if one not in set(ids(held.validation))]
        assert held.groups == 0

    @pytest.mark.parametrize("seed", range(20))
    def test_groups_are_never_on_both_sides(self, seed):
        rng = random.Random(seed)
        videos = listed([rng.randint(20, 120) for _ in range(6)], groups=rng.randint(25, 60), rng=rng)
        held = hold_out(videos, 0.2, "faces, fold 1")
        sides = [{video.group for video in part} for part in (held.train, held.validation)]
        assert not sides[0] & sides[1] and len(sides[1]) == held.groups
        assert 0.12 < len(held.validation) / len(videos) < 0.28
        assert {video.label for video in held.train} == set(range(6))

    def test_the_order_of_the_list_changes_nothing_and_the_fold_does(self):
        videos = listed((60, 60), groups=30)
        one, again = (hold_out(v, 0.2, "faces, fold 1") for v in (videos, videos[::-1]))
        other = hold_out(videos, 0.2, "faces, fold 2")
        assert set(ids(one.validation)) == set(ids(again.validation)) != set(ids(other.validation))
        assert one.fingerprint == again.fingerprint != other.fingerprint

    def test_one_video_more_moves_no_other_far(self):
        """What is drawn depends on names: lists of nearly the same videos are divided nearly alike."""
        videos = listed((200, 200))
        more = [*videos, Video("0/another", "", 0)]
        first, second = (set(ids(hold_out(v, 0.1, "faces, fold 1").validation)) for v in (videos, more))
        assert len(first ^ second) <= 2

    @pytest.mark.parametrize("groups", [["a"] * 6, ["a", "a", "a", "b", "b", "b"]])
    def test_what_cannot_be_divided_is_told(self, groups):
        """One actor alone, and two of whom each has a class of their own."""
        videos = [Video(str(i), "", i // 3, group=group) for i, group in enumerate(groups)]
        with pytest.raises(DataError, match="faces, fold 1: no validation part") as caught:
            hold_out(videos, 0.2, "faces, fold 1")
        assert "--validation" in caught.value.hint


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"validation": 2.0}, r"validation must be a fraction .* in \(0, 0.5\], got 2"),
        ({"validation": -0.1}, "got -0.1"),
        ({"validation": float("nan")}, "got nan"),
        ({"patience": 3}, "test videos must not decide"),
        ({"patience": 3, "validation": 0.0}, "test videos must not decide"),
        ({"patience": 0, "validation": 0.1}, "from 1 on, got 0"),
        ({"validation": 0.1, "sets": {"stage.epochs": "0"}}, "for no epoch"),
    ],
)
def test_what_cannot_be_asked_for(request_, words):
    with pytest.raises(ConfigError, match=words) as caught:
        settle(Request("toy-net", "toy", **request_), CATALOG)
    assert caught.value.hint


def test_only_what_is_trained_otherwise_has_another_id():
    def identity(**request):
        return settle(Request("toy-net", "toy", **request), CATALOG).config_id

    held = [identity(validation=share) for share in (0.1, 0.2)] + [identity(validation=0.1, patience=5)]
    assert identity() == identity(validation=0) == identity(validation=None)
    assert len({identity(), *held}) == 4


def test_the_command_line_takes_both(in_process, toy_root):
    words = ["--plugin", TOY, "run", "-m", "toy-net", "-d", "toy", "--root", toy_root, "--device", "cpu"]
    error, hint = in_process(*words, "--validation", "2", check=3).stderr.splitlines()[-2:]
    assert error.endswith("got 2") and "--validation 0.1" in hint
    assert "--patience ends training" in in_process(*words, "--patience", "2", check=3).stderr


SUITE = """
title = "two"
validation = 0.2
patience = 4
[[rows]]
label = "trained"
method = "toy-net"
[[rows]]
label = "not trained"
method = "zero-shot-clip"
"""


def test_a_suite_holds_out_for_rows_that_train(tmp_path):
    (tmp_path / "suite.toml").write_text(SUITE)
    suite = read_suite(tmp_path / "suite.toml")
    base = Request("", "toy")
    trained, other = (one.request for one in experiments(suite, base, None, CATALOG)[0])
    assert (trained.validation, trained.patience) == (0.2, 4)
    assert (other.validation, other.patience) == (None, None)
    (own, _), _ = experiments(suite, Request("", "toy", validation=0.1, patience=9), None, CATALOG)
    (none, _), _ = experiments(suite, Request("", "toy", validation=0.0), None, CATALOG)
    assert (own.request.validation, own.request.patience) == (0.1, 9)
    plain = settle(Request("toy-net", "toy"), CATALOG).config_id
    assert none.settled.config_id == plain != own.settled.config_id
    words = study_of("two", tmp_path / "suite.toml", {1: 1}, own.request, None, CATALOG).command
    assert ["--validation", "0.1"] in map(list, pairwise(words)), words


class TestGroups:
    """What the datasets know of what leaks."""

    def train(self, name, root):
        dataset = make_dataset(name, CATALOG).dataset
        return list(dataset.videos(root, dataset.folds[0], "train"))

    def test_actors(self, tmp_path):
        root = touch(tmp_path, (f"VideoFlash/{name}.flv" for name in crema_d_names() if "_DFA_" in name))
        videos = self.train("crema-d", root)
        assert {video.group for video in videos} == {f"actor {n}" for n in range(19, 92)}
        assert all(video.group == f"actor {int(video.id[:4]) - 1000}" for video in videos)
        held = hold_out(videos, 0.2, "crema-d, fold 1")
        assert 13 <= held.groups <= 16

    def test_speakers(self, tmp_path):
        names = (f"02-01-0{e}-01-01-01-{a:02d}" for e in range(1, 9) for a in range(1, 25))
        root = touch(tmp_path, (f"Actor_{name[-2:]}/{name}.mp4" for name in names))
        assert {video.group for video in self.train("ravdess", root)} == {f"actor {n}" for n in range(5, 25)}

    def test_the_groups_of_a_table(self, tmp_path):
        rows = [f"v/{i}.mp4,{'joy' if i % 2 else 'anger'},p{i // 2}" for i in range(12)]
        (tmp_path / "my.csv").write_text("\n".join(["video,label,group", *rows]))
        videos = self.train(f"folder(path={tmp_path}, csv={tmp_path / 'my.csv'}, folds=3)", tmp_path)
        assert all(video.group == video.info["group"] for video in videos)

    def test_a_pack_keeps_them(self, tmp_path):
        from PIL import Image

        for i in range(8):
            folder = tmp_path / "raw" / "v" / str(i)
            folder.mkdir(parents=True)
            Image.new("RGB", (8, 8), (20 * i, 0, 0)).save(folder / "0.png")
        rows = [f"v/{i},{'joy' if i % 2 else 'anger'},p{i // 2}" for i in range(8)]
        (tmp_path / "my.csv").write_text("\n".join(["video,label,group", *rows]))
        name = f"folder(path={tmp_path / 'raw'}, csv={tmp_path / 'my.csv'}, folds=2)"
        chosen = make_dataset(name, CATALOG)
        pack(PackJob(chosen, tmp_path / "raw", tmp_path / "pack", workers=0), Progress())
        request = {"dataset": name, "validation": 0.3}
        held = []
        for root in ("raw", "pack"):
            plan = make_plan(Request("toy-net", root=tmp_path / root, **request), CATALOG)
            held.append(read_splits(plan, Progress())[1].held)
        assert held[0].groups == held[1].groups == 1 and held[0].fingerprint == held[1].fingerprint


def row(place, right, held, **changes):
    """An epoch of two classes with 10 test and 5 validation videos each, of which so many were right."""
    test = [[n, 10 - n] if k == 0 else [10 - n, n] for k, n in enumerate(right)]
    validation = held and [[n, 5 - n] if k == 0 else [5 - n, n] for k, n in enumerate(held)]
    facts = {"confusion": test, "top2": 20, "validation": validation, "validation_top2": held and 10}
    facts |= {"stage": "train", "epoch": place, "terms": {}, "learning_rates": {}, "seconds": 1.0}
    return Epoch(**(facts | changes))


CURVE = [((5, 5), (2, 1)), ((9, 9), (3, 2)), ((6, 8), (4, 4)), ((8, 7), (4, 4)), ((4, 4), (5, 3))]
"""Test and validation of each epoch: the third is chosen, as the earliest of three with eight right."""
UNEVEN = [[[4, 0], [3, 3]], [[3, 1], [2, 4]], [[4, 0], [4, 2]]]
"""Validation results with equal WAR (7 of 10) but for the last, and other UAR."""


def rows_of(curve):
    return [row(i, *both) for i, both in enumerate(curve)]


class TestSelection:
    def test_the_earliest_of_the_best_on_validation(self):
        rows = rows_of(CURVE)
        picked = [selection.pick(rule, rows) for rule in ("last", "best-on-test", "val", "val:uar")]
        assert picked == [4, 1, 2, 2]

    def test_ties_of_war_go_to_uar(self):
        rows = [row(i, (5, 5), None, validation=matrix) for i, matrix in enumerate(UNEVEN)]
        assert selection.pick("val", rows) == 0, "UAR 75 before 70.8"
        rows.reverse()
        assert selection.pick("val", rows) == 2, "and not because it is earlier"

    def test_another_metric(self):
        matrices = [[[10, 0], [3, 2]], [[7, 3], [1, 4]]]
        rows = [row(i, (5, 5), None, validation=matrix) for i, matrix in enumerate(matrices)]
        assert [selection.pick(rule, rows) for rule in ("val", "val:uar", "val:balanced-accuracy")] == [
            0,
            1,
            1,
        ]

    @pytest.mark.parametrize("rule", ["vla", "val:", "val:wra", "last:war"])
    def test_no_rule(self, rule):
        with pytest.raises(UnknownName):
            selection.require(rule)

    @pytest.mark.parametrize(("patience", "ends"), [(1, 4), (2, 5), (None, None), (3, None)])
    def test_when_a_stage_ends(self, patience, ends):
        """The third epoch is the best: the stage ends after so many more."""
        rows = rows_of(CURVE)
        found = [n for n in range(len(rows) + 1) if selection.ended_early(rows[:n], n, patience)]
        assert (found[:1] or [None]) == [ends]

    def test_a_stage_counts_its_own_epochs(self):
        rows = rows_of(CURVE)
        assert selection.ended_early(rows, 5, 2) and not selection.ended_early(rows, 1, 2)


def finished(curve=CURVE, patience=None, name="m", **changes):
    rows = rows_of(curve)
    held = {"share": 0.1, "patience": patience, "groups": 3, "data": "x"}
    stage = {"name": "train", "epochs": len(curve) + (3 if patience else 0)}
    facts = dict(
        schema=record.SCHEMA, status="done", method=name, origin="o", options={"width": 1}, given={},
        recipe={"stages": [stage]}, dataset="faces", dataset_origin="o", dataset_options={},
        classes=["a", "b"], fold=1, seed=0, config_id=f"id{name}", data="f", top2=20, curve=rows,
        videos={"train": 90, "validation": 10, "test": 20}, validation=held, confusion=rows[-1].confusion,
    )  # fmt: skip
    return record.Record(**(facts | changes))


def without(name="plain", **changes):
    curve = [row(i, right, None) for i, (right, _) in enumerate(CURVE)]
    return finished(name=name, curve=CURVE, validation=None, videos={"train": 100, "test": 20}).model_copy(
        update={"curve": curve, **changes}
    )


class TestRecord:
    def test_what_is_written_is_read(self, tmp_path):
        path = record.write(finished(), tmp_path)
        one = record.read(path)
        assert one.curve is None and (one.val.epoch, one.best_on_test.epoch) == (2, 1)
        assert one.counts("val").correct == 14 and one.val.validation == [[4, 1], [1, 4]]
        assert set(one.metrics) == {"last", "best-on-test", "val"}
        assert record.read_whole(path).picked("val:uar")[0] == 2
        with pytest.raises(ConfigError, match="needs the curve"):
            one.counts("val:uar")

    def test_without_validation_nothing_is_written_of_it(self, tmp_path):
        """So that a release that knows nothing of it reads the record."""
        path = record.write(without(), tmp_path)
        stated = json.loads(path.read_text())
        assert not {"validation", "val"} & set(stated) and set(stated["metrics"]) == {"last", "best-on-test"}
        assert "validation" not in (tmp_path / "curve.json").read_text()
        with pytest.raises(ConfigError, match="held no validation videos out"):
            record.read(path).counts("val")

    def test_a_stage_that_ended_early_is_that_of_its_patience(self, tmp_path):
        path = record.write(finished(patience=2), tmp_path)
        assert record.read_whole(path).epochs == 5
        for patience in (1, 4, None):
            other = finished(
                patience=2, validation={"share": 0.1, "patience": patience, "groups": 0, "data": ""}
            )
            record.write(other, tmp_path)
            with pytest.raises(ConfigError, match="not those of the recipe"):
                record.read_whole(path)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"val": None}, "does not state the best epoch"),
            ({"validation": None}, "not how they were held out"),
            ({"videos": {"train": 90, "test": 20}}, "no number of the validation videos"),
            ({"videos": {"train": 90, "test": 20, "validation": 11}}, "counts 10 videos"),
            ({"validation": {"share": 0.9, "groups": 0, "data": ""}}, "less than or equal to 0.5"),
            ({"val.validation": [[5, 0]]}, "val.validation: its matrix is not 2 x 2"),
            ({"val.confusion": [[10, 0], [0, 10]]}, "cannot have this result"),
            ({"val.epoch": 1}, "two results of epoch 2"),
            ({"val.epoch": 5}, "epoch 6 of 5"),
            ({"metrics.val": {"war": 95.0}}, "states WAR 95"),
            ({"val.validation_top2": 3}, "3 videos whose class is among the two highest"),
        ],
    )
    def test_a_record_that_contradicts_itself(self, tmp_path, change, words):
        path = record.write(finished(), tmp_path)
        stated = json.loads(path.read_text())
        for name, value in change.items():
            *above, last = name.split(".")
            place = stated
            for one in above:
                place = place[one]
            place[last] = value
        path.write_text(json.dumps(stated))
        with pytest.raises(record.BadRecord, match=re.escape(words)):
            record.read(path)

    def test_a_curve_of_other_validation_results(self, tmp_path):
        path = record.write(finished(), tmp_path)
        better = rows_of([*CURVE[:1], (CURVE[1][0], (5, 5)), *CURVE[2:]])
        stated = json.loads(path.read_text())
        from dferbench.experiment import curve

        stated["curve_sha256"] = curve.write(better, tmp_path)
        path.write_text(json.dumps(stated))
        with pytest.raises(ConfigError, match="epoch 2 of it is the best by validation"):
            record.read_whole(path)


@pytest.fixture
def study(tmp_path):
    """Two runs with validation, two without, and one without epochs."""
    other = [((6, 6), (1, 1)), ((7, 9), (2, 2)), ((7, 6), (5, 5)), ((8, 8), (4, 4)), ((5, 5), (4, 5))]
    for name, one in {
        "a": finished(), "b": finished(other, seed=1), "c": without(), "d": without(seed=1),
        "e": without("zero", curve=[], recipe={}, config_id="zero"),
    }.items():  # fmt: skip
        record.write(one, tmp_path / "runs" / name)
    return tmp_path


class TestReports:
    def shown(self, in_process, *words):
        done = in_process("leaderboard", "--json", "--metrics", "uar,war", *words, check=0)
        return {one["method"]: one for one in json.loads(done.stdout)["rows"]}, done.stderr

    def test_the_leaderboard_under_val(self, in_process, study):
        rows, told = self.shown(in_process, "--select", "val")
        assert "2 runs without validation videos" in told
        assert set(rows) == {"m", "zero"} and rows["zero"]["war"]["mean"] == 40
        assert rows["m"]["war"]["mean"] == pytest.approx((100 * 14 / 20 + 100 * 13 / 20) / 2)
        assert rows["m"]["optimism"]["war"] == pytest.approx(((18 - 14) / 20 + (16 - 13) / 20) / 2 * 100)
        plain, told = self.shown(in_process)
        assert set(plain) == {"m", "plain", "zero"} and not told and plain["plain"]["optimism"] == {}
        assert plain["m"]["setting"] == "validation=0.1"

    def test_another_metric_reads_the_curves(self, in_process, study):
        assert self.shown(in_process, "--select", "val:uar")[0]["m"]["war"]["runs"] == 2
        (study / "runs" / "a" / "curve.json").unlink()
        rows, told = self.shown(in_process, "--select", "val:uar")
        assert rows["m"]["war"]["runs"] == 1 and "curve.json is gone" in told

    def test_the_column_of_optimism(self, in_process, study):
        text = in_process("leaderboard", "--optimism", "--select", "val", check=0).stdout
        assert re.search(r" m .*\+17\.50 / \+17\.50", text) and "runs left are of their last epoch" in text
        assert "optimism" not in in_process("leaderboard", check=0).stdout
        table = in_process("leaderboard", "--optimism", "--format", "csv", check=0).stdout.splitlines()
        assert "WAR optimism" in table[0] and any(",17.5," in line for line in table[1:])

    def test_the_table_has_both(self, study):
        from test_tables import FOLDS, SUITE, Key, measured, said

        from dferbench.report import plain
        from dferbench.report.leaderboard import load
        from dferbench.report.table import make_sheet

        keys = {"faces": {n: Key("m", {}, "faces", f"id{m}", (), FOLDS) for n, m in ((1, "m"), (2, "plain"))}}
        sheet = make_sheet(SUITE, load(study / "runs")[0], keys, ["last", "val", "optimism"])
        assert measured(sheet, 1, "val").numbers["war"].score.mean == pytest.approx(67.5)
        assert measured(sheet, 1, "optimism").numbers["war"].score.mean == pytest.approx(17.5)
        assert measured(sheet, 1, "optimism").numbers["war"].rank == 0
        assert measured(sheet, 2, "val") is None and measured(sheet, 2).runs == 2
        head = next(block for block in sheet.blocks if block.kind == "optimism")
        assert "minus that at the best on validation" in said(sheet, head.caveats)
        json.loads(plain.as_json(sheet))

    def test_compare_tells_that_one_held_out(self, in_process, study):
        done = in_process("compare", "runs/a", "runs/c", "--json", check=0)
        fields = {one["field"] for one in json.loads(done.stdout)["differences"]}
        assert {"validation.share", "videos.validation", "videos.train"} <= fields
        assert (
            "held no validation videos out"
            in in_process("compare", "runs/a", "runs/c", "--select", "val").stderr
        )


class Stops(Progress):
    """A user who interrupts a run at a line that it says."""

    def __init__(self, at):
        self.at = at

    def say(self, text):
        if text.startswith(self.at):
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def trained(toy_root, tmp_path_factory):
    """A run with validation as it ends, another one that was interrupted on the way, and one without."""
    place = tmp_path_factory.mktemp("trained")

    def go(name, progress=None, **more):
        request = {"workers": 0, "device": "cpu", "sets": {"stage.epochs": "9"}, "root": toy_root, **more}
        plan = make_plan(Request("toy-net", "toy", output=place / name, **request), CATALOG)
        (one,) = run(plan, CATALOG, progress or Progress())
        return one, plan.folder(1, 0)

    held = {"validation": 0.2, "patience": 2}
    whole = go("whole", **held)
    with pytest.raises(KeyboardInterrupt):
        go("stopped", Stops("train 2/"), **held)
    return {
        "whole": whole,
        "stopped": go("stopped", **held),
        "plain": go("plain", sets={"stage.epochs": "1"}),
    }


@pytest.mark.slow
class TestRun:
    def test_nothing_of_the_test_part_is_touched(self, trained):
        (one, folder), (plain, other) = trained["whole"], trained["plain"]
        assert one.status == "done" and one.data == plain.data and one.config_id != plain.config_id
        assert one.videos == {"train": 15, "validation": 3, "test": 9} and plain.videos["train"] == 18
        tests = [set(np.load(place / "predictions.npz")["id"]) for place in (folder, other)]
        held = np.load(folder / "validation.npz")
        assert tests[0] == tests[1] and not tests[0] & set(held["id"]) and len(held["id"]) == 3
        assert not (other / "validation.npz").exists()

    def test_every_row_counts_the_validation_videos_and_the_last_is_what_was_predicted(self, trained):
        one, folder = trained["whole"]
        assert record.read_whole(folder / "record.json") == one
        assert all(np.sum(epoch.validation) == 3 for epoch in one.curve)
        saved, matrix = np.load(folder / "validation.npz"), np.zeros((3, 3), int)
        np.add.at(matrix, (saved["label"], saved["logits"].argmax(1)), 1)
        assert matrix.tolist() == one.curve[-1].validation
        assert one.val is None or one.val.epoch < len(one.curve)
        assert one.validation.groups == 0 and one.validation.share == 0.2

    def test_it_ends_where_its_patience_does(self, trained):
        one, _ = trained["whole"]
        best = selection.pick("val", one.curve)
        assert len(one.curve) == best + 3 < 9

    def test_interrupted_and_resumed_it_gives_the_same_bits(self, trained):
        (one, folder), (again, other) = trained["whole"], trained["stopped"]
        for name in ("predictions.npz", "validation.npz", "checkpoint.safetensors"):
            assert (folder / name).read_bytes() == (other / name).read_bytes(), name
        told = [[epoch.model_dump(exclude={"seconds"}) for epoch in r.curve] for r in (one, again)]
        assert told[0] == told[1]

    def test_trackers_are_told(self, trained):
        lines = [json.loads(line) for line in (trained["whole"][1] / "events.jsonl").read_text().splitlines()]
        epochs = [line for line in lines if line["event"] == "epoch_done"]
        assert all({"uar", "war"} <= set(line["validation_metrics"]) for line in epochs)
        other = (trained["plain"][1] / "events.jsonl").read_text()
        assert "validation" not in other


PAGE = (ROOT / "docs" / "selection.md").read_text()


def test_the_page_on_selection_has_every_rule():
    assert list(selection.RULES) == re.findall(r"^\| `([\w-]+)` \|", PAGE, re.MULTILINE)


@pytest.mark.parametrize("command", re.findall(r"^dferbench (.+)", PAGE, re.MULTILINE))
def test_the_commands_of_the_page_work(in_process, study, command):
    """What trains is stopped by a device that is not there, after everything else was understood."""
    words = shlex.split(command)
    if words[0] in ("run", "bench", "tune"):
        assert "no device" in in_process(*words, "--device", "cuda:99", check=3).stderr
    else:
        assert "selection: val" in in_process(*words, check=0).stdout


def test_the_suite_of_the_page_is_one(tmp_path):
    head = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)[1]
    (tmp_path / "suite.toml").write_text(head + '[[rows]]\nlabel = "a"\nmethod = "toy-net"\n')
    suite = read_suite(tmp_path / "suite.toml")
    assert (suite.validation, suite.patience) == (0.1, 10)
