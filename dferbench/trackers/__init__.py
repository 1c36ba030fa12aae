"""Trackers: observers of a run that keep its progress where people look for it."""
