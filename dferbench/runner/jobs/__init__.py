"""Several runs at a time on one machine: a parent deals the runs of a command to its jobs, processes with a
device and a share of the cores each."""
