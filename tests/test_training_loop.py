"""What a training loop waits for: the device now and then, and the disk not at all."""

import os
import signal
import threading
import time

import numpy as np
import pytest
import torch
from conftest import TOY

from dferbench.data.ahead import ahead, one_ahead
from dferbench.data.dataset import Loaded
from dferbench.errors import DataError, DferbenchError
from dferbench.experiment import record
from dferbench.training import resume
from dferbench.training.losses import Losses
from dferbench.training.pace import Pace
from dferbench.training.saving import StateWriter

NEVER = 10**6


class TestLosses:
    def test_the_means_have_every_bit_of_a_sum_on_the_host_at_any_pace(self):
        """Terms of several types, one of which comes now and then, in batches of two sizes."""
        draw = torch.Generator().manual_seed(0)
        steps = [
            {"ce": torch.rand((), generator=draw), "kl": torch.rand((), generator=draw, dtype=torch.float64)}
            | ({"half": torch.rand((), generator=draw).bfloat16()} if step % 3 == 0 else {})
            for step in range(50)
        ]
        sizes = [7 if step % 10 == 9 else 32 for step in range(50)]
        totals = {"ce": 0.0, "kl": 0.0, "half": 0.0}
        for terms, size in zip(steps, sizes, strict=True):
            for name, term in terms.items():
                totals[name] += float(term) * size
        for pace in (1, 7, 20, NEVER):
            losses = Losses("here", Pace(pace, NEVER))
            for terms, size in zip(steps, sizes, strict=True):
                losses.add(terms, size)
            assert losses.means() == {name: total / sum(sizes) for name, total in totals.items()}

    @pytest.mark.parametrize(("bad", "pace", "found"), [(0, 1, 0), (3, 5, 4), (5, 5, 9), (11, 5, 12)])
    def test_the_first_that_is_not_finite_is_told_with_its_step_within_the_window(self, bad, pace, found):
        """Of 13 steps: where every step after a bad one is bad too, as in a training that diverged."""
        losses, told = Losses("epoch 2 of stage 'train'", Pace(pace, NEVER)), None
        for step in range(13):
            try:
                value = float("nan") if step > bad else float("inf") if step == bad else 1.0
                losses.add({"ce": torch.tensor(1.0), "kl": torch.tensor(value)}, 4)
                if step == 12:
                    losses.read()
            except DferbenchError as error:
                told = step, str(error)
                break
        assert told == (found, f"the loss term 'kl' became inf in step {bad + 1} of epoch 2 of stage 'train'")

    def test_what_is_shown_is_the_mean_of_the_last_window(self):
        losses = Losses("here", Pace(2, NEVER))
        losses.add({"a": torch.tensor(1.0)}, 1)
        assert losses.facts == {}
        losses.add({"a": torch.tensor(3.0), "b": torch.tensor(2.0)}, 3)
        assert losses.facts == {"loss": (1 + 15) / 4}
        losses.add({"a": torch.tensor(5.0)}, 2)
        losses.read()
        assert losses.facts == {"loss": 5.0}

    def test_long_steps_are_read_at_once(self):
        losses = Losses("here", Pace(NEVER, 0))
        losses.add({"a": torch.tensor(2.0)}, 1)
        assert losses.facts == {"loss": 2.0}

    def test_a_graph_is_not_kept(self):
        losses, weight = Losses("here", Pace(NEVER, NEVER)), torch.ones(1000, requires_grad=True)
        term = (weight * 2).sum()
        graph = term.grad_fn
        losses.add({"a": term}, 1)
        term.backward()
        assert graph is not None and all(not step.values.requires_grad for step in losses._unread)


