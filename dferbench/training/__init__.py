"""From a plan to a trained model: batches, the training loop, optimizers, schedules, resuming, scoring."""
