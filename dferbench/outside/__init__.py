"""Predictions of other programs: read, held against a dataset, kept as records. No torch."""