class TestAhead:
    """Each item is begun before the one before it is handed out, and nothing else changes."""

    @staticmethod
    def logged(items, log):
        def start(item):
            log.append(f"start {item}")
            return lambda: log.append(f"end {item}") or item

        return one_ahead(items, start)

    @pytest.mark.parametrize("count", [0, 1, 2, 5])
    def test_order(self, count):
        log = []
        for item in self.logged(range(count), log):
            log.append(f"work {item}")
        begun = [log.index(f"start {i}") for i in range(count)]
        worked = [log.index(f"work {i}") for i in range(count)]
        assert worked == sorted(worked) and [log.index(f"end {i}") for i in range(count)] == [
            place - 1 for place in worked
        ]
        assert all(begun[i + 1] < worked[i] for i in range(count - 1))
        assert all(begun[i + 2] > worked[i] for i in range(count - 2)), "one ahead, not more"

    def test_what_fails_is_told_after_what_came_before_it(self):
        def items():
            yield from "ab"
            raise DataError("a reader died")

        log, seen = [], []
        with pytest.raises(DataError, match="a reader died"):
            for item in self.logged(items(), log):
                seen.append(item)
        assert seen == ["a", "b"] and log[-1] == "end b"

    def test_a_stop_is_heeded_at_once(self):
        def items():
            yield "a"
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            next(self.logged(items(), []))

    def test_whoever_leaves_early_leaves_the_rest_unread(self):
        read = []

        def items():
            try:
                for i in range(9):
                    read.append(i)
                    yield i
            finally:
                read.append("closed")

        source = items()
        for item in self.logged(source, []):
            if item == 1:
                break
        source.close()
        assert read == [0, 1, 2, "closed"]

    def test_on_a_cpu_nothing_is_read_ahead_or_copied(self):
        read = []

        def items():
            for i in range(3):
                read.append(i)
                yield Loaded(torch.full((1, 2), i, dtype=torch.uint8), torch.tensor([i]))

        for place, loaded in enumerate(ahead(items(), torch.device("cpu"))):
            assert read == list(range(place + 1)) and int(loaded.frames[0, 0]) == place

    @pytest.mark.gpu
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
    def test_on_a_gpu_each_batch_arrives_whole_whatever_the_device_is_at(self):
        device = torch.device("cuda")
        sent = [torch.randint(0, 256, (8, 4, 224, 224, 3), dtype=torch.uint8) for _ in range(12)]
        batches = (Loaded(frames.pin_memory(), torch.arange(8)) for frames in sent)
        sums, load = [], torch.rand(4096, 4096, device=device)
        for loaded in ahead(batches, device):
            assert loaded.frames.is_cuda
            load = (load @ load).clamp(0, 1)  # so that the copies overlap with work
            sums.append(loaded.frames.long().sum())
        assert torch.stack(sums).tolist() == [int(frames.long().sum()) for frames in sent]


def state(epochs):
    return resume.State(0, epochs, {"weight": torch.full((4,), float(epochs))}, {}, [], [])


class Slow:
    """Writes a state when it is let, and keeps which ones it began and wrote."""

    def __init__(self, folder):
        self.folder, self.may = folder, threading.Semaphore(0)
        self.begun, self.written, self.threads = [], [], []

    def __call__(self, one):
        self.begun.append(one.epochs)
        self.threads.append(threading.current_thread())
        self.may.acquire()
        path = self.folder / f"{one.epochs}.pt"
        path.write_bytes(b"state")
        self.written.append(one.epochs)
        return path


def until(true):
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.002)


