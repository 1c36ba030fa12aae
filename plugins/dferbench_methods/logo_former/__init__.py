"""LOGO-Former (Ma, Sun and Li, ICASSP 2023), reconstructed: attention in windows and to their summaries."""

from dferbench_methods.logo_former.method import register_methods

__all__ = ["register_methods"]
