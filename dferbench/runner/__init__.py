"""Running what was planned: checks before the first batch, the runs of a study, testing checkpoints."""
