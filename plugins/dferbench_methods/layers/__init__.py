"""Layers, losses and file readers that several methods share."""
