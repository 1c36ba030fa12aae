"""T-ESFL (Liu et al., ACM MM 2022), of video alone: the snippet transformer that the MAFW paper trains."""

from dferbench_methods.t_esfl.method import register_methods

__all__ = ["register_methods"]
