"""DPCNet (Wang et al., ACM MM 2022): two views of four frames each, excited twice and made to agree."""

from dferbench_methods.dpcnet.method import register_methods

__all__ = ["register_methods"]
