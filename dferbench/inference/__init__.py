"""Predicting videos that belong to no dataset, whole or window by window."""
