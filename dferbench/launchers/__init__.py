"""Launchers of the host: how the runs of a study get onto the machines of a cluster or a lab."""
