"""Packs: the videos of a dataset in one file, for training that opens few files and decodes no video."""
