"""The convolutional baselines of DFER-CLIP's Table 5: C3D, P3D, I3D-RGB, 3D ResNet18 and R(2+1)D18."""

from dferbench_methods.conv3d.method import register_methods

__all__ = ["register_methods"]
