"""DFER-CLIP (Zhao and Patras, BMVC 2023): CLIP's frame features, a temporal transformer, and learned context
before descriptions of what each expression looks like."""

from dferbench_methods.dfer_clip.method import register_methods

__all__ = ["register_methods"]
