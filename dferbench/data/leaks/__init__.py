"""Leaks: test videos of which the training part has a copy, or another part of the same source."""
