"""The contract suite: every registered method keeps it, and a method that breaks a rule is caught by it."""

import pytest
import torch
from conftest import TOY
from torch import nn
from torch.nn import functional as F

from dferbench import Input, Method, Recipe, Stage
from dferbench.models import Classifier
from dferbench.registry.catalog import Entry, discover
from dferbench.testing import assert_contract, check_method

CATALOG = discover([TOY])


@pytest.mark.parametrize("name", sorted(CATALOG.entries["methods"]))
def test_every_registered_method_keeps_the_contract(name):
    assert_contract(name, CATALOG)


class Good(Classifier):
    """Keeps every rule; each breaker below changes one thing."""

    def __init__(self, task, parts, classes: int = 0):
        super().__init__()
        self.body = nn.Linear(3, 4)
        self.head = nn.Linear(4, classes or len(task.classes))
        self.frozen = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return self.head(self.body(x.mean((1, 3, 4))).relu()) * self.frozen


class WrongShape(Good):
    def __init__(self, task, parts):
        super().__init__(task, parts, classes=7)


class NotFinite(Good):
    def forward(self, x):
        return super().forward(x) / 0


class SqueezesOne(Good):
    def forward(self, x):
        return super().forward(x).squeeze()


class LooksAround(Good):
    def forward(self, x):
        logits = super().forward(x)
        return logits - 5 * logits.mean(0)


class Random(Good):
    def forward(self, x):
        return super().forward(x) + torch.rand(())


class Learns(Good):
    def encode(self, video):
        return self.body(video.mean((1, 3, 4)))

    def forward(self, x):
        return self.head(x.relu())


class VectorTerm(Good):
    def loss(self, batch):
        return {"ce": F.cross_entropy(self(batch.x), batch.label, reduction="none")}


class NoTerms(Good):
    def loss(self, batch):
        return F.cross_entropy(self(batch.x), batch.label)


class Unused(Good):
    def __init__(self, task, parts):
        super().__init__(task, parts)
        self.body.extra = nn.Parameter(torch.ones(2))


class Climbs(Good):
    def loss(self, batch):
        with torch.no_grad():
            self.frozen += 1
        return {"ce": F.cross_entropy(self(batch.x), batch.label) * self.frozen.detach() ** 4}


class Hides(Good):
    def __init__(self, task, parts):
        super().__init__(task, parts)
        self.hidden = torch.rand(())

    def forward(self, x):
        return super().forward(x) * self.hidden


class Moves(Good):
    def loss(self, batch):
        with torch.no_grad():
            self.frozen *= 0.99
        return super().loss(batch)


class Contrasts(Good):
    """Draws logits apart within what it is given of a batch, and not within the batch."""

    def loss(self, batch):
        logits = self(batch.x)
        return {"ce": F.cross_entropy(logits, batch.label), "apart": -self.spread(batch, logits)}

    def spread(self, batch, logits):
        return logits.std(0).mean()


class ContrastsAll(Contrasts):
    def spread(self, batch, logits):
        return super().spread(batch, batch.across(logits))


class Mixes(Contrasts):
    """Draws a weight for the batch; each share draws its own."""

    def spread(self, batch, logits):
        return torch.distributions.Beta(1.0, 1.0).sample() * F.cross_entropy(logits, batch.label)


class MixesTogether(Mixes):
    def spread(self, batch, logits):
        with batch.together():
            return super().spread(batch, logits)


class Sometimes(Contrasts):
    """Shows some shares to the others, and not the rest."""

    def spread(self, batch, logits):
        return (batch.across(logits) if len(logits) > 2 else logits).std(0).mean()


SHARES = "the loss of a batch is the weighted mean of the losses of its shares, or uses `Batch.across`"


@pytest.mark.parametrize("build", [Good, ContrastsAll, MixesTogether])
def test_a_loss_of_shares_that_add_up(build):
    assert outcomes(build)[SHARES].ok, outcomes(build)[SHARES].reason


def outcomes(build, patterns=(r"body\..*", r"head\..*")):
    stage = Stage(dict.fromkeys(patterns, 0.1), epochs=1, batch=4)
    catalog = discover()
    method = Method("m", build, Recipe(Input(frames=4, size=8), (stage,)))
    catalog.add("methods", Entry("m", method, "a test"))
    return {o.rule: o for o in check_method("m", catalog)}


def test_the_good_one_is_good():
    assert all(o.ok for o in outcomes(Good).values())


@pytest.mark.parametrize(
    ("build", "rule"),
    [
        (WrongShape, "forward gives finite logits (B, C) for 3, 7 and 11 classes"),
        (NotFinite, "forward gives finite logits (B, C) for 3, 7 and 11 classes"),
        (SqueezesOne, "a batch of one works"),
        (LooksAround, "a prediction does not depend on its neighbours in the batch"),
        (Random, "the same video gives the same logits twice"),
        (Learns, "encode holds nothing that learns, in any stage"),
        (VectorTerm, "loss gives named finite scalars"),
        (NoTerms, "loss gives named finite scalars"),
        (Unused, "every parameter that a stage trains receives a gradient"),
        (Climbs, "within forty steps the recipe's optimizer lowers the loss of one batch"),
        (Hides, "the state dict of one model makes another predict the same"),
        (Contrasts, SHARES),
        (Mixes, SHARES),
        (Sometimes, SHARES),
        (Moves, "a training step changes nothing that no pattern names"),
    ],
)
def test_who_breaks_a_rule_is_caught_by_it(build, rule):
    assert not outcomes(build)[rule].ok


def test_a_pattern_without_match_is_caught():
    rule = "every pattern of every stage names a parameter, and its optimizer and schedule exist"
    broken = outcomes(Good, (r"bdoy\..*",))[rule]
    assert not broken.ok and "bdoy" in broken.reason


def test_a_recipe_that_is_no_data_is_caught():
    stage = Stage({r"head\..*": torch.tensor(0.1)}, epochs=1)
    catalog = discover()
    catalog.add("methods", Entry("m", Method("m", Good, Recipe(Input(4, 8), (stage,))), "a test"))
    assert not {o.rule: o for o in check_method("m", catalog)}["recipes are plain data that survive JSON"].ok


@pytest.mark.slow
def test_the_command_says_which_rule(cli, tmp_path):
    cli("--plugin", TOY, "check", "toy-net", check=0)
    bad = TOY.read_text().replace(
        "return self.head(self.body(x.transpose(1, 2)).flatten(1))",
        "return self.head(self.body(x.transpose(1, 2)).flatten(1)).squeeze()",
    )
    (tmp_path / "bad.py").write_text(bad)
    done = cli("--plugin", tmp_path / "bad.py", "check", "toy-net", check=3)
    assert "BAD method/toy-net (" in done.stdout and ": a batch of one works" in done.stdout
    assert done.stderr.splitlines()[0].startswith("error:")
