"""NR-DFERNet (Li et al., 2022): what changes between frames next to what they show, and a veto on neutral."""

from dferbench_methods.nr_dfernet.method import register_methods

__all__ = ["register_methods"]
