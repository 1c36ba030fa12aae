"""What tests ask about a stage: its optimizer over a model, and the learning rate of each of its steps."""

from dferbench.registry.catalog import discover
from dferbench.training import optimizers, schedules

CATALOG = discover()


def make_optimizer(model, stage):
    return optimizers.make_optimizer(model, stage, CATALOG)


def learning_rates(stage, steps=1, full=None):
    """Of every optimizer step, `steps` per epoch, for a group of learning rate `full`, or the first."""
    full = next(iter(stage.train.values())) if full is None else full
    lr = schedules.make_schedule(stage, steps, CATALOG)
    return [lr(full, step // steps, step) for step in range(stage.epochs * steps)]
