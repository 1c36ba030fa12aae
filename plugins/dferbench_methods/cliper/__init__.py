"""CLIPER (Li et al., ICME 2024) on videos: CLIP with several learned text descriptors for each expression."""

from dferbench_methods.cliper.method import register_methods

__all__ = ["register_methods"]
