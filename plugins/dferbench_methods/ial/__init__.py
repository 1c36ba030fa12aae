"""GCA+IAL (Li et al., AAAI 2023): attention over whole maps, and a loss for weak expressions."""

from dferbench_methods.ial.method import register_methods

__all__ = ["register_methods"]
