"""ResNet18-LSTM and ResNet18-ViT: a 2D ResNet per frame, a recurrent net or a transformer over all."""

from dferbench_methods.resnet_temporal.method import register_methods

__all__ = ["register_methods"]
