"""Test videos made worse on purpose: what is done to pixels and to the order of frames, and how strongly."""
