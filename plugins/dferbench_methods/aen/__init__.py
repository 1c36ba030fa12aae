"""AEN (Lee et al., CVPR Workshops 2023): a still-image model guides, sentiment comes before emotion."""

from dferbench_methods.aen.method import register_methods

__all__ = ["register_methods"]
