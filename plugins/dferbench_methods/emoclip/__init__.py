"""EmoCLIP (Foteinopoulou and Patras, FG 2024): a transformer over CLIP features, taught to meet texts."""

from dferbench_methods.emoclip.method import register_methods

__all__ = ["register_methods"]
