"""EC-STFL (Jiang et al., ACM MM 2020): a loss that draws the features of one expression together."""

from dferbench_methods.ec_stfl.method import register_methods

__all__ = ["register_methods"]
