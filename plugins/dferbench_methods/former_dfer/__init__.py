"""Former-DFER (Zhao and Liu, ACM MM 2021): a transformer inside a ResNet-18, and one over its frames."""

from dferbench_methods.former_dfer.method import register_methods

__all__ = ["register_methods"]