class TestSaving:
    def test_five_epochs_pass_while_the_first_state_is_written_and_the_latest_comes_next(self, tmp_path):
        slow, told = Slow(tmp_path), []
        with StateWriter(slow, told.append) as writer:
            for epoch in range(1, 6):
                writer.offer(state(epoch))
                writer.look()
            until(lambda: slow.begun)
            assert (slow.begun, slow.written, told) == ([1], [], [])
            slow.may.release()
            until(lambda: slow.written)
            until(lambda: writer.look() or told)
            until(lambda: len(slow.begun) == 2)
            assert slow.begun == [1, 5] and told == [tmp_path / "1.pt"]
            slow.may.release()
        assert slow.written == [1, 5] and told == [tmp_path / "1.pt", tmp_path / "5.pt"]
        assert threading.main_thread() not in slow.threads

    def test_the_end_waits_for_what_is_written_and_for_what_waits(self, tmp_path):
        slow, told = Slow(tmp_path), []
        threading.Timer(0.1, slow.may.release, [2]).start()
        with StateWriter(slow, told.append) as writer:
            writer.offer(state(1))
            writer.offer(state(2))
        assert slow.written == [1, 2] and [path.name for path in told] == ["1.pt", "2.pt"]

    @pytest.mark.parametrize("error", [KeyboardInterrupt, DferbenchError, ZeroDivisionError])
    def test_whatever_ends_a_run_its_last_state_is_written(self, tmp_path, error):
        slow, told = Slow(tmp_path), []
        slow.may.release(2)
        with pytest.raises(error), StateWriter(slow, told.append, minutes=60) as writer:
            writer.offer(state(1))
            writer.offer(state(2))
            raise error("stopped")
        assert slow.written == [1, 2] and told[-1].name == "2.pt"

    def test_a_stop_while_the_end_waits_does_not_end_the_writing(self, tmp_path):
        slow = Slow(tmp_path)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job is deaf to it
        threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGINT]).start()
        threading.Timer(0.5, slow.may.release).start()
        with pytest.raises(KeyboardInterrupt), StateWriter(slow, lambda path: None) as writer:
            writer.offer(state(1))
        assert slow.written == [1]

    def test_between_two_states_lie_so_many_minutes_and_the_end_takes_the_last(self, tmp_path):
        slow, told = Slow(tmp_path), []
        slow.may.release(9)
        with StateWriter(slow, told.append, minutes=0.5 / 60) as writer:
            started = time.monotonic()
            writer.offer(state(1))
            while time.monotonic() - started < 0.3:
                writer.offer(state(2))
            if time.monotonic() - started < 0.45:  # this machine was not asleep
                assert slow.begun == [1]
            writer.offer(state(3))
            until(lambda: writer.look() or len(slow.begun) == 2)
            assert time.monotonic() - started >= 0.5
            writer.offer(state(4))
        assert slow.written == [1, 3, 4] and len(told) == 3

    def test_what_cannot_be_written_is_raised_at_the_next_look_or_at_the_end(self, tmp_path):
        folder = tmp_path / "file"
        folder.write_text("no folder")

        def write(one):
            return resume.save(one, folder / "run", {})

        with pytest.raises(DferbenchError, match="cannot write"), StateWriter(write, print) as writer:
            writer.offer(state(1))
            until(lambda: writer.look())
        with pytest.raises(DferbenchError, match="cannot write"), StateWriter(write, print) as writer:
            writer.offer(state(1))
        with pytest.raises(ZeroDivisionError), StateWriter(write, print) as writer:
            writer.offer(state(1))
            raise ZeroDivisionError

    def test_a_copy_keeps_what_training_changes(self):
        weight = torch.nn.Parameter(torch.ones(3))
        optimizer = torch.optim.Adam([weight], lr=0.1)
        weight.sum().backward()
        optimizer.step()
        before = resume.copied({"weight": weight, **optimizer.state_dict()})
        expected = [weight.detach().clone(), optimizer.state[weight]["exp_avg"].clone()]
        optimizer.step()
        assert torch.equal(before["weight"], expected[0]) and not torch.equal(weight, expected[0])
        assert torch.equal(before["state"][0]["exp_avg"], expected[1])
        assert not before["weight"].requires_grad and before["param_groups"][0]["betas"] == (0.9, 0.999)


