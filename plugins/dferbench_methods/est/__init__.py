"""EST (Liu et al., Pattern Recognition 2023): a transformer over snippets that learns their order as well."""

from dferbench_methods.est.method import register_methods

__all__ = ["register_methods"]