HEAVY = """
from torch import nn
from dferbench import Input, Method, Recipe, Stage, hookimpl
from dferbench.models import Classifier


class Heavy(Classifier):
    '''A state of 32 MB that takes longer to write than an epoch takes.'''

    def __init__(self, task, parts, limit: int = 0):
        super().__init__()
        self.head = nn.Linear(3, len(task.classes))
        self.register_buffer("ballast", nn.Parameter(self.head.weight.new_ones(8_000_000)).detach())

    def forward(self, x):
        return self.head(x.mean((1, 3, 4)))


@hookimpl
def register_methods(register):
    stage = Stage({".*": 0.05}, epochs=40, batch=6, optimizer="adam", schedule="cosine")
    register(Method("heavy", Heavy, Recipe(Input(frames=2, size=12), (stage,))))
"""


@pytest.fixture
def heavy(toy_root, tmp_path):
    """The words of a run that trains it, with its output."""
    (tmp_path / "heavy.py").write_text(HEAVY)

    def words(output, *more):
        return [
            "--plugin", TOY, "--plugin", tmp_path / "heavy.py", "run", "-m", "heavy", "-d", "toy",
            "--root", toy_root, "-o", tmp_path / output, "--device", "cpu", "-j", "0", *more,
        ]  # fmt: skip

    return words


def unfinished(folder):
    return list(folder.rglob(".state.pt.*.unfinished"))


@pytest.mark.heavy
def test_killed_while_a_state_is_written_a_run_resumes_to_the_same_bits(cli, start_cli, heavy, tmp_path):
    cli(*heavy("whole"), check=0)
    killed = tmp_path / "killed"
    hits = 0
    for _ in range(3):
        with start_cli(*heavy("killed")) as process:
            while process.poll() is None and not (list(killed.rglob("state.pt")) and unfinished(killed)):
                time.sleep(0.001)
            process.kill()
        hits += bool(unfinished(killed))
    assert hits, "no kill came while a file was written"
    last = cli(*heavy("killed"), check=0)
    assert "resumed after" in last.stderr and not unfinished(killed)
    whole, again = (next((tmp_path / d).rglob("predictions.npz")).read_bytes() for d in ("whole", "killed"))
    assert whole == again
    ours, theirs = (record.read_whole(next(record.find(tmp_path / d))) for d in ("whole", "killed"))
    assert [row.terms for row in ours.curve] == [row.terms for row in theirs.curve]


@pytest.mark.slow
def test_an_epoch_does_not_wait_for_its_state_and_a_stop_keeps_the_last(cli, start_cli, heavy, tmp_path):
    """With an hour between two states only the first is written before the end; SIGTERM loses none."""
    with start_cli(*heavy("runs", "--save-every", "60")) as process:
        for line in process.stderr:
            if line.startswith("train 12/40: ce"):
                process.send_signal(signal.SIGTERM)
                break
        errors = process.stderr.read()
        assert process.wait() == 75, errors
    (path,) = (tmp_path / "runs").rglob("events.jsonl")
    told = [line.split('"event": "')[1].split('"')[0] for line in path.read_text().splitlines()]
    done = told.count("epoch_done")
    assert told.count("checkpoint_saved") == 2 and done >= 11  # the line is said a little earlier
    again = cli(*heavy("runs"), check=0)
    assert any(f"resumed after {n} epochs" in again.stderr for n in (done - 1, done)), again.stderr


@pytest.mark.parametrize("minutes", ["-1", "nan", "often"])
def test_minutes_that_are_none_are_refused(in_process, toy_root, tmp_path, minutes):
    words = ["--plugin", TOY, "run", "-m", "toy-net", "-d", "toy", "--root", toy_root]
    done = in_process(*words, "--save-every", minutes)
    assert done.returncode in (2, 3) and "save-every" in done.stderr and not (tmp_path / "runs").exists()


def test_how_often_the_state_is_written_is_in_no_configuration(toy_run, tmp_path):
    found = [toy_run(output=tmp_path / str(m), save_every=m) for m in (0.0, 60.0)]
    assert found[0][1].config_id == found[1][1].config_id
    logits = [np.load(plan.folder(1, 0) / "predictions.npz")["logits"] for _, plan in found]
    assert np.array_equal(*logits)
